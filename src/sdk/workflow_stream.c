/*
 * What a workflow gives out while it runs: chunks that are stored with the run, numbered from 0 in every
 * invocation, so that those of a replay are known.
 *
 * One batch is on its way while the next one collects, and goes as soon as it has arrived: a writer of small chunks
 * waits for few of the engine's commits, and of a slow writer each chunk goes at once.
 */
#include "sdk/invocation.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/thread.h"

#include <stdio.h>

enum { BATCH_MAX = 1 << 20 }; /* bytes; a chunk that is larger goes alone */

/* The slices have their sizes; where they are is known when the bytes do not move any more. */
typedef struct batch {
    cleat__put_chunks put; /* first */
    cleat__invocation_stream *stream;
    cleat__buffer bytes, slices;
} batch;

struct cleat__invocation_stream {
    cleat__transport *transport;
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t changed;
    batch batches[2];
    batch *collecting;
    bool is_busy; /* the other one is on its way */
    cleat_status status;
    char text[256];
};

static cleat_slice *slices_of(const batch *it)
{
    return (cleat_slice *)(void *)it->slices.data;
}

static size_t count_of(const batch *it)
{
    return it->slices.size / sizeof(cleat_slice);
}

/* The mutex is held. NULL: nothing has collected. */
static batch *take(cleat__invocation_stream *stream)
{
    batch *it = stream->collecting;
    if (count_of(it) == 0) {
        return NULL;
    }
    const char *at = (const char *)it->bytes.data;
    for (size_t i = 0; i < count_of(it); i++) {
        slices_of(it)[i].data = at;
        if (at != NULL) { /* else all are empty */
            at += slices_of(it)[i].size;
        }
    }
    it->put.items = slices_of(it);
    it->put.count = count_of(it);
    stream->collecting = &stream->batches[it == &stream->batches[0]];
    return it;
}

static void clear(batch *it)
{
    cleat__buffer_clear(&it->bytes);
    cleat__buffer_clear(&it->slices);
}

static cleat__put_chunks *on_done(cleat__put_chunks *put, cleat_status status, const char *text)
{
    batch *it = (batch *)put, *next = NULL;
    cleat__invocation_stream *stream = it->stream;
    pthread_mutex_lock(&stream->mutex);
    clear(it);
    if (status == CLEAT_OK) {
        next = take(stream);
    } else {
        stream->status = status;
        (void)snprintf(stream->text, sizeof(stream->text), "%s", text);
    }
    stream->is_busy = next != NULL;
    pthread_cond_signal(&stream->changed);
    pthread_mutex_unlock(&stream->mutex);
    return next != NULL ? &next->put : NULL;
}

/* NULL on no memory. */
static cleat__invocation_stream *open_stream(cleat__invocation *it)
{
    cleat__invocation_stream *stream = cleat__calloc(1, sizeof(*stream));
    if (stream == NULL) {
        return NULL;
    }
    stream->transport = it->task->worker->client->transport;
    stream->collecting = &stream->batches[0];
    for (int i = 0; i < 2; i++) {
        stream->batches[i].stream = stream;
        stream->batches[i].put.run_id = it->task->assignment->task_id;
        stream->batches[i].put.invocation_count = it->task->assignment->invocation_count;
        stream->batches[i].put.done = on_done;
    }
    pthread_mutex_init(&stream->mutex, NULL);
    cleat__cond_init(&stream->changed);
    return stream;
}

static void wait_for_change(cleat__invocation_stream *stream)
{
    (void)cleat__cond_wait_until(&stream->changed, &stream->mutex, INT64_MAX);
}

/* The mutex is held. */
static cleat_status collect(cleat__invocation_stream *stream, int64_t index, cleat_slice chunk)
{
    while (stream->is_busy && stream->collecting->bytes.size != 0 &&
           stream->collecting->bytes.size + chunk.size > BATCH_MAX) {
        wait_for_change(stream);
    }
    if (stream->status != CLEAT_OK) {
        return cleat__fail(stream->status, "%s", stream->text);
    }
    batch *it = stream->collecting;
    const cleat_slice size = {NULL, chunk.size};
    if (count_of(it) == 0) {
        it->put.first_index = index;
    }
    size_t before = it->bytes.size;
    cleat__buffer_append_slice(&it->bytes, chunk);
    if (!it->bytes.failed) {
        cleat__buffer_append(&it->slices, &size, sizeof(size));
    }
    if (it->bytes.failed || it->slices.failed) { /* what has collected before goes all the same */
        it->bytes.size = before;
        return cleat__fail_memory();
    }
    return CLEAT_OK;
}

static cleat_status put(cleat__invocation_stream *stream, int64_t index, cleat_slice chunk)
{
    batch *ready = NULL;
    pthread_mutex_lock(&stream->mutex);
    cleat_status status = collect(stream, index, chunk);
    if (status == CLEAT_OK && !stream->is_busy) {
        ready = take(stream);
        stream->is_busy = true;
    }
    pthread_mutex_unlock(&stream->mutex);
    if (ready != NULL) {
        stream->transport->put_chunks(stream->transport, &ready->put);
    }
    return status;
}

static cleat_status write(cleat__invocation *it, cleat_slice chunk)
{
    cleat_status status = cleat__check_chunk(chunk);
    if (status != CLEAT_OK) {
        return status;
    }
    int64_t index = it->stream_count++;
    if (cleat_task_is_replaying(it->task) && it->log_size >= 0) {
        return CLEAT_OK; /* it was stored before the node that comes next */
    }
    if (cleat__invocation_wants_values(it)) {
        status = cleat__invocation_store(it, NULL); /* the chunk may be made of them, and stays as it is */
        if (status != CLEAT_OK) {
            return status;
        }
    }
    if (it->stream == NULL) {
        it->stream = open_stream(it);
    }
    status = it->stream != NULL ? put(it->stream, index, chunk) : cleat__fail_memory();
    return cleat__invocation_check(it, status);
}

cleat_status cleat_stream_write(cleat_task *task, cleat_slice chunk)
{
    cleat__invocation *it;
    cleat_status status = cleat__invocation_enter(task, "cleat_stream_write", &it);
    return status == CLEAT_OK ? cleat__invocation_leave(it, write(it, chunk)) : status;
}

cleat_status cleat__invocation_flush(cleat__invocation *it)
{
    cleat__invocation_stream *stream = it->stream;
    if (stream == NULL) {
        return CLEAT_OK;
    }
    pthread_mutex_lock(&stream->mutex);
    while (stream->is_busy) {
        wait_for_change(stream);
    }
    cleat_status status =
        stream->status == CLEAT_OK ? CLEAT_OK : cleat__fail(stream->status, "%s", stream->text);
    pthread_mutex_unlock(&stream->mutex);
    return cleat__invocation_check(it, status);
}

void cleat__invocation_close_stream(cleat__invocation *it)
{
    cleat__invocation_stream *stream = it->stream;
    if (stream == NULL) {
        return;
    }
    (void)cleat__invocation_flush(it);
    for (int i = 0; i < 2; i++) {
        cleat__buffer_deinit(&stream->batches[i].bytes);
        cleat__buffer_deinit(&stream->batches[i].slices);
    }
    pthread_cond_destroy(&stream->changed);
    pthread_mutex_destroy(&stream->mutex);
    cleat__free(stream);
    it->stream = NULL;
}
