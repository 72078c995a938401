/*
 * Figures: how many runs there are in each status, and how many wait and go on by task.
 *
 *     cleat_run_metrics runs;
 *     cleat_queue_metrics queues = {0};
 *     if (cleat_client_get_run_metrics(client, NULL, &runs) == CLEAT_OK)
 *         printf("%lld have failed\n", (long long)runs.failed);
 *     if (cleat_client_get_queue_metrics(client, &queues) == CLEAT_OK)
 *         for (size_t i = 0; i < queues.count; i++)
 *             printf("%s: %lld wait\n", queues.items[i].task, (long long)queues.items[i].queued);
 *     cleat_queue_metrics_deinit(&queues);
 *
 * All functions may be called from any thread. Of a server they are told by its HTTP side.
 */
#ifndef CLEAT_METRICS_H
#define CLEAT_METRICS_H

#include "cleat/runs.h"

#ifdef __cplusplus
extern "C" {
#endif

/* By cleat_run_status, as a filter of runs has them. A Hatchet engine may count EVICTED as RUNNING. */
typedef struct cleat_run_metrics {
    int64_t queued, running, completed, failed, cancelled, evicted;
} cleat_run_metrics;

/*
 * Counts the runs that the filter chooses; NULL: all. Tasks of runs of several are not counted: their runs are. All runs
 * are looked at since `since_ms`, so of a file with millions this takes a while, which the engine does not wait for.
 * CLEAT_NOT_FOUND: no worker ever declared one of the tasks. CLEAT_INVALID_ARGUMENT: cleat_error_message() says what is
 * wrong. CLEAT_TOO_LARGE: a question of so many names is too long for a server.
 */
CLEAT_API cleat_status cleat_client_get_run_metrics(cleat_client *client, const cleat_run_filter *filter,
                                                    cleat_run_metrics *out);

/* What waits and goes on of a task, those of runs of several among them. Times are ms since 1970 UTC; 0: there is none. */
typedef struct cleat_queue_entry {
    const char *
        task; /* in small letters: "mail:send", and of "pack" "pack:pack"; NUL-terminated, belongs to the list */
    int64_t queued; /* wait for a worker, a limit or their time, but not for other tasks of their run */
    int64_t running;
    int64_t oldest_queued_at_ms;  /* since when the first of them waits */
    int64_t oldest_running_at_ms; /* since when the first of them goes on */
} cleat_queue_entry;

typedef struct cleat_queue_metrics {
    size_t count;
    cleat_queue_entry *items; /* by task; those of which nothing waits or goes on are left out */
} cleat_queue_metrics;

/* Of all tasks. The caller deinits them. (A Hatchet engine tells the times of all tasks of one name together.) */
CLEAT_API cleat_status cleat_client_get_queue_metrics(cleat_client *client, cleat_queue_metrics *out);
/* NULL-safe; a zeroed one is fine. */
CLEAT_API void cleat_queue_metrics_deinit(cleat_queue_metrics *metrics);

#ifdef __cplusplus
}
#endif
#endif
