/*
 * What watches over the server asks it, without a token:
 *
 *   GET /live     200 as long as connections are served
 *   GET /ready    200 when the engine takes work; 503 with a reason when it has failed or stands still, and
 *                 before all is served and when it is to end
 *   GET /metrics  the numbers
 */
#ifndef CLEAT_SERVER_HTTP_HEALTH_H
#define CLEAT_SERVER_HTTP_HEALTH_H

#include "http_route.h"
#include "metrics.h"

struct cleat__engine;

typedef enum cleat__http_phase {
    CLEAT__HTTP_STARTING,
    CLEAT__HTTP_SERVING,
    CLEAT__HTTP_STOPPING,
} cleat__http_phase;

typedef struct cleat__http_health {
    struct cleat__engine *engine;
    cleat__metrics *metrics;
    _Atomic(cleat__http_phase) phase;
} cleat__http_health;

/* `health` is borrowed. */
cleat__http_table cleat__http_health_table(cleat__http_health *health);

#endif
