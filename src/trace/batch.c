#include "batch.h"

#include "base/error.h"
#include "protobuf.h"

#include <pthread.h>
#include <stdio.h>

enum { SCOPE_SPANS_SPANS = 2 };

size_t cleat_span_batch_count(const cleat_span_batch *batch)
{
    return batch != NULL ? batch->count : 0;
}

bool cleat_span_batch_next(const cleat_span_batch *batch, size_t *cursor, cleat_span_view *out)
{
    if (batch == NULL || cursor == NULL || out == NULL) {
        return false;
    }
    while (*cursor < batch->count) {
        const cleat__batch_entry *entry = &batch->entries[(*cursor)++];
        /* A record that a user's processor made up may be malformed: it is passed over. */
        if (cleat_span_view_read(cleat__batch_record(entry), out) == CLEAT_OK) {
            out->resource = entry->resource;
            out->scope = entry->scope;
            return true;
        }
    }
    return false;
}

bool cleat__span_batch_next_run(const cleat_span_batch *batch, size_t *cursor, cleat__batch_run *out)
{
    if (*cursor >= batch->count) {
        return false;
    }
    const cleat__batch_entry *entry = &batch->entries[*cursor];
    const cleat__batch_entry *end = batch->entries + batch->count;
    *out = (cleat__batch_run){
        .resource = entry->resource,
        .scope = entry->scope,
        .body = {(const char *)entry->data, 0},
    };
    while (entry < end && entry->scope == out->scope && entry->resource == out->resource &&
           (const char *)entry->data == out->body.data + out->body.size) {
        out->body.size += entry->size;
        out->count++;
        entry++;
    }
    *cursor += out->count;
    return true;
}

void cleat__batch_put(uint8_t *out, cleat_slice record, cleat__batch_entry *entry)
{
    uint8_t *at = cleat__put_tag(out, SCOPE_SPANS_SPANS, CLEAT__WIRE_BYTES);
    at = cleat__put_varint(at, record.size);
    entry->data = out;
    entry->prefix_size = (uint32_t)(at - out);
    entry->size = entry->prefix_size + (uint32_t)record.size;
    cleat__put_raw(at, record.data, record.size);
}

/* ---- Exporters ---- */

/* Initial-exec as in local.h: it is asked for each span. */
static _Thread_local bool is_exporting __attribute__((tls_model("initial-exec")));

bool cleat_tracing_suppressed(void)
{
    return is_exporting;
}

void cleat__tracing_suppress(bool is_suppressed)
{
    is_exporting = is_suppressed;
}

cleat_status cleat__batch_export(cleat_span_exporter *exporter, const cleat_span_batch *batch,
                                 int64_t timeout_ms)
{
    if (exporter->export_spans == NULL) {
        return cleat__fail(CLEAT_UNSUPPORTED, "the span exporter cannot export");
    }
    bool was_exporting = is_exporting;
    is_exporting = true;
    cleat_status status = exporter->export_spans(exporter, batch, timeout_ms);
    is_exporting = was_exporting;
    return status;
}

void cleat__batch_launch(cleat_span_exporter *exporter, cleat_span_batch *batch, int64_t timeout_ms)
{
    if (exporter->export_async == NULL) {
        cleat_span_batch_finish(batch, cleat__batch_export(exporter, batch, timeout_ms));
        return;
    }
    bool was_exporting = is_exporting;
    is_exporting = true;
    exporter->export_async(exporter, batch, timeout_ms);
    is_exporting = was_exporting;
}

void cleat__batch_finish(cleat_span_batch *batch, cleat_status status, size_t failed)
{
    if (batch != NULL && batch->finish != NULL) {
        batch->finish(batch, status, failed < batch->count ? failed : batch->count);
    }
}

void cleat_span_batch_finish(cleat_span_batch *batch, cleat_status status)
{
    cleat__batch_finish(batch, status, status != CLEAT_OK ? cleat_span_batch_count(batch) : 0);
}

/* The message of a failure is the finishing thread's: it is carried over to the one that waits. */
typedef struct waited_batch {
    cleat_span_batch batch;
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t finished;
    bool is_finished;
    cleat_status status;
    char message[512];
} waited_batch;

static void finish_waited(cleat_span_batch *batch, cleat_status status, size_t failed)
{
    waited_batch *waited = (waited_batch *)batch;
    (void)failed;
    pthread_mutex_lock(&waited->mutex);
    waited->is_finished = true;
    waited->status = status;
    snprintf(waited->message, sizeof(waited->message), "%s", status != CLEAT_OK ? cleat_error_message() : "");
    pthread_cond_signal(&waited->finished);
    pthread_mutex_unlock(&waited->mutex);
}

cleat_status cleat__batch_export_and_wait(cleat_span_exporter *exporter, const cleat_span_batch *batch,
                                          int64_t timeout_ms)
{
    if (cleat_span_batch_count(batch) == 0) {
        return CLEAT_OK;
    }
    waited_batch waited = {.batch = {batch->entries, batch->count, finish_waited}};
    pthread_mutex_init(&waited.mutex, NULL);
    pthread_cond_init(&waited.finished, NULL);
    exporter->export_async(exporter, &waited.batch, timeout_ms);
    pthread_mutex_lock(&waited.mutex);
    while (!waited.is_finished) {
        pthread_cond_wait(&waited.finished, &waited.mutex);
    }
    pthread_mutex_unlock(&waited.mutex);
    pthread_mutex_destroy(&waited.mutex);
    pthread_cond_destroy(&waited.finished);
    return waited.status != CLEAT_OK ? cleat__fail(waited.status, "%s", waited.message) : CLEAT_OK;
}

cleat_status cleat__exporter_force_flush(cleat_span_exporter *exporter, int64_t timeout_ms)
{
    return exporter->force_flush != NULL ? exporter->force_flush(exporter, timeout_ms) : CLEAT_OK;
}

void cleat__exporter_before_shutdown(cleat_span_exporter *exporter)
{
    if (exporter->before_shutdown != NULL) {
        exporter->before_shutdown(exporter);
    }
}

cleat_status cleat__exporter_shutdown(cleat_span_exporter *exporter, int64_t timeout_ms)
{
    return exporter->shutdown != NULL ? exporter->shutdown(exporter, timeout_ms) : CLEAT_OK;
}

void cleat__exporter_free(cleat_span_exporter *exporter)
{
    if (exporter != NULL && exporter->free != NULL) {
        exporter->free(exporter);
    }
}
