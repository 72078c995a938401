/*
 * Links of a forest: those of its spans, out of their records; how many lead to each, in one query per trace; and
 * the traces outside of it on either side.
 */
#include "collector/stitching.h"

#include "base/alloc.h"
#include "base/error.h"
#include "collector/row.h"

#include <stddef.h>
#include <stdlib.h>

static const char reading[] = "reading the links of a picture";

typedef struct linking {
    cleat__stitching *it;
    cleat__map spans;     /* by trace id and span id, to the span */
    cleat__map traces;    /* by id, to the trace */
    cleat_trace_id *to;   /* outside, once for each link */
    cleat_trace_id *from; /* the same, of links that lead here */
    int32_t to_count, to_capacity, from_count, from_capacity, link_capacity;
    int32_t rows; /* of links that lead here, looked at */
} linking;

/* ---- Who is who ---- */

static cleat_slice trace_key(const cleat_trace_id *id)
{
    return (cleat_slice){(const char *)id->bytes, sizeof(id->bytes)};
}

/* The ids of a view lie side by side. */
typedef struct span_key {
    cleat_trace_id trace_id;
    cleat_span_id span_id;
} span_key;
_Static_assert(sizeof(span_key) == 24, "a key without gaps");
_Static_assert(offsetof(cleat_span_view, span_id) - offsetof(cleat_span_view, trace_id) ==
                   offsetof(span_key, span_id),
               "a view holds a key");

static cleat_slice key_of_view(const cleat_span_view *view)
{
    return (cleat_slice){(const char *)view + offsetof(cleat_span_view, trace_id), sizeof(span_key)};
}

static cleat__stitched_span *find_span(const linking *all, const cleat_trace_id *trace_id,
                                       const cleat_span_id *span_id)
{
    const span_key key = {*trace_id, *span_id};
    return cleat__map_get(&all->spans, (cleat_slice){(const char *)&key, sizeof(key)});
}

static cleat_status map_all(linking *all)
{
    cleat__stitched *out = all->it->out;
    cleat_status status = CLEAT_OK;
    for (int32_t i = 0; status == CLEAT_OK && i < out->span_count; i++) {
        status = cleat__map_put(&all->spans, key_of_view(&out->spans[i].view), &out->spans[i]);
    }
    for (int32_t i = 0; status == CLEAT_OK && i < out->trace_count; i++) {
        status = cleat__map_put(&all->traces, trace_key(&out->traces[i].id), &out->traces[i]);
    }
    return status;
}

/* ---- Links of the spans ---- */

static cleat_status add_outside(cleat_trace_id **ids, int32_t *count, int32_t *capacity,
                                const cleat_trace_id *id)
{
    cleat_status status = cleat__stitch_grow((void **)ids, *count, capacity, sizeof(**ids));
    if (status == CLEAT_OK) {
        (*ids)[(*count)++] = *id;
    }
    return status;
}

static cleat_status add_link(linking *all, int32_t from, const cleat_link_view *view)
{
    cleat__stitched *out = all->it->out;
    const cleat_trace_id *trace_id = &view->context.trace_id;
    cleat_status status =
        cleat__stitch_grow((void **)&out->links, out->link_count, &all->link_capacity, sizeof(*out->links));
    if (status != CLEAT_OK) {
        return status;
    }
    const cleat__stitched_span *to = find_span(all, trace_id, &view->context.span_id);
    out->links[out->link_count++] = (cleat__stitched_link){
        .from = from,
        .to = to != NULL ? (int32_t)(to - out->spans) : CLEAT__STITCHED_NONE,
        .kind = cleat__link_kind(view),
        .to_trace_id = *trace_id,
        .to_span_id = view->context.span_id,
    };
    return cleat__map_get(&all->traces, trace_key(trace_id)) == NULL
               ? add_outside(&all->to, &all->to_count, &all->to_capacity, trace_id)
               : CLEAT_OK;
}

static cleat_status add_links(linking *all, int32_t index)
{
    cleat__stitched *out = all->it->out;
    cleat__stitched_span *span = &out->spans[index];
    cleat_link_view link;
    size_t cursor = 0;
    cleat_status status = CLEAT_OK;
    span->first_link = out->link_count;
    while (status == CLEAT_OK && cleat_span_view_next_link(&span->view, &cursor, &link)) {
        if (!cleat_span_context_is_valid(&link.context)) {
            continue; /* it leads nowhere */
        }
        if (out->link_count >= CLEAT__STITCHED_LINKS_MAX) {
            out->is_complete = false;
            break;
        }
        status = add_link(all, index, &link);
    }
    span->link_count = out->link_count - span->first_link;
    return status;
}

/* ---- Links to the spans ---- */

static cleat_status count_link(linking *all, const cleat__stitched_trace *trace, sqlite3_stmt *stmt)
{
    cleat_span_id span_id;
    cleat_trace_id from;
    cleat__column_id(stmt, 0, span_id.bytes, sizeof(span_id.bytes));
    cleat__column_id(stmt, 1, from.bytes, sizeof(from.bytes));
    cleat__stitched_span *span = find_span(all, &trace->id, &span_id);
    if (span != NULL) {
        span->back_links++;
    }
    /* Of a run's trace only what leads to what belongs to the run. */
    bool counts = span != NULL || !all->it->of_run;
    return counts && cleat__map_get(&all->traces, trace_key(&from)) == NULL
               ? add_outside(&all->from, &all->from_count, &all->from_capacity, &from)
               : CLEAT_OK;
}

static cleat_status count_links(linking *all, const cleat__stitched_trace *trace)
{
    /* Crossed, so that the link comes first. */
    static const char sql[] = "SELECT l.to_span_id, f.trace_id FROM span_link l"
                              " CROSS JOIN trace f ON f.id = l.from_trace"
                              " WHERE l.to_trace_id = ?1 AND f.tenant = ?2 LIMIT ?3";
    sqlite3_stmt *stmt = NULL;
    cleat__stitching *it = all->it;
    int32_t room = CLEAT__STITCHED_LINKS_MAX - all->rows;
    int32_t rows = 0;
    cleat_status status = cleat__store_prepare(it->store, sql, &stmt);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_trace_id(stmt, 1, &trace->id);
    sqlite3_bind_int64(stmt, 2, it->out->tenant);
    sqlite3_bind_int64(stmt, 3, room + 1);
    int code = SQLITE_DONE;
    while (status == CLEAT_OK && (code = sqlite3_step(stmt)) == SQLITE_ROW && rows < room) {
        status = count_link(all, trace, stmt);
        rows++;
    }
    it->out->is_complete &= status != CLEAT_OK || code != SQLITE_ROW;
    all->rows += rows;
    cleat_status end = cleat__store_rows_end(it->store, stmt, code, reading);
    return status != CLEAT_OK ? status : end;
}

/* ---- Traces outside ---- */

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(cleat_trace_id));
}

static int compare_outsides(const void *a, const void *b)
{
    const cleat__stitched_outside *x = a, *y = b;
    if (x->count != y->count) {
        return x->count > y->count ? -1 : 1;
    }
    return memcmp(&x->trace_id, &y->trace_id, sizeof(x->trace_id));
}

/* One for each trace; `ids` is sorted for it. */
static cleat_status sum_up(cleat_trace_id *ids, int32_t count, cleat__stitched_outside **list, int64_t *total)
{
    *total = 0;
    if (count == 0) {
        return CLEAT_OK;
    }
    *list = cleat__calloc((size_t)count, sizeof(**list));
    if (*list == NULL) {
        return cleat__fail_memory();
    }
    qsort(ids, (size_t)count, sizeof(*ids), compare_ids);
    for (int32_t i = 0; i < count; i++) {
        if (i == 0 || compare_ids(&ids[i], &ids[i - 1]) != 0) {
            (*list)[(*total)++].trace_id = ids[i];
        }
        (*list)[*total - 1].count++;
    }
    qsort(*list, (size_t)*total, sizeof(**list), compare_outsides);
    return CLEAT_OK;
}

static cleat_status name_outside(cleat__stitching *it, cleat__stitched_outside *trace)
{
    static const char sql[] = "SELECT root_name, root_task FROM trace WHERE trace_id = ?1 AND tenant = ?2";
    sqlite3_stmt *stmt = NULL;
    cleat_status status = cleat__store_prepare(it->store, sql, &stmt);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_trace_id(stmt, 1, &trace->trace_id);
    sqlite3_bind_int64(stmt, 2, it->out->tenant);
    int code = sqlite3_step(stmt);
    if (code == SQLITE_ROW) {
        status = cleat__stitch_keep_name(it, cleat__column_text(stmt, 0), &trace->name);
    }
    if (status == CLEAT_OK && code == SQLITE_ROW) {
        status = cleat__stitch_keep_name(it, cleat__column_text(stmt, 1), &trace->task);
    }
    cleat_status end = cleat__store_rows_end(it->store, stmt, code, reading);
    return status != CLEAT_OK ? status : end;
}

static cleat_status list_outside(cleat__stitching *it, cleat_trace_id *ids, int32_t count,
                                 cleat__stitched_outside **list, int32_t *list_count, int64_t *total)
{
    cleat_status status = sum_up(ids, count, list, total);
    int64_t named = *total < CLEAT__STITCHED_OUTSIDE_MAX ? *total : CLEAT__STITCHED_OUTSIDE_MAX;
    for (int32_t i = 0; status == CLEAT_OK && i < named; i++) {
        status = name_outside(it, &(*list)[i]);
    }
    *list_count = status == CLEAT_OK ? (int32_t)named : 0;
    return status;
}

/* ---- All ---- */

static cleat_status link_all(linking *all)
{
    cleat__stitched *out = all->it->out;
    cleat_status status = map_all(all);
    for (int32_t i = 0; status == CLEAT_OK && i < out->span_count; i++) {
        status = add_links(all, i);
    }
    for (int32_t i = 0; status == CLEAT_OK && i < out->trace_count; i++) {
        status = count_links(all, &out->traces[i]);
    }
    if (status == CLEAT_OK) {
        status = list_outside(all->it, all->to, all->to_count, &out->links_to, &out->links_to_count,
                              &out->links_to_total);
    }
    if (status == CLEAT_OK) {
        status = list_outside(all->it, all->from, all->from_count, &out->linked_from, &out->linked_from_count,
                              &out->linked_from_total);
    }
    return status;
}

cleat_status cleat__stitch_links(cleat__stitching *it)
{
    linking all = {.it = it};
    cleat_status status = link_all(&all);
    cleat__map_deinit(&all.spans);
    cleat__map_deinit(&all.traces);
    cleat__free(all.to);
    cleat__free(all.from);
    return status;
}
