/* Listing and finding traces. */
#include "collector/collector.h"

#include "base/error.h"
#include "collector/row.h"

static const char reading[] = "reading traces";

#define PREFIX_MIN 8

static void read_trace(sqlite3_stmt *stmt, cleat__trace_row *out)
{
    cleat__column_id(stmt, 0, out->trace_id.bytes, sizeof(out->trace_id.bytes));
    out->root_name = cleat__column_text(stmt, 1);
    out->task = cleat__column_text(stmt, 2);
    out->service_name = cleat__column_text(stmt, 3);
    out->start_time_ns = sqlite3_column_int64(stmt, 4);
    out->end_time_ns = sqlite3_column_int64(stmt, 5);
    out->span_count = sqlite3_column_int64(stmt, 6);
    out->error_count = sqlite3_column_int64(stmt, 7);
    out->links_out = sqlite3_column_int64(stmt, 8);
    out->links_in = sqlite3_column_int64(stmt, 9);
}

/* Where a trace stands in the list. Older traces come behind it. */
typedef struct position {
    int64_t start_ns, number;
} position;

static cleat_status find_position(cleat__store *store, int64_t tenant, const cleat_trace_id *trace_id,
                                  position *out)
{
    static const char sql[] = "SELECT start_ns, id FROM trace WHERE trace_id = ?1 AND tenant = ?2";
    sqlite3_stmt *stmt = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &stmt);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_trace_id(stmt, 1, trace_id);
    sqlite3_bind_int64(stmt, 2, tenant);
    int code = sqlite3_step(stmt);
    if (code == SQLITE_ROW) {
        *out = (position){sqlite3_column_int64(stmt, 0), sqlite3_column_int64(stmt, 1)};
    }
    status = cleat__store_rows_end(store, stmt, code, reading);
    return status == CLEAT_OK && code == SQLITE_DONE
               ? cleat__fail(CLEAT_NOT_FOUND, "the trace to begin behind is not stored any more")
               : status;
}

/* The links are counted for the rows that are shown only: the LIMIT is inside. */
#define TRACE_ROWS(where)                                                                           \
    "SELECT trace_id, root_name, root_task, root_service, start_ns, end_ns, span_count,"            \
    " error_count, (SELECT count(*) FROM span_link WHERE from_trace = t.id),"                       \
    " (SELECT count(*) FROM span_link l JOIN trace f ON f.id = l.from_trace"                        \
    " WHERE l.to_trace_id = t.trace_id AND f.tenant = t.tenant)"                                    \
    " FROM (SELECT * FROM trace WHERE tenant = ?8 AND " where " AND (?1 IS NULL OR root_name = ?1)" \
    " AND (?2 IS NULL OR root_task = ?2) AND (?3 IS NULL OR (error_count > 0) = ?3)"                \
    " AND (start_ns, id) < (?4, ?5) ORDER BY start_ns DESC, id DESC LIMIT ?6) t"

static void bind_filter(sqlite3_stmt *stmt, const cleat__trace_filter *filter, const position *before)
{
    sqlite3_clear_bindings(stmt);
    cleat__bind_text(stmt, 1, filter->name);
    cleat__bind_text(stmt, 2, filter->task);
    if (filter->status != CLEAT__TRACE_ANY) {
        sqlite3_bind_int(stmt, 3, filter->status == CLEAT__TRACE_ERROR);
    }
    sqlite3_bind_int64(stmt, 4, before->start_ns);
    sqlite3_bind_int64(stmt, 5, before->number);
    sqlite3_bind_int64(stmt, 6, filter->limit);
    sqlite3_bind_int64(stmt, 8, filter->tenant);
    if (filter->run_id != NULL) {
        cleat__bind_bytes(stmt, 7, filter->run_id->bytes, sizeof(filter->run_id->bytes));
    }
}

cleat_status cleat__trace_list(cleat__store *store, const cleat__trace_filter *filter,
                               bool (*visit)(void *argument, const cleat__trace_row *row), void *argument)
{
    static const char all[] = TRACE_ROWS("1");
    static const char of_run[] = TRACE_ROWS("id IN (SELECT trace FROM span WHERE run_id = ?7)");
    position before = {INT64_MAX, INT64_MAX};
    sqlite3_stmt *stmt = NULL;
    cleat__trace_row row;
    int code;
    cleat_status status =
        filter->before != NULL ? find_position(store, filter->tenant, filter->before, &before) : CLEAT_OK;
    if (status == CLEAT_OK) {
        status = cleat__store_prepare(store, filter->run_id != NULL ? of_run : all, &stmt);
    }
    if (status != CLEAT_OK) {
        return status;
    }
    bind_filter(stmt, filter, &before);
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        read_trace(stmt, &row);
        if (!visit(argument, &row)) {
            break;
        }
    }
    return cleat__store_rows_end(store, stmt, code, reading);
}

/* The prefix filled up with `digit`. */
static bool bound(cleat_slice prefix, char digit, cleat_trace_id *out)
{
    char hex[32];
    if (prefix.size < PREFIX_MIN || prefix.size > sizeof(hex)) {
        return false;
    }
    memset(hex, digit, sizeof(hex));
    memcpy(hex, prefix.data, prefix.size);
    cleat_slice text = {hex, sizeof(hex)};
    return cleat__hex_decode(text, out->bytes, sizeof(out->bytes));
}

cleat_status cleat__trace_find(cleat__store *store, int64_t tenant, cleat_slice prefix, cleat_trace_id *out)
{
    /* The plus keeps it off the index that has the tenant first, and all its traces. */
    static const char sql[] = "SELECT trace_id FROM trace WHERE trace_id BETWEEN ?1 AND ?2"
                              " AND +tenant = ?3 LIMIT 2";
    sqlite3_stmt *stmt = NULL;
    cleat_trace_id first, last;
    int found = 0;
    int code;
    if (!bound(prefix, '0', &first) || !bound(prefix, 'f', &last)) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "\"%.*s\" is no trace id: 8 to 32 digits 0-9 a-f",
                           CLEAT_SLICE_ARGS(prefix));
    }
    cleat_status status = cleat__store_prepare(store, sql, &stmt);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_trace_id(stmt, 1, &first);
    cleat__bind_trace_id(stmt, 2, &last);
    sqlite3_bind_int64(stmt, 3, tenant);
    for (; (code = sqlite3_step(stmt)) == SQLITE_ROW; found++) {
        cleat__column_id(stmt, 0, out->bytes, sizeof(out->bytes));
    }
    status = cleat__store_rows_end(store, stmt, code, reading);
    if (status == CLEAT_OK && found == 0) {
        return cleat__fail(CLEAT_NOT_FOUND, "no trace begins with %.*s", CLEAT_SLICE_ARGS(prefix));
    }
    if (status == CLEAT_OK && found > 1) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "several traces begin with %.*s: give more of the id",
                           CLEAT_SLICE_ARGS(prefix));
    }
    return status;
}
