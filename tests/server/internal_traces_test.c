/* Spans of the server itself: what is in them, what is not, and that they make no loop. */
#include "server/service_test.h"

#include "otlp/received.h"
#include "server/internal_traces.h"
#include "server/own_address.h"
#include "support/http_sink.h"
#include "support/spans.h"

#include <curl/curl.h>

#define CALLER "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"

typedef struct traced_world {
    service_world world; /* first */
    http_sink *sink;
    cleat__otlp_received *received[16];
    size_t received_count;
} traced_world;

static void serve(traced_world *it, double ratio)
{
    const cleat__server_options options = {
        .database = it->world.dir.database,
        .grpc_address = "127.0.0.1:0",
        .http_address = "127.0.0.1:0",
        .internal_traces = {.url = http_sink_url(it->sink, ""),
                            .service_name = "my server",
                            .ratio = ratio,
                            .header = "Authorization:  Bearer operator's"},
    };
    if (cleat__server_start(&options, &it->world.server) != CLEAT_OK) {
        fail_msg("%s", cleat_error_message());
    }
    it->world.client = rpc_client_new(cleat__server_grpc_address(it->world.server), (rpc_client_options){0});
}

static int begin(void **state)
{
    traced_world *it = calloc(1, sizeof(*it));
    temp_dir_make(&it->world.dir);
    it->sink = http_sink_start();
    it->world.token = issue_token(it->world.dir.database, "default", it->world.tenant);
    *state = it;
    return 0;
}

static void finish(traced_world *it)
{
    if (it->world.server != NULL) {
        world_end(&it->world);
    }
}

static int end(void **state)
{
    traced_world *it = *state;
    finish(it);
    for (size_t i = 0; i < it->received_count; i++) {
        cleat__otlp_received_release(it->received[i]);
    }
    http_sink_stop(it->sink);
    temp_dir_remove(&it->world.dir);
    free(it->world.token);
    free(it);
    return 0;
}

/* ---- What came ---- */

/* Ends the server, which sends what there is, and reads it. */
static void collect(traced_world *it)
{
    finish(it);
    for (size_t i = 0; i < http_sink_requests(it->sink); i++) {
        cleat__buffer body = {0};
        cleat__buffer_append_slice(&body, http_sink_request(it->sink, i).body);
        assert_true(i < sizeof(it->received) / sizeof(it->received[0]));
        assert_int_equal(cleat__otlp_received_new(&body, NULL, &it->received[i]), CLEAT_OK);
        it->received_count++;
    }
}

/* Number `index` of the spans with that name; false: there are fewer. */
static bool find(const traced_world *it, const char *name, size_t index, cleat_span_view *out)
{
    for (size_t i = 0; i < it->received_count; i++) {
        size_t cursor = 0;
        while (cleat_span_batch_next(&it->received[i]->batch, &cursor, out)) {
            if (cleat_slice_equals(out->name, cleat_slice_of(name)) && index-- == 0) {
                return true;
            }
        }
    }
    return false;
}

static cleat_span_view get(const traced_world *it, const char *name)
{
    cleat_span_view view;
    if (!find(it, name, 0, &view)) {
        fail_msg("no span %s", name);
    }
    return view;
}

static void assert_none(const traced_world *it, const char *name)
{
    cleat_span_view view;
    if (find(it, name, 0, &view)) {
        fail_msg("there is a span %s", name);
    }
}

static size_t count_all(const traced_world *it)
{
    size_t count = 0;
    for (size_t i = 0; i < it->received_count; i++) {
        count += cleat_span_batch_count(&it->received[i]->batch);
    }
    return count;
}

static void assert_links_to_caller(const cleat_span_view *span)
{
    cleat_link_view link;
    cleat_span_context caller;
    size_t cursor = 0;
    assert_int_equal(cleat_traceparent_parse(cleat_slice_of(CALLER), &caller), CLEAT_OK);
    assert_true(span_is_root(span));
    assert_memory_not_equal(&span->trace_id, &caller.trace_id, sizeof(caller.trace_id));
    assert_int_equal(span->link_count, 1);
    assert_true(cleat_span_view_next_link(span, &cursor, &link));
    assert_true(cleat_span_context_equals(&link.context, &caller));
}

static void assert_port(const cleat_span_view *span)
{
    cleat_value port;
    assert_true(cleat_span_view_attribute(span, "network.peer.port", &port));
    assert_true(port.type == CLEAT_VALUE_INT && port.as.integer > 0);
    span_assert_string(span, "network.peer.address", "127.0.0.1");
    span_assert_string(span, "client.address", "127.0.0.1");
}

/* ---- Asking ---- */

static void call(traced_world *it, const char *path, const char *token, int code)
{
    rpc_result result = rpc_call(it->world.client, path, (cleat_slice){"", 0},
                                 (rpc_call_options){.authorization = token, .traceparent = CALLER});
    assert_int_equal(result.code, code);
    rpc_result_deinit(&result);
}

static size_t ignore(char *data, size_t size, size_t count, void *argument)
{
    (void)data, (void)argument;
    return size * count;
}

static void fetch(traced_world *it, const char *path, const char *body, long expected)
{
    char url[512], authorization[4200];
    long status = 0;
    CURL *easy = curl_easy_init();
    struct curl_slist *headers = curl_slist_append(NULL, "traceparent: " CALLER);
    snprintf(url, sizeof(url), "http://%s%s", cleat__server_http_address(it->world.server), path);
    snprintf(authorization, sizeof(authorization), "Authorization: %s", it->world.token);
    headers = curl_slist_append(headers, authorization);
    headers = curl_slist_append(headers, "Content-Type: application/json");
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, ignore);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
    if (body == NULL) {
        curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    }
    assert_int_equal(curl_easy_perform(easy), CURLE_OK);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    assert_int_equal(status, expected);
    curl_slist_free_all(headers);
    curl_easy_cleanup(easy);
}

static void fetch_tenant(traced_world *it)
{
    char path[160];
    snprintf(path, sizeof(path), "/api/v1/tenants/%s?sig=secret", it->world.tenant);
    fetch(it, path, NULL, 200);
}

/* ---- Calls ---- */

static void test_calls_over_grpc(void **state)
{
    traced_world *it = *state;
    cleat_value service;
    char header[64];
    serve(it, 1);
    call(it, "/Dispatcher/GetVersion", it->world.token, GRPC_STATUS_OK);
    call(it, "/Dispatcher/Heartbeat", "bearer nonsense", GRPC_STATUS_UNAUTHENTICATED);
    call(it, "/Nobody/Knows", it->world.token, GRPC_STATUS_UNIMPLEMENTED);
    collect(it);
    cleat_span_view span = get(it, "Dispatcher/GetVersion");
    assert_int_equal(span.kind, CLEAT_SPAN_KIND_SERVER);
    assert_int_equal(span.status, CLEAT_SPAN_STATUS_UNSET);
    assert_links_to_caller(&span);
    assert_port(&span);
    span_assert_string(&span, "rpc.system.name", "grpc");
    span_assert_string(&span, "rpc.method", "Dispatcher/GetVersion");
    span_assert_string(&span, "rpc.response.status_code", "OK");
    span_assert_string(&span, "error.type", NULL);
    assert_true(cleat_resource_get(span.resource, "service.name", &service));
    assert_true(cleat_slice_equals(service.as.string, cleat_slice_of("my server")));
    assert_string_equal(
        http_header(http_sink_request(it->sink, 0).head, "Authorization", header, sizeof(header)),
        "Bearer operator's");
    span = get(it, "Dispatcher/Heartbeat");
    span_assert_string(&span, "rpc.response.status_code", "UNAUTHENTICATED");
    assert_int_equal(span.status, CLEAT_SPAN_STATUS_UNSET); /* the caller's mistake */
    span = get(it, "grpc");
    span_assert_string(&span, "rpc.method", "_OTHER");
    span_assert_string(&span, "error.type", "UNIMPLEMENTED");
    assert_int_equal(span.status, CLEAT_SPAN_STATUS_ERROR);
}

static void test_a_stream_is_one_span(void **state)
{
    traced_world *it = *state;
    serve(it, 1);
    declare(&it->world, (task_declaration){.name = "t"});
    rpc_stream *stream = stay_as(&it->world, register_worker(&it->world, "t", 1));
    rpc_accepted(stream);
    cleat__server_stop(it->world.server, 300000); /* ends it */
    it->world.server = NULL;
    rpc_result result = rpc_end(stream);
    assert_int_equal(result.code, GRPC_STATUS_UNAVAILABLE);
    rpc_result_deinit(&result);
    rpc_client_free(it->world.client);
    collect(it);
    cleat_span_view span = get(it, "Dispatcher/Listen");
    span_assert_string(&span, "rpc.response.status_code", "UNAVAILABLE");
    assert_int_equal(span.status, CLEAT_SPAN_STATUS_ERROR);
    assert_int_equal(span.link_count, 0);
}

static void test_requests_over_http(void **state)
{
    traced_world *it = *state;
    char path[160];
    serve(it, 1);
    fetch_tenant(it);
    fetch(it, "/nowhere", NULL, 400);
    collect(it);
    cleat_span_view span = get(it, "GET /api/v1/tenants/{tenant}");
    snprintf(path, sizeof(path), "/api/v1/tenants/%s", it->world.tenant);
    assert_int_equal(span.kind, CLEAT_SPAN_KIND_SERVER);
    assert_int_equal(span.status, CLEAT_SPAN_STATUS_UNSET);
    assert_links_to_caller(&span);
    assert_port(&span);
    span_assert_string(&span, "http.request.method", "GET");
    span_assert_string(&span, "http.route", "/api/v1/tenants/{tenant}");
    span_assert_string(&span, "url.path", path);
    span_assert_string(&span, "url.query", "sig=REDACTED");
    span_assert_int(&span, "http.response.status_code", 200);
    span = get(it, "GET");
    span_assert_string(&span, "http.route", NULL);
    span_assert_int(&span, "http.response.status_code", 400);
}

/* ---- The engine ---- */

static void test_batches_of_the_engine(void **state)
{
    traced_world *it = *state;
    cleat_span_view span;
    cleat_value commands;
    int64_t sum = 0;
    serve(it, 1);
    declare(&it->world, (task_declaration){.name = "t"});
    trigger(&it->world, "t", "{}");
    trigger(&it->world, "t", "{}");
    collect(it);
    for (size_t i = 0; find(it, "cleat.engine.batch", i, &span); i++) {
        assert_int_equal(span.kind, CLEAT_SPAN_KIND_INTERNAL);
        assert_true(span_is_root(&span));
        assert_true(span.end_time_ns >= span.start_time_ns);
        assert_true(cleat_span_view_attribute(&span, "cleat.engine.commands", &commands));
        sum += commands.as.integer;
    }
    assert_true(sum >= 3);
}

/* ---- What is not in them ---- */

static bool contains(cleat_slice text, const char *part, size_t size)
{
    for (size_t i = 0; i + size <= text.size; i++) {
        if (memcmp(text.data + i, part, size) == 0) {
            return true;
        }
    }
    return false;
}

static void test_no_token_is_anywhere(void **state)
{
    traced_world *it = *state;
    serve(it, 1);
    call(it, "/Dispatcher/GetVersion", it->world.token, GRPC_STATUS_OK);
    fetch_tenant(it);
    collect(it);
    assert_true(count_all(it) >= 2);
    for (size_t i = 0; i < http_sink_requests(it->sink); i++) {
        cleat_slice body = http_sink_request(it->sink, i).body;
        const char *token = it->world.token + strlen("bearer ");
        assert_true(contains(body, "my server", 9));
        assert_false(contains(body, token, 16));
        assert_false(contains(body, "operator's", 10));
    }
}

/* So that an endpoint from which spans come back gets no more of them. */
static void test_what_brings_spans_is_not_traced(void **state)
{
    static const char spans[] =
        "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"traceId\":\"4bf92f3577b34da6a3ce929d0e0e4736\","
        "\"spanId\":\"00f067aa0ba902b7\",\"name\":\"a\",\"startTimeUnixNano\":\"1\",\"endTimeUnixNano\":"
        "\"2\"}"
        "]}]}]}";
    traced_world *it = *state;
    serve(it, 1);
    fetch(it, "/v1/traces", spans, 200);
    fetch(it, "/live", NULL, 200);
    fetch(it, "/ready", NULL, 200);
    fetch(it, "/metrics", NULL, 200);
    call(it, "/opentelemetry.proto.collector.trace.v1.TraceService/Export", it->world.token, GRPC_STATUS_OK);
    collect(it);
    assert_int_equal(count_all(it), 0);
}

static void test_they_are_not_in_the_own_collector(void **state)
{
    traced_world *it = *state;
    cleat__store *store = NULL;
    sqlite3_stmt *select = NULL;
    serve(it, 1);
    call(it, "/Dispatcher/GetVersion", it->world.token, GRPC_STATUS_OK);
    collect(it);
    (void)get(it, "Dispatcher/GetVersion");
    assert_none(it, "hatchet.engine.queued");
    assert_int_equal(cleat__store_open(it->world.dir.database, CLEAT__STORE_READ, &store), CLEAT_OK);
    assert_int_equal(
        sqlite3_prepare_v2(cleat__store_db(store), "SELECT count(*) FROM span", -1, &select, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_step(select), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int(select, 0), 0);
    sqlite3_finalize(select);
    cleat__store_close(store);
}

static void test_a_ratio_of_none(void **state)
{
    traced_world *it = *state;
    serve(it, 0);
    call(it, "/Dispatcher/GetVersion", it->world.token, GRPC_STATUS_OK);
    fetch_tenant(it);
    collect(it);
    assert_int_equal(count_all(it), 0);
}

/* ---- What is refused ---- */

static void assert_no_start(traced_world *it, cleat__internal_traces_options traces, const char *http,
                            const char *part)
{
    const cleat__server_options options = {.database = it->world.dir.database,
                                           .grpc_address = "127.0.0.1:0",
                                           .http_address = http != NULL ? http : "127.0.0.1:0",
                                           .is_plaintext_public = true,
                                           .internal_traces = traces};
    assert_int_equal(cleat__server_start(&options, &it->world.server), CLEAT_INVALID_ARGUMENT);
    if (strstr(cleat_error_message(), part) == NULL || strstr(cleat_error_message(), "secret") != NULL) {
        fail_msg("\"%s\" does not say \"%s\"", cleat_error_message(), part);
    }
}

static void test_mistakes_are_refused(void **state)
{
    traced_world *it = *state;
    assert_no_start(it, (cleat__internal_traces_options){.url = "ftp://host", .ratio = 1}, NULL,
                    "ftp://host");
    assert_no_start(it, (cleat__internal_traces_options){.url = "http://host", .ratio = 1.5}, NULL, "0 to 1");
    assert_no_start(it, (cleat__internal_traces_options){.url = "http://host", .ratio = -1}, NULL, "0 to 1");
    assert_no_start(it, (cleat__internal_traces_options){.url = "http://host", .ratio = strtod("nan", NULL)},
                    NULL, "0 to 1");
    assert_no_start(it,
                    (cleat__internal_traces_options){.url = "http://host", .ratio = 1, .header = "secret"},
                    NULL, "Name: value");
    assert_no_start(
        it, (cleat__internal_traces_options){.url = "http://host", .ratio = 1, .header = "A: s\necret"}, NULL,
        "A");
}

/* Whatever it is called. */
static void test_the_server_itself_is_refused(void **state)
{
    static const char *const names[] = {"127.0.0.1", "localhost", "0.0.0.0", "user@127.0.0.1"};
    traced_world *it = *state;
    char own[64], any[64], url[128];
    serve(it, 1); /* to learn of a port that is free */
    snprintf(own, sizeof(own), "%s", cleat__server_http_address(it->world.server));
    finish(it);
    const char *port = strrchr(own, ':');
    snprintf(any, sizeof(any), "0.0.0.0%s", port);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(url, sizeof(url), "http://%s%s/v1/traces", names[i], port);
        const cleat__internal_traces_options traces = {.url = url, .ratio = 1};
        assert_no_start(it, traces, own, own);
        assert_no_start(it, traces, any, any);
    }
    const cleat__server_options forward = {.database = it->world.dir.database,
                                           .grpc_address = "127.0.0.1:0",
                                           .http_address = own,
                                           .otlp_forward = url};
    assert_int_equal(cleat__server_start(&forward, &it->world.server), CLEAT_INVALID_ARGUMENT);
    assert_non_null(strstr(cleat_error_message(), own));
    assert_true(cleat__is_own_address("http://[::1]:7077", "[::1]:7077"));
    assert_false(cleat__is_own_address("http://127.0.0.1:7078", "127.0.0.1:7077"));
    assert_false(cleat__is_own_address("http://127.0.0.2:7077", "127.0.0.1:7077"));
    assert_false(cleat__is_own_address("https://192.0.2.1", "0.0.0.0:443"));
    assert_false(cleat__is_own_address("nonsense", "127.0.0.1:7077"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(test_calls_over_grpc),
        TEST(test_a_stream_is_one_span),
        TEST(test_requests_over_http),
        TEST(test_batches_of_the_engine),
        TEST(test_no_token_is_anywhere),
        TEST(test_what_brings_spans_is_not_traced),
        TEST(test_they_are_not_in_the_own_collector),
        TEST(test_a_ratio_of_none),
        TEST(test_mistakes_are_refused),
        TEST(test_the_server_itself_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
