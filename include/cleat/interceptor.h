/*
 * Interceptors: code around the client calls that start runs, push events and make schedules, and around
 * task executions and their cancellation. The instrumentor is one; users write theirs against this header.
 *
 * Each hook gets a call and runs the rest of the chain with cleat_..._call_proceed(), exactly
 * once or not at all (then the hook's own status is the call's result; a client call that started
 * nothing cannot be CLEAT_OK, it fails with CLEAT_FAILED_PRECONDITION). Interceptors run in the
 * order in which they were added, the first outermost. Hooks are called from any thread.
 */
#ifndef CLEAT_INTERCEPTOR_H
#define CLEAT_INTERCEPTOR_H

#include "cleat/client.h"
#include "cleat/event.h"
#include "cleat/propagation.h"
#include "cleat/schedule.h"
#include "cleat/task.h"

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
/* The id of the started run, after a successful proceed; else NULL. */
CLEAT_API const char *cleat_trigger_call_run_id(const cleat_trigger_call *call, size_t index);

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
} cleat_interceptor;

/* Adds a copy of `interceptor` innermost. At most 16. Not while runs are started or workers work. */
CLEAT_API cleat_status cleat_client_add_interceptor(cleat_client *client,
                                                    const cleat_interceptor *interceptor);

#ifdef __cplusplus
}
#endif
#endif
