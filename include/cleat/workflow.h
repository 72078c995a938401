/*
 * Workflows: functions that wait for days without holding a thread, and survive crashes and restarts.
 *
 *     static cleat_status process_order(cleat_task *task, void *user_data)
 *     {
 *         (void)user_data;
 *         cleat_slice receipt;
 *         cleat_status status = cleat_step(task, "charge", charge_card, "{\"cents\":990}", &receipt);
 *         if (status == CLEAT_OK)
 *             status = cleat_sleep(task, "24h");
 *         if (status == CLEAT_OK)
 *             status = cleat_step(task, "remind", send_reminder, "{}", NULL);
 *         return status;                                      // CLEAT_SUSPENDED too
 *     }
 *
 * A worker has it by cleat_worker_add_workflow(worker, CLEAT_WORKFLOW(process_order, .name = "order", .retries = 5)).
 *
 * How it works. A workflow is a task whose calls of this header are recorded in a log. A call that
 * must wait returns CLEAT_SUSPENDED; the function cleans up and returns it, as any other failure,
 * and holds neither thread nor slot from then on. When what it waits for has happened the function is called again,
 * from the top: calls that are in the log return at once what they returned before (the replay), until the
 * function comes to where it stopped. The same after a crash, and for a retry.
 *
 * So between two calls a workflow must decide by its input and by what the calls returned, and by
 * nothing else: not by the clock, random numbers, files or globals. cleat_now(), cleat_random() and
 * cleat_uuid() are the ones that may be used. What has an effect outside belongs into a step.
 * When the calls come in another order than is recorded, the call fails with CLEAT_NON_DETERMINISTIC and the
 * message has both orders. That is not retried, whatever `retries` say: no retry changes the calls. Declare a `version`
 * where they change, and keep the old one beside it; a run that has failed so goes on by cleat_client_replay() when a
 * worker has the right function again.
 *
 * All functions that take the task may be called on the thread of the workflow's function only, and not
 * inside a step (CLEAT_FAILED_PRECONDITION). Besides what each says they answer:
 *   CLEAT_SUSPENDED          it waits: return it. Every later call answers the same
 *   CLEAT_CANCELLED          the run was cancelled, or is worked on elsewhere by now: return it
 *   CLEAT_INVALID_ARGUMENT, CLEAT_TOO_LARGE   what was given is wrong; nothing was recorded
 *   CLEAT_NON_DETERMINISTIC  see above: return it, and the run has failed
 *   CLEAT_UNAVAILABLE, CLEAT_IO, CLEAT_DISK_FULL (at a server CLEAT_RESOURCE_EXHAUSTED), CLEAT_NO_MEMORY
 *   the engine could not record it, or there was no memory: return it, and the attempt has failed. It is retried
 *   as often as the workflow's `retries` say, which by default is never: the run is over then. Declare some
 * or what an interceptor has answered that kept a run or a wait from being made (cleat/interceptor.h).
 * A run goes on no more after these (but the wrong arguments), which cleat_task_is_stopped() tells; what else a
 * step or an awaited run comes to is for the function to handle, in every replay alike. What the engine refuses,
 * such as the name of a task that nobody has declared, it refuses when it is stored: the call that stores it
 * fails, or the attempt.
 * Slices that they give out are valid until the workflow's function returns.
 */
#ifndef CLEAT_WORKFLOW_H
#define CLEAT_WORKFLOW_H

#include "cleat/task.h"
#include "cleat/worker.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Declaring ---- */

/* Which vocabulary the spans of its invocations have. */
typedef enum cleat_workflow_spans {
    CLEAT_WORKFLOW_SPANS = 0, /* workflow.execute, step.execute, ..; traces by WORKFLOW_TRACE_MODE */
    CLEAT_HATCHET_SPANS = 1,  /* hatchet.start_step_run, hatchet.durable.wait_for; traces as of tasks */
} cleat_workflow_spans;

/*
 * A declaration; what is not said here is as in cleat_task_options. Its runs take one slot of the type "durable"
 * while they run, none while they wait. A worker has as many as `slots`, unless its `slot_types` say how many.
 * A worker may have several versions of one workflow: a run goes on with the version it began with, where the
 * worker has it, else with the one that was added last; so do new runs. Which it is is recorded before the first step
 * in place begins: a transaction more for the run.
 */
typedef struct cleat_workflow_options {
    size_t struct_size;
    cleat_task_function run;
    const char *machine_name; /* "workflow//src/order.c//process_order", for spans; NULL: the name */
    const char *name;         /* as that of a task */
    void *user_data;
    const char *version; /* NULL: none; at most 255 bytes */
    int retries; /* of the function; each replays the log. 0: any failure, the engine's too, ends the run */
    int64_t backoff_initial_ms;
    double backoff_factor;
    int64_t backoff_max_ms;
    /* Of one invocation, which does not wait, with all its steps in place; 0: 60,000; negative: none. */
    int64_t execution_timeout_ms;
    int64_t schedule_timeout_ms; /* until the first invocation begins */
    int priority;
    const char *const *on_events;
    cleat_workflow_spans spans;
    const char *description;
    const char *input_json_schema;
    const cleat_filter *default_filters;
    size_t default_filter_count;
    const cleat_idempotency *idempotency;
    const cleat_concurrency *concurrency; /* how many of its runs go on at once; see cleat/limit.h */
    size_t concurrency_count;             /* 16 at most */
    const char *const *on_crons;
    const char *cron_input;
    const cleat_rate_limit *rate_limits; /* what each invocation takes of them */
    size_t rate_limit_count;             /* 16 at most */
} cleat_workflow_options;
#define CLEAT_WORKFLOW_OPTIONS(...) CLEAT_OPTIONS(cleat_workflow_options, __VA_ARGS__)
/* The same with the function, and its machine name made of file and function. */
#define CLEAT_WORKFLOW(function, ...)                                                               \
    CLEAT_WORKFLOW_OPTIONS(.run = (function), .machine_name = "workflow//" __FILE__ "//" #function, \
                           __VA_ARGS__)

/* As cleat_worker_add_task(). CLEAT_ALREADY_EXISTS: this worker has that name in that version. */
CLEAT_API cleat_status cleat_worker_add_workflow(cleat_worker *worker, const cleat_workflow_options *options);

/* Starts a run, as cleat_client_run_no_wait(), and says in its span (workflow.start) that it is a workflow, which that
 * function can say only of those that this process has declared. */
CLEAT_API cleat_status cleat_workflow_start(cleat_client *client, const char *name, const char *input,
                                            const cleat_run_options *options, cleat_run_id *id);

/*
 * Runs a workflow once more that has ended, on a new branch of its log: what was recorded before the node stays, and from
 * there on all is done anew, with children of its own. Nodes are the calls that are in the log, from 1 on, and `branch` is that
 * which they are looked for in, 0: the first; CLEAT_NON_DETERMINISTIC says "branch:node". `made` (may be NULL) gets the
 * new branch. See docs/durable.md.
 * CLEAT_FAILED_PRECONDITION: it has not ended. CLEAT_NOT_FOUND: there is no such run, or node in its log.
 */
CLEAT_API cleat_status cleat_workflow_branch(cleat_client *client, const cleat_run_id *id, int64_t branch,
                                             int64_t node, int64_t *made);

/* ---- Steps in place ---- */

/* What a step gives back has at most so many bytes of JSON: the log has some beside it. */
#define CLEAT_STEP_OUTPUT_MAX (CLEAT_PAYLOAD_MAX - 64)

typedef struct cleat_step_options {
    size_t struct_size;
    const char *name; /* in the log; 1 to 255 bytes; not unique: a step in a loop */
    cleat_task_function run;
    void *user_data;
    const char *input;          /* JSON object; NULL: {} */
    const char *machine_name;   /* "step//src/order.c//charge_card", for spans; NULL: the name */
    int retries;                /* further attempts after the first failed; each is recorded */
    int64_t backoff_initial_ms; /* waited for as by cleat_sleep(); 0: none */
    double backoff_factor;      /* 1 .. 1000; 0: 2 */
    int64_t backoff_max_ms;     /* 0: 24 hours */
    int64_t timeout_ms; /* of one attempt; 0: none but the workflow's execution_timeout_ms (60 s where it says
                                   * nothing). From then on the step's task is cancelled, and whatever it returns
                                   * counts as a failure */
} cleat_step_options;
#define CLEAT_STEP_OPTIONS(...) CLEAT_OPTIONS(cleat_step_options, __VA_ARGS__)

/*
 * Runs a function now, on this thread, and records what it gave back by cleat_task_return(): a replay does
 * not run it again. Its task has the step's input, attempt and cancellation, and else what the workflow's has, such as
 * the run's id. `output` (may be NULL) gets the JSON. CLEAT_TOO_LARGE: it has more than CLEAT_STEP_OUTPUT_MAX bytes, which
 * is how the step has failed.
 * After a crash it may run again, if it was not recorded: its effects must bear that.
 * CLEAT_FAILED, CLEAT_NON_RETRYABLE, or whatever status the step returned: it failed, its retries included; recorded
 * too, with the message.
 */
CLEAT_API cleat_status cleat_step_run(cleat_task *task, const cleat_step_options *options,
                                      cleat_slice *output);
/* The same, without retries. */
#define cleat_step(task, step_name, function, step_input, output)                                    \
    cleat_step_run((task),                                                                           \
                   CLEAT_STEP_OPTIONS(.name = (step_name), .run = (function), .input = (step_input), \
                                      .machine_name = "step//" __FILE__ "//" #function),             \
                   (output))

/* ---- Steps and workflows through the queue ---- */

/* Something that will happen. A plain value, valid until the workflow's function returns. */
typedef struct cleat_future {
    int64_t node;
} cleat_future;

/*
 * Starts a run of any task or workflow, on whatever worker. It is on disk, and begins, at the latest when the function
 * next waits, runs a step or returns: many spawns in a row are stored in one transaction. A replay finds the same run.
 * `options` (may be NULL) as in cleat_task_spawn(), which in a workflow does the same and waits for the disk; neither
 * may be called in a step. CLEAT_NOT_FOUND, by whichever call stores it: there is no such task.
 */
CLEAT_API cleat_status cleat_spawn(cleat_task *task, const char *name, const char *input,
                                   const cleat_run_options *options, cleat_future *future);
/* A time that will come. */
CLEAT_API cleat_status cleat_timer(cleat_task *task, const char *duration, cleat_future *future);

/* Waits for it. `output` (may be NULL): of a run its output. CLEAT_FAILED: the run failed, with its message;
 * CLEAT_CANCELLED also: it was cancelled. */
CLEAT_API cleat_status cleat_await(cleat_task *task, const cleat_future *future, cleat_slice *output);
/* Waits for all; `outputs` (may be NULL) has room for `count`. When some failed, the status of the first of them. */
CLEAT_API cleat_status cleat_await_all(cleat_task *task, const cleat_future *futures, size_t count,
                                       cleat_slice *outputs);
/* Waits for the first, and says which; a replay says the same. */
CLEAT_API cleat_status cleat_await_any(cleat_task *task, const cleat_future *futures, size_t count,
                                       size_t *index, cleat_slice *output);

/* ---- Waiting ---- */

/* "24h", "1h30m", "90s", "500ms"; at most 10 years. Over restarts, and once: a replay does not sleep again. */
CLEAT_API cleat_status cleat_sleep(cleat_task *task, const char *duration);
/* Until then, in milliseconds since 1970 UTC; the past is over. */
CLEAT_API cleat_status cleat_sleep_until(cleat_task *task, int64_t unix_ms);
/*
 * The first event with that key (cleat/event.h) that is pushed from now on and for which `expression`, in CEL
 * over `input`, is true; NULL: any. An event for which it has no value, say for want of a member, or another than true or
 * false, is none of them; the engine's log says so once (cleat_log_set_handler()). `payload` (may be NULL) gets the event's. `timeout` NULL: without limit.
 * CLEAT_TIMEOUT: none came in time.
 */
CLEAT_API cleat_status cleat_wait_event(cleat_task *task, const char *key, const char *expression,
                                        const char *timeout, cleat_slice *payload);

/*
 * A hook is a token by which code outside brings payloads to the run, any number of them, by
 * cleat_hook_resume(), `cleat hook resume TOKEN JSON` or POST /hooks/TOKEN. They wait for it in order, also
 * while it does not look. The token is at most 255 bytes of [A-Za-z0-9._~-]; NULL: one that nobody can guess, the
 * same on replay. Whoever knows it may resume.
 * CLEAT_ALREADY_EXISTS: another live run has it. CLEAT_UNSUPPORTED: the engine is not Cleat's. Both stop the run.
 */
typedef struct cleat_hook {
    char token[256];
} cleat_hook;
CLEAT_API cleat_status cleat_hook_create(cleat_task *task, const char *token, cleat_hook *hook);
/* The next payload. `timeout` NULL: without limit. CLEAT_TIMEOUT: none came in time. */
CLEAT_API cleat_status cleat_hook_wait(cleat_task *task, const cleat_hook *hook, const char *timeout,
                                       cleat_slice *payload);
/* From outside, on any thread: `payload` is any JSON value. `id` (may be NULL) gets the run. Returns when it is on disk.
 * CLEAT_NOT_FOUND: there is no such hook. CLEAT_FAILED_PRECONDITION: its run has ended. */
CLEAT_API cleat_status cleat_hook_resume(cleat_client *client, const char *token, const char *payload,
                                         cleat_run_id *id);

/* ---- What would differ in a replay, and does not ---- */

/* Milliseconds since 1970 UTC, when it was first asked. It is on disk before a step in place begins or a chunk is given
 * out after it, which costs a transaction of its own; else with whatever is recorded next. */
CLEAT_API cleat_status cleat_now(cleat_task *task, int64_t *unix_ms);
/* Numbers and UUIDs (version 4) that follow from the run and the order of asking: unguessable for others they
 * are not. 0 and the nil UUID where they may not be called. */
CLEAT_API uint64_t cleat_random(cleat_task *task);
CLEAT_API cleat_run_id cleat_uuid(cleat_task *task);

/* ---- Giving out ---- */

/*
 * Appends a chunk to the run's stream (cleat/stream.h): UTF-8 without a NUL, at most CLEAT_PAYLOAD_MAX bytes. Unlike
 * those of a task they are stored: whoever looks later sees all from the beginning, and a replay adds nothing. Does not wait for
 * the disk, but for times and a version that were asked for before it; nobody sees a chunk before it is there, and all are when the function next waits, returns, or a step's end is recorded.
 */
CLEAT_API cleat_status cleat_stream_write(cleat_task *task, cleat_slice chunk);

/*
 * Ends this run and begins another one of the same workflow with an empty log: for what goes on for ever.
 *     return cleat_continue_as_new(task, "{\"page\":8}");
 * The new run begins when the function has returned this, and where it is cancelled or fails before, there is none. The
 * new one has the metadata, the priority and the desired worker and labels of this one, its hooks with what nobody has
 * looked at yet (cleat_hook_create() with the same token), and its slots of concurrency rules whose key is the same. It
 * waits for a worker as long as it takes.
 * cleat_client_wait() on this run goes on to the next, as do cleat_client_cancel(), cleat_client_stream() and a workflow
 * that awaits it; the run's own output is {"cleat:continued_as":"<run id>"}. CLEAT_FAILED_PRECONDITION: it is a task of a
 * workflow of several (cleat/dag.h).
 */
CLEAT_API cleat_status cleat_continue_as_new(cleat_task *task, const char *input);

/* ---- About the invocation; for interceptors too ---- */

/* False: a task, or a step in place. */
CLEAT_API bool cleat_task_is_workflow(const cleat_task *task);
/* 1, 2, ..; 0 of what is no workflow. */
CLEAT_API int cleat_task_invocation(const cleat_task *task);
/* Whether the calls that it makes now are in the log already: for log lines that are not to come twice. */
CLEAT_API bool cleat_task_is_replaying(const cleat_task *task);
/* Whether it waits, was cancelled, or cannot go on for another reason, so that every later call answers the same:
 * clean up and return. False after a step or a run that has failed, which is for the workflow to handle. */
CLEAT_API bool cleat_task_is_stopped(const cleat_task *task);
CLEAT_API cleat_workflow_spans cleat_task_spans(const cleat_task *task);
CLEAT_API const char *cleat_task_machine_name(const cleat_task *task);
CLEAT_API const char *cleat_task_version(const cleat_task *task); /* NULL: none */

#ifdef __cplusplus
}
#endif
#endif
