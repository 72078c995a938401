/*
 * Limits: how many runs of a task go on at once, and how many begin in a time.
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
 * which gives a string: `string(input.id)` of a number. One that uses others, or never gives a string, is refused when it
 * is declared. Runs with the same key share `max_runs` slots. A run
 * for which the expression gives none fails when it is started: "failed to parse step expression ...".
 * Of several rules a run must hold a slot of the first, then of the second, and so on; then it waits for
 * a worker. It holds them until it ends, but not while it backs off before a retry. Waiting for a slot counts as
 * waiting for a worker (`schedule_timeout_ms`).
 *
 * Versions of a task share the slots of a rule whose expression, strategy and place in the list they share;
 * the newest version says how many there are.
 *
 *     static const cleat_rate_limit calls[] = {{.key = "mail-api", .units = 1}};
 *     cleat_client_put_rate_limit(client, "mail-api", 100, CLEAT_PER_SECOND);
 *     cleat_worker_add_task(worker, CLEAT_TASK_OPTIONS(.name = "mail:call", .run = greet,
 *                                                      .rate_limits = calls, .rate_limit_count = 1));
 *
 * A rate limit is a number of units per window of time that tasks take by its name. An attempt takes what its run
 * asks for, of all its limits together or of none, when a worker gets it, and waits while there is not enough.
 */
#ifndef CLEAT_LIMIT_H
#define CLEAT_LIMIT_H

#include "cleat/client.h"

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
    /* An integer, as above of the run: how many its key has from then on, until a newer run says something else.
     * NULL: max_runs. A run for which it gives none of 1 .. 10000 fails when it is started. */
    const char *max_runs_expression;
    /* The rule is one that all tasks and workflows of the tenant share that declare it by this name, 255 bytes at
     * most: they share its slots, and what the last one says of it counts for all. Chains that have several of these must have them
     * in the same order. NULL: none. */
    const char *name;
    bool is_tenant_scoped; /* so it is to have a name; without it the name has no meaning */
} cleat_concurrency;

/* A month has 30 days, a year 365. */
typedef enum cleat_rate_limit_duration {
    CLEAT_PER_SECOND = 1,
    CLEAT_PER_MINUTE = 2,
    CLEAT_PER_HOUR = 3,
    CLEAT_PER_DAY = 4,
    CLEAT_PER_WEEK = 5,
    CLEAT_PER_MONTH = 6,
    CLEAT_PER_YEAR = 7,
} cleat_rate_limit_duration;

/*
 * What one attempt takes. Expressions are as above, evaluated when the run is started; a run fails at once when one
 * gives nothing of its type. With any of them the limit need not be there when the task is declared.
 */
typedef struct cleat_rate_limit {
    const char *key;              /* its name: put before the task is declared */
    const char *key_expression;   /* instead of `key`: a string */
    int32_t units;                /* 0: 1 */
    const char *units_expression; /* instead of `units`: an integer of 0 or more */
    /* An integer: the run makes the limit, or changes it, before it takes of it. -1, or NULL: it is there already. */
    const char *limit_expression;
    cleat_rate_limit_duration duration; /* the window of that; 0: a minute */
} cleat_rate_limit;

/*
 * Makes a limit of `limit` units (0 or more) per `duration`, or changes it: a lower limit counts at once, what a
 * higher one adds is there from the next window on. `key` has at most 255 bytes. CLEAT_INVALID_ARGUMENT.
 */
CLEAT_API cleat_status cleat_client_put_rate_limit(cleat_client *client, const char *key, int32_t limit,
                                                   cleat_rate_limit_duration duration);

/* A limit as it is now. */
typedef struct cleat_rate_limit_entry {
    const char *key;                    /* NUL-terminated, belongs to the list */
    int32_t limit;                      /* units per .. */
    cleat_rate_limit_duration duration; /* .. that; 0: another one, that this library does not know */
    int32_t value;                      /* units that are left */
    int64_t refilled_at_ms;             /* when all of them were there last; ms since 1970 UTC */
} cleat_rate_limit_entry;

typedef struct cleat_rate_limit_list {
    size_t count;
    cleat_rate_limit_entry *items;
} cleat_rate_limit_list;

typedef struct cleat_rate_limit_list_options {
    size_t struct_size;
    const char *search; /* keys that have this in them; NULL: all */
    int64_t offset;     /* so many are left out */
    int64_t limit;      /* at most so many, 1 .. 1000; 0: 50 */
} cleat_rate_limit_list_options;
#define CLEAT_RATE_LIMIT_LIST_OPTIONS(...) CLEAT_OPTIONS(cleat_rate_limit_list_options, __VA_ARGS__)

/*
 * By key, those that runs have made (`limit_expression`) among them; of a server over its HTTP side, as what follows.
 * `options` may be NULL. The caller deinits the list.
 */
CLEAT_API cleat_status cleat_client_list_rate_limits(cleat_client *client,
                                                     const cleat_rate_limit_list_options *options,
                                                     cleat_rate_limit_list *out);
/* NULL-safe; a zeroed list is fine. */
CLEAT_API void cleat_rate_limit_list_deinit(cleat_rate_limit_list *list);

/* CLEAT_NOT_FOUND: there is no such limit. */
CLEAT_API cleat_status cleat_client_delete_rate_limit(cleat_client *client, const char *key);

#ifdef __cplusplus
}
#endif
#endif
