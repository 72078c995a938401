/* Reading runs for people and programs; on a reader or the engine's own store. */
#ifndef CLEAT_STORE_QUERY_H
#define CLEAT_STORE_QUERY_H

#include "store/store.h"

/* A row of `cleat runs ls`. Slices are valid until the next step of the query. */
typedef struct cleat__run_row {
    cleat__uuid id;
    int64_t tenant;
    cleat_slice task;      /* the action */
    cleat_slice workflow;  /* its name */
    cleat_slice task_name; /* the readable id */
    cleat__uuid workflow_id, version_id;
    cleat__uuid worker_id; /* of another process, that has or had the newest attempt; else nil */
    cleat_run_status status;
    int32_t priority;
    int32_t retry_count;
    int64_t tries; /* attempts that a worker began; those cancelled or timed out in the queue are none */
    int64_t created_at_ms;
    int64_t started_at_ms;  /* of the newest attempt; 0: not yet */
    int64_t finished_at_ms; /* 0: not yet */
    bool is_child;
    cleat__uuid parent_id;
    int64_t child_index;
    cleat_slice child_key;
    cleat__uuid event_id;  /* that started it; nil: none */
    cleat_slice event_key; /* absent: none */
    cleat__uuid dag_id;    /* of the run that it is a task of; nil: none */
    bool is_dag;           /* it is a run of several tasks */
    /* Absent where there is none; only in cleat__run_get(), and metadata and error in cleat__run_glance(). `outcome` is
     * how it ended where the status does not say it: "SKIPPED", "TIMED_OUT", .. */
    cleat_slice input, metadata, output, error, outcome;
} cleat__run_row;

typedef struct cleat__run_filter {
    int64_t tenant;               /* 0: any */
    int32_t status;               /* a cleat_run_status, or -1: any */
    cleat_slice task;             /* absent: any; an action id */
    const cleat__uuid *parent_id; /* NULL: any */
    const cleat__uuid *before;    /* older than this run; NULL: from the newest on */
    int64_t limit;
} cleat__run_filter;

/* Calls `visit` for each run, newest first, until it answers false. */
cleat_status cleat__run_list(cleat__store *store, const cleat__run_filter *filter,
                             bool (*visit)(void *argument, const cleat__run_row *row), void *argument);
/* CLEAT_NOT_FOUND when there is none; whose it is, is for the caller to see. Slices are valid until the next
 * call on the store. */
cleat_status cleat__run_get(cleat__store *store, const cleat__uuid *id, cleat__run_row *out);
/* The same without what nobody lists: input and output, which may be long, and outcome. */
cleat_status cleat__run_glance(cleat__store *store, const cleat__uuid *id, cleat__run_row *out);
/* The only run whose id begins with `prefix` (text form, 8 characters at least). NOT_FOUND;
 * INVALID_ARGUMENT when several begin so. */
cleat_status cleat__run_find(cleat__store *store, cleat_slice prefix, cleat__uuid *out);
cleat_status cleat__run_count(cleat__store *store, uint64_t by_status[6]);

/* CLEAT_NOT_FOUND: the tenant has no workflow of that name. */
cleat_status cleat__workflow_find(cleat__store *store, int64_t tenant, cleat_slice name);
/* The same with the ids of the workflow and of its newest version, and how many versions there are. */
typedef struct cleat__workflow_brief {
    cleat__uuid workflow_id, version_id;
    int64_t version_count;
} cleat__workflow_brief;
cleat_status cleat__workflow_get(cleat__store *store, int64_t tenant, cleat_slice name,
                                 cleat__workflow_brief *out);

/* Attempts that ended without ending the run (retried, timed out, lost), or were replayed; oldest first. */
typedef struct cleat__attempt_row {
    int32_t retry_count;
    int64_t started_at_ms; /* 0: it ended in the queue */
    int64_t finished_at_ms;
    int64_t replayed_at_ms; /* the run ended with it, and was replayed then; 0: it was not */
    cleat_slice
        outcome; /* "FAILED", "TIMED_OUT", "LOST", "UNDELIVERED"; before a replay "COMPLETED", "SKIPPED", "CANCELLED", "SUPERSEDED" too */
    cleat_slice error;
} cleat__attempt_row;
cleat_status cleat__attempt_list(cleat__store *store, const cleat__uuid *id,
                                 bool (*visit)(void *argument, const cleat__attempt_row *row),
                                 void *argument);
cleat_status cleat__log_list(cleat__store *store, const cleat__uuid *id,
                             bool (*visit)(void *argument, const cleat__log_line *line), void *argument);

#endif
