#include "transport/grpc_stream.h"

#include "base/alloc.h"
#include "base/heap.h"

#include <grpc/byte_buffer.h>

struct cleat__rpc_stream {
    cleat__link *link;
    cleat__rpc_stream *next, *previous;
    grpc_call *call;
    cleat__completion opened, written, read, finished;
    unsigned pending; /* completions that will come */
    bool is_open;     /* for writing */
    bool is_writing;
    bool is_paused;  /* the next message is not to be read yet, */
    bool is_waiting; /* and would be otherwise: it counts among those that are pending */
    grpc_metadata_array head, trailer;
    grpc_byte_buffer *received;
    grpc_status_code code;
    grpc_slice details;
    const cleat__rpc_stream_handler *handler; /* NULL: it is abandoned */
    void *owner;
};

static bool start(cleat__rpc_stream *stream, const grpc_op *operations, size_t count,
                  cleat__completion *completion)
{
    bool is_started = grpc_call_start_batch(stream->call, operations, count,
                                            cleat__completion_tag(completion), NULL) == GRPC_CALL_OK;
    stream->pending += is_started;
    return is_started;
}

static void start_reading(cleat__rpc_stream *stream)
{
    const grpc_op operation = {.op = GRPC_OP_RECV_MESSAGE,
                               .data.recv_message = {.recv_message = &stream->received}};
    (void)start(stream, &operation, 1, &stream->read);
}

static void free_rpc_stream(cleat__rpc_stream *stream)
{
    grpc_metadata_array_destroy(&stream->head);
    grpc_metadata_array_destroy(&stream->trailer);
    grpc_slice_unref(stream->details);
    grpc_call_unref(stream->call);
    cleat__free(stream);
}

/* A completion has come; the last one is the end, behind all messages. Unlocks the mutex. */
static void settle(cleat__rpc_stream *stream)
{
    cleat__link *link = stream->link;
    if (--stream->pending == 0) {
        char text[CLEAT__CALL_TEXT];
        *(stream->previous != NULL ? &stream->previous->next : &link->streams) = stream->next;
        if (stream->next != NULL) {
            stream->next->previous = stream->previous;
        }
        cleat__grpc_text(&stream->details, text);
        if (stream->handler != NULL) {
            stream->handler->ended(stream->owner, (int)stream->code, text);
        }
        free_rpc_stream(stream);
        pthread_cond_broadcast(&link->changed);
    }
    pthread_mutex_unlock(&link->mutex);
}

static void opened(cleat__completion *self, bool is_ok)
{
    cleat__rpc_stream *stream = CLEAT__CONTAINER(self, cleat__rpc_stream, opened);
    (void)is_ok;
    pthread_mutex_lock(&stream->link->mutex);
    settle(stream);
}

static void finished(cleat__completion *self, bool is_ok)
{
    cleat__rpc_stream *stream = CLEAT__CONTAINER(self, cleat__rpc_stream, finished);
    (void)is_ok;
    pthread_mutex_lock(&stream->link->mutex);
    settle(stream);
}

static void written(cleat__completion *self, bool is_ok)
{
    cleat__rpc_stream *stream = CLEAT__CONTAINER(self, cleat__rpc_stream, written);
    pthread_mutex_lock(&stream->link->mutex);
    stream->is_writing = false;
    stream->is_open = stream->is_open && is_ok;
    if (stream->is_open && stream->handler != NULL) {
        stream->handler->writable(stream->owner);
    }
    settle(stream);
}

static void read_message(cleat__completion *self, bool is_ok)
{
    cleat__rpc_stream *stream = CLEAT__CONTAINER(self, cleat__rpc_stream, read);
    cleat__buffer bytes = {0};
    (void)is_ok;
    bool has_message = cleat__grpc_bytes(stream->received, &bytes);
    if (stream->received != NULL) {
        grpc_byte_buffer_destroy(stream->received);
        stream->received = NULL;
    }
    pthread_mutex_lock(&stream->link->mutex);
    if (has_message && stream->handler != NULL && !bytes.failed) {
        stream->handler->message(stream->owner, cleat__buffer_slice(&bytes));
    }
    if (bytes.failed) { /* a message is lost: the server must see that */
        (void)grpc_call_cancel(stream->call, NULL);
    }
    if (has_message && stream->is_paused) {
        stream->is_waiting = true;
        pthread_mutex_unlock(&stream->link->mutex);
        cleat__buffer_deinit(&bytes);
        return;
    }
    if (has_message) {
        start_reading(stream);
    }
    settle(stream);
    cleat__buffer_deinit(&bytes);
}

static bool start_all(cleat__rpc_stream *stream, cleat_slice request)
{
    grpc_metadata head[] = {stream->link->authorization,
                            {.key = grpc_slice_from_static_string("cleat-may-repeat"),
                             .value = grpc_slice_from_static_string("1")}};
    size_t head_count = stream->handler->may_repeat ? 2 : 1;
    grpc_byte_buffer *message = stream->is_open ? NULL : cleat__grpc_message(request);
    const grpc_op operations[] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA,
         .data.send_initial_metadata = {.count = head_count, .metadata = head}},
        {.op = GRPC_OP_RECV_INITIAL_METADATA,
         .data.recv_initial_metadata = {.recv_initial_metadata = &stream->head}},
        {.op = GRPC_OP_SEND_MESSAGE, .data.send_message = {.send_message = message}},
        {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT},
    };
    const grpc_op status = {.op = GRPC_OP_RECV_STATUS_ON_CLIENT,
                            .data.recv_status_on_client = {.trailing_metadata = &stream->trailer,
                                                           .status = &stream->code,
                                                           .status_details = &stream->details}};
    bool is_started = start(stream, operations, stream->is_open ? 2 : 4, &stream->opened);
    if (message != NULL) {
        grpc_byte_buffer_destroy(message);
    }
    if (is_started) {
        (void)start(stream, &status, 1, &stream->finished);
        start_reading(stream);
    }
    return is_started;
}

cleat__rpc_stream *cleat__rpc_stream_start(cleat__link *link, const char *path, cleat_slice request,
                                           const cleat__rpc_stream_handler *handler, void *owner)
{
    cleat__rpc_stream *stream = link->is_closing ? NULL : cleat__calloc(1, sizeof(*stream));
    if (stream == NULL) {
        return NULL;
    }
    stream->link = link;
    stream->handler = handler;
    stream->owner = owner;
    stream->is_open = request.data == NULL;
    stream->opened.run = opened;
    stream->written.run = written;
    stream->read.run = read_message;
    stream->finished.run = finished;
    stream->details = grpc_empty_slice();
    grpc_metadata_array_init(&stream->head);
    grpc_metadata_array_init(&stream->trailer);
    stream->call = grpc_channel_create_call(link->channel, NULL, 0, link->thread.queue,
                                            grpc_slice_from_static_string(path), NULL,
                                            cleat__grpc_deadline(INT64_MAX), NULL);
    if (!start_all(stream, request)) {
        free_rpc_stream(stream);
        return NULL;
    }
    stream->next = link->streams;
    if (stream->next != NULL) {
        stream->next->previous = stream;
    }
    link->streams = stream;
    return stream;
}

bool cleat__rpc_stream_is_writable(const cleat__rpc_stream *stream)
{
    return stream->is_open && !stream->is_writing;
}

void cleat__rpc_stream_write(cleat__rpc_stream *stream, cleat_slice message)
{
    grpc_byte_buffer *bytes = cleat__grpc_message(message);
    const grpc_op operation = {.op = GRPC_OP_SEND_MESSAGE, .data.send_message = {.send_message = bytes}};
    stream->is_writing = start(stream, &operation, 1, &stream->written);
    grpc_byte_buffer_destroy(bytes);
}

void cleat__rpc_stream_pause(cleat__rpc_stream *stream)
{
    stream->is_paused = true;
}

/* Of a call that was cancelled, too, whose end is then read. */
void cleat__rpc_stream_resume(cleat__rpc_stream *stream)
{
    stream->is_paused = false;
    if (stream->is_waiting) {
        stream->is_waiting = false;
        start_reading(stream);
        stream->pending--; /* that of the message before */
    }
}

void cleat__rpc_stream_abandon(cleat__rpc_stream *stream)
{
    if (stream != NULL) {
        stream->handler = NULL;
        cleat__rpc_stream_resume(stream);
        (void)grpc_call_cancel(stream->call, NULL);
    }
}

bool cleat__rpc_stream_has_trailer(const cleat__rpc_stream *stream, const char *key)
{
    for (size_t i = 0; i < stream->trailer.count; i++) {
        const grpc_metadata *it = &stream->trailer.metadata[i];
        if (grpc_slice_str_cmp(it->key, key) == 0 && grpc_slice_str_cmp(it->value, "1") == 0) {
            return true;
        }
    }
    return false;
}

void cleat__rpc_streams_cancel(cleat__link *link)
{
    for (cleat__rpc_stream *it = link->streams; it != NULL; it = it->next) {
        (void)grpc_call_cancel(it->call, NULL);
        cleat__rpc_stream_resume(it);
    }
}
