#include "wire/workflow.h"

#include "base/alloc.h"
#include "base/error.h"
#include "model/duration.h"
#include "wire/concurrency.h"
#include "wire/condition.h"
#include "wire/desired_label.h"
#include "wire/rate_use.h"

typedef Cleat__V1__CreateWorkflowVersionRequest request;
typedef Cleat__V1__CreateTaskOpts options;

/* ---- Its task ---- */

/* A timeout that is not given, or empty, is `otherwise`. */
static cleat_status read_timeout(const char *field, const char *text, int64_t otherwise, int64_t *out)
{
    *out = otherwise;
    return text == NULL || text[0] == '\0' ? CLEAT_OK
                                           : cleat__duration_parse(field, cleat_slice_of(text), out);
}

/* The n-th delay is factor^n seconds, unless the first is given. */
static void read_backoff(const options *task, cleat__policy *out)
{
    if (task->has_backoff_factor_case == 0) {
        return;
    }
    int32_t most_s = task->has_backoff_max_seconds_case != 0 ? task->backoff_max_seconds
                                                             : (int32_t)(CLEAT__BACKOFF_MAX_MS / 1000);
    out->backoff_factor = (double)task->backoff_factor;
    out->backoff_max_ms = (int64_t)most_s * 1000;
    /* What is no factor is refused with the rest; above 0, or the factor would not be looked at. */
    bool is_factor = out->backoff_factor >= 1 && out->backoff_factor <= 1000;
    out->backoff_initial_ms = is_factor ? (int64_t)(out->backoff_factor * 1000) : 1;
    if (is_factor && task->has_backoff_initial_ms_case != 0) {
        out->backoff_initial_ms = task->backoff_initial_ms;
    }
    if (task->has_backoff_max_ms_case != 0) {
        out->backoff_max_ms = task->backoff_max_ms;
    }
}

static cleat_status read_policy(const request *message, const options *task, cleat__policy *out)
{
    out->retries = task->retries;
    out->priority = message->has_default_priority_case != 0 ? message->default_priority : CLEAT_PRIORITY_LOW;
    read_backoff(task, out);
    const char *schedule = task->has_schedule_timeout_case != 0 ? task->schedule_timeout : NULL;
    cleat_status status =
        read_timeout("schedule_timeout", schedule, CLEAT__SCHEDULE_TIMEOUT_MS, &out->schedule_timeout_ms);
    return status == CLEAT_OK ? read_timeout("timeout", task->timeout, CLEAT__EXECUTION_TIMEOUT_MS,
                                             &out->execution_timeout_ms)
                              : status;
}

static cleat_status read_slots(const options *task, cleat__workflow_task *out)
{
    if (task->n_slot_requests == 0) {
        return CLEAT_OK;
    }
    cleat__slots *slots = cleat__calloc(task->n_slot_requests, sizeof(*slots));
    if (slots == NULL) {
        return cleat__fail_memory();
    }
    for (size_t i = 0; i < task->n_slot_requests; i++) {
        slots[i] = (cleat__slots){cleat_slice_of(task->slot_requests[i]->key), task->slot_requests[i]->value};
    }
    out->slots = slots;
    out->slot_count = task->n_slot_requests;
    return CLEAT_OK;
}

static cleat_status read_parents(const options *task, cleat__workflow_task *out)
{
    if (task->n_parents == 0) {
        return CLEAT_OK;
    }
    cleat_slice *parents = cleat__calloc(task->n_parents, sizeof(*parents));
    if (parents == NULL) {
        return cleat__fail_memory();
    }
    for (size_t i = 0; i < task->n_parents; i++) {
        parents[i] = cleat_slice_of(task->parents[i]);
    }
    out->parents = parents;
    out->parent_count = task->n_parents;
    return CLEAT_OK;
}

static cleat_status read_batch(const Cleat__V1__TaskBatchConfig *message, cleat__workflow_task *out)
{
    if (message == NULL) {
        return CLEAT_OK;
    }
    cleat__batch_config *batch = cleat__malloc(sizeof(*batch));
    if (batch == NULL) {
        return cleat__fail_memory();
    }
    *batch = (cleat__batch_config){
        .max_size = message->batch_max_size,
        .interval_ms = message->has_batch_max_interval_ms_case != 0 ? message->batch_max_interval_ms
                                                                    : CLEAT__BATCH_INTERVAL_MS,
        .group_max_runs = message->has_batch_group_max_runs_case != 0 ? message->batch_group_max_runs
                                                                      : CLEAT__BATCH_GROUP_RUNS,
    };
    if (message->has_batch_group_key_case != 0 && message->batch_group_key[0] != '\0') {
        batch->group_key = cleat_slice_of(message->batch_group_key);
    }
    out->batch = batch;
    return CLEAT_OK;
}

CLEAT__DESIRED_ENTRY_READER(read_label_entry, Cleat__V1__CreateTaskOpts__WorkerLabelsEntry)

static cleat_status read_task(const request *message, const options *task, cleat__workflow_task *out)
{
    cleat__desired_label *labels = NULL;
    out->name = cleat_slice_of(task->readable_id);
    out->action = cleat_slice_of(task->action);
    out->is_durable = task->is_durable != 0;
    cleat_status status = read_policy(message, task, &out->policy);
    if (status == CLEAT_OK) {
        status = read_slots(task, out);
    }
    if (status == CLEAT_OK) {
        status =
            cleat__desired_labels_read(read_label_entry, task->worker_labels, task->n_worker_labels, &labels);
        out->labels = labels;
        out->label_count = labels != NULL ? task->n_worker_labels : 0;
    }
    if (status == CLEAT_OK) {
        cleat__concurrency *rules = NULL;
        status = cleat__concurrency_read(NULL, task->concurrency, task->n_concurrency, &rules,
                                         &out->concurrency_count);
        out->concurrency = rules;
    }
    if (status == CLEAT_OK) {
        cleat__rate_use *uses = NULL;
        status = cleat__rate_uses_read(task->rate_limits, task->n_rate_limits, &uses);
        out->rate_limits = uses;
        out->rate_limit_count = uses != NULL ? task->n_rate_limits : 0;
    }
    if (status == CLEAT_OK) {
        status = read_batch(task->batch, out);
    }
    if (status == CLEAT_OK) {
        status = read_parents(task, out);
    }
    return status == CLEAT_OK
               ? cleat__step_conditions_read(task->conditions, &out->conditions, &out->condition_count)
               : status;
}

static cleat_status read_tasks(const request *message, cleat__workflow *out)
{
    size_t count = message->n_tasks + (message->on_failure_task != NULL);
    cleat__workflow_task *tasks = cleat__calloc(count, sizeof(*tasks));
    cleat_status status = CLEAT_OK;
    if (tasks == NULL) {
        return cleat__fail_memory();
    }
    out->tasks = tasks;
    while (out->task_count < count && status == CLEAT_OK) {
        bool is_on_failure = out->task_count == message->n_tasks;
        const options *task = is_on_failure ? message->on_failure_task : message->tasks[out->task_count];
        tasks[out->task_count].is_on_failure = is_on_failure;
        status = read_task(message, task, &tasks[out->task_count]);
        out->task_count++;
    }
    return status;
}

/* ---- All of it ---- */

static cleat_status read_texts(char *const *texts, size_t count, const cleat_slice **out)
{
    cleat_slice *slices = count != 0 ? cleat__calloc(count, sizeof(*slices)) : NULL;
    if (count != 0 && slices == NULL) {
        return cleat__fail_memory();
    }
    for (size_t i = 0; i < count; i++) {
        slices[i] = cleat_slice_of(texts[i]);
    }
    *out = slices;
    return CLEAT_OK;
}

static cleat_status read_event_keys(const request *message, cleat__workflow *out)
{
    out->event_key_count = message->n_event_triggers;
    return read_texts(message->event_triggers, message->n_event_triggers, &out->event_keys);
}

static cleat_status read_crons(const request *message, cleat__workflow *out)
{
    out->cron_count = message->n_cron_triggers;
    if (message->has_cron_input_case != 0 && message->cron_input[0] != '\0') {
        out->cron_input = cleat_slice_of(message->cron_input);
    }
    return read_texts(message->cron_triggers, message->n_cron_triggers, &out->crons);
}

static cleat_status read_filters(const request *message, cleat__workflow *out)
{
    if (message->n_default_filters == 0) {
        return CLEAT_OK;
    }
    cleat__filter *filters = cleat__calloc(message->n_default_filters, sizeof(*filters));
    if (filters == NULL) {
        return cleat__fail_memory();
    }
    for (size_t i = 0; i < message->n_default_filters; i++) {
        const Cleat__V1__DefaultFilter *filter = message->default_filters[i];
        filters[i] = (cleat__filter){.scope = cleat_slice_of(filter->scope),
                                     .expression = cleat_slice_of(filter->expression)};
        if (filter->has_payload_case != 0 && filter->payload.len != 0) {
            filters[i].payload = (cleat_slice){(const char *)filter->payload.data, filter->payload.len};
        }
    }
    out->filters = filters;
    out->filter_count = message->n_default_filters;
    return CLEAT_OK;
}

static cleat_status read_sticky(const request *message, cleat__workflow *out)
{
    out->sticky = CLEAT__STICKY_NONE;
    if (message->has_sticky_case == 0) {
        return CLEAT_OK;
    }
    switch ((int)message->sticky) {
    case CLEAT__V1__STICKY_STRATEGY__SOFT: out->sticky = CLEAT__STICKY_SOFT; return CLEAT_OK;
    case CLEAT__V1__STICKY_STRATEGY__HARD: out->sticky = CLEAT__STICKY_HARD; return CLEAT_OK;
    default:
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "sticky is %d, which is no strategy",
                           (int)message->sticky);
    }
}

static cleat_status read_idempotency(const Cleat__V1__IdempotencyConfig *message, cleat__workflow *out)
{
    if (message == NULL) {
        return CLEAT_OK;
    }
    cleat__idempotency *idempotency = cleat__malloc(sizeof(*idempotency));
    if (idempotency == NULL) {
        return cleat__fail_memory();
    }
    *idempotency = (cleat__idempotency){
        .expression = cleat_slice_of(message->expression),
        .ttl_ms = message->ttl_ms,
        .method = CLEAT_IDEMPOTENCY_TTL,
    };
    if (message->has_method_case != 0) { /* the same numbers */
        idempotency->method = (cleat_idempotency_method)message->method;
    }
    out->idempotency = idempotency;
    return CLEAT_OK;
}

cleat_status cleat__workflow_read(const request *message, cleat__workflow *out)
{
    *out = (cleat__workflow){
        .name = cleat_slice_of(message->name),
        .description = cleat_slice_of(message->description),
        .version = cleat_slice_of(message->version),
    };
    if (message->n_tasks == 0) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "workflow \"%.255s\" has no tasks", message->name);
    }
    if (message->has_input_json_schema_case != 0 && message->input_json_schema.len != 0) {
        out->input_json_schema =
            (cleat_slice){(const char *)message->input_json_schema.data, message->input_json_schema.len};
    }
    cleat_status status = read_sticky(message, out);
    if (status == CLEAT_OK) {
        status = read_event_keys(message, out);
    }
    if (status == CLEAT_OK) {
        status = read_filters(message, out);
    }
    if (status == CLEAT_OK) {
        status = read_idempotency(message->idempotency, out);
    }
    if (status == CLEAT_OK) {
        cleat__concurrency *rules = NULL;
        status = cleat__concurrency_read(message->concurrency, message->concurrency_arr,
                                         message->n_concurrency_arr, &rules, &out->concurrency_count);
        out->concurrency = rules;
    }
    if (status == CLEAT_OK) {
        status = read_crons(message, out);
    }
    return status == CLEAT_OK ? read_tasks(message, out) : status;
}

void cleat__workflow_read_end(cleat__workflow *workflow)
{
    for (size_t i = 0; i < workflow->task_count; i++) {
        cleat__free((void *)(uintptr_t)workflow->tasks[i].concurrency);
        cleat__free((void *)(uintptr_t)workflow->tasks[i].rate_limits);
        cleat__free((void *)(uintptr_t)workflow->tasks[i].batch);
        cleat__free((void *)(uintptr_t)workflow->tasks[i].labels);
        cleat__free((void *)(uintptr_t)workflow->tasks[i].slots);
        cleat__free((void *)(uintptr_t)workflow->tasks[i].parents);
        cleat__free((void *)(uintptr_t)workflow->tasks[i].conditions);
    }
    cleat__free((void *)(uintptr_t)workflow->tasks);
    cleat__free((void *)(uintptr_t)workflow->idempotency);
    cleat__free((void *)(uintptr_t)workflow->event_keys);
    cleat__free((void *)(uintptr_t)workflow->filters);
    cleat__free((void *)(uintptr_t)workflow->concurrency);
    cleat__free((void *)(uintptr_t)workflow->crons);
    workflow->tasks = NULL;
    workflow->task_count = 0;
    workflow->idempotency = NULL;
    workflow->event_keys = NULL;
    workflow->filters = NULL;
    workflow->concurrency = NULL;
    workflow->crons = NULL;
}
