/* What a worker declares: copied from the program's options, told to the engine at the start. */
#include "sdk/worker.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/utf8.h"
#include "model/json.h"
#include "model/worker.h"
#include "sdk/options.h"
#include "sdk/wishes.h"

void cleat__declaration_free(cleat__declaration *declaration)
{
    if (declaration != NULL) {
        cleat__free(declaration->events);
        cleat__free(declaration->filters);
        cleat__free(declaration->crons);
        cleat__free(declaration->cron_input);
        cleat__free(declaration->labels);
        cleat__free(declaration->slots);
        cleat__free(declaration->concurrency);
        cleat__free(declaration->rate_limits);
        cleat__free(declaration->description);
        cleat__free(declaration->schema);
        cleat__free(declaration->key_expression);
        cleat__free(declaration->group_key);
        cleat__free(declaration->machine_name);
        cleat__free(declaration->version);
        cleat__free(declaration->version_json);
        cleat__declaration_free(declaration->older);
        cleat__dag_declaration_free(declaration->dag);
        cleat__free(declaration);
    }
}

void cleat__declaration_describe(const cleat__declaration *from, cleat__workflow_task *task,
                                 cleat__workflow *out)
{
    cleat_slice action = cleat_slice_of(from->action);
    *task = (cleat__workflow_task){
        .name = cleat__action_task(action),
        .action = action,
        .policy = from->policy,
        .is_durable = from->is_workflow,
        .labels = from->labels != NULL ? from->labels->items : NULL,
        .label_count = from->labels != NULL ? from->labels->count : 0,
        .slots = from->slots != NULL ? from->slots->items : NULL,
        .slot_count = from->slots != NULL ? from->slots->count : 0,
        .concurrency = from->concurrency != NULL ? from->concurrency->items : NULL,
        .concurrency_count = from->concurrency != NULL ? from->concurrency->count : 0,
        .rate_limits = from->rate_limits != NULL ? from->rate_limits->items : NULL,
        .rate_limit_count = from->rate_limits != NULL ? from->rate_limits->count : 0,
        .batch = from->run_batch != NULL ? &from->batch : NULL,
    };
    bool has_rules =
        from->dag != NULL && from->concurrency != NULL; /* of one that is alone the task has them */
    *out = (cleat__workflow){
        .name = cleat_slice_of(from->workflow),
        .description = cleat_slice_of(from->description),
        .version = cleat_slice_of(from->version),
        .tasks = from->dag != NULL ? from->dag->all : task,
        .task_count = from->dag != NULL ? from->dag->count : 1,
        .event_keys = from->events != NULL ? from->events->items : NULL,
        .event_key_count = from->events != NULL ? from->events->count : 0,
        .filters = from->filters,
        .filter_count = from->filter_count,
        .crons = from->crons != NULL ? from->crons->items : NULL,
        .cron_count = from->crons != NULL ? from->crons->count : 0,
        .cron_input = cleat_slice_of(from->cron_input),
        .sticky = (cleat__sticky)from->sticky,
        .input_json_schema = cleat_slice_of(from->schema),
        .concurrency = has_rules ? from->concurrency->items : NULL,
        .concurrency_count = has_rules ? from->concurrency->count : 0,
        .idempotency = from->key_expression != NULL ? &from->idempotency : NULL,
    };
}

cleat_status cleat__declaration_put(const cleat__declaration *declaration, cleat__transport *transport)
{
    cleat__workflow workflow;
    cleat__workflow_task task;
    cleat__declaration_describe(declaration, &task, &workflow);
    return transport->put_workflow(transport, &workflow);
}

/* ---- Copying: by way of the texts in which the engine stores them, which become one block each ---- */

static cleat_status copy_names(const char *const *keys, cleat__names **to)
{
    cleat__buffer text = {0};
    if (keys == NULL || keys[0] == NULL) {
        return CLEAT_OK;
    }
    for (size_t i = 0; keys[i] != NULL; i++) {
        cleat__buffer_append_byte(&text, i == 0 ? '[' : ',');
        cleat__buffer_append_json(&text, cleat_slice_of(keys[i]));
    }
    cleat__buffer_append_byte(&text, ']');
    cleat_status status =
        text.failed ? cleat__fail_memory() : cleat__names_decode(cleat__buffer_slice(&text), to);
    cleat__buffer_deinit(&text);
    return status;
}

static size_t filter_size(const cleat_filter *filter)
{
    const char *const texts[] = {filter->scope, filter->expression, filter->payload};
    size_t size = sizeof(cleat__filter);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        size += texts[i] != NULL ? strlen(texts[i]) : 0;
    }
    return size;
}

/* Copies to `*at`, which goes on behind it. */
static cleat_slice copy_text(const char *text, char **at)
{
    cleat_slice copy = {text != NULL ? *at : NULL, text != NULL ? strlen(text) : 0};
    if (copy.size != 0) {
        memcpy(*at, text, copy.size);
        *at += copy.size;
    }
    return copy;
}

static cleat_status copy_filters(const cleat_filter *filters, size_t count, cleat__declaration *to)
{
    size_t size = 0;
    if (count == 0) {
        return CLEAT_OK;
    }
    if (filters == NULL || count > CLEAT__FILTERS_MAX) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%zu default_filters are given%s; at most %d are allowed",
                           count, filters == NULL ? ", which are NULL" : "", CLEAT__FILTERS_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        size += filter_size(&filters[i]);
    }
    to->filters = cleat__malloc(size);
    if (to->filters == NULL) {
        return cleat__fail_memory();
    }
    char *at = (char *)(to->filters + count);
    for (size_t i = 0; i < count; i++) {
        to->filters[i].scope = copy_text(filters[i].scope, &at);
        to->filters[i].expression = copy_text(filters[i].expression, &at);
        to->filters[i].payload = copy_text(filters[i].payload, &at);
    }
    to->filter_count = count;
    return CLEAT_OK;
}

static cleat_status copy_labels(const cleat_task_options *options, cleat__declaration *to)
{
    cleat__buffer text = {0};
    cleat__desired_label *labels = NULL;
    cleat_status status =
        cleat__desired_labels_take(options->desired_labels, options->desired_label_count, &labels);
    if (labels != NULL) {
        cleat__desired_labels_encode(labels, options->desired_label_count, &text);
        status = text.failed ? cleat__fail_memory()
                             : cleat__desired_labels_decode(cleat__buffer_slice(&text), &to->labels);
    }
    cleat__free(labels);
    cleat__buffer_deinit(&text);
    return status;
}

static cleat_status copy_slots(const cleat_task_options *options, cleat__declaration *to)
{
    cleat__buffer text = {0};
    cleat__slots *slots = NULL;
    size_t count = 0;
    cleat_status status =
        cleat__slots_take(0, options->slot_requests, options->slot_request_count, &slots, &count);
    if (slots != NULL) {
        cleat__slots_encode(slots, count, &text);
        status =
            text.failed ? cleat__fail_memory() : cleat__slots_decode(cleat__buffer_slice(&text), &to->slots);
    }
    cleat__free(slots);
    cleat__buffer_deinit(&text);
    return status;
}

static cleat_status copy_concurrency(const cleat_task_options *options, cleat__declaration *to)
{
    cleat__buffer text = {0};
    cleat__concurrency *rules = NULL;
    cleat_status status = cleat__concurrency_take(options->concurrency, options->concurrency_count, &rules);
    if (rules != NULL) {
        cleat__concurrency_encode(rules, options->concurrency_count, &text);
        status = text.failed ? cleat__fail_memory()
                             : cleat__concurrency_decode_text(cleat__buffer_slice(&text), &to->concurrency);
    }
    cleat__free(rules);
    cleat__buffer_deinit(&text);
    return status;
}

static cleat_status copy_rate_limits(const cleat_task_options *options, cleat__declaration *to)
{
    cleat__buffer text = {0};
    cleat__rate_use *uses = NULL;
    cleat_status status = cleat__rate_uses_take(options->rate_limits, options->rate_limit_count, &uses);
    if (uses != NULL) {
        cleat__rate_uses_encode(uses, options->rate_limit_count, &text);
        status = text.failed ? cleat__fail_memory()
                             : cleat__rate_uses_decode_text(cleat__buffer_slice(&text), &to->rate_limits);
    }
    cleat__free(uses);
    cleat__buffer_deinit(&text);
    return status;
}

static cleat_status copy_texts(const cleat_task_options *options, cleat__declaration *to)
{
    if (options->description != NULL) {
        to->description = cleat__strdup(options->description);
        if (to->description == NULL) {
            return cleat__fail_memory();
        }
    }
    if (options->cron_input != NULL) {
        to->cron_input = cleat__strdup(options->cron_input);
        if (to->cron_input == NULL) {
            return cleat__fail_memory();
        }
    }
    if (options->input_json_schema == NULL) {
        return CLEAT_OK;
    }
    to->schema = cleat__strdup(options->input_json_schema);
    return to->schema != NULL ? cleat__json_check("input_json_schema", cleat_slice_of(to->schema), true)
                              : cleat__fail_memory();
}

static cleat_status copy_idempotency(const cleat_idempotency *from, cleat__declaration *to)
{
    if (from == NULL) {
        return CLEAT_OK;
    }
    to->key_expression = cleat__strdup(from->expression != NULL ? from->expression : "");
    to->idempotency = (cleat__idempotency){
        .expression = cleat_slice_of(to->key_expression),
        .ttl_ms = from->ttl_ms,
        .method = from->method,
    };
    return to->key_expression != NULL ? CLEAT_OK : cleat__fail_memory();
}

static cleat_status check_batch(const cleat_task_options *options)
{
    if ((options->batch == NULL) != (options->run_batch == NULL)) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s is NULL: task \"%s\" needs both batch and run_batch",
                           options->batch == NULL ? "batch" : "run_batch", options->name);
    }
    if (options->batch != NULL && options->run != NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "task \"%s\" has both run and run_batch: it needs one",
                           options->name);
    }
    if (options->batch != NULL && options->retries != 0) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT,
                           "retries is %d: the runs of task \"%s\", which come in batches, have none",
                           options->retries, options->name);
    }
    return CLEAT_OK;
}

static cleat_status copy_batch(const cleat_task_options *options, cleat__declaration *to)
{
    const cleat_batch_config *from = options->batch;
    cleat_status status = check_batch(options);
    if (status != CLEAT_OK || from == NULL) {
        return status;
    }
    to->group_key = cleat__strdup(from->group_key);
    if (from->group_key != NULL && to->group_key == NULL) {
        return cleat__fail_memory();
    }
    to->run_batch = options->run_batch;
    to->batch = (cleat__batch_config){
        .max_size = from->max_size,
        .interval_ms = from->interval_ms != 0 ? from->interval_ms : CLEAT__BATCH_INTERVAL_MS,
        .group_key = cleat_slice_of(to->group_key),
        .group_max_runs = from->group_max_runs != 0 ? from->group_max_runs : CLEAT__BATCH_GROUP_RUNS,
    };
    return CLEAT_OK;
}

static cleat_status copy_options(const cleat_task_options *options, cleat__declaration *to)
{
    cleat__workflow workflow;
    cleat__workflow_task task;
    cleat_status status = cleat__action_id(options->name, to->action);
    if (status == CLEAT_OK) {
        cleat__workflow_name(cleat_slice_of(to->action), to->workflow);
        status = cleat__policy_from_options(options, &to->policy);
    }
    if (status == CLEAT_OK &&
        ((int)options->sticky < CLEAT_STICKY_NONE || options->sticky > CLEAT_STICKY_HARD)) {
        status = cleat__fail(CLEAT_INVALID_ARGUMENT, "sticky is %d, which is no cleat_sticky",
                             (int)options->sticky);
    }
    to->sticky = options->sticky;
    if (status == CLEAT_OK) {
        status = copy_names(options->on_events, &to->events);
    }
    if (status == CLEAT_OK) {
        status = copy_names(options->on_crons, &to->crons);
    }
    if (status == CLEAT_OK) {
        status = copy_filters(options->default_filters, options->default_filter_count, to);
    }
    if (status == CLEAT_OK) {
        status = copy_labels(options, to);
    }
    if (status == CLEAT_OK) {
        status = copy_slots(options, to);
    }
    if (status == CLEAT_OK) {
        status = copy_concurrency(options, to);
    }
    if (status == CLEAT_OK) {
        status = copy_rate_limits(options, to);
    }
    if (status == CLEAT_OK) {
        status = copy_texts(options, to);
    }
    if (status == CLEAT_OK) {
        status = copy_idempotency(options->idempotency, to);
    }
    if (status == CLEAT_OK) {
        status = copy_batch(options, to);
    }
    if (status == CLEAT_OK) {
        cleat__declaration_describe(to, &task, &workflow);
        status = cleat__workflow_check(&workflow);
    }
    return status;
}

cleat_status cleat__declaration_new(const cleat_task_options *options, cleat__declaration **out)
{
    cleat__declaration *declaration = cleat__calloc(1, sizeof(*declaration));
    *out = NULL;
    if (declaration == NULL) {
        return cleat__fail_memory();
    }
    declaration->run = options->run;
    declaration->user_data = options->user_data;
    cleat_status status = copy_options(options, declaration);
    if (status != CLEAT_OK) {
        cleat__declaration_free(declaration);
        return status;
    }
    *out = declaration;
    return CLEAT_OK;
}

/* ---- Workflows ---- */

static cleat_status copy_version(const char *version, cleat__declaration *to)
{
    cleat__buffer json = {0};
    size_t size = version != NULL ? strlen(version) : 0;
    if (version != NULL &&
        (size == 0 || size > CLEAT__NAME_MAX || cleat__utf8_valid_prefix(version, size) != size)) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "version has 1 to %d bytes of UTF-8, or is NULL",
                           CLEAT__NAME_MAX);
    }
    to->version = cleat__strdup(version);
    if (version != NULL) {
        cleat__buffer_append_json(&json, cleat_slice_of(version));
    } else {
        cleat__buffer_append_string(&json, "null");
    }
    to->version_json = cleat__buffer_take_string(&json);
    return to->version_json != NULL && (version == NULL || to->version != NULL) ? CLEAT_OK
                                                                                : cleat__fail_memory();
}

cleat_status cleat__declaration_make_durable(cleat__declaration *declaration, cleat_workflow_spans spans,
                                             const char *machine_name, const char *version)
{
    declaration->is_workflow = true;
    declaration->spans = spans;
    declaration->machine_name = cleat__strdup(machine_name);
    return declaration->machine_name != NULL ? copy_version(version, declaration) : cleat__fail_memory();
}

cleat_status cleat__declaration_new_workflow(const cleat_workflow_options *options, cleat__declaration **out)
{
    const cleat_task_options same = {
        .struct_size = sizeof(same),
        .name = options->name,
        .run = options->run,
        .user_data = options->user_data,
        .retries = options->retries,
        .backoff_initial_ms = options->backoff_initial_ms,
        .backoff_factor = options->backoff_factor,
        .backoff_max_ms = options->backoff_max_ms,
        .execution_timeout_ms = options->execution_timeout_ms,
        .schedule_timeout_ms = options->schedule_timeout_ms,
        .priority = options->priority,
        .on_events = options->on_events,
        .description = options->description,
        .input_json_schema = options->input_json_schema,
        .default_filters = options->default_filters,
        .default_filter_count = options->default_filter_count,
        .idempotency = options->idempotency,
        .concurrency = options->concurrency,
        .concurrency_count = options->concurrency_count,
        .on_crons = options->on_crons,
        .cron_input = options->cron_input,
        .rate_limits = options->rate_limits,
        .rate_limit_count = options->rate_limit_count,
    };
    *out = NULL;
    if (options->spans != CLEAT_WORKFLOW_SPANS && options->spans != CLEAT_HATCHET_SPANS) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "spans is %d, which is no cleat_workflow_spans",
                           (int)options->spans);
    }
    cleat__declaration *declaration = NULL;
    cleat_status status = cleat__declaration_new(&same, &declaration);
    if (status != CLEAT_OK) {
        return status;
    }
    status = cleat__declaration_make_durable(
        declaration, options->spans, options->machine_name != NULL ? options->machine_name : options->name,
        options->version);
    if (status != CLEAT_OK) {
        cleat__declaration_free(declaration);
        return status;
    }
    *out = declaration;
    return CLEAT_OK;
}
