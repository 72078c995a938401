/*
 * A span on its way in: its row, its links and its trace's row.
 *
 * The trace's row is read, merged here and written back, rather than computed by one upsert: the
 * statement that changes start_ns also moves an index entry, so it is used only when needed.
 */
#include "collector/collector.h"

#include "base/error.h"
#include "collector/intake.h"
#include "collector/row.h"
#include "collector/source.h"

/* What a span takes besides its record: columns, three index entries, its share of the trace's
 * row. Measured on files of 100,000 spans and more: 155 bytes in large traces, 200 in those of ten,
 * 320 in those of one. */
#define SPAN_OVERHEAD 200
#define LINK_OVERHEAD 150

static const char storing[] = "storing a span";

typedef struct trace_record {
    int64_t number; /* trace.id; 0: not stored yet */
    cleat_slice root_name, root_task, root_service;
    int64_t root_start_ns;
    bool has_root;
    int64_t start_ns, end_ns;
    int64_t span_count, error_count, bytes;
} trace_record;

/* A span with what is searched of it. */
typedef struct span_row {
    const cleat_span_view *view;
    cleat__known_source *source;
    cleat_slice service_name;
    cleat_slice task; /* in task_text; absent: none */
    char task_text[CLEAT__SPAN_TASK_SIZE];
    bool has_run, has_task_id, has_retry_count;
    cleat__uuid run_id, task_id;
    int64_t retry_count;
    int64_t size;
} span_row;

static bool uuid_attribute(const cleat_span_view *span, const char *key, cleat__uuid *out)
{
    cleat_slice text = cleat__span_string(span, key);
    return text.size == 36 && cleat__uuid_parse(text, out) == CLEAT_OK;
}

static void read_span(const cleat_span_view *view, span_row *row)
{
    cleat_value value;
    memset(row, 0, sizeof(*row));
    row->view = view;
    row->service_name = cleat__source_service_name(view->resource);
    row->task = cleat__span_task(view, row->task_text);
    row->has_run = uuid_attribute(view, "hatchet.workflow_run_id", &row->run_id);
    row->has_task_id = uuid_attribute(view, "hatchet.step_run_id", &row->task_id);
    if (cleat_span_view_attribute(view, "hatchet.retry_count", &value) && value.type == CLEAT_VALUE_INT) {
        row->has_retry_count = true;
        row->retry_count = value.as.integer;
    }
    row->size = (int64_t)view->record.size + SPAN_OVERHEAD + LINK_OVERHEAD * view->link_count;
}

/* ---- The trace's row ---- */

/* `*trace` is zero but for the span's own times and names when there is no row yet. Its slices are
 * those of `row` or of `*stmt`, which the caller resets when it is done with them. */
static cleat_status load_trace(cleat__store *store, const span_row *row, trace_record *trace,
                               sqlite3_stmt **stmt)
{
    static const char sql[] = "SELECT id, root_name, root_task, root_service, root_start_ns,"
                              " has_root, start_ns, end_ns, span_count, error_count, bytes"
                              " FROM trace WHERE trace_id = ?1";
    cleat_status status = cleat__store_prepare(store, sql, stmt);
    if (status != CLEAT_OK) {
        return status;
    }
    memset(trace, 0, sizeof(*trace));
    cleat__bind_trace_id(*stmt, 1, &row->view->trace_id);
    int code = sqlite3_step(*stmt);
    if (code == SQLITE_DONE) {
        return CLEAT_OK;
    }
    if (code != SQLITE_ROW) {
        return cleat__store_error(store, storing);
    }
    trace->number = sqlite3_column_int64(*stmt, 0);
    trace->root_name = cleat__column_text(*stmt, 1);
    trace->root_task = cleat__column_text(*stmt, 2);
    trace->root_service = cleat__column_text(*stmt, 3);
    trace->root_start_ns = sqlite3_column_int64(*stmt, 4);
    trace->has_root = sqlite3_column_int(*stmt, 5) != 0;
    trace->start_ns = sqlite3_column_int64(*stmt, 6);
    trace->end_ns = sqlite3_column_int64(*stmt, 7);
    trace->span_count = sqlite3_column_int64(*stmt, 8);
    trace->error_count = sqlite3_column_int64(*stmt, 9);
    trace->bytes = sqlite3_column_int64(*stmt, 10);
    return CLEAT_OK;
}

/* Adds the span; answers whether the columns beyond end and sums changed. */
static bool merge_span(trace_record *trace, const span_row *row)
{
    const cleat_span_view *span = row->view;
    bool is_root = !cleat_span_id_is_valid(&span->parent_span_id);
    bool first = trace->number == 0;
    bool names = first || (is_root && !trace->has_root) ||
                 (is_root == trace->has_root && span->start_time_ns < trace->root_start_ns);
    bool changed = names;

    if (names) {
        trace->root_name = span->name;
        trace->root_task = row->task;
        trace->root_service = row->service_name;
        trace->root_start_ns = span->start_time_ns;
        trace->has_root = is_root;
    }
    if (first || span->start_time_ns < trace->start_ns) {
        trace->start_ns = span->start_time_ns;
        changed = true;
    }
    if (first || span->end_time_ns > trace->end_ns) {
        trace->end_ns = span->end_time_ns;
    }
    trace->span_count++;
    trace->error_count += span->status == CLEAT_SPAN_STATUS_ERROR;
    trace->bytes += row->size;
    return changed;
}

static void bind_trace(sqlite3_stmt *stmt, const trace_record *trace)
{
    sqlite3_bind_int64(stmt, 1, trace->number);
    sqlite3_bind_int64(stmt, 2, trace->end_ns);
    sqlite3_bind_int64(stmt, 3, trace->span_count);
    sqlite3_bind_int64(stmt, 4, trace->error_count);
    sqlite3_bind_int64(stmt, 5, trace->bytes);
}

static void bind_trace_root(sqlite3_stmt *stmt, const trace_record *trace)
{
    sqlite3_bind_int64(stmt, 6, trace->start_ns);
    if (trace->root_name.data == NULL) {
        sqlite3_bind_text(stmt, 7, "", 0, SQLITE_STATIC);
    } else {
        cleat__bind_text(stmt, 7, trace->root_name);
    }
    cleat__bind_text(stmt, 8, trace->root_task);
    cleat__bind_text(stmt, 9, trace->root_service);
    sqlite3_bind_int64(stmt, 10, trace->root_start_ns);
    sqlite3_bind_int(stmt, 11, trace->has_root);
}

static cleat_status update_trace(cleat__store *store, const trace_record *trace, bool root_changed)
{
    static const char sums[] = "UPDATE trace SET end_ns = ?2, span_count = ?3, error_count = ?4,"
                               " bytes = ?5 WHERE id = ?1";
    static const char all[] = "UPDATE trace SET end_ns = ?2, span_count = ?3, error_count = ?4,"
                              " bytes = ?5, start_ns = ?6, root_name = ?7, root_task = ?8,"
                              " root_service = ?9, root_start_ns = ?10, has_root = ?11"
                              " WHERE id = ?1";
    sqlite3_stmt *stmt = NULL;
    cleat_status status = cleat__store_prepare(store, root_changed ? all : sums, &stmt);
    if (status != CLEAT_OK) {
        return status;
    }
    bind_trace(stmt, trace);
    if (root_changed) {
        bind_trace_root(stmt, trace);
    }
    return cleat__step_done(store, stmt, storing);
}

static cleat_status insert_trace(cleat__store *store, const cleat_trace_id *id, trace_record *trace)
{
    static const char sql[] =
        "INSERT INTO trace (id, end_ns, span_count, error_count, bytes, start_ns, root_name,"
        " root_task, root_service, root_start_ns, has_root, trace_id)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
    sqlite3_stmt *stmt = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &stmt);
    if (status != CLEAT_OK) {
        return status;
    }
    bind_trace(stmt, trace);
    sqlite3_bind_null(stmt, 1); /* the next number */
    bind_trace_root(stmt, trace);
    cleat__bind_trace_id(stmt, 12, id);
    status = cleat__step_done(store, stmt, storing);
    trace->number = sqlite3_last_insert_rowid(cleat__store_db(store));
    return status;
}

/* ---- The span's row and its links ---- */

static void bind_span(sqlite3_stmt *stmt, const span_row *row, int64_t trace)
{
    const cleat_span_view *span = row->view;
    cleat_slice name = span->name.data != NULL ? span->name : cleat_slice_of("");
    sqlite3_bind_int64(stmt, 1, trace);
    cleat__bind_span_id(stmt, 2, &span->span_id);
    if (cleat_span_id_is_valid(&span->parent_span_id)) {
        cleat__bind_span_id(stmt, 3, &span->parent_span_id);
    } else {
        sqlite3_bind_null(stmt, 3);
    }
    cleat__bind_text(stmt, 4, name);
    sqlite3_bind_int64(stmt, 5, row->source->id);
    sqlite3_bind_int(stmt, 6, (int)span->kind);
    sqlite3_bind_int(stmt, 7, (int)span->status);
    sqlite3_bind_int64(stmt, 8, span->start_time_ns);
    sqlite3_bind_int64(stmt, 9, span->end_time_ns);
    cleat__bind_bytes(stmt, 10, row->has_run ? row->run_id.bytes : NULL, 16);
    cleat__bind_bytes(stmt, 11, row->has_task_id ? row->task_id.bytes : NULL, 16);
    if (row->has_retry_count) {
        sqlite3_bind_int64(stmt, 12, row->retry_count);
    } else {
        sqlite3_bind_null(stmt, 12);
    }
    sqlite3_bind_int64(stmt, 13, row->size);
    cleat__bind_bytes(stmt, 14, span->record.data, span->record.size);
}

/* `*stored` false: the span was there already. */
static cleat_status insert_span(cleat__store *store, const span_row *row, int64_t trace, bool *stored)
{
    static const char sql[] =
        "INSERT OR IGNORE INTO span (trace, span_id, parent_span_id, name, source, kind, status,"
        " start_ns, end_ns, run_id, task_id, retry_count, size, record)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";
    sqlite3_stmt *stmt = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &stmt);
    if (status != CLEAT_OK) {
        return status;
    }
    bind_span(stmt, row, trace);
    status = cleat__step_done(store, stmt, storing);
    *stored = status == CLEAT_OK && sqlite3_changes(cleat__store_db(store)) == 1;
    return status;
}

static cleat_slice link_kind(const cleat_link_view *link)
{
    cleat_attribute attribute;
    cleat_slice absent = {NULL, 0};
    size_t cursor = 0;
    while (cleat_link_view_next_attribute(link, &cursor, &attribute)) {
        if (cleat_slice_equals(attribute.key, cleat_slice_of("cleat.link.kind")) &&
            attribute.value.type == CLEAT_VALUE_STRING) {
            return attribute.value.as.string;
        }
    }
    return absent;
}

static cleat_status insert_links(cleat__store *store, const cleat_span_view *span, int64_t trace)
{
    static const char sql[] = "INSERT INTO span_link (from_trace, from_span_id, to_trace_id,"
                              " to_span_id, kind) VALUES (?1, ?2, ?3, ?4, ?5)";
    cleat_link_view link;
    sqlite3_stmt *stmt = NULL;
    cleat_status status = CLEAT_OK;
    size_t cursor = 0;
    while (status == CLEAT_OK && cleat_span_view_next_link(span, &cursor, &link)) {
        if (!cleat_span_context_is_valid(&link.context)) {
            continue; /* kept in the record for its attributes; it leads nowhere */
        }
        status = cleat__store_prepare(store, sql, &stmt);
        if (status != CLEAT_OK) {
            return status;
        }
        sqlite3_bind_int64(stmt, 1, trace);
        cleat__bind_span_id(stmt, 2, &span->span_id);
        cleat__bind_trace_id(stmt, 3, &link.context.trace_id);
        cleat__bind_span_id(stmt, 4, &link.context.span_id);
        cleat__bind_text(stmt, 5, link_kind(&link));
        status = cleat__step_done(store, stmt, storing);
    }
    return status;
}

/* `trace` as loaded, before this span. */
static cleat_status store_row(cleat__store *store, cleat__intake *intake, const span_row *row,
                              trace_record *trace)
{
    bool is_new = trace->number == 0;
    bool stored = false;
    bool root_changed = merge_span(trace, row);
    cleat_status status = is_new ? insert_trace(store, &row->view->trace_id, trace) : CLEAT_OK;
    if (status == CLEAT_OK) {
        status = insert_span(store, row, trace->number, &stored);
    }
    if (status != CLEAT_OK || !stored) {
        return status;
    }
    if (!is_new) {
        status = update_trace(store, trace, root_changed);
    }
    if (status == CLEAT_OK) {
        status = insert_links(store, row->view, trace->number);
    }
    cleat__intake_count(intake, row->source, row->size);
    return status;
}

cleat_status cleat__span_insert(cleat__store *store, cleat__intake *intake, const cleat_span_view *span)
{
    span_row row;
    trace_record trace;
    sqlite3_stmt *loaded = NULL;
    if (!cleat_trace_id_is_valid(&span->trace_id) || !cleat_span_id_is_valid(&span->span_id)) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "a span without a trace id or span id");
    }
    read_span(span, &row);
    cleat_status status = cleat__intake_source(intake, store, span, &row.source);
    if (status == CLEAT_OK) {
        status = load_trace(store, &row, &trace, &loaded);
    }
    if (status == CLEAT_OK) {
        status = store_row(store, intake, &row, &trace);
    }
    if (loaded != NULL) {
        sqlite3_reset(loaded);
    }
    return status;
}
