/*
 * Batches: a task whose runs are given to its function several at a time.
 *
 *     static cleat_status insert_all(cleat_batch *batch, void *user_data)
 *     {
 *         (void)user_data;
 *         for (size_t i = 0; i < cleat_batch_count(batch); i++) {
 *             cleat_task *task = cleat_batch_task(batch, i);
 *             cleat_slice row = cleat_task_input(task); // {"shop":"north","cents":990}
 *             if (row.size > 1000) {
 *                 cleat_task_fail(task, CLEAT_INVALID_ARGUMENT, "the row has %zu bytes", row.size);
 *             }
 *         }
 *         return CLEAT_OK; // of all others
 *     }
 *
 *     static cleat_status add_rows(cleat_worker *worker)
 *     {
 *         static const cleat_batch_config rows = {.max_size = 100, .group_key = "input.shop"};
 *         return cleat_worker_add_task(
 *             worker, CLEAT_TASK_OPTIONS(.name = "rows:insert", .run_batch = insert_all, .batch = &rows));
 *     }
 *
 * Each run is started, awaited and cancelled as that of any task, and has an output, an error, a log, a stream,
 * children and timeouts of its own. Runs wait until there are `max_size` of them, until the first has waited for
 * `interval_ms`, or until their inputs and metadata have 4 MiB; then they are one batch, for one worker, of which
 * they take what one run would. There are no retries. See docs/batches.md.
 */
#ifndef CLEAT_BATCH_H
#define CLEAT_BATCH_H

#include "cleat/client.h"
#include "cleat/context.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cleat_task cleat_task; /* cleat/task.h */

/* What batches are made of. */
typedef struct cleat_batch_config {
    int32_t max_size;    /* runs, 1 .. 100,000; required */
    int64_t interval_ms; /* 1 .. 86,400,000; 0: 1,000 */
    /* CEL over `input`, `additional_metadata` and `workflow_run_id`, which gives a string of at most 1024 bytes:
     * runs of which it gives the same are a group, and no batch has those of two. A run of which it gives none fails
     * when it is started. NULL: all are one. */
    const char *group_key;
    int32_t group_max_runs; /* batches of a group that run at the same time, 1 .. 10,000; 0: 100 */
} cleat_batch_config;

/* A batch that runs. Valid during its function only. */
typedef struct cleat_batch cleat_batch;

/*
 * The body of such a task. A run of which cleat_task_return() or cleat_task_fail() was told ends as the last of
 * these calls says; all others as the status answered says: CLEAT_OK completes them. Runs on one of the
 * worker's threads, which belongs to none of the runs: see cleat_task_attach().
 */
typedef cleat_status (*cleat_batch_function)(cleat_batch *batch, void *user_data);

/* Its runs, oldest first, as many as there are now: 1 or more. Those cancelled before it began are left out. */
CLEAT_API size_t cleat_batch_count(const cleat_batch *batch);
/* One of them, for the functions of cleat/task.h; NULL beyond the end. */
CLEAT_API cleat_task *cleat_batch_task(cleat_batch *batch, size_t index);
/* The engine's name for it, a UUID. */
CLEAT_API const char *cleat_batch_id(const cleat_batch *batch);
/* What `group_key` gave for its runs; "": there are no groups. */
CLEAT_API const char *cleat_batch_key(const cleat_batch *batch);
/* Why they did not wait any more, for people: "batch size threshold 100 reached". */
CLEAT_API const char *cleat_batch_reason(const cleat_batch *batch);
/* Whether all its runs are cancelled, see cleat_task_is_cancelled(). */
CLEAT_API bool cleat_batch_is_cancelled(const cleat_batch *batch);

/* The output of all runs that have no end of their own, when the function answers CLEAT_OK; as cleat_task_return(). */
CLEAT_API cleat_status cleat_batch_return(cleat_batch *batch, const char *json);
/* The error message of these, when it answers something else; as cleat_task_fail(). */
CLEAT_API cleat_status cleat_batch_fail(cleat_batch *batch, cleat_status status, const char *format, ...)
    CLEAT_PRINTF(3, 4);

/*
 * Makes the thread work for this run of a batch, until cleat_scope_detach(): spans begun meanwhile are its own, and events
 * pushed meanwhile come from it. Runs that it spawns are tied to it anyway. Also for threads of the program's own; for
 * a task that is alone it is about spans only.
 */
CLEAT_API cleat_scope cleat_task_attach(const cleat_task *task);

#ifdef __cplusplus
}
#endif
#endif
