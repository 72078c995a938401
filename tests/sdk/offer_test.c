/* A worker says what of its tasks it can never run, and takes the rest. */
#include "support/overheard.h"
#include "support/sdk_fixture.h"

#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

static cleat_status nothing(cleat_task *task, void *user_data)
{
    (void)task;
    (void)user_data;
    return CLEAT_OK;
}

/* The fixture's worker has 4 slots "default". */
static void test_slots_that_are_not_there(void **state)
{
    sdk_fixture *it = *state;
    static const cleat_slots five = {"default", 5}, four = {"default", 4}, gpu = {"gpu", 1};
    static const cleat_slots both[] = {{"tpu", 1}, {"default", 9}};
    overheard log;
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "plenty", .run = nothing, .slot_requests = &five,
                                        .slot_request_count = 1));
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "all", .run = nothing, .slot_requests = &four,
                                        .slot_request_count = 1));
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "draw", .run = nothing, .slot_requests = &gpu,
                                        .slot_request_count = 1));
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "both", .run = nothing, .slot_requests = both,
                                        .slot_request_count = 2));
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "plain", .run = nothing));
    overhear(&log, "never gets a run");
    sdk_start(it);
    assert_ok(cleat_worker_start(it->worker));
    sdk_run(it, "all", NULL, NULL, CLEAT_RUN_COMPLETED, "null");
    sdk_run(it, "plain", NULL, NULL, CLEAT_RUN_COMPLETED, "null");
    assert_int_equal(overheard_end(&log), 3);
    assert_non_null(
        strstr(log.text, "its task \"plenty\", which asks for 5 of the slots \"default\": it has 4\n"));
    assert_non_null(strstr(log.text, "its task \"draw\", which asks for 1 of the slots \"gpu\": it has 0\n"));
    assert_non_null(strstr(log.text, "its task \"both\", which asks for 1 of the slots \"tpu\": it has 0\n"));
}

/* Also of a task of several; a durable one has slots of its own type, which are always there. */
static void test_slots_of_a_dag_and_of_a_workflow(void **state)
{
    sdk_fixture *it = *state;
    static const cleat_slots gpu = {"gpu", 2};
    const cleat_dag_task *const tasks[] = {
        CLEAT_DAG_TASK(.name = "load", .run = nothing),
        CLEAT_DAG_TASK(.name = "draw", .run = nothing, .slot_requests = &gpu, .slot_request_count = 1),
        CLEAT_DAG_TASK(.name = "wait", .run = nothing, .is_durable = true),
        NULL,
    };
    overheard log;
    assert_ok(cleat_worker_new(it->client, CLEAT_WORKER_OPTIONS(.slots = 1), &it->worker));
    assert_ok(cleat_worker_add_dag(it->worker, CLEAT_DAG_OPTIONS(.name = "film", .tasks = tasks)));
    assert_ok(cleat_worker_add_workflow(it->worker, CLEAT_WORKFLOW_OPTIONS(.name = "wait", .run = nothing)));
    overhear(&log, "never gets a run");
    sdk_start(it);
    assert_int_equal(overheard_end(&log), 1);
    assert_non_null(
        strstr(log.text, "its task \"film:draw\", which asks for 2 of the slots \"gpu\": it has 0\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_slots_that_are_not_there, sdk_set_up, sdk_tear_down),
        cmocka_unit_test_setup_teardown(test_slots_of_a_dag_and_of_a_workflow, sdk_set_up, sdk_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
