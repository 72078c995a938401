/* Flush, shutdown and end of the OTLP/gRPC exporter, with and without calls that hang. */
#include "grpc/grpc_test.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static const grpc_sink_answer held = {.is_held = true};

static void test_flush_waits_for_what_is_in_flight(void **state)
{
    (void)state;
    grpc_sink *sink = grpc_sink_start(NULL, 0);
    cleat_span_exporter *exporter = EXPORTER_FOR(sink);
    test_batch batch;
    batch_init(&batch, 1);
    grpc_sink_script(sink, &held, 1);
    exporter->export_async(exporter, &batch.batch, 300000);
    grpc_sink_wait(sink, 1);
    assert_int_equal(exporter->force_flush(exporter, 20), CLEAT_TIMEOUT);
    assert_error_has("localhost:");
    grpc_sink_release(sink);
    assert_int_equal(exporter->force_flush(exporter, 300000), CLEAT_OK);
    assert_true(batch_is_finished(&batch));
    batch_deinit(&batch);
    exporter->free(exporter);
    grpc_sink_stop(sink);
}

static void test_shutdown_waits_for_what_is_in_flight(void **state)
{
    (void)state;
    grpc_sink *sink = grpc_sink_start(NULL, 0);
    cleat_span_exporter *exporter = EXPORTER_FOR(sink);
    test_batch batch;
    batch_init(&batch, 1);
    exporter->export_async(exporter, &batch.batch, 300000);
    assert_int_equal(exporter->shutdown(exporter, 300000), CLEAT_OK);
    assert_true(batch_is_finished(&batch));
    assert_int_equal(batch_wait(&batch), CLEAT_OK);
    batch_deinit(&batch);
    exporter->free(exporter);
    grpc_sink_stop(sink);
}

static void test_shutdown_cancels_what_hangs(void **state)
{
    (void)state;
    grpc_sink *sink = grpc_sink_start(NULL, 0);
    const grpc_sink_answer both[] = {{.is_held = true}, {.is_held = true}};
    cleat_span_exporter *exporter = EXPORTER_FOR(sink);
    test_batch batches[2];
    grpc_sink_script(sink, both, 2);
    for (size_t i = 0; i < 2; i++) {
        batch_init(&batches[i], 2);
        exporter->export_async(exporter, &batches[i].batch, 300000);
    }
    grpc_sink_wait(sink, 2);
    assert_int_equal(exporter->shutdown(exporter, 20), CLEAT_TIMEOUT);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(batch_wait(&batches[i]), CLEAT_CANCELLED);
        assert_non_null(strstr(batches[i].message, "was shut down before"));
        batch_deinit(&batches[i]);
    }
    assert_int_equal(stats_of(exporter).spans_failed, 4);
    exporter->free(exporter);
    grpc_sink_stop(sink);
}

/* The next attempt would come in an hour. */
static void test_shutdown_ends_the_waiting_for_a_retry(void **state)
{
    (void)state;
    grpc_sink *sink = grpc_sink_start(NULL, 0);
    const grpc_sink_answer both[] = {{.code = GRPC_STATUS_UNAVAILABLE}, {.code = GRPC_STATUS_UNAVAILABLE}};
    cleat_span_exporter *exporter =
        EXPORTER_FOR(sink, .initial_backoff_ms = 3600000, .max_backoff_ms = 3600000, .timeout_ms = 36000000);
    test_batch batch;
    batch_init(&batch, 1);
    grpc_sink_script(sink, both, 2);
    exporter->export_async(exporter, &batch.batch, -1);
    grpc_sink_wait(sink, 1);
    assert_int_equal(exporter->shutdown(exporter, 3600000), CLEAT_OK);
    assert_int_equal(batch_wait(&batch), CLEAT_UNAVAILABLE);
    batch_deinit(&batch);
    exporter->free(exporter);
    grpc_sink_stop(sink);
}

static void test_shutdown_cancels_what_waits_as_the_server_asks(void **state)
{
    (void)state;
    grpc_sink *sink = grpc_sink_start(NULL, 0);
    const grpc_sink_answer once = {
        .code = GRPC_STATUS_UNAVAILABLE, .has_retry_info = true, .retry_delay_ms = 3600000};
    cleat_span_exporter *exporter = EXPORTER_FOR(sink, .timeout_ms = 36000000);
    test_batch batch;
    batch_init(&batch, 1);
    grpc_sink_script(sink, &once, 1);
    exporter->export_async(exporter, &batch.batch, -1);
    grpc_sink_wait(sink, 1);
    assert_int_equal(exporter->shutdown(exporter, 20), CLEAT_TIMEOUT);
    assert_int_equal(batch_wait(&batch), CLEAT_CANCELLED);
    batch_deinit(&batch);
    exporter->free(exporter);
    grpc_sink_stop(sink);
}

static void test_nothing_is_exported_after_shutdown(void **state)
{
    (void)state;
    grpc_sink *sink = grpc_sink_start(NULL, 0);
    cleat_span_exporter *exporter = EXPORTER_FOR(sink);
    test_batch batch;
    batch_init(&batch, 1);
    assert_int_equal(exporter->shutdown(exporter, 300000), CLEAT_OK);
    assert_int_equal(exporter->shutdown(exporter, 300000), CLEAT_OK);
    assert_int_equal(exporter->force_flush(exporter, 300000), CLEAT_OK);
    assert_int_equal(exporter->export_spans(exporter, &batch.batch, 300000), CLEAT_UNAVAILABLE);
    assert_int_equal(export_some(exporter, 1), CLEAT_UNAVAILABLE);
    assert_int_equal(stats_of(exporter).spans_failed, 2);
    assert_int_equal(grpc_sink_count(sink), 0);
    batch_deinit(&batch);
    exporter->free(exporter);
    grpc_sink_stop(sink);
}

static void test_free_while_a_call_hangs(void **state)
{
    (void)state;
    grpc_sink *sink = grpc_sink_start(NULL, 0);
    cleat_span_exporter *exporter = EXPORTER_FOR(sink);
    test_batch batch;
    batch_init(&batch, 1);
    grpc_sink_script(sink, &held, 1);
    exporter->export_async(exporter, &batch.batch, 300000);
    grpc_sink_wait(sink, 1);
    exporter->free(exporter);
    assert_true(batch_is_finished(&batch));
    assert_int_equal(batch_wait(&batch), CLEAT_CANCELLED);
    batch_deinit(&batch);
    grpc_sink_stop(sink);
}

typedef struct waiting_thread {
    cleat_span_exporter *exporter;
    test_batch batch;
    cleat_status status;
} waiting_thread;

static void *export_and_wait(void *argument)
{
    waiting_thread *self = argument;
    self->status = self->exporter->export_spans(self->exporter, &self->batch.batch, 30000);
    return NULL;
}

static void test_free_while_export_spans_hangs(void **state)
{
    (void)state;
    grpc_sink *sink = grpc_sink_start(NULL, 0);
    waiting_thread waiting = {.exporter = EXPORTER_FOR(sink)};
    pthread_t thread;
    batch_init(&waiting.batch, 1);
    grpc_sink_script(sink, &held, 1);
    assert_int_equal(pthread_create(&thread, NULL, export_and_wait, &waiting), 0);
    grpc_sink_wait(sink, 1);
    waiting.exporter->free(waiting.exporter);
    pthread_join(thread, NULL);
    assert_int_equal(waiting.status, CLEAT_CANCELLED);
    batch_deinit(&waiting.batch);
    grpc_sink_stop(sink);
}

/* As when the last reference to a processor goes with its last batch. */
static void test_free_from_the_end_of_an_export(void **state)
{
    (void)state;
    grpc_sink *sink = grpc_sink_start(NULL, 0);
    cleat_span_exporter *exporter = EXPORTER_FOR(sink);
    test_batch batch;
    batch_init(&batch, 1);
    batch.to_free = exporter;
    exporter->export_async(exporter, &batch.batch, 300000);
    assert_int_equal(batch_wait(&batch), CLEAT_OK);
    batch_deinit(&batch);
    grpc_sink_stop(sink);
}

static void test_free_of_an_unused_exporter(void **state)
{
    (void)state;
    cleat_span_exporter *exporter = EXPORTER_FOR(NULL, .endpoint = "http://localhost:1");
    assert_int_equal(exporter->force_flush(exporter, 0), CLEAT_OK);
    exporter->free(exporter);
}

/* ---- A batch processor before it ---- */

static void test_a_processor_that_is_freed_while_calls_hang(void **state)
{
    (void)state;
    grpc_sink *sink = grpc_sink_start(NULL, 0);
    cleat_span_processor *processor = NULL;
    cleat_tracer_provider *provider = NULL;
    grpc_sink_script(sink, &held, 1);
    assert_int_equal(cleat_batch_processor_new(EXPORTER_FOR(sink), NULL, &processor), CLEAT_OK);
    assert_int_equal(cleat_tracer_provider_new(NULL, &provider), CLEAT_OK);
    assert_int_equal(cleat_tracer_provider_add_processor(provider, processor), CLEAT_OK);
    cleat_tracer *tracer = cleat_tracer_provider_get_tracer(provider, "test", NULL);
    cleat_span_end(cleat_span_start(tracer, "work", NULL));
    assert_int_equal(cleat_tracer_provider_force_flush(provider, 50), CLEAT_TIMEOUT);
    grpc_sink_wait(sink, 1);
    assert_int_equal(cleat_tracer_provider_shutdown(provider, 50), CLEAT_TIMEOUT);
    cleat_tracer_provider_free(provider);
    grpc_sink_stop(sink);
}

/* ---- A connection that is stuck in a write ---- */

/* Takes any amount of data, it says, and then reads nothing. -1: nobody came, as on a machine so busy that the
 * deadline was over before. */
static int accept_and_stop_reading(int listener)
{
    static const uint8_t frames[] = {
        0, 0, 6, 4, 0, 0, 0, 0, 0, 0,    4, 0x7F, 0xFF, 0xFF, 0xFF, /* SETTINGS: window of a stream */
        0, 0, 4, 8, 0, 0, 0, 0, 0, 0x7F, 0, 0,    0,                /* WINDOW_UPDATE of the connection */
    };
    int connection = accept(listener, NULL, NULL);
    if (connection >= 0) {
        assert_int_equal(send(connection, frames, sizeof(frames), MSG_NOSIGNAL), sizeof(frames));
    }
    return connection;
}

static int listen_somewhere(char endpoint[64])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(listener, 4), 0);
    /* How long accept() waits. */
    assert_int_equal(setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){.tv_sec = 10},
                                sizeof(struct timeval)),
                     0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    snprintf(endpoint, 64, "http://127.0.0.1:%d", ntohs(address.sin_port));
    return listener;
}

/* 32 MB of spans fill what the kernel buffers. They are given back by the deadline all the same. */
static void test_a_peer_that_stops_reading(void **state)
{
    enum { LARGE = 2 << 20 };
    (void)state;
    char endpoint[64];
    int listener = listen_somewhere(endpoint);
    cleat_span_exporter *exporter = EXPORTER_FOR(NULL, .endpoint = endpoint, .timeout_ms = 1000);
    uint8_t *large = malloc(LARGE + CLEAT__BATCH_PREFIX_MAX);
    uint8_t *record = malloc(LARGE);
    test_batch batch;
    batch_init(&batch, MOST_SPANS);
    memset(record, 'x', LARGE);
    uint8_t *end = cleat__put_varint(cleat__put_tag(record, 5, CLEAT__WIRE_BYTES), LARGE - 4);
    assert_int_equal(end - record, 4);
    cleat__batch_put(large, (cleat_slice){(const char *)record, LARGE}, &batch.entries[0]);
    for (size_t i = 1; i < MOST_SPANS; i++) {
        batch.entries[i] = batch.entries[0];
    }
    int64_t begin_ns = cleat__clock_monotonic_ns(NULL);
    exporter->export_async(exporter, &batch.batch, 300000);
    int connection = accept_and_stop_reading(listener);
    assert_int_equal(batch_wait(&batch), CLEAT_TIMEOUT);
    memset(large, 0, LARGE);
    free(large);
    free(record);
    exporter->free(exporter);
    assert_true(cleat__clock_monotonic_ns(NULL) - begin_ns < 60 * CLEAT__NS_PER_S);
    batch_deinit(&batch);
    if (connection >= 0) {
        close(connection);
    }
    close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flush_waits_for_what_is_in_flight),
        cmocka_unit_test(test_shutdown_waits_for_what_is_in_flight),
        cmocka_unit_test(test_shutdown_cancels_what_hangs),
        cmocka_unit_test(test_shutdown_ends_the_waiting_for_a_retry),
        cmocka_unit_test(test_shutdown_cancels_what_waits_as_the_server_asks),
        cmocka_unit_test(test_nothing_is_exported_after_shutdown),
        cmocka_unit_test(test_free_while_a_call_hangs),
        cmocka_unit_test(test_free_while_export_spans_hangs),
        cmocka_unit_test(test_free_from_the_end_of_an_export),
        cmocka_unit_test(test_free_of_an_unused_exporter),
        cmocka_unit_test(test_a_processor_that_is_freed_while_calls_hang),
        cmocka_unit_test(test_a_peer_that_stops_reading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
