#include "trace_tree.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/map.h"
#include "trace/instrumentation_scope.h"

#include <cleat/trace.h>
#include <inttypes.h>
#include <stdio.h>

enum { NONE = -1 };

/* ---- Loading ---- */

static cleat_status grow(cleat__trace_tree *tree)
{
    if (tree->count < tree->capacity) {
        return CLEAT_OK;
    }
    if (tree->capacity > INT32_MAX / 2) {
        return cleat__fail(CLEAT_TOO_LARGE, "the trace has more spans than can be drawn");
    }
    int32_t capacity = tree->capacity == 0 ? 64 : tree->capacity * 2;
    cleat__tree_span *spans = cleat__realloc(tree->spans, (size_t)capacity * sizeof(*spans));
    if (spans == NULL) {
        return cleat__fail_memory();
    }
    tree->spans = spans;
    tree->capacity = capacity;
    return CLEAT_OK;
}

/* The scope as one that outlives the visit; the neighbour before mostly has the same. */
static cleat_status keep_scope(cleat__trace_tree *tree, const cleat_instrumentation_scope *scope,
                               cleat__tree_span *span)
{
    if (scope != tree->last_scope) {
        tree->kept_scope = scope != NULL ? cleat__scope_intern(scope) : NULL;
        tree->last_scope = scope;
    }
    span->view.scope = tree->kept_scope;
    return scope == NULL || tree->kept_scope != NULL ? CLEAT_OK : CLEAT_NO_MEMORY;
}

static bool add_span(void *argument, const cleat__stored_span *stored)
{
    cleat__trace_tree *tree = argument;
    tree->status = grow(tree);
    if (tree->status != CLEAT_OK) {
        return false;
    }
    cleat__tree_span *span = &tree->spans[tree->count];
    memset(span, 0, sizeof(*span));
    span->parent = span->first_child = span->last_child = span->next = NONE;
    span->service = stored->service_name;
    span->record = cleat__slice_dup(stored->span.record);
    tree->count++; /* from here on deinit frees it */
    if (span->record == NULL) {
        tree->status = cleat__fail_memory();
        return false;
    }
    cleat_slice record = {span->record, stored->span.record.size};
    tree->status = cleat_span_view_read(record, &span->view);
    span->view.resource = cleat_resource_retain(stored->span.resource);
    if (tree->status == CLEAT_OK) {
        tree->status = keep_scope(tree, stored->span.scope, span);
    }
    return tree->status == CLEAT_OK;
}

/* ---- Linking ---- */

static cleat_slice id_slice(const cleat_span_id *id)
{
    return (cleat_slice){(const char *)id->bytes, sizeof(id->bytes)};
}

/* Which attempt of which run a span is about, as a key. */
typedef struct attempt_name {
    char text[64];
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

/* The executions by their attempts, whose names are stored in `names`. */
static cleat_status map_executions(cleat__trace_tree *tree, attempt_name *names, cleat__map *by_attempt)
{
    cleat_status status = CLEAT_OK;
    for (int32_t i = 0; i < tree->count && status == CLEAT_OK; i++) {
        cleat__tree_span *span = &tree->spans[i];
        cleat_slice name = {NULL, 0};
        if (cleat__span_is_execution(&span->view)) {
            name = name_attempt(&span->view, &names[i]);
        }
        status = name.size != 0 ? cleat__map_put(by_attempt, name, span) : CLEAT_OK;
    }
    return status;
}

/* What an execution waited for is drawn below it: beside it, the waits of all runs that one call
 * started would come first. */
static cleat_status adopt_waits(cleat__trace_tree *tree)
{
    cleat__map by_attempt = {0};
    attempt_name *names = cleat__calloc((size_t)tree->count, sizeof(*names));
    cleat_status status = names != NULL ? map_executions(tree, names, &by_attempt) : cleat__fail_memory();
    for (int32_t i = 0; i < tree->count && status == CLEAT_OK; i++) {
        cleat__tree_span *wait = &tree->spans[i];
        attempt_name name;
        const cleat__tree_span *execution =
            is_engines(&wait->view) ? cleat__map_get(&by_attempt, name_attempt(&wait->view, &name)) : NULL;
        if (execution != NULL && execution != wait && execution->parent == wait->parent) {
            wait->parent = (int32_t)(execution - tree->spans);
        }
    }
    cleat__map_deinit(&by_attempt);
    cleat__free(names);
    return status;
}

static cleat_status find_parents(cleat__trace_tree *tree)
{
    cleat__map by_id = {0};
    cleat_status status = CLEAT_OK;
    for (int32_t i = 0; i < tree->count && status == CLEAT_OK; i++) {
        cleat__tree_span *span = &tree->spans[i];
        status = cleat__map_put(&by_id, id_slice(&span->view.span_id), span);
    }
    for (int32_t i = 0; i < tree->count && status == CLEAT_OK; i++) {
        cleat__tree_span *span = &tree->spans[i];
        if (cleat_span_id_is_valid(&span->view.parent_span_id)) {
            cleat__tree_span *parent = cleat__map_get(&by_id, id_slice(&span->view.parent_span_id));
            span->orphan = parent == NULL;
            span->parent = parent != NULL ? (int32_t)(parent - tree->spans) : NONE;
        }
    }
    cleat__map_deinit(&by_id);
    return status == CLEAT_OK ? adopt_waits(tree) : status;
}

/* Walks up from each span; one that is met twice on the same way is cut off its parent. `depth`
 * serves as the mark of the way: 0 unseen, else 1 + the span the walk began at. */
static void cut_cycles(cleat__trace_tree *tree)
{
    for (int32_t i = 0; i < tree->count; i++) {
        int32_t at = i;
        while (at != NONE && tree->spans[at].depth == 0) {
            tree->spans[at].depth = i + 1;
            int32_t up = tree->spans[at].parent;
            if (up != NONE && tree->spans[up].depth == i + 1) {
                tree->spans[at].parent = NONE;
                tree->spans[at].orphan = true;
            }
            at = tree->spans[at].parent;
        }
    }
}

static void append_child(cleat__trace_tree *tree, int32_t index)
{
    int32_t parent = tree->spans[index].parent;
    int32_t *first = parent == NONE ? &tree->first_root : &tree->spans[parent].first_child;
    int32_t *last = parent == NONE ? &tree->last_root : &tree->spans[parent].last_child;
    if (*first == NONE) {
        *first = index;
    } else {
        tree->spans[*last].next = index;
    }
    *last = index;
}

int32_t cleat__trace_tree_next(const cleat__trace_tree *tree, int32_t index)
{
    int32_t child = tree->spans[index].first_child;
    return child != NONE ? child : cleat__trace_tree_skip(tree, index);
}

int32_t cleat__trace_tree_skip(const cleat__trace_tree *tree, int32_t index)
{
    const cleat__tree_span *span = &tree->spans[index];
    while (span->next == NONE && span->parent != NONE) {
        span = &tree->spans[span->parent];
    }
    return span->next;
}

static void set_depths(cleat__trace_tree *tree)
{
    for (int32_t i = tree->first_root; i != NONE; i = cleat__trace_tree_next(tree, i)) {
        cleat__tree_span *span = &tree->spans[i];
        span->depth = span->parent == NONE ? 0 : tree->spans[span->parent].depth + 1;
    }
}

/* From the last span in drawing order to the first, so that children come before parents. */
static cleat_status sum_up(cleat__trace_tree *tree)
{
    int32_t count = 0;
    int32_t *order = cleat__malloc((size_t)tree->count * sizeof(*order));
    if (order == NULL) {
        return cleat__fail_memory();
    }
    for (int32_t i = tree->first_root; i != NONE; i = cleat__trace_tree_next(tree, i)) {
        order[count++] = i;
    }
    while (count > 0) {
        const cleat__tree_span *span = &tree->spans[order[--count]];
        if (span->parent != NONE) {
            cleat__tree_span *parent = &tree->spans[span->parent];
            parent->span_count += span->span_count;
            parent->error_count += span->error_count;
            parent->start_ns = span->start_ns < parent->start_ns ? span->start_ns : parent->start_ns;
            parent->end_ns = span->end_ns > parent->end_ns ? span->end_ns : parent->end_ns;
        }
    }
    cleat__free(order);
    return CLEAT_OK;
}

static void init_sums(cleat__trace_tree *tree)
{
    tree->start_ns = tree->spans[0].view.start_time_ns;
    tree->end_ns = tree->spans[0].view.end_time_ns;
    for (int32_t i = 0; i < tree->count; i++) {
        cleat__tree_span *span = &tree->spans[i];
        span->span_count = 1;
        span->error_count = span->view.status == CLEAT_SPAN_STATUS_ERROR;
        span->start_ns = span->view.start_time_ns;
        span->end_ns = span->view.end_time_ns;
        tree->error_count += span->error_count;
        tree->orphan_count += span->orphan;
        tree->end_ns = span->end_ns > tree->end_ns ? span->end_ns : tree->end_ns;
    }
}

cleat_status cleat__trace_tree_load(cleat__store *store, int64_t tenant, const cleat_trace_id *trace_id,
                                    cleat__trace_tree *tree)
{
    memset(tree, 0, sizeof(*tree));
    tree->tenant = tenant;
    tree->trace_id = *trace_id;
    tree->first_root = tree->last_root = NONE;
    cleat_status status = cleat__spans_of_trace(store, tenant, trace_id, add_span, tree);
    if (status == CLEAT_OK) {
        status = tree->status;
    }
    if (status == CLEAT_OK && tree->count == 0) {
        status = cleat__fail(CLEAT_NOT_FOUND, "the trace has no spans any more");
    }
    if (status == CLEAT_OK) {
        status = find_parents(tree);
    }
    if (status != CLEAT_OK) {
        return status;
    }
    cut_cycles(tree);
    for (int32_t i = 0; i < tree->count; i++) {
        append_child(tree, i);
    }
    set_depths(tree);
    init_sums(tree);
    return sum_up(tree);
}

void cleat__trace_tree_deinit(cleat__trace_tree *tree)
{
    for (int32_t i = 0; i < tree->count; i++) {
        /* The tree holds the reference; views only borrow. */
        cleat_resource_release((cleat_resource *)(uintptr_t)tree->spans[i].view.resource);
        cleat__free(tree->spans[i].record);
    }
    cleat__free(tree->spans);
    memset(tree, 0, sizeof(*tree));
}
