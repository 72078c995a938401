/*
 * One request, from its first line to its answer. libmicrohttpd calls, always on its own thread:
 *
 *   begin     with the request line
 *   handle    once when the headers are there: route, credentials and sizes are checked, so that a
 *             body that nobody may send is not kept
 *   handle    for each piece of the body
 *   handle    behind the last one: the connection sleeps, and the request goes to the pool
 *   (run)     on a thread of the pool: unpacks the body, calls the route's handler, wakes the connection
 *   handle    sends the answer
 *   end       however it ended
 *
 * Until it is in the pool an exchange belongs to libmicrohttpd's thread, then to the pool's, then again
 * to the first.
 */
#include "http_exchange.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "http_answer.h"
#include "http_browser.h"
#include "http_inflate.h"
#include "internal_traces.h"

#include <cleat/microhttpd.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

/* Of a refused request so much of the body is read and thrown away, for a client that reads the answer
 * only after it has sent everything. */
#define DISCARD_MAX ((size_t)1024 * 1024)
/* Answers up to this size are not counted: a server that is full still says so, and how it is. */
#define SMALL_ANSWER ((size_t)16 * 1024)

typedef enum phase { NEW, BODY, AT_WORK, SENT } phase;

typedef struct exchange {
    cleat__http_job job;
    cleat__http_call call;
    cleat__http_server *server;
    struct MHD_Connection *connection;
    phase phase;
    char *uri;            /* the call's target points into it */
    char *raw_uri;        /* as it came, where requests are traced; else NULL */
    cleat__buffer upload; /* as it came */
    cleat__buffer unpacked;
    size_t charged; /* of the server's body_bytes: the body, then the answer */
    size_t discarded;
    bool is_gzip;
    bool accepts_gzip; /* what is answered, from a route for browsers */
    int64_t begun_ns;
    char method[12];
    cleat_http_request traced; /* no request where it is not */
} exchange;

static const char *header(const exchange *self, const char *name)
{
    return MHD_lookup_connection_value(self->connection, MHD_HEADER_KIND, name);
}

static cleat__http_watched *watched(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info != NULL ? info->socket_context : NULL;
}

/* Arguments are read from our copy, as long as the line may be. libmicrohttpd would list them too, in the little memory of
 * the connection, and has none left for an answer when they are many: so it sees none. What it hands to us is in the
 * buffer that it reads into, and it has not looked at what is behind the "?" yet. */
static void hide_arguments(const char *uri)
{
    char *mark = strchr(uri, '?');
    if (mark != NULL) {
        mark[1] = '\0';
    }
}

void *cleat__http_exchange_begin(void *self, const char *uri, struct MHD_Connection *connection)
{
    exchange *made = cleat__calloc(1, sizeof(*made));
    if (made == NULL) {
        return NULL;
    }
    made->server = self;
    made->connection = connection;
    made->begun_ns = cleat__clock_monotonic_ns(NULL);
    made->uri = cleat__strdup(uri);
    made->raw_uri = made->server->options.tracer != NULL ? cleat__strdup(uri) : NULL;
    hide_arguments(uri);
    pthread_mutex_lock(&made->server->mutex);
    made->server->open++;
    pthread_mutex_unlock(&made->server->mutex);
    return made;
}

/* ---- The answer ---- */

static bool is_stopping(cleat__http_server *server)
{
    pthread_mutex_lock(&server->mutex);
    bool stopping = server->is_stopping;
    pthread_mutex_unlock(&server->mutex);
    return stopping;
}

static enum MHD_Result send_answer(exchange *self)
{
    const cleat__http_route *route = self->call.route;
    struct MHD_Response *response = cleat__http_answer_response(
        &self->call.answer, route != NULL ? route->flags : 0, is_stopping(self->server));
    if (response == NULL) {
        return MHD_NO;
    }
    enum MHD_Result result = MHD_queue_response(self->connection, self->call.answer.status, response);
    MHD_destroy_response(response);
    self->phase = SENT;
    return result;
}

/* ---- The span ---- */

/* With what is known of the caller: a link, since it is a trace of somebody else's. */
static void trace(exchange *self, const char *version)
{
    const cleat__http_route *route = self->call.route;
    cleat_tracer *tracer = self->server->options.tracer;
    cleat_span_context caller;
    const cleat_link link = {.context = &caller};
    if (tracer == NULL || (route != NULL && route->flags & CLEAT__HTTP_UNTRACED)) {
        return;
    }
    const char *target = route != NULL && route->flags & CLEAT__HTTP_SECRET ? route->pattern : self->raw_uri;
    cleat_http_request_options options =
        *CLEAT_HTTP_REQUEST_OPTIONS(.tracer = tracer, .propagator = cleat_propagator_none(), .target = target,
                                    .route = route != NULL ? route->pattern : NULL);
    cleat_mhd_request_start(self->connection, self->method, target, version, &options, &self->traced);
    if (cleat__caller_context_read(cleat_slice_of(header(self, "traceparent")),
                                   cleat_slice_of(header(self, "tracestate")), &caller)) {
        (void)cleat_span_add_link(self->traced.span, &link);
    }
}

/* ---- The headers ---- */

static bool check_id(void *argument, cleat_slice name, cleat_slice value)
{
    exchange *self = argument;
    cleat__uuid id;
    bool is_tenant = cleat_slice_equals(name, cleat_slice_of("tenant"));
    if (!is_tenant && self->call.route->flags & CLEAT__HTTP_NAMED) {
        return true;
    }
    if (cleat__uuid_parse(value, &id) != CLEAT_OK) {
        cleat__http_call_refuse(&self->call, 400, "Invalid format for parameter %.*s",
                                CLEAT_SLICE_ARGS(name));
        return false;
    }
    if (is_tenant && !(self->call.route->flags & CLEAT__HTTP_OPEN) &&
        !cleat__uuid_equals(&id, &self->call.identity.tenant_id)) {
        cleat__http_call_refuse(&self->call, 403, "Please provide valid credentials");
        return false;
    }
    return true;
}

/* A file that cannot be read just now is not the caller's fault: it may try again. */
static void refuse_credentials(exchange *self, cleat_status status, bool has_token)
{
    if (status == CLEAT_UNAUTHENTICATED && has_token) {
        cleat__http_call_refuse(&self->call, 403, "Please provide valid credentials: %s",
                                cleat_error_message());
    } else if (status == CLEAT_UNAUTHENTICATED) {
        cleat__http_call_refuse(&self->call, 403, "Please provide valid credentials");
    } else {
        bool is_retryable = cleat_status_is_retryable(status);
        cleat__http_call_refuse(&self->call, is_retryable ? (unsigned)cleat_status_http_code(status) : 500,
                                "the token cannot be checked: %s", cleat_status_text(status));
        self->call.answer.retry_after_s = is_retryable;
    }
}

static void authenticate(exchange *self)
{
    static const char scheme[] = "Bearer ";
    const cleat__http_options *options = &self->server->options;
    const char *credentials = header(self, "Authorization");
    cleat_slice token = {NULL, 0};
    if (credentials != NULL && strncasecmp(credentials, scheme, sizeof(scheme) - 1) == 0) {
        token = cleat_slice_of(credentials + sizeof(scheme) - 1);
        while (token.size != 0 && token.data[0] == ' ') {
            token.data++;
            token.size--;
        }
    }
    cleat_status status = CLEAT_UNAUTHENTICATED;
    if (options->authenticate != NULL) {
        status = options->authenticate(options->authenticate_self, token, &self->call.identity);
    }
    if (status != CLEAT_OK) {
        refuse_credentials(self, status, token.size != 0 && options->authenticate != NULL);
    }
}

/* libmicrohttpd asks for the client's certificate; whether it is a good one is looked at here, once a
 * connection. */
static void check_certificate(exchange *self)
{
    if (self->server->options.tls_client_ca == NULL) {
        return;
    }
    cleat__http_watched *connection = watched(self->connection);
    bool *is_verified = connection != NULL ? cleat__http_watched_mark(connection) : NULL;
    if (is_verified != NULL && *is_verified) {
        return;
    }
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(self->connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    unsigned problems = 1;
    if (info == NULL || is_verified == NULL ||
        gnutls_certificate_verify_peers2(info->tls_session, &problems) != GNUTLS_E_SUCCESS || problems != 0) {
        cleat__http_call_refuse(&self->call, 403, "Please provide a valid client certificate");
        return;
    }
    *is_verified = true;
}

static void find_route(exchange *self)
{
    const cleat__http_options *options = &self->server->options;
    const cleat__http_table *table = NULL;
    cleat__http_match match = cleat__http_find(options->tables, options->table_count, self->method,
                                               &self->call.target, &table, &self->call.route);
    if (match == CLEAT__HTTP_FOUND) {
        self->call.service = table->service;
        return;
    }
    if (match == CLEAT__HTTP_NO_PATH) {
        cleat__http_call_refuse(&self->call, 400, "no matching operation was found");
        return;
    }
    self->call.answer.allow = cleat__http_allowed(options->tables, options->table_count, &self->call.target);
    if (strcmp(self->method, "OPTIONS") == 0) {
        cleat__http_call_answer_nothing(&self->call, 204);
    } else {
        cleat__http_call_refuse(&self->call, 405, "Method Not Allowed");
    }
}

static void read_target(exchange *self)
{
    cleat_status status =
        self->uri != NULL ? cleat__http_target_read(self->uri, &self->call.target) : CLEAT_NO_MEMORY;
    if (status == CLEAT_NOT_FOUND) {
        cleat__http_call_refuse(&self->call, 400, "no matching operation was found");
    } else if (status == CLEAT_TOO_LARGE) {
        cleat__http_call_refuse(&self->call, 414, "the query has %s", cleat_error_message());
    } else if (status != CLEAT_OK) {
        cleat__http_call_refuse(&self->call, (unsigned)cleat_status_http_code(status), "%s",
                                cleat_error_message());
    }
}

/* What is announced of the body: SIZE_MAX when it has no length, 0 when there is none. */
static size_t announced_size(const exchange *self)
{
    const char *length = header(self, "Content-Length");
    if (length != NULL) {
        unsigned long long size = strtoull(length, NULL, 10);
        return size < SIZE_MAX ? (size_t)size : SIZE_MAX - 1;
    }
    return header(self, "Transfer-Encoding") != NULL ? SIZE_MAX : 0;
}

/* Whether it is a route of the API, asked by somebody without a token. */
static bool is_open_api(const exchange *self)
{
    const cleat__http_route *route = self->call.route;
    return self->server->options.is_open && !(route->flags & CLEAT__HTTP_OPEN) &&
           strncmp(route->pattern, "/api/", 5) == 0;
}

/* Another site's page can send a request, but not with this type unless it asks before, which is not allowed. A program
 * that has nothing to say need not say of which type that is; a page says where it is from. */
static bool has_its_type(const exchange *self)
{
    const char *type = header(self, "Content-Type");
    bool is_silent = type == NULL && announced_size(self) == 0 && header(self, "Origin") == NULL;
    return strcmp(self->call.route->method, "POST") != 0 || cleat__http_is_json(type) ||
           (is_silent && !(self->call.route->flags & CLEAT__HTTP_BROWSED));
}

static void check_browser(exchange *self)
{
    cleat__http_server *server = self->server;
    const char *host = header(self, "Host");
    bool is_browsed = self->call.route->flags & CLEAT__HTTP_BROWSED;
    if (!is_browsed && !is_open_api(self)) {
        return;
    }
    if (is_browsed) {
        self->accepts_gzip = cleat__http_accepts_gzip(header(self, "Accept-Encoding"));
        self->call.if_none_match = header(self, "If-None-Match");
    }
    if (server->options.is_open && !cleat__http_host_is_own(host, server->configured, server->address)) {
        cleat__http_call_refuse(&self->call, 403,
                                "without tokens this is only answered by the server's own address, "
                                "such as http://%s/, not by the name %.100s",
                                server->address, host != NULL ? host : "of nobody");
    } else if (!has_its_type(self)) {
        cleat__http_call_refuse(&self->call, 415, "Content-Type must be application/json");
    }
}

static void check_body(exchange *self)
{
    const char *encoding = header(self, "Content-Encoding");
    const char *type = header(self, "Content-Type");
    size_t size = announced_size(self);
    self->call.content_type = type != NULL ? type : "";
    self->call.connection = self->connection;
    self->call.traceparent = header(self, "traceparent");
    self->call.tracestate = header(self, "tracestate");
    self->call.baggage = header(self, "baggage");
    self->is_gzip = encoding != NULL && strcasecmp(encoding, "gzip") == 0;
    if (encoding != NULL && !self->is_gzip && strcasecmp(encoding, "identity") != 0) {
        cleat__http_call_refuse(&self->call, 415, "Content-Encoding can be gzip or identity");
    } else if (size != SIZE_MAX && size > self->server->options.body_max) {
        cleat__http_call_refuse(&self->call, 413, "Request Entity Too Large");
    }
}

static bool asks_for_token(const exchange *self)
{
    int flags = self->call.route->flags;
    return !(flags & CLEAT__HTTP_OPEN) ||
           (flags & CLEAT__HTTP_KNOWS && header(self, "Authorization") != NULL);
}

/* Each step may answer, and then the next ones do not matter. */
static void check_headers(exchange *self)
{
    static void (*const steps[])(exchange *) = {check_certificate, read_target, find_route};
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && self->call.answer.status == 0; i++) {
        steps[i](self);
    }
    if (self->call.answer.status == 0 && is_stopping(self->server)) {
        cleat__http_call_refuse(&self->call, 503, "the server is stopping");
    }
    if (self->call.answer.status == 0) {
        check_browser(self);
    }
    if (self->call.answer.status == 0 && asks_for_token(self)) {
        authenticate(self);
    }
    if (self->call.answer.status == 0) {
        cleat__http_pattern_visit(self->call.route->pattern, &self->call.target, check_id, self);
    }
    if (self->call.answer.status == 0) {
        check_body(self);
    }
}

static enum MHD_Result take_headers(exchange *self, const char *method, const char *version)
{
    self->phase = BODY;
    snprintf(self->method, sizeof(self->method), "%s", method);
    check_headers(self);
    trace(self, version);
    if (self->call.answer.status != 0 &&
        (announced_size(self) > DISCARD_MAX || header(self, "Expect") != NULL)) {
        return send_answer(self); /* closes the connection: its body is not read */
    }
    return MHD_YES;
}

/* ---- The body ---- */

/* Counts `size` more bytes among those of all bodies; false: there are too many. */
static bool charge(exchange *self, size_t size)
{
    cleat__http_server *server = self->server;
    if (atomic_fetch_add(&server->body_bytes, size) + size > server->options.bodies_max) {
        atomic_fetch_sub(&server->body_bytes, size);
        return false;
    }
    self->charged += size;
    return true;
}

static void discharge(exchange *self)
{
    atomic_fetch_sub(&self->server->body_bytes, self->charged);
    self->charged = 0;
    cleat__buffer_deinit(&self->upload);
}

static void refuse_full(exchange *self)
{
    self->call.answer.retry_after_s = 1;
    cleat__http_call_refuse(&self->call, 503, "too many large requests at once");
}

static enum MHD_Result take_piece(exchange *self, const char *data, size_t size)
{
    if (self->call.answer.status == 0) {
        if (size > self->server->options.body_max - self->upload.size) {
            cleat__http_call_refuse(&self->call, 413, "Request Entity Too Large");
        } else if (!charge(self, size)) {
            refuse_full(self);
        } else {
            cleat__buffer_append(&self->upload, data, size);
            return MHD_YES;
        }
        discharge(self);
    }
    self->discarded += size;
    return self->discarded <= DISCARD_MAX ? MHD_YES : MHD_NO;
}

/* ---- At work ---- */

static void unpack(exchange *self)
{
    if (self->upload.failed) {
        cleat__http_call_refuse(&self->call, 503, "out of memory");
        return;
    }
    self->call.body = cleat__buffer_slice(&self->upload);
    self->call.held = &self->upload;
    if (!self->is_gzip) {
        return;
    }
    self->call.held = &self->unpacked;
    cleat_status status =
        cleat__http_inflate(self->call.body, self->server->options.body_max, &self->unpacked);
    self->call.body = cleat__buffer_slice(&self->unpacked);
    if (status == CLEAT_TOO_LARGE) {
        cleat__http_call_refuse(&self->call, 413, "Request Entity Too Large");
    } else if (status != CLEAT_OK) {
        cleat__http_call_refuse(&self->call, (unsigned)cleat_status_http_code(status), "%s",
                                cleat_error_message());
    } else if (!charge(self, self->unpacked.size)) {
        refuse_full(self);
    }
}

/* Until the peer has taken it. */
static void charge_answer(exchange *self)
{
    cleat__http_answer *answer = &self->call.answer;
    if (answer->body.size > SMALL_ANSWER && !charge(self, answer->body.size)) {
        cleat__buffer_deinit(&answer->body);
        answer->status = 0;
        answer->is_packed = false;
        refuse_full(self);
    }
}

static void answer(exchange *self)
{
    const cleat__http_server *server = self->server;
    unpack(self);
    self->call.is_cut = &server->is_cut;
    self->call.deadline_ns = cleat__deadline_ns(server->options.work_timeout_ms);
    if (self->call.answer.status == 0) {
        self->call.route->handle(&self->call);
    }
    if (self->call.answer.status == 0) {
        cleat__http_call_refuse(&self->call, 500, "Internal Server Error");
    }
    cleat__buffer_deinit(&self->unpacked);
    discharge(self);
    if (self->accepts_gzip && self->call.answer.body.size >= SMALL_ANSWER) {
        cleat__http_answer_pack(&self->call.answer);
    }
    charge_answer(self);
}

void cleat__http_exchange_run(cleat__http_job *job, bool is_late)
{
    exchange *self = (exchange *)job;
    if (is_late) {
        cleat__http_call_refuse(&self->call, 503, "the server is stopping");
    } else {
        answer(self);
    }
    cleat__http_watch_restart(self->server->watch, watched(self->connection));
    MHD_resume_connection(self->connection);
}

/* The request is here as a whole. */
static enum MHD_Result go_to_work(exchange *self)
{
    cleat__http_server *server = self->server;
    if (self->call.answer.status == 0 && self->call.route->flags & CLEAT__HTTP_INLINE) {
        answer(self);
    }
    if (self->call.answer.status != 0) {
        return send_answer(self);
    }
    self->phase = AT_WORK;
    cleat__http_watch_pause(server->watch, watched(self->connection));
    MHD_suspend_connection(self->connection);
    if (!cleat__http_pool_add(server->pool, &self->job)) {
        cleat__http_exchange_run(&self->job, true);
    }
    return MHD_YES;
}

enum MHD_Result cleat__http_exchange_handle(void *server, struct MHD_Connection *connection, const char *url,
                                            const char *method, const char *version, const char *upload,
                                            size_t *upload_size, void **context)
{
    exchange *self = *context;
    (void)server, (void)connection, (void)url;
    if (self == NULL) {
        return MHD_NO; /* out of memory */
    }
    switch (self->phase) {
    case NEW: return take_headers(self, method, version);
    case AT_WORK: return send_answer(self);
    case SENT: *upload_size = 0; return MHD_YES;
    case BODY: break;
    }
    if (*upload_size == 0) {
        return go_to_work(self);
    }
    enum MHD_Result result = take_piece(self, upload, *upload_size);
    *upload_size = 0;
    return result;
}

/* ---- The end ---- */

static void count_request(const exchange *self)
{
    static const double seconds[] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};
    cleat__metrics *metrics = self->server->options.metrics;
    const char *route = self->call.route != NULL ? self->call.route->pattern : "other";
    const char *method = self->call.route != NULL ? self->call.route->method : "other";
    char code[12];
    snprintf(code, sizeof(code), "%u", self->call.answer.status);
    cleat__metric *metric = NULL;
    cleat__metrics_counter(metrics, "cleat_http_requests_total", "HTTP requests that were answered.",
                           CLEAT__METRIC_LABELS({"method", method}, {"route", route}, {"code", code}),
                           &metric);
    cleat__metric_add(metric, 1);
    cleat__metrics_histogram(metrics, "cleat_http_request_seconds",
                             "From the request line to the end of the answer.",
                             CLEAT__METRIC_LABELS({"method", method}, {"route", route}), seconds,
                             sizeof(seconds) / sizeof(seconds[0]), &metric);
    cleat__metric_observe(metric, (double)(cleat__clock_monotonic_ns(NULL) - self->begun_ns) / 1e9);
}

void cleat__http_exchange_end(void *argument, struct MHD_Connection *connection, void **context,
                              enum MHD_RequestTerminationCode code)
{
    cleat__http_server *server = argument;
    exchange *self = *context;
    if (self == NULL) {
        return;
    }
    if (self->phase == SENT) {
        count_request(self);
        cleat_http_request_set_status_code(&self->traced, (int)self->call.answer.status);
    }
    cleat_mhd_request_completed(&self->traced, code);
    cleat__http_watch_restart(server->watch, watched(connection));
    discharge(self);
    cleat__buffer_deinit(&self->unpacked);
    cleat__http_call_deinit(&self->call);
    cleat__free(self->uri);
    cleat__free(self->raw_uri);
    cleat__free(self);
    *context = NULL;
    pthread_mutex_lock(&server->mutex);
    if (--server->open == 0) {
        pthread_cond_broadcast(&server->all_answered);
    }
    pthread_mutex_unlock(&server->mutex);
}

void cleat__http_connection_notify(void *argument, struct MHD_Connection *connection, void **context,
                                   enum MHD_ConnectionNotificationCode code)
{
    cleat__http_server *server = argument;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        *context = info != NULL ? cleat__http_watch_add(server->watch, info->connect_fd) : NULL;
    } else if (*context != NULL) {
        cleat__http_watch_remove(server->watch, *context);
        *context = NULL;
    }
}
