/* What the engine reads: declarations, live runs at the start, one run's payload or result. */
#ifndef CLEAT_STORE_LOAD_H
#define CLEAT_STORE_LOAD_H

#include "base/buffer.h"
#include "model/pause.h"
#include "store/store.h"

/* One version of a workflow. */
typedef struct cleat__type_row {
    int64_t id;
    int64_t tenant;
    int64_t workflow_row; /* workflow.id */
    cleat__uuid workflow_id, version_id;
    cleat_slice workflow;  /* its name */
    cleat_slice task_name; /* the readable id */
    cleat_slice action;
    cleat__policy policy;
    cleat_slice declaration; /* the rest, by cleat__workflow_encode() */
    int64_t dag_type;        /* of a task of a DAG: the id of the version that it is of; 0: a version */
    bool is_dag;             /* a version of several tasks */
    bool is_deleted;         /* its workflow is */
    cleat__pause pause;      /* of its workflow */
} cleat__type_row;
/* Oldest first: of two of the same workflow the later one counts for new runs. The first status
 * of `visit` that is not CLEAT_OK ends the visit and is returned; so below. */
cleat_status cleat__load_types(cleat__store *store,
                               cleat_status (*visit)(void *argument, const cleat__type_row *row),
                               void *argument);
/* Stores `row` as a new version; sets row->id, and row->workflow_row, after storing the workflow too,
 * when that is 0. */
cleat_status cleat__type_insert(cleat__store *store, cleat__type_row *row);
/* Its name is free for another one; its versions stay. `row` is workflow.id. */
cleat_status cleat__workflow_delete(cleat__store *store, int64_t row, int64_t now_ms);
/* `row` is workflow.id. */
cleat_status cleat__workflow_pause(cleat__store *store, int64_t row, const cleat__pause *pause,
                                   int64_t now_ms);
/* Whether the version `id` has that declaration. CLEAT_OK, or CLEAT_EMPTY: another one. */
cleat_status cleat__type_compare(cleat__store *store, int64_t id, cleat_slice declaration);

typedef struct cleat__live_row {
    cleat__uuid id;
    int64_t type_id;
    int32_t priority;
    cleat_run_status state;
    int32_t retry_count;
    int32_t first_retry; /* the retry count of the first attempt since it was triggered or replayed */
    int32_t internal_retries;
    int64_t queued_at_ms;
    int64_t started_at_ms; /* 0: not yet */
    cleat__uuid worker_id; /* of another process, to which the attempt was assigned; else nil */
    cleat_slice desired;   /* by cleat__wish_encode(); absent: nothing */
    int64_t timeout_at_ms; /* Unix; what it was granted beyond what its task says; 0: nothing */
    bool has_released;     /* its worker's slots are free */
    cleat_slice limits;    /* the keys of its limits, JSON; absent: it has none */
    cleat__uuid dag_id;    /* of the run it is a task of; nil: none */
    bool is_held;          /* QUEUED, in no queue */
    cleat__uuid former_id; /* the run that goes on as this one, held until that has ended; nil: none */
    cleat__uuid batch_id; /* RUNNING: of those that its worker was given together; nil: it is none of these */
} cleat__live_row;
/* In the order of their ids, which is that of their triggers. */
cleat_status cleat__load_live(cleat__store *store,
                              cleat_status (*visit)(void *argument, const cleat__live_row *row),
                              void *argument);

/* A run that has ended, as far as it is needed to run again. The caller deinits `desired`. */
typedef struct cleat__ended_row {
    int64_t type_id;
    int32_t priority;
    cleat_run_status state;
    int32_t retry_count;
    cleat__buffer desired; /* as above; empty: nothing */
} cleat__ended_row;
/* CLEAT_NOT_FOUND: the tenant has no such run, or it lives. */
cleat_status cleat__load_ended(cleat__store *store, int64_t tenant, const cleat__uuid *id,
                               cleat__ended_row *out);

/* The highest id of any run, event, schedule, filter or cron; nil when there is none. */
cleat_status cleat__load_last_id(cleat__store *store, cleat__uuid *out);

/* CLEAT_OK, or CLEAT_NOT_FOUND: also when it is a run of another tenant. */
cleat_status cleat__load_exists(cleat__store *store, int64_t tenant, const cleat__uuid *id);
/* CLEAT_OK, or CLEAT_EMPTY: the parent has no such child. */
cleat_status cleat__load_is_child(cleat__store *store, const cleat__uuid *parent_id, const cleat__uuid *id);

/* Whether the child with the trigger's number, of its parent, was started with the same task and input. CLEAT_EMPTY:
 * there is no such child. */
cleat_status cleat__load_child_input(cleat__store *store, const cleat__trigger *trigger, bool *is_same);

/* Appends a run's input, and its metadata if it has any. CLEAT_NOT_FOUND: no such run. */
cleat_status cleat__load_payloads(cleat__store *store, const cleat__uuid *id, cleat__buffer *input,
                                  cleat__buffer *metadata);

/* Appends a run's metadata; nothing when it has none. CLEAT_NOT_FOUND: no such run. */
cleat_status cleat__load_metadata(cleat__store *store, const cleat__uuid *id, cleat__buffer *out);
/* The same of a parent, and the run that it is, or is a task of. */
cleat_status cleat__load_parent(cleat__store *store, const cleat__uuid *id, cleat__uuid *run_id,
                                cleat__buffer *metadata);

/* The same of what it desires, as cleat__wish_encode() has made it. */
cleat_status cleat__load_desired(cleat__store *store, const cleat__uuid *id, cleat__buffer *out);

/* The names of a version that an assignment carries. */
typedef struct cleat__type_names {
    cleat_slice action, workflow, task;
} cleat__type_names;
/* A new assignment with everything of the run that is stored, and the names. The caller sets what
 * else there is, and frees it. */
cleat_status cleat__load_assignment(cleat__store *store, const cleat__uuid *id,
                                    const cleat__type_names *names, cleat__assignment **out);

/* How a run ended. CLEAT_EMPTY: it has not; CLEAT_NOT_FOUND: the tenant has no such run. `task_name`,
 * if not NULL, gets the readable id of the task. The caller deinits, and frees that. */
cleat_status cleat__load_result(cleat__store *store, int64_t tenant, const cleat__uuid *id,
                                cleat_run_result *out, char **task_name);

#endif
