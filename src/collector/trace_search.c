/*
 * Traces are gone through newest first, by index; or those in the time are read without their spans, sorted by duration,
 * and gone through then. Of each that may do, spans are looked at until one is what is asked for; where the work
 * ends in between, the next search begins behind the last of them.
 */
#include "collector/trace_search.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "collector/row.h"
#include "collector/span_match.h"

#include <stdlib.h>

static const char reading[] = "searching traces";

enum { BYTES_PER_ROW = 4096 }; /* of records: so many take as long as a row, about */

/* A trace that is looked at. */
typedef struct candidate {
    int64_t order, number, start_ns;
} candidate;

typedef struct search {
    cleat__store *store;
    const cleat__trace_search_filter *filter;
    cleat__span_match match;
    bool (*visit)(void *argument, const cleat__trace_row *row);
    void *argument;
    cleat__trace_search_end *end;
    int64_t work, left; /* rows, and traces */
    bool is_over;       /* nothing more is wanted, or the work is done */
    candidate last;     /* that was looked at */
} search;

/* ---- What a trace's row tells ---- */

static bool passes(const cleat__trace_search_filter *filter, int64_t duration_ns, int64_t error_count)
{
    if (filter->status != CLEAT__TRACE_ANY && (filter->status == CLEAT__TRACE_ERROR) != (error_count > 0)) {
        return false;
    }
    return duration_ns >= filter->min_duration_ns &&
           (filter->max_duration_ns <= 0 || duration_ns <= filter->max_duration_ns);
}

static int64_t since_of(const cleat__trace_search_filter *filter)
{
    return filter->since_ns > 0 ? filter->since_ns : INT64_MIN;
}

static int64_t until_of(const cleat__trace_search_filter *filter)
{
    return filter->until_ns > 0 ? filter->until_ns : INT64_MAX;
}

/* ---- Its spans ---- */

/* Stops there: what comes behind is for another search. */
static void stop(search *self, const cleat_span_id *span_id)
{
    self->is_over = true;
    self->end->has_next = true;
    self->end->next = (cleat__trace_cursor){self->last.order, self->last.number, span_id != NULL, {{0}}};
    if (span_id != NULL) {
        self->end->next.span_id = *span_id;
    }
}

static cleat_status match_spans(search *self, sqlite3_stmt *select, bool *matches)
{
    cleat_status status = CLEAT_OK;
    cleat_span_id id = {{0}};
    int code = SQLITE_DONE;
    while (status == CLEAT_OK && !*matches && (code = sqlite3_step(select)) == SQLITE_ROW) {
        if (self->work <= 0) {
            stop(self, &id);
            break;
        }
        const cleat__span_row row = {sqlite3_column_int64(select, 1), cleat__column_text(select, 2),
                                     cleat__column_bytes(select, 3)};
        cleat__column_id(select, 0, id.bytes, sizeof(id.bytes));
        self->work -= 1 + (int64_t)(row.record.size / BYTES_PER_ROW);
        self->end->searched_spans++;
        status = cleat__span_match_row(&self->match, &row, matches);
    }
    cleat_status end = cleat__store_rows_end(self->store, select, code, reading);
    return status == CLEAT_OK ? end : status;
}

/* Those behind `after`; NULL: all. */
static cleat_status look_at_spans(search *self, int64_t number, const cleat_span_id *after, bool *matches)
{
    static const char sql[] =
        "SELECT span_id, source, name, record FROM span WHERE trace = ?1 AND span_id > ?2 "
        "ORDER BY span_id";
    sqlite3_stmt *select = NULL;
    *matches = !cleat__span_match_asks(&self->match);
    if (*matches) {
        return CLEAT_OK;
    }
    if (self->work <= 0) { /* not even the first one: it is for another search whole */
        self->work = 1;
    }
    cleat_status status = cleat__store_prepare(self->store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(select, 1, number);
    cleat__bind_bytes(select, 2, after != NULL ? (const void *)after->bytes : "",
                      after != NULL ? sizeof(after->bytes) : 0);
    return match_spans(self, select, matches);
}

/* ---- Showing it ---- */

static void read_trace(sqlite3_stmt *select, cleat__trace_row *out)
{
    cleat__column_id(select, 0, out->trace_id.bytes, sizeof(out->trace_id.bytes));
    out->root_name = cleat__column_text(select, 1);
    out->task = cleat__column_text(select, 2);
    out->service_name = cleat__column_text(select, 3);
    out->start_time_ns = sqlite3_column_int64(select, 4);
    out->end_time_ns = sqlite3_column_int64(select, 5);
    out->span_count = sqlite3_column_int64(select, 6);
    out->error_count = sqlite3_column_int64(select, 7);
    out->links_out = sqlite3_column_int64(select, 8);
    out->links_in = sqlite3_column_int64(select, 9);
}

static cleat_status show(search *self, int64_t number)
{
    static const char sql[] =
        "SELECT t.trace_id, t.root_name, t.root_task, t.root_service, t.start_ns, t.end_ns, t.span_count, "
        "t.error_count, (SELECT count(*) FROM (SELECT 1 FROM span_link WHERE from_trace = t.id LIMIT ?2)), "
        "(SELECT count(*) FROM (SELECT 1 FROM span_link l JOIN trace f ON f.id = l.from_trace "
        "WHERE l.to_trace_id = t.trace_id AND f.tenant = t.tenant LIMIT ?2)) FROM trace t WHERE t.id = ?1";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(self->store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(select, 1, number);
    sqlite3_bind_int64(select, 2, CLEAT__TRACE_LINKS_COUNTED);
    int code = sqlite3_step(select);
    if (code == SQLITE_ROW) {
        cleat__trace_row row;
        read_trace(select, &row);
        bool goes_on = self->visit(self->argument, &row);
        if (--self->left <= 0 || !goes_on) {
            self->left = 0;
        }
    }
    return cleat__store_rows_end(self->store, select, code, reading);
}

/* Where the search goes on in the middle of this trace, that is told by the filter's cursor. */
static cleat_status look_at(search *self, const candidate *trace)
{
    const cleat__trace_cursor *before = self->filter->before;
    bool is_begun = before != NULL && before->has_span && before->number == trace->number;
    bool matches = false;
    self->last = *trace;
    cleat_status status = look_at_spans(self, trace->number, is_begun ? &before->span_id : NULL, &matches);
    return status == CLEAT_OK && matches ? show(self, trace->number) : status;
}

/* ---- Newest first ---- */

/* A trace that was looked at in part is looked at again. */
static cleat_status prepare_newest(search *self, sqlite3_stmt **out)
{
    static const char sql[] = "SELECT id, start_ns, end_ns, error_count FROM trace WHERE tenant = ?1 AND "
                              "(start_ns, id) < (?2, ?3) AND start_ns >= ?4 ORDER BY start_ns DESC, id DESC";
    const cleat__trace_cursor *before = self->filter->before;
    int64_t until_ns = until_of(self->filter);
    cleat_status status = cleat__store_prepare(self->store, sql, out);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(*out, 1, self->filter->tenant);
    if (before != NULL && before->order <= until_ns) {
        sqlite3_bind_int64(*out, 2, before->order);
        sqlite3_bind_int64(*out, 3, before->number + (before->has_span && before->number < INT64_MAX));
    } else {
        sqlite3_bind_int64(*out, 2, until_ns);
        sqlite3_bind_int64(*out, 3, INT64_MAX);
    }
    sqlite3_bind_int64(*out, 4, since_of(self->filter));
    return CLEAT_OK;
}

static cleat_status search_newest(search *self)
{
    sqlite3_stmt *select = NULL;
    cleat_status status = prepare_newest(self, &select);
    int code = SQLITE_DONE;
    while (status == CLEAT_OK && !self->is_over && (code = sqlite3_step(select)) == SQLITE_ROW) {
        const candidate trace = {sqlite3_column_int64(select, 1), sqlite3_column_int64(select, 0),
                                 sqlite3_column_int64(select, 1)};
        if (self->left <= 0 || self->work <= 0) {
            stop(self, NULL);
            break;
        }
        self->work--;
        self->last = trace;
        if (passes(self->filter, cleat__span_duration_ns(trace.start_ns, sqlite3_column_int64(select, 2)),
                   sqlite3_column_int64(select, 3))) {
            status = look_at(self, &trace);
        }
    }
    if (select != NULL) {
        cleat_status end = cleat__store_rows_end(self->store, select, code, reading);
        status = status == CLEAT_OK ? end : status;
    }
    if (self->end->has_next) {
        self->end->searched_to_ms = self->last.start_ns / CLEAT__NS_PER_MS;
    }
    return status;
}

/* ---- Longest first ---- */

typedef struct candidates {
    candidate *items;
    size_t count;
    bool is_complete; /* there are no older ones */
    int64_t oldest_ns;
} candidates;

static int compare(const void *a, const void *b)
{
    const candidate *x = a, *y = b;
    return x->order != y->order ? (x->order < y->order) - (x->order > y->order)
                                : (x->number < y->number) - (x->number > y->number);
}

/* Those that come behind the filter's cursor. */
static bool is_behind(const cleat__trace_cursor *before, const candidate *trace)
{
    if (before == NULL) {
        return true;
    }
    const candidate place = {before->order, before->number, 0};
    int order = compare(&place, trace);
    return order < 0 || (order == 0 && before->has_span);
}

static cleat_status read_candidates(search *self, candidates *out)
{
    static const char sql[] =
        "SELECT id, start_ns, end_ns, error_count FROM trace WHERE tenant = ?1 "
        "AND start_ns <= ?2 AND start_ns >= ?3 ORDER BY start_ns DESC, id DESC LIMIT ?4";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(self->store, sql, &select);
    int code = SQLITE_DONE;
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(select, 1, self->filter->tenant);
    sqlite3_bind_int64(select, 2, until_of(self->filter));
    sqlite3_bind_int64(select, 3, since_of(self->filter));
    sqlite3_bind_int64(select, 4, CLEAT__TRACE_SORT_MAX + 1);
    for (size_t rows = 0; (code = sqlite3_step(select)) == SQLITE_ROW; rows++) {
        int64_t start_ns = sqlite3_column_int64(select, 1);
        int64_t duration_ns = cleat__span_duration_ns(start_ns, sqlite3_column_int64(select, 2));
        const candidate trace = {duration_ns, sqlite3_column_int64(select, 0), start_ns};
        out->is_complete = rows < CLEAT__TRACE_SORT_MAX;
        if (!out->is_complete) {
            break;
        }
        out->oldest_ns = start_ns;
        if (passes(self->filter, duration_ns, sqlite3_column_int64(select, 3)) &&
            is_behind(self->filter->before, &trace)) {
            out->items[out->count++] = trace;
        }
    }
    return cleat__store_rows_end(self->store, select, code, reading);
}

static cleat_status look_at_all(search *self, const candidates *all)
{
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; i < all->count && status == CLEAT_OK && !self->is_over; i++) {
        if (i > 0 && (self->left <= 0 || self->work <= 0)) {
            stop(self, NULL);
            break;
        }
        self->work--;
        status = look_at(self, &all->items[i]);
    }
    if (!all->is_complete) {
        self->end->searched_to_ms = all->oldest_ns / CLEAT__NS_PER_MS;
    }
    return status;
}

static cleat_status search_longest(search *self)
{
    candidates all = {.is_complete = true};
    all.items = cleat__calloc(CLEAT__TRACE_SORT_MAX, sizeof(*all.items));
    cleat_status status = all.items != NULL ? read_candidates(self, &all) : cleat__fail_memory();
    if (status == CLEAT_OK) {
        qsort(all.items, all.count, sizeof(*all.items), compare);
        status = look_at_all(self, &all);
    }
    cleat__free(all.items);
    return status;
}

/* ---- All ---- */

cleat_status cleat__trace_search(cleat__store *store, const cleat__trace_search_filter *filter,
                                 bool (*visit)(void *argument, const cleat__trace_row *row), void *argument,
                                 cleat__trace_search_end *end)
{
    search self = {
        .store = store,
        .filter = filter,
        .visit = visit,
        .argument = argument,
        .end = end,
        .work = filter->work > 0 ? filter->work : CLEAT__TRACE_SEARCH_WORK,
        .left = filter->limit > 0 ? filter->limit : 1,
    };
    *end = (cleat__trace_search_end){.has_next = false};
    cleat_status status = cleat__span_match_init(&self.match, store, filter);
    if (status == CLEAT_OK) {
        status = filter->is_longest_first ? search_longest(&self) : search_newest(&self);
    }
    cleat__span_match_deinit(&self.match);
    return status;
}
