/* Spans of the tasks of a workflow of several: which of their ids is the run's, and which the task's. */
#include "support/sdk_fixture.h"
#include "support/spans.h"

#include <setjmp.h>

#include <cmocka.h>

static cleat_status tell_id(cleat_task *task, void *user_data)
{
    *(cleat_run_id *)user_data = cleat_task_run_id(task);
    return CLEAT_OK;
}

static void test_spans_name_the_run_and_the_task(void **state)
{
    sdk_fixture *it = *state;
    static const char *const after_first[] = {"first", NULL};
    cleat_run_id run, first, last;
    const cleat_dag_task *const tasks[] = {
        CLEAT_DAG_TASK(.name = "first", .run = tell_id, .user_data = &first),
        CLEAT_DAG_TASK(.name = "last", .run = tell_id, .user_data = &last, .parents = after_first),
        NULL,
    };
    sdk_trace(it, NULL, NULL);
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "alone", .run = tell_id));
    assert_int_equal(cleat_worker_add_dag(it->worker, CLEAT_DAG_OPTIONS(.name = "w", .tasks = tasks)),
                     CLEAT_OK);
    sdk_start(it);
    assert_int_equal(cleat_client_run_no_wait(it->client, "w", NULL, NULL, &run), CLEAT_OK);
    sdk_wait(it, &run, CLEAT_RUN_COMPLETED, NULL);
    cleat_span_view cause = spans_get(it->spans, "hatchet.run_workflow", 0);
    cleat_span_view one = spans_get(it->spans, "hatchet.start_step_run", 0);
    cleat_span_view two = spans_get(it->spans, "hatchet.start_step_run", 1);
    span_assert_string(&cause, "hatchet.child_workflow_run_id", run.text);
    span_assert_child(&one, &cause);
    span_assert_child(&two, &cause);
    span_assert_string(&one, "hatchet.workflow_run_id", run.text);
    span_assert_string(&two, "hatchet.workflow_run_id", run.text);
    span_assert_string(&one, "hatchet.step_run_id", first.text);
    span_assert_string(&two, "hatchet.step_run_id", last.text);
    span_assert_string(&two, "hatchet.workflow_name", "w");
    span_assert_string(&two, "hatchet.action_name", "w:last");
    span_assert_string(&two, "hatchet.step_name", "last");
    assert_string_not_equal(first.text, last.text);
    assert_string_not_equal(first.text, run.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_spans_name_the_run_and_the_task, sdk_set_up, sdk_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
