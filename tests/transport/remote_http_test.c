/* The HTTP side of a server: what is sent, and what its answers mean. */
#include "base/thread.h"
#include "support/http_sink.h"
#include "support/outcome.h"
#include "support/spans.h"
#include "transport/remote_http.h"
#include "transport/settings.h"

#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

#define TENANT "01890000-0000-7000-8000-0000000000ff"

static cleat__remote_settings settings_of(const char *url)
{
    return (cleat__remote_settings){.token = (char *)(uintptr_t) "a.b.c",
                                    .tenant_id = (char *)(uintptr_t)TENANT,
                                    .api_url = (char *)(uintptr_t)url,
                                    .tls = CLEAT__TLS_NONE,
                                    .call_timeout_ms = 300000};
}

static const cleat_slice none = {NULL, 0};

static void test_requests(void **state)
{
    (void)state;
    http_sink *sink = http_sink_start();
    cleat__remote_settings settings = settings_of(http_sink_url(sink, ""));
    const http_answer answers[] = {{.status = 200, .body = cleat_slice_of("{\"rows\":[]}")}, {.status = 204}};
    cleat__buffer reply = {0};
    char value[64];
    http_sink_answer(sink, answers, 2);
    assert_int_equal(cleat__remote_http(&settings, "GET", "/x?limit=1", none, &reply), CLEAT_OK);
    assert_true(cleat_slice_equals(cleat__buffer_slice(&reply), cleat_slice_of("{\"rows\":[]}")));
    http_request first = http_sink_request(sink, 0);
    static const char line[] = "GET /api/v1/tenants/" TENANT "/x?limit=1 HTTP/1.1\r\n";
    assert_int_equal(strncmp(first.head, line, sizeof(line) - 1), 0);
    assert_string_equal(http_header(first.head, "Authorization", value, sizeof(value)), "Bearer a.b.c");
    assert_int_equal(first.body.size, 0);
    cleat__buffer_clear(&reply);
    assert_int_equal(cleat__remote_http(&settings, "POST", "/y", cleat_slice_of("{\"a\":1}"), &reply),
                     CLEAT_OK);
    assert_int_equal(reply.size, 0);
    http_request second = http_sink_request(sink, 1);
    assert_int_equal(strncmp(second.head, "POST ", 5), 0);
    assert_true(cleat_slice_equals(second.body, cleat_slice_of("{\"a\":1}")));
    assert_string_equal(http_header(second.head, "Content-Type", value, sizeof(value)), "application/json");
    cleat__buffer_deinit(&reply);
    http_sink_stop(sink);
}

static void test_bad_answers(void **state)
{
    (void)state;
    static const struct {
        int code;
        const char *body;
        cleat_status status;
        const char *part;
    } rows[] = {
        {400, "{\"errors\":[{\"description\":\"bad limit\"}]}", CLEAT_INVALID_ARGUMENT, "bad limit"},
        {401, "", CLEAT_UNAUTHENTICATED, "401"},
        {403, "{\"errors\":[{\"description\":\"no entry\"}]}", CLEAT_UNAUTHENTICATED, "no entry"},
        {403, "{\"description\":\"not yours\"}", CLEAT_FAILED_PRECONDITION, "not yours"},
        {404, "[]", CLEAT_NOT_FOUND, "404"},
        {429, "{\"errors\":[]}", CLEAT_RESOURCE_EXHAUSTED, "429"},
        {501, "{\"errors\":[7]}", CLEAT_UNSUPPORTED, "501"},
        {503, "garbage", CLEAT_UNAVAILABLE, "503"},
        {302, "", CLEAT_FAILED, "302"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        http_sink *sink = http_sink_start();
        cleat__remote_settings settings = settings_of(http_sink_url(sink, ""));
        const http_answer answer = {.status = rows[i].code, .body = cleat_slice_of(rows[i].body)};
        cleat__buffer reply = {0};
        http_sink_answer(sink, &answer, 1);
        assert_refused(cleat__remote_http(&settings, "GET", "/x", none, &reply), rows[i].status,
                       rows[i].part);
        assert_int_equal(reply.size, 0);
        http_sink_stop(sink);
    }
}

static void test_no_answer(void **state)
{
    (void)state;
    http_sink *sink = http_sink_start();
    cleat__remote_settings settings = settings_of(http_sink_url(sink, ""));
    const http_answer answers[] = {{.closes = true}, {.hangs = true}};
    cleat__buffer reply = {0};
    http_sink_answer(sink, answers, 2);
    assert_refused(cleat__remote_http(&settings, "GET", "/x", none, &reply), CLEAT_UNAVAILABLE, "reached");
    settings.call_timeout_ms = 50;
    assert_refused(cleat__remote_http(&settings, "GET", "/x", none, &reply), CLEAT_TIMEOUT, "reached");
    http_sink_stop(sink);
    settings.api_url = NULL;
    assert_refused(cleat__remote_http(&settings, "GET", "/x", none, &reply), CLEAT_FAILED_PRECONDITION,
                   "HATCHET_CLIENT_API_URL");
    assert_false(cleat__remote_http_is_known(&settings));
}

/* A session keeps its connection, and its end is that of all requests together. */
static void test_a_session(void **state)
{
    (void)state;
    http_sink *sink = http_sink_start();
    cleat__remote_settings settings = settings_of(http_sink_url(sink, ""));
    const http_answer answers[] = {
        {.status = 204}, {.status = 404}, {.status = 200, .body = cleat_slice_of("{}")}, {.hangs = true}};
    cleat__remote_session session;
    cleat__buffer reply = {0};
    http_sink_answer(sink, answers, 4);
    assert_int_equal(cleat__remote_session_start(&session, &settings, 300000), CLEAT_OK);
    assert_int_equal(cleat__remote_session_send(&session, "POST", "/x", cleat_slice_of("{}"), &reply),
                     CLEAT_OK);
    assert_int_equal(cleat__remote_session_send(&session, "DELETE", "/x", none, &reply), CLEAT_NOT_FOUND);
    assert_int_equal(cleat__remote_session_send(&session, "GET", "/x", none, &reply), CLEAT_OK);
    assert_true(cleat_slice_equals(cleat__buffer_slice(&reply), cleat_slice_of("{}")));
    assert_int_equal(http_sink_request(sink, 1).body.size, 0);
    assert_int_equal(http_sink_connections(sink), 1);
    assert_true(session.was_connected && session.was_answered);
    session.deadline_ns = cleat__deadline_ns(30);
    assert_int_equal(cleat__remote_session_send(&session, "GET", "/x", none, &reply), CLEAT_TIMEOUT);
    assert_false(session.was_answered);
    session.deadline_ns = cleat__deadline_ns(0);
    assert_int_equal(cleat__remote_session_send(&session, "GET", "/x", none, &reply), CLEAT_TIMEOUT);
    assert_int_equal(http_sink_requests(sink), 4);
    cleat__remote_session_end(&session);
    cleat__buffer_deinit(&reply);
    http_sink_stop(sink);
}

static void test_nobody_there(void **state)
{
    (void)state;
    cleat__remote_settings settings = settings_of("http://127.0.0.1:1");
    cleat__remote_session session;
    cleat__buffer reply = {0};
    assert_int_equal(cleat__remote_session_start(&session, &settings, 5000), CLEAT_OK);
    assert_refused(cleat__remote_session_send(&session, "GET", "/x", none, &reply), CLEAT_UNAVAILABLE,
                   "HATCHET_CLIENT_API_URL");
    assert_false(session.was_connected);
    cleat__remote_session_end(&session);
}

/* ---- Spans ---- */

/* In the head of a request: the span that it was sent in. */
static void assert_traceparent(http_request request, const cleat_span_view *span)
{
    char value[64], trace_id[33], span_id[17], expected[64];
    cleat_trace_id_to_hex(&span->trace_id, trace_id);
    cleat_span_id_to_hex(&span->span_id, span_id);
    snprintf(expected, sizeof(expected), "00-%s-%s-", trace_id, span_id);
    assert_non_null(strstr(http_header(request.head, "traceparent", value, sizeof(value)), expected));
}

static void send_both(cleat__remote_settings *settings)
{
    cleat__remote_session session;
    cleat__buffer reply = {0};
    assert_int_equal(cleat__remote_session_start(&session, settings, 5000), CLEAT_OK);
    assert_int_equal(cleat__remote_session_send(&session, "POST", "/hooks/abc", cleat_slice_of("{}"), &reply),
                     CLEAT_OK);
    assert_int_equal(cleat__remote_session_send(&session, "GET", "/x", none, &reply), CLEAT_NOT_FOUND);
    assert_false(session.was_explained);
    assert_int_equal(session.code, 404);
    cleat__remote_session_end(&session);
    cleat__buffer_deinit(&reply);
}

static void test_requests_have_spans(void **state)
{
    (void)state;
    const http_answer answers[] = {{.status = 200, .body = cleat_slice_of("{}")}, {.status = 404}};
    http_sink *sink = http_sink_start();
    cleat__remote_settings settings = settings_of(http_sink_url(sink, ""));
    cleat_tracer_provider *provider;
    cleat_span_exporter *spans;
    cleat_span_processor *processor;
    assert_int_equal(cleat_memory_exporter_new(&spans), CLEAT_OK);
    assert_int_equal(cleat_tracer_provider_new(NULL, &provider), CLEAT_OK);
    assert_int_equal(cleat_simple_processor_new(spans, &processor), CLEAT_OK);
    assert_int_equal(cleat_tracer_provider_add_processor(provider, processor), CLEAT_OK);
    cleat_tracer_provider_set_global(provider);
    http_sink_answer(sink, answers, 2);
    cleat_span outer = cleat_span_start(cleat_tracer_get("test", NULL), "outer", NULL);
    cleat_scope scope = cleat_span_attach(outer);
    send_both(&settings);
    cleat_scope_detach(scope);
    cleat_span_end(outer);
    cleat_span_view parent = spans_get(spans, "outer", 0);
    cleat_span_view post = spans_get(spans, "http POST", 0), get = spans_get(spans, "http GET", 0);
    assert_int_equal(post.kind, CLEAT_SPAN_KIND_CLIENT);
    span_assert_child(&post, &parent);
    span_assert_child(&get, &parent);
    span_assert_string(&post, "http.request.method", "POST");
    span_assert_string(&post, "url.full", http_sink_url(sink, "/hooks/REDACTED"));
    span_assert_int(&post, "http.response.status_code", 200);
    span_assert_int(&get, "http.response.status_code", 404);
    span_assert_string(&get, "error.type", "404");
    assert_traceparent(http_sink_request(sink, 0), &post);
    assert_traceparent(http_sink_request(sink, 1), &get);
    cleat_tracer_provider_set_global(NULL);
    cleat_tracer_provider_free(provider);
    http_sink_stop(sink);
}

/* Without a provider there is no span, and what the carrier says is sent on. */
static void test_a_carrier(void **state)
{
    (void)state;
    http_sink *sink = http_sink_start();
    cleat__remote_settings settings = settings_of(http_sink_url(sink, ""));
    cleat__remote_session session;
    cleat__buffer reply = {0};
    char value[64];
    assert_int_equal(cleat__remote_session_start(&session, &settings, 5000), CLEAT_OK);
    session.carrier =
        cleat_slice_of("{\"traceparent\":\"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\","
                       "\"baggage\":\"a=1\",\"bad name\":\"2\",\"x-bad\":\"a\\r\\nx-in: c\",\"x-no\":7}");
    assert_int_equal(cleat__remote_session_send(&session, "POST", "/hooks/a", cleat_slice_of("{}"), &reply),
                     CLEAT_OK);
    cleat__remote_session_end(&session);
    http_request seen = http_sink_request(sink, 0);
    assert_int_equal(strncmp(seen.head, "POST /hooks/a HTTP/1.1\r\n", 24), 0);
    assert_string_equal(http_header(seen.head, "traceparent", value, sizeof(value)),
                        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    assert_string_equal(http_header(seen.head, "baggage", value, sizeof(value)), "a=1");
    static const char *const others[] = {"bad name", "x-bad", "x-in", "x-no"};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        assert_string_equal(http_header(seen.head, others[i], value, sizeof(value)), "");
    }
    cleat__buffer_deinit(&reply);
    http_sink_stop(sink);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests),     cmocka_unit_test(test_bad_answers),
        cmocka_unit_test(test_no_answer),    cmocka_unit_test(test_a_session),
        cmocka_unit_test(test_nobody_there), cmocka_unit_test(test_requests_have_spans),
        cmocka_unit_test(test_a_carrier),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
