#include "store/filter.h"

#include "base/error.h"
#include "store/statement.h"

#define COLUMNS                                                                           \
    "f.id, f.tenant, f.workflow_id, f.scope, f.expression, f.payload, f.is_declarative, " \
    "f.created_at_ms, f.updated_at_ms, w.uuid FROM event_filter f JOIN workflow w ON w.id = f.workflow_id "

static cleat_slice payload_of(const cleat__filter *filter)
{
    return filter->payload.data != NULL ? filter->payload : cleat_slice_of("{}");
}

static cleat_slice expression_of(const cleat__filter *filter)
{
    return filter->expression.data != NULL ? filter->expression : cleat_slice_of("");
}

cleat_status cleat__filter_insert(cleat__store *store, const cleat__filter_row *row)
{
    static const char sql[] =
        "INSERT INTO event_filter (id, tenant, workflow_id, scope, expression, payload, "
        "is_declarative, created_at_ms, updated_at_ms) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    sqlite3_stmt *insert = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &insert);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(insert, 1, &row->id);
    sqlite3_bind_int64(insert, 2, row->tenant);
    sqlite3_bind_int64(insert, 3, row->workflow_row);
    cleat__bind_text(insert, 4, row->filter.scope);
    cleat__bind_text(insert, 5, expression_of(&row->filter));
    cleat__bind_text(insert, 6, payload_of(&row->filter));
    sqlite3_bind_int(insert, 7, row->is_declarative);
    sqlite3_bind_int64(insert, 8, row->created_at_ms);
    sqlite3_bind_int64(insert, 9, row->updated_at_ms);
    return cleat__statement_finish(store, insert, "storing a filter");
}

static cleat_status fail_not_found(const cleat__uuid *id)
{
    char text[37];
    cleat__uuid_format(id, text);
    return cleat__fail(CLEAT_NOT_FOUND, "there is no filter %s", text);
}

static cleat_status finish_one(cleat__store *store, sqlite3_stmt *statement, const cleat__uuid *id,
                               const char *while_doing)
{
    cleat_status status = cleat__statement_finish(store, statement, while_doing);
    if (status == CLEAT_OK && sqlite3_changes(cleat__store_db(store)) == 0) {
        status = fail_not_found(id);
    }
    return status;
}

cleat_status cleat__filter_update(cleat__store *store, const cleat__filter_row *row)
{
    static const char sql[] = "UPDATE event_filter SET scope = coalesce(?3, scope), "
                              "expression = coalesce(?4, expression), payload = coalesce(?5, payload), "
                              "updated_at_ms = ?6 WHERE id = ?1 AND tenant = ?2";
    sqlite3_stmt *update = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &update);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(update, 1, &row->id);
    sqlite3_bind_int64(update, 2, row->tenant);
    cleat__bind_text(update, 3, row->filter.scope);
    cleat__bind_text(update, 4, row->filter.expression);
    cleat__bind_text(update, 5, row->filter.payload);
    sqlite3_bind_int64(update, 6, row->updated_at_ms);
    return finish_one(store, update, &row->id, "changing a filter");
}

cleat_status cleat__filter_delete(cleat__store *store, int64_t tenant, const cleat__uuid *id)
{
    static const char sql[] = "DELETE FROM event_filter WHERE id = ?1 AND tenant = ?2";
    sqlite3_stmt *delete = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &delete);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(delete, 1, id);
    sqlite3_bind_int64(delete, 2, tenant);
    return finish_one(store, delete, id, "deleting a filter");
}

cleat_status cleat__filter_delete_all(cleat__store *store, int64_t workflow_row, bool only_declarative)
{
    static const char sql[] =
        "DELETE FROM event_filter WHERE workflow_id = ?1 AND (?2 = 0 OR is_declarative)";
    sqlite3_stmt *delete = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &delete);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(delete, 1, workflow_row);
    sqlite3_bind_int(delete, 2, only_declarative);
    return cleat__statement_finish(store, delete, "deleting filters");
}

/* ---- Reading ---- */

static void read_filter(sqlite3_stmt *select, cleat__filter_row *row)
{
    cleat__column_uuid(select, 0, &row->id);
    row->tenant = sqlite3_column_int64(select, 1);
    row->workflow_row = sqlite3_column_int64(select, 2);
    row->filter.scope = cleat__column_text(select, 3);
    row->filter.expression = cleat__column_text(select, 4);
    row->filter.payload = cleat__column_text(select, 5);
    row->is_declarative = sqlite3_column_int(select, 6) != 0;
    row->created_at_ms = sqlite3_column_int64(select, 7);
    row->updated_at_ms = sqlite3_column_int64(select, 8);
    cleat__column_uuid(select, 9, &row->workflow_id);
}

cleat_status cleat__filter_get(cleat__store *store, int64_t tenant, const cleat__uuid *id,
                               cleat__filter_row *out)
{
    static const char sql[] = "SELECT " COLUMNS "WHERE f.id = ?1 AND f.tenant = ?2";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(select, 1, id);
    sqlite3_bind_int64(select, 2, tenant);
    int code = sqlite3_step(select);
    if (code == SQLITE_ROW) {
        read_filter(select, out);
        return CLEAT_OK;
    }
    status = code == SQLITE_DONE ? fail_not_found(id) : cleat__store_error(store, "reading a filter");
    sqlite3_reset(select);
    return status;
}

static cleat_status visit_all(cleat__store *store, sqlite3_stmt *select,
                              bool (*visit)(void *argument, const cleat__filter_row *row), void *argument)
{
    int code;
    while ((code = sqlite3_step(select)) == SQLITE_ROW) {
        cleat__filter_row row;
        read_filter(select, &row);
        if (!visit(argument, &row)) {
            break;
        }
    }
    return cleat__store_rows_end(store, select, code, "listing filters");
}

cleat_status cleat__filter_list(cleat__store *store, int64_t tenant,
                                bool (*visit)(void *argument, const cleat__filter_row *row), void *argument)
{
    static const char sql[] = "SELECT " COLUMNS "WHERE f.tenant = ?1 ORDER BY f.id DESC";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(select, 1, tenant);
    return visit_all(store, select, visit, argument);
}

cleat_status cleat__filter_list_scope(cleat__store *store, int64_t workflow_row, cleat_slice scope,
                                      bool (*visit)(void *argument, const cleat__filter_row *row),
                                      void *argument)
{
    static const char sql[] = "SELECT " COLUMNS "WHERE f.workflow_id = ?1 AND f.scope = ?2 ORDER BY f.id";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(select, 1, workflow_row);
    cleat__bind_text(select, 2, scope);
    return visit_all(store, select, visit, argument);
}

cleat_status cleat__filter_list_declared(cleat__store *store, int64_t workflow_row,
                                         bool (*visit)(void *argument, const cleat__filter_row *row),
                                         void *argument)
{
    static const char sql[] = "SELECT " COLUMNS "WHERE f.workflow_id = ?1 AND f.is_declarative ORDER BY f.id";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(select, 1, workflow_row);
    return visit_all(store, select, visit, argument);
}

cleat_status cleat__filter_count(cleat__store *store,
                                 bool (*visit)(void *argument, int64_t tenant, cleat_slice workflow,
                                               int64_t count),
                                 void *argument)
{
    static const char sql[] = "SELECT w.tenant, w.name, count(*) FROM event_filter f "
                              "JOIN workflow w ON w.id = f.workflow_id GROUP BY f.workflow_id";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    int code;
    while ((code = sqlite3_step(select)) == SQLITE_ROW) {
        if (!visit(argument, sqlite3_column_int64(select, 0), cleat__column_text(select, 1),
                   sqlite3_column_int64(select, 2))) {
            break;
        }
    }
    return cleat__store_rows_end(store, select, code, "counting filters");
}
