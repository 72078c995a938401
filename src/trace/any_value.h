/* A cleat_value as an OTLP `AnyValue` message and back. */
#ifndef CLEAT_TRACE_ANY_VALUE_H
#define CLEAT_TRACE_ANY_VALUE_H

#include "text.h"

#include <cleat/trace.h>

/* Fields of AnyValue, ArrayValue, KeyValue. */
enum {
    CLEAT__ANY_STRING = 1,
    CLEAT__ANY_BOOL = 2,
    CLEAT__ANY_INT = 3,
    CLEAT__ANY_DOUBLE = 4,
    CLEAT__ANY_ARRAY = 5,
    CLEAT__ANY_KVLIST = 6,
    CLEAT__ANY_BYTES = 7,
    CLEAT__ARRAY_VALUES = 1,
    CLEAT__KEY_VALUE_KEY = 1,
    CLEAT__KEY_VALUE_VALUE = 2,
};

/* What encoding is about to write: sizes are computed once. */
typedef struct cleat__any_plan {
    uint64_t size; /* of the AnyValue message */
    uint64_t array_size;
    uint32_t limit;
    cleat__text text; /* of a string value */
} cleat__any_plan;

bool cleat__any_value_plan_array(const cleat_value *value, uint32_t limit, cleat__any_plan *plan);
uint8_t *cleat__any_value_put_array(uint8_t *at, const cleat_value *value, const cleat__any_plan *plan);

static inline uint64_t cleat__text_value_size(const cleat__text *text)
{
    return 1 + cleat__varint_size(text->size) + text->size;
}

static inline uint8_t *cleat__put_text_value(uint8_t *at, const cleat__text *text)
{
    at = cleat__put_tag(at, CLEAT__ANY_STRING, CLEAT__WIRE_BYTES);
    at = cleat__put_varint(at, text->size);
    return cleat__text_put(at, text);
}

static inline uint8_t *cleat__put_bool_value(uint8_t *at, bool value)
{
    at = cleat__put_tag(at, CLEAT__ANY_BOOL, CLEAT__WIRE_VARINT);
    return cleat__put_varint(at, value);
}

static inline uint8_t *cleat__put_int_value(uint8_t *at, int64_t value)
{
    at = cleat__put_tag(at, CLEAT__ANY_INT, CLEAT__WIRE_VARINT);
    return cleat__put_varint(at, (uint64_t)value);
}

static inline uint8_t *cleat__put_double_value(uint8_t *at, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    at = cleat__put_tag(at, CLEAT__ANY_DOUBLE, CLEAT__WIRE_FIXED64);
    return cleat__put_fixed64(at, bits);
}

/* False for a value that cannot be written: an unknown type, an array without its elements, a string
 * beyond CLEAT__TEXT_MAX. Inline, since it is part of every attribute. */
static inline bool cleat__any_value_plan(const cleat_value *value, uint32_t limit, cleat__any_plan *plan)
{
    switch (value->type) {
    case CLEAT_VALUE_STRING:
        if (value->as.string.size > CLEAT__TEXT_MAX) {
            return false;
        }
        cleat__text_init(&plan->text, value->as.string, limit);
        plan->size = cleat__text_value_size(&plan->text);
        return true;
    case CLEAT_VALUE_BOOL: plan->size = 2; return true;
    case CLEAT_VALUE_INT: plan->size = 1 + cleat__varint_size((uint64_t)value->as.integer); return true;
    case CLEAT_VALUE_DOUBLE: plan->size = 9; return true;
    default: return cleat__any_value_plan_array(value, limit, plan);
    }
}

static inline uint8_t *cleat__any_value_put(uint8_t *at, const cleat_value *value,
                                            const cleat__any_plan *plan)
{
    switch (value->type) {
    case CLEAT_VALUE_STRING: return cleat__put_text_value(at, &plan->text);
    case CLEAT_VALUE_BOOL: return cleat__put_bool_value(at, value->as.boolean);
    case CLEAT_VALUE_INT: return cleat__put_int_value(at, value->as.integer);
    case CLEAT_VALUE_DOUBLE: return cleat__put_double_value(at, value->as.real);
    default: return cleat__any_value_put_array(at, value, plan);
    }
}

/*
 * Reads an AnyValue message. What cleat_value has no type for (bytes, key-value lists, mixed
 * arrays) is CLEAT_VALUE_NONE with `encoded` set. False when malformed.
 */
bool cleat__any_value_read(cleat_slice message, cleat_value *out);
/* Reads a KeyValue message. */
bool cleat__key_value_read(cleat_slice message, cleat_attribute *out);

#endif
