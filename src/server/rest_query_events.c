/* What the REST API reads about events. */
#include "rest_query.h"

#include "base/error.h"
#include "store/bind.h"

cleat_status cleat__rest_query_events(cleat__store *store, int64_t tenant, int64_t since_ms,
                                      bool (*visit)(void *argument, const cleat__event_row *row),
                                      void *argument)
{
    static const char sql[] = "SELECT id, key, payload, metadata, scope, created_at_ms, webhook FROM event "
                              "WHERE tenant = ?1 AND id >= ?2 ORDER BY id DESC";
    cleat__uuid from = cleat__uuid_first(since_ms);
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(select, 1, tenant);
    cleat__bind_uuid(select, 2, &from);
    int code;
    bool goes_on = true;
    while (goes_on && (code = sqlite3_step(select)) == SQLITE_ROW) {
        cleat__event_row row = {
            .tenant = tenant,
            .key = cleat__column_text(select, 1),
            .payload = cleat__column_text(select, 2),
            .metadata = cleat__column_text(select, 3),
            .scope = cleat__column_text(select, 4),
            .created_at_ms = sqlite3_column_int64(select, 5),
            .webhook = cleat__column_text(select, 6),
        };
        cleat__column_uuid(select, 0, &row.id);
        goes_on = visit(argument, &row);
    }
    return cleat__store_rows_end(store, select, code, "listing events");
}

cleat_status cleat__rest_query_event_keys(cleat__store *store, int64_t tenant,
                                          bool (*visit)(void *argument, cleat_slice key), void *argument)
{
    static const char sql[] = "SELECT DISTINCT key FROM event WHERE tenant = ?1 ORDER BY key";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(select, 1, tenant);
    int code;
    bool goes_on = true;
    while (goes_on && (code = sqlite3_step(select)) == SQLITE_ROW) {
        goes_on = visit(argument, cleat__column_text(select, 0));
    }
    return cleat__store_rows_end(store, select, code, "listing the keys of events");
}

cleat_status cleat__rest_query_started(cleat__store *store, int64_t tenant, const cleat__uuid *event_id,
                                       bool (*visit)(void *argument, const cleat__rest_started *row),
                                       void *argument)
{
    static const char sql[] =
        "SELECT t.id, w.uuid, " CLEAT__RUN_SHOWN_STATE
        ", t.filter_id FROM task t JOIN task_type y ON y.id = t.type_id "
        "JOIN workflow w ON w.id = y.workflow_id LEFT JOIN task_live l ON l.id = t.id "
        "LEFT JOIN task_end e ON e.id = t.id WHERE t.event_id = ?1 AND y.tenant = ?2 ORDER BY t.id";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(select, 1, event_id);
    sqlite3_bind_int64(select, 2, tenant);
    int code;
    bool goes_on = true;
    while (goes_on && (code = sqlite3_step(select)) == SQLITE_ROW) {
        cleat__rest_started row = {.status = (cleat_run_status)sqlite3_column_int(select, 2)};
        cleat__column_uuid(select, 0, &row.id);
        cleat__column_uuid(select, 1, &row.workflow_id);
        cleat__column_uuid(select, 3, &row.filter_id);
        goes_on = visit(argument, &row);
    }
    return cleat__store_rows_end(store, select, code, "listing what an event started");
}
