/* What the tests of HTTP share: a server that remembers what it got, a provider that keeps spans. */
#ifndef CLEAT_TESTS_HTTP_TEST_H
#define CLEAT_TESTS_HTTP_TEST_H

#include "trace/sdk_test.h"

#include <cleat/trace.h>
#include <curl/curl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

/* As sdk_start(), but with random ids: client and server start spans on different threads. */
static inline void http_sdk_start(test_sdk *sdk)
{
    cleat_span_processor *processor = NULL;
    memset(sdk, 0, sizeof(*sdk));
    assert_int_equal(cleat_tracer_provider_new(NULL, &sdk->provider), CLEAT_OK);
    assert_int_equal(cleat_memory_exporter_new(&sdk->exporter), CLEAT_OK);
    assert_int_equal(cleat_simple_processor_new(sdk->exporter, &processor), CLEAT_OK);
    assert_int_equal(cleat_tracer_provider_add_processor(sdk->provider, processor), CLEAT_OK);
    sdk->tracer = cleat_tracer_provider_get_tracer(sdk->provider, "test", NULL);
}

static inline bool has_attribute(const cleat_span_view *span, const char *key)
{
    cleat_value value;
    return cleat_span_view_attribute(span, key, &value);
}

/* ---- The server ---- */

enum { SEEN_MAX = 128, FIELDS_MAX = 48 };

typedef struct seen_request {
    char method[32];
    char path[64];
    char *names[FIELDS_MAX];
    char *values[FIELDS_MAX];
    size_t count;
} seen_request;

typedef struct test_server {
    struct MHD_Daemon *daemon;
    unsigned port;
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t gate_opened;
    bool gate_is_open; /* "/gate" answers */
    seen_request seen[SEEN_MAX];
    size_t count;
} test_server;

static inline enum MHD_Result remember_field(void *cls, enum MHD_ValueKind kind, const char *name,
                                             const char *value)
{
    seen_request *seen = cls;
    (void)kind;
    if (seen->count < FIELDS_MAX) {
        seen->names[seen->count] = strdup(name);
        seen->values[seen->count++] = strdup(value != NULL ? value : "");
    }
    return MHD_YES;
}

/* /status/N answers with N; /redirect/N redirects N times; /gate waits until it is opened. */
static inline enum MHD_Result answer(test_server *server, struct MHD_Connection *connection, const char *url)
{
    unsigned status = 200;
    char location[32] = "";
    if (strncmp(url, "/status/", 8) == 0) {
        status = (unsigned)strtoul(url + 8, NULL, 10);
    } else if (strncmp(url, "/redirect/", 10) == 0 && url[10] != '0') {
        status = 302;
        snprintf(location, sizeof(location), "/redirect/%lu", strtoul(url + 10, NULL, 10) - 1);
    } else if (strcmp(url, "/gate") == 0) {
        pthread_mutex_lock(&server->mutex);
        while (!server->gate_is_open) {
            pthread_cond_wait(&server->gate_opened, &server->mutex);
        }
        pthread_mutex_unlock(&server->mutex);
    }
    struct MHD_Response *response =
        MHD_create_response_from_buffer(6, (void *)"hello\n", MHD_RESPMEM_PERSISTENT);
    if (location[0] != '\0') {
        MHD_add_response_header(response, "Location", location);
    }
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static inline enum MHD_Result serve(void *cls, struct MHD_Connection *connection, const char *url,
                                    const char *method, const char *version, const char *upload,
                                    size_t *upload_size, void **con_cls)
{
    static int begun;
    test_server *server = cls;
    (void)version, (void)upload;
    if (*con_cls == NULL) {
        *con_cls = &begun;
        return MHD_YES;
    }
    if (*upload_size != 0) {
        *upload_size = 0;
        return MHD_YES;
    }
    pthread_mutex_lock(&server->mutex);
    if (server->count < SEEN_MAX) {
        seen_request *seen = &server->seen[server->count++];
        snprintf(seen->method, sizeof(seen->method), "%s", method);
        snprintf(seen->path, sizeof(seen->path), "%s", url);
        MHD_get_connection_values(connection, MHD_HEADER_KIND, remember_field, seen);
    }
    pthread_mutex_unlock(&server->mutex);
    return answer(server, connection, url);
}

/* A daemon on a free port of the loopback interface, a thread for each connection. */
static inline struct MHD_Daemon *daemon_start(MHD_AccessHandlerCallback handler, void *cls,
                                              MHD_RequestCompletedCallback completed, void *completed_cls,
                                              unsigned *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct MHD_Daemon *daemon =
        MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION, 0, NULL, NULL,
                         handler, cls, MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_NOTIFY_COMPLETED, completed,
                         completed_cls, MHD_OPTION_END);
    assert_non_null(daemon);
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT);
    assert_non_null(info);
    *port = info->port;
    return daemon;
}

static inline void server_start(test_server *server)
{
    memset(server, 0, sizeof(*server));
    pthread_mutex_init(&server->mutex, NULL);
    pthread_cond_init(&server->gate_opened, NULL);
    server->daemon = daemon_start(serve, server, NULL, NULL, &server->port);
}

static inline void server_open_gate(test_server *server)
{
    pthread_mutex_lock(&server->mutex);
    server->gate_is_open = true;
    pthread_cond_broadcast(&server->gate_opened);
    pthread_mutex_unlock(&server->mutex);
}

static inline void server_stop(test_server *server)
{
    server_open_gate(server);
    MHD_stop_daemon(server->daemon);
    for (size_t i = 0; i < server->count; i++) {
        for (size_t j = 0; j < server->seen[i].count; j++) {
            free(server->seen[i].names[j]);
            free(server->seen[i].values[j]);
        }
    }
    pthread_mutex_destroy(&server->mutex);
    pthread_cond_destroy(&server->gate_opened);
}

/* The request seen last. It has been answered, so nobody writes it any more. */
static inline const seen_request *server_last(test_server *server)
{
    pthread_mutex_lock(&server->mutex);
    assert_true(server->count > 0);
    const seen_request *seen = &server->seen[server->count - 1];
    pthread_mutex_unlock(&server->mutex);
    return seen;
}

/* NULL where there is none; fails where there are several. */
static inline const char *seen_field(const seen_request *seen, const char *name)
{
    const char *value = NULL;
    for (size_t i = 0; i < seen->count; i++) {
        if (strcasecmp(seen->names[i], name) == 0) {
            assert_null(value);
            value = seen->values[i];
        }
    }
    return value;
}

static inline void assert_field(const seen_request *seen, const char *name, const char *expected)
{
    const char *value = seen_field(seen, name);
    if (value == NULL) {
        fail_msg("no header %s", name);
    }
    assert_string_equal(value, expected);
}

/* `text` gets the traceparent of a span's view. */
static inline const char *traceparent_of(const cleat_span_view *span, char text[56])
{
    cleat_span_context context = {.trace_flags = (uint8_t)span->flags};
    context.trace_id = span->trace_id;
    context.span_id = span->span_id;
    assert_int_equal(cleat_traceparent_format(&context, text), CLEAT_OK);
    return text;
}

/* ---- The client ---- */

static inline size_t swallow(char *data, size_t size, size_t count, void *user_data)
{
    (void)data, (void)user_data;
    return size * count;
}

static inline CURL *easy_new(unsigned port, const char *path)
{
    char url[128];
    CURL *easy = curl_easy_init();
    assert_non_null(easy);
    snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", port, path);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, swallow);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 20000L);
    return easy;
}

#endif
