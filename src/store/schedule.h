/* Runs that are to start at a time, in the file. */
#ifndef CLEAT_STORE_SCHEDULE_H
#define CLEAT_STORE_SCHEDULE_H

#include "model/schedule.h"
#include "store/store.h"

/* Slices are valid until the next call of the same function on the store. */
typedef struct cleat__schedule_row {
    cleat__uuid id;
    int64_t tenant;
    int64_t at_ms;
    int64_t created_at_ms;
    cleat__schedule schedule;
} cleat__schedule_row;

/* These inside a transaction. CLEAT_NOT_FOUND: the tenant has no such schedule, or it has fired. */
cleat_status cleat__schedule_insert(cleat__store *store, const cleat__schedule_row *row);
cleat_status cleat__schedule_delete(cleat__store *store, int64_t tenant, const cleat__uuid *id);
cleat_status cleat__schedule_move(cleat__store *store, int64_t tenant, const cleat__uuid *id, int64_t at_ms);
/* All of a workflow. */
cleat_status cleat__schedule_delete_all(cleat__store *store, int64_t tenant, cleat_slice workflow);

typedef struct cleat__schedule_filter {
    int64_t tenant;            /* 0: any */
    cleat_slice workflow;      /* its name; absent: any */
    const cleat__uuid *before; /* made earlier than this one; NULL: from the newest on */
    int64_t limit;
} cleat__schedule_filter;
/* Calls `visit` for each, newest first, until it answers false. */
cleat_status cleat__schedule_list(cleat__store *store, const cleat__schedule_filter *filter,
                                  bool (*visit)(void *argument, const cleat__schedule_row *row),
                                  void *argument);
/* CLEAT_NOT_FOUND: the tenant has no such schedule, or it has fired. */
cleat_status cleat__schedule_get(cleat__store *store, int64_t tenant, const cleat__uuid *id,
                                 cleat__schedule_row *out);

/* The one whose time comes first, if that is `now_ms` at the latest; else CLEAT_EMPTY. */
cleat_status cleat__schedule_due(cleat__store *store, int64_t now_ms, cleat__schedule_row *out);
/* When the first one is due; INT64_MAX: there is none. */
cleat_status cleat__schedule_next(cleat__store *store, int64_t *at_ms);

#endif
