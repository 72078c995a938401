/* However much there is to be told: a step tells a piece of it, and a listener that has no room is waited for. */
#include "durable_test.h"

#include "engine/durable_pace.h"

enum { CHILDREN = 20, SIZE = 200000 };

typedef struct stream {
    cleat__durable_listener listener;
    int64_t nodes[100]; /* that it was told of */
    int count, refused, ended;
    bool is_full;
} stream;

static void hear_completed(void *self, const cleat__uuid *run_id, int32_t invocation,
                           const cleat__node_end *end)
{
    stream *it = self;
    (void)run_id, (void)invocation;
    assert_in_range(it->count, 0, 99);
    it->nodes[it->count++] = end->node.number;
}

static void hear_evicted(void *self, const cleat__uuid *run_id, int32_t invocation, const char *reason)
{
    (void)self, (void)run_id, (void)invocation, (void)reason;
}

static bool has_room(void *self)
{
    stream *it = self;
    it->refused += it->is_full;
    return !it->is_full;
}

static void spawn_all(rig *at, const cleat__uuid *run, int invocation, stream *by, cleat__uuid *ids)
{
    cleat__node nodes[CHILDREN];
    cleat__trigger items[CHILDREN];
    for (int i = 0; i < CHILDREN; i++) {
        items[i] = (cleat__trigger){.workflow = cleat_slice_of("ship"), .child_index = -1};
    }
    cleat__durable_request request = {.kind = CLEAT__DURABLE_TRIGGER};
    request.as.trigger.items = items;
    request.as.trigger.count = CHILDREN;
    request.as.trigger.ids = ids;
    request.as.trigger.nodes = nodes;
    assert_int_equal(ask_with(at, run, invocation, &request, 1, by != NULL ? &by->listener : NULL, NULL),
                     CLEAT_OK);
}

/* A run with 4 MB of outputs of its children in the log, in its second invocation, which has asked for nothing. */
static cleat__uuid begin_large(rig *at, stream *by)
{
    cleat__uuid ids[CHILDREN];
    char *output = malloc(SIZE + 1);
    *by = (stream){.listener = {by, hear_completed, hear_evicted, has_room, NULL}};
    declare(at);
    join_both(at, 100, 100);
    cleat__uuid run = trigger(at, "flow:flow", "{}", 0);
    spawn_all(at, &run, 1, NULL, ids);
    snprintf(output, SIZE + 1, "\"%0*d\"", SIZE - 2, 0);
    for (int i = 0; i < CHILDREN; i++) {
        assert_int_equal(report(at, &ids[i], 0, CLEAT_OK, output), CLEAT_OK);
    }
    assert_int_equal(end_run(at, &run, 1, CLEAT_FAILED, "no luck"), CLEAT_OK);
    free(output);
    return run;
}

static cleat_status tell_engine(rig *at, cleat__command_kind kind, const stream *by)
{
    cleat__command command = {
        .tenant = CLEAT__TENANT_DEFAULT, .kind = kind, .as.durable_listener = &by->listener};
    return ask(at, &command);
}

static cleat_status say_waiting(rig *at, stream *by, const cleat__uuid *run, int64_t node, size_t times)
{
    cleat__durable_waiting *items = calloc(times, sizeof(*items));
    for (size_t i = 0; i < times; i++) {
        items[i] = (cleat__durable_waiting){*run, 2, {1, node}};
    }
    cleat__command command = {
        .tenant = CLEAT__TENANT_DEFAULT,
        .kind = CLEAT__COMMAND_DURABLE_STATUS,
        .as.durable_status = {.items = items, .count = times, .listener = &by->listener}};
    cleat_status status = ask(at, &command);
    free(items);
    return status;
}

/* Steps until there is nothing left to do at once. */
static int drain(rig *at, stream *by, int most)
{
    int steps = 0;
    while (cleat__core_next_ms(at->core) == at->now.monotonic_ms) {
        int before = by->count;
        step(at, NULL, 0);
        assert_in_range(by->count - before, 0, most);
        assert_in_range(++steps, 1, 100);
    }
    return steps;
}

static void assert_in_order(const stream *by)
{
    assert_int_equal(by->count, CHILDREN);
    for (int i = 0; i < CHILDREN; i++) {
        assert_int_equal(by->nodes[i], i + 1);
    }
}

static void test_a_replay_is_told_in_pieces(void **state)
{
    rig *at = *state;
    stream by;
    cleat__uuid run = begin_large(at, &by), ids[CHILDREN];
    const int most = CLEAT__TOLD_BYTES_MAX / SIZE + 1;
    spawn_all(at, &run, 2, &by, ids);
    assert_in_range(by.count, 1, most);
    assert_in_range(drain(at, &by, most), 2, 10);
    assert_in_order(&by);
}

static void test_who_has_no_room_is_waited_for(void **state)
{
    rig *at = *state;
    stream by;
    cleat__uuid run = begin_large(at, &by), ids[CHILDREN];
    by.is_full = true;
    spawn_all(at, &run, 2, &by, ids);
    drain(at, &by, 0);
    assert_int_equal(by.refused, 1); /* and is not asked again and again */
    assert_int_equal(tell_engine(at, CLEAT__COMMAND_DURABLE_GO_ON, &by), CLEAT_OK);
    drain(at, &by, 0);
    assert_int_equal(by.refused, 2);
    by.is_full = false;
    assert_int_equal(tell_engine(at, CLEAT__COMMAND_DURABLE_GO_ON, &by), CLEAT_OK);
    drain(at, &by, CHILDREN);
    assert_in_order(&by);
    assert_int_equal(tell_engine(at, CLEAT__COMMAND_DURABLE_GO_ON, &by), CLEAT_OK);
    drain(at, &by, 0);
}

/* It is not kept for longer than is due to what holds up others. */
static void test_who_waits_for_its_turn_does_not_hold_up(void **state)
{
    rig *at = *state;
    stream by;
    cleat__uuid run = begin_large(at, &by), ids[CHILDREN];
    by.is_full = true;
    spawn_all(at, &run, 2, &by, ids);
    at->now.monotonic_ms += 59000;
    assert_int_equal(say_waiting(at, &by, &run, 1, 1), CLEAT_OK);
    assert_string_equal(memo(at, &run, 2, "a", "1"), "21 new");
    assert_int_equal(by.count, 0);
}

static void test_who_goes_while_it_waits_is_forgotten(void **state)
{
    rig *at = *state;
    stream by;
    cleat__uuid run = begin_large(at, &by), ids[CHILDREN];
    by.is_full = true;
    spawn_all(at, &run, 2, &by, ids);
    assert_int_equal(tell_engine(at, CLEAT__COMMAND_DURABLE_DETACH, &by), CLEAT_OK);
    by.is_full = false;
    assert_int_equal(tell_engine(at, CLEAT__COMMAND_DURABLE_GO_ON, &by), CLEAT_OK);
    drain(at, &by, 0);
    assert_int_equal(by.count, 0);
    /* An invocation that ends behind what was told first, too. */
    assert_int_equal(say_waiting(at, &by, &run, 1, 1), CLEAT_OK);
    by.is_full = true;
    drain(at, &by, 0);
    assert_int_equal(end_run(at, &run, 2, CLEAT_OK, "1"), CLEAT_OK);
    by.is_full = false;
    by.count = 0;
    assert_int_equal(tell_engine(at, CLEAT__COMMAND_DURABLE_GO_ON, &by), CLEAT_OK);
    drain(at, &by, 0);
}

static void hear_ended(void *self, const cleat__uuid *run_id)
{
    (void)run_id;
    ((stream *)self)->ended++;
}

/* Whoever keeps something for it hears of each end of an invocation once, its own and others. */
static void test_whoever_cares_hears_of_ends(void **state)
{
    rig *at = *state;
    stream by;
    cleat__uuid run = begin_large(at, &by), ids[CHILDREN];
    by.listener.ended = hear_ended;
    spawn_all(at, &run, 2, &by, ids);
    assert_int_equal(by.ended, 0);
    assert_int_equal(end_run(at, &run, 2, CLEAT_FAILED, "no luck"), CLEAT_OK);
    assert_int_equal(by.ended, 1);
    spawn_all(at, &run, 3, &by, ids);
    assert_int_equal(end_run(at, &run, 3, CLEAT_OK, "1"), CLEAT_OK);
    assert_int_equal(by.ended, 2);
    drain(at, &by, CHILDREN);
    assert_int_equal(by.ended, 2);
}

static void test_what_a_worker_says_is_no_multiplier(void **state)
{
    rig *at = *state;
    stream by;
    cleat__uuid run = begin_large(at, &by), ids[CHILDREN];
    spawn_all(at, &run, 2, &by, ids);
    drain(at, &by, CHILDREN);
    by.count = 0;
    assert_int_equal(say_waiting(at, &by, &run, 1, CLEAT__WAITING_MAX), CLEAT_OK);
    assert_in_range(by.count, 1, CLEAT__TOLD_BYTES_MAX / SIZE + 1);
    by.count = 0;
    assert_int_equal(say_waiting(at, &by, &run, 1, CLEAT__WAITING_MAX + 1), CLEAT_INVALID_ARGUMENT);
    drain(at, &by, 0);
}

static cleat__lateness look(rig *at, const cleat__uuid *run, const stream *by)
{
    cleat__command command = {.tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_DURABLE_STATUS};
    command.as.durable_status.listener = &by->listener;
    command.as.durable_status.run_id = run;
    assert_int_equal(ask(at, &command), CLEAT_OK);
    return command.as.durable_status.late;
}

static void test_who_asks_knows_whether_all_is_told(void **state)
{
    rig *at = *state;
    stream by, other = {.is_full = false};
    cleat__uuid run = begin_large(at, &by), ids[CHILDREN];
    by.is_full = true;
    assert_int_equal(look(at, &run, &by), CLEAT__LATE_NOT);
    spawn_all(at, &run, 2, &by, ids);
    assert_int_equal(look(at, &run, &by), CLEAT__LATE_PARKED);
    assert_int_equal(look(at, &run, &other), CLEAT__LATE_NOT);
    by.is_full = false;
    assert_int_equal(tell_engine(at, CLEAT__COMMAND_DURABLE_GO_ON, &by), CLEAT_OK);
    assert_int_equal(look(at, &run, &by), CLEAT__LATE_BEHIND);
    drain(at, &by, CHILDREN);
    assert_int_equal(look(at, &run, &by), CLEAT__LATE_NOT);
    assert_in_order(&by);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        TEST(test_a_replay_is_told_in_pieces),
        TEST(test_who_has_no_room_is_waited_for),
        TEST(test_who_waits_for_its_turn_does_not_hold_up),
        TEST(test_who_goes_while_it_waits_is_forgotten),
        TEST(test_whoever_cares_hears_of_ends),
        TEST(test_what_a_worker_says_is_no_multiplier),
        TEST(test_who_asks_knows_whether_all_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
