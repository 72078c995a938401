/* A trace as JSON: OTLP (resourceSpans) with its links beside it. */
#ifndef CLEAT_CLI_TRACE_JSON_H
#define CLEAT_CLI_TRACE_JSON_H

#include "trace_tree.h"

/* Prints one document; answers the exit code. */
int cleat__trace_print_json(cleat__store *store, const cleat__trace_tree *tree);

#endif
