/* What the engine reads: declarations, live runs at the start, one run's payload or result. */
#ifndef CLEAT_STORE_LOAD_H
#define CLEAT_STORE_LOAD_H

#include "store/store.h"

typedef struct cleat__type_row {
    int64_t id;
    cleat_slice action;
    cleat__policy policy;
} cleat__type_row;
/* Oldest first: of two with the same action the later one counts for new runs. The first status
 * of `visit` that is not CLEAT_OK ends the visit and is returned; so below. */
cleat_status cleat__load_types(cleat__store *store,
                               cleat_status (*visit)(void *argument, const cleat__type_row *row),
                               void *argument);
cleat_status cleat__type_insert(cleat__store *store, cleat_slice action, const cleat__policy *policy,
                                int64_t *id);

typedef struct cleat__live_row {
    cleat__uuid id;
    int64_t type_id;
    int32_t priority;
    cleat_run_status state;
    int32_t retry_count;
    int32_t internal_retries;
    int64_t queued_at_ms;
    int64_t started_at_ms; /* 0: not yet */
} cleat__live_row;
/* In the order of their ids, which is that of their triggers. */
cleat_status cleat__load_live(cleat__store *store,
                              cleat_status (*visit)(void *argument, const cleat__live_row *row),
                              void *argument);

/* The highest id of any run; nil when there is none. */
cleat_status cleat__load_last_id(cleat__store *store, cleat__uuid *out);

/* CLEAT_OK, or CLEAT_NOT_FOUND. */
cleat_status cleat__load_exists(cleat__store *store, const cleat__uuid *id);

/* A new assignment with everything of it that is stored. The caller sets retry_count and
 * queued_at_ms, and frees it. */
cleat_status cleat__load_assignment(cleat__store *store, const cleat__uuid *id, cleat_slice action,
                                    cleat__assignment **out);

/* How a run ended. CLEAT_EMPTY: it has not; CLEAT_NOT_FOUND: no such run. The caller deinits. */
cleat_status cleat__load_result(cleat__store *store, const cleat__uuid *id, cleat_run_result *out);

#endif
