/* Runs at a time as they are asked for and told; and declarations in their older form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "wire/job.h"
#include "wire/message.h"
#include "wire/schedule.h"
#include "wire/workflow.h"

#pragma GCC diagnostic ignored "-Wmissing-braces" /* in protobuf-c's initialisers of oneofs */

static char *text(const char *of)
{
    return (char *)(uintptr_t)of;
}

static bool equals(cleat_slice slice, const char *expected)
{
    return cleat_slice_equals(slice, cleat_slice_of(expected));
}

static void test_a_schedule_is_read(void **state)
{
    Cleat__ScheduleWorkflowRequest message = CLEAT__SCHEDULE_WORKFLOW_REQUEST__INIT;
    Cleat__Google__Protobuf__Timestamp at = CLEAT__GOOGLE__PROTOBUF__TIMESTAMP__INIT, *times[] = {&at, &at};
    cleat__schedule schedule;
    int64_t at_ms[2];
    (void)state;
    at.seconds = 12;
    at.nanos = 345999999;
    message.name = text("Any");
    message.input = text("[1]");
    message.schedules = times;
    message.n_schedules = 2;
    assert_int_equal(cleat__schedule_read(&message, &schedule, at_ms), CLEAT_OK);
    assert_true(equals(schedule.workflow, "Any"));
    assert_true(equals(schedule.input, "null")); /* no object: nothing for a task */
    assert_null(schedule.metadata.data);
    assert_int_equal(schedule.priority, 0);
    assert_int_equal(schedule.method, CLEAT__SCHEDULE_DEFAULT);
    assert_int_equal(at_ms[0], 12345);
    assert_int_equal(at_ms[1], 12345);
    message.has_additional_metadata_case =
        CLEAT__SCHEDULE_WORKFLOW_REQUEST__HAS_ADDITIONAL_METADATA_ADDITIONAL_METADATA;
    message.additional_metadata = text("{\"k\":1}");
    assert_int_equal(cleat__schedule_read(&message, &schedule, at_ms), CLEAT_OK);
    assert_true(equals(schedule.metadata, "{\"k\":1}"));
    at.nanos = 1000000000;
    assert_int_equal(cleat__schedule_read(&message, &schedule, at_ms), CLEAT_INVALID_ARGUMENT);
}

static void test_a_version_is_told(void **state)
{
    const cleat__uuid v7 = {{0x01, 0x90, 0xa0, 0, 0, 0, 0x70, 0, 0x80}}, v4 = {{1, 2, 3, 4, 5, 6, 0x40}};
    const int64_t at_ms = 2500;
    cleat__schedule_answer answer = {
        .workflow_id = v4, .version_id = v7, .order = 3, .ids = &v4, .at_ms = &at_ms, .count = 1};
    (void)state;
    Cleat__WorkflowVersion *version = cleat__schedule_answer_write(&answer);
    assert_non_null(version);
    assert_string_equal(version->id, "0190a000-0000-7000-8000-000000000000");
    assert_int_equal(version->order, 3);
    assert_int_equal(version->created_at->seconds, 0x0190a0000000 / 1000);
    assert_int_equal(version->n_scheduled_workflows, 1);
    assert_int_equal(version->scheduled_workflows[0]->trigger_at->nanos, 500000000);
    cleat__message_free(version);
    answer.version_id = v4; /* of an older file: nobody knows when it was made */
    answer.count = 0;
    version = cleat__schedule_answer_write(&answer);
    assert_null(version->created_at);
    assert_int_equal(version->n_scheduled_workflows, 0);
    cleat__message_free(version);
}

static void test_a_step_is_read_as_a_task(void **state)
{
    Cleat__PutWorkflowRequest message = CLEAT__PUT_WORKFLOW_REQUEST__INIT;
    Cleat__CreateWorkflowVersionOpts opts = CLEAT__CREATE_WORKFLOW_VERSION_OPTS__INIT;
    Cleat__CreateWorkflowJobOpts job = CLEAT__CREATE_WORKFLOW_JOB_OPTS__INIT, *jobs[] = {&job};
    Cleat__CreateWorkflowStepOpts step = CLEAT__CREATE_WORKFLOW_STEP_OPTS__INIT, *steps[] = {&step};
    Cleat__CreateWorkflowStepOpts__WorkerLabelsEntry
        label = CLEAT__CREATE_WORKFLOW_STEP_OPTS__WORKER_LABELS_ENTRY__INIT,
        *labels[] = {&label};
    Cleat__V1__DesiredWorkerLabels wanted = CLEAT__V1__DESIRED_WORKER_LABELS__INIT;
    char *events[] = {text("e")};
    cleat__workflow workflow;
    (void)state;
    message.opts = &opts;
    opts.name = text("w");
    opts.version = text("1");
    opts.event_triggers = events;
    opts.n_event_triggers = 1;
    opts.jobs = jobs;
    opts.n_jobs = 1;
    opts.has_schedule_timeout_case =
        CLEAT__CREATE_WORKFLOW_VERSION_OPTS__HAS_SCHEDULE_TIMEOUT_SCHEDULE_TIMEOUT;
    opts.schedule_timeout = text("7s");
    opts.has_sticky_case = CLEAT__CREATE_WORKFLOW_VERSION_OPTS__HAS_STICKY_STICKY;
    opts.sticky = CLEAT__STICKY_STRATEGY__HARD;
    opts.has_default_priority_case =
        CLEAT__CREATE_WORKFLOW_VERSION_OPTS__HAS_DEFAULT_PRIORITY_DEFAULT_PRIORITY;
    opts.default_priority = 2;
    job.steps = steps;
    job.n_steps = 1;
    step.readable_id = text("s");
    step.action = text("w:s");
    step.timeout = text("5s");
    step.retries = 4;
    step.has_backoff_factor_case = CLEAT__CREATE_WORKFLOW_STEP_OPTS__HAS_BACKOFF_FACTOR_BACKOFF_FACTOR;
    step.backoff_factor = 2;
    step.has_backoff_max_seconds_case =
        CLEAT__CREATE_WORKFLOW_STEP_OPTS__HAS_BACKOFF_MAX_SECONDS_BACKOFF_MAX_SECONDS;
    step.backoff_max_seconds = 30;
    step.worker_labels = labels;
    step.n_worker_labels = 1;
    label.key = text("gpu");
    label.value = &wanted;
    wanted.has_int_value_case = CLEAT__V1__DESIRED_WORKER_LABELS__HAS_INT_VALUE_INT_VALUE;
    wanted.int_value = 8;
    assert_int_equal(cleat__job_read(&message, &workflow), CLEAT_OK);
    assert_true(equals(workflow.name, "w") && equals(workflow.version, "1"));
    assert_true(equals(workflow.task, "s") && equals(workflow.action, "w:s"));
    assert_int_equal(workflow.policy.execution_timeout_ms, 5000);
    assert_int_equal(workflow.policy.schedule_timeout_ms, 7000);
    assert_int_equal(workflow.policy.retries, 4);
    assert_int_equal(workflow.policy.priority, 2);
    assert_int_equal(workflow.policy.backoff_initial_ms, 2000);
    assert_int_equal(workflow.policy.backoff_max_ms, 30000);
    assert_int_equal(workflow.sticky, CLEAT__STICKY_HARD);
    assert_int_equal(workflow.event_key_count, 1);
    assert_int_equal(workflow.label_count, 1);
    assert_true(equals(workflow.labels[0].key, "gpu"));
    assert_int_equal(workflow.labels[0].value.number, 8);
    cleat__workflow_read_end(&workflow);
    step.n_rate_limits = 1; /* refused before anybody looks at them */
    assert_int_equal(cleat__job_read(&message, &workflow), CLEAT_INVALID_ARGUMENT);
    assert_non_null(strstr(cleat_error_message(), "rate_limits"));
    cleat__workflow_read_end(&workflow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_schedule_is_read),
        cmocka_unit_test(test_a_version_is_told),
        cmocka_unit_test(test_a_step_is_read_as_a_task),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
