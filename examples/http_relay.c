/*
 * A service that passes requests on, and its trace with them:
 *
 *     POST /test   [{"url": "http://host:port/path", "arguments": any JSON}, ...]
 *
 * POSTs each `arguments` to its `url`, one after the other, under the context that the request came
 * with, and answers what became of them. (The service that W3C's conformance test of trace context
 * asks for has this shape.)
 *
 *     http_relay --listen 127.0.0.1:8080     serves; spans go where OTEL_* say
 *     http_relay                             sends itself through itself, and checks the trace
 */
#include <cleat/microhttpd.h>
#include <cleat/trace.h>

#include <curl/curl.h>
#include <errno.h>
#include <jansson.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BODY_MAX = 1024 * 1024, ERROR_MAX = 256 };

static const char usage[] =
    "usage: http_relay [--listen HOST:PORT] [--help]\n"
    "\n"
    "Answers POST /test with a JSON array of {\"url\": ..., \"arguments\": ...} by POSTing each\n"
    "`arguments` to its `url`, in the trace that the request came with.\n"
    "  --listen HOST:PORT  serve until SIGINT or SIGTERM; port 0 takes a free one and says which\n"
    "  --help              this text\n"
    "Without arguments it sends a request through itself, shows the trace, and ends.\n"
    "The environment (OTEL_TRACES_EXPORTER, OTEL_EXPORTER_OTLP_ENDPOINT, ...) says where spans go.\n";

/* ---- Passing on ---- */

static size_t swallow(char *data, size_t size, size_t count, void *user_data)
{
    (void)data;
    (void)user_data;
    return size * count;
}

/* POSTs `text` as JSON. Answers the status code of the response; 0: none came, `error` says why. */
static long post(const char *url, const char *text, char error[CURL_ERROR_SIZE])
{
    long status_code = 0;
    CURL *easy = curl_easy_init();
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    error[0] = '\0';
    if (easy != NULL && headers != NULL) {
        curl_easy_setopt(easy, CURLOPT_URL, url);
        curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
        curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(easy, CURLOPT_TIMEOUT, 10L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, text);
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, swallow);
        curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error);
        int code =
            cleat_curl_easy_perform(easy, headers, CLEAT_CURL_OPTIONS(.method = "POST", .error_text = error));
        if (code == CURLE_OK) {
            curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status_code);
        } else if (error[0] == '\0') {
            snprintf(error, CURL_ERROR_SIZE, "%s", curl_easy_strerror((CURLcode)code));
        }
    } else {
        snprintf(error, CURL_ERROR_SIZE, "out of memory");
    }
    curl_easy_cleanup(easy);
    curl_slist_free_all(headers);
    return status_code;
}

/* What became of one target, as JSON. */
static json_t *pass_on(const json_t *target, bool *arrived)
{
    char error[CURL_ERROR_SIZE] = "out of memory";
    const char *url = json_string_value(json_object_get(target, "url"));
    char *text = json_dumps(json_object_get(target, "arguments"), JSON_COMPACT | JSON_ENCODE_ANY);
    long status_code = text != NULL ? post(url, text, error) : 0;
    free(text);
    *arrived = status_code != 0;
    return *arrived ? json_pack("{s:s, s:I}", "url", url, "status", (json_int_t)status_code)
                    : json_pack("{s:s, s:s}", "url", url, "error", error);
}

/* Whether `targets` is what POST /test takes; if not, `error` says where it is wrong. */
static bool are_targets(const json_t *targets, char error[ERROR_MAX])
{
    size_t index;
    json_t *target;
    if (!json_is_array(targets)) {
        snprintf(error, ERROR_MAX, "the body must be an array of {\"url\": ..., \"arguments\": ...}");
        return false;
    }
    json_array_foreach(targets, index, target)
    {
        if (!json_is_string(json_object_get(target, "url"))) {
            snprintf(error, ERROR_MAX, "item %zu: \"url\" must be a string", index);
            return false;
        }
        if (json_object_get(target, "arguments") == NULL) {
            snprintf(error, ERROR_MAX, "item %zu: \"arguments\" is missing", index);
            return false;
        }
    }
    return true;
}

/* Answers the status code of the response, whose body is `*answer`. */
static unsigned relay(const char *body, size_t size, json_t **answer)
{
    json_error_t where;
    size_t index;
    json_t *target;
    char error[ERROR_MAX];
    unsigned status_code = 200;
    json_t *targets = json_loadb(body, size, JSON_REJECT_DUPLICATES, &where);
    if (targets == NULL) {
        snprintf(error, sizeof(error), "the body is not JSON: line %d: %s", where.line, where.text);
    }
    if (targets == NULL || !are_targets(targets, error)) {
        json_decref(targets);
        *answer = json_pack("{s:s}", "error", error);
        return 400;
    }
    *answer = json_array();
    json_array_foreach(targets, index, target)
    {
        bool arrived;
        json_array_append_new(*answer, pass_on(target, &arrived));
        status_code = arrived ? status_code : 502;
    }
    json_decref(targets);
    return status_code;
}

/* ---- Serving ---- */

/* A request that is being answered: microhttpd.h shows how it goes. */
typedef struct exchange {
    cleat_http_request traced;
    char *body;
    size_t size;
    bool is_too_large;
} exchange;

static enum MHD_Result answer_json(struct MHD_Connection *connection, exchange *self, unsigned status_code,
                                   json_t *json)
{
    char *text = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    if (text == NULL) {
        return MHD_NO; /* no memory: closes the connection */
    }
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
    if (response == NULL) {
        free(text);
        return MHD_NO;
    }
    MHD_add_response_header(response, "Content-Type", "application/json");
    if (status_code == 405) {
        MHD_add_response_header(response, "Allow", "POST");
    }
    enum MHD_Result result = cleat_mhd_queue_response(connection, status_code, response, &self->traced);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result answer_error(struct MHD_Connection *connection, exchange *self, unsigned status_code,
                                    const char *error)
{
    return answer_json(connection, self, status_code, json_pack("{s:s}", "error", error));
}

static enum MHD_Result keep_body(exchange *self, const char *data, size_t *size)
{
    char *body = NULL;
    self->is_too_large = self->is_too_large || *size > BODY_MAX - self->size;
    if (!self->is_too_large) {
        body = realloc(self->body, self->size + *size);
        if (body == NULL) {
            return MHD_NO;
        }
        memcpy(body + self->size, data, *size);
        self->body = body;
        self->size += *size;
    }
    *size = 0;
    return MHD_YES;
}

static enum MHD_Result answer(struct MHD_Connection *connection, exchange *self, const char *url,
                              const char *method)
{
    if (strcmp(url, "/test") != 0) {
        return answer_error(connection, self, 404, "there is only POST /test");
    }
    if (strcmp(method, "POST") != 0) {
        return answer_error(connection, self, 405, "there is only POST /test");
    }
    if (self->is_too_large) {
        return answer_error(connection, self, 413, "the body is larger than 1 MiB");
    }
    json_t *json = NULL;
    cleat_scope scope = cleat_context_attach(self->traced.context);
    unsigned status_code = relay(self->body != NULL ? self->body : "", self->size, &json);
    cleat_scope_detach(scope);
    return answer_json(connection, self, status_code, json);
}

static enum MHD_Result handle(void *user_data, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **con_cls)
{
    exchange *self = *con_cls;
    (void)user_data;
    if (self == NULL) {
        self = calloc(1, sizeof(*self));
        if (self == NULL) {
            return MHD_NO;
        }
        *con_cls = self;
        const char *route = strcmp(url, "/test") == 0 ? "/test" : NULL;
        cleat_mhd_request_start(connection, method, url, version, CLEAT_HTTP_REQUEST_OPTIONS(.route = route),
                                &self->traced);
        return MHD_YES;
    }
    if (*upload_size != 0) {
        return keep_body(self, upload, upload_size);
    }
    return answer(connection, self, url, method);
}

static void completed(void *user_data, struct MHD_Connection *connection, void **con_cls,
                      enum MHD_RequestTerminationCode code)
{
    exchange *self = *con_cls;
    (void)user_data;
    (void)connection;
    if (self != NULL) {
        cleat_mhd_request_completed(&self->traced, code);
        free(self->body);
        free(self);
    }
}

/* NULL on failure, which has been told. A thread for each connection: a relay may call itself. */
static struct MHD_Daemon *serve(const char *host, const char *port, unsigned *bound)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *address = NULL;
    int failure = getaddrinfo(host, port, &hints, &address);
    if (failure != 0) {
        fprintf(stderr, "http_relay: %s:%s: %s\n", host, port, gai_strerror(failure));
        return NULL;
    }
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION;
    flags |= address->ai_family == AF_INET6 ? (unsigned)MHD_USE_IPv6 : 0u;
    errno = 0;
    struct MHD_Daemon *daemon = MHD_start_daemon(flags, 0, NULL, NULL, handle, NULL, MHD_OPTION_SOCK_ADDR,
                                                 address->ai_addr, MHD_OPTION_NOTIFY_COMPLETED, completed,
                                                 NULL, MHD_OPTION_CONNECTION_TIMEOUT, 30u, MHD_OPTION_END);
    if (daemon == NULL) {
        fprintf(stderr, "http_relay: cannot listen on %s:%s: %s\n", host, port, strerror(errno));
    } else {
        *bound = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
    }
    freeaddrinfo(address);
    return daemon;
}

/* "HOST:PORT" or "[HOST]:PORT", taken apart in place. */
static bool split_address(char *text, const char **host, const char **port)
{
    char *colon = strrchr(text, ':');
    if (colon == NULL || colon == text || colon[1] == '\0') {
        return false;
    }
    *colon = '\0';
    *port = colon + 1;
    if (text[0] == '[' && colon[-1] == ']') {
        colon[-1] = '\0';
        text++;
    }
    *host = text;
    return true;
}

static int listen_until_told(char *address)
{
    const char *host, *port;
    unsigned bound = 0;
    cleat_tracer_provider *provider = NULL;
    sigset_t signals;
    int received;
    if (!split_address(address, &host, &port)) {
        fprintf(stderr, "http_relay: --listen needs HOST:PORT, such as 127.0.0.1:8080\n");
        return 2;
    }
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL); /* before there are other threads */
    if (cleat_tracer_provider_from_environment(NULL, &provider) != CLEAT_OK) {
        fprintf(stderr, "http_relay: no tracing: %s\n", cleat_error_message());
    }
    cleat_tracer_provider_set_global(provider);
    struct MHD_Daemon *daemon = serve(host, port, &bound);
    if (daemon != NULL) {
        const char *format =
            strchr(host, ':') != NULL ? "listening on http://[%s]:%u\n" : "listening on http://%s:%u\n";
        printf(format, host, bound);
        fflush(stdout);
        sigwait(&signals, &received);
        MHD_stop_daemon(daemon);
    }
    cleat_tracer_provider_set_global(NULL);
    cleat_tracer_provider_free(provider); /* sends what is left */
    return daemon != NULL ? 0 : 1;
}

/* ---- Through itself ---- */

/* The span whose parent is `parent`, all zero for the root; false where there is none. */
static bool find_child(cleat_span_exporter *exporter, const cleat_span_id *parent, cleat_span_view *out)
{
    for (size_t i = 0; cleat_memory_exporter_at(exporter, i, out); i++) {
        if (memcmp(&out->parent_span_id, parent, sizeof(*parent)) == 0) {
            return true;
        }
    }
    return false;
}

/* Prints the chain of spans; answers how many of them are in one trace. */
static size_t show(cleat_span_exporter *exporter)
{
    size_t count = 0;
    cleat_span_view span;
    cleat_trace_id trace = {{0}};
    cleat_span_id parent = {{0}};
    while (find_child(exporter, &parent, &span)) {
        char hex[33];
        trace = count == 0 ? span.trace_id : trace;
        if (memcmp(&span.trace_id, &trace, sizeof(trace)) != 0) {
            break;
        }
        cleat_trace_id_to_hex(&span.trace_id, hex);
        printf("%s %*s%.*s\n", hex, (int)(2 * count), "", CLEAT_SLICE_ARGS(span.name));
        parent = span.span_id;
        count++;
    }
    return count;
}

/* A request that goes through the relay three times: six spans, each the parent of the next. */
static bool send_through(cleat_span_exporter *exporter)
{
    enum { HOPS = 3 };
    unsigned port = 0;
    char url[64], error[CURL_ERROR_SIZE], text[512];
    struct MHD_Daemon *daemon = serve("127.0.0.1", "0", &port);
    if (daemon == NULL) {
        return false;
    }
    snprintf(url, sizeof(url), "http://127.0.0.1:%u/test", port);
    snprintf(text, sizeof(text), "[{\"url\": \"%s\", \"arguments\": [{\"url\": \"%s\", \"arguments\": []}]}]",
             url, url);
    printf("POST %s %s\n", url, text);
    long status_code = post(url, text, error);
    long refused = post(url, "[{\"url\": 7}]", error);
    MHD_stop_daemon(daemon); /* waits: all spans have ended */

    printf("answered %ld, and %ld to what is not understood\n", status_code, refused);
    size_t count = show(exporter);
    if (status_code != 200 || refused != 400 || count != (size_t)2 * HOPS) {
        fprintf(stderr, "http_relay: expected 200, 400 and one trace of %d spans\n", 2 * HOPS);
        return false;
    }
    printf("one trace of %zu spans\n", count);
    return true;
}

static int try_itself(void)
{
    cleat_span_exporter *exporter = NULL;
    cleat_span_processor *processor = NULL;
    cleat_tracer_provider *provider = NULL;
    cleat_status status = cleat_tracer_provider_new(NULL, &provider);
    if (status == CLEAT_OK) {
        status = cleat_memory_exporter_new(&exporter);
    }
    if (status == CLEAT_OK) {
        status = cleat_simple_processor_new(exporter, &processor);
    }
    if (status == CLEAT_OK) {
        status = cleat_tracer_provider_add_processor(provider, processor);
    }
    bool is_right = false;
    if (status == CLEAT_OK) {
        cleat_tracer_provider_set_global(provider);
        is_right = send_through(exporter);
        cleat_tracer_provider_set_global(NULL);
    } else {
        fprintf(stderr, "http_relay: %s\n", cleat_error_message());
    }
    cleat_tracer_provider_free(provider);
    return is_right ? 0 : 1;
}

int main(int argc, char **argv)
{
    int status = 2;
    signal(SIGPIPE, SIG_IGN);
    curl_global_init(CURL_GLOBAL_DEFAULT); /* before there are threads */
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(usage, stdout);
        status = 0;
    } else if (argc == 3 && strcmp(argv[1], "--listen") == 0) {
        status = listen_until_told(argv[2]);
    } else if (argc == 1) {
        status = try_itself();
    } else {
        fputs(usage, stderr);
    }
    curl_global_cleanup();
    return status;
}
