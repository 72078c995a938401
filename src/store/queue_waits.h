/* The times that runs of a tenant waited in the queue: between when they were due and when a worker got them. */
#ifndef CLEAT_STORE_QUEUE_WAITS_H
#define CLEAT_STORE_QUEUE_WAITS_H

#include "store/queue_history.h"

typedef struct cleat__queue_wait {
    int64_t from_ms, to_ms; /* from < to; INT64_MAX: it still does */
} cleat__queue_wait;

/* Zero-initialised. */
typedef struct cleat__queue_waits {
    cleat__queue_wait *items;
    size_t count, capacity;
    bool is_complete; /* the work was enough */
} cleat__queue_waits;

/* Those with a part between the filter's times; deinit them on every path. */
cleat_status cleat__queue_waits_load(cleat__store *store, const cleat__queue_history_filter *filter,
                                     cleat__queue_waits *out);
void cleat__queue_waits_deinit(cleat__queue_waits *waits);

#endif
