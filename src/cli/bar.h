/* A bar on a time axis, with an eighth of a column as its smallest step where UTF-8 is there. */
#ifndef CLEAT_CLI_BAR_H
#define CLEAT_CLI_BAR_H

#include "base/buffer.h"
#include "terminal.h"

typedef enum cleat__bar_fill {
    CLEAT__BAR_SOLID,
    CLEAT__BAR_SHADED,
} cleat__bar_fill;

/* Appends exactly `columns` columns: the bar covers `start` .. `end` of `total`, never less than
 * the smallest step. Without colour codes. */
void cleat__bar_append(cleat__buffer *out, const cleat__terminal *terminal, int columns, int64_t start,
                       int64_t end, int64_t total, cleat__bar_fill fill);

#endif
