/*
 * Durable runs (engine.md 21, docs/durable.md): runs whose invocations ask for things that are kept in a log. The
 * log is in the file; memory has what unmet nodes wait for (pending.h), and of a run that is being worked on
 * how far its invocation has come.
 *
 * Invocations are counted from 1, by each assignment; what speaks of another than the present one is stale. Nodes are
 * met in one order, which is stored, whatever happens to invocations meanwhile.
 */
#ifndef CLEAT_ENGINE_DURABLE_H
#define CLEAT_ENGINE_DURABLE_H

#include "engine/catalog.h"
#include "engine/command.h"
#include "engine/durable_told.h"
#include "engine/pending.h"

struct cleat__core;

/* A run of a task that is declared durable; it begins with what any run is. */
typedef struct cleat__durable {
    cleat__run run;
    cleat__pending *first, *last;         /* what it waits for, owned */
    cleat__pending *cursor;               /* where to look first among these; NULL: at the first */
    struct cleat__conversation *listened; /* RUNNING: who hears of it; NULL: nobody */
    /* From here to last_order: what the file says, when it is known. */
    int32_t invocation_count; /* of the newest; 0: none */
    int32_t branch;           /* the newest */
    int32_t log_size;         /* nodes, as the branch sees them */
    int32_t last_order;       /* in which nodes were met */
    int32_t node;             /* the last one that the invocation asked for; -1: not known */
    int32_t awaited;          /* EVICTED: pendings that are awaited */
    cleat__uuid next_id;      /* of the run that it goes on as, when it ends; nil: there is none */
    bool is_known;
    bool has_hooks; /* or it may have: of what a former process left nobody knows; payloads go with its end */
    bool awaits_all; /* EVICTED: each of them, else one */
    bool awaits_any; /* EVICTED: whatever is met next */
    bool is_next;    /* one that had begun goes on as this run; known like the log */
} cleat__durable;

static inline bool cleat__run_is_durable(const cleat__run *run)
{
    return run->type->needs->is_durable;
}
/* Of a run that is. */
static inline cleat__durable *cleat__durable_of(cleat__run *run)
{
    return CLEAT__CONTAINER(run, cleat__durable, run);
}

enum { CLEAT__DURABLES_WARNED = 64 };

typedef struct cleat__durables {
    cleat__pendings pendings;
    cleat__durable_told told;
    cleat_slice carrier; /* of the message that is being worked on, for whom it may wake; absent: none */
    /* Expressions that could not be evaluated and were warned of, each where its hash says; 0: none. */
    uint64_t warned_of[CLEAT__DURABLES_WARNED];
} cleat__durables;
void cleat__durables_init(cleat__durables *all);
void cleat__durables_deinit(cleat__durables *all); /* before the runs */

/* ---- Handlers ---- */

cleat_status cleat__durable_ask(struct cleat__core *core, cleat__command *command);
cleat_status cleat__durable_tell_status(struct cleat__core *core, cleat__command *command);
cleat_status cleat__durable_go_on(struct cleat__core *core, cleat__command *command);
cleat_status cleat__durable_detach(struct cleat__core *core, cleat__command *command);
cleat_status cleat__durable_signal(struct cleat__core *core, cleat__command *command);
cleat_status cleat__durable_restore(struct cleat__core *core, cleat__command *command);
cleat_status cleat__durable_branch(struct cleat__core *core, cleat__command *command);

/* ---- In the life of a run; a failure has failed the core ---- */

/* A new run, whose log is empty. */
void cleat__durable_make(cleat__durable *durable);
/* Reads what is not known of it. */
cleat_status cleat__durable_know(struct cleat__core *core, cleat__durable *durable);
/* CLEAT_CANCELLED: the run is not running, or in another invocation. */
cleat_status cleat__durable_check_present(struct cleat__core *core, cleat__durable *durable,
                                          int32_t invocation_count);
/* It is handed out: the next invocation begins. */
cleat_status cleat__durable_begin(struct cleat__core *core, cleat__durable *durable);
/* What the assignment says of its invocation. May replace it. */
cleat_status cleat__durable_dress(struct cleat__core *core, cleat__durable *durable,
                                  cleat__assignment **assignment);
/* The invocation is over; `reason`: whoever listens is told why, NULL: it knows. */
void cleat__durable_stop(struct cleat__core *core, cleat__durable *durable, const char *reason);
/* The invocation is broken off, and the run handed out again; `reason` as above. */
cleat_status cleat__durable_restart(struct cleat__core *core, cleat__durable *durable, const char *reason);
/* The invocation has not begun, and the next one is of attempt `retry_count`: that waits for the same. */
cleat_status cleat__durable_return(struct cleat__core *core, cleat__durable *durable, int32_t retry_count);
/* The run has ended, in the file too: it waits for nothing. */
cleat_status cleat__durable_end(struct cleat__core *core, cleat__durable *durable);
/* It is not evicted any more: none of its nodes is awaited. */
void cleat__durable_forget_waits(cleat__durable *durable);
/* Forgets what it waits for, in memory. */
void cleat__durable_drop(struct cleat__core *core, cleat__durable *durable);

/* ---- What meets nodes ---- */

/* A run has ended, in the file too, in `state`; `text` is its output or error: nodes that wait for it are met, or, when
 * it goes on as another one, wait for that (durable_chain.c). */
cleat_status cleat__durable_child_ended(struct cleat__core *core, const cleat__run *run, int state,
                                        cleat_slice text);
/* The node of such a condition is met, by the end of a run. */
cleat_status cleat__durable_end_wait(struct cleat__core *core, cleat__pending_condition *condition, int state,
                                     cleat_slice text);
/* The condition is met; `data` is JSON, absent: as stored. When its node is, its pending is gone. */
cleat_status cleat__durable_meet(struct cleat__core *core, cleat__pending_condition *condition,
                                 cleat_slice data, bool *is_node_met);
/* A node that nothing stands for in memory is met, by the end of a run. */
cleat_status cleat__durable_meet_child(struct cleat__core *core, cleat__durable *durable, cleat__node node,
                                       int state, cleat_slice text);
/* Sleeps that are over, or `max` of them: then there is more. */
cleat_status cleat__durable_fire(struct cleat__core *core, int max);
/* The monotonic time to look again; INT64_MAX: none. */
int64_t cleat__durable_next_ms(const struct cleat__core *core);
/* At the start, when all runs are there: what they wait for. */
cleat_status cleat__durable_recover(struct cleat__core *core);
/* The same of one that is evicted, behind that. */
cleat_status cleat__durable_recover_evicted(struct cleat__core *core, cleat__durable *durable);

#endif
