/* Everything at once from many threads. Run it under the thread sanitizer. */
#include "batch_fixture.h"

#include <sched.h>

enum { WORKERS = 8, ROUNDS = 1000, SHARED_SPANS = 4 };

/* A processor that counts, after the batch processor or before: it sees each span that ended. */
typedef struct tally {
    cleat_span_processor base;
    atomic_size_t started, ended;
} tally;

static void tally_start(cleat_span_processor *self, cleat_span span, const cleat_context *parent)
{
    (void)span;
    (void)parent;
    atomic_fetch_add(&((tally *)self)->started, 1);
}

static void tally_end(cleat_span_processor *self, const cleat_span_view *span)
{
    assert_true(span->record.size != 0);
    atomic_fetch_add(&((tally *)self)->ended, 1);
}

static cleat_status count_spans(cleat_span_exporter *self, const cleat_span_batch *batch, int64_t timeout_ms)
{
    cleat_span_view span;
    size_t cursor = 0;
    (void)self;
    (void)timeout_ms;
    while (cleat_span_batch_next(batch, &cursor, &span)) {
        assert_true(cleat_span_id_is_valid(&span.span_id));
    }
    return CLEAT_OK;
}

typedef struct field {
    cleat_tracer_provider *provider;
    cleat_tracer *tracer;
    tally tally;
    cleat_span_exporter exporter;
    pthread_mutex_t mutex; /* guards the spans that are handed from thread to thread */
    cleat_span shared[SHARED_SPANS];
    cleat_span handed; /* started by one thread, ended by the next */
    atomic_uint finished;
} field;

static void field_init(field *on)
{
    cleat_span_processor *processor = NULL;
    memset(on, 0, sizeof(*on));
    on->tally.base = (cleat_span_processor){.on_start = tally_start, .on_end = tally_end};
    on->exporter = (cleat_span_exporter){.export_spans = count_spans};
    pthread_mutex_init(&on->mutex, NULL);
    assert_int_equal(cleat_tracer_provider_new(NULL, &on->provider), CLEAT_OK);
    assert_int_equal(cleat_tracer_provider_add_processor(on->provider, &on->tally.base), CLEAT_OK);
    assert_int_equal(
        cleat_batch_processor_new(&on->exporter,
                                  CLEAT_BATCH_PROCESSOR_OPTIONS(.schedule_delay_ms = 1, .max_queue_size = 256,
                                                                .max_export_batch_size = 32),
                                  &processor),
        CLEAT_OK);
    assert_int_equal(cleat_tracer_provider_add_processor(on->provider, processor), CLEAT_OK);
    on->tracer = cleat_tracer_provider_get_tracer(on->provider, "field", NULL);
}

/* Stops it, and all spans are accounted for. */
static void field_check(field *on)
{
    cleat_tracer_provider_stats stats;
    cleat_tracer_provider_shutdown(on->provider, 30000);
    cleat_tracer_provider_get_stats(on->provider, &stats);
    assert_int_equal(stats.started, atomic_load(&on->tally.started));
    assert_int_equal(stats.ended, atomic_load(&on->tally.ended));
    assert_int_equal(stats.started, stats.ended);
    assert_int_equal(stats.ended, stats.exported + stats.failed + stats.dropped_full + stats.dropped_ended +
                                      stats.dropped_memory);
    assert_int_equal(stats.failed + stats.dropped_memory, 0);
    cleat_tracer_provider_free(on->provider);
    pthread_mutex_destroy(&on->mutex);
}

/* Whatever it may do to a span that others end meanwhile. */
static void annotate(cleat_span span, int number)
{
    const cleat_attribute attribute = cleat_attribute_int("in.event", number);
    cleat_span_context context;
    cleat_span_get_context(span, &context);
    const cleat_link link = {&context, &attribute, 1};
    cleat_span_set_int(span, "number", number);
    cleat_span_set_string(span, "text",
                          number % 2 != 0 ? "odd" : "an even number, and a longer text than the other");
    cleat_span_add_event(span, "event", &attribute, 1, 0);
    cleat_span_add_link(span, &link);
    cleat_span_set_status(span, CLEAT_SPAN_STATUS_ERROR, "error");
    cleat_span_update_name(span, "renamed");
    (void)cleat_span_is_recording(span);
    (void)cleat_span_has_attribute(span, cleat_slice_of("number"));
}

static cleat_span swap_span(field *on, cleat_span *place, cleat_span span)
{
    pthread_mutex_lock(&on->mutex);
    cleat_span before = *place;
    *place = span;
    pthread_mutex_unlock(&on->mutex);
    return before;
}

static cleat_span copy_span(field *on, const cleat_span *place)
{
    pthread_mutex_lock(&on->mutex);
    cleat_span span = *place;
    pthread_mutex_unlock(&on->mutex);
    return span;
}

static void *work(void *argument)
{
    field *on = argument;
    for (int i = 0; i < ROUNDS; i++) {
        cleat_span span = cleat_span_start(on->tracer, "own", NULL);
        cleat_scope scope = cleat_span_attach(span);
        annotate(copy_span(on, &on->shared[i % SHARED_SPANS]), i);
        cleat_span child = cleat_span_start(on->tracer, "child", NULL);
        annotate(child, i);
        cleat_span_end(swap_span(on, &on->handed, child));
        cleat_scope_detach(scope);
        annotate(span, i);
        cleat_span_end(span);
        cleat_span_end(span);
        if (i % 16 == 0) {
            cleat_span next = cleat_span_start(on->tracer, "of all", NULL);
            cleat_span_end(swap_span(on, &on->shared[i / 16 % SHARED_SPANS], next));
        }
    }
    atomic_fetch_add(&on->finished, 1);
    return NULL;
}

static void *flush(void *argument)
{
    field *on = argument;
    cleat_tracer_provider_stats stats;
    while (atomic_load(&on->finished) < WORKERS) {
        cleat_tracer_provider_force_flush(on->provider, 1000);
        cleat_tracer_provider_get_stats(on->provider, &stats);
        sched_yield();
    }
    return NULL;
}

/* In the middle of it. */
static void *shut_down(void *argument)
{
    field *on = argument;
    while (atomic_load(&on->tally.ended) < (size_t)WORKERS * ROUNDS) {
        sched_yield();
    }
    assert_int_equal(cleat_tracer_provider_shutdown(on->provider, 300000), CLEAT_OK);
    assert_int_equal(cleat_tracer_provider_shutdown(on->provider, 30000), CLEAT_FAILED_PRECONDITION);
    return NULL;
}

static void run_all(field *on, bool is_shut_down)
{
    pthread_t threads[WORKERS + 2];
    int count = 0;
    for (; count < WORKERS; count++) {
        assert_int_equal(pthread_create(&threads[count], NULL, work, on), 0);
    }
    assert_int_equal(pthread_create(&threads[count++], NULL, flush, on), 0);
    if (is_shut_down) {
        assert_int_equal(pthread_create(&threads[count++], NULL, shut_down, on), 0);
    }
    for (int i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
    }
    cleat_span_end(on->handed);
    for (int i = 0; i < SHARED_SPANS; i++) {
        cleat_span_end(on->shared[i]);
    }
}

static void eight_trace_and_one_flushes(void **state)
{
    field on;
    (void)state;
    field_init(&on);
    run_all(&on, false);
    assert_true(atomic_load(&on.tally.ended) >= 2 * (size_t)WORKERS * ROUNDS);
    field_check(&on);
}

static void eight_trace_while_one_flushes_and_one_shuts_down(void **state)
{
    field on;
    (void)state;
    field_init(&on);
    run_all(&on, true);
    assert_true(atomic_load(&on.tally.ended) >= (size_t)WORKERS * ROUNDS);
    field_check(&on);
}

/* ---- Several providers ---- */

enum { PROVIDERS = 12 }; /* more than have counters of their own in each thread */

static void *work_on_all(void *argument)
{
    field *all = argument;
    for (int i = 0; i < ROUNDS; i++) {
        cleat_span spans[PROVIDERS];
        for (int j = 0; j < PROVIDERS; j++) {
            spans[j] = cleat_span_start(all[j].tracer, "a", NULL);
        }
        for (int j = 0; j < PROVIDERS; j++) {
            annotate(spans[j], i);
            cleat_span_end(spans[j]);
        }
    }
    return NULL;
}

static void several_providers_count_apart(void **state)
{
    static field all[PROVIDERS];
    pthread_t threads[4];
    (void)state;
    for (int j = 0; j < PROVIDERS; j++) {
        field_init(&all[j]);
    }
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, work_on_all, all), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    for (int j = 0; j < PROVIDERS; j++) {
        assert_int_equal(atomic_load(&all[j].tally.ended), 4 * ROUNDS);
        field_check(&all[j]);
    }
}

/* ---- The global provider ---- */

static atomic_size_t global_spans;

static void *work_on_global(void *argument)
{
    cleat_tracer *tracer = cleat_tracer_get("global", NULL);
    (void)argument;
    for (int i = 0; i < ROUNDS * 4; i++) {
        cleat_span span = cleat_span_start(tracer, "a", NULL);
        if (cleat_span_is_recording(span)) {
            atomic_fetch_add(&global_spans, 1);
        }
        annotate(span, i);
        assert_int_equal(cleat_span_end(span), CLEAT_OK);
        if (i % 64 == 0) {
            char name[16];
            snprintf(name, sizeof(name), "global%d", i % 7);
            cleat_span_end(cleat_span_start(cleat_tracer_get(name, NULL), "b", NULL));
        }
    }
    return NULL;
}

static atomic_bool global_is_over;

static void *change_global(void *argument)
{
    field *both = argument;
    for (int i = 0; !atomic_load(&global_is_over); i++) {
        cleat_tracer_provider_set_global(i % 3 == 2 ? NULL : both[i % 3].provider);
        sched_yield();
    }
    return NULL;
}

/* Each span ends with the provider that it started with. */
static void the_global_provider_changes_meanwhile(void **state)
{
    static field both[2];
    pthread_t threads[4], changer;
    (void)state;
    field_init(&both[0]);
    field_init(&both[1]);
    assert_int_equal(pthread_create(&changer, NULL, change_global, both), 0);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, work_on_global, NULL), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    atomic_store(&global_is_over, true);
    pthread_join(changer, NULL);
    cleat_tracer_provider_set_global(NULL);
    assert_true(atomic_load(&both[0].tally.ended) + atomic_load(&both[1].tally.ended) >=
                atomic_load(&global_spans));
    field_check(&both[0]);
    field_check(&both[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eight_trace_and_one_flushes),
        cmocka_unit_test(eight_trace_while_one_flushes_and_one_shuts_down),
        cmocka_unit_test(several_providers_count_apart),
        cmocka_unit_test(the_global_provider_changes_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
