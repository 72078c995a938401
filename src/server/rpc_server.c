#include "rpc_parts.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/options.h"
#include "grpc/credentials.h"
#include "grpc/library.h"

#include <grpc/grpc_security.h>
#include <limits.h>
#include <stdlib.h>

enum {
    DEFAULT_MESSAGE_SIZE = 4 << 20,
    DEFAULT_QUEUED_SIZE = 4 << 20,
    DEFAULT_MEMORY = 256 << 20,
    DEFAULT_THREADS = 2,
    DEFAULT_UNARY_CALLS = 10000,
    DEFAULT_AGAIN_MS = 5000,
    DEFAULT_REQUEST_MS = 60000,
    DEFAULT_STALL_MS = 25000,
    MOST_THREADS = 64,
    /* Clients ping every 10 s, also without calls; those that do more often than every 5 s are sent away. */
    LEAST_PING_INTERVAL_MS = 5000,
    /* A peer that is idle is asked whether it is there. */
    KEEPALIVE_TIME_MS = 30000,
    KEEPALIVE_TIMEOUT_MS = 20000,
    /* A connection that does not say what it wants. */
    HANDSHAKE_TIMEOUT_MS = 20000,
    MOST_STREAMS = 2000, /* per connection */
    /* For calls to take their status when the time to stop in is over. */
    FAREWELL_MS = 500,
};

/* ---- The table ---- */

static cleat_status check_method(const cleat__rpc_method *method)
{
    bool has_handler = method->request != NULL ? method->handle != NULL : method->handle_bytes != NULL;
    bool is_stream = method->kind != CLEAT__RPC_UNARY;
    if (method->path == NULL || method->path[0] != '/' || !has_handler ||
        (is_stream && method->cancelled == NULL) ||
        (method->kind == CLEAT__RPC_BIDI_STREAM && method->open == NULL)) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "the method %s lacks a callback that its kind needs",
                           method->path != NULL ? method->path : "without a path");
    }
    return CLEAT_OK;
}

static int compare_routes(const void *a, const void *b)
{
    return strcmp(((const cleat__rpc_route *)a)->method->path, ((const cleat__rpc_route *)b)->method->path);
}

static cleat_status make_routes(cleat__rpc_server *server, const cleat__rpc_options *options)
{
    size_t count = 0;
    for (size_t i = 0; i < options->service_count; i++) {
        count += options->services[i].method_count;
    }
    server->routes = cleat__calloc(count + 1, sizeof(*server->routes));
    if (server->routes == NULL) {
        return cleat__fail_memory();
    }
    for (size_t i = 0; i < options->service_count; i++) {
        const cleat__rpc_service *service = &options->services[i];
        for (size_t j = 0; j < service->method_count; j++) {
            cleat_status status = check_method(&service->methods[j]);
            if (status != CLEAT_OK) {
                return status;
            }
            server->routes[server->route_count++] =
                (cleat__rpc_route){&service->methods[j], service->service};
        }
    }
    qsort(server->routes, count, sizeof(*server->routes), compare_routes);
    for (size_t i = 1; i < count; i++) {
        if (compare_routes(&server->routes[i - 1], &server->routes[i]) == 0) {
            return cleat__fail(CLEAT_INVALID_ARGUMENT, "the method %s is there twice",
                               server->routes[i].method->path);
        }
    }
    return CLEAT_OK;
}

/* ---- Making it ---- */

static cleat__rpc_server *new_server(const cleat__rpc_options *options)
{
    cleat__rpc_server *server = cleat__calloc(1, sizeof(*server));
    unsigned threads = options->thread_count != 0 ? options->thread_count : DEFAULT_THREADS;
    threads = threads < MOST_THREADS ? threads : MOST_THREADS;
    if (server == NULL) {
        return NULL;
    }
    server->references = 1;
    pthread_mutex_init(&server->mutex, NULL);
    cleat__cond_init(&server->changed);
    cleat__cond_init(&server->audit_wake);
    server->max_message_size =
        options->max_message_size != 0 ? options->max_message_size : DEFAULT_MESSAGE_SIZE;
    server->max_queued_size = options->max_queued_size != 0 ? options->max_queued_size : DEFAULT_QUEUED_SIZE;
    server->max_memory = options->max_memory != 0 ? options->max_memory : DEFAULT_MEMORY;
    server->max_unary_calls = options->max_unary_calls != 0 ? options->max_unary_calls : DEFAULT_UNARY_CALLS;
    server->authenticate = options->authenticate;
    server->authenticate_data = options->authenticate_data;
    server->authenticate_again = options->authenticate_again;
    server->again_ms = options->again_ms != 0 ? options->again_ms : DEFAULT_AGAIN_MS;
    server->request_ns =
        (options->request_ms != 0 ? options->request_ms : DEFAULT_REQUEST_MS) * CLEAT__NS_PER_MS;
    server->stall_ns = (options->stall_ms != 0 ? options->stall_ms : DEFAULT_STALL_MS) * CLEAT__NS_PER_MS;
    server->anonymous = options->anonymous;
    server->admit = options->admit;
    server->admit_data = options->admit_data;
    server->tracer = options->tracer;
    server->state = CLEAT__RPC_STOPPED;
    server->threads = cleat__calloc(threads, sizeof(*server->threads));
    if (server->threads == NULL) {
        cleat__rpc_server_release(server);
        return NULL;
    }
    return server;
}

void cleat__rpc_server_release(cleat__rpc_server *server)
{
    if (atomic_fetch_sub_explicit(&server->references, 1, memory_order_acq_rel) != 1) {
        return;
    }
    pthread_mutex_destroy(&server->mutex);
    pthread_cond_destroy(&server->changed);
    pthread_cond_destroy(&server->audit_wake);
    cleat__map_deinit(&server->places); /* no call has one any more */
    cleat__free(server->threads);
    cleat__free(server->routes);
    cleat__free(server->address);
    cleat__free(server);
}

static grpc_arg integer_argument(const char *key, int value)
{
    return (grpc_arg){.type = GRPC_ARG_INTEGER, .key = (char *)(uintptr_t)key, .value.integer = value};
}

static int given_or(int value, int otherwise)
{
    return value != 0 ? value : otherwise;
}

static cleat_status make_grpc_server(cleat__rpc_server *server, const cleat__rpc_options *options)
{
    size_t limit = server->max_message_size;
    grpc_arg arguments[] = {
        integer_argument(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, limit < INT_MAX ? (int)limit : INT_MAX),
        integer_argument(GRPC_ARG_MAX_SEND_MESSAGE_LENGTH, -1),         /* looked at before */
        integer_argument(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0), /* rpc_message.c */
        integer_argument(GRPC_ARG_ALLOW_REUSEPORT, 0), /* else two servers would share a port unnoticed */
        integer_argument(GRPC_ARG_MAX_CONCURRENT_STREAMS, MOST_STREAMS),
        integer_argument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1),
        integer_argument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, LEAST_PING_INTERVAL_MS),
        integer_argument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0),
        integer_argument(GRPC_ARG_KEEPALIVE_TIME_MS, given_or(options->keepalive_ms, KEEPALIVE_TIME_MS)),
        integer_argument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS,
                         given_or(options->keepalive_timeout_ms, KEEPALIVE_TIMEOUT_MS)),
        integer_argument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, HANDSHAKE_TIMEOUT_MS),
    };
    grpc_channel_args all = {sizeof(arguments) / sizeof(arguments[0]), arguments};
    server->server = grpc_server_create(&all, NULL);
    return server->server != NULL ? CLEAT_OK : cleat__fail(CLEAT_NO_MEMORY, "gRPC makes no server");
}

/* ---- Listening ---- */

static cleat_status read_pem(const cleat__rpc_options *options, cleat__pem *out)
{
    *out = (cleat__pem){0};
    if ((options->certificate_file != NULL) != (options->key_file != NULL)) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "TLS needs a certificate and its key: there is no %s",
                           options->key_file != NULL ? "certificate" : "key");
    }
    if (options->client_authorities_file != NULL && options->certificate_file == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT,
                           "an authority for clients (%s) needs a certificate and a key of the server",
                           options->client_authorities_file);
    }
    return cleat__pem_read(out, options->client_authorities_file, options->certificate_file,
                           options->key_file);
}

/* gRPC says only that it cannot listen. */
static cleat_status explain(const cleat__rpc_options *options, const cleat__address *address)
{
    cleat_status status = cleat__address_probe(address, options->address);
    if (status != CLEAT_OK) {
        return status;
    }
    if (options->certificate_file == NULL) {
        return cleat__fail(CLEAT_UNAVAILABLE, "gRPC cannot listen on %s", options->address);
    }
    const char *authorities = options->client_authorities_file;
    return cleat__fail(
        CLEAT_INVALID_ARGUMENT,
        "gRPC does not accept the certificate %s with the key %s%s%s: is one damaged, or the key "
        "that of another certificate?",
        options->certificate_file, options->key_file, authorities != NULL ? " and the authorities " : "",
        authorities != NULL ? authorities : "");
}

static cleat_status listen_on(cleat__rpc_server *server, const cleat__rpc_options *options,
                              const cleat__address *address, const cleat__pem *pem)
{
    char *text = cleat__address_format(address, address->port);
    if (text == NULL) {
        return cleat__fail_memory();
    }
    grpc_server_credentials *credentials = cleat__grpc_server_credentials(pem);
    if (credentials != NULL) {
        server->port = grpc_server_add_http2_port(server->server, text, credentials);
        grpc_server_credentials_release(credentials);
    }
    cleat__free(text);
    if (server->port <= 0) {
        return explain(options, address);
    }
    server->address = cleat__address_format(address, server->port);
    return server->address != NULL ? CLEAT_OK : cleat__fail_memory();
}

static cleat_status open_port(cleat__rpc_server *server, const cleat__rpc_options *options)
{
    cleat__address address;
    cleat__pem pem;
    cleat_status status = cleat__address_parse(options->address, &address);
    if (status == CLEAT_OK) {
        status = read_pem(options, &pem);
        if (status == CLEAT_OK) {
            status = listen_on(server, options, &address, &pem);
            cleat__pem_deinit(&pem);
        }
    }
    cleat__free(address.host);
    return status;
}

/* ---- Start ---- */

static void at_end(void *user_data)
{
    (void)user_data;
}

static cleat_status start_threads(cleat__rpc_server *server, unsigned count)
{
    cleat_status status = CLEAT_OK;
    for (unsigned i = 0; i < count && status == CLEAT_OK; i++) {
        cleat__completion_thread *thread = &server->threads[i].completion;
        thread->at_end = at_end;
        status = cleat__completion_thread_start(thread, "cleat-rpc");
        if (status == CLEAT_OK) {
            server->thread_count++;
            grpc_server_register_completion_queue(server->server, thread->queue, NULL);
        }
    }
    return status;
}

/* From here on there is something to stop. */
static cleat_status serve(cleat__rpc_server *server)
{
    cleat_status status = CLEAT_OK;
    server->state = CLEAT__RPC_SERVING;
    grpc_server_start(server->server);
    for (unsigned i = 0; i < server->thread_count && status == CLEAT_OK; i++) {
        status = cleat__rpc_slots_start(server, &server->threads[i]);
    }
    return status == CLEAT_OK ? cleat__rpc_audit_start(server) : status;
}

static void end_threads(cleat__rpc_server *server)
{
    for (unsigned i = 0; i < server->thread_count; i++) {
        cleat__completion_thread_close(&server->threads[i].completion);
    }
    for (unsigned i = 0; i < server->thread_count; i++) {
        pthread_join(server->threads[i].completion.thread, NULL);
        cleat__free(server->threads[i].slots);
        server->threads[i].slots = NULL;
    }
}

/* Undoes a start that failed before it served. gRPC wants its server shut down all the same. */
static void give_up(cleat__rpc_server *server)
{
    if (server->server != NULL) {
        grpc_completion_queue *queue = grpc_completion_queue_create_for_pluck(NULL);
        grpc_server_shutdown_and_notify(server->server, queue, NULL);
        (void)grpc_completion_queue_pluck(queue, NULL, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
        grpc_completion_queue_shutdown(queue);
        (void)grpc_completion_queue_pluck(queue, NULL, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
        grpc_completion_queue_destroy(queue);
    }
    end_threads(server);
    if (server->server != NULL) {
        grpc_server_destroy(server->server);
    }
    cleat__grpc_end();
}

cleat_status cleat__rpc_server_start(const cleat__rpc_options *options, cleat__rpc_server **out)
{
    cleat_status status = cleat__grpc_begin();
    *out = NULL;
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__rpc_server *server = new_server(options);
    if (server == NULL) {
        cleat__grpc_end();
        return cleat__fail_memory();
    }
    status = make_routes(server, options);
    if (status == CLEAT_OK) {
        status = make_grpc_server(server, options);
    }
    if (status == CLEAT_OK) {
        unsigned count = options->thread_count != 0 ? options->thread_count : DEFAULT_THREADS;
        status = start_threads(server, count < MOST_THREADS ? count : MOST_THREADS);
    }
    if (status == CLEAT_OK) {
        status = open_port(server, options);
    }
    if (status != CLEAT_OK) {
        give_up(server);
        cleat__rpc_server_release(server);
        return status;
    }
    status = serve(server);
    if (status != CLEAT_OK) {
        cleat__rpc_server_free(server);
        return status;
    }
    *out = server;
    return CLEAT_OK;
}

const char *cleat__rpc_server_address(const cleat__rpc_server *server)
{
    return server->address;
}

/* ---- Stop ---- */

static void on_shut_down(cleat__completion *self, bool is_ok)
{
    cleat__rpc_server *server =
        (cleat__rpc_server *)((char *)self - offsetof(cleat__rpc_server, shutdown_done));
    (void)is_ok;
    pthread_mutex_lock(&server->mutex);
    server->is_shut_down = true;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->mutex);
}

/* The mutex is held. */
static bool wait_for_calls(cleat__rpc_server *server, int64_t deadline_ns)
{
    bool is_in_time = true;
    while (is_in_time && server->active != 0) {
        is_in_time = cleat__cond_wait_until(&server->changed, &server->mutex, deadline_ns);
    }
    return server->active == 0;
}

/* The mutex is held. Calls only leave the list in completions, which need the mutex for that. */
static void tell_calls(cleat__rpc_server *server, bool streams_only)
{
    for (cleat__rpc_call *call = server->calls; call != NULL; call = call->next) {
        if (!streams_only || (call->method != NULL && call->method->kind != CLEAT__RPC_UNARY)) {
            cleat__rpc_call_turn_away(call, GRPC_STATUS_UNAVAILABLE, "the server stops");
        }
    }
}

static void cut_calls(cleat__rpc_server *server)
{
    for (cleat__rpc_call *call = server->calls; call != NULL; call = call->next) {
        cleat__rpc_call_cut(call, "the server stops");
    }
}

/* The mutex is held. A peer that reads learns why its call ends; one that does not is cut off. */
static void end_calls(cleat__rpc_server *server, int64_t deadline_ns)
{
    tell_calls(server, true);
    if (!wait_for_calls(server, deadline_ns)) {
        tell_calls(server, false);
        if (!wait_for_calls(server, cleat__deadline_ns(FAREWELL_MS))) {
            cut_calls(server);
            (void)wait_for_calls(server, INT64_MAX);
        }
    }
}

/* The mutex is held. gRPC itself would end calls that come meanwhile with CANCELLED, which tells clients not to
 * try again; so it only learns of the end when there is nothing to wait for. */
static void end_grpc_server(cleat__rpc_server *server)
{
    server->shutdown_done.run = on_shut_down;
    grpc_server_shutdown_and_notify(server->server, server->threads[0].completion.queue,
                                    cleat__completion_tag(&server->shutdown_done));
    while (server->slot_count != 0) {
        pthread_cond_wait(&server->changed, &server->mutex);
    }
    /* Connections without a call too, and those that did not get as far as to have one. */
    grpc_server_cancel_all_calls(server->server);
    while (!server->is_shut_down || server->calls != NULL) {
        pthread_cond_wait(&server->changed, &server->mutex);
    }
}

void cleat__rpc_server_stop(cleat__rpc_server *server, int64_t timeout_ms)
{
    int64_t deadline_ns = cleat__deadline_ns(timeout_ms);
    pthread_mutex_lock(&server->mutex);
    if (server->state == CLEAT__RPC_SERVING) {
        server->state = CLEAT__RPC_STOPPING;
        pthread_cond_signal(&server->audit_wake);
        end_calls(server, deadline_ns);
        end_grpc_server(server);
        pthread_mutex_unlock(&server->mutex);
        cleat__rpc_audit_join(server);
        end_threads(server);
        grpc_server_destroy(server->server);
        cleat__grpc_end();
        pthread_mutex_lock(&server->mutex);
        server->state = CLEAT__RPC_STOPPED;
        pthread_cond_broadcast(&server->changed);
    }
    while (server->state == CLEAT__RPC_STOPPING) { /* another thread stops it */
        pthread_cond_wait(&server->changed, &server->mutex);
    }
    pthread_mutex_unlock(&server->mutex);
}

void cleat__rpc_server_free(cleat__rpc_server *server)
{
    if (server != NULL) {
        cleat__rpc_server_stop(server, 0);
        cleat__rpc_server_release(server);
    }
}
