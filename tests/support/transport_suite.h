/*
 * What every transport has to do. Each implementation's test runs the same suite over its own way
 * to open one.
 */
#ifndef CLEAT_TESTS_TRANSPORT_SUITE_H
#define CLEAT_TESTS_TRANSPORT_SUITE_H

#include "transport/transport.h"

typedef struct transport_target {
    const char *name;
    /* Opens a transport to an engine on this file, which may not be there yet. */
    cleat_status (*open)(const char *database, cleat__transport **out);
} transport_target;

/* Answers what main() shall answer. */
int transport_suite_run(const transport_target *target);
int transport_durable_run(const transport_target *target); /* the log of durable runs */

#endif
