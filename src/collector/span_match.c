#define _GNU_SOURCE /* memmem */
#include "collector/span_match.h"

#include "base/alloc.h"
#include "base/error.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* What is known of a source. */
typedef struct known {
    int64_t id;
    bool has_service;
    uint32_t attributes; /* 1 << index of those that its resource has */
} known;
_Static_assert(CLEAT__TRACE_ATTRIBUTES_MAX <= 32, "they are bits of known.attributes");

cleat_status cleat__span_match_init(cleat__span_match *match, cleat__store *store,
                                    const cleat__trace_search_filter *filter)
{
    *match = (cleat__span_match){.store = store, .filter = filter};
    if (filter->attribute_count > CLEAT__TRACE_ATTRIBUTES_MAX) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "a search for more than %d attributes",
                           CLEAT__TRACE_ATTRIBUTES_MAX);
    }
    cleat_status status = cleat__needle_init(&match->service, filter->service);
    return status == CLEAT_OK ? cleat__needle_init(&match->name, filter->name) : status;
}

void cleat__span_match_deinit(cleat__span_match *match)
{
    known *each;
    size_t cursor = 0;
    while ((each = cleat__map_next(&match->by_source, &cursor)) != NULL) {
        cleat__free(each);
    }
    cleat__map_deinit(&match->by_source);
    cleat__source_list_deinit(&match->sources);
    cleat__needle_deinit(&match->service);
    cleat__needle_deinit(&match->name);
}

bool cleat__span_match_asks(const cleat__span_match *match)
{
    return match->service.size != 0 || match->name.size != 0 || match->filter->attribute_count != 0;
}

/* ---- Values ---- */

static bool is_number(cleat_slice text, double number)
{
    char copy[64], *end = NULL;
    if (text.size == 0 || text.size >= sizeof(copy)) {
        return false;
    }
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    double value = strtod(copy, &end);
    return end == copy + text.size && value == number;
}

static bool is_scalar(cleat_slice text, const cleat_value *value)
{
    char number[32];
    switch (value->type) {
    case CLEAT_VALUE_STRING: return cleat_slice_equals(text, value->as.string);
    case CLEAT_VALUE_BOOL:
        return cleat_slice_equals(text, cleat_slice_of(value->as.boolean ? "true" : "false"));
    case CLEAT_VALUE_INT:
        snprintf(number, sizeof(number), "%" PRId64, value->as.integer);
        return cleat_slice_equals(text, cleat_slice_of(number));
    case CLEAT_VALUE_DOUBLE: return is_number(text, value->as.real);
    default: return false;
    }
}

static bool is_value(cleat_slice text, const cleat_value *value)
{
    cleat_value element;
    if (value->type < CLEAT_VALUE_STRING_ARRAY) {
        return is_scalar(text, value);
    }
    for (size_t i = 0; i < value->count && cleat_value_element(value, i, &element); i++) {
        if (is_scalar(text, &element)) {
            return true;
        }
    }
    return false;
}

static bool is_attribute(const cleat__trace_attribute *wanted, const cleat_attribute *attribute)
{
    return cleat_slice_equals(wanted->key, attribute->key) && is_value(wanted->value, &attribute->value);
}

/* ---- Where they come from ---- */

static uint32_t attributes_of(const cleat__trace_search_filter *filter, const cleat_resource *resource)
{
    const cleat_attribute *all = cleat_resource_attributes(resource);
    size_t count = cleat_resource_count(resource);
    uint32_t found = 0;
    for (size_t i = 0; i < filter->attribute_count; i++) {
        for (size_t j = 0; j < count; j++) {
            if (is_attribute(&filter->attributes[i], &all[j])) {
                found |= UINT32_C(1) << i;
            }
        }
    }
    return found;
}

static cleat_slice key_of(const int64_t *id)
{
    return (cleat_slice){(const char *)id, sizeof(*id)};
}

static cleat_status add_source(cleat__span_match *match, int64_t id, known **out)
{
    const cleat__source *source = NULL;
    cleat_status status = cleat__source_list_get(&match->sources, match->store, id, &source);
    *out = NULL;
    if (status != CLEAT_OK) {
        return status;
    }
    known *made = cleat__calloc(1, sizeof(*made));
    if (made == NULL) {
        return cleat__fail_memory();
    }
    made->id = id;
    made->has_service = cleat__needle_is_in(&match->service, source->service_name);
    made->attributes = source->resource != NULL ? attributes_of(match->filter, source->resource) : 0;
    status = cleat__map_put(&match->by_source, key_of(&made->id), made);
    if (status != CLEAT_OK) {
        cleat__free(made);
        return status;
    }
    *out = made;
    return CLEAT_OK;
}

/* ---- A span ---- */

static bool has_name(const cleat__span_match *match, const cleat__span_row *row)
{
    char task[CLEAT__SPAN_TASK_SIZE];
    return cleat__needle_is_in(&match->name, row->name) ||
           cleat__needle_is_in(&match->name, cleat__span_task_of_row(row->name, row->record, task));
}

static bool is_in_record(cleat_slice record, cleat_slice text)
{
    return text.size == 0 ||
           (record.size != 0 && memmem(record.data, record.size, text.data, text.size) != NULL);
}

/* Only strings are in a record as they are written; others begin with one of these characters, but for infinities,
 * which JSON has not. */
static bool may_be_string_only(cleat_slice text)
{
    return text.size != 0 && memchr("-+.0123456789tfTFnNiI", text.data[0], 21) == NULL;
}

static bool may_have_attributes(const cleat__span_match *match, const cleat__span_row *row, uint32_t missing)
{
    for (size_t i = 0; i < match->filter->attribute_count; i++) {
        const cleat__trace_attribute *wanted = &match->filter->attributes[i];
        if ((missing >> i & 1) != 0 &&
            (!is_in_record(row->record, wanted->key) ||
             (may_be_string_only(wanted->value) && !is_in_record(row->record, wanted->value)))) {
            return false;
        }
    }
    return true;
}

static bool has_attributes(const cleat__span_match *match, const cleat__span_row *row, uint32_t missing)
{
    cleat_span_view view;
    cleat_attribute attribute;
    size_t cursor = 0;
    if (missing == 0) {
        return true;
    }
    if (!may_have_attributes(match, row, missing) || cleat_span_view_read(row->record, &view) != CLEAT_OK) {
        return false;
    }
    while (missing != 0 && cleat_span_view_next_attribute(&view, &cursor, &attribute)) {
        for (size_t i = 0; i < match->filter->attribute_count; i++) {
            if (is_attribute(&match->filter->attributes[i], &attribute)) {
                missing &= ~(UINT32_C(1) << i);
            }
        }
    }
    return missing == 0;
}

cleat_status cleat__span_match_row(cleat__span_match *match, const cleat__span_row *row, bool *matches)
{
    size_t count = match->filter->attribute_count;
    known *source = cleat__map_get(&match->by_source, key_of(&row->source));
    cleat_status status = source == NULL ? add_source(match, row->source, &source) : CLEAT_OK;
    *matches = false;
    if (status != CLEAT_OK) {
        return status;
    }
    uint32_t all = (uint32_t)((UINT64_C(1) << count) - 1);
    *matches =
        source->has_service && has_name(match, row) && has_attributes(match, row, all & ~source->attributes);
    return CLEAT_OK;
}
