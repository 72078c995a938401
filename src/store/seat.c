#include "store/seat.h"

#include "store/statement.h"

static const char storing[] = "storing the seats of a run";

cleat_status cleat__seats_give(cleat__store *store, const cleat__uuid *id, uint32_t given)
{
    static const char sql[] = "UPDATE task SET limits = json_set(limits, '$.given', ?2) WHERE id = ?1";
    sqlite3_stmt *update = NULL;
    cleat_status status = cleat__statement_of_run(store, sql, id, &update);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(update, 2, given);
    return cleat__statement_finish(store, update, storing);
}

cleat_status cleat__seats_take(cleat__store *store, const cleat__uuid *id, cleat_slice since, size_t holds)
{
    static const char sql[] = "UPDATE task SET limits = "
                              "json_set(limits, '$.since', json(?2), '$.holds', ?3) WHERE id = ?1";
    sqlite3_stmt *update = NULL;
    cleat_status status = cleat__statement_of_run(store, sql, id, &update);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_text(update, 2, since);
    sqlite3_bind_int64(update, 3, (sqlite3_int64)holds);
    return cleat__statement_finish(store, update, storing);
}

cleat_status cleat__seats_given(cleat__store *store, const cleat__uuid *id, uint32_t *out)
{
    static const char sql[] = "SELECT coalesce(json_extract(limits, '$.given'), 0) FROM task WHERE id = ?1";
    sqlite3_stmt *select = NULL;
    int64_t given = 0;
    cleat_status status = cleat__statement_of_run(store, sql, id, &select);
    if (status == CLEAT_OK) {
        status = cleat__statement_number(store, select, &given, "reading the seats of a run");
    }
    *out = (uint32_t)given;
    return status;
}
