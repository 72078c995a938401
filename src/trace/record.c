#include "record.h"

#include "protobuf.h"

/* Tag, length or number, at their longest, of every field but those of variable size; the flags'
 * tag takes two bytes. */
enum { FIXED_PARTS_MAX = 192 };

size_t cleat__record_bound(const cleat__record_parts *parts)
{
    const cleat_span_view *span = parts->span;
    return FIXED_PARTS_MAX + span->trace_state.size + span->name.size + span->status_message.size +
           parts->attributes.size + parts->events.size + parts->links.size;
}

static uint8_t *put_count(uint8_t *at, unsigned field, uint32_t count)
{
    if (count != 0) {
        at = cleat__put_tag(at, field, CLEAT__WIRE_VARINT);
        at = cleat__put_varint(at, count);
    }
    return at;
}

static uint8_t *put_time(uint8_t *at, unsigned field, int64_t time_ns)
{
    if (time_ns != 0) {
        at = cleat__put_tag(at, field, CLEAT__WIRE_FIXED64);
        at = cleat__put_fixed64(at, (uint64_t)time_ns);
    }
    return at;
}

/* A text field; `*text` then borrows from the record. */
static uint8_t *put_text(uint8_t *at, unsigned field, cleat_slice *text)
{
    if (text->size != 0) {
        at = cleat__put_bytes(at, field, text->data, text->size);
        text->data = (const char *)at - text->size;
    }
    return at;
}

static uint8_t *put_status(uint8_t *at, cleat_span_view *view)
{
    size_t message = view->status_message.size;
    size_t size = message != 0 ? 1 + cleat__varint_size(message) + message : 0;
    if (view->status == CLEAT_SPAN_STATUS_UNSET) {
        return at;
    }
    at = cleat__put_tag(at, CLEAT__SPAN_STATUS, CLEAT__WIRE_BYTES);
    at = cleat__put_varint(at, size + 2);
    at = put_text(at, CLEAT__STATUS_MESSAGE, &view->status_message);
    at = cleat__put_tag(at, CLEAT__STATUS_CODE, CLEAT__WIRE_VARINT);
    return cleat__put_varint(at, view->status);
}

static uint8_t *put_flags(uint8_t *at, uint32_t flags)
{
    if (flags != 0) {
        at = cleat__put_varint(at, CLEAT__TAG(CLEAT__SPAN_FLAGS, CLEAT__WIRE_FIXED32));
        at = cleat__put_fixed32(at, flags);
    }
    return at;
}

void cleat__record_write(const cleat__record_parts *parts, uint8_t *out, cleat_span_view *view)
{
    uint8_t *at = out;
    if (view != parts->span) {
        *view = *parts->span;
    }
    at = cleat__put_bytes(at, CLEAT__SPAN_TRACE_ID, view->trace_id.bytes, sizeof(view->trace_id));
    at = cleat__put_bytes(at, CLEAT__SPAN_SPAN_ID, view->span_id.bytes, sizeof(view->span_id));
    at = put_text(at, CLEAT__SPAN_TRACE_STATE, &view->trace_state);
    static const cleat_span_id none = {{0}};
    if (memcmp(&view->parent_span_id, &none, sizeof(none)) != 0) {
        at = cleat__put_bytes(at, CLEAT__SPAN_PARENT_SPAN_ID, view->parent_span_id.bytes,
                              sizeof(view->parent_span_id));
    }
    at = put_text(at, CLEAT__SPAN_NAME, &view->name);
    at = put_count(at, CLEAT__SPAN_KIND, view->kind);
    at = put_time(at, CLEAT__SPAN_START_TIME, view->start_time_ns);
    at = put_time(at, CLEAT__SPAN_END_TIME, view->end_time_ns);
    at = cleat__put_raw(at, parts->attributes.data, parts->attributes.size);
    at = put_count(at, CLEAT__SPAN_DROPPED_ATTRIBUTES, view->dropped_attribute_count);
    at = cleat__put_raw(at, parts->events.data, parts->events.size);
    at = put_count(at, CLEAT__SPAN_DROPPED_EVENTS, view->dropped_event_count);
    at = cleat__put_raw(at, parts->links.data, parts->links.size);
    at = put_count(at, CLEAT__SPAN_DROPPED_LINKS, view->dropped_link_count);
    at = put_status(at, view);
    at = put_flags(at, view->flags);
    view->record = (cleat_slice){(const char *)out, (size_t)(at - out)};
}

/* ---- Events and links ---- */

static uint64_t text_field_size(uint64_t size)
{
    return size != 0 ? 1 + cleat__varint_size(size) + size : 0;
}

static uint64_t count_field_size(uint32_t count)
{
    return count != 0 ? 1 + cleat__varint_size(count) : 0;
}

void cleat__event_plan_finish(cleat__event_plan *plan)
{
    plan->body_size = (plan->time_ns != 0 ? 9 : 0) + text_field_size(plan->name.size) +
                      plan->attributes.size + count_field_size(plan->dropped_attributes);
    plan->field_size = 1 + cleat__varint_size(plan->body_size) + plan->body_size;
}

uint8_t *cleat__event_put(uint8_t *at, const cleat__event_plan *plan)
{
    at = cleat__put_tag(at, CLEAT__SPAN_EVENTS, CLEAT__WIRE_BYTES);
    at = cleat__put_varint(at, plan->body_size);
    at = put_time(at, CLEAT__EVENT_TIME, plan->time_ns);
    if (plan->name.size != 0) {
        at = cleat__put_tag(at, CLEAT__EVENT_NAME, CLEAT__WIRE_BYTES);
        at = cleat__put_varint(at, plan->name.size);
        at = cleat__text_put(at, &plan->name);
    }
    at = cleat__put_raw(at, plan->attributes.data, plan->attributes.size);
    return put_count(at, CLEAT__EVENT_DROPPED_ATTRIBUTES, plan->dropped_attributes);
}

void cleat__link_plan_finish(cleat__link_plan *plan)
{
    const cleat_span_context *context = plan->context;
    plan->body_size = 2 + sizeof(context->trace_id) + 2 + sizeof(context->span_id) +
                      text_field_size(context->trace_state_size) + plan->attributes.size +
                      count_field_size(plan->dropped_attributes) + 5;
    plan->field_size = 1 + cleat__varint_size(plan->body_size) + plan->body_size;
}

uint8_t *cleat__link_put(uint8_t *at, const cleat__link_plan *plan)
{
    const cleat_span_context *context = plan->context;
    at = cleat__put_tag(at, CLEAT__SPAN_LINKS, CLEAT__WIRE_BYTES);
    at = cleat__put_varint(at, plan->body_size);
    at = cleat__put_bytes(at, CLEAT__LINK_TRACE_ID, context->trace_id.bytes, sizeof(context->trace_id));
    at = cleat__put_bytes(at, CLEAT__LINK_SPAN_ID, context->span_id.bytes, sizeof(context->span_id));
    if (context->trace_state_size != 0) {
        at = cleat__put_bytes(at, CLEAT__LINK_TRACE_STATE, context->trace_state, context->trace_state_size);
    }
    at = cleat__put_raw(at, plan->attributes.data, plan->attributes.size);
    at = put_count(at, CLEAT__LINK_DROPPED_ATTRIBUTES, plan->dropped_attributes);
    at = cleat__put_tag(at, CLEAT__LINK_FLAGS, CLEAT__WIRE_FIXED32);
    return cleat__put_fixed32(at, context->trace_flags | (uint32_t)CLEAT__FLAG_HAS_IS_REMOTE |
                                      (context->is_remote ? CLEAT__FLAG_IS_REMOTE : 0u));
}
