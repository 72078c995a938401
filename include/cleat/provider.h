/*
 * The tracing SDK: tracer provider, resource, samplers, id generator, limits.
 *
 *     cleat_span_exporter *exporter = NULL;
 *     cleat_span_processor *processor = NULL;
 *     cleat_tracer_provider *provider = NULL;
 *     cleat_console_exporter_new(stderr, &exporter);
 *     cleat_batch_processor_new(exporter, NULL, &processor);
 *     cleat_tracer_provider_new(NULL, &provider);
 *     cleat_tracer_provider_add_processor(provider, processor);
 *     cleat_tracer_provider_set_global(provider);
 *     ...
 *     cleat_tracer_provider_free(provider);            // flushes and shuts down
 *
 * Source: OpenTelemetry specification, "Tracing SDK", "Resource SDK", "Environment variables".
 */
#ifndef CLEAT_PROVIDER_H
#define CLEAT_PROVIDER_H

#include "cleat/exporter.h"
#include "cleat/trace.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Resource: immutable, reference-counted ---- */

/* Attributes are copied; of equal keys the last wins. `schema_url` may be NULL. */
CLEAT_API cleat_status cleat_resource_new(const cleat_attribute *attributes, size_t count,
                                          const char *schema_url, cleat_resource **out);
/*
 * service.name (default "unknown_service:<process name>"), telemetry.sdk.*, and what
 * OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME say.
 */
CLEAT_API cleat_status cleat_resource_default(cleat_resource **out);
/* Attributes of `updating` win. Schema URLs: specification "Merge". */
CLEAT_API cleat_status cleat_resource_merge(const cleat_resource *old, const cleat_resource *updating,
                                            cleat_resource **out);
CLEAT_API cleat_resource *cleat_resource_retain(const cleat_resource *resource);
CLEAT_API void cleat_resource_release(cleat_resource *resource);
CLEAT_API size_t cleat_resource_count(const cleat_resource *resource);
CLEAT_API const cleat_attribute *cleat_resource_attributes(const cleat_resource *resource);
CLEAT_API cleat_slice cleat_resource_schema_url(const cleat_resource *resource);

/* ---- Sampling ---- */

typedef enum cleat_sampling_decision {
    CLEAT_SAMPLING_DROP = 0,
    CLEAT_SAMPLING_RECORD_ONLY = 1,
    CLEAT_SAMPLING_RECORD_AND_SAMPLE = 2,
} cleat_sampling_decision;

typedef struct cleat_sampling_arguments {
    const cleat_context *parent;                   /* NULL for the root context or an explicit root span */
    const cleat_span_context *parent_span_context; /* never NULL, may be invalid */
    cleat_trace_id trace_id;
    cleat_slice trace_state; /* of the parent, or of the root span's options */
    cleat_slice name;
    cleat_span_kind kind;
    const cleat_attribute *attributes;
    size_t attribute_count;
    const cleat_link *links;
    size_t link_count;
} cleat_sampling_arguments;

typedef struct cleat_sampling_result {
    cleat_sampling_decision decision;
    const cleat_attribute *attributes; /* added to the span; must stay valid until it has started */
    size_t attribute_count;
    bool sets_trace_state;             /* then the span gets the following tracestate instead */
    cleat_span_context trace_state_of; /* only its trace_state is used */
} cleat_sampling_result;

/*
 * Users embed this struct first. should_sample is called from any thread and must not block; the
 * result comes zeroed but for `trace_state_of.trace_state`, which is undefined. `free` may be NULL
 * for static samplers.
 */
typedef struct cleat_sampler cleat_sampler;
struct cleat_sampler {
    void (*should_sample)(cleat_sampler *self, const cleat_sampling_arguments *arguments,
                          cleat_sampling_result *result);
    const char *(*description)(cleat_sampler *self);
    void (*free)(cleat_sampler *self);
};
CLEAT_API cleat_sampler *cleat_sampler_always_on(void);  /* static */
CLEAT_API cleat_sampler *cleat_sampler_always_off(void); /* static */
/*
 * Keeps a trace when its 56 bits of randomness (ot=rv of the tracestate, else the trace id) reach
 * the rejection threshold of `ratio` (0..1; others are clamped). NULL on no memory.
 */
CLEAT_API cleat_sampler *cleat_sampler_ratio(double ratio);
/* Follows the parent's sampled flag; asks `root` (consumed; NULL: always on) where there is no parent. */
CLEAT_API cleat_sampler *cleat_sampler_parent_based(cleat_sampler *root);
/*
 * For root spans with links: sampled when any linked context is sampled, dropped when all are
 * unsampled; asks `root` (consumed) where no link is valid. Keeps runs of many linked traces whole.
 */
CLEAT_API cleat_sampler *cleat_sampler_link_based(cleat_sampler *root);

/* ---- Provider ---- */

/* Both fill `bytes` with a valid id; called from any thread. */
typedef struct cleat_id_generator {
    void *user_data;
    void (*trace_id)(void *user_data, cleat_trace_id *out);
    void (*span_id)(void *user_data, cleat_span_id *out);
    bool random; /* trace ids have 56 random low bits: sets the W3C random flag */
} cleat_id_generator;

/* Zero: OTEL_SPAN_*_LIMIT etc., else the specification's default (128; length unlimited).
 * CLEAT_LIMIT_NONE allows none. */
#define CLEAT_LIMIT_NONE UINT32_MAX
typedef struct cleat_span_limits {
    uint32_t attributes;
    uint32_t events;
    uint32_t links;
    uint32_t attributes_per_event;
    uint32_t attributes_per_link;
    uint32_t attribute_value_length; /* bytes of UTF-8, cut at a character boundary */
} cleat_span_limits;

typedef struct cleat_tracer_provider cleat_tracer_provider;
typedef struct cleat_tracer_provider_options {
    size_t struct_size;
    cleat_resource *resource;               /* retained; NULL: cleat_resource_default() */
    cleat_sampler *sampler;                 /* consumed on every path; NULL: OTEL_TRACES_SAMPLER(_ARG), else
                                          * parent_based(link_based(always_on)) */
    const cleat_id_generator *id_generator; /* copied; NULL: random */
    const cleat_clock *clock;               /* copied; NULL: system */
    cleat_span_limits limits;
} cleat_tracer_provider_options;
#define CLEAT_TRACER_PROVIDER_OPTIONS(...) \
    (&(cleat_tracer_provider_options){.struct_size = sizeof(cleat_tracer_provider_options), __VA_ARGS__})

/* `options` may be NULL. With OTEL_SDK_DISABLED=true its tracers make no-op spans. */
CLEAT_API cleat_status cleat_tracer_provider_new(const cleat_tracer_provider_options *options,
                                                 cleat_tracer_provider **out);
/* As new, with the processor that OTEL_TRACES_EXPORTER names: console, none, or `file:PATH`. */
CLEAT_API cleat_status cleat_tracer_provider_from_environment(cleat_tracer_provider **out);
/* Shuts down (5 s at most) and frees. Its spans must have ended, its tracers are gone. NULL-safe. */
CLEAT_API void cleat_tracer_provider_free(cleat_tracer_provider *provider);
/* Consumes `processor` on every path. At most 16; any time, any thread. */
CLEAT_API cleat_status cleat_tracer_provider_add_processor(cleat_tracer_provider *provider,
                                                           cleat_span_processor *processor);
/* CLEAT_TIMEOUT when not done in time. Any thread; shutdown twice is CLEAT_FAILED_PRECONDITION. */
CLEAT_API cleat_status cleat_tracer_provider_force_flush(cleat_tracer_provider *provider, int64_t timeout_ms);
CLEAT_API cleat_status cleat_tracer_provider_shutdown(cleat_tracer_provider *provider, int64_t timeout_ms);

typedef struct cleat_tracer_options {
    size_t struct_size;
    const char *version;
    const char *schema_url;
    const cleat_attribute *attributes; /* of the instrumentation scope */
    size_t attribute_count;
} cleat_tracer_options;
#define CLEAT_TRACER_OPTIONS(...) \
    (&(cleat_tracer_options){.struct_size = sizeof(cleat_tracer_options), __VA_ARGS__})
/* Never NULL: a no-op tracer on no memory. Equal arguments give the same tracer. Owned by the provider. */
CLEAT_API cleat_tracer *cleat_tracer_provider_get_tracer(cleat_tracer_provider *provider, const char *name,
                                                         const cleat_tracer_options *options);

/* Borrowed; NULL: none. The provider must outlive its time as the global one. Any thread. */
CLEAT_API void cleat_tracer_provider_set_global(cleat_tracer_provider *provider);
CLEAT_API cleat_tracer_provider *cleat_tracer_provider_global(void);

#ifdef __cplusplus
}
#endif
#endif
