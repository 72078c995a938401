/*
 * The workers that are there, what each holds, and what it is to be told after the commit.
 *
 * Those in the engine's own process end with it. Those of other processes are in the file too: they
 * register once, and listen, as often as their connection breaks, in one session after another.
 * What a worker holds stays with it while nobody listens, until it was not heard of for
 * CLEAT__WORKER_LOST_AFTER_MS.
 */
#ifndef CLEAT_ENGINE_ROSTER_H
#define CLEAT_ENGINE_ROSTER_H

#include "engine/catalog.h"
#include "engine/command.h"
#include "store/worker.h"

#define CLEAT__WORKER_LOST_AFTER_MS INT64_C(30000) /* without a heartbeat */
#define CLEAT__WORKER_FRESH_MS      INT64_C(5000)  /* how old one may be for new assignments */
/* Of runs that go in one step to a worker that may be full: then it is asked. */
#define CLEAT__WORKER_STEP_BYTES ((size_t)4 * 1024 * 1024)

/* A cancelled attempt, to be told to its worker. */
typedef struct cleat__notice {
    struct cleat__notice *next;
    cleat__cancellation of;
} cleat__notice;

/* Slots of one type. */
typedef struct cleat__pool {
    cleat_slice type; /* of what the worker offers */
    int32_t units;
    int32_t used; /* may be above units: what a restart found */
} cleat__pool;

typedef struct cleat__worker {
    cleat__uuid id; /* the map's key */
    int64_t tenant;
    char *name, *runtime;                                                /* owned; NULL: none */
    cleat__worker_sink sink;                                             /* while it listens */
    void (*cancel)(void *self, const cleat__cancellation *cancellation); /* NULL: the sink's */
    bool (*sink_is_full)(void *self);                                    /* NULL: never */
    void (*failed)(void *self, cleat_status status, const char *text);   /* NULL: it is not told */
    cleat__slot_list *offered;                                           /* owned */
    cleat__pool *pools;                                                  /* owned; of what is offered */
    cleat__labels *labels;                                               /* owned; NULL: none */
    int64_t registered_at_ms;                                            /* Unix */
    int64_t seen_at_ms;                                                  /* Unix; its last sign of life */
    int64_t stored_seen_at_ms;                                           /* what the file says */
    int64_t heard_ms; /* the same, monotonic; set when it listens */
    uint64_t session; /* of who listens */
    bool is_remote;   /* of another process */
    bool is_listening;
    bool has_listened; /* since the engine started */
    bool is_kept;      /* it counts as alive while it listens */
    bool may_repeat;   /* it passes over what it has, so it is told again what it holds when it listens */
    bool is_paused;
    bool has_left; /* it said so, and does not listen again */
    bool is_lost;  /* until its next sign of life */
    bool is_full;  /* what it was given waits on its way, or this step gave it enough */
    cleat__run_chain held;
    cleat__run *owed;      /* of these; none before it is to be told again; NULL: none is */
    cleat__queue **queues; /* those it serves, each once */
    size_t queue_count;
    cleat__heap_node timer;
    int64_t deadline_ms; /* monotonic; when it counts as lost */
    bool has_effects;
    struct cleat__worker *next_with_effects;
    cleat__assignment *assignments, **assignments_end;
    size_t assigned_bytes; /* of these */
    uint64_t *changes;     /* the roster's */
    uint64_t changed_at;   /* of these; when it last became able to take more */
    cleat__notice *notices, **notices_end;
} cleat__worker;

typedef struct cleat__roster {
    cleat__map by_id;
    cleat__heap timers;
    cleat__worker *with_effects;
    size_t remote_count;
    bool is_owing;    /* some worker may have to be told again what it holds */
    bool is_losing;   /* some lost worker may hold something */
    uint64_t changes; /* after which some worker may take what it could not take before */
} cleat__roster;
void cleat__roster_init(cleat__roster *roster);
void cleat__roster_deinit(cleat__roster *roster); /* tells nobody anything */
/* The engine has failed. */
void cleat__roster_tell_failure(const cleat__roster *roster, cleat_status status, const char *text);

/* A worker with these slots that serves no queue and does not listen. */
cleat_status cleat__roster_add(cleat__roster *roster, const cleat__uuid *id, int64_t tenant,
                               const cleat__slots *slots, size_t slot_count, cleat__worker **out);
/* One that is stored: it serves its actions, whose queues are made when there are none. */
cleat_status cleat__roster_add_remote(cleat__roster *roster, cleat__queues *queues,
                                      const cleat__worker_row *row, cleat__worker **out);
/* Those of `actions`, of which there are queues. */
cleat_status cleat__roster_serve(cleat__worker *worker, cleat__queues *queues, const cleat_slice *actions,
                                 size_t count);
cleat__worker *cleat__roster_find(const cleat__roster *roster, const cleat__uuid *id);
/* Whether a worker of the tenant goes by that name; looks at all of them. */
bool cleat__roster_has_name(const cleat__roster *roster, int64_t tenant, cleat_slice name);
/* Forgets it with all it was to be told. It must hold nothing. */
void cleat__roster_remove(cleat__roster *roster, cleat__queues *queues, cleat__worker *worker);

/* It may take runs that it could not take before. The functions below say so themselves. */
void cleat__worker_note_change(cleat__worker *worker);
/* It is there, until CLEAT__WORKER_LOST_AFTER_MS from now on. */
cleat_status cleat__roster_touch(cleat__roster *roster, cleat__worker *worker, int64_t now_ms);
/* It does not count as lost while it listens, however little it says. */
void cleat__roster_keep(cleat__roster *roster, cleat__worker *worker);
void cleat__roster_lose(cleat__roster *roster, cleat__worker *worker);
/* A run that a lost worker holds: it is to be taken from that; NULL: none. */
cleat__run *cleat__roster_first_lost(cleat__roster *roster);
cleat__worker *cleat__roster_first_timer(const cleat__roster *roster);

/* Whether it listens and was heard of just now. */
bool cleat__worker_is_active(const cleat__worker *worker, int64_t now_ms);
/* Whether it may get runs at all, */
bool cleat__worker_is_assignable(const cleat__worker *worker, int64_t now_ms);
/* and has the slots for these. */
bool cleat__worker_has_slots(const cleat__worker *worker, const cleat__slot_list *requests);
/* Whether any worker may get anything. */
bool cleat__roster_has_room(const cleat__roster *roster, int64_t now_ms);
/* Takes the slots that the run's task requests. */
void cleat__roster_hold(cleat__worker *worker, cleat__run *run);
/* Without slots: the run is one of several that have those of one. */
void cleat__roster_hold_beside(cleat__worker *worker, cleat__run *run);
/* The slots are free again, the run stays; no-op when they are. */
void cleat__roster_release_slots(cleat__run *run);
/* The slots are free again; no-op when nobody holds the run. */
void cleat__roster_let_go(cleat__run *run);

/* The first of what a worker that has room is to be told again, and no more after this; NULL: none. */
cleat__run *cleat__roster_take_owed(cleat__roster *roster);

/* To be told after the commit. Consumes the assignment. */
void cleat__roster_assign(cleat__roster *roster, cleat__worker *worker, cleat__assignment *assignment);
/* Kept while nobody listens for a worker that may again. Does nothing when it is lost, or on no memory: then
 * the worker finds out when its report is ignored. */
void cleat__roster_cancel(cleat__roster *roster, cleat__worker *worker, const cleat__run *run);
/* It listens: what was kept is to be told. */
void cleat__roster_remind(cleat__roster *roster, cleat__worker *worker);
/* Tells every worker what waits for it: first what it need not do any more, then what to do. True:
 * one that seemed full is not. */
bool cleat__roster_tell(cleat__roster *roster);

#endif
