/* What a task asks of the engine while it runs: log lines, its stream, its timeout, its slot. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/utf8.h"
#include "model/json.h"
#include "sdk/worker.h"

#include <inttypes.h>

/* ---- Log lines ---- */

static cleat_status check_line(const cleat_task *task, cleat_log_level level, const char *format)
{
    cleat_status status = cleat__task_check_alive(task);
    if (status == CLEAT_OK && (format == NULL || level < CLEAT_LOG_ERROR || level > CLEAT_LOG_DEBUG)) {
        status = cleat__fail(CLEAT_INVALID_ARGUMENT,
                             format == NULL ? "format is NULL" : "level is no cleat_log_level");
    }
    return status;
}

/* Consumes `message`. */
static cleat_status send_line(const cleat_task *task, cleat_log_level level, cleat_slice metadata,
                              char *message)
{
    if (message == NULL) {
        return cleat__fail_memory();
    }
    if (message[0] == '\0') { /* servers take no such line */
        cleat__free(message);
        return CLEAT_OK;
    }
    const cleat__log_line line = {
        .task_id = task->assignment->task_id,
        .retry_count = task->assignment->retry_count,
        .level = level,
        .time_ms = cleat__clock_unix_ns(NULL) / CLEAT__NS_PER_MS,
        .message = cleat_slice_of(message),
        .metadata = metadata,
    };
    cleat__transport *transport = task->worker->client->transport;
    cleat_status status = transport->log(transport, &line);
    cleat__free(message);
    if (status == CLEAT_RESOURCE_EXHAUSTED) { /* a task does not fail for its log */
        static cleat__log_site site;
        cleat__log_limited(&site, CLEAT_LOG_WARN, "a line of a task's log is left out: %s",
                           cleat_error_message());
        status = CLEAT_OK;
    }
    return status;
}

cleat_status cleat_task_log(cleat_task *task, cleat_log_level level, const char *format, ...)
{
    cleat_status status = check_line(task, level, format);
    if (status != CLEAT_OK) {
        return status;
    }
    va_list arguments;
    va_start(arguments, format);
    char *message = cleat__task_format(format, arguments, CLEAT__LOG_LINE_MAX);
    va_end(arguments);
    return send_line(task, level, (cleat_slice){NULL, 0}, message);
}

cleat_status cleat_task_log_metadata(cleat_task *task, cleat_log_level level, const char *metadata,
                                     const char *format, ...)
{
    cleat_status status = check_line(task, level, format);
    if (status == CLEAT_OK && metadata != NULL) {
        status = cleat__json_check("metadata", cleat_slice_of(metadata), true);
    }
    if (status != CLEAT_OK) {
        return status;
    }
    va_list arguments;
    va_start(arguments, format);
    char *message = cleat__task_format(format, arguments, CLEAT__LOG_LINE_MAX);
    va_end(arguments);
    return send_line(task, level, cleat_slice_of(metadata), message);
}

/* Whether what only one that runs may ask for can be asked for. A cancelled one still runs, but not for the
 * engine, which may have given the run to another worker meanwhile. */
static cleat_status check_running(const cleat_task *task)
{
    cleat_status status = cleat__task_check_alive(task);
    if (status == CLEAT_OK && atomic_load(&task->cancelled)) {
        status = cleat__fail(CLEAT_NOT_FOUND, "attempt %d of run %s is not running any more",
                             task->assignment->retry_count, task->id.text);
    }
    return status;
}

/* ---- The stream ---- */

/* A text, as it is one on its way to lookers-on elsewhere. */
cleat_status cleat__check_chunk(cleat_slice chunk)
{
    if (chunk.size > 0 && chunk.data == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "chunk has no data, but %zu bytes", chunk.size);
    }
    if (chunk.size > CLEAT_PAYLOAD_MAX) {
        return cleat__fail(CLEAT_TOO_LARGE, "chunk has %zu bytes; at most %zu are sent on", chunk.size,
                           CLEAT_PAYLOAD_MAX);
    }
    if (chunk.size > 0 && (memchr(chunk.data, '\0', chunk.size) != NULL ||
                           cleat__utf8_valid_prefix(chunk.data, chunk.size) != chunk.size)) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "chunk is no UTF-8 text without a NUL");
    }
    return CLEAT_OK;
}

cleat_status cleat_task_put_stream(cleat_task *task, cleat_slice chunk)
{
    cleat_status status = check_running(task);
    if (status == CLEAT_OK) {
        status = cleat__check_chunk(chunk);
    }
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__transport *transport = task->worker->client->transport;
    if (task->invocation != NULL || task->step_name != NULL) {
        /* The numbers are those of cleat_stream_write(), whose chunks are stored. */
        return transport->put_stream(transport, &task->assignment->task_id, -1, chunk);
    }
    int64_t index = atomic_fetch_add(&task->stream_count, 1);
    status = transport->put_stream(transport, &task->assignment->task_id, index, chunk);
    /* A number that is missing is waited for, a while; one that comes twice costs a chunk. So it is given again
     * only when the chunk has surely not arrived. */
    bool may_be_there = status == CLEAT_TIMEOUT || status == CLEAT_UNAVAILABLE || status == CLEAT_FAILED;
    if (status != CLEAT_OK && !may_be_there) {
        int64_t taken = index + 1;
        atomic_compare_exchange_strong(&task->stream_count, &taken, index);
    }
    return status;
}

/* ---- Timeout and slot ---- */

cleat_status cleat_task_refresh_timeout(cleat_task *task, int64_t increment_ms, int64_t *timeout_at_ms)
{
    int64_t timeout_ms = 0;
    cleat_status status = check_running(task);
    if (status != CLEAT_OK) {
        return status;
    }
    if (increment_ms < 1) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "increment_ms is %" PRId64 "; it must be at least 1",
                           increment_ms);
    }
    cleat__transport *transport = task->worker->client->transport;
    status = transport->refresh_timeout(transport, &task->assignment->task_id, task->assignment->retry_count,
                                        increment_ms, &timeout_ms);
    if (status == CLEAT_OK && timeout_at_ms != NULL) {
        *timeout_at_ms = timeout_ms;
    }
    return status;
}

cleat_status cleat_task_release_slot(cleat_task *task)
{
    cleat_status status = check_running(task);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__transport *transport = task->worker->client->transport;
    status = transport->release_slot(transport, &task->assignment->task_id, task->assignment->retry_count);
    if (status == CLEAT_OK) {
        /* Of a batch it is one for all. */
        cleat_task *holder = task->batch != NULL ? cleat_batch_task(task->batch, 0) : task;
        pthread_mutex_lock(&task->worker->mutex);
        if (!holder->slot_released) {
            holder->slot_released = true;
            cleat__worker_slot_released(task->worker);
        }
        pthread_mutex_unlock(&task->worker->mutex);
    }
    return status;
}
