/*
 * Runs that a filter chooses: listing them, cancelling and replaying many at once. And what one run of several tasks
 * (cleat/dag.h) consists of.
 *
 *     static const char *const tasks[] = {"mail:send", NULL};
 *     size_t count = 0;
 *     cleat_status status = cleat_client_replay_many(
 *         client, CLEAT_RUN_FILTER(.tasks = tasks, .statuses = 1U << CLEAT_RUN_FAILED), &count);
 *     if (status != CLEAT_OK)
 *         fprintf(stderr, "%s\n", cleat_error_message());
 *
 * All functions may be called from any thread. At a server lists go over its HTTP side, and tasks are found by it, as
 * those of filters and schedules are (cleat/schedule.h); a namespace counts where a filter names tasks only.
 */
#ifndef CLEAT_RUNS_H
#define CLEAT_RUNS_H

#include "cleat/event.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Runs that have all that is said; what is 0 or NULL says nothing. Tasks of runs of several are not chosen: their runs
 * are. */
typedef struct cleat_run_filter {
    size_t struct_size;
    const char *const *tasks; /* of one of these, or of these workflows; 100 at most, ends with NULL */
    /* 1U << cleat_run_status, of several. EVICTED is as RUNNING, and a run that no worker took in time as FAILED,
     * although its result says CANCELLED: nobody has cancelled it. */
    unsigned statuses;
    int64_t since_ms;            /* made then or later; ms since 1970 UTC */
    int64_t until_ms;            /* ended then or before, or not ended */
    const char *const *metadata; /* one of these, each as "key:value"; ends with NULL */
} cleat_run_filter;
#define CLEAT_RUN_FILTER(...) CLEAT_OPTIONS(cleat_run_filter, __VA_ARGS__)

/* What one call does at most, to the newest; call again while the count is not 0. */
#define CLEAT_CANCEL_MANY_MAX 20000
#define CLEAT_REPLAY_MANY_MAX 1000

/*
 * Cancels runs as cleat_client_cancel() does: of those that the filter chooses the ones that have not ended. `filter`
 * NULL: all. `count` (may be NULL) gets how many were found, those that ended meanwhile among them (at a
 * server whose answer was lost, by the last try). Not in one transaction: some may have been cancelled also when it fails.
 * CLEAT_NOT_FOUND: no worker ever declared one of the
 * tasks. CLEAT_INVALID_ARGUMENT: cleat_error_message() says what is wrong; of `statuses`, when they are those of
 * runs that have ended only.
 */
CLEAT_API cleat_status cleat_client_cancel_many(cleat_client *client, const cleat_run_filter *filter,
                                                size_t *count);
/*
 * The same with cleat_client_replay() and runs that have ended. With `until_ms` at the time of the first call, those
 * that fail anew are not found once more by the next.
 */
CLEAT_API cleat_status cleat_client_replay_many(cleat_client *client, const cleat_run_filter *filter,
                                                size_t *count);

/* Strings are NUL-terminated and belong to the list. Times are ms since 1970 UTC. */
typedef struct cleat_run_entry {
    cleat_run_id id;
    const char *workflow; /* of the task: "pack" of "pack", "archive.pack" of "archive:pack" */
    cleat_run_status status;
    int64_t created_at_ms;
    int64_t started_at_ms;  /* of the newest attempt; 0: not yet */
    int64_t finished_at_ms; /* 0: not yet */
    int retry_count;        /* of the newest attempt, 0 of the first */
    const char *metadata;   /* JSON object */
    const char *error;      /* when FAILED; else NULL */
    cleat_run_id parent;    /* the run, or the task of one of several, that started it; "": none */
} cleat_run_entry;

typedef struct cleat_run_list {
    size_t count;
    cleat_run_entry *items;
} cleat_run_list;

typedef struct cleat_run_list_options {
    size_t struct_size;
    const cleat_run_filter *filter; /* NULL: all */
    const cleat_run_id *parent;     /* that this one started; NULL: any */
    const cleat_event_id *event;    /* that this event started; NULL: any */
    int64_t offset;                 /* so many are left out */
    int64_t limit;                  /* at most so many, 1 .. 1000; 0: 50 */
} cleat_run_list_options;
#define CLEAT_RUN_LIST_OPTIONS(...) CLEAT_OPTIONS(cleat_run_list_options, __VA_ARGS__)

/*
 * Newest first. `options` may be NULL. Runs that are made meanwhile move the rest by so many.
 *
 *     cleat_run_list list = {0};
 *     cleat_status status = cleat_client_list_runs(
 *         client, CLEAT_RUN_LIST_OPTIONS(.filter = CLEAT_RUN_FILTER(.statuses = 1U << CLEAT_RUN_FAILED)), &list);
 *     for (size_t i = 0; status == CLEAT_OK && i < list.count; i++)
 *         printf("%s %s\n", list.items[i].id.text, list.items[i].error);
 *     cleat_run_list_deinit(&list);
 *
 * CLEAT_NOT_FOUND: no worker ever declared one of the tasks. CLEAT_INVALID_ARGUMENT: cleat_error_message() says what
 * is wrong; also when a server would have to answer more than 64 MiB: lower the limit. CLEAT_TOO_LARGE: a question of so
 * many names is too long for a server. The caller deinits the list.
 */
CLEAT_API cleat_status cleat_client_list_runs(cleat_client *client, const cleat_run_list_options *options,
                                              cleat_run_list *out);
/* NULL-safe; a zeroed list is fine. */
CLEAT_API void cleat_run_list_deinit(cleat_run_list *list);

/* A task of a run, by the id of its own run. Strings are NUL-terminated and belong to the list. */
typedef struct cleat_task_entry {
    cleat_run_id id;
    const char *name;        /* one word, as declared; of "mail:send" it is "send" */
    cleat_run_status status; /* QUEUED also while it waits for its parents; FAILED as in a filter */
    const char *output;      /* JSON, when COMPLETED; of one that was skipped {"skipped":true}; else NULL */
    const char *error;       /* when FAILED; else NULL */
} cleat_task_entry;

typedef struct cleat_task_list {
    size_t count;
    cleat_task_entry *items;
} cleat_task_list;

/*
 * All tasks of a run, in the order of their declaration, as they are at one moment, whether it has ended or not; of a run of
 * one task that one, whose id is the run's. A server tells 12 MiB of outputs and 5 MiB of errors, in this order, over its HTTP
 * side: what comes behind that is {} or empty. CLEAT_NOT_FOUND: there is no such run. The caller deinits the list.
 */
CLEAT_API cleat_status cleat_client_list_tasks(cleat_client *client, const cleat_run_id *id,
                                               cleat_task_list *out);
/* NULL-safe; a zeroed list is fine. */
CLEAT_API void cleat_task_list_deinit(cleat_task_list *list);

#ifdef __cplusplus
}
#endif
#endif
