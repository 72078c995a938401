/*
 * What the REST API reads from the engine's file. Tenants are kept apart by the queries: each takes the number of the
 * tenant who asks, here and in what is asked of the store and the collector beside. The one that does not,
 * cleat__attempt_list(), is only asked about a run that was found for that tenant.
 */
#ifndef CLEAT_SERVER_REST_QUERY_H
#define CLEAT_SERVER_REST_QUERY_H

#include "base/buffer.h"
#include "model/pause.h"
#include "store/event.h"
#include "store/query.h"
#include "store/queue_count.h"
#include "store/rate.h"
#include "store/run_choice.h"
#include "store/schedule.h"

#include <jansson.h>

/* Ids; none stand for all. */
typedef struct cleat__rest_ids {
    cleat__uuid *items; /* owned */
    size_t count, capacity;
} cleat__rest_ids;
void cleat__rest_ids_deinit(cleat__rest_ids *ids);
cleat_status cleat__rest_ids_add(cleat__rest_ids *ids, const cleat__uuid *id);
bool cleat__rest_ids_have(const cleat__rest_ids *ids, const cleat__uuid *id);

/* ---- Runs ---- */

typedef struct cleat__rest_run {
    cleat__run_row row; /* with metadata and error; input and output where they were asked for */
    int64_t child_count;
    bool is_durable;
    bool is_dag;                 /* a run of several tasks */
    bool is_task;                /* of such a run */
    bool is_held;                /* one that waits for others of that, or an event or a time */
    cleat__uuid dag_id;          /* of that; nil: none */
    cleat__uuid step_id;         /* of its task's declaration */
    int64_t queued_at_ms;        /* of the attempt that waits or runs; 0: it has ended */
    int64_t scheduled_at_ms;     /* when it was put on the schedule that started it; 0: none did */
    cleat_slice idempotency_key; /* absent: it has none */
    cleat_slice batch_key;       /* of the group with which it goes to workers; absent: it goes by itself */
    /* Of the last attempt: "TIMED_OUT", "LOST", "NOT_TAKEN" (in time), "SUPERSEDED", "SKIPPED"; absent: as the status */
    cleat_slice outcome;
} cleat__rest_run;

typedef struct cleat__rest_filter {
    int64_t since_ms,
        until_ms;      /* created since; ended until (who has not ended is in); 0 and INT64_MAX: any */
    unsigned statuses; /* 1 << cleat_run_status, of several; 0: any */
    bool has_parent, has_event, has_worker;
    cleat__uuid parent_id, event_id, worker_id; /* child of it; started by it; that has or had it */
    cleat__rest_ids workflows;                  /* owned */
    json_t *metadata;                           /* owned; an array of "key:value"; NULL or empty: any */
    json_t *idempotency_keys; /* owned; an array of strings, one of which it has; NULL: any */
    bool needs_all_metadata;
    bool matches_nothing; /* it asks for what no run has */
    bool with_payloads;
    bool only_tasks; /* those of runs of several instead of these */
    int64_t offset, limit;
} cleat__rest_filter;
void cleat__rest_filter_deinit(cleat__rest_filter *filter);

/* Counting stops so far behind the page. */
enum { CLEAT__REST_COUNT_MAX = 20000 };
/* Visits the page's runs, newest first, until `visit` answers false. `*total` counts all that match, as far as
 * COUNT_MAX. */
cleat_status cleat__rest_query_runs(cleat__store *store, int64_t tenant, const cleat__rest_filter *filter,
                                    bool (*visit)(void *argument, const cleat__rest_run *run), void *argument,
                                    int64_t *total);
/* The same where the ids are enough; `total` may be NULL, and then nothing behind the page is looked at. */
cleat_status cleat__rest_query_run_ids(cleat__store *store, int64_t tenant, const cleat__rest_filter *filter,
                                       bool (*visit)(void *argument, const cleat__uuid *id), void *argument,
                                       int64_t *total);
/* All that match, whatever the page. */
cleat_status cleat__rest_query_run_counts(cleat__store *store, int64_t tenant,
                                          const cleat__rest_filter *filter,
                                          uint64_t by_status[CLEAT__RUN_SHOWN_STATES]);

/* A span of time in parts of equal width. */
typedef struct cleat__rest_span {
    int64_t from_ms, to_ms, width_ms;
} cleat__rest_span;
/* What ended in one of them. */
typedef struct cleat__rest_ends {
    int64_t index;
    int64_t completed, failed;
} cleat__rest_ends;
/* Of the runs that were created in the span too. Parts without ends are left out. */
cleat_status cleat__rest_query_run_ends(cleat__store *store, int64_t tenant, const cleat__rest_span *span,
                                        void (*visit)(void *argument, const cleat__rest_ends *row),
                                        void *argument);

/* The run that it is, or that it is a task of. */
static inline const cleat__uuid *cleat__rest_root(const cleat__rest_run *run)
{
    return run->is_task ? &run->dag_id : &run->row.id;
}
/* Ids of the tasks of a run, in their order: of a run of one task its own. */
cleat_status cleat__rest_query_tasks(cleat__store *store, const cleat__rest_run *run, cleat__rest_ids *out);
/* The one of them that was the last to complete, skipped ones apart. CLEAT_EMPTY: none has. */
cleat_status cleat__rest_query_last(cleat__store *store, const cleat__uuid *dag_id, cleat__uuid *out);
/* Appends what its version was declared as. */
cleat_status cleat__rest_query_declaration(cleat__store *store, const cleat__uuid *run_id,
                                           cleat__buffer *out);
/* Slices are valid until the next call of this on the store. CLEAT_NOT_FOUND. */
cleat_status cleat__rest_query_run(cleat__store *store, int64_t tenant, const cleat__uuid *id,
                                   bool with_payloads, cleat__rest_run *out);
/* The same with some of what may be long, which is absent else. */
enum { CLEAT__REST_INPUT = 1, CLEAT__REST_OUTPUT = 2, CLEAT__REST_ERROR = 4, CLEAT__REST_METADATA = 8 };
cleat_status cleat__rest_query_parts(cleat__store *store, int64_t tenant, const cleat__uuid *id,
                                     unsigned parts, cleat__rest_run *out);
/* ---- Workflows: those that are not deleted ---- */

/* With its newest version, or the one that was asked for. Slices are valid during the visit. */
typedef struct cleat__rest_workflow {
    cleat__uuid id, version_id;
    cleat_slice name;
    cleat_slice task_name, action;
    cleat_slice declaration; /* by cleat__workflow_encode() */
    int32_t priority, retries;
    int64_t execution_timeout_ms, schedule_timeout_ms; /* CLEAT__NO_TIMEOUT: none */
    int64_t order;                                     /* of its versions, from 1 on */
    bool is_dag;                                       /* it is one of several tasks */
    int64_t type_id;                                   /* its row */
    cleat__pause pause;
} cleat__rest_workflow;
/* By name, until `visit` answers false. */
cleat_status cleat__rest_query_workflows(cleat__store *store, int64_t tenant,
                                         bool (*visit)(void *argument, const cleat__rest_workflow *row),
                                         void *argument);
/* One; `version` NULL: its newest. Slices are valid until the next call. CLEAT_NOT_FOUND. */
cleat_status cleat__rest_query_workflow(cleat__store *store, int64_t tenant, const cleat__uuid *id,
                                        const cleat__uuid *version, cleat__rest_workflow *out);

/* A task of a workflow that has several. Slices are valid during the visit. */
typedef struct cleat__rest_step {
    cleat_slice name, action;
    int32_t retries;
    int64_t execution_timeout_ms, schedule_timeout_ms; /* CLEAT__NO_TIMEOUT: none */
} cleat__rest_step;
/* In the order of the declaration; none of a workflow of one. May be called in a visit above. */
cleat_status cleat__rest_query_steps(cleat__store *store, const cleat__rest_workflow *workflow,
                                     void (*visit)(void *argument, const cleat__rest_step *row),
                                     void *argument);

/* Keys of concurrency rules that runs of a workflow have which live, and the runs of one of them. */
typedef struct cleat__rest_keys {
    int64_t count, runs;
} cleat__rest_keys;
/* `states`: 1 << cleat_run_status, of several; 0: any. `key` absent: no runs are counted. */
cleat_status cleat__rest_query_keys(cleat__store *store, int64_t tenant, const cleat__uuid *workflow_id,
                                    unsigned states, cleat_slice key, cleat__rest_keys *out);

/* ---- Queues ---- */

/* Of the runs of a task that are queued, or with a worker: how many have this key in this rule. */
typedef struct cleat__rest_claim {
    cleat_slice task_name;
    bool is_running;
    cleat_slice expression; /* the rule's */
    cleat_concurrency_strategy strategy;
    cleat_slice key;
    int64_t count;
} cleat__rest_claim;
/* Those of most runs first, 10,000 at most. */
cleat_status cleat__rest_query_claims(cleat__store *store, int64_t tenant,
                                      void (*visit)(void *argument, const cleat__rest_claim *row),
                                      void *argument);

/* ---- Schedules ---- */

typedef struct cleat__rest_schedule {
    cleat__schedule_row row;
    cleat__uuid workflow_id, version_id; /* of the newest version */
} cleat__rest_schedule;

typedef struct cleat__rest_schedule_filter {
    const cleat__uuid *workflow_id; /* NULL: any */
    json_t *metadata;               /* an array of "key:value", all of which it has; NULL: any */
    bool is_by_creation;            /* the order; else by the time at which they fire */
    bool is_ascending;
} cleat__rest_schedule_filter;
/* Until `visit` answers false. */
cleat_status cleat__rest_query_schedules(cleat__store *store, int64_t tenant,
                                         const cleat__rest_schedule_filter *filter,
                                         bool (*visit)(void *argument, const cleat__rest_schedule *row),
                                         void *argument);
/* Slices are valid until the next call. CLEAT_NOT_FOUND. */
cleat_status cleat__rest_query_schedule(cleat__store *store, int64_t tenant, const cleat__uuid *id,
                                        cleat__rest_schedule *out);

/* ---- Events ---- */

/* Each key once, by name. */
cleat_status cleat__rest_query_event_keys(cleat__store *store, int64_t tenant,
                                          bool (*visit)(void *argument, cleat_slice key), void *argument);

#endif
