/*
 * Runs by what is in them, for the viewer: newest first, piece by piece. A search looks at so many rows at most
 * (payloads that are searched count by their size too), says how far back it came, and goes on from there. On a reader
 * or the engine's own store.
 */
#ifndef CLEAT_STORE_RUN_SEARCH_H
#define CLEAT_STORE_RUN_SEARCH_H

#include "store/store.h"

enum {
    CLEAT__RUN_SEARCH_WORK = 20000, /* rows looked at by a search */
    CLEAT__RUN_HISTOGRAM_WORK = 200000,
    CLEAT__RUN_HISTOGRAM_COUNTED = 100000, /* runs that match */
    CLEAT__RUN_BUCKETS_MAX = 200,
    CLEAT__RUN_STATES = CLEAT_RUN_EVICTED + 1,
};

/* "key:value" */
typedef struct cleat__run_pair {
    cleat_slice key, value;
} cleat__run_pair;

typedef struct cleat__run_search_filter {
    int64_t tenant;
    unsigned statuses;    /* 1 << cleat_run_status, of several; 0: any. As in the file: what no worker took in
                          * time is CANCELLED */
    cleat_slice workflow; /* its name; absent: any */
    int64_t since_ms, until_ms; /* created then or between; until 0: any */
    /* In its id, task, workflow, error, metadata or input, as they are stored or as JSON writes it; capital letters of
     * ASCII are small ones. Absent or empty: any. */
    cleat_slice text;
    const cleat__run_pair *metadata; /* has all of them; values that are no strings are compared as written */
    size_t metadata_count;
    const cleat__uuid *parent; /* NULL: any */
    bool without_parent;       /* only those that no other run started */
    const cleat__uuid *before; /* where a search came to; NULL: from the newest on. Not of a histogram */
    int64_t limit;             /* runs; not of a histogram */
    int64_t work;              /* rows; 0: as above */
} cleat__run_search_filter;

typedef struct cleat__run_search_end {
    bool has_next;          /* there may be more: search again with `before` = &next */
    cleat__uuid next;       /* with fewer runs than `limit`: the work was cut there */
    int64_t searched_to_ms; /* when the last run that was looked at was made; 0: has_next is false */
} cleat__run_search_end;

/* Calls `visit` for each run until it answers false, which counts as the last one that was wanted. It may read what it
 * wants on the same store, but not search. */
cleat_status cleat__run_search(cleat__store *store, const cleat__run_search_filter *filter,
                               bool (*visit)(void *argument, const cleat__uuid *id), void *argument,
                               cleat__run_search_end *end);

/* Runs by when they were created, and by what they are now. */
typedef struct cleat__run_bucket {
    int64_t at_ms; /* from then on, as long as it is wide */
    int64_t counts[CLEAT__RUN_STATES];
} cleat__run_bucket;
typedef struct cleat__run_histogram {
    int64_t from_ms, to_ms, width_ms; /* 0, 0 and 0: no run matches, and no time is asked for */
    int32_t bucket_count;             /* all of from .. to, those without runs too */
    cleat__run_bucket buckets[CLEAT__RUN_BUCKETS_MAX];
    int64_t totals[CLEAT__RUN_STATES];
    int64_t counted;
    bool is_complete; /* all that match were counted; else the newest ones */
} cleat__run_histogram;
/* In at most `buckets` of equal width: since..until, where they are given; else from the oldest run that is counted,
 * and to `now_ms`. */
cleat_status cleat__run_histogram_load(cleat__store *store, const cleat__run_search_filter *filter,
                                       int32_t buckets, int64_t now_ms, cleat__run_histogram *out);

#endif
