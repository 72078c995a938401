/* All that is stored about one run, in memory of its own. */
#ifndef CLEAT_CLI_RUN_DETAIL_H
#define CLEAT_CLI_RUN_DETAIL_H

#include "collector/stitched.h"
#include "store/query.h"

#define CLEAT__RUN_STATUSES 6 /* of cleat_run_status */

typedef struct cleat__run_attempt {
    int32_t retry_count;
    int64_t started_at_ms;  /* 0: it ended in the queue */
    int64_t finished_at_ms; /* 0: not yet */
    char *outcome;
    char *error; /* NULL: none */
} cleat__run_attempt;

typedef struct cleat__run_log {
    int32_t retry_count;
    cleat_log_level level;
    int64_t time_ms;
    char *message;
    char *metadata; /* a JSON object; NULL: none */
} cleat__run_log;

/* Of a run of several. */
typedef struct cleat__run_detail_task {
    cleat__uuid id;
    cleat_run_status status;
    bool was_skipped; /* COMPLETED, without doing anything */
    int64_t tries;
    int64_t took_ms; /* the last attempt, to now while it runs; -1: none was begun */
    char *name;
    char *error;         /* NULL: none */
    cleat__buffer waits; /* as below; empty: for nothing */
} cleat__run_detail_task;

typedef struct cleat__run_detail {
    cleat__run_row row;           /* its slices lead to the copies below */
    char *texts[6];               /* task, child key, input, metadata, output, error */
    cleat__run_attempt *attempts; /* those before the last one, oldest first */
    size_t attempt_count;
    cleat__run_log *log;
    size_t log_count;
    cleat__run_detail_task *tasks; /* in the order of the declaration */
    size_t task_count;
    int64_t children[CLEAT__RUN_STATUSES]; /* by status; those of its tasks, too */
    int64_t child_count;
    cleat__buffer
        waits; /* what a run that is evicted or queued waits for: a JSON array; empty: it is neither */
    cleat__buffer reason; /* of an evicted run: why, as its worker said */
    cleat_status status;  /* while loading */
} cleat__run_detail;

const char *cleat__log_level_name(cleat_log_level level);
/* Why a run that no attempt speaks of has ended, in words; absent: there is nothing to say. */
cleat_slice cleat__run_end_reason(const cleat__run_row *row);

/* Deinit on every path. */
cleat_status cleat__run_detail_load(cleat__store *store, const cleat__uuid *id, cleat__run_detail *out);
/* One JSON document; answers the exit code. */
int cleat__run_detail_print_json(cleat__store *store, const cleat__run_detail *detail,
                                 const cleat__stitched *forest);
void cleat__run_detail_deinit(cleat__run_detail *detail);

#endif
