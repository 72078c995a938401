/*
 * Many runs at once: cancelling and replaying those that a filter chooses. And what one run of several tasks (cleat/dag.h)
 * consists of.
 *
 *     static const char *const tasks[] = {"mail:send", NULL};
 *     size_t count = 0;
 *     cleat_status status = cleat_client_replay_many(
 *         client, CLEAT_RUN_FILTER(.tasks = tasks, .statuses = 1U << CLEAT_RUN_FAILED), &count);
 *     if (status != CLEAT_OK)
 *         fprintf(stderr, "%s\n", cleat_error_message());
 *
 * All functions may be called from any thread. At a server tasks are found by its HTTP side, as those of filters and
 * schedules are (cleat/schedule.h), and a namespace counts where a filter names tasks only.
 */
#ifndef CLEAT_RUNS_H
#define CLEAT_RUNS_H

#include "cleat/client.h"

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
    int64_t since_ms;            /* started then or later; ms since 1970 UTC */
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
