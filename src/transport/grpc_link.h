/*
 * The connection of a client to its server: a channel, the thread of its completion queue, timers, and the
 * calls that are under way.
 *
 * Threads: all that is not constant belongs to the mutex, of the link and of what is built on it. The thread
 * calls timers, ends of calls and messages of streams with the mutex held; they start and abandon
 * calls and set timers, but do not wait. A worker's sink is called with it too, which is how nothing comes
 * after its removal; it takes its own mutex inside, and nothing of the SDK comes here with that one.
 * Nothing blocks but cleat__link_call() and what waits on a condition variable; log handlers are called without it.
 *
 * Memory: a call belongs to the link until its completions have come, whoever still waits for it.
 */
#ifndef CLEAT_TRANSPORT_GRPC_LINK_H
#define CLEAT_TRANSPORT_GRPC_LINK_H

#include "base/log.h"
#include "base/thread.h"
#include "grpc/completion.h"
#include "transport/settings.h"

#include <protobuf-c/protobuf-c.h>

/* Embed in what is to happen later. Zero at first but for `run`. */
typedef struct cleat__link_timer {
    void (*run)(struct cleat__link_timer *self);
    struct cleat__link_timer *next, *previous;
    int64_t due_ns;
    bool is_set;
} cleat__link_timer;

typedef struct cleat__call cleat__call;
typedef struct cleat__rpc_stream cleat__rpc_stream;

/* What is to be logged as soon as the mutex is free. */
typedef struct cleat__link_said {
    bool is_set;
    cleat__log_site *site; /* NULL: it does not come often */
    cleat_log_level level;
    char text[1024];
} cleat__link_said;

typedef struct cleat__link {
    cleat__remote_settings settings; /* constant; owned */
    grpc_channel *channel;
    grpc_metadata authorization;
    cleat__completion_thread thread;
    bool has_durable; /* as the next: it has durable tasks */
    bool is_cleat;    /* constant once it is greeted: the server is `cleat serve`, and understands more */

    pthread_mutex_t mutex; /* guards what follows; gRPC's messages may reach a log handler inside */
    pthread_cond_t changed;
    bool is_closing;    /* nothing is started any more */
    bool was_connected; /* a server has answered */
    cleat__link_timer *timers;
    int64_t waits_until_ns; /* when the thread looks again by itself */
    grpc_call *waker;       /* never started: an empty batch of it completes at once */
    cleat__completion wake;
    bool is_waking;
    cleat__call *calls; /* under way */
    size_t callers;     /* threads in cleat__link_call_bytes(), which touch the link after their call's end */
    cleat__rpc_stream *streams;
    cleat__link_said said;
} cleat__link;

/* Consumes the settings, on every path. Does not connect yet. */
cleat_status cleat__link_new(cleat__remote_settings *settings, cleat__link **out);
/* Ends all calls, without waiting; no call, no stream and no timer begins any more. */
void cleat__link_close(cleat__link *link);
/* After that: waits until nothing is under way any more, and ends the thread. */
void cleat__link_stop(cleat__link *link);
void cleat__link_free(cleat__link *link); /* after that; NULL-safe */

/* The mutex is held. */
void cleat__link_timer_set(cleat__link *link, cleat__link_timer *timer, int64_t due_ns);
void cleat__link_timer_unset(cleat__link *link, cleat__link_timer *timer);

/* retry_ms * 2^failures, at most `max_ms`, and some milliseconds at random on top. */
int64_t cleat__link_back_off_ms(const cleat__link *link, int64_t first_ms, int64_t max_ms, unsigned failures);
/* What gRPC says of a connection that cannot be made, or what to do where that is known. */
const char *cleat__link_hint(const char *text);
/* A sentence for a call that ended so, and its status. */
cleat_status cleat__link_fail(const cleat__link *link, int code, const char *text);

/*
 * Logs on the link's thread once the mutex is free, since a handler may take its time or call the client. For that
 * thread, with the mutex held; of several messages at a time the first counts.
 */
void cleat__link_log(cleat__link *link, cleat__log_site *site, cleat_log_level level, const char *format, ...)
    CLEAT_PRINTF(4, 5);

/* Ends the calls of a method that are under way. For when it is refused from now on. The mutex is held. */
void cleat__link_cancel(cleat__link *link, const char *path);

/* ---- Blocking calls ---- */

typedef struct cleat__method {
    const char *path;
    const ProtobufCMessageDescriptor *reply;
    bool is_idempotent;     /* may be sent again when it is not known whether the server got it */
    const bool *is_refused; /* under the mutex: nothing is sent any more; NULL: never */
} cleat__method;

/*
 * Sends a message and waits for the answer, which is to be freed with cleat__message_free(); tries again where
 * that may help (client.md 6), at most until the deadline. While no server has ever answered it waits for one as
 * long as the settings say. The mutex is not held; not for the link's own thread.
 */
cleat_status cleat__link_call(cleat__link *link, const cleat__method *method, const void *request,
                              int64_t deadline_ns, void **reply);
/* The same; of a failure `detail`, which must be empty, gets what the server says of it besides, for
 * cleat__status_detail_unpack(). The caller deinits it. */
cleat_status cleat__link_call_detail(cleat__link *link, const cleat__method *method, const void *request,
                                     int64_t deadline_ns, void **reply, cleat__buffer *detail);
/* The same with bytes both ways; `reply` must be empty. */
cleat_status cleat__link_call_bytes(cleat__link *link, const cleat__method *method, cleat_slice request,
                                    int64_t deadline_ns, cleat__buffer *reply);

#endif
