/*
 * Many siblings of one name in one row: which spans of a tree are hidden so, and what their row
 * says. The first ones stay, the last one, and the first with an error below it.
 */
#ifndef CLEAT_CLI_FOLD_H
#define CLEAT_CLI_FOLD_H

#include "trace_tree.h"

typedef struct cleat__fold {
    int32_t siblings, spans, errors; /* spans and errors: with all below them */
    int64_t start_ns, end_ns;
} cleat__fold;

/* One byte per span, 1 where it and what is below it are folded away. The caller frees it; NULL
 * when memory ran out. */
uint8_t *cleat__fold_mark(const cleat__trace_tree *tree);

/* Sums up the folded siblings from `first` on; answers the last of them. */
int32_t cleat__fold_read(const cleat__trace_tree *tree, const uint8_t *folded, int32_t first,
                         cleat__fold *out);

#endif
