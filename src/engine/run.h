/*
 * Runs that have not ended, in memory: small, without payloads, all of it rebuilt from task_live at
 * the start. A million of them must fit.
 */
#ifndef CLEAT_ENGINE_RUN_H
#define CLEAT_ENGINE_RUN_H

#include "base/heap.h"
#include "base/map.h"
#include "model/task.h"

struct cleat__batch;
struct cleat__command;
struct cleat__lane;
struct cleat__task_type;
struct cleat__worker;

/* Whether a worker of another process has got what it was assigned. */
typedef enum cleat__receipt {
    CLEAT__RECEIPT_SENT,  /* to a stream, which tells when it could not */
    CLEAT__RECEIPT_HEARD, /* the worker has said something of it: it has begun */
    CLEAT__RECEIPT_DOUBTED, /* the stream has ended since, and the worker has said nothing: the timer is for that */
    CLEAT__RECEIPT_UNSURE, /* the same of a worker that may be told again; or the engine has ended since: nobody
                              knows whether the worker has got it */
    CLEAT__RECEIPT_REPEATED, /* it was told again */
} cleat__receipt;

typedef struct cleat__run {
    cleat__uuid id; /* the map's key */
    struct cleat__task_type *type;
    struct cleat__lane *lane;           /* where it stands while queued */
    struct cleat__run *next, *previous; /* in a level of its queue, or among what its worker holds */
    struct cleat__worker *worker;   /* who holds it while RUNNING; NULL for a worker of a former process */
    struct cleat__command *waiters; /* WAIT commands, borrowed from their callers */
    cleat__heap_node timer;
    int64_t deadline_ms; /* monotonic; when the timer is set: end of back-off, or a timeout */
    int64_t since_ms;    /* Unix; QUEUED: since when, or until when it backs off; RUNNING: started */
    int32_t retry_count;
    int32_t first_retry; /* the retry count of the first attempt since it was triggered or replayed */
    union {
        uint32_t order;        /* QUEUED: of insertion into its queue, among its level */
        uint32_t prolonged_ms; /* RUNNING and was_prolonged: when, monotonic, the last bits */
    };
    uint8_t state; /* CLEAT_RUN_QUEUED, _RUNNING or _EVICTED */
    uint8_t internal_retries;
    uint8_t priority : 4;
    uint8_t level : 4;       /* in its queue: 1 .. 3 the priority, 4 ahead of all; 0: in no queue */
    bool is_backing_off : 1; /* QUEUED, but in no queue until the timer fires */
    bool has_released : 1;   /* RUNNING, but its worker's slots are free for others */
    bool is_owed : 1;        /* RUNNING; to be told again when its worker has room, unless it was heard of */
    uint8_t receipt : 3;     /* RUNNING; a cleat__receipt */
    bool was_prolonged : 1;  /* RUNNING; it got a longer timeout */
    bool is_held : 1;        /* QUEUED, but the run that goes on as it has not ended: it has no slots */
} cleat__run;

_Static_assert(sizeof(cleat__run) <= 104, "a million queued runs must stay small");
_Static_assert(CLEAT__INTERNAL_RETRIES_MAX < 255, "fits into uint8_t");

/* Attempts that failed and were retried, since it was triggered or replayed. */
static inline int32_t cleat__run_failures(const cleat__run *run)
{
    return run->retry_count - run->first_retry - run->internal_retries;
}

/* A run of a task that is given several at a time (batches.h). */
typedef struct cleat__batched {
    cleat__run run;                         /* first */
    size_t bytes;                           /* of what it was triggered with */
    struct cleat__batch *batch;             /* RUNNING: that it is of; NULL: none */
    struct cleat__batched *next, *previous; /* of that */
} cleat__batched;

typedef struct cleat__run_chain {
    cleat__run *head, *tail;
} cleat__run_chain;
void cleat__run_chain_append(cleat__run_chain *list, cleat__run *run);
void cleat__run_chain_remove(cleat__run_chain *list, cleat__run *run);

typedef struct cleat__runs {
    cleat__map by_id;
    cleat__heap timers;
} cleat__runs;
void cleat__runs_init(cleat__runs *runs);
void cleat__runs_deinit(cleat__runs *runs); /* frees every run */

/* In the map, in no list, with no timer; a cleat__durable when its task is. NULL on no memory. */
cleat__run *cleat__runs_new(cleat__runs *runs, const cleat__uuid *id, struct cleat__task_type *type);
cleat__run *cleat__runs_find(const cleat__runs *runs, const cleat__uuid *id);
/* It must be in no list. */
void cleat__runs_free(cleat__runs *runs, cleat__run *run);

/* Sets the timer to `deadline_ms`, INT64_MAX: none. Once a run had a timer, setting it again cannot
 * fail while no other run is made. */
cleat_status cleat__runs_set_timer(cleat__runs *runs, cleat__run *run, int64_t deadline_ms);
void cleat__runs_clear_timer(cleat__runs *runs, cleat__run *run);
cleat__run *cleat__runs_first_timer(const cleat__runs *runs); /* NULL: none is set */

#endif
