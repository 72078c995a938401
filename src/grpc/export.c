#include "exporter.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "call_status.h"
#include "otlp/retry.h"
#include "trace/batch.h"

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <stdio.h>

/* Parts of a message: small enough not to be mapped and unmapped by malloc each time. */
enum { SLICE_SIZE = 64 * 1024 - 64 };

static cleat_slice slice_of(const grpc_slice *slice)
{
    return (cleat_slice){(const char *)GRPC_SLICE_START_PTR(*slice), GRPC_SLICE_LENGTH(*slice)};
}

/* Keeps the first failure. */
static void fail(cleat__grpc_export *export, cleat_status status, const char *format, ...) CLEAT_PRINTF(3, 4);
static void fail(cleat__grpc_export *export, cleat_status status, const char *format, ...)
{
    if (export->status != CLEAT_OK) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(export->text, sizeof(export->text), format, arguments);
    va_end(arguments);
    export->status = status;
}

/* gRPC ends a call at its deadline, but for a connection that is stuck. */
enum { OVERDUE_NS = 500 * CLEAT__NS_PER_MS };

int64_t cleat__grpc_export_overdue_ns(const cleat__grpc_export *export)
{
    return export->deadline_ns < INT64_MAX - OVERDUE_NS ? export->deadline_ns + OVERDUE_NS : INT64_MAX;
}

void cleat__grpc_export_overdue(cleat__grpc_export *export)
{
    fail(export, CLEAT_TIMEOUT, "%s did not take the spans in time (attempt %u)",
         export->exporter->otlp.settings.endpoint, export->attempts);
}

void cleat__grpc_export_cancelled(cleat__grpc_export *export)
{
    fail(export, CLEAT_CANCELLED, "the exporter was shut down before %s had the spans",
         export->exporter->otlp.settings.endpoint);
}

static void on_answer(cleat__completion *self, bool is_ok);

/* ---- The message ---- */

static void fill(grpc_slice *slices, size_t count, const cleat__otlp_request *part)
{
    size_t slice = 0, used = 0;
    for (size_t i = 0; i < part->piece_count; i++) {
        cleat_slice rest = part->pieces[i];
        while (rest.size != 0 && slice < count) {
            size_t room = GRPC_SLICE_LENGTH(slices[slice]) - used;
            size_t taken = rest.size < room ? rest.size : room;
            memcpy(GRPC_SLICE_START_PTR(slices[slice]) + used, rest.data, taken);
            rest.data += taken;
            rest.size -= taken;
            used += taken;
            if (used == GRPC_SLICE_LENGTH(slices[slice])) {
                slice++;
                used = 0;
            }
        }
    }
}

/* NULL on no memory for the list; gRPC itself does not survive that. */
static grpc_byte_buffer *message_of(const cleat__otlp_request *part)
{
    size_t count = (part->size + SLICE_SIZE - 1) / SLICE_SIZE;
    grpc_slice *slices = cleat__calloc(count, sizeof(*slices));
    if (slices == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        size_t rest = part->size - i * SLICE_SIZE;
        slices[i] = grpc_slice_malloc(rest < SLICE_SIZE ? rest : SLICE_SIZE);
    }
    fill(slices, count, part);
    grpc_byte_buffer *message = grpc_raw_byte_buffer_create(slices, count);
    for (size_t i = 0; i < count; i++) {
        grpc_slice_unref(slices[i]);
    }
    cleat__free(slices);
    return message;
}

static void drop_message(cleat__grpc_export *export)
{
    if (export->message != NULL) {
        grpc_byte_buffer_destroy(export->message);
        export->message = NULL;
    }
}

/* ---- The end ---- */

void cleat__grpc_export_finish(cleat__grpc_export *export)
{
    cleat__grpc_exporter *exporter = export->exporter;
    cleat_span_batch *batch = export->to_finish;
    size_t failed = export->failed + export->span_count;
    cleat__otlp_count(&exporter->otlp.stats.spans_failed, export->span_count);
    drop_message(export);
    cleat__otlp_request_deinit(&export->part);
    if (batch != NULL) {
        if (export->status != CLEAT_OK) {
            (void)cleat__fail(export->status, "%s", export->text);
        }
        cleat__batch_finish(batch, export->status, failed);
    }
    pthread_mutex_lock(&exporter->mutex);
    *(export->previous != NULL ? &export->previous->next : &exporter->first) = export->next;
    *(export->next != NULL ? &export->next->previous : &exporter->last) = export->previous;
    export->is_done = true; /* from the unlocking on it belongs to export_spans, if that waits */
    pthread_cond_broadcast(&exporter->changed);
    pthread_mutex_unlock(&exporter->mutex);
    if (batch != NULL) {
        cleat__free(export);
        cleat__grpc_exporter_release(exporter);
    }
}

/* ---- An attempt ---- */

static void free_attempt(cleat__grpc_attempt *attempt)
{
    grpc_metadata_array_destroy(&attempt->initial_metadata);
    grpc_metadata_array_destroy(&attempt->trailing_metadata);
    grpc_slice_unref(attempt->details);
    if (attempt->response != NULL) {
        grpc_byte_buffer_destroy(attempt->response);
    }
    grpc_call_unref(attempt->call); /* the metadata's bytes are in its memory */
    cleat__free(attempt);
}

static cleat__grpc_attempt *new_attempt(cleat__grpc_export *export)
{
    cleat__grpc_exporter *exporter = export->exporter;
    cleat__grpc_attempt *attempt = cleat__calloc(1, sizeof(*attempt));
    if (attempt != NULL) {
        grpc_slice method =
            grpc_slice_from_static_string("/opentelemetry.proto.collector.trace.v1.TraceService/Export");
        attempt->completion.run = on_answer;
        attempt->exporter = exporter;
        attempt->export = export;
        grpc_metadata_array_init(&attempt->initial_metadata);
        grpc_metadata_array_init(&attempt->trailing_metadata);
        attempt->details = grpc_empty_slice();
        attempt->call =
            grpc_channel_create_call(exporter->channel, NULL, GRPC_PROPAGATE_DEFAULTS, exporter->thread.queue,
                                     method, NULL, cleat__grpc_deadline(export->deadline_ns), NULL);
    }
    return attempt;
}

static grpc_call_error start_call(cleat__grpc_attempt *attempt)
{
    const cleat__grpc_exporter *exporter = attempt->exporter;
    /* gRPC takes the slices out of what it is given. */
    grpc_byte_buffer *message = grpc_byte_buffer_copy(attempt->export->message);
    const grpc_op operations[] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA,
         .data.send_initial_metadata = {.count = exporter->metadata_count, .metadata = exporter->metadata}},
        {.op = GRPC_OP_SEND_MESSAGE, .data.send_message = {.send_message = message}},
        {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT},
        {.op = GRPC_OP_RECV_INITIAL_METADATA,
         .data.recv_initial_metadata = {.recv_initial_metadata = &attempt->initial_metadata}},
        {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message = {.recv_message = &attempt->response}},
        {.op = GRPC_OP_RECV_STATUS_ON_CLIENT,
         .data.recv_status_on_client = {.trailing_metadata = &attempt->trailing_metadata,
                                        .status = &attempt->code,
                                        .status_details = &attempt->details}},
    };
    void *tag = cleat__completion_tag(&attempt->completion);
    grpc_call_error error = grpc_call_start_batch(attempt->call, operations,
                                                  sizeof(operations) / sizeof(operations[0]), tag, NULL);
    grpc_byte_buffer_destroy(message);
    return error;
}

/* The thread may be waiting for something later than the end of this attempt. An empty batch is
 * completed at once. The mutex is held. */
static void wake_thread(cleat__grpc_export *export, grpc_call *call)
{
    cleat__grpc_exporter *exporter = export->exporter;
    int64_t overdue_ns = cleat__grpc_export_overdue_ns(export);
    if (overdue_ns < exporter->waits_until_ns &&
        grpc_call_start_batch(call, NULL, 0, cleat__completion_tag(&exporter->wake), NULL) == GRPC_CALL_OK) {
        exporter->waits_until_ns = 0;
    }
}

/* The mutex is held. */
static cleat_status start_attempt(cleat__grpc_export *export)
{
    cleat__grpc_attempt *attempt = new_attempt(export);
    if (attempt == NULL) {
        fail(export, CLEAT_NO_MEMORY, "%s", cleat_status_text(CLEAT_NO_MEMORY));
        return CLEAT_NO_MEMORY;
    }
    grpc_call_error error = start_call(attempt);
    if (error != GRPC_CALL_OK) {
        fail(export, CLEAT_NON_RETRYABLE, "gRPC does not take the request: %s",
             grpc_call_error_to_string(error));
        free_attempt(attempt);
        return CLEAT_NON_RETRYABLE;
    }
    export->attempt = attempt;
    wake_thread(export, attempt->call);
    return CLEAT_OK;
}

void cleat__grpc_export_attempt(cleat__grpc_export *export)
{
    cleat__grpc_exporter *exporter = export->exporter;
    pthread_mutex_lock(&exporter->mutex);
    cleat_status status = CLEAT_CANCELLED;
    if (exporter->is_cancelled) {
        cleat__grpc_export_cancelled(export);
    } else {
        export->attempts++;
        cleat__otlp_count(&exporter->otlp.stats.requests, 1);
        cleat__otlp_count(&exporter->otlp.stats.retries, export->attempts > 1);
        cleat__otlp_count(&exporter->otlp.stats.bytes_sent, export->part.size);
        status = start_attempt(export);
    }
    pthread_mutex_unlock(&exporter->mutex);
    /* One that has started may be over already, and the export with it. */
    if (status != CLEAT_OK) {
        cleat__grpc_export_finish(export);
    }
}

void cleat__grpc_export_abandon(cleat__grpc_export *export)
{
    grpc_call *call = export->attempt->call;
    export->attempt->export = NULL;
    export->attempt = NULL;
    (void)grpc_call_cancel(call, NULL);
}

/* The next part of the batch, or the end. */
static void next_part(cleat__grpc_export *export)
{
    size_t limit = export->exporter->otlp.settings.max_request_size;
    drop_message(export);
    cleat_status status = cleat__otlp_request_build(&export->part, export->batch, &export->cursor, limit);
    if (status == CLEAT_OK) {
        export->message = message_of(&export->part);
        status = export->message != NULL ? CLEAT_OK : CLEAT_NO_MEMORY;
    }
    if (status == CLEAT_OK) {
        export->attempts = 0;
        cleat__grpc_export_attempt(export);
        return;
    }
    if (status != CLEAT_EMPTY) {
        fail(export, status, "cannot make an export request: %s", cleat_status_text(status));
    }
    cleat__grpc_export_finish(export);
}

/* Those of the part are counted, and no longer open. */
static void count_exported(cleat__grpc_export *export, size_t rejected)
{
    size_t count = export->part.span_count;
    cleat__otlp_count(&export->exporter->otlp.stats.spans_exported, count - rejected);
    cleat__otlp_count(&export->exporter->otlp.stats.spans_rejected, rejected);
    export->span_count -= count;
}

static void count_failed(cleat__grpc_export *export)
{
    size_t count = export->part.span_count;
    cleat__otlp_count(&export->exporter->otlp.stats.spans_failed, count);
    export->failed += count;
    export->span_count -= count;
}

/* ---- The answer ---- */

static void log_partial_success(cleat__grpc_export *export, const cleat__otlp_response *response,
                                size_t rejected)
{
    static cleat__log_site site;
    cleat__log_limited(&site, CLEAT_LOG_WARN, "%s refused %zu of %zu spans: %.*s",
                       export->exporter->otlp.settings.endpoint, rejected, export->part.span_count,
                       CLEAT_SLICE_ARGS(response->error_message));
}

/* The bytes live as long as the reader's slice, which the caller releases. */
static grpc_slice read_response(grpc_byte_buffer *message)
{
    grpc_byte_buffer_reader reader;
    if (message == NULL || grpc_byte_buffer_reader_init(&reader, message) == 0) {
        return grpc_empty_slice();
    }
    grpc_slice bytes = grpc_byte_buffer_reader_readall(&reader);
    grpc_byte_buffer_reader_destroy(&reader);
    return bytes;
}

static void on_success(cleat__grpc_export *export, cleat__grpc_attempt *attempt)
{
    cleat__otlp_response response = {0};
    size_t rejected = 0;
    grpc_slice bytes = read_response(attempt->response);
    if (!cleat__otlp_response_read(slice_of(&bytes), &response)) {
        static cleat__log_site site;
        response = (cleat__otlp_response){0};
        cleat__log_limited(&site, CLEAT_LOG_WARN, "%s took the spans, but its answer is malformed",
                           export->exporter->otlp.settings.endpoint);
    }
    if (response.rejected_spans > 0) {
        rejected = (uint64_t)response.rejected_spans < export->part.span_count
                       ? (size_t)response.rejected_spans
                       : export->part.span_count;
    }
    if (rejected != 0 || response.error_message.size != 0) {
        log_partial_success(export, &response, rejected);
    }
    grpc_slice_unref(bytes);
    free_attempt(attempt);
    count_exported(export, rejected);
    next_part(export);
}

static bool find_retry_info(const grpc_metadata_array *metadata, int64_t *delay_ms)
{
    for (size_t i = 0; i < metadata->count; i++) {
        if (grpc_slice_str_cmp(metadata->metadata[i].key, "grpc-status-details-bin") == 0 &&
            cleat__grpc_retry_info(slice_of(&metadata->metadata[i].value), delay_ms)) {
            return true;
        }
    }
    return false;
}

/* Milliseconds until the part is sent again; -1: not at all. */
static int64_t retry_delay_ms(cleat__grpc_export *export, const cleat__grpc_attempt *attempt)
{
    int64_t asked_ms = 0;
    export->waits_as_asked = find_retry_info(&attempt->trailing_metadata, &asked_ms);
    if (!cleat__grpc_export_is_retryable(attempt->code, export->waits_as_asked) ||
        (!export->waits_as_asked && cleat__otlp_is_ending(&export->exporter->otlp))) {
        return -1;
    }
    return cleat__otlp_retry_delay_ms(&export->exporter->otlp.settings, export->attempts, asked_ms,
                                      cleat__remaining_ms(export->deadline_ns));
}

/* The thread of the queue, which is the one that is here, looks for it before it waits. */
static void wait_for_retry(cleat__grpc_export *export, int64_t delay_ms)
{
    cleat__grpc_exporter *exporter = export->exporter;
    pthread_mutex_lock(&exporter->mutex);
    bool is_cancelled = exporter->is_cancelled;
    if (!is_cancelled) {
        bool is_last = !export->waits_as_asked && cleat__otlp_is_ending(&exporter->otlp);
        export->retry_at_ns = cleat__deadline_ns(is_last ? 0 : delay_ms);
    }
    pthread_mutex_unlock(&exporter->mutex);
    if (is_cancelled) {
        cleat__grpc_export_cancelled(export);
        cleat__grpc_export_finish(export);
    }
}

static const char *advice_on(int code)
{
    switch (code) {
    case GRPC_STATUS_UNAVAILABLE:
        return "; is a collector listening there, and is http:// or https:// right?";
    case GRPC_STATUS_UNAUTHENTICATED:
    case GRPC_STATUS_PERMISSION_DENIED: return "; check OTEL_EXPORTER_OTLP_HEADERS";
    case GRPC_STATUS_UNIMPLEMENTED: return "; is this the OTLP/gRPC port of a collector?";
    default: return "";
    }
}

static void on_failure(cleat__grpc_export *export, cleat__grpc_attempt *attempt)
{
    cleat__grpc_exporter *exporter = export->exporter;
    const char *endpoint = exporter->otlp.settings.endpoint;
    int code = attempt->code;
    int64_t delay_ms = retry_delay_ms(export, attempt);
    if (delay_ms < 0) {
        fail(export, cleat__grpc_code_status(code), "export to %s: %s: %.*s%s (attempt %u)", endpoint,
             cleat__grpc_code_name(code), CLEAT_SLICE_ARGS(slice_of(&attempt->details)), advice_on(code),
             export->attempts);
    }
    free_attempt(attempt);
    if (delay_ms >= 0) {
        cleat__log(CLEAT_LOG_DEBUG, "%s answered %s; trying again in %lld ms", endpoint,
                   cleat__grpc_code_name(code), (long long)delay_ms);
        wait_for_retry(export, delay_ms);
    } else if (cleat__grpc_export_failure_is_of_spans(code)) {
        count_failed(export);
        next_part(export);
    } else {
        cleat__grpc_export_finish(export);
    }
}

static void on_answer(cleat__completion *self, bool is_ok)
{
    cleat__grpc_attempt *attempt = (cleat__grpc_attempt *)self;
    cleat__grpc_exporter *exporter = attempt->exporter;
    (void)is_ok; /* always true where the status is received */
    pthread_mutex_lock(&exporter->mutex);
    cleat__grpc_export *export = attempt->export;
    if (export != NULL) {
        export->attempt = NULL;
    }
    pthread_mutex_unlock(&exporter->mutex);
    if (export == NULL) {
        free_attempt(attempt);
    } else if (attempt->code == GRPC_STATUS_OK) {
        on_success(export, attempt);
    } else {
        on_failure(export, attempt);
    }
}

void cleat__grpc_export_begin(cleat__grpc_export *export)
{
    cleat__grpc_exporter *exporter = export->exporter;
    export->span_count = cleat_span_batch_count(export->batch);
    pthread_mutex_lock(&exporter->mutex);
    export->number = ++exporter->begun;
    export->previous = exporter->last;
    *(exporter->last != NULL ? &exporter->last->next : &exporter->first) = export;
    exporter->last = export;
    pthread_mutex_unlock(&exporter->mutex);
    next_part(export);
}
