/* A span on its way in: its row, its links and its part in its trace's row. */
#include "collector/collector.h"

#include "base/clock.h"
#include "base/error.h"
#include "collector/intake.h"
#include "collector/known_trace.h"
#include "collector/row.h"
#include "collector/source.h"
#include "otlp/request.h"

/* What a span takes besides its record: columns, three index entries, its share of the trace's
 * row. Measured on files of 100,000 spans and more: 155 bytes in large traces, 200 in those of ten,
 * 320 in those of one. */
#define SPAN_OVERHEAD 200
#define LINK_OVERHEAD 150

static const char storing[] = "storing a span";

/* A span with what is searched of it. */
typedef struct span_row {
    const cleat_span_view *view;
    cleat__known_source *source;
    cleat_slice service_name;
    cleat_slice task; /* in task_text; absent: none */
    char task_text[CLEAT__SPAN_TASK_SIZE];
    bool has_run, has_task_id, has_retry_count;
    int32_t invocation; /* 0: none is told */
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
    if (cleat_span_view_attribute(view, "workflow.invocation", &value) && value.type == CLEAT_VALUE_INT &&
        value.as.integer > 0 && value.as.integer <= INT32_MAX) {
        row->invocation = (int32_t)value.as.integer;
    }
    row->size = (int64_t)view->record.size + SPAN_OVERHEAD + LINK_OVERHEAD * view->link_count;
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
        cleat__bind_text(stmt, 5, cleat__link_kind(&link));
        status = cleat__step_done(store, stmt, storing);
    }
    return status;
}

static cleat_status store_row(cleat__store *store, cleat__intake *intake, const span_row *row,
                              cleat__known_trace *trace, bool *is_new)
{
    cleat_status status = insert_span(store, row, trace->number, is_new);
    if (status != CLEAT_OK || !*is_new) {
        return status;
    }
    status = cleat__known_trace_add(trace, row->view, row->task, row->service_name, row->size);
    if (status == CLEAT_OK) {
        status = insert_links(store, row->view, trace->number);
    }
    cleat__intake_count(intake, row->source, row->size);
    return status;
}

/* `*is_new` false: it was there already. */
static cleat_status insert_one(cleat__store *store, cleat__intake *intake, int64_t tenant, span_row *row,
                               const cleat_span_view *span, bool *is_new)
{
    cleat__known_trace *trace = NULL;
    *is_new = false;
    read_span(span, row);
    cleat_status status = cleat__intake_source(intake, store, span, &row->source);
    if (status == CLEAT_OK) {
        status = cleat__trace_set_get(cleat__intake_traces(intake), store, tenant, &span->trace_id, &trace);
    }
    return status == CLEAT_OK ? store_row(store, intake, row, trace, is_new) : status;
}

/* ---- What the engine knows of an execution ---- */

static bool is_execution(const span_row *row)
{
    return row->has_run && row->has_task_id && cleat__span_is_execution(row->view) && row->retry_count >= 0 &&
           row->retry_count <= INT32_MAX;
}

typedef struct making {
    cleat__engine_spans *spans;
    cleat__execution execution;
} making;

/* The clock of the worker may be another one: of all points of the span that is farthest from other invocations. */
static int64_t middle_ms(const cleat_span_view *span)
{
    int64_t length_ns = span->end_time_ns > span->start_time_ns ? span->end_time_ns - span->start_time_ns : 0;
    return (span->start_time_ns + length_ns / 2) / CLEAT__NS_PER_MS;
}

static cleat_status make_spans(void *argument, const cleat__attempt_wait *wait)
{
    making *it = argument;
    return cleat__engine_spans_make(it->spans, &it->execution, wait);
}

/* Requests one behind the other are one. */
static cleat_status copy_added(const cleat_span_batch *batch, cleat__buffer *out)
{
    cleat__otlp_request request = {0};
    size_t cursor = 0;
    cleat_status status = cleat__otlp_request_build(&request, batch, &cursor, SIZE_MAX);
    for (size_t i = 0; status == CLEAT_OK && i < request.piece_count; i++) {
        cleat__buffer_append_slice(out, request.pieces[i]);
    }
    cleat__otlp_request_deinit(&request);
    return out->failed ? cleat__fail_memory() : status;
}

static cleat_status insert_engine_spans(cleat__store *store, cleat__intake *intake, int64_t tenant,
                                        const span_row *row)
{
    making it = {
        .spans = cleat__intake_engine_spans(intake),
        .execution = {row->view, row->run_id, row->task_id, (int32_t)row->retry_count},
    };
    const cleat__invocation_key key = {row->task_id, (int32_t)row->retry_count, row->invocation,
                                       middle_ms(row->view)};
    cleat_status status = cleat__attempt_wait_load(store, tenant, &key, make_spans, &it);
    cleat_span_view span;
    size_t cursor = 0;
    if (status != CLEAT_OK) {
        return status == CLEAT_NOT_FOUND ? CLEAT_OK : status; /* a run of another engine */
    }
    while (status == CLEAT_OK && cleat_span_batch_next(&it.spans->batch, &cursor, &span)) {
        span_row made;
        bool is_new = false;
        status = insert_one(store, intake, tenant, &made, &span, &is_new);
    }
    cleat__buffer *added = cleat__intake_added(intake);
    return status == CLEAT_OK && added != NULL ? copy_added(&it.spans->batch, added) : status;
}

/* ---- All ---- */

cleat_status cleat__span_insert(cleat__store *store, cleat__intake *intake, int64_t tenant,
                                const cleat_span_view *span, bool *is_new)
{
    span_row row;
    if (!cleat_trace_id_is_valid(&span->trace_id) || !cleat_span_id_is_valid(&span->span_id)) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "a span without a trace id or span id");
    }
    cleat_status status = insert_one(store, intake, tenant, &row, span, is_new);
    return status == CLEAT_OK && *is_new && is_execution(&row)
               ? insert_engine_spans(store, intake, tenant, &row)
               : status;
}
