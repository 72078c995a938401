#define _GNU_SOURCE /* memmem */
#include "store/log.h"

#include "store/bind.h"

static bool passes(const cleat__log_choice *choice, const cleat__log_line *line)
{
    return line->time_ms >= choice->since_ms && line->time_ms <= choice->until_ms &&
           (choice->attempt == 0 || line->retry_count + INT64_C(1) == choice->attempt) &&
           (choice->levels == 0 || (choice->levels >> line->level & 1) != 0) &&
           (choice->search.size == 0 ||
            memmem(line->message.data, line->message.size, choice->search.data, choice->search.size) != NULL);
}

cleat_status cleat__log_choose(cleat__store *store, int64_t tenant, const cleat__uuid *id,
                               const cleat__log_choice *choice,
                               bool (*visit)(void *argument, const cleat__log_line *line), void *argument)
{
#define SELECT_LOGS                                                                                      \
    "SELECT retry_count, level, time_ms, message, metadata FROM task_log WHERE task_id = ?1 AND EXISTS " \
    "(SELECT 1 FROM task t JOIN task_type y ON y.id = t.type_id WHERE t.id = ?1 AND y.tenant = ?2) "     \
    "AND line > ?3 "
    static const char oldest[] = SELECT_LOGS "ORDER BY line";
    static const char newest[] = SELECT_LOGS "ORDER BY line DESC";
#undef SELECT_LOGS
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, choice->is_newest_first ? newest : oldest, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_uuid(select, 1, id);
    sqlite3_bind_int64(select, 2, tenant);
    sqlite3_bind_int64(select, 3, choice->after);
    int code;
    bool goes_on = true;
    while (goes_on && (code = sqlite3_step(select)) == SQLITE_ROW) {
        const cleat__log_line line = {
            .task_id = *id,
            .retry_count = sqlite3_column_int(select, 0),
            .level = (cleat_log_level)sqlite3_column_int(select, 1),
            .time_ms = sqlite3_column_int64(select, 2),
            .message = cleat__column_text(select, 3),
            .metadata = cleat__column_text(select, 4),
        };
        bool is_known = line.level >= CLEAT_LOG_ERROR && line.level <= CLEAT_LOG_DEBUG;
        goes_on = !is_known || !passes(choice, &line) || visit(argument, &line);
    }
    return cleat__store_rows_end(store, select, code, "listing log lines");
}
