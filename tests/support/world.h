/*
 * The world around the core in the simulation: programs that trigger, wait and cancel, workers
 * that run and report, and what all of them were told. What the engine acknowledged is kept here
 * and compared with what it does and stores from then on.
 */
#ifndef CLEAT_TESTS_WORLD_H
#define CLEAT_TESTS_WORLD_H

#include "engine/core.h"
#include "store/expiry.h"

#include <stdio.h>

#define WORLD_STARTED    768                    /* that commands start; */
#define WORLD_TASKS      (WORLD_STARTED + 1024) /* and crons, and the tasks of runs of several */
#define WORLD_TENANTS    2
#define WORLD_WORKERS    6
#define WORLD_SLOTS      6
#define WORLD_HELD       64 /* by a worker of another process, which may not know what it has lost */
#define WORLD_BATCH      6
#define WORLD_BULK       4
#define WORLD_ACTIONS    3
#define WORLD_DAG        WORLD_ACTIONS /* the workflow of several tasks, which have these actions */
#define WORLD_STEPS      4
#define WORLD_WATCHES    4
#define WORLD_MAX_RUNS   2     /* of a key, of all rules */
#define WORLD_RATE       4     /* units of each rate limit, per second */
#define WORLD_KEPT_MS    15000 /* after their end runs are kept so long */
#define WORLD_PIECE      8
#define WORLD_BATCH_MAX  3 /* runs of a batch */
#define WORLD_BATCH_RUNS 2 /* batches of a group at workers */
#define WORLD_KEYS       8 /* of idempotency, of a tenant */
#define WORLD_TTL_MS     20000
#define WORLD_CRONS      6 /* that programs make, of all tenants */
#define WORLD_OFTEN      "*/30 * * * * *"
#define WORLD_WAITS      2 /* nodes of durable runs, at most */
#define NOBODY           SIZE_MAX

extern const char *const world_actions[WORLD_ACTIONS], *const world_workflows[WORLD_DAG + 1];

#define WORLD_FILTER_PAYLOAD "{\"f\":1}"
#define WORLD_CRON_INPUT     "{\"cron\":1}"
#define WORLD_DAG_CRON       "*/2 * * * *"

/* Whether it is gone because it is old. PERHAPS: that was asked for, and not answered yet, or never. */
typedef enum sim_removal { REMOVED_NOT, REMOVED_PERHAPS, REMOVED } sim_removal;
typedef enum sim_expires { EXPIRES_RUNS, EXPIRES_EVENTS, EXPIRES_REST, EXPIRES_KINDS } sim_expires;

/* What was found to be old, of which the first ones are gone or asked for. */
typedef struct sim_expiry {
    sim_expires kind;
    int64_t before_ms;
    cleat__expired found;
    size_t next;
} sim_expiry;

/* So many of it. */
typedef struct sim_piece {
    sim_expires kind;
    int64_t before_ms, rows;
    size_t count;
    cleat__uuid ids[WORLD_PIECE];
    bool was_removed[WORLD_PIECE];
} sim_piece;

/* A task of a workflow of several, see world_dag.c. */
typedef struct world_step world_step;

/* A run as the world knows it. */
typedef struct known {
    cleat__uuid id;
    int64_t tenant;
    bool is_acknowledged;
    bool has_idempotency_key; /* or may have: another run may stand for it, and it never starts */
    bool is_dag;              /* a run of several tasks; */
    const world_step *step;   /* one of these; NULL: any other run */
    size_t root;              /* of a task: its run */
    bool is_child;
    size_t parent;
    char key[16];       /* as the engine compares it */
    char child_key[16]; /* "" : the index counts */
    int64_t child_index;
    char input[32], metadata[160];
    bool is_pushed;        /* by an event, if it starts one at all; */
    bool is_filtered;      /* by a filter of it, whose payload it has; */
    bool asks_filter;      /* by one that a program has made, if that is true */
    bool is_cron;          /* by a cron: the world hears of it when it is there */
    bool is_by_hand;       /* and not at its time */
    bool is_scheduled;     /* or at a time: nobody is told the id of such a run */
    bool starts;           /* there is a run, or will be one */
    cleat__uuid source_id; /* of the event, or of the schedule */
    int64_t at_ms;         /* of the schedule */
    bool is_refused;       /* for its key */
    bool is_taken_back;    /* it will never run */
    bool is_in_doubt;      /* who took it back was not answered */
    bool has_fired;
    bool was_started;                   /* before its time */
    cleat__uuid desired;                /* worker; nil: any */
    bool needs_label;                   /* of its worker */
    sim_removal removal, event_removal; /* of the run; of the event that has started it, if one has */
    int32_t attempt;                    /* the highest assigned; -1: none yet */
    bool is_returned;                   /* that attempt was given back unstarted and may come again */
    size_t next;           /* what it is to go on as, a child that is held until then; 0: nothing */
    cleat__uuid told_next; /* its id as the worker was told it; nil: it asks again */
    bool is_next;          /* that is to go on in place of its parent */
    int32_t invocation;    /* of a durable run: the highest assigned */
    bool is_replayed;      /* or may be: it may live again, and end in another way */
    int end;               /* a final cleat_run_status that was seen or acknowledged; -1: none */
    char output[192];
} known;

typedef struct sim_held {
    size_t task;
    int32_t retry_count;
    cleat__uuid batch_id; /* nil: it came by itself */
    int32_t invocation;   /* of a durable run; else 0 */
    bool has_next;        /* it has asked for the run that it goes on as */
} sim_held;

struct sim_world;
struct cleat__run;
typedef struct sim_worker {
    struct sim_world *world;
    int64_t tenant;
    bool is_there;
    bool is_remote;    /* of another process: outlives the engine */
    bool is_known;     /* remote: its registration was acknowledged */
    bool is_listening; /* remote */
    bool has_left;     /* remote: it unsubscribed, so that it may be forgotten */
    uint64_t session;
    cleat__uuid id;
    int label; /* -1: nobody knows */
    int32_t slots;
    sim_held held[WORLD_HELD];
    int32_t count;
} sim_worker;

/* A filter that a program has made, or may have. */
typedef struct sim_filter {
    cleat__uuid id;
    bool is_there, is_true;
    bool is_in_doubt;
} sim_filter;

/* A cron that a program has made, or may have; its name is of it alone. */
typedef struct sim_cron {
    cleat__uuid id; /* nil: there is none */
    int64_t tenant;
    char name[16];
    size_t workflow;
    bool is_acknowledged, is_in_doubt; /* something was said of it, and not answered */
    bool is_enabled, is_deleted;
    /* Unix: it has nothing to do in between; on_ms INT64_MAX: nobody has said so yet. */
    int64_t off_ms, on_ms;
} sim_cron;

/* Somebody who looks at a run. */
typedef struct sim_watch {
    cleat__watch watch;
    struct sim_world *world;
    size_t task;
    bool is_there;    /* from WATCH until UNWATCH is answered */
    bool is_answered; /* WATCH was */
    bool is_leaving;
    bool has_hung_up;
    bool is_lost; /* there was too little memory to tell it */
} sim_watch;

/* One command on its way, with all it borrows. */
typedef struct sim_slip {
    cleat__command command; /* first, so that an answer leads here */
    struct sim_slip *next;  /* among all that are on their way */
    struct sim_world *world;
    sim_piece piece; /* CALL: to be removed; nothing: another call */
    cleat__workflow workflow;
    cleat__workflow_task steps[WORLD_STEPS]; /* of it */
    cleat__concurrency rules[2];
    cleat__rate_use use;
    cleat__batch_config batch;
    cleat__idempotency key;
    cleat__trigger items[WORLD_BULK];
    cleat__uuid ids[WORLD_BULK], refused[WORLD_BULK];
    size_t tasks[WORLD_BULK];
    size_t task;     /* the run it is about, or NOBODY */
    bool was_held;   /* REPORT: of an attempt that is running, so it counts */
    bool is_foreign; /* of another tenant: there is nothing that it names */
    bool must_exist; /* of a worker that is registered */
    bool asks_next;  /* DURABLE: for the run that it goes on as */
    bool says_next;  /* REPORT: it goes on as that, if it was told of one by then */
    size_t followed; /* CANCEL: what the run has gone on as by then, or itself */
    bool lacks;      /* memory was short when it was done */
    sim_worker *by;  /* whoever let go of an attempt by it, */
    sim_held was;    /* of this one */
    sim_worker *registered;
    sim_worker *left; /* one that did, and may be forgotten */
    sim_watch *looks; /* WATCH and UNWATCH */
    cleat__worker_spec spec;
    cleat__slots slots[2];
    cleat__durable_request requests[WORLD_WAITS + 1];
    cleat__node node;
    cleat__label label;
    cleat__desired_label desired;
    cleat__user_event events[WORLD_BULK];
    cleat__schedule schedule;
    cleat__schedule_change change;
    cleat__recurrence recurrence;
    cleat__filter filter;
    size_t cron; /* of the world's */
    int64_t at_ms;
    int64_t timeout_at_ms;
    cleat_slice action;
    cleat_run_result result;
    char text[64];
} sim_slip;

/* What happened, so that a run of seeds shows that all of it does: X(name, what it is, in how many of 100 lives at
 * least). */
#define WORLD_SEEN(X)                                                    \
    X(crashes, "crashes", 100)                                           \
    X(triggers, "runs", 100)                                             \
    X(completed, "completed", 100)                                       \
    X(failed, "failed", 50)                                              \
    X(cancelled, "cancelled", 50)                                        \
    X(retried, "attempts repeated", 100)                                 \
    X(remote_completed, "completed by workers of other processes", 50)   \
    X(resumed, "of these after a restart", 1)                            \
    X(pushed, "by events", 100)                                          \
    X(scheduled, "by schedules", 100)                                    \
    X(moved, "of schedules were moved", 10)                              \
    X(started_now, "were started before", 5)                             \
    X(by_crons, "by crons", 100)                                         \
    X(by_programs, "by those of programs", 50)                           \
    X(switched, "of which were switched on or off", 20)                  \
    X(by_hand, "by hand", 10)                                            \
    X(judged, "by filters of programs", 10)                              \
    X(desired, "went to the worker that they had to", 1)                 \
    X(labelled, "to one with a label", 1)                                \
    X(hung_up, "ends were looked at", 50)                                \
    X(replayed, "were replayed", 10)                                     \
    X(held_back, "waits for slots of a key, as seen between steps", 100) \
    X(superseded, "cancelled for these", 50)                             \
    X(refused, "refused for their idempotency keys", 50)                 \
    X(waited, "ends of invocations that wait", 100)                      \
    X(held_next, "asked for runs that they go on as", 100)               \
    X(went_on, "went on as these", 50)                                   \
    X(followed, "were cancelled by the ids of former ones", 1)           \
    X(parked, "waits for units of rate limits", 100)                     \
    X(paused, "waits of runs of paused workflows", 100)                  \
    X(left_out, "of these without slots of their keys", 50)              \
    X(together, "were handed out together", 100)                         \
    X(filling, "waits for batches to be full", 100)                      \
    X(dags_completed, "runs of several tasks completed", 100)            \
    X(dags_failed, "failed", 25)                                         \
    X(dags_cancelled, "were cancelled", 25)                              \
    X(skipped, "tasks of these were skipped", 25)                        \
    X(stood, "were handed out when they had waited", 25)                 \
    X(lacked, "commands had too little memory, and were not done", 50)   \
    X(broken, "of the crashes were for that", 1)                         \
    X(removed, "runs and events were old and removed", 100)
typedef struct world_seen {
#define MEMBER(name, what, least) uint64_t name;
    WORLD_SEEN(MEMBER)
#undef MEMBER
} world_seen;

typedef struct sim_world {
    cleat__core *core;
    cleat__now now;
    cleat__random random;
    uint64_t seed;
    bool is_verbose;
    char directory[256], path[320];
    unsigned crashes;
    uint64_t number;   /* for texts that occur once */
    int64_t latest_ms; /* Unix; the highest that the clock has shown */
    bool clock_went_back;
    bool clock_was_wrong; /* it was set back so far that times of crons may come once more */
    bool has_no_crons;    /* no workflow declares any from now on */
    bool is_of_chains;    /* runs go on as new ones whenever they can */
    bool is_poor;         /* memory is short now and then */
    known tasks[WORLD_TASKS];
    size_t task_count;
    sim_worker workers[WORLD_WORKERS];
    sim_watch watches[WORLD_WATCHES];
    sim_cron crons[WORLD_CRONS];
    sim_filter filters[WORLD_TENANTS];
    sim_slip *slips;
    sim_expiry expiry;
    uint64_t steps;
    world_seen seen;
} sim_world;

/* Ends the test with the seed. */
void world_fail(const sim_world *world, const char *format, ...) CLEAT_PRINTF(2, 3);
void world_note(const sim_world *world, const char *format, ...) CLEAT_PRINTF(2, 3);
#define world_check(world, condition, ...)    \
    do {                                      \
        if (!(condition)) {                   \
            world_fail((world), __VA_ARGS__); \
        }                                     \
    } while (0)

static inline uint64_t pick(sim_world *world, uint64_t bound)
{
    return cleat__random_below(&world->random, bound);
}

static inline size_t world_find(const sim_world *world, const cleat__uuid *id)
{
    for (size_t i = world->task_count; i > 0; i--) {
        if (cleat__uuid_equals(&world->tasks[i - 1].id, id)) {
            return i - 1;
        }
    }
    return NOBODY;
}

/* What is stored of a run. */
typedef struct world_stored {
    int state; /* -1: nothing */
    bool is_skipped;
    bool is_free; /* it lives, and is not held */
} world_stored;

/* The run is one that an event or a schedule made, and nobody was told of: now it has its name. NOBODY:
 * it is not, or was made twice. */
size_t world_name(sim_world *world, const cleat__uuid *id, cleat_slice input);
/* The same of what a cron made, by its metadata: no time of a cron has two runs. */
size_t world_name_cron(sim_world *world, int64_t tenant, const cleat__uuid *id, cleat_slice input,
                       cleat_slice metadata);

/* ---- world_commands.c: making random commands ---- */

/* NULL when the dice fell on something that is not possible just now. */
sim_slip *world_new_command(sim_world *world);
sim_slip *world_hire(sim_world *world, size_t worker, int64_t tenant, const char *action, int32_t slots);
sim_slip *world_dismiss(sim_world *world, size_t worker);
sim_slip *world_heartbeat(sim_world *world, size_t worker);
/* Success of whatever the worker took last. */
sim_slip *world_succeed(sim_world *world, size_t worker);
/* A report on the attempt that the worker has at that place. */
sim_slip *world_report(sim_world *world, sim_worker *worker, size_t index);
sim_slip *world_new_slip(sim_world *world, cleat__command_kind kind);
int64_t world_any_tenant(sim_world *world);
const char *world_any_workflow(sim_world *world, known *task);
/* Mostly a young one; NOBODY: there is none. */
size_t world_any_task(sim_world *world);
/* The run's, but now and then another one. */
void world_set_tenant(sim_world *world, sim_slip *made, size_t task);
/* A run that somebody is about to start; `parent`: NOBODY, it is no child. */
known *world_new_task(sim_world *world, int64_t tenant, size_t parent);
/* The ids that a TRIGGER, PUSH, SCHEDULE or DURABLE got; before anything is told. */
void world_learn_ids(sim_world *world, const sim_slip *slip);

/* ---- world_timetable.c ---- */

/* Something about schedules. */
sim_slip *world_plan(sim_world *world);
void world_answered_schedule(sim_world *world, const sim_slip *slip);

/* ---- world_crons.c ---- */

/* One is made, or something is said of one. */
sim_slip *world_change_crons(sim_world *world);
sim_slip *world_delete_cron(sim_world *world, size_t cron); /* NULL: it is gone */
void world_learn_cron(sim_world *world, const sim_slip *slip);
void world_answered_cron(sim_world *world, const sim_slip *slip);
void world_unanswered_cron(sim_world *world, const sim_slip *slip);
/* A run that a cron has made. */
void world_check_fired(sim_world *world, const known *run);
/* What is acknowledged of crons is stored. */
void world_audit_crons(sim_world *world, cleat__store *store);

/* ---- world_filters.c ---- */

/* The filter of a tenant is made, changed or deleted. */
sim_slip *world_change_filter(sim_world *world);
/* Which of the events start a run; before they are pushed. */
void world_judge(sim_world *world, const sim_slip *slip);
/* A command about one was done; and it was not answered. */
void world_note_filter(sim_world *world, const sim_slip *slip);
void world_unanswered_filter(sim_world *world, const sim_slip *slip);
void world_audit_filters(sim_world *world, cleat__store *store);

/* ---- world_wishes.c ---- */

/* Some would rather have one of the workers, or one with a label, or must. */
void world_add_wish(sim_world *world, sim_slip *made, size_t item);
/* A worker gets another label. */
sim_slip *world_label(sim_world *world);
void world_unanswered_label(sim_world *world, const sim_slip *slip);
void world_check_wishes(sim_world *world, const sim_worker *worker, const known *task);

/* ---- world_watches.c ---- */

sim_slip *world_look_on(sim_world *world);

/* ---- world_declare.c ---- */

/* One of the workflows, with random options. */
sim_slip *world_declare(sim_world *world, int64_t tenant, size_t workflow);

/* ---- world_dag.c ---- */

/* Makes of the slip's workflow one of several tasks, in a random shape; its first task has the policy. */
void world_add_steps(sim_world *world, sim_slip *made);
/* The run has this task, which nobody knew yet. */
size_t world_name_task(sim_world *world, size_t root, const cleat__uuid *id, cleat_slice name);
/* The run, or one of such a run, may live again, and all that belongs to it. */
void world_replay_dag(sim_world *world, size_t task);
/* What a task is told of those it comes after. */
void world_check_told(const sim_world *world, const known *task, const cleat__assignment *given);
/* What memory knows of such runs; how many of them are running. */
uint64_t world_check_dags(const sim_world *world);
/* What the file says of all of them; and of one, by what is stored of each run that is known. */
void world_audit_ends(const sim_world *world, cleat__store *store);
void world_check_stored_dag(const sim_world *world, const world_stored *stored, size_t root);

/* ---- world_keys.c ---- */

void world_add_key(sim_world *world, sim_slip *made);
/* Some of what is triggered was refused: another run has the key. */
void world_check_refused(sim_world *world, const sim_slip *slip);
/* No two runs had a key at the same time. */
void world_audit_keys(const sim_world *world, cleat__store *store);

/* ---- world_durable.c ---- */

/* The first nodes of each run are such. */
void world_ask_waits(sim_slip *made, size_t count);
/* An invocation that the worker has ends and waits. NULL: it is of no durable run. */
sim_slip *world_wait(sim_world *world, sim_worker *worker, size_t index);
void world_answered_durable(sim_world *world, sim_slip *slip);
/* Whether that is the run's present invocation; of a run that is not durable anything is. */
bool world_is_present(const sim_world *world, struct cleat__run *run, int32_t invocation);

/* ---- world_chains.c ---- */

/* An invocation asks for the run that it goes on as, the same in each, or ends when it has. NULL: there is none. */
sim_slip *world_go_on(sim_world *world);
/* It was asked for and has its id now; before anything is told. */
void world_learn_next(sim_world *world, const sim_slip *slip);
void world_answered_next(sim_world *world, const sim_slip *slip);
void world_unanswered_next(sim_world *world, const sim_slip *slip);
/* The report names it as its output. */
void world_say_next(sim_world *world, sim_slip *slip);
/* The run that lives of those that the one has gone on as. */
size_t world_follow(const sim_world *world, size_t task);
/* The child's parent is that one, or what goes between them was old and is gone. */
bool world_is_parent(const sim_world *world, const known *task, const cleat__uuid *id);
/* The outputs are the same, or name what the run has gone on as: what was between is gone. */
bool world_is_output(const sim_world *world, const known *task, const char *output);
/* Who goes on as another one, and what is held for it. */
void world_check_chains(const sim_world *world);
void world_check_stored_next(const sim_world *world, const world_stored *stored, size_t task);

/* ---- world_expiry.c ---- */

/* Removes some of what is old; NULL: it has just looked for it. */
sim_slip *world_expire(sim_world *world);
void world_answered_expiry(sim_world *world, const sim_slip *slip);
/* There is nothing any more. */
void world_check_gone(const sim_world *world);

/* ---- world_effects.c: what the engine says ---- */

void world_assigned(void *self, cleat__assignment *list);
void world_cancelled(void *self, const cleat__uuid *task_id, int32_t retry_count);
void world_told(void *self, const cleat__happening *happening);
/* Whoever looks at a run that has ended was told so. */
void world_check_watches(const sim_world *world);
/* Slots of keys: who holds them, and whether anybody waits for one that is free. */
void world_check_limits(sim_world *world);
/* Runs that have ended so, "SUPERSEDED". */
uint64_t world_count(const sim_world *world, const char *outcome);
/* A run whose end is told: all ends of it are the same. */
void world_set_end(sim_world *world, known *task, int end, const char *output);
/* Finds a run, or names it, by what is told of it. */
size_t world_find_run(sim_world *world, int64_t tenant, const cleat__uuid *id, cleat_slice input,
                      cleat_slice metadata);
/* A slip that was answered after a commit. Frees it. */
void world_answered(sim_world *world, sim_slip *slip);
/* After a crash: it was never answered. What it would have started may exist all the same. Frees it. */
void world_unanswered(sim_world *world, sim_slip *slip);

/* ---- world_memory.c ---- */

/* From now on the world's memory is the engine's. */
void world_give_memory(void);
/* Does the command; in some worlds memory may be short. */
void world_do(sim_world *world, sim_slip *slip);
/* It was not done for that. */
void world_answered_nothing(sim_world *world, const sim_slip *slip);

/* ---- world_pauses.c ---- */

sim_slip *world_pause(sim_world *world); /* or lets it go on */
sim_slip *world_resume(sim_world *world, int64_t tenant, size_t number);
void world_check_pauses(sim_world *world);
void world_check_assigned(const sim_world *world, const cleat__uuid *id);

/* ---- world_batches.c ---- */

/* Who is in them, who waits for one, and whether somebody will look at that again. */
void world_check_batches(sim_world *world);

/* ---- world_audit.c ---- */

/* Compares all that is stored with all that is known. */
void world_audit(sim_world *world, bool must_have_ended);

#endif
