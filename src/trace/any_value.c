#include "any_value.h"

#include "protobuf.h"

#include <cleat/trace.h>

static bool is_array(cleat_value_type type)
{
    return type >= CLEAT_VALUE_STRING_ARRAY && type <= CLEAT_VALUE_DOUBLE_ARRAY;
}

/* ---- Writing ---- */

static uint64_t element_size(const cleat_value *array, size_t index, uint32_t limit)
{
    cleat__text text;
    switch (array->type) {
    case CLEAT_VALUE_STRING_ARRAY:
        text = cleat__text_of(array->as.strings[index], limit);
        return cleat__text_value_size(&text);
    case CLEAT_VALUE_BOOL_ARRAY: return 2;
    case CLEAT_VALUE_INT_ARRAY: return 1 + cleat__varint_size((uint64_t)array->as.integers[index]);
    default: return 9;
    }
}

static uint8_t *put_element(uint8_t *at, const cleat_value *array, size_t index, uint32_t limit)
{
    cleat__text text;
    switch (array->type) {
    case CLEAT_VALUE_STRING_ARRAY:
        text = cleat__text_of(array->as.strings[index], limit);
        return cleat__put_text_value(at, &text);
    case CLEAT_VALUE_BOOL_ARRAY: return cleat__put_bool_value(at, array->as.booleans[index]);
    case CLEAT_VALUE_INT_ARRAY: return cleat__put_int_value(at, array->as.integers[index]);
    default: return cleat__put_double_value(at, array->as.reals[index]);
    }
}

bool cleat__any_value_plan_array(const cleat_value *value, uint32_t limit, cleat__any_plan *plan)
{
    if (!is_array(value->type)) {
        return false;
    }
    plan->limit = limit;
    if (value->encoded.data != NULL) {
        cleat_value read; /* the caller could have made it up */
        plan->size = value->encoded.size;
        return plan->size <= CLEAT__TEXT_MAX && cleat__any_value_read(value->encoded, &read) &&
               is_array(read.type);
    }
    if (value->count != 0 && value->as.strings == NULL) {
        return false;
    }
    uint64_t size = 0;
    for (size_t i = 0; i < value->count; i++) {
        if (value->type == CLEAT_VALUE_STRING_ARRAY && value->as.strings[i].size > CLEAT__TEXT_MAX) {
            return false;
        }
        uint64_t element = element_size(value, i, limit);
        size += 1 + cleat__varint_size(element) + element;
    }
    plan->array_size = size;
    plan->size = 1 + cleat__varint_size(size) + size;
    return true;
}

uint8_t *cleat__any_value_put_array(uint8_t *at, const cleat_value *value, const cleat__any_plan *plan)
{
    if (value->encoded.data != NULL) {
        return cleat__put_raw(at, value->encoded.data, value->encoded.size);
    }
    at = cleat__put_tag(at, CLEAT__ANY_ARRAY, CLEAT__WIRE_BYTES);
    at = cleat__put_varint(at, plan->array_size);
    for (size_t i = 0; i < value->count; i++) {
        at = cleat__put_tag(at, CLEAT__ARRAY_VALUES, CLEAT__WIRE_BYTES);
        at = cleat__put_varint(at, element_size(value, i, plan->limit));
        at = put_element(at, value, i, plan->limit);
    }
    return at;
}

/* ---- Reading ---- */

/* A scalar field of AnyValue; anything else leaves the type NONE. */
static void read_scalar(const cleat__wire_field *field, cleat_value *out)
{
    out->type = CLEAT_VALUE_NONE;
    if (field->number == CLEAT__ANY_STRING && field->wire == CLEAT__WIRE_BYTES) {
        out->type = CLEAT_VALUE_STRING;
        out->as.string = field->bytes;
    } else if (field->number == CLEAT__ANY_BOOL && field->wire == CLEAT__WIRE_VARINT) {
        out->type = CLEAT_VALUE_BOOL;
        out->as.boolean = field->integer != 0;
    } else if (field->number == CLEAT__ANY_INT && field->wire == CLEAT__WIRE_VARINT) {
        out->type = CLEAT_VALUE_INT;
        out->as.integer = (int64_t)field->integer;
    } else if (field->number == CLEAT__ANY_DOUBLE && field->wire == CLEAT__WIRE_FIXED64) {
        out->type = CLEAT_VALUE_DOUBLE;
        memcpy(&out->as.real, &field->integer, sizeof(out->as.real));
    }
}

static bool read_element(cleat_slice message, cleat_value *out)
{
    cleat__wire_reader reader = cleat__wire_reader_of(message);
    cleat__wire_field field;
    *out = (cleat_value){.encoded = message};
    while (cleat__wire_next(&reader, &field)) {
        if (field.number <= CLEAT__ANY_BYTES) {
            read_scalar(&field, out);
        }
    }
    return !reader.malformed;
}

/* Counts the elements; arrays that are mixed or nested keep the type NONE. An empty array does not
 * say what it is an array of. */
static bool read_array(cleat_slice message, cleat_value *out)
{
    cleat__wire_reader reader = cleat__wire_reader_of(message);
    cleat__wire_field field;
    cleat_value_type type = CLEAT_VALUE_STRING;
    out->count = 0;
    out->as.strings = NULL;
    while (cleat__wire_next(&reader, &field)) {
        cleat_value element;
        if (field.number != CLEAT__ARRAY_VALUES || field.wire != CLEAT__WIRE_BYTES) {
            continue;
        }
        if (!read_element(field.bytes, &element)) {
            return false;
        }
        if (out->count++ == 0) {
            type = element.type;
        } else if (type != element.type) {
            type = CLEAT_VALUE_NONE;
        }
    }
    out->type =
        type == CLEAT_VALUE_NONE ? CLEAT_VALUE_NONE : type + (CLEAT_VALUE_STRING_ARRAY - CLEAT_VALUE_STRING);
    return !reader.malformed;
}

bool cleat__any_value_read(cleat_slice message, cleat_value *out)
{
    cleat__wire_reader reader = cleat__wire_reader_of(message);
    cleat__wire_field field;
    *out = (cleat_value){.encoded = message};
    while (cleat__wire_next(&reader, &field)) {
        if (field.number == CLEAT__ANY_ARRAY && field.wire == CLEAT__WIRE_BYTES) {
            if (!read_array(field.bytes, out)) {
                return false;
            }
        } else if (field.number <= CLEAT__ANY_BYTES) { /* a oneof: the last one counts */
            read_scalar(&field, out);
        }
    }
    return !reader.malformed;
}

bool cleat__key_value_read(cleat_slice message, cleat_attribute *out)
{
    cleat__wire_reader reader = cleat__wire_reader_of(message);
    cleat__wire_field field;
    *out = (cleat_attribute){.key = {"", 0}};
    while (cleat__wire_next(&reader, &field)) {
        if (field.wire != CLEAT__WIRE_BYTES) {
            continue;
        }
        if (field.number == CLEAT__KEY_VALUE_KEY) {
            out->key = field.bytes;
        } else if (field.number == CLEAT__KEY_VALUE_VALUE &&
                   !cleat__any_value_read(field.bytes, &out->value)) {
            return false;
        }
    }
    return !reader.malformed;
}

static bool encoded_element(const cleat_value *array, size_t index, cleat_value *out)
{
    cleat__wire_reader outer = cleat__wire_reader_of(array->encoded);
    cleat__wire_field list, field;
    cleat_slice values = {NULL, 0};
    while (cleat__wire_next(&outer, &list)) {
        if (list.number == CLEAT__ANY_ARRAY && list.wire == CLEAT__WIRE_BYTES) {
            values = list.bytes;
        }
    }
    cleat__wire_reader inner = cleat__wire_reader_of(values);
    while (cleat__wire_next(&inner, &field)) {
        if (field.number != CLEAT__ARRAY_VALUES || field.wire != CLEAT__WIRE_BYTES) {
            continue;
        }
        if (index-- == 0) {
            return read_element(field.bytes, out);
        }
    }
    return false;
}

bool cleat_value_element(const cleat_value *array, size_t index, cleat_value *out)
{
    if (array == NULL || out == NULL || !is_array(array->type) || index >= array->count) {
        return false;
    }
    *out = (cleat_value){.type = array->type - (CLEAT_VALUE_STRING_ARRAY - CLEAT_VALUE_STRING)};
    if (array->encoded.data != NULL) {
        return encoded_element(array, index, out);
    }
    if (array->as.strings == NULL) {
        return false;
    }
    switch (array->type) {
    case CLEAT_VALUE_STRING_ARRAY: out->as.string = array->as.strings[index]; break;
    case CLEAT_VALUE_BOOL_ARRAY: out->as.boolean = array->as.booleans[index]; break;
    case CLEAT_VALUE_INT_ARRAY: out->as.integer = array->as.integers[index]; break;
    default: out->as.real = array->as.reals[index]; break;
    }
    return true;
}
