/*
 * The engine inside this process: calls go straight to its command queue, spans straight into its
 * collector. Engine and collector answer and set the error message themselves.
 */
#include "transport/transport.h"

#include "base/alloc.h"
#include "base/env.h"
#include "base/error.h"
#include "collector/collector.h"
#include "engine/engine.h"

#define TENANT CLEAT__TENANT_DEFAULT

typedef struct embedded {
    cleat__transport base; /* first */
    cleat__engine *engine;
    cleat__collector *collector;
} embedded;

static cleat__engine *engine_of(cleat__transport *self)
{
    return ((embedded *)self)->engine;
}

static cleat_status embedded_put_workflow(cleat__transport *self, const cleat__workflow *workflow)
{
    return cleat__engine_put_workflow(engine_of(self), TENANT, workflow, NULL);
}

static cleat_status embedded_trigger(cleat__transport *self, const cleat__trigger *triggers, size_t count,
                                     cleat__uuid *ids)
{
    return cleat__engine_trigger(engine_of(self), TENANT, triggers, count, ids);
}

static cleat_status embedded_wait(cleat__transport *self, const cleat__uuid *run_id, int64_t timeout_ms,
                                  cleat_run_result *result)
{
    return cleat__engine_wait(engine_of(self), TENANT, run_id, timeout_ms, result);
}

static cleat_status embedded_cancel(cleat__transport *self, const cleat__uuid *run_id)
{
    return cleat__engine_cancel(engine_of(self), TENANT, run_id);
}

static cleat_status embedded_worker_add(cleat__transport *self, const char *name, const cleat_slice *actions,
                                        size_t action_count, int32_t slots, const cleat__transport_sink *sink,
                                        cleat__uuid *worker_id)
{
    cleat__worker_sink engine_sink = {sink->self, sink->assign, sink->cancel};
    (void)name; /* for engines that list their workers */
    return cleat__engine_worker_add(engine_of(self), TENANT, actions, action_count, slots, &engine_sink,
                                    worker_id);
}

static cleat_status embedded_worker_pause(cleat__transport *self, const cleat__uuid *worker_id)
{
    return cleat__engine_worker_pause(engine_of(self), TENANT, worker_id);
}

static cleat_status embedded_worker_remove(cleat__transport *self, const cleat__uuid *worker_id)
{
    return cleat__engine_worker_remove(engine_of(self), TENANT, worker_id);
}

static cleat_status embedded_worker_heartbeat(cleat__transport *self, const cleat__uuid *worker_id)
{
    return cleat__engine_worker_heartbeat(engine_of(self), TENANT, worker_id);
}

static cleat_status embedded_report(cleat__transport *self, const cleat__report *report)
{
    return cleat__engine_report(engine_of(self), TENANT, report);
}

static cleat_status embedded_log(cleat__transport *self, const cleat__log_line *line)
{
    return cleat__engine_log(engine_of(self), TENANT, line);
}

static cleat_status embedded_export_spans(cleat__transport *self, const cleat_span_batch *batch,
                                          int64_t timeout_ms)
{
    (void)timeout_ms; /* the collector works in pieces of a few milliseconds */
    return cleat__collector_ingest(((embedded *)self)->collector, CLEAT__TENANT_DEFAULT, batch);
}

static void embedded_free(cleat__transport *self)
{
    embedded *transport = (embedded *)self;
    cleat__collector_free(transport->collector);
    cleat__engine_close(transport->engine);
    cleat__free(transport);
}

static const cleat__transport embedded_functions = {
    .put_workflow = embedded_put_workflow,
    .trigger = embedded_trigger,
    .wait = embedded_wait,
    .cancel = embedded_cancel,
    .worker_add = embedded_worker_add,
    .worker_pause = embedded_worker_pause,
    .worker_remove = embedded_worker_remove,
    .worker_heartbeat = embedded_worker_heartbeat,
    .report = embedded_report,
    .log = embedded_log,
    .export_spans = embedded_export_spans,
    .free = embedded_free,
};

/* options, CLEAT_DB, "./cleat.db": the first that says something. The caller frees it. */
static char *database_path(const cleat_client_options *options)
{
    if (options->database != NULL) {
        return cleat__strdup(options->database);
    }
    cleat_slice variable = cleat__env_get("CLEAT_DB");
    return variable.size > 0 ? cleat__slice_dup(variable) : cleat__strdup("./cleat.db");
}

cleat_status cleat__transport_embedded_new(const cleat_client_options *options, cleat__transport **out)
{
    cleat_status status = CLEAT_OK;
    *out = NULL;
    if (options->namespace_prefix != NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT,
                           "namespace_prefix has no meaning in an embedded engine: leave it NULL");
    }
    if (options->database != NULL && options->database[0] == '\0') {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "database is an empty path");
    }
    char *path = database_path(options);
    embedded *transport = cleat__calloc(1, sizeof *transport);
    if (path == NULL || transport == NULL) {
        status = cleat__fail_memory();
        goto out;
    }
    transport->base = embedded_functions;
    status = cleat__engine_open(&(cleat__engine_options){.path = path}, &transport->engine);
    if (status != CLEAT_OK) {
        goto out;
    }
    const cleat__collector_options collector = {
        .retention_ms = options->trace_retention_ms,
        .retention_bytes = options->trace_retention_bytes,
    };
    status = cleat__collector_new(transport->engine, &collector, &transport->collector);
    if (status != CLEAT_OK) {
        cleat__engine_close(transport->engine);
        goto out;
    }
    *out = &transport->base;
    transport = NULL;
out:
    cleat__free(transport);
    cleat__free(path);
    return status;
}
