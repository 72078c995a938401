#include "rpc_parts.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"

#include <grpc/byte_buffer.h>
#include <inttypes.h>
#include <stdio.h>

enum {
    MESSAGE_COST = 256, /* of a queued message besides its bytes, so that empty ones are bounded too */
    MOST_DETAILS = 4096,
    MOST_TEXT = 1024,
};

void cleat__rpc_start(cleat__rpc_operation *operation, const grpc_op *operations, size_t count)
{
    cleat__rpc_call *call = operation->call;
    call->pending++;
    grpc_call_error error = grpc_call_start_batch(call->call, operations, count,
                                                  cleat__completion_tag(&operation->completion), NULL);
    if (error != GRPC_CALL_OK) { /* a mistake of ours: there are no others */
        call->pending--;
        cleat__log(CLEAT_LOG_ERROR, "gRPC refuses an operation of a call: %s",
                   grpc_call_error_to_string(error));
    }
}

/* ---- The queue ---- */

static void free_outgoing(cleat__rpc_call *call, cleat__rpc_outgoing *outgoing)
{
    call->queued_size -= outgoing->size;
    cleat__rpc_account_take(call->server, outgoing->size);
    grpc_byte_buffer_destroy(outgoing->message);
    cleat__free(outgoing);
}

void cleat__rpc_drop_queue(cleat__rpc_call *call)
{
    while (call->first != NULL) {
        cleat__rpc_outgoing *outgoing = call->first;
        call->first = outgoing->next;
        free_outgoing(call, outgoing);
    }
    call->last = NULL;
}

/* The packed message, or the bytes. */
typedef struct rpc_payload {
    const ProtobufCMessage *message; /* NULL: bytes */
    cleat_slice bytes;
    size_t size;
} rpc_payload;

static rpc_payload payload_of(const ProtobufCMessage *message)
{
    return (rpc_payload){.message = message, .size = protobuf_c_message_get_packed_size(message)};
}

static rpc_payload payload_of_bytes(cleat_slice bytes)
{
    return (rpc_payload){.bytes = bytes, .size = bytes.size};
}

static cleat_status enqueue(cleat__rpc_call *call, const rpc_payload *payload)
{
    cleat__rpc_outgoing *outgoing = cleat__calloc(1, sizeof(*outgoing));
    if (outgoing == NULL) {
        return cleat__fail_memory();
    }
    grpc_slice slice = grpc_slice_malloc(payload->size);
    if (payload->message != NULL) {
        protobuf_c_message_pack(payload->message, GRPC_SLICE_START_PTR(slice));
    } else if (payload->size != 0) {
        memcpy(GRPC_SLICE_START_PTR(slice), payload->bytes.data, payload->size);
    }
    outgoing->message = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    outgoing->size = payload->size + MESSAGE_COST;
    call->queued_size += outgoing->size;
    cleat__rpc_account_add(call->server, outgoing->size);
    if (call->last != NULL) {
        call->last->next = outgoing;
    } else {
        call->first = outgoing;
    }
    call->last = outgoing;
    return CLEAT_OK;
}

static cleat__rpc_outgoing *dequeue(cleat__rpc_call *call)
{
    cleat__rpc_outgoing *outgoing = call->first;
    if (outgoing != NULL) {
        call->first = outgoing->next;
        call->last = call->first != NULL ? call->last : NULL;
        outgoing->next = NULL;
    }
    return outgoing;
}

/* ---- To gRPC ---- */

void cleat__rpc_set_status(cleat__rpc_call *call, grpc_status_code code, const char *text,
                           cleat_slice details)
{
    call->is_ending = true;
    call->code = code;
    size_t size = text != NULL ? strnlen(text, MOST_TEXT - 1) : 0;
    call->text = grpc_slice_from_copied_buffer(text, size);
    if (details.size != 0 && details.size <= MOST_DETAILS) {
        call->details.key = grpc_slice_from_static_string("grpc-status-details-bin");
        call->details.value = grpc_slice_from_copied_buffer(details.data, details.size);
    }
}

static size_t fill_trailer(cleat__rpc_call *call)
{
    size_t count = 0;
    if (GRPC_SLICE_LENGTH(call->details.value) != 0) {
        call->trailer[count++] = call->details;
    }
    if (call->mark != NULL) {
        call->trailer[count].key = grpc_slice_from_static_string(call->mark);
        call->trailer[count++].value = grpc_slice_from_static_string("1");
    }
    return count;
}

/* One batch at a time: the next message, with it the metadata before the first and the status behind the last. */
void cleat__rpc_push(cleat__rpc_call *call)
{
    if (call->call == NULL || call->is_closed || call->is_sending || call->is_status_sent) {
        return;
    }
    grpc_op operations[4] = {{0}};
    size_t count = 0;
    call->sent = dequeue(call);
    bool has_status = call->is_ending && call->first == NULL;
    if (call->sent == NULL && !has_status && (call->is_metadata_sent || !call->wants_metadata)) {
        return;
    }
    if (!call->is_metadata_sent) {
        call->is_metadata_sent = true;
        operations[count++].op = GRPC_OP_SEND_INITIAL_METADATA;
    }
    if (call->sent != NULL) {
        operations[count++] = (grpc_op){.op = GRPC_OP_SEND_MESSAGE,
                                        .flags = call->first != NULL ? GRPC_WRITE_BUFFER_HINT : 0,
                                        .data.send_message = {.send_message = call->sent->message}};
    }
    if (has_status) {
        size_t trailers = fill_trailer(call);
        call->is_status_sent = true;
        operations[count++] =
            (grpc_op){.op = GRPC_OP_SEND_STATUS_FROM_SERVER,
                      .data.send_status_from_server = {trailers, call->trailer, call->code, &call->text}};
    }
    if (has_status && call->closing.call == NULL) {
        operations[count++] = (grpc_op){.op = GRPC_OP_RECV_CLOSE_ON_SERVER,
                                        .data.recv_close_on_server = {.cancelled = &call->was_cancelled}};
    }
    call->is_sending = true;
    call->sent_ns = cleat__clock_monotonic_ns(NULL);
    cleat__rpc_start(&call->sending, operations, count);
}

void cleat__rpc_on_sent(cleat__completion *self, bool is_ok)
{
    cleat__rpc_call *call = ((cleat__rpc_operation *)self)->call;
    pthread_mutex_lock(&call->mutex);
    bool is_drained = call->sent != NULL && call->first == NULL && is_ok;
    if (call->sent != NULL) {
        call->taken_count += is_ok;
        free_outgoing(call, call->sent);
        call->sent = NULL;
    }
    call->is_sending = false;
    call->is_closed = call->is_closed || (call->is_status_sent && call->closing.call == NULL);
    if (!is_ok || call->is_closed) {
        cleat__rpc_drop_queue(call);
    }
    cleat__rpc_push(call);
    is_drained = is_drained && call->is_handlers && !call->is_ending && !call->is_closed;
    if (is_drained && call->method->drained != NULL) {
        pthread_mutex_unlock(&call->mutex);
        call->method->drained(call, call->service);
        pthread_mutex_lock(&call->mutex);
    }
    call->pending--; /* not before: the call is not over while it is looked at */
    cleat__rpc_settle(call);
}

void cleat__rpc_cut(cleat__rpc_call *call, grpc_status_code code, const char *text)
{
    cleat__rpc_drop_queue(call);
    if (!call->is_ending) {
        cleat__rpc_set_status(call, code, text, (cleat_slice){NULL, 0});
    }
    (void)grpc_call_cancel_with_status(call->call, code, text, NULL);
    cleat__rpc_push(call); /* goes nowhere, but ends the call also where nothing else is under way */
}

/* ---- For handlers ---- */

static cleat_status try_send(cleat__rpc_call *call, const rpc_payload *payload)
{
    if (call->call == NULL || call->is_closed || call->is_ending) {
        return cleat__fail(CLEAT_CANCELLED, "the call is over");
    }
    size_t limit = cleat__rpc_is_short(call) ? 0 : call->server->max_queued_size;
    if (call->queued_size != 0 && payload->size + MESSAGE_COST + call->queued_size > limit) {
        return cleat__fail(CLEAT_RESOURCE_EXHAUSTED,
                           "the peer does not read: %zu bytes wait for it on %s, and no more than %zu may",
                           call->queued_size, call->method->path, limit);
    }
    cleat_status status = enqueue(call, payload);
    if (status == CLEAT_OK) {
        cleat__rpc_push(call);
    }
    return status;
}

static cleat_status send_payload(cleat__rpc_call *call, rpc_payload payload)
{
    size_t limit = call->server->max_message_size;
    if (payload.size > limit) {
        return cleat__fail(CLEAT_TOO_LARGE, "a message of %zu bytes is larger than the limit of %zu",
                           payload.size, limit);
    }
    pthread_mutex_lock(&call->mutex);
    cleat_status status = try_send(call, &payload);
    cleat__rpc_settle(call);
    return status;
}

cleat_status cleat__rpc_send(cleat__rpc_call *call, const ProtobufCMessage *message)
{
    return send_payload(call, payload_of(message));
}

cleat_status cleat__rpc_send_bytes(cleat__rpc_call *call, cleat_slice message)
{
    return send_payload(call, payload_of_bytes(message));
}

void cleat__rpc_accept(cleat__rpc_call *call)
{
    pthread_mutex_lock(&call->mutex);
    call->wants_metadata = true;
    cleat__rpc_push(call);
    cleat__rpc_settle(call);
}

void cleat__rpc_mark(cleat__rpc_call *call, const char *key)
{
    pthread_mutex_lock(&call->mutex);
    call->mark = key;
    pthread_mutex_unlock(&call->mutex);
}

size_t cleat__rpc_largest(const cleat__rpc_call *call)
{
    return call->server->max_message_size;
}

uint64_t cleat__rpc_taken_count(cleat__rpc_call *call)
{
    pthread_mutex_lock(&call->mutex);
    uint64_t count = call->taken_count;
    pthread_mutex_unlock(&call->mutex);
    return count;
}

static void end_with_message(cleat__rpc_call *call, rpc_payload payload)
{
    const cleat_slice none = {NULL, 0};
    pthread_mutex_lock(&call->mutex);
    call->is_handlers = false;
    if (call->call != NULL && !call->is_closed && !call->is_ending) {
        bool is_admitted =
            !call->method->is_reading || cleat__rpc_admit(call->server, payload.size) == CLEAT_OK;
        if (!is_admitted || enqueue(call, &payload) != CLEAT_OK) {
            cleat__rpc_set_status(call, GRPC_STATUS_RESOURCE_EXHAUSTED, cleat_error_message(), none);
        } else {
            cleat__rpc_set_status(call, GRPC_STATUS_OK, NULL, none);
        }
        cleat__rpc_push(call);
    }
    cleat__rpc_settle(call);
    cleat__rpc_release(call);
}

void cleat__rpc_reply(cleat__rpc_call *call, const ProtobufCMessage *message)
{
    end_with_message(call, payload_of(message));
}

void cleat__rpc_reply_bytes(cleat__rpc_call *call, cleat_slice message)
{
    end_with_message(call, payload_of_bytes(message));
}

void cleat__rpc_finish(cleat__rpc_call *call, cleat_status status, const char *text, cleat_slice details)
{
    grpc_status_code code = (grpc_status_code)cleat_status_grpc_code(status);
    const char *said = text != NULL ? text : code == GRPC_STATUS_OK ? NULL : cleat_status_text(status);
    pthread_mutex_lock(&call->mutex);
    call->is_handlers = false;
    if (call->call != NULL && !call->is_closed && !call->is_ending) {
        cleat__rpc_set_status(call, code, said, details);
        cleat__rpc_push(call);
    }
    cleat__rpc_settle(call);
    cleat__rpc_release(call);
}

void cleat__rpc_fail(cleat__rpc_call *call, cleat_status status)
{
    cleat__rpc_finish(call, status, cleat_error_message(), (cleat_slice){NULL, 0});
}

void cleat__rpc_abort(cleat__rpc_call *call, cleat_status status, const char *text)
{
    pthread_mutex_lock(&call->mutex);
    call->is_handlers = false;
    if (call->call != NULL) {
        cleat__rpc_cut(call, (grpc_status_code)cleat_status_grpc_code(status),
                       text != NULL ? text : cleat_status_text(status));
    }
    cleat__rpc_settle(call);
    cleat__rpc_release(call);
}
