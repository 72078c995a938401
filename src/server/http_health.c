#include "http_health.h"

#include "engine/engine.h"
#include "http_call.h"

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

static cleat_status do_nothing(cleat__store *store, void *argument)
{
    (void)store, (void)argument;
    return CLEAT_OK;
}

static void handle_ready(cleat__http_call *call)
{
    const cleat__http_health *health = call->service;
    cleat_status status = cleat__engine_call(health->engine, do_nothing, NULL);
    if (status == CLEAT_OK) {
        answer_status(call, 200, "ready", NULL);
    } else {
        answer_status(call, 503, "not ready", cleat_error_message());
    }
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
        {"GET", "/live", CLEAT__HTTP_OPEN | CLEAT__HTTP_INLINE | CLEAT__HTTP_UNTRACED, handle_live, NULL},
        {"GET", "/ready", CLEAT__HTTP_OPEN | CLEAT__HTTP_UNTRACED, handle_ready, NULL},
        {"GET", "/metrics", CLEAT__HTTP_OPEN | CLEAT__HTTP_UNTRACED, handle_metrics, NULL},
    };
    return (cleat__http_table){routes, sizeof(routes) / sizeof(routes[0]), health};
}
