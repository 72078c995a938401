/*
 * What the demo runs on: client, tracing, worker. The batch processor is the demo's own rather than
 * the instrumentor's, to have its counts of dropped spans.
 */
#ifndef CLEAT_CLI_DEMO_ENGINE_H
#define CLEAT_CLI_DEMO_ENGINE_H

#include "demo_tasks.h"
#include "store/query.h"

typedef struct cleat__demo_engine {
    cleat_client *client;
    cleat_tracer_provider *provider;
    cleat_span_processor *processor; /* of the provider */
    cleat_instrumentor *instrumentor;
    cleat_worker *worker;
    cleat__store *reader; /* the same file, for what the public client does not tell */
    cleat__demo_tasks tasks;
} cleat__demo_engine;

/* Opens or creates the file; the worker does not work yet. Close on every path. */
cleat_status cleat__demo_engine_open(cleat__demo_engine *engine, const char *database,
                                     const atomic_bool *stop);
/* Lets running tasks end; CLEAT_TIMEOUT when they do not within a few seconds. */
cleat_status cleat__demo_engine_stop(cleat__demo_engine *engine);
void cleat__demo_engine_close(cleat__demo_engine *engine);

/* Until all spans that have ended are in the file. */
cleat_status cleat__demo_engine_flush(cleat__demo_engine *engine);
/* Spans that are lost. */
int64_t cleat__demo_engine_dropped(const cleat__demo_engine *engine);

#endif
