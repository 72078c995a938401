/*
 * One queue per action: retries first, then by priority, then in the order of insertion. A queue
 * that holds runs is in the list of ready queues, from which the scheduler takes turns.
 */
#ifndef CLEAT_ENGINE_QUEUE_H
#define CLEAT_ENGINE_QUEUE_H

#include "engine/run.h"

struct cleat__queue;
struct cleat__worker;

/* One version of a declaration. */
typedef struct cleat__task_type {
    int64_t id; /* task_type.id; the map's key */
    struct cleat__queue *queue;
    cleat__policy policy;
} cleat__task_type;

#define CLEAT__LEVEL_AHEAD 4 /* above every priority: retries, and what was given back */

typedef struct cleat__queue {
    struct cleat__queue *next, *previous;        /* among the ready ones */
    cleat__run_chain levels[CLEAT__LEVEL_AHEAD]; /* of level n at n - 1 */
    size_t count;
    cleat__task_type *latest;       /* what new runs start with */
    struct cleat__worker **workers; /* those that have the action */
    size_t worker_count, worker_capacity;
    size_t turn;        /* the worker to be asked first */
    cleat_slice action; /* owned; the map's key */
} cleat__queue;

typedef struct cleat__queues {
    cleat__map by_action;
    cleat__map types; /* every version, by id */
    cleat__queue *ready_head, *ready_tail;
    size_t ready_count;
    size_t run_count; /* in all queues */
} cleat__queues;
void cleat__queues_deinit(cleat__queues *queues);

cleat__queue *cleat__queues_find(const cleat__queues *queues, cleat_slice action);
cleat__task_type *cleat__queues_find_type(const cleat__queues *queues, int64_t id);
/* The action's queue, made when there is none; it has no type yet. NULL on no memory. */
cleat__queue *cleat__queues_add(cleat__queues *queues, cleat_slice action);
/* A newer version. */
cleat_status cleat__queues_add_type(cleat__queues *queues, cleat__queue *queue, int64_t id,
                                    const cleat__policy *policy);

/* At the end of `level`: the run's priority, or CLEAT__LEVEL_AHEAD. */
void cleat__queues_append(cleat__queues *queues, cleat__run *run, int level);
/* No-op when it is in no queue. */
void cleat__queues_remove(cleat__queues *queues, cleat__run *run);
cleat__run *cleat__queue_first(const cleat__queue *queue);
/* Moves a ready queue behind the others. */
void cleat__queues_rotate(cleat__queues *queues, cleat__queue *queue);

cleat_status cleat__queue_add_worker(cleat__queue *queue, struct cleat__worker *worker);
void cleat__queue_remove_worker(cleat__queue *queue, const struct cleat__worker *worker);

#endif
