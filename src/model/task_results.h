/* How the tasks of a run have ended, for whoever waits for it. */
#ifndef CLEAT_MODEL_TASK_RESULTS_H
#define CLEAT_MODEL_TASK_RESULTS_H

#include <cleat/run.h>

#define CLEAT__RESULTS_MAX ((size_t)3 * 1024 * 1024) /* bytes of outputs that are told together */

typedef struct cleat__task_result {
    cleat_run_result result; /* owned; its id is that of the task */
    char *name;              /* owned; the readable id */
} cleat__task_result;

typedef struct cleat__task_results {
    cleat__task_result *items; /* owned; none of a run of one task */
    size_t count, capacity;
    size_t bytes;      /* of texts */
    bool is_too_large; /* outputs would be more than CLEAT__RESULTS_MAX: there are no items */
} cleat__task_results;
void cleat__task_results_deinit(cleat__task_results *results);

/* Copies one. */
cleat_status cleat__task_results_add(cleat__task_results *results, const char id[37], cleat_slice name,
                                     cleat_run_status status, cleat_slice text);

#endif
