#include "store/check_functions.h"

#include "base/alloc.h"
#include "model/cron.h"
#include "model/declaration.h"
#include "model/expression.h"
#include "model/json.h"
#include "model/worker.h"
#include "store/sqlite_error.h"

#include <jansson.h>
#include <stdio.h>

/* Absent when it is another value: also bytes that would be one, since SQLite's own functions refuse these. */
static cleat_slice text_of(sqlite3_value *value)
{
    bool is_text = sqlite3_value_type(value) == SQLITE_TEXT;
    const char *text = is_text ? (const char *)sqlite3_value_text(value) : NULL;
    return (cleat_slice){text != NULL ? text : "", text != NULL ? (size_t)sqlite3_value_bytes(value) : 0};
}

/* uuid(blob) */
static void format_uuid(sqlite3_context *context, int count, sqlite3_value **values)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *bytes = sqlite3_value_blob(values[0]);
    size_t size = (size_t)sqlite3_value_bytes(values[0]);
    char text[2 * 32 + 1];
    (void)count;
    if (bytes == NULL) {
        sqlite3_result_text(context, "none", -1, SQLITE_STATIC);
        return;
    }
    if (size == sizeof(cleat__uuid)) {
        cleat__uuid id;
        memcpy(id.bytes, bytes, sizeof(id.bytes));
        cleat__uuid_format(&id, text);
    } else {
        size = size < 32 ? size : 32;
        for (size_t i = 0; i < size; i++) {
            text[2 * i] = digits[bytes[i] >> 4];
            text[2 * i + 1] = digits[bytes[i] & 15];
        }
        text[2 * size] = '\0';
    }
    sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
}

/* ---- is_..(text) ---- */

static cleat_status look_at_json(cleat_slice text)
{
    cleat_status status = cleat__json_check("text", text, false);
    return status == CLEAT_TOO_LARGE ? CLEAT_OK : status;
}

static cleat_status look_at_object(cleat_slice text)
{
    cleat_status status = cleat__json_check("text", text, true);
    return status == CLEAT_TOO_LARGE ? CLEAT_OK : status;
}

static cleat_status look_at_name(cleat_slice text)
{
    return cleat__name_check("name", text);
}

static cleat_status look_at_cron(cleat_slice text)
{
    cleat__cron cron;
    return cleat__cron_parse(text, &cron);
}

static cleat_status look_at_wish(cleat_slice text)
{
    cleat__wish wish;
    cleat_status status = cleat__wish_decode(text, &wish);
    cleat__free(wish.labels);
    return status;
}

static cleat_status look_at_names(cleat_slice text)
{
    cleat__names *names = NULL;
    cleat_status status = cleat__names_decode(text, &names);
    cleat__free(names);
    return status;
}

static cleat_status look_at_slots(cleat_slice text)
{
    cleat__slot_list *slots = NULL;
    cleat_status status = cleat__slots_decode(text, &slots);
    if (status == CLEAT_OK) {
        status = cleat__slots_check(slots->items, slots->count);
    }
    cleat__free(slots);
    return status;
}

static cleat_status look_at_labels(cleat_slice text)
{
    cleat__labels *labels = NULL;
    cleat_status status = cleat__labels_decode(text, &labels);
    cleat__free(labels);
    return status;
}

static cleat_status look_at_nodes(cleat_slice text)
{
    json_t *nodes = json_loadb(text.data, text.size, 0, NULL), *node;
    bool are_nodes = json_is_array(nodes);
    size_t i;
    json_array_foreach(nodes, i, node)
    {
        are_nodes = are_nodes && json_array_size(node) == 2 && json_is_integer(json_array_get(node, 0)) &&
                    json_is_integer(json_array_get(node, 1));
    }
    json_decref(nodes);
    return are_nodes ? CLEAT_OK : CLEAT_CORRUPT;
}

/* One rule of concurrency that workflows share. */
static cleat_status look_at_shared_rule(cleat_slice text)
{
    cleat__concurrency_list *list = NULL;
    cleat_status status = cleat__concurrency_decode_text(text, &list);
    if (status == CLEAT_OK) {
        bool makes_sense = list != NULL && list->count == 1 && list->items[0].name.data != NULL;
        status = makes_sense ? cleat__concurrency_check(list->items, 1) : CLEAT_CORRUPT;
    }
    cleat__free(list);
    return status;
}

typedef struct look {
    const char *name;
    cleat_status (*at)(cleat_slice text);
} look;

static const look looks[] = {
    {"is_json", look_at_json},   {"is_object", look_at_object},
    {"is_name", look_at_name},   {"is_action", cleat__action_check},
    {"is_cron", look_at_cron},   {"is_expression", cleat__expression_check},
    {"is_wish", look_at_wish},   {"is_names", look_at_names},
    {"is_slots", look_at_slots}, {"is_labels", look_at_labels},
    {"is_nodes", look_at_nodes}, {"is_shared_rule", look_at_shared_rule},
};

static void look_at(sqlite3_context *context, int count, sqlite3_value **values)
{
    const look *by = sqlite3_user_data(context);
    (void)count;
    cleat_status status = by->at(text_of(values[0]));
    if (status == CLEAT_NO_MEMORY) {
        sqlite3_result_error_nomem(context);
    } else {
        sqlite3_result_int(context, status == CLEAT_OK);
    }
}

/* ---- declaration_..(text) ---- */

static void find_fault(sqlite3_context *context, const cleat__declaration *declaration,
                       sqlite3_value **values)
{
    (void)values;
    if (declaration == NULL) {
        sqlite3_result_text(context, cleat_error_message(), -1, SQLITE_TRANSIENT);
    }
}

static void name_tasks(sqlite3_context *context, const cleat__declaration *declaration,
                       sqlite3_value **values)
{
    cleat__buffer names = {0};
    (void)values;
    if (declaration == NULL || declaration->dag.task_count == 0) {
        return;
    }
    for (size_t i = 0; i < declaration->dag.task_count; i++) {
        cleat__buffer_append_string(&names, i != 0 ? "," : "");
        cleat__buffer_append_slice(&names, declaration->dag.tasks[i].name);
    }
    if (names.failed) {
        sqlite3_result_error_nomem(context);
    } else {
        sqlite3_result_text64(context, (const char *)names.data, names.size, SQLITE_TRANSIENT, SQLITE_UTF8);
    }
    cleat__buffer_deinit(&names);
}

static void answer_counts(sqlite3_context *context, size_t rules, size_t rates)
{
    char text[50];
    snprintf(text, sizeof(text), "%zu,%zu", rules, rates);
    sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
}

static void count_limits(sqlite3_context *context, const cleat__declaration *declaration,
                         sqlite3_value **values)
{
    (void)values;
    if (declaration != NULL) {
        const cleat__needs *needs = declaration->needs;
        answer_counts(context, needs->concurrency != NULL ? needs->concurrency->count : 0,
                      needs->rate_limits != NULL ? needs->rate_limits->count : 0);
    }
}

static void count_waits(sqlite3_context *context, const cleat__declaration *declaration,
                        sqlite3_value **values)
{
    int64_t task = sqlite3_value_int64(values[1]);
    if (declaration != NULL && task >= 0) {
        sqlite3_result_int64(context, (int64_t)cleat__declaration_waits(declaration, (size_t)task));
    }
}

/* Answers of a declaration; NULL: it makes no sense, as the message says. */
typedef struct question {
    const char *name;
    int values;
    void (*ask)(sqlite3_context *context, const cleat__declaration *declaration, sqlite3_value **values);
} question;

static const question questions[] = {
    {"declaration_fault", 1, find_fault},
    {"declaration_tasks", 1, name_tasks},
    {"declaration_limits", 1, count_limits},
    {"declaration_waits", 2, count_waits},
};

static void look_at_declaration(sqlite3_context *context, int count, sqlite3_value **values)
{
    const question *of = sqlite3_user_data(context);
    cleat__declaration declaration;
    (void)count;
    cleat_status status = cleat__declaration_read(text_of(values[0]), &declaration);
    if (status == CLEAT_NO_MEMORY) {
        sqlite3_result_error_nomem(context);
        return;
    }
    of->ask(context, status == CLEAT_OK ? &declaration : NULL, values);
    cleat__declaration_deinit(&declaration);
}

/* ---- limits_count(text) ---- */

static bool are_rates(const json_t *rates)
{
    const json_t *rate;
    size_t i;
    json_array_foreach(rates, i, rate)
    {
        json_int_t units = json_integer_value(json_array_get(rate, 1));
        if (!json_is_string(json_array_get(rate, 0)) || !json_is_integer(json_array_get(rate, 1)) ||
            units < 0 || units > INT32_MAX) {
            return false;
        }
    }
    return true;
}

static bool are_keys(const json_t *keys)
{
    const json_t *key;
    size_t i;
    json_array_foreach(keys, i, key)
    {
        if (!json_is_string(key)) {
            return false;
        }
    }
    return true;
}

static void count_limits_of_run(sqlite3_context *context, int count, sqlite3_value **values)
{
    cleat_slice text = text_of(values[0]);
    json_t *limits = json_loadb(text.data, text.size, 0, NULL);
    const json_t *keys = json_object_get(limits, "keys"), *rates = json_object_get(limits, "rates");
    (void)count;
    if (json_is_object(limits) && are_keys(keys) && are_rates(rates)) {
        answer_counts(context, json_array_size(keys), json_array_size(rates));
    }
    json_decref(limits);
}

/* ---- All of them ---- */

static bool add(sqlite3 *db, const char *name, int values, const void *data,
                void (*function)(sqlite3_context *context, int count, sqlite3_value **values))
{
    return sqlite3_create_function(db, name, values, SQLITE_UTF8 | SQLITE_DETERMINISTIC,
                                   (void *)(uintptr_t)data, function, NULL, NULL) == SQLITE_OK;
}

cleat_status cleat__check_functions_add(sqlite3 *db)
{
    bool is_good =
        add(db, "uuid", 1, NULL, format_uuid) && add(db, "limits_count", 1, NULL, count_limits_of_run);
    for (size_t i = 0; i < sizeof(looks) / sizeof(*looks); i++) {
        is_good = is_good && add(db, looks[i].name, 1, &looks[i], look_at);
    }
    for (size_t i = 0; i < sizeof(questions) / sizeof(*questions); i++) {
        is_good =
            is_good && add(db, questions[i].name, questions[i].values, &questions[i], look_at_declaration);
    }
    return is_good ? CLEAT_OK : cleat__sqlite_error(db, "checking it");
}
