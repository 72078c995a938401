/* What the REST API reads about runs: their ids are chosen first, then those that are shown are read. */
#include "rest_query.h"

#include "base/buffer.h"
#include "base/error.h"
#include "model/derived_id.h"
#include "store/bind.h"

#include <stdlib.h>

/* ---- One ---- */

enum {
    COLUMN_CHILDREN = 11,
    COLUMN_METADATA,
    COLUMN_ERROR,
    COLUMN_INPUT,
    COLUMN_OUTPUT,
    COLUMN_WORKFLOW,
    COLUMN_WORKFLOW_ID,
    COLUMN_VERSION_ID,
    COLUMN_TASK_NAME,
    COLUMN_WORKER,
    COLUMN_EVENT,
    COLUMN_EVENT_KEY,
    COLUMN_QUEUED,
    COLUMN_OUTCOME,
    COLUMN_DURABLE,
    COLUMN_SCHEDULED,
    COLUMN_IDEMPOTENCY_KEY,
    COLUMN_DAG,
    COLUMN_IS_DAG,
    COLUMN_STEP,
    COLUMN_BATCH,
    COLUMN_IS_HELD,
};
/* Of what may take many pages only the parts that ?3 has. */
#define SELECT_RUN                                                                                          \
    "SELECT t.id, y.action, " CLEAT__RUN_SHOWN_STATE ", t.priority, "                                       \
    "coalesce(e.retry_count, l.retry_count), t.created_at_ms, "                                             \
    "coalesce(e.started_at_ms, l.started_at_ms), e.finished_at_ms, t.parent_id, t.child_index, "            \
    "t.child_key, (SELECT count(*) FROM task c WHERE c.parent_id = t.id), "                                 \
    "CASE WHEN ?3 & 8 THEN t.metadata END, CASE WHEN ?3 & 4 THEN e.error END, "                             \
    "CASE WHEN ?3 & 1 THEN coalesce((SELECT d.input FROM task d WHERE d.id = t.dag_id), t.input) END, "     \
    "CASE WHEN ?3 & 2 THEN e.output END, "                                                                  \
    "w.name, w.uuid, y.version_id, y.task_name, coalesce(e.worker_id, l.worker_id), t.event_id, "           \
    "t.event_key, l.queued_at_ms, "                                                                         \
    "CASE WHEN " CLEAT__RUN_WAS_NOT_TAKEN " THEN 'NOT_TAKEN' ELSE e.outcome END, "                          \
    "json_extract(y.declaration, '$.durable'), t.scheduled_at_ms, t.idempotency_key, t.dag_id, y.dag_type " \
    "= 0, "                                                                                                 \
    "y.id - y.dag_type - 1, json_extract(t.limits, '$.batch'), l.is_held "                                  \
    "FROM task t JOIN task_type y ON y.id = t.type_id JOIN workflow w ON w.id = y.workflow_id "             \
    "LEFT JOIN task_live l ON l.id = t.id LEFT JOIN task_end e ON e.id = t.id "                             \
    "WHERE t.id = ?1 AND y.tenant = ?2"

_Static_assert(CLEAT__REST_INPUT == 1 && CLEAT__REST_OUTPUT == 2 && CLEAT__REST_ERROR == 4 &&
                   CLEAT__REST_METADATA == 8,
               "as the statement has them");

static void read_run(sqlite3_stmt *select, int64_t tenant, cleat__rest_run *out)
{
    *out = (cleat__rest_run){0};
    cleat__run_row *row = &out->row;
    cleat__column_uuid(select, 0, &row->id);
    row->task = cleat__column_text(select, 1);
    row->status = (cleat_run_status)sqlite3_column_int(select, 2);
    row->priority = sqlite3_column_int(select, 3);
    row->retry_count = sqlite3_column_int(select, 4);
    row->created_at_ms = sqlite3_column_int64(select, 5);
    row->started_at_ms = sqlite3_column_int64(select, 6);
    row->finished_at_ms = sqlite3_column_int64(select, 7);
    row->is_child = cleat__column_uuid(select, 8, &row->parent_id);
    row->child_index = row->is_child ? sqlite3_column_int64(select, 9) : -1;
    row->child_key = cleat__column_text(select, 10);
    row->metadata = cleat__column_text(select, COLUMN_METADATA);
    row->error = cleat__column_text(select, COLUMN_ERROR);
    row->input = cleat__column_text(select, COLUMN_INPUT);
    row->output = cleat__column_text(select, COLUMN_OUTPUT);
    out->child_count = sqlite3_column_int64(select, COLUMN_CHILDREN);
    row->tenant = tenant;
    row->workflow = cleat__column_text(select, COLUMN_WORKFLOW);
    row->task_name = cleat__column_text(select, COLUMN_TASK_NAME);
    cleat__column_uuid(select, COLUMN_VERSION_ID, &row->version_id);
    cleat__column_uuid(select, COLUMN_WORKFLOW_ID, &row->workflow_id);
    cleat__column_uuid(select, COLUMN_WORKER, &row->worker_id);
    cleat__column_uuid(select, COLUMN_EVENT, &row->event_id);
    row->event_key = cleat__column_text(select, COLUMN_EVENT_KEY);
    out->queued_at_ms = sqlite3_column_int64(select, COLUMN_QUEUED);
    out->outcome = cleat__column_text(select, COLUMN_OUTCOME);
    out->is_durable = sqlite3_column_int(select, COLUMN_DURABLE) != 0;
    out->scheduled_at_ms = sqlite3_column_int64(select, COLUMN_SCHEDULED);
    out->idempotency_key = cleat__column_text(select, COLUMN_IDEMPOTENCY_KEY);
    out->is_task = cleat__column_uuid(select, COLUMN_DAG, &out->dag_id);
    out->is_dag = sqlite3_column_int(select, COLUMN_IS_DAG) != 0;
    out->is_held = out->is_task && sqlite3_column_int(select, COLUMN_IS_HELD) != 0;
    out->batch_key = cleat__column_text(select, COLUMN_BATCH);
    out->step_id = row->workflow_id;
    if (out->is_task) { /* as the engine tells it to workers */
        (void)cleat__derived_step_id(&row->version_id, (uint32_t)sqlite3_column_int64(select, COLUMN_STEP),
                                     &out->step_id);
    }
}

static cleat_status fail_not_found(const cleat__uuid *id)
{
    char text[37];
    cleat__uuid_format(id, text);
    return cleat__fail(CLEAT_NOT_FOUND, "there is no run %s", text);
}

cleat_status cleat__rest_query_run(cleat__store *store, int64_t tenant, const cleat__uuid *id,
                                   bool with_payloads, cleat__rest_run *out)
{
    unsigned parts = CLEAT__REST_ERROR | CLEAT__REST_METADATA;
    parts |= with_payloads ? CLEAT__REST_INPUT | CLEAT__REST_OUTPUT : 0;
    return cleat__rest_query_parts(store, tenant, id, parts, out);
}

cleat_status cleat__rest_query_parts(cleat__store *store, int64_t tenant, const cleat__uuid *id,
                                     unsigned parts, cleat__rest_run *out)
{
    static const char sql[] = SELECT_RUN;
    *out = (cleat__rest_run){0};
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(select, 1, id);
    sqlite3_bind_int64(select, 2, tenant);
    sqlite3_bind_int64(select, 3, parts);
    int code = sqlite3_step(select);
    if (code != SQLITE_ROW) {
        status = cleat__store_rows_end(store, select, code, "reading a run");
        return status != CLEAT_OK ? status : fail_not_found(id);
    }
    read_run(select, tenant, out);
    return CLEAT_OK; /* the statement stays where it is: the slices are its columns */
}

cleat_status cleat__rest_query_tasks(cleat__store *store, const cleat__rest_run *run, cleat__rest_ids *out)
{
    static const char sql[] = "SELECT id FROM task WHERE dag_id = ?1 ORDER BY type_id";
    sqlite3_stmt *select = NULL;
    if (!run->is_dag) {
        return cleat__rest_ids_add(out, &run->row.id);
    }
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(select, 1, &run->row.id);
    int code = SQLITE_ROW;
    while (status == CLEAT_OK && (code = sqlite3_step(select)) == SQLITE_ROW) {
        cleat__uuid id;
        cleat__column_uuid(select, 0, &id);
        status = cleat__rest_ids_add(out, &id);
    }
    cleat_status last = cleat__store_rows_end(store, select, status == CLEAT_OK ? code : SQLITE_ROW,
                                              "listing the tasks of a run");
    return status == CLEAT_OK ? last : status;
}

cleat_status cleat__rest_query_last(cleat__store *store, const cleat__uuid *dag_id, cleat__uuid *out)
{
    static const char sql[] =
        "SELECT t.id FROM task t JOIN task_end e ON e.id = t.id WHERE t.dag_id = ?1 AND e.state = 2 "
        "AND e.outcome IS NULL ORDER BY e.finished_at_ms DESC, t.type_id DESC LIMIT 1";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(select, 1, dag_id);
    int code = sqlite3_step(select);
    if (code == SQLITE_ROW) {
        cleat__column_uuid(select, 0, out);
    }
    status = cleat__store_rows_end(store, select, code, "looking for the last task of a run");
    return status == CLEAT_OK && code != SQLITE_ROW ? CLEAT_EMPTY : status;
}

cleat_status cleat__rest_query_declaration(cleat__store *store, const cleat__uuid *run_id, cleat__buffer *out)
{
    static const char sql[] =
        "SELECT y.declaration FROM task t JOIN task_type y ON y.id = t.type_id WHERE t.id = ?1";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(select, 1, run_id);
    int code = sqlite3_step(select);
    if (code == SQLITE_ROW) {
        cleat__buffer_append_slice(out, cleat__column_text(select, 0));
    }
    status = cleat__store_rows_end(store, select, code, "reading a declaration");
    return status == CLEAT_OK && out->failed ? cleat__fail_memory() : status;
}

/* ---- Those that a filter chooses ---- */

void cleat__rest_filter_deinit(cleat__rest_filter *filter)
{
    cleat__rest_ids_deinit(&filter->workflows);
    json_decref(filter->metadata);
    json_decref(filter->idempotency_keys);
    *filter = (cleat__rest_filter){0};
}

static cleat__run_choice choice_of(const cleat__rest_filter *filter)
{
    return (cleat__run_choice){.since_ms = filter->since_ms,
                               .until_ms = filter->until_ms,
                               .statuses = filter->statuses,
                               .has_parent = filter->has_parent,
                               .has_event = filter->has_event,
                               .has_worker = filter->has_worker,
                               .parent_id = filter->parent_id,
                               .event_id = filter->event_id,
                               .worker_id = filter->worker_id,
                               .workflows = filter->workflows.items,
                               .workflow_count = filter->workflows.count,
                               .metadata = filter->metadata,
                               .needs_all_metadata = filter->needs_all_metadata,
                               .idempotency_keys = filter->idempotency_keys,
                               .only_tasks = filter->only_tasks};
}

/* ---- A page of them ---- */

typedef struct page {
    cleat__store *store;
    int64_t tenant;
    const cleat__rest_filter *filter;
    bool (*visit_id)(void *argument, const cleat__uuid *id);
    bool (*visit_run)(void *argument, const cleat__rest_run *run);
    void *argument;
    int64_t total;
    bool is_counted; /* how many there are behind the page */
    cleat_status status;
} page;

static bool see_for_page(void *argument, const cleat__uuid *id, cleat_run_status run_status)
{
    page *self = argument;
    int64_t end = self->filter->offset + self->filter->limit, index = self->total++;
    (void)run_status;
    if (index < self->filter->offset || index >= end) {
        return self->total < end + CLEAT__REST_COUNT_MAX;
    }
    if (self->visit_id != NULL) {
        return self->visit_id(self->argument, id) && (self->is_counted || self->total < end);
    }
    cleat__rest_run run;
    self->status = cleat__rest_query_run(self->store, self->tenant, id, self->filter->with_payloads, &run);
    return self->status == CLEAT_OK && self->visit_run(self->argument, &run);
}

static cleat_status walk_page(page *self, int64_t *total)
{
    const cleat__run_choice choice = choice_of(self->filter);
    cleat_status status = self->filter->matches_nothing
                              ? CLEAT_OK
                              : cleat__run_choose(self->store, self->tenant, &choice, see_for_page, self);
    if (total != NULL) {
        *total = self->total;
    }
    return status == CLEAT_OK ? self->status : status;
}

cleat_status cleat__rest_query_run_ids(cleat__store *store, int64_t tenant, const cleat__rest_filter *filter,
                                       bool (*visit)(void *argument, const cleat__uuid *id), void *argument,
                                       int64_t *total)
{
    page self = {store, tenant, filter, visit, NULL, argument, 0, total != NULL, CLEAT_OK};
    return walk_page(&self, total);
}

cleat_status cleat__rest_query_runs(cleat__store *store, int64_t tenant, const cleat__rest_filter *filter,
                                    bool (*visit)(void *argument, const cleat__rest_run *run), void *argument,
                                    int64_t *total)
{
    page self = {store, tenant, filter, NULL, visit, argument, 0, true, CLEAT_OK};
    return walk_page(&self, total);
}

/* ---- How many ---- */

cleat_status cleat__rest_query_run_counts(cleat__store *store, int64_t tenant,
                                          const cleat__rest_filter *filter,
                                          uint64_t by_status[CLEAT__RUN_SHOWN_STATES])
{
    const cleat__run_choice choice = choice_of(filter);
    memset(by_status, 0, CLEAT__RUN_SHOWN_STATES * sizeof(by_status[0]));
    return filter->matches_nothing ? CLEAT_OK : cleat__run_choice_count(store, tenant, &choice, by_status);
}

/* ---- When they ended ---- */

cleat_status cleat__rest_query_run_ends(cleat__store *store, int64_t tenant, const cleat__rest_span *span,
                                        void (*visit)(void *argument, const cleat__rest_ends *row),
                                        void *argument)
{
    static const char sql[] =
        "SELECT (e.finished_at_ms - ?3) / ?5, total(e.state = 2), "
        "total(e.state = 3 OR (" CLEAT__RUN_WAS_NOT_TAKEN ")) FROM task t "
        "JOIN task_type y ON y.id = t.type_id JOIN task_end e ON e.id = t.id WHERE t.id >= ?1 "
        "AND y.tenant = ?2 AND t.dag_id IS NULL AND t.created_at_ms >= ?3 AND e.finished_at_ms >= ?3 AND "
        "e.finished_at_ms < ?4 "
        "GROUP BY 1";
    _Static_assert(CLEAT_RUN_COMPLETED == 2 && CLEAT_RUN_FAILED == 3, "as the statement has them");
    cleat__uuid from = cleat__uuid_first(span->from_ms);
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(select, 1, &from);
    sqlite3_bind_int64(select, 2, tenant);
    sqlite3_bind_int64(select, 3, span->from_ms);
    sqlite3_bind_int64(select, 4, span->to_ms);
    sqlite3_bind_int64(select, 5, span->width_ms);
    int code;
    while ((code = sqlite3_step(select)) == SQLITE_ROW) {
        visit(argument, &(cleat__rest_ends){.index = sqlite3_column_int64(select, 0),
                                            .completed = sqlite3_column_int64(select, 1),
                                            .failed = sqlite3_column_int64(select, 2)});
    }
    return cleat__store_rows_end(store, select, code, "counting ends of runs");
}
