/* Runs that a killed or stopped demo left in the file. */
#ifndef CLEAT_CLI_DEMO_LEFTOVERS_H
#define CLEAT_CLI_DEMO_LEFTOVERS_H

#include "demo_engine.h"

typedef struct cleat__demo_leftovers {
    int64_t before;            /* runs that had not ended */
    int64_t completed, failed; /* runs that ended since, more than `before` when a scan went on */
    double seconds;
} cleat__demo_leftovers;

/* Counts them (before the worker starts), and waits for their end (after). */
cleat_status cleat__demo_leftovers_count(cleat__demo_engine *engine, cleat__demo_leftovers *out);
cleat_status cleat__demo_leftovers_finish(cleat__demo_engine *engine, const atomic_bool *stop,
                                          cleat__demo_leftovers *out);

#endif
