/* How far the demo is: a bar on a terminal, a line now and then elsewhere; on standard error. */
#ifndef CLEAT_CLI_DEMO_PROGRESS_H
#define CLEAT_CLI_DEMO_PROGRESS_H

#include "terminal.h"

#include <stdint.h>

typedef struct cleat__demo_progress {
    cleat__terminal terminal; /* standard error */
    const char *label;
    int64_t total;
    int64_t next_line; /* without a terminal: the count at which a line is due */
    bool drawn;        /* a bar is on the screen */
} cleat__demo_progress;

void cleat__demo_progress_begin(cleat__demo_progress *progress, const char *label, int64_t total);
void cleat__demo_progress_show(cleat__demo_progress *progress, int64_t done, int64_t failed, int64_t retried);
/* Removes the bar. */
void cleat__demo_progress_end(cleat__demo_progress *progress);

#endif
