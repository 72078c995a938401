/* A run's stream as its reader sees it: a bounded queue between the transport's thread and the reader's. */
#include <cleat/stream.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/thread.h"
#include "sdk/client.h"

#include <stdio.h>

/* One block of memory: the bytes follow the struct. */
typedef struct piece {
    struct piece *next;
    size_t size;
} piece;

/* Of what is stored and can wait, so much waits here. */
enum { ROOM_MAX = 1 << 20 };

struct cleat_stream {
    cleat_client *client;
    cleat__continued_way way; /* the run that is looked at */
    bool is_last;             /* it has ended, and does not go on as another one */
    void *watch;              /* of the transport; NULL: the next run could not be looked at */
    piece *borrowed;          /* what the reader was given last */

    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t changed;
    piece *first, **end;
    size_t bytes;
    bool was_refused; /* the transport waits for room */
    bool has_ended;
    cleat_status status; /* how */
    char text[256];
};

/* ---- The transport's side ---- */

/* With the mutex; the first end counts. */
static void end(cleat_stream *stream, cleat_status status, const char *text)
{
    if (!stream->has_ended) {
        stream->has_ended = true;
        stream->status = status;
        (void)snprintf(stream->text, sizeof(stream->text), "%s", text);
    }
    pthread_cond_signal(&stream->changed);
}

static void on_chunk(void *self, cleat_slice bytes)
{
    cleat_stream *stream = self;
    piece *it = cleat__malloc(sizeof(*it) + bytes.size + 1);
    pthread_mutex_lock(&stream->mutex);
    if (stream->has_ended) {
        cleat__free(it);
    } else if (it == NULL) {
        end(stream, CLEAT_NO_MEMORY, "a chunk of the stream was lost: out of memory");
    } else if (stream->bytes + bytes.size > CLEAT_STREAM_BUFFER_MAX) {
        cleat__free(it);
        end(stream, CLEAT_RESOURCE_EXHAUSTED, "the stream's reader is too slow: chunks were lost");
    } else {
        it->next = NULL;
        it->size = bytes.size;
        if (bytes.size != 0) {
            memcpy(it + 1, bytes.data, bytes.size);
        }
        *stream->end = it;
        stream->end = &it->next;
        stream->bytes += bytes.size;
        pthread_cond_signal(&stream->changed);
    }
    pthread_mutex_unlock(&stream->mutex);
}

static void on_end(void *self, cleat_status status, const char *text)
{
    cleat_stream *stream = self;
    pthread_mutex_lock(&stream->mutex);
    end(stream, status, text);
    pthread_mutex_unlock(&stream->mutex);
}

static bool has_room(void *self)
{
    cleat_stream *stream = self;
    pthread_mutex_lock(&stream->mutex);
    bool has = stream->bytes < ROOM_MAX || stream->has_ended;
    stream->was_refused = stream->was_refused || !has;
    pthread_mutex_unlock(&stream->mutex);
    return has;
}

/* ---- The reader's side ---- */

static void destroy(cleat_stream *stream)
{
    while (stream->first != NULL) {
        piece *it = stream->first;
        stream->first = it->next;
        cleat__free(it);
    }
    cleat__free(stream->borrowed);
    pthread_cond_destroy(&stream->changed);
    pthread_mutex_destroy(&stream->mutex);
    cleat__free(stream);
}

static cleat_status watch(cleat_stream *stream)
{
    cleat__transport *transport = stream->client->transport;
    const cleat__stream_sink sink = {stream, on_chunk, on_end, has_room};
    return transport->watch(transport, &stream->way.at, &sink, &stream->watch);
}

static void unwatch(cleat_stream *stream)
{
    cleat__transport *transport = stream->client->transport;
    if (stream->watch != NULL) {
        transport->unwatch(transport, stream->watch);
        stream->watch = NULL;
    }
}

cleat_status cleat_client_stream(cleat_client *client, const cleat_run_id *id, cleat_stream **out)
{
    cleat__uuid run_id;
    if (out == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "out is NULL");
    }
    *out = NULL;
    cleat_status status = cleat__run_id_parse(client, id, &run_id);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat_stream *stream = cleat__calloc(1, sizeof(*stream));
    if (stream == NULL) {
        return cleat__fail_memory();
    }
    stream->client = client;
    stream->end = &stream->first;
    pthread_mutex_init(&stream->mutex, NULL);
    cleat__cond_init(&stream->changed);
    cleat__continued_begin(&stream->way, &run_id);
    status = watch(stream);
    if (status != CLEAT_OK) {
        destroy(stream);
        return status;
    }
    *out = stream;
    return CLEAT_OK;
}

/* With the mutex. */
static cleat_status take(cleat_stream *stream, cleat_slice *out)
{
    piece *it = stream->first;
    if (it == NULL) {
        return stream->has_ended ? cleat__fail(stream->status, "%s", stream->text)
                                 : cleat__fail(CLEAT_TIMEOUT, "no chunk came in time");
    }
    stream->first = it->next;
    if (stream->first == NULL) {
        stream->end = &stream->first;
    }
    stream->bytes -= it->size;
    stream->borrowed = it;
    *out = (cleat_slice){(const char *)(it + 1), it->size};
    return CLEAT_OK;
}

static cleat_status await_chunk(cleat_stream *stream, int64_t deadline_ns, cleat_slice *chunk)
{
    pthread_mutex_lock(&stream->mutex);
    while (stream->first == NULL && !stream->has_ended &&
           cleat__cond_wait_until(&stream->changed, &stream->mutex, deadline_ns)) {
    }
    cleat_status status = take(stream, chunk);
    bool asks = stream->was_refused && stream->bytes <= ROOM_MAX / 2;
    stream->was_refused = stream->was_refused && !asks;
    pthread_mutex_unlock(&stream->mutex);
    if (asks && stream->watch != NULL) {
        cleat__transport *transport = stream->client->transport;
        transport->look_on(transport, stream->watch);
    }
    return status;
}

/* The run has ended, and all of it was read. CLEAT_EMPTY: that was all. */
static cleat_status look_at_next(cleat_stream *stream, int64_t timeout_ms)
{
    cleat_status status =
        stream->is_last ? CLEAT_EMPTY : cleat__client_next_run(stream->client, timeout_ms, &stream->way);
    if (status == CLEAT_EMPTY || status == CLEAT_NOT_FOUND) {
        stream->is_last = true;
        return cleat__fail(CLEAT_EMPTY, "the run has ended");
    }
    if (status != CLEAT_OK) {
        return status;
    }
    unwatch(stream);
    stream->has_ended = stream->was_refused = false; /* nobody else has it now */
    status = watch(stream);
    if (status != CLEAT_OK) {
        on_end(stream, status, cleat_error_message());
    }
    return status;
}

cleat_status cleat_stream_next(cleat_stream *stream, int64_t timeout_ms, cleat_slice *chunk)
{
    if (stream == NULL || chunk == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s is NULL", stream == NULL ? "stream" : "chunk");
    }
    *chunk = (cleat_slice){NULL, 0};
    cleat__free(stream->borrowed);
    stream->borrowed = NULL;
    cleat__patience patience;
    cleat_status status, found;
    bool is_over = false;
    cleat__patience_begin(&patience, timeout_ms);
    do {
        status = await_chunk(stream, patience.deadline_ns, chunk);
        found = status == CLEAT_EMPTY ? look_at_next(stream, cleat__patience_left_ms(&patience)) : status;
        is_over = status == CLEAT_EMPTY && found == CLEAT_OK && cleat__patience_is_over(&patience);
    } while (status == CLEAT_EMPTY && found == CLEAT_OK && !is_over);
    return is_over ? cleat__fail(CLEAT_TIMEOUT, "no chunk came in time") : found;
}

void cleat_stream_free(cleat_stream *stream)
{
    if (stream != NULL) {
        unwatch(stream);
        destroy(stream);
    }
}
