#include "store/rate.h"

#include "base/error.h"
#include "store/statement.h"

cleat_status cleat__rate_put(cleat__store *store, const cleat__rate_row *row)
{
    static const char sql[] =
        "INSERT OR REPLACE INTO rate_limit (tenant, key, units, value, window_ms, refilled_at_ms, is_said) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    sqlite3_stmt *insert = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &insert);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(insert, 1, row->tenant);
    cleat__bind_text(insert, 2, row->key);
    sqlite3_bind_int(insert, 3, row->window.limit);
    sqlite3_bind_int(insert, 4, row->window.value);
    sqlite3_bind_int64(insert, 5, row->window.window_ms);
    sqlite3_bind_int64(insert, 6, row->window.refilled_ms);
    sqlite3_bind_int(insert, 7, row->is_said);
    return cleat__statement_finish(store, insert, "storing a rate limit");
}

cleat_status cleat__rate_delete(cleat__store *store, int64_t tenant, cleat_slice key)
{
    sqlite3_stmt *delete = NULL;
    cleat_status status =
        cleat__store_prepare(store, "DELETE FROM rate_limit WHERE tenant = ?1 AND key = ?2", &delete);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(delete, 1, tenant);
    cleat__bind_text(delete, 2, key);
    status = cleat__statement_finish(store, delete, "deleting a rate limit");
    if (status == CLEAT_OK && sqlite3_changes(cleat__store_db(store)) == 0) {
        return cleat__fail(CLEAT_NOT_FOUND, "there is no rate limit \"%.*s\"", CLEAT_SLICE_ARGS(key));
    }
    return status;
}

cleat_status cleat__rate_load(cleat__store *store,
                              cleat_status (*visit)(void *argument, const cleat__rate_row *row),
                              void *argument)
{
    static const char sql[] =
        "SELECT tenant, key, units, value, window_ms, refilled_at_ms, is_said FROM rate_limit";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    int code = SQLITE_DONE;
    while (status == CLEAT_OK && (code = sqlite3_step(select)) == SQLITE_ROW) {
        const cleat__rate_row row = {
            .tenant = sqlite3_column_int64(select, 0),
            .key = cleat__column_text(select, 1),
            .window = {sqlite3_column_int(select, 2), sqlite3_column_int(select, 3),
                       sqlite3_column_int64(select, 4), sqlite3_column_int64(select, 5)},
            .is_said = sqlite3_column_int(select, 6) != 0,
        };
        status = visit(argument, &row);
    }
    if (status == CLEAT_OK && code != SQLITE_DONE) {
        status = cleat__store_error(store, "reading rate limits");
    }
    sqlite3_reset(select);
    return status;
}

cleat_status cleat__rate_list(cleat__store *store, int64_t tenant, const cleat__rate_filter *filter,
                              bool (*visit)(void *argument, const cleat__rate_found *row), void *argument)
{
    static const char sql[] =
        "SELECT key, units, iif(?3 >= refilled_at_ms + window_ms - ?6, units, value) AS left_over, "
        "window_ms, "
        "refilled_at_ms FROM rate_limit WHERE tenant = ?1 AND (?2 IS NULL OR instr(key, ?2) > 0) "
        "ORDER BY CASE ?4 WHEN 1 THEN left_over WHEN 2 THEN units END * ?5, "
        "CASE WHEN ?4 = 0 AND ?5 < 0 THEN key END DESC, key";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(select, 1, tenant);
    cleat__bind_text(select, 2, filter->search);
    sqlite3_bind_int64(select, 3, filter->now_ms);
    sqlite3_bind_int(select, 4, (int)filter->order);
    sqlite3_bind_int(select, 5, filter->is_descending ? -1 : 1);
    sqlite3_bind_int64(select, 6, CLEAT__RATE_REFILL_EARLY_MS);
    int code;
    bool goes_on = true;
    while (goes_on && (code = sqlite3_step(select)) == SQLITE_ROW) {
        const cleat__rate_found row = {
            cleat__column_text(select, 0),
            {sqlite3_column_int(select, 1), sqlite3_column_int(select, 2), sqlite3_column_int64(select, 3),
             sqlite3_column_int64(select, 4)},
        };
        goes_on = visit(argument, &row);
    }
    return cleat__store_rows_end(store, select, code, "listing rate limits");
}
