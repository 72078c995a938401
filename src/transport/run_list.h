/* Making the public list of runs. */
#ifndef CLEAT_TRANSPORT_RUN_LIST_H
#define CLEAT_TRANSPORT_RUN_LIST_H

#include "base/uuid.h"
#include <cleat/runs.h>

typedef struct cleat__listed_run {
    cleat__uuid id;
    cleat_slice workflow;
    cleat_run_status status; /* as it is shown */
    int64_t created_at_ms, started_at_ms, finished_at_ms;
    int32_t retry_count;
    cleat_slice metadata, error; /* as they are stored, whatever the status */
    bool is_child;
    cleat__uuid parent_id;
} cleat__listed_run;

/* Adds a copy. */
cleat_status cleat__run_list_add(cleat_run_list *list, const cleat__listed_run *run);

#endif
