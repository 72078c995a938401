/* Reading stored spans, by trace and by run. */
#include "collector/collector.h"

#include "collector/row.h"

static const char reading[] = "reading spans";

#define SPAN_COLUMNS "record, service_name, scope_name, run_id"

/* False when the record cannot be read: such a row is passed over rather than ending the list. */
static bool read_stored(sqlite3_stmt *stmt, cleat__stored_span *out)
{
    if (cleat_span_view_read(cleat__column_bytes(stmt, 0), &out->span) != CLEAT_OK) {
        return false;
    }
    out->service_name = cleat__column_text(stmt, 1);
    out->scope_name = cleat__column_text(stmt, 2);
    out->has_run = sqlite3_column_type(stmt, 3) != SQLITE_NULL;
    cleat__column_id(stmt, 3, out->run_id.bytes, sizeof(out->run_id.bytes));
    return true;
}

static cleat_status visit_spans(cleat__store *store, sqlite3_stmt *stmt, cleat__span_visit visit,
                                void *argument)
{
    cleat__stored_span span;
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        if (read_stored(stmt, &span) && !visit(argument, &span)) {
            break;
        }
    }
    return cleat__rows_end(store, stmt, code, reading);
}

cleat_status cleat__spans_of_trace(cleat__store *store, const cleat_trace_id *trace_id,
                                   cleat__span_visit visit, void *argument)
{
    static const char sql[] = "SELECT " SPAN_COLUMNS " FROM span WHERE trace ="
                              " (SELECT id FROM trace WHERE trace_id = ?1) ORDER BY start_ns, id";
    sqlite3_stmt *stmt = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &stmt);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_trace_id(stmt, 1, trace_id);
    return visit_spans(store, stmt, visit, argument);
}

cleat_status cleat__spans_of_run(cleat__store *store, const cleat__uuid *run_id, cleat__span_visit visit,
                                 void *argument)
{
    static const char sql[] = "SELECT " SPAN_COLUMNS " FROM span WHERE run_id = ?1 ORDER BY start_ns, id";
    sqlite3_stmt *stmt = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &stmt);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_bytes(stmt, 1, run_id->bytes, sizeof(run_id->bytes));
    return visit_spans(store, stmt, visit, argument);
}
