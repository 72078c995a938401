/*
 * OTLP on its way in, whatever brought it: a server hands over the body of a request and gets the body of
 * the answer, once the spans are stored. Servers turn failures into their protocol's: retryable ones
 * (cleat_status_is_retryable()) with CLEAT__COLLECTOR_RETRY_MS as the time to wait.
 */
#ifndef CLEAT_COLLECTOR_OTLP_IN_H
#define CLEAT_COLLECTOR_OTLP_IN_H

#include "collector/collector.h"
#include "collector/forward.h"

typedef struct cleat__otlp_in {
    cleat__collector *collector;
    cleat__forward *forward; /* NULL: goes nowhere else */
    cleat__otlp_limits limits;
} cleat__otlp_in;

/*
 * Gets the `ExportTraceServiceResponse` when the status is CLEAT_OK, valid during the call; else
 * cleat_error_message() says why. Comes from a thread of the collector's; must not block.
 */
typedef void (*cleat__otlp_in_done)(void *argument, cleat_status status, cleat_slice response);

/*
 * Takes `body` on every path, leaving it empty. `done` comes once if CLEAT_OK is answered, else not at all:
 * CLEAT_INVALID_ARGUMENT for what is no request, CLEAT_TOO_LARGE, and as cleat__collector_submit(). JSON
 * may have a quarter of the limit's bytes, as reading it takes many times its size. Any thread.
 */
cleat_status cleat__otlp_in_take(const cleat__otlp_in *in, int64_t tenant, bool is_json, cleat__buffer *body,
                                 cleat__otlp_in_done done, void *argument);

#endif
