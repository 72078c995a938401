/*
 * Where spans come from: the resource and the instrumentation scope, at rest as one OTLP
 * `ResourceSpans` message (opentelemetry.proto.trace.v1) with one `ScopeSpans` and no spans. Many
 * spans have the same one, which is kept once (table span_source).
 */
#ifndef CLEAT_COLLECTOR_SOURCE_H
#define CLEAT_COLLECTOR_SOURCE_H

#include "base/buffer.h"

#include <cleat/trace.h>

/* Fields of the messages. */
enum {
    CLEAT__SPANS_RESOURCE = 1,    /* ResourceSpans.resource */
    CLEAT__SPANS_SCOPE_SPANS = 2, /* ResourceSpans.scope_spans */
    CLEAT__SPANS_SCOPE = 1,       /* ScopeSpans.scope */
    CLEAT__SPANS_SCHEMA_URL = 3,  /* of both */
    CLEAT__RESOURCE_ATTRIBUTES = 1,
    CLEAT__SCOPE_NAME = 1,
    CLEAT__SCOPE_VERSION = 2,
    CLEAT__SCOPE_ATTRIBUTES = 3,
};

/* Replaces what is in `out`. Either may be NULL, which is another source than an empty one. */
cleat_status cleat__source_encode(const cleat_resource *resource, const cleat_instrumentation_scope *scope,
                                  cleat__buffer *out);

/* service.name; absent when it has none. */
cleat_slice cleat__source_service_name(const cleat_resource *resource);

#endif
