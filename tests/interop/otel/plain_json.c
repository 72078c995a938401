#include "plain_json.h"

#include "otlp/json.h"

#include <inttypes.h>
#include <math.h>

static void append_hex(cleat__buffer *json, const uint8_t *bytes, size_t size)
{
    cleat__buffer_append_byte(json, '"');
    for (size_t i = 0; i < size; i++) {
        cleat__buffer_append_format(json, "%02x", bytes[i]);
    }
    cleat__buffer_append_byte(json, '"');
}

static void append_text(cleat__buffer *json, const char *key, cleat_slice text)
{
    cleat__buffer_append_format(json, ",\"%s\":", key);
    cleat__buffer_append_json(json, text);
}

/* ---- Attributes ---- */

static void append_value(cleat__buffer *json, const cleat_value *value)
{
    uint64_t bits;
    cleat_value element;
    switch (value->type) {
    case CLEAT_VALUE_NONE:
        cleat__buffer_append_string(json, "{\"foreign\":");
        cleat__json_value(json, value);
        break;
    case CLEAT_VALUE_STRING:
        cleat__buffer_append_string(json, "{\"string\":");
        cleat__buffer_append_json(json, value->as.string);
        break;
    case CLEAT_VALUE_BOOL:
        cleat__buffer_append_format(json, "{\"bool\":%s", value->as.boolean ? "true" : "false");
        break;
    case CLEAT_VALUE_INT:
        cleat__buffer_append_format(json, "{\"int\":\"%" PRId64 "\"", value->as.integer);
        break;
    case CLEAT_VALUE_DOUBLE:
        memcpy(&bits, &value->as.real, sizeof(bits));
        if (isnan(value->as.real)) {
            cleat__buffer_append_string(json, "{\"double\":\"NaN\"");
        } else {
            cleat__buffer_append_format(json, "{\"double\":\"%016" PRIx64 "\"", bits);
        }
        break;
    default:
        cleat__buffer_append_string(json, "{\"array\":[");
        for (size_t i = 0; cleat_value_element(value, i, &element); i++) {
            cleat__buffer_append_string(json, i != 0 ? "," : "");
            append_value(json, &element);
        }
        cleat__buffer_append_byte(json, ']');
        break;
    }
    cleat__buffer_append_byte(json, '}');
}

static void append_attribute(cleat__buffer *json, const cleat_attribute *attribute, size_t *count)
{
    cleat__buffer_append_string(json, (*count)++ != 0 ? "," : "");
    cleat__buffer_append_json(json, attribute->key);
    cleat__buffer_append_byte(json, ':');
    append_value(json, &attribute->value);
}

static void append_asked(cleat__buffer *json, const asked_attributes *attributes)
{
    size_t count = 0;
    cleat__buffer_append_string(json, ",\"attributes\":{");
    for (size_t i = 0; i < attributes->count; i++) {
        append_attribute(json, &attributes->items[i], &count);
    }
    cleat__buffer_append_format(json, "},\"droppedAttributes\":%" PRIu32, attributes->dropped);
}

/* ---- The parts that both have ---- */

static void append_context(cleat__buffer *json, const cleat_span_context *context, uint32_t flags)
{
    cleat__buffer_append_string(json, "{\"traceId\":");
    append_hex(json, context->trace_id.bytes, sizeof(context->trace_id));
    cleat__buffer_append_string(json, ",\"spanId\":");
    append_hex(json, context->span_id.bytes, sizeof(context->span_id));
    append_text(json, "traceState", (cleat_slice){context->trace_state, context->trace_state_size});
    cleat__buffer_append_format(json, ",\"flags\":%" PRIu32, flags);
}

static void append_link_head(cleat__buffer *json, const cleat_span_context *context)
{
    append_context(json, context, context->trace_flags | 0x100u | (context->is_remote ? 0x200u : 0u));
}

static void append_event_head(cleat__buffer *json, int64_t time_ns, cleat_slice name)
{
    cleat__buffer_append_format(json, "{\"time\":\"%" PRId64 "\"", time_ns);
    append_text(json, "name", name);
}

/* All but the collections, of a view that may have nothing else. */
static void append_span_head(cleat__buffer *json, const cleat_span_view *span)
{
    static const cleat_span_id none;
    bool is_root = memcmp(&span->parent_span_id, &none, sizeof(none)) == 0;
    cleat__buffer_append_string(json, "{\"traceId\":");
    append_hex(json, span->trace_id.bytes, sizeof(span->trace_id));
    cleat__buffer_append_string(json, ",\"spanId\":");
    append_hex(json, span->span_id.bytes, sizeof(span->span_id));
    cleat__buffer_append_string(json, ",\"parentSpanId\":");
    append_hex(json, span->parent_span_id.bytes, is_root ? 0 : sizeof(none));
    append_text(json, "traceState", span->trace_state);
    append_text(json, "name", span->name);
    cleat__buffer_append_format(json,
                                ",\"flags\":%" PRIu32 ",\"kind\":%d,\"startTime\":\"%" PRId64
                                "\",\"endTime\":\"%" PRId64 "\",\"droppedEvents\":%" PRIu32
                                ",\"droppedLinks\":%" PRIu32 ",\"status\":{\"code\":%d",
                                span->flags, (int)span->kind, span->start_time_ns, span->end_time_ns,
                                span->dropped_event_count, span->dropped_link_count, (int)span->status);
    append_text(json, "message", span->status_message);
    cleat__buffer_append_byte(json, '}');
}

/* ---- What was asked for ---- */

static void append_place(cleat__buffer *json, const plain_place *place)
{
    cleat__buffer_append_string(json, ",\"resource\":{\"schemaUrl\":");
    cleat__buffer_append_json(json, place->resource_schema_url);
    append_asked(json, place->resource);
    cleat__buffer_append_string(json, "},\"scope\":{\"schemaUrl\":");
    cleat__buffer_append_json(json, place->scope_schema_url);
    append_text(json, "name", place->scope_name);
    append_text(json, "version", place->scope_version);
    append_asked(json, place->scope);
    cleat__buffer_append_byte(json, '}');
}

void plain_json_asked(cleat__buffer *json, const asked_span *span, const plain_place *place)
{
    const cleat_span_view head = {
        .trace_id = span->context.trace_id,
        .span_id = span->context.span_id,
        .parent_span_id = span->parent_span_id,
        .flags = span->flags,
        .trace_state = {span->context.trace_state, span->context.trace_state_size},
        .name = span->name,
        .kind = span->kind,
        .start_time_ns = span->start_time_ns,
        .end_time_ns = span->end_time_ns,
        .status = span->status,
        .status_message = span->status_message,
        .dropped_event_count = span->dropped_events,
        .dropped_link_count = span->dropped_links,
    };
    append_span_head(json, &head);
    append_asked(json, &span->attributes);
    cleat__buffer_append_string(json, ",\"events\":[");
    for (size_t i = 0; i < span->event_count; i++) {
        cleat__buffer_append_string(json, i != 0 ? "," : "");
        append_event_head(json, span->events[i].time_ns, span->events[i].name);
        append_asked(json, &span->events[i].attributes);
        cleat__buffer_append_byte(json, '}');
    }
    cleat__buffer_append_string(json, "],\"links\":[");
    for (size_t i = 0; i < span->link_count; i++) {
        cleat__buffer_append_string(json, i != 0 ? "," : "");
        append_link_head(json, &span->links[i].context);
        append_asked(json, &span->links[i].attributes);
        cleat__buffer_append_byte(json, '}');
    }
    cleat__buffer_append_byte(json, ']');
    append_place(json, place);
    cleat__buffer_append_byte(json, '}');
}

/* ---- What was read ---- */

static void append_message_attributes(cleat__buffer *json, cleat_slice message, uint32_t field)
{
    cleat_attribute attribute;
    size_t cursor = 0, count = 0;
    cleat__buffer_append_string(json, ",\"attributes\":{");
    while (otlp_next_attribute(message, field, &cursor, &attribute)) {
        append_attribute(json, &attribute, &count);
    }
    cleat__buffer_append_string(json, "},\"droppedAttributes\":0");
}

static void append_read_place(cleat__buffer *json, const otlp_place *place)
{
    cleat__buffer_append_string(json, ",\"resource\":{\"schemaUrl\":");
    cleat__buffer_append_json(json, place->resource_schema_url);
    append_message_attributes(json, place->resource, 1);
    cleat__buffer_append_string(json, "},\"scope\":{\"schemaUrl\":");
    cleat__buffer_append_json(json, place->scope_schema_url);
    append_text(json, "name", otlp_text(place->scope, 1));
    append_text(json, "version", otlp_text(place->scope, 2));
    append_message_attributes(json, place->scope, 3);
    cleat__buffer_append_byte(json, '}');
}

static void append_read_events(cleat__buffer *json, const cleat_span_view *span)
{
    cleat_event_view event;
    cleat_attribute attribute;
    size_t events = 0;
    cleat__buffer_append_string(json, ",\"events\":[");
    for (size_t cursor = 0; cleat_span_view_next_event(span, &cursor, &event); events++) {
        size_t attributes = 0;
        cleat__buffer_append_string(json, events != 0 ? "," : "");
        append_event_head(json, event.time_ns, event.name);
        cleat__buffer_append_string(json, ",\"attributes\":{");
        for (size_t inner = 0; cleat_event_view_next_attribute(&event, &inner, &attribute);) {
            append_attribute(json, &attribute, &attributes);
        }
        cleat__buffer_append_format(json, "},\"droppedAttributes\":%" PRIu32 "}",
                                    event.dropped_attribute_count);
    }
    cleat__buffer_append_byte(json, ']');
}

static void append_read_links(cleat__buffer *json, const cleat_span_view *span)
{
    cleat_link_view link;
    cleat_attribute attribute;
    size_t links = 0;
    cleat__buffer_append_string(json, ",\"links\":[");
    for (size_t cursor = 0; cleat_span_view_next_link(span, &cursor, &link); links++) {
        size_t attributes = 0;
        cleat__buffer_append_string(json, links != 0 ? "," : "");
        append_link_head(json, &link.context);
        cleat__buffer_append_string(json, ",\"attributes\":{");
        for (size_t inner = 0; cleat_link_view_next_attribute(&link, &inner, &attribute);) {
            append_attribute(json, &attribute, &attributes);
        }
        cleat__buffer_append_format(json, "},\"droppedAttributes\":%" PRIu32 "}",
                                    link.dropped_attribute_count);
    }
    cleat__buffer_append_byte(json, ']');
}

void plain_json_read(cleat__buffer *json, const cleat_span_view *span, const otlp_place *place)
{
    cleat_attribute attribute;
    size_t cursor = 0, count = 0;
    append_span_head(json, span);
    cleat__buffer_append_string(json, ",\"attributes\":{");
    while (cleat_span_view_next_attribute(span, &cursor, &attribute)) {
        append_attribute(json, &attribute, &count);
    }
    cleat__buffer_append_format(json, "},\"droppedAttributes\":%" PRIu32, span->dropped_attribute_count);
    append_read_events(json, span);
    append_read_links(json, span);
    append_read_place(json, place);
    cleat__buffer_append_byte(json, '}');
}
