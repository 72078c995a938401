/*
 * Exporters that speak OTLP to a collector or a back end.
 *
 *     cleat_span_exporter *exporter = NULL;
 *     cleat_otlp_http_exporter_new(
 *         CLEAT_OTLP_EXPORTER_OPTIONS(.endpoint = "https://collector.example:4318/v1/traces",
 *                                     .compression = CLEAT_OTLP_COMPRESSION_GZIP),
 *         &exporter);                                  // NULL options: all by environment
 *     cleat_span_processor *processor = NULL;
 *     cleat_batch_processor_new(exporter, NULL, &processor);
 *
 * Source: OpenTelemetry specification, "OTLP Specification" and "OTLP Exporter Configuration".
 */
#ifndef CLEAT_OTLP_H
#define CLEAT_OTLP_H

#include "cleat/exporter.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum cleat_otlp_compression {
    CLEAT_OTLP_COMPRESSION_DEFAULT = 0, /* OTEL_EXPORTER_OTLP_TRACES_COMPRESSION, ..._COMPRESSION, none */
    CLEAT_OTLP_COMPRESSION_NONE,
    CLEAT_OTLP_COMPRESSION_GZIP,
} cleat_otlp_compression;

typedef struct cleat_otlp_header {
    const char *name;
    const char *value;
} cleat_otlp_header;

/*
 * Everything is copied. What is zero comes from the environment: OTEL_EXPORTER_OTLP_TRACES_<NAME>,
 * else OTEL_EXPORTER_OTLP_<NAME>, else the default given here.
 */
typedef struct cleat_otlp_exporter_options {
    size_t struct_size;
    /* HTTP: the URL that is posted to, used as it is (http://localhost:4318/v1/traces; ENDPOINT gets
     * /v1/traces appended, TRACES_ENDPOINT does not). gRPC: http(s)://host:port
     * (http://localhost:4317). */
    const char *endpoint;
    /* Sent besides those of HEADERS, and instead of those of the same name. */
    const cleat_otlp_header *headers;
    size_t header_count;
    cleat_otlp_compression compression;
    int64_t timeout_ms;                  /* TIMEOUT, 10,000: one export with all its attempts */
    const char *certificate_file;        /* CERTIFICATE: PEM, to verify the server; the system's */
    const char *client_certificate_file; /* CLIENT_CERTIFICATE: PEM; none */
    const char *client_key_file;         /* CLIENT_KEY: PEM; none */
    const char *user_agent;              /* stands before "OTel-OTLP-Exporter-C/<version>" */
    unsigned max_concurrent_requests;    /* 4 */
    size_t max_request_size;    /* bytes before compression, 64 MiB; larger batches are sent in parts */
    size_t max_response_size;   /* bytes, 4 MiB; what exceeds it fails for good */
    unsigned max_attempts;      /* 5; 1: no retries */
    int64_t initial_backoff_ms; /* 1,000; times 1.5 each, up to max_backoff_ms, plus and minus a fifth */
    int64_t max_backoff_ms;     /* 5,000; a server that asks for more time gets it */
} cleat_otlp_exporter_options;
#define CLEAT_OTLP_EXPORTER_OPTIONS(...) CLEAT_OPTIONS(cleat_otlp_exporter_options, __VA_ARGS__)

/*
 * OTLP/HTTP with binary protobuf. `options` may be NULL. The exporter has a thread of its own,
 * started with the first export; connections are kept alive. CLEAT_INVALID_ARGUMENT for an
 * endpoint that is no http(s) URL and for files that cannot be read, with what is wrong;
 * CLEAT_NO_MEMORY. The caller owns `*out` until a processor consumes it. Any thread. Specification:
 * "OTLP/HTTP", "Binary Protobuf Encoding".
 */
CLEAT_API cleat_status cleat_otlp_http_exporter_new(const cleat_otlp_exporter_options *options,
                                                    cleat_span_exporter **out);
/* The same with JSON. Specification: "OTLP/HTTP", "JSON Protobuf Encoding". */
CLEAT_API cleat_status cleat_otlp_json_exporter_new(const cleat_otlp_exporter_options *options,
                                                    cleat_span_exporter **out);

/* What an OTLP exporter of this page did so far; all zero for another one. Any thread. */
typedef struct cleat_otlp_exporter_stats {
    uint64_t requests;       /* attempts included */
    uint64_t retries;        /* of these, attempts after the first */
    uint64_t bytes_sent;     /* of request bodies, compressed where they were */
    uint64_t spans_exported; /* accepted by the server */
    uint64_t spans_rejected; /* refused by the server in a partial success ("Partial Success") */
    uint64_t spans_failed;   /* in requests that were given up */
} cleat_otlp_exporter_stats;
CLEAT_API void cleat_otlp_exporter_get_stats(cleat_span_exporter *exporter, cleat_otlp_exporter_stats *out);

#ifdef __cplusplus
}
#endif
#endif
