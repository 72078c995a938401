/*
 * Retention. Traces go whole and oldest first, but in bites: a trace of a million spans is removed
 * over many calls, and its row goes with its last span.
 */
#include "collector/collector.h"

#include "collector/row.h"

static const char pruning[] = "removing old spans";

static cleat_status total_bytes(cleat__store *store, int64_t *bytes)
{
    static const char sql[] = "SELECT bytes FROM span_total";
    sqlite3_stmt *stmt = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &stmt);
    if (status != CLEAT_OK) {
        return status;
    }
    *bytes = 0;
    int code = sqlite3_step(stmt);
    if (code == SQLITE_ROW) {
        *bytes = sqlite3_column_int64(stmt, 0);
    }
    return cleat__store_rows_end(store, stmt, code, pruning);
}

/* The trace to go next: its number, or 0. `older_than_ns` NULL: of any age; what spans say of their time
 * is what their senders say. A trace that began long ago is old when its last span is. */
static cleat_status oldest_trace(cleat__store *store, const int64_t *older_than_ns, int64_t *number)
{
    static const char any[] = "SELECT id FROM trace ORDER BY start_ns LIMIT 1";
    static const char old[] = "SELECT id FROM trace WHERE start_ns < ?1 AND end_ns < ?1"
                              " ORDER BY start_ns LIMIT 1";
    sqlite3_stmt *stmt = NULL;
    cleat_status status = cleat__store_prepare(store, older_than_ns != NULL ? old : any, &stmt);
    if (status != CLEAT_OK) {
        return status;
    }
    *number = 0;
    if (older_than_ns != NULL) {
        sqlite3_bind_int64(stmt, 1, *older_than_ns);
    }
    int code = sqlite3_step(stmt);
    if (code == SQLITE_ROW) {
        *number = sqlite3_column_int64(stmt, 0);
    }
    return cleat__store_rows_end(store, stmt, code, pruning);
}

typedef struct bite {
    int64_t trace;
    int64_t limit;
    int64_t spans, errors, bytes; /* what is in it */
} bite;

/* The spans of a bite are the first `limit` of the trace by span id: the same for each statement. */
#define BITE "FROM span WHERE trace = ?1 ORDER BY span_id LIMIT ?2"

static cleat_status measure(cleat__store *store, bite *part)
{
    static const char sql[] = "SELECT count(*), coalesce(sum(status = 2), 0), coalesce(sum(size), 0)"
                              " FROM (SELECT status, size " BITE ")";
    sqlite3_stmt *stmt = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &stmt);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(stmt, 1, part->trace);
    sqlite3_bind_int64(stmt, 2, part->limit);
    int code = sqlite3_step(stmt);
    if (code == SQLITE_ROW) {
        part->spans = sqlite3_column_int64(stmt, 0);
        part->errors = sqlite3_column_int64(stmt, 1);
        part->bytes = sqlite3_column_int64(stmt, 2);
    }
    return cleat__store_rows_end(store, stmt, code, pruning);
}

static cleat_status run_on_bite(cleat__store *store, const char *sql, const bite *part)
{
    sqlite3_stmt *stmt = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &stmt);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(stmt, 1, part->trace);
    sqlite3_bind_int64(stmt, 2, part->limit);
    if (sqlite3_bind_parameter_count(stmt) > 2) {
        sqlite3_bind_int64(stmt, 3, part->spans);
        sqlite3_bind_int64(stmt, 4, part->errors);
        sqlite3_bind_int64(stmt, 5, part->bytes);
    }
    return cleat__step_done(store, stmt, pruning);
}

/* Sources that no span has any more: mostly none, which their index of unused ones tells. */
static cleat_status remove_sources(cleat__store *store, cleat__intake *intake, int64_t *bytes)
{
    static const char unused[] = "DELETE FROM span_source WHERE spans = 0 RETURNING size";
    static const char total[] = "UPDATE span_total SET bytes = bytes - ?1";
    sqlite3_stmt *stmt = NULL;
    int code;
    *bytes = 0;
    cleat_status status = cleat__store_prepare(store, unused, &stmt);
    if (status != CLEAT_OK) {
        return status;
    }
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        *bytes += sqlite3_column_int64(stmt, 0);
    }
    status = cleat__store_rows_end(store, stmt, code, pruning);
    if (status != CLEAT_OK || *bytes == 0) {
        return status;
    }
    cleat__intake_reset(intake); /* it may know them */
    status = cleat__store_prepare(store, total, &stmt);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(stmt, 1, *bytes);
    return cleat__step_done(store, stmt, pruning);
}

static cleat_status remove_bite(cleat__store *store, bite *part)
{
    static const char sources[] = "UPDATE span_source SET spans = spans - gone.count FROM"
                                  " (SELECT source, count(*) AS count FROM (SELECT source " BITE ")"
                                  " GROUP BY source) AS gone WHERE id = gone.source";
    static const char links[] = "DELETE FROM span_link WHERE from_trace = ?1 AND from_span_id IN"
                                " (SELECT span_id " BITE ")";
    static const char spans[] = "DELETE FROM span WHERE id IN (SELECT id " BITE ")";
    static const char sums[] = "UPDATE trace SET span_count = span_count - ?3,"
                               " error_count = error_count - ?4, bytes = bytes - ?5"
                               " WHERE id = ?1 AND ?2 > 0";
    static const char empty[] = "DELETE FROM trace WHERE id = ?1 AND ?2 > 0 AND NOT EXISTS"
                                " (SELECT 1 FROM span WHERE trace = ?1)";
    static const char totals[] = "UPDATE span_total SET spans = spans - ?3, bytes = bytes - ?5"
                                 " WHERE ?1 > 0 AND ?2 > 0 AND ?4 >= 0";
    const char *const statements[] = {sources, links, spans, sums, empty, totals};
    cleat_status status = measure(store, part);
    for (size_t i = 0; status == CLEAT_OK && i < sizeof(statements) / sizeof(*statements); i++) {
        status = run_on_bite(store, statements[i], part);
    }
    return status;
}

cleat_status cleat__span_prune(cleat__store *store, cleat__intake *intake, int64_t older_than_ns,
                               int64_t max_bytes, int64_t limit, int64_t *removed)
{
    int64_t bytes = 0, source_bytes = 0;
    *removed = 0;
    cleat_status status = total_bytes(store, &bytes);
    while (status == CLEAT_OK && *removed < limit) {
        bool too_large = max_bytes >= 0 && bytes > max_bytes;
        bite part = {.limit = limit - *removed};
        status = oldest_trace(store, too_large ? NULL : &older_than_ns, &part.trace);
        if (status != CLEAT_OK || part.trace == 0) {
            break;
        }
        status = remove_bite(store, &part);
        if (status == CLEAT_OK) {
            status = remove_sources(store, intake, &source_bytes);
        }
        *removed += part.spans;
        bytes -= part.bytes + source_bytes;
    }
    return status;
}
