/* Runs that go on as new ones: who waits for the first has the end of the last. */
#include "durable_test.h"

#include "model/continued.h"

/* One of the workflow's own kind; answers the id of it. */
static cleat__uuid spawn_flow(rig *at, const cleat__uuid *run, int invocation)
{
    cleat__uuid id;
    cleat__node node;
    cleat__trigger item = {
        .workflow = cleat_slice_of("flow"), .input = cleat_slice_of("{}"), .child_index = -1};
    cleat__durable_request request = {.kind = CLEAT__DURABLE_TRIGGER};
    request.as.trigger.items = &item;
    request.as.trigger.count = 1;
    request.as.trigger.ids = &id;
    request.as.trigger.nodes = &node;
    assert_int_equal(ask_durable(at, run, invocation, &request), CLEAT_OK);
    return id;
}

/* A run that waits for a child, whose only node is 1. */
static cleat__uuid start_parent(rig *at, cleat__uuid *child)
{
    declare(at);
    join_both(at, 100, 100);
    cleat__uuid parent = trigger(at, "flow:flow", "{}", 0);
    *child = spawn_flow(at, &parent, 1);
    assert_int_equal(evict(at, &parent, 1, 1), CLEAT_OK);
    at->ears.count = 0;
    return parent;
}

static void end_as(rig *at, const cleat__uuid *run, int invocation, const cleat__uuid *next)
{
    char output[CLEAT__CONTINUED_SIZE];
    cleat__continued_format(next, output);
    assert_int_equal(end_run(at, run, invocation, CLEAT_OK, output), CLEAT_OK);
}

static cleat__uuid go_on(rig *at, const cleat__uuid *run, int invocation)
{
    cleat__uuid next = spawn_flow(at, run, invocation);
    end_as(at, run, invocation, &next);
    return next;
}

/* What the second invocation of the parent learns of its child. */
static const char *outcome(rig *at, const cleat__uuid *parent)
{
    int64_t node = 1;
    (void)spawn_flow(at, parent, 2);
    return await(at, parent, 2, true, &node, 1);
}

static void test_the_last_run_of_a_chain_ends_the_wait(void **state)
{
    rig *at = *state;
    cleat__uuid run, parent = start_parent(at, &run);
    for (int i = 0; i < 3; i++) {
        run = go_on(at, &run, 1);
        assert_string_equal(state_of(at, &parent), "EVICTED");
    }
    assert_int_equal(end_run(at, &run, 1, CLEAT_OK, "\"last\""), CLEAT_OK);
    assert_string_equal(outcome(at, &parent), "OK 1:\"last\"");
}

static void test_the_last_run_may_fail(void **state)
{
    rig *at = *state;
    cleat__uuid run, parent = start_parent(at, &run);
    run = go_on(at, &run, 1);
    assert_int_equal(end_run(at, &run, 1, CLEAT_NON_RETRYABLE, "no luck"), CLEAT_OK);
    assert_string_equal(outcome(at, &parent), "OK 1:failed no luck");
}

static void test_the_last_run_may_be_cancelled(void **state)
{
    rig *at = *state;
    cleat__uuid run, parent = start_parent(at, &run);
    run = go_on(at, &run, 1);
    assert_int_equal(cancel(at, &run), CLEAT_OK);
    assert_string_equal(outcome(at, &parent), "OK 1:cancelled task was cancelled");
}

/* What has started the next one has crashed before it could say that it goes on as that. */
static void test_a_chain_may_be_ahead_of_its_first_run(void **state)
{
    rig *at = *state;
    cleat__uuid run, parent = start_parent(at, &run);
    cleat__uuid second = spawn_flow(at, &run, 1);
    cleat__uuid third = go_on(at, &second, 1);
    assert_int_equal(end_run(at, &third, 1, CLEAT_OK, "3"), CLEAT_OK);
    assert_string_equal(state_of(at, &parent), "EVICTED");
    end_as(at, &run, 1, &second);
    assert_string_equal(outcome(at, &parent), "OK 1:3");
}

static void test_a_chain_survives_a_restart(void **state)
{
    rig *at = *state;
    cleat__uuid run, parent = start_parent(at, &run);
    run = go_on(at, &run, 1);
    cleat__uuid last = spawn_flow(at, &run, 1);
    end_as(at, &run, 1, &last);
    crash(at);
    open_core(at);
    join_both(at, 100, 100);
    assert_string_equal(state_of(at, &parent), "EVICTED");
    assert_int_equal(end_run(at, &last, 2, CLEAT_OK, "4"), CLEAT_OK);
    assert_string_equal(outcome(at, &parent), "OK 1:4");
}

/* The parent had ended meanwhile, so that nothing has stood for its node. */
static void test_a_replay_finds_the_last_run(void **state)
{
    rig *at = *state;
    int64_t node = 1;
    declare(at);
    join_both(at, 100, 100);
    cleat__uuid parents[2], children[2], last;
    for (int i = 0; i < 2; i++) {
        parents[i] = trigger(at, "flow:flow", "{}", 0);
        children[i] = spawn_flow(at, &parents[i], 1);
        assert_int_equal(end_run(at, &parents[i], 1, CLEAT_OK, "0"), CLEAT_OK);
        last = go_on(at, &children[i], 1);
        if (i == 0) {
            assert_int_equal(end_run(at, &last, 1, CLEAT_OK, "5"), CLEAT_OK);
        }
        cleat__command command = {
            .tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_REPLAY, .as.id = parents[i]};
        assert_int_equal(ask(at, &command), CLEAT_OK);
    }
    assert_string_equal(outcome(at, &parents[0]), "OK 1:5");
    assert_string_equal(outcome(at, &parents[1]), "SUSPENDED 0:-");
    assert_int_equal(end_run(at, &last, 1, CLEAT_OK, "6"), CLEAT_OK);
    assert_string_equal(await(at, &parents[1], 2, true, &node, 1), "OK 1:6");
}

/* An output of that form that names another run is an output as any; also one that names whoever waits. */
static void test_an_output_that_looks_like_it(void **state)
{
    rig *at = *state;
    char expected[CLEAT__CONTINUED_SIZE + 16], output[CLEAT__CONTINUED_SIZE];
    cleat__uuid child, parent = start_parent(at, &child);
    end_as(at, &child, 1, &parent);
    cleat__continued_format(&parent, output);
    snprintf(expected, sizeof(expected), "OK 1:%s", output);
    assert_string_equal(outcome(at, &parent), expected);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_last_run_of_a_chain_ends_the_wait),
        TEST(test_the_last_run_may_fail),
        TEST(test_the_last_run_may_be_cancelled),
        TEST(test_a_chain_may_be_ahead_of_its_first_run),
        TEST(test_a_chain_survives_a_restart),
        TEST(test_a_replay_finds_the_last_run),
        TEST(test_an_output_that_looks_like_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
