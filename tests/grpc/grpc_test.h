/* What the tests of the OTLP/gRPC exporter share: batches made by hand, and waiting for their end. */
#ifndef CLEAT_TESTS_GRPC_TEST_H
#define CLEAT_TESTS_GRPC_TEST_H

#include "base/base_test.h"
#include "trace/sdk_test.h"

#include "base/error.h"
#include "base/thread.h"
#include "support/grpc_sink.h"
#include "trace/batch.h"
#include "trace/protobuf.h"

#include <cleat/otlp_grpc.h>
#include <grpc/status.h>

enum { MOST_SPANS = 16, ROOM_PER_SPAN = 80 };

/* Spans "span 0" and so on. */
typedef struct test_batch {
    struct cleat_span_batch batch; /* first */
    cleat__batch_entry entries[MOST_SPANS];
    uint8_t memory[MOST_SPANS * ROOM_PER_SPAN];
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t changed;
    unsigned finished;
    cleat_status status;
    size_t failed;
    char message[512];
    cleat_span_exporter *to_free; /* by on_finish */
} test_batch;

static inline void on_finish(cleat_span_batch *batch, cleat_status status, size_t failed)
{
    test_batch *self = (test_batch *)batch;
    if (self->to_free != NULL) {
        self->to_free->free(self->to_free);
    }
    pthread_mutex_lock(&self->mutex);
    self->finished++;
    self->status = status;
    self->failed = failed;
    snprintf(self->message, sizeof(self->message), "%s", status != CLEAT_OK ? cleat_error_message() : "");
    pthread_cond_broadcast(&self->changed);
    pthread_mutex_unlock(&self->mutex);
}

static inline void batch_init(test_batch *self, size_t count)
{
    uint8_t *at = self->memory;
    memset(self, 0, sizeof(*self));
    pthread_mutex_init(&self->mutex, NULL);
    cleat__cond_init(&self->changed);
    for (size_t i = 0; i < count; i++) {
        cleat_span_context context = make_context((uint8_t)(i + 1), CLEAT_TRACE_FLAG_SAMPLED);
        char name[16];
        uint8_t record[ROOM_PER_SPAN];
        snprintf(name, sizeof(name), "span %u", (unsigned)i % 100);
        uint8_t *end = cleat__put_bytes(record, 1, context.trace_id.bytes, sizeof(context.trace_id));
        end = cleat__put_bytes(end, 2, context.span_id.bytes, sizeof(context.span_id));
        end = cleat__put_bytes(end, 5, name, strlen(name));
        cleat__batch_put(at, (cleat_slice){(const char *)record, (size_t)(end - record)}, &self->entries[i]);
        at += self->entries[i].size;
    }
    self->batch.entries = self->entries;
    self->batch.count = count;
    self->batch.finish = on_finish;
}

/* Waits (30 s) until it is finished. */
static inline cleat_status batch_wait(test_batch *self)
{
    int64_t deadline_ns = cleat__deadline_ns(30000);
    bool is_in_time = true;
    pthread_mutex_lock(&self->mutex);
    while (is_in_time && self->finished == 0) {
        is_in_time = cleat__cond_wait_until(&self->changed, &self->mutex, deadline_ns);
    }
    cleat_status status = self->status;
    unsigned finished = self->finished;
    pthread_mutex_unlock(&self->mutex);
    assert_int_equal(finished, 1);
    return status;
}

static inline bool batch_is_finished(test_batch *self)
{
    pthread_mutex_lock(&self->mutex);
    bool is_finished = self->finished != 0;
    pthread_mutex_unlock(&self->mutex);
    return is_finished;
}

static inline void batch_deinit(test_batch *self)
{
    pthread_mutex_destroy(&self->mutex);
    pthread_cond_destroy(&self->changed);
}

/* An exporter for the sink that tries again quickly, and has the time that a sanitizer takes. */
static inline cleat_span_exporter *exporter_for(grpc_sink *sink, cleat_otlp_exporter_options options)
{
    cleat_span_exporter *exporter = NULL;
    options.struct_size = sizeof(options);
    options.endpoint = options.endpoint != NULL ? options.endpoint : grpc_sink_endpoint(sink);
    options.initial_backoff_ms = options.initial_backoff_ms != 0 ? options.initial_backoff_ms : 1;
    options.max_backoff_ms = options.max_backoff_ms != 0 ? options.max_backoff_ms : 2;
    options.timeout_ms = options.timeout_ms != 0 ? options.timeout_ms : 300000;
    assert_int_equal(cleat_otlp_grpc_exporter_new(&options, &exporter), CLEAT_OK);
    return exporter;
}
#define EXPORTER_FOR(...)        EXPORTER_FOR_(__VA_ARGS__, .struct_size = 0)
#define EXPORTER_FOR_(sink, ...) exporter_for(sink, (cleat_otlp_exporter_options){__VA_ARGS__})

/* Exports `count` spans as batch processors do, and waits. */
static inline cleat_status export_some(cleat_span_exporter *exporter, size_t count)
{
    test_batch batch;
    batch_init(&batch, count);
    exporter->export_async(exporter, &batch.batch, 300000);
    cleat_status status = batch_wait(&batch);
    if (status != CLEAT_OK) {
        (void)cleat__fail(status, "%s", batch.message);
    }
    batch_deinit(&batch);
    return status;
}

static inline cleat_otlp_exporter_stats stats_of(cleat_span_exporter *exporter)
{
    cleat_otlp_exporter_stats stats;
    cleat_otlp_exporter_get_stats(exporter, &stats);
    return stats;
}

static inline void assert_error_has(const char *part)
{
    if (strstr(cleat_error_message(), part) == NULL) {
        fail_msg("\"%s\" does not hold \"%s\"", cleat_error_message(), part);
    }
}

#endif
