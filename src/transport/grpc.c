#include "transport/grpc.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/log.h"
#include "grpc/library.h"
#include "wire/dispatcher.pb-c.h"
#include "wire/message.h"

#include <stdio.h>

/* The first version with all that is used here, and the last major one that is known. */
enum { OLDEST_MINOR = 80, NEWEST_MAJOR = 0 };
/* Reports on their way at once. An answer of `cleat serve` comes after the commit, and a commit takes all that
 * has come: the more, the better. */
enum { REPORTS_AT_ONCE = 64, CLEAT_REPORTS_AT_ONCE = 1000 };
/* Of servers that store a run behind the answer. */
enum { PATIENCE_MS = 10000 };

typedef struct remote {
    cleat__transport base; /* first */
    cleat__link *link;
    cleat__results results;
    cleat__remote_workers workers;
    cleat__remote_spans spans;
} remote;

static remote *remote_of(cleat__transport *self)
{
    return (remote *)self;
}

static cleat_status put_workflow(cleat__transport *self, const cleat__workflow *workflow)
{
    return cleat__remote_put_workflow(remote_of(self)->link, workflow);
}

static cleat_status trigger(cleat__transport *self, const cleat__trigger *triggers, size_t count,
                            cleat__uuid *ids)
{
    return cleat__remote_trigger(remote_of(self)->link, triggers, count, ids);
}

static cleat_status wait_for_run(cleat__transport *self, const cleat__uuid *run_id, int64_t timeout_ms,
                                 cleat_run_result *result)
{
    return cleat__results_wait(&remote_of(self)->results, run_id, CLEAT__FOLLOW_LAST, timeout_ms, result);
}

static cleat_status wait_for_next(cleat__transport *self, const cleat__uuid *run_id, int64_t timeout_ms,
                                  cleat_run_result *result)
{
    return cleat__results_wait(&remote_of(self)->results, run_id, CLEAT__FOLLOW_STREAM, timeout_ms, result);
}

static cleat_status cancel(cleat__transport *self, const cleat__uuid *run_id)
{
    return cleat__remote_cancel(remote_of(self)->link, run_id);
}

static cleat_status replay(cleat__transport *self, const cleat__uuid *run_id)
{
    return cleat__remote_replay(remote_of(self)->link, run_id);
}

static cleat_status change_many(cleat__transport *self, const cleat__many_runs *what, size_t *count)
{
    return cleat__remote_change_many(remote_of(self)->link, what, count);
}

static cleat_status runs(cleat__transport *self, const cleat__run_page *page, cleat_run_list *out)
{
    return cleat__remote_runs(remote_of(self)->link, page, out);
}

static cleat_status events(cleat__transport *self, const cleat__event_page *page, cleat_event_list *out)
{
    return cleat__remote_events(remote_of(self)->link, page, out);
}

static cleat_status logs(cleat__transport *self, const cleat__uuid *run_id, const cleat__log_page *page,
                         cleat_log_list *out)
{
    return cleat__remote_logs(remote_of(self)->link, run_id, page, out);
}

static cleat_status run_metrics(cleat__transport *self, const cleat__many_runs *what, cleat_run_metrics *out)
{
    return cleat__remote_run_metrics(remote_of(self)->link, what, out);
}

static cleat_status queue_metrics(cleat__transport *self, cleat_queue_metrics *out)
{
    return cleat__remote_queue_metrics(remote_of(self)->link, out);
}

static cleat_status rate_limits(cleat__transport *self, cleat_slice search, int64_t offset, int64_t limit,
                                cleat_rate_limit_list *out)
{
    return cleat__remote_rate_limits(remote_of(self)->link, search, offset, limit, out);
}

static cleat_status delete_rate_limit(cleat__transport *self, cleat_slice key)
{
    return cleat__remote_delete_rate_limit(remote_of(self)->link, key);
}

static cleat_status tasks(cleat__transport *self, const cleat__uuid *run_id, cleat_task_list *out)
{
    return cleat__remote_tasks(remote_of(self)->link, run_id, out);
}

static cleat_status push(cleat__transport *self, const cleat__user_event *events, size_t count,
                         cleat__uuid *ids)
{
    return cleat__remote_push(remote_of(self)->link, events, count, ids);
}

static cleat_status schedule_runs(cleat__transport *self, const cleat__schedule *schedule,
                                  const int64_t *at_ms, size_t count, cleat__uuid *ids)
{
    return cleat__remote_schedule(remote_of(self)->link, schedule, at_ms, count, ids);
}

static cleat_status put_rate_limit(cleat__transport *self, cleat_slice key, int32_t limit, int64_t window_ms)
{
    return cleat__remote_put_rate_limit(remote_of(self)->link, key, limit, window_ms);
}

static cleat_status unschedule(cleat__transport *self, const cleat__uuid *id)
{
    return cleat__remote_unschedule(remote_of(self)->link, id);
}

static cleat_status schedules(cleat__transport *self, int64_t offset, int64_t limit, cleat_schedule_list *out)
{
    return cleat__remote_schedules(remote_of(self)->link, offset, limit, out);
}

static cleat_status worker_add(cleat__transport *self, const cleat__worker_spec *spec,
                               const cleat__transport_sink *sink, cleat__uuid *worker_id)
{
    return cleat__remote_worker_add(&remote_of(self)->workers, spec, sink, worker_id);
}

static cleat_status worker_label(cleat__transport *self, const cleat__uuid *worker_id,
                                 const cleat__label *labels, size_t count)
{
    return cleat__remote_worker_label(&remote_of(self)->workers, worker_id, labels, count);
}

static cleat_status filter_add(cleat__transport *self, cleat_slice workflow, const cleat__filter *filter,
                               cleat__uuid *id)
{
    return cleat__remote_filter_add(remote_of(self)->link, workflow, filter, id);
}

static cleat_status filter_change(cleat__transport *self, const cleat__uuid *id, const cleat__filter *filter)
{
    return cleat__remote_filter_change(remote_of(self)->link, id, filter);
}

static cleat_status filter_delete(cleat__transport *self, const cleat__uuid *id)
{
    return cleat__remote_filter_delete(remote_of(self)->link, id);
}

static cleat_status pause_workflow(cleat__transport *self, cleat_slice workflow, const cleat__pause *pause)
{
    return cleat__remote_pause_workflow(remote_of(self)->link, workflow, pause);
}

static cleat_status filters(cleat__transport *self, cleat_slice workflow, int64_t offset, int64_t limit,
                            cleat_filter_list *out)
{
    return cleat__remote_filters(remote_of(self)->link, workflow, offset, limit, out);
}

static cleat_status cron_add(cleat__transport *self, const cleat__recurrence *what, cleat__uuid *id)
{
    return cleat__remote_cron_add(remote_of(self)->link, what, id);
}

static cleat_status cron_enable(cleat__transport *self, const cleat__uuid *id, bool is_enabled)
{
    return cleat__remote_cron_enable(remote_of(self)->link, id, is_enabled);
}

static cleat_status cron_delete(cleat__transport *self, const cleat__uuid *id)
{
    return cleat__remote_cron_delete(remote_of(self)->link, id);
}

static cleat_status crons(cleat__transport *self, int64_t offset, int64_t limit, cleat_cron_list *out)
{
    return cleat__remote_crons(remote_of(self)->link, offset, limit, out);
}

static cleat_status worker_pause(cleat__transport *self, const cleat__uuid *worker_id)
{
    return cleat__remote_worker_pause(&remote_of(self)->workers, worker_id);
}

static cleat_status worker_remove(cleat__transport *self, const cleat__uuid *worker_id)
{
    return cleat__remote_worker_remove(&remote_of(self)->workers, worker_id);
}

static cleat_status worker_heartbeat(cleat__transport *self, const cleat__uuid *worker_id)
{
    return cleat__remote_worker_heartbeat(&remote_of(self)->workers, worker_id);
}

static cleat_status report(cleat__transport *self, const cleat__report *report)
{
    return cleat__remote_report(&remote_of(self)->workers, report);
}

static void begin(cleat__transport *self, const cleat__uuid *task_id, int32_t retry_count)
{
    cleat__remote_begin(&remote_of(self)->workers, task_id, retry_count);
}

/* Others have no word for it. */
static bool takes_back(cleat__transport *self)
{
    return remote_of(self)->link->is_cleat;
}

static cleat_status put_log(cleat__transport *self, const cleat__log_line *line)
{
    return cleat__remote_log(&remote_of(self)->workers, line);
}

static cleat_status put_stream(cleat__transport *self, const cleat__uuid *task_id, int64_t index,
                               cleat_slice chunk)
{
    /* Other engines may pass on in another order what they got in this one, without the numbers. */
    cleat__link *link = remote_of(self)->link;
    return cleat__remote_put_stream(link, task_id, link->is_cleat ? -1 : index, chunk);
}

static cleat_status refresh_timeout(cleat__transport *self, const cleat__uuid *task_id, int32_t retry_count,
                                    int64_t increment_ms, int64_t *timeout_at_ms)
{
    return cleat__remote_refresh_timeout(remote_of(self)->link, task_id, retry_count, increment_ms,
                                         timeout_at_ms);
}

static cleat_status release_slot(cleat__transport *self, const cleat__uuid *task_id, int32_t retry_count)
{
    return cleat__remote_release_slot(remote_of(self)->link, task_id, retry_count);
}

static cleat_status watch(cleat__transport *self, const cleat__uuid *run_id, const cleat__stream_sink *sink,
                          void **out)
{
    return cleat__remote_watch(remote_of(self)->link, run_id, sink, out);
}

static void unwatch(cleat__transport *self, void *watched)
{
    cleat__remote_unwatch(remote_of(self)->link, watched);
}

static cleat_status durable(cleat__transport *self, const cleat__uuid *run_id, int32_t invocation_count,
                            cleat__durable_request *requests, size_t count, size_t *done_count)
{
    return cleat__remote_durable(&remote_of(self)->workers, run_id, invocation_count, requests, count,
                                 done_count);
}

static cleat_status branch(cleat__transport *self, const cleat__uuid *run_id, cleat__node node, int64_t *made)
{
    return cleat__remote_branch(remote_of(self)->link, run_id, node, made);
}

static cleat_status resume_hook(cleat__transport *self, cleat_slice token, cleat_slice payload,
                                cleat_slice carrier, cleat__uuid *run_id, char **run_metadata)
{
    return cleat__remote_resume_hook(remote_of(self)->link, token, payload, carrier, run_id, run_metadata);
}

static void look_on(cleat__transport *self, void *watched)
{
    cleat__remote_look_on(remote_of(self)->link, watched);
}

static void put_chunks(cleat__transport *self, cleat__put_chunks *chunks)
{
    cleat__remote_put_chunks(&remote_of(self)->workers, chunks);
}

static cleat_status export_spans(cleat__transport *self, const cleat_span_batch *batch, int64_t timeout_ms)
{
    return cleat__remote_export_spans(&remote_of(self)->spans, batch, timeout_ms);
}

static void refuse_spans(cleat__transport *self, bool is_refused)
{
    cleat__remote_refuse_spans(&remote_of(self)->spans, is_refused);
}

static void own_trace(cleat__transport *self, const cleat__own_trace *trace)
{
    cleat__remote_own_trace(&remote_of(self)->spans, trace);
}

static void set_tracer(cleat__transport *self, cleat_tracer *tracer)
{
    remote_of(self)->link->settings.tracer = tracer;
}

/* ---- Life ---- */

static void flush(remote *it)
{
    int64_t deadline_ns = cleat__deadline_ns(it->link->settings.flush_ms);
    pthread_mutex_lock(&it->link->mutex);
    (void)cleat__lane_flush(&it->workers.reports, deadline_ns);
    (void)cleat__lane_flush(&it->workers.begins, deadline_ns);
    (void)cleat__lane_flush(&it->workers.logs, deadline_ns);
    pthread_mutex_unlock(&it->link->mutex);
}

static void free_remote(cleat__transport *self)
{
    remote *it = remote_of(self);
    if (cleat__grpc_check_fork() != CLEAT_OK) {
        return; /* its thread is not here, and may have had the mutex */
    }
    flush(it);
    cleat__link_close(it->link);
    cleat__results_stop(&it->results);
    cleat__remote_durables_stop(&it->workers.durables);
    cleat__link_stop(it->link);
    cleat__remote_workers_deinit(&it->workers);
    cleat__remote_spans_deinit(&it->spans);
    cleat__results_deinit(&it->results);
    cleat__link_free(it->link);
    cleat__free(it);
}

static const cleat__transport functions = {
    .put_workflow = put_workflow,
    .trigger = trigger,
    .wait = wait_for_run,
    .wait_for_next = wait_for_next,
    .cancel = cancel,
    .replay = replay,
    .change_many = change_many,
    .runs = runs,
    .events = events,
    .logs = logs,
    .run_metrics = run_metrics,
    .queue_metrics = queue_metrics,
    .tasks = tasks,
    .push = push,
    .schedule = schedule_runs,
    .put_rate_limit = put_rate_limit,
    .rate_limits = rate_limits,
    .delete_rate_limit = delete_rate_limit,
    .unschedule = unschedule,
    .schedules = schedules,
    .filter_add = filter_add,
    .filter_change = filter_change,
    .filter_delete = filter_delete,
    .filters = filters,
    .cron_add = cron_add,
    .cron_enable = cron_enable,
    .cron_delete = cron_delete,
    .crons = crons,
    .pause_workflow = pause_workflow,
    .worker_add = worker_add,
    .worker_label = worker_label,
    .worker_pause = worker_pause,
    .worker_remove = worker_remove,
    .worker_heartbeat = worker_heartbeat,
    .report = report,
    .log = put_log,
    .begin = begin,
    .takes_back = takes_back,
    .put_stream = put_stream,
    .refresh_timeout = refresh_timeout,
    .release_slot = release_slot,
    .watch = watch,
    .unwatch = unwatch,
    .look_on = look_on,
    .put_chunks = put_chunks,
    .durable = durable,
    .branch = branch,
    .resume_hook = resume_hook,
    .export_spans = export_spans,
    .refuse_spans = refuse_spans,
    .own_trace = own_trace,
    .set_tracer = set_tracer,
    .free = free_remote,
};

static void check_version(remote *it, const char *version)
{
    unsigned major = 0, minor = 0, patch = 0;
    const char *address = it->link->settings.address;
    bool is_cleat = it->link->is_cleat = strstr(version, "-cleat") != NULL;
    it->workers.reports.window = is_cleat ? CLEAT_REPORTS_AT_ONCE : REPORTS_AT_ONCE;
    it->results.patience_ms = is_cleat ? 0 : PATIENCE_MS;
    bool is_known = sscanf(version, "v%6u.%6u.%6u", &major, &minor, &patch) == 3;
    it->link->has_durable = is_known && (major > NEWEST_MAJOR || minor >= OLDEST_MINOR);
    if (!is_known) {
        cleat__log(CLEAT_LOG_WARN, "the server at %s does not say a version that is known: \"%.64s\"",
                   address, version);
    } else if (major > NEWEST_MAJOR) {
        cleat__log(
            CLEAT_LOG_WARN,
            "the server at %s has version %.64s, which is newer than this client: update it if something "
            "does not work",
            address, version);
    } else if (minor < OLDEST_MINOR) {
        cleat__log(
            CLEAT_LOG_WARN,
            "the server at %s has version %.64s, which is older than v%d.%d.0: some calls will not work",
            address, version, NEWEST_MAJOR, OLDEST_MINOR);
    }
}

/* The first call: whether there is a server, whether it takes the token, and what it can. */
static cleat_status greet(remote *it)
{
    static const cleat__method method = {"/Dispatcher/GetVersion", &cleat__get_version_response__descriptor,
                                         true, NULL};
    Cleat__GetVersionRequest request = CLEAT__GET_VERSION_REQUEST__INIT;
    void *reply = NULL;
    int64_t connect_ms = it->link->settings.connect_timeout_ms;
    int64_t deadline_ns =
        cleat__deadline_ns((connect_ms > 0 ? connect_ms : 0) + it->link->settings.greeting_ms);
    cleat_status status = cleat__link_call(it->link, &method, &request, deadline_ns, &reply);
    if (status == CLEAT_OK) {
        check_version(it, ((Cleat__GetVersionResponse *)reply)->version);
    } else if (status == CLEAT_UNSUPPORTED) {
        check_version(it, "");
        status = CLEAT_OK;
    }
    cleat__message_free(reply);
    return status;
}

cleat_status cleat__transport_grpc_new(cleat__remote_settings *settings, cleat__transport **out)
{
    *out = NULL;
    remote *it = cleat__calloc(1, sizeof(*it));
    if (it == NULL) {
        cleat__remote_settings_deinit(settings);
        return cleat__fail_memory();
    }
    cleat_status status = cleat__link_new(settings, &it->link);
    if (status != CLEAT_OK) {
        cleat__free(it);
        return status;
    }
    it->base = functions;
    cleat__remote_spans_init(&it->spans, it->link);
    cleat__results_init(&it->results, it->link);
    cleat__remote_workers_init(&it->workers, it->link);
    status = greet(it);
    if (status != CLEAT_OK) {
        free_remote(&it->base);
        return status;
    }
    *out = &it->base;
    return CLEAT_OK;
}
