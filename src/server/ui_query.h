/* What the viewer reads beside what the REST API reads too: about runs that were found for the tenant who asks. */
#ifndef CLEAT_SERVER_UI_QUERY_H
#define CLEAT_SERVER_UI_QUERY_H

#include "rest_query.h"

/* Of a run with more children only so many are looked at. */
enum { CLEAT__UI_CHILDREN_MAX = 20000 };

typedef struct cleat__ui_children {
    int64_t total; /* of those that were looked at */
    int64_t by_status[CLEAT__RUN_SHOWN_STATES];
    bool is_complete; /* these are all */
} cleat__ui_children;
/* Those that belong to a run of several tasks, or those that a run, or the tasks of it, have started. */
typedef enum cleat__ui_family { CLEAT__UI_TASKS, CLEAT__UI_CHILDREN } cleat__ui_family;
cleat_status cleat__ui_query_child_counts(cleat__store *store, const cleat__uuid *run_id,
                                          cleat__ui_family family, cleat__ui_children *out);
/* The first `limit` tasks, in the order of the declaration; the oldest `limit` children. */
cleat_status cleat__ui_query_child_ids(cleat__store *store, const cleat__uuid *run_id,
                                       cleat__ui_family family, int64_t limit, cleat__rest_ids *out);

cleat_status cleat__ui_query_log_count(cleat__store *store, const cleat__uuid *run_id, int64_t *out);

#endif
