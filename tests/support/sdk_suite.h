/*
 * What a program does with the public headers, wherever its engine is. The test of each place runs the same
 * suite over its own way to open a client.
 */
#ifndef CLEAT_TESTS_SDK_SUITE_H
#define CLEAT_TESTS_SDK_SUITE_H

#include <cleat/cleat.h>

typedef struct sdk_target {
    const char *name;
    /* Opens a client whose engine has this file, which is not there yet. */
    cleat_status (*open)(const char *database, cleat_client **out);
    void (*close)(cleat_client *client);
} sdk_target;

/* Answers what main() shall answer. */
int sdk_suite_run(const sdk_target *target);

#endif
