/*
 * A stream on which a worker hears how what its durable runs wait for has ended: what the forms of that have in common.
 * It is a listener of the engine's. What comes faster than the worker reads waits (unread.h); then it loses
 * the stream. It ends behind the answers when the worker asks nothing more.
 *
 * Each request that the engine has holds the call, so `ended` comes behind the last answer. Then the engine gives the
 * listener up (DURABLE_DETACH), and the stream is freed.
 */
#ifndef CLEAT_SERVER_SERVICE_DURABLE_H
#define CLEAT_SERVER_SERVICE_DURABLE_H

#include "service.h"
#include "unread.h"

typedef struct cleat__durable_stream cleat__durable_stream;
struct cleat__durable_stream {
    cleat__command command; /* first: the last one */
    cleat__command more;    /* while the call is held: DURABLE_GO_ON */
    cleat__durable_listener listener;
    cleat__services *services;
    cleat__rpc_call *call;
    size_t largest;                              /* message that may be sent */
    void (*deinit)(cleat__durable_stream *self); /* NULL: there is nothing more to free */
    pthread_mutex_t mutex;                       /* guards what follows */
    cleat__unread_list unread;
    size_t pending;     /* requests that are not answered */
    bool was_refused;   /* there was no room for something */
    bool asks_for_more; /* `more` is under way */
    bool is_half_closed;
    bool is_over;                         /* the call has been ended */
    struct cleat__durable_asking *parked; /* are asked again when the engine tells more */
    cleat__uuid awaited; /* the run that the worker has said last that it waits for; of the handler */
};

/* In `open`. `size`: of a struct that begins with a stream; the rest is zero. NULL on no memory, and then the call
 * has been ended. `listener.self` is the stream. */
void *cleat__durable_stream_new(cleat__rpc_call *call, void *service, size_t size);
/* The first who asks ends the call; what has not been sent is lost. */
void cleat__durable_stream_end(cleat__durable_stream *self, cleat_status status, const char *text);
/* Takes a message; NULL: there was no memory for it. */
void cleat__durable_stream_put(cleat__durable_stream *self, cleat__unread *it);
/* Packs a message and frees it. NULL on no memory. */
cleat__unread *cleat__durable_pack(void *message);

/* A request, as a command. */
typedef struct cleat__durable_asking {
    cleat__command command; /* first */
    cleat__durable_stream *stream;
    void *message; /* owned */
    size_t charged;
    struct cleat__durable_asking *next; /* of those that are parked */
} cleat__durable_asking;
/* Takes the message of the call, in its handler. `size`: of a struct that begins with an asking; the rest is zero.
 * NULL on no memory, and then the stream has been ended. */
void *cleat__durable_asking_new(cleat__durable_stream *stream, size_t size);
void cleat__durable_asking_submit(cleat__durable_asking *it, cleat__command_kind kind,
                                  void (*done)(cleat__command *command));
/* From `done`: it is asked another time. */
void cleat__durable_asking_repeat(cleat__durable_asking *it);
/* From `done`: so when the engine has been asked to tell more. If the stream ends first, `done` is called with
 * CLEAT_CANCELLED. */
void cleat__durable_asking_park(cleat__durable_asking *it);
/* It has its answer. The stream may be gone when this returns. */
void cleat__durable_asking_free(cleat__durable_asking *it);

/* For the tables of methods. */
void cleat__durable_on_half_closed(cleat__rpc_call *call, void *service);
void cleat__durable_on_drained(cleat__rpc_call *call, void *service);
void cleat__durable_on_cancelled(cleat__rpc_call *call, void *service);
void cleat__durable_on_ended(cleat__rpc_call *call, void *service);

#endif
