/*
 * What came in as OTLP goes on to another OTLP back end, unchanged, over OTLP/HTTP. That never slows
 * or fails taking it in: what the back end does not take in time is dropped and counted.
 */
#ifndef CLEAT_COLLECTOR_FORWARD_H
#define CLEAT_COLLECTOR_FORWARD_H

#include "otlp/received.h"

#include <cleat/otlp.h>

typedef struct cleat__forward cleat__forward;

/* What is zero comes from the OTEL_EXPORTER_OTLP_* environment, as in any OTLP exporter. */
typedef struct cleat__forward_options {
    const cleat_otlp_header *headers;
    size_t header_count;
    cleat_otlp_compression compression;
    const char *certificate_file;
    int64_t timeout_ms;       /* of one request with all its attempts */
    size_t max_waiting_bytes; /* 0: 32 MiB; requests on their way included */
} cleat__forward_options;

/* The endpoint that a URL means: one without a path gets /v1/traces. NULL on no memory; the caller frees it. */
char *cleat__forward_endpoint(const char *url);
/* Splits "Name: value" in place, for the options; CLEAT_INVALID_ARGUMENT, without showing the value, when it is
 * none. */
cleat_status cleat__forward_header_read(char *text, cleat_otlp_header *out);
/* Goes to that endpoint. `options` may be NULL. CLEAT_INVALID_ARGUMENT for what is no http(s)
 * URL, CLEAT_NO_MEMORY. */
cleat_status cleat__forward_new(const char *url, const cleat__forward_options *options, cleat__forward **out);
void cleat__forward_free(cleat__forward *forward); /* stops it; NULL-safe */

/* Takes a reference of its own where it takes the spans. Does not wait. Any thread. */
void cleat__forward_offer(cleat__forward *forward, cleat__otlp_received *received);

/* Takes no more, and sends what waits. CLEAT_TIMEOUT: the rest was dropped. Idempotent. */
cleat_status cleat__forward_stop(cleat__forward *forward, int64_t timeout_ms);

/* Of spans. */
typedef struct cleat__forward_stats {
    uint64_t forwarded;
    uint64_t dropped_full;     /* too much was waiting */
    uint64_t dropped_failed;   /* given up: not reachable, refused, or cut off at the stop */
    uint64_t dropped_rejected; /* by the back end, in a partial success */
    uint64_t dropped_stopped;  /* came after the stop, or was still waiting then */
    uint64_t waiting_bytes;
} cleat__forward_stats;
void cleat__forward_get_stats(cleat__forward *forward, cleat__forward_stats *out);

#endif
