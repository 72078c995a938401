/* Runs that a filter of run_search.h lets pass, one by one. */
#ifndef CLEAT_STORE_RUN_WALK_H
#define CLEAT_STORE_RUN_WALK_H

#include "store/run_search.h"

typedef struct cleat__run_seen {
    cleat__uuid id;
    cleat_run_status status;
    int64_t created_at_ms;
} cleat__run_seen;

/* Newest first, until `see` answers false or `work` rows were looked at; `end` says whether there are more. The
 * filter's limit and work do not count here. Unless it is needed, `status` is of those only that the filter asks for it. */
cleat_status cleat__run_walk(cleat__store *store, const cleat__run_search_filter *filter, int64_t work,
                             bool needs_status, bool (*see)(void *argument, const cleat__run_seen *run),
                             void *argument, cleat__run_search_end *end);

#endif
