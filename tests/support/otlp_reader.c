#include "support/otlp_reader.h"

#include "trace/any_value.h"

enum { GROUPS = 1, CONTEXT = 1, MEMBERS = 2, SCHEMA_URL = 3 };

cleat_slice otlp_text(cleat_slice message, uint32_t number)
{
    cleat__wire_reader reader = cleat__wire_reader_of(message);
    cleat__wire_field field;
    cleat_slice text = {NULL, 0};
    while (cleat__wire_next(&reader, &field)) {
        if (field.number == number && field.wire == CLEAT__WIRE_BYTES) {
            text = field.bytes;
        }
    }
    return text;
}

/* ResourceSpans and ScopeSpans are alike: what it is about, its members, and a schema URL. */
static bool visit_scope_spans(cleat_slice message, otlp_place place, otlp_visitor visitor, void *user_data)
{
    cleat__wire_reader reader = cleat__wire_reader_of(message);
    cleat__wire_field field;
    place.scope = otlp_text(message, CONTEXT);
    place.scope_schema_url = otlp_text(message, SCHEMA_URL);
    while (cleat__wire_next(&reader, &field)) {
        if (field.number == MEMBERS && field.wire == CLEAT__WIRE_BYTES &&
            !visitor(user_data, &place, field.bytes)) {
            return false;
        }
    }
    return !reader.malformed;
}

static bool visit_resource_spans(cleat_slice message, otlp_visitor visitor, void *user_data)
{
    cleat__wire_reader reader = cleat__wire_reader_of(message);
    cleat__wire_field field;
    const otlp_place place = {
        .resource = otlp_text(message, CONTEXT),
        .resource_schema_url = otlp_text(message, SCHEMA_URL),
    };
    while (cleat__wire_next(&reader, &field)) {
        if (field.number == MEMBERS && field.wire == CLEAT__WIRE_BYTES &&
            !visit_scope_spans(field.bytes, place, visitor, user_data)) {
            return false;
        }
    }
    return !reader.malformed;
}

bool otlp_request_visit(cleat_slice message, otlp_visitor visitor, void *user_data)
{
    cleat__wire_reader reader = cleat__wire_reader_of(message);
    cleat__wire_field field;
    while (cleat__wire_next(&reader, &field)) {
        if (field.number == GROUPS && field.wire == CLEAT__WIRE_BYTES &&
            !visit_resource_spans(field.bytes, visitor, user_data)) {
            return false;
        }
    }
    return !reader.malformed;
}

bool otlp_next_attribute(cleat_slice message, uint32_t number, size_t *cursor, cleat_attribute *out)
{
    cleat__wire_reader reader = cleat__wire_reader_of(message);
    cleat__wire_field field;
    if (*cursor > message.size) {
        return false;
    }
    reader.at += *cursor;
    while (cleat__wire_next(&reader, &field)) {
        if (field.number == number && field.wire == CLEAT__WIRE_BYTES) {
            *cursor = (size_t)(reader.at - (const uint8_t *)message.data);
            return cleat__key_value_read(field.bytes, out);
        }
    }
    return false;
}
