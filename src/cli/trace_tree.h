/*
 * The spans of one trace as a tree. Spans whose parent is not stored, and spans that are their own
 * ancestors (nothing forbids a peer to send such), are roots.
 */
#ifndef CLEAT_CLI_TRACE_TREE_H
#define CLEAT_CLI_TRACE_TREE_H

#include "collector/collector.h"

typedef struct cleat__tree_span {
    cleat_span_view view;                  /* reads `record`; has a reference to its resource */
    char *record;                          /* owned */
    cleat_slice service;                   /* in the resource */
    int32_t parent;                        /* index; -1: a root of the tree */
    int32_t first_child, last_child, next; /* -1: none; siblings by start time */
    int32_t depth;
    bool orphan; /* has a parent that is not in the tree */
    /* Of the span and all below it. */
    int32_t span_count, error_count;
    int64_t start_ns, end_ns;
} cleat__tree_span;

typedef struct cleat__trace_tree {
    int64_t tenant;
    cleat_trace_id trace_id;
    cleat__tree_span *spans; /* by start time */
    int32_t count;
    int32_t first_root; /* roots are siblings */
    int32_t orphan_count, error_count;
    int64_t start_ns, end_ns;
    /* While loading. */
    int32_t capacity, last_root;
    const cleat_instrumentation_scope *last_scope, *kept_scope; /* of the last span; interned */
    cleat_status status;
} cleat__trace_tree;

/* CLEAT_NOT_FOUND when the trace has no spans (any more). Deinit on every path. */
cleat_status cleat__trace_tree_load(cleat__store *store, int64_t tenant, const cleat_trace_id *trace_id,
                                    cleat__trace_tree *tree);
void cleat__trace_tree_deinit(cleat__trace_tree *tree);

/* The next span in drawing order (depth first), -1 at the end. */
int32_t cleat__trace_tree_next(const cleat__trace_tree *tree, int32_t index);
/* The same, leaving out what is below `index`. */
int32_t cleat__trace_tree_skip(const cleat__trace_tree *tree, int32_t index);

#endif
