/* Runs at a time as they are asked for and told; and declarations in their older form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "wire/workflow_v0.h"
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
    message.input = text("");
    assert_int_equal(cleat__schedule_read(&message, &schedule, at_ms), CLEAT_OK);
    assert_true(equals(schedule.input, "{}"));
    message.input = text("no json");
    assert_int_equal(cleat__schedule_read(&message, &schedule, at_ms), CLEAT_INVALID_ARGUMENT);
    message.input = text("{}");
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

typedef struct declaration {
    Cleat__PutWorkflowRequest message;
    Cleat__CreateWorkflowVersionOpts opts;
    Cleat__CreateWorkflowJobOpts job, *jobs[1];
    Cleat__CreateWorkflowStepOpts step, *steps[1];
    Cleat__CreateWorkflowStepOpts__WorkerLabelsEntry label, *labels[1];
    Cleat__V1__DesiredWorkerLabels wanted;
    char *events[1];
} declaration;

static void fill_step(declaration *it)
{
    cleat__create_workflow_step_opts__init(&it->step);
    cleat__create_workflow_step_opts__worker_labels_entry__init(&it->label);
    cleat__v1__desired_worker_labels__init(&it->wanted);
    it->step.readable_id = text("s");
    it->step.action = text("w:s");
    it->step.timeout = text("5s");
    it->step.retries = 4;
    it->step.has_backoff_factor_case = CLEAT__CREATE_WORKFLOW_STEP_OPTS__HAS_BACKOFF_FACTOR_BACKOFF_FACTOR;
    it->step.backoff_factor = 2;
    it->step.has_backoff_max_seconds_case =
        CLEAT__CREATE_WORKFLOW_STEP_OPTS__HAS_BACKOFF_MAX_SECONDS_BACKOFF_MAX_SECONDS;
    it->step.backoff_max_seconds = 30;
    it->labels[0] = &it->label;
    it->step.worker_labels = it->labels;
    it->step.n_worker_labels = 1;
    it->label.key = text("gpu");
    it->label.value = &it->wanted;
    it->wanted.has_int_value_case = CLEAT__V1__DESIRED_WORKER_LABELS__HAS_INT_VALUE_INT_VALUE;
    it->wanted.int_value = 8;
}

static void fill(declaration *it)
{
    cleat__put_workflow_request__init(&it->message);
    cleat__create_workflow_version_opts__init(&it->opts);
    cleat__create_workflow_job_opts__init(&it->job);
    fill_step(it);
    it->message.opts = &it->opts;
    it->opts.name = text("w");
    it->opts.version = text("1");
    it->events[0] = text("e");
    it->opts.event_triggers = it->events;
    it->opts.n_event_triggers = 1;
    it->jobs[0] = &it->job;
    it->opts.jobs = it->jobs;
    it->opts.n_jobs = 1;
    it->opts.has_schedule_timeout_case =
        CLEAT__CREATE_WORKFLOW_VERSION_OPTS__HAS_SCHEDULE_TIMEOUT_SCHEDULE_TIMEOUT;
    it->opts.schedule_timeout = text("7s");
    it->opts.has_sticky_case = CLEAT__CREATE_WORKFLOW_VERSION_OPTS__HAS_STICKY_STICKY;
    it->opts.sticky = CLEAT__STICKY_STRATEGY__HARD;
    it->opts.has_default_priority_case =
        CLEAT__CREATE_WORKFLOW_VERSION_OPTS__HAS_DEFAULT_PRIORITY_DEFAULT_PRIORITY;
    it->opts.default_priority = 2;
    it->steps[0] = &it->step;
    it->job.steps = it->steps;
    it->job.n_steps = 1;
}

static void test_a_step_is_read_as_a_task(void **state)
{
    declaration it;
    cleat__workflow workflow;
    (void)state;
    fill(&it);
    assert_int_equal(cleat__workflow_read_v0(&it.message, &workflow), CLEAT_OK);
    assert_true(equals(workflow.name, "w") && equals(workflow.version, "1"));
    assert_true(equals(workflow.tasks[0].name, "s") && equals(workflow.tasks[0].action, "w:s"));
    assert_int_equal(workflow.tasks[0].policy.execution_timeout_ms, 5000);
    assert_int_equal(workflow.tasks[0].policy.schedule_timeout_ms, 7000);
    assert_int_equal(workflow.tasks[0].policy.retries, 4);
    assert_int_equal(workflow.tasks[0].policy.priority, 2);
    assert_int_equal(workflow.tasks[0].policy.backoff_initial_ms, 2000);
    assert_int_equal(workflow.tasks[0].policy.backoff_max_ms, 30000);
    assert_int_equal(workflow.sticky, CLEAT__STICKY_HARD);
    assert_int_equal(workflow.event_key_count, 1);
    assert_int_equal(workflow.tasks[0].label_count, 1);
    assert_true(equals(workflow.tasks[0].labels[0].key, "gpu"));
    assert_int_equal(workflow.tasks[0].labels[0].value.number, 8);
    cleat__workflow_read_end(&workflow);
    char nobody[] = "nobody", *parents[] = {nobody};
    it.step.parents = parents;
    it.step.n_parents = 1;
    assert_int_equal(cleat__workflow_read_v0(&it.message, &workflow), CLEAT_OK);
    assert_int_equal(cleat__workflow_check(&workflow), CLEAT_INVALID_ARGUMENT);
    assert_non_null(strstr(cleat_error_message(), "its parent \"nobody\" is no task"));
    cleat__workflow_read_end(&workflow);
}

static void test_limits_of_the_older_form(void **state)
{
    (void)state;
    declaration it;
    cleat__workflow workflow;
    Cleat__CreateStepRateLimit limit = CLEAT__CREATE_STEP_RATE_LIMIT__INIT, *limits[] = {&limit};
    Cleat__WorkflowConcurrencyOpts rule = CLEAT__WORKFLOW_CONCURRENCY_OPTS__INIT;
    fill(&it);
    limit.key = text("calls");
    limit.has_units_case = CLEAT__CREATE_STEP_RATE_LIMIT__HAS_UNITS_UNITS;
    limit.units = 3;
    limit.has_duration_case = CLEAT__CREATE_STEP_RATE_LIMIT__HAS_DURATION_DURATION;
    limit.duration = CLEAT__RATE_LIMIT_DURATION__HOUR;
    rule.has_expression_case = CLEAT__WORKFLOW_CONCURRENCY_OPTS__HAS_EXPRESSION_EXPRESSION;
    rule.expression = text("input.user");
    rule.has_max_runs_case = CLEAT__WORKFLOW_CONCURRENCY_OPTS__HAS_MAX_RUNS_MAX_RUNS;
    rule.max_runs = 4;
    rule.has_limit_strategy_case = CLEAT__WORKFLOW_CONCURRENCY_OPTS__HAS_LIMIT_STRATEGY_LIMIT_STRATEGY;
    rule.limit_strategy = CLEAT__CONCURRENCY_LIMIT_STRATEGY__GROUP_ROUND_ROBIN;
    it.step.rate_limits = limits;
    it.step.n_rate_limits = 1;
    it.opts.concurrency = &rule;
    assert_int_equal(cleat__workflow_read_v0(&it.message, &workflow), CLEAT_OK);
    assert_int_equal(workflow.tasks[0].rate_limit_count, 1);
    assert_true(equals(workflow.tasks[0].rate_limits[0].key, "calls"));
    assert_int_equal(workflow.tasks[0].rate_limits[0].units, 3);
    assert_int_equal(workflow.tasks[0].rate_limits[0].window_ms, 3600000);
    assert_int_equal(workflow.concurrency_count, 1);
    assert_true(equals(workflow.concurrency[0].expression, "input.user"));
    assert_int_equal(workflow.concurrency[0].max_runs, 4);
    assert_int_equal(workflow.concurrency[0].strategy, CLEAT_GROUP_ROUND_ROBIN);
    cleat__workflow_read_end(&workflow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_schedule_is_read),
        cmocka_unit_test(test_a_version_is_told),
        cmocka_unit_test(test_a_step_is_read_as_a_task),
        cmocka_unit_test(test_limits_of_the_older_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
