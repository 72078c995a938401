/* Workflows of several tasks that are paused. */
#include "engine/dag_limits_test.h"

static void set_pause(dag_rig *at, const cleat__version *version, bool is_paused)
{
    cleat__command command = {
        .tenant = CLEAT__TENANT_DEFAULT,
        .kind = CLEAT__COMMAND_PAUSE_WORKFLOW,
        .as.pause_workflow = {version->workflow_id, {.is_paused = is_paused, .ttl_ms = CLEAT__NO_TIMEOUT}}};
    assert_int_equal(ask(&at->core, &command), CLEAT_OK);
}

/* What waits for a slot of its run waits no longer than for a worker, also when it was paused meanwhile. */
static void test_a_pause_leaves_the_time_to_wait_for_a_slot(void **state)
{
    dag_rig *at = *state;
    const cleat__concurrency rule = by_key(1, CLEAT_GROUP_ROUND_ROBIN);
    cleat__version version;
    add_task(at, "a", "")->policy.execution_timeout_ms = CLEAT__NO_TIMEOUT;
    add_task(at, "b", "a");
    limit_runs(at, &rule, 1);
    assert_int_equal(put_workflow(&at->core, CLEAT__TENANT_DEFAULT, &at->workflow, &version), CLEAT_OK);
    hire_all(at);
    start(at, "x");
    cleat__uuid before = start(at, "x");
    set_pause(at, &version, true);
    cleat__uuid meanwhile = start(at, "x");
    advance(&at->core, 400000);
    check_run(at, &before, "QUEUED");
    set_pause(at, &version, false);
    advance(&at->core, 299999);
    check_run(at, &before, "QUEUED");
    check_run(at, &meanwhile, "QUEUED");
    advance(&at->core, 1);
    check_run(at, &before, "CANCELLED");
    check_run(at, &meanwhile, "CANCELLED");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_dag, close_dag)
    const struct CMUnitTest tests[] = {
        TEST(test_a_pause_leaves_the_time_to_wait_for_a_slot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
