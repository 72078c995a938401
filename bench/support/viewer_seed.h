/* A file as a busy machine has it after a day, for bench/viewer: made by the functions that the engine and the collector
 * store with. */
#ifndef CLEAT_BENCH_SUPPORT_VIEWER_SEED_H
#define CLEAT_BENCH_SUPPORT_VIEWER_SEED_H

#include "base/uuid.h"

#include <cleat/trace.h>

enum {
    SEED_RUNS = 100000,      /* 1 % of which have failed; each 864 ms later than the one before */
    SEED_SPANS = 1000000,    /* about: in traces of 5 to 24, but for two */
    SEED_LARGE = 10000,      /* spans of one trace */
    SEED_HUGE = 100000,      /* and of another one */
    SEED_BACK_LINKS = 10000, /* to one span */
    SEED_CHILDREN = 500,     /* of one run */
};

/* What is found again by its id. */
typedef struct seed_marks {
    cleat_trace_id large, huge, target_trace;
    cleat_span_id target_span; /* that has the back-links */
    cleat__uuid parent;        /* that has the children */
} seed_marks;

/* Makes the file, which is not there. Ends the program when that fails. */
void bench_seed_make(const char *path);
/* Of a file that was made before. */
void bench_seed_find(const char *path, seed_marks *out);

#endif
