#include "json.h"

#include "trace/any_value.h"
#include "trace/protobuf.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Peers may nest lists in lists; what is deeper than this shows as an empty value. */
enum { DEEPEST = 32 };

static void append_text(cleat__buffer *json, const char *text)
{
    cleat__buffer_append_string(json, text);
}

static void append_int(cleat__buffer *json, int64_t value)
{
    cleat__buffer_append_format(json, "{\"intValue\":\"%" PRId64 "\"}", value);
}

/* The shortest form that reads back as the same number. */
static void append_double(cleat__buffer *json, double value)
{
    char text[40];
    if (isnan(value)) {
        append_text(json, "{\"doubleValue\":\"NaN\"}");
        return;
    }
    if (isinf(value)) {
        append_text(json, value > 0 ? "{\"doubleValue\":\"Infinity\"}" : "{\"doubleValue\":\"-Infinity\"}");
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, value);
        if (strtod(text, NULL) == value) {
            break;
        }
    }
    /* A program that called setlocale() may have a decimal comma. */
    char *comma = strchr(text, ',');
    if (comma != NULL) {
        *comma = '.';
    }
    cleat__buffer_append_format(json, "{\"doubleValue\":%s}", text);
}

static void append_string(cleat__buffer *json, cleat_slice value)
{
    append_text(json, "{\"stringValue\":");
    cleat__buffer_append_json(json, value);
    append_text(json, "}");
}

static void append_scalar(cleat__buffer *json, const cleat_value *value)
{
    switch (value->type) {
    case CLEAT_VALUE_STRING: append_string(json, value->as.string); break;
    case CLEAT_VALUE_BOOL:
        append_text(json, value->as.boolean ? "{\"boolValue\":true}" : "{\"boolValue\":false}");
        break;
    case CLEAT_VALUE_INT: append_int(json, value->as.integer); break;
    case CLEAT_VALUE_DOUBLE: append_double(json, value->as.real); break;
    default: append_text(json, "{}"); break;
    }
}

/* ---- Values read from a record: by their bytes, in one pass, whatever they are ---- */

static void append_encoded(cleat__buffer *json, cleat_slice message, int depth);

static void append_base64(cleat__buffer *json, cleat_slice bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    append_text(json, "{\"bytesValue\":\"");
    for (size_t i = 0; i < bytes.size; i += 3) {
        size_t left = bytes.size - i;
        uint32_t word = 0;
        for (size_t j = 0; j < 3; j++) {
            word = word << 8 | (j < left ? (uint8_t)bytes.data[i + j] : 0u);
        }
        const char quad[4] = {
            digits[word >> 18],
            digits[word >> 12 & 63],
            left > 1 ? digits[word >> 6 & 63] : '=',
            left > 2 ? digits[word & 63] : '=',
        };
        cleat__buffer_append(json, quad, sizeof(quad));
    }
    append_text(json, "\"}");
}

static void append_array(cleat__buffer *json, cleat_slice message, int depth)
{
    cleat__wire_reader reader = cleat__wire_reader_of(message);
    cleat__wire_field field;
    const char *separator = "";
    append_text(json, "{\"arrayValue\":{\"values\":[");
    while (cleat__wire_next(&reader, &field)) {
        if (field.number == CLEAT__ARRAY_VALUES && field.wire == CLEAT__WIRE_BYTES) {
            append_text(json, separator);
            append_encoded(json, field.bytes, depth + 1);
            separator = ",";
        }
    }
    append_text(json, "]}}");
}

static void append_list_entry(cleat__buffer *json, cleat_slice message, int depth)
{
    cleat__wire_reader reader = cleat__wire_reader_of(message);
    cleat__wire_field field;
    cleat_slice key = {"", 0}, value = {"", 0};
    while (cleat__wire_next(&reader, &field)) {
        if (field.number == CLEAT__KEY_VALUE_KEY && field.wire == CLEAT__WIRE_BYTES) {
            key = field.bytes;
        } else if (field.number == CLEAT__KEY_VALUE_VALUE && field.wire == CLEAT__WIRE_BYTES) {
            value = field.bytes;
        }
    }
    append_text(json, "{\"key\":");
    cleat__buffer_append_json(json, key);
    append_text(json, ",\"value\":");
    append_encoded(json, value, depth + 1);
    append_text(json, "}");
}

static void append_list(cleat__buffer *json, cleat_slice message, int depth)
{
    cleat__wire_reader reader = cleat__wire_reader_of(message);
    cleat__wire_field field;
    const char *separator = "";
    append_text(json, "{\"kvlistValue\":{\"values\":[");
    while (cleat__wire_next(&reader, &field)) {
        if (field.number == CLEAT__ARRAY_VALUES && field.wire == CLEAT__WIRE_BYTES) {
            append_text(json, separator);
            append_list_entry(json, field.bytes, depth);
            separator = ",";
        }
    }
    append_text(json, "]}}");
}

/* The last field of the oneof counts; it is looked for first, so that only it is written. */
static void append_encoded(cleat__buffer *json, cleat_slice message, int depth)
{
    cleat__wire_reader reader = cleat__wire_reader_of(message);
    cleat__wire_field field, last = {0};
    while (depth < DEEPEST && cleat__wire_next(&reader, &field)) {
        if (field.number <= CLEAT__ANY_BYTES) {
            last = field;
        }
    }
    double real;
    switch (CLEAT__TAG(last.number, last.wire)) {
    case CLEAT__TAG(CLEAT__ANY_STRING, CLEAT__WIRE_BYTES): append_string(json, last.bytes); break;
    case CLEAT__TAG(CLEAT__ANY_BOOL, CLEAT__WIRE_VARINT):
        append_text(json, last.integer != 0 ? "{\"boolValue\":true}" : "{\"boolValue\":false}");
        break;
    case CLEAT__TAG(CLEAT__ANY_INT, CLEAT__WIRE_VARINT): append_int(json, (int64_t)last.integer); break;
    case CLEAT__TAG(CLEAT__ANY_DOUBLE, CLEAT__WIRE_FIXED64):
        memcpy(&real, &last.integer, sizeof(real));
        append_double(json, real);
        break;
    case CLEAT__TAG(CLEAT__ANY_ARRAY, CLEAT__WIRE_BYTES): append_array(json, last.bytes, depth); break;
    case CLEAT__TAG(CLEAT__ANY_KVLIST, CLEAT__WIRE_BYTES): append_list(json, last.bytes, depth); break;
    case CLEAT__TAG(CLEAT__ANY_BYTES, CLEAT__WIRE_BYTES): append_base64(json, last.bytes); break;
    default: append_text(json, "{}"); break;
    }
}

void cleat__json_value(cleat__buffer *json, const cleat_value *value)
{
    if (value->encoded.data != NULL) {
        append_encoded(json, value->encoded, 0);
        return;
    }
    if (value->type < CLEAT_VALUE_STRING_ARRAY) {
        append_scalar(json, value);
        return;
    }
    cleat_value element;
    append_text(json, "{\"arrayValue\":{\"values\":[");
    for (size_t i = 0; cleat_value_element(value, i, &element); i++) {
        append_text(json, i != 0 ? "," : "");
        append_scalar(json, &element);
    }
    append_text(json, "]}}");
}
