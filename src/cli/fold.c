#include "fold.h"

#include "base/alloc.h"
#include "span_label.h"

enum {
    UNFOLDED_MAX = 6, /* so many alike siblings all have rows */
    HEAD = 2,         /* of more, the first ones that have */
};

/* Marks the alike siblings from `first` on; answers the one behind them, -1 at the end. */
static int32_t mark_alike(const cleat__trace_tree *tree, int32_t first, uint8_t *folded)
{
    const cleat__tree_span *spans = tree->spans;
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

static void mark_siblings(const cleat__trace_tree *tree, int32_t first, uint8_t *folded)
{
    while (first >= 0) {
        first = mark_alike(tree, first, folded);
    }
}

uint8_t *cleat__fold_mark(const cleat__trace_tree *tree)
{
    uint8_t *folded = cleat__calloc((size_t)tree->count, sizeof(*folded));
    if (folded == NULL) {
        return NULL;
    }
    mark_siblings(tree, tree->first_root, folded);
    for (int32_t i = 0; i < tree->count; i++) {
        mark_siblings(tree, tree->spans[i].first_child, folded);
    }
    return folded;
}

int32_t cleat__fold_read(const cleat__trace_tree *tree, const uint8_t *folded, int32_t first,
                         cleat__fold *out)
{
    const cleat__tree_span *spans = tree->spans;
    int32_t last = first;
    *out = (cleat__fold){.start_ns = spans[first].start_ns, .end_ns = spans[first].end_ns};
    for (int32_t i = first; i >= 0 && folded[i]; i = spans[i].next) {
        out->siblings++;
        out->spans += spans[i].span_count;
        out->errors += spans[i].error_count;
        out->start_ns = spans[i].start_ns < out->start_ns ? spans[i].start_ns : out->start_ns;
        out->end_ns = spans[i].end_ns > out->end_ns ? spans[i].end_ns : out->end_ns;
        last = i;
    }
    return last;
}
