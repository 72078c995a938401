#include "http_health.h"

#include "engine/engine.h"
#include "http_call.h"

/* The engine is slow under load too, but comes further all the time. */
#define STALLED_MS 5000

static void answer_status(cleat__http_call *call, unsigned code, const char *status, const char *reason)
{
    cleat__json_writer writer = {0};
    cleat__writer_begin_object(&writer, NULL);
    cleat__writer_string(&writer, "status", status);
    if (reason != NULL) {
        cleat__writer_string(&writer, "reason", reason);
    }
    cleat__writer_end_object(&writer);
    cleat__http_call_answer_json(call, code, &writer);
}

static void handle_live(cleat__http_call *call)
{
    answer_status(call, 200, "live", NULL);
}

/* Asks nobody that could keep it waiting: it runs on the thread of all connections. NULL: it is ready. */
static const char *why_not_ready(cleat__http_health *health)
{
    cleat__engine_stats stats;
    cleat__http_phase phase = atomic_load(&health->phase);
    if (phase != CLEAT__HTTP_SERVING) {
        return phase == CLEAT__HTTP_STARTING ? "the server is starting" : "the server is stopping";
    }
    cleat__engine_get_stats(health->engine, &stats);
    if (stats.failure != CLEAT_OK) {
        return cleat_status_text(stats.failure);
    }
    return stats.stalled_ms >= STALLED_MS ? "the engine stands still: does the disk answer?" : NULL;
}

static void handle_ready(cleat__http_call *call)
{
    const char *reason = why_not_ready(call->service);
    answer_status(call, reason == NULL ? 200 : 503, reason == NULL ? "ready" : "not ready", reason);
}

static void handle_metrics(cleat__http_call *call)
{
    const cleat__http_health *health = call->service;
    cleat__buffer text = {0};
    cleat__metrics_write(health->metrics, &text);
    cleat__http_call_answer(call, 200, CLEAT__METRICS_CONTENT_TYPE, &text);
}

cleat__http_table cleat__http_health_table(cleat__http_health *health)
{
    static const cleat__http_route routes[] = {
        {"GET", "/live", CLEAT__HTTP_OPEN | CLEAT__HTTP_INLINE | CLEAT__HTTP_UNTRACED, handle_live},
        {"GET", "/ready", CLEAT__HTTP_OPEN | CLEAT__HTTP_INLINE | CLEAT__HTTP_UNTRACED, handle_ready},
        {"GET", "/metrics", CLEAT__HTTP_OPEN | CLEAT__HTTP_UNTRACED, handle_metrics},
    };
    return (cleat__http_table){routes, sizeof(routes) / sizeof(routes[0]), health};
}
