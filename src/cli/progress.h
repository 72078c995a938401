/* How far something is that takes its time: a bar on standard error, if that is a terminal. */
#ifndef CLEAT_CLI_PROGRESS_H
#define CLEAT_CLI_PROGRESS_H

#include "terminal.h"

#include <stdint.h>

typedef struct cleat__progress {
    cleat__terminal terminal;
    const char *label;
    int drawn; /* per cent; -1: nothing yet */
} cleat__progress;

void cleat__progress_begin(cleat__progress *progress, const char *label);
void cleat__progress_show(cleat__progress *progress, int64_t done, int64_t total);
/* Where nobody knows how much there is. */
void cleat__progress_count(cleat__progress *progress, int64_t done);
void cleat__progress_end(cleat__progress *progress); /* removes it */

#endif
