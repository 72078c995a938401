/*
 * The log of durable runs over the wire (engine.md 21.2): one stream for each worker, from its first durable
 * assignment on.
 *
 *     grpc_durable.c             what an invocation asks for: the calls that wait
 *     grpc_durable_write.c       its messages
 *     grpc_durable_stream.c      the stream: connecting, writing, what comes
 *     grpc_durable_answer.c      answers, which belong to what was asked first
 *     grpc_durable_invocation.c  the invocations that this process works on, and what is known of their nodes
 *     grpc_durable_hook.c        hooks, over HTTP
 *
 * What was not answered is sent again on the next connection, which it waits for as long as any call: to
 * `cleat serve` a request says which nodes it takes, and twice the same is once. Another engine counts nodes as
 * requests come, and the next one would be taken for another node: there an invocation is over when the answer to
 * a request that takes nodes was lost, and the attempt has failed (CLEAT_UNAVAILABLE). What takes none, AWAIT, EVICT
 * and COMPLETE_MEMO, is sent again there too, and waits for it as long as it takes.
 *
 * An engine's answer names the task and the invocation, so one request of an invocation is under way at a time.
 */
#ifndef CLEAT_TRANSPORT_GRPC_DURABLE_H
#define CLEAT_TRANSPORT_GRPC_DURABLE_H

#include "base/map.h"
#include "transport/grpc_stream.h"
#include "transport/transport.h"

struct cleat__remote_worker;
struct cleat__remote_workers;

typedef struct cleat__remote_invocation cleat__remote_invocation;

/* All of it belongs to the link's mutex. */
typedef struct cleat__remote_durables {
    cleat__link *link;
    cleat__map tasks; /* those with an invocation here, by id */
    size_t callers;   /* inside cleat__remote_durable() */
    bool is_stopped;  /* nobody may come in any more */
} cleat__remote_durables;

typedef struct cleat__remote_message {
    char *data; /* owned */
    size_t size;
    size_t runs;    /* that it starts: of very many, each message has a part */
    bool is_acked;  /* an answer of its own comes, before which nothing else is sent */
    bool is_once;   /* it takes a node and does not say which one: it cannot be sent again */
    bool is_echoed; /* a registration: `cleat serve` answers it behind whatever was sent before */
} cleat__remote_message;

/* What a caller waits for: a part of what it wants, of which all answers come by the stream. */
typedef struct cleat__remote_ask {
    struct cleat__remote_ask *next;                   /* of the invocation: whom the next answer belongs to */
    struct cleat__remote_ask *next_ready, *next_echo; /* of the stream */
    cleat__remote_invocation *invocation;
    pthread_cond_t done;
    cleat__durable_request *requests;
    size_t count, answered; /* requests */
    cleat__node *nodes;     /* of an AWAIT or EVICT, with their branches; NULL: none */
    size_t node_count;
    size_t runs; /* of the one that is under way, that were answered */
    cleat__remote_message *messages;
    size_t message_count, written;
    size_t confirmed; /* messages that need not be sent again on another connection */
    uint64_t echo;    /* the number of its registration on this connection */
    bool is_ready;    /* in the stream's list of those with something to write */
    bool waits_for_ack, waits_for_echo;
    bool is_done;
    cleat_status status;
    char text[CLEAT__CALL_TEXT];
} cleat__remote_ask;

/* Of a worker. */
typedef struct cleat__remote_stream {
    struct cleat__remote_worker *worker;
    cleat__rpc_stream *stream;                 /* NULL: not connected */
    bool must_register;                        /* before all else */
    uint64_t registrations, echoes;            /* of this connection */
    cleat__remote_ask *ready, *last_ready;     /* in the order they came */
    cleat__remote_ask *echoing, *last_echoing; /* whose registration was written */
    cleat__remote_invocation *invocations;
    unsigned failures; /* in a row */
    int64_t opened_ns;
    cleat__link_timer reconnect;
} cleat__remote_stream;

struct cleat__remote_invocation {
    cleat__remote_durables *durables;
    cleat__remote_invocation *older;           /* of the same task */
    cleat__remote_invocation *next, *previous; /* of the stream */
    cleat__remote_stream *stream;              /* NULL: it is over, and stays only for who waits */
    cleat__uuid task_id;
    int32_t count, retry_count;
    cleat__remote_ask *first, *last;
    size_t callers;
    cleat__map ended;  /* nodes of which a completion has come */
    int64_t orders;    /* completions so far */
    int64_t children;  /* that were asked for */
    int64_t node;      /* the last one that the engine named */
    int64_t *branches; /* of nodes 1, 2, .. */
    size_t branch_room;
    cleat_status fate; /* of all further calls, unless CLEAT_OK */
    char *fate_text;   /* NULL: the status's own */
};

/* ---- For grpc.c ---- */

void cleat__remote_durables_init(cleat__remote_durables *durables, cleat__link *link);
/* Whoever waits gets CLEAT_UNAVAILABLE, and is gone when this returns. */
void cleat__remote_durables_stop(cleat__remote_durables *durables);
void cleat__remote_durables_deinit(cleat__remote_durables *durables); /* when the link has stopped */

/* The functions of the transport. */
cleat_status cleat__remote_durable(struct cleat__remote_workers *workers, const cleat__uuid *run_id,
                                   int32_t invocation_count, cleat__durable_request *requests, size_t count,
                                   size_t *done_count);
cleat_status cleat__remote_resume_hook(cleat__link *link, cleat_slice token, cleat_slice payload,
                                       cleat_slice carrier, cleat__uuid *run_id, char **run_metadata);

/* ---- For grpc_worker.c and grpc_report.c; the mutex is held ---- */

/* An assignment has come. CLEAT_NO_MEMORY. */
cleat_status cleat__remote_invocation_begin(struct cleat__remote_worker *worker,
                                            const cleat__assignment *assignment);
/* It was reported, or never will be: nothing more is asked for it. */
void cleat__remote_invocation_end(cleat__remote_durables *durables, const cleat__uuid *task_id,
                                  int32_t count);
/* The count of the newest one here; 0: there is none. */
int32_t cleat__remote_invocation_newest(const cleat__remote_durables *durables, const cleat__uuid *task_id);
/* The run was cancelled. False: this invocation is not the newest one here, so that others are not meant. */
bool cleat__remote_invocation_cancel(cleat__remote_durables *durables, const cleat__uuid *task_id,
                                     int32_t count);
void cleat__remote_stream_init(cleat__remote_stream *stream, struct cleat__remote_worker *worker);
/* The server knows the worker by another id from now on. */
void cleat__remote_stream_renew(cleat__remote_stream *stream);
/* Of a worker that goes. Its invocations fail. */
void cleat__remote_stream_close(cleat__remote_stream *stream);

/* ---- Between the files of this part; the mutex is held unless it says otherwise ---- */

cleat__remote_invocation *cleat__remote_invocation_find(const cleat__remote_durables *durables,
                                                        const cleat__uuid *task_id, int32_t count);
/* All further calls fail so, and those under way. Sets no error message. */
void cleat__remote_invocation_fail(cleat__remote_invocation *invocation, cleat_status status,
                                   const char *text);
/* Nobody knows how far it has come. It may be freed. */
void cleat__remote_invocation_lose(cleat__remote_invocation *invocation, const char *text);
/* A completion came. `order`: of the run's nodes; 0: that in which they come. */
void cleat__remote_invocation_complete(cleat__remote_invocation *invocation, const cleat__node *node,
                                       int64_t order, cleat_slice payload, bool is_failure,
                                       const char *error);
/* The next node has been named. CLEAT_NO_MEMORY. */
cleat_status cleat__remote_invocation_name_node(cleat__remote_invocation *invocation, int64_t branch);
/* Says the branches of nodes whose branch was not said; those that were not named keep it. */
void cleat__remote_invocation_resolve(const cleat__remote_invocation *invocation, cleat__node *nodes,
                                      size_t count);
/* Whether an AWAIT need not wait for the engine's word. */
bool cleat__remote_invocation_knows(const cleat__remote_invocation *invocation,
                                    const cleat__durable_request *request);
/* The answer of an AWAIT, as far as it is there. CLEAT_OK, CLEAT_SUSPENDED, CLEAT_NO_MEMORY. */
cleat_status cleat__remote_invocation_await(const cleat__remote_invocation *invocation,
                                            cleat__durable_request *request);
/* One caller less; it may be freed. */
void cleat__remote_invocation_release(cleat__remote_invocation *invocation);

/* Its answers are there, or will not come. */
void cleat__remote_settle(cleat__remote_ask *ask, cleat_status status, const char *text);
/* Writes what may be written of an ask that has just come, or been answered in part. */
void cleat__remote_stream_push(cleat__remote_ask *ask);
void cleat__remote_stream_pull(cleat__remote_ask *ask); /* nothing more of it */
void cleat__remote_stream_open(cleat__remote_stream *stream);

/* What came on a stream. */
void cleat__remote_answer(cleat__remote_stream *stream, cleat_slice bytes);
/* All registrations up to that number were answered. */
void cleat__remote_echoed(cleat__remote_stream *stream);

/*
 * The messages of the ask's requests; the mutex is not held. `first_child`: the number of the first child
 * that has none. CLEAT_TOO_LARGE, CLEAT_NO_MEMORY.
 */
cleat_status cleat__remote_write(const cleat__link *link, const char *worker_id, const cleat__uuid *run_id,
                                 int32_t invocation_count, int64_t first_child, cleat__remote_ask *ask);
cleat_status cleat__remote_registration(const char *worker_id, cleat__buffer *out);
void cleat__remote_messages_free(cleat__remote_ask *ask);

/* A hook's token brings payloads to the run; one try. The mutex is not held. */
cleat_status cleat__remote_create_hook(cleat__link *link, const cleat__uuid *run_id, int32_t invocation_count,
                                       cleat_slice token);

#endif
