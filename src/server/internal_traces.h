/*
 * What the server itself does, as spans to an OTLP/HTTP endpoint of its operator's: a SERVER span for each call
 * (rpc_trace.c, http_exchange.c), an INTERNAL one for each batch of the engine. They never mix with users'
 * traces: each is a root, with a link to the caller's span where the call brings a context; and they never
 * come to the server's own collector. Calls that bring spans in are not traced, nor is storing them, so that
 * an endpoint from which spans come back makes no loop.
 */
#ifndef CLEAT_SERVER_INTERNAL_TRACES_H
#define CLEAT_SERVER_INTERNAL_TRACES_H

#include <cleat/trace.h>

typedef struct cleat__internal_traces_options {
    const char *url;          /* http(s); without a path it gets /v1/traces. NULL: nothing is traced */
    const char *service_name; /* NULL: OTEL_SERVICE_NAME, else "cleat" */
    double ratio;             /* of the spans, 0 to 1; each is its own trace */
    const char *header;       /* "Authorization: Bearer ..."; NULL: none. Is in no message */
} cleat__internal_traces_options;

typedef struct cleat__internal_traces cleat__internal_traces;

/* Beside the header OTEL_EXPORTER_OTLP_* count, as for any OTLP exporter. CLEAT_INVALID_ARGUMENT says what is
 * wrong. */
cleat_status cleat__internal_traces_new(const cleat__internal_traces_options *options,
                                        cleat__internal_traces **out);
/* NULL for NULL, which traces nothing. */
cleat_tracer *cleat__internal_traces_tracer(cleat__internal_traces *traces);
/* Sends what there is, as far as `timeout_ms` lets it, and frees. Nobody uses the tracer any more. NULL-safe. */
void cleat__internal_traces_free(cleat__internal_traces *traces, int64_t timeout_ms);

/* What a span of the server links to. False: the caller brings no valid context. */
bool cleat__caller_context_read(cleat_slice traceparent, cleat_slice tracestate, cleat_span_context *out);

#endif
