/* Rows of docs/opentelemetry.md about OTLP that no test of a single part shows. */
#define _GNU_SOURCE /* memmem */
#include "otlp/retry.h"
#include "support/http_sink.h"
#include "trace/sdk_test.h"

static cleat_span_processor *add_destination(cleat_tracer_provider *provider, http_sink *sink)
{
    cleat_span_exporter *exporter = NULL;
    cleat_span_processor *processor = NULL;
    assert_int_equal(
        cleat_otlp_http_exporter_new(
            CLEAT_OTLP_EXPORTER_OPTIONS(.endpoint = http_sink_url(sink, "/"), .timeout_ms = 3600000),
            &exporter),
        CLEAT_OK);
    assert_int_equal(cleat_batch_processor_new(
                         exporter, CLEAT_BATCH_PROCESSOR_OPTIONS(.schedule_delay_ms = 3600000), &processor),
                     CLEAT_OK);
    assert_int_equal(cleat_tracer_provider_add_processor(provider, processor), CLEAT_OK);
    return processor;
}

static bool holds(http_sink *sink, const char *bytes)
{
    cleat_slice body = http_sink_request(sink, 0).body;
    return memmem(body.data, body.size, bytes, strlen(bytes)) != NULL;
}

static void schema_urls_are_sent(void **state)
{
    http_sink *sink = http_sink_start();
    cleat_resource *resource = NULL;
    cleat_tracer_provider *provider = NULL;
    (void)state;
    assert_int_equal(cleat_resource_new(NULL, 0, "https://resource", &resource), CLEAT_OK);
    assert_int_equal(
        cleat_tracer_provider_new(CLEAT_TRACER_PROVIDER_OPTIONS(.resource = resource), &provider), CLEAT_OK);
    cleat_resource_release(resource);
    add_destination(provider, sink);
    cleat_tracer *tracer = cleat_tracer_provider_get_tracer(
        provider, "schema", CLEAT_TRACER_OPTIONS(.schema_url = "https://scope"));
    cleat_span_end(cleat_span_start(tracer, "s", NULL));
    assert_int_equal(cleat_tracer_provider_force_flush(provider, 300000), CLEAT_OK);
    /* Field 3 of both messages, a string. */
    assert_true(holds(sink, "\x1a\x10https://resource"));
    assert_true(holds(sink, "\x1a\x0dhttps://scope"));
    cleat_tracer_provider_free(provider);
    http_sink_stop(sink);
}

static char warning[512];

static void keep_warning(void *user_data, cleat_log_level level, const char *message)
{
    (void)user_data;
    if (level == CLEAT_LOG_WARN) {
        snprintf(warning, sizeof(warning), "%s", message);
    }
}

static void a_partial_success_is_logged(void **state)
{
    static const char body[] = "\x0a\x0a\x08\x02\x12\x06"
                               "no use";
    const http_answer answer = {.headers = "Content-Type: application/x-protobuf\r\n",
                                .body = {body, sizeof(body) - 1}};
    http_sink *sink = http_sink_start();
    cleat_tracer_provider *provider = NULL;
    (void)state;
    http_sink_answer(sink, &answer, 1);
    cleat_log_set_handler(keep_warning, NULL, CLEAT_LOG_WARN);
    assert_int_equal(cleat_tracer_provider_new(NULL, &provider), CLEAT_OK);
    add_destination(provider, sink);
    cleat_tracer *tracer = cleat_tracer_provider_get_tracer(provider, "partial", NULL);
    for (int i = 0; i < 3; i++) {
        cleat_span_end(cleat_span_start(tracer, "s", NULL));
    }
    assert_int_equal(cleat_tracer_provider_force_flush(provider, 300000), CLEAT_OK);
    cleat_log_set_handler(NULL, NULL, CLEAT_LOG_WARN);
    assert_non_null(strstr(warning, "rejected 2 of 3 spans: no use"));
    assert_int_equal(http_sink_requests(sink), 1);
    cleat_tracer_provider_free(provider);
    http_sink_stop(sink);
}

static void destinations_do_not_wait_for_each_other(void **state)
{
    const http_answer hangs = {.hangs = true};
    http_sink *stuck = http_sink_start(), *well = http_sink_start();
    cleat_tracer_provider *provider = NULL;
    (void)state;
    http_sink_answer(stuck, &hangs, 1);
    assert_int_equal(cleat_tracer_provider_new(NULL, &provider), CLEAT_OK);
    cleat_span_processor *first = add_destination(provider, stuck);
    cleat_span_processor *second = add_destination(provider, well);
    cleat_tracer *tracer = cleat_tracer_provider_get_tracer(provider, "two", NULL);
    cleat_span_end(cleat_span_start(tracer, "both", NULL));
    assert_int_equal(first->force_flush(first, 0), CLEAT_TIMEOUT);
    http_sink_wait(stuck, 1);
    assert_int_equal(second->force_flush(second, 300000), CLEAT_OK);
    assert_int_equal(http_sink_requests(well), 1);
    assert_int_equal(cleat_tracer_provider_shutdown(provider, 1), CLEAT_TIMEOUT);
    cleat_tracer_provider_free(provider);
    http_sink_stop(stuck);
    http_sink_stop(well);
}

static void *shut_down(void *provider)
{
    return cleat_tracer_provider_shutdown(provider, 300000) == CLEAT_OK ? provider : NULL;
}

/* The second has its spans while the first one still keeps the shutdown waiting. */
static void a_shutdown_serves_all_destinations_at_once(void **state)
{
    const http_answer waits = {.waits = true};
    http_sink *slow = http_sink_start(), *well = http_sink_start();
    cleat_tracer_provider *provider = NULL;
    pthread_t thread;
    void *is_fine = NULL;
    (void)state;
    http_sink_answer(slow, &waits, 1);
    assert_int_equal(cleat_tracer_provider_new(NULL, &provider), CLEAT_OK);
    add_destination(provider, slow);
    add_destination(provider, well);
    cleat_span_end(cleat_span_start(cleat_tracer_provider_get_tracer(provider, "two", NULL), "both", NULL));
    assert_int_equal(pthread_create(&thread, NULL, shut_down, provider), 0);
    http_sink_wait(slow, 1);
    http_sink_wait(well, 1);
    http_sink_open(slow);
    pthread_join(thread, &is_fine);
    assert_non_null(is_fine);
    cleat_tracer_provider_free(provider);
    http_sink_stop(slow);
    http_sink_stop(well);
}

static void what_the_server_asks_for_is_waited_for(void **state)
{
    const cleat__otlp_settings settings = {
        .max_attempts = 5, .initial_backoff_ms = 1000, .max_backoff_ms = 5000};
    (void)state;
    for (int i = 0; i < 100; i++) {
        assert_in_range(cleat__otlp_retry_delay_ms(&settings, 1, 0, 60000), 800, 1200);
        assert_in_range(cleat__otlp_retry_delay_ms(&settings, 2, 0, 60000), 1200, 1800);
        assert_in_range(cleat__otlp_retry_delay_ms(&settings, 4, 1, 60000), 2700, 4050);
    }
    assert_int_equal(cleat__otlp_retry_delay_ms(&settings, 1, 7000, 60000), 7000);
    assert_true(cleat__otlp_retry_delay_ms(&settings, 1, 7000, 6000) < 0);
    assert_true(cleat__otlp_retry_delay_ms(&settings, 5, 0, 60000) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schema_urls_are_sent),
        cmocka_unit_test(a_partial_success_is_logged),
        cmocka_unit_test(destinations_do_not_wait_for_each_other),
        cmocka_unit_test(a_shutdown_serves_all_destinations_at_once),
        cmocka_unit_test(what_the_server_asks_for_is_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
