#include "transport/grpc_call.h"

#include "base/alloc.h"

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <stdio.h>

/* ---- gRPC's bytes ---- */

grpc_byte_buffer *cleat__grpc_message(cleat_slice bytes)
{
    grpc_slice slice = grpc_slice_from_copied_buffer(bytes.data, bytes.size);
    grpc_byte_buffer *message = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    return message;
}

void cleat__grpc_text(const grpc_slice *details, char text[CLEAT__CALL_TEXT])
{
    size_t size = GRPC_SLICE_LENGTH(*details);
    size = size < CLEAT__CALL_TEXT ? size : CLEAT__CALL_TEXT - 1;
    memcpy(text, GRPC_SLICE_START_PTR(*details), size);
    text[size] = '\0';
}

bool cleat__grpc_bytes(grpc_byte_buffer *message, cleat__buffer *out)
{
    grpc_byte_buffer_reader reader;
    if (message == NULL || grpc_byte_buffer_reader_init(&reader, message) == 0) {
        return false;
    }
    grpc_slice part;
    while (grpc_byte_buffer_reader_next(&reader, &part) != 0) {
        cleat__buffer_append(out, GRPC_SLICE_START_PTR(part), GRPC_SLICE_LENGTH(part));
        grpc_slice_unref(part);
    }
    grpc_byte_buffer_reader_destroy(&reader);
    return true;
}

bool cleat__grpc_code_is_passing(int code, const char *text)
{
    switch (code) {
    case GRPC_STATUS_UNAVAILABLE:
    case GRPC_STATUS_DEADLINE_EXCEEDED:
    case GRPC_STATUS_ABORTED: return true;
    case GRPC_STATUS_RESOURCE_EXHAUSTED: return !cleat__grpc_is_too_large(code, text);
    default: return false;
    }
}

bool cleat__grpc_is_too_large(int code, const char *text)
{
    return code == GRPC_STATUS_RESOURCE_EXHAUSTED && strstr(text, "larger than max") != NULL;
}

/* ---- A call ---- */

void cleat__call_text(const cleat__call *call, char text[CLEAT__CALL_TEXT])
{
    cleat__grpc_text(&call->details, text);
}

bool cleat__call_read(const cleat__call *call, cleat__buffer *out)
{
    return cleat__grpc_bytes(call->reply, out);
}

void cleat__call_detail(const cleat__call *call, cleat__buffer *out)
{
    for (size_t i = 0; i < call->trailer.count; i++) {
        const grpc_metadata *entry = &call->trailer.metadata[i];
        if (grpc_slice_str_cmp(entry->key, "grpc-status-details-bin") == 0) {
            cleat__buffer_append(out, GRPC_SLICE_START_PTR(entry->value), GRPC_SLICE_LENGTH(entry->value));
            return;
        }
    }
}

static void free_call(cleat__call *call)
{
    grpc_metadata_array_destroy(&call->head);
    grpc_metadata_array_destroy(&call->trailer);
    grpc_slice_unref(call->details);
    if (call->reply != NULL) {
        grpc_byte_buffer_destroy(call->reply);
    }
    grpc_call_unref(call->call); /* the metadata's bytes are in its memory */
    cleat__free(call);
}

static void completed(cleat__completion *self, bool is_ok)
{
    cleat__call *call = (cleat__call *)self;
    cleat__link *link = call->link;
    (void)is_ok; /* the code says it */
    pthread_mutex_lock(&link->mutex);
    *(call->previous != NULL ? &call->previous->next : &link->calls) = call->next;
    if (call->next != NULL) {
        call->next->previous = call->previous;
    }
    if (call->code != GRPC_STATUS_UNAVAILABLE && call->code != GRPC_STATUS_DEADLINE_EXCEEDED &&
        call->code != GRPC_STATUS_CANCELLED) {
        link->was_connected = true;
    }
    if (call->done != NULL) {
        call->done(call->owner, call);
    }
    free_call(call);
    pthread_cond_broadcast(&link->changed);
    pthread_mutex_unlock(&link->mutex);
}

static grpc_call_error start_batch(cleat__call *call, cleat_slice bytes)
{
    grpc_byte_buffer *message = cleat__grpc_message(bytes);
    const grpc_op operations[] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA,
         .data.send_initial_metadata = {.count = 1, .metadata = &call->link->authorization}},
        {.op = GRPC_OP_SEND_MESSAGE, .data.send_message = {.send_message = message}},
        {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT},
        {.op = GRPC_OP_RECV_INITIAL_METADATA,
         .data.recv_initial_metadata = {.recv_initial_metadata = &call->head}},
        {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message = {.recv_message = &call->reply}},
        {.op = GRPC_OP_RECV_STATUS_ON_CLIENT,
         .data.recv_status_on_client = {.trailing_metadata = &call->trailer,
                                        .status = &call->code,
                                        .status_details = &call->details}},
    };
    grpc_call_error error =
        grpc_call_start_batch(call->call, operations, sizeof(operations) / sizeof(operations[0]),
                              cleat__completion_tag(&call->completion), NULL);
    grpc_byte_buffer_destroy(message);
    return error;
}

cleat__call *cleat__call_start(cleat__link *link, const char *path, cleat_slice message, int64_t timeout_ms,
                               void (*done)(void *owner, cleat__call *call), void *owner)
{
    cleat__call *call = link->is_closing ? NULL : cleat__calloc(1, sizeof(*call));
    if (call == NULL) {
        return NULL;
    }
    call->completion.run = completed;
    call->link = link;
    call->path = path;
    call->done = done;
    call->owner = owner;
    call->details = grpc_empty_slice();
    grpc_metadata_array_init(&call->head);
    grpc_metadata_array_init(&call->trailer);
    call->call = grpc_channel_create_call(link->channel, NULL, 0, link->thread.queue,
                                          grpc_slice_from_static_string(path), NULL,
                                          cleat__grpc_deadline(cleat__deadline_ns(timeout_ms)), NULL);
    if (start_batch(call, message) != GRPC_CALL_OK) {
        free_call(call);
        return NULL;
    }
    call->next = link->calls;
    if (call->next != NULL) {
        call->next->previous = call;
    }
    link->calls = call;
    return call;
}

void cleat__call_abandon(cleat__call *call)
{
    if (call != NULL) {
        call->done = NULL;
        (void)grpc_call_cancel(call->call, NULL);
    }
}

void cleat__calls_cancel(cleat__link *link, const char *path)
{
    for (cleat__call *it = link->calls; it != NULL; it = it->next) {
        if (path == NULL || strcmp(it->path, path) == 0) {
            (void)grpc_call_cancel(it->call, NULL);
        }
    }
}
