#include "demo_leftovers.h"

#include "base/clock.h"
#include "demo_runs.h"

static const char *const tasks[] = {CLEAT__DEMO_SCAN, CLEAT__DEMO_PACK};
enum { TASK_COUNT = sizeof(tasks) / sizeof(*tasks) };

/* Runs of the demo's tasks in one status; others' runs in the same file are none of its business. */
static cleat_status read_status(cleat__demo_engine *engine, cleat_run_status status, cleat__demo_runs *out)
{
    cleat_status result = CLEAT_OK;
    for (int i = 0; i < TASK_COUNT && result == CLEAT_OK; i++) {
        const cleat__run_filter filter = {
            .status = (int32_t)status, .task = cleat_slice_of(tasks[i]), .limit = INT64_MAX};
        result = cleat__demo_runs_read(engine, &filter, out);
    }
    return result;
}

static cleat_status read_unfinished(cleat__demo_engine *engine, cleat__demo_runs *out)
{
    cleat_status status = read_status(engine, CLEAT_RUN_QUEUED, out);
    return status == CLEAT_OK ? read_status(engine, CLEAT_RUN_RUNNING, out) : status;
}

static cleat_status count_status(cleat__demo_engine *engine, cleat_run_status status, int64_t *count)
{
    cleat__demo_runs runs = {0};
    cleat_status result = read_status(engine, status, &runs);
    *count = (int64_t)runs.count;
    cleat__demo_runs_deinit(&runs);
    return result;
}

static cleat_status count_ended(cleat__demo_engine *engine, int64_t *completed, int64_t *failed)
{
    cleat_status status = count_status(engine, CLEAT_RUN_COMPLETED, completed);
    return status == CLEAT_OK ? count_status(engine, CLEAT_RUN_FAILED, failed) : status;
}

cleat_status cleat__demo_leftovers_count(cleat__demo_engine *engine, cleat__demo_leftovers *out)
{
    cleat__demo_runs runs = {0};
    memset(out, 0, sizeof(*out));
    cleat_status status = read_unfinished(engine, &runs);
    out->before = (int64_t)runs.count;
    cleat__demo_runs_deinit(&runs);
    if (status == CLEAT_OK) {
        status = count_ended(engine, &out->completed, &out->failed);
    }
    return status;
}

/* A scan that goes on spawns more, so it is looked again until nothing is left. */
static cleat_status wait_for_all(const cleat__demo_waiter *waiter)
{
    cleat_status status = CLEAT_OK;
    bool more = true;
    while (more && status == CLEAT_OK) {
        cleat__demo_runs runs = {0};
        status = read_unfinished(waiter->engine, &runs);
        more = runs.count > 0;
        if (status == CLEAT_OK) {
            status = cleat__demo_wait_all(waiter, &runs);
        }
        cleat__demo_runs_deinit(&runs);
    }
    return status;
}

cleat_status cleat__demo_leftovers_finish(cleat__demo_engine *engine, const atomic_bool *stop,
                                          cleat__demo_leftovers *out)
{
    cleat__demo_progress progress;
    const cleat__demo_waiter waiter = {engine, &progress, stop};
    int64_t completed = 0, failed = 0;
    int64_t start_ns = cleat__clock_monotonic_ns(NULL);
    cleat__demo_progress_begin(&progress, "resumed", out->before);
    cleat_status status = wait_for_all(&waiter);
    cleat__demo_progress_end(&progress);
    if (status == CLEAT_OK) {
        status = count_ended(engine, &completed, &failed);
    }
    out->seconds = (double)(cleat__clock_monotonic_ns(NULL) - start_ns) / 1e9;
    out->completed = completed - out->completed;
    out->failed = failed - out->failed;
    return status;
}
