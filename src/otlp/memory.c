/* Keeps copies of spans, for tests. */
#include "base/alloc.h"
#include "base/error.h"
#include "base/process.h"
#include "base/thread.h"

#include <cleat/trace.h>

typedef struct kept_span {
    cleat_resource *resource;                 /* retained */
    const cleat_instrumentation_scope *scope; /* interned: it lives as long as the process */
    size_t size;
    char record[];
} kept_span;

typedef struct memory_exporter {
    cleat_span_exporter base;
    cleat__fork_hook fork_hook;
    pthread_mutex_t mutex; /* guards what follows */
    kept_span **spans;
    size_t count, capacity;
    bool is_shut_down;
} memory_exporter;

/* The mutex is held. */
static cleat_status keep(memory_exporter *exporter, const cleat_span_view *span)
{
    if (exporter->count == exporter->capacity) {
        size_t capacity = exporter->capacity != 0 ? exporter->capacity * 2 : 64;
        kept_span **spans = cleat__realloc((void *)exporter->spans, capacity * sizeof(*exporter->spans));
        if (spans == NULL) {
            return cleat__fail_memory();
        }
        exporter->spans = spans;
        exporter->capacity = capacity;
    }
    kept_span *kept = cleat__malloc(sizeof(*kept) + span->record.size);
    if (kept == NULL) {
        return cleat__fail_memory();
    }
    kept->resource = cleat_resource_retain(span->resource);
    kept->scope = span->scope;
    kept->size = span->record.size;
    memcpy(kept->record, span->record.data, span->record.size);
    exporter->spans[exporter->count++] = kept;
    return CLEAT_OK;
}

static cleat_status export_spans(cleat_span_exporter *self, const cleat_span_batch *batch, int64_t timeout_ms)
{
    memory_exporter *exporter = (memory_exporter *)self;
    cleat_span_view span;
    size_t cursor = 0;
    (void)timeout_ms;
    pthread_mutex_lock(&exporter->mutex);
    cleat_status status =
        exporter->is_shut_down ? cleat__fail(CLEAT_UNAVAILABLE, "the exporter has been shut down") : CLEAT_OK;
    while (status == CLEAT_OK && cleat_span_batch_next(batch, &cursor, &span)) {
        status = keep(exporter, &span);
    }
    pthread_mutex_unlock(&exporter->mutex);
    return status;
}

static cleat_status shut_down(cleat_span_exporter *self, int64_t timeout_ms)
{
    memory_exporter *exporter = (memory_exporter *)self;
    (void)timeout_ms;
    pthread_mutex_lock(&exporter->mutex);
    exporter->is_shut_down = true;
    pthread_mutex_unlock(&exporter->mutex);
    return CLEAT_OK;
}

void cleat_memory_exporter_clear(cleat_span_exporter *self)
{
    memory_exporter *exporter = (memory_exporter *)self;
    if (exporter == NULL) {
        return;
    }
    pthread_mutex_lock(&exporter->mutex);
    for (size_t i = 0; i < exporter->count; i++) {
        cleat_resource_release(exporter->spans[i]->resource);
        cleat__free(exporter->spans[i]);
    }
    exporter->count = 0;
    pthread_mutex_unlock(&exporter->mutex);
}

static void free_exporter(cleat_span_exporter *self)
{
    memory_exporter *exporter = (memory_exporter *)self;
    cleat_memory_exporter_clear(self);
    cleat__fork_unregister(&exporter->fork_hook);
    pthread_mutex_destroy(&exporter->mutex);
    cleat__free((void *)exporter->spans);
    cleat__free(exporter);
}

size_t cleat_memory_exporter_count(cleat_span_exporter *self)
{
    memory_exporter *exporter = (memory_exporter *)self;
    if (exporter == NULL) {
        return 0;
    }
    pthread_mutex_lock(&exporter->mutex);
    size_t count = exporter->count;
    pthread_mutex_unlock(&exporter->mutex);
    return count;
}

bool cleat_memory_exporter_at(cleat_span_exporter *self, size_t index, cleat_span_view *out)
{
    memory_exporter *exporter = (memory_exporter *)self;
    if (exporter == NULL || out == NULL) {
        return false;
    }
    pthread_mutex_lock(&exporter->mutex);
    const kept_span *kept = index < exporter->count ? exporter->spans[index] : NULL;
    pthread_mutex_unlock(&exporter->mutex);
    if (kept == NULL || cleat_span_view_read((cleat_slice){kept->record, kept->size}, out) != CLEAT_OK) {
        return false;
    }
    out->resource = kept->resource;
    out->scope = kept->scope;
    return true;
}

cleat_status cleat_memory_exporter_new(cleat_span_exporter **out)
{
    if (out == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "nowhere to put the exporter");
    }
    *out = NULL;
    memory_exporter *exporter = cleat__calloc(1, sizeof(*exporter));
    if (exporter == NULL) {
        return cleat__fail_memory();
    }
    exporter->base = (cleat_span_exporter){
        .export_spans = export_spans,
        .shutdown = shut_down,
        .free = free_exporter,
    };
    pthread_mutex_init(&exporter->mutex, NULL);
    exporter->fork_hook = (cleat__fork_hook){
        .rank = CLEAT__FORK_EXPORTER,
        .mutex = &exporter->mutex,
    };
    cleat__fork_register(&exporter->fork_hook);
    *out = &exporter->base;
    return CLEAT_OK;
}
