/* Another process commits to the file, between what the engine reads and what it writes. */
#include "durable_test.h"

#include "store/tenant.h"

static cleat__uuid start(rig *at)
{
    declare(at);
    join_both(at, 100, 100);
    cleat__uuid run = trigger(at, "flow:flow", "{}", 0);
    assert_invocation(at, 1);
    return run;
}

/* As `cleat tenant create` does. */
static void commit_beside(uint8_t number)
{
    cleat__store *store = NULL;
    cleat__tenant tenant = {.uuid = {{9, number}}, .created_at_ms = 1};
    snprintf(tenant.name, sizeof(tenant.name), "t%d", number);
    assert_int_equal(cleat__store_open(FILE_NAME, CLEAT__STORE_SHARE, &store), CLEAT_OK);
    assert_int_equal(cleat__store_begin(store), CLEAT_OK);
    assert_int_equal(cleat__tenant_insert(store, &tenant), CLEAT_OK);
    assert_int_equal(cleat__store_commit(store), CLEAT_OK);
    cleat__store_close(store);
}

static void hear_end(void *self, const cleat__uuid *run_id, int32_t invocation, const cleat__node_end *end)
{
    (void)run_id;
    (void)invocation;
    (void)end;
    ++*(int *)self;
}

static void hear_evicted(void *self, const cleat__uuid *run_id, int32_t invocation, const char *reason)
{
    (void)self;
    (void)run_id;
    (void)invocation;
    (void)reason;
}

static void test_a_worker_status(void **state)
{
    rig *at = *state;
    cleat__uuid run = start(at), child;
    int64_t nodes[2];
    int told = 0;
    spawn(at, &run, 1, "{}", &child, &nodes[0]);
    sleep_for(at, &run, 1, 3600000, "1h", &nodes[1]);
    report(at, &child, 0, CLEAT_OK, "1");
    const cleat__durable_listener listener = {&told, hear_end, hear_evicted, NULL, NULL};
    cleat__durable_waiting items[] = {{run, 1, {1, nodes[0]}}, {run, 1, {1, nodes[1]}}};
    cleat__command command = {.tenant = CLEAT__TENANT_DEFAULT,
                              .kind = CLEAT__COMMAND_DURABLE_STATUS,
                              .as.durable_status = {.items = items, .count = 2, .listener = &listener}};
    for (uint8_t i = 1; i <= 2; i++) {
        assert_int_equal(ask(at, &command), CLEAT_OK);
        assert_int_equal(told, i);
        commit_beside(i);
        trigger(at, "ship:ship", "{}", 0);
    }
    command = (cleat__command){.tenant = CLEAT__TENANT_DEFAULT,
                               .kind = CLEAT__COMMAND_DURABLE_DETACH,
                               .as.durable_listener = &listener};
    assert_int_equal(ask(at, &command), CLEAT_OK);
}

static void test_what_is_asked_and_changes_nothing(void **state)
{
    rig *at = *state;
    cleat__uuid run = start(at);
    int64_t node;
    memo(at, &run, 1, "a", "1");
    sleep_for(at, &run, 1, 3600000, "1h", &node);
    assert_string_equal(await(at, &run, 1, true, &node, 1), "SUSPENDED 0:-");
    commit_beside(1);
    end_run(at, &run, 1, CLEAT_FAILED, "no luck");
    assert_string_equal(memo(at, &run, 2, "a", NULL), "1 old 1");
    commit_beside(2);
    trigger(at, "ship:ship", "{}", 0);
    assert_int_equal(sleep_for(at, &run, 2, 3600000, "1h", &node), CLEAT_OK);
    commit_beside(3);
    const int64_t unknown = 9;
    assert_int_equal(evict(at, &run, 2, unknown), CLEAT_NOT_FOUND);
    commit_beside(4);
    assert_int_equal(evict(at, &run, 2, node), CLEAT_OK);
}

static void test_a_branch_that_is_refused(void **state)
{
    rig *at = *state;
    cleat__uuid run = start(at);
    int64_t branch = 0;
    memo(at, &run, 1, "a", "1");
    cleat__command fork = {.tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_DURABLE_BRANCH};
    fork.as.durable_branch.run_id = run;
    fork.as.durable_branch.branch = &branch;
    fork.as.durable_branch.node = (cleat__node){1, 1};
    assert_int_equal(ask(at, &fork), CLEAT_FAILED_PRECONDITION); /* it has not ended */
    commit_beside(1);
    trigger(at, "ship:ship", "{}", 0);
}

static void test_a_signal(void **state)
{
    rig *at = *state;
    cleat__uuid run = start(at);
    cleat__node node;
    const cleat__condition go = event_of("go");
    cleat__command command = {.tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_DURABLE_SIGNAL};
    command.as.durable_signal.run_id = run;
    command.as.durable_signal.key = cleat_slice_of("key");
    command.as.durable_signal.conditions = &go;
    command.as.durable_signal.count = 1;
    command.as.durable_signal.node = &node;
    for (uint8_t i = 1; i <= 2; i++) { /* the second time it is there */
        assert_int_equal(ask(at, &command), CLEAT_OK);
        commit_beside(i);
        trigger(at, "ship:ship", "{}", 0);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        TEST(test_a_worker_status),
        TEST(test_what_is_asked_and_changes_nothing),
        TEST(test_a_branch_that_is_refused),
        TEST(test_a_signal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
