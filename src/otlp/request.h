/*
 * A batch as an `ExportTraceServiceRequest`: spans are in wire form already, so encoding means to
 * write the resources and scopes around them. The request is a list of pieces: the heads written
 * here, and the spans where they lie.
 *
 * Source: opentelemetry/proto/collector/trace/v1/trace_service.proto.
 */
#ifndef CLEAT_OTLP_REQUEST_H
#define CLEAT_OTLP_REQUEST_H

#include "base/buffer.h"

#include <cleat/trace.h>

typedef struct cleat__otlp_request {
    cleat_slice *pieces; /* into `heads` and the batch */
    size_t piece_count;
    size_t size; /* bytes of all pieces */
    size_t span_count;
    cleat__buffer heads;
    cleat__buffer piece_memory;
} cleat__otlp_request;

void cleat__otlp_request_deinit(cleat__otlp_request *request);

/*
 * Makes the request of the spans from `*cursor` (0 at first) on, as many as fit into `max_size` bytes but
 * at least one, and moves the cursor behind them. The batch must live as long as the pieces. Memory of
 * an earlier request in `request` (zero at first) is used again. CLEAT_EMPTY when no span is left; on failure the cursor
 * stays.
 */
cleat_status cleat__otlp_request_build(cleat__otlp_request *request, const cleat_span_batch *batch,
                                       size_t *cursor, size_t max_size);

/* An `ExportTraceServiceResponse`, as far as it matters here. */
typedef struct cleat__otlp_response {
    int64_t rejected_spans;
    cleat_slice error_message; /* into the response's bytes */
} cleat__otlp_response;
/* False when malformed. */
bool cleat__otlp_response_read(cleat_slice message, cleat__otlp_response *out);

#endif
