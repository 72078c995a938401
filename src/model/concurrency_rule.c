/* Concurrency rules as they are declared and stored. */
#include "base/alloc.h"
#include "base/error.h"
#include "model/concurrency.h"
#include "model/expression.h"

#include <jansson.h>

const char *cleat__concurrency_strategy_name(cleat_concurrency_strategy strategy)
{
    switch (strategy) {
    case CLEAT_CANCEL_IN_PROGRESS: return "CANCEL_IN_PROGRESS";
    case CLEAT_GROUP_ROUND_ROBIN: return "GROUP_ROUND_ROBIN";
    case CLEAT_CANCEL_NEWEST: return "CANCEL_NEWEST";
    case CLEAT_CANCEL_QUEUED_EXCEPT_NEWEST: return "CANCEL_QUEUED_EXCEPT_NEWEST";
    case CLEAT_CANCEL_QUEUED_EXCEPT_OLDEST: return "CANCEL_QUEUED_EXCEPT_OLDEST";
    }
    return NULL;
}

static cleat_status check_rule(const cleat__concurrency *rule)
{
    if (rule->max_runs < 1 || rule->max_runs > CLEAT__CONCURRENCY_RUNS_MAX) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "concurrency: max_runs is %d; it must be 1 .. %d",
                           rule->max_runs, CLEAT__CONCURRENCY_RUNS_MAX);
    }
    if (cleat__concurrency_strategy_name(rule->strategy) == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "concurrency: strategy %d is not supported",
                           (int)rule->strategy);
    }
    if (rule->name.data != NULL && (rule->name.size == 0 || rule->name.size > CLEAT__CONCURRENCY_NAME_MAX)) {
        return cleat__fail(
            CLEAT_INVALID_ARGUMENT,
            "concurrency: a rule that workflows share (is_tenant_scoped) needs a name of 1 to %d "
            "bytes",
            CLEAT__CONCURRENCY_NAME_MAX);
    }
    cleat_status status = cleat__expression_check(rule->expression);
    const char *field = "";
    if (status == CLEAT_OK && rule->max_runs_expression.data != NULL) {
        status = cleat__expression_check(rule->max_runs_expression);
        field = "max_runs_expression: ";
    }
    return status == CLEAT_OK || status == CLEAT_NO_MEMORY
               ? status
               : cleat__fail(status, "concurrency: %s%s", field, cleat_error_message());
}

cleat_status cleat__concurrency_check(const cleat__concurrency *rules, size_t count)
{
    if (count > CLEAT__CONCURRENCY_RULES_MAX) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "concurrency: %zu rules are given, at most %d are allowed",
                           count, CLEAT__CONCURRENCY_RULES_MAX);
    }
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; i < count && status == CLEAT_OK; i++) {
        status = check_rule(&rules[i]);
    }
    return status;
}

/* ---- As text ---- */

void cleat__concurrency_encode(const cleat__concurrency *rules, size_t count, cleat__buffer *out)
{
    cleat__buffer_append_byte(out, '[');
    for (size_t i = 0; i < count; i++) {
        cleat__buffer_append_string(out, i != 0 ? ",{\"expression\":" : "{\"expression\":");
        cleat__buffer_append_json(out, rules[i].expression);
        cleat__buffer_append_format(out, ",\"max_runs\":%d,\"strategy\":%d", rules[i].max_runs,
                                    (int)rules[i].strategy);
        if (rules[i].max_runs_expression.data != NULL) {
            cleat__buffer_append_string(out, ",\"max_runs_expression\":");
            cleat__buffer_append_json(out, rules[i].max_runs_expression);
        }
        if (rules[i].name.data != NULL) {
            cleat__buffer_append_string(out, ",\"name\":");
            cleat__buffer_append_json(out, rules[i].name);
        }
        cleat__buffer_append_byte(out, '}');
    }
    cleat__buffer_append_byte(out, ']');
}

static size_t count_texts(const json_t *array)
{
    size_t size = 0, i;
    json_t *item;
    json_array_foreach(array, i, item)
    {
        size += json_string_length(json_object_get(item, "expression")) +
                json_string_length(json_object_get(item, "max_runs_expression")) +
                json_string_length(json_object_get(item, "name"));
    }
    return size;
}

/* Copies it to `*at`; absent when it is none. */
static cleat_slice read_text(const json_t *value, char **at)
{
    const cleat_slice text = {json_is_string(value) ? *at : NULL, json_string_length(value)};
    if (text.size != 0) {
        memcpy(*at, json_string_value(value), text.size);
        *at += text.size;
    }
    return text;
}

/* Appends those of one array, whose texts go to `*at`. */
static cleat_status read_rules(const json_t *array, bool is_of_workflow, cleat__concurrency_list *list,
                               char **at)
{
    size_t i;
    json_t *item;
    json_array_foreach(array, i, item)
    {
        const json_t *expression = json_object_get(item, "expression");
        cleat__concurrency *rule = &list->items[list->count++];
        *rule = (cleat__concurrency){
            .expression = read_text(expression, at),
            .max_runs = (int32_t)json_integer_value(json_object_get(item, "max_runs")),
            .strategy = (cleat_concurrency_strategy)json_integer_value(json_object_get(item, "strategy")),
            .max_runs_expression = read_text(json_object_get(item, "max_runs_expression"), at),
            .name = read_text(json_object_get(item, "name"), at),
            .is_of_workflow = is_of_workflow,
        };
        if (!json_is_string(expression) || rule->max_runs < 1 ||
            cleat__concurrency_strategy_name(rule->strategy) == NULL) {
            return cleat__fail(CLEAT_CORRUPT,
                               "a concurrency rule in the database makes no sense; restore a copy");
        }
    }
    return CLEAT_OK;
}

cleat_status cleat__concurrency_decode(const json_t *of_workflow, const json_t *of_task,
                                       cleat__concurrency_list **out)
{
    size_t count = json_array_size(of_workflow) + json_array_size(of_task);
    size_t size = sizeof(cleat__concurrency_list) + count * sizeof(cleat__concurrency);
    *out = NULL;
    if (count == 0) {
        return CLEAT_OK;
    }
    cleat__concurrency_list *list = cleat__malloc(size + count_texts(of_workflow) + count_texts(of_task));
    if (list == NULL) {
        return cleat__fail_memory();
    }
    char *at = (char *)list + size;
    list->count = 0;
    cleat_status status = read_rules(of_workflow, true, list, &at);
    if (status == CLEAT_OK) {
        status = read_rules(of_task, false, list, &at);
    }
    if (status != CLEAT_OK) {
        cleat__free(list);
        return status;
    }
    *out = list;
    return CLEAT_OK;
}

cleat_status cleat__concurrency_decode_text(cleat_slice text, cleat__concurrency_list **out)
{
    json_t *array = json_loadb(text.data != NULL ? text.data : "", text.size, JSON_ALLOW_NUL, NULL);
    cleat_status status = cleat__concurrency_decode(NULL, array, out);
    json_decref(array);
    return status;
}
