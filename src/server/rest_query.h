/*
 * What the REST API reads from the engine's file. Every query about a tenant's rows is here, and has
 * the tenant's number: this is the one place where tenants are kept apart.
 */
#ifndef CLEAT_SERVER_REST_QUERY_H
#define CLEAT_SERVER_REST_QUERY_H

#include "store/query.h"

#include <jansson.h>

typedef struct cleat__rest_run {
    cleat__run_row row; /* with metadata and error; input and output where they were asked for */
    cleat__uuid workflow_id;
    int64_t child_count;
} cleat__rest_run;

typedef struct cleat__rest_filter {
    int64_t since_ms,
        until_ms;      /* created since; ended until (who has not ended is in); 0 and INT64_MAX: any */
    unsigned statuses; /* 1 << cleat_run_status, of several; 0: any */
    bool has_parent;
    cleat__uuid parent_id;
    cleat__uuid *workflow_ids; /* owned; none: any */
    size_t workflow_count;
    json_t *metadata; /* owned; an array of "key:value"; NULL or empty: any */
    bool needs_all_metadata;
    bool matches_nothing; /* it asks for what no run has */
    bool with_payloads;
    int64_t offset, limit; /* limit 0: visit none, count all */
} cleat__rest_filter;
void cleat__rest_filter_deinit(cleat__rest_filter *filter);

/* Counting stops so far behind the page. */
enum { CLEAT__REST_COUNT_MAX = 20000 };
/*
 * Visits the page's runs, newest first, until `visit` answers false. `by_status` (may be NULL) and
 * `*total` count all that match; with `by_status` without an end, else as far as COUNT_MAX.
 */
cleat_status cleat__rest_query_runs(cleat__store *store, int64_t tenant, const cleat__rest_filter *filter,
                                    bool (*visit)(void *argument, const cleat__rest_run *run), void *argument,
                                    uint64_t by_status[5], int64_t *total);
/* With payloads; slices are valid until the next call on the store. CLEAT_NOT_FOUND. */
cleat_status cleat__rest_query_run(cleat__store *store, int64_t tenant, const cleat__uuid *id,
                                   cleat__rest_run *out);
/* In the order of arrival, or the other way round, until `visit` answers false. */
cleat_status cleat__rest_query_logs(cleat__store *store, int64_t tenant, const cleat__uuid *id,
                                    bool is_newest_first,
                                    bool (*visit)(void *argument, const cleat__log_line *line),
                                    void *argument);

typedef struct cleat__rest_workflow {
    cleat__uuid id;
    cleat_slice name; /* valid during the visit */
} cleat__rest_workflow;
/* By name, until `visit` answers false. */
cleat_status cleat__rest_query_workflows(cleat__store *store, int64_t tenant,
                                         bool (*visit)(void *argument, const cleat__rest_workflow *row),
                                         void *argument);
/* How many runs wait in each queue that has any, by name. */
cleat_status cleat__rest_query_queues(cleat__store *store, int64_t tenant,
                                      bool (*visit)(void *argument, cleat_slice action, int64_t count),
                                      void *argument);

#endif
