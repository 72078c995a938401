/*
 * The engine on its thread. All functions may be called from any thread but the engine's own
 * (callbacks run there); each blocks until its effect is on disk, unless it says otherwise. The engine's thread
 * is for the time of a step also that which asks by cleat__engine_ask() for an invocation, so nobody does that
 * with a lock that a callback takes.
 *
 * After a failed write the engine refuses everything with that status (CLEAT_IO, CLEAT_DISK_FULL)
 * until the file is opened again.
 */
#ifndef CLEAT_ENGINE_ENGINE_H
#define CLEAT_ENGINE_ENGINE_H

#include "model/continued.h"
#include "model/event.h"
#include "model/schedule.h"
#include "model/workflow.h"

#include <cleat/trace.h>

typedef struct cleat__engine cleat__engine;
typedef struct cleat__command cleat__command;
typedef struct cleat__store cleat__store;
typedef struct cleat__worker_info cleat__worker_info;

typedef struct cleat__engine_options {
    const char *path;
    const cleat_clock *clock; /* NULL: system */
    uint64_t seed;            /* of ids; 0: from the operating system */
    cleat_tracer *tracer;     /* of a span for each batch of commands; NULL: none. Used until the close */
    bool adds_trace; /* runs whose metadata has no `traceparent` get one, by cleat__metadata_add_trace() */
} cleat__engine_options;

cleat_status cleat__engine_open(const cleat__engine_options *options, cleat__engine **out);
/* Finishes the batch under way, closes the file. Waiters get CLEAT_UNAVAILABLE. NULL-safe. */
void cleat__engine_close(cleat__engine *engine);

/*
 * Does not wait: hands over a command whose done() is called with its answer, see command.h. Also
 * for the engine's own thread, in done(). When the engine is closing, done() is called with
 * CLEAT_UNAVAILABLE before this returns; every command that was taken is answered before
 * cleat__engine_close() returns, but a WAIT withdrawn by STOP_WAITING. Whoever submits sees to it
 * that nobody does any more when that function returns.
 */
void cleat__engine_submit(cleat__engine *engine, cleat__command *command);

typedef struct cleat__version {
    cleat__uuid workflow_id, version_id;
} cleat__version;
/* Stores a declaration; equal content changes nothing. Runs keep the version they started with.
 * `version` may be NULL. */
cleat_status cleat__engine_put_workflow(cleat__engine *engine, int64_t tenant,
                                        const cleat__workflow *workflow, cleat__version *version);

/* It starts no runs any more, its schedules are gone, and its name is free; its runs go on.
 * CLEAT_NOT_FOUND: the tenant has no such workflow. */
cleat_status cleat__engine_delete_workflow(cleat__engine *engine, int64_t tenant, const cleat__uuid *id);

/* All or none. `ids` has room for `count`; a child that exists already gives its existing id. */
cleat_status cleat__engine_trigger(cleat__engine *engine, int64_t tenant, const cleat__trigger *triggers,
                                   size_t count, cleat__uuid *ids);
/* Stores the events, with the runs that they start; all or none. What they refer to is checked, by
 * cleat__user_event_check(). */
cleat_status cleat__engine_push(cleat__engine *engine, int64_t tenant, const cleat__user_event *events,
                                size_t count, cleat__uuid *ids);
/*
 * Any command of command.h: waits until it is answered, and answers its status. What it points to is
 * filled in as with the functions here; `done` must be NULL. But for WAIT, whose deadline is the
 * function's matter.
 */
cleat_status cleat__engine_ask(cleat__engine *engine, const cleat__command *command);

/* Makes a rate limit of the tenant, or changes it; CLEAT_INVALID_ARGUMENT by model/rate_use.h. */
cleat_status cleat__engine_put_rate_limit(cleat__engine *engine, int64_t tenant, cleat_slice key,
                                          int32_t limit, int64_t window_ms);
/* CLEAT_NOT_FOUND: the tenant has no such limit. */
cleat_status cleat__engine_delete_rate_limit(cleat__engine *engine, int64_t tenant, cleat_slice key);
/* A run for each of the (Unix) times; what is past starts at once. */
cleat_status cleat__engine_schedule(cleat__engine *engine, int64_t tenant, const cleat__schedule *schedule,
                                    const int64_t *at_ms, size_t count, cleat__uuid *ids);
/* CLEAT_NOT_FOUND: the tenant has no such schedule, or it has fired. */
cleat_status cleat__engine_unschedule(cleat__engine *engine, int64_t tenant, const cleat__uuid *id);
/* CLEAT__SCHEDULES_MAX at most. CLEAT_OK: each has its answer. */
cleat_status cleat__engine_change_schedules(cleat__engine *engine, int64_t tenant,
                                            cleat__schedule_change *items, size_t count);
/* The end of the run, or of one that it goes on as: result->id says which. That may go on as another one, too: where it did
 * not live any more when this began it was asked for, and has ended since, or the way there is long. */
cleat_status cleat__engine_follow(cleat__engine *engine, int64_t tenant, cleat__follow follow,
                                  const cleat__uuid *run_id, int64_t timeout_ms, cleat_run_result *result);
/* With CLEAT__FOLLOW_LAST. */
cleat_status cleat__engine_wait(cleat__engine *engine, int64_t tenant, const cleat__uuid *run_id,
                                int64_t timeout_ms, cleat_run_result *result);
cleat_status cleat__engine_cancel(cleat__engine *engine, int64_t tenant, const cleat__uuid *run_id);
/* A run that has ended runs again, under its id, with all its retries. CLEAT_FAILED_PRECONDITION: it has
 * not ended. */
cleat_status cleat__engine_replay(cleat__engine *engine, int64_t tenant, const cleat__uuid *run_id);

/* A worker's ears. Called on the engine's thread; must not block, nor wait for the engine:
 * cleat__engine_submit() may be called. */
typedef struct cleat__worker_sink {
    void *self;
    void (*assign)(void *self, cleat__assignment *list); /* consumed; a list linked by `next` */
    void (*cancel)(void *self, const cleat__uuid *task_id, int32_t retry_count);
} cleat__worker_sink;

/* No new assignments from when this returns on; reports are still taken. */
cleat_status cleat__engine_worker_pause(cleat__engine *engine, int64_t tenant, const cleat__uuid *worker_id);
cleat_status cleat__engine_worker_resume(cleat__engine *engine, int64_t tenant, const cleat__uuid *worker_id);
/* What it still held is requeued as lost. The sink is not called any more when this returns. */
cleat_status cleat__engine_worker_remove(cleat__engine *engine, int64_t tenant, const cleat__uuid *worker_id);
/* Calls `visit` on the engine's thread for each of the tenant's, in no order; it must not block. */
cleat_status cleat__engine_worker_list(cleat__engine *engine, int64_t tenant,
                                       void (*visit)(void *argument, const cleat__worker_info *info),
                                       void *argument);
/* Does not wait. */
cleat_status cleat__engine_worker_heartbeat(cleat__engine *engine, int64_t tenant,
                                            const cleat__uuid *worker_id);

/* Do not wait: copied and taken in order. A failed engine answers its status. */
cleat_status cleat__engine_report(cleat__engine *engine, int64_t tenant, const cleat__report *report);
cleat_status cleat__engine_log(cleat__engine *engine, int64_t tenant, const cleat__log_line *line);

/*
 * Runs `function` on the engine's thread inside the batch's transaction, and returns its status
 * when that is committed. It must be short (a few ms). A failing status must leave no writes
 * behind (it runs in a savepoint that is rolled back).
 */
cleat_status cleat__engine_call(cleat__engine *engine,
                                cleat_status (*function)(cleat__store *store, void *argument),
                                void *argument);

/* Upper bounds, in ms, of the parts that times from queued to handed out are counted in. */
#define CLEAT__DISPATCH_BOUNDS_MS 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000, 30000
enum { CLEAT__DISPATCH_BOUND_COUNT = 12 };

/* For the benchmark, the command and the server. Counts are since the engine was opened. */
typedef struct cleat__engine_stats {
    uint64_t batches, commands;
    uint64_t queued, running, evicted; /* now */
    uint64_t ended[5];                 /* by cleat_run_status */
    uint64_t dispatched[CLEAT__DISPATCH_BOUND_COUNT + 1];
    uint64_t dispatched_ms; /* the sum of those times */
    uint64_t store_errors;  /* writes that failed, but for those that others were the fault of */
    cleat_status failure;   /* CLEAT_OK: it has not failed */
    int64_t stalled_ms;     /* since when the engine, which has work, has come no step further */
} cleat__engine_stats;
void cleat__engine_get_stats(cleat__engine *engine, cleat__engine_stats *out);

#endif
