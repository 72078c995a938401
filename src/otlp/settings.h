/*
 * What an OTLP exporter works by: the options it was given, else the environment, else the
 * specification's defaults. Read once, when the exporter is made.
 *
 * Source: OpenTelemetry specification, "OTLP Exporter Configuration".
 */
#ifndef CLEAT_OTLP_SETTINGS_H
#define CLEAT_OTLP_SETTINGS_H

#include <cleat/trace.h>

typedef enum cleat__otlp_protocol {
    CLEAT__OTLP_HTTP_PROTOBUF,
    CLEAT__OTLP_HTTP_JSON,
    CLEAT__OTLP_GRPC,
} cleat__otlp_protocol;

typedef struct cleat__otlp_setting_header {
    char *name; /* lower case */
    char *value;
} cleat__otlp_setting_header;

typedef struct cleat__otlp_settings {
    char *endpoint;       /* HTTP: the whole URL; gRPC: "host:port" */
    char *shown_endpoint; /* for messages: without user name and password */
    bool
        is_secure; /* of the scheme https; for gRPC without a scheme, what OTEL_EXPORTER_OTLP_INSECURE says */
    cleat__otlp_setting_header *headers;
    size_t header_count;
    bool gzip;
    int64_t timeout_ms;
    char *certificate_file, *client_certificate_file, *client_key_file; /* may be NULL */
    char *user_agent;
    unsigned max_concurrent_requests;
    size_t max_request_size;
    size_t max_response_size;
    unsigned max_attempts;
    int64_t initial_backoff_ms;
    int64_t max_backoff_ms;
} cleat__otlp_settings;

/* The protocol that OTEL_EXPORTER_OTLP_TRACES_PROTOCOL, else OTEL_EXPORTER_OTLP_PROTOCOL names. */
cleat__otlp_protocol cleat__otlp_protocol_from_environment(void);

/* `options` may be NULL. On failure nothing needs to be freed. */
cleat_status cleat__otlp_settings_init(cleat__otlp_settings *settings, cleat__otlp_protocol protocol,
                                       const cleat_otlp_exporter_options *options);
void cleat__otlp_settings_deinit(cleat__otlp_settings *settings);

#endif
