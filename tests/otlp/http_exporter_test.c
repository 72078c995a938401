#define _GNU_SOURCE /* memmem, strcasestr */
#include "base/base_test.h"
#include "support/http_sink.h"
#include "trace/sdk_test.h"

#include <zlib.h>

enum { HOUR_MS = 3600000 };

/* A provider whose batch processor sends to the sink only when flushed. */
typedef struct fixture {
    http_sink *sink;
    cleat_tracer_provider *provider;
    cleat_span_processor *processor; /* the provider's */
    cleat_span_exporter *exporter;   /* the provider's */
    cleat_tracer *tracer;
} fixture;

static int set_up(void **state)
{
    fixture *it = calloc(1, sizeof(*it));
    it->sink = http_sink_start();
    *state = it;
    return 0;
}

static int tear_down(void **state)
{
    fixture *it = *state;
    cleat_tracer_provider_free(it->provider);
    http_sink_stop(it->sink);
    free(it);
    return 0;
}

static void use(fixture *it, cleat_otlp_exporter_options options, bool is_json, size_t batch)
{
    options.struct_size = sizeof(options);
    options.endpoint = options.endpoint != NULL ? options.endpoint : http_sink_url(it->sink, "/v1/traces");
    assert_int_equal(is_json ? cleat_otlp_json_exporter_new(&options, &it->exporter)
                             : cleat_otlp_http_exporter_new(&options, &it->exporter),
                     CLEAT_OK);
    assert_int_equal(cleat_batch_processor_new(it->exporter,
                                               CLEAT_BATCH_PROCESSOR_OPTIONS(.schedule_delay_ms = HOUR_MS,
                                                                             .export_timeout_ms = 4 * HOUR_MS,
                                                                             .max_export_batch_size = batch),
                                               &it->processor),
                     CLEAT_OK);
    assert_int_equal(cleat_tracer_provider_new(NULL, &it->provider), CLEAT_OK);
    assert_int_equal(cleat_tracer_provider_add_processor(it->provider, it->processor), CLEAT_OK);
    it->tracer = cleat_tracer_provider_get_tracer(it->provider, "http", NULL);
}

#define USE(it, ...) use(it, (cleat_otlp_exporter_options){.struct_size = 0, __VA_ARGS__}, false, 512)

static void make_spans(fixture *it, int count)
{
    for (int i = 0; i < count; i++) {
        cleat_span_end(cleat_span_start(it->tracer, "a span over HTTP", NULL));
    }
}

static cleat_status flush(fixture *it)
{
    return cleat_tracer_provider_force_flush(it->provider, 300000);
}

static cleat_otlp_exporter_stats stats_of(fixture *it)
{
    cleat_otlp_exporter_stats stats;
    cleat_otlp_exporter_get_stats(it->exporter, &stats);
    return stats;
}

/* Exporter and provider count the same. */
static void assert_counts(fixture *it, uint64_t exported, uint64_t failed)
{
    cleat_tracer_provider_stats stats;
    cleat_tracer_provider_get_stats(it->provider, &stats);
    assert_int_equal(stats_of(it).spans_exported, exported);
    assert_int_equal(stats_of(it).spans_failed, failed);
    assert_int_equal(stats.exported, exported);
    assert_int_equal(stats.failed, failed);
}

static bool holds(cleat_slice body, const char *text)
{
    return memmem(body.data, body.size, text, strlen(text)) != NULL;
}

static void assert_header(fixture *it, size_t index, const char *name, const char *expected)
{
    char value[256];
    assert_string_equal(http_header(http_sink_request(it->sink, index).head, name, value, sizeof(value)),
                        expected);
}

/* ---- What is sent ---- */

static void spans_are_posted_as_protobuf(void **state)
{
    fixture *it = *state;
    USE(it, .user_agent = "my-distro/7");
    make_spans(it, 3);
    assert_int_equal(flush(it), CLEAT_OK);
    http_request request = http_sink_request(it->sink, 0);
    assert_memory_equal(request.head, "POST /v1/traces HTTP/1.1\r\n", 26);
    assert_header(it, 0, "Content-Type", "application/x-protobuf");
    assert_header(it, 0, "User-Agent", "my-distro/7 OTel-OTLP-Exporter-C/0.1.0");
    assert_header(it, 0, "Expect", "");
    assert_true(holds(request.body, "a span over HTTP"));
    assert_true(holds(request.body, "service.name"));
    assert_int_equal(stats_of(it).spans_exported, 3);
    assert_int_equal(stats_of(it).requests, 1);
    assert_int_equal(stats_of(it).bytes_sent, request.body.size);
}

static void spans_are_posted_as_json(void **state)
{
    fixture *it = *state;
    use(it, (cleat_otlp_exporter_options){.struct_size = 0}, true, 512);
    make_spans(it, 1);
    assert_int_equal(flush(it), CLEAT_OK);
    assert_header(it, 0, "Content-Type", "application/json");
    assert_memory_equal(http_sink_request(it->sink, 0).body.data, "{\"resourceSpans\":[", 18);
}

static void bodies_are_compressed_when_asked(void **state)
{
    fixture *it = *state;
    char plain[64 * 1024];
    USE(it, .compression = CLEAT_OTLP_COMPRESSION_GZIP);
    for (size_t i = 0; i < 2; i++) { /* the second with the compressor of the first */
        z_stream stream = {0};
        make_spans(it, 100);
        assert_int_equal(flush(it), CLEAT_OK);
        assert_header(it, i, "Content-Encoding", "gzip");
        cleat_slice body = http_sink_request(it->sink, i).body;
        stream.next_in = (Bytef *)(uintptr_t)body.data;
        stream.avail_in = (uInt)body.size;
        stream.next_out = (Bytef *)plain;
        stream.avail_out = sizeof(plain);
        assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
        assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
        assert_true(holds((cleat_slice){plain, stream.total_out}, "a span over HTTP"));
        assert_true(body.size < stream.total_out / 4 * 3);
        inflateEnd(&stream);
    }
}

static void headers_go_along(void **state)
{
    fixture *it = *state;
    const cleat_otlp_header headers[] = {{"X-Token", "secret"}, {"x-empty", ""}};
    setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-token=other, X-Tenant = a%20b ,nonsense", 1);
    USE(it, .headers = headers, .header_count = 2);
    unsetenv("OTEL_EXPORTER_OTLP_HEADERS");
    make_spans(it, 1);
    assert_int_equal(flush(it), CLEAT_OK);
    assert_header(it, 0, "x-token", "secret");
    assert_header(it, 0, "x-tenant", "a b");
    assert_non_null(strcasestr(http_sink_request(it->sink, 0).head, "x-empty:"));
}

static void large_batches_are_sent_in_parts(void **state)
{
    fixture *it = *state;
    USE(it, .max_request_size = 1000);
    make_spans(it, 50);
    assert_int_equal(flush(it), CLEAT_OK);
    assert_true(http_sink_requests(it->sink) > 2);
    for (size_t i = 0; i < http_sink_requests(it->sink); i++) {
        assert_true(http_sink_request(it->sink, i).body.size <= 1000);
    }
    assert_int_equal(stats_of(it).spans_exported, 50);
}

static void a_span_larger_than_a_request_is_left_out(void **state)
{
    fixture *it = *state;
    char *text = calloc(1, 5001);
    memset(text, 'x', 5000);
    USE(it, .max_request_size = 2000);
    make_spans(it, 1);
    cleat_span span = cleat_span_start(it->tracer, "large", NULL);
    cleat_span_set_string(span, "text", text);
    cleat_span_end(span);
    make_spans(it, 1);
    assert_int_equal(flush(it), CLEAT_TOO_LARGE);
    assert_counts(it, 2, 1);
    free(text);
}

static void connections_are_kept_and_requests_overlap(void **state)
{
    fixture *it = *state;
    const http_answer waits = {.waits = true};
    http_sink_answer(it->sink, &waits, 1);
    use(it, (cleat_otlp_exporter_options){.max_concurrent_requests = 3}, false, 10);
    make_spans(it, 60);
    http_sink_wait(it->sink, 3); /* before any is answered */
    assert_int_equal(http_sink_requests(it->sink), 3);
    http_sink_open(it->sink);
    assert_int_equal(flush(it), CLEAT_OK);
    assert_int_equal(http_sink_requests(it->sink), 6);
    assert_int_equal(http_sink_connections(it->sink), 3);
}

/* ---- What goes wrong ---- */

static void retryable_answers_are_retried(void **state)
{
    fixture *it = *state;
    const http_answer answers[] = {{.closes = true}, {.status = 503}, {.status = 429}, {.status = 200}};
    http_sink_answer(it->sink, answers, 4);
    USE(it, .initial_backoff_ms = 1, .max_backoff_ms = 2);
    make_spans(it, 2);
    assert_int_equal(flush(it), CLEAT_OK);
    assert_int_equal(stats_of(it).requests, 4);
    assert_int_equal(stats_of(it).retries, 3);
    assert_int_equal(stats_of(it).spans_exported, 2);
    assert_int_equal(http_sink_request(it->sink, 3).body.size, http_sink_request(it->sink, 0).body.size);
}

static void attempts_end(void **state)
{
    fixture *it = *state;
    const http_answer answer = {.status = 502};
    http_sink_answer(it->sink, &answer, 1);
    USE(it, .initial_backoff_ms = 1, .max_backoff_ms = 1, .max_attempts = 3);
    make_spans(it, 2);
    assert_int_equal(flush(it), CLEAT_UNAVAILABLE);
    assert_int_equal(stats_of(it).requests, 3);
    assert_int_equal(stats_of(it).spans_failed, 2);
}

static void other_answers_are_not_retried(void **state)
{
    fixture *it = *state;
    const http_answer answers[] = {
        {.status = 400, .headers = "Content-Type: text/plain\r\n", .body = {"no", 2}},
        {.status = 308, .headers = "Location: http://127.0.0.1:1/\r\n"},
        {.status = 500}};
    http_sink_answer(it->sink, answers, 3);
    USE(it, .initial_backoff_ms = 1);
    for (int i = 0; i < 3; i++) {
        make_spans(it, 1);
        assert_int_equal(flush(it), CLEAT_NON_RETRYABLE);
    }
    assert_int_equal(stats_of(it).requests, 3);
    assert_int_equal(stats_of(it).retries, 0);
}

static void make_a_batch_of_parts(fixture *it)
{
    USE(it, .max_request_size = 1000, .initial_backoff_ms = 1, .max_backoff_ms = 1, .max_attempts = 2);
    make_spans(it, 50);
}

/* It says nothing about the others. */
static void a_part_that_is_refused_does_not_take_the_others_with_it(void **state)
{
    fixture *it = *state;
    const http_answer answers[] = {{.status = 200}, {.status = 400}, {.status = 413}, {.status = 200}};
    http_sink_answer(it->sink, answers, 4);
    make_a_batch_of_parts(it);
    assert_int_equal(flush(it), CLEAT_NON_RETRYABLE);
    size_t parts = http_sink_requests(it->sink);
    assert_true(parts > 4);
    uint64_t failed = stats_of(it).spans_failed;
    assert_true(failed >= 2 && failed < 50);
    assert_counts(it, 50 - failed, failed);
    assert_int_equal(flush(it), CLEAT_OK); /* told once */
}

/* Neither will the rest be taken by a server that does not know this client, or is not there. */
static void what_holds_for_all_requests_ends_the_batch(void **state)
{
    fixture *it = *state;
    const http_answer answers[] = {{.status = 401}, {.status = 403}, {.status = 404},
                                   {.status = 405}, {.status = 415}, {.status = 302},
                                   {.status = 503}, {.status = 503}, {.closes = true}};
    http_sink_answer(it->sink, answers, 9);
    make_a_batch_of_parts(it);
    for (size_t i = 1; i <= 6; i++) {
        assert_int_equal(flush(it), CLEAT_NON_RETRYABLE);
        assert_int_equal(http_sink_requests(it->sink), i);
        make_spans(it, 50);
    }
    for (size_t i = 1; i <= 2; i++) { /* of two attempts each */
        assert_int_equal(flush(it), CLEAT_UNAVAILABLE);
        assert_int_equal(stats_of(it).requests, 6 + 2 * i);
        make_spans(it, 50);
    }
    assert_counts(it, 0, 8 * 50);
}

static void a_retry_is_logged_with_its_cause_and_wait(void **state)
{
    fixture *it = *state;
    const http_answer answers[] = {{.status = 503}, {.status = 200}};
    kept_log log = {0};
    http_sink_answer(it->sink, answers, 2);
    USE(it, .initial_backoff_ms = 1, .max_backoff_ms = 1);
    make_spans(it, 1);
    cleat_log_set_handler(keep_message, &log, CLEAT_LOG_DEBUG);
    assert_int_equal(flush(it), CLEAT_OK);
    cleat_log_set_handler(NULL, NULL, CLEAT_LOG_WARN);
    assert_int_equal(log.count, 1);
    assert_int_equal(log.level, CLEAT_LOG_DEBUG);
    assert_non_null(strstr(log.message, "HTTP status 503; trying again in "));
}

static void a_server_that_wants_more_time_than_there_is_gets_no_second_attempt(void **state)
{
    fixture *it = *state;
    const http_answer answer = {.status = 503, .headers = "Retry-After: 3600\r\n"};
    http_sink_answer(it->sink, &answer, 1);
    USE(it, .initial_backoff_ms = 1);
    make_spans(it, 1);
    assert_int_equal(flush(it), CLEAT_UNAVAILABLE);
    assert_int_equal(stats_of(it).requests, 1);
}

static void a_partial_success_is_counted_and_not_retried(void **state)
{
    fixture *it = *state;
    static const char body[] = "\x0a\x09\x08\x02\x12\x05wrong";
    const http_answer answer = {.headers = "Content-Type: application/x-protobuf\r\n",
                                .body = {body, sizeof(body) - 1}};
    http_sink_answer(it->sink, &answer, 1);
    USE(it, .max_attempts = 5);
    make_spans(it, 3);
    assert_int_equal(flush(it), CLEAT_OK);
    assert_int_equal(stats_of(it).requests, 1);
    assert_int_equal(stats_of(it).spans_rejected, 2);
    assert_int_equal(stats_of(it).spans_exported, 1);
}

static void a_partial_success_in_json_is_counted(void **state)
{
    fixture *it = *state;
    static const char body[] = " {\"partialSuccess\" : {\"errorMessage\":\"wrong\",\"rejectedSpans\":\"2\"}}";
    const http_answer answer = {.headers = "Content-Type: application/json\r\n",
                                .body = {body, sizeof(body) - 1}};
    http_sink_answer(it->sink, &answer, 1);
    use(it, (cleat_otlp_exporter_options){.struct_size = 0}, true, 512);
    make_spans(it, 3);
    assert_int_equal(flush(it), CLEAT_OK);
    assert_int_equal(stats_of(it).spans_rejected, 2);
}

static void a_response_that_is_too_large_fails(void **state)
{
    fixture *it = *state;
    static char body[5000];
    const http_answer answer = {.body = {body, sizeof(body)}};
    http_sink_answer(it->sink, &answer, 1);
    USE(it, .max_response_size = 4999);
    make_spans(it, 1);
    assert_int_equal(flush(it), CLEAT_TOO_LARGE);
    assert_int_equal(stats_of(it).requests, 1);
}

static void garbage_fails(void **state)
{
    fixture *it = *state;
    static const char garbage[] = "\x00\xFF not HTTP at all\r\n\r\n\r\n";
    const http_answer answer = {.raw = {garbage, sizeof(garbage)}};
    http_sink_answer(it->sink, &answer, 1);
    USE(it, .initial_backoff_ms = 1, .max_attempts = 2);
    make_spans(it, 1);
    assert_int_equal(flush(it), CLEAT_NON_RETRYABLE);
}

static void nobody_there_fails(void **state)
{
    fixture *it = *state;
    USE(it, .endpoint = "http://127.0.0.1:1/v1/traces", .initial_backoff_ms = 1, .max_attempts = 2);
    make_spans(it, 1);
    assert_int_equal(flush(it), CLEAT_UNAVAILABLE);
    assert_int_equal(stats_of(it).spans_failed, 1);
}

static void a_server_that_never_answers_is_given_up(void **state)
{
    fixture *it = *state;
    const http_answer answer = {.hangs = true};
    http_sink_answer(it->sink, &answer, 1);
    USE(it, .timeout_ms = 50);
    make_spans(it, 1);
    assert_int_equal(flush(it), CLEAT_TIMEOUT);
}

static void shutting_down_cancels_what_hangs(void **state)
{
    fixture *it = *state;
    const http_answer answer = {.hangs = true};
    http_sink_answer(it->sink, &answer, 1);
    use(it, (cleat_otlp_exporter_options){.timeout_ms = 3600000}, false, 1);
    make_spans(it, 8);
    http_sink_wait(it->sink, 4);
    assert_int_equal(cleat_tracer_provider_shutdown(it->provider, 1), CLEAT_TIMEOUT);
}

static void shutting_down_ends_the_waiting_for_retries(void **state)
{
    fixture *it = *state;
    const http_answer answer = {.closes = true};
    http_sink_answer(it->sink, &answer, 1);
    use(it,
        (cleat_otlp_exporter_options){
            .timeout_ms = 4 * HOUR_MS, .initial_backoff_ms = HOUR_MS, .max_backoff_ms = HOUR_MS},
        false, 1);
    make_spans(it, 6); /* more than are under way at a time */
    http_sink_wait(it->sink, 4);
    assert_int_equal(stats_of(it).spans_failed, 0); /* there would be time to try again */
    assert_int_equal(cleat_tracer_provider_shutdown(it->provider, HOUR_MS), CLEAT_UNAVAILABLE);
    assert_in_range(http_sink_requests(it->sink), 6, 6 + 4); /* one more try for each that waited */
    assert_int_equal(stats_of(it).spans_failed, 6);
}

static void shutting_down_tries_again_where_there_is_a_server(void **state)
{
    fixture *it = *state;
    const http_answer answers[] = {{.status = 429}, {.status = 502}, {.status = 503}, {.status = 504}, {0}};
    http_sink_answer(it->sink, answers, 5);
    USE(it, .initial_backoff_ms = 1, .max_backoff_ms = 1);
    make_spans(it, 1);
    assert_int_equal(cleat_tracer_provider_shutdown(it->provider, 3600000), CLEAT_OK);
    assert_counts(it, 1, 0);
    assert_int_equal(http_sink_requests(it->sink), 5);
}

static void a_collector_that_is_not_there_delays_no_shutdown(void **state)
{
    fixture *it = *state;
    use(it,
        (cleat_otlp_exporter_options){.endpoint = "http://127.0.0.1:1",
                                      .timeout_ms = 4 * HOUR_MS,
                                      .initial_backoff_ms = HOUR_MS,
                                      .max_backoff_ms = HOUR_MS},
        false, 1);
    make_spans(it, 6);
    assert_int_equal(cleat_tracer_provider_shutdown(it->provider, HOUR_MS), CLEAT_UNAVAILABLE);
    assert_int_equal(stats_of(it).spans_failed, 6);
}

static void shutting_down_waits_as_the_server_asks(void **state)
{
    fixture *it = *state;
    const http_answer answers[] = {{.status = 503, .headers = "Retry-After: 1\r\n"}, {.status = 200}};
    http_sink_answer(it->sink, answers, 2);
    USE(it, .timeout_ms = 3600000);
    make_spans(it, 1);
    assert_int_equal(cleat_tracer_provider_shutdown(it->provider, 3600000), CLEAT_OK);
    assert_int_equal(stats_of(it).spans_exported, 1);
}

static void the_simple_processor_exports_and_tells_why_not(void **state)
{
    fixture *it = *state;
    const http_answer answers[] = {{.status = 200}, {.status = 400}};
    cleat_span_exporter *exporter = NULL;
    cleat_span_processor *processor = NULL;
    http_sink_answer(it->sink, answers, 2);
    assert_int_equal(cleat_otlp_http_exporter_new(
                         CLEAT_OTLP_EXPORTER_OPTIONS(.endpoint = http_sink_url(it->sink, "/")), &exporter),
                     CLEAT_OK);
    assert_int_equal(cleat_simple_processor_new(exporter, &processor), CLEAT_OK);
    assert_int_equal(cleat_tracer_provider_new(NULL, &it->provider), CLEAT_OK);
    assert_int_equal(cleat_tracer_provider_add_processor(it->provider, processor), CLEAT_OK);
    it->tracer = cleat_tracer_provider_get_tracer(it->provider, "http", NULL);
    it->exporter = exporter;
    make_spans(it, 1);
    assert_int_equal(http_sink_requests(it->sink), 1);
    make_spans(it, 1);
    assert_non_null(strstr(cleat_error_message(), "HTTP status 400"));
    assert_int_equal(stats_of(it).spans_exported, 1);
    assert_int_equal(stats_of(it).spans_failed, 1);
}

static void after_shutdown_exports_are_refused(void **state)
{
    fixture *it = *state;
    USE(it, .max_attempts = 1);
    assert_int_equal(it->exporter->shutdown(it->exporter, 300000), CLEAT_OK);
    make_spans(it, 1);
    assert_int_equal(flush(it), CLEAT_UNAVAILABLE);
    assert_int_equal(http_sink_requests(it->sink), 0);
}

/* ---- Options ---- */

static void wrong_options_are_refused(void **state)
{
    cleat_span_exporter *exporter = NULL;
    const cleat_otlp_header wrong[] = {{"a b", "x"}, {"", "x"}, {NULL, "x"}, {"x", "a\r\nb: c"}, {"x", NULL}};
    const char *endpoints[] = {"",        "localhost:4318", "ftp://localhost/",
                               "http://", "http://[::",     "http://a b/"};
    (void)state;
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(
            cleat_otlp_http_exporter_new(CLEAT_OTLP_EXPORTER_OPTIONS(.endpoint = endpoints[i]), &exporter),
            CLEAT_INVALID_ARGUMENT);
        assert_null(exporter);
    }
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(cleat_otlp_http_exporter_new(
                             CLEAT_OTLP_EXPORTER_OPTIONS(.headers = &wrong[i], .header_count = 1), &exporter),
                         CLEAT_INVALID_ARGUMENT);
    }
    assert_int_equal(cleat_otlp_http_exporter_new(
                         CLEAT_OTLP_EXPORTER_OPTIONS(.certificate_file = "no-such.pem"), &exporter),
                     CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_otlp_http_exporter_new(NULL, NULL), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_otlp_json_exporter_new(NULL, NULL), CLEAT_INVALID_ARGUMENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(spans_are_posted_as_protobuf),
        TEST(spans_are_posted_as_json),
        TEST(bodies_are_compressed_when_asked),
        TEST(headers_go_along),
        TEST(large_batches_are_sent_in_parts),
        TEST(a_span_larger_than_a_request_is_left_out),
        TEST(connections_are_kept_and_requests_overlap),
        TEST(retryable_answers_are_retried),
        TEST(attempts_end),
        TEST(other_answers_are_not_retried),
        TEST(a_part_that_is_refused_does_not_take_the_others_with_it),
        TEST(what_holds_for_all_requests_ends_the_batch),
        TEST(a_retry_is_logged_with_its_cause_and_wait),
        TEST(a_server_that_wants_more_time_than_there_is_gets_no_second_attempt),
        TEST(a_partial_success_is_counted_and_not_retried),
        TEST(a_partial_success_in_json_is_counted),
        TEST(a_response_that_is_too_large_fails),
        TEST(garbage_fails),
        TEST(nobody_there_fails),
        TEST(a_server_that_never_answers_is_given_up),
        TEST(shutting_down_cancels_what_hangs),
        TEST(shutting_down_ends_the_waiting_for_retries),
        TEST(shutting_down_tries_again_where_there_is_a_server),
        TEST(a_collector_that_is_not_there_delays_no_shutdown),
        TEST(shutting_down_waits_as_the_server_asks),
        TEST(the_simple_processor_exports_and_tells_why_not),
        TEST(after_shutdown_exports_are_refused),
        cmocka_unit_test(wrong_options_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
