/*
 * What the files of the instrumentor share.
 *
 *     instrumentor.c           life: provider, processors, interceptor
 *     instrumentor_options.c   options and environment
 *     producer.c               the caller's side: hatchet.run_workflow(s)
 *     producer_events.c        the same of hatchet.push_event, bulk_push_event and schedule_workflow
 *     inject.c                 what all of these do
 *     consumer.c               the worker's side: hatchet.start_step_run, hatchet.cancel_step_run
 *     consumer_batch.c         the same of tasks that come several at a time
 *     consumer_workflow.c      what differs where it is an invocation of a workflow, or a queued step of one
 *     workflow_spans.c         what happens in an invocation: step.execute, hatchet.durable.wait_for, queue.send
 *     workflow_start.c         what application code does to workflows: workflow.start, hook.resume
 *     run_scope.c              what the context of a running task says to what is done in it
 *     span_attributes.c        attribute lists, and their propagation to the spans of a task
 *     ledger.c                 what traces outside of runs have queued
 */
#ifndef CLEAT_SDK_INSTRUMENTOR_H
#define CLEAT_SDK_INSTRUMENTOR_H

#include <cleat/instrumentor.h>
#include <cleat/interceptor.h>

#include "base/thread.h"
#include "sdk/client.h"
#include "topology/topology.h"

/* ---- Options, with every default and variable filled in ---- */

typedef struct cleat__instrumentor_settings {
    char **excluded; /* owned; without "hatchet." */
    size_t excluded_count;
    bool collector;
    bool task_name_in_span_name;
    bool individual_run_spans;
    bool payloads;
    bool sampling_across_links;
    bool (*use_links)(const char *action_id, void *user_data);
    void *user_data;
    cleat__budget budget;
    cleat_batch_processor_options batch;
} cleat__instrumentor_settings;

cleat_status cleat__instrumentor_settings_init(cleat__instrumentor_settings *settings,
                                               const cleat_instrumentor_options *options);
void cleat__instrumentor_settings_deinit(cleat__instrumentor_settings *settings);

/* ---- The ledger ---- */

/*
 * Budget numbers of traces that begin outside of any run: when they were first seen, and what
 * they have queued since. A small table, newer traces displace older ones; a displaced trace
 * counts from the beginning, which makes its budget more generous, never wrong in kind.
 */
#define CLEAT__LEDGER_SIZE 64
typedef struct cleat__ledger {
    pthread_mutex_t mutex;
    struct {
        cleat_trace_id trace_id;
        int64_t start_s;
        uint64_t spans;
    } entries[CLEAT__LEDGER_SIZE]; /* under `mutex` */
} cleat__ledger;
void cleat__ledger_init(cleat__ledger *ledger);
void cleat__ledger_deinit(cleat__ledger *ledger);
/* Counts `count` more; answers when the trace was first seen, and its number of queued spans before. */
void cleat__ledger_add(cleat__ledger *ledger, const cleat_trace_id *trace_id, uint64_t count, int64_t now_s,
                       int64_t *start_s, uint64_t *before);

/* ---- Attribute lists ---- */

#define CLEAT__SPAN_ATTRIBUTES_MAX 32
typedef struct cleat__span_attributes {
    const cleat__instrumentor_settings *settings;
    size_t count;
    cleat_attribute items[CLEAT__SPAN_ATTRIBUTES_MAX];
} cleat__span_attributes;
/* Begins with instrumentor = "hatchet". */
void cleat__span_attributes_init(cleat__span_attributes *attributes,
                                 const cleat__instrumentor_settings *settings);
/* Keys are literals; excluded ones and empty values are left out. Values are borrowed. */
void cleat__span_attributes_add(cleat__span_attributes *attributes, const char *key, cleat_slice value);
void cleat__span_attributes_add_int(cleat__span_attributes *attributes, const char *key, int64_t value);
void cleat__span_attributes_add_bool(cleat__span_attributes *attributes, const char *key, bool value);
/* JSON text: also left out when it says nothing ("null", "{}", "[]"). */
void cleat__span_attributes_add_json(cleat__span_attributes *attributes, const char *key, cleat_slice value);
/* "workflow:task" taken apart. */
cleat_slice cleat__action_workflow_name(const char *action);
cleat_slice cleat__action_step_name(const char *action);
bool cleat__attribute_is_excluded(const cleat__instrumentor_settings *settings, const char *key);

/* The processor that gives the spans of a task the hatchet.* attributes of the task. It stands by
 * itself: a provider may keep it longer than there is an instrumentor. */
cleat_status cleat__attribute_processor_new(cleat_span_processor **out);

/* ---- The scope of a run ---- */

/* Lives in the task's context, so in contexts captured from it as well, beyond the task's end. */
typedef struct cleat__run_scope {
    cleat_span_context origin;   /* what is forwarded; invalid: there was no span */
    cleat_trace_id trace_id;     /* of the consumer span */
    cleat__budget_state numbers; /* of this run; its `spans` are those before its own */
    _Atomic uint64_t spawned;
    bool is_workflow;         /* an invocation, or a queued step: what it queues are `queue.send` spans */
    bool reports_to_workflow; /* its end may bring one its next invocation */
    bool is_continuous;       /* then its mode: what it queues comes from where it is queued */
    cleat_baggage *arrived;   /* owned; what came with the run, for its own next invocation; NULL: nothing */
    /* Of an invocation, on its thread: the span of the runs that it spawns one after the other, which are stored
     * together. */
    bool is_invocation, is_sending;
    const cleat__instrumentor_settings *send_settings;
    cleat_span sending;
    int64_t sent_count;
    size_t attribute_count;
    const cleat_attribute *attributes; /* hatchet.* only */
} cleat__run_scope;

extern const cleat_context_key cleat__run_scope_key;

/* Copies what it is given. NULL on no memory. */
cleat__run_scope *cleat__run_scope_new(const cleat__span_attributes *attributes);
void cleat__run_scope_free(void *scope); /* NULL-safe */
/* The scope that `context` is in; NULL: none. */
cleat__run_scope *cleat__run_scope_of(const cleat_context *context);

/* ---- The instrumentor ---- */

struct cleat_instrumentor {
    cleat_client *client;
    cleat_tracer_provider *provider;
    bool owns_provider;
    cleat_tracer *tracer;
    cleat__exporter_link *link; /* of the exporter to the collector; NULL: none */
    cleat__instrumentor_settings settings;
    cleat__ledger ledger;
};

/* Records a failed call or task on a span. */
void cleat__span_fail(cleat_span span, cleat_status status, const char *message);

/* ---- Consumer spans ---- */

/* What a worker executes, which says what its span is called and where it belongs. */
typedef enum cleat__role {
    CLEAT__ROLE_TASK,
    CLEAT__ROLE_WORKFLOW, /* an invocation */
    CLEAT__ROLE_STEP,     /* of a workflow, that came over the queue */
} cleat__role;

/* One execution. */
typedef struct cleat__consumer {
    const cleat_instrumentor *instrumentor;
    const cleat_execute_call *call; /* of an invocation; NULL: a batch's */
    cleat_text_map metadata;        /* of the run; reading only */
    cleat_text_map end_metadata;    /* of the message that its end sends */
    const cleat_task *task;
    const char *action;
    cleat_run_id id, parent_id; /* "": no parent */
    cleat_run_id run_id;        /* that `id` is a task of; or the same */
    cleat__role role;
    bool reports_to_workflow; /* it is a child of a workflow, which may wait for it */
    cleat_baggage *arrived;   /* owned */
    cleat_context *base;      /* owned; what came with the carrier, without its trace context */
    cleat__decision_input input;
    cleat__decision decision;
    cleat__span_attributes attributes;
} cleat__consumer;

/* consumer.c: what its run, its id and its parent are called, of a task. */
void cleat__consumer_init(cleat__consumer *consumer, const cleat_instrumentor *instrumentor,
                          const cleat_task *task);
/* Starts the span of a consumer with its metadata. `*context`, the caller's, is that of the work. */
cleat_span cleat__consumer_start(cleat__consumer *consumer, cleat_context **context);
/* After cleat__consumer_workflow_end(). */
void cleat__consumer_end(const cleat__consumer *consumer, cleat_span span, cleat_status status,
                         const char *error);
void cleat__consumer_deinit(cleat__consumer *consumer);

/* consumer_workflow.c: the role, by what came along; and then the mode. */
void cleat__consumer_find_role(cleat__consumer *consumer);
/* "workflow.execute order". */
void cleat__consumer_workflow_name(const cleat__consumer *consumer, char *name, size_t size);
void cleat__consumer_workflow_attributes(cleat__consumer *consumer);
/* For an invocation: says in the baggage whose spans follow. */
void cleat__consumer_workflow_baggage(cleat__consumer *consumer);
/* After the execution, in its context: what it says of its end, and to whoever waits for it. */
void cleat__consumer_workflow_end(const cleat__consumer *consumer, cleat_span span, cleat_status status);

/* ---- Producer spans: inject.c ---- */

/* The numbers of the first of `count` runs that are queued now from `span`; each following one has one span
 * more. False: the span has no valid context. */
bool cleat__producer_count(cleat_instrumentor *instrumentor, cleat_span span, uint64_t count,
                           cleat__budget_state *numbers);
/* Writes the span into the metadata; `numbers` NULL: there is no trace to count in. `what` is for the log. */
void cleat__producer_inject(cleat_span span, const cleat__budget_state *numbers,
                            const cleat_text_map *metadata, cleat_trace_relation relation, const char *what);
/* The same with the origin of what is started; NULL or invalid: the span is. */
void cleat__producer_inject_origin(cleat_span span, const cleat_span_context *origin,
                                   const cleat__budget_state *numbers, const cleat_text_map *metadata,
                                   cleat_trace_relation relation, const char *what);
/* The present baggage without what names the workflow that is under way; the caller releases it. workflow_start.c */
cleat_baggage *cleat__baggage_without_workflow(void);
/* A span of what a workflow, or a queued step of one, puts on the queue: `queue.send`. */
cleat_span cleat__queue_send_start(const cleat_instrumentor *instrumentor);
/* Its context goes with a message to a run that is there already, which knows where it comes from. `baggage` is what
 * goes along; NULL: nothing. workflow_spans.c */
void cleat__queue_send_inject(cleat_instrumentor *instrumentor, cleat_span span,
                              const cleat_span_context *origin, const cleat_baggage *baggage,
                              const cleat_text_map *metadata);
/* Runs that an invocation spawns: one span for all that are stored together. */
cleat_status cleat__queue_send_more(cleat_instrumentor *instrumentor, cleat_trigger_call *call,
                                    cleat__run_scope *scope);
/* They are stored, or with that status they are not. `scope` may be NULL, or that of anything. */
void cleat__queue_send_end(cleat__run_scope *scope, cleat_status status);
/* Metadata as it was written: a text map cannot say it as a whole. */
cleat_slice cleat__producer_metadata(const cleat_text_map *map);
/* A call that makes many. */
typedef struct cleat__producer_items {
    void *call;
    size_t count;
    cleat_slice (*name)(void *call, size_t index);
    cleat_slice (*payload)(void *call, size_t index);
} cleat__producer_items;
/* The span of the whole call: their names, each once, are the attribute `key`. producer.c */
cleat_span cleat__producer_start_bulk(const cleat_instrumentor *instrumentor, const char *span_name,
                                      const char *key, const cleat__producer_items *items);
/* Keeps the error message of the failed call. */
void cleat__producer_end(cleat_span span, cleat_status status);

/* The hooks. */
cleat_status cleat__instrumentor_trigger(void *instrumentor, cleat_trigger_call *call);
cleat_status cleat__instrumentor_push(void *instrumentor, cleat_push_call *call);
cleat_status cleat__instrumentor_schedule(void *instrumentor, cleat_schedule_call *call);
cleat_status cleat__instrumentor_execute(void *instrumentor, cleat_execute_call *call);
cleat_status cleat__instrumentor_execute_batch(void *instrumentor, cleat_batch_call *call);
cleat_status cleat__instrumentor_cancel(void *instrumentor, cleat_cancel_call *call);
cleat_status cleat__instrumentor_step(void *instrumentor, cleat_step_call *call);
cleat_status cleat__instrumentor_wait(void *instrumentor, cleat_wait_call *call);
cleat_status cleat__instrumentor_suspend(void *instrumentor, cleat_suspend_call *call);
cleat_status cleat__instrumentor_resume(void *instrumentor, cleat_resume_call *call);

#endif
