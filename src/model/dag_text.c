#include "model/dag.h"

#include "base/error.h"
#include "model/labels.h"

#include <inttypes.h>
#include <jansson.h>

/* ---- Writing ---- */

static void add_text(const char *before, cleat_slice text, cleat__buffer *out)
{
    cleat__buffer_append_string(out, before);
    cleat__buffer_append_json(out, text.data != NULL ? text : cleat_slice_of(""));
}

/* What is not there is left out. */
static void add_optional(const char *before, cleat_slice text, cleat__buffer *out)
{
    if (text.data != NULL) {
        add_text(before, text, out);
    }
}

/* By the index of its first condition: an SDK may make new names each time it declares the same. */
static void encode_group(const cleat__workflow_task *task, size_t at, cleat__buffer *out)
{
    cleat_slice group = task->conditions[at].of.group;
    size_t first = 0;
    while (first < at && (task->conditions[first].action != task->conditions[at].action ||
                          task->conditions[first].of.group.data == NULL ||
                          !cleat_slice_equals(task->conditions[first].of.group, group))) {
        first++;
    }
    if (group.data != NULL) {
        cleat__buffer_append_format(out, ",\"group\":\"%zu\"", first);
    }
}

static void encode_condition(const cleat__workflow_task *task, size_t at, cleat__buffer *out)
{
    const cleat__step_condition *condition = &task->conditions[at];
    const cleat__condition *of = &condition->of;
    cleat__buffer_append_format(out, "{\"action\":%d", (int)condition->action);
    encode_group(task, at, out);
    add_optional(",\"expression\":", of->expression, out);
    if (condition->parent.data != NULL) {
        add_text(",\"parent\":", condition->parent, out);
    } else if (of->kind == CLEAT__CONDITION_SLEEP) {
        add_text(",\"data\":", of->data_key, out);
        cleat__buffer_append_format(out, ",\"sleep_ms\":%" PRId64, of->sleep_ms);
        add_text(",\"sleep\":", of->sleep_text, out);
    } else {
        add_text(",\"data\":", of->data_key, out);
        add_text(",\"event\":", of->key, out);
        add_optional(",\"scope\":", of->scope, out);
        cleat__buffer_append_format(out, ",\"since_ms\":%" PRId64, of->since_ms);
    }
    cleat__buffer_append_byte(out, '}');
}

static void encode_policy(const cleat__policy *policy, cleat__buffer *out)
{
    cleat__buffer_append_format(out, ",\"policy\":[%d,%d,%" PRId64 ",", policy->retries, policy->priority,
                                policy->backoff_initial_ms);
    cleat__buffer_append_real(out, policy->backoff_factor);
    cleat__buffer_append_format(out, ",%" PRId64 ",%" PRId64 ",%" PRId64 "]", policy->backoff_max_ms,
                                policy->execution_timeout_ms, policy->schedule_timeout_ms);
}

static void encode_needs(const cleat__workflow_task *task, cleat__buffer *out)
{
    cleat__buffer_append_string(out, task->is_durable ? ",\"durable\":true" : ",\"durable\":false");
    cleat__buffer_append_string(out, ",\"slots\":");
    cleat__slots_encode(task->slots, task->slot_count, out);
    cleat__buffer_append_string(out, ",\"labels\":");
    cleat__desired_labels_encode(task->labels, task->label_count, out);
    if (task->batch != NULL) {
        cleat__buffer_append_string(out, ",\"batch\":");
        cleat__batch_config_encode(task->batch, out);
    }
    if (task->concurrency_count != 0) {
        cleat__buffer_append_string(out, ",\"concurrency\":");
        cleat__concurrency_encode(task->concurrency, task->concurrency_count, out);
    }
    if (task->rate_limit_count != 0) {
        cleat__buffer_append_string(out, ",\"rate_limits\":");
        cleat__rate_uses_encode(task->rate_limits, task->rate_limit_count, out);
    }
}

static void encode_task(const cleat__workflow_task *task, cleat__buffer *out)
{
    add_text("{\"name\":", task->name, out);
    add_text(",\"action\":", task->action, out);
    encode_policy(&task->policy, out);
    encode_needs(task, out);
    cleat__buffer_append_string(out, ",\"parents\":[");
    for (size_t i = 0; i < task->parent_count; i++) {
        add_text(i != 0 ? "," : "", task->parents[i], out);
    }
    cleat__buffer_append_string(out, "],\"conditions\":[");
    for (size_t i = 0; i < task->condition_count; i++) {
        cleat__buffer_append_string(out, i != 0 ? "," : "");
        encode_condition(task, i, out);
    }
    cleat__buffer_append_string(out, task->is_on_failure ? "],\"on_failure\":true}" : "]}");
}

void cleat__dag_encode(const cleat__workflow *workflow, cleat__buffer *out)
{
    cleat__buffer_append_byte(out, '[');
    for (size_t i = 0; i < workflow->task_count; i++) {
        cleat__buffer_append_string(out, i != 0 ? "," : "");
        encode_task(&workflow->tasks[i], out);
    }
    cleat__buffer_append_byte(out, ']');
}

/* ---- Reading ---- */

static cleat_status fail_corrupt(void)
{
    return cleat__fail(CLEAT_CORRUPT, "a declaration in the database makes no sense; restore a copy");
}

/* Absent when it is no string. */
static cleat_status keep(const json_t *value, cleat__arena *arena, cleat_slice *out)
{
    const cleat_slice text = {json_string_value(value), json_string_length(value)};
    return cleat__arena_keep(arena, text, out) ? CLEAT_OK : cleat__fail_memory();
}

static cleat_status read_texts(const json_t *from, cleat__arena *arena, cleat__step_condition *out)
{
    const struct {
        const char *name;
        cleat_slice *to;
    } texts[] = {
        {"group", &out->of.group},   {"expression", &out->of.expression}, {"parent", &out->parent},
        {"data", &out->of.data_key}, {"sleep", &out->of.sleep_text},      {"event", &out->of.key},
        {"scope", &out->of.scope},
    };
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]) && status == CLEAT_OK; i++) {
        status = keep(json_object_get(from, texts[i].name), arena, texts[i].to);
    }
    return status;
}

static cleat_status read_condition(const json_t *from, cleat__arena *arena, cleat__step_condition *out)
{
    json_int_t action = json_integer_value(json_object_get(from, "action"));
    if (!json_is_object(from) || action < 0 || action >= CLEAT__STEP_ACTIONS) {
        return fail_corrupt();
    }
    cleat_status status = read_texts(from, arena, out);
    out->action = (cleat__step_action)action;
    out->of.kind = out->of.key.data != NULL ? CLEAT__CONDITION_EVENT : CLEAT__CONDITION_SLEEP;
    out->of.sleep_ms = json_integer_value(json_object_get(from, "sleep_ms"));
    out->of.since_ms = json_integer_value(json_object_get(from, "since_ms"));
    return status;
}

static cleat_status read_conditions(const json_t *from, cleat__arena *arena, cleat__workflow_task *out)
{
    size_t count = json_array_size(from);
    cleat__step_condition *conditions = cleat__arena_take(arena, (count + 1) * sizeof(*conditions));
    cleat_status status = conditions != NULL ? CLEAT_OK : cleat__fail_memory();
    for (size_t i = 0; i < count && status == CLEAT_OK; i++) {
        status = read_condition(json_array_get(from, i), arena, &conditions[i]);
    }
    out->conditions = conditions;
    out->condition_count = count;
    return status;
}

static cleat_status read_parents(const json_t *from, cleat__arena *arena, cleat__workflow_task *out)
{
    size_t count = json_array_size(from);
    cleat_slice *parents = cleat__arena_take(arena, (count + 1) * sizeof(*parents));
    cleat_status status = parents != NULL ? CLEAT_OK : cleat__fail_memory();
    for (size_t i = 0; i < count && status == CLEAT_OK; i++) {
        status = keep(json_array_get(from, i), arena, &parents[i]);
    }
    out->parents = parents;
    out->parent_count = count;
    return status;
}

static cleat_status read_task(const json_t *from, cleat__arena *arena, cleat__workflow_task *out)
{
    cleat_status status = keep(json_object_get(from, "name"), arena, &out->name);
    if (status == CLEAT_OK) {
        status = keep(json_object_get(from, "action"), arena, &out->action);
    }
    if (status == CLEAT_OK) {
        status = read_parents(json_object_get(from, "parents"), arena, out);
    }
    if (status == CLEAT_OK) {
        status = read_conditions(json_object_get(from, "conditions"), arena, out);
    }
    out->is_durable = json_is_true(json_object_get(from, "durable"));
    out->is_on_failure = json_is_true(json_object_get(from, "on_failure"));
    return status;
}

static cleat_status read_tasks(const json_t *from, cleat__arena *arena, cleat__workflow *out)
{
    size_t count = json_array_size(from);
    if (count == 0 || count > CLEAT__TASKS_MAX) {
        return fail_corrupt();
    }
    cleat__workflow_task *tasks = cleat__arena_take(arena, count * sizeof(*tasks));
    cleat_status status = tasks != NULL ? CLEAT_OK : cleat__fail_memory();
    for (size_t i = 0; i < count && status == CLEAT_OK; i++) {
        status = read_task(json_array_get(from, i), arena, &tasks[i]);
    }
    out->tasks = tasks;
    out->task_count = count;
    return status;
}

cleat_status cleat__dag_decode(cleat_slice declaration, cleat__arena *arena, cleat__workflow *out)
{
    json_t *json = json_loadb(declaration.data != NULL ? declaration.data : "", declaration.size, 0, NULL);
    *out = (cleat__workflow){.name = {NULL, 0}};
    cleat_status status = read_tasks(json_object_get(json, "tasks"), arena, out);
    json_decref(json);
    /* What a declaration was checked for counts of what is read, too: indices are made of it. */
    status = status == CLEAT_OK ? cleat__dag_check(out) : status;
    return status == CLEAT_OK || status == CLEAT_NO_MEMORY ? status : fail_corrupt();
}
