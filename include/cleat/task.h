/*
 * Tasks: how they are declared, and what a task function can do while it runs.
 *
 *     static cleat_status greet(cleat_task *task, void *user_data)
 *     {
 *         (void)user_data;
 *         cleat_slice input = cleat_task_input(task);          // {"name":"Ada"}
 *         cleat_task_log(task, CLEAT_LOG_INFO, "attempt %d", cleat_task_retry_count(task));
 *         return cleat_task_return_format(task, "{\"bytes\":%zu}", input.size);
 *     }
 *
 * A task is run at least once: after a crash it may run again, so its effects must bear that.
 * Its result is recorded once.
 */
#ifndef CLEAT_TASK_H
#define CLEAT_TASK_H

#include "cleat/batch.h"
#include "cleat/client.h"
#include "cleat/filter.h"
#include "cleat/limit.h"
#include "cleat/run.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A task that is running (cleat_task, of cleat/batch.h) is valid during its function only. */

/*
 * The body of a task. CLEAT_OK completes the run; its output is what cleat_task_return() was
 * given ("null" if nothing). Any other status fails the attempt, with the message of
 * cleat_task_fail(), else the status's text. CLEAT_NON_RETRYABLE fails the run at once; other
 * failures are retried as declared. Runs on one of the worker's threads, with the task's
 * tracing context attached.
 */
typedef cleat_status (*cleat_task_function)(cleat_task *task, void *user_data);

/* How long a run has its idempotency key. */
typedef enum cleat_idempotency_method {
    CLEAT_IDEMPOTENCY_TTL = 0,    /* for `ttl_ms` from its start, also when it has ended */
    CLEAT_IDEMPOTENCY_STATUS = 1, /* until it has ended, and for `ttl_ms` at most */
} cleat_idempotency_method;

/*
 * Of several runs for the same thing only the first is started. `expression` makes a key of what a run is started
 * with: CEL (cel.dev) over `input` and `additional_metadata`, which gives a string of at most 1024 bytes:
 * "'invoice-' + input.id". Starting a run whose key another one has is CLEAT_ALREADY_EXISTS; an event or a schedule
 * starts nothing then, and says nothing. All tasks and workflows of a tenant share one space of keys, so have the name
 * in it. A run of which no key can be made is refused: CLEAT_INVALID_ARGUMENT.
 */
typedef struct cleat_idempotency {
    const char *expression;
    int64_t ttl_ms; /* 1 or more */
    cleat_idempotency_method method;
} cleat_idempotency;

/*
 * A declaration. `name` is "workflow:task" or one word for both: letters, digits, '.', '_', '-',
 * with at most one ':' (64 bytes or less); lower case.
 * The delay before the n-th retry is min(backoff_initial_ms * backoff_factor^(n-1), backoff_max_ms).
 */
typedef struct cleat_task_options {
    size_t struct_size;
    const char *name;
    cleat_task_function run;
    void *user_data;              /* given to `run`; not owned */
    int retries;                  /* further attempts after the first failed; 0: none */
    int64_t backoff_initial_ms;   /* 0: no delay */
    double backoff_factor;        /* 1 .. 1000; 0: 2 */
    int64_t backoff_max_ms;       /* 24 hours at most; 0: these */
    int64_t execution_timeout_ms; /* of one attempt; 0: 60,000; negative: none */
    /* A run is cancelled when no worker took it in this time; 0: 300,000; negative: none. */
    int64_t schedule_timeout_ms;
    int priority; /* 1 low .. 3 high; 0: 1 */
    /* Keys of events that start it, or patterns of keys ('*' is any run of characters, '_' any one, '\' takes that from
     * the next), at most 1000; a NULL-terminated list; NULL: none. */
    const char *const *on_events;
    cleat_sticky sticky;                       /* whether a run's desired worker counts */
    const cleat_desired_label *desired_labels; /* of the workers that may run it; see cleat/label.h */
    size_t desired_label_count;
    const cleat_slots *slot_requests; /* what one run takes of its worker; NULL: 1 of "default" */
    size_t slot_request_count;
    const char *description; /* for people; NULL: none */
    /* A JSON object, for people and clients; the engine checks no input by it. */
    const char *input_json_schema;
    /* Which of these events start it (cleat/filter.h), at most 1000. None: those that an earlier declaration put stay. */
    const cleat_filter *default_filters;
    size_t default_filter_count;
    const cleat_idempotency *idempotency; /* NULL: runs have no keys */
    const cleat_concurrency *concurrency; /* how many of its runs go on at once; see cleat/limit.h */
    size_t concurrency_count;             /* 16 at most */
    /* When it starts by itself, in UTC (cleat/schedule.h), at most 1000; a NULL-terminated list; NULL: never. */
    const char *const *on_crons;
    const char *cron_input;              /* of these runs: a JSON object; NULL: {} */
    const cleat_rate_limit *rate_limits; /* what each attempt takes of them */
    size_t rate_limit_count;             /* 16 at most */
    /* Its runs are given to `run_batch`, instead of `run`, several at a time (cleat/batch.h). It has no retries. NULL: not so. */
    const cleat_batch_config *batch;
    cleat_batch_function run_batch;
} cleat_task_options;
#define CLEAT_TASK_OPTIONS(...) CLEAT_OPTIONS(cleat_task_options, __VA_ARGS__)

/* ---- What it was given. Slices are valid during the task function. ---- */

CLEAT_API cleat_slice cleat_task_input(const cleat_task *task);    /* JSON object */
CLEAT_API cleat_slice cleat_task_metadata(const cleat_task *task); /* JSON object */
CLEAT_API const char *cleat_task_name(const cleat_task *task);     /* "workflow:task" */
CLEAT_API cleat_run_id cleat_task_run_id(const cleat_task *task);
/* The run that it is a task of, where its workflow has several (cleat/dag.h); else the same. */
CLEAT_API cleat_run_id cleat_task_workflow_run_id(const cleat_task *task);
CLEAT_API int cleat_task_retry_count(const cleat_task *task); /* 0 for the first attempt */
CLEAT_API const char *cleat_task_worker_id(const cleat_task *task);
/* What the engine knows it by, UUIDs; NULL where it does not tell (an embedded one has no tenants). */
CLEAT_API const char *cleat_task_tenant_id(const cleat_task *task);
CLEAT_API const char *cleat_task_workflow_id(const cleat_task *task);
/* Of the version, which changes with the declaration; and of the task in its workflow. */
CLEAT_API const char *cleat_task_workflow_version_id(const cleat_task *task);
CLEAT_API const char *cleat_task_step_id(const cleat_task *task);
/* The run that spawned this one: false and an empty id when none did. */
CLEAT_API bool cleat_task_parent_run_id(const cleat_task *task, cleat_run_id *id);
/* -1 when it has none. */
CLEAT_API int64_t cleat_task_child_index(const cleat_task *task);
/* NULL when it has none. */
CLEAT_API const char *cleat_task_child_key(const cleat_task *task);
CLEAT_API cleat_client *cleat_task_client(const cleat_task *task);
CLEAT_API int cleat_task_priority(const cleat_task *task); /* 1 low .. 3 high */
/* The event that started the run (cleat/event.h): its key and its id; NULL when none did. */
CLEAT_API const char *cleat_task_event_key(const cleat_task *task);
CLEAT_API const char *cleat_task_event_id(const cleat_task *task);
/* Of the filter that let the event start it: a JSON object; absent when none did (cleat/filter.h). */
CLEAT_API cleat_slice cleat_task_filter_payload(const cleat_task *task);

/* ---- What it gives back ---- */

/* Sets the output: any JSON value, checked here (CLEAT_INVALID_ARGUMENT, CLEAT_TOO_LARGE). Copied. The last
 * call wins. Returns CLEAT_OK when taken, so that a task may end with `return cleat_task_return(...)`. */
CLEAT_API cleat_status cleat_task_return(cleat_task *task, const char *json);
CLEAT_API cleat_status cleat_task_return_format(cleat_task *task, const char *format, ...) CLEAT_PRINTF(2, 3);
/* Sets the error message and answers `status` (CLEAT_FAILED when given CLEAT_OK). */
CLEAT_API cleat_status cleat_task_fail(cleat_task *task, cleat_status status, const char *format, ...)
    CLEAT_PRINTF(3, 4);

/* ---- While it runs. These may be called from any thread until the function returns. ---- */

/* True once the run was cancelled, this attempt timed out or its worker was freed: what the task still
 * does is not recorded. */
CLEAT_API bool cleat_task_is_cancelled(const cleat_task *task);
/*
 * Calls `function` once when the task is cancelled, on another thread, or at once when it is
 * already. One per task; NULL removes it. It is not running any more when this returns or the task function
 * has returned.
 */
CLEAT_API void cleat_task_on_cancel(cleat_task *task, void (*function)(void *user_data), void *user_data);

/* Stores a line with the run (at most 10,000 bytes; longer ones are cut, empty ones left out). Does not
 * wait for the disk: lines that come faster than it, or the server, takes them are left out with a warning.
 * This and spawning: CLEAT_UNAVAILABLE once the worker was freed. */
CLEAT_API cleat_status cleat_task_log(cleat_task *task, cleat_log_level level, const char *format, ...)
    CLEAT_PRINTF(3, 4);
/* The same with a JSON object that is stored beside it, checked here (CLEAT_INVALID_ARGUMENT). */
CLEAT_API cleat_status cleat_task_log_metadata(cleat_task *task, cleat_log_level level, const char *metadata,
                                               const char *format, ...) CLEAT_PRINTF(4, 5);

/*
 * Sends a piece of whatever to those who look at the run (cleat/stream.h), after all that was sent
 * before: text in UTF-8 without a NUL, at most CLEAT_PAYLOAD_MAX bytes. CLEAT_OK also when nobody looks.
 * Of an engine elsewhere, CLEAT_UNAVAILABLE: whether it was sent on is not known. CLEAT_NOT_FOUND: the
 * attempt was cancelled.
 */
CLEAT_API cleat_status cleat_task_put_stream(cleat_task *task, cleat_slice chunk);

/*
 * Gives the attempt `increment_ms` (1 or more) more than it has left of its execution timeout, and says
 * until when, in milliseconds since 1970 UTC (INT64_MAX: it has no timeout); `timeout_at_ms` may be NULL.
 * What is asked for within half a second of the last time is the same once more, and adds nothing.
 * CLEAT_NOT_FOUND: the attempt is not running any more.
 */
CLEAT_API cleat_status cleat_task_refresh_timeout(cleat_task *task, int64_t increment_ms,
                                                  int64_t *timeout_at_ms);
/*
 * Gives the worker's slot to another run while this one goes on, for a task that only waits from here on.
 * Twice is CLEAT_OK. One of a batch (cleat/batch.h) gives away what the batch has. CLEAT_NOT_FOUND: the attempt is not
 * running any more.
 */
CLEAT_API cleat_status cleat_task_release_slot(cleat_task *task);

/*
 * Starts a child run, as cleat_client_run_no_wait(), and returns when it is on disk. Children are
 * numbered in the order of spawning; when a task runs again after a failure or crash, the child
 * with the same number (or `options->child_key`) is not started again: its id is returned. A key of
 * digits only is CLEAT_INVALID_ARGUMENT: it would be the child of that number. One that failed keeps
 * its number, for when the same task with the same input is asked for again.
 */
CLEAT_API cleat_status cleat_task_spawn(cleat_task *task, const char *name, const char *input,
                                        const cleat_run_options *options, cleat_run_id *id);
/* All in one transaction, as cleat_client_run_many(). */
CLEAT_API cleat_status cleat_task_spawn_many(cleat_task *task, const cleat_run_item *items, size_t count,
                                             cleat_run_id *ids);

#ifdef __cplusplus
}
#endif
#endif
