#include "store/queue_count.h"

#include "store/bind.h"

cleat_status cleat__queue_count(cleat__store *store, int64_t tenant,
                                bool (*visit)(void *argument, const cleat__queue_row *row), void *argument)
{
    static const char sql[] =
        "SELECT y.task_name, y.action, sum(l.state = 0), sum(l.state = 1), sum(l.state = 5), "
        "min(CASE WHEN l.state = 0 THEN l.queued_at_ms END), "
        "min(CASE WHEN l.state = 0 AND l.retry_count = l.first_retry THEN l.queued_at_ms END), "
        "min(CASE WHEN l.state = 1 THEN l.started_at_ms END) "
        "FROM task_live l JOIN task_type y ON y.id = l.type_id "
        "WHERE y.tenant = ?1 AND l.is_held = 0 GROUP BY y.task_name, y.action ORDER BY y.task_name, y.action";
    _Static_assert(CLEAT_RUN_QUEUED == 0 && CLEAT_RUN_RUNNING == 1 && CLEAT_RUN_EVICTED == 5,
                   "as the statement has them");
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(select, 1, tenant);
    int code;
    bool goes_on = true;
    while (goes_on && (code = sqlite3_step(select)) == SQLITE_ROW) {
        cleat__queue_row row = {
            .task_name = cleat__column_text(select, 0),
            .action = cleat__column_text(select, 1),
            .queued = sqlite3_column_int64(select, 2),
            .running = sqlite3_column_int64(select, 3),
            .evicted = sqlite3_column_int64(select, 4),
            .oldest_queued_at_ms = sqlite3_column_int64(select, 5),
            .oldest_first_queued_at_ms = sqlite3_column_int64(select, 6),
            .oldest_started_at_ms = sqlite3_column_int64(select, 7),
        };
        goes_on = visit(argument, &row);
    }
    return cleat__store_rows_end(store, select, code, "counting queues");
}
