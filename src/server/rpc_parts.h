/*
 * What the files of the gRPC server share. rpc_server.c starts and stops it, rpc_accept.c takes calls in,
 * rpc_call.c is the way of one call, rpc_send.c what handlers send, rpc_message.c turns bytes into messages,
 * rpc_memory.c is the account of memory, rpc_places.c who has how many calls, rpc_audit.c ends the calls of those who
 * are not to be there any more, or do not do their part, rpc_trace.c makes spans of calls.
 *
 * Each completion thread has slots, requests to gRPC for the next call; a call that comes is served by the thread
 * whose slot it came to. What gRPC does for a call are operations: receive a message, send one (or the
 * status, or both), learn how the call ended. A call is over when the last one is done and the end
 * is known; then gRPC's part of it is dropped, whatever its handler still does.
 *
 * Locks: the server's mutex before a call's. Neither is held while a callback runs. Operations are started
 * under the call's mutex, so that they never start on one that is over: gRPC calls nobody
 * back, it only queues.
 *
 * References of a call: gRPC's part until it is over, the handler's until it ends the call, and
 * what is held. Of a server: its owner's, and one for each call.
 */
#ifndef CLEAT_SERVER_RPC_PARTS_H
#define CLEAT_SERVER_RPC_PARTS_H

#include "address.h"
#include "base/map.h"
#include "grpc/completion.h"
#include "rpc.h"

enum {
    CLEAT__RPC_SLOTS = 16, /* per thread: so many calls may come while it is at work */
};

/* A message on its way out. */
typedef struct cleat__rpc_outgoing {
    struct cleat__rpc_outgoing *next;
    grpc_byte_buffer *message;
    size_t size;
} cleat__rpc_outgoing;

typedef struct cleat__rpc_operation {
    cleat__completion completion; /* first: the tag */
    cleat__rpc_call *call;
} cleat__rpc_operation;

/* A method with its service. */
typedef struct cleat__rpc_route {
    const cleat__rpc_method *method;
    void *service;
} cleat__rpc_route;

struct cleat__rpc_call {
    atomic_uint references;
    cleat__rpc_server *server;
    const cleat__rpc_method *method; /* NULL: turned away */
    void *service;
    cleat__identity identity;
    int64_t deadline_ns, came_ns;
    _Atomic(void *) data;
    grpc_metadata_array metadata; /* what it points to is gone when the call is over */
    cleat_span span;              /* from before it is listed until it is over */

    /* Of the completion thread. */
    cleat__rpc_operation receiving, sending, closing;
    grpc_byte_buffer *received;
    ProtobufCMessage *request; /* while `handle` runs, unless it takes it */
    size_t request_size;       /* on the account for it, until the call is freed when it is taken */
    int was_cancelled;

    cleat__rpc_call *next, *previous; /* of the server; its mutex guards them */
    bool is_active;                   /* came while the server served, for a method it has; does not change */
    struct cleat__rpc_place *place;   /* of a unary call that was taken in; does not change */

    pthread_mutex_t mutex; /* guards what follows */
    grpc_call *call;       /* NULL: over */
    unsigned pending;      /* operations under way */
    bool is_handlers;      /* between the first callback and the end the handler gives it */
    bool was_handlers;
    bool is_closed; /* the end is known: nothing can be sent any more */
    bool is_ending; /* the status is set */
    bool is_status_sent;
    bool is_sending, is_metadata_sent, wants_metadata;
    bool is_receiving;
    cleat__rpc_outgoing *first, *last; /* not yet given to gRPC */
    cleat__rpc_outgoing *sent;         /* given, and not yet taken */
    int64_t sent_ns;                   /* when what is_sending was given */
    size_t queued_size;                /* of all these */
    uint64_t taken_count;              /* messages that gRPC has taken */
    grpc_status_code code;
    grpc_slice text;
    grpc_metadata details;
    const char *mark; /* a key of the trailer; NULL: none */
    grpc_metadata trailer[2];
};

typedef struct cleat__rpc_thread {
    cleat__completion_thread completion;
    struct cleat__rpc_slot *slots;
} cleat__rpc_thread;

struct cleat__rpc_server {
    atomic_uint references;
    char *address;
    int port;
    size_t max_message_size, max_queued_size, max_memory, max_unary_calls;
    atomic_size_t memory; /* what is on the account */
    cleat_status (*authenticate)(void *user_data, cleat_slice token, cleat__identity *out);
    void *authenticate_data;
    cleat_status (*authenticate_again)(void *user_data, const cleat__identity *identity);
    int64_t again_ms, request_ns, stall_ns;
    pthread_t audit_thread;
    cleat__identity anonymous;
    bool (*admit)(void *user_data, const cleat__identity *identity, const char *path);
    void *admit_data;
    cleat_tracer *tracer;
    cleat__rpc_route *routes; /* sorted by path */
    size_t route_count;
    grpc_server *server;
    cleat__rpc_thread *threads;
    unsigned thread_count;
    cleat__completion shutdown_done;

    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t changed, audit_wake;
    enum { CLEAT__RPC_SERVING, CLEAT__RPC_STOPPING, CLEAT__RPC_STOPPED } state;
    bool is_audited;   /* its thread is there */
    bool is_shut_down; /* gRPC says so */
    size_t slot_count; /* waiting for a call */
    cleat__rpc_call *calls;
    size_t active;      /* of these: what stopping waits for */
    size_t unary_count; /* of these: unary calls that were taken in */
    cleat__map places;  /* of these, by tenant */
};

/* rpc_accept.c */
/* A call that has come. */
typedef struct cleat__rpc_arrival {
    grpc_call *call;
    grpc_call_details details;
    grpc_metadata_array metadata;
    const cleat__rpc_method *method; /* that is asked for, also by who may not; NULL: there is none */
} cleat__rpc_arrival;
cleat_status cleat__rpc_slots_start(cleat__rpc_server *server, cleat__rpc_thread *thread);
/* The first value of a key; the absent slice when there is none. */
cleat_slice cleat__rpc_metadata_get(const grpc_metadata_array *metadata, const char *key);

/* rpc_memory.c */
/* Whether a request of that size is read; CLEAT_RESOURCE_EXHAUSTED: the account is full. What is small, as reports
 * and heartbeats are, is read a little longer than what is not. */
cleat_status cleat__rpc_admit(cleat__rpc_server *server, size_t size);
void cleat__rpc_account_add(cleat__rpc_server *server, size_t size);
void cleat__rpc_account_take(cleat__rpc_server *server, size_t size);

/* rpc_call.c */
/* Takes gRPC's call and the metadata; it is in the server's list when this returns. `route` NULL: to be turned
 * away. NULL: no memory. */
cleat__rpc_call *cleat__rpc_call_new(cleat__rpc_server *server, cleat__rpc_arrival *arrival,
                                     const cleat__rpc_route *route, const cleat__identity *identity);
/* Goes on with it. */
void cleat__rpc_call_begin(cleat__rpc_call *call);
/* Ends one on the server's own account; its handler, if any, is told. */
void cleat__rpc_call_turn_away(cleat__rpc_call *call, grpc_status_code code, const char *text);
/* The same with UNAVAILABLE, at once: what was sent and not taken is lost. */
void cleat__rpc_call_cut(cleat__rpc_call *call, const char *text);

/* rpc_trace.c */
/* The span of a call that has come, which nobody else knows yet. */
void cleat__rpc_trace_begin(cleat__rpc_call *call, const cleat__rpc_arrival *arrival);
void cleat__rpc_trace_end(cleat__rpc_call *call); /* when it is over */

/* rpc_send.c; the mutex is held. */
/* Starts whatever can be sent. */
void cleat__rpc_push(cleat__rpc_call *call);
void cleat__rpc_drop_queue(cleat__rpc_call *call);
void cleat__rpc_set_status(cleat__rpc_call *call, grpc_status_code code, const char *text,
                           cleat_slice details);
/* Cancels the call with a status, if it has none yet. */
void cleat__rpc_cut(cleat__rpc_call *call, grpc_status_code code, const char *text);
void cleat__rpc_on_sent(cleat__completion *self, bool is_ok); /* takes the mutex itself */
/* Starts operations of the call, whose completion is set. */
void cleat__rpc_start(cleat__rpc_operation *operation, const grpc_op *operations, size_t count);
/* Unlocks the mutex; when the call is over, drops gRPC's part of it and gRPC's reference. */
void cleat__rpc_settle(cleat__rpc_call *call);

/* rpc_places.c; the server's mutex is held. */
/* One for a unary call; NULL: its tenant may have no more. */
struct cleat__rpc_place *cleat__rpc_place_take(cleat__rpc_server *server, const cleat__identity *identity);
void cleat__rpc_place_give(cleat__rpc_server *server, struct cleat__rpc_place *place); /* NULL-safe */

/* rpc_audit.c */
/* While the server serves. */
cleat_status cleat__rpc_audit_start(cleat__rpc_server *server);
void cleat__rpc_audit_join(cleat__rpc_server *server); /* it does not serve any more; without the mutex */

/* rpc_server.c */
void cleat__rpc_server_release(cleat__rpc_server *server);

/* rpc_message.c */
/* The bytes of a message, unpacked; CLEAT_TOO_LARGE, CLEAT_INVALID_ARGUMENT, CLEAT_NO_MEMORY. */
typedef struct cleat__rpc_bytes {
    grpc_slice slice; /* has the bytes, or none */
    void *inflated;   /* has them, or NULL */
    cleat_slice bytes;
} cleat__rpc_bytes;
cleat_status cleat__rpc_bytes_read(cleat__rpc_bytes *out, grpc_byte_buffer *message, size_t max_size);
void cleat__rpc_bytes_deinit(cleat__rpc_bytes *bytes);

#endif
