/*
 * Runs that a v1.TasksFilter chooses, newest first: the same as over HTTP. They are looked for on threads of their
 * own, with a reader, as there may be millions to look at: neither the engine nor a completion thread may wait for that.
 */
#ifndef CLEAT_SERVER_RUN_SELECTOR_H
#define CLEAT_SERVER_RUN_SELECTOR_H

#include "http_pool.h"
#include "rest_query.h"
#include "wire/v1/workflows.pb-c.h"

#include <stdatomic.h>

typedef struct cleat__run_selector cleat__run_selector;

/* One choice. It stays where it is until it is done. */
typedef struct cleat__run_selection {
    cleat__http_job job; /* first */
    /* To be set. */
    const atomic_bool *is_over; /* nobody waits for it any more */
    int64_t deadline_ns;        /* of the monotonic clock */
    /* Once, on a thread of the selector, unless it was not added. A failure has this thread's sentence. */
    void (*done)(void *argument, cleat_status status);
    void *argument;
    /* The answer. */
    cleat__rest_ids ids;
    /* Of its own. */
    int64_t tenant;
    cleat__rest_filter filter;
    cleat__run_selector *selector;
} cleat__run_selection;

/* Reads the filter. CLEAT_INVALID_ARGUMENT names what is wrong. To be deinited also then. */
cleat_status cleat__run_selection_init(cleat__run_selection *selection, int64_t tenant,
                                       const Cleat__V1__TasksFilter *filter, size_t limit);
void cleat__run_selection_deinit(cleat__run_selection *selection);

cleat_status cleat__run_selector_start(const char *path, cleat__run_selector **out);
/* CLEAT_RESOURCE_EXHAUSTED: so many wait already. */
cleat_status cleat__run_selector_add(cleat__run_selector *selector, cleat__run_selection *selection);
/* What waits is done as too late. NULL-safe. */
void cleat__run_selector_free(cleat__run_selector *selector);

#endif
