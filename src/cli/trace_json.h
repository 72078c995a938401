/* The one trace of a forest as JSON: OTLP (resourceSpans) with its links beside it. */
#ifndef CLEAT_CLI_TRACE_JSON_H
#define CLEAT_CLI_TRACE_JSON_H

#include "collector/stitched.h"

/* Prints one document; answers the exit code. */
int cleat__trace_print_json(cleat__store *store, const cleat__stitched *forest);

#endif
