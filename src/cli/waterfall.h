/*
 * A forest of spans as text: one row per span with its place in its trace, kind, duration, a bar on the one
 * time axis of all traces, its status, and where its links lead and how many lead to it. Waiting for
 * a worker (░) and sleeping (·) look different from work (█).
 *
 * Of several traces each is a band below a heading of its own. Many siblings of one name are folded into one row,
 * whose line reaches from the first to the last of them; so are many traces of one name.
 */
#ifndef CLEAT_CLI_WATERFALL_H
#define CLEAT_CLI_WATERFALL_H

#include "base/buffer.h"
#include "collector/stitched.h"
#include "terminal.h"

typedef struct cleat__waterfall_options {
    bool all;      /* no folding, all rows */
    int32_t rows;  /* without `all`: at most so many */
    int indent;    /* columns left free */
    bool headings; /* also of a single trace */
} cleat__waterfall_options;

void cleat__waterfall_append(cleat__buffer *out, const cleat__terminal *terminal,
                             const cleat__stitched *forest, const cleat__waterfall_options *options);

#endif
