#include "model/workflow.h"

#include "base/alloc.h"
#include "base/error.h"
#include "model/cron.h"
#include "model/dag.h"
#include "model/event_pattern.h"
#include "model/json.h"
#include "model/schedule.h"
#include "model/worker.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

/* ---- Names ---- */

static bool is_name_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

cleat_status cleat__name_check(const char *field, cleat_slice name)
{
    if (name.size == 0) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s is empty", field);
    }
    if (name.size > CLEAT__NAME_MAX) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s \"%.16s...\" has %zu bytes; at most %d are allowed",
                           field, name.data, name.size, CLEAT__NAME_MAX);
    }
    for (size_t i = 0; i < name.size; i++) {
        if (!is_name_character(name.data[i])) {
            return cleat__fail(CLEAT_INVALID_ARGUMENT,
                               "%s \"%.*s\": character %zu is not allowed; use letters, digits, '.', '_' "
                               "and '-'",
                               field, CLEAT_SLICE_ARGS(name), i + 1);
        }
    }
    return CLEAT_OK;
}

cleat_status cleat__action_check(cleat_slice action)
{
    size_t parts = 0, start = 0;
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; i <= action.size && status == CLEAT_OK; i++) {
        if (i == action.size || action.data[i] == ':') {
            status = cleat__name_check("action", (cleat_slice){action.data + start, i - start});
            start = i + 1;
            parts++;
        }
    }
    if (status == CLEAT_OK && (parts < 2 || parts > 3)) {
        status =
            cleat__fail(CLEAT_INVALID_ARGUMENT, "action \"%.*s\" has %zu parts; it must be \"workflow:task\"",
                        CLEAT_SLICE_ARGS(action), parts);
    }
    return status;
}

cleat_slice cleat__lower_case(cleat_slice text, char *to)
{
    size_t size = text.size < CLEAT__ACTION_MAX ? text.size : CLEAT__ACTION_MAX;
    for (size_t i = 0; i < size; i++) {
        char c = text.data[i];
        to[i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    return (cleat_slice){to, size};
}

void cleat__workflow_name(cleat_slice action, char *name)
{
    cleat_slice first = cleat__action_workflow(action), second = cleat__action_task(action);
    if (cleat_slice_equals(first, second)) {
        action = first;
    }
    for (size_t i = 0; i < action.size; i++) {
        name[i] = (char)(action.data[i] == ':' ? '.' : action.data[i]);
    }
    name[action.size] = '\0';
}

/* ---- Checks ---- */

static cleat_status check_policy(const cleat__policy *policy)
{
    if (policy->retries < 0) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "retries is %d; it must not be negative", policy->retries);
    }
    if (policy->priority < CLEAT_PRIORITY_LOW || policy->priority > CLEAT_PRIORITY_HIGH) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "default_priority is %d; it must be 1 (low) .. 3 (high)",
                           policy->priority);
    }
    if (policy->backoff_initial_ms < 0) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT,
                           "backoff_initial is %" PRId64 " ms; it must not be negative",
                           policy->backoff_initial_ms);
    }
    if (policy->backoff_initial_ms == 0) {
        return CLEAT_OK; /* the others have no meaning */
    }
    /* Written so that NaN is refused. */
    if (!(policy->backoff_factor >= 1 && policy->backoff_factor <= CLEAT__BACKOFF_FACTOR_MAX)) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "backoff_factor is %g; it must be 1 .. 1000",
                           policy->backoff_factor);
    }
    if (policy->backoff_max_ms < 1 || policy->backoff_max_ms > CLEAT__BACKOFF_MAX_MS) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT,
                           "backoff_max is %" PRId64 " ms; it must be more than 0 and at most 86400 s",
                           policy->backoff_max_ms);
    }
    return CLEAT_OK;
}

cleat_status cleat__slots_check(const cleat__slots *slots, size_t count)
{
    if (count > CLEAT__SLOT_TYPES_MAX) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "slots: %zu types are given, at most %d are allowed",
                           count, CLEAT__SLOT_TYPES_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        cleat_status status = cleat__name_check("slot type", slots[i].type);
        if (status != CLEAT_OK) {
            return status;
        }
        if (slots[i].units < 1) {
            return cleat__fail(CLEAT_INVALID_ARGUMENT, "slots: %d units of \"%.*s\"; at least 1 are needed",
                               slots[i].units, CLEAT_SLICE_ARGS(slots[i].type));
        }
        for (size_t j = 0; j < i; j++) {
            if (cleat_slice_equals(slots[i].type, slots[j].type)) {
                return cleat__fail(CLEAT_INVALID_ARGUMENT, "slots: \"%.*s\" is given twice",
                                   CLEAT_SLICE_ARGS(slots[i].type));
            }
        }
    }
    return CLEAT_OK;
}

static cleat_status check_event_keys(const cleat__workflow *workflow)
{
    if (workflow->event_key_count > CLEAT__EVENT_KEYS_MAX) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "event_triggers: %zu are given, at most %d are allowed",
                           workflow->event_key_count, CLEAT__EVENT_KEYS_MAX);
    }
    for (size_t i = 0; i < workflow->event_key_count; i++) {
        cleat_status status = cleat__event_pattern_check("event_triggers", workflow->event_keys[i]);
        if (status != CLEAT_OK) {
            return status;
        }
    }
    return cleat__filters_check(workflow->filters, workflow->filter_count);
}

static cleat_status check_crons(const cleat__workflow *workflow)
{
    if (workflow->cron_count > CLEAT__CRONS_MAX) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "cron_triggers: %zu are given, at most %d are allowed",
                           workflow->cron_count, CLEAT__CRONS_MAX);
    }
    for (size_t i = 0; i < workflow->cron_count; i++) {
        cleat__cron cron;
        cleat_status status = cleat__cron_parse(workflow->crons[i], &cron);
        if (status != CLEAT_OK) {
            return status;
        }
    }
    if (workflow->cron_input.size > CLEAT_PAYLOAD_MAX) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "cron_input has %zu bytes; at most %zu are stored",
                           workflow->cron_input.size, CLEAT_PAYLOAD_MAX);
    }
    return workflow->cron_input.data != NULL ? cleat__json_check("cron_input", workflow->cron_input, true)
                                             : CLEAT_OK;
}

static cleat_status check_texts(const cleat__workflow *workflow)
{
    const struct {
        const char *field;
        cleat_slice text;
    } texts[] = {
        {"description", workflow->description},
        {"version", workflow->version},
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (texts[i].text.size > CLEAT_PAYLOAD_MAX) {
            return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s has %zu bytes; at most %zu are stored",
                               texts[i].field, texts[i].text.size, CLEAT_PAYLOAD_MAX);
        }
    }
    return workflow->input_json_schema.data != NULL
               ? cleat__json_check("input_json_schema", workflow->input_json_schema, true)
               : CLEAT_OK;
}

static cleat_status check_batch(const cleat__workflow_task *task)
{
    if (task->batch != NULL && task->is_durable) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "batch: the task \"%.*s\" is durable; it cannot be both",
                           CLEAT_SLICE_ARGS(task->name));
    }
    return task->batch != NULL ? cleat__batch_config_check(task->batch) : CLEAT_OK;
}

static cleat_status check_task(const cleat__workflow_task *task)
{
    cleat_status status = cleat__name_check("task", task->name);
    if (status == CLEAT_OK) {
        status = cleat__action_check(task->action);
    }
    if (status == CLEAT_OK) {
        status = check_policy(&task->policy);
    }
    if (status == CLEAT_OK) {
        status = cleat__workflow_task_check_expressions(task);
    }
    if (status == CLEAT_OK) {
        status = cleat__desired_labels_check(task->labels, task->label_count);
    }
    if (status == CLEAT_OK) {
        status = cleat__concurrency_check(task->concurrency, task->concurrency_count);
    }
    if (status == CLEAT_OK) {
        status = cleat__rate_uses_check(task->rate_limits, task->rate_limit_count);
    }
    if (status == CLEAT_OK) {
        status = check_batch(task);
    }
    return status == CLEAT_OK ? cleat__slots_check(task->slots, task->slot_count) : status;
}

static cleat_status check_tasks(const cleat__workflow *workflow)
{
    cleat_status status = CLEAT_OK;
    if (workflow->task_count == 0 || workflow->task_count > CLEAT__TASKS_MAX) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT,
                           workflow->task_count == 0
                               ? "workflow \"%.*s\" has no tasks"
                               : "workflow \"%.*s\" has %zu tasks; at most %d are allowed",
                           CLEAT_SLICE_ARGS(workflow->name), workflow->task_count, CLEAT__TASKS_MAX);
    }
    for (size_t i = 0; i < workflow->task_count && status == CLEAT_OK; i++) {
        status = check_task(&workflow->tasks[i]);
    }
    return status == CLEAT_OK && cleat__workflow_is_dag(workflow) ? cleat__dag_check(workflow) : status;
}

/* A run that stands twice in line for a rule that is shared by its name waits for itself. */
static cleat_status check_shared(const cleat__concurrency *rule, const cleat__concurrency *others,
                                 size_t count)
{
    for (size_t i = 0; rule->name.data != NULL && i < count; i++) {
        if (others[i].name.data != NULL && cleat_slice_equals(rule->name, others[i].name)) {
            return cleat__fail(CLEAT_INVALID_ARGUMENT,
                               "concurrency: the rule \"%.*s\" is there twice: a run would wait for itself",
                               CLEAT_SLICE_ARGS(rule->name));
        }
    }
    return CLEAT_OK;
}

/* Of a task: with those of its workflow. */
static cleat_status check_chain(const cleat__workflow *workflow, const cleat__concurrency *rules,
                                size_t count)
{
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; i < count && status == CLEAT_OK; i++) {
        status = check_shared(&rules[i], rules + i + 1, count - i - 1);
        if (status == CLEAT_OK) {
            status = check_shared(&rules[i], workflow->concurrency, workflow->concurrency_count);
        }
    }
    return status;
}

static cleat_status check_chains(const cleat__workflow *workflow)
{
    const cleat__workflow alone = {.concurrency = NULL};
    cleat_status status = check_chain(&alone, workflow->concurrency, workflow->concurrency_count);
    for (size_t i = 0; i < workflow->task_count && status == CLEAT_OK; i++) {
        const cleat__workflow_task *task = &workflow->tasks[i];
        status = check_chain(workflow, task->concurrency, task->concurrency_count);
    }
    return status;
}

cleat_status cleat__workflow_check(const cleat__workflow *workflow)
{
    cleat_status status = cleat__name_check("name", workflow->name);
    if (status == CLEAT_OK) {
        status = check_tasks(workflow);
    }
    if (status == CLEAT_OK) {
        status = check_event_keys(workflow);
    }
    if (status == CLEAT_OK) {
        status = check_crons(workflow);
    }
    if (status == CLEAT_OK && ((int)workflow->sticky < 0 || workflow->sticky > CLEAT__STICKY_HARD)) {
        status =
            cleat__fail(CLEAT_INVALID_ARGUMENT, "sticky is %d, which is no strategy", (int)workflow->sticky);
    }
    if (status == CLEAT_OK && workflow->idempotency != NULL) {
        status = cleat__idempotency_check(workflow->idempotency);
    }
    if (status == CLEAT_OK) {
        status = cleat__concurrency_check_expressions(workflow->concurrency, workflow->concurrency_count);
    }
    if (status == CLEAT_OK) {
        status = cleat__concurrency_check(workflow->concurrency, workflow->concurrency_count);
    }
    if (status == CLEAT_OK) {
        status = check_chains(workflow);
    }
    return status == CLEAT_OK ? check_texts(workflow) : status;
}

/* ---- As text ---- */

void cleat__slots_encode(const cleat__slots *slots, size_t count, cleat__buffer *out)
{
    cleat__buffer_append_byte(out, '{');
    for (size_t i = 0; i < count; i++) {
        cleat__buffer_append_string(out, i != 0 ? "," : "");
        cleat__buffer_append_json(out, slots[i].type);
        cleat__buffer_append_format(out, ":%d", slots[i].units);
    }
    cleat__buffer_append_byte(out, '}');
}

static void encode_text(const char *name, cleat_slice text, cleat__buffer *out)
{
    cleat__buffer_append_string(out, name);
    cleat__buffer_append_json(out, text.data != NULL ? text : cleat_slice_of(""));
}

static void encode_slots(const cleat__workflow_task *task, cleat__buffer *out)
{
    cleat__slots one = {cleat_slice_of(task->is_durable ? "durable" : "default"), 1};
    bool is_plain = task->slot_count == 0;
    cleat__slots_encode(is_plain ? &one : task->slots, is_plain ? 1 : task->slot_count, out);
}

static void encode_filters(const cleat__workflow *workflow, cleat__buffer *out)
{
    for (size_t i = 0; i < workflow->filter_count; i++) {
        const cleat__filter *filter = &workflow->filters[i];
        encode_text(i == 0 ? ",\"filters\":[{\"scope\":" : ",{\"scope\":", filter->scope, out);
        encode_text(",\"expression\":", filter->expression, out);
        encode_text(",\"payload\":", filter->payload.data != NULL ? filter->payload : cleat_slice_of("{}"),
                    out);
        cleat__buffer_append_byte(out, '}');
    }
    cleat__buffer_append_string(out, workflow->filter_count != 0 ? "]" : "");
}

/* Nothing when there are none: what was declared before there were any has the same text. */
static void encode_rules(const char *name, const cleat__concurrency *rules, size_t count, cleat__buffer *out)
{
    if (count != 0) {
        cleat__buffer_append_string(out, name);
        cleat__concurrency_encode(rules, count, out);
    }
}

static void encode_rates(const cleat__workflow_task *task, cleat__buffer *out)
{
    if (task->rate_limit_count != 0) {
        cleat__buffer_append_string(out, ",\"rate_limits\":");
        cleat__rate_uses_encode(task->rate_limits, task->rate_limit_count, out);
    }
}

static void encode_crons(const cleat__workflow *workflow, cleat__buffer *out)
{
    for (size_t i = 0; i < workflow->cron_count; i++) {
        encode_text(i == 0 ? ",\"crons\":[" : ",", workflow->crons[i], out);
    }
    cleat__buffer_append_string(out, workflow->cron_count != 0 ? "]" : "");
    if (workflow->cron_input.data != NULL) {
        encode_text(",\"cron_input\":", workflow->cron_input, out);
    }
}

static void encode_batch(const cleat__workflow_task *task, cleat__buffer *out)
{
    if (task->batch != NULL) {
        cleat__buffer_append_string(out, ",\"batch\":");
        cleat__batch_config_encode(task->batch, out);
    }
}

static void encode_task(const cleat__workflow *workflow, const cleat__workflow_task *task, cleat__buffer *out)
{
    cleat__buffer_append_format(out, ",\"sticky\":%d,\"durable\":%s,\"slots\":", (int)workflow->sticky,
                                task->is_durable ? "true" : "false");
    encode_slots(task, out);
    cleat__buffer_append_string(out, ",\"labels\":");
    cleat__desired_labels_encode(task->labels, task->label_count, out);
    encode_batch(task, out);
}

void cleat__workflow_encode_task(const cleat__workflow *workflow, size_t task, cleat__buffer *out)
{
    cleat__buffer_append_string(out, "{\"description\":\"\",\"version\":\"\",\"events\":[]");
    const cleat__workflow_task *of = &workflow->tasks[task];
    encode_task(workflow, of, out);
    encode_rules(",\"task_concurrency\":", of->concurrency, of->concurrency_count, out);
    encode_rates(of, out);
    cleat__buffer_append_byte(out, '}');
}

void cleat__workflow_encode(const cleat__workflow *workflow, cleat__buffer *out)
{
    const cleat__workflow_task *task = &workflow->tasks[0];
    bool is_dag = cleat__workflow_is_dag(workflow);
    encode_text("{\"description\":", workflow->description, out);
    encode_text(",\"version\":", workflow->version, out);
    cleat__buffer_append_string(out, ",\"events\":[");
    for (size_t i = 0; i < workflow->event_key_count; i++) {
        encode_text(i != 0 ? "," : "", workflow->event_keys[i], out);
    }
    cleat__buffer_append_byte(out, ']');
    if (is_dag) {
        cleat__buffer_append_format(out, ",\"sticky\":%d,\"tasks\":", (int)workflow->sticky);
        cleat__dag_encode(workflow, out);
    } else {
        encode_task(workflow, task, out);
    }
    if (workflow->input_json_schema.data != NULL) {
        encode_text(",\"schema\":", workflow->input_json_schema, out);
    }
    encode_filters(workflow, out);
    if (workflow->idempotency != NULL) {
        cleat__buffer_append_string(out, ",\"idempotency\":");
        cleat__idempotency_encode(workflow->idempotency, out);
    }
    encode_rules(",\"concurrency\":", workflow->concurrency, workflow->concurrency_count, out);
    encode_rules(",\"task_concurrency\":", task->concurrency, is_dag ? 0 : task->concurrency_count, out);
    encode_crons(workflow, out);
    if (!is_dag) {
        encode_rates(task, out);
    }
    cleat__buffer_append_byte(out, '}');
}

static cleat_status fail_corrupt(void)
{
    return cleat__fail(CLEAT_CORRUPT, "a declaration in the database makes no sense; restore a copy");
}

static cleat_status read_slots(json_t *object, cleat__slot_list **out)
{
    size_t size = sizeof(cleat__slot_list) + json_object_size(object) * sizeof(cleat__slots);
    size_t texts = 0;
    const char *type;
    json_t *units;
    json_object_foreach(object, type, units)
    {
        texts += strlen(type);
    }
    cleat__slot_list *list = cleat__malloc(size + texts);
    if (list == NULL) {
        return cleat__fail_memory();
    }
    list->count = 0;
    char *at = (char *)list + size;
    json_object_foreach(object, type, units)
    {
        list->items[list->count++] = (cleat__slots){{at, strlen(type)}, (int32_t)json_integer_value(units)};
        memcpy(at, type, strlen(type));
        at += strlen(type);
    }
    *out = list;
    return CLEAT_OK;
}

cleat_status cleat__slots_decode(cleat_slice text, cleat__slot_list **out)
{
    *out = NULL;
    json_t *json = json_loadb(text.data != NULL ? text.data : "", text.size, 0, NULL);
    cleat_status status = json_is_object(json) ? read_slots(json, out) : fail_corrupt();
    json_decref(json);
    return status;
}

/* Labels are stored in the text as an array, which is decoded from text again: once per version. */
static cleat_status read_labels(const json_t *array, cleat__needs *needs)
{
    if (json_array_size(array) == 0) {
        return CLEAT_OK;
    }
    char *text = json_dumps(array, JSON_COMPACT);
    if (text == NULL) {
        return cleat__fail_memory();
    }
    cleat_status status = cleat__desired_labels_decode(cleat_slice_of(text), &needs->labels);
    free(text); /* jansson's */
    return status;
}

/* Keys of events, in the same way. */
static cleat_status read_events(const json_t *array, cleat__needs *needs)
{
    if (json_array_size(array) == 0) {
        return CLEAT_OK;
    }
    char *text = json_dumps(array, JSON_COMPACT);
    if (text == NULL) {
        return cleat__fail_memory();
    }
    cleat_status status = cleat__names_decode(cleat_slice_of(text), &needs->events);
    free(text); /* jansson's */
    return status;
}

static cleat_status read_needs(json_t *json, cleat__needs *needs)
{
    json_t *slots = json_object_get(json, "slots");
    int64_t sticky = json_integer_value(json_object_get(json, "sticky"));
    needs->is_dag = json_is_array(json_object_get(json, "tasks"));
    if ((!needs->is_dag && json_object_size(slots) == 0) || sticky < CLEAT__STICKY_NONE ||
        sticky > CLEAT__STICKY_HARD) {
        return fail_corrupt();
    }
    needs->sticky = (cleat__sticky)sticky;
    needs->is_durable = json_is_true(json_object_get(json, "durable"));
    cleat_status status = needs->is_dag ? CLEAT_OK : read_slots(slots, &needs->slots);
    if (status == CLEAT_OK) {
        status = read_labels(json_object_get(json, "labels"), needs);
    }
    if (status == CLEAT_OK) {
        status = read_events(json_object_get(json, "events"), needs);
    }
    if (status == CLEAT_OK) {
        status = cleat__concurrency_decode(json_object_get(json, "concurrency"),
                                           json_object_get(json, "task_concurrency"), &needs->concurrency);
    }
    if (status == CLEAT_OK) {
        status = cleat__rate_uses_decode(json_object_get(json, "rate_limits"), &needs->rate_limits);
    }
    const json_t *batch = json_object_get(json, "batch");
    if (status == CLEAT_OK && batch != NULL) {
        status = cleat__batch_rule_decode(batch, &needs->batch);
    }
    const json_t *idempotency = json_object_get(json, "idempotency");
    return status == CLEAT_OK && idempotency != NULL
               ? cleat__idempotency_decode(idempotency, &needs->idempotency)
               : status;
}

cleat_status cleat__needs_decode(cleat_slice text, cleat__needs **out)
{
    *out = NULL;
    cleat__needs *needs = cleat__calloc(1, sizeof(*needs));
    if (needs == NULL) {
        return cleat__fail_memory();
    }
    json_t *json = json_loadb(text.data != NULL ? text.data : "", text.size, 0, NULL);
    cleat_status status = read_needs(json, needs);
    json_decref(json);
    if (status != CLEAT_OK) {
        cleat__needs_free(needs);
        return status;
    }
    *out = needs;
    return CLEAT_OK;
}

void cleat__needs_free(cleat__needs *needs)
{
    if (needs != NULL) {
        cleat__batch_rule_free(needs->batch);
        cleat__idempotency_free(needs->idempotency);
        cleat__free(needs->events);
        cleat__free(needs->concurrency);
        cleat__free(needs->rate_limits);
        cleat__free(needs->labels);
        cleat__free(needs->slots);
        cleat__free(needs);
    }
}
