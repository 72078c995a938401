/*
 * The REST API: what Hatchet's SDKs and dashboards ask a server for. docs/http-api.md lists it.
 * Reads go to the file beside the engine, on readers that are kept; changes go through the engine.
 */
#ifndef CLEAT_SERVER_REST_H
#define CLEAT_SERVER_REST_H

#include "readers.h"

struct cleat__engine;
struct cleat__rate_limit;

typedef struct cleat__rest_options {
    struct cleat__engine *engine;
    const char *path;                     /* of its file */
    struct cleat__rate_limit *rate_limit; /* of those who come without a token; NULL: none */
} cleat__rest_options;

typedef struct cleat__rest cleat__rest;

cleat_status cleat__rest_new(const cleat__rest_options *options, cleat__rest **out);
void cleat__rest_free(cleat__rest *rest); /* after the server; NULL-safe */
/* As long as it is there; others may read with them. */
cleat__readers *cleat__rest_readers(const cleat__rest *rest);
/* Its routes; handlers get `rest`, which may be NULL to look at the table only. */
cleat__http_table cleat__rest_table(cleat__rest *rest);

#endif
