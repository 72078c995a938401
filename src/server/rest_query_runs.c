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
    "SELECT t.id, y.action, " CLEAT__REST_STATE ", t.priority, "                                            \
    "coalesce(e.retry_count, l.retry_count), t.created_at_ms, "                                             \
    "coalesce(e.started_at_ms, l.started_at_ms), e.finished_at_ms, t.parent_id, t.child_index, "            \
    "t.child_key, (SELECT count(*) FROM task c WHERE c.parent_id = t.id), "                                 \
    "CASE WHEN ?3 & 8 THEN t.metadata END, CASE WHEN ?3 & 4 THEN e.error END, "                             \
    "CASE WHEN ?3 & 1 THEN coalesce((SELECT d.input FROM task d WHERE d.id = t.dag_id), t.input) END, "     \
    "CASE WHEN ?3 & 2 THEN e.output END, "                                                                  \
    "w.name, w.uuid, y.version_id, y.task_name, coalesce(e.worker_id, l.worker_id), t.event_id, "           \
    "t.event_key, l.queued_at_ms, "                                                                         \
    "CASE WHEN e.state = 4 AND e.error IS NOT NULL THEN 'NOT_TAKEN' ELSE e.outcome END, "                   \
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

/* By the narrowest index. Metadata are compared here; what the filter does not ask for is NULL or 0. */
#define CHOSEN                                                                                          \
    "FROM task t JOIN task_type y ON y.id = t.type_id "                                                 \
    "LEFT JOIN task_live l ON l.id = t.id LEFT JOIN task_end e ON e.id = t.id "                         \
    "WHERE t.id >= ?1 AND y.tenant = ?2 AND t.created_at_ms >= ?3 AND (?6 IS NULL OR y.workflow_id IN " \
    "(SELECT id FROM workflow WHERE tenant = ?2 AND hex(uuid) IN (SELECT value FROM json_each(?6)))) "  \
    "AND (e.finished_at_ms IS NULL OR e.finished_at_ms <= ?4) "                                         \
    "AND (?5 = 0 OR ?5 >> " CLEAT__REST_STATE " & 1) "                                                  \
    "AND (?7 IS NULL OR coalesce(e.worker_id, l.worker_id) = ?7 OR (NOT ?12 AND y.dag_type = 0 AND "    \
    "EXISTS (SELECT 1 FROM task c LEFT JOIN task_live m ON m.id = c.id "                                \
    "LEFT JOIN task_end f ON f.id = c.id WHERE c.dag_id = t.id AND "                                    \
    "coalesce(f.worker_id, m.worker_id) = ?7))) "                                                       \
    "AND CASE WHEN ?12 THEN y.dag_type IS NULL OR y.dag_type <> 0 ELSE t.dag_id IS NULL END "
/* Tasks of a run come from where that comes from, which only its own row says. */
#define OF(condition)                                                                              \
    "t.id IN (SELECT p.id FROM task p WHERE " condition " UNION ALL SELECT c.id FROM task p JOIN " \
    "task c ON c.dag_id = p.id WHERE ?12 AND " condition ")"
#define OF_PARENT "AND " OF("p.parent_id = ?8") " "
#define OF_EVENT  "AND " OF("p.event_id = ?9") " AND (?8 IS NULL OR " OF("p.parent_id = ?8") ") "
#define OF_KEYS                                                                                     \
    "AND " OF("p.idempotency_key IN (SELECT value FROM json_each(?11))") " AND (?9 IS NULL OR " OF( \
        "p.event_id = ?9") ") AND (?8 IS NULL OR " OF("p.parent_id = ?8") ") "

/* A statement for each way to find them. */
typedef struct ways {
    const char *all, *children, *started, *keyed;
} ways;

static const char *choose(const cleat__rest_filter *filter, const ways *by)
{
    return filter->idempotency_keys != NULL ? by->keyed
           : filter->has_event              ? by->started
           : filter->has_parent             ? by->children
                                            : by->all;
}

/* As in hex(): ["0190A0.."]. Fails into the buffer. */
static void write_workflows(cleat__buffer *out, const cleat__rest_ids *ids)
{
    for (size_t i = 0; i < ids->count; i++) {
        cleat__buffer_append_string(out, i == 0 ? "[\"" : "\",\"");
        for (size_t j = 0; j < sizeof(ids->items[i].bytes); j++) {
            cleat__buffer_append_format(out, "%02X", ids->items[i].bytes[j]);
        }
    }
    cleat__buffer_append_string(out, "\"]");
}

static cleat_status bind_workflows(sqlite3_stmt *select, const cleat__rest_ids *ids)
{
    cleat__buffer text = {0};
    if (ids->count == 0) {
        return sqlite3_bind_null(select, 6) == SQLITE_OK ? CLEAT_OK : cleat__fail_memory();
    }
    write_workflows(&text, ids);
    bool is_bound = !text.failed && sqlite3_bind_text64(select, 6, (const char *)text.data, text.size,
                                                        SQLITE_TRANSIENT, SQLITE_UTF8) == SQLITE_OK;
    cleat__buffer_deinit(&text);
    return is_bound ? CLEAT_OK : cleat__fail_memory();
}

static cleat_status bind_keys(sqlite3_stmt *select, const json_t *keys)
{
    char *text = keys != NULL ? json_dumps(keys, JSON_COMPACT) : NULL;
    if (keys == NULL) {
        return CLEAT_OK; /* the statement does not ask */
    }
    bool is_bound = text != NULL && sqlite3_bind_text(select, 11, text, -1, SQLITE_TRANSIENT) == SQLITE_OK;
    free(text); /* jansson's */
    return is_bound ? CLEAT_OK : cleat__fail_memory();
}

static void bind_if(sqlite3_stmt *select, int index, bool is_there, const cleat__uuid *id)
{
    if (is_there) {
        cleat__bind_uuid(select, index, id);
    } else {
        sqlite3_bind_null(select, index);
    }
}

static cleat_status prepare(cleat__store *store, int64_t tenant, const cleat__rest_filter *filter,
                            const char *sql, sqlite3_stmt **out)
{
    cleat__uuid from = cleat__uuid_first(filter->since_ms);
    cleat_status status = cleat__store_prepare(store, sql, out);
    if (status != CLEAT_OK) {
        return status;
    }
    if (sqlite3_bind_blob(*out, 1, from.bytes, sizeof(from.bytes), SQLITE_TRANSIENT) != SQLITE_OK) {
        return cleat__fail_memory();
    }
    sqlite3_bind_int64(*out, 2, tenant);
    sqlite3_bind_int64(*out, 3, filter->since_ms);
    sqlite3_bind_int64(*out, 4, filter->until_ms);
    sqlite3_bind_int64(*out, 5, filter->statuses);
    bind_if(*out, 7, filter->has_worker, &filter->worker_id);
    bind_if(*out, 8, filter->has_parent, &filter->parent_id);
    bind_if(*out, 9, filter->has_event, &filter->event_id);
    sqlite3_bind_int(*out, 12, filter->only_tasks);
    status = bind_keys(*out, filter->idempotency_keys);
    return status == CLEAT_OK ? bind_workflows(*out, &filter->workflows) : status;
}

static bool has_metadata(const cleat__rest_filter *filter, sqlite3_stmt *select)
{
    return filter->metadata == NULL || cleat__rest_has_metadata(filter->metadata, filter->needs_all_metadata,
                                                                cleat__column_text(select, 2));
}

typedef bool (*see)(void *argument, const cleat__uuid *id, cleat_run_status status);

/* All that are chosen, newest first, until `visit` answers false. */
static cleat_status walk(cleat__store *store, int64_t tenant, const cleat__rest_filter *filter, see visit,
                         void *argument)
{
#define SELECT_IDS "SELECT t.id, " CLEAT__REST_STATE ", CASE WHEN ?10 THEN t.metadata END " CHOSEN
    static const ways by = {
        .all = SELECT_IDS "ORDER BY t.id DESC",
        .children = SELECT_IDS OF_PARENT "ORDER BY t.id DESC",
        .started = SELECT_IDS OF_EVENT "ORDER BY t.id DESC",
        .keyed = SELECT_IDS OF_KEYS "ORDER BY t.id DESC",
    };
#undef SELECT_IDS
    sqlite3_stmt *select = NULL;
    cleat_status status = prepare(store, tenant, filter, choose(filter, &by), &select);
    if (status != CLEAT_OK || filter->matches_nothing) {
        return status;
    }
    sqlite3_bind_int(select, 10, filter->metadata != NULL);
    int code;
    bool goes_on = true;
    while (goes_on && (code = sqlite3_step(select)) == SQLITE_ROW) {
        cleat__uuid id;
        cleat__column_uuid(select, 0, &id);
        goes_on = !has_metadata(filter, select) ||
                  visit(argument, &id, (cleat_run_status)sqlite3_column_int(select, 1));
    }
    return cleat__store_rows_end(store, select, code, "listing runs");
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
    cleat_status status = walk(self->store, self->tenant, self->filter, see_for_page, self);
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

static bool see_status(void *argument, const cleat__uuid *id, cleat_run_status status)
{
    uint64_t *by_status = argument;
    (void)id;
    by_status[status]++;
    return true;
}

cleat_status cleat__rest_query_run_counts(cleat__store *store, int64_t tenant,
                                          const cleat__rest_filter *filter,
                                          uint64_t by_status[CLEAT__REST_STATES])
{
#define SELECT_COUNTS                                                               \
    "SELECT total(s = 0), total(s = 1), total(s = 2), total(s = 3), total(s = 4), " \
    "total(s = 5) FROM "                                                            \
    "(SELECT " CLEAT__REST_STATE " AS s " CHOSEN
    static const ways by = {
        .all = SELECT_COUNTS ")",
        .children = SELECT_COUNTS OF_PARENT ")",
        .started = SELECT_COUNTS OF_EVENT ")",
        .keyed = SELECT_COUNTS OF_KEYS ")",
    };
#undef SELECT_COUNTS
    memset(by_status, 0, CLEAT__REST_STATES * sizeof(by_status[0]));
    if (filter->metadata != NULL || filter->matches_nothing) {
        return walk(store, tenant, filter, see_status, by_status);
    }
    sqlite3_stmt *select = NULL;
    cleat_status status = prepare(store, tenant, filter, choose(filter, &by), &select);
    if (status != CLEAT_OK) {
        return status;
    }
    int code = sqlite3_step(select);
    for (int i = 0; i < CLEAT__REST_STATES && code == SQLITE_ROW; i++) {
        by_status[i] = (uint64_t)sqlite3_column_int64(select, i);
    }
    return cleat__store_rows_end(store, select, code, "counting runs");
}

/* ---- When they ended ---- */

cleat_status cleat__rest_query_run_ends(cleat__store *store, int64_t tenant, const cleat__rest_span *span,
                                        void (*visit)(void *argument, const cleat__rest_ends *row),
                                        void *argument)
{
    static const char sql[] =
        "SELECT (e.finished_at_ms - ?3) / ?5, total(e.state = 2), "
        "total(e.state = 3 OR (e.state = 4 AND e.error IS NOT NULL)) FROM task t "
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
