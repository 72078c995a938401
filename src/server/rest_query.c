#include "rest_query.h"

#include "base/alloc.h"
#include "base/error.h"
#include "store/bind.h"

/* ---- What filters look at ---- */

void cleat__rest_ids_deinit(cleat__rest_ids *ids)
{
    cleat__free(ids->items);
    *ids = (cleat__rest_ids){0};
}

cleat_status cleat__rest_ids_add(cleat__rest_ids *ids, const cleat__uuid *id)
{
    if (ids->count == ids->capacity) {
        size_t capacity = ids->capacity != 0 ? 2 * ids->capacity : 16;
        cleat__uuid *items = cleat__realloc(ids->items, capacity * sizeof(*items));
        if (items == NULL) {
            return cleat__fail_memory();
        }
        ids->items = items;
        ids->capacity = capacity;
    }
    ids->items[ids->count++] = *id;
    return CLEAT_OK;
}

bool cleat__rest_ids_have(const cleat__rest_ids *ids, const cleat__uuid *id)
{
    for (size_t i = 0; i < ids->count; i++) {
        if (cleat__uuid_equals(&ids->items[i], id)) {
            return true;
        }
    }
    return ids->count == 0;
}

/* ---- Logs ---- */

cleat_status cleat__rest_query_logs(cleat__store *store, int64_t tenant, const cleat__uuid *id, int64_t after,
                                    bool is_newest_first,
                                    bool (*visit)(void *argument, const cleat__log_line *line),
                                    void *argument)
{
#define SELECT_LOGS                                                                                      \
    "SELECT retry_count, level, time_ms, message, metadata FROM task_log WHERE task_id = ?1 AND EXISTS " \
    "(SELECT 1 "                                                                                         \
    "FROM task t JOIN task_type y ON y.id = t.type_id WHERE t.id = ?1 AND y.tenant = ?2) AND line > ?3 "
    static const char oldest[] = SELECT_LOGS "ORDER BY line";
    static const char newest[] = SELECT_LOGS "ORDER BY line DESC";
#undef SELECT_LOGS
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, is_newest_first ? newest : oldest, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(select, 1, id);
    sqlite3_bind_int64(select, 2, tenant);
    sqlite3_bind_int64(select, 3, after);
    int code;
    while ((code = sqlite3_step(select)) == SQLITE_ROW) {
        cleat__log_line line = {
            .task_id = *id,
            .retry_count = sqlite3_column_int(select, 0),
            .level = (cleat_log_level)sqlite3_column_int(select, 1),
            .time_ms = sqlite3_column_int64(select, 2),
            .message = cleat__column_text(select, 3),
            .metadata = cleat__column_text(select, 4),
        };
        if (!visit(argument, &line)) {
            break;
        }
    }
    return cleat__store_rows_end(store, select, code, "listing log lines");
}
