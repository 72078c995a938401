/*
 * A finished span: one contiguous OTLP `Span` message, byte for byte what protobuf-c packs for the
 * same span (fields in ascending order, proto3 defaults left out). Written once, when the span
 * ends; never changed; read in place through cleat_span_view.
 *
 * Source: opentelemetry/proto/trace/v1/trace.proto.
 */
#ifndef CLEAT_TRACE_RECORD_H
#define CLEAT_TRACE_RECORD_H

#include "text.h"

#include <cleat/trace.h>

/* Field numbers. */
enum {
    CLEAT__SPAN_TRACE_ID = 1,
    CLEAT__SPAN_SPAN_ID = 2,
    CLEAT__SPAN_TRACE_STATE = 3,
    CLEAT__SPAN_PARENT_SPAN_ID = 4,
    CLEAT__SPAN_NAME = 5,
    CLEAT__SPAN_KIND = 6,
    CLEAT__SPAN_START_TIME = 7,
    CLEAT__SPAN_END_TIME = 8,
    CLEAT__SPAN_ATTRIBUTES = 9,
    CLEAT__SPAN_DROPPED_ATTRIBUTES = 10,
    CLEAT__SPAN_EVENTS = 11,
    CLEAT__SPAN_DROPPED_EVENTS = 12,
    CLEAT__SPAN_LINKS = 13,
    CLEAT__SPAN_DROPPED_LINKS = 14,
    CLEAT__SPAN_STATUS = 15,
    CLEAT__SPAN_FLAGS = 16,

    CLEAT__EVENT_TIME = 1,
    CLEAT__EVENT_NAME = 2,
    CLEAT__EVENT_ATTRIBUTES = 3,
    CLEAT__EVENT_DROPPED_ATTRIBUTES = 4,

    CLEAT__LINK_TRACE_ID = 1,
    CLEAT__LINK_SPAN_ID = 2,
    CLEAT__LINK_TRACE_STATE = 3,
    CLEAT__LINK_ATTRIBUTES = 4,
    CLEAT__LINK_DROPPED_ATTRIBUTES = 5,
    CLEAT__LINK_FLAGS = 6,

    CLEAT__STATUS_MESSAGE = 2,
    CLEAT__STATUS_CODE = 3,

    /* Span.flags and Link.flags above the eight W3C bits. */
    CLEAT__FLAG_HAS_IS_REMOTE = 0x100,
    CLEAT__FLAG_IS_REMOTE = 0x200,
};

/* What a record is made of: a view whose slices lie anywhere, and the parts that are in wire form
 * already, tags included. */
typedef struct cleat__record_parts {
    const cleat_span_view *span;
    cleat_slice attributes;
    cleat_slice events;
    cleat_slice links;
} cleat__record_parts;

/* Never less than what cleat__record_write() writes. */
size_t cleat__record_bound(const cleat__record_parts *parts);
/* Writes to `out` and sets `*view` to the span read from there. `view` may be parts->span. */
void cleat__record_write(const cleat__record_parts *parts, uint8_t *out, cleat_span_view *view);

/*
 * An event or a link as a field of the span. Plan first: `field_size` bytes are then written by
 * put. `attributes` are in wire form.
 */
typedef struct cleat__event_plan {
    int64_t time_ns;
    cleat__text name;
    cleat_slice attributes;
    uint32_t dropped_attributes;
    uint64_t body_size;
    uint64_t field_size;
} cleat__event_plan;
void cleat__event_plan_finish(cleat__event_plan *plan);
uint8_t *cleat__event_put(uint8_t *at, const cleat__event_plan *plan);

typedef struct cleat__link_plan {
    const cleat_span_context *context;
    cleat_slice attributes;
    uint32_t dropped_attributes;
    uint64_t body_size;
    uint64_t field_size;
} cleat__link_plan;
void cleat__link_plan_finish(cleat__link_plan *plan);
uint8_t *cleat__link_put(uint8_t *at, const cleat__link_plan *plan);

#endif
