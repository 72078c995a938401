#include "store/schedule.h"

#include "base/error.h"
#include "store/bind.h"

#define COLUMNS "id, tenant, at_ms, created_at_ms, workflow, input, metadata, priority, method"

cleat_status cleat__schedule_insert(cleat__store *store, const cleat__schedule_row *row)
{
    static const char sql[] =
        "INSERT INTO schedule (" COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    sqlite3_stmt *insert = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &insert);
    if (status != CLEAT_OK) {
        return status;
    }
    const cleat__schedule *schedule = &row->schedule;
    cleat__bind_uuid(insert, 1, &row->id);
    sqlite3_bind_int64(insert, 2, row->tenant);
    sqlite3_bind_int64(insert, 3, row->at_ms);
    sqlite3_bind_int64(insert, 4, row->created_at_ms);
    cleat__bind_text(insert, 5, schedule->workflow);
    cleat__bind_text(insert, 6, schedule->input.data != NULL ? schedule->input : cleat_slice_of("{}"));
    cleat__bind_text(insert, 7, schedule->metadata);
    sqlite3_bind_int(insert, 8, schedule->priority);
    sqlite3_bind_int(insert, 9, (int)schedule->method);
    if (sqlite3_step(insert) != SQLITE_DONE) {
        status = cleat__store_error(store, "storing a schedule");
    }
    sqlite3_reset(insert);
    return status;
}

static cleat_status fail_not_found(const cleat__uuid *id)
{
    char text[37];
    cleat__uuid_format(id, text);
    return cleat__fail(CLEAT_NOT_FOUND, "there is no schedule %s, or it has fired", text);
}

/* Runs a statement that changes one row; CLEAT_NOT_FOUND: there was none. */
static cleat_status change_one(cleat__store *store, sqlite3_stmt *statement, const cleat__uuid *id,
                               const char *while_doing)
{
    cleat_status status = CLEAT_OK;
    if (sqlite3_step(statement) != SQLITE_DONE) {
        status = cleat__store_error(store, while_doing);
    }
    sqlite3_reset(statement);
    if (status == CLEAT_OK && sqlite3_changes(cleat__store_db(store)) == 0) {
        status = fail_not_found(id);
    }
    return status;
}

cleat_status cleat__schedule_delete(cleat__store *store, int64_t tenant, const cleat__uuid *id)
{
    static const char sql[] = "DELETE FROM schedule WHERE id = ?1 AND tenant = ?2";
    sqlite3_stmt *delete = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &delete);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(delete, 1, id);
    sqlite3_bind_int64(delete, 2, tenant);
    return change_one(store, delete, id, "deleting a schedule");
}

cleat_status cleat__schedule_move(cleat__store *store, int64_t tenant, const cleat__uuid *id, int64_t at_ms)
{
    static const char sql[] = "UPDATE schedule SET at_ms = ?3 WHERE id = ?1 AND tenant = ?2";
    sqlite3_stmt *update = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &update);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(update, 1, id);
    sqlite3_bind_int64(update, 2, tenant);
    sqlite3_bind_int64(update, 3, at_ms);
    return change_one(store, update, id, "moving a schedule");
}

cleat_status cleat__schedule_delete_all(cleat__store *store, int64_t tenant, cleat_slice workflow)
{
    static const char sql[] = "DELETE FROM schedule WHERE tenant = ?1 AND workflow = ?2";
    sqlite3_stmt *delete = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &delete);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(delete, 1, tenant);
    cleat__bind_text(delete, 2, workflow);
    if (sqlite3_step(delete) != SQLITE_DONE) {
        status = cleat__store_error(store, "deleting schedules");
    }
    sqlite3_reset(delete);
    return status;
}

/* ---- Reading ---- */

static void read_schedule(sqlite3_stmt *select, cleat__schedule_row *row)
{
    cleat__column_uuid(select, 0, &row->id);
    row->tenant = sqlite3_column_int64(select, 1);
    row->at_ms = sqlite3_column_int64(select, 2);
    row->created_at_ms = sqlite3_column_int64(select, 3);
    row->schedule.workflow = cleat__column_text(select, 4);
    row->schedule.input = cleat__column_text(select, 5);
    row->schedule.metadata = cleat__column_text(select, 6);
    row->schedule.priority = sqlite3_column_int(select, 7);
    row->schedule.method = (cleat__schedule_method)sqlite3_column_int(select, 8);
}

cleat_status cleat__schedule_list(cleat__store *store, const cleat__schedule_filter *filter,
                                  bool (*visit)(void *argument, const cleat__schedule_row *row),
                                  void *argument)
{
    static const char sql[] =
        "SELECT " COLUMNS " FROM schedule WHERE (?1 = 0 OR tenant = ?1) AND (?2 IS NULL OR workflow = ?2) "
        "AND (?3 IS NULL OR id < ?3) ORDER BY id DESC LIMIT ?4";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_clear_bindings(select);
    sqlite3_bind_int64(select, 1, filter->tenant);
    cleat__bind_text(select, 2, filter->workflow);
    if (filter->before != NULL) {
        cleat__bind_uuid(select, 3, filter->before);
    }
    sqlite3_bind_int64(select, 4, filter->limit);
    int code;
    while ((code = sqlite3_step(select)) == SQLITE_ROW) {
        cleat__schedule_row row;
        read_schedule(select, &row);
        if (!visit(argument, &row)) {
            break;
        }
    }
    return cleat__store_rows_end(store, select, code, "listing schedules");
}

cleat_status cleat__schedule_get(cleat__store *store, int64_t tenant, const cleat__uuid *id,
                                 cleat__schedule_row *out)
{
    static const char sql[] = "SELECT " COLUMNS " FROM schedule WHERE id = ?1 AND tenant = ?2";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(select, 1, id);
    sqlite3_bind_int64(select, 2, tenant);
    int code = sqlite3_step(select);
    if (code == SQLITE_ROW) {
        read_schedule(select, out);
        return CLEAT_OK;
    }
    status = code == SQLITE_DONE ? fail_not_found(id) : cleat__store_error(store, "reading a schedule");
    sqlite3_reset(select);
    return status;
}

cleat_status cleat__schedule_due(cleat__store *store, int64_t now_ms, cleat__schedule_row *out)
{
    static const char sql[] = "SELECT " COLUMNS " FROM schedule WHERE at_ms <= ?1 ORDER BY at_ms, id LIMIT 1";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(select, 1, now_ms);
    int code = sqlite3_step(select);
    if (code == SQLITE_ROW) {
        read_schedule(select, out);
        return CLEAT_OK;
    }
    status = code == SQLITE_DONE ? CLEAT_EMPTY : cleat__store_error(store, "looking for a schedule");
    sqlite3_reset(select);
    return status;
}

cleat_status cleat__schedule_next(cleat__store *store, int64_t *at_ms)
{
    static const char sql[] = "SELECT min(at_ms) FROM schedule";
    *at_ms = INT64_MAX;
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    if (sqlite3_step(select) != SQLITE_ROW) {
        status = cleat__store_error(store, "looking for a schedule");
    } else if (sqlite3_column_type(select, 0) != SQLITE_NULL) {
        *at_ms = sqlite3_column_int64(select, 0);
    }
    sqlite3_reset(select);
    return status;
}
