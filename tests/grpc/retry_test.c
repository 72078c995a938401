/* Which failures are tried again, when, and how it ends where no answer comes. */
#include "grpc/grpc_test.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static void test_retryable_codes(void **state)
{
    (void)state;
    static const int codes[] = {GRPC_STATUS_CANCELLED,   GRPC_STATUS_DEADLINE_EXCEEDED,
                                GRPC_STATUS_ABORTED,     GRPC_STATUS_OUT_OF_RANGE,
                                GRPC_STATUS_UNAVAILABLE, GRPC_STATUS_DATA_LOSS};
    grpc_sink *sink = grpc_sink_start(NULL, 0);
    cleat_span_exporter *exporter = EXPORTER_FOR(sink);
    for (size_t i = 0; i < COUNT_OF(codes); i++) {
        const grpc_sink_answer once = {.code = codes[i]};
        grpc_sink_script(sink, &once, 1);
        assert_int_equal(export_some(exporter, 1), CLEAT_OK);
        assert_int_equal(grpc_sink_count(sink), 2 * (i + 1));
    }
    exporter->free(exporter);
    grpc_sink_stop(sink);
}

static void test_the_same_request_is_sent_again(void **state)
{
    (void)state;
    grpc_sink *sink = grpc_sink_start(NULL, 0);
    const grpc_sink_answer twice[] = {{.code = GRPC_STATUS_UNAVAILABLE}, {.code = GRPC_STATUS_UNAVAILABLE}};
    cleat_span_exporter *exporter = EXPORTER_FOR(sink, .compression = CLEAT_OTLP_COMPRESSION_GZIP);
    grpc_sink_script(sink, twice, 2);
    assert_int_equal(export_some(exporter, 5), CLEAT_OK);
    assert_int_equal(grpc_sink_span_count(sink, 2), 5);
    for (size_t i = 0; i < 2; i++) {
        assert_true(cleat_slice_equals(grpc_sink_body(sink, i), grpc_sink_body(sink, 2)));
    }
    exporter->free(exporter);
    grpc_sink_stop(sink);
}

static void test_other_codes_fail_for_good(void **state)
{
    (void)state;
    static const struct {
        int code;
        cleat_status status;
        const char *message;
    } failures[] = {
        {GRPC_STATUS_INVALID_ARGUMENT, CLEAT_INVALID_ARGUMENT, "INVALID_ARGUMENT: no"},
        {GRPC_STATUS_UNAUTHENTICATED, CLEAT_NON_RETRYABLE,
         "UNAUTHENTICATED: no; check OTEL_EXPORTER_OTLP_HEADERS"},
        {GRPC_STATUS_UNIMPLEMENTED, CLEAT_UNSUPPORTED, "UNIMPLEMENTED: no; is this the OTLP/gRPC port"},
        {GRPC_STATUS_INTERNAL, CLEAT_NON_RETRYABLE, "INTERNAL: no"},
        {GRPC_STATUS_RESOURCE_EXHAUSTED, CLEAT_RESOURCE_EXHAUSTED, "RESOURCE_EXHAUSTED: no"},
    };
    grpc_sink *sink = grpc_sink_start(NULL, 0);
    cleat_span_exporter *exporter = EXPORTER_FOR(sink);
    for (size_t i = 0; i < COUNT_OF(failures); i++) {
        const grpc_sink_answer once = {.code = failures[i].code, .message = "no"};
        grpc_sink_script(sink, &once, 1);
        assert_int_equal(export_some(exporter, 1), failures[i].status);
        assert_error_has(failures[i].message);
        assert_error_has("localhost:");
        assert_int_equal(grpc_sink_count(sink), i + 1);
    }
    assert_int_equal(stats_of(exporter).spans_failed, COUNT_OF(failures));
    exporter->free(exporter);
    grpc_sink_stop(sink);
}

static void test_resource_exhausted_with_retry_info_is_tried_again(void **state)
{
    (void)state;
    grpc_sink *sink = grpc_sink_start(NULL, 0);
    const grpc_sink_answer once = {
        .code = GRPC_STATUS_RESOURCE_EXHAUSTED, .has_retry_info = true, .retry_delay_ms = 0};
    cleat_span_exporter *exporter = EXPORTER_FOR(sink);
    grpc_sink_script(sink, &once, 1);
    assert_int_equal(export_some(exporter, 1), CLEAT_OK);
    assert_int_equal(grpc_sink_count(sink), 2);
    exporter->free(exporter);
    grpc_sink_stop(sink);
}

/* The back-off would be over after 2 ms. */
static void test_the_server_gets_the_time_it_asks_for(void **state)
{
    (void)state;
    grpc_sink *sink = grpc_sink_start(NULL, 0);
    const grpc_sink_answer once = {
        .code = GRPC_STATUS_UNAVAILABLE, .has_retry_info = true, .retry_delay_ms = 150};
    cleat_span_exporter *exporter = EXPORTER_FOR(sink);
    grpc_sink_script(sink, &once, 1);
    assert_int_equal(export_some(exporter, 1), CLEAT_OK);
    assert_true(grpc_sink_time_ns(sink, 1) - grpc_sink_time_ns(sink, 0) >= 149 * CLEAT__NS_PER_MS);
    exporter->free(exporter);
    grpc_sink_stop(sink);
}

static void test_more_time_than_there_is_fails_at_once(void **state)
{
    (void)state;
    grpc_sink *sink = grpc_sink_start(NULL, 0);
    const grpc_sink_answer once = {
        .code = GRPC_STATUS_UNAVAILABLE, .has_retry_info = true, .retry_delay_ms = 3600000};
    cleat_span_exporter *exporter = EXPORTER_FOR(sink);
    grpc_sink_script(sink, &once, 1);
    assert_int_equal(export_some(exporter, 1), CLEAT_UNAVAILABLE);
    assert_int_equal(grpc_sink_count(sink), 1);
    exporter->free(exporter);
    grpc_sink_stop(sink);
}

static void test_attempts_are_limited(void **state)
{
    (void)state;
    grpc_sink *sink = grpc_sink_start(NULL, 0);
    const grpc_sink_answer always[] = {{.code = GRPC_STATUS_UNAVAILABLE, .message = "busy"},
                                       {.code = GRPC_STATUS_UNAVAILABLE, .message = "busy"},
                                       {.code = GRPC_STATUS_UNAVAILABLE, .message = "busy"}};
    cleat_span_exporter *exporter = EXPORTER_FOR(sink, .max_attempts = 3);
    grpc_sink_script(sink, always, 3);
    assert_int_equal(export_some(exporter, 1), CLEAT_UNAVAILABLE);
    assert_error_has("busy");
    assert_error_has("(attempt 3)");
    assert_int_equal(grpc_sink_count(sink), 3);
    assert_int_equal(stats_of(exporter).retries, 2);
    exporter->free(exporter);
    grpc_sink_stop(sink);
}

/* ---- No answer ---- */

static void test_no_server(void **state)
{
    (void)state;
    grpc_sink *sink = grpc_sink_start(NULL, 0);
    char endpoint[64];
    snprintf(endpoint, sizeof(endpoint), "%s", grpc_sink_endpoint(sink));
    grpc_sink_stop(sink);
    cleat_span_exporter *exporter = EXPORTER_FOR(NULL, .endpoint = endpoint, .max_attempts = 2);
    assert_int_equal(export_some(exporter, 1), CLEAT_UNAVAILABLE);
    assert_error_has(endpoint + strlen("http://"));
    assert_error_has("is a collector listening there");
    exporter->free(exporter);
}

static void test_a_server_that_comes_later(void **state)
{
    (void)state;
    grpc_sink *sink = grpc_sink_start(NULL, 0);
    int port = grpc_sink_port(sink);
    char endpoint[64];
    snprintf(endpoint, sizeof(endpoint), "%s", grpc_sink_endpoint(sink));
    cleat_span_exporter *exporter =
        EXPORTER_FOR(NULL, .endpoint = endpoint, .max_attempts = 1000000, .timeout_ms = 30000);
    assert_int_equal(export_some(exporter, 1), CLEAT_OK);
    grpc_sink_stop(sink);
    test_batch batch;
    batch_init(&batch, 2);
    exporter->export_async(exporter, &batch.batch, 300000);
    sink = grpc_sink_start(NULL, port);
    if (sink != NULL) { /* somebody else may have taken the port */
        assert_int_equal(batch_wait(&batch), CLEAT_OK);
        assert_int_equal(grpc_sink_span_count(sink, 0), 2);
    }
    exporter->free(exporter);
    (void)batch_wait(&batch);
    batch_deinit(&batch);
    grpc_sink_stop(sink);
}

/* As many as an exporter tries: gRPC's clock, which is not ours, ends a call some milliseconds before its time
 * on a machine with much to do, and what is left is enough to try again after a back-off as short as here. */
static void hold_all(grpc_sink *sink)
{
    enum { DEFAULT_ATTEMPTS = 5 };
    grpc_sink_answer held[DEFAULT_ATTEMPTS];
    for (size_t i = 0; i < DEFAULT_ATTEMPTS; i++) {
        held[i] = (grpc_sink_answer){.is_held = true};
    }
    grpc_sink_script(sink, held, DEFAULT_ATTEMPTS);
}

static void test_a_server_that_never_answers(void **state)
{
    (void)state;
    grpc_sink *sink = grpc_sink_start(NULL, 0);
    cleat_span_exporter *exporter = EXPORTER_FOR(sink, .timeout_ms = 100);
    hold_all(sink);
    int64_t begin_ns = cleat__clock_monotonic_ns(NULL);
    assert_int_equal(export_some(exporter, 1), CLEAT_TIMEOUT);
    assert_true(cleat__clock_monotonic_ns(NULL) - begin_ns >= 80 * CLEAT__NS_PER_MS);
    assert_error_has("DEADLINE_EXCEEDED");
    exporter->free(exporter);
    grpc_sink_stop(sink);
}

/* The time of the call is shorter than that of the settings. */
static void test_the_shorter_timeout_counts(void **state)
{
    (void)state;
    grpc_sink *sink = grpc_sink_start(NULL, 0);
    cleat_span_exporter *exporter = EXPORTER_FOR(sink);
    test_batch batch;
    batch_init(&batch, 1);
    hold_all(sink);
    assert_int_equal(exporter->export_spans(exporter, &batch.batch, 50), CLEAT_TIMEOUT);
    batch_deinit(&batch);
    exporter->free(exporter);
    grpc_sink_stop(sink);
}

/* A connection is accepted, by the kernel, but nobody reads what is sent. */
static void test_a_peer_that_is_mute(void **state)
{
    (void)state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    char endpoint[64];
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(listener, 4), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    snprintf(endpoint, sizeof(endpoint), "http://127.0.0.1:%d", ntohs(address.sin_port));
    cleat_span_exporter *exporter = EXPORTER_FOR(NULL, .endpoint = endpoint, .timeout_ms = 100);
    assert_int_equal(export_some(exporter, 1), CLEAT_TIMEOUT);
    exporter->free(exporter);
    close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_retryable_codes),
        cmocka_unit_test(test_the_same_request_is_sent_again),
        cmocka_unit_test(test_other_codes_fail_for_good),
        cmocka_unit_test(test_resource_exhausted_with_retry_info_is_tried_again),
        cmocka_unit_test(test_the_server_gets_the_time_it_asks_for),
        cmocka_unit_test(test_more_time_than_there_is_fails_at_once),
        cmocka_unit_test(test_attempts_are_limited),
        cmocka_unit_test(test_no_server),
        cmocka_unit_test(test_a_server_that_comes_later),
        cmocka_unit_test(test_a_server_that_never_answers),
        cmocka_unit_test(test_the_shorter_timeout_counts),
        cmocka_unit_test(test_a_peer_that_is_mute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
