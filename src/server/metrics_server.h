/* Numbers of what the server has besides the engine: workers that listen, spans on their way. */
#ifndef CLEAT_SERVER_METRICS_SERVER_H
#define CLEAT_SERVER_METRICS_SERVER_H

#include "collector/collector.h"
#include "collector/forward.h"
#include "listeners.h"
#include "metrics.h"

typedef struct cleat__metrics_server {
    cleat__listeners *listeners;
    cleat__collector *collector;
    cleat__forward *forward; /* NULL: none */
} cleat__metrics_server;

/* `self` is borrowed, until no scrape comes any more. */
cleat_status cleat__metrics_server_add(cleat__metrics *metrics, cleat__metrics_server *self);

#endif
