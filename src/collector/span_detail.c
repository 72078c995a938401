#include "collector/span_detail.h"

#include "base/error.h"
#include "collector/row.h"

static const char reading[] = "reading a span";

void cleat__span_detail_deinit(cleat__span_detail *detail)
{
    cleat__source_list_deinit(&detail->sources);
    cleat__arena_deinit(&detail->memory);
    *detail = (cleat__span_detail){.link_count = 0};
}

static bool keep(cleat__span_detail *self, cleat_slice *slice)
{
    return cleat__arena_keep(&self->memory, *slice, slice);
}

/* Columns of a span that is linked with this one. */
static cleat_status keep_names(cleat__span_detail *self, sqlite3_stmt *select, int name_column,
                               int record_column, cleat_slice *name, cleat_slice *task)
{
    char text[CLEAT__SPAN_TASK_SIZE];
    *name = cleat__column_text(select, name_column);
    *task = cleat__span_task_of_row(*name, cleat__column_bytes(select, record_column), text);
    return keep(self, name) && keep(self, task) ? CLEAT_OK : cleat__fail_memory();
}

/* ---- The span ---- */

static cleat_status fail_not_found(const cleat__span_detail_filter *filter)
{
    char trace[33], span[17];
    cleat__hex_encode(filter->trace_id.bytes, sizeof(filter->trace_id.bytes), trace);
    cleat__hex_encode(filter->span_id.bytes, sizeof(filter->span_id.bytes), span);
    return cleat__fail(CLEAT_NOT_FOUND, "the trace %s has no span %s", trace, span);
}

static cleat_status set_source(cleat__span_detail *self, cleat__store *store, int64_t id)
{
    const cleat__source *source = NULL;
    cleat_status status = cleat__source_list_get(&self->sources, store, id, &source);
    if (status == CLEAT_OK) {
        self->stored.span.resource = source->resource;
        self->stored.span.scope = source->scope;
        self->stored.service_name = source->service_name;
        self->stored.scope_name = source->scope != NULL ? source->scope->name : (cleat_slice){NULL, 0};
    }
    return status;
}

static cleat_status read_span(cleat__span_detail *self, cleat__store *store, sqlite3_stmt *select)
{
    cleat_slice record = cleat__column_bytes(select, 0);
    if (!keep(self, &record)) {
        return cleat__fail_memory();
    }
    if (cleat_span_view_read(record, &self->stored.span) != CLEAT_OK) {
        return cleat__fail(CLEAT_CORRUPT, "what is stored of the span cannot be read");
    }
    self->stored.has_run = cleat__column_uuid(select, 1, &self->stored.run_id);
    self->has_task_run = cleat__column_uuid(select, 2, &self->task_run_id);
    return set_source(self, store, sqlite3_column_int64(select, 3));
}

static cleat_status load_span(cleat__span_detail *self, cleat__store *store,
                              const cleat__span_detail_filter *filter)
{
    static const char sql[] = "SELECT s.record, s.run_id, s.task_id, s.source FROM trace t JOIN span s ON "
                              "s.trace = t.id WHERE t.trace_id = ?1 AND t.tenant = ?2 AND s.span_id = ?3";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_trace_id(select, 1, &filter->trace_id);
    sqlite3_bind_int64(select, 2, filter->tenant);
    cleat__bind_span_id(select, 3, &filter->span_id);
    int code = sqlite3_step(select);
    if (code == SQLITE_ROW) {
        status = read_span(self, store, select);
    }
    cleat_status end = cleat__store_rows_end(store, select, code, reading);
    if (status == CLEAT_OK && end == CLEAT_OK && code == SQLITE_DONE) {
        return fail_not_found(filter);
    }
    return status == CLEAT_OK ? end : status;
}

/* ---- What it links to ---- */

static cleat_status load_name(cleat__span_detail *self, cleat__store *store, int64_t tenant,
                              cleat__detail_link *link)
{
    static const char sql[] = "SELECT s.name, s.record FROM trace t JOIN span s ON s.trace = t.id "
                              "WHERE t.trace_id = ?1 AND t.tenant = ?2 AND s.span_id = ?3";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_trace_id(select, 1, &link->link.context.trace_id);
    sqlite3_bind_int64(select, 2, tenant);
    cleat__bind_span_id(select, 3, &link->link.context.span_id);
    int code = sqlite3_step(select);
    if (code == SQLITE_ROW) {
        status = keep_names(self, select, 0, 1, &link->name, &link->task);
    }
    cleat_status end = cleat__store_rows_end(store, select, code, reading);
    return status == CLEAT_OK ? end : status;
}

static cleat_status load_links(cleat__span_detail *self, cleat__store *store, int64_t tenant)
{
    cleat_status status = CLEAT_OK;
    size_t cursor = 0, most = self->stored.span.link_count;
    most = most < CLEAT__SPAN_LINKS_MAX ? most : CLEAT__SPAN_LINKS_MAX;
    self->links = most != 0 ? cleat__arena_take(&self->memory, most * sizeof(*self->links)) : NULL;
    if (most != 0 && self->links == NULL) {
        return cleat__fail_memory();
    }
    while (status == CLEAT_OK && (size_t)self->link_count < most) {
        cleat__detail_link *link = &self->links[self->link_count];
        if (!cleat_span_view_next_link(&self->stored.span, &cursor, &link->link)) {
            break;
        }
        self->link_count++;
        link->kind = cleat__link_kind(&link->link);
        status = load_name(self, store, tenant, link);
    }
    return status;
}

/* ---- What links to it ---- */

static cleat_status bind_target(cleat__store *store, const char *sql, const cleat__span_detail_filter *filter,
                                sqlite3_stmt **out)
{
    cleat_status status = cleat__store_prepare(store, sql, out);
    if (status == CLEAT_OK) {
        cleat__bind_trace_id(*out, 1, &filter->trace_id);
        cleat__bind_span_id(*out, 2, &filter->span_id);
        sqlite3_bind_int64(*out, 3, filter->tenant);
    }
    return status;
}

static cleat_status count_back_links(cleat__span_detail *self, cleat__store *store,
                                     const cleat__span_detail_filter *filter)
{
    static const char sql[] =
        "SELECT count(*) FROM (SELECT 1 FROM span_link l JOIN trace f ON f.id = l.from_trace "
        "WHERE l.to_trace_id = ?1 AND l.to_span_id = ?2 AND f.tenant = ?3 LIMIT ?4)";
    sqlite3_stmt *select = NULL;
    cleat_status status = bind_target(store, sql, filter, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(select, 4, CLEAT__BACK_LINKS_COUNTED + 1);
    int code = sqlite3_step(select);
    int64_t count = code == SQLITE_ROW ? sqlite3_column_int64(select, 0) : 0;
    self->is_total_complete = count <= CLEAT__BACK_LINKS_COUNTED;
    self->back_link_total = self->is_total_complete ? count : CLEAT__BACK_LINKS_COUNTED;
    return cleat__store_rows_end(store, select, code, reading);
}

static cleat_status read_back_link(cleat__span_detail *self, const cleat__span_detail_filter *filter,
                                   sqlite3_stmt *select)
{
    cleat__link_row *link = &self->back_links[self->back_link_count++];
    self->next = sqlite3_column_int64(select, 0);
    cleat__column_id(select, 1, link->from_trace_id.bytes, sizeof(link->from_trace_id.bytes));
    cleat__column_id(select, 2, link->from_span_id.bytes, sizeof(link->from_span_id.bytes));
    link->kind = cleat__column_text(select, 4);
    link->to_trace_id = filter->trace_id;
    link->to_span_id = filter->span_id;
    link->to_name = self->stored.span.name;
    link->to_task = (cleat_slice){NULL, 0}; /* of the span itself, whose record tells it */
    return keep(self, &link->kind) ? keep_names(self, select, 3, 5, &link->from_name, &link->from_task)
                                   : cleat__fail_memory();
}

static cleat_status load_back_links(cleat__span_detail *self, cleat__store *store,
                                    const cleat__span_detail_filter *filter, int64_t limit)
{
    /* In the order of the index, so that a page costs what it has. */
    static const char sql[] =
        "SELECT l.id, f.trace_id, l.from_span_id, a.name, l.kind, a.record FROM span_link l JOIN trace f ON "
        "f.id = l.from_trace LEFT JOIN span a ON a.trace = l.from_trace AND a.span_id = l.from_span_id "
        "WHERE l.to_trace_id = ?1 AND l.to_span_id = ?2 AND f.tenant = ?3 AND l.id < ?4 ORDER BY l.id DESC";
    sqlite3_stmt *select = NULL;
    int code = SQLITE_DONE;
    self->back_links = cleat__arena_take(&self->memory, (size_t)limit * sizeof(*self->back_links));
    if (self->back_links == NULL) {
        return cleat__fail_memory();
    }
    cleat_status status = bind_target(store, sql, filter, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(select, 4, filter->back_before > 0 ? filter->back_before : INT64_MAX);
    while (status == CLEAT_OK && (code = sqlite3_step(select)) == SQLITE_ROW) {
        if (self->back_link_count == limit) {
            self->has_next = true;
            break;
        }
        status = read_back_link(self, filter, select);
    }
    cleat_status end = cleat__store_rows_end(store, select, code, reading);
    return status == CLEAT_OK ? end : status;
}

/* ---- All ---- */

cleat_status cleat__span_detail_load(cleat__store *store, const cleat__span_detail_filter *filter,
                                     cleat__span_detail *out)
{
    int64_t limit = filter->back_limit == 0                      ? CLEAT__BACK_LINKS_LIMIT
                    : filter->back_limit > CLEAT__BACK_LINKS_MAX ? CLEAT__BACK_LINKS_MAX
                                                                 : filter->back_limit;
    *out = (cleat__span_detail){.is_total_complete = true};
    cleat_status status = load_span(out, store, filter);
    if (status == CLEAT_OK) {
        status = load_links(out, store, filter->tenant);
    }
    if (status == CLEAT_OK && limit > 0) {
        status = count_back_links(out, store, filter);
    }
    if (status == CLEAT_OK && limit > 0) {
        status = load_back_links(out, store, filter, limit);
    }
    return status;
}
