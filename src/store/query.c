#include "store/query.h"

#include "base/error.h"
#include "store/bind.h"

#include <stdio.h>

#define RUN_COLUMNS                                                                                    \
    "t.id, y.action, coalesce(e.state, l.state), t.priority, coalesce(e.retry_count, l.retry_count), " \
    "t.created_at_ms, coalesce(e.started_at_ms, l.started_at_ms), e.finished_at_ms, "                  \
    "t.parent_id, t.child_index, t.child_key, y.tenant, w.name, y.task_name, w.uuid, y.version_id, "   \
    "coalesce(e.worker_id, l.worker_id), t.event_id, t.event_key, "                                    \
    "(SELECT count(*) FROM attempt a WHERE a.task_id = t.id AND a.started_at_ms IS NOT NULL), "        \
    "t.dag_id, y.dag_type = 0"
#define RUN_TABLES                                                                               \
    " FROM task t JOIN task_type y ON y.id = t.type_id JOIN workflow w ON w.id = y.workflow_id " \
    "LEFT JOIN task_live l ON l.id = t.id LEFT JOIN task_end e ON e.id = t.id "

enum { COLUMN_METADATA = 22, COLUMN_ERROR, COLUMN_INPUT, COLUMN_OUTPUT, COLUMN_OUTCOME };

static void read_run(sqlite3_stmt *select, cleat__run_row *row)
{
    *row = (cleat__run_row){0};
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
    row->tenant = sqlite3_column_int64(select, 11);
    row->workflow = cleat__column_text(select, 12);
    row->task_name = cleat__column_text(select, 13);
    cleat__column_uuid(select, 14, &row->workflow_id);
    cleat__column_uuid(select, 15, &row->version_id);
    cleat__column_uuid(select, 16, &row->worker_id);
    cleat__column_uuid(select, 17, &row->event_id);
    row->event_key = cleat__column_text(select, 18);
    cleat__column_uuid(select, 20, &row->dag_id);
    row->is_dag = sqlite3_column_int(select, 21) != 0;
    row->tries = sqlite3_column_int64(select, 19) + (row->started_at_ms != 0);
}

/* ---- Runs ---- */

/* Two statements: the index of children is of use only when the parent is a plain term. */
static cleat_status prepare_list(cleat__store *store, const cleat__run_filter *filter, sqlite3_stmt **out)
{
#define REST                                                                         \
    "AND (?2 IS NULL OR t.id < ?2) AND (?3 < 0 OR coalesce(e.state, l.state) = ?3) " \
    "AND (?4 IS NULL OR y.action = ?4) AND (?6 = 0 OR y.tenant = ?6) ORDER BY t.id DESC LIMIT ?5"
    static const char all[] = "SELECT " RUN_COLUMNS RUN_TABLES "WHERE ?1 IS NULL AND t.dag_id IS NULL " REST;
    static const char children[] =
        "SELECT " RUN_COLUMNS RUN_TABLES "WHERE (t.parent_id = ?1 OR t.dag_id = ?1) " REST;
    static const char older[] =
        "SELECT " RUN_COLUMNS RUN_TABLES "WHERE ?1 IS NULL AND t.id < ?2 AND t.dag_id IS NULL " REST;
#undef REST
    const char *sql = filter->parent_id != NULL ? children : filter->before != NULL ? older : all;
    cleat_status status = cleat__store_prepare(store, sql, out);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_clear_bindings(*out);
    if (filter->parent_id != NULL) {
        cleat__bind_uuid(*out, 1, filter->parent_id);
    }
    if (filter->before != NULL) {
        cleat__bind_uuid(*out, 2, filter->before);
    }
    sqlite3_bind_int(*out, 3, filter->status);
    cleat__bind_text(*out, 4, filter->task);
    sqlite3_bind_int64(*out, 5, filter->limit);
    sqlite3_bind_int64(*out, 6, filter->tenant);
    return CLEAT_OK;
}

cleat_status cleat__run_list(cleat__store *store, const cleat__run_filter *filter,
                             bool (*visit)(void *argument, const cleat__run_row *row), void *argument)
{
    sqlite3_stmt *select = NULL;
    cleat_status status = prepare_list(store, filter, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    int code;
    while ((code = sqlite3_step(select)) == SQLITE_ROW) {
        cleat__run_row row;
        read_run(select, &row);
        if (!visit(argument, &row)) {
            break;
        }
    }
    return cleat__store_rows_end(store, select, code, "listing runs");
}

/* With the row of it, until the next call on the store. */
static cleat_status find_run(cleat__store *store, const char *sql, const cleat__uuid *id, sqlite3_stmt **out)
{
    cleat_status status = cleat__store_prepare(store, sql, out);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(*out, 1, id);
    int code = sqlite3_step(*out);
    if (code != SQLITE_ROW) {
        char text[37];
        cleat__uuid_format(id, text);
        status = cleat__store_rows_end(store, *out, code, "reading a run");
        return status != CLEAT_OK ? status : cleat__fail(CLEAT_NOT_FOUND, "there is no run %s", text);
    }
    return CLEAT_OK; /* the statement stays where it is: the slices are its columns */
}

cleat_status cleat__run_get(cleat__store *store, const cleat__uuid *id, cleat__run_row *out)
{
    static const char sql[] = "SELECT " RUN_COLUMNS ", t.metadata, e.error, "
                              "coalesce((SELECT d.input FROM task d WHERE d.id = t.dag_id), t.input), "
                              "e.output, e.outcome" RUN_TABLES "WHERE t.id = ?1";
    sqlite3_stmt *select = NULL;
    *out = (cleat__run_row){0};
    cleat_status status = find_run(store, sql, id, &select);
    if (status == CLEAT_OK) {
        read_run(select, out);
        out->metadata = cleat__column_text(select, COLUMN_METADATA);
        out->error = cleat__column_text(select, COLUMN_ERROR);
        out->input = cleat__column_text(select, COLUMN_INPUT);
        out->output = cleat__column_text(select, COLUMN_OUTPUT);
        out->outcome = cleat__column_text(select, COLUMN_OUTCOME);
    }
    return status;
}

cleat_status cleat__run_glance(cleat__store *store, const cleat__uuid *id, cleat__run_row *out)
{
    static const char sql[] = "SELECT " RUN_COLUMNS ", t.metadata, e.error" RUN_TABLES "WHERE t.id = ?1";
    sqlite3_stmt *select = NULL;
    *out = (cleat__run_row){0};
    cleat_status status = find_run(store, sql, id, &select);
    if (status == CLEAT_OK) {
        read_run(select, out);
        out->metadata = cleat__column_text(select, COLUMN_METADATA);
        out->error = cleat__column_text(select, COLUMN_ERROR);
    }
    return status;
}

/* ---- By the beginning of an id ---- */

/* The lowest and the highest id that begin with `prefix`. */
static cleat_status prefix_range(cleat_slice prefix, cleat__uuid *low, cleat__uuid *high)
{
    size_t digits = 0;
    memset(low->bytes, 0x00, sizeof(low->bytes));
    memset(high->bytes, 0xFF, sizeof(high->bytes));
    for (size_t i = 0; i < prefix.size; i++) {
        if (prefix.data[i] == '-') {
            continue;
        }
        int value = cleat__hex_digit_of(prefix.data[i]);
        if (value < 0 || digits == 2 * sizeof(low->bytes)) {
            return cleat__fail(CLEAT_INVALID_ARGUMENT, "\"%.*s\" is not the beginning of a run's id",
                               CLEAT_SLICE_ARGS(prefix));
        }
        int shift = digits % 2 == 0 ? 4 : 0;
        low->bytes[digits / 2] |= (uint8_t)(value << shift);
        high->bytes[digits / 2] &= (uint8_t) ~((0xF & ~value) << shift);
        digits++;
    }
    if (digits < 8) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT,
                           "\"%.*s\" is too short: give 8 characters of the id or more",
                           CLEAT_SLICE_ARGS(prefix));
    }
    return CLEAT_OK;
}

cleat_status cleat__run_find(cleat__store *store, cleat_slice prefix, cleat__uuid *out)
{
    static const char sql[] = "SELECT id FROM task WHERE id BETWEEN ?1 AND ?2 LIMIT 2";
    cleat__uuid low, high;
    sqlite3_stmt *select = NULL;
    cleat_status status = prefix_range(prefix, &low, &high);
    if (status == CLEAT_OK) {
        status = cleat__store_prepare(store, sql, &select);
    }
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(select, 1, &low);
    cleat__bind_uuid(select, 2, &high);
    int found = 0;
    int code;
    while ((code = sqlite3_step(select)) == SQLITE_ROW) {
        found++;
        cleat__column_uuid(select, 0, out);
    }
    status = cleat__store_rows_end(store, select, code, "finding a run");
    if (status != CLEAT_OK || found == 1) {
        return status;
    }
    if (found == 0) {
        return cleat__fail(CLEAT_NOT_FOUND, "there is no run %.*s", CLEAT_SLICE_ARGS(prefix));
    }
    return cleat__fail(CLEAT_INVALID_ARGUMENT, "several runs begin with %.*s: give more of the id",
                       CLEAT_SLICE_ARGS(prefix));
}

cleat_status cleat__run_count(cleat__store *store, uint64_t by_status[6])
{
    /* Without the tasks of runs of several, which are runs of their own beside these. */
    static const char sql[] =
        "SELECT state, count(*) FROM task_live WHERE dag_id IS NULL GROUP BY state UNION ALL "
        "SELECT state, count(*) FROM task_end GROUP BY state UNION ALL "
        "SELECT e.state, -count(*) FROM task t JOIN task_end e ON e.id = t.id "
        "WHERE t.dag_id IS NOT NULL GROUP BY e.state";
    memset(by_status, 0, 6 * sizeof(by_status[0]));
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    int code;
    while ((code = sqlite3_step(select)) == SQLITE_ROW) {
        int state = sqlite3_column_int(select, 0);
        if (state >= 0 && state < 6) {
            by_status[state] += (uint64_t)sqlite3_column_int64(select, 1);
        }
    }
    return cleat__store_rows_end(store, select, code, "counting runs");
}

/* ---- What belongs to a run ---- */

cleat_status cleat__workflow_find(cleat__store *store, int64_t tenant, cleat_slice name)
{
    static const char sql[] =
        "SELECT 1 FROM workflow WHERE tenant = ?1 AND name = ?2 AND deleted_at_ms IS NULL";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(select, 1, tenant);
    cleat__bind_text(select, 2, name);
    int code = sqlite3_step(select);
    status = cleat__store_rows_end(store, select, code, "looking for a workflow");
    if (status == CLEAT_OK && code != SQLITE_ROW) {
        return cleat__fail(CLEAT_NOT_FOUND, "there is no workflow \"%.*s\"", CLEAT_SLICE_ARGS(name));
    }
    return status;
}

cleat_status cleat__workflow_get(cleat__store *store, int64_t tenant, cleat_slice name,
                                 cleat__workflow_brief *out)
{
    /* With max() alone the other columns are those of its row. */
    static const char sql[] = "SELECT w.uuid, y.version_id, count(*), max(y.id) FROM workflow w "
                              "JOIN task_type y ON y.workflow_id = w.id WHERE w.tenant = ?1 AND w.name = ?2 "
                              "AND w.deleted_at_ms IS NULL AND coalesce(y.dag_type, 0) = 0";
    *out = (cleat__workflow_brief){.version_count = 0};
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(select, 1, tenant);
    cleat__bind_text(select, 2, name);
    int code = sqlite3_step(select);
    if (code == SQLITE_ROW) {
        cleat__column_uuid(select, 0, &out->workflow_id);
        cleat__column_uuid(select, 1, &out->version_id);
        out->version_count = sqlite3_column_int64(select, 2);
    }
    status = cleat__store_rows_end(store, select, code, "looking for a workflow");
    if (status == CLEAT_OK && out->version_count == 0) {
        return cleat__fail(CLEAT_NOT_FOUND, "there is no workflow \"%.*s\"", CLEAT_SLICE_ARGS(name));
    }
    return status;
}

cleat_status cleat__attempt_list(cleat__store *store, const cleat__uuid *id,
                                 bool (*visit)(void *argument, const cleat__attempt_row *row), void *argument)
{
    static const char sql[] =
        "SELECT retry_count, started_at_ms, finished_at_ms, outcome, error, replayed_at_ms FROM attempt "
        "WHERE task_id = ?1 ORDER BY retry_count";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(select, 1, id);
    int code;
    while ((code = sqlite3_step(select)) == SQLITE_ROW) {
        cleat__attempt_row row = {
            .retry_count = sqlite3_column_int(select, 0),
            .started_at_ms = sqlite3_column_int64(select, 1),
            .finished_at_ms = sqlite3_column_int64(select, 2),
            .outcome = cleat__column_text(select, 3),
            .error = cleat__column_text(select, 4),
            .replayed_at_ms = sqlite3_column_int64(select, 5),
        };
        if (!visit(argument, &row)) {
            break;
        }
    }
    return cleat__store_rows_end(store, select, code, "listing attempts");
}

cleat_status cleat__log_list(cleat__store *store, const cleat__uuid *id,
                             bool (*visit)(void *argument, const cleat__log_line *line), void *argument)
{
    static const char sql[] =
        "SELECT retry_count, level, time_ms, message, metadata FROM task_log WHERE task_id = ?1 "
        "ORDER BY line";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(select, 1, id);
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
    return cleat__store_rows_end(store, select, code, "listing log lines");
}
