/* Exports each span as it ends, on the thread that ends it; one at a time. */
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/log.h"
#include "base/process.h"
#include "base/thread.h"
#include "batch.h"
#include "instrumentation_scope.h"

enum { EXPORT_TIMEOUT_MS = 30000 };

typedef struct simple_processor {
    cleat_span_processor base;
    cleat_span_exporter *exporter;
    atomic_bool is_shut_down;
    atomic_bool is_exporting; /* `exporter_thread` is inside the exporter */
    atomic_uint_fast64_t exported, failed, dropped_ended;
    cleat__fork_hook fork_hook;

    pthread_mutex_t mutex; /* held while exporting; guards what follows */
    pthread_t exporter_thread;
    cleat__buffer buffer; /* the span's field, reused */
    cleat__known_scopes known;
} simple_processor;

/* The mutex is held. */
static cleat_status export_one(simple_processor *processor, const cleat_span_view *span)
{
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
    processor->exporter_thread = pthread_self();
    atomic_store_explicit(&processor->is_exporting, true, memory_order_release);
    cleat_status status = cleat__batch_export(processor->exporter, &batch, EXPORT_TIMEOUT_MS);
    atomic_store_explicit(&processor->is_exporting, false, memory_order_release);
    return status;
}

static void count(atomic_uint_fast64_t *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static bool is_shut_down(const simple_processor *processor)
{
    return atomic_load_explicit(&processor->is_shut_down, memory_order_acquire);
}

static void on_end(cleat_span_processor *self, const cleat_span_view *span)
{
    simple_processor *processor = (simple_processor *)self;
    /* A span of the exporter's own, ended inside export_spans: exporting it would never end. */
    if ((span->flags & CLEAT_TRACE_FLAG_SAMPLED) == 0 || cleat_tracing_suppressed()) {
        return;
    }
    pthread_mutex_lock(&processor->mutex);
    bool is_late = is_shut_down(processor);
    cleat_status status = is_late ? CLEAT_OK : export_one(processor, span);
    pthread_mutex_unlock(&processor->mutex);
    count(is_late              ? &processor->dropped_ended
          : status == CLEAT_OK ? &processor->exported
                               : &processor->failed);
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
    cleat__fork_unregister(&processor->fork_hook);
    cleat__exporter_free(processor->exporter);
    cleat__buffer_deinit(&processor->buffer);
    pthread_mutex_destroy(&processor->mutex);
    cleat__free(processor);
}

static void get_stats(cleat_span_processor *self, cleat_span_processor_stats *out)
{
    simple_processor *processor = (simple_processor *)self;
    out->exported = atomic_load_explicit(&processor->exported, memory_order_relaxed);
    out->failed = atomic_load_explicit(&processor->failed, memory_order_relaxed);
    out->dropped_ended = atomic_load_explicit(&processor->dropped_ended, memory_order_relaxed);
}

/* The buffer may be in use: by a thread that is gone, and then it is given up, or by an exporter that
 * forked, which goes on in the child. */
static void in_child(void *object, bool is_whole)
{
    simple_processor *processor = object;
    bool is_mine = atomic_load_explicit(&processor->is_exporting, memory_order_acquire) &&
                   pthread_equal(processor->exporter_thread, pthread_self());
    if (!is_whole && !is_mine) {
        pthread_mutex_init(&processor->mutex, NULL);
        processor->buffer = (cleat__buffer){0};
        processor->known = (cleat__known_scopes){{NULL}};
        atomic_store_explicit(&processor->is_exporting, false, memory_order_relaxed);
    }
    atomic_store_explicit(&processor->exported, 0, memory_order_relaxed);
    atomic_store_explicit(&processor->failed, 0, memory_order_relaxed);
    atomic_store_explicit(&processor->dropped_ended, 0, memory_order_relaxed);
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
        .get_stats = get_stats,
    };
    processor->exporter = exporter;
    pthread_mutex_init(&processor->mutex, NULL);
    processor->fork_hook = (cleat__fork_hook){
        .rank = CLEAT__FORK_PROCESSOR,
        .mutex = &processor->mutex,
        .is_held_long = true,
        .child = in_child,
        .object = processor,
    };
    cleat__fork_register(&processor->fork_hook);
    *out = &processor->base;
    return CLEAT_OK;
}
