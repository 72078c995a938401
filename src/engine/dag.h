/*
 * Runs of several tasks (engine.md 7, docs/dags.md). Such a run is in no queue; its tasks are runs of their own, all of
 * which exist from its trigger on. A task is held until its conditions are met: first those of its parents,
 * each of which is looked at when it ends; then its sleeps and events, which wait where those of durable runs do
 * (pending.h). What becomes of it then is done in the same transaction as what has brought it about, so that after a restart
 * all that is known follows from how tasks have ended and which conditions are met.
 *
 *   dag.c         what becomes of tasks, one after the other
 *   dag_wait.c    their sleeps and events
 *   dag_limits.c  which slots the run has, and what its tasks take of limits
 *   dag_life.c    the run's own life: its trigger, cancellation and end
 *   dag_input.c   what a task is told
 *   dag_sizes.c   how much that is, after a restart
 *   dag_load.c    after a restart, and again
 */
#ifndef CLEAT_ENGINE_DAG_H
#define CLEAT_ENGINE_DAG_H

#include "engine/core_parts.h"
#include "store/transition.h"

typedef enum cleat__dag_stage {
    CLEAT__DAG_HELD,  /* for its parents */
    CLEAT__DAG_ARMED, /* for sleeps and events */
    CLEAT__DAG_FREE,  /* in a queue, at a worker, evicted */
    CLEAT__DAG_ENDED,
} cleat__dag_stage;

typedef struct cleat__dag_task {
    cleat__uuid id;
    cleat__run *run;   /* NULL: it has ended */
    size_t next_ended; /* in the list of those whose end is to be looked at */
    uint8_t stage;     /* cleat__dag_stage */
    uint8_t state;     /* ENDED: how, a cleat_run_status */
    bool is_judged;    /* ENDED: those behind it have been asked what that says to them */
    bool is_measured;  /* ENDED, ARMED: the next two are known; else what they are of has not been read */
    bool has_object;   /* ENDED: its output is a JSON object */
    uint32_t size;     /* ENDED: bytes of its output or error. ARMED: of what it has waited for */
} cleat__dag_task;

/* What an assignment has in all: then it is no larger than a message to a worker of another process may be. The rest is
 * for ids, names, and what is between. */
#define CLEAT__DAG_TOLD_MAX (CLEAT_PAYLOAD_MAX - (size_t)16 * 1024)

/* In one block with its tasks. */
typedef struct cleat__dag {
    cleat__durable durable; /* first: the run, and what its tasks wait for, by nodes of branch 0 */
    const cleat__plan *plan;
    cleat__dag_task *tasks;
    bool *met;          /* of each rule of each task */
    size_t left;        /* tasks that have not ended */
    size_t failed;      /* the first task that has failed; task_count: none has */
    size_t ended, last; /* whose end is to be looked at; task_count: none */
    size_t first;       /* the task that is replayed, with those behind it; task_count: all are */
    bool is_moving;     /* somebody looks at ends, one after the other */
    bool is_cancelled;  /* nothing is begun any more */
    bool is_superseded; /* and it was a concurrency strategy that said so */
    bool is_admitted;   /* the run has the slots of its concurrency rules: its tasks may begin */
} cleat__dag;

static inline bool cleat__run_is_dag(const cleat__run *run)
{
    return run->type->plan != NULL;
}
/* Of a run that is. */
static inline cleat__dag *cleat__dag_of_run(cleat__run *run)
{
    return CLEAT__CONTAINER(cleat__durable_of(run), cleat__dag, durable);
}
/* How many bytes a run takes that is none. */
static inline size_t cleat__run_size(const cleat__task_type *type)
{
    return type->needs->is_durable      ? sizeof(cleat__durable)
           : type->needs->batch != NULL ? sizeof(cleat__batched)
                                        : sizeof(cleat__run);
}
/* Of a task of one; it stands behind it. */
static inline cleat__dag **cleat__dag_slot(cleat__run *run)
{
    return (cleat__dag **)(void *)((char *)run + cleat__run_size(run->type));
}
static inline cleat__dag *cleat__dag_of_task(const cleat__run *run)
{
    return *cleat__dag_slot((cleat__run *)(uintptr_t)run);
}
/* The run that it is, or that it is a task of. */
static inline const cleat__run *cleat__dag_root(const cleat__run *run)
{
    return run->type->dag != NULL ? &cleat__dag_of_task(run)->durable.run : run;
}

/* How many bytes a run of the type takes. */
size_t cleat__dag_size(const struct cleat__task_type *type);
/* A new one, whose tasks are not there yet. */
void cleat__dag_init(cleat__dag *dag);
void cleat__dag_add_task(cleat__dag *dag, cleat__run *run, cleat__dag_stage stage);

/* ---- dag.c. A failure has failed the core ---- */

/* Before anything is said of its end. */
void cleat__dag_note_text(cleat__dag_task *task, cleat_slice text);
/* What the end of a parent says to the rules of those behind it that are held. A failure has not failed the core. */
cleat_status cleat__dag_judge(cleat__dag *dag, size_t parent, cleat_slice text);
/* Which action a held task has reached, and does it. */
cleat_status cleat__dag_decide(cleat__core *core, cleat__dag *dag, size_t step);
cleat_status cleat__dag_act(cleat__core *core, cleat__dag *dag, size_t step, cleat__step_action action);
/* Its parents are behind it: it goes on to its sleeps and events, or into its queue. */
cleat_status cleat__dag_go_on(cleat__core *core, cleat__dag *dag, size_t step);
/* Looks at all ends there are, and ends the run when nothing is left. is_moving is set before anything is done to
 * tasks; afterwards the run may be gone. */
cleat_status cleat__dag_move(cleat__core *core, cleat__dag *dag);
/* A task has ended, in the file too; `text` is its output or error. */
cleat_status cleat__dag_task_ended(cleat__core *core, cleat__run *run, cleat_slice text);

/* ---- dag_wait.c ---- */

/* The task's sleeps and events are waited for. */
cleat_status cleat__dag_arm(cleat__core *core, cleat__dag *dag, size_t step);
/* One of these is met. */
cleat_status cleat__dag_meet(cleat__core *core, cleat__pending_condition *condition, cleat_slice data,
                             bool *is_decided);
/* It has ended while they were. */
cleat_status cleat__dag_disarm(cleat__core *core, cleat__dag *dag, size_t step);
/* After a restart: a condition is met, or is waited for. */
cleat_status cleat__dag_recover_condition(cleat__dag *dag, const cleat__condition_row *row);

/* ---- dag_life.c ---- */

/* Makes the tasks' runs. CLEAT_NO_MEMORY leaves it to be forgotten. */
cleat_status cleat__dag_make_tasks(cleat__core *core, cleat__dag *dag, cleat_slice desired);
/* The run's row is written: so are those of its tasks, and the first ones begin, as soon as it has its slots. `refusal`:
 * why it fails at once; absent: it does not. */
cleat_status cleat__dag_start(cleat__core *core, cleat__dag *dag, const cleat__new_task *row,
                              cleat_slice refusal);
/* One of its tasks is with a worker. */
cleat_status cleat__dag_begin(cleat__core *core, cleat__dag *dag);
cleat_status cleat__dag_cancel(cleat__core *core, cleat__dag *dag);
/* None of its tasks can begin: they fail with that error, or are cancelled. */
cleat_status cleat__dag_reject(cleat__core *core, cleat__dag *dag, cleat_slice error);
cleat_status cleat__dag_finish(cleat__core *core, cleat__dag *dag);
/* What is in memory of its tasks goes with it. */
void cleat__dag_drop(cleat__core *core, cleat__dag *dag);

/* ---- dag_limits.c ---- */

/* Whether a held task begins with the run. */
bool cleat__dag_is_first(const cleat__dag *dag, size_t step);
/* Whether the task would be in its queue if the run had its slots; it waits for these as it does for a worker. */
bool cleat__dag_waits_for_slots(const cleat__dag *dag, size_t step);
/* A run that begins, now or when it has its slots. */
cleat_status cleat__dag_line_up(cleat__core *core, cleat__dag *dag);
/* It has them until it ends. */
cleat_status cleat__dag_admit(cleat__core *core, cleat__dag *dag);
/* After a restart, when all is known of its tasks: who had begun has its slots. */
cleat_status cleat__dag_recover_slots(cleat__core *core, cleat__dag *dag);
/* A task that comes into its queue gets its lane and its seats. `desired`: what it desires from now on; empty: as
 * it was stored. */
cleat_status cleat__dag_limit_task(cleat__core *core, cleat__run *run, cleat_slice desired,
                                   cleat__buffer *limits, cleat__buffer *refusal);

/* dag_input.c: what the assignment says beyond that of another run. May replace it. */
cleat_status cleat__dag_load_assignment(cleat__core *core, cleat__run *run, const cleat__type_names *names,
                                        cleat__assignment **out);

/* ---- dag_sizes.c: what has ended is measured, if it is not. A failure has not failed the core ---- */

cleat_status cleat__dag_measure_parents(cleat__core *core, cleat__dag *dag, size_t step);
/* All that have ended so. */
cleat_status cleat__dag_measure_all(cleat__core *core, cleat__dag *dag, cleat_run_status state);

/* ---- dag_load.c ---- */

/* After a restart: a run's row was read, and then its tasks' rows. */
cleat_status cleat__dag_recover(cleat__core *core, cleat__dag *dag);
/* And when it is known what they wait for: what has ended says to those that are still held what it has said before. For
 * both: a failure has not failed the core. */
cleat_status cleat__dag_recover_rules(cleat__core *core, cleat__dag *dag);
/* A run of a workflow of several tasks that has ended runs again, or one of its tasks with all behind it. */
cleat_status cleat__dag_replay(cleat__core *core, int64_t tenant, const cleat__uuid *id,
                               const cleat__task_type *type);

#endif
