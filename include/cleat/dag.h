/*
 * Workflows of several tasks, each of which comes after others, its parents: a directed acyclic graph.
 *
 *     cleat_worker *worker = NULL;
 *     static const char *const after_extract[] = {"extract", NULL};
 *     static const char *const after_both[] = {"clean", "count", NULL};
 *     const cleat_dag_task *const tasks[] = {
 *         CLEAT_DAG_TASK(.name = "extract", .run = greet, .retries = 3),
 *         CLEAT_DAG_TASK(.name = "clean", .run = greet, .parents = after_extract),
 *         CLEAT_DAG_TASK(.name = "count", .run = greet, .parents = after_extract),
 *         CLEAT_DAG_TASK(.name = "load", .run = greet, .parents = after_both),
 *         NULL,
 *     };
 *     cleat_worker_new(client, CLEAT_WORKER_OPTIONS(.slots = 8), &worker);
 *     cleat_worker_add_dag(worker, CLEAT_DAG_OPTIONS(.name = "etl", .tasks = tasks));
 *
 * "etl" is started, awaited and cancelled as any task, by cleat_client_run() and its like: that is one run, whose output is
 * an object of the outputs of its tasks. Each task has a run of its own beside it. It begins when all its parents have
 * completed; where one fails or is cancelled, so are all behind it, and the run fails. See docs/dags.md.
 */
#ifndef CLEAT_DAG_H
#define CLEAT_DAG_H

#include "cleat/task.h"
#include "cleat/worker.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What a task waits for, or is skipped or cancelled by: one of `parent`, `sleep_for` and `event_key`. Of several all must be
 * met, but for those of one group, of which one is enough: parents, or times and events. Parents are looked at when they
 * end; times and events are waited for once these say that the task may run, and from then on decide alone.
 */
typedef struct cleat_dag_condition {
    const char *parent;    /* one of its parents, which has completed, by what it has made */
    const char *sleep_for; /* "10s", "1h30m": from then on */
    /* Of an event (cleat/event.h) pushed from then on, after what started the run; 1 to 767 bytes, and no hook's. */
    const char *event_key;
    /* CEL: over `output`, what the parent has made; or over `input`, the event's payload. NULL: any. */
    const char *expression;
    int or_group; /* conditions of one list with the same number, 1 or more, are alternatives; 0: it stands alone */
    /* What cleat_task_trigger_data() calls it; NULL: the event's key, or the time as it is given. In wait_for each group
     * has names of its own. */
    const char *name;
    const char *scope; /* of the event: only those of that scope count; NULL: those of any, or of none */
} cleat_dag_condition;

/* A task; what is not said here is as in cleat_task_options. */
typedef struct cleat_dag_task {
    size_t struct_size;
    const char
        *name; /* one word, which is there once in the workflow; with that one's name 63 bytes at most */
    cleat_task_function run;
    void *user_data;
    const char *const *parents; /* names of tasks; a NULL-terminated list; NULL: it begins with the run */
    int retries;
    int64_t backoff_initial_ms;
    double backoff_factor;
    int64_t backoff_max_ms;
    int64_t execution_timeout_ms;
    int64_t
        schedule_timeout_ms; /* from when it is queued: not while it waits for its parents and conditions */
    const cleat_desired_label *desired_labels;
    size_t desired_label_count;
    const cleat_slots *slot_requests;
    size_t slot_request_count;
    /* Where several are met it is skipped rather than cancelled, and cancelled rather than run; 100 in all. */
    const cleat_dag_condition *wait_for;
    size_t wait_for_count;
    const cleat_dag_condition *skip_if; /* it has completed then, with {"skipped":true} */
    size_t skip_if_count;
    const cleat_dag_condition *cancel_if;
    size_t cancel_if_count;
    /* See cleat/limit.h. Keys and units are found out when it is queued, of the run's input and metadata. */
    const cleat_concurrency *concurrency; /* how many of its like, in all runs, go on at once */
    size_t concurrency_count;
    const cleat_rate_limit *rate_limits; /* what each attempt takes of them */
    size_t rate_limit_count;
    /* `run` is the function of a workflow (cleat/workflow.h): it sleeps, and waits for events and child runs, without a
     * thread and without a slot, and takes steps that survive crashes. It takes a slot of the type "durable". */
    bool is_durable;
    const cleat_batch_config *batch; /* with its like in other runs: cleat/batch.h */
    cleat_batch_function run_batch;
} cleat_dag_task;
/* In C++ it is gone after the statement: there, fill in variables. */
#define CLEAT_DAG_TASK(...) CLEAT_OPTIONS(cleat_dag_task, __VA_ARGS__)

/* What is not said here is as in cleat_task_options. */
typedef struct cleat_dag_options {
    size_t struct_size;
    const char *name; /* one word: as that of a task, without a ':' */
    const cleat_dag_task *const
        *tasks; /* a NULL-terminated list, in any order; 1000 at most with the two below */
    /* Runs as soon as a task has failed for good, and is skipped where none does; it has neither parents nor
     * conditions, and a name as the others have. NULL: none. */
    const cleat_dag_task *on_failure;
    /* Runs when all the others have completed, but for that one: its parents are those of `tasks` that are nobody's, and it
     * names none itself. Else it is a task like any, and in the output. NULL: none. */
    const cleat_dag_task *on_success;
    const char *const *on_events;
    const char *const *on_crons;
    const char *cron_input;
    cleat_sticky sticky; /* tasks go where a parent of theirs was */
    int priority;        /* of all its tasks */
    const char *description;
    const char *input_json_schema;
    const cleat_filter *default_filters;
    size_t default_filter_count;
    const cleat_idempotency *idempotency;
    /* How many of its runs go on at once: one has a slot of each rule from before its first task begins until its last
     * one has ended. Until it has them its tasks wait. */
    const cleat_concurrency *concurrency;
    size_t concurrency_count;
} cleat_dag_options;
#define CLEAT_DAG_OPTIONS(...) CLEAT_OPTIONS(cleat_dag_options, __VA_ARGS__)

/*
 * Declares it, before the worker starts, which will run all its tasks; everything is copied. CLEAT_INVALID_ARGUMENT: the
 * message says what is wrong, such as a parent that is no task, or tasks that would wait for each other.
 * CLEAT_ALREADY_EXISTS: this worker has a task or a workflow of that name, or a task "name:task".
 */
CLEAT_API cleat_status cleat_worker_add_dag(cleat_worker *worker, const cleat_dag_options *options);

/*
 * ---- In a task. Slices and texts are valid during the task function. ----
 *
 * cleat_task_input() is the run's; cleat_task_name() is "workflow:task", and cleat_task_run_id() the task's own, that of
 * its logs, its stream and its children; cleat_task_workflow_run_id() is the run that cleat_client_run_no_wait() has given.
 */

/* A JSON object. CLEAT_NOT_FOUND: there is no such parent, or it has made no object, or it is one of the largest, left out
 * since the run's input and metadata, what conditions have brought, and the outputs of parents have more than
 * CLEAT_PAYLOAD_MAX less 16 KiB together. */
CLEAT_API cleat_status cleat_task_parent_output(const cleat_task *task, const char *parent,
                                                cleat_slice *output);
/* False also where there is no such parent. */
CLEAT_API bool cleat_task_parent_was_skipped(const cleat_task *task, const char *parent);
/* What the condition of that name has brought: the payload of an event, any JSON value; or of a
 * time an object that names it. CLEAT_NOT_FOUND: there is none, or it was not met. */
CLEAT_API cleat_status cleat_task_trigger_data(const cleat_task *task, const char *name, cleat_slice *data);
/* Of the task for failures: the message of a task that had failed when this one began; NULL: it had not. */
CLEAT_API const char *cleat_task_step_error(const cleat_task *task, const char *name);

#ifdef __cplusplus
}
#endif
#endif
