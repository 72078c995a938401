/*
 * The engine of a server elsewhere, by Hatchet's protocol over gRPC:
 *
 *     settings.c       where it is
 *     grpc.c           the transport: the table of its functions, its making and its end
 *     grpc_declare.c   declaring workflows; grpc_runs.c starting, cancelling, replaying and branching runs,
 *                      grpc_many.c those that a filter chooses, and
 *                      grpc_lists.c looking at such runs and at events, grpc_tasks.c at the tasks of one,
 *                      grpc_logs.c at its log, grpc_metrics.c at figures and
 *                      grpc_limits.c at rate limits
 *     grpc_results.c   waiting for their end
 *     grpc_watch.c     looking at a run's stream
 *     grpc_events.c    pushing events; grpc_filters.c filters of them; grpc_crons.c crons; grpc_schedules.c runs at
 *                      a time, mostly over remote_http.c
 *     grpc_workflows.c ids of workflows, and their pauses
 *     grpc_worker.c    workers; grpc_register.c how they introduce themselves; grpc_assign.c what they are sent,
 *                      grpc_report.c what they say, and grpc_task.c what their tasks ask for
 *     grpc_batch.c     what differs where several runs come in one action, and end in one
 *     grpc_durable.c   the log of durable runs, in several files: see grpc_durable.h
 *     grpc_spans.c     exporting spans; grpc_moved.c as a Hatchet engine shows them
 *     grpc_link.c      the connection, on which grpc_call.c makes calls, grpc_retry.c calls that are waited
 *                      for, grpc_stream.c streams, and grpc_lane.c what is sent without waiting
 */
#ifndef CLEAT_TRANSPORT_GRPC_H
#define CLEAT_TRANSPORT_GRPC_H

#include "transport/grpc_moved.h"
#include "transport/grpc_results.h"
#include "transport/grpc_watch.h"
#include "transport/grpc_worker.h"
#include "wire/v1/shared/trigger.pb-c.h"

/*
 * Connects, waiting for the server as long as the settings say. Consumes the settings, on every path.
 * CLEAT_UNAVAILABLE, CLEAT_UNAUTHENTICATED; CLEAT_INVALID_ARGUMENT: a file of certificates is wrong.
 */
cleat_status cleat__transport_grpc_new(cleat__remote_settings *settings, cleat__transport **out);

/* Spans are not sent for a while to a server that has no place for them. */
typedef struct cleat__remote_spans {
    cleat__link *link;
    int64_t off_until_ns; /* under the link's mutex, as what follows */
    bool is_refused;
    /* Of its own, not locked together with the link's: spans are copied under it. */
    pthread_mutex_t moved_mutex;
    cleat__moved moved;
} cleat__remote_spans;
void cleat__remote_spans_init(cleat__remote_spans *spans, cleat__link *link);
void cleat__remote_spans_deinit(cleat__remote_spans *spans);
void cleat__remote_refuse_spans(cleat__remote_spans *spans, bool is_refused);
void cleat__remote_own_trace(cleat__remote_spans *spans, const cleat__own_trace *trace);

cleat_status cleat__remote_put_workflow(cleat__link *link, const cleat__workflow *workflow);
cleat_status cleat__remote_trigger(cleat__link *link, const cleat__trigger *triggers, size_t count,
                                   cleat__uuid *ids);
/* The message of one, with the name that the server knows. NULL on no memory. */
Cleat__V1__TriggerWorkflowRequest *cleat__remote_trigger_write(const cleat__link *link,
                                                               const cleat__trigger *trigger);
/* The protocol says INVALID_ARGUMENT of a workflow that is not there; the embedded engine says more. For a status
 * whose sentence is this thread's error message. */
cleat_status cleat__remote_trigger_status(cleat_status status);
cleat_status cleat__remote_cancel(cleat__link *link, const cleat__uuid *run_id);
cleat_status cleat__remote_replay(cleat__link *link, const cleat__uuid *run_id);
cleat_status cleat__remote_change_many(cleat__link *link, const cleat__many_runs *what,
                                       size_t *count); /* grpc_many.c */
cleat_status cleat__remote_runs(cleat__link *link, const cleat__run_page *page, cleat_run_list *out);
cleat_status cleat__remote_events(cleat__link *link, const cleat__event_page *page, cleat_event_list *out);
cleat_status cleat__remote_logs(cleat__link *link, const cleat__uuid *run_id, const cleat__log_page *page,
                                cleat_log_list *out);
cleat_status cleat__remote_rate_limits(cleat__link *link, cleat_slice search, int64_t offset, int64_t limit,
                                       cleat_rate_limit_list *out);
cleat_status cleat__remote_delete_rate_limit(cleat__link *link, cleat_slice key);
/* Appends what the filter says to a path of the HTTP side. */
cleat_status cleat__remote_write_filter(const cleat__link *link, const cleat__many_runs *what,
                                        cleat__buffer *path);
cleat_status cleat__remote_run_metrics(cleat__link *link, const cleat__many_runs *what,
                                       cleat_run_metrics *out);
cleat_status cleat__remote_queue_metrics(cleat__link *link, cleat_queue_metrics *out);
cleat_status cleat__remote_tasks(cleat__link *link, const cleat__uuid *run_id, cleat_task_list *out);
cleat_status cleat__remote_branch(cleat__link *link, const cleat__uuid *run_id, cleat__node node,
                                  int64_t *made);
cleat_status cleat__remote_push(cleat__link *link, const cleat__user_event *events, size_t count,
                                cleat__uuid *ids);
cleat_status cleat__remote_schedule(cleat__link *link, const cleat__schedule *schedule, const int64_t *at_ms,
                                    size_t count, cleat__uuid *ids);
cleat_status cleat__remote_put_rate_limit(cleat__link *link, cleat_slice key, int32_t limit,
                                          int64_t window_ms);
cleat_status cleat__remote_unschedule(cleat__link *link, const cleat__uuid *id);
cleat_status cleat__remote_schedules(cleat__link *link, int64_t offset, int64_t limit,
                                     cleat_schedule_list *out);
cleat_status cleat__remote_cron_add(cleat__link *link, const cleat__recurrence *what, cleat__uuid *id);
cleat_status cleat__remote_cron_enable(cleat__link *link, const cleat__uuid *id, bool is_enabled);
cleat_status cleat__remote_cron_delete(cleat__link *link, const cleat__uuid *id);
cleat_status cleat__remote_crons(cleat__link *link, int64_t offset, int64_t limit, cleat_cron_list *out);
cleat_status cleat__remote_filter_add(cleat__link *link, cleat_slice workflow, const cleat__filter *filter,
                                      cleat__uuid *id);
cleat_status cleat__remote_filter_change(cleat__link *link, const cleat__uuid *id,
                                         const cleat__filter *filter);
cleat_status cleat__remote_filter_delete(cleat__link *link, const cleat__uuid *id);
cleat_status cleat__remote_filters(cleat__link *link, cleat_slice workflow, int64_t offset, int64_t limit,
                                   cleat_filter_list *out);
/* The sentence of CLEAT_NOT_FOUND is for users. */
cleat_status cleat__remote_workflow_find(const cleat__link *link, cleat_slice workflow, cleat__uuid *id);
cleat_status cleat__remote_pause_workflow(cleat__link *link, cleat_slice workflow, const cleat__pause *pause);
void cleat__remote_put_chunks(cleat__remote_workers *workers, cleat__put_chunks *chunks); /* grpc_chunks.c */
cleat_status cleat__remote_put_stream(cleat__link *link, const cleat__uuid *task_id, int64_t index,
                                      cleat_slice chunk);
cleat_status cleat__remote_refresh_timeout(cleat__link *link, const cleat__uuid *task_id, int32_t retry_count,
                                           int64_t increment_ms, int64_t *timeout_at_ms);
cleat_status cleat__remote_release_slot(cleat__link *link, const cleat__uuid *task_id, int32_t retry_count);
cleat_status cleat__remote_export_spans(cleat__remote_spans *spans, const cleat_span_batch *batch,
                                        int64_t timeout_ms);

#endif
