/*
 * The engine as a client sees it. One implementation per place an engine can be: embedded.c in this process,
 * grpc.c at a server.
 * Functions may be called from any thread, block until the engine has stored their effect, and
 * set the error message on failure, unless said otherwise. Meanings and statuses: engine/engine.h.
 */
#ifndef CLEAT_TRANSPORT_TRANSPORT_H
#define CLEAT_TRANSPORT_TRANSPORT_H

#include <cleat/client.h>
#include <cleat/event.h>
#include <cleat/exporter.h>
#include <cleat/filter.h>
#include <cleat/limit.h>
#include <cleat/log.h>
#include <cleat/metrics.h>
#include <cleat/runs.h>
#include <cleat/schedule.h>

#include "model/durable.h"
#include "model/event.h"
#include "model/filter.h"
#include "model/pause.h"
#include "model/schedule.h"
#include "model/worker.h"

/* A worker's ears; called on a thread of the transport, must not block. */
typedef struct cleat__transport_sink {
    void *self;
    void (*assign)(void *self, cleat__assignment *list); /* consumed; linked by `next` */
    void (*cancel)(void *self, const cleat__uuid *task_id, int32_t retry_count);
    /* Takes back what was not begun; false: it was. What is not taken back is cancelled. */
    bool (*withdraw)(void *self, const cleat__uuid *task_id, int32_t retry_count);
    /* The engine will not give it anything again: the status and sentence of cleat_worker_run(). */
    void (*lost)(void *self, cleat_status status, const char *text);
} cleat__transport_sink;

/* A looker-on's ears; called on a thread of the transport, must not block nor call the transport. */
typedef struct cleat__stream_sink {
    void *self;
    void (*chunk)(void *self, cleat_slice chunk);
    /* The last; the status and sentence of cleat_stream_next(), CLEAT_EMPTY: all was told. */
    void (*end)(void *self, cleat_status status, const char *text);
    /* Whether it takes chunks now, of those that are stored and can wait. If it does not, look_on() says once
     * that it does again. NULL: it always does. */
    bool (*has_room)(void *self);
} cleat__stream_sink;

/* Chunks on their way. It stays where it is, and what it refers to, until `done` is called. */
typedef struct cleat__put_chunks {
    cleat__uuid run_id;
    int32_t invocation_count; /* whose they are: CLEAT_CANCELLED when it is over */
    int64_t first_index;
    const cleat_slice *items;
    size_t count;
    /* Once, on any thread, also before put_chunks() returns: they are stored, or why not. Must not block nor call
     * the transport. Answers what is put next, if it is there already; NULL: nothing. */
    struct cleat__put_chunks *(*done)(struct cleat__put_chunks *self, cleat_status status, const char *text);
} cleat__put_chunks;

/* A task's span has begun a trace of its own, although its run was told of another. */
typedef struct cleat__own_trace {
    cleat_trace_id trace_id;
    cleat__uuid task_id;
    struct {
        cleat_trace_id trace_id;
        cleat_span_id span_id;
    } run; /* what its metadata says */
} cleat__own_trace;

/* Runs that a filter chooses. All is borrowed. */
typedef struct cleat__many_runs {
    bool is_replayed;             /* of change_many(); else cancelled */
    const cleat_slice *workflows; /* names */
    size_t workflow_count;        /* 0: any */
    unsigned statuses;            /* 1 << cleat_run_status, of several, as the API shows them */
    int64_t since_ms, until_ms;   /* created since; ended until, or not ended; 0 and INT64_MAX: any */
    const char *const *metadata;  /* one of these, "key:value" */
    size_t metadata_count;        /* 0: any */
} cleat__many_runs;

typedef struct cleat__run_page {
    cleat__many_runs what;
    const cleat__uuid *parent, *event; /* NULL: any */
    int64_t offset, limit;
} cleat__run_page;

/* Events that a filter chooses. All is borrowed; texts end with NULL, and NULL or 0 is any. */
typedef struct cleat__event_page {
    const char *const *keys, *const *scopes; /* has one of these */
    const char *const *metadata;             /* has all of these, "key:value" */
    const cleat__uuid *ids;
    size_t id_count;
    const cleat_slice *workflows; /* it started a run of one of these, .. */
    size_t workflow_count;
    unsigned statuses;          /* .. that is in one of these: 1 << cleat_run_status, as the API shows them */
    int64_t since_ms, until_ms; /* pushed then or between; INT64_MAX: any */
    int64_t offset, limit;
} cleat__event_page;

/* Lines of a log. */
typedef struct cleat__log_page {
    int64_t since_ms, until_ms; /* written then or between; INT64_MAX: any */
    unsigned levels;            /* 1 << cleat_log_level, of several; 0: any */
    int32_t attempt;            /* by that one, 1 being the first; 0: any */
    cleat_slice search;         /* have it in them; absent or empty: any */
    bool is_newest_first;
    int64_t offset, limit;
} cleat__log_page;

typedef struct cleat__transport cleat__transport;
struct cleat__transport {
    cleat_status (*put_workflow)(cleat__transport *self, const cleat__workflow *workflow);
    cleat_status (*trigger)(cleat__transport *self, const cleat__trigger *triggers, size_t count,
                            cleat__uuid *ids);
    /* For the run, or for the last one that it goes on as by then: the result's id says which it is of. That may go on,
     * too, where the engine does not know of such runs, has not looked so far, or did not know it yet. */
    cleat_status (*wait)(cleat__transport *self, const cleat__uuid *run_id, int64_t timeout_ms,
                         cleat_run_result *result);
    /* The same for the one before the next that has something to be read: that lives, or has a stream. */
    cleat_status (*wait_for_next)(cleat__transport *self, const cleat__uuid *run_id, int64_t timeout_ms,
                                  cleat_run_result *result);
    /* CLEAT_EMPTY: it lived when this was begun, and had ended when it was to be cancelled; what it goes on as was
     * cancelled instead, if it does. */
    cleat_status (*cancel)(cleat__transport *self, const cleat__uuid *run_id);
    cleat_status (*replay)(cleat__transport *self, const cleat__uuid *run_id);
    cleat_status (*change_many)(cleat__transport *self, const cleat__many_runs *what,
                                size_t *count); /* checked; at most so many as in the header */
    cleat_status (*runs)(cleat__transport *self, const cleat__run_page *page,
                         cleat_run_list *out); /* as schedules() */
    cleat_status (*tasks)(cleat__transport *self, const cleat__uuid *run_id,
                          cleat_task_list *out); /* as schedules() */
    cleat_status (*logs)(cleat__transport *self, const cleat__uuid *run_id, const cleat__log_page *page,
                         cleat_log_list *out); /* as schedules() */
    cleat_status (*run_metrics)(cleat__transport *self, const cleat__many_runs *what, cleat_run_metrics *out);
    cleat_status (*queue_metrics)(cleat__transport *self, cleat_queue_metrics *out); /* as schedules() */
    cleat_status (*push)(cleat__transport *self, const cleat__user_event *events, size_t count,
                         cleat__uuid *ids); /* checked */
    cleat_status (*events)(cleat__transport *self, const cleat__event_page *page,
                           cleat_event_list *out); /* as schedules() */
    cleat_status (*schedule)(cleat__transport *self, const cleat__schedule *schedule, const int64_t *at_ms,
                             size_t count, cleat__uuid *ids);
    cleat_status (*put_rate_limit)(cleat__transport *self, cleat_slice key, int32_t limit,
                                   int64_t window_ms); /* checked */
    cleat_status (*rate_limits)(cleat__transport *self, cleat_slice search, int64_t offset, int64_t limit,
                                cleat_rate_limit_list *out); /* as schedules(); `search` empty: all */
    cleat_status (*delete_rate_limit)(cleat__transport *self, cleat_slice key); /* checked */
    cleat_status (*unschedule)(cleat__transport *self, const cleat__uuid *id);
    /* `out` is empty, and to be deinited also after a failure. */
    cleat_status (*schedules)(cleat__transport *self, int64_t offset, int64_t limit,
                              cleat_schedule_list *out);
    /* Checked but for the expression. CLEAT_ALREADY_EXISTS as in the header. */
    cleat_status (*cron_add)(cleat__transport *self, const cleat__recurrence *what, cleat__uuid *id);
    cleat_status (*cron_enable)(cleat__transport *self, const cleat__uuid *id, bool is_enabled);
    cleat_status (*cron_delete)(cleat__transport *self, const cleat__uuid *id);
    cleat_status (*crons)(cleat__transport *self, int64_t offset, int64_t limit,
                          cleat_cron_list *out); /* as schedules() */
    /* Filters are checked; `workflow`: a name, and in the list absent for any. */
    cleat_status (*filter_add)(cleat__transport *self, cleat_slice workflow, const cleat__filter *filter,
                               cleat__uuid *id);
    cleat_status (*filter_change)(cleat__transport *self, const cleat__uuid *id,
                                  const cleat__filter *filter); /* what is absent stays as it is */
    cleat_status (*filter_delete)(cleat__transport *self, const cleat__uuid *id);
    cleat_status (*filters)(cleat__transport *self, cleat_slice workflow, int64_t offset, int64_t limit,
                            cleat_filter_list *out); /* as schedules() */
    cleat_status (*pause_workflow)(cleat__transport *self, cleat_slice workflow,
                                   const cleat__pause *pause); /* or ends its pause */
    cleat_status (*worker_add)(cleat__transport *self, const cleat__worker_spec *spec,
                               const cleat__transport_sink *sink, cleat__uuid *worker_id);
    cleat_status (*worker_label)(cleat__transport *self, const cleat__uuid *worker_id,
                                 const cleat__label *labels, size_t count);
    cleat_status (*worker_pause)(cleat__transport *self, const cleat__uuid *worker_id);
    cleat_status (*worker_remove)(cleat__transport *self, const cleat__uuid *worker_id);
    /* Whether what a worker reports as CLEAT_UNAVAILABLE, never begun, is queued again at once. NULL: it is. */
    bool (*takes_back)(cleat__transport *self);
    cleat_status (*worker_heartbeat)(cleat__transport *self,
                                     const cleat__uuid *worker_id);              /* does not wait */
    cleat_status (*report)(cleat__transport *self, const cleat__report *report); /* does not wait */
    /* Does not wait. CLEAT_RESOURCE_EXHAUSTED: the line is left out. */
    cleat_status (*log)(cleat__transport *self, const cleat__log_line *line);
    /* An attempt begins: only shown, and may be lost. Does not wait. NULL: the engine knows. */
    void (*begin)(cleat__transport *self, const cleat__uuid *task_id, int32_t retry_count);
    /* Chunks of which each was answered before the next are seen in this order; `index` is 0, 1, .. */
    cleat_status (*put_stream)(cleat__transport *self, const cleat__uuid *task_id, int64_t index,
                               cleat_slice chunk);
    /* `*timeout_at_ms`: Unix; INT64_MAX: it has none. CLEAT_NOT_FOUND: that attempt is not running. */
    cleat_status (*refresh_timeout)(cleat__transport *self, const cleat__uuid *task_id, int32_t retry_count,
                                    int64_t increment_ms, int64_t *timeout_at_ms);
    cleat_status (*release_slot)(cleat__transport *self, const cleat__uuid *task_id, int32_t retry_count);
    /* Tells the sink from now on; `*out` is for unwatch(), after which the sink is not called any more. */
    cleat_status (*watch)(cleat__transport *self, const cleat__uuid *run_id, const cleat__stream_sink *sink,
                          void **out);
    void (*unwatch)(cleat__transport *self, void *watch);
    void (*look_on)(cleat__transport *self, void *watch); /* the sink has room again */
    /* Of a durable run, whose chunks are stored by their indices. Does not wait. */
    void (*put_chunks)(cleat__transport *self, cleat__put_chunks *chunks);
    /* As the DURABLE command: done in this order, answered when all of it is stored. CLEAT_UNSUPPORTED: the
     * engine has no hooks. `*done_count` may be NULL. */
    cleat_status (*durable)(cleat__transport *self, const cleat__uuid *run_id, int32_t invocation_count,
                            cleat__durable_request *requests, size_t count, size_t *done_count);
    /* The run goes on anew from that node, on the branch that is answered. */
    cleat_status (*branch)(cleat__transport *self, const cleat__uuid *run_id, cleat__node node,
                           int64_t *made);
    cleat_status (*resume_hook)(cleat__transport *self, cleat_slice token, cleat_slice payload,
                                cleat_slice carrier, cleat__uuid *run_id, char **run_metadata);
    cleat_status (*export_spans)(cleat__transport *self, const cleat_span_batch *batch, int64_t timeout_ms);
    /* While it is true exports end at once, also those under way. NULL: they take no time. */
    void (*refuse_spans)(cleat__transport *self, bool is_refused);
    /* Before any span of the trace is exported. NULL: it makes no difference. */
    void (*own_trace)(cleat__transport *self, const cleat__own_trace *trace);
    /* Where it makes requests of its own that have spans, they are this one's; NULL: the global provider's. While no
     * call is under way. NULL: it makes none. */
    void (*set_tracer)(cleat__transport *self, cleat_tracer *tracer);
    void (*free)(cleat__transport *self);
};

/* The embedded engine on a file, with the collector's retention; see cleat_client_options. What is asked is asked by
 * `tenant`, which is there: CLEAT__TENANT_DEFAULT, or one that a server has made in the file. */
cleat_status cleat__transport_embedded_new(const cleat_client_options *options, int64_t tenant,
                                           cleat__transport **out);

#endif
