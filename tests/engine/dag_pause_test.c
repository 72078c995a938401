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

/* ---- Slots of a rule that is shared with another workflow ---- */

static const cleat__concurrency both = {
    .expression = {"input.k", 7}, .max_runs = 1, .strategy = CLEAT_GROUP_ROUND_ROBIN, .name = {"both", 4}};

/* One of a task "p", and a worker for it. */
static void declare_other(dag_rig *at)
{
    cleat__uuid id;
    const cleat_slice action = cleat_slice_of("p:p");
    const joining how = {0, &action, 1, 9, {NULL, take_tasks, take_cancel}};
    cleat__workflow other = workflow_of("p:p", &dag_policy);
    other.concurrency = &both;
    other.concurrency_count = 1;
    assert_int_equal(put_workflow(&at->core, CLEAT__TENANT_DEFAULT, &other, NULL), CLEAT_OK);
    assert_int_equal(join_worker(&at->core, how, &id), CLEAT_OK);
}

static void test_a_run_that_has_not_begun_gives_way(void **state)
{
    dag_rig *at = *state;
    cleat__version version;
    add_task(at, "a", "");
    add_task(at, "b", "a");
    limit_runs(at, &both, 1);
    assert_int_equal(put_workflow(&at->core, CLEAT__TENANT_DEFAULT, &at->workflow, &version), CLEAT_OK);
    hire_all(at);
    declare_other(at);
    cleat__uuid first = start(at, "x");
    set_pause(at, &version, true);
    cleat__uuid second = start(at, "x"), other = trigger(&at->core, "p:p", "{\"k\":\"x\"}", 0);
    end_task(at, &first, "a", CLEAT_OK);
    check_tasks(at, &first, "a=completed b=queued"); /* it has its slot until it ends */
    check_run(at, &other, "QUEUED");
    assert_int_equal(cancel(&at->core, &first), CLEAT_OK);
    check_run(at, &other, "RUNNING");
    set_pause(at, &version, false);
    check_run(at, &second, "QUEUED");
    assert_int_equal(report(&at->core, &other, 0, CLEAT_OK, "1"), CLEAT_OK);
    check_tasks(at, &second, "a=running b=held");
}

static void test_a_task_gives_way(void **state)
{
    dag_rig *at = *state;
    cleat__version version;
    add_task(at, "a", "");
    limit_task(add_task(at, "b", "a"), &both, 1);
    assert_int_equal(put_workflow(&at->core, CLEAT__TENANT_DEFAULT, &at->workflow, &version), CLEAT_OK);
    hire_all(at);
    declare_other(at);
    cleat__uuid run = start(at, "x");
    set_pause(at, &version, true);
    end_task(at, &run, "a", CLEAT_OK);
    cleat__uuid other = trigger(&at->core, "p:p", "{\"k\":\"x\"}", 0);
    check_tasks(at, &run, "a=completed b=queued");
    check_run(at, &other, "RUNNING");
    set_pause(at, &version, false);
    check_tasks(at, &run, "a=completed b=queued");
    assert_int_equal(report(&at->core, &other, 0, CLEAT_OK, "1"), CLEAT_OK);
    check_tasks(at, &run, "a=completed b=running");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_dag, close_dag)
    const struct CMUnitTest tests[] = {
        TEST(test_a_pause_leaves_the_time_to_wait_for_a_slot),
        TEST(test_a_run_that_has_not_begun_gives_way),
        TEST(test_a_task_gives_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
