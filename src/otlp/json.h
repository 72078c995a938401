/*
 * Spans as OTLP JSON: protobuf's JSON mapping with the changes of the OTLP specification ("JSON
 * Protobuf Encoding"): ids in hex, enums as numbers, keys in lowerCamelCase; 64-bit integers are
 * strings. Invalid UTF-8 becomes U+FFFD.
 */
#ifndef CLEAT_OTLP_JSON_H
#define CLEAT_OTLP_JSON_H

#include "base/buffer.h"

#include <cleat/trace.h>

/* One `Span` object. */
void cleat__json_span(cleat__buffer *json, const cleat_span_view *span);
/* One `AnyValue` object; one without a value for CLEAT_VALUE_NONE that was not read from a record. */
void cleat__json_value(cleat__buffer *json, const cleat_value *value);
/* The array of `KeyValue` objects. */
void cleat__json_attributes(cleat__buffer *json, const cleat_attribute *attributes, size_t count);
/* A `Resource` and an `InstrumentationScope` object; NULL gives an empty one. */
void cleat__json_resource(cleat__buffer *json, const cleat_resource *resource);
void cleat__json_scope(cleat__buffer *json, const cleat_instrumentation_scope *scope);
/* A whole `ExportTraceServiceRequest` on one line, spans grouped by resource and scope. */
void cleat__json_batch(cleat__buffer *json, const cleat_span_batch *batch);

#endif
