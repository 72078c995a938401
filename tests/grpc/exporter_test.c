/* The OTLP/gRPC exporter against a gRPC server: what arrives there, and what it makes of the answers. */
#include "grpc/grpc_test.h"

#define METHOD "/opentelemetry.proto.collector.trace.v1.TraceService/Export"

static void test_spans_arrive(void **state)
{
    (void)state;
    grpc_sink *sink = grpc_sink_start(NULL, 0);
    cleat_span_exporter *exporter = EXPORTER_FOR(sink);
    cleat_span_view view;
    assert_int_equal(export_some(exporter, 3), CLEAT_OK);
    assert_int_equal(grpc_sink_count(sink), 1);
    assert_string_equal(grpc_sink_method(sink, 0), METHOD);
    assert_int_equal(grpc_sink_span_count(sink, 0), 3);
    assert_true(grpc_sink_span(sink, 0, 2, &view));
    assert_slice(view.name, "span 2");
    exporter->free(exporter);
    grpc_sink_stop(sink);
}

static void test_export_spans_waits_for_the_answer(void **state)
{
    (void)state;
    grpc_sink *sink = grpc_sink_start(NULL, 0);
    cleat_span_exporter *exporter = EXPORTER_FOR(sink);
    test_batch batch;
    batch_init(&batch, 2);
    assert_int_equal(exporter->export_spans(exporter, &batch.batch, 300000), CLEAT_OK);
    assert_int_equal(grpc_sink_span_count(sink, 0), 2);
    assert_int_equal(batch.finished, 0);
    batch_deinit(&batch);
    exporter->free(exporter);
    grpc_sink_stop(sink);
}

/* The records that a memory exporter got beside it are the same, byte for byte. */
static void test_records_arrive_as_they_were(void **state)
{
    (void)state;
    grpc_sink *sink = grpc_sink_start(NULL, 0);
    cleat_span_processor *processor = NULL;
    test_sdk sdk;
    SDK_START(&sdk, .sampler = NULL);
    assert_int_equal(cleat_batch_processor_new(EXPORTER_FOR(sink), NULL, &processor), CLEAT_OK);
    assert_int_equal(cleat_tracer_provider_add_processor(sdk.provider, processor), CLEAT_OK);
    for (int i = 0; i < 300; i++) {
        cleat_span span = cleat_span_start(sdk.tracer, "work", NULL);
        cleat_span_set_string(span, "text", "gr\xC3\xBC\xC3\x9F\x65");
        cleat_span_set_int(span, "number", i);
        cleat_span_add_event(span, "event", NULL, 0, 0);
        cleat_span_end(span);
    }
    assert_int_equal(cleat_tracer_provider_force_flush(sdk.provider, 300000), CLEAT_OK);
    assert_int_equal(grpc_sink_span_count(sink, 0), 300);
    for (size_t i = 0; i < 300; i++) {
        cleat_span_view sent, kept;
        assert_true(grpc_sink_span(sink, 0, i, &sent));
        assert_true(cleat_memory_exporter_at(sdk.exporter, i, &kept));
        assert_true(cleat_slice_equals(sent.record, kept.record));
    }
    sdk_stop(&sdk);
    grpc_sink_stop(sink);
}

static void test_metadata(void **state)
{
    (void)state;
    grpc_sink *sink = grpc_sink_start(NULL, 0);
    const cleat_otlp_header headers[] = {{"API-Key", "secret 1"}, {"trace-bin", "raw"}};
    cleat_span_exporter *exporter = EXPORTER_FOR(sink, .headers = headers, .header_count = 2);
    assert_int_equal(export_some(exporter, 1), CLEAT_OK);
    assert_slice(grpc_sink_metadata(sink, 0, "api-key"), "secret 1");
    assert_slice(grpc_sink_metadata(sink, 0, "trace-bin"), "raw");
    exporter->free(exporter);
    grpc_sink_stop(sink);
}

static void test_a_header_that_grpc_does_not_take_is_said(void **state)
{
    (void)state;
    grpc_sink *sink = grpc_sink_start(NULL, 0);
    const cleat_otlp_header wrong[] = {{"user-agent", "x"}, {"grpc-timeout", "1S"}, {"wr!ong", "x"}};
    for (size_t i = 0; i < 3; i++) {
        cleat_span_exporter *exporter = EXPORTER_FOR(sink, .headers = &wrong[i], .header_count = 1);
        kept_log log = {0};
        char expected[64];
        snprintf(expected, sizeof(expected), "\"%s\" is not sent", wrong[i].name);
        cleat_log_set_handler(keep_message, &log, CLEAT_LOG_WARN);
        assert_int_equal(export_some(exporter, 1), CLEAT_OK);
        cleat_log_set_handler(NULL, NULL, CLEAT_LOG_WARN);
        assert_int_equal(log.count, 1);
        assert_non_null(strstr(log.message, expected));
        assert_false(
            cleat_slice_equals(grpc_sink_metadata(sink, i, wrong[i].name), cleat_slice_of(wrong[i].value)));
        exporter->free(exporter);
    }
    grpc_sink_stop(sink);
}

static void use_the_exporter(void *user_data, cleat_log_level level, const char *message)
{
    cleat_span_exporter *exporter = user_data;
    (void)level, (void)message;
    assert_int_equal(exporter->force_flush(exporter, 300000), CLEAT_OK);
}

static void test_a_log_handler_may_use_the_exporter(void **state)
{
    (void)state;
    grpc_sink *sink = grpc_sink_start(NULL, 0);
    const cleat_otlp_header wrong = {"user-agent", "x"};
    cleat_span_exporter *exporter = EXPORTER_FOR(sink, .headers = &wrong, .header_count = 1);
    cleat_log_set_handler(use_the_exporter, exporter, CLEAT_LOG_WARN);
    assert_int_equal(export_some(exporter, 1), CLEAT_OK);
    cleat_log_set_handler(NULL, NULL, CLEAT_LOG_WARN);
    exporter->free(exporter);
    grpc_sink_stop(sink);
}

static void test_user_agent(void **state)
{
    (void)state;
    grpc_sink *sink = grpc_sink_start(NULL, 0);
    char expected[64];
    cleat_span_exporter *plain = EXPORTER_FOR(sink);
    cleat_span_exporter *named = EXPORTER_FOR(sink, .user_agent = "shop/2.1");
    assert_int_equal(export_some(plain, 1), CLEAT_OK);
    assert_int_equal(export_some(named, 1), CLEAT_OK);
    snprintf(expected, sizeof(expected), "OTel-OTLP-Exporter-C/%s ", cleat_version());
    assert_memory_equal(grpc_sink_metadata(sink, 0, "user-agent").data, expected, strlen(expected));
    snprintf(expected, sizeof(expected), "shop/2.1 OTel-OTLP-Exporter-C/%s ", cleat_version());
    assert_memory_equal(grpc_sink_metadata(sink, 1, "user-agent").data, expected, strlen(expected));
    plain->free(plain);
    named->free(named);
    grpc_sink_stop(sink);
}

static void test_gzip(void **state)
{
    (void)state;
    grpc_sink *sink = grpc_sink_start(NULL, 0);
    cleat_span_exporter *exporter = EXPORTER_FOR(sink, .compression = CLEAT_OTLP_COMPRESSION_GZIP);
    cleat_span_exporter *plain = EXPORTER_FOR(sink, .compression = CLEAT_OTLP_COMPRESSION_NONE);
    assert_int_equal(export_some(exporter, MOST_SPANS), CLEAT_OK);
    assert_int_equal(export_some(plain, MOST_SPANS), CLEAT_OK);
    assert_true(grpc_sink_is_gzip(sink, 0));
    assert_false(grpc_sink_is_gzip(sink, 1));
    assert_true(cleat_slice_equals(grpc_sink_body(sink, 0), grpc_sink_body(sink, 1)));
    exporter->free(exporter);
    plain->free(plain);
    grpc_sink_stop(sink);
}

/* None is answered before all have come. */
static void test_several_in_flight(void **state)
{
    (void)state;
    grpc_sink *sink = grpc_sink_start(NULL, 0);
    const grpc_sink_answer held[] = {
        {.is_held = true}, {.is_held = true}, {.is_held = true}, {.is_held = true}};
    cleat_span_exporter *exporter = EXPORTER_FOR(sink, .max_concurrent_requests = 4);
    test_batch batches[4];
    grpc_sink_script(sink, held, 4);
    assert_int_equal(exporter->max_concurrent_exports, 4);
    for (size_t i = 0; i < 4; i++) {
        batch_init(&batches[i], i + 1);
        exporter->export_async(exporter, &batches[i].batch, 300000);
    }
    grpc_sink_wait(sink, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_false(batch_is_finished(&batches[i]));
    }
    grpc_sink_release(sink);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(batch_wait(&batches[i]), CLEAT_OK);
        batch_deinit(&batches[i]);
    }
    exporter->free(exporter);
    grpc_sink_stop(sink);
}

static void test_a_large_batch_goes_in_parts(void **state)
{
    (void)state;
    grpc_sink *sink = grpc_sink_start(NULL, 0);
    cleat_span_exporter *exporter = EXPORTER_FOR(sink, .max_request_size = 200);
    size_t spans = 0;
    assert_int_equal(export_some(exporter, MOST_SPANS), CLEAT_OK);
    assert_true(grpc_sink_count(sink) > 2);
    for (size_t i = 0; i < grpc_sink_count(sink); i++) {
        assert_true(grpc_sink_body(sink, i).size <= 200);
        spans += grpc_sink_span_count(sink, i);
    }
    assert_int_equal(spans, MOST_SPANS);
    assert_int_equal(stats_of(exporter).spans_exported, MOST_SPANS);
    exporter->free(exporter);
    grpc_sink_stop(sink);
}

/* A part that is refused does not take the others with it. */
static void test_a_refused_part_is_not_the_end(void **state)
{
    (void)state;
    grpc_sink *sink = grpc_sink_start(NULL, 0);
    const grpc_sink_answer refused = {.code = GRPC_STATUS_INVALID_ARGUMENT, .message = "bad"};
    cleat_span_exporter *exporter = EXPORTER_FOR(sink, .max_request_size = 1);
    grpc_sink_script(sink, &refused, 1);
    test_batch batch;
    batch_init(&batch, 4);
    exporter->export_async(exporter, &batch.batch, 300000);
    assert_int_equal(batch_wait(&batch), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(batch.failed, 1);
    assert_int_equal(grpc_sink_count(sink), 4);
    assert_int_equal(stats_of(exporter).spans_exported, 3);
    assert_int_equal(stats_of(exporter).spans_failed, 1);
    batch_deinit(&batch);
    exporter->free(exporter);
    grpc_sink_stop(sink);
}

/* But what is not refused for these spans does. */
static void test_a_server_that_takes_nothing_is_sent_no_more_parts(void **state)
{
    (void)state;
    static const int codes[] = {GRPC_STATUS_UNAUTHENTICATED, GRPC_STATUS_PERMISSION_DENIED,
                                GRPC_STATUS_UNIMPLEMENTED, GRPC_STATUS_NOT_FOUND,
                                GRPC_STATUS_RESOURCE_EXHAUSTED};
    grpc_sink *sink = grpc_sink_start(NULL, 0);
    cleat_span_exporter *exporter = EXPORTER_FOR(sink, .max_request_size = 1);
    for (size_t i = 0; i < COUNT_OF(codes); i++) {
        const grpc_sink_answer refused = {.code = codes[i]};
        grpc_sink_script(sink, &refused, 1);
        assert_int_not_equal(export_some(exporter, 4), CLEAT_OK);
        assert_int_equal(grpc_sink_count(sink), i + 1);
    }
    assert_int_equal(stats_of(exporter).spans_failed, 4 * COUNT_OF(codes));
    exporter->free(exporter);
    grpc_sink_stop(sink);
}

static void test_no_batch_and_an_empty_one_are_exported(void **state)
{
    (void)state;
    grpc_sink *sink = grpc_sink_start(NULL, 0);
    cleat_span_exporter *exporter = EXPORTER_FOR(sink);
    test_batch batch;
    batch_init(&batch, 0);
    assert_int_equal(exporter->export_spans(exporter, &batch.batch, 300000), CLEAT_OK);
    assert_int_equal(exporter->export_spans(exporter, NULL, 300000), CLEAT_OK);
    exporter->export_async(exporter, &batch.batch, 300000);
    assert_int_equal(batch_wait(&batch), CLEAT_OK);
    exporter->export_async(exporter, NULL, 300000);
    assert_int_equal(grpc_sink_count(sink), 0);
    batch_deinit(&batch);
    exporter->free(exporter);
    grpc_sink_stop(sink);
}

static void test_partial_success_is_logged_and_not_sent_again(void **state)
{
    (void)state;
    grpc_sink *sink = grpc_sink_start(NULL, 0);
    const grpc_sink_answer partial = {.rejected_spans = 2, .partial_message = "too old"};
    cleat_span_exporter *exporter = EXPORTER_FOR(sink);
    kept_log log = {0};
    grpc_sink_script(sink, &partial, 1);
    cleat_log_set_handler(keep_message, &log, CLEAT_LOG_WARN);
    assert_int_equal(export_some(exporter, 5), CLEAT_OK);
    cleat_log_set_handler(NULL, NULL, CLEAT_LOG_WARN);
    assert_int_equal(log.count, 1);
    assert_non_null(strstr(log.message, "refused 2 of 5 spans: too old"));
    assert_int_equal(grpc_sink_count(sink), 1);
    assert_int_equal(stats_of(exporter).spans_exported, 3);
    assert_int_equal(stats_of(exporter).spans_rejected, 2);
    exporter->free(exporter);
    grpc_sink_stop(sink);
}

static void test_a_response_that_is_too_large_fails_for_good(void **state)
{
    (void)state;
    grpc_sink *sink = grpc_sink_start(NULL, 0);
    const grpc_sink_answer large = {.response_padding = 5000};
    cleat_span_exporter *exporter = EXPORTER_FOR(sink, .max_response_size = 4096);
    grpc_sink_script(sink, &large, 1);
    assert_int_equal(export_some(exporter, 2), CLEAT_RESOURCE_EXHAUSTED);
    assert_error_has("larger than max");
    assert_int_equal(grpc_sink_count(sink), 1);
    assert_int_equal(stats_of(exporter).spans_failed, 2);
    exporter->free(exporter);
    grpc_sink_stop(sink);
}

static void test_stats(void **state)
{
    (void)state;
    grpc_sink *sink = grpc_sink_start(NULL, 0);
    const grpc_sink_answer first = {.code = GRPC_STATUS_UNAVAILABLE};
    cleat_span_exporter *exporter = EXPORTER_FOR(sink);
    grpc_sink_script(sink, &first, 1);
    assert_int_equal(export_some(exporter, 4), CLEAT_OK);
    cleat_otlp_exporter_stats stats = stats_of(exporter);
    assert_int_equal(stats.requests, 2);
    assert_int_equal(stats.retries, 1);
    assert_int_equal(stats.bytes_sent, 2 * grpc_sink_body(sink, 0).size);
    assert_int_equal(stats.spans_exported, 4);
    assert_int_equal(stats.spans_failed, 0);
    exporter->free(exporter);
    grpc_sink_stop(sink);
}

static void test_an_empty_batch_is_finished_at_once(void **state)
{
    (void)state;
    grpc_sink *sink = grpc_sink_start(NULL, 0);
    cleat_span_exporter *exporter = EXPORTER_FOR(sink);
    assert_int_equal(export_some(exporter, 0), CLEAT_OK);
    assert_int_equal(grpc_sink_count(sink), 0);
    exporter->free(exporter);
    grpc_sink_stop(sink);
}

static void test_bad_options(void **state)
{
    (void)state;
    cleat_span_exporter *exporter = NULL;
    assert_int_equal(cleat_otlp_grpc_exporter_new(NULL, NULL), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(
        cleat_otlp_grpc_exporter_new(CLEAT_OTLP_EXPORTER_OPTIONS(.endpoint = "ftp://x"), &exporter),
        CLEAT_INVALID_ARGUMENT);
    assert_null(exporter);
    assert_error_has("ftp://x");
}

static void test_no_memory(void **state)
{
    bool is_made = false;
    (void)state;
    for (size_t fail_at = 1; !is_made; fail_at++) {
        failing_allocator allocator;
        cleat_span_exporter *exporter = NULL;
        failing_allocator_install(&allocator, fail_at);
        cleat_status status = cleat_otlp_grpc_exporter_new(
            CLEAT_OTLP_EXPORTER_OPTIONS(.endpoint = "http://localhost:1"), &exporter);
        is_made = status == CLEAT_OK;
        if (is_made) {
            test_batch batch;
            batch_init(&batch, 1);
            allocator.fail_at = allocator.calls + 1;
            assert_int_equal(exporter->export_spans(exporter, &batch.batch, 300000), CLEAT_NO_MEMORY);
            batch_deinit(&batch);
            exporter->free(exporter);
        } else {
            assert_int_equal(status, CLEAT_NO_MEMORY);
        }
        assert_int_equal(allocator.live, 0);
        cleat_set_allocator(NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spans_arrive),
        cmocka_unit_test(test_export_spans_waits_for_the_answer),
        cmocka_unit_test(test_records_arrive_as_they_were),
        cmocka_unit_test(test_metadata),
        cmocka_unit_test(test_a_header_that_grpc_does_not_take_is_said),
        cmocka_unit_test(test_a_log_handler_may_use_the_exporter),
        cmocka_unit_test(test_user_agent),
        cmocka_unit_test(test_gzip),
        cmocka_unit_test(test_several_in_flight),
        cmocka_unit_test(test_a_large_batch_goes_in_parts),
        cmocka_unit_test(test_a_refused_part_is_not_the_end),
        cmocka_unit_test(test_a_server_that_takes_nothing_is_sent_no_more_parts),
        cmocka_unit_test(test_no_batch_and_an_empty_one_are_exported),
        cmocka_unit_test(test_partial_success_is_logged_and_not_sent_again),
        cmocka_unit_test(test_a_response_that_is_too_large_fails_for_good),
        cmocka_unit_test(test_stats),
        cmocka_unit_test(test_an_empty_batch_is_finished_at_once),
        cmocka_unit_test(test_bad_options),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
