#include "store/idempotency.h"

#include "base/error.h"
#include "model/idempotency.h"
#include "store/statement.h"

static cleat_status prepare(cleat__store *store, const char *sql, int64_t number, sqlite3_stmt **out)
{
    cleat_status status = cleat__store_prepare(store, sql, out);
    if (status == CLEAT_OK) {
        sqlite3_bind_int64(*out, 1, number);
    }
    return status;
}

cleat_status cleat__idempotency_get(cleat__store *store, int64_t tenant, cleat_slice key, int64_t now_ms,
                                    cleat__uuid *run_id)
{
    static const char sql[] = "SELECT run_id, expires_at_ms FROM idempotency WHERE tenant = ?1 AND key = ?2";
    sqlite3_stmt *select = NULL;
    cleat_status status = prepare(store, sql, tenant, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_text(select, 2, key);
    int code = sqlite3_step(select);
    if (code == SQLITE_ROW && !cleat__idempotency_is_held(sqlite3_column_int64(select, 1), now_ms)) {
        status = CLEAT_EMPTY;
    } else if (code == SQLITE_ROW) {
        status = cleat__column_uuid(select, 0, run_id)
                     ? CLEAT_OK
                     : cleat__fail(CLEAT_CORRUPT, "an idempotency key has no valid run");
    } else {
        status =
            code == SQLITE_DONE ? CLEAT_EMPTY : cleat__store_error(store, "looking for an idempotency key");
    }
    sqlite3_reset(select);
    return status;
}

/* Each key that comes forgets two, so that there are never many more than count. One by one: a list of pairs would be
 * looked for by its first column, which is all keys of the tenant. */
static cleat_status forget_some(cleat__store *store, int64_t now_ms)
{
    static const char sql[] = "DELETE FROM idempotency WHERE tenant = (SELECT tenant FROM idempotency "
                              "WHERE expires_at_ms <= ?1 ORDER BY expires_at_ms, tenant, key LIMIT 1) "
                              "AND key = (SELECT key FROM idempotency "
                              "WHERE expires_at_ms <= ?1 ORDER BY expires_at_ms, tenant, key LIMIT 1)";
    cleat_status status = CLEAT_OK;
    for (int i = 0; i < 2 && status == CLEAT_OK; i++) {
        sqlite3_stmt *delete = NULL;
        status = prepare(store, sql, now_ms, &delete);
        if (status == CLEAT_OK) {
            status = cleat__statement_finish(store, delete, "forgetting idempotency keys");
        }
    }
    return status;
}

cleat_status cleat__idempotency_put(cleat__store *store, int64_t tenant, cleat_slice key,
                                    const cleat__uuid *run_id, int64_t expires_at_ms, int64_t now_ms)
{
    static const char sql[] = "INSERT INTO idempotency (tenant, key, run_id, expires_at_ms) "
                              "VALUES (?1, ?2, ?3, ?4) ON CONFLICT (tenant, key) "
                              "DO UPDATE SET run_id = ?3, expires_at_ms = ?4";
    sqlite3_stmt *insert = NULL;
    cleat_status status = forget_some(store, now_ms);
    if (status == CLEAT_OK) {
        status = prepare(store, sql, tenant, &insert);
    }
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_text(insert, 2, key);
    cleat__bind_uuid(insert, 3, run_id);
    sqlite3_bind_int64(insert, 4, expires_at_ms);
    return cleat__statement_finish(store, insert, "storing an idempotency key");
}

/* To the parent, which lives and had it before. */
static cleat_status pass_back(cleat__store *store, int64_t tenant, const cleat__uuid *run_id, bool *is_passed)
{
    static const char sql[] =
        "UPDATE idempotency SET run_id = parent.id "
        "FROM task AS child JOIN task AS parent ON parent.id = child.parent_id "
        "JOIN task_live ON task_live.id = parent.id "
        "WHERE tenant = ?1 AND run_id = ?2 AND child.id = ?2 AND key = child.idempotency_key "
        "AND parent.idempotency_key = child.idempotency_key";
    sqlite3_stmt *update = NULL;
    cleat_status status = prepare(store, sql, tenant, &update);
    if (status == CLEAT_OK) {
        cleat__bind_uuid(update, 2, run_id);
        status = cleat__statement_finish(store, update, "giving back an idempotency key");
    }
    *is_passed = status == CLEAT_OK && sqlite3_changes(cleat__store_db(store)) != 0;
    return status;
}

cleat_status cleat__idempotency_remove(cleat__store *store, int64_t tenant, const cleat__uuid *run_id)
{
    static const char sql[] = "DELETE FROM idempotency WHERE tenant = ?1 AND run_id = ?2 AND "
                              "key = (SELECT idempotency_key FROM task WHERE id = ?2)";
    sqlite3_stmt *delete = NULL;
    bool is_passed;
    cleat_status status = pass_back(store, tenant, run_id, &is_passed);
    if (status != CLEAT_OK || is_passed) {
        return status;
    }
    status = prepare(store, sql, tenant, &delete);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(delete, 2, run_id);
    return cleat__statement_finish(store, delete, "giving back an idempotency key");
}
