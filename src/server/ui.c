/* The table of the viewer. docs/http-api.md shows it, and a test compares the two. */
#include "ui_parts.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "store/tenant.h"

cleat_status cleat__ui_new(const cleat__ui_options *options, cleat__ui **out)
{
    cleat__ui *ui = cleat__calloc(1, sizeof(*ui));
    *out = ui;
    if (ui == NULL) {
        return cleat__fail_memory();
    }
    ui->engine = options->engine;
    ui->readers = options->readers;
    ui->needs_token = options->needs_token;
    return CLEAT_OK;
}

void cleat__ui_free(cleat__ui *ui)
{
    cleat__free(ui);
}

/* ---- Where one is ---- */

void cleat__ui_meta_get(cleat__http_call *call)
{
    const cleat__ui *ui = call->service;
    cleat__json_writer writer = {0};
    cleat__writer_begin_object(&writer, NULL);
    cleat__writer_string(&writer, "version", cleat_version());
    cleat__writer_bool(&writer, "needs_token", ui->needs_token);
    cleat__writer_bool(&writer, "read_only", ui->engine == NULL);
    cleat__writer_int(&writer, "now_ms", cleat__clock_unix_ns(NULL) / CLEAT__NS_PER_MS);
    cleat__writer_end_object(&writer);
    cleat__http_call_answer_json(call, 200, &writer);
}

static cleat_status write_session(void *argument, cleat__store *store, cleat__json_writer *writer)
{
    const cleat__http_call *call = argument;
    cleat__tenant tenant;
    char id[37];
    cleat_status status = cleat__tenant_get(store, call->identity.tenant, &tenant);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__uuid_format(&tenant.uuid, id);
    cleat__writer_begin_object(writer, NULL);
    cleat__writer_begin_object(writer, "tenant");
    cleat__writer_string(writer, "id", id);
    cleat__writer_string(writer, "name", tenant.name);
    cleat__writer_end_object(writer);
    cleat__writer_end_object(writer);
    return CLEAT_OK;
}

void cleat__ui_session_get(cleat__http_call *call)
{
    cleat__ui_answer(call, write_session, call);
}

/* ---- The table ---- */

/* Files and pages are copied from memory; the pages say what is wrong with an id themselves. */
#define FILES(pattern, handle)                                                                           \
    {                                                                                                    \
        "GET", pattern, CLEAT__HTTP_OPEN | CLEAT__HTTP_NAMED | CLEAT__HTTP_INLINE | CLEAT__HTTP_BROWSED, \
            cleat__ui_##handle                                                                           \
    }
#define API(method, path, flags, handle)                                                 \
    {                                                                                    \
        method, "/api/cleat/v1/" path, (flags) | CLEAT__HTTP_BROWSED, cleat__ui_##handle \
    }

static const cleat__http_route routes[] = {
    FILES("/", page_get),
    FILES("/runs", page_get),
    FILES("/runs/{run}", page_get),
    FILES("/traces", page_get),
    FILES("/traces/{trace}", page_get),
    FILES("/workflows", page_get),
    FILES("/compare", page_get),
    FILES("/assets/{name}", asset_get),

    API("GET", "meta", CLEAT__HTTP_OPEN, meta_get),
    API("GET", "session", 0, session_get),
    API("GET", "runs", 0, run_list),
    API("GET", "runs/histogram", 0, run_histogram),
    API("GET", "runs/{run}", 0, run_get),
    API("POST", "runs/{run}/cancel", 0, run_cancel),
    API("POST", "runs/{run}/replay", 0, run_replay),
    API("GET", "runs/{run}/view", 0, run_view),
    API("GET", "traces", 0, trace_list),
    API("GET", "traces/{trace}/view", CLEAT__HTTP_NAMED, trace_view),
    API("GET", "traces/{trace}/spans/{span}", CLEAT__HTTP_NAMED, span_get),
    API("GET", "workflows", 0, workflow_list),
    API("GET", "workers", 0, worker_list),
    API("GET", "schedules", 0, schedule_list),
    API("GET", "crons", 0, cron_list),
    API("GET", "rate-limits", 0, rate_list),
    API("GET", "filters", 0, filter_list),
    API("GET", "queues/history", 0, queue_history),
};

cleat__http_table cleat__ui_table(cleat__ui *ui)
{
    return (cleat__http_table){routes, sizeof(routes) / sizeof(routes[0]), ui};
}
