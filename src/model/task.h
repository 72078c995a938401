/*
 * The words the floors above store and engine share: what is declared, triggered, assigned and
 * reported. Plain data; slices are borrowed from whoever passes them, unless a comment says more.
 * Times are milliseconds since 1970 UTC.
 */
#ifndef CLEAT_MODEL_TASK_H
#define CLEAT_MODEL_TASK_H

#include "base/uuid.h"
#include <cleat/run.h>

/* Tenants see nothing of each other. They are known by the number of their row. */
#define CLEAT__TENANT_DEFAULT INT64_C(1) /* there from the beginning; of everything embedded */
#define CLEAT__NO_TIMEOUT     INT64_C(-1)
#define CLEAT__RETRY_CURRENT  INT32_MIN /* as a retry count: the attempt that runs */
#define CLEAT__TASK_NAME_MAX  64
/* Of a policy: limits, and what it is when nobody says. */
#define CLEAT__BACKOFF_FACTOR_MAX   1000.0
#define CLEAT__BACKOFF_MAX_MS       INT64_C(86400000)
#define CLEAT__EXECUTION_TIMEOUT_MS INT64_C(60000)
#define CLEAT__SCHEDULE_TIMEOUT_MS  INT64_C(300000)
#define CLEAT__INTERNAL_RETRIES_MAX 10 /* lost workers and failed dispatches, engine.md 4 */
#define CLEAT__LOG_LINE_MAX         10000

/* What a declaration says about every run of a task, defaults filled in. */
typedef struct cleat__policy {
    int32_t retries;
    int32_t priority;           /* 1 .. 3 */
    int64_t backoff_initial_ms; /* 0: none */
    double backoff_factor;
    int64_t backoff_max_ms;
    int64_t execution_timeout_ms; /* or CLEAT__NO_TIMEOUT */
    int64_t schedule_timeout_ms;  /* or CLEAT__NO_TIMEOUT */
} cleat__policy;

#define CLEAT__RUNS_MAX 10000 /* that one call starts: all of them are stored in one step */

/* A run to be started; its tenant is that of the command. */
typedef struct cleat__trigger {
    cleat_slice workflow; /* its name, as it was declared */
    cleat_slice given;    /* the name that the program calls it by; absent: that one */
    cleat_slice input;    /* a JSON object, checked */
    cleat_slice metadata; /* a JSON object, checked; absent: none */
    int32_t priority;     /* 0: the task's default */
    bool is_child;
    bool inherits; /* a child: its metadata is laid over its parent's, by cleat__metadata_inherit() */
    bool goes_on;  /* a child: its parent, a workflow, ends and goes on as this run */
    cleat__uuid parent_id;
    cleat__uuid parent_run_id; /* of the run that the parent is a task of, for other engines; nil: the same */
    int64_t child_index;
    cleat_slice child_key;                     /* absent: the index counts */
    const struct cleat__desired_label *labels; /* beyond what its task desires */
    size_t label_count;
    cleat__uuid desired_worker; /* for sticky workflows; nil: none */
    cleat__uuid event_id;       /* that starts it; nil: none */
    cleat_slice event_key;
    cleat__uuid filter_id;      /* of the event's filter that starts it; nil: none does */
    cleat_slice filter_payload; /* of that */
    int64_t scheduled_at_ms;    /* Unix, when the schedule was made that starts it; 0: none does */
} cleat__trigger;

/*
 * One attempt handed to a worker. One block of memory: the strings follow the struct, each with a
 * NUL behind it. The receiver owns it and frees it with cleat__free().
 */
typedef struct cleat__assignment {
    struct cleat__assignment *next; /* for the receiver's queue */
    cleat__uuid task_id;
    cleat__uuid run_id; /* of the run that it is a task of; nil: the same */
    int32_t retry_count;
    bool is_child;
    cleat__uuid parent_id;
    int64_t child_index;
    int64_t created_at_ms; /* of the run */
    int64_t queued_at_ms;  /* of this attempt */
    int64_t tenant;
    int32_t priority; /* 1 .. 3 */
    bool is_durable;
    int32_t invocation_count; /* of a durable run: 1, 2, ..; else 0 */
    int64_t log_size;         /* of a durable run: nodes that are in its log already; -1: not told */
    cleat__uuid workflow_id, version_id;
    cleat__uuid tenant_id, step_id; /* nil: not told */
    cleat_slice task;               /* the action */
    cleat_slice workflow;           /* its name */
    cleat_slice task_name;          /* the readable id */
    cleat_slice input;
    cleat_slice metadata; /* absent: none */
    cleat_slice child_key;
    cleat__uuid event_id; /* that started the run; nil: none */
    cleat_slice event_key;
    cleat_slice filter_payload; /* of the event's filter that started it; absent: none did */
    cleat_slice parents;  /* JSON: the outputs of the tasks it comes after, by their names; absent: {} */
    cleat_slice triggers; /* JSON: what it has waited for besides; absent: nothing */
    cleat_slice
        step_errors; /* JSON: errors of the tasks that have failed, of who runs on that; absent: it does not */
    /* Of a task that is given several runs at a time: those of one id come one after the other, and belong together. */
    cleat__uuid batch_id;  /* nil: it is none of these, and so is the rest */
    int32_t batch_count;   /* of the batch, with this one; of a part that comes once more that of the part */
    int64_t batch_at_ms;   /* Unix; when it was put together */
    cleat_slice batch_key; /* of its group; "": there are no groups */
    cleat_slice batch_reason; /* why it was put together, a sentence */
} cleat__assignment;
/* A copy in one block with its texts, each with a NUL behind it, for cleat__free(). NULL on no memory. */
cleat__assignment *cleat__assignment_copy(const cleat__assignment *from);

/* What a worker says about an attempt. */
typedef struct cleat__report {
    cleat__uuid task_id;
    int32_t retry_count;      /* or CLEAT__RETRY_CURRENT */
    cleat_status status;      /* CLEAT_OK: completed; CLEAT_NON_RETRYABLE: failed for good; else failed.
                          * CLEAT_UNAVAILABLE: never begun, give it to another worker (no retry used) */
    cleat_slice output;       /* JSON, checked, when completed */
    cleat_slice error;        /* text, when failed */
    int32_t invocation_count; /* of a durable run: ignored when another one runs; 0: not told */
    cleat_slice carrier;      /* JSON object: of the message to whoever waits for the run; absent: none */
    cleat__uuid worker_id;    /* who says so; nil: it does not say */
    cleat_slice worker_name;  /* the same of those who give that; absent: it does not say */
} cleat__report;

typedef struct cleat__log_line {
    cleat__uuid task_id;
    int32_t retry_count; /* or CLEAT__RETRY_CURRENT, or any below 0: the newest attempt */
    cleat_log_level level;
    int64_t time_ms;
    cleat_slice message;
    cleat_slice metadata; /* a JSON object, checked; absent: none */
} cleat__log_line;

/* A task's name by the rules of cleat/task.h; "pack" becomes "pack:pack". CLEAT_INVALID_ARGUMENT
 * says what is wrong. `id` has room for 2 * CLEAT__TASK_NAME_MAX + 2 bytes. */
cleat_status cleat__action_id(const char *name, char *id);
/* The parts of an action id before and after the last ':'. */
cleat_slice cleat__action_workflow(cleat_slice action);
cleat_slice cleat__action_task(cleat_slice action);

/* Checks a declaration and fills in defaults from cleat_task_options' rules. */
struct cleat_task_options;
cleat_status cleat__policy_from_options(const struct cleat_task_options *options, cleat__policy *out);
/* Delay before retry number `n` (1, 2, ...). Never overflows. */
int64_t cleat__policy_backoff_ms(const cleat__policy *policy, int32_t n);

#endif
