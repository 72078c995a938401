/*
 * Workers of this process at a server elsewhere (worker.md 1, 2): registration, the stream of actions,
 * heartbeats, and the way back of what they report.
 */
#ifndef CLEAT_TRANSPORT_GRPC_WORKER_H
#define CLEAT_TRANSPORT_GRPC_WORKER_H

#include "base/map.h"
#include "transport/grpc_durable.h"
#include "transport/grpc_lane.h"
#include "transport/grpc_stream.h"
#include "transport/transport.h"
#include "wire/report.h"

typedef struct cleat__remote_worker cleat__remote_worker;

/* Guarded by the link's mutex. */
typedef struct cleat__remote_workers {
    cleat__link *link;
    cleat__remote_worker *first;
    cleat__map held; /* attempts that were assigned and whose report has not arrived */
    cleat__remote_durables durables;
    cleat__lane reports, begins, logs; /* cleat__lane.dropped counts what is lost */
    cleat__lane batch_reports, batch_begins;
    struct cleat__remote_batch *batches; /* of which something is to be reported */
    int32_t batch_number;                /* of the newest */
} cleat__remote_workers;

void cleat__remote_workers_init(cleat__remote_workers *workers, cleat__link *link);
/* When the link has stopped. */
void cleat__remote_workers_deinit(cleat__remote_workers *workers);

/* The functions of the transport. */
cleat_status cleat__remote_worker_add(cleat__remote_workers *workers, const cleat__worker_spec *spec,
                                      const cleat__transport_sink *sink, cleat__uuid *id);
cleat_status cleat__remote_worker_label(cleat__remote_workers *workers, const cleat__uuid *id,
                                        const cleat__label *labels, size_t count);
cleat_status cleat__remote_worker_pause(cleat__remote_workers *workers, const cleat__uuid *id);
cleat_status cleat__remote_worker_remove(cleat__remote_workers *workers, const cleat__uuid *id);
/* Heartbeats are sent anyway: only whether there is such a worker. */
cleat_status cleat__remote_worker_heartbeat(cleat__remote_workers *workers, const cleat__uuid *id);
cleat_status cleat__remote_report(cleat__remote_workers *workers, const cleat__report *report);
void cleat__remote_begin(cleat__remote_workers *workers, const cleat__uuid *task_id, int32_t retry_count);
cleat_status cleat__remote_log(cleat__remote_workers *workers, const cleat__log_line *line);

/* ---- What the two files share; the mutex is held ---- */

enum { CLEAT__HELD_KEY_SIZE = sizeof(cleat__uuid) + 2 * sizeof(int32_t) };

/* An attempt that was assigned: what its report repeats. */
typedef struct cleat__held {
    char key[CLEAT__HELD_KEY_SIZE]; /* of the map */
    cleat__uuid task_id;
    int32_t retry_count, invocation_count;
    bool is_reported; /* its report is on the way; until that has arrived it may be assigned again */
    cleat__remote_worker *worker;
    struct cleat__held *next, *previous; /* of the worker's, until it is reported; then of one message */
    struct cleat__remote_batch *batch;   /* with which it is reported; NULL: alone */
    char worker_id[37];
    cleat_slice action_id, step_id; /* behind the struct */
} cleat__held;

/* Members of a batch that have come. */
typedef struct cleat__remote_gathering {
    cleat__uuid batch_id;
    cleat__assignment *first, **end;
    int32_t left; /* that have not */
    cleat__link_timer timer;
} cleat__remote_gathering;

struct cleat__remote_worker {
    cleat__remote_workers *workers;
    cleat__remote_worker *next;
    cleat__uuid id;      /* of the first registration: what the SDK knows */
    char current_id[37]; /* what the server calls it now */
    char *name;          /* with the prefix, as the actions */
    char **actions;
    size_t *own_offset; /* of an action: behind the prefix that was added */
    size_t action_count;
    cleat__slot_list *slots; /* owned */
    cleat__labels *labels;   /* owned; NULL: none */
    cleat__transport_sink sink;
    bool is_paused;  /* takes nothing new */
    bool is_ended;   /* does not listen any more */
    bool uses_first; /* the server has the older stream only */
    bool is_without_heartbeat;
    cleat__held *held; /* what it was assigned and has not reported */
    cleat__rpc_stream *stream;
    cleat__call *heartbeat, *registration; /* on their way */
    unsigned failures, refusals;           /* of the stream, in a row; refusals of the token */
    int64_t opened_ns;                     /* the stream */
    cleat__link_timer listen_timer, heartbeat_timer;
    cleat__remote_gathering gathering;
    cleat__remote_stream durable;
};

/* An attempt is known by task, retry count and, of a durable run, the count of the invocation; else that is 0. */

/* Whether it was assigned before and its report, if any, has not arrived. */
bool cleat__remote_holds(const cleat__remote_workers *workers, const cleat__assignment *assignment);
/* Remembers the assignment, which is not held yet. NULL: no memory. */
cleat__held *cleat__remote_hold(cleat__remote_worker *worker, const cleat__assignment *assignment,
                                cleat_slice step_id);
/* The attempt's; NULL: there is none, or it has been reported. */
cleat__held *cleat__remote_held_find(const cleat__remote_workers *workers, const cleat__uuid *task_id,
                                     int32_t retry_count, int32_t invocation_count);
/* Its report is on its way. */
void cleat__remote_held_unlink(cleat__held *held);
/* NULL-safe. */
void cleat__remote_held_forget(cleat__remote_workers *workers, cleat__held *held);
cleat__event_origin cleat__remote_origin_of(const cleat__held *held); /* NULL: nothing */
cleat_status cleat__remote_report_locked(cleat__remote_workers *workers, const cleat__report *report);
/* An attempt that will not be reported. */
void cleat__remote_forget(cleat__remote_workers *workers, const cleat__uuid *task_id, int32_t retry_count,
                          int32_t invocation_count);
/* Tells the worker that it is cancelled, or takes it back if it was not begun. */
void cleat__remote_cancel_attempt(cleat__remote_worker *worker, const cleat__uuid *task_id,
                                  int32_t retry_count, int32_t invocation_count);
/* What this worker was assigned and has not reported is not its own any more. */
void cleat__remote_give_back(cleat__remote_worker *worker);
void cleat__remote_held_deinit(cleat__remote_workers *workers);

#endif
