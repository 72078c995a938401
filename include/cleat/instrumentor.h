/*
 * The instrumentor: OpenTelemetry spans around starting and executing runs, and the choice
 * between parent and link. It is an interceptor of the client (interceptor.h).
 *
 *     cleat_instrumentor *instrumentor = NULL;
 *     cleat_instrumentor_new(client, NULL, &instrumentor);
 *     // workers and runs
 *     cleat_instrumentor_free(instrumentor);      // after the workers, before the client
 *
 * Spans go to the engine's own collector (of an embedded engine into its file; of a server with the client's
 * token, where one that has no collector is asked again after 5 minutes), and to what the provider has
 * besides. A Hatchet engine drops links and shows of a run only what is in the trace that its metadata
 * names: there, and only there, the spans of a task that began a trace of its own arrive as copies in that
 * trace.
 *
 * Spans: hatchet.run_workflow, hatchet.run_workflows, hatchet.push_event, hatchet.bulk_push_event,
 * hatchet.schedule_workflow (PRODUCER, the caller's side), hatchet.start_step_run,
 * hatchet.cancel_step_run (CONSUMER, the worker's side).
 */
#ifndef CLEAT_INSTRUMENTOR_H
#define CLEAT_INSTRUMENTOR_H

#include "cleat/client.h"
#include "cleat/provider.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cleat_instrumentor cleat_instrumentor;

/* Zero means "not set", for which the environment or the default stands. */
typedef enum cleat_switch {
    CLEAT_SWITCH_DEFAULT = 0,
    CLEAT_SWITCH_ON = 1,
    CLEAT_SWITCH_OFF = 2,
} cleat_switch;

/* When a continued trace would pass one of these, the run gets a linked trace instead. 0: no limit. */
typedef struct cleat_trace_budget {
    uint32_t max_depth; /* queue hops since the trace's root */
    int64_t max_age_s;  /* seconds since the trace's first span */
    uint32_t max_spans; /* queued descendants */
} cleat_trace_budget;

typedef struct cleat_instrumentor_options {
    size_t struct_size;
    cleat_tracer_provider *provider; /* borrowed; NULL: one is made with the default resource and sampler */
    cleat_switch collector;          /* export to the engine's collector; default on */
    cleat_batch_processor_options collector_batch; /* zero: OTEL_BSP_* and the defaults */
    /* Attribute names not to record, without "hatchet."; a NULL-terminated list. NULL:
     * HATCHET_CLIENT_OPENTELEMETRY_EXCLUDED_ATTRIBUTES, a JSON array. Copied. */
    const char *const *excluded_attributes;
    /* Span name "hatchet.start_step_run.<action>". Default:
     * HATCHET_CLIENT_OPENTELEMETRY_INCLUDE_TASK_NAME_IN_SPAN_NAME, off. */
    cleat_switch include_task_name_in_span_name;
    /* One hatchet.run_workflow span per run of a bulk call, below hatchet.run_workflows. Default:
     * HATCHET_CLIENT_OPENTELEMETRY_INDIVIDUAL_RUN_SPANS_FOR_BULK_RUN, off. */
    cleat_switch individual_run_spans_for_bulk_run;
    /* Inputs and metadata as attributes of producer and consumer spans. Default off. */
    cleat_switch payload_attributes;
    /* True: the run of `action_id` gets a linked trace. Called on worker threads. */
    bool (*use_links_instead_of_parent)(const char *action_id, void *user_data);
    void *user_data;
    cleat_trace_budget budget;
    /* Linked traces follow the sampled flag and randomness of their origin. Default on. With a
     * provider of your own the flag is its sampler's matter (cleat/provider.h), in both settings. */
    cleat_switch sampling_across_links;
} cleat_instrumentor_options;
#define CLEAT_INSTRUMENTOR_OPTIONS(...) CLEAT_OPTIONS(cleat_instrumentor_options, __VA_ARGS__)

/* Instruments `client`. `options` may be NULL. One per client (CLEAT_ALREADY_EXISTS). */
CLEAT_API cleat_status cleat_instrumentor_new(cleat_client *client, const cleat_instrumentor_options *options,
                                              cleat_instrumentor **out);
/* Waits until ended spans are exported. CLEAT_TIMEOUT when that takes longer. */
CLEAT_API cleat_status cleat_instrumentor_flush(cleat_instrumentor *instrumentor, int64_t timeout_ms);
/* Flushes (5 s at most), shuts down its own provider, frees. No call of the client may be under way,
 * nor a task that outlived its worker. NULL-safe. */
CLEAT_API void cleat_instrumentor_free(cleat_instrumentor *instrumentor);
/* The provider in use: for the user's own tracers. */
CLEAT_API cleat_tracer_provider *cleat_instrumentor_provider(cleat_instrumentor *instrumentor);

#ifdef __cplusplus
}
#endif
#endif
