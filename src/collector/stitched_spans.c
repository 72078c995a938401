/* The spans that are shown: their records, whose children they are drawn as, their order, their sums. */
#include "collector/stitching.h"

#include "base/alloc.h"
#include "base/error.h"
#include "collector/row.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const char reading[] = "reading the records of a picture";

enum {
    NONE = CLEAT__STITCHED_NONE,
    RECORD_BYTES = 16 << 10, /* of records, per span that may be shown; ten times what is usual */
    RECORDS_BYTES_MIN = 32 << 20,
    SAME_ATTEMPT_MAX = 1000, /* executions of one attempt that are looked through for the one of a wait */
};

/* Spans by trace and start, before they are in drawing order. */
typedef struct draft {
    cleat__stitching *it;
    cleat__stitched_span *spans;
    int32_t *nodes; /* of each */
    int32_t count;
    cleat__map services; /* to an index + 1 */
    int32_t service_capacity;
} draft;

/* ---- Records ---- */

static cleat_status set_service(draft *all, cleat_slice name, cleat__stitched_span *span)
{
    cleat__stitched *out = all->it->out;
    span->service = NONE;
    if (name.data == NULL) {
        return CLEAT_OK;
    }
    uintptr_t known = (uintptr_t)cleat__map_get(&all->services, name);
    if (known == 0) {
        cleat_status status = cleat__stitch_grow((void **)&out->services, out->service_count,
                                                 &all->service_capacity, sizeof(*out->services));
        if (status != CLEAT_OK) {
            return status;
        }
        out->services[out->service_count++] = name; /* in the list of sources */
        known = (uintptr_t)out->service_count;
        status = cleat__map_put(&all->services, name, (void *)known);
        if (status != CLEAT_OK) {
            return status;
        }
    }
    span->service = (int32_t)known - 1;
    return CLEAT_OK;
}

/* What the columns say of a span whose record cannot be read, or is too large. */
static cleat_status read_columns(cleat__stitching *it, sqlite3_stmt *stmt, cleat_span_view *view)
{
    int kind = sqlite3_column_int(stmt, 5), status = sqlite3_column_int(stmt, 6);
    *view = (cleat_span_view){
        .kind = kind >= CLEAT_SPAN_KIND_DEFAULT && kind <= CLEAT_SPAN_KIND_CONSUMER ? (cleat_span_kind)kind
                                                                                    : CLEAT_SPAN_KIND_DEFAULT,
        .status = status >= CLEAT_SPAN_STATUS_UNSET && status <= CLEAT_SPAN_STATUS_ERROR
                      ? (cleat_span_status)status
                      : CLEAT_SPAN_STATUS_UNSET,
    };
    return cleat__stitch_keep_name(it, cleat__column_text(stmt, 4), &view->name);
}

/* Whether there is room for it: a peer may send records of megabytes. */
static bool may_keep(const cleat__stitching *it, size_t size)
{
    size_t most = (size_t)it->limit * RECORD_BYTES;
    most = most > RECORDS_BYTES_MIN ? most : RECORDS_BYTES_MIN;
    return it->out->memory.used + size <= most;
}

static cleat_status read_view(cleat__stitching *it, sqlite3_stmt *stmt, cleat_span_view *view)
{
    cleat_slice stored = cleat__column_bytes(stmt, 0), record;
    if (!may_keep(it, stored.size)) {
        it->out->is_complete = false;
        return read_columns(it, stmt, view);
    }
    if (!cleat__arena_keep(&it->out->memory, stored, &record)) {
        return cleat__fail_memory();
    }
    return record.size > 0 && cleat_span_view_read(record, view) == CLEAT_OK ? CLEAT_OK
                                                                             : read_columns(it, stmt, view);
}

/* What the picture was chosen by, whatever the record says. */
static void set_place(const cleat__stitching *it, const cleat__stitch_node *node, cleat__stitched_span *span)
{
    cleat_span_view *view = &span->view;
    view->trace_id = it->traces[node->trace].trace.id;
    view->span_id = node->id;
    view->parent_span_id = node->parent_id;
    view->start_time_ns = node->start_ns;
    view->end_time_ns = node->end_ns;
    span->trace = node->trace;
    span->parent = node->parent != NONE ? it->nodes[node->parent].draft : NONE;
    span->first_child = span->next = NONE;
    span->orphan = node->orphan;
}

/* A run of several tasks has spans of these: each names the run, by which it was chosen, and the task. */
static cleat_status set_task(cleat__stitching *it, cleat__stitched_span *span)
{
    cleat__uuid task;
    int32_t index = NONE;
    cleat_slice text = cleat__span_string(&span->view, "hatchet.step_run_id");
    if (span->run == NONE || text.size != 36 || cleat__uuid_parse(text, &task) != CLEAT_OK ||
        cleat__uuid_equals(&task, &it->out->runs[span->run].id)) {
        return CLEAT_OK;
    }
    cleat_status status = cleat__stitch_find_run(it, &task, &index);
    if (status == CLEAT_OK && index != NONE && it->out->runs[index].parent == span->run) {
        span->run = index;
    }
    return status;
}

static cleat_status set_run(cleat__stitching *it, const cleat__stitch_node *node, sqlite3_stmt *stmt,
                            cleat__stitched_span *span)
{
    cleat__uuid run;
    int64_t retry_count = sqlite3_column_int64(stmt, 3);
    cleat_status status = CLEAT_OK;
    span->run = node->run;
    if (sqlite3_column_type(stmt, 3) != SQLITE_NULL && retry_count >= 0 && retry_count < INT32_MAX) {
        span->attempt = (int32_t)retry_count + 1;
    }
    if (!it->of_run && cleat__column_uuid(stmt, 2, &run)) {
        status = cleat__stitch_find_run(it, &run, &span->run);
    }
    return status == CLEAT_OK ? set_task(it, span) : status;
}

static cleat_status read_span(draft *all, const cleat__stitch_node *node, sqlite3_stmt *stmt,
                              cleat__stitched_span *span)
{
    cleat__stitched *out = all->it->out;
    const cleat__source *source = NULL;
    cleat_status status = read_view(all->it, stmt, &span->view);
    if (status == CLEAT_OK) {
        status =
            cleat__source_list_get(&out->sources, all->it->store, sqlite3_column_int64(stmt, 1), &source);
    }
    if (status != CLEAT_OK) {
        return status;
    }
    span->view.resource = source->resource;
    span->view.scope = source->scope;
    status = set_service(all, source->service_name, span);
    return status == CLEAT_OK ? set_run(all->it, node, stmt, span) : status;
}

static cleat_status load_span(draft *all, int32_t index)
{
    static const char sql[] = "SELECT record, source, run_id, retry_count, name, kind, status FROM span"
                              " WHERE id = ?1";
    const cleat__stitch_node *node = &all->it->nodes[all->nodes[index]];
    cleat__stitched_span *span = &all->spans[index];
    sqlite3_stmt *stmt = NULL;
    cleat_status status = cleat__store_prepare(all->it->store, sql, &stmt);
    if (status != CLEAT_OK) {
        return status;
    }
    span->service = span->run = NONE;
    sqlite3_bind_int64(stmt, 1, node->row);
    int code = sqlite3_step(stmt);
    if (code == SQLITE_ROW) {
        status = read_span(all, node, stmt, span);
    }
    set_place(all->it, node, span);
    cleat_status end = cleat__store_rows_end(all->it->store, stmt, code, reading);
    return status != CLEAT_OK ? status : end;
}

/* ---- Whose children they are drawn as ---- */

/* Which attempt of which run a span is about, as a key; of an execution also the next one of the same attempt:
 * a durable run has one for each time that it was woken. */
typedef struct attempt_name {
    char text[64];
    int32_t next;
} attempt_name;

static cleat_slice name_attempt(const cleat_span_view *span, attempt_name *out)
{
    cleat_slice task = cleat__span_string(span, "hatchet.step_run_id");
    cleat_value retry_count = {.type = CLEAT_VALUE_NONE};
    (void)cleat_span_view_attribute(span, "hatchet.retry_count", &retry_count);
    if (task.size != 36) {
        return (cleat_slice){NULL, 0};
    }
    int size = snprintf(out->text, sizeof(out->text), "%.36s %" PRId64, task.data,
                        retry_count.type == CLEAT_VALUE_INT ? retry_count.as.integer : 0);
    return (cleat_slice){out->text, (size_t)size};
}

static bool is_engines(const cleat_span_view *span)
{
    return cleat_slice_equals(cleat__span_string(span, "hatchet.span_source"), cleat_slice_of("engine"));
}

typedef struct adoption {
    draft *all;
    int32_t first, end; /* spans of one trace */
    attempt_name *names;
    cleat__map by_attempt; /* to the first execution of each */
} adoption;

/* From the last to the first: each execution goes before those that are there. */
static cleat_status map_executions(adoption *it)
{
    cleat_status status = CLEAT_OK;
    for (int32_t i = it->end - 1; i >= it->first && status == CLEAT_OK; i--) {
        cleat__stitched_span *span = &it->all->spans[i];
        attempt_name *own = &it->names[i - it->first];
        cleat_slice name = {NULL, 0};
        if (cleat__span_is_execution(&span->view)) {
            name = name_attempt(&span->view, own);
        }
        if (name.size != 0) {
            const cleat__stitched_span *later = cleat__map_get(&it->by_attempt, name);
            own->next = later != NULL ? (int32_t)(later - it->all->spans) : NONE;
            (void)cleat__map_remove(&it->by_attempt, name);
            status = cleat__map_put(&it->by_attempt, name, span);
        }
    }
    return status;
}

/* The execution beside the wait that began first after it; else, for clocks differ, the last one. */
static int32_t find_execution(const adoption *it, int32_t wait)
{
    const cleat__stitched_span *spans = it->all->spans;
    attempt_name name;
    const cleat__stitched_span *execution =
        cleat__map_get(&it->by_attempt, name_attempt(&spans[wait].view, &name));
    int32_t found = NONE;
    int32_t at = execution != NULL ? (int32_t)(execution - spans) : NONE;
    for (int32_t steps = 0; at != NONE && steps < SAME_ATTEMPT_MAX; steps++) {
        if (at != wait && spans[at].parent == spans[wait].parent) {
            found = at;
            if (at > wait) {
                break; /* they are by start */
            }
        }
        at = it->names[at - it->first].next;
    }
    return found;
}

/* What an execution waited for is drawn below it: beside it, the waits of all runs that one call
 * started would come first. It makes no cycle: both had the same parent, and no wait gets one that is a wait. */
static cleat_status adopt_waits(draft *all, int32_t first, int32_t end)
{
    adoption it = {.all = all, .first = first, .end = end};
    it.names = cleat__calloc((size_t)(end - first), sizeof(*it.names));
    cleat_status status = it.names != NULL ? map_executions(&it) : cleat__fail_memory();
    for (int32_t i = first; i < end && status == CLEAT_OK; i++) {
        bool is_wait = is_engines(&all->spans[i].view) && !cleat__span_is_execution(&all->spans[i].view);
        int32_t execution = is_wait ? find_execution(&it, i) : NONE;
        if (execution != NONE) {
            all->spans[i].parent = execution;
        }
    }
    cleat__map_deinit(&it.by_attempt);
    cleat__free(it.names);
    return status;
}

/* ---- Order ---- */

/* Links siblings; those that have no parent are siblings, too. Answers the first of these. `last` has room for one
 * index per span and one more: the last child of each, and behind them the last root. */
static int32_t link_siblings(draft *all, int32_t first, int32_t end, int32_t *last)
{
    int32_t root = NONE;
    last[all->count] = NONE;
    for (int32_t i = first; i < end; i++) {
        int32_t parent = all->spans[i].parent;
        int32_t *head = parent == NONE ? &root : &all->spans[parent].first_child;
        int32_t *tail = &last[parent == NONE ? all->count : parent];
        if (*head == NONE) {
            *head = i;
        } else {
            all->spans[*tail].next = i;
        }
        *tail = i;
    }
    return root;
}

/* Depth first, without the stack that a peer might make too deep. */
static int32_t next_in_order(const cleat__stitched_span *spans, int32_t index)
{
    if (spans[index].first_child != NONE) {
        return spans[index].first_child;
    }
    while (spans[index].next == NONE && spans[index].parent != NONE) {
        index = spans[index].parent;
    }
    return spans[index].next;
}

/* Copies the spans of a trace behind those that are there; `place` gets the new index of each. */
static void put_in_order(draft *all, int32_t root, int32_t *place)
{
    cleat__stitched *out = all->it->out;
    for (int32_t i = root; i != NONE; i = next_in_order(all->spans, i)) {
        cleat__stitched_span *span = &out->spans[out->span_count];
        *span = all->spans[i];
        place[i] = out->span_count++;
        span->parent = span->parent != NONE ? place[span->parent] : NONE;
        span->depth = span->parent != NONE ? out->spans[span->parent].depth + 1 : 0;
    }
}

static void set_relatives(cleat__stitched *out, int32_t first, const int32_t *place)
{
    for (int32_t i = first; i < out->span_count; i++) {
        cleat__stitched_span *span = &out->spans[i];
        span->first_child = span->first_child != NONE ? place[span->first_child] : NONE;
        span->next = span->next != NONE ? place[span->next] : NONE;
    }
}

/* ---- Sums ---- */

/* From the last span in drawing order to the first, so that children come before parents. */
static void sum_up(cleat__stitched *out, int32_t first)
{
    for (int32_t i = first; i < out->span_count; i++) {
        cleat__stitched_span *span = &out->spans[i];
        span->span_count = 1;
        span->error_count = span->view.status == CLEAT_SPAN_STATUS_ERROR;
        span->start_ns = span->view.start_time_ns;
        span->end_ns = span->view.end_time_ns;
        out->error_count += span->error_count;
        out->orphan_count += span->orphan;
    }
    for (int32_t i = out->span_count - 1; i >= first; i--) {
        const cleat__stitched_span *span = &out->spans[i];
        if (span->parent != NONE) {
            cleat__stitched_span *parent = &out->spans[span->parent];
            parent->span_count += span->span_count;
            parent->error_count += span->error_count;
            parent->start_ns = span->start_ns < parent->start_ns ? span->start_ns : parent->start_ns;
            parent->end_ns = span->end_ns > parent->end_ns ? span->end_ns : parent->end_ns;
        }
    }
}

static void set_trace(cleat__stitched *out, int32_t index, int32_t first)
{
    cleat__stitched_trace *trace = &out->traces[index];
    trace->first_span = first;
    trace->run = NONE;
    for (int32_t i = first; i < out->span_count && trace->attempt == 0; i++) {
        const cleat__stitched_span *span = &out->spans[i];
        trace->run = trace->run == NONE ? span->run : trace->run;
        trace->attempt = span->run != NONE && span->run == trace->run ? span->attempt : 0;
    }
}

/* ---- All ---- */

static int compare_nodes(const void *a, const void *b)
{
    const cleat__stitch_node *x = *(cleat__stitch_node *const *)a, *y = *(cleat__stitch_node *const *)b;
    if (x->trace != y->trace) {
        return x->trace < y->trace ? -1 : 1;
    }
    if (x->start_ns != y->start_ns) {
        return x->start_ns < y->start_ns ? -1 : 1;
    }
    return x->row < y->row ? -1 : x->row > y->row;
}

static cleat_status sort_nodes(draft *all)
{
    cleat__stitching *it = all->it;
    cleat__stitch_node **order = cleat__calloc((size_t)it->node_count + 1, sizeof(cleat__stitch_node *));
    if (order == NULL) {
        return cleat__fail_memory();
    }
    for (int32_t i = 0; i < it->node_count; i++) {
        if (it->nodes[i].shown) {
            order[all->count++] = &it->nodes[i];
        }
    }
    qsort(order, (size_t)all->count, sizeof(*order), compare_nodes);
    all->nodes = cleat__calloc((size_t)all->count + 1, sizeof(*all->nodes));
    for (int32_t i = 0; i < all->count && all->nodes != NULL; i++) {
        order[i]->draft = i;
        all->nodes[i] = (int32_t)(order[i] - it->nodes);
    }
    cleat__free(order);
    return all->nodes != NULL ? CLEAT_OK : cleat__fail_memory();
}

static cleat_status load_spans(draft *all)
{
    cleat__stitched *out = all->it->out;
    cleat_status status = CLEAT_OK;
    all->spans = cleat__calloc((size_t)all->count + 1, sizeof(*all->spans));
    out->spans = cleat__calloc((size_t)all->count + 1, sizeof(*out->spans));
    out->traces = cleat__calloc((size_t)all->it->trace_count + 1, sizeof(*out->traces));
    if (all->spans == NULL || out->spans == NULL || out->traces == NULL) {
        return cleat__fail_memory();
    }
    for (int32_t i = 0; status == CLEAT_OK && i < all->count; i++) {
        status = load_span(all, i);
    }
    return status;
}

static cleat_status draw_up_trace(draft *all, int32_t index, int32_t *place, int32_t *last)
{
    cleat__stitched *out = all->it->out;
    int32_t first = out->span_count; /* drafts are by trace as well */
    int32_t end = first + all->it->traces[index].trace.shown;
    cleat_status status = adopt_waits(all, first, end);
    if (status == CLEAT_OK) {
        out->traces[out->trace_count++] = all->it->traces[index].trace;
        put_in_order(all, link_siblings(all, first, end, last), place);
        set_relatives(out, first, place);
        sum_up(out, first);
        set_trace(out, index, first);
    }
    return status;
}

static cleat_status draw_up(draft *all)
{
    int32_t *place = cleat__calloc((size_t)all->count + 1, sizeof(*place));
    int32_t *last = cleat__calloc((size_t)all->count + 1, sizeof(*last));
    cleat_status status = place != NULL && last != NULL ? CLEAT_OK : cleat__fail_memory();
    for (int32_t i = 0; status == CLEAT_OK && i < all->it->trace_count; i++) {
        status = draw_up_trace(all, i, place, last);
    }
    cleat__free(place);
    cleat__free(last);
    return status;
}

cleat_status cleat__stitch_spans(cleat__stitching *it)
{
    draft all = {.it = it};
    cleat_status status = sort_nodes(&all);
    if (status == CLEAT_OK) {
        status = load_spans(&all);
    }
    if (status == CLEAT_OK) {
        status = draw_up(&all);
    }
    cleat__map_deinit(&all.services);
    cleat__free(all.nodes);
    cleat__free(all.spans);
    return status;
}
