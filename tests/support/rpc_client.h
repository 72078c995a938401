/*
 * A bare gRPC client for tests of servers. It reads nothing unless it is told to, so a test can be a
 * peer that is slow or stuck. Whatever waits fails the test after 30 s.
 */
#ifndef CLEAT_TESTS_RPC_CLIENT_H
#define CLEAT_TESTS_RPC_CLIENT_H

#include "base/buffer.h"
#include "grpc/credentials.h"

typedef struct rpc_client rpc_client;
typedef struct rpc_stream rpc_stream; /* a call of any kind */

typedef struct rpc_client_options {
    const cleat__pem *pem; /* NULL: no TLS */
    bool is_gzip;
    const char *server_name; /* of its certificate; NULL: that of the address */
} rpc_client_options;

rpc_client *rpc_client_new(const char *address, rpc_client_options options);
void rpc_client_free(rpc_client *client);

typedef struct rpc_call_options {
    const char *authorization; /* NULL: none, each */
    const char *traceparent;
    int64_t timeout_ms; /* 0: none */
} rpc_call_options;

/* How a call ended. Texts are the result's. */
typedef struct rpc_result {
    int code;
    char text[1024];
    cleat__buffer details; /* grpc-status-details-bin */
    bool is_too_slow;      /* the trailer has "cleat-too-slow: 1" */
    cleat__buffer message; /* of a unary call */
    bool has_message;
} rpc_result;
void rpc_result_deinit(rpc_result *result);

/* Connects and sends the request's head. */
rpc_stream *rpc_open(rpc_client *client, const char *path, rpc_call_options options);
/* False: the call is over. */
bool rpc_write(rpc_stream *stream, cleat_slice message);
void rpc_half_close(rpc_stream *stream);
/* Waits for the server's head. */
void rpc_accepted(rpc_stream *stream);
/* The next message; false: there is none any more. */
bool rpc_read(rpc_stream *stream, cleat__buffer *out);
void rpc_cancel(rpc_stream *stream);
/* Waits for the end, reading nothing, and frees the stream. */
rpc_result rpc_end(rpc_stream *stream);

/* A unary call, or the beginning of one. */
rpc_stream *rpc_begin(rpc_client *client, const char *path, cleat_slice request, rpc_call_options options);
rpc_result rpc_call(rpc_client *client, const char *path, cleat_slice request, rpc_call_options options);

#endif
