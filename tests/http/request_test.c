/* Servers of any kind: what cleat_http_request_start() makes of what it is given. */
#include "http_test.h"

#include "http/origin.h"

#include <arpa/inet.h>

typedef struct field {
    const char *name;
    const char *value;
} field;

static void visit_fields(void *self, cleat_http_visitor visitor, void *user_data)
{
    for (const field *at = self; at->name != NULL; at++) {
        if (!visitor(user_data, cleat_slice_of(at->name), cleat_slice_of(at->value))) {
            return;
        }
    }
}

#define FIELDS(...)                                        \
    (cleat_http_fields)                                    \
    {                                                      \
        (field[]){__VA_ARGS__, {NULL, NULL}}, visit_fields \
    }

static int set_up(void **state)
{
    static test_sdk sdk;
    http_sdk_start(&sdk);
    *state = &sdk;
    return 0;
}

static int tear_down(void **state)
{
    sdk_stop(*state);
    return 0;
}

#define START(sdk, request, ...) \
    cleat_http_request_start(CLEAT_HTTP_REQUEST_OPTIONS(.tracer = (sdk)->tracer, __VA_ARGS__), request)

/* Starts and ends a request, for the span's view. */
static cleat_span_view served(test_sdk *sdk, const cleat_http_request_options *options)
{
    cleat_http_request request;
    cleat_http_request_options copy = *options;
    copy.tracer = sdk->tracer;
    assert_int_equal(cleat_http_request_start(&copy, &request), CLEAT_OK);
    cleat_http_request_end(&request, 200, NULL);
    return sdk_last(sdk);
}

#define SERVED(sdk, ...) served(sdk, CLEAT_HTTP_REQUEST_OPTIONS(.method = "GET", __VA_ARGS__))

static void test_a_request_has_a_span(void **state)
{
    test_sdk *sdk = *state;
    struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = htons(4711)};
    inet_pton(AF_INET, "192.0.2.7", &peer.sin_addr);
    cleat_span_view span =
        SERVED(sdk, .target = "/users/7?full=1&sig=secret", .version = "HTTP/1.1", .route = "/users/{id}",
               .headers = FIELDS({"host", "example.org:8080"}, {"USER-AGENT", "curl/8"}),
               .peer = (const struct sockaddr *)&peer);
    assert_slice(span.name, "GET /users/{id}");
    assert_int_equal(span.kind, CLEAT_SPAN_KIND_SERVER);
    assert_int_equal(span.status, CLEAT_SPAN_STATUS_UNSET);
    assert_string_attribute(&span, "http.request.method", "GET");
    assert_string_attribute(&span, "url.path", "/users/7");
    assert_string_attribute(&span, "url.query", "full=1&sig=REDACTED");
    assert_string_attribute(&span, "url.scheme", "http");
    assert_string_attribute(&span, "http.route", "/users/{id}");
    assert_string_attribute(&span, "server.address", "example.org");
    assert_int_attribute(&span, "server.port", 8080);
    assert_string_attribute(&span, "client.address", "192.0.2.7");
    assert_string_attribute(&span, "network.peer.address", "192.0.2.7");
    assert_int_attribute(&span, "network.peer.port", 4711);
    assert_string_attribute(&span, "network.protocol.version", "1.1");
    assert_string_attribute(&span, "user_agent.original", "curl/8");
    assert_int_attribute(&span, "http.response.status_code", 200);
}

static void test_what_is_not_known_is_left_out(void **state)
{
    test_sdk *sdk = *state;
    cleat_http_request request;
    assert_int_equal(START(sdk, &request, .method = NULL), CLEAT_OK);
    cleat_http_request_end(&request, 0, NULL);
    cleat_span_view span = sdk_last(sdk);
    assert_slice(span.name, "HTTP");
    assert_int_equal(span.attribute_count, 1);
    assert_string_attribute(&span, "url.scheme", "http");

    assert_int_equal(cleat_http_request_start(NULL, &request), CLEAT_OK);
    cleat_http_request_end(&request, 0, NULL);
    assert_int_equal(cleat_http_request_start(NULL, NULL), CLEAT_INVALID_ARGUMENT);
}

static void test_methods_nobody_knows(void **state)
{
    test_sdk *sdk = *state;
    cleat_span_view span = served(sdk, CLEAT_HTTP_REQUEST_OPTIONS(.method = "get", .route = "/a"));
    assert_slice(span.name, "HTTP /a");
    assert_string_attribute(&span, "http.request.method", "_OTHER");
    assert_string_attribute(&span, "http.request.method_original", "get");
    char longest[1000];
    memset(longest, 'A', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    span = served(sdk, CLEAT_HTTP_REQUEST_OPTIONS(.method = longest));
    assert_slice(span.name, "HTTP");
}

static void test_forms_of_the_target(void **state)
{
    test_sdk *sdk = *state;
    static const struct {
        const char *target, *path, *query;
    } cases[] = {
        {"/", "/", NULL},
        {"/a?", "/a", NULL},
        {"/a?b?c", "/a", "b?c"},
        {"*", "*", NULL},
        {"http://example.org/a/b?c=d", "/a/b", "c=d"},
        {"http://example.org", "/", NULL},
        {"/to?url=http://example.org/", "/to", "url=http://example.org/"},
        {"?a=1", NULL, "a=1"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        cleat_span_view span = SERVED(sdk, .target = cases[i].target);
        assert_int_equal(has_attribute(&span, "url.path"), cases[i].path != NULL);
        assert_int_equal(has_attribute(&span, "url.query"), cases[i].query != NULL);
        if (cases[i].path != NULL) {
            assert_string_attribute(&span, "url.path", cases[i].path);
        }
        if (cases[i].query != NULL) {
            assert_string_attribute(&span, "url.query", cases[i].query);
        }
    }
}

static void test_arguments_make_the_query(void **state)
{
    test_sdk *sdk = *state;
    cleat_http_fields arguments =
        FIELDS({"a b", "1&2"}, {"flag", NULL}, {"empty", ""}, {"Signature", "secret"}, {"\xC3\xA4", "~"});
    cleat_span_view span = SERVED(sdk, .target = "/a", .arguments = arguments);
    assert_string_attribute(&span, "url.query", "a%20b=1%262&flag&empty=&Signature=REDACTED&%C3%A4=~");
    span = SERVED(sdk, .target = "/a?own", .arguments = arguments);
    assert_string_attribute(&span, "url.query", "own");
}

/* ---- The context that comes with a request ---- */

static void test_the_received_context_is_the_parent(void **state)
{
    test_sdk *sdk = *state;
    cleat_http_request request;
    START(sdk, &request, .method = "GET",
          .headers = FIELDS({"TraceParent", TRACEPARENT}, {"tracestate", "a=1"}, {"TRACESTATE", "b=2,c=3"},
                            {"baggage", "user=Ada"}, {"Baggage", "city=London"}));
    const cleat_span_context *context = cleat_context_span_context(request.context);
    assert_int_equal(context->trace_state_size, strlen("a=1,b=2,c=3"));
    assert_memory_equal(context->trace_state, "a=1,b=2,c=3", context->trace_state_size);
    const cleat_baggage *baggage = cleat_context_get_baggage(request.context);
    assert_slice(cleat_baggage_get(baggage, "user"), "Ada");
    assert_slice(cleat_baggage_get(baggage, "city"), "London");
    cleat_http_request_end(&request, 200, NULL);

    cleat_span_view span = sdk_last(sdk);
    char hex[33];
    cleat_trace_id_to_hex(&span.trace_id, hex);
    assert_string_equal(hex, TRACE_ID);
    cleat_span_id_to_hex(&span.parent_span_id, hex);
    assert_string_equal(hex, SPAN_ID);
    assert_int_equal(span.flags & 0x300, 0x300); /* the parent is remote */
}

static void test_two_traceparents_are_none(void **state)
{
    test_sdk *sdk = *state;
    static const char other[] = "00-11111111111111111111111111111111-2222222222222222-01";
    cleat_span_view span = SERVED(
        sdk, .headers = FIELDS({"traceparent", TRACEPARENT}, {"traceparent", other}, {"tracestate", "a=1"}));
    assert_false(cleat_span_id_is_valid(&span.parent_span_id));
    assert_int_equal(span.trace_state.size, 0);
}

static void test_a_new_trace_does_not_join_what_runs_on_the_thread(void **state)
{
    test_sdk *sdk = *state;
    cleat_span outer = cleat_span_start(sdk->tracer, "outer", NULL);
    cleat_scope scope = cleat_span_attach(outer);
    cleat_span_view span = SERVED(sdk, .headers = FIELDS({"traceparent", "garbage"}));
    assert_false(cleat_span_id_is_valid(&span.parent_span_id));
    span = SERVED(sdk, .base = cleat_context_current());
    assert_true(cleat_span_id_is_valid(&span.parent_span_id));
    cleat_scope_detach(scope);
    cleat_span_end(outer);
}

static void test_without_a_provider_the_context_goes_on(void **state)
{
    (void)state;
    cleat_http_request request;
    cleat_http_request_start(
        CLEAT_HTTP_REQUEST_OPTIONS(.method = "GET", .headers = FIELDS({"traceparent", TRACEPARENT})),
        &request);
    char traceparent[56];
    cleat_traceparent_format(cleat_context_span_context(request.context), traceparent);
    assert_string_equal(traceparent, TRACEPARENT);
    assert_false(cleat_span_is_recording(request.span));
    cleat_http_request_end(&request, 200, NULL);

    cleat_http_request_start(CLEAT_HTTP_REQUEST_OPTIONS(.method = "GET"), &request);
    assert_null(request.span.impl);
    assert_null(request.context);
    cleat_http_request_end(&request, 200, NULL);
}

/* ---- The end ---- */

static void test_a_propagator_without_extract_leaves_the_base(void **state)
{
    test_sdk *sdk = *state;
    cleat_propagator propagator = {.extract = NULL};
    cleat_span_context remote = make_context(7, CLEAT_TRACE_FLAG_SAMPLED);
    cleat_context *base = cleat_context_with_span_context(NULL, &remote);
    cleat_span_view span = SERVED(sdk, .propagator = &propagator, .base = base);
    assert_memory_equal(&span.parent_span_id, &remote.span_id, sizeof(remote.span_id));
    span = SERVED(sdk, .propagator = &propagator);
    assert_false(cleat_span_id_is_valid(&span.parent_span_id));
    cleat_context_release(base);
}

static void test_outcomes(void **state)
{
    test_sdk *sdk = *state;
    static const struct {
        int code;
        const char *given, *error_type;
    } cases[] = {{200, NULL, NULL},
                 {404, NULL, NULL},
                 {499, NULL, NULL},
                 {500, NULL, "500"},
                 {503, NULL, "503"},
                 {0, "timeout", "timeout"},
                 {200, "client_abort", "client_abort"}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        cleat_http_request request;
        START(sdk, &request, .method = "GET");
        cleat_http_request_end(&request, cases[i].code, cases[i].given);
        cleat_span_view span = sdk_last(sdk);
        assert_int_equal(span.status,
                         cases[i].error_type != NULL ? CLEAT_SPAN_STATUS_ERROR : CLEAT_SPAN_STATUS_UNSET);
        if (cases[i].error_type != NULL) {
            assert_string_attribute(&span, "error.type", cases[i].error_type);
        }
        assert_int_equal(has_attribute(&span, "http.response.status_code"), cases[i].code != 0);
    }
}

static void test_route_and_status_come_later(void **state)
{
    test_sdk *sdk = *state;
    cleat_http_request request;
    START(sdk, &request, .method = "PUT", .target = "/a/1");
    cleat_http_request_set_route(&request, NULL);
    cleat_http_request_set_route(&request, "/a/{n}");
    cleat_http_request_set_status_code(&request, 503);
    cleat_http_request_end(&request, 0, NULL);
    cleat_span_view span = sdk_last(sdk);
    assert_slice(span.name, "PUT /a/{n}");
    assert_string_attribute(&span, "http.route", "/a/{n}");
    assert_int_attribute(&span, "http.response.status_code", 503);
}

static void test_an_ended_request_is_none(void **state)
{
    test_sdk *sdk = *state;
    cleat_http_request request;
    START(sdk, &request, .method = "GET");
    cleat_http_request_end(&request, 200, NULL);
    cleat_http_request_end(&request, 200, NULL);
    cleat_http_request_set_route(&request, "/");
    cleat_http_request_set_status_code(&request, 200);
    assert_int_equal(cleat_memory_exporter_count(sdk->exporter), 1);
    cleat_http_request_end(NULL, 200, NULL);
    cleat_http_request_set_route(NULL, "/");
    cleat_http_request_set_status_code(NULL, 200);
}

static void test_requests_are_served_without_memory(void **state)
{
    test_sdk *sdk = *state;
    for (size_t fail_at = 1; fail_at < 30; fail_at++) {
        cleat_http_request request;
        failing_allocator allocator;
        failing_allocator_install(&allocator, fail_at);
        START(sdk, &request, .method = "GET", .target = "/a?b=c", .route = "/a",
              .headers = FIELDS({"tracestate", "a=1"}, {"tracestate", "b=2"}, {"traceparent", TRACEPARENT},
                                {"baggage", "a=1"}));
        cleat_http_request_end(&request, 200, NULL);
        cleat_set_allocator(NULL);
    }
}

/* ---- Proxies, hosts, addresses ---- */

static void test_proxies_are_believed_when_told_so(void **state)
{
    test_sdk *sdk = *state;
    cleat_http_fields headers = FIELDS(
        {"Host", "inside:81"}, {"Forwarded", "for=\"[2001:db8::1]:4711\";Proto=https;host=example.org"},
        {"Forwarded", "for=10.0.0.1"}, {"X-Forwarded-For", "192.0.2.1"});
    cleat_span_view span = SERVED(sdk, .headers = headers);
    assert_string_attribute(&span, "server.address", "inside");
    assert_false(has_attribute(&span, "client.address"));
    span = SERVED(sdk, .headers = headers, .behind_proxy = true);
    assert_string_attribute(&span, "server.address", "example.org");
    assert_int_attribute(&span, "server.port", 443);
    assert_string_attribute(&span, "url.scheme", "https");
    assert_string_attribute(&span, "client.address", "2001:db8::1");

    span = SERVED(sdk, .behind_proxy = true,
                  .headers = FIELDS({"X-Forwarded-For", " 192.0.2.1, 10.0.0.1"}, {"Forwarded", "garbage;;=,"},
                                    {"X-Forwarded-Host", "example.org:82"}, {"X-Forwarded-Proto", "https"}));
    assert_string_attribute(&span, "client.address", "192.0.2.1");
    assert_string_attribute(&span, "server.address", "example.org");
    assert_int_attribute(&span, "server.port", 82);
    assert_string_attribute(&span, "url.scheme", "https");
}

static void test_authorities(void **state)
{
    (void)state;
    static const struct {
        const char *authority, *host;
        int port;
    } cases[] = {
        {"example.org", "example.org", 0},
        {"example.org:80", "example.org", 80},
        {"[::1]:8080", "::1", 8080},
        {"[::1]", "::1", 0},
        {"::1", "::1", 0},
        {"example.org:", "example.org", 0},
        {"example.org:99999", "example.org", 0},
        {"example.org:8x", "example.org", 0},
        {"[::1", "::1", 0},
        {"example.org:4294967376", "example.org", 0},
        {"", "", 0},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        cleat_slice host;
        int port = -1;
        cleat__http_authority_split(cleat_slice_of(cases[i].authority), &host, &port);
        assert_slice(host, cases[i].host);
        assert_int_equal(port, cases[i].port);
    }
}

static void test_addresses(void **state)
{
    (void)state;
    char text[CLEAT__HTTP_ADDRESS_SIZE];
    int port = 0;
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(80)};
    inet_pton(AF_INET6, "2001:db8::1", &v6.sin6_addr);
    assert_true(cleat__http_address_read((struct sockaddr *)&v6, text, &port));
    assert_string_equal(text, "2001:db8::1");
    assert_int_equal(port, 80);
    inet_pton(AF_INET6, "::ffff:192.0.2.1", &v6.sin6_addr);
    assert_true(cleat__http_address_read((struct sockaddr *)&v6, text, &port));
    assert_string_equal(text, "192.0.2.1");
    v6.sin6_family = AF_UNIX;
    assert_false(cleat__http_address_read((struct sockaddr *)&v6, text, &port));
    assert_false(cleat__http_address_read(NULL, text, &port));
}

static void test_versions(void **state)
{
    test_sdk *sdk = *state;
    cleat_span_view span = SERVED(sdk, .version = "HTTP/2.0");
    assert_string_attribute(&span, "network.protocol.version", "2");
    span = SERVED(sdk, .version = "1.0");
    assert_string_attribute(&span, "network.protocol.version", "1.0");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_request_has_a_span),
        TEST(test_what_is_not_known_is_left_out),
        TEST(test_methods_nobody_knows),
        TEST(test_forms_of_the_target),
        TEST(test_arguments_make_the_query),
        TEST(test_the_received_context_is_the_parent),
        TEST(test_two_traceparents_are_none),
        TEST(test_a_new_trace_does_not_join_what_runs_on_the_thread),
        TEST(test_without_a_provider_the_context_goes_on),
        TEST(test_a_propagator_without_extract_leaves_the_base),
        TEST(test_outcomes),
        TEST(test_route_and_status_come_later),
        TEST(test_an_ended_request_is_none),
        TEST(test_requests_are_served_without_memory),
        TEST(test_proxies_are_believed_when_told_so),
        TEST(test_authorities),
        TEST(test_addresses),
        TEST(test_versions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
