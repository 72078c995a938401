/* What the REST API reads about events, beside store/event_choice.h. */
#include "rest_query.h"

#include "store/bind.h"

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
