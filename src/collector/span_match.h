/* Whether spans are what a search for traces asks for. What it asks of where spans come from is compared once for each
 * source. Not thread-safe. */
#ifndef CLEAT_COLLECTOR_SPAN_MATCH_H
#define CLEAT_COLLECTOR_SPAN_MATCH_H

#include "base/map.h"
#include "model/needle.h"
#include "collector/source_list.h"
#include "collector/trace_search.h"

typedef struct cleat__span_match {
    cleat__store *store;                      /* borrowed, as the filter */
    const cleat__trace_search_filter *filter; /* service, name and attributes count */
    cleat__needle service, name;
    cleat__source_list sources;
    cleat__map by_source; /* int64_t to what is known of it */
} cleat__span_match;

/* To be deinited on every path. CLEAT_INVALID_ARGUMENT: too many attributes. */
cleat_status cleat__span_match_init(cleat__span_match *match, cleat__store *store,
                                    const cleat__trace_search_filter *filter);
void cleat__span_match_deinit(cleat__span_match *match);

/* False: any span will do. */
bool cleat__span_match_asks(const cleat__span_match *match);

/* Columns of a row of the table span. */
typedef struct cleat__span_row {
    int64_t source;
    cleat_slice name, record;
} cleat__span_row;
cleat_status cleat__span_match_row(cleat__span_match *match, const cleat__span_row *row, bool *matches);

#endif
