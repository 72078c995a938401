/* A batch processor before an exporter that has several batches on their way. */
#include "base/base_test.h"
#include "trace/batch_fixture.h"

#include "base/error.h"
#include "trace/batch.h"

/* Keeps batches until the test finishes them. */
typedef struct async_exporter {
    cleat_span_exporter base;
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t changed;
    cleat_span_batch *held[8];
    size_t count;
    bool finishes_at_once;
    size_t spans;
} async_exporter;

static void async_export(cleat_span_exporter *self, cleat_span_batch *batch, int64_t timeout_ms)
{
    async_exporter *exporter = (async_exporter *)self;
    (void)timeout_ms;
    pthread_mutex_lock(&exporter->mutex);
    exporter->spans += cleat_span_batch_count(batch);
    bool finishes = exporter->finishes_at_once;
    if (!finishes) {
        assert_true(exporter->count < 8);
        exporter->held[exporter->count++] = batch;
    }
    pthread_cond_broadcast(&exporter->changed);
    pthread_mutex_unlock(&exporter->mutex);
    if (finishes) {
        cleat_span_batch_finish(batch, CLEAT_OK);
    }
}

static void wait_for_held(async_exporter *exporter, size_t count)
{
    pthread_mutex_lock(&exporter->mutex);
    while (exporter->count < count) {
        pthread_cond_wait(&exporter->changed, &exporter->mutex);
    }
    pthread_mutex_unlock(&exporter->mutex);
}

/* Finishes the batch number `index` of those held. */
static void finish(async_exporter *exporter, size_t index, cleat_status status)
{
    pthread_mutex_lock(&exporter->mutex);
    cleat_span_batch *batch = exporter->held[index];
    exporter->held[index] = NULL;
    pthread_mutex_unlock(&exporter->mutex);
    assert_non_null(batch);
    cleat_span_batch_finish(batch, status);
}

/* From now on, and all that is held. */
static void finish_all(async_exporter *exporter)
{
    pthread_mutex_lock(&exporter->mutex);
    exporter->finishes_at_once = true;
    size_t count = exporter->count;
    pthread_mutex_unlock(&exporter->mutex);
    for (size_t i = 0; i < count; i++) {
        if (exporter->held[i] != NULL) {
            finish(exporter, i, CLEAT_OK);
        }
    }
}

typedef struct fixture {
    async_exporter exporter;
    cleat_tracer_provider *provider;
    cleat_span_processor *processor;
    cleat_tracer *tracer;
} fixture;

static void start(fixture *it, size_t queue, size_t batch, bool blocks)
{
    memset(it, 0, sizeof(*it));
    it->exporter.base = (cleat_span_exporter){.export_async = async_export, .max_concurrent_exports = 2};
    pthread_mutex_init(&it->exporter.mutex, NULL);
    pthread_cond_init(&it->exporter.changed, NULL);
    assert_int_equal(cleat_tracer_provider_new(NULL, &it->provider), CLEAT_OK);
    assert_int_equal(cleat_batch_processor_new(&it->exporter.base,
                                               CLEAT_BATCH_PROCESSOR_OPTIONS(.schedule_delay_ms = 3600000,
                                                                             .max_queue_size = queue,
                                                                             .max_export_batch_size = batch,
                                                                             .blocks_when_full = blocks),
                                               &it->processor),
                     CLEAT_OK);
    assert_int_equal(cleat_tracer_provider_add_processor(it->provider, it->processor), CLEAT_OK);
    it->tracer = cleat_tracer_provider_get_tracer(it->provider, "flights", NULL);
}

static void stop(fixture *it)
{
    finish_all(&it->exporter);
    /* After a shutdown that timed out, too, the thread is through with the exporter then. */
    cleat_tracer_provider_force_flush(it->provider, 60000);
    cleat_tracer_provider_free(it->provider);
    pthread_mutex_destroy(&it->exporter.mutex);
    pthread_cond_destroy(&it->exporter.changed);
}

static void make(fixture *it, int count)
{
    for (int i = 0; i < count; i++) {
        cleat_span_end(cleat_span_start(it->tracer, "span", NULL));
    }
}

static void *flush(void *argument)
{
    return (void *)(intptr_t)cleat_tracer_provider_force_flush(((fixture *)argument)->provider, 300000);
}

static void batches_travel_together_up_to_the_limit(void **state)
{
    fixture it;
    (void)state;
    start(&it, 64, 4, false);
    make(&it, 12);
    wait_for_held(&it.exporter, 2);
    assert_int_equal(it.exporter.count, 2); /* the third waits */
    finish(&it.exporter, 1, CLEAT_OK);
    wait_for_held(&it.exporter, 3);
    stop(&it);
}

static void a_batch_can_be_read_until_it_is_finished(void **state)
{
    fixture it;
    cleat_span_view span;
    size_t cursor = 0, count = 0;
    (void)state;
    start(&it, 64, 4, false); /* one chunk holds the spans of both batches */
    make(&it, 8);
    wait_for_held(&it.exporter, 2);
    finish(&it.exporter, 0, CLEAT_OK);
    while (cleat_span_batch_next(it.exporter.held[1], &cursor, &span)) {
        assert_slice(span.name, "span");
        count++;
    }
    assert_int_equal(count, 4);
    stop(&it);
}

static void a_flush_waits_for_all_and_tells_a_failure(void **state)
{
    fixture it;
    pthread_t flusher;
    void *status = NULL;
    cleat_batch_processor_stats stats;
    (void)state;
    start(&it, 64, 4, false);
    make(&it, 6);
    wait_for_held(&it.exporter, 1);
    pthread_create(&flusher, NULL, flush, &it);
    wait_for_held(&it.exporter, 2); /* the flush has sent the rest */
    finish(&it.exporter, 0, CLEAT_UNAVAILABLE);
    finish(&it.exporter, 1, CLEAT_OK);
    pthread_join(flusher, &status);
    assert_int_equal((intptr_t)status, CLEAT_UNAVAILABLE);
    cleat_batch_processor_get_stats(it.processor, &stats);
    assert_int_equal(stats.exported, 2);
    assert_int_equal(stats.failed, 4);
    assert_int_equal(cleat_tracer_provider_force_flush(it.provider, 300000), CLEAT_OK); /* told once */
    stop(&it);
}

static void what_failed_before_is_not_told(void **state)
{
    fixture it;
    (void)state;
    start(&it, 64, 4, false);
    make(&it, 4);
    wait_for_held(&it.exporter, 1);
    finish(&it.exporter, 0, CLEAT_UNAVAILABLE);
    assert_int_equal(cleat_tracer_provider_force_flush(it.provider, 300000), CLEAT_OK);
    assert_int_equal(cleat_tracer_provider_shutdown(it.provider, 300000), CLEAT_OK);
    stop(&it);
}

static void of_a_batch_that_failed_in_part_each_span_is_counted(void **state)
{
    fixture it;
    kept_log log = {0};
    cleat_tracer_provider_stats stats;
    (void)state;
    start(&it, 64, 4, false);
    make(&it, 4);
    wait_for_held(&it.exporter, 1);
    cleat_log_set_handler(keep_message, &log, CLEAT_LOG_WARN);
    (void)cleat__fail(CLEAT_TOO_LARGE, "too large");
    cleat__batch_finish(it.exporter.held[0], CLEAT_TOO_LARGE, 1);
    it.exporter.held[0] = NULL;
    cleat_log_set_handler(NULL, NULL, CLEAT_LOG_WARN);
    cleat_tracer_provider_get_stats(it.provider, &stats);
    assert_int_equal(stats.exported, 3);
    assert_int_equal(stats.failed, 1);
    assert_int_equal(log.count, 1);
    assert_non_null(strstr(log.message, "1 of 4 spans not exported"));
    stop(&it);
}

static void a_flush_gives_up_on_what_never_finishes(void **state)
{
    fixture it;
    (void)state;
    start(&it, 64, 4, false);
    make(&it, 4);
    wait_for_held(&it.exporter, 1);
    assert_int_equal(cleat_tracer_provider_force_flush(it.provider, 1), CLEAT_TIMEOUT);
    stop(&it);
}

static void *make_a_hundred(void *argument)
{
    make(argument, 100);
    return NULL;
}

static void ending_a_span_waits_for_room_when_asked_to(void **state)
{
    fixture it;
    pthread_t maker;
    cleat_batch_processor_stats stats;
    (void)state;
    start(&it, 8, 4, true);
    pthread_create(&maker, NULL, make_a_hundred, &it);
    wait_for_held(&it.exporter, 2);
    finish_all(&it.exporter);
    pthread_join(maker, NULL);
    assert_int_equal(cleat_tracer_provider_force_flush(it.provider, 300000), CLEAT_OK);
    cleat_batch_processor_get_stats(it.processor, &stats);
    assert_int_equal(stats.exported, 100);
    assert_int_equal(stats.dropped_full, 0);
    stop(&it);
}

static void shutting_down_ends_the_waiting_for_room(void **state)
{
    fixture it;
    pthread_t maker;
    cleat_batch_processor_stats stats;
    (void)state;
    start(&it, 8, 4, true);
    pthread_create(&maker, NULL, make_a_hundred, &it);
    wait_for_held(&it.exporter, 2);
    assert_int_equal(cleat_tracer_provider_shutdown(it.provider, 1), CLEAT_TIMEOUT);
    pthread_join(maker, NULL);
    finish_all(&it.exporter);
    cleat_batch_processor_get_stats(it.processor, &stats);
    assert_int_equal(stats.dropped_full, 0);
    stop(&it);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_a_batch_that_failed_in_part_each_span_is_counted),
        cmocka_unit_test(batches_travel_together_up_to_the_limit),
        cmocka_unit_test(a_batch_can_be_read_until_it_is_finished),
        cmocka_unit_test(a_flush_waits_for_all_and_tells_a_failure),
        cmocka_unit_test(what_failed_before_is_not_told),
        cmocka_unit_test(a_flush_gives_up_on_what_never_finishes),
        cmocka_unit_test(ending_a_span_waits_for_room_when_asked_to),
        cmocka_unit_test(shutting_down_ends_the_waiting_for_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
