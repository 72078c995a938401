#include "server.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/thread.h"
#include "collector/otlp_in.h"
#include "engine/retention.h"
#include "http_health.h"
#include "http_hooks.h"
#include "http_server.h"
#include "http_traces.h"
#include "listeners.h"
#include "metrics_engine.h"
#include "metrics_server.h"
#include "own_address.h"
#include "rate_limit.h"
#include "rest.h"
#include "run_selector.h"
#include "address.h"
#include "service.h"
#include "store/tenant.h"
#include "token.h"
#include "ui.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>

struct cleat__server {
    char *database;
    cleat__internal_traces *internal_traces; /* NULL: none */
    cleat__engine *engine;
    cleat__collector *collector;
    cleat__retention *retention;
    int64_t opened_ms;       /* Unix, before the engine was */
    cleat__forward *forward; /* NULL: none */
    cleat__otlp_in otlp;
    cleat__listeners *listeners;
    cleat__run_selector *selector;
    cleat__services services;
    cleat__tokens *tokens;         /* NULL: open */
    cleat__rate_limit *rate_limit; /* NULL: none */
    cleat__identity anonymous;
    cleat__metrics *metrics;
    cleat__metrics_engine *metrics_engine;
    cleat__metrics_server metrics_server; /* borrowed by the metrics */
    cleat__http_health health;
    cleat__rest *rest;
    cleat__http_hooks hooks;
    cleat__ui *ui;
    cleat__http_table tables[5]; /* borrowed by the HTTP server */
    cleat__http_server *http;
    cleat__rpc_server *rpc;
};

/* ---- Who may reach it ---- */

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        uint32_t ip = ntohl(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr);
        return ip >> 24 == 127;
    }
    return address->sa_family == AF_INET6 &&
           IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
}

static cleat_status check_loopback(const char *option, const char *host, const char *text)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    int code = getaddrinfo(host, NULL, &hints, &list);
    if (code != 0) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s: cannot listen on %s: %s", option, text,
                           gai_strerror(code));
    }
    bool is_local = true;
    for (const struct addrinfo *at = list; at != NULL && is_local; at = at->ai_next) {
        is_local = is_loopback(at->ai_addr);
    }
    freeaddrinfo(list);
    return is_local
               ? CLEAT_OK
               : cleat__fail(CLEAT_INVALID_ARGUMENT,
                             "%s: %s is not only for this machine, and without TLS everybody on the way "
                             "could read tokens: give a certificate and a key (--tls-cert, --tls-key), or "
                             "allow it (--plaintext-on-the-network)",
                             option, text);
}

static cleat_status check_address(const char *option, const char *text, bool is_for_all)
{
    cleat__address address;
    cleat_status status = cleat__address_parse(text, &address);
    if (status == CLEAT_INVALID_ARGUMENT) {
        return cleat__fail(status, "%s: %s", option, cleat_error_message());
    }
    if (status == CLEAT_OK && !is_for_all) {
        status = check_loopback(option, address.host, text);
    }
    cleat__free(address.host);
    return status;
}

static cleat_status check_addresses(const cleat__server_options *options, bool is_for_all)
{
    const char *port = strrchr(options->grpc_address, ':');
    cleat_status status = check_address("--grpc", options->grpc_address, is_for_all);
    if (status == CLEAT_OK) {
        status = check_address("--http", options->http_address, is_for_all);
    }
    if (status == CLEAT_OK && strcmp(options->grpc_address, options->http_address) == 0 &&
        strcmp(port, ":0") != 0) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT,
                           "--grpc and --http are both %s: each needs a port of its own",
                           options->grpc_address);
    }
    return status;
}

static cleat_status check_url(const char *option, const char *url)
{
    bool has_scheme = url == NULL || strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0;
    return has_scheme
               ? CLEAT_OK
               : cleat__fail(CLEAT_INVALID_ARGUMENT,
                             "%s must be such as https://otel.example.org:4318, not \"%s\"", option, url);
}

cleat_status cleat__server_options_check(const cleat__server_options *options)
{
    bool has_certificate = options->certificate_file != NULL, has_key = options->key_file != NULL;
    if (has_certificate != has_key) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT,
                           "TLS needs both a certificate and its key: --tls-cert, --tls-key");
    }
    if (options->client_authorities_file != NULL && !has_certificate) {
        return cleat__fail(
            CLEAT_INVALID_ARGUMENT,
            "an authority for clients (--tls-client-ca) needs TLS: give a certificate and its key");
    }
    cleat_status status = check_addresses(options, has_certificate || options->is_plaintext_public);
    if (status == CLEAT_OK) {
        status = check_url("--otlp-forward", options->otlp_forward);
    }
    return status == CLEAT_OK ? check_url("--internal-traces", options->internal_traces.url) : status;
}

static cleat_status authenticate(void *self, cleat_slice token, cleat__identity *out)
{
    const cleat__server *server = self;
    if (server->tokens == NULL) {
        *out = server->anonymous;
        return CLEAT_OK;
    }
    return cleat__tokens_check(server->tokens, token, out);
}

static cleat_status authenticate_again(void *self, const cleat__identity *identity)
{
    return cleat__tokens_check_again(((const cleat__server *)self)->tokens, identity);
}

static bool admit(void *self, const cleat__identity *identity, const char *path)
{
    return cleat__rate_limit_admit(((const cleat__server *)self)->rate_limit, &identity->token_id, path);
}

static cleat_status read_default_tenant(cleat__store *store, void *argument)
{
    cleat__identity *out = argument;
    cleat__tenant tenant;
    cleat_status status = cleat__tenant_get(store, CLEAT__TENANT_DEFAULT, &tenant);
    if (status == CLEAT_OK) {
        out->tenant = tenant.id;
        out->tenant_id = tenant.uuid;
    }
    return status;
}

/* ---- Its parts, in their order ---- */

static cleat_status start_engine(cleat__server *self, const cleat__server_options *options)
{
    cleat_status status = CLEAT_OK;
    if (options->internal_traces.url != NULL) {
        status = cleat__internal_traces_new(&options->internal_traces, &self->internal_traces);
    }
    /* As Hatchet's engine does: its workers begin no traces of their own. */
    const cleat__engine_options engine = {
        .path = self->database,
        .clock = options->clock,
        .tracer = cleat__internal_traces_tracer(self->internal_traces),
        .adds_trace = true,
    };
    self->opened_ms = cleat__clock_unix_ns(options->clock) / CLEAT__NS_PER_MS;
    if (status == CLEAT_OK) {
        status = cleat__engine_open(&engine, &self->engine);
    }
    return status == CLEAT_OK ? cleat__engine_call(self->engine, read_default_tenant, &self->anonymous)
                              : status;
}

static cleat_status start_forward(cleat__server *self, const cleat__server_options *options)
{
    cleat_otlp_header header = {NULL, NULL};
    bool has_header = options->otlp_forward_header != NULL;
    char *text = cleat__strdup(has_header ? options->otlp_forward_header : "");
    cleat_status status = text != NULL ? CLEAT_OK : cleat__fail_memory();
    if (status == CLEAT_OK && has_header) {
        status = cleat__forward_header_read(text, &header);
    }
    if (status == CLEAT_OK) {
        const cleat__forward_options forward = {.headers = &header, .header_count = has_header};
        status = cleat__forward_new(options->otlp_forward, &forward, &self->forward);
    }
    cleat__free(text);
    return status;
}

/* What the engine says of runs goes where their spans go. */
static void forward_added(void *argument, cleat__buffer *request)
{
    cleat__server *self = argument;
    cleat__otlp_received *received = NULL;
    if (cleat__otlp_received_new(request, NULL, &received) == CLEAT_OK) {
        cleat__forward_offer(self->forward, received);
    }
    cleat__otlp_received_release(received);
}

static cleat_status start_collector(cleat__server *self, const cleat__server_options *options)
{
    bool has_forward = options->otlp_forward != NULL;
    const cleat__collector_options collector = {.retention_ms = options->trace_retention_ms,
                                                .retention_bytes = options->trace_retention_bytes,
                                                .added = has_forward ? forward_added : NULL,
                                                .added_argument = self};
    cleat_status status = has_forward ? start_forward(self, options) : CLEAT_OK;
    if (status == CLEAT_OK) {
        status = cleat__collector_new(self->engine, &collector, &self->collector);
    }
    if (status == CLEAT_OK) {
        status = cleat__collector_start(self->collector);
    }
    self->otlp = (cleat__otlp_in){.collector = self->collector, .forward = self->forward};
    return status;
}

static cleat_status start_retention(cleat__server *self, const cleat__server_options *options)
{
    const cleat__retention_options retention = {.path = self->database,
                                                .age_ms = options->run_retention_ms,
                                                .max_bytes = options->run_retention_bytes,
                                                .opened_ms = self->opened_ms,
                                                .clock = options->clock};
    cleat_status status = cleat__retention_new(self->engine, &retention, &self->retention);
    return status == CLEAT_OK ? cleat__retention_start(self->retention) : status;
}

static cleat_status start_metrics(cleat__server *self)
{
    cleat_status status = cleat__listeners_new(&self->listeners);
    if (status == CLEAT_OK) {
        status = cleat__metrics_new(&self->metrics);
    }
    if (status == CLEAT_OK) {
        status =
            cleat__metrics_engine_new(self->metrics, self->engine, self->database, &self->metrics_engine);
    }
    if (status == CLEAT_OK) {
        self->metrics_server = (cleat__metrics_server){self->listeners, self->collector, self->forward};
        status = cleat__metrics_server_add(self->metrics, &self->metrics_server);
    }
    return status;
}

static cleat_status start_rest(cleat__server *self, const cleat__server_options *options)
{
    cleat_status status = start_metrics(self);
    if (status == CLEAT_OK && !options->is_open) {
        const cleat__tokens_options tokens = {.database = self->database, .url = options->url};
        status = cleat__tokens_new(&tokens, &self->tokens);
    }
    if (status == CLEAT_OK && options->rate_limit != 0) {
        status = cleat__rate_limit_new(options->rate_limit, NULL, &self->rate_limit);
    }
    if (status == CLEAT_OK) {
        const cleat__rest_options rest = {
            .engine = self->engine, .path = self->database, .rate_limit = self->rate_limit};
        status = cleat__rest_new(&rest, &self->rest);
    }
    if (status == CLEAT_OK) {
        const cleat__ui_options ui = {.engine = self->engine,
                                      .readers = cleat__rest_readers(self->rest),
                                      .needs_token = !options->is_open};
        status = cleat__ui_new(&ui, &self->ui);
    }
    return status;
}

static cleat_status start_http(cleat__server *self, const cleat__server_options *options)
{
    self->health.engine = self->engine;
    self->health.metrics = self->metrics;
    self->tables[0] = cleat__http_health_table(&self->health);
    self->tables[1] = cleat__http_traces_table(&self->otlp);
    self->tables[2] = cleat__rest_table(self->rest);
    self->hooks = (cleat__http_hooks){.engine = self->engine, .rate_limit = self->rate_limit};
    self->tables[3] = cleat__http_hooks_table(&self->hooks);
    self->tables[4] = cleat__ui_table(self->ui);
    const cleat__http_options http = {
        .address = options->http_address,
        .tls_cert = options->certificate_file,
        .tls_key = options->key_file,
        .tls_client_ca = options->client_authorities_file,
        .tables = self->tables,
        .table_count = sizeof(self->tables) / sizeof(self->tables[0]),
        .authenticate = authenticate,
        .authenticate_self = self,
        .is_open = options->is_open,
        .metrics = self->metrics,
        .tracer = cleat__internal_traces_tracer(self->internal_traces),
    };
    return cleat__http_server_start(&http, &self->http);
}

static cleat_status start_rpc(cleat__server *self, const cleat__server_options *options)
{
    cleat_status status = cleat__run_selector_start(self->database, &self->selector);
    if (status != CLEAT_OK) {
        return status;
    }
    self->services.selector = self->selector;
    self->services.engine = self->engine;
    self->services.listeners = self->listeners;
    self->services.otlp = &self->otlp;
    const cleat__rpc_service services[] = {
        cleat__service_admin(&self->services),     cleat__service_dispatcher(&self->services),
        cleat__service_durable(&self->services),   cleat__service_events(&self->services),
        cleat__service_listen(&self->services),    cleat__service_results(&self->services),
        cleat__service_signal(&self->services),    cleat__service_tasks(&self->services),
        cleat__service_traces(&self->services),    cleat__service_watch(&self->services),
        cleat__service_workflows(&self->services),
    };
    const cleat__rpc_options rpc = {
        .address = options->grpc_address,
        .certificate_file = options->certificate_file,
        .key_file = options->key_file,
        .client_authorities_file = options->client_authorities_file,
        .keepalive_ms = options->keepalive_ms,
        .keepalive_timeout_ms = options->keepalive_timeout_ms,
        .authenticate = options->is_open ? NULL : authenticate,
        .authenticate_data = self,
        .authenticate_again = options->is_open ? NULL : authenticate_again,
        .anonymous = self->anonymous,
        .admit = self->rate_limit != NULL ? admit : NULL,
        .admit_data = self,
        .services = services,
        .service_count = sizeof(services) / sizeof(services[0]),
        .tracer = cleat__internal_traces_tracer(self->internal_traces),
    };
    return cleat__rpc_server_start(&rpc, &self->rpc);
}

static cleat_status check_target(const cleat__server *self, const char *what, const char *url)
{
    if (url == NULL) {
        return CLEAT_OK;
    }
    cleat_status status = cleat__own_address_refuse(what, url, cleat__rpc_server_address(self->rpc));
    return status == CLEAT_OK ? cleat__own_address_refuse(what, url, cleat__http_server_address(self->http))
                              : status;
}

/* Only now are the ports known; nothing has been sent yet. */
static cleat_status check_targets(const cleat__server *self, const cleat__server_options *options)
{
    cleat_status status = check_target(self, "the spans", options->otlp_forward);
    return status == CLEAT_OK ? check_target(self, "the internal traces", options->internal_traces.url)
                              : status;
}

/* ---- The whole ---- */

cleat_status cleat__server_start(const cleat__server_options *options, cleat__server **out)
{
    *out = NULL;
    cleat_status status = cleat__server_options_check(options);
    cleat__server *self = status == CLEAT_OK ? cleat__calloc(1, sizeof(*self)) : NULL;
    if (self == NULL) {
        return status == CLEAT_OK ? cleat__fail_memory() : status;
    }
    cleat__services_init(&self->services);
    self->database = cleat__strdup(options->database);
    status = self->database != NULL ? start_engine(self, options) : cleat__fail_memory();
    if (status == CLEAT_OK) {
        status = start_collector(self, options);
    }
    if (status == CLEAT_OK) {
        status = start_retention(self, options);
    }
    if (status == CLEAT_OK) {
        status = start_rest(self, options);
    }
    if (status == CLEAT_OK) {
        status = start_http(self, options);
    }
    if (status == CLEAT_OK) {
        status = start_rpc(self, options);
    }
    if (status == CLEAT_OK) {
        status = check_targets(self, options);
    }
    if (status != CLEAT_OK) {
        char *sentence = cleat__strdup(cleat_error_message()); /* stopping may fail in its own ways */
        cleat__server_stop(self, 0);
        status = cleat__fail(status, "%s", sentence != NULL ? sentence : cleat_status_text(status));
        cleat__free(sentence);
        return status;
    }
    atomic_store(&self->health.phase, CLEAT__HTTP_SERVING);
    *out = self;
    return CLEAT_OK;
}

const char *cleat__server_grpc_address(const cleat__server *server)
{
    return cleat__rpc_server_address(server->rpc);
}

const char *cleat__server_http_address(const cleat__server *server)
{
    return cleat__http_server_address(server->http);
}

bool cleat__server_has_failed(const cleat__server *server)
{
    cleat__engine_stats stats;
    cleat__engine_get_stats(server->engine, &stats);
    return stats.failure != CLEAT_OK;
}

/* What is served comes to its end before the engine does, which answers it. */
static void stop_serving(cleat__server *self, int64_t deadline_ns)
{
    atomic_store(&self->health.phase, CLEAT__HTTP_STOPPING);
    if (self->http != NULL) { /* before gRPC takes its time */
        cleat__http_server_quiesce(self->http);
    }
    if (self->rpc != NULL) {
        cleat__rpc_server_stop(self->rpc, cleat__remaining_ms(deadline_ns));
    }
    if (self->http != NULL) {
        (void)cleat__http_server_stop(self->http, cleat__remaining_ms(deadline_ns));
    }
    cleat__services_wait(&self->services);
    cleat__run_selector_free(self->selector);
    if (self->collector != NULL) {
        (void)cleat__collector_stop(self->collector, cleat__remaining_ms(deadline_ns));
    }
    if (self->forward != NULL) {
        (void)cleat__forward_stop(self->forward, cleat__remaining_ms(deadline_ns));
    }
}

void cleat__server_stop(cleat__server *self, int64_t timeout_ms)
{
    if (self == NULL) {
        return;
    }
    int64_t deadline_ns = cleat__deadline_ns(timeout_ms);
    stop_serving(self, deadline_ns);
    cleat__http_server_free(self->http);
    cleat__ui_free(self->ui);
    cleat__rest_free(self->rest);
    cleat__metrics_engine_free(self->metrics_engine);
    cleat__retention_free(self->retention);
    cleat__collector_free(self->collector);
    cleat__forward_free(self->forward);
    cleat__engine_close(self->engine);
    cleat__rpc_server_free(self->rpc);
    cleat__internal_traces_free(self->internal_traces, cleat__remaining_ms(deadline_ns));
    cleat__listeners_free(self->listeners);
    cleat__metrics_free(self->metrics);
    cleat__tokens_free(self->tokens);
    cleat__rate_limit_free(self->rate_limit);
    cleat__services_deinit(&self->services);
    cleat__free(self->database);
    cleat__free(self);
}
