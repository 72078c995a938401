#include "rest_query.h"

#include "store/bind.h"
#include "store/statement.h"

cleat_status cleat__rest_query_keys(cleat__store *store, int64_t tenant, const cleat__uuid *workflow_id,
                                    unsigned states, cleat_slice key, cleat__rest_keys *out)
{
    static const char sql[] =
        "SELECT count(DISTINCT k.value), count(*) FILTER (WHERE k.value = ?4) "
        "FROM workflow w JOIN task_type y ON y.workflow_id = w.id JOIN task_live l ON l.type_id = y.id "
        "JOIN task t ON t.id = l.id, json_each(t.limits, '$.keys') k "
        "WHERE w.tenant = ?1 AND w.uuid = ?2 AND l.has_limits AND (?3 = 0 OR ?3 >> l.state & 1)";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(select, 1, tenant);
    cleat__bind_uuid(select, 2, workflow_id);
    sqlite3_bind_int64(select, 3, states);
    cleat__bind_text(select, 4, key);
    int code = sqlite3_step(select);
    if (code == SQLITE_ROW) {
        *out = (cleat__rest_keys){sqlite3_column_int64(select, 0), sqlite3_column_int64(select, 1)};
    }
    return cleat__store_rows_end(store, select, code, "counting keys of concurrency");
}

cleat_status cleat__rest_query_rates(cleat__store *store, int64_t tenant,
                                     const cleat__rest_rate_filter *filter,
                                     bool (*visit)(void *argument, const cleat__rest_rate *row),
                                     void *argument)
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
        const cleat__rest_rate row = {
            cleat__column_text(select, 0),
            {sqlite3_column_int(select, 1), sqlite3_column_int(select, 2), sqlite3_column_int64(select, 3),
             sqlite3_column_int64(select, 4)},
        };
        goes_on = visit(argument, &row);
    }
    return cleat__store_rows_end(store, select, code, "listing rate limits");
}
