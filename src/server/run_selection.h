/* Runs that a v1.TasksFilter chooses, newest first, in pieces that are short enough for the engine's thread. */
#ifndef CLEAT_SERVER_RUN_SELECTION_H
#define CLEAT_SERVER_RUN_SELECTION_H

#include "store/store.h"
#include "wire/v1/workflows.pb-c.h"

typedef struct cleat__run_selection {
    int64_t tenant;
    const Cleat__V1__TasksFilter *filter; /* borrowed */
    int64_t since_ms, until_ms;           /* created since; ended until (who has not ended is in) */
    unsigned statuses;                    /* 1 << cleat_run_status, of several */
    cleat__uuid *workflow_ids;            /* as many as the filter has; none: any */
    cleat__uuid from, before;             /* what is left to be looked at */
    cleat__uuid *ids;                     /* chosen so far */
    size_t count, capacity, limit;
    bool is_done, failed; /* for want of memory */
} cleat__run_selection;

/* CLEAT_INVALID_ARGUMENT names what is wrong. To be deinited also then. */
cleat_status cleat__run_selection_init(cleat__run_selection *selection, int64_t tenant,
                                       const Cleat__V1__TasksFilter *filter, size_t limit);
void cleat__run_selection_deinit(cleat__run_selection *selection);
/* Looks at some more of the runs; the last of them sets is_done. */
cleat_status cleat__run_selection_go_on(cleat__run_selection *selection, cleat__store *store);

#endif
