/*
 * Runs of tasks with rate limits stand in lanes of those that take the same (engine/rates.h), and those of tasks that are
 * given several at a time in lanes of their group (engine/batches.h). What follows is of those
 * of tasks with concurrency rules: each has a seat in the group of its key of each rule, in the order of the
 * chain. It takes the first one when it would come into its queue, the next one once it holds a slot there, and comes
 * into the queue when it holds all. Until then it is QUEUED, in no lane, and its schedule timeout goes on.
 *
 * Nothing follows at once from a seat that is taken or left: its group is noted, and cleat__limits_settle() does
 * what is to be done about the noted ones, at the end of a step, when nobody is in the middle of anything. So what
 * takes a seat never finds its run cancelled under its hands.
 *
 * Who waits while his workflow is paused has empty seats: his slots are for those who share the rule. He lines up again
 * when the workflow goes on, as old as he is.
 *
 * Who holds which slots is in memory only, but for what is below. Of the file are the keys (task.limits); who runs after
 * a restart holds all of his slots, and the others line up again.
 *
 * A workflow that goes on as a new run gives it its seats of the same keys (limits_chain.c), and has none there when it is
 * replayed: of that the file has who has given what, and who has got it.
 */
#ifndef CLEAT_ENGINE_LIMITS_H
#define CLEAT_ENGINE_LIMITS_H

#include "base/buffer.h"
#include "engine/catalog.h"

struct cleat__core;

/* The slots of one key. */
typedef struct cleat__limit_group {
    cleat__group group; /* first, so that a seat leads here */
    const cleat__rule *rule;
    struct cleat__limit_group *next; /* among those noted */
    bool is_noted;
    int64_t said_ms; /* when the newest run has come that has said how many slots there are, and that run */
    cleat__uuid said_by;
    size_t seat_count; /* empty ones too */
    size_t key_size;
    char key[]; /* the rule's address, then the key; the map's */
} cleat__limit_group;

/* A run that wants slots. */
typedef struct cleat__contender {
    cleat__claim claim; /* first, so that a seat leads here; its id is the map's key */
    cleat__run *run;
    size_t held;      /* of its seats: it holds the first ones */
    bool is_left_out; /* it would wait, but its workflow is paused: all of its seats are empty */
    size_t count;
    uint32_t given;      /* bits of those that it has given to the run that it goes on as: they stay empty */
    cleat__seat seats[]; /* in the order of the chain */
} cleat__contender;

typedef struct cleat__limits {
    cleat__map contenders; /* by their run's id */
    cleat__map groups;     /* by rule and key */
    cleat__limit_group *noted, **noted_end;
} cleat__limits;
void cleat__limits_init(cleat__limits *limits);
void cleat__limits_deinit(cleat__limits *limits);

/* Whether the run's task has rules: what a run does, below, is for these. */
static inline bool cleat__run_is_limited(const cleat__run *run)
{
    return run->type->rule_count != 0;
}
/* Whether it has rules, takes units of rate limits, or goes to workers with others. */
static inline bool cleat__type_has_limits(const cleat__task_type *type)
{
    return type->rule_count != 0 || type->takings != NULL || type->needs->batch != NULL;
}
static inline bool cleat__run_has_limits(const cleat__run *run)
{
    return cleat__type_has_limits(run->type);
}

/* limits_keys.c: what is found out of a run's limits when it is started. */
typedef struct cleat__described {
    cleat__buffer text;    /* the keys, as they are stored */
    cleat__buffer refusal; /* or why it has none: then it fails */
    cleat__buffer said;    /* the rate limits that it declares: cleat__takings_declare() */
} cleat__described;
void cleat__described_deinit(cleat__described *described);
/* `trigger` has input and metadata as they are stored. Nothing is changed by it but what the expressions of a command
 * may take. */
cleat_status cleat__limits_describe(struct cleat__core *core, const cleat__run *run,
                                    const cleat__trigger *trigger, cleat__described *out);
/* The keys of one that was stored before, or of a task of a run of several, as they are now, or why there are none.
 * Limits that it declares are made. Both buffers are empty before. */
cleat_status cleat__limits_find_keys(struct cleat__core *core, const cleat__run *run, cleat__buffer *text,
                                     cleat__buffer *refusal);
/* A live run gets its lane, where it also has what it desires (absent: nothing), and its seats, all of them empty.
 * `text` is absent for one without limits. CLEAT_CORRUPT: that is no description of it. */
cleat_status cleat__limits_attach(struct cleat__core *core, cleat__run *run, cleat_slice desired,
                                  cleat_slice text);
/* It ends, or was never stored: its slots are free. No-op when it has no seats. */
void cleat__limits_detach(struct cleat__core *core, cleat__run *run);

/* `former` has ended and goes on as the run, which has its seats, empty ones: it gets those that have the same keys. */
cleat_status cleat__limits_take_over(struct cleat__core *core, cleat__run *run, cleat__run *former);
/* `*text`, JSON, has the keys of a run that is replayed: what it has given it has not. */
cleat_status cleat__limits_keep_given(struct cleat__core *core, const cleat__run *run, cleat__buffer *text);

/* It would come into its queue, at `level`. A failure has failed the core; so below. */
cleat_status cleat__limits_enter(struct cleat__core *core, cleat__run *run, int level);
/* It waits for a slot: of that rule, for that key. False: it has all that it wants, or is in no line. */
bool cleat__limits_want(const struct cleat__core *core, const cleat__run *run,
                        const cleat__concurrency **rule, cleat_slice *key);
/* A worker has it. */
void cleat__limits_taken(struct cleat__core *core, cleat__run *run);
/* It backs off, and holds nothing meanwhile. */
void cleat__limits_give_back(struct cleat__core *core, cleat__run *run);
/* At the start: it runs, or is evicted, so it holds all of them. */
cleat_status cleat__limits_hold_all(struct cleat__core *core, cleat__run *run);

/* The workflow is paused; it goes on. */
cleat_status cleat__limits_pause(struct cleat__core *core, const cleat__workflow_entry *workflow);
cleat_status cleat__limits_go_on(struct cleat__core *core, const cleat__workflow_entry *workflow);

/* A version was declared: its rules may have more slots, or fewer. */
void cleat__limits_review(struct cleat__core *core, const cleat__task_type *type);
/* What a declaration says of rules that workflows share counts for all of them from now on, whoever has said it. */
cleat_status cleat__limits_share(struct cleat__core *core, int64_t tenant, const cleat__workflow *workflow);
/* At the start, behind all versions and before the runs. */
cleat_status cleat__limits_recover(struct cleat__core *core);
static inline bool cleat__limits_are_unsettled(const cleat__limits *limits)
{
    return limits->noted != NULL;
}
/* All that is to be done, or so much that the rest is for the next step. */
cleat_status cleat__limits_settle(struct cleat__core *core);

#endif
