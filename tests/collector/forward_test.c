/* On to another back end: what arrives there, and what is dropped where it does not. */
#include "collector/forward.h"

#include "base/thread.h"
#include "support/http_sink.h"
#include "support/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct fixture {
    http_sink *sink;
    cleat__forward *forward;
} fixture;

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof(*f));
    f->sink = http_sink_start();
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    cleat__forward_free(f->forward);
    http_sink_stop(f->sink);
    free(f);
    return 0;
}

static void start(fixture *f, const char *path, const cleat__forward_options *options)
{
    assert_int_equal(cleat__forward_new(http_sink_url(f->sink, path), options, &f->forward), CLEAT_OK);
}

static cleat__otlp_received *request_of(int count)
{
    cleat__buffer body = {0}, spans = {0}, resource = {0}, scope_spans = {0}, scope = {0};
    cleat__otlp_received *received = NULL;
    wire_attribute(&resource, 1, "service.name", "shop");
    wire_text(&scope, 1, "lib");
    wire_message(&scope_spans, 1, &scope);
    for (int i = 0; i < count; i++) {
        cleat__buffer span = wire_span(1, (uint8_t)(i + 1), "buy");
        wire_number(&span, 900, 5); /* a field nobody here knows goes along */
        wire_message(&scope_spans, 2, &span);
    }
    wire_message(&spans, 1, &resource);
    wire_message(&spans, 2, &scope_spans);
    wire_message(&body, 1, &spans);
    assert_int_equal(cleat__otlp_received_new(&body, NULL, &received), CLEAT_OK);
    return received;
}

static void offer(fixture *f, int spans)
{
    cleat__otlp_received *received = request_of(spans);
    cleat__forward_offer(f->forward, received);
    cleat__otlp_received_release(received);
}

static cleat__forward_stats stats_of(fixture *f)
{
    cleat__forward_stats stats;
    cleat__forward_get_stats(f->forward, &stats);
    return stats;
}

/* ---- Arriving ---- */

static void test_spans_arrive_as_they_came(void **state)
{
    fixture *f = *state;
    cleat__buffer body = {0};
    cleat__otlp_received *arrived = NULL, *sent = request_of(2);
    start(f, "/v1/traces", NULL);
    cleat__forward_offer(f->forward, sent);
    assert_int_equal(cleat__forward_stop(f->forward, -1), CLEAT_OK);
    assert_int_equal(http_sink_requests(f->sink), 1);
    cleat_slice text = http_sink_request(f->sink, 0).body;
    cleat__buffer_append_slice(&body, text);
    assert_int_equal(cleat__otlp_received_new(&body, NULL, &arrived), CLEAT_OK);
    assert_int_equal(arrived->batch.count, 2);
    cleat_span_view before, behind;
    for (size_t here = 0, there = 0; cleat_span_batch_next(&sent->batch, &here, &before);) {
        assert_true(cleat_span_batch_next(&arrived->batch, &there, &behind));
        assert_true(cleat_slice_equals(before.record, behind.record));
        assert_true(cleat_slice_equals(behind.scope->name, cleat_slice_of("lib")));
        assert_int_equal(cleat_resource_count(behind.resource), 1);
    }
    cleat__otlp_received_release(arrived);
    cleat__otlp_received_release(sent);
    assert_int_equal(stats_of(f).forwarded, 2);
    assert_int_equal(stats_of(f).waiting_bytes, 0);
}

static void test_a_url_without_a_path(void **state)
{
    static const char *const urls[] = {"", "/", "/elsewhere"};
    static const char *const asked[] = {"POST /v1/traces ", "POST /v1/traces ", "POST /elsewhere "};
    fixture *f = *state;
    const cleat_otlp_header header = {"x-token", "secret"};
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        char value[32];
        start(f, urls[i], &(cleat__forward_options){.headers = &header, .header_count = 1});
        offer(f, 1);
        assert_int_equal(cleat__forward_stop(f->forward, -1), CLEAT_OK);
        http_request request = http_sink_request(f->sink, i);
        assert_memory_equal(request.head, asked[i], strlen(asked[i]));
        assert_string_equal(http_header(request.head, "x-token", value, sizeof(value)), "secret");
        cleat__forward_free(f->forward);
        f->forward = NULL;
    }
}

static void test_many_follow_each_other(void **state)
{
    fixture *f = *state;
    start(f, "", NULL);
    for (int i = 0; i < 100; i++) {
        offer(f, 3);
    }
    assert_int_equal(cleat__forward_stop(f->forward, -1), CLEAT_OK);
    assert_int_equal(http_sink_requests(f->sink), 100);
    assert_int_equal(stats_of(f).forwarded, 300);
}

static void test_an_empty_request_is_not_sent(void **state)
{
    fixture *f = *state;
    start(f, "", NULL);
    offer(f, 0);
    assert_int_equal(cleat__forward_stop(f->forward, -1), CLEAT_OK);
    assert_int_equal(http_sink_requests(f->sink), 0);
}

/* ---- Dropped ---- */

static void test_a_back_end_that_hangs_costs_what_does_not_fit(void **state)
{
    fixture *f = *state;
    const http_answer waits = {.waits = true};
    http_sink_answer(f->sink, &waits, 1);
    start(f, "", &(cleat__forward_options){.max_waiting_bytes = 20000});
    for (int i = 0; i < 200; i++) {
        offer(f, 5);
    }
    cleat__forward_stats stats = stats_of(f);
    assert_true(stats.dropped_full > 0 && stats.dropped_full < 1000);
    assert_in_range(stats.waiting_bytes, 1, 20000);
    http_sink_open(f->sink);
    assert_int_equal(cleat__forward_stop(f->forward, -1), CLEAT_OK);
    stats = stats_of(f);
    assert_int_equal(stats.forwarded + stats.dropped_full, 1000);
}

static void test_stopping_does_not_wait_for_ever(void **state)
{
    fixture *f = *state;
    const http_answer hangs = {.hangs = true};
    http_sink_answer(f->sink, &hangs, 1);
    start(f, "", NULL);
    for (int i = 0; i < 20; i++) {
        offer(f, 5);
    }
    assert_int_equal(cleat__forward_stop(f->forward, 50), CLEAT_TIMEOUT);
    offer(f, 7);
    assert_int_equal(cleat__forward_stop(f->forward, 50), CLEAT_OK);
    /* Four were on their way, sixteen waited, one came too late. */
    assert_int_equal(stats_of(f).dropped_stopped, 16 * 5 + 7);
    assert_int_equal(stats_of(f).forwarded, 0);
}

static void test_a_refusal_is_counted(void **state)
{
    fixture *f = *state;
    const http_answer answers[] = {
        {.status = 400},
        {.headers = "Content-Type: application/x-protobuf\r\n",
         .body = {"\x0a\x02\x08\x02", 4}}, /* two rejected */
    };
    http_sink_answer(f->sink, answers, 2);
    start(f, "", NULL);
    offer(f, 3);
    http_sink_wait(f->sink, 1);
    offer(f, 5);
    assert_int_equal(cleat__forward_stop(f->forward, -1), CLEAT_OK);
    assert_int_equal(stats_of(f).dropped_failed, 3);
    assert_int_equal(stats_of(f).dropped_rejected, 2);
    assert_int_equal(stats_of(f).forwarded, 3);
}

static void test_nobody_there(void **state)
{
    fixture *f = *state;
    assert_int_equal(cleat__forward_new("http://127.0.0.1:1", NULL, &f->forward), CLEAT_OK);
    offer(f, 3);
    assert_int_equal(cleat__forward_stop(f->forward, -1), CLEAT_OK);
    assert_int_equal(stats_of(f).dropped_failed, 3);
}

static void test_what_is_no_url(void **state)
{
    cleat__forward *forward = NULL;
    (void)state;
    assert_int_equal(cleat__forward_new("no url", NULL, &forward), CLEAT_INVALID_ARGUMENT);
    assert_null(forward);
    cleat__forward_free(NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_spans_arrive_as_they_came),
        TEST(test_a_url_without_a_path),
        TEST(test_many_follow_each_other),
        TEST(test_an_empty_request_is_not_sent),
        TEST(test_a_back_end_that_hangs_costs_what_does_not_fit),
        TEST(test_stopping_does_not_wait_for_ever),
        TEST(test_a_refusal_is_counted),
        TEST(test_nobody_there),
        cmocka_unit_test(test_what_is_no_url),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
