/*
 * Limits: how many runs of a task go on at once.
 *
 *     static const cleat_concurrency one_per_customer[] = {
 *         {.expression = "input.customer", .max_runs = 1, .strategy = CLEAT_GROUP_ROUND_ROBIN}};
 *     cleat_worker *worker = NULL;
 *     cleat_worker_new(client, CLEAT_WORKER_OPTIONS(.slots = 8), &worker);
 *     cleat_worker_add_task(worker, CLEAT_TASK_OPTIONS(.name = "invoice:send", .run = greet,
 *                                                      .concurrency = one_per_customer,
 *                                                      .concurrency_count = 1));
 *
 * A rule names a key by an expression of CEL over `input`, `additional_metadata` and `workflow_run_id`,
 * which gives a string: `string(input.id)` of a number. Runs with the same key share `max_runs` slots. A run
 * for which the expression gives none fails when it is started: "failed to parse step expression ...".
 * Of several rules a run must hold a slot of the first, then of the second, and so on; then it waits for
 * a worker. It holds them until it ends, but not while it backs off before a retry. Waiting for a slot counts as
 * waiting for a worker (`schedule_timeout_ms`).
 *
 * Versions of a task share the slots of a rule whose expression, strategy and place in the list they share;
 * the newest version says how many there are.
 */
#ifndef CLEAT_LIMIT_H
#define CLEAT_LIMIT_H

#include "cleat/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Whom a key's slots are for. A retry is as old as its run; a replay is new. */
typedef enum cleat_concurrency_strategy {
    /* The newest runs: older ones, waiting or running, are cancelled. */
    CLEAT_CANCEL_IN_PROGRESS = 0,
    /* Others wait: by priority, then in their order. Keys take turns. */
    CLEAT_GROUP_ROUND_ROBIN = 3,
    /* The oldest runs: newer ones are cancelled. */
    CLEAT_CANCEL_NEWEST = 4,
    /* Runs that hold one keep it. Of those that wait only the newest, or the oldest, is kept. */
    CLEAT_CANCEL_QUEUED_EXCEPT_NEWEST = 5,
    CLEAT_CANCEL_QUEUED_EXCEPT_OLDEST = 6,
} cleat_concurrency_strategy;

typedef struct cleat_concurrency {
    const char *expression;
    int32_t max_runs; /* 0: 1 */
    cleat_concurrency_strategy strategy;
} cleat_concurrency;

#ifdef __cplusplus
}
#endif
#endif
