/*
 * Interceptors: code around the client calls that start runs, push events and make schedules, and around
 * task executions and their cancellation. The instrumentor is one; users write theirs against this header.
 *
 * Each hook gets a call and runs the rest of the chain with cleat_..._call_proceed(), exactly
 * once or not at all (then the hook's own status is the call's result; a client call that started
 * nothing cannot be CLEAT_OK, it fails with CLEAT_FAILED_PRECONDITION). Interceptors run in the
 * order in which they were added, the first outermost. Hooks are called from any thread.
 *
 * In a workflow a replay passes over them. A step that a hook does not let run has failed, which is recorded. A run or a
 * wait that it does not let through ends the attempt (cleat_task_is_stopped()), since a replay would make it; one that was
 * made counts, whatever the hook answers then. At an engine that does not say how long its log is, Hatchet's, they see
 * runs and waits of a replay too, until a step or another value has shown where the log ends.
 */
#ifndef CLEAT_INTERCEPTOR_H
#define CLEAT_INTERCEPTOR_H

#include "cleat/client.h"
#include "cleat/event.h"
#include "cleat/propagation.h"
#include "cleat/schedule.h"
#include "cleat/task.h"
#include "cleat/workflow.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- A client call that starts runs ---- */

typedef struct cleat_trigger_call cleat_trigger_call;

/* One run to be started. Borrowed during the hook. */
typedef struct cleat_trigger_item {
    const char *task;           /* "workflow:task" */
    cleat_slice input;          /* JSON */
    cleat_trace_relation trace; /* the call's own choice */
    int priority;               /* 0: the task's default */
    const char *parent_run_id;  /* NULL: not a child */
    int64_t child_index;        /* -1: not a child */
    const char *child_key;      /* NULL: none */
    /* Travels with the run; the hook may read, set and remove. What a child does not say is inherited
     * from its parent's, also what was removed; without a traceparent, its trace context. */
    cleat_text_map metadata;
    const char *desired_worker_id; /* NULL: none */
} cleat_trigger_item;

/* Whether it is run_many or spawn_many: "many" even when `count` is 1. */
CLEAT_API bool cleat_trigger_call_is_many(const cleat_trigger_call *call);
CLEAT_API size_t cleat_trigger_call_count(const cleat_trigger_call *call);
/* NULL beyond the end. */
CLEAT_API const cleat_trigger_item *cleat_trigger_call_item(cleat_trigger_call *call, size_t index);
/* Runs the rest of the chain. */
CLEAT_API cleat_status cleat_trigger_call_proceed(cleat_trigger_call *call);
/* The id of the started run, after a successful proceed; else NULL, also in a workflow (cleat_spawn()), which
 * stores it later. */
CLEAT_API const char *cleat_trigger_call_run_id(const cleat_trigger_call *call, size_t index);

/* What is to be called a workflow: the machine name (cleat/workflow.h) of the first run's, where it is one of this process,
 * else the name that cleat_workflow_start() was given. NULL: a task, for all that is known, or a child. */
CLEAT_API const char *cleat_trigger_call_workflow(const cleat_trigger_call *call);

/* ---- A client call that pushes events ---- */

typedef struct cleat_push_call cleat_push_call;

/* One event to be pushed. Borrowed during the hook. */
typedef struct cleat_push_item {
    const char *key;
    cleat_slice payload;        /* JSON */
    const char *scope;          /* NULL: none */
    int priority;               /* 0: each task's default */
    cleat_trace_relation trace; /* the call's own choice */
    cleat_text_map metadata;    /* travels with the event; the hook may read, set and remove */
} cleat_push_item;

/* Whether it is push_many: "many" even when `count` is 1. */
CLEAT_API bool cleat_push_call_is_many(const cleat_push_call *call);
CLEAT_API size_t cleat_push_call_count(const cleat_push_call *call);
/* NULL beyond the end. */
CLEAT_API const cleat_push_item *cleat_push_call_item(cleat_push_call *call, size_t index);
/* Runs the rest of the chain. */
CLEAT_API cleat_status cleat_push_call_proceed(cleat_push_call *call);
/* The id of the event, after a successful proceed; else NULL. */
CLEAT_API const char *cleat_push_call_event_id(const cleat_push_call *call, size_t index);

/* ---- A client call that schedules runs ---- */

typedef struct cleat_schedule_call cleat_schedule_call;

/* The runs to be scheduled, which differ in their times only. Borrowed during the hook. */
typedef struct cleat_schedule_item {
    const char *task;     /* "workflow:task" */
    cleat_slice input;    /* JSON */
    const int64_t *at_ms; /* milliseconds since 1970 UTC */
    size_t at_count;
    cleat_trace_relation trace; /* the call's own choice */
    int priority;               /* 0: the task's default */
    cleat_text_map metadata;    /* travels with the runs; the hook may read, set and remove */
} cleat_schedule_item;

/* What is to be scheduled. */
CLEAT_API const cleat_schedule_item *cleat_schedule_call_item(cleat_schedule_call *call);
/* Runs the rest of the chain. */
CLEAT_API cleat_status cleat_schedule_call_proceed(cleat_schedule_call *call);
/* The id of a schedule, after a successful proceed; else NULL. */
CLEAT_API const char *cleat_schedule_call_id(const cleat_schedule_call *call, size_t index);

/* ---- A task that is executed ---- */

typedef struct cleat_execute_call cleat_execute_call;
/* Borrowed, during the hook. */
CLEAT_API cleat_task *cleat_execute_call_task(cleat_execute_call *call);
/* The run's metadata; reading only. */
CLEAT_API cleat_text_map cleat_execute_call_metadata(cleat_execute_call *call);
/* Answers the status of the task function. */
CLEAT_API cleat_status cleat_execute_call_proceed(cleat_execute_call *call);
/* The error message of a failed task, after proceed; NULL when it did not fail. */
CLEAT_API const char *cleat_execute_call_error(const cleat_execute_call *call);

/* ---- A batch of tasks that is executed (cleat/batch.h); `execute` is not called for its tasks ---- */

typedef struct cleat_batch_call cleat_batch_call;
/* Borrowed, during the hook. */
CLEAT_API cleat_batch *cleat_batch_call_batch(cleat_batch_call *call);
/* The metadata of one of its runs; reading only. */
CLEAT_API cleat_text_map cleat_batch_call_metadata(cleat_batch_call *call, size_t index);
/* What the thread is in where it works for that run, cleat_task_attach(), and what its children come from: the hook sets
 * it before proceed, and should lay its own over what is there (NULL at first). Retained; that of `context` is borrowed. */
CLEAT_API const cleat_context *cleat_batch_call_context(cleat_batch_call *call, size_t index);
CLEAT_API void cleat_batch_call_set_context(cleat_batch_call *call, size_t index,
                                            const cleat_context *context);
/* Answers the status of the batch's function. */
CLEAT_API cleat_status cleat_batch_call_proceed(cleat_batch_call *call);
/* How one of its runs ends, after proceed; and its error message, NULL when it does not fail. */
CLEAT_API cleat_status cleat_batch_call_status(const cleat_batch_call *call, size_t index);
CLEAT_API const char *cleat_batch_call_error(const cleat_batch_call *call, size_t index);
/* As cleat_execute_call_end_metadata(), of one of its runs. */
CLEAT_API cleat_text_map cleat_batch_call_end_metadata(cleat_batch_call *call, size_t index);

/* What a workflow waits for when it suspends, see cleat/workflow.h. */
typedef struct cleat_suspension {
    int64_t step_count; /* runs that it has started */
    int64_t hook_count;
    int64_t wait_count; /* times and events */
} cleat_suspension;
/* After a proceed that answered CLEAT_SUSPENDED; else false. */
CLEAT_API bool cleat_execute_call_suspension(const cleat_execute_call *call, cleat_suspension *out);
/* Of the message that tells the run's workflow, where it is waited for, that the run has ended; to be set after
 * proceed: trace context that the workflow's next invocation comes from. */
CLEAT_API cleat_text_map cleat_execute_call_end_metadata(cleat_execute_call *call);

/* ---- A step that runs in place, once per attempt; not when it is replayed ---- */

typedef struct cleat_step_call cleat_step_call;
/* Borrowed, during the hook: that of the step (its input, its machine name), and that of the workflow. */
CLEAT_API cleat_task *cleat_step_call_task(cleat_step_call *call);
CLEAT_API cleat_task *cleat_step_call_workflow(cleat_step_call *call);
/* Its name, and which attempt it is: 1, 2, .. */
CLEAT_API const char *cleat_step_call_name(const cleat_step_call *call);
CLEAT_API int cleat_step_call_attempt(const cleat_step_call *call);
/* Answers the status of the step's function, once its end is on disk. */
CLEAT_API cleat_status cleat_step_call_proceed(cleat_step_call *call);
/* As cleat_execute_call_error(). */
CLEAT_API const char *cleat_step_call_error(const cleat_step_call *call);

/* ---- A workflow that waits for a time, an event or a hook; not when it is known to be replayed ---- */

typedef struct cleat_wait_call cleat_wait_call;
/* That of the workflow, and what it waits for: "sleep 24h", "event order:paid". Borrowed, during the hook. */
CLEAT_API cleat_task *cleat_wait_call_task(cleat_wait_call *call);
CLEAT_API const char *cleat_wait_call_label(const cleat_wait_call *call);
/* CLEAT_SUSPENDED when it is not over. */
CLEAT_API cleat_status cleat_wait_call_proceed(cleat_wait_call *call);

/* ---- A workflow that suspends: the message that will bring its next invocation ---- */

typedef struct cleat_suspend_call cleat_suspend_call;
/* That of the workflow, and what it waits for. */
CLEAT_API cleat_task *cleat_suspend_call_task(cleat_suspend_call *call);
CLEAT_API cleat_suspension cleat_suspend_call_suspension(const cleat_suspend_call *call);
/* Travels with it, unless what is waited for comes with trace context of its own. */
CLEAT_API cleat_text_map cleat_suspend_call_metadata(cleat_suspend_call *call);
/* Answers when it is on disk: from then on the next invocation may begin. */
CLEAT_API cleat_status cleat_suspend_call_proceed(cleat_suspend_call *call);

/* ---- A client call that resumes a hook ---- */

typedef struct cleat_resume_call cleat_resume_call;
/* Borrowed, during the hook. The metadata are the message's; the hook may read, set and remove. */
CLEAT_API const char *cleat_resume_call_token(const cleat_resume_call *call);
CLEAT_API cleat_slice cleat_resume_call_payload(const cleat_resume_call *call);
CLEAT_API cleat_text_map cleat_resume_call_metadata(cleat_resume_call *call);
CLEAT_API cleat_status cleat_resume_call_proceed(cleat_resume_call *call);
CLEAT_API const char *cleat_resume_call_run_id(const cleat_resume_call *call); /* after proceed; else NULL */
/* The metadata of the run, after proceed: where it comes from. Reading only. */
CLEAT_API cleat_text_map cleat_resume_call_run_metadata(cleat_resume_call *call);

/* ---- A running task that is cancelled ---- */

typedef struct cleat_cancel_call cleat_cancel_call;
/* Borrowed, during the hook; `proceed` answers what the rest of the chain does. */
CLEAT_API const char *cleat_cancel_call_run_id(const cleat_cancel_call *call);
CLEAT_API cleat_status cleat_cancel_call_proceed(cleat_cancel_call *call);

/* NULL hooks are skipped. */
typedef struct cleat_interceptor {
    size_t struct_size;
    void *user_data; /* not owned; must outlive the client */
    cleat_status (*trigger)(void *user_data, cleat_trigger_call *call);
    cleat_status (*execute)(void *user_data, cleat_execute_call *call);
    cleat_status (*cancel)(void *user_data, cleat_cancel_call *call);
    cleat_status (*push)(void *user_data, cleat_push_call *call);
    cleat_status (*schedule)(void *user_data, cleat_schedule_call *call);
    cleat_status (*step)(void *user_data, cleat_step_call *call);
    cleat_status (*wait)(void *user_data, cleat_wait_call *call);
    cleat_status (*suspend)(void *user_data, cleat_suspend_call *call);
    cleat_status (*resume)(void *user_data, cleat_resume_call *call);
    cleat_status (*execute_batch)(void *user_data, cleat_batch_call *call);
} cleat_interceptor;

/* Adds a copy of `interceptor` innermost. At most 16. Not while runs are started or workers work. */
CLEAT_API cleat_status cleat_client_add_interceptor(cleat_client *client,
                                                    const cleat_interceptor *interceptor);

#ifdef __cplusplus
}
#endif
#endif
