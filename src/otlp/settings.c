#include "settings.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/env.h"
#include "base/error.h"
#include "base/options.h"
#include "base/url_part.h"
#include "setting_headers.h"

#include <stdio.h>
#include <unistd.h>

enum {
    DEFAULT_TIMEOUT_MS = 10000,
    DEFAULT_CONCURRENT_REQUESTS = 4,
    DEFAULT_REQUEST_SIZE = 64 << 20,
    DEFAULT_RESPONSE_SIZE = 4 << 20,
    DEFAULT_ATTEMPTS = 5,
    DEFAULT_INITIAL_BACKOFF_MS = 1000,
    DEFAULT_MAX_BACKOFF_MS = 5000,
};

/* ---- The environment ---- */

/* A variable that is set: that of traces, else the general one. */
typedef struct variable {
    char name[64];
    cleat_slice value; /* absent: neither is set */
    bool is_general;
} variable;

static variable variable_of(const char *setting)
{
    variable found;
    snprintf(found.name, sizeof(found.name), "OTEL_EXPORTER_OTLP_TRACES_%s", setting);
    found.value = cleat__env_get(found.name);
    found.is_general = found.value.data == NULL;
    if (found.is_general) {
        snprintf(found.name, sizeof(found.name), "OTEL_EXPORTER_OTLP_%s", setting);
        found.value = cleat__env_get(found.name);
    }
    return found;
}

cleat__otlp_protocol cleat__otlp_protocol_from_environment(void)
{
    variable protocol = variable_of("PROTOCOL");
    if (cleat__env_is(protocol.value, "grpc")) {
        return CLEAT__OTLP_GRPC;
    }
    if (cleat__env_is(protocol.value, "http/json")) {
        return CLEAT__OTLP_HTTP_JSON;
    }
    if (protocol.value.data != NULL && !cleat__env_is(protocol.value, "http/protobuf")) {
        cleat__env_warn(protocol.name, protocol.value, "http/protobuf, http/json, grpc");
    }
    return CLEAT__OTLP_HTTP_PROTOBUF;
}

static int64_t timeout_from_environment(void)
{
    variable timeout = variable_of("TIMEOUT");
    int64_t ms = cleat__env_int(timeout.name, DEFAULT_TIMEOUT_MS, 0, INT32_MAX);
    return ms != 0 ? ms : INT64_MAX; /* as with the other timeouts of the specification: no limit */
}

static bool gzip_from_environment(void)
{
    variable compression = variable_of("COMPRESSION");
    if (compression.value.data != NULL && !cleat__env_is(compression.value, "gzip") &&
        !cleat__env_is(compression.value, "none")) {
        cleat__env_warn(compression.name, compression.value, "gzip, none");
    }
    return cleat__env_is(compression.value, "gzip");
}

/* ---- Endpoints ---- */

/* Behind the path, which stands before a query. Answers NULL on no memory. */
static char *append_path(CURLU *url)
{
    char *path = cleat__url_part(url, CURLUPART_PATH, 0), *whole = NULL, *copy = NULL;
    cleat__buffer longer = {0};
    size_t size = path != NULL ? strlen(path) : 0;
    cleat__buffer_append_format(&longer, "%s%sv1/traces", path != NULL ? path : "",
                                size != 0 && path[size - 1] == '/' ? "" : "/");
    char *text = cleat__buffer_take_string(&longer);
    if (text != NULL && curl_url_set(url, CURLUPART_PATH, text, 0) == CURLUE_OK) {
        whole = cleat__url_part(url, CURLUPART_URL, 0);
        copy = cleat__strdup(whole);
    }
    cleat__free(text);
    curl_free(path);
    curl_free(whole);
    return copy;
}

/* For people and logs: without the name and the password that it may hold. */
static char *shown_url(CURLU *url)
{
    curl_url_set(url, CURLUPART_USER, NULL, 0);
    curl_url_set(url, CURLUPART_PASSWORD, NULL, 0);
    char *text = cleat__url_part(url, CURLUPART_URL, 0);
    char *copy = cleat__strdup(text);
    curl_free(text);
    return copy;
}

static char *host_and_port(CURLU *url)
{
    char *host = cleat__url_part(url, CURLUPART_HOST, 0), *port = cleat__url_part(url, CURLUPART_PORT, 0);
    char *joined = NULL;
    if (host != NULL) {
        size_t size = strlen(host) + 16;
        joined = cleat__malloc(size);
        if (joined != NULL) {
            snprintf(joined, size, "%s:%s", host, port != NULL ? port : "4317");
        }
    }
    curl_free(host);
    curl_free(port);
    return joined;
}

/* A scheme may be left out for gRPC only. CURLUE_OUT_OF_MEMORY is the only failure that is not the
 * text's fault. */
static CURLUcode parse(CURLU *url, const char *text, cleat__otlp_protocol protocol, bool *has_scheme)
{
    *has_scheme = strstr(text, "://") != NULL;
    if (!*has_scheme && protocol != CLEAT__OTLP_GRPC) {
        return CURLUE_BAD_SCHEME;
    }
    CURLUcode code = curl_url_set(url, CURLUPART_URL, text, *has_scheme ? 0 : CURLU_DEFAULT_SCHEME);
    char *scheme = code == CURLUE_OK ? cleat__url_part(url, CURLUPART_SCHEME, 0) : NULL;
    if (code == CURLUE_OK &&
        (scheme == NULL || (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0))) {
        code = CURLUE_UNSUPPORTED_SCHEME;
    }
    curl_free(scheme);
    return code;
}

static bool is_insecure_by_environment(void)
{
    variable insecure = variable_of("INSECURE");
    return cleat__env_bool(insecure.name, false);
}

/* CLEAT_INVALID_ARGUMENT, without a message, when `text` is no endpoint. */
static cleat_status set_endpoint(cleat__otlp_settings *settings, cleat__otlp_protocol protocol,
                                 const char *text, bool wants_path)
{
    CURLU *url = curl_url();
    bool has_scheme;
    CURLUcode code = url != NULL ? parse(url, text, protocol, &has_scheme) : CURLUE_OUT_OF_MEMORY;
    if (code == CURLUE_OK) {
        char *scheme = cleat__url_part(url, CURLUPART_SCHEME, 0);
        settings->is_secure = scheme != NULL && strcmp(scheme, "https") == 0;
        curl_free(scheme);
        if (protocol == CLEAT__OTLP_GRPC) {
            settings->is_secure = has_scheme ? settings->is_secure : !is_insecure_by_environment();
            settings->endpoint = host_and_port(url);
        } else {
            settings->endpoint = wants_path ? append_path(url) : cleat__strdup(text);
        }
        settings->shown_endpoint =
            protocol == CLEAT__OTLP_GRPC ? cleat__strdup(settings->endpoint) : shown_url(url);
        bool has_both = settings->endpoint != NULL && settings->shown_endpoint != NULL;
        code = has_both ? CURLUE_OK : CURLUE_OUT_OF_MEMORY;
    }
    curl_url_cleanup(url);
    if (code == CURLUE_OK) {
        return CLEAT_OK;
    }
    return code == CURLUE_OUT_OF_MEMORY ? cleat__fail_memory() : CLEAT_INVALID_ARGUMENT;
}

/* What may be shown of a text that is no URL: it may hold a password, which would end at the last '@'. */
static cleat_slice shown_part(cleat_slice text)
{
    size_t first = text.size;
    while (first > 0 && text.data[first - 1] != '@') {
        first--;
    }
    return first > 0 ? (cleat_slice){text.data + first - 1, text.size - first + 1} : text;
}

static cleat_status init_endpoint(cleat__otlp_settings *settings, cleat__otlp_protocol protocol,
                                  const char *option)
{
    bool is_grpc = protocol == CLEAT__OTLP_GRPC;
    const char *accepted = is_grpc ? "http(s)://host:port or host:port" : "an http:// or https:// URL";
    if (option != NULL) {
        cleat_status status = set_endpoint(settings, protocol, option, false);
        return status != CLEAT_INVALID_ARGUMENT
                   ? status
                   : cleat__fail(status, "\"%.*s\" is no endpoint: it has to be %s",
                                 CLEAT_SLICE_ARGS(shown_part(cleat_slice_of(option))), accepted);
    }
    variable endpoint = variable_of("ENDPOINT");
    if (endpoint.value.data != NULL) {
        char *text = cleat__slice_dup(endpoint.value);
        cleat_status status = text != NULL
                                  ? set_endpoint(settings, protocol, text, endpoint.is_general && !is_grpc)
                                  : cleat__fail_memory();
        cleat__free(text);
        if (status != CLEAT_INVALID_ARGUMENT) {
            return status;
        }
        cleat__env_warn(endpoint.name, shown_part(endpoint.value), accepted);
    }
    return set_endpoint(settings, protocol,
                        is_grpc ? "http://localhost:4317" : "http://localhost:4318/v1/traces", false);
}

/* ---- Files ---- */

static cleat_status init_file(char **file, const char *option, const char *setting)
{
    if (option != NULL) {
        if (access(option, R_OK) != 0) {
            return cleat__fail(CLEAT_INVALID_ARGUMENT, "the file %s cannot be read", option);
        }
        *file = cleat__strdup(option);
        return *file != NULL ? CLEAT_OK : cleat__fail_memory();
    }
    variable found = variable_of(setting);
    if (found.value.data == NULL) {
        return CLEAT_OK;
    }
    *file = cleat__slice_dup(found.value);
    if (*file == NULL) {
        return cleat__fail_memory();
    }
    if (access(*file, R_OK) != 0) {
        cleat__env_warn(found.name, found.value, "the path of a PEM file that can be read");
        cleat__free(*file);
        *file = NULL;
    }
    return CLEAT_OK;
}

/* A mistake in the environment is told and passed over. */
static void drop_incomplete(cleat__otlp_settings *settings)
{
    bool has_key = settings->client_key_file != NULL;
    variable found = variable_of(has_key ? "CLIENT_KEY" : "CLIENT_CERTIFICATE");
    cleat__env_warn(found.name, found.value, "a client certificate together with its key");
    cleat__free(settings->client_certificate_file);
    cleat__free(settings->client_key_file);
    settings->client_certificate_file = settings->client_key_file = NULL;
}

static cleat_status init_files(cleat__otlp_settings *settings, const cleat_otlp_exporter_options *options)
{
    cleat_status status = init_file(&settings->certificate_file, options->certificate_file, "CERTIFICATE");
    if (status == CLEAT_OK) {
        status = init_file(&settings->client_certificate_file, options->client_certificate_file,
                           "CLIENT_CERTIFICATE");
    }
    if (status == CLEAT_OK) {
        status = init_file(&settings->client_key_file, options->client_key_file, "CLIENT_KEY");
    }
    bool is_incomplete = (settings->client_certificate_file == NULL) != (settings->client_key_file == NULL);
    if (status != CLEAT_OK || !is_incomplete) {
        return status;
    }
    if (options->client_certificate_file != NULL || options->client_key_file != NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT,
                           "a client certificate and its key go together: %s is missing",
                           settings->client_key_file == NULL ? "the key" : "the certificate");
    }
    drop_incomplete(settings);
    return CLEAT_OK;
}

/* ---- All of it ---- */

static cleat_status init_user_agent(cleat__otlp_settings *settings, const char *option)
{
    static const char agent[] = "OTel-OTLP-Exporter-C/";
    if (option != NULL && !cleat__otlp_header_value_is_valid(cleat_slice_of(option))) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "the user agent holds a control character");
    }
    cleat__buffer text = {0};
    if (option != NULL && option[0] != '\0') {
        cleat__buffer_append_string(&text, option);
        cleat__buffer_append_string(&text, " ");
    }
    cleat__buffer_append_string(&text, agent);
    cleat__buffer_append_string(&text, cleat_version());
    settings->user_agent = cleat__buffer_take_string(&text);
    return settings->user_agent != NULL ? CLEAT_OK : cleat__fail_memory();
}

static void init_numbers(cleat__otlp_settings *settings, const cleat_otlp_exporter_options *options)
{
    settings->gzip = options->compression == CLEAT_OTLP_COMPRESSION_DEFAULT
                         ? gzip_from_environment()
                         : options->compression == CLEAT_OTLP_COMPRESSION_GZIP;
    settings->timeout_ms = options->timeout_ms > 0 ? options->timeout_ms : timeout_from_environment();
    settings->max_concurrent_requests = options->max_concurrent_requests != 0
                                            ? options->max_concurrent_requests
                                            : DEFAULT_CONCURRENT_REQUESTS;
    settings->max_request_size =
        options->max_request_size != 0 ? options->max_request_size : DEFAULT_REQUEST_SIZE;
    settings->max_response_size =
        options->max_response_size != 0 ? options->max_response_size : DEFAULT_RESPONSE_SIZE;
    settings->max_attempts = options->max_attempts != 0 ? options->max_attempts : DEFAULT_ATTEMPTS;
    settings->initial_backoff_ms =
        options->initial_backoff_ms > 0 ? options->initial_backoff_ms : DEFAULT_INITIAL_BACKOFF_MS;
    settings->max_backoff_ms = options->max_backoff_ms > 0 ? options->max_backoff_ms : DEFAULT_MAX_BACKOFF_MS;
}

cleat_status cleat__otlp_settings_init(cleat__otlp_settings *settings, cleat__otlp_protocol protocol,
                                       const cleat_otlp_exporter_options *options)
{
    cleat_otlp_exporter_options given;
    cleat__options_copy(&given, options, sizeof(given));
    *settings = (cleat__otlp_settings){0};
    init_numbers(settings, &given);
    cleat_status status = init_endpoint(settings, protocol, given.endpoint);
    if (status == CLEAT_OK) {
        status = init_files(settings, &given);
    }
    if (status == CLEAT_OK) {
        status = init_user_agent(settings, given.user_agent);
    }
    if (status == CLEAT_OK) {
        variable headers = variable_of("HEADERS");
        status = cleat__otlp_headers_read(settings, headers.name, headers.value);
    }
    if (status == CLEAT_OK) {
        status = cleat__otlp_headers_add(settings, given.headers, given.header_count);
    }
    if (status != CLEAT_OK) {
        cleat__otlp_settings_deinit(settings);
    }
    return status;
}

void cleat__otlp_settings_deinit(cleat__otlp_settings *settings)
{
    for (size_t i = 0; i < settings->header_count; i++) {
        cleat__free(settings->headers[i].name);
        cleat__free(settings->headers[i].value);
    }
    cleat__free(settings->headers);
    cleat__free(settings->endpoint);
    cleat__free(settings->shown_endpoint);
    cleat__free(settings->certificate_file);
    cleat__free(settings->client_certificate_file);
    cleat__free(settings->client_key_file);
    cleat__free(settings->user_agent);
    *settings = (cleat__otlp_settings){0};
}
