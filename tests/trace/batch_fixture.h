/* An exporter that can be held up, and a provider with a batch processor before it. */
#ifndef CLEAT_TESTS_BATCH_FIXTURE_H
#define CLEAT_TESTS_BATCH_FIXTURE_H

#include "trace/sdk_test.h"

typedef struct gate_exporter {
    cleat_span_exporter base;
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t changed;
    bool is_closed;         /* export_spans waits */
    bool opens_at_shutdown; /* as a good exporter does */
    cleat_status answer;    /* of export_spans */
    size_t entered, batches, spans, largest, smallest;
    int64_t timeout_ms;
    int shutdowns, flushes;
    bool was_suppressed;
    uint8_t last[8];      /* of the last span's id */
    bool in_order;        /* span ids only grew */
    cleat_tracer *tracer; /* to make spans of its own with */
    atomic_bool *freed;
} gate_exporter;

static inline cleat_status gate_export(cleat_span_exporter *self, const cleat_span_batch *batch,
                                       int64_t timeout_ms)
{
    gate_exporter *gate = (gate_exporter *)self;
    cleat_span_view span;
    size_t cursor = 0, count = 0;
    pthread_mutex_lock(&gate->mutex);
    gate->entered++;
    gate->timeout_ms = timeout_ms;
    gate->was_suppressed = cleat_tracing_suppressed();
    pthread_cond_broadcast(&gate->changed);
    while (gate->is_closed) {
        pthread_cond_wait(&gate->changed, &gate->mutex);
    }
    while (cleat_span_batch_next(batch, &cursor, &span)) {
        gate->in_order = gate->in_order && memcmp(span.span_id.bytes, gate->last, 8) > 0;
        memcpy(gate->last, span.span_id.bytes, 8);
        count++;
    }
    gate->batches++;
    gate->spans += count;
    gate->largest = count > gate->largest ? count : gate->largest;
    gate->smallest = count < gate->smallest ? count : gate->smallest;
    if (gate->tracer != NULL) {
        cleat_span_end(cleat_span_start(gate->tracer, "exporter's own", NULL));
    }
    cleat_status answer = gate->answer;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->mutex);
    return answer;
}

static inline void gate_set(gate_exporter *gate, bool is_closed)
{
    pthread_mutex_lock(&gate->mutex);
    gate->is_closed = is_closed;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->mutex);
}

static inline void gate_wait(gate_exporter *gate, size_t entered, size_t spans)
{
    pthread_mutex_lock(&gate->mutex);
    while (gate->entered < entered || gate->spans < spans) {
        pthread_cond_wait(&gate->changed, &gate->mutex);
    }
    pthread_mutex_unlock(&gate->mutex);
}

static inline cleat_status gate_flush(cleat_span_exporter *self, int64_t timeout_ms)
{
    (void)timeout_ms;
    ((gate_exporter *)self)->flushes++;
    return CLEAT_OK;
}

static inline cleat_status gate_shutdown(cleat_span_exporter *self, int64_t timeout_ms)
{
    gate_exporter *gate = (gate_exporter *)self;
    (void)timeout_ms;
    gate->shutdowns++;
    if (gate->opens_at_shutdown) {
        gate_set(gate, false);
    }
    return CLEAT_OK;
}

static inline void gate_free(cleat_span_exporter *self)
{
    gate_exporter *gate = (gate_exporter *)self;
    pthread_mutex_destroy(&gate->mutex);
    pthread_cond_destroy(&gate->changed);
    atomic_bool *freed = gate->freed;
    free(gate);
    if (freed != NULL) {
        atomic_store(freed, true);
    }
}

static inline gate_exporter *gate_new(void)
{
    gate_exporter *gate = calloc(1, sizeof(*gate));
    gate->base = (cleat_span_exporter){
        .export_spans = gate_export,
        .force_flush = gate_flush,
        .shutdown = gate_shutdown,
        .free = gate_free,
    };
    pthread_mutex_init(&gate->mutex, NULL);
    pthread_cond_init(&gate->changed, NULL);
    gate->smallest = SIZE_MAX;
    gate->in_order = true;
    gate->opens_at_shutdown = true;
    return gate;
}

/* A provider with a batch processor whose schedule never comes. */
typedef struct test_fixture {
    cleat_tracer_provider *provider;
    cleat_span_processor *processor;
    cleat_tracer *tracer;
    gate_exporter *gate;
    atomic_uint_fast64_t last_id;
} test_fixture;

static inline void increasing_span_id(void *user_data, cleat_span_id *out)
{
    uint64_t id = atomic_fetch_add((atomic_uint_fast64_t *)user_data, 1) + 1;
    for (int i = 0; i < 8; i++) {
        out->bytes[7 - i] = (uint8_t)(id >> (8 * i));
    }
}

static inline void fixed_trace_id(void *user_data, cleat_trace_id *out)
{
    (void)user_data;
    memset(out, 7, sizeof(*out));
}

static inline void batch_start(test_fixture *fixture, size_t queue, size_t batch)
{
    const cleat_id_generator ids = {&fixture->last_id, fixed_trace_id, increasing_span_id, false};
    fixture->gate = gate_new();
    atomic_init(&fixture->last_id, 0);
    assert_int_equal(
        cleat_tracer_provider_new(CLEAT_TRACER_PROVIDER_OPTIONS(.id_generator = &ids), &fixture->provider),
        CLEAT_OK);
    assert_int_equal(cleat_batch_processor_new(&fixture->gate->base,
                                               CLEAT_BATCH_PROCESSOR_OPTIONS(.schedule_delay_ms = 3600000,
                                                                             .export_timeout_ms = 1234,
                                                                             .max_queue_size = queue,
                                                                             .max_export_batch_size = batch),
                                               &fixture->processor),
                     CLEAT_OK);
    assert_int_equal(cleat_tracer_provider_add_processor(fixture->provider, fixture->processor), CLEAT_OK);
    fixture->tracer = cleat_tracer_provider_get_tracer(fixture->provider, "batch", NULL);
}

static inline void make_spans(test_fixture *fixture, int count)
{
    for (int i = 0; i < count; i++) {
        cleat_span span = cleat_span_start(fixture->tracer, "span", NULL);
        cleat_span_set_int(span, "number", i);
        assert_int_equal(cleat_span_end(span), CLEAT_OK);
    }
}

static inline cleat_batch_processor_stats stats_of(test_fixture *fixture)
{
    cleat_batch_processor_stats stats;
    cleat_batch_processor_get_stats(fixture->processor, &stats);
    return stats;
}

#endif
