/*
 * An `ExportTraceServiceRequest` that somebody sent, walked span by span. Nothing about its bytes is
 * believed.
 */
#ifndef CLEAT_TESTS_OTLP_READER_H
#define CLEAT_TESTS_OTLP_READER_H

#include "trace/protobuf.h"

#include <cleat/trace.h>

/* What a span stands in; the slices are those messages and texts, absent where there are none. */
typedef struct otlp_place {
    cleat_slice resource; /* Resource */
    cleat_slice resource_schema_url;
    cleat_slice scope; /* InstrumentationScope */
    cleat_slice scope_schema_url;
} otlp_place;

/* Gets each span, a `Span` message; false ends the walk. */
typedef bool (*otlp_visitor)(void *user_data, const otlp_place *place, cleat_slice span);

/* False when the message is malformed (the spans themselves aside) or the visitor ended the walk. */
bool otlp_request_visit(cleat_slice message, otlp_visitor visitor, void *user_data);

/* The next attribute of a Resource (field 1) or InstrumentationScope (field 3); `*cursor` starts at 0. */
bool otlp_next_attribute(cleat_slice message, uint32_t field, size_t *cursor, cleat_attribute *out);

/* The text that is field `number` of a message; of several the last. */
cleat_slice otlp_text(cleat_slice message, uint32_t number);

#endif
