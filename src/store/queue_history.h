/*
 * How long the queue was and how long its oldest run had waited, over time: worked out from the times that are stored
 * with runs, attempts and invocations, when they are asked for. On a reader or the engine's own store.
 */
#ifndef CLEAT_STORE_QUEUE_HISTORY_H
#define CLEAT_STORE_QUEUE_HISTORY_H

#include "store/store.h"

enum {
    CLEAT__QUEUE_HISTORY_WORK = 50000, /* rows looked at */
    CLEAT__QUEUE_BUCKETS_MAX = 200,
};

typedef struct cleat__queue_bucket {
    int64_t at_ms;
    int64_t depth;         /* the most that waited at once */
    int64_t oldest_age_ms; /* the longest that one of them had waited by then */
} cleat__queue_bucket;

typedef struct cleat__queue_history {
    int32_t bucket_count;
    cleat__queue_bucket buckets[CLEAT__QUEUE_BUCKETS_MAX];
    bool is_complete; /* false: work was cut, and waits are missing, of the oldest runs first */
} cleat__queue_history;

typedef struct cleat__queue_history_filter {
    int64_t tenant;
    int64_t since_ms, until_ms; /* since < until; not beyond now: what is due later does not wait yet */
    int32_t buckets;            /* of equal width; at most the above */
    int64_t work;               /* rows; 0: as above */
} cleat__queue_history_filter;

/* CLEAT_INVALID_ARGUMENT: it is no span of time. */
cleat_status cleat__queue_history_load(cleat__store *store, const cleat__queue_history_filter *filter,
                                       cleat__queue_history *out);

#endif
