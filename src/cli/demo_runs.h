/* A set of runs read from the file, and waiting for their end. */
#ifndef CLEAT_CLI_DEMO_RUNS_H
#define CLEAT_CLI_DEMO_RUNS_H

#include "demo_engine.h"
#include "demo_progress.h"

typedef struct cleat__demo_run {
    cleat__uuid id;
    cleat_run_status status;
    int32_t retries;
} cleat__demo_run;

typedef struct cleat__demo_runs {
    cleat__demo_run *list; /* newest first */
    size_t count, capacity;
} cleat__demo_runs;

/* Adds what the filter selects. Deinit on every path. */
cleat_status cleat__demo_runs_read(cleat__demo_engine *engine, const cleat__run_filter *filter,
                                   cleat__demo_runs *out);
void cleat__demo_runs_deinit(cleat__demo_runs *runs);

typedef struct cleat__demo_waiter {
    cleat__demo_engine *engine;
    cleat__demo_progress *progress;
    const atomic_bool *stop;
} cleat__demo_waiter;

/* Until the run has ended; `result` may be NULL. CLEAT_CANCELLED: stopped. */
cleat_status cleat__demo_wait(const cleat__demo_waiter *waiter, const cleat_run_id *id,
                              cleat_run_result *result);
/* The same for all that had not ended when they were read. */
cleat_status cleat__demo_wait_all(const cleat__demo_waiter *waiter, const cleat__demo_runs *runs);

#endif
