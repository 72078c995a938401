/*
 * How a forest is put together (stitched.h): which runs and traces; in each trace which spans belong, without their
 * records; of these the ones that are shown; their records, order and sums; links.
 */
#ifndef CLEAT_COLLECTOR_STITCHING_H
#define CLEAT_COLLECTOR_STITCHING_H

#include "base/map.h"
#include "collector/stitched.h"

/* A span that is looked at. */
typedef struct cleat__stitch_node {
    cleat_span_id id, parent_id; /* a parent of zeros: none */
    int64_t row;                 /* span.id */
    int64_t start_ns, end_ns;    /* 0 <= start <= end */
    int32_t trace, parent;       /* indexes into traces and nodes */
    int32_t run;                 /* index into runs; -1: none of them */
    int32_t draft;               /* index into the spans that are shown; -1: it is not */
    bool orphan, belongs, shown;
    uint8_t below; /* whether it is of a run or below such a span: 0 not known yet, 1 no, 2 yes */
} cleat__stitch_node;

typedef struct cleat__stitch_trace {
    cleat__stitched_trace trace;
    int32_t first_node, node_count;
} cleat__stitch_trace;

typedef struct cleat__stitching {
    cleat__store *store;
    cleat__stitched *out;
    int32_t limit;
    bool of_run;        /* only what belongs to the runs; else whole traces */
    cleat__map run_ids; /* to run_name, in the forest's memory */
    int32_t run_capacity;
    cleat__stitch_trace *traces;
    int32_t trace_count, trace_capacity;
    cleat__stitch_node *nodes; /* by trace, in each by span id */
    int32_t node_count, node_capacity;
} cleat__stitching;

/* Makes room for one more in an array that grows, and zeroes it. */
cleat_status cleat__stitch_grow(void **items, int32_t count, int32_t *capacity, size_t item_size);

/* A copy in the forest's memory, of at most 1 KiB: peers may give names of any size. */
cleat_status cleat__stitch_keep_name(cleat__stitching *it, cleat_slice name, cleat_slice *out);

/* ---- stitched_runs.c ---- */

/* The run and those below it. CLEAT_NOT_FOUND: the tenant has no such run. */
cleat_status cleat__stitch_runs(cleat__stitching *it, const cleat__uuid *id);
/* `*index` -1: the tenant has no such run. Of a trace's view it is read when it is first asked for. */
cleat_status cleat__stitch_find_run(cleat__stitching *it, const cleat__uuid *id, int32_t *index);

/* ---- stitched_traces.c ---- */

cleat_status cleat__stitch_traces_of_runs(cleat__stitching *it);
/* CLEAT_NOT_FOUND: the tenant has no such trace. */
cleat_status cleat__stitch_traces_linked(cleat__stitching *it, const cleat_trace_id *id, int32_t follow);

/* ---- stitched_nodes.c ---- */

/* The nodes of all traces, and which of them belong. */
cleat_status cleat__stitch_nodes(cleat__stitching *it);
/* Which of them are shown. Traces are in their order then. */
cleat_status cleat__stitch_choose(cleat__stitching *it);

/* ---- stitched_spans.c ---- */

/* The spans that are shown, in their order, with sums. */
cleat_status cleat__stitch_spans(cleat__stitching *it);

/* ---- stitched_links.c ---- */

cleat_status cleat__stitch_links(cleat__stitching *it);

#endif
