/*
 * An `ExportTraceServiceRequest` that a peer sent, as a batch of spans that lie where they arrived:
 * nothing of a span is copied, and nothing of it is changed. A request whose bytes are no such message
 * is refused as a whole. A span that breaks a rule is left out and counted; the others are taken.
 *
 * Source: OTLP specification, "OTLP/gRPC Response" and "Partial Success".
 */
#ifndef CLEAT_OTLP_RECEIVED_H
#define CLEAT_OTLP_RECEIVED_H

#include "base/buffer.h"
#include "trace/batch.h"

/* Zero means the number in brackets. */
typedef struct cleat__otlp_limits {
    size_t max_bytes;      /* of the request (16 MiB) */
    size_t max_spans;      /* (10,000); the rest is left out */
    size_t max_attributes; /* of a span, an event, a link, a resource or a scope (1,024) */
    unsigned max_depth;    /* of lists in lists in values (16) */
} cleat__otlp_limits;

#define CLEAT__OTLP_MAX_BYTES ((size_t)16 << 20)
#define CLEAT__OTLP_MAX_SPANS 10000

/* What is said of spans beyond max_spans: word for word what Hatchet's engine says. */
#define CLEAT__OTLP_TOO_MANY_SPANS "batch size exceeded maximum limit"

/* Read only; any thread. Its resources and scopes live as long, and its scopes are not interned. */
typedef struct cleat__otlp_received {
    cleat_span_batch batch;    /* the spans that were taken */
    int64_t rejected_spans;    /* those that were not */
    const char *error_message; /* why, of one of them; NULL: none was rejected */
    size_t memory;             /* bytes that all of it takes */
} cleat__otlp_received;

/*
 * Reads a request; takes `body` on every path, leaving it empty. CLEAT_INVALID_ARGUMENT with a sentence
 * when it is malformed, CLEAT_TOO_LARGE, CLEAT_NO_MEMORY. `limits` may be NULL. The owner of `*out` has one
 * reference.
 */
cleat_status cleat__otlp_received_new(cleat__buffer *body, const cleat__otlp_limits *limits,
                                      cleat__otlp_received **out);
cleat__otlp_received *cleat__otlp_received_retain(cleat__otlp_received *received);
void cleat__otlp_received_release(cleat__otlp_received *received); /* NULL-safe */

/* Appends the `ExportTraceServiceResponse`, as protobuf or as JSON. */
void cleat__otlp_response_put(cleat__buffer *out, bool is_json, int64_t rejected_spans,
                              const char *error_message);

#endif
