/* Requests of libcurl to a server of libmicrohttpd, both real, over the loopback interface. */
#include "http_test.h"

#include <cleat/microhttpd.h>

typedef struct traced_server {
    struct MHD_Daemon *daemon; /* NULL when stopped */
    unsigned port;
    test_sdk sdk;
    CURL *easy;
    cleat_http_request_options options;
    /* What the handler saw of the last request; read after the server has stopped. */
    size_t calls;
    size_t body_size;
    cleat_span_context active;
    char seen_user[32]; /* of the baggage */
} traced_server;

typedef struct exchange {
    cleat_http_request traced;
    size_t calls;
    size_t body_size;
} exchange;

static unsigned status_of(const char *url)
{
    return strncmp(url, "/status/", 8) == 0 ? (unsigned)strtoul(url + 8, NULL, 10) : 200;
}

static enum MHD_Result reply(traced_server *server, exchange *self, struct MHD_Connection *connection,
                             const char *url)
{
    const cleat_context *current = cleat_context_current();
    cleat_slice user = cleat_baggage_get(cleat_context_get_baggage(current), "user");
    snprintf(server->seen_user, sizeof(server->seen_user), "%.*s", CLEAT_SLICE_ARGS(user));
    cleat_span_context_copy(&server->active, cleat_context_span_context(current));
    server->calls = self->calls;
    server->body_size = self->body_size;
    if (status_of(url) != 200) {
        cleat_http_request_set_route(&self->traced, "/status/{code}");
    }
    struct MHD_Response *response =
        MHD_create_response_from_buffer(6, (void *)"hello\n", MHD_RESPMEM_PERSISTENT);
    enum MHD_Result result = cleat_mhd_queue_response(connection, status_of(url), response, &self->traced);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result handle(void *cls, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **con_cls)
{
    traced_server *server = cls;
    exchange *self = *con_cls;
    (void)upload;
    if (self == NULL) {
        self = calloc(1, sizeof(*self));
        if (self == NULL) {
            return MHD_NO;
        }
        *con_cls = self;
        cleat_mhd_request_start(connection, method, url, version, &server->options, &self->traced);
    }
    self->calls++;
    if (strcmp(url, "/drop") == 0) {
        return MHD_NO;
    }
    if (self->calls == 1) {
        return MHD_YES;
    }
    if (*upload_size != 0) {
        self->body_size += *upload_size;
        *upload_size = 0;
        return MHD_YES;
    }
    cleat_scope scope = cleat_context_attach(self->traced.context);
    enum MHD_Result result = reply(server, self, connection, url);
    cleat_scope_detach(scope);
    return result;
}

static void completed(void *cls, struct MHD_Connection *connection, void **con_cls,
                      enum MHD_RequestTerminationCode code)
{
    exchange *self = *con_cls;
    (void)cls, (void)connection;
    if (self != NULL) {
        cleat_mhd_request_completed(&self->traced, code);
        free(self);
    }
}

static int set_up(void **state)
{
    static traced_server self;
    memset(&self, 0, sizeof(self));
    http_sdk_start(&self.sdk);
    self.options.tracer = self.sdk.tracer;
    self.daemon = daemon_start(handle, &self, completed, &self, &self.port);
    self.easy = easy_new(self.port, "/");
    *state = &self;
    return 0;
}

/* Waits for the server's threads: all its spans have ended then. */
static void stop(traced_server *self)
{
    if (self->daemon != NULL) {
        MHD_stop_daemon(self->daemon);
        self->daemon = NULL;
    }
}

static int tear_down(void **state)
{
    traced_server *self = *state;
    curl_easy_cleanup(self->easy);
    stop(self);
    sdk_stop(&self->sdk);
    return 0;
}

/* One request with these header lines (the last is NULL), and the span that the server made of it. */
static cleat_span_view requested(traced_server *self, const char *path, const char *const *lines)
{
    char url[200];
    struct curl_slist *headers = NULL;
    snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", self->port, path);
    curl_easy_setopt(self->easy, CURLOPT_URL, url);
    for (; lines != NULL && *lines != NULL; lines++) {
        headers = curl_slist_append(headers, *lines);
    }
    curl_easy_setopt(self->easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_perform(self->easy);
    curl_easy_setopt(self->easy, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);
    stop(self);
    return sdk_last(&self->sdk);
}

#define REQUESTED(self, path, ...) requested(self, path, (const char *const[]){__VA_ARGS__, NULL})

static void test_a_request_has_a_span(void **state)
{
    traced_server *self = *state;
    cleat_span_view span = REQUESTED(self, "/a%20b/c?x=1%202&sig=secret&flag", "User-Agent: mine/1");
    assert_slice(span.name, "GET");
    assert_int_equal(span.kind, CLEAT_SPAN_KIND_SERVER);
    assert_int_equal(span.status, CLEAT_SPAN_STATUS_UNSET);
    assert_false(cleat_span_id_is_valid(&span.parent_span_id));
    assert_string_attribute(&span, "http.request.method", "GET");
    assert_string_attribute(&span, "url.path", "/a b/c");
    assert_string_attribute(&span, "url.query", "x=1%202&sig=REDACTED&flag");
    assert_string_attribute(&span, "url.scheme", "http");
    assert_string_attribute(&span, "server.address", "127.0.0.1");
    assert_int_attribute(&span, "server.port", self->port);
    assert_string_attribute(&span, "client.address", "127.0.0.1");
    assert_true(value_of(&span, "network.peer.port").as.integer > 0);
    assert_string_attribute(&span, "network.protocol.version", "1.1");
    assert_string_attribute(&span, "user_agent.original", "mine/1");
    assert_int_attribute(&span, "http.response.status_code", 200);
    assert_memory_equal(&self->active.span_id, &span.span_id, sizeof(span.span_id));
}

static void test_an_undecoded_target_can_be_given(void **state)
{
    traced_server *self = *state;
    self->options.target = "/a%20b?x=%41";
    cleat_span_view span = REQUESTED(self, "/a%20b?x=%41", NULL);
    assert_string_attribute(&span, "url.path", "/a%20b");
    assert_string_attribute(&span, "url.query", "x=%41");
}

static void test_options_without_a_size_are_those_of_this_version(void **state)
{
    traced_server *self = *state;
    self->options.struct_size = 0;
    self->options.route = "/{name}";
    cleat_span_view span = REQUESTED(self, "/ada", NULL);
    assert_slice(span.name, "GET /{name}");
}

static void test_a_body_of_many_parts_is_one_request(void **state)
{
    traced_server *self = *state;
    static char body[200000];
    memset(body, 'x', sizeof(body));
    curl_easy_setopt(self->easy, CURLOPT_POSTFIELDSIZE, (long)sizeof(body));
    curl_easy_setopt(self->easy, CURLOPT_POSTFIELDS, body);
    cleat_span_view span = REQUESTED(self, "/", "Expect:");
    assert_slice(span.name, "POST");
    assert_true(self->calls > 3);
    assert_int_equal(self->body_size, sizeof(body));
    assert_int_equal(cleat_memory_exporter_count(self->sdk.exporter), 1);
}

static void test_headers_in_any_case_and_several_lines(void **state)
{
    traced_server *self = *state;
    cleat_span_view span = REQUESTED(self, "/", "TRACEPARENT: " TRACEPARENT, "TraceState: a=1",
                                     "tracestate: b=2 , c=3", "BagGage: city=London", "baggage: user=Ada");
    char hex[33];
    cleat_trace_id_to_hex(&span.trace_id, hex);
    assert_string_equal(hex, TRACE_ID);
    cleat_span_id_to_hex(&span.parent_span_id, hex);
    assert_string_equal(hex, SPAN_ID);
    assert_slice(span.trace_state, "a=1,b=2,c=3");
    assert_string_equal(self->seen_user, "Ada");
}

static void test_garbage_starts_a_new_trace(void **state)
{
    static const char *const lines[][4] = {
        {"traceparent: garbage", "tracestate: a=1"},
        {"traceparent;", "tracestate;", "baggage;"},
        {"traceparent: " TRACEPARENT, "traceparent: " TRACEPARENT, "tracestate: a=1"},
        {"traceparent: 00-" TRACE_ID "-" SPAN_ID "-01-more", "baggage: =;,,,%ZZ=%"},
        {"trace-parent: " TRACEPARENT, "User-Agent: \xFF\xFE\x01"},
        {"traceparent: ff-" TRACE_ID "-" SPAN_ID "-01", "Host: [[[:::"},
    };
    traced_server *self = *state;
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        cleat_span_view span = requested(self, "/", lines[i]);
        assert_false(cleat_span_id_is_valid(&span.parent_span_id));
        assert_int_equal(span.trace_state.size, 0);
        char hex[33];
        cleat_trace_id_to_hex(&span.trace_id, hex);
        assert_string_not_equal(hex, TRACE_ID);
        self->daemon = daemon_start(handle, self, completed, self, &self->port);
    }
}

static void test_status_codes(void **state)
{
    traced_server *self = *state;
    cleat_span_view span = requested(self, "/status/404", NULL);
    assert_slice(span.name, "GET /status/{code}");
    assert_string_attribute(&span, "http.route", "/status/{code}");
    assert_int_equal(span.status, CLEAT_SPAN_STATUS_UNSET);
    assert_int_attribute(&span, "http.response.status_code", 404);

    self->daemon = daemon_start(handle, self, completed, self, &self->port);
    span = requested(self, "/status/503", NULL);
    assert_int_equal(span.status, CLEAT_SPAN_STATUS_ERROR);
    assert_string_attribute(&span, "error.type", "503");
}

static void test_a_connection_that_breaks(void **state)
{
    traced_server *self = *state;
    cleat_span_view span = requested(self, "/drop", NULL);
    assert_int_equal(span.status, CLEAT_SPAN_STATUS_ERROR);
    assert_string_attribute(&span, "error.type", "connection_error");
    assert_false(has_attribute(&span, "http.response.status_code"));
}

static void test_client_and_server_make_one_trace(void **state)
{
    traced_server *self = *state;
    test_sdk *sdk = &self->sdk;
    cleat_span work = cleat_span_start(sdk->tracer, "work", NULL);
    cleat_scope scope = cleat_span_attach(work);
    assert_int_equal(
        cleat_curl_easy_perform(self->easy, NULL, CLEAT_CURL_OPTIONS(.tracer = sdk->tracer, .method = "GET")),
        CURLE_OK);
    stop(self);
    cleat_scope_detach(scope);
    cleat_span_end(work);

    cleat_span_view spans[3], *client = NULL, *server = NULL, *outer = NULL;
    assert_int_equal(cleat_memory_exporter_count(sdk->exporter), 3);
    for (size_t i = 0; i < 3; i++) {
        assert_true(cleat_memory_exporter_at(sdk->exporter, i, &spans[i]));
        switch (spans[i].kind) {
        case CLEAT_SPAN_KIND_CLIENT: client = &spans[i]; break;
        case CLEAT_SPAN_KIND_SERVER: server = &spans[i]; break;
        default: outer = &spans[i]; break;
        }
        assert_memory_equal(&spans[i].trace_id, &spans[0].trace_id, sizeof(spans[0].trace_id));
    }
    assert_true(client != NULL && server != NULL && outer != NULL);
    assert_memory_equal(&client->parent_span_id, &outer->span_id, sizeof(outer->span_id));
    assert_memory_equal(&server->parent_span_id, &client->span_id, sizeof(client->span_id));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_request_has_a_span),
        TEST(test_an_undecoded_target_can_be_given),
        TEST(test_options_without_a_size_are_those_of_this_version),
        TEST(test_a_body_of_many_parts_is_one_request),
        TEST(test_headers_in_any_case_and_several_lines),
        TEST(test_garbage_starts_a_new_trace),
        TEST(test_status_codes),
        TEST(test_a_connection_that_breaks),
        TEST(test_client_and_server_make_one_trace),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
