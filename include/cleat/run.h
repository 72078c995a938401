/*
 * Runs: ids, status, options, results. A run is one durable execution of a task, with all its
 * attempts.
 */
#ifndef CLEAT_RUN_H
#define CLEAT_RUN_H

#include "cleat/label.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A UUID (version 7) as lower-case text, NUL-terminated. A plain value. */
typedef struct cleat_run_id {
    char text[37];
} cleat_run_id;

/* The states of docs/state-machine.md. COMPLETED, FAILED and CANCELLED are final. */
typedef enum cleat_run_status {
    CLEAT_RUN_QUEUED = 0, /* waits for a worker, or for the next attempt's back-off */
    CLEAT_RUN_RUNNING = 1,
    CLEAT_RUN_COMPLETED = 2,
    CLEAT_RUN_FAILED = 3,
    CLEAT_RUN_CANCELLED = 4,
    CLEAT_RUN_EVICTED = 5, /* a workflow waits, and no worker has it */
} cleat_run_status;
/* "QUEUED" ...; "UNKNOWN" for a number that is no status. */
CLEAT_API const char *cleat_run_status_name(cleat_run_status status);
static inline bool cleat_run_status_is_final(cleat_run_status status)
{
    return status == CLEAT_RUN_COMPLETED || status == CLEAT_RUN_FAILED || status == CLEAT_RUN_CANCELLED;
}

/* How the run's trace is tied to the span that started it. */
typedef enum cleat_trace_relation {
    CLEAT_TRACE_DEFAULT = 0, /* the worker's instrumentor decides */
    CLEAT_TRACE_PARENT = 1,  /* child of the caller's span, in the caller's trace */
    CLEAT_TRACE_LINK = 2,    /* a trace of its own, with a link to the caller's span */
    CLEAT_TRACE_NONE = 3,    /* a trace of its own, no link */
} cleat_trace_relation;
/* "default", "parent", "link", "none". */
CLEAT_API const char *cleat_trace_relation_name(cleat_trace_relation relation);

/* Priorities; 0 takes the task's default. */
#define CLEAT_PRIORITY_LOW    1
#define CLEAT_PRIORITY_MEDIUM 2
#define CLEAT_PRIORITY_HIGH   3

/* Input, metadata and output of a run are each at most this many bytes of JSON. */
#define CLEAT_PAYLOAD_MAX ((size_t)4 * 1024 * 1024)

typedef struct cleat_run_options {
    size_t struct_size;
    const char *metadata;       /* JSON object that travels with the run; NULL: none */
    int priority;               /* 1 low .. 3 high; 0: the task's default */
    cleat_trace_relation trace; /* this call's choice */
    const char *child_key;      /* children only, and no number: see cleat_task_spawn() */
    /* Which worker the run desires, for tasks that are declared sticky. */
    const char *desired_worker_id; /* its id; NULL: none */
    bool sticky;                   /* children only: or that of the parent */
    /* Labels of the worker (cleat/label.h) that the run desires, sticky or not, beyond those of the task's
     * declaration; of the same key these count. All of them have some 4 KiB at most. */
    const cleat_desired_label *desired_labels;
    size_t desired_label_count;
} cleat_run_options;
#define CLEAT_RUN_OPTIONS(...) CLEAT_OPTIONS(cleat_run_options, __VA_ARGS__)

/* How a run ended. Free with cleat_run_result_deinit(). */
typedef struct cleat_run_result {
    cleat_run_id id;
    cleat_run_status status; /* COMPLETED, FAILED or CANCELLED */
    char *output;            /* JSON, when COMPLETED; else NULL */
    char *error;             /* the last attempt's message, when FAILED; else NULL */
} cleat_run_result;
CLEAT_API void cleat_run_result_deinit(cleat_run_result *result);

#ifdef __cplusplus
}
#endif
#endif
