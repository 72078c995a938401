#include "store/hook.h"

#include "base/error.h"
#include "store/statement.h"

cleat_status cleat__hook_put(cleat__store *store, int64_t tenant, cleat_slice token,
                             const cleat__uuid *run_id, int64_t now_ms)
{
    static const char sql[] = "INSERT INTO durable_hook (tenant, token, run_id, created_at_ms) "
                              "VALUES (?1, ?2, ?3, ?4) ON CONFLICT (tenant, token) "
                              "DO UPDATE SET run_id = ?3, created_at_ms = ?4";
    sqlite3_stmt *insert = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &insert);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(insert, 1, tenant);
    cleat__bind_text(insert, 2, token);
    cleat__bind_uuid(insert, 3, run_id);
    sqlite3_bind_int64(insert, 4, now_ms);
    return cleat__statement_finish(store, insert, "storing a hook");
}

cleat_status cleat__hook_get(cleat__store *store, int64_t tenant, cleat_slice token, cleat__uuid *run_id)
{
    static const char sql[] = "SELECT run_id FROM durable_hook WHERE tenant = ?1 AND token = ?2";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(select, 1, tenant);
    cleat__bind_text(select, 2, token);
    int code = sqlite3_step(select);
    if (code == SQLITE_ROW) {
        status = cleat__column_uuid(select, 0, run_id)
                     ? CLEAT_OK
                     : cleat__fail(CLEAT_CORRUPT, "a hook has no valid run");
    } else {
        status = code == SQLITE_DONE ? CLEAT_EMPTY : cleat__store_error(store, "looking for a hook");
    }
    sqlite3_reset(select);
    return status;
}

cleat_status cleat__hook_push(cleat__store *store, const cleat__uuid *run_id, cleat_slice token,
                              cleat_slice payload)
{
    static const char sql[] =
        "INSERT INTO durable_hook_payload (run_id, token, number, payload) "
        "SELECT ?1, ?2, 1 + coalesce(newest, 0), ?3 FROM (SELECT "
        "(SELECT max(number) FROM durable_hook_payload WHERE run_id = ?1 AND token = ?2) newest, "
        "(SELECT min(number) FROM durable_hook_payload WHERE run_id = ?1 AND token = ?2) oldest) "
        "WHERE newest IS NULL OR newest - oldest + 1 < ?4";
    sqlite3_stmt *insert = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &insert);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(insert, 1, run_id);
    cleat__bind_text(insert, 2, token);
    cleat__bind_text(insert, 3, payload);
    sqlite3_bind_int(insert, 4, CLEAT__HOOK_PAYLOADS_MAX);
    status = cleat__statement_finish(store, insert, "storing a hook's payload");
    bool is_stored = status != CLEAT_OK || sqlite3_changes(cleat__store_db(store)) != 0;
    return is_stored ? status : CLEAT_EMPTY;
}

cleat_status cleat__hook_take(cleat__store *store, const cleat__uuid *run_id, cleat_slice token,
                              cleat__buffer *payload)
{
    static const char sql[] =
        "DELETE FROM durable_hook_payload WHERE run_id = ?1 AND token = ?2 AND number = "
        "(SELECT min(number) FROM durable_hook_payload WHERE run_id = ?1 AND token = ?2) RETURNING payload";
    sqlite3_stmt *take = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &take);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(take, 1, run_id);
    cleat__bind_text(take, 2, token);
    int code = sqlite3_step(take);
    if (code == SQLITE_ROW) {
        cleat__buffer_append_slice(payload, cleat__column_text(take, 0));
        status = payload->failed ? cleat__fail_memory() : CLEAT_OK;
    } else {
        status = code == SQLITE_DONE ? CLEAT_EMPTY : cleat__store_error(store, "taking a hook's payload");
    }
    sqlite3_reset(take);
    return status;
}

cleat_status cleat__hooks_hand_over(cleat__store *store, const cleat__uuid *from, const cleat__uuid *to)
{
    static const char *const sql[] = {"UPDATE durable_hook SET run_id = ?2 WHERE run_id = ?1",
                                      "UPDATE durable_hook_payload SET run_id = ?2 WHERE run_id = ?1"};
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; i < sizeof(sql) / sizeof(sql[0]) && status == CLEAT_OK; i++) {
        sqlite3_stmt *update = NULL;
        status = cleat__statement_of_run(store, sql[i], from, &update);
        if (status == CLEAT_OK) {
            cleat__bind_uuid(update, 2, to);
            status = cleat__statement_finish(store, update, "handing hooks over");
        }
    }
    return status;
}
