/* What the demo says at its end. */
#ifndef CLEAT_CLI_DEMO_REPORT_H
#define CLEAT_CLI_DEMO_REPORT_H

#include "demo_leftovers.h"
#include "demo_round.h"
#include "verb.h"

typedef struct cleat__demo_report {
    const cleat__cli *cli;
    const char *directory, *database;
    int64_t children, unreadable, dropped_spans;
    cleat__demo_leftovers leftovers;
    cleat__demo_round rounds[2]; /* parent, link */
} cleat__demo_report;

/* `store` reads the same file. Both answer the exit code. */
int cleat__demo_report_print(const cleat__demo_report *report, cleat__store *store);
int cleat__demo_report_print_json(const cleat__demo_report *report);

#endif
