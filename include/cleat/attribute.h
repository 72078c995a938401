/*
 * Attributes: keys with values, as spans, events, links, resources and scopes have them.
 *
 *     cleat_attribute attributes[] = {
 *         cleat_attribute_string("http.request.method", "GET"),
 *         cleat_attribute_int("http.response.status_code", 200),
 *     };
 *     cleat_span_add_event(span, "answered", attributes, 2, 0);
 *
 * Source: OpenTelemetry specification, Common, "Attribute".
 */
#ifndef CLEAT_ATTRIBUTE_H
#define CLEAT_ATTRIBUTE_H

#include "cleat/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum cleat_value_type {
    CLEAT_VALUE_NONE = 0, /* no value: an attribute with it is ignored (null is undefined) */
    CLEAT_VALUE_STRING,
    CLEAT_VALUE_BOOL,
    CLEAT_VALUE_INT,
    CLEAT_VALUE_DOUBLE,
    CLEAT_VALUE_STRING_ARRAY,
    CLEAT_VALUE_BOOL_ARRAY,
    CLEAT_VALUE_INT_ARRAY,
    CLEAT_VALUE_DOUBLE_ARRAY,
} cleat_value_type;

/*
 * A value borrows its bytes. Strings are UTF-8. Arrays are homogeneous; `count` is the number of
 * elements. In a value read from a finished span (exporter.h) the elements of an array are read
 * with cleat_value_element(), and the array pointers are not set. Specification: Common, "AnyValue".
 */
typedef struct cleat_value {
    cleat_value_type type;
    size_t count;
    union {
        cleat_slice string;
        bool boolean;
        int64_t integer;
        double real;
        const cleat_slice *strings;
        const bool *booleans;
        const int64_t *integers;
        const double *reals;
    } as;
    cleat_slice encoded; /* set only in values read from a finished span */
} cleat_value;

typedef struct cleat_attribute {
    cleat_slice key; /* not empty */
    cleat_value value;
} cleat_attribute;

/*
 * ---- Constructors (specification: Common, "Attribute") ----
 * They borrow what they are given, for as long as the attribute is used, and may be called from any
 * thread. A NULL string or array gives CLEAT_VALUE_NONE. Inline, so that the lengths of literals cost
 * nothing.
 */
static inline cleat_attribute cleat__attribute_of(const char *key, cleat_value_type type, size_t count)
{
    cleat_attribute attribute = {cleat_slice_of(key), {type, count, {{NULL, 0}}, {NULL, 0}}};
    return attribute;
}

static inline cleat_attribute cleat_attribute_slice(const char *key, cleat_slice value)
{
    cleat_attribute attribute =
        cleat__attribute_of(key, value.data != NULL ? CLEAT_VALUE_STRING : CLEAT_VALUE_NONE, 0);
    attribute.value.as.string = value;
    return attribute;
}

static inline cleat_attribute cleat_attribute_string(const char *key, const char *value)
{
    return cleat_attribute_slice(key, cleat_slice_of(value));
}

static inline cleat_attribute cleat_attribute_bool(const char *key, bool value)
{
    cleat_attribute attribute = cleat__attribute_of(key, CLEAT_VALUE_BOOL, 0);
    attribute.value.as.boolean = value;
    return attribute;
}

static inline cleat_attribute cleat_attribute_int(const char *key, int64_t value)
{
    cleat_attribute attribute = cleat__attribute_of(key, CLEAT_VALUE_INT, 0);
    attribute.value.as.integer = value;
    return attribute;
}

static inline cleat_attribute cleat_attribute_double(const char *key, double value)
{
    cleat_attribute attribute = cleat__attribute_of(key, CLEAT_VALUE_DOUBLE, 0);
    attribute.value.as.real = value;
    return attribute;
}

/* An array without elements is a value; one that says it has some and brings none is not. */
static inline cleat_attribute cleat__attribute_array(const char *key, cleat_value_type type,
                                                     const void *values, size_t count)
{
    bool present = values != NULL || count == 0;
    return cleat__attribute_of(key, present ? type : CLEAT_VALUE_NONE, present ? count : 0);
}

static inline cleat_attribute cleat_attribute_strings(const char *key, const cleat_slice *values,
                                                      size_t count)
{
    cleat_attribute attribute = cleat__attribute_array(key, CLEAT_VALUE_STRING_ARRAY, values, count);
    attribute.value.as.strings = values;
    return attribute;
}

static inline cleat_attribute cleat_attribute_bools(const char *key, const bool *values, size_t count)
{
    cleat_attribute attribute = cleat__attribute_array(key, CLEAT_VALUE_BOOL_ARRAY, values, count);
    attribute.value.as.booleans = values;
    return attribute;
}

static inline cleat_attribute cleat_attribute_ints(const char *key, const int64_t *values, size_t count)
{
    cleat_attribute attribute = cleat__attribute_array(key, CLEAT_VALUE_INT_ARRAY, values, count);
    attribute.value.as.integers = values;
    return attribute;
}

static inline cleat_attribute cleat_attribute_doubles(const char *key, const double *values, size_t count)
{
    cleat_attribute attribute = cleat__attribute_array(key, CLEAT_VALUE_DOUBLE_ARRAY, values, count);
    attribute.value.as.reals = values;
    return attribute;
}

#ifdef __cplusplus
}
#endif
#endif
