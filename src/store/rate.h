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

#endif
