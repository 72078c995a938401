/* Whether runs are what a search asks for. What it asks of their workflows is compared once for each version. Not
 * thread-safe. */
#ifndef CLEAT_STORE_RUN_MATCH_H
#define CLEAT_STORE_RUN_MATCH_H

#include "base/map.h"
#include "model/needle.h"
#include "store/run_search.h"

enum { CLEAT__RUN_MATCH_FORMS = 3 };

typedef struct cleat__run_match {
    cleat__store *store;                    /* borrowed, as the filter */
    const cleat__run_search_filter *filter; /* tenant, workflow, text and metadata count */
    /* The text as it is; as JSON writes it, also with nothing but ASCII. Those that are like others are empty. */
    cleat__needle text[CLEAT__RUN_MATCH_FORMS];
    bool may_be_id; /* the text: a part of one */
    cleat__map types;
} cleat__run_match;

/* To be deinited on every path. */
cleat_status cleat__run_match_init(cleat__run_match *match, cleat__store *store,
                                   const cleat__run_search_filter *filter);
void cleat__run_match_deinit(cleat__run_match *match);

/* What is known of a version of a workflow. */
typedef struct cleat__run_type {
    int64_t id;
    bool is_wanted; /* the tenant's, and of the workflow that is asked for */
    bool has_text;  /* in its names */
} cleat__run_type;
/* `*out` belongs to the match. */
cleat_status cleat__run_match_type(cleat__run_match *match, int64_t id, const cleat__run_type **out);

bool cleat__run_match_asks_text(const cleat__run_match *match);
bool cleat__run_match_metadata(const cleat__run_match *match, cleat_slice metadata);
/* Whether the text is there; for what is not in the names of its type. */
bool cleat__run_match_id(const cleat__run_match *match, const cleat__uuid *id);
bool cleat__run_match_json(const cleat__run_match *match, cleat_slice json);
bool cleat__run_match_error(const cleat__run_match *match, cleat_slice error);

#endif
