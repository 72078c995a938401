/* Reading what the filters of lists say: which tasks, statuses, times and texts. */
#ifndef CLEAT_SDK_CHOICE_H
#define CLEAT_SDK_CHOICE_H

#include <cleat/runs.h>

#include "transport/transport.h"

/* 1 << cleat_run_status. */
enum {
    CLEAT__RUNS_LIVE = 1 << CLEAT_RUN_QUEUED | 1 << CLEAT_RUN_RUNNING | 1 << CLEAT_RUN_EVICTED,
    CLEAT__RUNS_ENDED = 1 << CLEAT_RUN_COMPLETED | 1 << CLEAT_RUN_FAILED | 1 << CLEAT_RUN_CANCELLED,
};

/* CLEAT_INVALID_ARGUMENT, naming `what`: one is no UTF-8. */
cleat_status cleat__texts_check(const char *what, const char *const *texts);
/* The same: one is no "key:value". */
cleat_status cleat__pairs_check(const char *what, const char *const *texts);
/* EVICTED is as RUNNING. CLEAT_INVALID_ARGUMENT: it has more than statuses. */
cleat_status cleat__statuses_read(const char *what, unsigned said, unsigned *out);
/* Of what is listed; 0 of the second is INT64_MAX. CLEAT_INVALID_ARGUMENT: one is negative. */
cleat_status cleat__times_read(int64_t since_ms, int64_t until_ms, int64_t *since_out, int64_t *until_out);

/* Tasks by the names of their workflows. */
typedef struct cleat__task_names {
    const char *const *tasks; /* as the program says them; borrowed */
    void *room;
    cleat_slice *workflows;
    size_t count;
} cleat__task_names;
/* To be deinited also after a failure. CLEAT_INVALID_ARGUMENT: there are more than 100, or one is no name. */
cleat_status cleat__task_names_read(const char *const *tasks, cleat__task_names *out);
void cleat__task_names_deinit(cleat__task_names *names);
/* The status of what was asked about them: of CLEAT_NOT_FOUND with the name that the program knows, where it can only be
 * that one. */
cleat_status cleat__task_names_missing(const cleat__task_names *names, cleat_status status);

/* NULL is a filter that says nothing. `able` are the statuses that can be asked for. `names` is to be deinited also after
 * a failure; until then `out` refers to them. */
cleat_status cleat__run_filter_read(const cleat_run_filter *filter, unsigned able, cleat__task_names *names,
                                    cleat__many_runs *out);

#endif
