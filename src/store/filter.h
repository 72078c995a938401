/* Filters of events, in the file. */
#ifndef CLEAT_STORE_FILTER_H
#define CLEAT_STORE_FILTER_H

#include "model/filter.h"
#include "store/store.h"

/* Slices are valid until the next call on the store. */
typedef struct cleat__filter_row {
    cleat__uuid id;
    int64_t tenant;
    int64_t workflow_row; /* workflow.id */
    bool is_declarative;
    int64_t created_at_ms, updated_at_ms;
    cleat__filter filter; /* with a payload */
    cleat__uuid workflow_id;
} cleat__filter_row;

/* These inside a transaction. */
cleat_status cleat__filter_insert(cleat__store *store, const cleat__filter_row *row);
/* Of scope, expression and payload what is not absent, and the time. CLEAT_NOT_FOUND: the tenant has no such filter. */
cleat_status cleat__filter_update(cleat__store *store, const cleat__filter_row *row);
cleat_status cleat__filter_delete(cleat__store *store, int64_t tenant, const cleat__uuid *id);
/* All of a workflow, or its declarative ones only. */
cleat_status cleat__filter_delete_all(cleat__store *store, int64_t workflow_row, bool only_declarative);

/* CLEAT_NOT_FOUND: the tenant has no such filter. */
cleat_status cleat__filter_get(cleat__store *store, int64_t tenant, const cleat__uuid *id,
                               cleat__filter_row *out);

/* Each calls `visit` until that answers false. Of a tenant, newest first: */
cleat_status cleat__filter_list(cleat__store *store, int64_t tenant,
                                bool (*visit)(void *argument, const cleat__filter_row *row), void *argument);
/* of a workflow and a scope, in the order of their making; */
cleat_status cleat__filter_list_scope(cleat__store *store, int64_t workflow_row, cleat_slice scope,
                                      bool (*visit)(void *argument, const cleat__filter_row *row),
                                      void *argument);
/* those that were declared with the workflow, in that order; */
cleat_status cleat__filter_list_declared(cleat__store *store, int64_t workflow_row,
                                         bool (*visit)(void *argument, const cleat__filter_row *row),
                                         void *argument);
/* and how many there are of each workflow that has some. */
cleat_status cleat__filter_count(cleat__store *store,
                                 bool (*visit)(void *argument, int64_t tenant, cleat_slice workflow,
                                               int64_t count),
                                 void *argument);

#endif
