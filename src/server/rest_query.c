#include "rest_query.h"

#include "base/alloc.h"
#include "base/error.h"
#include "model/metadata.h"
#include "store/bind.h"

/* ---- What filters look at ---- */

void cleat__rest_ids_deinit(cleat__rest_ids *ids)
{
    cleat__free(ids->items);
    *ids = (cleat__rest_ids){0};
}

cleat_status cleat__rest_ids_add(cleat__rest_ids *ids, const cleat__uuid *id)
{
    if (ids->count == ids->capacity) {
        size_t capacity = ids->capacity != 0 ? 2 * ids->capacity : 16;
        cleat__uuid *items = cleat__realloc(ids->items, capacity * sizeof(*items));
        if (items == NULL) {
            return cleat__fail_memory();
        }
        ids->items = items;
        ids->capacity = capacity;
    }
    ids->items[ids->count++] = *id;
    return CLEAT_OK;
}

bool cleat__rest_ids_have(const cleat__rest_ids *ids, const cleat__uuid *id)
{
    for (size_t i = 0; i < ids->count; i++) {
        if (cleat__uuid_equals(&ids->items[i], id)) {
            return true;
        }
    }
    return ids->count == 0;
}

/* "key:value", divided by the first colon. */
static bool has_pair(cleat_slice metadata, const char *pair)
{
    const char *colon = strchr(pair, ':');
    return colon != NULL && cleat__metadata_says(metadata, (cleat_slice){pair, (size_t)(colon - pair)},
                                                 cleat_slice_of(colon + 1));
}

bool cleat__rest_has_metadata(const json_t *pairs, bool needs_all, cleat_slice metadata)
{
    size_t count = json_array_size(pairs), found = 0;
    for (size_t i = 0; i < count && metadata.size != 0; i++) {
        found += has_pair(metadata, json_string_value(json_array_get(pairs, i)));
    }
    return count == 0 || (needs_all ? found == count : found != 0);
}

cleat__uuid cleat__rest_first_id(int64_t unix_ms)
{
    cleat__uuid id = {{0}};
    for (int i = 0; i < 6 && unix_ms > 0; i++) {
        id.bytes[i] = (uint8_t)(unix_ms >> (40 - 8 * i));
    }
    return id;
}

/* ---- Runs ---- */

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
};
/* Payloads only where ?3 is true: they may take many pages. */
#define SELECT_RUNS                                                                               \
    "SELECT t.id, y.action, coalesce(e.state, l.state), t.priority, "                             \
    "coalesce(e.retry_count, l.retry_count), t.created_at_ms, "                                   \
    "coalesce(e.started_at_ms, l.started_at_ms), e.finished_at_ms, t.parent_id, t.child_index, "  \
    "t.child_key, (SELECT count(*) FROM task c WHERE c.parent_id = t.id), t.metadata, e.error, "  \
    "CASE WHEN ?3 THEN t.input END, CASE WHEN ?3 THEN e.output END, "                             \
    "w.name, w.uuid, y.version_id, y.task_name, coalesce(e.worker_id, l.worker_id), t.event_id, " \
    "t.event_key, l.queued_at_ms "                                                                \
    "FROM task t JOIN task_type y ON y.id = t.type_id JOIN workflow w ON w.id = y.workflow_id "   \
    "LEFT JOIN task_live l ON l.id = t.id LEFT JOIN task_end e ON e.id = t.id "                   \
    "WHERE y.tenant = ?4 AND "

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
}

void cleat__rest_filter_deinit(cleat__rest_filter *filter)
{
    cleat__rest_ids_deinit(&filter->workflows);
    json_decref(filter->metadata);
    *filter = (cleat__rest_filter){0};
}

static bool passes(const cleat__rest_filter *filter, const cleat__rest_run *run)
{
    const cleat__run_row *row = &run->row;
    return row->created_at_ms >= filter->since_ms &&
           (row->finished_at_ms == 0 || row->finished_at_ms <= filter->until_ms) &&
           (filter->statuses == 0 || filter->statuses >> row->status & 1) &&
           (!filter->has_parent || cleat__uuid_equals(&row->parent_id, &filter->parent_id)) &&
           (!filter->has_worker || cleat__uuid_equals(&row->worker_id, &filter->worker_id)) &&
           cleat__rest_ids_have(&filter->workflows, &row->workflow_id) &&
           cleat__rest_has_metadata(filter->metadata, filter->needs_all_metadata, row->metadata);
}

/* By the narrowest index; passes() looks at the rest. */
static cleat_status prepare_runs(cleat__store *store, int64_t tenant, const cleat__rest_filter *filter,
                                 const cleat__uuid *from, sqlite3_stmt **out)
{
    static const char all[] = SELECT_RUNS "t.id >= ?1 ORDER BY t.id DESC";
    static const char children[] = SELECT_RUNS "t.parent_id = ?2 AND t.id >= ?1 ORDER BY t.id DESC";
    static const char started[] = SELECT_RUNS "t.event_id = ?2 AND t.id >= ?1 ORDER BY t.id DESC";
    cleat_status status = cleat__store_prepare(store,
                                               filter->has_event    ? started
                                               : filter->has_parent ? children
                                                                    : all,
                                               out);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(*out, 1, from);
    sqlite3_bind_int(*out, 3, filter->with_payloads);
    sqlite3_bind_int64(*out, 4, tenant);
    if (filter->has_event || filter->has_parent) {
        cleat__bind_uuid(*out, 2, filter->has_event ? &filter->event_id : &filter->parent_id);
    }
    return CLEAT_OK;
}

cleat_status cleat__rest_query_runs(cleat__store *store, int64_t tenant, const cleat__rest_filter *filter,
                                    bool (*visit)(void *argument, const cleat__rest_run *run), void *argument,
                                    uint64_t by_status[5], int64_t *total)
{
    *total = 0;
    if (by_status != NULL) {
        memset(by_status, 0, 5 * sizeof(by_status[0]));
    }
    if (filter->matches_nothing) {
        return CLEAT_OK;
    }
    cleat__uuid from = cleat__rest_first_id(filter->since_ms);
    sqlite3_stmt *select = NULL;
    cleat_status status = prepare_runs(store, tenant, filter, &from, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    int64_t end = filter->offset + filter->limit;
    int code;
    while ((code = sqlite3_step(select)) == SQLITE_ROW) {
        cleat__rest_run run;
        read_run(select, tenant, &run);
        if (!passes(filter, &run)) {
            continue;
        }
        int64_t index = (*total)++;
        if (by_status != NULL) {
            by_status[run.row.status]++;
        } else if (*total >= end + CLEAT__REST_COUNT_MAX) {
            break;
        }
        if (index >= filter->offset && index < end && !visit(argument, &run)) {
            break;
        }
    }
    return cleat__rest_query_end(store, select, code, "listing runs");
}

cleat_status cleat__rest_query_end(cleat__store *store, sqlite3_stmt *select, int code,
                                   const char *while_doing)
{
    cleat_status status = CLEAT_OK;
    if (code != SQLITE_DONE && code != SQLITE_ROW) {
        status = cleat__store_error(store, while_doing);
    }
    sqlite3_reset(select);
    return status;
}

static cleat_status fail_not_found(const cleat__uuid *id)
{
    char text[37];
    cleat__uuid_format(id, text);
    return cleat__fail(CLEAT_NOT_FOUND, "there is no run %s", text);
}

cleat_status cleat__rest_query_run(cleat__store *store, int64_t tenant, const cleat__uuid *id,
                                   cleat__rest_run *out)
{
    static const char sql[] = SELECT_RUNS "t.id = ?1";
    *out = (cleat__rest_run){0};
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(select, 1, id);
    sqlite3_bind_int(select, 3, true);
    sqlite3_bind_int64(select, 4, tenant);
    int code = sqlite3_step(select);
    if (code != SQLITE_ROW) {
        status = cleat__rest_query_end(store, select, code, "reading a run");
        return status != CLEAT_OK ? status : fail_not_found(id);
    }
    read_run(select, tenant, out);
    return CLEAT_OK; /* the statement stays where it is: the slices are its columns */
}

/* ---- Logs ---- */

cleat_status cleat__rest_query_logs(cleat__store *store, int64_t tenant, const cleat__uuid *id,
                                    bool is_newest_first,
                                    bool (*visit)(void *argument, const cleat__log_line *line),
                                    void *argument)
{
#define SELECT_LOGS                                                                                      \
    "SELECT retry_count, level, time_ms, message, metadata FROM task_log WHERE task_id = ?1 AND EXISTS " \
    "(SELECT 1 "                                                                                         \
    "FROM task t JOIN task_type y ON y.id = t.type_id WHERE t.id = ?1 AND y.tenant = ?2) "
    static const char oldest[] = SELECT_LOGS "ORDER BY line";
    static const char newest[] = SELECT_LOGS "ORDER BY line DESC";
#undef SELECT_LOGS
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, is_newest_first ? newest : oldest, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(select, 1, id);
    sqlite3_bind_int64(select, 2, tenant);
    int code;
    while ((code = sqlite3_step(select)) == SQLITE_ROW) {
        cleat__log_line line = {
            .task_id = *id,
            .retry_count = sqlite3_column_int(select, 0),
            .level = (cleat_log_level)sqlite3_column_int(select, 1),
            .time_ms = sqlite3_column_int64(select, 2),
            .message = cleat__column_text(select, 3),
            .metadata = cleat__column_text(select, 4),
        };
        if (!visit(argument, &line)) {
            break;
        }
    }
    return cleat__rest_query_end(store, select, code, "listing log lines");
}
