/* Exports each span as it ends, on the thread that ends it; one at a time. */
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/log.h"
#include "base/thread.h"
#include "batch.h"
#include "instrumentation_scope.h"

enum { EXPORT_TIMEOUT_MS = 30000 };

typedef struct simple_processor {
    cleat_span_processor base;
    cleat_span_exporter *exporter;
    atomic_bool is_shut_down;
    pthread_mutex_t mutex; /* held while exporting; guards what follows */
    cleat__buffer buffer;  /* the span's field, reused */
    cleat__known_scopes known;
} simple_processor;

/* The mutex is held. */
static cleat_status export_one(simple_processor *processor, const cleat_span_view *span)
{
    if (atomic_load_explicit(&processor->is_shut_down, memory_order_acquire)) {
        return CLEAT_OK;
    }
    const cleat_instrumentation_scope **scope = cleat__known_scope(&processor->known, span->scope);
    if (span->scope != NULL && *scope != span->scope) {
        *scope = cleat__scope_intern(span->scope);
    }
    cleat__buffer_clear(&processor->buffer);
    uint8_t *room = cleat__buffer_reserve(&processor->buffer, span->record.size + CLEAT__BATCH_PREFIX_MAX);
    if (room == NULL) {
        return cleat__fail_memory();
    }
    cleat__batch_entry entry = {
        .scope = span->scope != NULL ? *scope : NULL,
        .resource = span->resource,
    };
    cleat__batch_put(room, span->record, &entry);
    const cleat_span_batch batch = {.entries = &entry, .count = 1};
    return cleat__batch_export(processor->exporter, &batch, EXPORT_TIMEOUT_MS);
}

static void on_end(cleat_span_processor *self, const cleat_span_view *span)
{
    simple_processor *processor = (simple_processor *)self;
    /* A span of the exporter's own, ended inside export_spans: exporting it would never end. */
    if ((span->flags & CLEAT_TRACE_FLAG_SAMPLED) == 0 || cleat_tracing_suppressed()) {
        return;
    }
    pthread_mutex_lock(&processor->mutex);
    cleat_status status = export_one(processor, span);
    pthread_mutex_unlock(&processor->mutex);
    if (status != CLEAT_OK) {
        static cleat__log_site site;
        cleat__log_limited(&site, CLEAT_LOG_WARN, "a span was not exported: %s", cleat_status_text(status));
    }
}

static cleat_status force_flush(cleat_span_processor *self, int64_t timeout_ms)
{
    return cleat__exporter_force_flush(((simple_processor *)self)->exporter, timeout_ms);
}

/* Does not wait for an export that hangs: shutting down the exporter is what ends it. */
static cleat_status shut_down(cleat_span_processor *self, int64_t timeout_ms)
{
    simple_processor *processor = (simple_processor *)self;
    if (atomic_exchange_explicit(&processor->is_shut_down, true, memory_order_acq_rel)) {
        return CLEAT_OK;
    }
    return cleat__exporter_shutdown(processor->exporter, timeout_ms);
}

static void free_processor(cleat_span_processor *self)
{
    simple_processor *processor = (simple_processor *)self;
    shut_down(self, 0);
    cleat__exporter_free(processor->exporter);
    cleat__buffer_deinit(&processor->buffer);
    pthread_mutex_destroy(&processor->mutex);
    cleat__free(processor);
}

cleat_status cleat_simple_processor_new(cleat_span_exporter *exporter, cleat_span_processor **out)
{
    if (out != NULL) {
        *out = NULL;
    }
    if (exporter == NULL || out == NULL) {
        cleat__exporter_free(exporter);
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "a simple processor needs an exporter");
    }
    simple_processor *processor = cleat__calloc(1, sizeof(*processor));
    if (processor == NULL) {
        cleat__exporter_free(exporter);
        return cleat__fail_memory();
    }
    processor->base = (cleat_span_processor){
        .on_end = on_end,
        .force_flush = force_flush,
        .shutdown = shut_down,
        .free = free_processor,
    };
    processor->exporter = exporter;
    pthread_mutex_init(&processor->mutex, NULL);
    *out = &processor->base;
    return CLEAT_OK;
}
