/* The tasks of a run of several, as a table. */
#ifndef CLEAT_CLI_RUN_TASKS_H
#define CLEAT_CLI_RUN_TASKS_H

#include "run_detail.h"
#include "terminal.h"

/* Appends how many there are in which state, and a row for each, in the order of the declaration. */
void cleat__run_tasks_append(cleat__buffer *out, const cleat__terminal *terminal,
                             const cleat__run_detail *run);
/* "3: 2 COMPLETED, 1 FAILED" and a line's end; also of children. */
void cleat__run_counts_append(cleat__buffer *out, const cleat__terminal *terminal,
                              const int64_t counts[CLEAT__RUN_STATUSES], int64_t total);

#endif
