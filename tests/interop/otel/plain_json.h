/*
 * Spans as the JSON that both sides of these tests compare: what was asked for, or what was read from
 * a record. Not OTLP's JSON, which is one of the things tested.
 *
 * A span is an object of traceId, spanId, parentSpanId, traceState, flags, name, kind, startTime,
 * endTime, attributes, droppedAttributes, events, droppedEvents, links, droppedLinks, status, resource,
 * scope. Ids are hex, 64-bit numbers strings. Attributes are an object of {"string": ...}, {"bool":
 * ...}, {"int": "..."}, {"double": its 64 bits in hex, or "NaN"}, {"array": [...]}; what is none of
 * these is {"foreign": OTLP's JSON}.
 */
#ifndef CLEAT_TESTS_PLAIN_JSON_H
#define CLEAT_TESTS_PLAIN_JSON_H

#include "base/buffer.h"
#include "support/asked_span.h"
#include "support/otlp_reader.h"

/* What goes with every span of a tracer. */
typedef struct plain_place {
    const asked_attributes *resource;
    cleat_slice resource_schema_url;
    cleat_slice scope_name;
    cleat_slice scope_version;
    const asked_attributes *scope;
    cleat_slice scope_schema_url;
} plain_place;

void plain_json_asked(cleat__buffer *json, const asked_span *span, const plain_place *place);
/* A view of a record, and where it stood in a request. */
void plain_json_read(cleat__buffer *json, const cleat_span_view *span, const otlp_place *place);

#endif
