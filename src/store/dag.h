/* Runs of several tasks, in the file: their tasks, and what these have waited for. */
#ifndef CLEAT_STORE_DAG_H
#define CLEAT_STORE_DAG_H

#include "base/buffer.h"
#include "model/durable.h"
#include "model/task_results.h"
#include "store/store.h"

/* A task of a run. Slices are valid until the visit returns. */
typedef struct cleat__dag_row {
    cleat__uuid id;
    int64_t type_id;
    bool has_ended;
    cleat_run_status state; /* in which it has ended, or is */
    int32_t retry_count;
    int64_t finished_at_ms;    /* 0: it has not */
    cleat_slice output, error; /* of its end; absent without CLEAT__DAG_WITH_RESULTS */
    cleat_slice name;          /* the readable id */
} cleat__dag_row;

/* What is read of them: all that they have made may be gigabytes. */
typedef enum cleat__dag_parts { CLEAT__DAG_WITHOUT_RESULTS, CLEAT__DAG_WITH_RESULTS } cleat__dag_parts;
/* All of them, in the order of the declaration, each when the visit of the one before has returned. The first status
 * of `visit` that is not CLEAT_OK ends it. */
cleat_status cleat__dag_list(cleat__store *store, const cleat__uuid *dag_id, cleat__dag_parts parts,
                             cleat_status (*visit)(void *argument, const cleat__dag_row *row),
                             void *argument);
/* Their ids alone, in that order; to be freed. */
cleat_status cleat__dag_ids(cleat__store *store, const cleat__uuid *dag_id, cleat__uuid **out, size_t *count);
/* Ends of runs, whosever they are, from the one id to the other, in the order of the ids. Of the rows there is no type and
 * no name. One reading of neighbours, which ids of a run's tasks are, costs less than looking up each. */
cleat_status cleat__dag_ends(cleat__store *store, const cleat__uuid *first, const cleat__uuid *last,
                             cleat__dag_parts parts,
                             cleat_status (*visit)(void *argument, const cleat__dag_row *row),
                             void *argument);
/* The run that it is a task of; nil: it is none. */
cleat_status cleat__dag_of(cleat__store *store, const cleat__uuid *id, cleat__uuid *out);

/* Appends the output of a run that has completed, or the error of one that has failed. CLEAT_EMPTY: it has not. */
cleat_status cleat__dag_output(cleat__store *store, const cleat__uuid *id, cleat__buffer *out);
cleat_status cleat__dag_error(cleat__store *store, const cleat__uuid *id, cleat__buffer *out);
/* The worker of another process that had it last; nil: there is none. */
cleat_status cleat__dag_worker(cleat__store *store, const cleat__uuid *id, cleat__uuid *out);
/* Appends what it desires; nothing when that is nothing. */
cleat_status cleat__dag_desired(cleat__store *store, const cleat__uuid *id, cleat__buffer *out);

/* How its tasks have ended, which all have; nothing of a run of one task. */
cleat_status cleat__dag_results(cleat__store *store, const cleat__uuid *dag_id, cleat__task_results *out);

/* What the task has waited for, replacing what it had before. */
cleat_status cleat__task_trigger_put(cleat__store *store, const cleat__uuid *id, cleat_slice data);
/* Appends it; nothing when there is none. */
cleat_status cleat__task_trigger_get(cleat__store *store, const cleat__uuid *id, cleat__buffer *out);

#endif
