/* Who hears how nodes end: strictly in the order in which they were met, each when it was asked for. */
#include "durable_test.h"

/* A stream of a worker, and what it was told: "2:1={..} " (invocation, node, payload), "3:evicted ". */
typedef struct stream {
    cleat__durable_listener listener;
    char text[1024];
} stream;

static void hear_completed(void *self, const cleat__uuid *run_id, int32_t invocation,
                           const cleat__node_end *end)
{
    char *text = ((stream *)self)->text;
    (void)run_id;
    snprintf(text + strlen(text), sizeof(((stream *)self)->text) - strlen(text), "%d:%d=%s ", invocation,
             (int)end->node.number, end->is_failure ? end->error : end->payload);
}

static void hear_evicted(void *self, const cleat__uuid *run_id, int32_t invocation, const char *reason)
{
    char *text = ((stream *)self)->text;
    (void)run_id;
    assert_non_null(reason);
    snprintf(text + strlen(text), sizeof(((stream *)self)->text) - strlen(text), "%d:evicted ", invocation);
}

static void open_stream(stream *to)
{
    *to = (stream){.listener = {to, hear_completed, hear_evicted, NULL, NULL}};
}

static const char *told(stream *by)
{
    static char text[sizeof(by->text)];
    memcpy(text, by->text, sizeof(text));
    by->text[0] = '\0';
    return text;
}

typedef struct scene {
    rig *at;
    stream stream;
    cleat__uuid run;
    cleat__uuid children[4];
} scene;

static void open_scene(scene *it, rig *at)
{
    *it = (scene){.at = at};
    declare(at);
    join_both(at, 100, 100);
    open_stream(&it->stream);
    it->run = trigger(at, "flow:flow", "{}", 0);
    assert_invocation(at, 1);
}

/* The next child of the invocation. */
static void spawn_heard(scene *it, int invocation, size_t which)
{
    char input[16];
    cleat__node node;
    snprintf(input, sizeof(input), "{\"n\":%d}", (int)which);
    cleat__trigger item = {.workflow = cleat_slice_of("ship"), .input = cleat_slice_of(input)};
    cleat__durable_request request = {.kind = CLEAT__DURABLE_TRIGGER};
    request.as.trigger.items = &item;
    request.as.trigger.count = 1;
    request.as.trigger.ids = &it->children[which];
    request.as.trigger.nodes = &node;
    assert_int_equal(ask_with(it->at, &it->run, invocation, &request, 1, &it->stream.listener, NULL),
                     CLEAT_OK);
}

static void end_child(scene *it, size_t which, const char *output)
{
    assert_int_equal(report(it->at, &it->children[which], 0, CLEAT_OK, output), CLEAT_OK);
}

static cleat_status say_waiting(scene *it, stream *by, int invocation, const int64_t *nodes, size_t count)
{
    cleat__durable_waiting items[4];
    for (size_t i = 0; i < count; i++) {
        items[i] = (cleat__durable_waiting){it->run, invocation, {1, nodes[i]}};
    }
    cleat__command command = {
        .tenant = CLEAT__TENANT_DEFAULT,
        .kind = CLEAT__COMMAND_DURABLE_STATUS,
        .as.durable_status = {.items = items, .count = count, .listener = &by->listener}};
    return ask(it->at, &command);
}

static void detach(scene *it, stream *by)
{
    cleat__command command = {.tenant = CLEAT__TENANT_DEFAULT,
                              .kind = CLEAT__COMMAND_DURABLE_DETACH,
                              .as.durable_listener = &by->listener};
    assert_int_equal(ask(it->at, &command), CLEAT_OK);
}

static cleat_status evict_heard(scene *it, int invocation)
{
    cleat__durable_request request = {.kind = CLEAT__DURABLE_EVICT};
    return ask_with(it->at, &it->run, invocation, &request, 1, &it->stream.listener, NULL);
}

static void test_what_ends_is_told_once(void **state)
{
    scene it;
    open_scene(&it, *state);
    spawn_heard(&it, 1, 0);
    spawn_heard(&it, 1, 1);
    assert_string_equal(told(&it.stream), "");
    end_child(&it, 1, "11");
    assert_string_equal(told(&it.stream), "1:2=11 ");
    end_child(&it, 0, "10");
    assert_string_equal(told(&it.stream), "1:1=10 ");
    spawn_heard(&it, 1, 2);
    assert_string_equal(told(&it.stream), "");
}

static void test_a_replay_is_told_in_the_same_order(void **state)
{
    scene it;
    open_scene(&it, *state);
    for (size_t i = 0; i < 3; i++) {
        spawn_heard(&it, 1, i);
    }
    end_child(&it, 2, "12");
    end_child(&it, 0, "10");
    assert_string_equal(told(&it.stream), "1:3=12 1:1=10 ");
    end_run(it.at, &it.run, 1, CLEAT_FAILED, "no luck");
    spawn_heard(&it, 2, 0);
    assert_string_equal(told(&it.stream), ""); /* the third one's end comes first */
    spawn_heard(&it, 2, 1);
    assert_string_equal(told(&it.stream), "");
    end_child(&it, 1, "11");
    assert_string_equal(told(&it.stream), "");
    spawn_heard(&it, 2, 2);
    assert_string_equal(told(&it.stream), "2:3=12 2:1=10 2:2=11 ");
}

static void test_nodes_that_are_met_at_once_are_told_behind_the_answer(void **state)
{
    scene it;
    open_scene(&it, *state);
    cleat__condition over = sleep_of(0, "0s");
    cleat__durable_request request = {.kind = CLEAT__DURABLE_WAIT_FOR};
    request.as.wait_for.conditions = &over;
    request.as.wait_for.count = 1;
    cleat__command command = {.tenant = CLEAT__TENANT_DEFAULT,
                              .kind = CLEAT__COMMAND_DURABLE,
                              .as.durable = {.run_id = it.run,
                                             .invocation_count = 1,
                                             .requests = &request,
                                             .count = 1,
                                             .listener = &it.stream.listener}};
    cleat__core_apply(it.at->core, it.at->now, &command);
    cleat__core_run(it.at->core, it.at->now);
    cleat__core_commit(it.at->core);
    cleat__command_list answers = cleat__core_release(it.at->core);
    assert_ptr_equal(answers.head, &command);
    assert_string_equal(told(&it.stream), "");
    cleat__core_tell(it.at->core);
    assert_string_equal(told(&it.stream), "1:1={\"CREATE\":{\"0s\":[{\"sleep_duration\":\"0s\"}]}} ");
}

static void test_who_asks_gets_it_again(void **state)
{
    scene it;
    open_scene(&it, *state);
    const int64_t nodes[] = {1, 2};
    spawn_heard(&it, 1, 0);
    spawn_heard(&it, 1, 1);
    end_child(&it, 0, "10");
    told(&it.stream);
    say_waiting(&it, &it.stream, 1, nodes, 2);
    assert_string_equal(told(&it.stream), "1:1=10 ");
    say_waiting(&it, &it.stream, 1, nodes + 1, 1);
    assert_string_equal(told(&it.stream), "");
    /* A node that the log has not is not there yet. */
    const int64_t unknown = 9;
    assert_int_equal(say_waiting(&it, &it.stream, 1, &unknown, 1), CLEAT_OK);
    assert_string_equal(told(&it.stream), "");
}

static void test_stale_invocations_are_told_so(void **state)
{
    scene it;
    open_scene(&it, *state);
    const int64_t node = 1;
    say_waiting(&it, &it.stream, 2, &node, 1);
    assert_string_equal(told(&it.stream), "2:evicted ");
    end_run(it.at, &it.run, 1, CLEAT_OK, "1");
    say_waiting(&it, &it.stream, 1, &node, 1);
    assert_string_equal(told(&it.stream), "1:evicted ");
    it.run = (cleat__uuid){{1}};
    say_waiting(&it, &it.stream, 1, &node, 1);
    assert_string_equal(told(&it.stream), "1:evicted ");
}

static void test_an_invocation_that_is_ended_is_told(void **state)
{
    scene it;
    open_scene(&it, *state);
    spawn_heard(&it, 1, 0);
    advance(it.at, 60000); /* it takes too long */
    assert_string_equal(told(&it.stream), "1:evicted ");
    spawn_heard(&it, 2, 0);
    cancel(it.at, &it.run);
    assert_string_equal(told(&it.stream), "2:evicted ");
    end_child(&it, 0, "10");
    assert_string_equal(told(&it.stream), "");
    /* What the worker ends itself it knows. */
    it.run = trigger(it.at, "flow:flow", "{}", 0);
    spawn_heard(&it, 1, 1);
    assert_int_equal(evict_heard(&it, 1), CLEAT_OK);
    assert_string_equal(told(&it.stream), "");
    end_child(&it, 1, "11");
    assert_string_equal(told(&it.stream), "");
    spawn_heard(&it, 2, 1);
    assert_string_equal(told(&it.stream), "2:1=11 ");
    end_run(it.at, &it.run, 2, CLEAT_OK, "1");
    assert_string_equal(told(&it.stream), "");
}

static void test_another_stream_is_told_what_is_waited_for(void **state)
{
    scene it;
    stream second;
    const int64_t nodes[] = {2, 1}, node = 2;
    open_scene(&it, *state);
    open_stream(&second);
    spawn_heard(&it, 1, 0);
    spawn_heard(&it, 1, 1);
    end_child(&it, 0, "10");
    told(&it.stream);
    detach(&it, &it.stream);
    end_child(&it, 1, "11");
    assert_string_equal(told(&it.stream), "");
    /* The invocation has the first one's end: it would stand before all others. */
    say_waiting(&it, &second, 1, &node, 1);
    assert_string_equal(told(&second), "1:2=11 ");
    /* Without its end having been noticed, too; in the order in which they were met. */
    say_waiting(&it, &it.stream, 1, nodes, 2);
    assert_string_equal(told(&it.stream), "1:1=10 1:2=11 ");
    detach(&it, &it.stream);
    spawn_heard(&it, 1, 2);
    assert_string_equal(told(&it.stream), "");
    end_child(&it, 2, "12");
    assert_string_equal(told(&it.stream), "1:3=12 ");
    say_waiting(&it, &it.stream, 1, &node, 1);
    assert_string_equal(told(&it.stream), "1:2=11 ");
}

static void test_who_says_it_many_times_is_told_once(void **state)
{
    scene it;
    open_scene(&it, *state);
    const int64_t nodes[] = {2, 1, 2, 1};
    spawn_heard(&it, 1, 0);
    spawn_heard(&it, 1, 1);
    end_child(&it, 1, "11");
    end_child(&it, 0, "10");
    told(&it.stream);
    say_waiting(&it, &it.stream, 1, nodes, 4);
    assert_string_equal(told(&it.stream), "1:2=11 1:1=10 ");
}

static void test_a_stream_that_goes_is_not_told_what_was_on_its_way(void **state)
{
    scene it;
    open_scene(&it, *state);
    spawn_heard(&it, 1, 0);
    cleat__command commands[] = {
        {.tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_REPORT},
        {.tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_DURABLE_DETACH},
    };
    commands[0].as.report =
        (cleat__report){.task_id = it.children[0], .output = cleat_slice_of("10"), .status = CLEAT_OK};
    commands[1].as.durable_listener = &it.stream.listener;
    step(it.at, commands, 2);
    assert_string_equal(told(&it.stream), "");
}

static void test_what_was_told_on_its_way_to_an_eviction_restores(void **state)
{
    scene it;
    open_scene(&it, *state);
    const int64_t node = 2;
    spawn_heard(&it, 1, 0);
    spawn_heard(&it, 1, 1);
    it.at->ears.count = 0;
    end_child(&it, 0, "10"); /* the worker has given up just now */
    told(&it.stream);
    assert_int_equal(evict_heard(&it, 1), CLEAT_OK);
    assert_invocation(it.at, 2);
    spawn_heard(&it, 2, 0);
    spawn_heard(&it, 2, 1);
    assert_string_equal(told(&it.stream), "2:1=10 ");
    say_waiting(&it, &it.stream, 2, &node, 1); /* it has got that, and waits for the other one */
    assert_int_equal(evict_heard(&it, 2), CLEAT_OK);
    assert_invocation(it.at, 0);
    end_child(&it, 1, "11");
    assert_invocation(it.at, 3);
}

/* What the worker sends proves nothing about what is on its way to it. */
static void test_a_request_does_not_say_that_all_has_come(void **state)
{
    scene it;
    open_scene(&it, *state);
    spawn_heard(&it, 1, 0);
    it.at->ears.count = 0;
    end_child(&it, 0, "10");
    cleat__durable_request step = memo_of("step", "1");
    assert_int_equal(ask_with(it.at, &it.run, 1, &step, 1, &it.stream.listener, NULL), CLEAT_OK);
    assert_int_equal(evict_heard(&it, 1), CLEAT_OK);
    assert_invocation(it.at, 2);
}

/* Nor does that another stream is told nothing mean that the former one was heard. */
static void test_an_eviction_on_another_stream_restores(void **state)
{
    scene it;
    open_scene(&it, *state);
    spawn_heard(&it, 1, 0);
    it.at->ears.count = 0;
    end_child(&it, 0, "10");
    detach(&it, &it.stream);
    assert_int_equal(evict_heard(&it, 1), CLEAT_OK);
    assert_invocation(it.at, 2);
}

static void have_time(scene *it)
{
    int64_t timeout_at;
    cleat__command more = {.tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_REFRESH_TIMEOUT};
    more.as.refresh_timeout.id = it->run;
    more.as.refresh_timeout.increment_ms = 600000;
    more.as.refresh_timeout.timeout_at_ms = &timeout_at;
    assert_int_equal(ask(it->at, &more), CLEAT_OK);
}

static void test_a_replay_that_gets_on_may_take_long(void **state)
{
    scene it;
    open_scene(&it, *state);
    const int64_t node = 1;
    for (size_t i = 0; i < 4; i++) {
        spawn_heard(&it, 1, i);
    }
    for (size_t i = 1; i < 4; i++) {
        end_child(&it, i, "1");
    }
    end_run(it.at, &it.run, 1, CLEAT_FAILED, "no luck");
    told(&it.stream);
    it.at->ears.count = 0;
    spawn_heard(&it, 2, 0);
    have_time(&it);
    for (size_t i = 1; i < 3; i++) { /* one of two branches works between what it waits for */
        it.at->now.monotonic_ms += 40000;
        say_waiting(&it, &it.stream, 2, &node, 1);
        assert_string_equal(told(&it.stream), "");
        spawn_heard(&it, 2, i);
        assert_string_equal(told(&it.stream), i == 1 ? "2:2=1 " : "2:3=1 ");
    }
    it.at->now.monotonic_ms += 40000;
    say_waiting(&it, &it.stream, 2, &node, 1);
    assert_string_equal(told(&it.stream), "");
    /* That it says each second what it has been told is no progress. */
    const int64_t nodes[] = {1, 2};
    it.at->now.monotonic_ms += 20001;
    say_waiting(&it, &it.stream, 2, nodes, 2);
    assert_string_equal(told(&it.stream), "2:2=1 2:evicted ");
}

static void test_what_is_held_for_too_long_ends_the_invocation(void **state)
{
    scene it;
    open_scene(&it, *state);
    const int64_t node = 1;
    spawn_heard(&it, 1, 0);
    spawn_heard(&it, 1, 1);
    end_child(&it, 1, "11");
    end_child(&it, 0, "10");
    end_run(it.at, &it.run, 1, CLEAT_FAILED, "no luck");
    told(&it.stream);
    it.at->ears.count = 0;
    spawn_heard(&it, 2, 0);
    say_waiting(&it, &it.stream, 2, &node, 1);
    it.at->now.monotonic_ms += 59000;
    say_waiting(&it, &it.stream, 2, &node, 1);
    assert_string_equal(told(&it.stream), "");
    cleat__command more = {.tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_REFRESH_TIMEOUT};
    int64_t timeout_at;
    more.as.refresh_timeout.id = it.run;
    more.as.refresh_timeout.increment_ms = 60000;
    more.as.refresh_timeout.timeout_at_ms = &timeout_at;
    assert_int_equal(ask(it.at, &more), CLEAT_OK);
    it.at->now.monotonic_ms += 1001;
    say_waiting(&it, &it.stream, 2, &node, 1);
    assert_string_equal(told(&it.stream), "2:evicted ");
    assert_invocation(it.at, 3);
}

static void test_branches_are_told_their_own(void **state)
{
    scene it;
    open_scene(&it, *state);
    spawn_heard(&it, 1, 0);
    spawn_heard(&it, 1, 1);
    end_child(&it, 1, "11");
    end_child(&it, 0, "10");
    end_run(it.at, &it.run, 1, CLEAT_OK, "1");
    cleat__command fork = {.tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_DURABLE_BRANCH};
    int64_t branch = 0;
    fork.as.durable_branch.run_id = it.run;
    fork.as.durable_branch.branch = &branch;
    fork.as.durable_branch.node = (cleat__node){1, 2};
    assert_int_equal(ask(it.at, &fork), CLEAT_OK);
    told(&it.stream);
    spawn_heard(&it, 2, 0);
    assert_string_equal(told(&it.stream), "2:1=10 "); /* the other one's end is not in the way */
    spawn_heard(&it, 2, 1);
    end_child(&it, 1, "13");
    assert_string_equal(told(&it.stream), "2:2=13 ");
}

/* Nodes of the log that it comes to only now, it cannot have heard of: in a replay after the restart, too. */
static void test_what_it_comes_to_after_a_restart_is_told(void **state)
{
    scene it = {.at = *state};
    cleat__uuid worker = {{0}};
    const cleat__condition late = sleep_of(1000, "1s"), early = sleep_of(100, "100ms");
    int64_t nodes[2];
    open_stream(&it.stream);
    it.run = begin_elsewhere(it.at, &worker);
    wait_for(it.at, &it.run, 1, &late, 1, &nodes[0]);
    wait_for(it.at, &it.run, 1, &early, 1, &nodes[1]);
    advance(it.at, 100);
    advance(it.at, 900);
    assert_int_equal(end_run(it.at, &it.run, 1, CLEAT_FAILED, "no luck"), CLEAT_OK);
    assert_invocation(it.at, 2);
    wait_for(it.at, &it.run, 2, &late, 1, &nodes[0]);
    restart_elsewhere(it.at, &worker);
    cleat__durable_request next = {
        .kind = CLEAT__DURABLE_WAIT_FOR, .number = 2, .as.wait_for = {.conditions = &early, .count = 1}};
    assert_int_equal(ask_with(it.at, &it.run, 2, &next, 1, &it.stream.listener, NULL), CLEAT_OK);
    assert_int_equal(strncmp(told(&it.stream), "2:2=", 4), 0);
    assert_int_equal(say_waiting(&it, &it.stream, 2, nodes, 1), CLEAT_OK);
    assert_int_equal(strncmp(told(&it.stream), "2:1=", 4), 0);
    detach(&it, &it.stream);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        TEST(test_what_ends_is_told_once),
        TEST(test_a_replay_is_told_in_the_same_order),
        TEST(test_nodes_that_are_met_at_once_are_told_behind_the_answer),
        TEST(test_who_asks_gets_it_again),
        TEST(test_stale_invocations_are_told_so),
        TEST(test_an_invocation_that_is_ended_is_told),
        TEST(test_another_stream_is_told_what_is_waited_for),
        TEST(test_who_says_it_many_times_is_told_once),
        TEST(test_a_stream_that_goes_is_not_told_what_was_on_its_way),
        TEST(test_what_was_told_on_its_way_to_an_eviction_restores),
        TEST(test_a_request_does_not_say_that_all_has_come),
        TEST(test_an_eviction_on_another_stream_restores),
        TEST(test_a_replay_that_gets_on_may_take_long),
        TEST(test_what_is_held_for_too_long_ends_the_invocation),
        TEST(test_branches_are_told_their_own),
        TEST(test_what_it_comes_to_after_a_restart_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
