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

cleat_status cleat__rest_query_claims(cleat__store *store, int64_t tenant,
                                      void (*visit)(void *argument, const cleat__rest_claim *row),
                                      void *argument)
{
    /* Rules of the workflow stand before those of the task, as keys do. */
    static const char sql[] =
        "SELECT y.task_name, l.state, json_extract(r.value, '$.expression'), "
        "json_extract(r.value, '$.strategy'), json_extract(t.limits, '$.keys[' || r.place || ']') AS k, "
        "count(*) AS n FROM task_live l JOIN task_type y ON y.id = l.type_id JOIN task t ON t.id = l.id, "
        "(SELECT d.id AS type_id, e.key AS place, e.value FROM task_type d, "
        "json_each(d.declaration, '$.concurrency') e WHERE d.tenant = ?1 UNION ALL SELECT d.id, e.key + "
        "coalesce(json_array_length(d.declaration, '$.concurrency'), 0), e.value FROM task_type d, "
        "json_each(d.declaration, '$.task_concurrency') e WHERE d.tenant = ?1) r WHERE r.type_id = l.type_id "
        "AND y.tenant = ?1 "
        "AND l.has_limits AND l.is_held = 0 AND l.state IN (0, 1) AND k IS NOT NULL "
        "GROUP BY 1, 2, 3, 4, 5 ORDER BY n DESC LIMIT 10000";
    _Static_assert(CLEAT_RUN_QUEUED == 0 && CLEAT_RUN_RUNNING == 1, "as the statement has them");
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(select, 1, tenant);
    int code;
    while ((code = sqlite3_step(select)) == SQLITE_ROW) {
        const cleat__rest_claim row = {
            .task_name = cleat__column_text(select, 0),
            .is_running = sqlite3_column_int(select, 1) == CLEAT_RUN_RUNNING,
            .expression = cleat__column_text(select, 2),
            .strategy = (cleat_concurrency_strategy)sqlite3_column_int(select, 3),
            .key = cleat__column_text(select, 4),
            .count = sqlite3_column_int64(select, 5),
        };
        visit(argument, &row);
    }
    return cleat__store_rows_end(store, select, code, "counting keys of concurrency");
}
