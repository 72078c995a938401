/* A bar on a time axis, with an eighth of a column as its smallest step where UTF-8 is there. */
#ifndef CLEAT_CLI_BAR_H
#define CLEAT_CLI_BAR_H

#include "base/buffer.h"
#include "terminal.h"

typedef enum cleat__bar_fill {
    CLEAT__BAR_WORK,
    CLEAT__BAR_QUEUE, /* waiting for a worker */
    CLEAT__BAR_SLEEP, /* waiting for a time or an event */
    CLEAT__BAR_EXTENT /* from the first to the last of several */
} cleat__bar_fill;

/* Where a bar is: it covers columns `first` .. `end` - 1 of `columns`, at least one. */
typedef struct cleat__bar {
    int columns, first, end;
    int first_step, end_step; /* the same in eighths */
} cleat__bar;

/* From `start` to `end` of `total`, never less than the smallest step. */
cleat__bar cleat__bar_place(int columns, int64_t start, int64_t end, int64_t total);
/* Appends its columns `from` .. `to` - 1, without colour codes. */
void cleat__bar_append(cleat__buffer *out, const cleat__terminal *terminal, const cleat__bar *bar, int from,
                       int to, cleat__bar_fill fill);

#endif
