/*
 * An OTLP/gRPC collector for tests: a gRPC server on a port of its own, with one thread, that keeps
 * what it gets and answers what it is told to.
 */
#ifndef CLEAT_TESTS_GRPC_SINK_H
#define CLEAT_TESTS_GRPC_SINK_H

#include <cleat/exporter.h>

typedef struct grpc_sink grpc_sink;

/* PEM texts; all NULL: no TLS. */
typedef struct grpc_sink_tls {
    const char *certificate, *key;
    const char *client_authorities; /* not NULL: clients need a certificate of these */
} grpc_sink_tls;

/* How one request is answered; all zero: with OK. */
typedef struct grpc_sink_answer {
    int code;
    const char *message;
    bool has_retry_info;
    int64_t retry_delay_ms;
    const char *trailer_key; /* NULL: none; its value is 1. Instead of retry info */
    int64_t rejected_spans;
    const char *partial_message;
    size_t response_padding; /* bytes of an unknown field */
    bool is_held;            /* until grpc_sink_release() */
} grpc_sink_answer;

/* `port` 0: any; NULL when the port is not to be had. */
grpc_sink *grpc_sink_start(const grpc_sink_tls *tls, int port);
/* What is held is cancelled. NULL-safe. */
void grpc_sink_stop(grpc_sink *sink);
int grpc_sink_port(const grpc_sink *sink);
/* "http://localhost:port", or https; valid as long as the sink. */
const char *grpc_sink_endpoint(const grpc_sink *sink);

/* The next requests are answered so (copied; strings borrowed), those behind with OK. */
void grpc_sink_script(grpc_sink *sink, const grpc_sink_answer *answers, size_t count);
/* Answers what is held with OK, and what is still to come as if it were not to be held. */
void grpc_sink_release(grpc_sink *sink);

/* Waits (30 s) until so many requests have come; the test fails when they do not. */
void grpc_sink_wait(grpc_sink *sink, size_t count);
size_t grpc_sink_count(grpc_sink *sink);

/* What follows reads request `index`, which has come; the results live as long as the sink. */
cleat_slice grpc_sink_body(grpc_sink *sink, size_t index); /* decompressed */
bool grpc_sink_is_gzip(grpc_sink *sink, size_t index);
int64_t grpc_sink_time_ns(grpc_sink *sink, size_t index); /* monotonic, of its arrival */
const char *grpc_sink_method(grpc_sink *sink, size_t index);
/* The first value of a metadata key; the absent slice when there is none. */
cleat_slice grpc_sink_metadata(grpc_sink *sink, size_t index, const char *key);
/* The spans of the request in order; their resource and scope are NULL. False: there is no such. */
bool grpc_sink_span(grpc_sink *sink, size_t index, size_t span, cleat_span_view *out);
size_t grpc_sink_span_count(grpc_sink *sink, size_t index);

#endif
