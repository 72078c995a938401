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
    void *watch;     /* of the transport */
    piece *borrowed; /* what the reader was given last */

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
    const cleat__stream_sink sink = {stream, on_chunk, on_end, has_room};
    status = client->transport->watch(client->transport, &run_id, &sink, &stream->watch);
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

cleat_status cleat_stream_next(cleat_stream *stream, int64_t timeout_ms, cleat_slice *chunk)
{
    if (stream == NULL || chunk == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s is NULL", stream == NULL ? "stream" : "chunk");
    }
    *chunk = (cleat_slice){NULL, 0};
    cleat__free(stream->borrowed);
    stream->borrowed = NULL;
    int64_t deadline_ns = cleat__deadline_ns(timeout_ms);
    pthread_mutex_lock(&stream->mutex);
    while (stream->first == NULL && !stream->has_ended &&
           cleat__cond_wait_until(&stream->changed, &stream->mutex, deadline_ns)) {
    }
    cleat_status status = take(stream, chunk);
    bool asks = stream->was_refused && stream->bytes <= ROOM_MAX / 2;
    stream->was_refused = stream->was_refused && !asks;
    pthread_mutex_unlock(&stream->mutex);
    if (asks) {
        cleat__transport *transport = stream->client->transport;
        transport->look_on(transport, stream->watch);
    }
    return status;
}

void cleat_stream_free(cleat_stream *stream)
{
    if (stream != NULL) {
        stream->client->transport->unwatch(stream->client->transport, stream->watch);
        destroy(stream);
    }
}
