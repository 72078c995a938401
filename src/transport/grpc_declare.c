/* Declaring workflows. */
#include "transport/grpc.h"

#include "base/alloc.h"
#include "base/error.h"
#include "model/duration.h"
#include "wire/concurrency.h"
#include "wire/desired_label.h"
#include "wire/message.h"
#include "wire/rate_use.h"
#include "wire/v1/workflows.pb-c.h"
#include "wire/workflows.pb-c.h"

/* The protocol has no word for "none": ten years. */
#define NO_TIMEOUT_MS (INT64_C(3650) * 24 * 3600 * 1000)

typedef Cleat__V1__CreateTaskOpts options;

static char *remote_text(const cleat__link *link, cleat_slice name, bool is_key, bool *failed)
{
    cleat__buffer text = {0};
    if (is_key) {
        cleat__remote_key(&link->settings, name, &text);
    } else {
        cleat__remote_name(&link->settings, name, &text);
    }
    char *copy = cleat__message_text(failed, cleat__buffer_slice(&text));
    *failed = *failed || text.failed;
    cleat__buffer_deinit(&text);
    return copy;
}

/* A list of `count` pointers; NULL when there are none, or no memory. */
static void *list_new(size_t count, bool *failed)
{
    void *list = count != 0 ? cleat__calloc(count, sizeof(void *)) : NULL;
    *failed = *failed || (count != 0 && list == NULL);
    return list;
}

static void *part_new(const ProtobufCMessageDescriptor *descriptor, bool *failed)
{
    void *part = cleat__message_new(descriptor);
    *failed = *failed || part == NULL;
    return part;
}

/* ---- The task ---- */

static char *duration_text(int64_t duration_ms, bool *failed)
{
    char text[CLEAT__DURATION_TEXT];
    cleat__duration_format(duration_ms != CLEAT__NO_TIMEOUT ? duration_ms : NO_TIMEOUT_MS, text);
    return cleat__message_string(failed, text);
}

static void write_back_off(const cleat__policy *policy, options *task)
{
    if (policy->backoff_initial_ms == 0) {
        return;
    }
    task->has_backoff_factor_case = CLEAT__V1__CREATE_TASK_OPTS__HAS_BACKOFF_FACTOR_BACKOFF_FACTOR;
    task->backoff_factor = (float)policy->backoff_factor;
    task->has_backoff_max_seconds_case =
        CLEAT__V1__CREATE_TASK_OPTS__HAS_BACKOFF_MAX_SECONDS_BACKOFF_MAX_SECONDS;
    task->backoff_max_seconds = (int32_t)((policy->backoff_max_ms + 999) / 1000);
    if (policy->backoff_max_ms % 1000 != 0) {
        task->has_backoff_max_ms_case = CLEAT__V1__CREATE_TASK_OPTS__HAS_BACKOFF_MAX_MS_BACKOFF_MAX_MS;
        task->backoff_max_ms = policy->backoff_max_ms;
    }
    /* Elsewhere the n-th delay is factor^n seconds. */
    if ((double)policy->backoff_initial_ms != policy->backoff_factor * 1000) {
        task->has_backoff_initial_ms_case =
            CLEAT__V1__CREATE_TASK_OPTS__HAS_BACKOFF_INITIAL_MS_BACKOFF_INITIAL_MS;
        task->backoff_initial_ms = policy->backoff_initial_ms;
    }
}

static void write_slots(const cleat__workflow_task *from, options *task, bool *failed)
{
    const cleat__slots one = {cleat_slice_of(from->is_durable ? "durable" : "default"), 1};
    const cleat__slots *slots = from->slot_count != 0 ? from->slots : &one;
    size_t count = from->slot_count != 0 ? from->slot_count : 1;
    task->slot_requests = list_new(count, failed);
    while (!*failed && task->n_slot_requests < count) {
        Cleat__V1__CreateTaskOpts__SlotRequestsEntry *entry =
            part_new(&cleat__v1__create_task_opts__slot_requests_entry__descriptor, failed);
        if (entry != NULL) {
            const cleat__slots *wanted = &slots[task->n_slot_requests];
            entry->key = cleat__message_text(failed, wanted->type);
            entry->value = wanted->units;
            task->slot_requests[task->n_slot_requests++] = entry;
        }
    }
}

static Cleat__V1__BaseMatchCondition *write_base(const cleat__step_condition *from, bool *failed)
{
    static const Cleat__V1__Action actions[CLEAT__STEP_ACTIONS] = {
        [CLEAT__STEP_SKIP] = CLEAT__V1__ACTION__SKIP,
        [CLEAT__STEP_CANCEL] = CLEAT__V1__ACTION__CANCEL,
        [CLEAT__STEP_QUEUE] = CLEAT__V1__ACTION__QUEUE,
    };
    Cleat__V1__BaseMatchCondition *base = part_new(&cleat__v1__base_match_condition__descriptor, failed);
    if (base != NULL) {
        base->readable_data_key = cleat__message_text(failed, from->of.data_key);
        base->action = actions[from->action];
        base->or_group_id = cleat__message_text(failed, from->of.group);
        base->expression = cleat__message_text(failed, from->of.expression);
    }
    return base;
}

static void write_parent_condition(const cleat__step_condition *from, bool *failed,
                                   Cleat__V1__TaskConditions *out)
{
    Cleat__V1__ParentOverrideMatchCondition *part =
        part_new(&cleat__v1__parent_override_match_condition__descriptor, failed);
    if (part != NULL) {
        out->parent_override_conditions[out->n_parent_override_conditions++] = part;
        part->base_ = write_base(from, failed);
        part->parent_readable_id = cleat__message_text(failed, from->parent);
    }
}

static void write_sleep_condition(const cleat__step_condition *from, bool *failed,
                                  Cleat__V1__TaskConditions *out)
{
    Cleat__V1__SleepMatchCondition *part = part_new(&cleat__v1__sleep_match_condition__descriptor, failed);
    if (part != NULL) {
        out->sleep_conditions[out->n_sleep_conditions++] = part;
        part->base_ = write_base(from, failed);
        part->sleep_for = cleat__message_text(failed, from->of.sleep_text);
    }
}

static void write_event_condition(const cleat__link *link, const cleat__step_condition *from, bool *failed,
                                  Cleat__V1__TaskConditions *out)
{
    Cleat__V1__UserEventMatchCondition *part =
        part_new(&cleat__v1__user_event_match_condition__descriptor, failed);
    if (part != NULL) {
        out->user_event_conditions[out->n_user_event_conditions++] = part;
        part->base_ = write_base(from, failed);
        part->user_event_key = remote_text(link, from->of.key, true, failed);
        if (from->of.scope.size != 0) {
            part->has_event_scope_case = CLEAT__V1__USER_EVENT_MATCH_CONDITION__HAS_EVENT_SCOPE_EVENT_SCOPE;
            part->event_scope = cleat__message_text(failed, from->of.scope);
        }
    }
}

static void write_conditions(const cleat__link *link, const cleat__workflow_task *from, bool *failed,
                             options *task)
{
    size_t count = from->condition_count;
    if (count == 0) {
        return;
    }
    Cleat__V1__TaskConditions *out = part_new(&cleat__v1__task_conditions__descriptor, failed);
    if (out == NULL) {
        return;
    }
    task->conditions = out;
    out->parent_override_conditions = list_new(count, failed);
    out->sleep_conditions = list_new(count, failed);
    out->user_event_conditions = list_new(count, failed);
    for (size_t i = 0; i < count && !*failed; i++) {
        const cleat__step_condition *condition = &from->conditions[i];
        if (condition->parent.data != NULL) {
            write_parent_condition(condition, failed, out);
        } else if (condition->of.kind == CLEAT__CONDITION_SLEEP) {
            write_sleep_condition(condition, failed, out);
        } else {
            write_event_condition(link, condition, failed, out);
        }
    }
}

static void write_parents(const cleat__workflow_task *from, bool *failed, options *task)
{
    task->parents = list_new(from->parent_count, failed);
    for (size_t i = 0; i < from->parent_count && !*failed; i++) {
        task->parents[task->n_parents++] = cleat__message_text(failed, from->parents[i]);
    }
}

static void write_batch(const cleat__batch_config *from, bool *failed, options *task)
{
    Cleat__V1__TaskBatchConfig *part =
        from != NULL ? part_new(&cleat__v1__task_batch_config__descriptor, failed) : NULL;
    if (part == NULL) {
        return;
    }
    task->batch = part;
    part->batch_max_size = from->max_size;
    part->has_batch_max_interval_ms_case =
        CLEAT__V1__TASK_BATCH_CONFIG__HAS_BATCH_MAX_INTERVAL_MS_BATCH_MAX_INTERVAL_MS;
    part->batch_max_interval_ms = (int32_t)from->interval_ms;
    part->has_batch_group_max_runs_case =
        CLEAT__V1__TASK_BATCH_CONFIG__HAS_BATCH_GROUP_MAX_RUNS_BATCH_GROUP_MAX_RUNS;
    part->batch_group_max_runs = from->group_max_runs;
    if (from->group_key.size != 0) {
        part->has_batch_group_key_case = CLEAT__V1__TASK_BATCH_CONFIG__HAS_BATCH_GROUP_KEY_BATCH_GROUP_KEY;
        part->batch_group_key = cleat__message_text(failed, from->group_key);
    }
}

static void write_task(const cleat__link *link, const cleat__workflow_task *from, bool *failed, options *task)
{
    task->readable_id = cleat__message_text(failed, from->name);
    task->action = remote_text(link, from->action, false, failed);
    task->timeout = duration_text(from->policy.execution_timeout_ms, failed);
    task->inputs = cleat__message_string(failed, "{}");
    task->retries = from->policy.retries;
    task->has_schedule_timeout_case = CLEAT__V1__CREATE_TASK_OPTS__HAS_SCHEDULE_TIMEOUT_SCHEDULE_TIMEOUT;
    task->schedule_timeout = duration_text(from->policy.schedule_timeout_ms, failed);
    task->is_durable = from->is_durable;
    write_back_off(&from->policy, task);
    write_slots(from, task, failed);
    write_parents(from, failed, task);
    write_conditions(link, from, failed, task);
    task->worker_labels =
        cleat__desired_labels_write(failed, &cleat__v1__create_task_opts__worker_labels_entry__descriptor,
                                    from->labels, from->label_count, &task->n_worker_labels);
    task->concurrency =
        cleat__concurrency_write(failed, from->concurrency, from->concurrency_count, &task->n_concurrency);
    task->rate_limits =
        cleat__rate_uses_write(failed, from->rate_limits, from->rate_limit_count, &task->n_rate_limits);
    write_batch(from->batch, failed, task);
}

static void write_tasks(const cleat__link *link, const cleat__workflow *workflow, bool *failed,
                        Cleat__V1__CreateWorkflowVersionRequest *message)
{
    message->tasks = list_new(workflow->task_count, failed);
    for (size_t i = 0; i < workflow->task_count && !*failed; i++) {
        options *task = part_new(&cleat__v1__create_task_opts__descriptor, failed);
        if (task == NULL) {
            return;
        }
        if (workflow->tasks[i].is_on_failure) {
            message->on_failure_task = task;
        } else {
            message->tasks[message->n_tasks++] = task;
        }
        write_task(link, &workflow->tasks[i], failed, task);
    }
}

/* ---- The workflow ---- */

static void write_events(const cleat__link *link, const cleat__workflow *workflow, bool *failed,
                         Cleat__V1__CreateWorkflowVersionRequest *message)
{
    message->event_triggers = list_new(workflow->event_key_count, failed);
    for (size_t i = 0; !*failed && i < workflow->event_key_count; i++) {
        message->event_triggers[message->n_event_triggers++] =
            remote_text(link, workflow->event_keys[i], true, failed);
    }
}

static void write_filter(const cleat__filter *filter, bool *failed,
                         Cleat__V1__CreateWorkflowVersionRequest *message)
{
    Cleat__V1__DefaultFilter *part = part_new(&cleat__v1__default_filter__descriptor, failed);
    if (part == NULL) {
        return;
    }
    message->default_filters[message->n_default_filters++] = part;
    part->scope = cleat__message_text(failed, filter->scope);
    part->expression = cleat__message_text(failed, filter->expression);
    if (filter->payload.data == NULL) {
        return;
    }
    part->payload.data = (uint8_t *)cleat__slice_dup(filter->payload);
    if (part->payload.data == NULL) {
        *failed = true;
        return;
    }
    part->payload.len = filter->payload.size;
    part->has_payload_case = CLEAT__V1__DEFAULT_FILTER__HAS_PAYLOAD_PAYLOAD;
}

static void write_filters(const cleat__workflow *workflow, bool *failed,
                          Cleat__V1__CreateWorkflowVersionRequest *message)
{
    if (workflow->filter_count == 0) {
        return;
    }
    message->default_filters = list_new(workflow->filter_count, failed);
    for (size_t i = 0; !*failed && i < workflow->filter_count; i++) {
        write_filter(&workflow->filters[i], failed, message);
    }
}

static void write_crons(const cleat__workflow *workflow, bool *failed,
                        Cleat__V1__CreateWorkflowVersionRequest *message)
{
    if (workflow->cron_count != 0) {
        message->cron_triggers = list_new(workflow->cron_count, failed);
    }
    for (size_t i = 0; !*failed && i < workflow->cron_count; i++) {
        message->cron_triggers[message->n_cron_triggers++] = cleat__message_text(failed, workflow->crons[i]);
    }
    if (workflow->cron_input.data != NULL) {
        message->has_cron_input_case = CLEAT__V1__CREATE_WORKFLOW_VERSION_REQUEST__HAS_CRON_INPUT_CRON_INPUT;
        message->cron_input = cleat__message_text(failed, workflow->cron_input);
    }
}

static void write_schema(cleat_slice schema, bool *failed, Cleat__V1__CreateWorkflowVersionRequest *message)
{
    if (schema.data == NULL) {
        return;
    }
    message->input_json_schema.data = (uint8_t *)cleat__slice_dup(schema);
    if (message->input_json_schema.data == NULL) {
        *failed = true;
        return;
    }
    message->input_json_schema.len = schema.size;
    message->has_input_json_schema_case =
        CLEAT__V1__CREATE_WORKFLOW_VERSION_REQUEST__HAS_INPUT_JSON_SCHEMA_INPUT_JSON_SCHEMA;
}

static void write_idempotency(const cleat__idempotency *from, bool *failed,
                              Cleat__V1__CreateWorkflowVersionRequest *message)
{
    if (from == NULL) {
        return;
    }
    Cleat__V1__IdempotencyConfig *config = part_new(&cleat__v1__idempotency_config__descriptor, failed);
    message->idempotency = config;
    if (config != NULL) {
        config->expression = cleat__message_text(failed, from->expression);
        config->ttl_ms = from->ttl_ms;
        config->has_method_case = CLEAT__V1__IDEMPOTENCY_CONFIG__HAS_METHOD_METHOD;
        config->method = (Cleat__V1__IdempotencyMethod)from->method; /* the same numbers */
    }
}

/* NULL on no memory. */
static Cleat__V1__CreateWorkflowVersionRequest *write_workflow(const cleat__link *link,
                                                               const cleat__workflow *workflow)
{
    bool failed = false;
    Cleat__V1__CreateWorkflowVersionRequest *message =
        cleat__message_new(&cleat__v1__create_workflow_version_request__descriptor);
    if (message == NULL) {
        return NULL;
    }
    message->name = remote_text(link, workflow->name, false, &failed);
    message->description = cleat__message_text(&failed, workflow->description);
    message->version = cleat__message_text(&failed, workflow->version);
    message->has_default_priority_case =
        CLEAT__V1__CREATE_WORKFLOW_VERSION_REQUEST__HAS_DEFAULT_PRIORITY_DEFAULT_PRIORITY;
    message->default_priority = workflow->tasks[0].policy.priority;
    if (workflow->sticky != CLEAT__STICKY_NONE) {
        message->has_sticky_case = CLEAT__V1__CREATE_WORKFLOW_VERSION_REQUEST__HAS_STICKY_STICKY;
        message->sticky = workflow->sticky == CLEAT__STICKY_HARD ? CLEAT__V1__STICKY_STRATEGY__HARD
                                                                 : CLEAT__V1__STICKY_STRATEGY__SOFT;
    }
    message->concurrency_arr = cleat__concurrency_write(
        &failed, workflow->concurrency, workflow->concurrency_count, &message->n_concurrency_arr);
    write_events(link, workflow, &failed, message);
    write_filters(workflow, &failed, message);
    write_crons(workflow, &failed, message);
    write_schema(workflow->input_json_schema, &failed, message);
    write_idempotency(workflow->idempotency, &failed, message);
    write_tasks(link, workflow, &failed, message);
    if (failed) {
        cleat__message_free(message);
        return NULL;
    }
    return message;
}

static bool has_durable_task(const cleat__workflow *workflow)
{
    for (size_t i = 0; i < workflow->task_count; i++) {
        if (workflow->tasks[i].is_durable) {
            return true;
        }
    }
    return false;
}

cleat_status cleat__remote_put_workflow(cleat__link *link, const cleat__workflow *workflow)
{
    static const cleat__method method = {
        "/v1.AdminService/PutWorkflow", &cleat__v1__create_workflow_version_response__descriptor, true, NULL};
    void *reply = NULL;
    if (!link->has_durable && has_durable_task(workflow)) {
        return cleat__fail(
            CLEAT_UNSUPPORTED,
            "the server at %s is too old for workflows like \"%.*s\": they need an engine of v0.80.0 "
            "or newer",
            link->settings.address, CLEAT_SLICE_ARGS(workflow->name));
    }
    Cleat__V1__CreateWorkflowVersionRequest *message = write_workflow(link, workflow);
    if (message == NULL) {
        return cleat__fail_memory();
    }
    cleat_status status = cleat__link_call(link, &method, message, INT64_MAX, &reply);
    cleat__message_free(reply);
    cleat__message_free(message);
    return status;
}

/* ---- Rate limits ---- */

cleat_status cleat__remote_put_rate_limit(cleat__link *link, cleat_slice key, int32_t limit,
                                          int64_t window_ms)
{
    static const cleat__method method = {"/WorkflowService/PutRateLimit",
                                         &cleat__put_rate_limit_response__descriptor, true, NULL};
    bool failed = false;
    void *reply = NULL;
    Cleat__PutRateLimitRequest message = CLEAT__PUT_RATE_LIMIT_REQUEST__INIT;
    message.key = cleat__message_text(&failed, key);
    message.limit = limit;
    message.duration = (Cleat__RateLimitDuration)cleat__rate_duration_write(window_ms);
    cleat_status status =
        failed ? cleat__fail_memory() : cleat__link_call(link, &method, &message, INT64_MAX, &reply);
    cleat__free(message.key);
    cleat__message_free(reply);
    return status;
}
