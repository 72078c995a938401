#define _GNU_SOURCE
#include "http_server.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "http_exchange.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEADERS_MAX = 32 * 1024 };

/* ---- Start ---- */

static void fill_in(cleat__http_options *options)
{
    options->threads = options->threads != 0 ? options->threads : 8;
    options->connections_max = options->connections_max != 0 ? options->connections_max : 4096;
    options->body_max = options->body_max != 0 ? options->body_max : (size_t)16 * 1024 * 1024;
    options->bodies_max = options->bodies_max != 0 ? options->bodies_max : (size_t)256 * 1024 * 1024;
    options->work_timeout_ms = options->work_timeout_ms != 0 ? options->work_timeout_ms : 30000;
    options->request_timeout_ms = options->request_timeout_ms != 0 ? options->request_timeout_ms : 90000;
    options->idle_timeout_s = options->idle_timeout_s != 0 ? options->idle_timeout_s : 60;
}

static cleat_status read_files(cleat__http_server *server)
{
    const cleat__http_options *options = &server->options;
    if ((options->tls_cert == NULL) != (options->tls_key == NULL) ||
        (options->tls_client_ca != NULL && options->tls_cert == NULL)) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "TLS needs a certificate and its key");
    }
    return cleat__pem_read(&server->pem, options->tls_client_ca, options->tls_cert, options->tls_key);
}

/* What libmicrohttpd has to say. */
static void take_complaint(void *self, const char *format, va_list arguments)
{
    static cleat__log_site site;
    cleat__http_server *server = self;
    char text[160];
    vsnprintf(text, sizeof(text), format, arguments);
    text[strcspn(text, "\n")] = '\0';
    if (!atomic_load(&server->has_started)) {
        pthread_mutex_lock(&server->mutex);
        snprintf(server->start_error, sizeof(server->start_error), "%s", text);
        pthread_mutex_unlock(&server->mutex);
    }
    cleat__log_limited(&site, CLEAT_LOG_DEBUG, "HTTP: %s", text);
}

/* libmicrohttpd does not say which file it does not like. */
static cleat_status explain(const cleat__http_server *server)
{
    const cleat__http_options *options = &server->options;
    if (server->pem.certificate == NULL) {
        return cleat__fail(CLEAT_RESOURCE_EXHAUSTED, "the HTTP server does not start: %s",
                           server->start_error);
    }
    bool has_authority = options->tls_client_ca != NULL;
    return cleat__fail(
        CLEAT_INVALID_ARGUMENT,
        "TLS cannot use the certificate %s with the key %s%s%s: is one damaged, or the key that "
        "of another certificate? (%s)",
        options->tls_cert, options->tls_key, has_authority ? " and the authorities " : "",
        has_authority ? options->tls_client_ca : "", server->start_error);
}

static cleat_status start_daemon(cleat__http_server *server)
{
    const cleat__http_options *options = &server->options;
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, server->pem.certificate},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, server->pem.key},
        {server->pem.authorities != NULL ? MHD_OPTION_HTTPS_MEM_TRUST : MHD_OPTION_END, 0,
         server->pem.authorities},
        {MHD_OPTION_END, 0, NULL},
    };
    if (server->pem.certificate == NULL) {
        tls[0].option = MHD_OPTION_END;
    }
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ERROR_LOG | MHD_ALLOW_SUSPEND_RESUME |
                     (server->pem.certificate != NULL ? MHD_USE_TLS : 0);
    struct MHD_Daemon *daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, cleat__http_exchange_handle, server, MHD_OPTION_EXTERNAL_LOGGER, take_complaint,
        server, MHD_OPTION_LISTEN_SOCKET, server->listener, MHD_OPTION_URI_LOG_CALLBACK,
        cleat__http_exchange_begin, server, MHD_OPTION_NOTIFY_COMPLETED, cleat__http_exchange_end, server,
        MHD_OPTION_NOTIFY_CONNECTION, cleat__http_connection_notify, server, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)options->connections_max, MHD_OPTION_CONNECTION_TIMEOUT, options->idle_timeout_s,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEADERS_MAX, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
    if (daemon == NULL) {
        return explain(server);
    }
    atomic_store(&server->has_started, true);
    server->daemon = daemon;
    return CLEAT_OK;
}

cleat_status cleat__http_server_start(const cleat__http_options *options, cleat__http_server **out)
{
    *out = NULL;
    cleat__http_server *server = cleat__calloc(1, sizeof(*server));
    if (server == NULL) {
        return cleat__fail_memory();
    }
    server->options = *options;
    server->listener = -1;
    fill_in(&server->options);
    pthread_mutex_init(&server->mutex, NULL);
    cleat__cond_init(&server->all_answered);
    server->configured = cleat__strdup(options->address);
    cleat_status status = server->configured != NULL ? read_files(server) : cleat__fail_memory();
    if (status == CLEAT_OK) {
        status = cleat__http_listen(options->address, &server->listener, server->address);
    }
    if (status == CLEAT_OK) {
        status = cleat__http_watch_start(server->options.request_timeout_ms, &server->watch);
    }
    if (status == CLEAT_OK) {
        status = cleat__http_pool_start(server->options.threads, cleat__http_exchange_run, &server->pool);
    }
    if (status == CLEAT_OK) {
        status = start_daemon(server);
    }
    if (status != CLEAT_OK) {
        cleat__http_server_free(server);
        return status;
    }
    *out = server;
    return CLEAT_OK;
}

const char *cleat__http_server_address(const cleat__http_server *server)
{
    return server->address;
}

/* ---- Stop ---- */

/* True: everything that had begun is answered. */
static bool wait_for_answers(cleat__http_server *server, int64_t deadline_ns)
{
    pthread_mutex_lock(&server->mutex);
    while (server->open != 0 && cleat__cond_wait_until(&server->all_answered, &server->mutex, deadline_ns)) {
    }
    bool is_done = server->open == 0;
    pthread_mutex_unlock(&server->mutex);
    return is_done;
}

void cleat__http_server_quiesce(cleat__http_server *server)
{
    pthread_mutex_lock(&server->mutex);
    bool is_first = !server->is_stopping;
    server->is_stopping = true;
    pthread_mutex_unlock(&server->mutex);
    if (is_first) {
        MHD_quiesce_daemon(server->daemon);
        shutdown(server->listener, SHUT_RDWR); /* the daemon's thread may be looking at it: closed later */
    }
}

cleat_status cleat__http_server_stop(cleat__http_server *server, int64_t timeout_ms)
{
    if (server->daemon == NULL) {
        return CLEAT_OK;
    }
    cleat__http_server_quiesce(server);
    bool is_done = wait_for_answers(server, cleat__deadline_ns(timeout_ms));
    atomic_store(&server->is_cut, true);
    cleat__http_pool_stop(server->pool); /* no connection may sleep when the daemon ends */
    MHD_stop_daemon(server->daemon);
    server->daemon = NULL;
    close(server->listener);
    server->listener = -1;
    return is_done ? CLEAT_OK
                   : cleat__fail(CLEAT_TIMEOUT, "requests were still open when the HTTP server stopped");
}

void cleat__http_server_free(cleat__http_server *server)
{
    if (server == NULL) {
        return;
    }
    if (server->pool != NULL && !atomic_load(&server->has_started)) {
        cleat__http_pool_stop(server->pool); /* it never served */
    }
    cleat__http_server_stop(server, 0);
    cleat__http_pool_free(server->pool);
    cleat__http_watch_stop(server->watch);
    if (server->listener >= 0) {
        close(server->listener);
    }
    cleat__pem_deinit(&server->pem);
    cleat__free(server->configured);
    pthread_cond_destroy(&server->all_answered);
    pthread_mutex_destroy(&server->mutex);
    cleat__free(server);
}
