/* One scan with its children, in one relation: how it went and what its traces look like. */
#ifndef CLEAT_CLI_DEMO_ROUND_H
#define CLEAT_CLI_DEMO_ROUND_H

#include "demo_engine.h"

typedef struct cleat__demo_round {
    cleat_trace_relation relation;
    cleat_run_id scan_id;
    int64_t runs; /* the scan and its children */
    int64_t completed, failed, cancelled, retries;
    double seconds; /* from the first call to the end of the last run */

    int64_t traces;
    int64_t largest;               /* spans of the largest */
    int64_t links;                 /* into the parent trace */
    int64_t scan_ns;               /* the scan's own span */
    int64_t trace_ns;              /* of the parent trace: first start to last end */
    int64_t children_ns;           /* first start of the parent trace to the last end of any child's span */
    cleat_trace_id trace_id;       /* the parent trace */
    cleat_trace_id child_trace_id; /* of a child; of one that completed, if any did */
} cleat__demo_round;

/* Runs a scan and waits for its children. CLEAT_CANCELLED: `*stop` was set meanwhile. */
cleat_status cleat__demo_round_run(cleat__demo_engine *engine, const char *directory, int64_t children,
                                   cleat_trace_relation relation, const atomic_bool *stop,
                                   cleat__demo_round *out);

#endif
