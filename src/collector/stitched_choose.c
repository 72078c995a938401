/* Which spans belong to a picture, and which of them are shown. */
#include "collector/stitching.h"

#include "base/alloc.h"
#include "base/error.h"

#include <stdlib.h>

enum { UNKNOWN = 0, NOT_BELOW = 1, BELOW = 2 };

/* ---- What belongs ---- */

/* Whether the span is of a run or below one that is; goes up to where that is known, and marks the way. */
static bool is_below(cleat__stitch_node *nodes, int32_t index)
{
    int32_t at = index;
    while (nodes[at].below == UNKNOWN && nodes[at].run < 0 && nodes[at].parent >= 0) {
        at = nodes[at].parent;
    }
    uint8_t mark = nodes[at].run >= 0 || nodes[at].below == BELOW ? BELOW : NOT_BELOW;
    nodes[at].below = mark;
    for (at = index; nodes[at].below == UNKNOWN; at = nodes[at].parent) {
        nodes[at].below = mark;
    }
    return mark == BELOW;
}

/* `below` says nothing about those on the way up: what is beside them does not belong. */
static void mark_way_up(cleat__stitch_node *nodes, int32_t index)
{
    for (int32_t at = index; at >= 0 && !nodes[at].belongs; at = nodes[at].parent) {
        nodes[at].belongs = true;
    }
}

static void sum_up(cleat__stitching *it, cleat__stitch_trace *trace)
{
    cleat__stitched *out = it->out;
    cleat__stitched_trace *row = &trace->trace;
    for (int32_t i = trace->first_node; i < trace->first_node + trace->node_count; i++) {
        const cleat__stitch_node *node = &it->nodes[i];
        if (!node->belongs) {
            continue;
        }
        bool is_first = row->belonging++ == 0;
        row->start_ns = is_first || node->start_ns < row->start_ns ? node->start_ns : row->start_ns;
        row->end_ns = is_first || node->end_ns > row->end_ns ? node->end_ns : row->end_ns;
    }
    if (row->belonging > 0) {
        bool is_first = out->total_traces++ == 0;
        out->start_ns = is_first || row->start_ns < out->start_ns ? row->start_ns : out->start_ns;
        out->end_ns = is_first || row->end_ns > out->end_ns ? row->end_ns : out->end_ns;
    }
    /* Of a whole trace that was looked at in part, it is known all the same. */
    bool is_known = !it->of_run && row->span_count > row->belonging;
    out->total_spans += is_known ? row->span_count : row->belonging;
}

static void mark_belonging(cleat__stitching *it)
{
    for (int32_t i = 0; i < it->node_count; i++) {
        if (!it->of_run) {
            it->nodes[i].belongs = true;
        } else if (is_below(it->nodes, i)) {
            mark_way_up(it->nodes, i);
        }
    }
    for (int32_t i = 0; i < it->trace_count; i++) {
        sum_up(it, &it->traces[i]);
    }
}

/* ---- What is shown ---- */

/* What is to be shown first: nearer traces, earlier spans. */
typedef struct candidate {
    int64_t start_ns, row;
    int32_t distance, node;
} candidate;

static int compare_candidates(const void *a, const void *b)
{
    const candidate *x = a, *y = b;
    if (x->distance != y->distance) {
        return x->distance < y->distance ? -1 : 1;
    }
    if (x->start_ns != y->start_ns) {
        return x->start_ns < y->start_ns ? -1 : 1;
    }
    return x->row < y->row ? -1 : x->row > y->row;
}

/* With its way up; as much of that as there is room for, from the top. Answers how many are new. */
static int32_t show(cleat__stitch_node *nodes, int32_t first, int32_t room)
{
    int32_t needed = 0;
    for (int32_t at = first; at >= 0 && !nodes[at].shown; at = nodes[at].parent) {
        needed++;
    }
    int32_t left_out = needed > room ? needed - room : 0;
    int32_t at = first;
    for (int32_t i = 0; i < needed; i++, at = nodes[at].parent) {
        nodes[at].shown = i >= left_out;
    }
    return needed - left_out;
}

static cleat_status choose_first(cleat__stitching *it)
{
    int32_t count = 0;
    int32_t room = it->limit;
    candidate *order = cleat__calloc((size_t)it->node_count + 1, sizeof(*order));
    if (order == NULL) {
        return cleat__fail_memory();
    }
    for (int32_t i = 0; i < it->node_count; i++) {
        const cleat__stitch_node *node = &it->nodes[i];
        if (node->belongs) {
            order[count++] =
                (candidate){node->start_ns, node->row, it->traces[node->trace].trace.distance, i};
        }
    }
    qsort(order, (size_t)count, sizeof(*order), compare_candidates);
    for (int32_t i = 0; i < count && room > 0; i++) {
        room -= show(it->nodes, order[i].node, room);
    }
    cleat__free(order);
    return CLEAT_OK;
}

/* ---- Traces in their order ---- */

/* Of those that begin together, as a run and its children do within a millisecond, the one that lasts longest
 * comes first. */
static int compare_traces(const void *a, const void *b)
{
    const cleat__stitched_trace *x = &((const cleat__stitch_trace *)a)->trace;
    const cleat__stitched_trace *y = &((const cleat__stitch_trace *)b)->trace;
    if (x->start_ns != y->start_ns) {
        return x->start_ns < y->start_ns ? -1 : 1;
    }
    if (x->end_ns != y->end_ns) {
        return x->end_ns > y->end_ns ? -1 : 1;
    }
    return x->number < y->number ? -1 : x->number > y->number;
}

/* Those of which nothing is shown go; the nodes learn the new indexes. */
static void order_traces(cleat__stitching *it)
{
    int32_t kept = 0;
    for (int32_t i = 0; i < it->trace_count; i++) {
        cleat__stitch_trace trace = it->traces[i];
        for (int32_t n = trace.first_node; n < trace.first_node + trace.node_count; n++) {
            trace.trace.shown += it->nodes[n].shown;
        }
        if (trace.trace.shown > 0) {
            it->traces[kept++] = trace;
        }
    }
    it->trace_count = kept;
    if (kept > 0) {
        qsort(it->traces, (size_t)kept, sizeof(*it->traces), compare_traces);
    }
    for (int32_t i = 0; i < kept; i++) {
        const cleat__stitch_trace *trace = &it->traces[i];
        for (int32_t n = trace->first_node; n < trace->first_node + trace->node_count; n++) {
            it->nodes[n].trace = i;
        }
    }
}

cleat_status cleat__stitch_choose(cleat__stitching *it)
{
    cleat_status status = CLEAT_OK;
    mark_belonging(it);
    if (it->out->total_spans > it->limit) {
        status = choose_first(it);
    } else {
        for (int32_t i = 0; i < it->node_count; i++) {
            it->nodes[i].shown = it->nodes[i].belongs;
        }
    }
    order_traces(it);
    return status;
}
