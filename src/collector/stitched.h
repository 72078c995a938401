/*
 * Spans of several traces as one forest, in memory of its own: all traces of a run and of what it started, or a
 * trace with those it is linked with. This is what the waterfalls are drawn of.
 *
 * Of a run's traces only what belongs to it is there: the spans of these runs, what is below them, and the way
 * up to the root. Where there is more than `limit` the first by start time are there (of nearer traces before those
 * over more links), and always the parents of those that are.
 *
 * Peers say what they like: a span whose parent is not stored, or that is its own ancestor, is a root; an end before
 * its start, or a time before 1970, is moved; a span whose record cannot be read has what its columns say.
 *
 * Work is bounded: CLEAT__STITCHED_RUNS_MAX runs, _TRACES_MAX traces, _READ_MAX spans looked at (without their
 * records; `limit` where that is more), 16 KiB of records for each span of `limit`, _LINKS_MAX links and as many
 * back-links. `is_complete` says whether that was enough.
 */
#ifndef CLEAT_COLLECTOR_STITCHED_H
#define CLEAT_COLLECTOR_STITCHED_H

#include "base/arena.h"
#include "collector/collector.h"
#include "collector/source_list.h"

enum {
    CLEAT__STITCHED_NONE = -1, /* an index that leads nowhere */
    CLEAT__STITCHED_LIMIT = 10000,
    CLEAT__STITCHED_LIMIT_MAX = 10000000,
    CLEAT__STITCHED_RUNS_MAX = 10000,
    CLEAT__STITCHED_TRACES_MAX = 10000,
    CLEAT__STITCHED_READ_MAX = 500000,
    CLEAT__STITCHED_LINKS_MAX = 100000,
    CLEAT__STITCHED_FOLLOW_MAX = 5,
    CLEAT__STITCHED_OUTSIDE_MAX = 100, /* traces named of those outside, each way */
};

/* A run and those it started, parents first; of a trace's view those that its spans name. */
typedef struct cleat__stitched_run {
    cleat__uuid id;
    cleat_slice workflow, task; /* the workflow's name; the task's readable id */
    cleat_run_status status;
    int32_t parent; /* index into runs; -1: it is not among them, or there is none */
    int64_t created_at_ms;
    int64_t started_at_ms;  /* of the newest attempt; 0: not yet */
    int64_t finished_at_ms; /* 0: not yet */
} cleat__stitched_run;

/* A trace with spans in the picture. */
typedef struct cleat__stitched_trace {
    cleat_trace_id id;
    cleat_slice name, task, service; /* as cleat__trace_row; absent where there is none */
    int64_t span_count, error_count; /* as stored, whether they belong or not */
    int32_t belonging;               /* spans that belong to the picture */
    int32_t first_span, shown;       /* spans[first_span] .. spans[first_span + shown - 1] are its own */
    int32_t run, attempt;            /* of the first span in drawing order that has them; -1 and 0: none */
    int32_t distance;         /* links between it and the trace that was asked for; of a run's view 0 */
    int64_t start_ns, end_ns; /* Unix; of what belongs */
    int64_t number;           /* trace.id in the file */
} cleat__stitched_trace;

typedef struct cleat__stitched_span {
    cleat_span_view
        view;       /* its record, resource and scope live as long as the forest; the record is empty when it
                           * cannot be read. Ids and times are those to draw by */
    int32_t trace;  /* index into traces */
    int32_t parent; /* index into spans, smaller than its own; -1: a root of its trace */
    int32_t first_child, next; /* index + 1, and the next sibling by start; -1: none */
    int32_t depth;
    int32_t service; /* index into services; -1: none */
    int32_t run;     /* index into runs, of a task of a run of several its own; -1: none, or not there */
    int32_t attempt; /* from 1; 0: it names none */
    int32_t first_link, link_count; /* links[first_link] .. are its own */
    int32_t back_links;             /* links to it in the whole file */
    bool orphan;                    /* has a parent that is not stored, or is its own ancestor */
    /* Of the span and all below it that is shown. */
    int32_t span_count, error_count;
    int64_t start_ns, end_ns;
} cleat__stitched_span;

/* A link of a span in the picture. */
typedef struct cleat__stitched_link {
    int32_t from;     /* index into spans */
    int32_t to;       /* the same; -1: to a span that is not in the picture */
    cleat_slice kind; /* cleat.link.kind; absent: none */
    cleat_trace_id to_trace_id;
    cleat_span_id to_span_id;
} cleat__stitched_link;

/* A trace that is not in the picture and has links with it. */
typedef struct cleat__stitched_outside {
    cleat_trace_id trace_id;
    cleat_slice name; /* of its root; absent: it is not stored */
    cleat_slice task; /* as cleat__trace_row */
    int64_t count;    /* of links */
} cleat__stitched_outside;

typedef struct cleat__stitched {
    int64_t tenant;
    cleat__stitched_run *runs;
    int32_t run_count;
    cleat__stitched_trace
        *traces; /* by start, else the longest first; those of whose spans none is shown are left out */
    int32_t trace_count;
    cleat__stitched_span *spans; /* by trace, in each in drawing order: depth first, siblings by start */
    int32_t span_count;
    cleat__stitched_link *links; /* by span */
    int32_t link_count;
    cleat_slice *services;
    int32_t service_count;
    cleat__stitched_outside *links_to, *linked_from; /* those with most links first */
    int32_t links_to_count, linked_from_count;       /* up to CLEAT__STITCHED_OUTSIDE_MAX .. */
    int64_t links_to_total, linked_from_total;       /* .. of so many traces */

    int64_t total_spans, total_traces; /* that belong, shown or not */
    int32_t orphan_count, error_count; /* of the spans that are shown */
    int64_t start_ns, end_ns;          /* Unix; of all that belongs. 0: nothing does */
    bool is_complete;                  /* false: work was cut, and totals count what was looked at */

    cleat__arena memory; /* what slices and views lead to */
    cleat__source_list sources;
} cleat__stitched;

/*
 * Both belong into one transaction of the caller's, so that what is read together was there together, and fill `out`,
 * which is to be deinited on every path. `limit` of spans; 0: CLEAT__STITCHED_LIMIT.
 */

/* CLEAT_NOT_FOUND: the tenant has no such run. One that has no spans yet is an empty picture with its runs. */
cleat_status cleat__stitched_load_run(cleat__store *store, int64_t tenant, const cleat__uuid *run_id,
                                      int32_t limit, cleat__stitched *out);
/* With the traces that links lead to and come from, over `follow` links (0: none, _FOLLOW_MAX at most).
 * CLEAT_NOT_FOUND when the trace has no spans (any more). */
cleat_status cleat__stitched_load_trace(cleat__store *store, int64_t tenant, const cleat_trace_id *trace_id,
                                        int32_t follow, int32_t limit, cleat__stitched *out);
void cleat__stitched_deinit(cleat__stitched *stitched);

/* Drawing order is the order of `spans`: what is behind `index` and all that is below it. */
static inline int32_t cleat__stitched_skip(const cleat__stitched *stitched, int32_t index)
{
    return index + stitched->spans[index].span_count;
}

#endif
