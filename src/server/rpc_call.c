#include "rpc_parts.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "wire/message.h"

#include <grpc/support/alloc.h>
#include <grpc/support/time.h>
#include <stdio.h>
#include <stdlib.h>

static void on_received(cleat__completion *self, bool is_ok);

/* ---- Its life ---- */

static int64_t deadline_of(gpr_timespec deadline)
{
    enum { LONGEST_S = 1000000000 };
    gpr_timespec now = gpr_now(GPR_CLOCK_MONOTONIC);
    gpr_timespec left = gpr_time_sub(gpr_convert_clock_type(deadline, GPR_CLOCK_MONOTONIC), now);
    if (left.tv_sec > LONGEST_S) {
        return INT64_MAX;
    }
    return cleat__clock_monotonic_ns(NULL) + left.tv_sec * CLEAT__NS_PER_S + left.tv_nsec;
}

static void enlist(cleat__rpc_call *call)
{
    cleat__rpc_server *server = call->server;
    pthread_mutex_lock(&server->mutex);
    call->is_active = call->method != NULL && server->state == CLEAT__RPC_SERVING;
    server->active += call->is_active;
    if (call->is_active && call->method->kind == CLEAT__RPC_UNARY) {
        call->place = cleat__rpc_place_take(server, &call->identity);
    }
    call->next = server->calls;
    if (call->next != NULL) {
        call->next->previous = call;
    }
    server->calls = call;
    pthread_mutex_unlock(&server->mutex);
}

static void delist(cleat__rpc_call *call)
{
    cleat__rpc_server *server = call->server;
    pthread_mutex_lock(&server->mutex);
    if (call->next != NULL) {
        call->next->previous = call->previous;
    }
    if (call->previous != NULL) {
        call->previous->next = call->next;
    } else {
        server->calls = call->next;
    }
    server->active -= call->is_active;
    cleat__rpc_place_give(server, call->place);
    if (server->calls == NULL || (call->is_active && server->active == 0)) {
        pthread_cond_broadcast(&server->changed);
    }
    pthread_mutex_unlock(&server->mutex);
}

cleat__rpc_call *cleat__rpc_call_new(cleat__rpc_server *server, cleat__rpc_arrival *arrival,
                                     const cleat__rpc_route *route, const cleat__identity *identity)
{
    cleat__rpc_call *call = cleat__calloc(1, sizeof(*call));
    if (call == NULL) {
        return NULL;
    }
    pthread_mutex_init(&call->mutex, NULL);
    call->references = 1; /* gRPC's */
    call->server = server;
    call->identity = *identity;
    atomic_fetch_add_explicit(&server->references, 1, memory_order_relaxed);
    if (route != NULL) {
        call->method = route->method;
        call->service = route->service;
    }
    call->receiving = (cleat__rpc_operation){{on_received}, call};
    call->sending = (cleat__rpc_operation){{cleat__rpc_on_sent}, call};
    call->call = arrival->call;
    call->metadata = arrival->metadata;
    call->deadline_ns = deadline_of(arrival->details.deadline);
    call->came_ns = cleat__clock_monotonic_ns(NULL);
    call->text = call->details.value = grpc_empty_slice();
    cleat__rpc_trace_begin(call, arrival);
    arrival->call = NULL;
    grpc_metadata_array_init(&arrival->metadata);
    enlist(call);
    return call;
}

cleat__rpc_call *cleat__rpc_hold(cleat__rpc_call *call)
{
    atomic_fetch_add_explicit(&call->references, 1, memory_order_relaxed);
    return call;
}

void cleat__rpc_release(cleat__rpc_call *call)
{
    if (atomic_fetch_sub_explicit(&call->references, 1, memory_order_acq_rel) != 1) {
        return;
    }
    if (call->was_handlers && call->method->ended != NULL) {
        call->method->ended(call, call->service);
    }
    cleat__rpc_account_take(call->server, call->request_size);
    cleat__rpc_server_release(call->server);
    pthread_mutex_destroy(&call->mutex);
    cleat__free(call);
}

/* Only completions make a call be over, so it is not during a callback. */
void cleat__rpc_settle(cleat__rpc_call *call)
{
    grpc_call *over = NULL;
    if (call->call != NULL && call->pending == 0 && call->is_closed) {
        over = call->call;
        call->call = NULL;
        cleat__rpc_drop_queue(call);
        grpc_slice_unref(call->text);
        grpc_slice_unref(call->details.value);
        grpc_metadata_array_destroy(&call->metadata);
        grpc_metadata_array_init(&call->metadata);
    }
    pthread_mutex_unlock(&call->mutex);
    if (over != NULL) {
        cleat__rpc_trace_end(call);
        grpc_call_unref(over);
        delist(call);
        cleat__rpc_release(call);
    }
}

/* ---- Ends that the server gives it ---- */

void cleat__rpc_call_turn_away(cleat__rpc_call *call, grpc_status_code code, const char *text)
{
    pthread_mutex_lock(&call->mutex);
    if (call->call != NULL && !call->is_ending) {
        cleat__rpc_set_status(call, code, text, (cleat_slice){NULL, 0});
        cleat__rpc_push(call);
    }
    cleat__rpc_settle(call);
}

void cleat__rpc_call_cut(cleat__rpc_call *call, const char *text)
{
    pthread_mutex_lock(&call->mutex);
    if (call->call != NULL) {
        cleat__rpc_cut(call, GRPC_STATUS_UNAVAILABLE, text);
    }
    cleat__rpc_settle(call);
}

/* ---- How it ends ---- */

static void on_closed(cleat__completion *self, bool is_ok)
{
    cleat__rpc_call *call = ((cleat__rpc_operation *)self)->call;
    (void)is_ok;
    pthread_mutex_lock(&call->mutex);
    call->is_closed = true;
    bool is_told = call->is_handlers && call->method->cancelled != NULL;
    pthread_mutex_unlock(&call->mutex);
    if (is_told) {
        call->method->cancelled(call, call->service);
    }
    pthread_mutex_lock(&call->mutex);
    call->pending--; /* not before: the call is not over while it is looked at */
    cleat__rpc_settle(call);
}

/* ---- What it gets ---- */

static void receive(cleat__rpc_call *call);

/* `request` stays NULL where the bytes are what is handed over. */
static cleat_status read_message(cleat__rpc_call *call, grpc_byte_buffer *message, cleat__rpc_bytes *bytes,
                                 ProtobufCMessage **request)
{
    cleat_status status = cleat__rpc_bytes_read(bytes, message, call->server->max_message_size);
    if (status == CLEAT_OK) {
        status = cleat__rpc_admit(call->server, bytes->bytes.size);
    }
    if (status == CLEAT_OK && call->method->request != NULL) {
        *request =
            cleat__message_unpack_sized(call->method->request, bytes->bytes, &call->request_size, &status);
        cleat__rpc_account_add(call->server, call->request_size);
    }
    return status;
}

static void drop_request(cleat__rpc_call *call, ProtobufCMessage *request)
{
    if (request != NULL) {
        cleat__message_free(request);
        cleat__rpc_account_take(call->server, call->request_size);
        call->request_size = 0;
    }
}

/* Hands over a message; false: it cannot be read, and the call ends. */
static bool deliver(cleat__rpc_call *call, grpc_byte_buffer *message)
{
    const cleat__rpc_method *method = call->method;
    cleat__rpc_bytes bytes;
    ProtobufCMessage *request = NULL;
    cleat_status status = read_message(call, message, &bytes, &request);
    bool is_handed = false;
    if (status == CLEAT_OK) {
        pthread_mutex_lock(&call->mutex);
        if (!call->was_handlers) {
            call->was_handlers = call->is_handlers = !call->is_closed && !call->is_ending;
            atomic_fetch_add_explicit(&call->references, call->is_handlers, memory_order_relaxed);
        }
        is_handed = call->is_handlers && !call->is_closed && !call->is_ending;
        pthread_mutex_unlock(&call->mutex);
    }
    if (is_handed && request != NULL) {
        call->request = request;
        method->handle(call, request, call->service);
        request = call->request;
        call->request = NULL;
    } else if (is_handed) {
        method->handle_bytes(call, bytes.bytes, call->service);
    }
    drop_request(call, request);
    cleat__rpc_bytes_deinit(&bytes);
    if (status != CLEAT_OK) {
        char text[256];
        snprintf(text, sizeof(text), "%s: %s", method->path, cleat_error_message());
        cleat__rpc_call_turn_away(call,
                                  status == CLEAT_TOO_LARGE
                                      ? GRPC_STATUS_RESOURCE_EXHAUSTED
                                      : (grpc_status_code)cleat_status_grpc_code(status),
                                  text);
    }
    return status == CLEAT_OK;
}

/* The peer sends nothing more, or nothing at all. */
static void deliver_end(cleat__rpc_call *call)
{
    const cleat__rpc_method *method = call->method;
    if (method->kind != CLEAT__RPC_BIDI_STREAM) {
        char text[256];
        snprintf(text, sizeof(text), "%s: there is no request message", method->path);
        cleat__rpc_call_turn_away(call, GRPC_STATUS_INVALID_ARGUMENT, text);
        return;
    }
    pthread_mutex_lock(&call->mutex);
    bool is_told = call->is_handlers && !call->is_closed && !call->is_ending && method->half_closed != NULL;
    pthread_mutex_unlock(&call->mutex);
    if (is_told) {
        method->half_closed(call, call->service);
    }
}

static void on_received(cleat__completion *self, bool is_ok)
{
    cleat__rpc_call *call = ((cleat__rpc_operation *)self)->call;
    grpc_byte_buffer *message = call->received;
    call->received = NULL;
    pthread_mutex_lock(&call->mutex);
    call->is_receiving = false;
    pthread_mutex_unlock(&call->mutex);
    bool goes_on = false;
    if (is_ok && message != NULL) {
        goes_on = deliver(call, message) && call->method->kind == CLEAT__RPC_BIDI_STREAM;
    } else {
        deliver_end(call);
    }
    if (message != NULL) {
        grpc_byte_buffer_destroy(message);
    }
    pthread_mutex_lock(&call->mutex);
    if (goes_on && call->is_handlers) {
        receive(call);
    }
    call->pending--; /* not before: the call is not over while it is looked at */
    cleat__rpc_settle(call);
}

/* The mutex is held. */
static void receive(cleat__rpc_call *call)
{
    if (call->is_closed || call->is_ending || call->is_receiving) {
        return;
    }
    const grpc_op operation = {.op = GRPC_OP_RECV_MESSAGE,
                               .data.recv_message = {.recv_message = &call->received}};
    call->is_receiving = true;
    cleat__rpc_start(&call->receiving, &operation, 1);
}

/* ---- Its beginning ---- */

void cleat__rpc_call_begin(cleat__rpc_call *call)
{
    const cleat__rpc_method *method = call->method;
    const grpc_op close = {.op = GRPC_OP_RECV_CLOSE_ON_SERVER,
                           .data.recv_close_on_server = {.cancelled = &call->was_cancelled}};
    bool is_bidi = method->kind == CLEAT__RPC_BIDI_STREAM;
    pthread_mutex_lock(&call->mutex);
    if (call->is_ending) { /* the server has been stopped since */
        pthread_mutex_unlock(&call->mutex);
        return;
    }
    if (method->kind != CLEAT__RPC_UNARY || method->cancelled != NULL) {
        call->closing = (cleat__rpc_operation){{on_closed}, call};
        cleat__rpc_start(&call->closing, &close, 1);
    }
    call->wants_metadata = method->kind != CLEAT__RPC_UNARY && !method->accepts_late;
    cleat__rpc_push(call);
    if (is_bidi) {
        call->was_handlers = call->is_handlers = true;
        atomic_fetch_add_explicit(&call->references, 1, memory_order_relaxed);
    } else {
        receive(call);
    }
    pthread_mutex_unlock(&call->mutex);
    if (is_bidi) {
        method->open(call, call->service);
        pthread_mutex_lock(&call->mutex);
        if (call->is_handlers) {
            receive(call);
        }
        pthread_mutex_unlock(&call->mutex);
    }
}

void *cleat__rpc_take_request(cleat__rpc_call *call)
{
    ProtobufCMessage *request = call->request;
    call->request = NULL;
    return request;
}

void *cleat__rpc_take_message(cleat__rpc_call *call, size_t *size)
{
    *size = call->request_size;
    call->request_size = 0;
    return cleat__rpc_take_request(call);
}

/* ---- What is known of it ---- */

const cleat__identity *cleat__rpc_call_identity(const cleat__rpc_call *call)
{
    return &call->identity;
}

int64_t cleat__rpc_call_deadline_ns(const cleat__rpc_call *call)
{
    return call->deadline_ns;
}

cleat_slice cleat__rpc_call_metadata(const cleat__rpc_call *call, const char *key)
{
    return cleat__rpc_metadata_get(&call->metadata, key);
}

char *cleat__rpc_call_peer(cleat__rpc_call *call)
{
    pthread_mutex_lock(&call->mutex);
    char *peer = call->call != NULL ? grpc_call_get_peer(call->call) : NULL;
    pthread_mutex_unlock(&call->mutex);
    char *copy = peer != NULL ? cleat__slice_dup(cleat_slice_of(peer)) : NULL;
    gpr_free(peer);
    return copy;
}

void cleat__rpc_call_set_data(cleat__rpc_call *call, void *data)
{
    atomic_store_explicit(&call->data, data, memory_order_release);
}

void *cleat__rpc_call_data(const cleat__rpc_call *call)
{
    return atomic_load_explicit(&call->data, memory_order_acquire);
}
