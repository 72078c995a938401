/* What is recorded in a span between its start and its end. */
#include "base/error.h"
#include "provider.h"
#include "record.h"
#include "span.h"
#include "span_counts.h"
#include "tracer.h"

static const cleat__limits *limits_of(const cleat__span *span)
{
    return &span->tracer->provider->limits;
}

static inline void count_repair(const cleat__span *span, const cleat__text *text)
{
    if (__builtin_expect(text->broken, false)) {
        cleat__count_rare(span, CLEAT__COUNT_STRINGS_REPAIRED, 1);
    }
}

/* ---- Attributes ---- */

cleat_status cleat_span_set_attribute(cleat_span span, const cleat_attribute *attribute)
{
    cleat__span_entry entry = cleat__span_enter(span);
    if (entry != CLEAT__SPAN_ENTERED) {
        return cleat__span_refuse(entry);
    }
    cleat_status status = attribute == NULL
                              ? cleat__fail(CLEAT_INVALID_ARGUMENT, "no attribute")
                              : cleat__attribute_set_put(&span.impl->attributes, attribute->key,
                                                         &attribute->value, &limits_of(span.impl)->span);
    cleat__span_leave(span);
    return status;
}

/*
 * The setters of one type. The handle is looked at first, so that a span that does not record costs
 * next to nothing; `value` is filled in by the caller only as far as its type needs it.
 */
static cleat_status put_value(cleat_span span, const char *key, const cleat_value *value)
{
    cleat_status status = cleat__attribute_set_put(&span.impl->attributes, cleat_slice_of(key), value,
                                                   &limits_of(span.impl)->span);
    cleat__span_leave(span);
    return status;
}

cleat_status cleat_span_set_string(cleat_span span, const char *key, const char *value)
{
    cleat__span_entry entry = cleat__span_enter(span);
    if (entry != CLEAT__SPAN_ENTERED) {
        return cleat__span_refuse(entry);
    }
    cleat_value typed;
    typed.type = value != NULL ? CLEAT_VALUE_STRING : CLEAT_VALUE_NONE;
    typed.as.string = cleat_slice_of(value);
    return put_value(span, key, &typed);
}

cleat_status cleat_span_set_slice(cleat_span span, const char *key, cleat_slice value)
{
    cleat__span_entry entry = cleat__span_enter(span);
    if (entry != CLEAT__SPAN_ENTERED) {
        return cleat__span_refuse(entry);
    }
    cleat_value typed;
    typed.type = value.data != NULL ? CLEAT_VALUE_STRING : CLEAT_VALUE_NONE;
    typed.as.string = value;
    return put_value(span, key, &typed);
}

cleat_status cleat_span_set_bool(cleat_span span, const char *key, bool value)
{
    cleat__span_entry entry = cleat__span_enter(span);
    if (entry != CLEAT__SPAN_ENTERED) {
        return cleat__span_refuse(entry);
    }
    cleat_value typed;
    typed.type = CLEAT_VALUE_BOOL;
    typed.as.boolean = value;
    return put_value(span, key, &typed);
}

cleat_status cleat_span_set_int(cleat_span span, const char *key, int64_t value)
{
    cleat__span_entry entry = cleat__span_enter(span);
    if (entry != CLEAT__SPAN_ENTERED) {
        return cleat__span_refuse(entry);
    }
    cleat_value typed;
    typed.type = CLEAT_VALUE_INT;
    typed.as.integer = value;
    return put_value(span, key, &typed);
}

cleat_status cleat_span_set_double(cleat_span span, const char *key, double value)
{
    cleat__span_entry entry = cleat__span_enter(span);
    if (entry != CLEAT__SPAN_ENTERED) {
        return cleat__span_refuse(entry);
    }
    cleat_value typed;
    typed.type = CLEAT_VALUE_DOUBLE;
    typed.as.real = value;
    return put_value(span, key, &typed);
}

bool cleat_span_has_attribute(cleat_span span, cleat_slice key)
{
    if (cleat__span_enter(span) != CLEAT__SPAN_ENTERED) {
        return false;
    }
    bool has = cleat__attribute_set_has(&span.impl->attributes, key);
    cleat__span_leave(span);
    return has;
}

/* ---- Events and links ---- */

/* The room of `size` bytes that put will fill; NULL on no memory, and then the buffer still works. */
static uint8_t *reserve(cleat__buffer *buffer, uint64_t size)
{
    if (buffer->capacity - buffer->size >= size) {
        return buffer->data + buffer->size;
    }
    uint8_t *at = size <= SIZE_MAX ? cleat__buffer_reserve(buffer, (size_t)size) : NULL;
    buffer->failed = false;
    return at;
}

/* Empties the set in which the attributes of one event or link are put together. */
static cleat__attribute_set *fresh_set(cleat__span_details *details, uint8_t field)
{
    cleat__attribute_set *set = &details->attributes;
    cleat__attribute_set_clear(set);
    set->field = field;
    return set;
}

/* What happened to the attributes of an event or link. */
static void count_losses(const cleat__span *span, const cleat__attribute_set *set)
{
    if (__builtin_expect((set->dropped | set->repaired) != 0, false)) {
        cleat__count_rare(span, CLEAT__COUNT_ATTRIBUTES_DROPPED, set->dropped);
        cleat__count_rare(span, CLEAT__COUNT_STRINGS_REPAIRED, set->repaired);
    }
}

static cleat_slice bytes_of(const cleat__attribute_set *set)
{
    return (cleat_slice){(const char *)set->data, set->size};
}

/* The attributes `base`, then those of the caller, which win. */
typedef struct new_event {
    cleat_slice name;
    int64_t time_ns;
    const cleat_attribute *base;
    size_t base_count;
    const cleat_attribute *attributes;
    size_t attribute_count;
} new_event;

static cleat_status put_event(cleat__span *span, const new_event *event)
{
    const cleat__limits *limits = limits_of(span);
    if (span->event_count >= limits->events) {
        span->dropped_events++;
        return cleat__fail(CLEAT_RESOURCE_EXHAUSTED, "the limit of %u events is reached", limits->events);
    }
    cleat__span_details *details = cleat__span_details_get(span);
    if (details == NULL) {
        return cleat__fail_memory();
    }
    cleat__attribute_set *set = fresh_set(details, CLEAT__EVENT_ATTRIBUTES);
    cleat__attribute_set_put_all(set, event->base, event->base_count, &limits->event);
    cleat__attribute_set_put_all(set, event->attributes, event->attribute_count, &limits->event);
    cleat__event_plan plan = {
        .time_ns = event->time_ns > 0 ? event->time_ns : cleat__span_now(span),
        .name = cleat__text_of(event->name, CLEAT__TEXT_MAX),
        .attributes = bytes_of(set),
        .dropped_attributes = set->dropped,
    };
    cleat__event_plan_finish(&plan);
    uint8_t *at = reserve(&details->events, plan.field_size);
    if (at == NULL) {
        return cleat__fail_memory();
    }
    cleat__event_put(at, &plan);
    details->events.size += (size_t)plan.field_size;
    count_repair(span, &plan.name);
    count_losses(span, set);
    span->event_count++;
    return CLEAT_OK;
}

static cleat_status add_event(cleat_span span, const new_event *event)
{
    cleat__span_entry entry = cleat__span_enter(span);
    if (entry != CLEAT__SPAN_ENTERED) {
        return cleat__span_refuse(entry);
    }
    cleat_status status = put_event(span.impl, event);
    cleat__span_leave(span);
    return status;
}

cleat_status cleat_span_add_event(cleat_span span, const char *name, const cleat_attribute *attributes,
                                  size_t attribute_count, int64_t time_ns)
{
    const new_event event = {
        .name = cleat_slice_of(name),
        .time_ns = time_ns,
        .attributes = attributes,
        .attribute_count = attribute_count,
    };
    return add_event(span, &event);
}

cleat_status cleat_span_record_exception(cleat_span span, const char *type, const char *message,
                                         const char *stacktrace, const cleat_attribute *attributes,
                                         size_t attribute_count)
{
    const cleat_attribute base[] = {
        cleat_attribute_string("exception.type", type),
        cleat_attribute_string("exception.message", message),
        cleat_attribute_string("exception.stacktrace", stacktrace),
    };
    const new_event event = {
        .name = cleat_slice_of("exception"),
        .base = base,
        .base_count = sizeof(base) / sizeof(base[0]),
        .attributes = attributes,
        .attribute_count = attribute_count,
    };
    return add_event(span, &event);
}

cleat_status cleat__span_put_link(cleat__span *span, const cleat_link *link)
{
    size_t attribute_count = link->attributes != NULL ? link->attribute_count : 0;
    if (link->context == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "a link needs a span context");
    }
    if (link->context->trace_state_size > CLEAT_TRACE_STATE_MAX) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "a link's tracestate is longer than its memory");
    }
    if (!cleat__text_is_ascii(link->context->trace_state, link->context->trace_state_size)) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "a link's tracestate is not ASCII");
    }
    if (attribute_count == 0 && !cleat_span_context_is_valid(link->context)) {
        return CLEAT_OK;
    }
    const cleat__limits *limits = limits_of(span);
    if (span->link_count >= limits->links) {
        span->dropped_links++;
        return cleat__fail(CLEAT_RESOURCE_EXHAUSTED, "the limit of %u links is reached", limits->links);
    }
    cleat__span_details *details = cleat__span_details_get(span);
    if (details == NULL) {
        return cleat__fail_memory();
    }
    cleat__attribute_set *set = fresh_set(details, CLEAT__LINK_ATTRIBUTES);
    if (attribute_count != 0) {
        cleat__attribute_set_put_all(set, link->attributes, attribute_count, &limits->link);
    }
    cleat__link_plan plan = {
        .context = link->context,
        .attributes = bytes_of(set),
        .dropped_attributes = set->dropped,
    };
    cleat__link_plan_finish(&plan);
    uint8_t *at = reserve(&details->links, plan.field_size);
    if (at == NULL) {
        return cleat__fail_memory();
    }
    cleat__link_put(at, &plan);
    details->links.size += (size_t)plan.field_size;
    count_losses(span, set);
    span->link_count++;
    return CLEAT_OK;
}

cleat_status cleat_span_add_link(cleat_span span, const cleat_link *link)
{
    cleat__span_entry entry = cleat__span_enter(span);
    if (entry != CLEAT__SPAN_ENTERED) {
        return cleat__span_refuse(entry);
    }
    cleat_status status =
        link == NULL ? cleat__fail(CLEAT_INVALID_ARGUMENT, "no link") : cleat__span_put_link(span.impl, link);
    cleat__span_leave(span);
    return status;
}

/* ---- Status and name ---- */

static cleat_status put_status(cleat__span *span, cleat_span_status status, const char *description)
{
    if (status == CLEAT_SPAN_STATUS_UNSET || span->status == CLEAT_SPAN_STATUS_OK) {
        return CLEAT_OK;
    }
    cleat__text text = cleat__text_of(cleat_slice_of(description), CLEAT__TEXT_MAX);
    uint32_t size = status == CLEAT_SPAN_STATUS_ERROR ? text.size : 0;
    cleat__span_details *details = size != 0 ? cleat__span_details_get(span) : span->details;
    if (size != 0 && details == NULL) {
        return cleat__fail_memory();
    }
    if (details != NULL) {
        cleat__buffer *message = &details->status_message;
        cleat__buffer_clear(message);
        uint8_t *at = size != 0 ? reserve(message, size) : NULL;
        if (size != 0 && at == NULL) {
            return cleat__fail_memory();
        }
        if (at != NULL) {
            cleat__text_put(at, &text);
            message->size = size;
            count_repair(span, &text);
        }
    }
    span->status = (uint8_t)status;
    return CLEAT_OK;
}

cleat_status cleat_span_set_status(cleat_span span, cleat_span_status status, const char *description)
{
    cleat__span_entry entry = cleat__span_enter(span);
    if (entry != CLEAT__SPAN_ENTERED) {
        return cleat__span_refuse(entry);
    }
    cleat_status result = (unsigned)status > CLEAT_SPAN_STATUS_ERROR
                              ? cleat__fail(CLEAT_INVALID_ARGUMENT, "no span status %d", (int)status)
                              : put_status(span.impl, status, description);
    cleat__span_leave(span);
    return result;
}

cleat_status cleat__span_put_name(cleat__span *span, cleat_slice name)
{
    cleat__text text;
    cleat__text_init(&text, name, CLEAT__TEXT_MAX);
    uint8_t *at = (uint8_t *)span->name;
    if (text.size > CLEAT__SPAN_INLINE_NAME) {
        cleat__span_details *details = cleat__span_details_get(span);
        if (details == NULL) {
            return cleat__fail_memory();
        }
        cleat__buffer_clear(&details->long_name);
        at = reserve(&details->long_name, text.size);
        if (at == NULL) {
            span->name_size = 0;
            return cleat__fail_memory();
        }
    }
    cleat__text_put(at, &text);
    span->name_size = text.size;
    count_repair(span, &text);
    return CLEAT_OK;
}

cleat_status cleat_span_update_name(cleat_span span, const char *name)
{
    cleat__span_entry entry = cleat__span_enter(span);
    if (entry != CLEAT__SPAN_ENTERED) {
        return cleat__span_refuse(entry);
    }
    cleat_status status = cleat__span_put_name(span.impl, cleat_slice_of(name));
    cleat__span_leave(span);
    return status;
}
