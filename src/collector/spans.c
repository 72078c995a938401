/* Reading stored spans, by trace and by run. */
#include "collector/collector.h"

#include "collector/row.h"
#include "collector/source_list.h"

static const char reading[] = "reading spans";

#define SPAN_COLUMNS "record, run_id, source"

/* False when the record cannot be read: such a row is passed over rather than ending the list. */
static bool read_stored(sqlite3_stmt *stmt, cleat__stored_span *out)
{
    if (cleat_span_view_read(cleat__column_bytes(stmt, 0), &out->span) != CLEAT_OK) {
        return false;
    }
    out->has_run = sqlite3_column_type(stmt, 1) != SQLITE_NULL;
    cleat__column_id(stmt, 1, out->run_id.bytes, sizeof(out->run_id.bytes));
    return true;
}

static void set_source(cleat__stored_span *out, const cleat__source *source)
{
    out->span.resource = source->resource;
    out->span.scope = source->scope;
    out->service_name = source->service_name;
    out->scope_name = source->scope != NULL ? source->scope->name : (cleat_slice){NULL, 0};
}

static cleat_status visit_spans(cleat__store *store, sqlite3_stmt *stmt, cleat__span_visit visit,
                                void *argument)
{
    cleat__source_list sources = {0};
    const cleat__source *source = NULL;
    cleat__stored_span span;
    cleat_status status = CLEAT_OK;
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        if (!read_stored(stmt, &span)) {
            continue;
        }
        status = cleat__source_list_get(&sources, store, sqlite3_column_int64(stmt, 2), &source);
        if (status != CLEAT_OK) {
            break;
        }
        set_source(&span, source);
        if (!visit(argument, &span)) {
            break;
        }
    }
    cleat__source_list_deinit(&sources);
    cleat_status end = cleat__store_rows_end(store, stmt, code, reading);
    return status != CLEAT_OK ? status : end;
}

cleat_status cleat__spans_of_trace(cleat__store *store, int64_t tenant, const cleat_trace_id *trace_id,
                                   cleat__span_visit visit, void *argument)
{
    static const char sql[] = "SELECT " SPAN_COLUMNS " FROM span WHERE trace ="
                              " (SELECT id FROM trace WHERE trace_id = ?1 AND tenant = ?2)"
                              " ORDER BY start_ns, id";
    sqlite3_stmt *stmt = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &stmt);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_trace_id(stmt, 1, trace_id);
    sqlite3_bind_int64(stmt, 2, tenant);
    return visit_spans(store, stmt, visit, argument);
}

cleat_status cleat__spans_of_run(cleat__store *store, int64_t tenant, const cleat__uuid *run_id,
                                 cleat__span_visit visit, void *argument)
{
    /* The traces by their number for each span: there are few for one run. */
    static const char sql[] = "SELECT " SPAN_COLUMNS " FROM span WHERE run_id = ?1 AND"
                              " (SELECT tenant FROM trace WHERE id = span.trace) = ?2"
                              " ORDER BY start_ns, id";
    sqlite3_stmt *stmt = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &stmt);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_bytes(stmt, 1, run_id->bytes, sizeof(run_id->bytes));
    sqlite3_bind_int64(stmt, 2, tenant);
    return visit_spans(store, stmt, visit, argument);
}
