/* How many runs wait and go on, by task. On a reader or the engine's own store. */
#ifndef CLEAT_STORE_QUEUE_COUNT_H
#define CLEAT_STORE_QUEUE_COUNT_H

#include "store/store.h"

/* What lives of one task. Times are 0 where there is none. */
typedef struct cleat__queue_row {
    cleat_slice task_name, action;
    int64_t queued, running, evicted;
    int64_t oldest_queued_at_ms, oldest_first_queued_at_ms; /* the second without retries */
    int64_t oldest_started_at_ms;
} cleat__queue_row;
/* By task, then action, until `visit` answers false. */
cleat_status cleat__queue_count(cleat__store *store, int64_t tenant,
                                bool (*visit)(void *argument, const cleat__queue_row *row), void *argument);

#endif
