/* The transport over gRPC: hooks, which are on the HTTP side of the server. */
#include "support/http_sink.h"
#include "transport/grpc_invocation.h"

#define TENANT  "01890000-0000-7000-8000-0000000000ff"
#define RESUMED "{\"run_id\":\"" MOCK_RUN_ID "\""

static void open_http(fixture *it, http_sink *sink, int64_t retry_ms)
{
    cleat__remote_settings settings = mock_settings(&it->engine);
    cleat__free(settings.api_url);
    cleat__free(settings.tenant_id);
    settings.retry_ms = retry_ms;
    settings.api_url = cleat__strdup(http_sink_url(sink, ""));
    settings.tenant_id = cleat__strdup(TENANT);
    reopen(it, settings);
}

static cleat__durable_request hook_of(const char *token)
{
    return (cleat__durable_request){.kind = CLEAT__DURABLE_CREATE_HOOK,
                                    .as.create_hook = {.token = cleat_slice_of(token)}};
}

static cleat_status resume(fixture *it, const char *token, cleat__uuid *run_id, char **metadata)
{
    return it->transport->resume_hook(it->transport, cleat_slice_of(token), cleat_slice_of("{\"ok\":true}"),
                                      cleat_slice_of("{\"tracestate\":\"a=b\"}"), run_id, metadata);
}

/* Between others, in its place. */
static void test_a_hook_is_made(void **state)
{
    fixture *it = *state;
    size_t done;
    http_sink *sink = http_sink_start();
    open_http(it, sink, 1);
    it->engine.answers_durable = true;
    begin_invocation(it);
    cleat__durable_request requests[] = {memo_of("a", "1"), hook_of("a.b-c_~1"), memo_of("b", "1")};
    assert_ok(ask(it, 1, requests, 3, &done));
    assert_int_equal(done, 3);
    assert_int_equal(requests[2].as.memo.node.number, 2);
    http_request seen = http_sink_request(sink, 0);
    assert_int_equal(strncmp(seen.head, "PUT /hooks/a.b-c_~1 HTTP/1.1\r\n", 30), 0);
    assert_true(cleat_slice_equals(
        seen.body, cleat_slice_of("{\"run_id\":\"" MOCK_RUN_ID "\",\"invocation_count\":1}")));
    assert_refused(ask(it, 2, &requests[1], 1, NULL), CLEAT_CANCELLED, "invocation 2");
    assert_int_equal(http_sink_requests(sink), 1);
    http_sink_stop(sink);
}

#define ERROR(text) cleat_slice_of("{\"errors\":[{\"description\":\"" text "\"}]}")

static void test_a_hook_is_refused(void **state)
{
    fixture *it = *state;
    const struct {
        http_answer answer;
        cleat_status status;
        const char *part;
    } rows[] = {
        {{.status = 409, .body = ERROR("run 7 has it")}, CLEAT_ALREADY_EXISTS, "run 7 has it"},
        {{.status = 410, .body = ERROR("it is over")}, CLEAT_CANCELLED, "it is over"},
        {{.status = 404, .body = cleat_slice_of("{\"message\":\"not found\"}")},
         CLEAT_NOT_FOUND,
         "no run " MOCK_RUN_ID},
        {{.status = 404, .body = cleat_slice_of("<html>")}, CLEAT_UNSUPPORTED, "no hooks"},
        {{.status = 401, .body = ERROR("no such token")}, CLEAT_UNAVAILABLE, "no such token"},
        {{.status = 403, .body = cleat_slice_of("{\"description\":\"not here\"}")},
         CLEAT_UNAVAILABLE,
         "not here"},
    };
    enum { ROWS = sizeof(rows) / sizeof(rows[0]) };
    http_sink *sink = http_sink_start();
    open_http(it, sink, 1);
    begin_invocation(it);
    http_answer answers[ROWS];
    for (size_t i = 0; i < ROWS; i++) {
        answers[i] = rows[i].answer;
    }
    http_sink_answer(sink, answers, ROWS);
    for (size_t i = 0; i < ROWS; i++) {
        size_t done;
        cleat__durable_request hook = hook_of("a");
        assert_refused(ask(it, 1, &hook, 1, &done), rows[i].status, rows[i].part);
        assert_int_equal(done, 0);
    }
    http_sink_stop(sink);
}

/* ---- A server that is away ---- */

static void test_a_hook_is_made_after_all(void **state)
{
    fixture *it = *state;
    const http_answer answers[] = {{.status = 503}, {.closes = true}, {.status = 429}, {.status = 200}};
    cleat__durable_request hook = hook_of("a");
    http_sink *sink = http_sink_start();
    open_http(it, sink, 1);
    http_sink_answer(sink, answers, 4);
    begin_invocation(it);
    assert_ok(ask(it, 1, &hook, 1, NULL));
    assert_int_equal(http_sink_requests(sink), 4);
    http_sink_stop(sink);
}

/* The run is given back. */
static void test_a_server_that_stays_away(void **state)
{
    fixture *it = *state;
    cleat__durable_request hook = hook_of("a");
    cleat__remote_settings settings = mock_settings(&it->engine);
    cleat__free(settings.api_url);
    cleat__free(settings.tenant_id);
    settings.api_url = cleat__strdup("http://127.0.0.1:1");
    settings.tenant_id = cleat__strdup(TENANT);
    settings.tries = 3;
    reopen(it, settings);
    begin_invocation(it);
    assert_refused(ask(it, 1, &hook, 1, NULL), CLEAT_CANCELLED, "cannot be reached");
    assert_event(it, 0, RELEASED, "");
    assert_refused(ask(it, 1, &hook, 1, NULL), CLEAT_CANCELLED, "over");
}

/* Whoever waits for the next try is told that there is none. */
static void test_the_worker_goes_meanwhile(void **state)
{
    fixture *it = *state;
    const http_answer answer = {.status = 503};
    cleat__durable_request hook = hook_of("a");
    http_sink *sink = http_sink_start();
    open_http(it, sink, 20000);
    http_sink_answer(sink, &answer, 1);
    begin_invocation(it);
    asker_start(it, 1, &hook, 1);
    http_sink_wait(sink, 1);
    end_worker(it);
    asker_join(CLEAT_CANCELLED, "over");
    assert_int_equal(http_sink_requests(sink), 1);
    http_sink_stop(sink);
}

static void test_tokens(void **state)
{
    fixture *it = *state;
    char too_long[CLEAT__HOOK_TOKEN_MAX + 2];
    memset(too_long, 'a', sizeof(too_long));
    too_long[sizeof(too_long) - 1] = '\0';
    const char *const tokens[] = {"", "a/b", "..", ".", "a b", "a?b", "\xc3\xa4", too_long};
    cleat__uuid run_id;
    begin_invocation(it);
    for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
        cleat__durable_request hook = hook_of(tokens[i]);
        assert_refused(ask(it, 1, &hook, 1, NULL), CLEAT_INVALID_ARGUMENT, "token");
        assert_refused(resume(it, tokens[i], &run_id, NULL), CLEAT_INVALID_ARGUMENT, "token");
    }
}

static void test_a_hook_is_resumed(void **state)
{
    fixture *it = *state;
    char value[64], *metadata = NULL;
    cleat__uuid run_id, expected = uuid_of(MOCK_RUN_ID);
    const http_answer answers[] = {{.body = cleat_slice_of(RESUMED ",\"metadata\":{\"k\":1}}")},
                                   {.body = cleat_slice_of(RESUMED "}")}};
    http_sink *sink = http_sink_start();
    open_http(it, sink, 1);
    http_sink_answer(sink, answers, 2);
    assert_ok(resume(it, "abc", &run_id, &metadata));
    assert_true(cleat__uuid_equals(&run_id, &expected));
    assert_string_equal(metadata, "{\"k\":1}");
    cleat__free(metadata);
    http_request seen = http_sink_request(sink, 0);
    assert_int_equal(strncmp(seen.head, "POST /hooks/abc HTTP/1.1\r\n", 26), 0);
    assert_true(cleat_slice_equals(seen.body, cleat_slice_of("{\"ok\":true}")));
    assert_string_equal(http_header(seen.head, "tracestate", value, sizeof(value)), "a=b");
    assert_ok(resume(it, "abc", &run_id, &metadata));
    assert_null(metadata);
    http_sink_stop(sink);
}

static void test_a_resume_is_refused(void **state)
{
    fixture *it = *state;
    const struct {
        http_answer answer;
        cleat_status status;
        const char *part;
    } rows[] = {
        {{.status = 404, .body = cleat_slice_of("{\"message\":\"not found\"}")},
         CLEAT_NOT_FOUND,
         "no hook a..."},
        {{.status = 409, .body = ERROR("it has ended")}, CLEAT_FAILED_PRECONDITION, "it has ended"},
        {{.status = 413, .body = ERROR("too much")}, CLEAT_TOO_LARGE, "too much"},
        {{.status = 404}, CLEAT_UNSUPPORTED, "no hooks"},
        {{.body = cleat_slice_of("{}")}, CLEAT_INVALID_ARGUMENT, "whom"},
        {{.body = cleat_slice_of("{\"run_id\":\"7\"}")}, CLEAT_INVALID_ARGUMENT, "whom"},
        {{.body = cleat_slice_of("[")}, CLEAT_INVALID_ARGUMENT, "whom"},
    };
    enum { ROWS = sizeof(rows) / sizeof(rows[0]) };
    http_answer answers[ROWS];
    cleat__uuid run_id;
    http_sink *sink = http_sink_start();
    open_http(it, sink, 1);
    for (size_t i = 0; i < ROWS; i++) {
        answers[i] = rows[i].answer;
    }
    http_sink_answer(sink, answers, ROWS);
    for (size_t i = 0; i < ROWS; i++) {
        assert_refused(resume(it, "abc", &run_id, NULL), rows[i].status, rows[i].part);
    }
    http_sink_stop(sink);
}

static void test_hooks_elsewhere(void **state)
{
    fixture *it = *state;
    cleat__uuid run_id;
    cleat__durable_request hook = hook_of("abc");
    open_hatchet(it);
    begin_invocation(it);
    assert_refused(ask(it, 1, &hook, 1, NULL), CLEAT_UNSUPPORTED, "only Cleat's engine");
    assert_refused(resume(it, "abc", &run_id, NULL), CLEAT_UNSUPPORTED, "only Cleat's engine");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        INVOCATION_TEST(test_a_hook_is_made),
        INVOCATION_TEST(test_a_hook_is_refused),
        INVOCATION_TEST(test_a_hook_is_made_after_all),
        INVOCATION_TEST(test_a_server_that_stays_away),
        INVOCATION_TEST(test_the_worker_goes_meanwhile),
        INVOCATION_TEST(test_tokens),
        INVOCATION_TEST(test_a_hook_is_resumed),
        INVOCATION_TEST(test_a_resume_is_refused),
        INVOCATION_TEST(test_hooks_elsewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
