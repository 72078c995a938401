/* Runs that start again and again, in the file. */
#ifndef CLEAT_STORE_CRON_H
#define CLEAT_STORE_CRON_H

#include "model/schedule.h"
#include "store/store.h"

/* Slices are valid until the next call of the same function on the store. */
typedef struct cleat__cron_row {
    cleat__uuid id;
    int64_t tenant;
    int64_t workflow_row; /* workflow.id */
    bool is_enabled;
    int64_t next_at_ms;
    int64_t fired_at_ms; /* the time of the last run that was made; 0: none was */
    int64_t created_at_ms, updated_at_ms;
    cleat__recurrence what;
    cleat__uuid workflow_id; /* when it is read; so below */
    cleat__uuid version_id;  /* the newest */
} cleat__cron_row;

/* These inside a transaction. CLEAT_ALREADY_EXISTS: the workflow has one of that name and expression. */
cleat_status cleat__cron_insert(cleat__store *store, const cleat__cron_row *row);
/* CLEAT_NOT_FOUND: the tenant has no such cron. */
cleat_status cleat__cron_delete(cleat__store *store, int64_t tenant, const cleat__uuid *id);
/* All of a workflow. */
cleat_status cleat__cron_delete_all(cleat__store *store, int64_t workflow_row);
/* Of is_enabled, next_at_ms and updated_at_ms. CLEAT_NOT_FOUND as above. */
cleat_status cleat__cron_enable(cleat__store *store, const cleat__cron_row *row);
/* When it comes next; `fired_at_ms` 0: stays as it is. */
cleat_status cleat__cron_plan(cleat__store *store, const cleat__uuid *id, int64_t next_at_ms,
                              int64_t fired_at_ms);

/* CLEAT_NOT_FOUND: the tenant has no such cron. */
cleat_status cleat__cron_get(cleat__store *store, int64_t tenant, const cleat__uuid *id,
                             cleat__cron_row *out);
typedef struct cleat__cron_order {
    bool is_by_name; /* else by the time of their making */
    bool is_ascending;
} cleat__cron_order;
/* Each calls `visit` until that answers false. Of a tenant: */
cleat_status cleat__cron_list(cleat__store *store, int64_t tenant, cleat__cron_order order,
                              bool (*visit)(void *argument, const cleat__cron_row *row), void *argument);
/* those that were declared with the workflow; */
cleat_status cleat__cron_list_declared(cleat__store *store, int64_t workflow_row,
                                       bool (*visit)(void *argument, const cleat__cron_row *row),
                                       void *argument);
/* and of all tenants `limit` behind that id, in order: only their ids, expressions, times and whether they are enabled. */
cleat_status cleat__cron_list_behind(cleat__store *store, const cleat__uuid *id, int64_t limit,
                                     bool (*visit)(void *argument, const cleat__cron_row *row),
                                     void *argument);

/* The enabled one whose time comes first, if that is `now_ms` at the latest; else CLEAT_EMPTY. */
cleat_status cleat__cron_due(cleat__store *store, int64_t now_ms, cleat__cron_row *out);
/* When the first one is due; INT64_MAX: there is none. */
cleat_status cleat__cron_next(cleat__store *store, int64_t *at_ms);

#endif
