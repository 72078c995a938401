/* Pieces of requests that several routes have in common. */
#include "rest_parts.h"

#include "base/error.h"
#include "base/utf8.h"
#include "model/json_members.h"
#include "model/rfc3339.h"

/* ---- Ids ---- */

static bool add_or_refuse(cleat__http_call *call, cleat__rest_ids *ids, const cleat__uuid *id)
{
    cleat_status status = cleat__rest_ids_add(ids, id);
    if (status != CLEAT_OK) {
        cleat__http_call_fail_status(call, status);
    }
    return status == CLEAT_OK;
}

bool cleat__rest_read_ids(cleat__http_call *call, const char *name, cleat__rest_ids *out)
{
    cleat_slice value;
    size_t cursor = 0;
    while (cleat__http_call_next(call, name, &cursor, &value)) {
        cleat__uuid id;
        if (cleat__uuid_parse(value, &id) != CLEAT_OK) {
            cleat__http_call_refuse(call, 400, "Invalid format for parameter %s", name);
            return false;
        }
        if (!add_or_refuse(call, out, &id)) {
            return false;
        }
    }
    return true;
}

static bool is_absent(const json_t *value)
{
    return value == NULL || json_is_null(value);
}

static cleat_slice text_of(const json_t *value)
{
    return (cleat_slice){json_string_value(value), json_string_length(value)};
}

bool cleat__rest_json_ids(cleat__http_call *call, const char *name, const json_t *list, size_t max,
                          cleat__rest_ids *out)
{
    if (is_absent(list)) {
        return true;
    }
    if (!json_is_array(list) || json_array_size(list) > max) {
        cleat__http_call_fail(call, 400, "%s must be an array of at most %zu ids", name, max);
        return false;
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        cleat__uuid id;
        const json_t *value = json_array_get(list, i);
        if (!json_is_string(value) || cleat__uuid_parse(text_of(value), &id) != CLEAT_OK) {
            cleat__http_call_fail(call, 400, "%s must hold UUIDs", name);
            return false;
        }
        if (!add_or_refuse(call, out, &id)) {
            return false;
        }
    }
    return true;
}

bool cleat__rest_json_id(cleat__http_call *call, const char *name, const json_t *value, cleat__uuid *out)
{
    if (!json_is_string(value) || cleat__uuid_parse(text_of(value), out) != CLEAT_OK) {
        cleat__http_call_fail(call, 400, "%s must be a UUID", name);
        return false;
    }
    return true;
}

bool cleat__rest_json_text(cleat__http_call *call, const char *name, const json_t *value, bool is_required,
                           cleat_slice *out)
{
    *out = (cleat_slice){NULL, 0};
    if (is_absent(value) ? is_required : !json_is_string(value)) {
        cleat__http_call_fail(call, 400, "%s must be a string", name);
        return false;
    }
    *out = is_absent(value) ? *out : text_of(value);
    return true;
}

bool cleat__rest_json_time(cleat__http_call *call, const char *name, const json_t *value, int64_t *out)
{
    if (!json_is_string(value) || !cleat__rfc3339_parse(text_of(value), out)) {
        cleat__http_call_fail(call, 400, "%s must be a time as in RFC 3339", name);
        return false;
    }
    return true;
}

bool cleat__rest_json_object(cleat__http_call *call, cleat__rest_json object, const char *name,
                             cleat_slice *out)
{
    const json_t *value = json_object_get(object.value, name);
    *out = (cleat_slice){NULL, 0};
    if (is_absent(value)) {
        return true;
    }
    if (!json_is_object(value)) {
        cleat__http_call_fail(call, 400, "%s must be an object", name);
        return false;
    }
    if (!cleat__json_find_member(object.text, name, out)) {
        cleat__http_call_fail_status(call, cleat__fail_memory());
        return false;
    }
    return true;
}

bool cleat__rest_json_priority(cleat__http_call *call, const json_t *value, int32_t *out)
{
    *out = 0;
    if (is_absent(value)) {
        return true;
    }
    double number = json_number_value(value);
    if (number != CLEAT_PRIORITY_LOW && number != CLEAT_PRIORITY_MEDIUM && number != CLEAT_PRIORITY_HIGH) {
        cleat__http_call_fail(call, 400, "priority must be 1, 2 or 3");
        return false;
    }
    *out = (int32_t)number;
    return true;
}

/* ---- Metadata: "key:value" ---- */

/* `mark`: a character that each must have; 0: none. */
static bool read_texts(cleat__http_call *call, const char *name, char mark, const char *form, json_t **out)
{
    cleat_slice value;
    size_t cursor = 0;
    while (cleat__http_call_next(call, name, &cursor, &value)) {
        *out = *out != NULL ? *out : json_array();
        if ((mark != 0 && memchr(value.data, mark, value.size) == NULL) ||
            cleat__utf8_valid_prefix(value.data, value.size) != value.size) {
            cleat__http_call_fail(call, 400, "%s must be %s", name, form);
            return false;
        }
        /* A shorter filter would show more than was asked for. */
        if (json_array_append_new(*out, json_stringn(value.data, value.size)) != 0) {
            cleat__http_call_fail_status(call, cleat__fail_memory());
            return false;
        }
    }
    return true;
}

bool cleat__rest_read_texts(cleat__http_call *call, const char *name, json_t **out)
{
    return read_texts(call, name, 0, "UTF-8", out);
}

bool cleat__rest_read_pairs(cleat__http_call *call, const char *name, json_t **out)
{
    return read_texts(call, name, ':', "key:value", out);
}

bool cleat__rest_json_pairs(cleat__http_call *call, const char *name, json_t *list, json_t **out)
{
    bool is_good = is_absent(list) || json_is_array(list);
    for (size_t i = 0; i < json_array_size(list) && is_good; i++) {
        const char *pair = json_string_value(json_array_get(list, i));
        is_good = pair != NULL && strchr(pair, ':') != NULL;
    }
    if (!is_good) {
        cleat__http_call_fail(call, 400, "%s must hold pairs key:value", name);
        return false;
    }
    *out = json_is_array(list) ? json_incref(list) : NULL;
    return true;
}

/* ---- Texts ---- */

bool cleat__rest_is_wanted(const cleat__http_call *call, const char *name, cleat_slice text)
{
    cleat_slice value;
    size_t cursor = 0;
    bool is_any = true;
    while (cleat__http_call_next(call, name, &cursor, &value)) {
        if (cleat_slice_equals(value, text)) {
            return true;
        }
        is_any = false;
    }
    return is_any;
}

static int find_choice(const char *const *choices, cleat_slice text)
{
    for (int i = 0; choices[i] != NULL && text.data != NULL; i++) {
        if (cleat_slice_equals(text, cleat_slice_of(choices[i]))) {
            return i;
        }
    }
    return -1;
}

bool cleat__rest_read_choices(cleat__http_call *call, const char *name, const char *const *choices,
                              unsigned *out)
{
    cleat_slice value;
    size_t cursor = 0;
    while (cleat__http_call_next(call, name, &cursor, &value)) {
        int choice = find_choice(choices, value);
        if (choice < 0) {
            cleat__http_call_refuse(call, 400, "Invalid format for parameter %s", name);
            return false;
        }
        *out |= 1U << choice;
    }
    return true;
}

bool cleat__rest_read_choice(cleat__http_call *call, const char *name, const char *const *choices, int *out)
{
    cleat_slice value = cleat__http_call_argument(call, name);
    int choice = value.data != NULL ? find_choice(choices, value) : *out;
    if (choice < 0) {
        cleat__http_call_refuse(call, 400, "Invalid format for parameter %s", name);
        return false;
    }
    *out = choice;
    return true;
}

bool cleat__rest_json_choice(cleat__http_call *call, const char *name, const json_t *value,
                             const char *const *choices, int *out)
{
    *out = find_choice(choices, text_of(value));
    if (*out < 0) {
        cleat__http_call_fail(call, 400, "%s must be one of those that the API knows, such as %s", name,
                              choices[0]);
    }
    return *out >= 0;
}

static const char *const status_names[] = {
    [CLEAT_RUN_QUEUED] = "QUEUED", [CLEAT_RUN_RUNNING] = "RUNNING",     [CLEAT_RUN_COMPLETED] = "COMPLETED",
    [CLEAT_RUN_FAILED] = "FAILED", [CLEAT_RUN_CANCELLED] = "CANCELLED", NULL};

/* What is evicted is shown as running. */
static void add_evicted(unsigned *statuses)
{
    *statuses |= *statuses >> CLEAT_RUN_RUNNING & 1 ? 1U << CLEAT_RUN_EVICTED : 0;
}

bool cleat__rest_read_statuses(cleat__http_call *call, const char *name, unsigned *out)
{
    bool is_good = cleat__rest_read_choices(call, name, status_names, out);
    add_evicted(out);
    return is_good;
}

bool cleat__rest_json_statuses(cleat__http_call *call, const char *name, const json_t *list, unsigned *out)
{
    bool is_good = is_absent(list) || json_is_array(list);
    for (size_t i = 0; i < json_array_size(list) && is_good; i++) {
        int choice = find_choice(status_names, text_of(json_array_get(list, i)));
        is_good = choice >= 0;
        *out |= is_good ? 1U << choice : 0;
    }
    add_evicted(out);
    if (!is_good) {
        cleat__http_call_fail(call, 400, "%s must hold names of statuses", name);
    }
    return is_good;
}

/* ---- Pages ---- */

bool cleat__rest_read_page(cleat__http_call *call, cleat__rest_page *out)
{
    *out = (cleat__rest_page){.limit = 50};
    return cleat__http_call_int(call, "offset", 0, 1000000000, &out->offset) &&
           cleat__http_call_int(call, "limit", 1, CLEAT__REST_LIMIT_MAX, &out->limit);
}

bool cleat__rest_page_take(cleat__rest_page *page)
{
    int64_t index = page->total++;
    return index >= page->offset && index < page->offset + page->limit;
}

bool cleat__rest_page_goes_on(const cleat__rest_page *page)
{
    return page->total < page->offset + page->limit + CLEAT__REST_COUNT_MAX;
}
