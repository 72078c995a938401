#include "store/shared_rule.h"

#include "store/bind.h"

cleat_status cleat__shared_rule_put(cleat__store *store, int64_t tenant, cleat_slice name, cleat_slice text)
{
    static const char sql[] = "INSERT OR REPLACE INTO shared_rule (tenant, name, rule) VALUES (?1, ?2, ?3)";
    sqlite3_stmt *insert = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &insert);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(insert, 1, tenant);
    cleat__bind_text(insert, 2, name);
    cleat__bind_text(insert, 3, text);
    status = sqlite3_step(insert) == SQLITE_DONE ? CLEAT_OK
                                                 : cleat__store_error(store, "storing a rule of concurrency");
    sqlite3_reset(insert);
    return status;
}

cleat_status cleat__shared_rule_load(cleat__store *store,
                                     cleat_status (*visit)(void *argument, int64_t tenant, cleat_slice text),
                                     void *argument)
{
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, "SELECT tenant, rule FROM shared_rule", &select);
    int code = SQLITE_DONE;
    while (status == CLEAT_OK && (code = sqlite3_step(select)) == SQLITE_ROW) {
        status = visit(argument, sqlite3_column_int64(select, 0), cleat__column_text(select, 1));
    }
    if (status == CLEAT_OK && code != SQLITE_DONE) {
        status = cleat__store_error(store, "reading rules of concurrency");
    }
    sqlite3_reset(select);
    return status;
}
