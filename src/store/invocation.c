#include "store/invocation.h"

#include "store/statement.h"

static const char reading[] = "reading the invocations of a run";

/* The first one from `number` on that has a row, and when it was queued. CLEAT_EMPTY: there is none. */
static cleat_status next_row(cleat__store *store, const cleat__uuid *run_id, int64_t number, int64_t *found,
                             int64_t *queued_at_ms)
{
    static const char sql[] = "SELECT number, queued_at_ms FROM durable_invocation "
                              "WHERE run_id = ?1 AND number >= ?2 ORDER BY number LIMIT 1";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__statement_of_run(store, sql, run_id, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(select, 2, number);
    int code = sqlite3_step(select);
    if (code == SQLITE_ROW) {
        *found = sqlite3_column_int64(select, 0);
        *queued_at_ms = sqlite3_column_int64(select, 1);
    } else {
        status = code == SQLITE_DONE ? CLEAT_EMPTY : cleat__store_error(store, reading);
    }
    sqlite3_reset(select);
    return status;
}

static cleat_status load_count(cleat__store *store, const cleat__uuid *run_id, int64_t *out)
{
    static const char sql[] = "SELECT invocation_count FROM durable_run WHERE id = ?1";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__statement_of_run(store, sql, run_id, &select);
    return status == CLEAT_OK ? cleat__statement_number(store, select, out, reading) : status;
}

/* The last one that was queued by then; 0: none of those that have rows. They were queued one after the other,
 * so half of those that are left is passed over each time: there may be thousands. */
static cleat_status find_by_time(cleat__store *store, const cleat__uuid *run_id, int64_t at_ms, int64_t *out)
{
    int64_t low = 0, high = 0, found = 0, queued_at_ms = 0;
    cleat_status status = load_count(store, run_id, &high);
    high++;
    while (status == CLEAT_OK && high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        status = next_row(store, run_id, middle, &found, &queued_at_ms);
        bool is_by_then = status == CLEAT_OK && found < high && queued_at_ms <= at_ms;
        low = is_by_then ? found : low;
        high = is_by_then ? high : middle;
        status = status == CLEAT_EMPTY ? CLEAT_OK : status;
    }
    *out = low;
    return status == CLEAT_EMPTY ? CLEAT_OK : status; /* a run that is not durable has no invocations */
}

static cleat_status read_row(cleat__store *store, const cleat__invocation_key *key, int64_t number,
                             cleat__invocation_wait *out)
{
    static const char sql[] = "SELECT suspended_at_ms, queued_at_ms, waited_for FROM durable_invocation "
                              "WHERE run_id = ?1 AND number = ?2 AND retry_count = ?3";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__statement_of_run(store, sql, &key->run_id, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(select, 2, number);
    sqlite3_bind_int(select, 3, key->retry_count);
    int code = sqlite3_step(select);
    if (code == SQLITE_ROW) {
        out->number = (int32_t)number;
        out->suspended_at_ms = sqlite3_column_int64(select, 0);
        out->queued_at_ms = sqlite3_column_int64(select, 1);
        out->waited_for = (uint32_t)sqlite3_column_int64(select, 2);
    } else if (code != SQLITE_DONE) {
        status = cleat__store_error(store, reading);
    }
    sqlite3_reset(select);
    return status;
}

/* The next one says when it began; while there is none, the run does. */
static cleat_status read_beginning(cleat__store *store, const cleat__invocation_key *key, int64_t number,
                                   int64_t *out)
{
    static const char sql[] =
        "SELECT coalesce((SELECT CASE WHEN retry_count = ?3 THEN began_at_ms END FROM durable_invocation "
        "WHERE run_id = ?1 AND number > ?2 ORDER BY number LIMIT 1), "
        "(SELECT began_at_ms FROM durable_run WHERE id = ?1 AND retry_count = ?3), 0)";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__statement_of_run(store, sql, &key->run_id, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(select, 2, number);
    sqlite3_bind_int(select, 3, key->retry_count);
    return cleat__statement_number(store, select, out, reading);
}

cleat_status cleat__invocation_load(cleat__store *store, const cleat__invocation_key *key,
                                    cleat__invocation_wait *out)
{
    int64_t number = key->number;
    *out = (cleat__invocation_wait){.number = 0};
    cleat_status status = number > 0 ? CLEAT_OK : find_by_time(store, &key->run_id, key->at_ms, &number);
    if (status == CLEAT_OK) {
        status = read_row(store, key, number, out);
    }
    return status == CLEAT_OK ? read_beginning(store, key, number, &out->began_at_ms) : status;
}

/* What the run says of the one that has not begun is the last row. */
cleat_status cleat__invocation_list(cleat__store *store, const cleat__uuid *run_id, int32_t after,
                                    bool (*visit)(void *argument, const cleat__invocation_row *row),
                                    void *argument)
{
    static const char sql[] =
        "SELECT number, retry_count, began_at_ms, suspended_at_ms, waited_for, queued_at_ms, NULL "
        "FROM durable_invocation WHERE run_id = ?1 AND number > ?2 UNION ALL "
        "SELECT invocation_count + 1, retry_count, began_at_ms, suspended_at_ms, waited_for, NULL, "
        "CASE WHEN suspended_at_ms IS NOT NULL THEN evict_reason END FROM durable_run "
        "WHERE id = ?1 AND invocation_count >= ?2 AND began_at_ms IS NOT NULL ORDER BY 1";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__statement_of_run(store, sql, run_id, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int(select, 2, after);
    int code;
    bool goes_on = true;
    while (goes_on && (code = sqlite3_step(select)) == SQLITE_ROW) {
        cleat__invocation_row row = {
            .number = sqlite3_column_int(select, 0),
            .retry_count = sqlite3_column_int(select, 1),
            .began_at_ms = sqlite3_column_int64(select, 2),
            .suspended_at_ms = sqlite3_column_int64(select, 3),
            .waited_for = (uint32_t)sqlite3_column_int64(select, 4),
            .queued_at_ms = sqlite3_column_int64(select, 5),
            .reason = cleat__column_text(select, 6),
        };
        goes_on = visit(argument, &row);
    }
    return cleat__store_rows_end(store, select, code, reading);
}
