/* Rate limits, as they are stored. */
#ifndef CLEAT_STORE_RATE_H
#define CLEAT_STORE_RATE_H

#include "model/rate_window.h"
#include "store/store.h"

typedef struct cleat__rate_row {
    int64_t tenant;
    cleat_slice key;
    cleat__rate_window window; /* Unix time */
    bool is_said;              /* by a run, and nobody has put it */
} cleat__rate_row;

/* A new row, or a changed one. */
cleat_status cleat__rate_put(cleat__store *store, const cleat__rate_row *row);
/* CLEAT_NOT_FOUND: the tenant has no such limit. */
cleat_status cleat__rate_delete(cleat__store *store, int64_t tenant, cleat_slice key);
/* The first status of `visit` that is not CLEAT_OK ends the visit and is returned. */
cleat_status cleat__rate_load(cleat__store *store,
                              cleat_status (*visit)(void *argument, const cleat__rate_row *row),
                              void *argument);

/* A limit as it is now: what is due is refilled. */
typedef struct cleat__rate_found {
    cleat_slice key; /* valid during the visit */
    cleat__rate_window window;
} cleat__rate_found;
typedef enum cleat__rate_order {
    CLEAT__RATE_BY_KEY,
    CLEAT__RATE_BY_VALUE,
    CLEAT__RATE_BY_LIMIT,
} cleat__rate_order;
typedef struct cleat__rate_filter {
    cleat_slice search; /* the key contains it; absent: all do */
    int64_t now_ms;
    cleat__rate_order order;
    bool is_descending;
} cleat__rate_filter;
/* Until `visit` answers false. */
cleat_status cleat__rate_list(cleat__store *store, int64_t tenant, const cleat__rate_filter *filter,
                              bool (*visit)(void *argument, const cleat__rate_found *row), void *argument);

#endif
