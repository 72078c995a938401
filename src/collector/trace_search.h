/*
 * Traces by what is in them, for the viewer: piece by piece. A search looks at so many rows of traces and spans at
 * most (large records count by their size too), says how far it came, and goes on from there, also in the middle of a trace.
 */
#ifndef CLEAT_COLLECTOR_TRACE_SEARCH_H
#define CLEAT_COLLECTOR_TRACE_SEARCH_H

#include "collector/collector.h"

enum {
    CLEAT__TRACE_SEARCH_WORK = 10000,  /* rows looked at */
    CLEAT__TRACE_SORT_MAX = 30000,     /* traces of which the longest are chosen */
    CLEAT__TRACE_LINKS_COUNTED = 1000, /* links of a row are counted so far, each way */
    CLEAT__TRACE_ATTRIBUTES_MAX = 16,  /* of a filter */
    CLEAT__TRACE_CURSOR_SIZE = 64,     /* of its text with the NUL */
};

typedef struct cleat__trace_attribute {
    cleat_slice key, value; /* numbers and booleans as JSON writes them; an array is any of its elements */
} cleat__trace_attribute;

/* Where a search is to go on: behind that trace, or behind that span of it. */
typedef struct cleat__trace_cursor {
    int64_t order;  /* the trace's start, or duration */
    int64_t number; /* trace.id */
    bool has_span;
    cleat_span_id span_id;
} cleat__trace_cursor;
void cleat__trace_cursor_format(const cleat__trace_cursor *cursor, char text[CLEAT__TRACE_CURSOR_SIZE]);
/* CLEAT_INVALID_ARGUMENT */
cleat_status cleat__trace_cursor_parse(cleat_slice text, cleat__trace_cursor *out);

typedef struct cleat__trace_search_filter {
    int64_t tenant;
    /* Of one and the same span. Name and service are parts of its own; capital letters of ASCII are small ones.
     * An attribute is the span's or its resource's, and is as it is written. Absent or empty: any. */
    cleat_slice service;
    cleat_slice name;                         /* of the span, or of its task: cleat__span_task() */
    const cleat__trace_attribute *attributes; /* all of them */
    size_t attribute_count;
    /* Of the trace */
    cleat__trace_status status;
    int64_t min_duration_ns, max_duration_ns; /* max 0: any */
    int64_t since_ns, until_ns;               /* it started then or between; until 0: any */
    bool
        is_longest_first; /* of the newest CLEAT__TRACE_SORT_MAX that started in that time; else newest first */
    const cleat__trace_cursor *before; /* NULL: from the first on */
    int64_t limit;
    int64_t work; /* rows; 0: as above */
} cleat__trace_search_filter;

typedef struct cleat__trace_search_end {
    bool has_next;            /* there may be more: search again with `before` = &next */
    cleat__trace_cursor next; /* with fewer traces than `limit`: the work was cut there */
    /* The start of the last trace that was looked at. Longest first: of the oldest of those that are sorted, and then
     * also without has_next, when there are older ones. 0: all there are were looked at. */
    int64_t searched_to_ms;
    int64_t searched_spans;
} cleat__trace_search_end;

/* Calls `visit` for each trace until it answers false, which counts as the last one that was wanted. It may read what
 * it wants on the same store, but not search. CLEAT_INVALID_ARGUMENT: too many attributes. */
cleat_status cleat__trace_search(cleat__store *store, const cleat__trace_search_filter *filter,
                                 bool (*visit)(void *argument, const cleat__trace_row *row), void *argument,
                                 cleat__trace_search_end *end);

#endif
