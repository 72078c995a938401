/*
 * What the tests of the gRPC server share: a service whose handlers are of every kind, and calls of it
 * that wait in the test's hands.
 */
#ifndef CLEAT_TESTS_RPC_TEST_H
#define CLEAT_TESTS_RPC_TEST_H

#include "base/base_test.h"

#include "base/error.h"
#include "base/thread.h"
#include "server/rpc.h"
#include "support/gate.h"
#include "support/rpc_client.h"
#include "wire/message.h"

#include <grpc/status.h>
#include <opentelemetry/proto/common/v1/common.pb-c.h>

/* A message with two strings. */
typedef Opentelemetry__Proto__Common__V1__InstrumentationScope scope_message;
#define SCOPE_DESCRIPTOR (&opentelemetry__proto__common__v1__instrumentation_scope__descriptor)
#define SCOPE_INIT       OPENTELEMETRY__PROTO__COMMON__V1__INSTRUMENTATION_SCOPE__INIT

enum { MOST_PARKED = 128 };

typedef struct test_service {
    pthread_mutex_t mutex;
    cleat__rpc_call *parked[MOST_PARKED]; /* handed over to the test; the mutex guards them */
    bool keeps_cancelled;                 /* the test ends calls, also cancelled ones */
    gate parks, handled, half_closed, drained, cancelled, ended;
    int64_t deadline_ns; /* of the last call of Tell; the mutex guards these, too */
    char metadata[64];
} test_service;

static inline void park(test_service *self, cleat__rpc_call *call)
{
    pthread_mutex_lock(&self->mutex);
    int index = gate_count(&self->parks);
    assert_true(index < MOST_PARKED);
    self->parked[index] = call;
    gate_add(&self->parks);
    pthread_mutex_unlock(&self->mutex);
}

/* Waits for the call that is parked as number `index`, and takes it. */
static inline cleat__rpc_call *parked(test_service *self, int index)
{
    gate_wait(&self->parks, index + 1);
    pthread_mutex_lock(&self->mutex);
    cleat__rpc_call *call = self->parked[index];
    self->parked[index] = NULL;
    pthread_mutex_unlock(&self->mutex);
    return call;
}

/* ---- Handlers ---- */

static inline void echo(cleat__rpc_call *call, const ProtobufCMessage *request, void *service)
{
    (void)service;
    cleat__rpc_reply(call, request);
}

static inline void echo_bytes(cleat__rpc_call *call, cleat_slice request, void *service)
{
    (void)service;
    cleat__rpc_reply_bytes(call, request);
}

/* Answers with as many bytes as are asked for. */
static inline void echo_much(cleat__rpc_call *call, cleat_slice request, void *service)
{
    (void)service;
    char text[16] = "";
    memcpy(text, request.data, request.size < sizeof(text) ? request.size : sizeof(text) - 1);
    size_t size = strtoul(text, NULL, 10);
    char *much = calloc(1, size + 1);
    cleat__rpc_reply_bytes(call, (cleat_slice){much, size});
    free(much);
}

static inline void refuse(cleat__rpc_call *call, const ProtobufCMessage *request, void *service)
{
    const scope_message *scope = (const scope_message *)request;
    (void)service;
    cleat__rpc_finish(call, CLEAT_ALREADY_EXISTS, scope->name, cleat_slice_of(scope->version));
}

static inline void park_call(cleat__rpc_call *call, cleat_slice request, void *service)
{
    (void)request;
    park(service, call);
}

/* Keeps the request until the call has ended. */
static inline void keep(cleat__rpc_call *call, const ProtobufCMessage *request, void *service)
{
    (void)request;
    cleat__rpc_call_set_data(call, cleat__rpc_take_request(call));
    park(service, call);
}

/* The tenant's number, and what is known of the call. */
static inline void tell(cleat__rpc_call *call, cleat_slice request, void *service)
{
    test_service *self = service;
    char text[32];
    (void)request;
    pthread_mutex_lock(&self->mutex);
    self->deadline_ns = cleat__rpc_call_deadline_ns(call);
    cleat_slice value = cleat__rpc_call_metadata(call, "authorization");
    snprintf(self->metadata, sizeof(self->metadata), "%.*s", CLEAT_SLICE_ARGS(value));
    pthread_mutex_unlock(&self->mutex);
    snprintf(text, sizeof(text), "%d", (int)cleat__rpc_call_identity(call)->tenant);
    cleat__rpc_reply_bytes(call, cleat_slice_of(text));
}

static inline void open_chat(cleat__rpc_call *call, void *service)
{
    (void)call;
    (void)service;
}

/* "bye" ends the chat, "abort" at once. */
static inline void chat(cleat__rpc_call *call, cleat_slice message, void *service)
{
    test_service *self = service;
    gate_add(&self->handled);
    if (cleat_slice_equals(message, cleat_slice_of("bye"))) {
        cleat__rpc_finish(call, CLEAT_OK, NULL, (cleat_slice){NULL, 0});
    } else if (cleat_slice_equals(message, cleat_slice_of("abort"))) {
        cleat__rpc_abort(call, CLEAT_RESOURCE_EXHAUSTED, "enough");
    } else {
        (void)cleat__rpc_send_bytes(call, message);
    }
}

static inline void chat_scopes(cleat__rpc_call *call, const ProtobufCMessage *message, void *service)
{
    (void)service;
    assert_int_equal(cleat__rpc_send(call, message), CLEAT_OK);
}

static inline void on_half_closed(cleat__rpc_call *call, void *service)
{
    test_service *self = service;
    cleat__rpc_finish(call, CLEAT_OK, NULL, (cleat_slice){NULL, 0});
    gate_add(&self->half_closed);
}

static inline void on_drained(cleat__rpc_call *call, void *service)
{
    (void)call;
    gate_add(&((test_service *)service)->drained);
}

static inline void on_cancelled(cleat__rpc_call *call, void *service)
{
    test_service *self = service;
    if (!self->keeps_cancelled) {
        cleat__rpc_finish(call, CLEAT_CANCELLED, NULL, (cleat_slice){NULL, 0});
    }
    gate_add(&self->cancelled);
}

static inline void on_ended(cleat__rpc_call *call, void *service)
{
    (void)call;
    gate_add(&((test_service *)service)->ended);
}

static inline void on_kept_ended(cleat__rpc_call *call, void *service)
{
    cleat__message_free(cleat__rpc_call_data(call));
    gate_add(&((test_service *)service)->ended);
}

static const cleat__rpc_method test_methods[] = {
    {.path = "/test.Test/Echo", .request = SCOPE_DESCRIPTOR, .handle = echo, .ended = on_ended},
    {.path = "/test.Test/Bytes", .handle_bytes = echo_bytes, .ended = on_ended},
    {.path = "/test.Test/Much", .handle_bytes = echo_much, .ended = on_ended},
    {.path = "/test.Test/Refuse", .request = SCOPE_DESCRIPTOR, .handle = refuse, .ended = on_ended},
    {.path = "/test.Test/Park", .handle_bytes = park_call, .ended = on_ended},
    {.path = "/test.Test/Keep", .request = SCOPE_DESCRIPTOR, .handle = keep, .ended = on_kept_ended},
    {.path = "/test.Test/Look", .is_reading = true, .handle_bytes = park_call, .ended = on_ended},
    {.path = "/test.Test/Watched", .handle_bytes = park_call, .cancelled = on_cancelled, .ended = on_ended},
    {.path = "/test.Test/Tell", .handle_bytes = tell},
    {.path = "/test.Test/Listen",
     .kind = CLEAT__RPC_SERVER_STREAM,
     .handle_bytes = park_call,
     .drained = on_drained,
     .cancelled = on_cancelled,
     .ended = on_ended},
    {.path = "/test.Test/Chat",
     .kind = CLEAT__RPC_BIDI_STREAM,
     .open = open_chat,
     .handle_bytes = chat,
     .half_closed = on_half_closed,
     .drained = on_drained,
     .cancelled = on_cancelled,
     .ended = on_ended},
    {.path = "/test.Test/Scopes",
     .kind = CLEAT__RPC_BIDI_STREAM,
     .request = SCOPE_DESCRIPTOR,
     .open = open_chat,
     .handle = chat_scopes,
     .half_closed = on_half_closed,
     .cancelled = on_cancelled,
     .ended = on_ended},
};

/* ---- A server with a client ---- */

typedef struct test_server {
    test_service service;
    cleat__rpc_server *server;
    rpc_client *client;
} test_server;

static inline void service_init(test_service *self)
{
    memset(self, 0, sizeof(*self));
    pthread_mutex_init(&self->mutex, NULL);
    gate *gates[] = {&self->parks,   &self->handled,   &self->half_closed,
                     &self->drained, &self->cancelled, &self->ended};
    for (size_t i = 0; i < sizeof(gates) / sizeof(gates[0]); i++) {
        gate_init(gates[i]);
    }
}

static inline void service_deinit(test_service *self)
{
    gate *gates[] = {&self->parks,   &self->handled,   &self->half_closed,
                     &self->drained, &self->cancelled, &self->ended};
    for (size_t i = 0; i < sizeof(gates) / sizeof(gates[0]); i++) {
        gate_deinit(gates[i]);
    }
    pthread_mutex_destroy(&self->mutex);
}

static inline cleat_status server_try(test_server *self, cleat__rpc_options options)
{
    const cleat__rpc_service service = {test_methods, sizeof(test_methods) / sizeof(test_methods[0]),
                                        &self->service};
    options.address = options.address != NULL ? options.address : "127.0.0.1:0";
    options.services = &service;
    options.service_count = 1;
    return cleat__rpc_server_start(&options, &self->server);
}

static inline void server_start(test_server *self, cleat__rpc_options options)
{
    *self = (test_server){0};
    service_init(&self->service);
    if (server_try(self, options) != CLEAT_OK) {
        fail_msg("%s", cleat_error_message());
    }
    self->client = rpc_client_new(cleat__rpc_server_address(self->server), (rpc_client_options){0});
}

static inline void server_stop(test_server *self)
{
    if (self->client != NULL) {
        rpc_client_free(self->client);
    }
    cleat__rpc_server_stop(self->server, 300000);
    cleat__rpc_server_free(self->server);
    service_deinit(&self->service);
}

static inline int port_of(const test_server *server)
{
    const char *colon = strrchr(cleat__rpc_server_address(server->server), ':');
    assert_non_null(colon);
    return atoi(colon + 1);
}

/* ---- Looking at results ---- */

static inline void assert_error_has(const char *part)
{
    if (strstr(cleat_error_message(), part) == NULL) {
        fail_msg("\"%s\" does not hold \"%s\"", cleat_error_message(), part);
    }
}

/* How the call ended; frees the result. `part` NULL: there is no text. */
static inline void assert_ended(rpc_result result, int code, const char *part)
{
    if (result.code != code || (part != NULL ? strstr(result.text, part) == NULL : result.text[0] != '\0')) {
        fail_msg("the call ended with %d \"%s\" instead of %d \"%s\"", result.code, result.text, code,
                 part != NULL ? part : "");
    }
    rpc_result_deinit(&result);
}

/* It was answered with this message; frees the result. */
static inline void assert_answered(rpc_result result, cleat_slice message)
{
    if (result.code != GRPC_STATUS_OK) {
        fail_msg("the call ended with %d \"%s\"", result.code, result.text);
    }
    assert_true(result.has_message);
    assert_true(cleat_slice_equals(cleat__buffer_slice(&result.message), message));
    rpc_result_deinit(&result);
}

static inline cleat_slice pack_scope(const char *name, const char *version, uint8_t room[256])
{
    scope_message message = SCOPE_INIT;
    message.name = (char *)(uintptr_t)name;
    message.version = (char *)(uintptr_t)version;
    assert_true(protobuf_c_message_get_packed_size(&message.base) <= 256);
    return (cleat_slice){(const char *)room, protobuf_c_message_pack(&message.base, room)};
}

#define NO_OPTIONS ((rpc_call_options){0})

#endif
