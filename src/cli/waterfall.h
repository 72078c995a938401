/*
 * A trace as text: one row per span with its place in the tree, kind, duration, a bar on the
 * trace's time axis and its status.
 *
 * Many siblings of one name are folded into one row, whose shaded bar reaches from the first to the
 * last of them; the first ones, the last one, and the first with an error stay.
 */
#ifndef CLEAT_CLI_WATERFALL_H
#define CLEAT_CLI_WATERFALL_H

#include "base/buffer.h"
#include "terminal.h"
#include "trace_tree.h"

typedef struct cleat__waterfall_options {
    bool all;     /* no folding, all rows */
    int32_t rows; /* without `all`: at most so many */
    int indent;   /* columns left free */
} cleat__waterfall_options;

void cleat__waterfall_append(cleat__buffer *out, const cleat__terminal *terminal,
                             const cleat__trace_tree *tree, const cleat__waterfall_options *options);

#endif
