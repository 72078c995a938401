/*
 * The workers that are there, what each holds, and what it is to be told after the commit. Memory
 * only: workers are of one process, and a restart knows none.
 */
#ifndef CLEAT_ENGINE_ROSTER_H
#define CLEAT_ENGINE_ROSTER_H

#include "engine/engine.h"
#include "engine/queue.h"

#define CLEAT__WORKER_LOST_AFTER_MS INT64_C(30000) /* without a heartbeat */

/* A cancelled attempt, to be told to its worker. */
typedef struct cleat__notice {
    struct cleat__notice *next;
    cleat__uuid task_id;
    int32_t retry_count;
} cleat__notice;

typedef struct cleat__worker {
    cleat__uuid id; /* the map's key */
    int64_t tenant;
    cleat__worker_sink sink;
    int32_t slots;
    int32_t used; /* how many runs it holds: 0 .. slots */
    bool is_paused;
    bool is_lost; /* until its next heartbeat */
    cleat__run_chain held;
    cleat__queue **queues; /* those it serves, each once */
    size_t queue_count;
    cleat__heap_node timer;
    int64_t deadline_ms; /* monotonic; when it counts as lost */
    bool has_effects;
    struct cleat__worker *next_with_effects;
    cleat__assignment *assignments, **assignments_end;
    cleat__notice *notices, **notices_end;
} cleat__worker;

typedef struct cleat__roster {
    cleat__map by_id;
    cleat__heap timers;
    cleat__worker *with_effects;
} cleat__roster;
void cleat__roster_init(cleat__roster *roster);
void cleat__roster_deinit(cleat__roster *roster); /* tells nobody anything */

cleat_status cleat__roster_add(cleat__roster *roster, const cleat__uuid *id, const cleat__worker_sink *sink,
                               int32_t slots, size_t queue_count, cleat__worker **out);
/* Each queue once; at most as many as announced to cleat__roster_add(). */
cleat_status cleat__roster_serve(cleat__worker *worker, cleat__queue *queue);
cleat__worker *cleat__roster_find(const cleat__roster *roster, const cleat__uuid *id);
/* Forgets it with all it was to be told. It must hold nothing. */
void cleat__roster_remove(cleat__roster *roster, cleat__worker *worker);

/* It is there, until CLEAT__WORKER_LOST_AFTER_MS from now on. */
cleat_status cleat__roster_touch(cleat__roster *roster, cleat__worker *worker, int64_t now_ms);
void cleat__roster_lose(cleat__roster *roster, cleat__worker *worker);
cleat__worker *cleat__roster_first_timer(const cleat__roster *roster);

bool cleat__roster_can_take(const cleat__worker *worker);
/* Whether any worker has. */
bool cleat__roster_has_room(const cleat__roster *roster);
void cleat__roster_hold(cleat__worker *worker, cleat__run *run);
/* The slot is free again; no-op when nobody holds the run. */
void cleat__roster_let_go(cleat__run *run);

/* To be told after the commit. Consumes the assignment. */
void cleat__roster_assign(cleat__roster *roster, cleat__worker *worker, cleat__assignment *assignment);
/* Does nothing on no memory: then the worker finds out when its report is ignored. */
void cleat__roster_cancel(cleat__roster *roster, cleat__worker *worker, const cleat__run *run);
/* Tells every worker what waits for it: first what it need not do any more, then what to do. */
void cleat__roster_tell(cleat__roster *roster);

#endif
