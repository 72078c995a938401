/* What a workflow that goes on as a new run hands over to it: its hooks with what they were sent, and its wishes. */
#include "chain_test.h"

#include "support/checked_file.h"

static cleat_status create_hook(rig *at, const cleat__uuid *run, int invocation, const char *token)
{
    cleat__durable_request request = {.kind = CLEAT__DURABLE_CREATE_HOOK};
    request.as.create_hook.token = cleat_slice_of(token);
    return ask_durable(at, run, invocation, &request);
}

/* `*run`: who has it. */
static cleat_status resume(rig *at, const char *token, const char *payload, cleat__uuid *run)
{
    cleat__command command = {.tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_RESUME_HOOK};
    command.as.resume_hook.token = cleat_slice_of(token);
    command.as.resume_hook.payload = cleat_slice_of(payload);
    command.as.resume_hook.run_id = run;
    return ask(at, &command);
}

/* What the next payload of the hook is, as await() says it. */
static const char *next_payload(rig *at, const cleat__uuid *run, int invocation, const char *token)
{
    int64_t node;
    const cleat__condition condition = hook_of(token);
    assert_int_equal(wait_for(at, run, invocation, &condition, 1, &node), CLEAT_OK);
    return await(at, run, invocation, true, &node, 1);
}

static void check_file(void)
{
    const char *wrong = checked_file(FILE_NAME);
    if (wrong != NULL) {
        fail_msg("%s", wrong);
    }
}

static void restart(rig *at)
{
    crash(at);
    open_core(at);
    join(at);
}

/* Nothing that was acknowledged is lost, whenever it came. */
static void test_a_hook_is_the_next_ones(void **state)
{
    rig *at = *state;
    cleat__uuid run = trigger(at, "flow:flow", "{}", 0), has;
    assert_int_equal(create_hook(at, &run, 1, "t"), CLEAT_OK);
    assert_int_equal(resume(at, "t", "1", &has), CLEAT_OK);
    cleat__uuid next = begin_next(at, &run, 1, "{}");
    assert_int_equal(resume(at, "t", "2", &has), CLEAT_OK);
    assert_true(cleat__uuid_equals(&has, &run));
    end_as(at, &run, 1, &next);
    check_file();
    assert_int_equal(resume(at, "t", "3", &has), CLEAT_OK);
    assert_true(cleat__uuid_equals(&has, &next));
    assert_int_equal(create_hook(at, &next, 1, "t"), CLEAT_OK);
    assert_string_equal(next_payload(at, &next, 1, "t"), "OK 1:{\"CREATE\":{\"hook\":[1]}}");
    assert_string_equal(next_payload(at, &next, 1, "t"), "OK 2:{\"CREATE\":{\"hook\":[2]}}");
    assert_string_equal(next_payload(at, &next, 1, "t"), "OK 3:{\"CREATE\":{\"hook\":[3]}}");
    assert_int_equal(end_run(at, &next, 1, CLEAT_OK, "1"), CLEAT_OK);
    check_file();
}

/* The next one need not have been handed out, nor have asked for it. */
static void test_a_hook_over_restarts_and_links(void **state)
{
    rig *at = *state;
    cleat__uuid run = trigger(at, "flow:flow", "{}", 0), has;
    assert_int_equal(create_hook(at, &run, 1, "t"), CLEAT_OK);
    cleat__uuid next = begin_next(at, &run, 1, "{}");
    restart(at);
    check_file();
    assert_int_equal(resume(at, "t", "1", &has), CLEAT_OK);
    assert_true(cleat__uuid_equals(&has, &run));
    end_as(at, &run, 2, &next);
    cleat__uuid last = go_on(at, &next, 1, "{}");
    restart(at);
    check_file();
    assert_int_equal(create_hook(at, &last, 2, "t"), CLEAT_OK);
    assert_string_equal(next_payload(at, &last, 2, "t"), "OK 1:{\"CREATE\":{\"hook\":[1]}}");
    assert_int_equal(end_run(at, &last, 2, CLEAT_OK, "1"), CLEAT_OK);
    check_file();
    assert_int_equal(resume(at, "t", "2", &has), CLEAT_FAILED_PRECONDITION);
}

/* A hook is nobody's when the chain has ended in another way. */
static void test_a_hook_of_a_chain_that_was_cancelled(void **state)
{
    rig *at = *state;
    cleat__uuid run = trigger(at, "flow:flow", "{}", 0), has;
    assert_int_equal(create_hook(at, &run, 1, "t"), CLEAT_OK);
    (void)begin_next(at, &run, 1, "{}");
    assert_int_equal(cancel(at, &run), CLEAT_OK);
    assert_int_equal(resume(at, "t", "1", &has), CLEAT_FAILED_PRECONDITION);
    check_file();
}

static cleat__uuid join_zone(rig *at, const char *zone)
{
    cleat__uuid id;
    const cleat_slice action = cleat_slice_of("flow:flow");
    const cleat__slots offered = {cleat_slice_of("durable"), 10};
    const cleat__label label = {.key = cleat_slice_of("zone"), .value.text = cleat_slice_of(zone)};
    const cleat__worker_spec spec = {.actions = &action,
                                     .action_count = 1,
                                     .slots = &offered,
                                     .slot_count = 1,
                                     .labels = &label,
                                     .label_count = 1};
    cleat__command command = {.tenant = CLEAT__TENANT_DEFAULT,
                              .kind = CLEAT__COMMAND_WORKER_JOIN,
                              .as.worker_join = {&spec, {&at->ears, hear_assign, hear_cancel}, &id, NULL}};
    assert_int_equal(ask(at, &command), CLEAT_OK);
    return id;
}

/* Of a task with rules and of one without. */
static void test_a_wish_is_that_of_the_whole_chain(void **state)
{
    rig *at = *state;
    crash(at);
    open_core(at);
    for (int i = 0; i < 2; i++) {
        const cleat__concurrency rule = rule_of("'all'", 1, CLEAT_CANCEL_NEWEST);
        const cleat__desired_label south = {
            .key = cleat_slice_of("zone"), .value.text = cleat_slice_of("south"), .is_required = true};
        cleat__trigger item = {.workflow = cleat_slice_of("flow"),
                               .input = cleat_slice_of("{}"),
                               .child_index = -1,
                               .labels = &south,
                               .label_count = 1};
        cleat__uuid run;
        cleat__command command = {
            .tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_TRIGGER, .as.trigger = {&item, 1, &run}};
        declare_ruled(at, &rule, (size_t)i);
        cleat__uuid worker = join_zone(at, "south");
        assert_int_equal(ask(at, &command), CLEAT_OK);
        join_zone(at, "north");
        cleat__uuid next = begin_next(at, &run, 1, "{}");
        tell_worker(at, CLEAT__COMMAND_WORKER_PAUSE, &worker);
        end_as(at, &run, 1, &next);
        assert_string_equal(state_of(at, &next), "QUEUED");
        crash(at);
        open_core(at);
        join_zone(at, "north");
        assert_string_equal(state_of(at, &next), "QUEUED");
        join_zone(at, "south");
        assert_string_equal(state_of(at, &next), "RUNNING");
        assert_int_equal(end_run(at, &next, 1, CLEAT_OK, "1"), CLEAT_OK);
        check_file();
        crash(at);
        open_core(at);
    }
}

static cleat_status cancel_by(rig *at, const cleat__uuid *id, bool follows)
{
    cleat__command command = {
        .tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_CANCEL, .follows = follows, .as.id = *id};
    return ask(at, &command);
}

/* Who is named by the id of its first run, and not chosen by what that is like. */
static void test_a_chain_is_cancelled_by_its_first_run(void **state)
{
    rig *at = *state;
    cleat__uuid run = trigger(at, "flow:flow", "{}", 0);
    cleat__uuid second = go_on(at, &run, 1, "{}"), third = go_on(at, &second, 1, "{}");
    assert_int_equal(cancel_by(at, &run, false), CLEAT_FAILED_PRECONDITION);
    assert_string_equal(state_of(at, &third), "RUNNING");
    assert_int_equal(cancel_by(at, &run, true), CLEAT_OK);
    assert_string_equal(state_of(at, &third), "CANCELLED");
    assert_int_equal(cancel_by(at, &run, true), CLEAT_FAILED_PRECONDITION);
    check_file();
}

static void declare_once(rig *at, cleat_idempotency_method method)
{
    const cleat__idempotency once = {
        .expression = cleat_slice_of("input.k"), .ttl_ms = 60000, .method = method};
    cleat__workflow flow = workflow_of("flow:flow", &durable_policy);
    task_of(&flow)->is_durable = true;
    flow.idempotency = &once;
    assert_int_equal(put_workflow(at, CLEAT__TENANT_DEFAULT, &flow, NULL), CLEAT_OK);
}

/* Not a child's, though it is of its kind: that would be started twice for the same thing. */
static void test_an_idempotency_key_is_the_next_ones(void **state)
{
    rig *at = *state;
    cleat__uuid child;
    declare_once(at, CLEAT_IDEMPOTENCY_TTL);
    cleat__uuid run = trigger(at, "flow:flow", "{\"k\":\"x\"}", 0);
    assert_int_equal(ask_flow(at, &run, 1, "{\"k\":\"x\"}", "mine", &child), CLEAT_ALREADY_EXISTS);
    assert_int_equal(ask_flow(at, &run, 1, "{\"k\":\"y\"}", "mine", &child), CLEAT_OK);
    cleat__uuid next = go_on(at, &run, 1, "{\"k\":\"x\"}");
    assert_string_equal(state_of(at, &next), "RUNNING");
    assert_int_equal(ask_flow(at, &next, 1, "{\"k\":\"x\"}", "mine", &child), CLEAT_ALREADY_EXISTS);
    check_file();
}

/* The new run, or the one that has its key. */
static cleat_status start_once(rig *at, cleat__uuid *id)
{
    cleat__uuid refused;
    const cleat__trigger item = {
        .workflow = cleat_slice_of("flow"), .input = cleat_slice_of("{\"k\":\"x\"}"), .child_index = -1};
    cleat__command command = {.tenant = CLEAT__TENANT_DEFAULT,
                              .kind = CLEAT__COMMAND_TRIGGER,
                              .refused = &refused,
                              .as.trigger = {&item, 1, id}};
    return ask(at, &command);
}

/* The next one was told that it is not to be: the key is that of the run, which lives still, until that ends. */
static void test_a_next_one_that_is_cancelled_gives_the_key_back(void **state)
{
    rig *at = *state;
    cleat__uuid run, has;
    declare_once(at, CLEAT_IDEMPOTENCY_STATUS);
    assert_int_equal(start_once(at, &run), CLEAT_OK);
    cleat__uuid next = begin_next(at, &run, 1, "{\"k\":\"x\"}");
    assert_int_equal(start_once(at, &has), CLEAT_ALREADY_EXISTS);
    assert_true(cleat__uuid_equals(&has, &next));
    assert_int_equal(cancel(at, &next), CLEAT_OK);
    assert_int_equal(start_once(at, &has), CLEAT_ALREADY_EXISTS);
    assert_true(cleat__uuid_equals(&has, &run));
    assert_int_equal(cancel(at, &run), CLEAT_OK);
    assert_int_equal(start_once(at, &has), CLEAT_OK);
    check_file();
}

static int open_flow(void **state)
{
    int failed = open_fixture(state);
    declare_ruled(*state, NULL, 0);
    join(*state);
    return failed;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_flow, close_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_hook_is_the_next_ones),
        TEST(test_a_hook_over_restarts_and_links),
        TEST(test_a_hook_of_a_chain_that_was_cancelled),
        TEST(test_an_idempotency_key_is_the_next_ones),
        TEST(test_a_next_one_that_is_cancelled_gives_the_key_back),
        TEST(test_a_wish_is_that_of_the_whole_chain),
        TEST(test_a_chain_is_cancelled_by_its_first_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
