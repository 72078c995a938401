/*
 * Many that are alike in one row: siblings of one name in a trace, and traces of one name. What is hidden
 * so, and what its row says. The first ones stay, the last one, and the first with an error below it.
 */
#ifndef CLEAT_CLI_FOLD_H
#define CLEAT_CLI_FOLD_H

#include "collector/stitched.h"

typedef struct cleat__fold {
    int32_t count, spans, errors; /* siblings, or traces; spans and errors: with all below them */
    int64_t start_ns, end_ns;
} cleat__fold;

/* One byte per span, 1 where it and what is below it are folded away. The caller frees it; NULL
 * when memory ran out. */
uint8_t *cleat__fold_spans(const cleat__stitched *forest);
/* Sums up the folded siblings from `first` on; answers the last of them. */
int32_t cleat__fold_read(const cleat__stitched *forest, const uint8_t *folded, int32_t first,
                         cleat__fold *out);

/* Traces, which need not be neighbours. */
typedef struct cleat__trace_folds {
    int32_t *groups;     /* of each trace; -1: it has rows of its own */
    cleat__fold *folds;  /* of each group */
    int32_t group_count; /* those of which none is folded among them */
} cleat__trace_folds;
/* False when memory ran out. Deinit on every path. */
bool cleat__fold_traces(const cleat__stitched *forest, cleat__trace_folds *out);
void cleat__trace_folds_deinit(cleat__trace_folds *folds);

/* Errors of the spans of a trace that are in the picture. */
int32_t cleat__fold_trace_errors(const cleat__stitched *forest, const cleat__stitched_trace *trace);

#endif
