/* From a request's body to rows and an answer. */
#include "collector/otlp_in.h"

#include "recorder.h"

#include "base/thread.h"
#include "engine/engine.h"
#include "store/sqlite_error.h"
#include "support/http_sink.h"
#include "support/wire.h"

#include <stdlib.h>
#include <unistd.h>

typedef struct fixture {
    cleat__engine *engine;
    cleat__otlp_in in;
    pthread_mutex_t mutex; /* what follows */
    pthread_cond_t changed;
    int answers;
    cleat_status status;
    char response[200];
    size_t size;
} fixture;

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof(*f));
    const cleat__collector_options options = {.retention_ms = -1};
    assert_int_equal(cleat__engine_open(&(cleat__engine_options){.path = "test.db"}, &f->engine), CLEAT_OK);
    assert_int_equal(cleat__collector_new(f->engine, &options, &f->in.collector), CLEAT_OK);
    pthread_mutex_init(&f->mutex, NULL);
    cleat__cond_init(&f->changed);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    cleat__collector_free(f->in.collector);
    cleat__forward_free(f->in.forward);
    cleat__engine_close(f->engine);
    pthread_cond_destroy(&f->changed);
    pthread_mutex_destroy(&f->mutex);
    unlink("test.db");
    free(f);
    return 0;
}

static void done(void *argument, cleat_status status, cleat_slice response)
{
    fixture *f = argument;
    pthread_mutex_lock(&f->mutex);
    f->answers++;
    f->status = status;
    f->size = response.size < sizeof(f->response) ? response.size : sizeof(f->response) - 1;
    memcpy(f->response, response.size != 0 ? response.data : "", f->size);
    f->response[f->size] = '\0';
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->mutex);
}

static void wait_until_answered(fixture *f)
{
    pthread_mutex_lock(&f->mutex);
    while (f->answers == 0) {
        pthread_cond_wait(&f->changed, &f->mutex);
    }
    pthread_mutex_unlock(&f->mutex);
}

static void wait_for_answer(fixture *f)
{
    wait_until_answered(f);
    assert_int_equal(f->status, CLEAT_OK);
}

/* Takes the spans. */
static cleat__buffer request_of(cleat__buffer *spans, int count)
{
    cleat__buffer body = {0}, resource_spans = {0}, scope_spans = {0};
    for (int i = 0; i < count; i++) {
        wire_message(&scope_spans, 2, &spans[i]);
    }
    wire_message(&resource_spans, 2, &scope_spans);
    wire_message(&body, 1, &resource_spans);
    return body;
}

static int64_t count(const char *sql)
{
    cleat__store *store = NULL;
    assert_int_equal(cleat__store_open("test.db", CLEAT__STORE_READ, &store), CLEAT_OK);
    int64_t number = query_int(store, sql);
    cleat__store_close(store);
    return number;
}

static void test_protobuf_is_answered_when_stored(void **state)
{
    fixture *f = *state;
    cleat__buffer spans[] = {wire_span(1, 2, "a"), wire_span(0, 3, "no trace"), wire_span(1, 4, "b")};
    cleat__buffer body = request_of(spans, 3);
    assert_int_equal(cleat__otlp_in_take(&f->in, 7, false, &body, done, f), CLEAT_OK);
    assert_null(body.data);
    wait_for_answer(f);
    assert_int_equal(f->size, 36);
    assert_memory_equal(f->response,
                        "\x0a\x22\x08\x01\x12\x1e"
                        "a span has an invalid trace id",
                        f->size);
    assert_int_equal(count("SELECT span_count FROM trace WHERE tenant = 7"), 2);
}

static void test_json_is_answered_in_json(void **state)
{
    fixture *f = *state;
    cleat__buffer body = {0};
    cleat__buffer_append_string(&body,
                                "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"traceId\":"
                                "\"0102030405060708090a0b0c0d0e0f10\",\"spanId\":\"a1a2a3a4a5a6a7a8\"},"
                                "{\"traceId\":\"x\",\"spanId\":\"a1a2a3a4a5a6a7a8\"}]}]}]}");
    assert_int_equal(cleat__otlp_in_take(&f->in, 1, true, &body, done, f), CLEAT_OK);
    wait_for_answer(f);
    assert_string_equal(f->response, "{\"partialSuccess\":{\"rejectedSpans\":\"1\",\"errorMessage\":"
                                     "\"a span has an invalid trace id\"}}");
    assert_int_equal(count("SELECT count(*) FROM span"), 1);
}

static void test_full_success_has_no_partial_one(void **state)
{
    fixture *f = *state;
    cleat__buffer body = {0};
    assert_int_equal(cleat__otlp_in_take(&f->in, 1, false, &body, done, f), CLEAT_OK);
    wait_for_answer(f);
    assert_int_equal(f->size, 0);
}

static void test_nothing_of_a_malformed_request_is_stored(void **state)
{
    fixture *f = *state;
    cleat__buffer spans[] = {wire_span(1, 2, "fine"), wire_span(1, 3, "x")};
    wire_bytes(&spans[1], 9, "\x0a\x7f", 2);
    cleat__buffer body = request_of(spans, 2), json = {0};
    assert_int_equal(cleat__otlp_in_take(&f->in, 1, false, &body, done, f), CLEAT_INVALID_ARGUMENT);
    cleat__buffer_append_string(&json, "{\"resourceSpans\":5}");
    assert_int_equal(cleat__otlp_in_take(&f->in, 1, true, &json, done, f), CLEAT_INVALID_ARGUMENT);
    assert_null(body.data);
    assert_null(json.data);
    assert_int_equal(cleat__collector_stop(f->in.collector, -1), CLEAT_OK);
    assert_int_equal(f->answers, 0);
    assert_int_equal(count("SELECT count(*) FROM span"), 0);
}

static void test_json_has_a_limit_of_its_own(void **state)
{
    fixture *f = *state;
    cleat__buffer json = {0};
    f->in.limits.max_bytes = 40;
    cleat__buffer_append_string(&json, "{\"later\":1}");
    assert_int_equal(cleat__otlp_in_take(&f->in, 1, true, &json, done, f), CLEAT_TOO_LARGE);
    assert_null(json.data);
}

/* What a client chose stays: a root with a link is one, a parent that is not here is one. */
static void test_runs_are_found_and_the_topology_is_kept(void **state)
{
    fixture *f = *state;
    cleat__buffer spans[] = {wire_span(1, 1, "hatchet.start_step_run"),
                             wire_span(2, 2, "hatchet.start_step_run"), wire_span(3, 3, "x")};
    cleat__buffer link = {0}, pair = {0}, value = {0};
    const uint8_t parent[8] = {9}, trace[16] = {8};
    wire_bytes(&spans[0], 4, parent, 8);
    for (int i = 0; i < 2; i++) {
        wire_attribute(&spans[i], 9, "hatchet.workflow_run_id", "01020300-0000-0000-0000-000000000000");
        wire_attribute(&spans[i], 9, "hatchet.step_run_id", "0A0B0C00-0000-0000-0000-000000000000");
    }
    wire_number(&value, 3, 2);
    wire_text(&pair, 1, "hatchet.retry_count");
    wire_message(&pair, 2, &value);
    wire_message(&spans[0], 9, &pair);
    wire_bytes(&link, 1, trace, 16);
    wire_bytes(&link, 2, parent, 8);
    wire_message(&spans[1], 13, &link);
    wire_attribute(&spans[2], 9, "hatchet.workflow_run_id", "no uuid");
    wire_attribute(&spans[2], 9, "hatchet.step_run_id", "0102030000000000000000000000000000ZZ");
    cleat__buffer body = request_of(spans, 3);
    assert_int_equal(cleat__otlp_in_take(&f->in, 1, false, &body, done, f), CLEAT_OK);
    wait_for_answer(f);
    assert_int_equal(f->size, 0);
    assert_int_equal(count("SELECT count(*) FROM span WHERE run_id = x'01020300000000000000000000000000'"
                           " AND task_id = x'0a0b0c00000000000000000000000000'"),
                     2);
    assert_int_equal(count("SELECT count(*) FROM span WHERE parent_span_id = x'0900000000000000'"
                           " AND retry_count = 2"),
                     1);
    assert_int_equal(
        count("SELECT count(*) FROM span WHERE name = 'x' AND run_id IS NULL AND task_id IS NULL"), 1);
    assert_int_equal(count("SELECT count(*) FROM span JOIN span_link ON trace = from_trace"
                           " WHERE parent_span_id IS NULL AND to_span_id = x'0900000000000000'"),
                     1);
    assert_int_equal(count("SELECT count(*) FROM trace"), 3);
}

static void test_what_is_taken_is_forwarded_too(void **state)
{
    fixture *f = *state;
    http_sink *sink = http_sink_start();
    cleat__buffer span = wire_span(1, 2, "a"), again = wire_span(1, 2, "a");
    cleat__forward_stats stats;
    assert_int_equal(cleat__forward_new(http_sink_url(sink, ""), NULL, &f->in.forward), CLEAT_OK);
    cleat__buffer body = request_of(&span, 1);
    assert_int_equal(cleat__otlp_in_take(&f->in, 1, false, &body, done, f), CLEAT_OK);
    wait_for_answer(f);
    assert_int_equal(cleat__collector_stop(f->in.collector, -1), CLEAT_OK);
    body = request_of(&again, 1); /* it is not taken: not forwarded either */
    assert_int_equal(cleat__otlp_in_take(&f->in, 1, false, &body, done, f), CLEAT_UNAVAILABLE);
    assert_int_equal(cleat__forward_stop(f->in.forward, -1), CLEAT_OK);
    cleat__forward_get_stats(f->in.forward, &stats);
    assert_int_equal(stats.forwarded, 1);
    assert_int_equal(http_sink_requests(sink), 1);
    http_sink_stop(sink);
}

static cleat_status break_store(cleat__store *store, void *argument)
{
    (void)argument;
    return cleat__sqlite_exec(cleat__store_db(store), "DROP TABLE span", "breaking the file");
}

/* Its sender sends it again: the other back end must not get it each time. */
static void test_what_is_not_stored_is_not_forwarded(void **state)
{
    fixture *f = *state;
    http_sink *sink = http_sink_start();
    cleat__buffer span = wire_span(1, 2, "a");
    cleat__forward_stats stats;
    assert_int_equal(cleat__forward_new(http_sink_url(sink, ""), NULL, &f->in.forward), CLEAT_OK);
    assert_int_equal(cleat__engine_call(f->engine, break_store, NULL), CLEAT_OK);
    cleat__buffer body = request_of(&span, 1);
    assert_int_equal(cleat__otlp_in_take(&f->in, 1, false, &body, done, f), CLEAT_OK);
    wait_until_answered(f);
    assert_int_not_equal(f->status, CLEAT_OK);
    assert_int_equal(cleat__forward_stop(f->in.forward, -1), CLEAT_OK);
    cleat__forward_get_stats(f->in.forward, &stats);
    assert_int_equal(stats.forwarded, 0);
    assert_int_equal(http_sink_requests(sink), 0);
    http_sink_stop(sink);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_protobuf_is_answered_when_stored), TEST(test_json_is_answered_in_json),
        TEST(test_full_success_has_no_partial_one),  TEST(test_nothing_of_a_malformed_request_is_stored),
        TEST(test_json_has_a_limit_of_its_own),      TEST(test_runs_are_found_and_the_topology_is_kept),
        TEST(test_what_is_taken_is_forwarded_too),   TEST(test_what_is_not_stored_is_not_forwarded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
