/*
 * The engine inside this process: calls go straight to its command queue, spans straight into its
 * collector, and what is old is removed. Engine and collector answer and set the error message themselves.
 */
#include "transport/embedded_crons.h"
#include "transport/embedded_filters.h"
#include "transport/embedded_lists.h"
#include "transport/embedded_looks.h"
#include "transport/embedded_runs.h"
#include "transport/embedded_workflows.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/env.h"
#include "base/error.h"
#include "collector/collector.h"
#include "engine/command.h"
#include "engine/retention.h"

typedef struct embedded {
    cleat__transport base; /* first */
    cleat__engine *engine;
    cleat__collector *collector;
    cleat__retention *retention;
    int64_t tenant; /* whose all calls are */
} embedded;

static cleat__engine *engine_of(cleat__transport *self)
{
    return ((embedded *)self)->engine;
}

static int64_t tenant_of(cleat__transport *self)
{
    return ((embedded *)self)->tenant;
}

static cleat_status embedded_trigger(cleat__transport *self, const cleat__trigger *triggers, size_t count,
                                     cleat__uuid *ids)
{
    return cleat__engine_trigger(engine_of(self), tenant_of(self), triggers, count, ids);
}

static cleat_status embedded_wait(cleat__transport *self, const cleat__uuid *run_id, int64_t timeout_ms,
                                  cleat_run_result *result)
{
    return cleat__engine_wait(engine_of(self), tenant_of(self), run_id, timeout_ms, result);
}

static cleat_status embedded_wait_for_next(cleat__transport *self, const cleat__uuid *run_id,
                                           int64_t timeout_ms, cleat_run_result *result)
{
    return cleat__engine_follow(engine_of(self), tenant_of(self), CLEAT__FOLLOW_STREAM, run_id, timeout_ms,
                                result);
}

static cleat_status embedded_cancel(cleat__transport *self, const cleat__uuid *run_id)
{
    return cleat__engine_cancel(engine_of(self), tenant_of(self), run_id);
}

static cleat_status embedded_replay(cleat__transport *self, const cleat__uuid *run_id)
{
    return cleat__engine_replay(engine_of(self), tenant_of(self), run_id);
}

static cleat_status ask(cleat__transport *self, cleat__command command)
{
    command.tenant = tenant_of(self);
    return cleat__engine_ask(engine_of(self), &command);
}

/* Programs that speak to a server may share an action on purpose; two of ours that do, have done so by accident. */
static cleat_status embedded_put_workflow(cleat__transport *self, const cleat__workflow *workflow)
{
    return ask(self, (cleat__command){.kind = CLEAT__COMMAND_PUT_WORKFLOW,
                                      .as.put_workflow = {.workflow = workflow, .owns_actions = true}});
}

static cleat_status embedded_push(cleat__transport *self, const cleat__user_event *events, size_t count,
                                  cleat__uuid *ids)
{
    return cleat__engine_push(engine_of(self), tenant_of(self), events, count, ids);
}

static cleat_status embedded_worker_add(cleat__transport *self, const cleat__worker_spec *spec,
                                        const cleat__transport_sink *sink, cleat__uuid *worker_id)
{
    return ask(self, (cleat__command){.kind = CLEAT__COMMAND_WORKER_JOIN,
                                      .as.worker_join = {.spec = spec,
                                                         .sink = {sink->self, sink->assign, sink->cancel},
                                                         .failed = sink->lost,
                                                         .id = worker_id}});
}

static cleat_status embedded_worker_label(cleat__transport *self, const cleat__uuid *worker_id,
                                          const cleat__label *labels, size_t count)
{
    return ask(self, (cleat__command){.kind = CLEAT__COMMAND_WORKER_LABEL,
                                      .as.worker_label = {*worker_id, labels, count}});
}

static cleat_status embedded_worker_pause(cleat__transport *self, const cleat__uuid *worker_id)
{
    return cleat__engine_worker_pause(engine_of(self), tenant_of(self), worker_id);
}

static cleat_status embedded_worker_remove(cleat__transport *self, const cleat__uuid *worker_id)
{
    return cleat__engine_worker_remove(engine_of(self), tenant_of(self), worker_id);
}

static cleat_status embedded_worker_heartbeat(cleat__transport *self, const cleat__uuid *worker_id)
{
    return cleat__engine_worker_heartbeat(engine_of(self), tenant_of(self), worker_id);
}

static cleat_status embedded_report(cleat__transport *self, const cleat__report *report)
{
    return cleat__engine_report(engine_of(self), tenant_of(self), report);
}

static cleat_status embedded_log(cleat__transport *self, const cleat__log_line *line)
{
    return cleat__engine_log(engine_of(self), tenant_of(self), line);
}

/* Whoever waits for each call needs no numbers, for which an engine would have to wait when somebody begins to
 * look in the middle. */
static cleat_status embedded_put_stream(cleat__transport *self, const cleat__uuid *task_id, int64_t index,
                                        cleat_slice chunk)
{
    (void)index;
    return ask(self,
               (cleat__command){.kind = CLEAT__COMMAND_PUT_STREAM, .as.put_stream = {*task_id, -1, chunk}});
}

static cleat_status embedded_refresh_timeout(cleat__transport *self, const cleat__uuid *task_id,
                                             int32_t retry_count, int64_t increment_ms,
                                             int64_t *timeout_at_ms)
{
    return ask(self, (cleat__command){.kind = CLEAT__COMMAND_REFRESH_TIMEOUT,
                                      .attempt = retry_count + 1,
                                      .as.refresh_timeout = {*task_id, increment_ms, timeout_at_ms}});
}

static cleat_status embedded_release_slot(cleat__transport *self, const cleat__uuid *task_id,
                                          int32_t retry_count)
{
    return ask(self, (cleat__command){
                         .kind = CLEAT__COMMAND_RELEASE_SLOT, .attempt = retry_count + 1, .as.id = *task_id});
}

static cleat_status embedded_watch(cleat__transport *self, const cleat__uuid *run_id,
                                   const cleat__stream_sink *sink, void **out)
{
    return cleat__embedded_watch(engine_of(self), tenant_of(self), run_id, sink, out);
}

static void embedded_unwatch(cleat__transport *self, void *watch)
{
    cleat__embedded_unwatch(engine_of(self), tenant_of(self), watch);
}

static void embedded_look_on(cleat__transport *self, void *watch)
{
    cleat__embedded_look_on(engine_of(self), tenant_of(self), watch);
}

static void embedded_put_chunks(cleat__transport *self, cleat__put_chunks *chunks)
{
    cleat__embedded_put_chunks(engine_of(self), tenant_of(self), chunks);
}

static cleat_status embedded_schedule(cleat__transport *self, const cleat__schedule *schedule,
                                      const int64_t *at_ms, size_t count, cleat__uuid *ids)
{
    return cleat__engine_schedule(engine_of(self), tenant_of(self), schedule, at_ms, count, ids);
}

static cleat_status embedded_put_rate_limit(cleat__transport *self, cleat_slice key, int32_t limit,
                                            int64_t window_ms)
{
    return cleat__engine_put_rate_limit(engine_of(self), tenant_of(self), key, limit, window_ms);
}

static cleat_status embedded_unschedule(cleat__transport *self, const cleat__uuid *id)
{
    return cleat__engine_unschedule(engine_of(self), tenant_of(self), id);
}

static cleat_status embedded_schedules(cleat__transport *self, int64_t offset, int64_t limit,
                                       cleat_schedule_list *out)
{
    return cleat__embedded_schedules(engine_of(self), tenant_of(self), offset, limit, out);
}

static cleat_status embedded_filter_add(cleat__transport *self, cleat_slice workflow,
                                        const cleat__filter *filter, cleat__uuid *id)
{
    return cleat__embedded_filter_add(engine_of(self), tenant_of(self), workflow, filter, id);
}

static cleat_status embedded_filter_change(cleat__transport *self, const cleat__uuid *id,
                                           const cleat__filter *filter)
{
    return cleat__embedded_filter_change(engine_of(self), tenant_of(self), id, filter);
}

static cleat_status embedded_filter_delete(cleat__transport *self, const cleat__uuid *id)
{
    return cleat__embedded_filter_delete(engine_of(self), tenant_of(self), id);
}

static cleat_status embedded_filters(cleat__transport *self, cleat_slice workflow, int64_t offset,
                                     int64_t limit, cleat_filter_list *out)
{
    return cleat__embedded_filters(engine_of(self), tenant_of(self), workflow, offset, limit, out);
}

static cleat_status embedded_change_many(cleat__transport *self, const cleat__many_runs *what, size_t *count)
{
    return cleat__embedded_change_many(engine_of(self), tenant_of(self), what, count);
}

static cleat_status embedded_list_runs(cleat__transport *self, const cleat__run_page *page,
                                       cleat_run_list *out)
{
    return cleat__embedded_runs(engine_of(self), tenant_of(self), page, out);
}

static cleat_status embedded_list_events(cleat__transport *self, const cleat__event_page *page,
                                         cleat_event_list *out)
{
    return cleat__embedded_events(engine_of(self), tenant_of(self), page, out);
}

static cleat_status embedded_list_logs(cleat__transport *self, const cleat__uuid *run_id,
                                       const cleat__log_page *page, cleat_log_list *out)
{
    return cleat__embedded_logs(engine_of(self), tenant_of(self), run_id, page, out);
}

static cleat_status embedded_run_metrics(cleat__transport *self, const cleat__many_runs *what,
                                         cleat_run_metrics *out)
{
    return cleat__embedded_run_metrics(engine_of(self), tenant_of(self), what, out);
}

static cleat_status embedded_queue_metrics(cleat__transport *self, cleat_queue_metrics *out)
{
    return cleat__embedded_queue_metrics(engine_of(self), tenant_of(self), out);
}

static cleat_status embedded_rate_limits(cleat__transport *self, cleat_slice search, int64_t offset,
                                         int64_t limit, cleat_rate_limit_list *out)
{
    return cleat__embedded_rate_limits(engine_of(self), tenant_of(self), search, offset, limit, out);
}

static cleat_status embedded_delete_rate_limit(cleat__transport *self, cleat_slice key)
{
    return cleat__engine_delete_rate_limit(engine_of(self), tenant_of(self), key);
}

static cleat_status embedded_tasks(cleat__transport *self, const cleat__uuid *run_id, cleat_task_list *out)
{
    return cleat__embedded_tasks(engine_of(self), tenant_of(self), run_id, out);
}

static cleat_status embedded_pause_workflow(cleat__transport *self, cleat_slice workflow,
                                            const cleat__pause *pause)
{
    return cleat__embedded_pause_workflow(engine_of(self), tenant_of(self), workflow, pause);
}

static cleat_status embedded_cron_add(cleat__transport *self, const cleat__recurrence *what, cleat__uuid *id)
{
    return cleat__embedded_cron_add(engine_of(self), tenant_of(self), what, id);
}

static cleat_status embedded_cron_enable(cleat__transport *self, const cleat__uuid *id, bool is_enabled)
{
    return cleat__embedded_cron_enable(engine_of(self), tenant_of(self), id, is_enabled);
}

static cleat_status embedded_cron_delete(cleat__transport *self, const cleat__uuid *id)
{
    return cleat__embedded_cron_delete(engine_of(self), tenant_of(self), id);
}

static cleat_status embedded_crons(cleat__transport *self, int64_t offset, int64_t limit,
                                   cleat_cron_list *out)
{
    return cleat__embedded_crons(engine_of(self), tenant_of(self), offset, limit, out);
}

static cleat_status embedded_export_spans(cleat__transport *self, const cleat_span_batch *batch,
                                          int64_t timeout_ms)
{
    (void)timeout_ms; /* the collector works in pieces of a few milliseconds */
    return cleat__collector_ingest(((embedded *)self)->collector, tenant_of(self), batch);
}

static void close_engine(embedded *transport)
{
    cleat__retention_free(transport->retention);
    cleat__collector_free(transport->collector);
    cleat__engine_close(transport->engine);
}

static void embedded_free(cleat__transport *self)
{
    close_engine((embedded *)self);
    cleat__free(self);
}

static cleat_status embedded_durable(cleat__transport *self, const cleat__uuid *run_id,
                                     int32_t invocation_count, cleat__durable_request *requests, size_t count,
                                     size_t *done_count)
{
    cleat__command command = {.kind = CLEAT__COMMAND_DURABLE,
                              .as.durable = {.run_id = *run_id,
                                             .invocation_count = invocation_count,
                                             .requests = requests,
                                             .count = count,
                                             .done_count = done_count}};
    if (done_count != NULL) {
        *done_count = 0;
    }
    return ask(self, command);
}

static cleat_status embedded_branch(cleat__transport *self, const cleat__uuid *run_id, cleat__node node,
                                    int64_t *made)
{
    return ask(self, (cleat__command){.kind = CLEAT__COMMAND_DURABLE_BRANCH,
                                      .as.durable_branch = {*run_id, node, made}});
}

static cleat_status embedded_resume_hook(cleat__transport *self, cleat_slice token, cleat_slice payload,
                                         cleat_slice carrier, cleat__uuid *run_id, char **run_metadata)
{
    return ask(self, (cleat__command){.kind = CLEAT__COMMAND_RESUME_HOOK,
                                      .as.resume_hook = {token, payload, carrier, run_id, run_metadata}});
}

static const cleat__transport embedded_functions = {
    .put_workflow = embedded_put_workflow,
    .trigger = embedded_trigger,
    .wait = embedded_wait,
    .wait_for_next = embedded_wait_for_next,
    .cancel = embedded_cancel,
    .replay = embedded_replay,
    .change_many = embedded_change_many,
    .runs = embedded_list_runs,
    .events = embedded_list_events,
    .logs = embedded_list_logs,
    .run_metrics = embedded_run_metrics,
    .queue_metrics = embedded_queue_metrics,
    .tasks = embedded_tasks,
    .push = embedded_push,
    .schedule = embedded_schedule,
    .put_rate_limit = embedded_put_rate_limit,
    .rate_limits = embedded_rate_limits,
    .delete_rate_limit = embedded_delete_rate_limit,
    .unschedule = embedded_unschedule,
    .schedules = embedded_schedules,
    .filter_add = embedded_filter_add,
    .filter_change = embedded_filter_change,
    .filter_delete = embedded_filter_delete,
    .filters = embedded_filters,
    .cron_add = embedded_cron_add,
    .cron_enable = embedded_cron_enable,
    .cron_delete = embedded_cron_delete,
    .crons = embedded_crons,
    .pause_workflow = embedded_pause_workflow,
    .worker_add = embedded_worker_add,
    .worker_label = embedded_worker_label,
    .worker_pause = embedded_worker_pause,
    .worker_remove = embedded_worker_remove,
    .worker_heartbeat = embedded_worker_heartbeat,
    .report = embedded_report,
    .log = embedded_log,
    .put_stream = embedded_put_stream,
    .refresh_timeout = embedded_refresh_timeout,
    .release_slot = embedded_release_slot,
    .watch = embedded_watch,
    .unwatch = embedded_unwatch,
    .look_on = embedded_look_on,
    .put_chunks = embedded_put_chunks,
    .durable = embedded_durable,
    .branch = embedded_branch,
    .resume_hook = embedded_resume_hook,
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

static cleat_status open_engine(embedded *transport, const char *path, const cleat_client_options *options)
{
    const cleat__collector_options collector = {
        .retention_ms = options->trace_retention_ms,
        .retention_bytes = options->trace_retention_bytes,
    };
    const cleat__retention_options retention = {
        .path = path,
        .age_ms = options->run_retention_ms,
        .max_bytes = options->run_retention_bytes,
        .opened_ms = cleat__clock_unix_ns(NULL) / CLEAT__NS_PER_MS,
    };
    cleat_status status = cleat__engine_open(&(cleat__engine_options){.path = path}, &transport->engine);
    if (status == CLEAT_OK) {
        status = cleat__collector_new(transport->engine, &collector, &transport->collector);
    }
    if (status == CLEAT_OK) {
        status = cleat__retention_new(transport->engine, &retention, &transport->retention);
    }
    return status == CLEAT_OK ? cleat__retention_start(transport->retention) : status;
}

cleat_status cleat__transport_embedded_new(const cleat_client_options *options, int64_t tenant,
                                           cleat__transport **out)
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
    transport->tenant = tenant;
    status = open_engine(transport, path, options);
    if (status != CLEAT_OK) {
        close_engine(transport);
        goto out;
    }
    *out = &transport->base;
    transport = NULL;
out:
    cleat__free(transport);
    cleat__free(path);
    return status;
}
