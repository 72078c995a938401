/* The engine's numbers, and those of its file. */
#ifndef CLEAT_SERVER_METRICS_ENGINE_H
#define CLEAT_SERVER_METRICS_ENGINE_H

#include "metrics.h"

struct cleat__engine;

typedef struct cleat__metrics_engine cleat__metrics_engine;

/* Adds them to `metrics`. `path` is the engine's file, which is read beside it. */
cleat_status cleat__metrics_engine_new(cleat__metrics *metrics, struct cleat__engine *engine,
                                       const char *path, cleat__metrics_engine **out);
/* Before engine and metrics go. NULL-safe. */
void cleat__metrics_engine_free(cleat__metrics_engine *self);

#endif
