#include "store/cron.h"

#include "base/error.h"
#include "store/statement.h"

#define SELECT                                                                                              \
    "SELECT c.id, c.tenant, c.workflow_id, c.name, c.expression, c.input, c.metadata, c.priority, "         \
    "c.method, c.is_enabled, c.next_at_ms, c.fired_at_ms, c.created_at_ms, c.updated_at_ms, w.name, "       \
    "w.uuid, (SELECT y.version_id FROM task_type y WHERE y.workflow_id = w.id AND coalesce(y.dag_type, 0) " \
    "= 0 ORDER BY y.id DESC "                                                                               \
    "LIMIT 1) FROM cron c JOIN workflow w ON w.id = c.workflow_id "

cleat_status cleat__cron_insert(cleat__store *store, const cleat__cron_row *row)
{
    static const char sql[] =
        "INSERT INTO cron (id, tenant, workflow_id, name, expression, input, metadata, priority, method, "
        "is_enabled, next_at_ms, created_at_ms, updated_at_ms) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?12) ON CONFLICT DO NOTHING";
    sqlite3_stmt *insert = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &insert);
    if (status != CLEAT_OK) {
        return status;
    }
    const cleat__recurrence *what = &row->what;
    cleat__bind_uuid(insert, 1, &row->id);
    sqlite3_bind_int64(insert, 2, row->tenant);
    sqlite3_bind_int64(insert, 3, row->workflow_row);
    cleat__bind_text(insert, 4, what->name.data != NULL ? what->name : cleat_slice_of(""));
    cleat__bind_text(insert, 5, what->expression);
    cleat__bind_text(insert, 6, what->input.data != NULL ? what->input : cleat_slice_of("{}"));
    cleat__bind_text(insert, 7, what->metadata);
    sqlite3_bind_int(insert, 8, what->priority);
    sqlite3_bind_int(insert, 9, (int)what->method);
    sqlite3_bind_int(insert, 10, row->is_enabled);
    sqlite3_bind_int64(insert, 11, row->next_at_ms);
    sqlite3_bind_int64(insert, 12, row->created_at_ms);
    status = cleat__statement_finish(store, insert, "storing a cron");
    return status == CLEAT_OK && sqlite3_changes(cleat__store_db(store)) == 0
               ? cleat__fail(CLEAT_ALREADY_EXISTS, "the workflow has a cron \"%.*s\" with that expression",
                             CLEAT_SLICE_ARGS(what->name))
               : status;
}

static cleat_status fail_not_found(const cleat__uuid *id)
{
    char text[37];
    cleat__uuid_format(id, text);
    return cleat__fail(CLEAT_NOT_FOUND, "there is no cron %s", text);
}

static cleat_status finish_one(cleat__store *store, sqlite3_stmt *statement, const cleat__uuid *id,
                               const char *while_doing)
{
    cleat_status status = cleat__statement_finish(store, statement, while_doing);
    return status == CLEAT_OK && sqlite3_changes(cleat__store_db(store)) == 0 ? fail_not_found(id) : status;
}

cleat_status cleat__cron_delete(cleat__store *store, int64_t tenant, const cleat__uuid *id)
{
    static const char sql[] = "DELETE FROM cron WHERE id = ?1 AND tenant = ?2";
    sqlite3_stmt *delete = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &delete);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(delete, 1, id);
    sqlite3_bind_int64(delete, 2, tenant);
    return finish_one(store, delete, id, "deleting a cron");
}

cleat_status cleat__cron_delete_all(cleat__store *store, int64_t workflow_row)
{
    static const char sql[] = "DELETE FROM cron WHERE workflow_id = ?1";
    sqlite3_stmt *delete = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &delete);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(delete, 1, workflow_row);
    return cleat__statement_finish(store, delete, "deleting crons");
}

cleat_status cleat__cron_enable(cleat__store *store, const cleat__cron_row *row)
{
    static const char sql[] = "UPDATE cron SET is_enabled = ?3, next_at_ms = ?4, updated_at_ms = ?5 "
                              "WHERE id = ?1 AND tenant = ?2";
    sqlite3_stmt *update = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &update);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(update, 1, &row->id);
    sqlite3_bind_int64(update, 2, row->tenant);
    sqlite3_bind_int(update, 3, row->is_enabled);
    sqlite3_bind_int64(update, 4, row->next_at_ms);
    sqlite3_bind_int64(update, 5, row->updated_at_ms);
    return finish_one(store, update, &row->id, "changing a cron");
}

cleat_status cleat__cron_plan(cleat__store *store, const cleat__uuid *id, int64_t next_at_ms,
                              int64_t fired_at_ms)
{
    static const char sql[] = "UPDATE cron SET next_at_ms = ?2, "
                              "fired_at_ms = coalesce(nullif(?3, 0), fired_at_ms) WHERE id = ?1";
    sqlite3_stmt *update = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &update);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(update, 1, id);
    sqlite3_bind_int64(update, 2, next_at_ms);
    sqlite3_bind_int64(update, 3, fired_at_ms);
    return finish_one(store, update, id, "planning a cron");
}

/* ---- Reading ---- */

static void read_cron(sqlite3_stmt *select, cleat__cron_row *row)
{
    *row = (cleat__cron_row){
        .tenant = sqlite3_column_int64(select, 1),
        .workflow_row = sqlite3_column_int64(select, 2),
        .is_enabled = sqlite3_column_int(select, 9) != 0,
        .next_at_ms = sqlite3_column_int64(select, 10),
        .fired_at_ms = sqlite3_column_int64(select, 11),
        .created_at_ms = sqlite3_column_int64(select, 12),
        .updated_at_ms = sqlite3_column_int64(select, 13),
        .what = {.workflow = cleat__column_text(select, 14),
                 .name = cleat__column_text(select, 3),
                 .expression = cleat__column_text(select, 4),
                 .input = cleat__column_text(select, 5),
                 .metadata = cleat__column_text(select, 6),
                 .priority = sqlite3_column_int(select, 7),
                 .method = (cleat__schedule_method)sqlite3_column_int(select, 8)},
    };
    cleat__column_uuid(select, 0, &row->id);
    cleat__column_uuid(select, 15, &row->workflow_id);
    cleat__column_uuid(select, 16, &row->version_id);
}

/* One row, which stays where it is until the next call; CLEAT_EMPTY: there is none. */
static cleat_status read_one(cleat__store *store, sqlite3_stmt *select, cleat__cron_row *out)
{
    int code = sqlite3_step(select);
    if (code == SQLITE_ROW) {
        read_cron(select, out);
        return CLEAT_OK;
    }
    cleat_status status = code == SQLITE_DONE ? CLEAT_EMPTY : cleat__store_error(store, "reading a cron");
    sqlite3_reset(select);
    return status;
}

cleat_status cleat__cron_get(cleat__store *store, int64_t tenant, const cleat__uuid *id, cleat__cron_row *out)
{
    static const char sql[] = SELECT "WHERE c.id = ?1 AND c.tenant = ?2";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(select, 1, id);
    sqlite3_bind_int64(select, 2, tenant);
    status = read_one(store, select, out);
    return status == CLEAT_EMPTY ? fail_not_found(id) : status;
}

static cleat_status visit_all(cleat__store *store, sqlite3_stmt *select,
                              bool (*visit)(void *argument, const cleat__cron_row *row), void *argument)
{
    int code;
    while ((code = sqlite3_step(select)) == SQLITE_ROW) {
        cleat__cron_row row;
        read_cron(select, &row);
        if (!visit(argument, &row)) {
            break;
        }
    }
    return cleat__store_rows_end(store, select, code, "listing crons");
}

cleat_status cleat__cron_list(cleat__store *store, int64_t tenant, cleat__cron_order order,
                              bool (*visit)(void *argument, const cleat__cron_row *row), void *argument)
{
    static const char newest[] = SELECT "WHERE c.tenant = ?1 ORDER BY c.id DESC";
    static const char oldest[] = SELECT "WHERE c.tenant = ?1 ORDER BY c.id";
    static const char last[] = SELECT "WHERE c.tenant = ?1 ORDER BY c.name DESC, c.id DESC";
    static const char first[] = SELECT "WHERE c.tenant = ?1 ORDER BY c.name, c.id";
    static const char *const orders[2][2] = {{newest, oldest}, {last, first}};
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, orders[order.is_by_name][order.is_ascending], &select);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(select, 1, tenant);
    return visit_all(store, select, visit, argument);
}

cleat_status cleat__cron_list_declared(cleat__store *store, int64_t workflow_row,
                                       bool (*visit)(void *argument, const cleat__cron_row *row),
                                       void *argument)
{
    static const char sql[] = SELECT "WHERE c.workflow_id = ?1 AND c.name = '' ORDER BY c.expression";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(select, 1, workflow_row);
    return visit_all(store, select, visit, argument);
}

cleat_status cleat__cron_list_behind(cleat__store *store, const cleat__uuid *id, int64_t limit,
                                     bool (*visit)(void *argument, const cleat__cron_row *row),
                                     void *argument)
{
    static const char sql[] = "SELECT id, expression, is_enabled, next_at_ms, fired_at_ms FROM cron "
                              "WHERE id > ?1 ORDER BY id LIMIT ?2";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(select, 1, id);
    sqlite3_bind_int64(select, 2, limit);
    int code;
    bool goes_on = true;
    while (goes_on && (code = sqlite3_step(select)) == SQLITE_ROW) {
        cleat__cron_row row = {.is_enabled = sqlite3_column_int(select, 2) != 0,
                               .next_at_ms = sqlite3_column_int64(select, 3),
                               .fired_at_ms = sqlite3_column_int64(select, 4),
                               .what.expression = cleat__column_text(select, 1)};
        cleat__column_uuid(select, 0, &row.id);
        goes_on = visit(argument, &row);
    }
    return cleat__store_rows_end(store, select, code, "listing crons");
}

cleat_status cleat__cron_due(cleat__store *store, int64_t now_ms, cleat__cron_row *out)
{
    static const char sql[] =
        SELECT "WHERE c.is_enabled AND c.next_at_ms <= ?1 ORDER BY c.next_at_ms, c.id LIMIT 1";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(select, 1, now_ms);
    return read_one(store, select, out);
}

cleat_status cleat__cron_next(cleat__store *store, int64_t *at_ms)
{
    static const char sql[] = "SELECT next_at_ms FROM cron WHERE is_enabled ORDER BY next_at_ms LIMIT 1";
    *at_ms = INT64_MAX;
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    int code = sqlite3_step(select);
    if (code == SQLITE_ROW) {
        *at_ms = sqlite3_column_int64(select, 0);
    } else if (code != SQLITE_DONE) {
        status = cleat__store_error(store, "looking for a cron");
    }
    sqlite3_reset(select);
    return status;
}
