/*
 * The engine as a client sees it. One implementation per place an engine can be: embedded.c.
 * Functions may be called from any thread, block until the engine has stored their effect, and
 * set the error message on failure, unless said otherwise. Meanings and statuses: engine/engine.h.
 */
#ifndef CLEAT_TRANSPORT_TRANSPORT_H
#define CLEAT_TRANSPORT_TRANSPORT_H

#include "cleat/client.h"
#include "cleat/exporter.h"
#include "model/workflow.h"

/* A worker's ears; called on a thread of the transport, must not block. */
typedef struct cleat__transport_sink {
    void *self;
    void (*assign)(void *self, cleat__assignment *list); /* consumed; linked by `next` */
    void (*cancel)(void *self, const cleat__uuid *task_id, int32_t retry_count);
} cleat__transport_sink;

/* A task's span has begun a trace of its own, although its run was told of another. */
typedef struct cleat__own_trace {
    cleat_trace_id trace_id;
    cleat__uuid task_id;
    struct {
        cleat_trace_id trace_id;
        cleat_span_id span_id;
    } run; /* what its metadata says */
} cleat__own_trace;

typedef struct cleat__transport cleat__transport;
struct cleat__transport {
    cleat_status (*put_workflow)(cleat__transport *self, const cleat__workflow *workflow);
    cleat_status (*trigger)(cleat__transport *self, const cleat__trigger *triggers, size_t count,
                            cleat__uuid *ids);
    cleat_status (*wait)(cleat__transport *self, const cleat__uuid *run_id, int64_t timeout_ms,
                         cleat_run_result *result);
    cleat_status (*cancel)(cleat__transport *self, const cleat__uuid *run_id);
    cleat_status (*worker_add)(cleat__transport *self, const char *name, const cleat_slice *actions,
                               size_t action_count, int32_t slots, const cleat__transport_sink *sink,
                               cleat__uuid *worker_id);
    cleat_status (*worker_pause)(cleat__transport *self, const cleat__uuid *worker_id);
    cleat_status (*worker_remove)(cleat__transport *self, const cleat__uuid *worker_id);
    cleat_status (*worker_heartbeat)(cleat__transport *self,
                                     const cleat__uuid *worker_id);              /* does not wait */
    cleat_status (*report)(cleat__transport *self, const cleat__report *report); /* does not wait */
    cleat_status (*log)(cleat__transport *self, const cleat__log_line *line);    /* does not wait */
    cleat_status (*export_spans)(cleat__transport *self, const cleat_span_batch *batch, int64_t timeout_ms);
    /* Before any span of the trace is exported. NULL: it makes no difference. */
    void (*own_trace)(cleat__transport *self, const cleat__own_trace *trace);
    void (*free)(cleat__transport *self);
};

/* The embedded engine on a file, with the collector's retention; see cleat_client_options. */
cleat_status cleat__transport_embedded_new(const cleat_client_options *options, cleat__transport **out);

#endif
