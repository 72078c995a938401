#include "model/rate_use.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/utf8.h"
#include "model/expression.h"

#include <inttypes.h>
#include <jansson.h>

/* ---- Checks ---- */

cleat_status cleat__rate_key_check(cleat_slice key)
{
    if (key.size == 0 || key.size > CLEAT__RATE_KEY_MAX) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT,
                           "the key of a rate limit has %zu bytes; it must have 1 .. %d", key.size,
                           CLEAT__RATE_KEY_MAX);
    }
    if (memchr(key.data, '\0', key.size) != NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "the key of a rate limit has a NUL");
    }
    return cleat__utf8_valid_prefix(key.data, key.size) == key.size
               ? CLEAT_OK
               : cleat__fail(CLEAT_INVALID_ARGUMENT, "the key of a rate limit is no valid UTF-8");
}

cleat_status cleat__rate_limit_check(int32_t limit, int64_t window_ms)
{
    if (limit < 0) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "the limit is %d; it must not be negative", limit);
    }
    return cleat__rate_duration_of(window_ms) != -1
               ? CLEAT_OK
               : cleat__fail(CLEAT_INVALID_ARGUMENT,
                             "the duration of a rate limit is none of the known ones");
}

static cleat_status check_expression(cleat_slice text)
{
    cleat_status status = text.data != NULL ? cleat__expression_check(text) : CLEAT_OK;
    return status == CLEAT_OK || status == CLEAT_NO_MEMORY
               ? status
               : cleat__fail(status, "rate_limits: %s", cleat_error_message());
}

bool cleat__rate_use_is_static(const cleat__rate_use *use)
{
    return use->key_expression.data == NULL && use->units_expression.data == NULL &&
           use->limit_expression.data == NULL;
}

static cleat_status check_use(const cleat__rate_use *use)
{
    cleat_status status = use->key_expression.data == NULL ? cleat__rate_key_check(use->key) : CLEAT_OK;
    if (status == CLEAT_OK && use->units < 0) {
        status = cleat__fail(CLEAT_INVALID_ARGUMENT, "rate_limits: units is %d; it must not be negative",
                             use->units);
    }
    if (status == CLEAT_OK) {
        status = cleat__rate_limit_check(0, use->window_ms);
    }
    if (status == CLEAT_OK) {
        status = check_expression(use->key_expression);
    }
    if (status == CLEAT_OK) {
        status = check_expression(use->units_expression);
    }
    return status == CLEAT_OK ? check_expression(use->limit_expression) : status;
}

cleat_status cleat__rate_uses_check(const cleat__rate_use *uses, size_t count)
{
    if (count > CLEAT__RATE_USES_MAX) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "rate_limits: %zu are given, at most %d are allowed",
                           count, CLEAT__RATE_USES_MAX);
    }
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; i < count && status == CLEAT_OK; i++) {
        status = check_use(&uses[i]);
    }
    return status;
}

/* ---- As text ---- */

/* The members that are texts; what is absent is left out. */
#define TEXTS 4
static cleat_slice *text_of(cleat__rate_use *use, size_t index)
{
    cleat_slice *texts[TEXTS] = {&use->key, &use->key_expression, &use->units_expression,
                                 &use->limit_expression};
    return texts[index];
}
static const char *const text_names[TEXTS] = {"key", "key_expression", "units_expression",
                                              "limit_expression"};

void cleat__rate_uses_encode(const cleat__rate_use *uses, size_t count, cleat__buffer *out)
{
    cleat__buffer_append_byte(out, '[');
    for (size_t i = 0; i < count; i++) {
        cleat__rate_use use = uses[i];
        cleat__buffer_append_format(out, "%s{\"units\":%d,\"window\":%" PRId64, i != 0 ? "," : "", use.units,
                                    use.window_ms);
        for (size_t j = 0; j < TEXTS; j++) {
            if (text_of(&use, j)->data != NULL) {
                cleat__buffer_append_format(out, ",\"%s\":", text_names[j]);
                cleat__buffer_append_json(out, *text_of(&use, j));
            }
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
        for (size_t j = 0; j < TEXTS; j++) {
            size += json_string_length(json_object_get(item, text_names[j]));
        }
    }
    return size;
}

static void read_use(const json_t *item, cleat__rate_use *use, char **at)
{
    *use = (cleat__rate_use){
        .units = (int32_t)json_integer_value(json_object_get(item, "units")),
        .window_ms = json_integer_value(json_object_get(item, "window")),
    };
    for (size_t j = 0; j < TEXTS; j++) {
        const json_t *text = json_object_get(item, text_names[j]);
        if (json_is_string(text)) {
            size_t size = json_string_length(text);
            memcpy(*at, json_string_value(text), size);
            *text_of(use, j) = (cleat_slice){*at, size};
            *at += size;
        }
    }
}

cleat_status cleat__rate_uses_decode(const json_t *array, cleat__rate_use_list **out)
{
    size_t count = json_array_size(array), i;
    size_t size = sizeof(cleat__rate_use_list) + count * sizeof(cleat__rate_use);
    *out = NULL;
    if (count == 0) {
        return CLEAT_OK;
    }
    cleat__rate_use_list *list = cleat__malloc(size + count_texts(array) + 1);
    if (list == NULL) {
        return cleat__fail_memory();
    }
    char *at = (char *)list + size;
    json_t *item;
    list->count = 0;
    json_array_foreach(array, i, item)
    {
        read_use(item, &list->items[list->count++], &at);
    }
    cleat_status status = cleat__rate_uses_check(list->items, list->count);
    if (status != CLEAT_OK) {
        cleat__free(list);
        return status == CLEAT_NO_MEMORY
                   ? status
                   : cleat__fail(CLEAT_CORRUPT,
                                 "rate limits of a task in the database make no sense; restore a copy");
    }
    *out = list;
    return CLEAT_OK;
}

cleat_status cleat__rate_uses_decode_text(cleat_slice text, cleat__rate_use_list **out)
{
    json_t *array = json_loadb(text.data != NULL ? text.data : "", text.size, JSON_ALLOW_NUL, NULL);
    cleat_status status = cleat__rate_uses_decode(array, out);
    json_decref(array);
    return status;
}
