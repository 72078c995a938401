/*
 * A gRPC server: tables of methods with a handler each, on gRPC core's C API.
 *
 * A call belongs to its handler from `handle` (`open`, for a bidirectional stream) until the handler ends it
 * with cleat__rpc_reply(), cleat__rpc_finish() or cleat__rpc_abort(), from any thread and at any time: exactly
 * one of them, once, also when the peer has gone meanwhile. Whoever keeps a call in more than one
 * place counts that with cleat__rpc_hold() and cleat__rpc_release().
 *
 * Threads: a method's callbacks run on the completion threads and must not block, since other calls wait
 * behind them. Those of one call come one at a time and on one thread; one may be running, or just begin, while
 * another thread ends the call, so what it uses is freed in `ended`. They may use all functions below
 * but those of the server, which no completion thread may stop or free.
 *
 * Memory: what a handler sends waits in a queue of the call, bounded in bytes, until the transport takes it, and
 * the transport takes no more than the peer's window and some 64 KiB. The next message of a bidirectional
 * stream is read when the handler is done with the one before. Requests that handlers have, what is sent, and
 * what handlers charge are in one account of the server's: when that is full calls are refused with
 * RESOURCE_EXHAUSTED, those with large requests first.
 */
#ifndef CLEAT_SERVER_RPC_H
#define CLEAT_SERVER_RPC_H

#include "server/identity.h"

#include <cleat/trace.h>
#include <protobuf-c/protobuf-c.h>

typedef struct cleat__rpc_server cleat__rpc_server;
typedef struct cleat__rpc_call cleat__rpc_call;

typedef enum cleat__rpc_kind {
    CLEAT__RPC_UNARY,
    CLEAT__RPC_SERVER_STREAM,
    CLEAT__RPC_BIDI_STREAM, /* also for streams of the client alone */
} cleat__rpc_kind;

/* A row of a service's table. Callbacks may be NULL where nothing else is said. */
typedef struct cleat__rpc_method {
    const char *path; /* "/Dispatcher/Register" */
    cleat__rpc_kind kind;
    bool is_reading;   /* it changes nothing, so its answer is refused when there is no memory for it */
    bool accepts_late; /* a stream whose head goes out with the first message, or by cleat__rpc_accept() */
    const ProtobufCMessageDescriptor *request; /* NULL: `handle_bytes` takes the messages as they are */
    /* The request, or one message of a stream; it is borrowed. One of the two is there. */
    void (*handle)(cleat__rpc_call *call, const ProtobufCMessage *request, void *service);
    void (*handle_bytes)(cleat__rpc_call *call, cleat_slice request, void *service);
    /* Bidirectional streams, which need it: the call is the handler's from now on. */
    void (*open)(cleat__rpc_call *call, void *service);
    /* Bidirectional streams: the peer will send nothing more. Also just before `cancelled`, at times. */
    void (*half_closed)(cleat__rpc_call *call, void *service);
    /* All that was sent so far has been taken by the transport. */
    void (*drained)(cleat__rpc_call *call, void *service);
    /* The peer does not wait any more (it cancelled, its deadline passed, the connection is lost, the server
     * stops) and the handler has not ended the call: it still has to. At most once. Streams need it. */
    void (*cancelled)(cleat__rpc_call *call, void *service);
    /* The last that is heard of a call that the handler had: nobody has it and no callback runs any
     * more. The place to free its data; on any thread. */
    void (*ended)(cleat__rpc_call *call, void *service);
    bool is_untraced; /* no span is made of its calls */
} cleat__rpc_method;

typedef struct cleat__rpc_service {
    const cleat__rpc_method *methods; /* borrowed as long as the server and its calls live */
    size_t method_count;
    void *service; /* what the callbacks get */
} cleat__rpc_service;

typedef struct cleat__rpc_options {
    /* HOST:PORT, IPv6 in brackets; port 0: one that is free. */
    const char *address;
    /* PEM files; with an authority for clients, each needs a certificate of it. NULL: no TLS. */
    const char *certificate_file, *key_file, *client_authorities_file;
    /* Unpacked, of what is received and of what streams send; 0: 4 MiB. Answers may be larger: what they
     * answer is done, and the peer has a limit of its own. */
    size_t max_message_size;
    size_t max_queued_size; /* per call, of what is sent faster than taken; 0: 4 MiB */
    size_t max_memory;      /* the account; 0: 256 MiB */
    /* Unary calls that are being answered, of all clients; 0: 10,000. Beyond that they are
     * RESOURCE_EXHAUSTED at once, which clients try again. Where callers are asked who they are, the last
     * quarter is for tenants who have less than an eighth. */
    size_t max_unary_calls;
    /* A call whose request is not there so long after its head is ended, DEADLINE_EXCEEDED; 0: after 60 s. One whose
     * peer takes nothing of what is sent, UNAVAILABLE; 0: after 25 s, and for large messages as many seconds more
     * as they have parts of 64 KiB. */
    int64_t request_ms, stall_ms;
    /* A connection on which nothing comes for so long is asked whether it is there, and ended when there is
     * no answer in time. 0: 30 s, and 20 s. */
    int keepalive_ms, keepalive_timeout_ms;
    unsigned thread_count; /* 0: 2 */
    /*
     * Tells who calls by the token of `authorization: bearer TOKEN`, before the message is looked at;
     * on completion threads, several at once. The peer gets the sentence of CLEAT_UNAUTHENTICATED and of
     * retryable failures; others are INTERNAL and strangers learn nothing of them. NULL: nobody is asked,
     * everybody is `anonymous`.
     */
    cleat_status (*authenticate)(void *user_data, cleat_slice token, cleat__identity *out);
    void *authenticate_data;
    /*
     * Whether who was let in is still to be, asked every few seconds for each stream on a thread of its own:
     * CLEAT_UNAUTHENTICATED ends the stream with its sentence. NULL: nobody is asked.
     */
    cleat_status (*authenticate_again)(void *user_data, const cleat__identity *identity);
    int64_t again_ms; /* how often, and how often calls are looked at; 0: every 5 s */
    cleat__identity anonymous;
    /* Whether somebody who is known may make one more call, by the method's path; if not, it is
     * RESOURCE_EXHAUSTED. On completion threads; must not block. NULL: everybody may. */
    bool (*admit)(void *user_data, const cleat__identity *identity, const char *path);
    void *admit_data;
    const cleat__rpc_service *services; /* the array is copied */
    size_t service_count;
    cleat_tracer *tracer; /* of the spans of calls; NULL: none. Used until the server is freed */
} cleat__rpc_options;

/*
 * Listens and serves; handlers may run before this returns. CLEAT_BUSY: the address is in use.
 * CLEAT_INVALID_ARGUMENT: the address, a file or the table is wrong, and which. CLEAT_UNAVAILABLE: gRPC was
 * used before a fork().
 */
cleat_status cleat__rpc_server_start(const cleat__rpc_options *options, cleat__rpc_server **out);
/* "127.0.0.1:7077", the host as it was given; as long as the server. */
const char *cleat__rpc_server_address(const cleat__rpc_server *server);
/*
 * Answers new calls and ends streams with UNAVAILABLE, waits up to `timeout_ms` for the other calls and
 * for streams to take what was sent, then ends what is left and listens no more. When it returns, no
 * callback but `ended` runs any more. A connection that is stuck in a write may hold it up for ten
 * seconds more. Idempotent; any thread but the server's own.
 */
void cleat__rpc_server_stop(cleat__rpc_server *server, int64_t timeout_ms);
/* Stops it without waiting, if need be. Handlers may still end their calls. NULL-safe. */
void cleat__rpc_server_free(cleat__rpc_server *server);

/* ---- A call ---- */

const cleat__identity *cleat__rpc_call_identity(const cleat__rpc_call *call);
/* Of the monotonic clock; INT64_MAX: none. */
int64_t cleat__rpc_call_deadline_ns(const cleat__rpc_call *call);
/* The first value of a key (lower case); the absent slice when there is none. Valid during the callback. */
cleat_slice cleat__rpc_call_metadata(const cleat__rpc_call *call, const char *key);
/* The other end of its connection, for cleat__free(): calls over one connection have the same. NULL: it is not known. */
char *cleat__rpc_call_peer(cleat__rpc_call *call);
/* A pointer of the handler's, NULL at first. */
void cleat__rpc_call_set_data(cleat__rpc_call *call, void *data);
void *cleat__rpc_call_data(const cleat__rpc_call *call);

cleat__rpc_call *cleat__rpc_hold(cleat__rpc_call *call);
void cleat__rpc_release(cleat__rpc_call *call);

/* Puts what a handler keeps for the call on the account, and takes it off: both before `ended` returns. */
void cleat__rpc_charge(cleat__rpc_call *call, size_t size);
void cleat__rpc_discharge(cleat__rpc_call *call, size_t size);
/* Whether more than half of it is used: what may grow without end must not grow further. */
bool cleat__rpc_is_short(const cleat__rpc_call *call);

/* In `handle`, at most once: the request is the caller's from now on, to be freed with cleat__message_free(). */
void *cleat__rpc_take_request(cleat__rpc_call *call);
/* The same of a bidirectional stream, where more follow: `*size` of it stays on the account until the taker
 * discharges it, before `ended` returns. */
void *cleat__rpc_take_message(cleat__rpc_call *call, size_t *size);

/* Ends a call with OK and a message. The call must not be touched any more, unless it is held. */
void cleat__rpc_reply(cleat__rpc_call *call, const ProtobufCMessage *message);
void cleat__rpc_reply_bytes(cleat__rpc_call *call, cleat_slice message);
/*
 * Ends it with a status, after what was sent. `text` NULL: the status's own; cut at 1,023 bytes. `details`
 * go into the trailer grpc-status-details-bin; the absent slice, and more than 4 KiB: none (peers refuse
 * trailers of 8 KiB, and the status with them).
 */
void cleat__rpc_finish(cleat__rpc_call *call, cleat_status status, const char *text, cleat_slice details);
/* The same with the sentence of the last failure on this thread. */
void cleat__rpc_fail(cleat__rpc_call *call, cleat_status status);
/* Ends it at once: what was sent and not taken is lost. For peers that do not read. */
void cleat__rpc_abort(cleat__rpc_call *call, cleat_status status, const char *text);

/* Sends the head of a stream that accepts late, by which the peer knows that all is set up. From any thread
 * while the handler has the call or holds it. */
void cleat__rpc_accept(cleat__rpc_call *call);
/*
 * Sends a message on a stream; while the handler has the call or holds it, from any thread.
 * CLEAT_RESOURCE_EXHAUSTED: the peer takes nothing and the queue is full; nothing was queued.
 * CLEAT_CANCELLED: the call is over. CLEAT_TOO_LARGE: no message may be as large.
 */
cleat_status cleat__rpc_send(cleat__rpc_call *call, const ProtobufCMessage *message);
cleat_status cleat__rpc_send_bytes(cleat__rpc_call *call, cleat_slice message);
/* The largest message that may be sent. */
size_t cleat__rpc_largest(const cleat__rpc_call *call);
/* The trailer has `key`, a literal, with the value 1: for what a status cannot say. Before the call is ended,
 * while the handler has it or holds it. */
void cleat__rpc_mark(cleat__rpc_call *call, const char *key);
/* How many of the messages sent, in their order, the transport has taken. */
uint64_t cleat__rpc_taken_count(cleat__rpc_call *call);

#endif
