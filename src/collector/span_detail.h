/* One span with all that is stored of it, the names of what it links to, and the spans that link to it. */
#ifndef CLEAT_COLLECTOR_SPAN_DETAIL_H
#define CLEAT_COLLECTOR_SPAN_DETAIL_H

#include "base/arena.h"
#include "collector/collector.h"
#include "collector/source_list.h"

enum {
    CLEAT__SPAN_LINKS_MAX = 1000,      /* links of its own that are read */
    CLEAT__BACK_LINKS_LIMIT = 100,     /* unless it is said otherwise */
    CLEAT__BACK_LINKS_MAX = 1000,      /* at once */
    CLEAT__BACK_LINKS_COUNTED = 20000, /* for the total */
};

/* A link of the span, in the order of its record. */
typedef struct cleat__detail_link {
    cleat_link_view link; /* with its attributes */
    cleat_slice name;     /* of the span it leads to; absent: that is not stored */
    cleat_slice task;     /* of the same: cleat__span_task() */
    cleat_slice kind;     /* cleat.link.kind; absent: it has none */
} cleat__detail_link;

typedef struct cleat__span_detail {
    cleat__stored_span stored; /* view, resource and scope live as long as the detail */
    bool has_task_run;
    cleat__uuid task_run_id; /* hatchet.step_run_id */
    cleat__detail_link *links;
    int32_t link_count;          /* of stored.span.link_count at most CLEAT__SPAN_LINKS_MAX */
    cleat__link_row *back_links; /* the newest first: `from` links here */
    int32_t back_link_count;
    int64_t back_link_total; /* of all pages */
    bool is_total_complete;  /* false: there are more than CLEAT__BACK_LINKS_COUNTED */
    bool has_next;
    int64_t next; /* `back_before` of the next page, with has_next; above 0 */

    cleat__arena memory;
    cleat__source_list sources;
} cleat__span_detail;

typedef struct cleat__span_detail_filter {
    int64_t tenant;
    cleat_trace_id trace_id;
    cleat_span_id span_id;
    int64_t back_before; /* 0: from the newest on */
    int64_t back_limit;  /* 0: CLEAT__BACK_LINKS_LIMIT; negative: none, nor their total */
} cleat__span_detail_filter;

/* `out` is to be deinited on every path. CLEAT_NOT_FOUND: the tenant has no such span (any more);
 * CLEAT_CORRUPT: its record cannot be read. */
cleat_status cleat__span_detail_load(cleat__store *store, const cleat__span_detail_filter *filter,
                                     cleat__span_detail *out);
void cleat__span_detail_deinit(cleat__span_detail *detail);

#endif
