/*
 * One queue per tenant and action: retries first, then by priority, then in the order of insertion.
 * A queue that holds runs is in the list of ready queues, from which the scheduler takes turns.
 *
 * Within a queue the runs that ask for the same worker stand in one lane: where no worker can take
 * the first of them none can take the others, so that runs nobody can take hold up only their like. Such a
 * lane is set aside until a worker of the queue changes. One whose runs take more of a rate limit than is left is
 * parked until there may be enough; so is one whose runs go to workers several at a time.
 */
#ifndef CLEAT_ENGINE_QUEUE_H
#define CLEAT_ENGINE_QUEUE_H

#include "engine/run.h"
#include "model/batch.h"
#include "model/labels.h"

struct cleat__lane_list;
struct cleat__queue;
struct cleat__rate_units;
struct cleat__task_type;
struct cleat__worker;

#define CLEAT__LEVEL_AHEAD 4 /* above every priority: retries, and what was given back */

/* Of a lane whose runs go several at a time (batches.h). */
typedef struct cleat__batching {
    const cleat__batch_rule *rule;
    struct cleat__batches *batches;
    struct cleat__batch_group *group;
    struct cleat__lane *lane;
    size_t bytes;           /* of its runs */
    cleat__heap_node timer; /* when it is due; while it is parked for that */
    int64_t due_ms;         /* monotonic */
} cleat__batching;

typedef struct cleat__lane {
    struct cleat__lane *next, *previous; /* among those of its queue that hold runs */
    struct cleat__task_type *type;
    cleat__run_chain levels[CLEAT__LEVEL_AHEAD]; /* of level n at n - 1 */
    size_t count;
    uint64_t aside_in;                     /* it is aside while this is the queue's round */
    const cleat__wish *wish;               /* NULL: none but what the task desires */
    const struct cleat__rate_units *units; /* of rate limits, that each of its runs takes; NULL: none */
    int64_t noted_ms; /* monotonic; of the last note that no worker takes it; 0: there is none */
    struct cleat__lane_list *parked_in; /* it waits there, and not among the queue's; NULL: it does not */
    cleat__batching *batching;          /* NULL: its runs go one by one */
} cleat__lane;
cleat__run *cleat__lane_first(const cleat__lane *lane);

typedef struct cleat__lane_list {
    cleat__lane *head, *tail;
} cleat__lane_list;

typedef struct cleat__queue {
    struct cleat__queue *next, *previous; /* among the ready ones */
    cleat__lane_list lanes;               /* that hold runs, but for those aside */
    cleat__lane_list aside;               /* no worker could take their first run at `aside_at` */
    uint64_t aside_at;                    /* of the roster's changes */
    uint64_t round;                       /* grows when those aside come back */
    size_t count;
    size_t type_count;              /* versions with this action */
    struct cleat__worker **workers; /* those that have the action */
    size_t worker_count, worker_capacity;
    size_t turn;         /* the worker to be asked first */
    uint32_t last_order; /* of insertion, among its lanes */
    int64_t tenant;
    cleat_slice action; /* in `key` */
    char *key;          /* owned; the map's */
} cleat__queue;

typedef struct cleat__queues {
    cleat__map by_action;
    cleat__queue *ready_head, *ready_tail;
    size_t ready_count;
    size_t run_count; /* in all queues */
} cleat__queues;
void cleat__queues_deinit(cleat__queues *queues);

cleat__queue *cleat__queues_find(const cleat__queues *queues, int64_t tenant, cleat_slice action);
/* The action's queue, made when there is none. NULL on no memory. */
cleat__queue *cleat__queues_add(cleat__queues *queues, int64_t tenant, cleat_slice action);
/* Frees a queue that neither a version nor a worker refers to. */
void cleat__queues_drop(cleat__queues *queues, cleat__queue *queue);

/* At the end of `level`: the run's priority, or CLEAT__LEVEL_AHEAD. */
void cleat__queues_append(cleat__queues *queues, cleat__run *run, int level);
/* No-op when it is in no queue. */
void cleat__queues_remove(cleat__queues *queues, cleat__run *run);
/* Moves a ready queue behind the others. */
void cleat__queues_rotate(cleat__queues *queues, cleat__queue *queue);
/* Sets a lane aside, and puts all of those back behind the others. */
void cleat__queue_set_aside(cleat__queue *queue, cleat__lane *lane);
void cleat__queue_put_back(cleat__queue *queue);
/* Sets a lane aside in `list`, whatever becomes of workers, until all of that are put back into their queues. */
void cleat__queue_park(cleat__queue *queue, cleat__lane *lane, cleat__lane_list *list);
void cleat__lanes_unpark(cleat__lane_list *list);
void cleat__lane_unpark(cleat__lane *lane); /* no-op when it is not parked */
/* Whether a queued run comes before another of its queue. */
bool cleat__run_is_ahead(const cleat__run *run, const cleat__run *other);

cleat_status cleat__queue_add_worker(cleat__queue *queue, struct cleat__worker *worker);
void cleat__queue_remove_worker(cleat__queue *queue, const struct cleat__worker *worker);

#endif
