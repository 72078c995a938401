#include "fold.h"

#include "base/alloc.h"
#include "base/map.h"
#include "span_label.h"

enum {
    UNFOLDED_MAX = 6, /* so many that are alike all have rows */
    HEAD = 2,         /* of more, the first ones that have */
};

static void widen(cleat__fold *fold, int64_t start_ns, int64_t end_ns)
{
    bool is_first = fold->count == 0;
    fold->start_ns = is_first || start_ns < fold->start_ns ? start_ns : fold->start_ns;
    fold->end_ns = is_first || end_ns > fold->end_ns ? end_ns : fold->end_ns;
    fold->count++;
}

/* ---- Siblings ---- */

/* Marks the alike siblings from `first` on; answers the one behind them, -1 at the end. */
static int32_t mark_alike(const cleat__stitched *forest, int32_t first, uint8_t *folded)
{
    const cleat__stitched_span *spans = forest->spans;
    cleat__span_label label, other;
    int32_t count = 0, first_error = -1, end = first;
    cleat__span_label_read(&spans[first].view, false, &label);
    for (; end >= 0; end = spans[end].next, count++) {
        cleat__span_label_read(&spans[end].view, false, &other);
        if (!cleat__span_label_alike(&label, &other)) {
            break;
        }
        if (first_error < 0 && spans[end].error_count > 0) {
            first_error = end;
        }
    }
    int32_t position = 0;
    for (int32_t i = first; i != end && count > UNFOLDED_MAX; i = spans[i].next, position++) {
        folded[i] = position >= HEAD && position < count - 1 && i != first_error;
    }
    return end;
}

static void mark_siblings(const cleat__stitched *forest, int32_t first, uint8_t *folded)
{
    while (first >= 0) {
        first = mark_alike(forest, first, folded);
    }
}

uint8_t *cleat__fold_spans(const cleat__stitched *forest)
{
    uint8_t *folded = cleat__calloc((size_t)forest->span_count + 1, sizeof(*folded));
    if (folded == NULL) {
        return NULL;
    }
    for (int32_t i = 0; i < forest->trace_count; i++) {
        mark_siblings(forest, forest->traces[i].first_span, folded);
    }
    for (int32_t i = 0; i < forest->span_count; i++) {
        mark_siblings(forest, forest->spans[i].first_child, folded);
    }
    return folded;
}

int32_t cleat__fold_read(const cleat__stitched *forest, const uint8_t *folded, int32_t first,
                         cleat__fold *out)
{
    const cleat__stitched_span *spans = forest->spans;
    int32_t last = first;
    *out = (cleat__fold){.count = 0};
    for (int32_t i = first; i >= 0 && folded[i]; i = spans[i].next) {
        widen(out, spans[i].start_ns, spans[i].end_ns);
        out->spans += spans[i].span_count;
        out->errors += spans[i].error_count;
        last = i;
    }
    return last;
}

/* ---- Traces ---- */

int32_t cleat__fold_trace_errors(const cleat__stitched *forest, const cleat__stitched_trace *trace)
{
    int32_t errors = 0;
    int32_t end = trace->first_span + trace->shown;
    for (int32_t i = trace->first_span; i < end; i = cleat__stitched_skip(forest, i)) {
        errors += forest->spans[i].error_count;
    }
    return errors;
}

/* While it is found out: of all traces of a name. */
typedef struct alike {
    int32_t number, count, position, last, first_error;
} alike;

typedef struct grouping {
    const cleat__stitched *forest;
    cleat__trace_folds *out;
    cleat__map by_name; /* to `alike` */
    cleat__arena memory;
} grouping;

/* NULL: no memory. */
static alike *find_alike(grouping *it, const cleat__stitched_trace *trace)
{
    size_t size = trace->name.size + 1 + trace->task.size;
    char *key = cleat__arena_take(&it->memory, size);
    if (key == NULL) {
        return NULL;
    }
    if (trace->name.size > 0) {
        memcpy(key, trace->name.data, trace->name.size);
    }
    if (trace->task.size > 0) {
        memcpy(key + trace->name.size + 1, trace->task.data, trace->task.size);
    }
    alike *group = cleat__map_get(&it->by_name, (cleat_slice){key, size});
    if (group == NULL) {
        group = cleat__arena_take(&it->memory, sizeof(*group));
        if (group == NULL || cleat__map_put(&it->by_name, (cleat_slice){key, size}, group) != CLEAT_OK) {
            return NULL;
        }
        group->number = it->out->group_count++;
        group->last = group->first_error = -1;
    }
    return group;
}

static bool count_alike(grouping *it, alike **groups)
{
    for (int32_t i = 0; i < it->forest->trace_count; i++) {
        const cleat__stitched_trace *trace = &it->forest->traces[i];
        alike *group = find_alike(it, trace);
        if (group == NULL) {
            return false;
        }
        groups[i] = group;
        group->count++;
        group->last = i;
        if (group->first_error < 0 && cleat__fold_trace_errors(it->forest, trace) > 0) {
            group->first_error = i;
        }
    }
    return true;
}

static void fold_alike(grouping *it, alike **groups)
{
    /* Of the view of a trace that one is never folded. */
    bool has_distances = false;
    for (int32_t i = 0; i < it->forest->trace_count; i++) {
        has_distances |= it->forest->traces[i].distance > 0;
    }
    for (int32_t i = 0; i < it->forest->trace_count; i++) {
        const cleat__stitched_trace *trace = &it->forest->traces[i];
        alike *group = groups[i];
        int32_t position = group->position++;
        bool is_asked_for = has_distances && trace->distance == 0;
        it->out->groups[i] = -1;
        if (group->count > UNFOLDED_MAX && position >= HEAD && i != group->last && i != group->first_error &&
            !is_asked_for) {
            cleat__fold *fold = &it->out->folds[group->number];
            it->out->groups[i] = group->number;
            widen(fold, trace->start_ns, trace->end_ns);
            fold->spans += trace->shown;
            fold->errors += cleat__fold_trace_errors(it->forest, trace);
        }
    }
}

bool cleat__fold_traces(const cleat__stitched *forest, cleat__trace_folds *out)
{
    grouping it = {.forest = forest, .out = out};
    size_t count = (size_t)forest->trace_count + 1;
    alike **groups = cleat__calloc(count, sizeof(alike *));
    *out = (cleat__trace_folds){.groups = cleat__calloc(count, sizeof(*out->groups)),
                                .folds = cleat__calloc(count, sizeof(*out->folds))};
    bool is_fine = groups != NULL && out->groups != NULL && out->folds != NULL && count_alike(&it, groups);
    if (is_fine) {
        fold_alike(&it, groups);
    }
    cleat__free(groups);
    cleat__map_deinit(&it.by_name);
    cleat__arena_deinit(&it.memory);
    return is_fine;
}

void cleat__trace_folds_deinit(cleat__trace_folds *folds)
{
    cleat__free(folds->groups);
    cleat__free(folds->folds);
    *folds = (cleat__trace_folds){.group_count = 0};
}
