/*
 * Reading records. They come from this process, from a disk and from peers, so nothing about their
 * bytes is believed: cleat_span_view_read() walks the whole message, nested ones included, and the
 * iterators stop at whatever they cannot read.
 */
#include "any_value.h"
#include "base/error.h"
#include "protobuf.h"
#include "record.h"

static bool read_id(const cleat__wire_field *field, uint8_t *id, size_t size)
{
    if (field->bytes.size == size) {
        memcpy(id, field->bytes.data, size);
        return true;
    }
    memset(id, 0, size);
    return field->bytes.size == 0;
}

static bool read_status(cleat_slice message, cleat_span_view *out)
{
    cleat__wire_reader reader = cleat__wire_reader_of(message);
    cleat__wire_field field;
    while (cleat__wire_next(&reader, &field)) {
        if (field.number == CLEAT__STATUS_MESSAGE && field.wire == CLEAT__WIRE_BYTES) {
            out->status_message = field.bytes;
        } else if (field.number == CLEAT__STATUS_CODE && field.wire == CLEAT__WIRE_VARINT) {
            out->status = field.integer <= CLEAT_SPAN_STATUS_ERROR ? (cleat_span_status)field.integer
                                                                   : CLEAT_SPAN_STATUS_UNSET;
        }
    }
    return !reader.malformed;
}

static bool read_event(cleat_slice message, cleat_event_view *out)
{
    cleat__wire_reader reader = cleat__wire_reader_of(message);
    cleat__wire_field field;
    cleat_attribute attribute;
    *out = (cleat_event_view){.encoded = message};
    while (cleat__wire_next(&reader, &field)) {
        switch (CLEAT__TAG(field.number, field.wire)) {
        case CLEAT__TAG(CLEAT__EVENT_TIME, CLEAT__WIRE_FIXED64): out->time_ns = (int64_t)field.integer; break;
        case CLEAT__TAG(CLEAT__EVENT_NAME, CLEAT__WIRE_BYTES): out->name = field.bytes; break;
        case CLEAT__TAG(CLEAT__EVENT_ATTRIBUTES, CLEAT__WIRE_BYTES):
            if (!cleat__key_value_read(field.bytes, &attribute)) {
                return false;
            }
            break;
        case CLEAT__TAG(CLEAT__EVENT_DROPPED_ATTRIBUTES, CLEAT__WIRE_VARINT):
            out->dropped_attribute_count = (uint32_t)field.integer;
            break;
        default: break;
        }
    }
    return !reader.malformed;
}

static void read_link_flags(uint32_t flags, cleat_span_context *context)
{
    context->trace_flags = (uint8_t)flags;
    context->is_remote = (flags & CLEAT__FLAG_IS_REMOTE) != 0;
}

/* A tracestate longer than a span context can carry is left out of it. */
static void read_link_trace_state(cleat_slice text, cleat_span_context *context)
{
    context->trace_state_size = 0;
    if (text.size != 0 && text.size <= sizeof(context->trace_state)) {
        memcpy(context->trace_state, text.data, text.size);
        context->trace_state_size = (uint16_t)text.size;
    }
}

static bool read_link(cleat_slice message, cleat_link_view *out)
{
    cleat__wire_reader reader = cleat__wire_reader_of(message);
    cleat__wire_field field;
    cleat_attribute attribute;
    cleat_span_context *context = &out->context;
    memset(context, 0, offsetof(cleat_span_context, trace_state));
    out->encoded = message;
    out->dropped_attribute_count = 0;
    bool valid = true;
    while (valid && cleat__wire_next(&reader, &field)) {
        switch (CLEAT__TAG(field.number, field.wire)) {
        case CLEAT__TAG(CLEAT__LINK_TRACE_ID, CLEAT__WIRE_BYTES):
            valid = read_id(&field, context->trace_id.bytes, sizeof(context->trace_id));
            break;
        case CLEAT__TAG(CLEAT__LINK_SPAN_ID, CLEAT__WIRE_BYTES):
            valid = read_id(&field, context->span_id.bytes, sizeof(context->span_id));
            break;
        case CLEAT__TAG(CLEAT__LINK_TRACE_STATE, CLEAT__WIRE_BYTES):
            read_link_trace_state(field.bytes, context);
            break;
        case CLEAT__TAG(CLEAT__LINK_ATTRIBUTES, CLEAT__WIRE_BYTES):
            valid = cleat__key_value_read(field.bytes, &attribute);
            break;
        case CLEAT__TAG(CLEAT__LINK_DROPPED_ATTRIBUTES, CLEAT__WIRE_VARINT):
            out->dropped_attribute_count = (uint32_t)field.integer;
            break;
        case CLEAT__TAG(CLEAT__LINK_FLAGS, CLEAT__WIRE_FIXED32):
            read_link_flags((uint32_t)field.integer, context);
            break;
        default: break;
        }
    }
    return valid && !reader.malformed;
}

/* A field that holds a message or bytes. */
static bool read_bytes_field(const cleat__wire_field *field, cleat_span_view *out)
{
    cleat_attribute attribute;
    cleat_event_view event;
    cleat_link_view link;
    switch (field->number) {
    case CLEAT__SPAN_TRACE_ID: return read_id(field, out->trace_id.bytes, sizeof(out->trace_id));
    case CLEAT__SPAN_SPAN_ID: return read_id(field, out->span_id.bytes, sizeof(out->span_id));
    case CLEAT__SPAN_PARENT_SPAN_ID:
        return read_id(field, out->parent_span_id.bytes, sizeof(out->parent_span_id));
    case CLEAT__SPAN_TRACE_STATE: out->trace_state = field->bytes; return true;
    case CLEAT__SPAN_NAME: out->name = field->bytes; return true;
    case CLEAT__SPAN_ATTRIBUTES:
        out->attribute_count++;
        return cleat__key_value_read(field->bytes, &attribute);
    case CLEAT__SPAN_EVENTS: out->event_count++; return read_event(field->bytes, &event);
    case CLEAT__SPAN_LINKS: out->link_count++; return read_link(field->bytes, &link);
    case CLEAT__SPAN_STATUS: return read_status(field->bytes, out);
    default: return true;
    }
}

static void read_number_field(const cleat__wire_field *field, cleat_span_view *out)
{
    switch (CLEAT__TAG(field->number, field->wire)) {
    case CLEAT__TAG(CLEAT__SPAN_KIND, CLEAT__WIRE_VARINT):
        out->kind = field->integer <= CLEAT_SPAN_KIND_CONSUMER ? (cleat_span_kind)field->integer
                                                               : CLEAT_SPAN_KIND_DEFAULT;
        break;
    case CLEAT__TAG(CLEAT__SPAN_START_TIME, CLEAT__WIRE_FIXED64):
        out->start_time_ns = (int64_t)field->integer;
        break;
    case CLEAT__TAG(CLEAT__SPAN_END_TIME, CLEAT__WIRE_FIXED64):
        out->end_time_ns = (int64_t)field->integer;
        break;
    case CLEAT__TAG(CLEAT__SPAN_DROPPED_ATTRIBUTES, CLEAT__WIRE_VARINT):
        out->dropped_attribute_count = (uint32_t)field->integer;
        break;
    case CLEAT__TAG(CLEAT__SPAN_DROPPED_EVENTS, CLEAT__WIRE_VARINT):
        out->dropped_event_count = (uint32_t)field->integer;
        break;
    case CLEAT__TAG(CLEAT__SPAN_DROPPED_LINKS, CLEAT__WIRE_VARINT):
        out->dropped_link_count = (uint32_t)field->integer;
        break;
    case CLEAT__TAG(CLEAT__SPAN_FLAGS, CLEAT__WIRE_FIXED32): out->flags = (uint32_t)field->integer; break;
    default: break;
    }
}

cleat_status cleat_span_view_read(cleat_slice record, cleat_span_view *out)
{
    if (out == NULL || (record.data == NULL && record.size != 0)) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "no record, or nowhere to read it to");
    }
    *out = (cleat_span_view){.record = record};
    cleat__wire_reader reader = cleat__wire_reader_of(record);
    cleat__wire_field field;
    while (cleat__wire_next(&reader, &field)) {
        if (field.wire != CLEAT__WIRE_BYTES) {
            read_number_field(&field, out);
        } else if (!read_bytes_field(&field, out)) {
            reader.malformed = true;
        }
    }
    if (reader.malformed) {
        *out = (cleat_span_view){0};
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "the bytes are no OTLP Span message");
    }
    return CLEAT_OK;
}

/* ---- Iterators ---- */

/* The next length-delimited field `number` at or after `*cursor`, which is a byte offset. */
static bool next_field(cleat_slice message, uint32_t number, size_t *cursor, cleat_slice *out)
{
    if (message.data == NULL || *cursor > message.size) {
        return false;
    }
    cleat__wire_reader reader = cleat__wire_reader_of(message);
    cleat__wire_field field;
    reader.at += *cursor;
    while (cleat__wire_next(&reader, &field)) {
        if (field.number == number && field.wire == CLEAT__WIRE_BYTES) {
            *cursor = (size_t)(reader.at - (const uint8_t *)message.data);
            *out = field.bytes;
            return true;
        }
    }
    *cursor = message.size;
    return false;
}

static bool next_attribute(cleat_slice message, uint32_t number, size_t *cursor, cleat_attribute *out)
{
    cleat_slice bytes;
    return next_field(message, number, cursor, &bytes) && cleat__key_value_read(bytes, out);
}

bool cleat_span_view_next_attribute(const cleat_span_view *span, size_t *cursor, cleat_attribute *out)
{
    return span != NULL && cursor != NULL && out != NULL &&
           next_attribute(span->record, CLEAT__SPAN_ATTRIBUTES, cursor, out);
}

bool cleat_span_view_next_event(const cleat_span_view *span, size_t *cursor, cleat_event_view *out)
{
    cleat_slice bytes;
    return span != NULL && cursor != NULL && out != NULL &&
           next_field(span->record, CLEAT__SPAN_EVENTS, cursor, &bytes) && read_event(bytes, out);
}

bool cleat_span_view_next_link(const cleat_span_view *span, size_t *cursor, cleat_link_view *out)
{
    cleat_slice bytes;
    return span != NULL && cursor != NULL && out != NULL &&
           next_field(span->record, CLEAT__SPAN_LINKS, cursor, &bytes) && read_link(bytes, out);
}

bool cleat_event_view_next_attribute(const cleat_event_view *event, size_t *cursor, cleat_attribute *out)
{
    return event != NULL && cursor != NULL && out != NULL &&
           next_attribute(event->encoded, CLEAT__EVENT_ATTRIBUTES, cursor, out);
}

bool cleat_link_view_next_attribute(const cleat_link_view *link, size_t *cursor, cleat_attribute *out)
{
    return link != NULL && cursor != NULL && out != NULL &&
           next_attribute(link->encoded, CLEAT__LINK_ATTRIBUTES, cursor, out);
}

bool cleat_span_view_attribute(const cleat_span_view *span, const char *key, cleat_value *out)
{
    cleat_slice wanted = cleat_slice_of(key);
    cleat_attribute attribute;
    size_t cursor = 0;
    while (wanted.size != 0 && cleat_span_view_next_attribute(span, &cursor, &attribute)) {
        if (cleat_slice_equals(attribute.key, wanted)) {
            if (out != NULL) {
                *out = attribute.value;
            }
            return true;
        }
    }
    return false;
}
