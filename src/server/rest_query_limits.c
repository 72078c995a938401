#include "rest_query.h"

#include "store/bind.h"

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
