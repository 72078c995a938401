/* Events that were pushed, in the file. */
#ifndef CLEAT_STORE_EVENT_H
#define CLEAT_STORE_EVENT_H

#include "model/event.h"
#include "store/store.h"

/* Slices are valid until the next call on the store. */
typedef struct cleat__event_row {
    cleat__uuid id;
    int64_t tenant;
    cleat_slice key, payload;
    cleat_slice metadata, scope; /* absent: none */
    cleat_slice webhook;         /* the name of the one that made it; absent: it was pushed */
    int64_t created_at_ms;
} cleat__event_row;

/* To be called inside a transaction. */
cleat_status cleat__event_insert(cleat__store *store, const cleat__event_row *row);

typedef struct cleat__event_filter {
    int64_t tenant;            /* 0: any */
    cleat_slice key;           /* absent: any */
    const cleat__uuid *before; /* older than this one; NULL: from the newest on */
    int64_t limit;
} cleat__event_filter;
/* Calls `visit` for each, newest first, until it answers false. */
cleat_status cleat__event_list(cleat__store *store, const cleat__event_filter *filter,
                               bool (*visit)(void *argument, const cleat__event_row *row), void *argument);
typedef struct cleat__event_search {
    int64_t tenant;
    cleat_slice key, scope;
    int64_t since_ms; /* no older ones */
    int64_t limit;
} cleat__event_search;
/* The same of one key and scope. */
cleat_status cleat__event_list_since(cleat__store *store, const cleat__event_search *search,
                                     bool (*visit)(void *argument, const cleat__event_row *row),
                                     void *argument);
/* CLEAT_NOT_FOUND: the tenant has no such event. */
cleat_status cleat__event_get(cleat__store *store, int64_t tenant, const cleat__uuid *id,
                              cleat__event_row *out);

#endif
