/*
 * Runs of tasks that are given several at a time (model/batch.h, engine.md 22). Those of one group that wish the same
 * stand in one lane, which is parked until it is due: when there are enough runs in it, they are large together, or the
 * first of them has waited for long enough. Then it stands among the other lanes of its queue, and when its turn comes a
 * worker gets its first runs together, as one batch, if there are not too many batches of the group at workers.
 *
 * Each run of a batch has its own life. Together they hold the slots of one run: the first has them, and when that is over
 * another one, until all are. After a restart batches go on, and those that wait wait for what is left.
 */
#ifndef CLEAT_ENGINE_BATCHES_H
#define CLEAT_ENGINE_BATCHES_H

#include "base/buffer.h"
#include "engine/catalog.h"

struct cleat__core;
struct cleat__worker;
struct json_t;

/* Runs of a version that its expression says are of one kind. */
typedef struct cleat__batch_group {
    int32_t running;       /* batches at workers */
    size_t user_count;     /* lanes and batches */
    cleat__lane_list full; /* lanes that wait for one of these batches to be over */
    size_t key_size;       /* of: */
    char key[];            /* the version's number, then the group's key with a NUL behind it; the map's */
} cleat__batch_group;
cleat_slice cleat__batch_group_key(const cleat__batch_group *group);

/* Runs that a worker was given together, until the last of them is over. */
typedef struct cleat__batch {
    cleat__uuid id; /* the map's key */
    cleat__batch_group *group;
    cleat__batch_reason reason; /* CLEAT__BATCH_WAIT: not known any more */
    cleat__batched *first;
    cleat__run *holder; /* of the slots; NULL: nobody, or */
    bool has_released;  /* they are free */
} cleat__batch;

typedef struct cleat__batches {
    cleat__map groups;
    cleat__map running;
    cleat__heap timers;       /* of lanes */
    cleat__lane_list waiting; /* lanes that are not due */
} cleat__batches;
void cleat__batches_init(cleat__batches *batches);
void cleat__batches_deinit(cleat__batches *batches); /* behind the lanes */

static inline bool cleat__run_is_batched(const cleat__run *run)
{
    return run->type->needs->batch != NULL;
}
/* Of a run that is. */
static inline cleat__batched *cleat__batched_of(cleat__run *run)
{
    return CLEAT__CONTAINER(run, cleat__batched, run);
}

/* Appends ,"batch":"key","bytes":n, by which it finds its lane (cleat__limits_describe()). CLEAT_INVALID_ARGUMENT or
 * CLEAT_RESOURCE_EXHAUSTED: there is no key, and why. */
cleat_status cleat__batches_describe(const cleat__run *run, const cleat__expression_variables *variables,
                                     cleat__buffer *text);
/* The group that it is of by what that has appended, with a user more; its size is noted. */
cleat_status cleat__batches_find_group(cleat__batches *batches, cleat__run *run,
                                       const struct json_t *described, cleat__batch_group **out);
void cleat__batches_leave_group(cleat__batches *batches, cleat__batch_group *group);
/* A lane is of the group, which counts it among its users already. */
void cleat__batching_init(cleat__batching *batching, cleat__batches *batches, cleat__batch_group *group,
                          cleat__lane *lane);
void cleat__batching_deinit(cleat__batching *batching); /* NULL-safe */
/* A run has come into the lane. */
void cleat__batching_add(cleat__batching *batching, cleat__run *run);

/* Whether the lane is due and its group has room; if not, it is parked until it may be. A failure has failed the core; so
 * below. */
cleat_status cleat__batches_look(struct cleat__core *core, cleat__lane *lane, bool *is_parked);
/* The worker gets the first runs of the lane, which is due; `*count`: how many. */
cleat_status cleat__batches_assign(struct cleat__core *core, cleat__lane *lane, struct cleat__worker *worker,
                                   size_t *count);
/* Lanes whose time has come. */
void cleat__batches_fire(struct cleat__core *core);
/* The monotonic time of the next; INT64_MAX: none. */
int64_t cleat__batches_next_ms(const cleat__batches *batches);

/* What the assignment of a batched run says of its batch. May replace it. */
cleat_status cleat__batches_dress(struct cleat__core *core, cleat__run *run, cleat__assignment **out);
/* At the start: it runs, as one of a batch with that id. */
cleat_status cleat__batches_resume(struct cleat__core *core, cleat__run *run, const cleat__uuid *id);
/* The worker holds it: with the slots, or beside who has those. */
void cleat__batches_hold(struct cleat__worker *worker, cleat__run *run);
/* The run that has the slots of a batch; NULL: they are free. */
cleat__run *cleat__batches_holder(cleat__run *run);
/* The slots are free, the batch goes on. */
void cleat__batches_release_slots(cleat__run *run);
/* It is over for the run, which its worker still holds: another one has the slots. No-op when it is in none. */
void cleat__batches_let_go(cleat__batches *batches, cleat__run *run);

#endif
