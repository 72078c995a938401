/* Runs at a time, and declarations in their older form. */
#include "server/service_test.h"

#define SCHEDULE "/WorkflowService/ScheduleWorkflow"
#define PUT      "/WorkflowService/PutWorkflow"

/* ---- Schedules ---- */

typedef struct schedule {
    Cleat__ScheduleWorkflowRequest message;
    Cleat__Google__Protobuf__Timestamp at[2], *times[2];
} schedule;

static void schedule_init(schedule *it, const char *workflow, int64_t first_s, int64_t second_s)
{
    cleat__schedule_workflow_request__init(&it->message);
    for (int i = 0; i < 2; i++) {
        cleat__google__protobuf__timestamp__init(&it->at[i]);
        it->at[i].seconds = i == 0 ? first_s : second_s;
        it->times[i] = &it->at[i];
    }
    it->message.name = text_(workflow);
    it->message.input = text_("{\"n\":1}");
    it->message.schedules = it->times;
    it->message.n_schedules = 2;
}

/* One time is past, so that its run starts at once; the other is in the next century. */
static void runs_are_scheduled(void **state)
{
    service_world *it = *state;
    schedule asked;
    declare(it, (task_declaration){.name = "timed"});
    rpc_stream *worker = stay_as(it, register_worker(it, "timed", 2));
    schedule_init(&asked, "timed", 1000, 4102444800);
    asked.message.has_additional_metadata_case =
        CLEAT__SCHEDULE_WORKFLOW_REQUEST__HAS_ADDITIONAL_METADATA_ADDITIONAL_METADATA;
    asked.message.additional_metadata = text_("{\"k\":\"v\"}");
    asked.message.has_priority_case = CLEAT__SCHEDULE_WORKFLOW_REQUEST__HAS_PRIORITY_PRIORITY;
    asked.message.priority = 3;
    Cleat__WorkflowVersion *reply =
        ask(it, SCHEDULE, &asked.message.base, &cleat__workflow_version__descriptor);
    assert_int_equal(reply->n_scheduled_workflows, 2);
    assert_int_equal(reply->scheduled_workflows[0]->trigger_at->seconds, 1000);
    assert_int_equal(reply->scheduled_workflows[1]->trigger_at->seconds, 4102444800);
    assert_string_not_equal(reply->scheduled_workflows[0]->id, reply->scheduled_workflows[1]->id);
    assert_int_equal(strlen(reply->scheduled_workflows[0]->id), 36);
    assert_int_equal(reply->order, 1);
    Cleat__AssignedAction *action = next_action(worker);
    assert_string_equal(action->workflow_id, reply->workflow_id);
    assert_string_equal(action->workflow_version_id, reply->id);
    /* Nobody gave it a context. */
    assert_non_null(strstr(action->additional_metadata, "{\"k\":\"v\",\"traceparent\":\"00-"));
    assert_int_equal(action->priority, 3);
    assert_non_null(strstr(action->action_payload, "{\"n\":1}"));
    cleat__message_free(action);
    cleat__message_free(reply);
    stop_listening(worker);
}

static void wrong_schedules_are_refused(void **state)
{
    service_world *it = *state;
    schedule asked;
    const ProtobufCMessage *request = &asked.message.base;
    declare(it, (task_declaration){.name = "timed"});
    schedule_init(&asked, "nobody", 1, 2);
    refused(it, SCHEDULE, request, GRPC_STATUS_NOT_FOUND, "nobody");
    schedule_init(&asked, "timed", 1, 2);
    asked.message.n_schedules = 0;
    refused(it, SCHEDULE, request, GRPC_STATUS_INVALID_ARGUMENT, "times");
    schedule_init(&asked, "timed", 1, INT64_MAX);
    refused(it, SCHEDULE, request, GRPC_STATUS_INVALID_ARGUMENT, "schedules");
    schedule_init(&asked, "timed", 1, 2);
    asked.message.input = text_("no json");
    refused(it, SCHEDULE, request, GRPC_STATUS_INVALID_ARGUMENT, "input");
    schedule_init(&asked, "timed", 1, 2);
    asked.message.has_priority_case = CLEAT__SCHEDULE_WORKFLOW_REQUEST__HAS_PRIORITY_PRIORITY;
    asked.message.priority = 9;
    refused(it, SCHEDULE, request, GRPC_STATUS_INVALID_ARGUMENT, "priority");
    schedule_init(&asked, "timed", 1, 2);
    asked.message.has_parent_id_case = CLEAT__SCHEDULE_WORKFLOW_REQUEST__HAS_PARENT_ID_PARENT_ID;
    asked.message.parent_id = text_(NO_ID);
    refused(it, SCHEDULE, request, GRPC_STATUS_INVALID_ARGUMENT, "parent_task_run_external_id");
    asked.message.has_parent_task_run_external_id_case =
        CLEAT__SCHEDULE_WORKFLOW_REQUEST__HAS_PARENT_TASK_RUN_EXTERNAL_ID_PARENT_TASK_RUN_EXTERNAL_ID;
    asked.message.parent_task_run_external_id = text_(NO_ID);
    refused(it, SCHEDULE, request, GRPC_STATUS_INVALID_ARGUMENT, "child_index");
}

/* ---- Jobs and steps ---- */

typedef struct declaration {
    Cleat__PutWorkflowRequest message;
    Cleat__CreateWorkflowVersionOpts opts;
    Cleat__CreateWorkflowJobOpts job, *jobs[2];
    Cleat__CreateWorkflowStepOpts step, *steps[2];
} declaration;

static void declaration_init(declaration *it, const char *name, const char *action)
{
    cleat__put_workflow_request__init(&it->message);
    cleat__create_workflow_version_opts__init(&it->opts);
    cleat__create_workflow_job_opts__init(&it->job);
    cleat__create_workflow_step_opts__init(&it->step);
    it->message.opts = &it->opts;
    it->opts.name = text_(name);
    it->jobs[0] = it->jobs[1] = &it->job;
    it->opts.jobs = it->jobs;
    it->opts.n_jobs = 1;
    it->steps[0] = it->steps[1] = &it->step;
    it->job.steps = it->steps;
    it->job.n_steps = 1;
    it->step.readable_id = text_("step");
    it->step.action = text_(action);
    it->step.timeout = text_("60s");
    it->step.retries = 1;
}

static void a_step_is_a_task(void **state)
{
    service_world *it = *state;
    declaration old;
    declaration_init(&old, "old", "old:old");
    Cleat__WorkflowVersion *first = ask(it, PUT, &old.message.base, &cleat__workflow_version__descriptor);
    Cleat__WorkflowVersion *same = ask(it, PUT, &old.message.base, &cleat__workflow_version__descriptor);
    assert_string_equal(first->id, same->id);
    old.step.retries = 0;
    Cleat__WorkflowVersion *other = ask(it, PUT, &old.message.base, &cleat__workflow_version__descriptor);
    assert_string_equal(first->workflow_id, other->workflow_id);
    assert_string_not_equal(first->id, other->id);
    assert_int_equal(other->order, 2);
    rpc_stream *worker = stay_as(it, register_worker(it, "old", 1));
    id_text run = trigger(it, "old", "{}");
    Cleat__AssignedAction *action = next_action(worker);
    assert_string_equal(action->task_name, "step");
    assert_string_equal(action->workflow_version_id, other->id);
    send_event(it, action, FAILED_, "no", false);
    assert_status(it, run, CLEAT__V1__RUN_STATUS__FAILED); /* without retries */
    cleat__message_free(action);
    cleat__message_free(first);
    cleat__message_free(same);
    cleat__message_free(other);
    stop_listening(worker);
}

static void steps_of_a_job_come_after_their_parents(void **state)
{
    service_world *it = *state;
    declaration old;
    Cleat__CreateWorkflowStepOpts second, failing;
    Cleat__CreateWorkflowJobOpts on_failure = CLEAT__CREATE_WORKFLOW_JOB_OPTS__INIT;
    Cleat__CreateWorkflowStepOpts *failing_steps[] = {&failing};
    char *parents[] = {text_("step")};
    declaration_init(&old, "old", "old:old");
    second = failing = old.step;
    second.readable_id = text_("second");
    second.parents = parents;
    second.n_parents = 1;
    failing.readable_id = text_("sorry");
    old.steps[1] = &second;
    old.job.n_steps = 2;
    on_failure.steps = failing_steps;
    on_failure.n_steps = 1;
    old.opts.on_failure_job = &on_failure;
    cleat__message_free(ask(it, PUT, &old.message.base, &cleat__workflow_version__descriptor));
    rpc_stream *worker = stay_as(it, register_worker(it, "old", 1));
    id_text run = trigger(it, "old", "{}");
    Cleat__AssignedAction *action = next_action(worker);
    assert_string_equal(action->task_name, "step");
    assert_string_equal(action->workflow_run_id, run.text);
    send_event(it, action, COMPLETED, "{\"n\":1}", false);
    cleat__message_free(action);
    action = next_action(worker);
    assert_string_equal(action->task_name, "second");
    assert_non_null(strstr(action->action_payload, "\"step\":{\"n\":1}"));
    send_event(it, action, COMPLETED, "{}", false);
    assert_status(it, run, CLEAT__V1__RUN_STATUS__COMPLETED);
    cleat__message_free(action);
    stop_listening(worker);
}

static void a_durable_job_has_invocations(void **state)
{
    service_world *it = *state;
    declaration old;
    declaration_init(&old, "old", "old:old");
    old.opts.has_kind_case = CLEAT__CREATE_WORKFLOW_VERSION_OPTS__HAS_KIND_KIND;
    old.opts.kind = CLEAT__WORKFLOW_KIND__DURABLE;
    cleat__message_free(ask(it, PUT, &old.message.base, &cleat__workflow_version__descriptor));
    rpc_stream *worker = stay_as(it, register_durable(it, "old"));
    (void)trigger(it, "old", "{}");
    Cleat__AssignedAction *action = next_action(worker);
    assert_true(action->has_durable_task_invocation_count_case != 0);
    assert_int_equal(action->durable_task_invocation_count, 1);
    cleat__message_free(action);
    stop_listening(worker);
}

static void what_a_step_cannot_be_is_named(void **state)
{
    service_world *it = *state;
    declaration old;
    const ProtobufCMessage *request = &old.message.base;
    Cleat__WorkflowConcurrencyOpts concurrency = CLEAT__WORKFLOW_CONCURRENCY_OPTS__INIT;
    char *crons[] = {text_("* * * *")};
    declaration_init(&old, "old", "old:old");
    old.opts.n_jobs = 2;
    refused(it, PUT, request, GRPC_STATUS_INVALID_ARGUMENT, "several jobs");
    declaration_init(&old, "old", "old:old");
    old.job.n_steps = 2;
    refused(it, PUT, request, GRPC_STATUS_INVALID_ARGUMENT, "\"step\" is there twice");
    declaration_init(&old, "old", "old:old");
    Cleat__CreateWorkflowStepOpts *many[1001];
    for (size_t i = 0; i < 1001; i++) {
        many[i] = &old.step;
    }
    old.job.steps = many;
    old.job.n_steps = 1001;
    refused(it, PUT, request, GRPC_STATUS_INVALID_ARGUMENT, "1001 steps");
    declaration_init(&old, "old", "old:old");
    Cleat__CreateWorkflowJobOpts none = CLEAT__CREATE_WORKFLOW_JOB_OPTS__INIT;
    old.opts.on_failure_job = &none;
    refused(it, PUT, request, GRPC_STATUS_INVALID_ARGUMENT, "on_failure_job");
    declaration_init(&old, "old", "old:old");
    old.opts.concurrency = &concurrency;
    refused(it, PUT, request, GRPC_STATUS_INVALID_ARGUMENT, "concurrency");
    concurrency.has_expression_case = CLEAT__WORKFLOW_CONCURRENCY_OPTS__HAS_EXPRESSION_EXPRESSION;
    concurrency.expression = text_("input.");
    refused(it, PUT, request, GRPC_STATUS_INVALID_ARGUMENT, "concurrency: ");
    declaration_init(&old, "old", "old:old");
    old.opts.cron_triggers = crons;
    old.opts.n_cron_triggers = 1;
    refused(it, PUT, request, GRPC_STATUS_INVALID_ARGUMENT, "has 4 fields");
    declaration_init(&old, "old", "old:old");
    old.job.n_steps = 0;
    refused(it, PUT, request, GRPC_STATUS_INVALID_ARGUMENT, "no tasks");
    declaration_init(&old, "a name", "old:old");
    refused(it, PUT, request, GRPC_STATUS_INVALID_ARGUMENT, "name");
    old.message.opts = NULL;
    refused(it, PUT, request, GRPC_STATUS_INVALID_ARGUMENT, "opts");
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, world_start, world_stop)
    const struct CMUnitTest tests[] = {
        TEST(runs_are_scheduled),
        TEST(wrong_schedules_are_refused),
        TEST(a_step_is_a_task),
        TEST(steps_of_a_job_come_after_their_parents),
        TEST(a_durable_job_has_invocations),
        TEST(what_a_step_cannot_be_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
