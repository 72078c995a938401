/*
 * The tracing SDK: tracer provider, id generator, limits, and setting all of it up.
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
 * Forks. A forked child goes on tracing with the provider and its processors: prefork servers set
 * tracing up once, before they fork, and daemons may fork as often as they do. Spans that ended
 * before the fork are exported by the parent alone, and so are spans that lived at the fork: in the
 * child they do not record, ending them exports nothing, and they still are the parents of its new
 * spans. The child counts from zero and starts the exporting thread with the first span that ends in
 * it. fork() may be called at any time, also by processors and samplers, while other threads trace,
 * and waits for no export; an exporter that forks has to exec or _exit() in the child. Exporters of
 * the program's own that have threads, connections or locks renew them with pthread_atfork(). The
 * allocator of cleat_set_allocator() has to be usable in a child. fork and exec, vfork and
 * posix_spawn need nothing.
 *
 * Exit. exit() shuts down every provider that was not, in reverse order of their making, within 5 s
 * for all. What they use, such as an exporter of the program's own, is still there if it was made
 * before the provider. Spans that end later, in atexit() handlers and destructors of static objects,
 * are dropped and counted; spans whose provider has been freed end without a trace.
 *
 * Source: OpenTelemetry specification, "Tracing SDK"; "Environment variables".
 */
#ifndef CLEAT_PROVIDER_H
#define CLEAT_PROVIDER_H

#include "cleat/processor.h"
#include "cleat/resource.h"
#include "cleat/sampler.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Both fill `bytes` with a valid id; called from any thread. Specification: "Id Generators". */
typedef struct cleat_id_generator {
    void *user_data;
    void (*trace_id)(void *user_data, cleat_trace_id *out);
    void (*span_id)(void *user_data, cleat_span_id *out);
    bool random; /* trace ids have 56 random low bits: sets the W3C random flag */
} cleat_id_generator;

/* Zero: OTEL_SPAN_*_LIMIT etc., else the specification's default (128; length unlimited).
 * CLEAT_LIMIT_NONE allows none. Specification: "Span Limits"; Common, "Attribute Limits". */
#define CLEAT_LIMIT_NONE UINT32_MAX
typedef struct cleat_span_limits {
    uint32_t attributes;
    uint32_t events;
    uint32_t links;
    uint32_t attributes_per_event;
    uint32_t attributes_per_link;
    uint32_t attribute_value_length; /* characters */
} cleat_span_limits;

typedef struct cleat_tracer_provider cleat_tracer_provider;
typedef struct cleat_tracer_provider_options {
    size_t struct_size;
    /* Retained; NULL: cleat_resource_default(). Otherwise OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME
     * are merged under it, and nothing else: cleat_resource_detect() has telemetry.sdk.* and detectors
     * too. */
    cleat_resource *resource;
    cleat_sampler *sampler;                 /* consumed on every path; NULL: OTEL_TRACES_SAMPLER(_ARG), else
                                          * parent_based(link_based(always_on)) */
    const cleat_id_generator *id_generator; /* copied; NULL: random */
    const cleat_clock *clock;               /* copied; NULL: system */
    cleat_span_limits limits;
} cleat_tracer_provider_options;
#define CLEAT_TRACER_PROVIDER_OPTIONS(...) CLEAT_OPTIONS(cleat_tracer_provider_options, __VA_ARGS__)

/*
 * `options` may be NULL. With OTEL_SDK_DISABLED=true its tracers make no-op spans. The caller owns
 * `*out`. CLEAT_INVALID_ARGUMENT without `out`, CLEAT_NO_MEMORY. Any thread. Specification: "Tracer
 * Provider", "Configuration".
 */
CLEAT_API cleat_status cleat_tracer_provider_new(const cleat_tracer_provider_options *options,
                                                 cleat_tracer_provider **out);
/*
 * As new, with what OTEL_TRACES_EXPORTER names, separated by commas: otlp (the default; which one says
 * OTEL_EXPORTER_OTLP_PROTOCOL) and file:PATH behind a batch processor, console behind a simple one,
 * or none. A wrong value warns and is passed over; where no other is left, otlp it is. A file that
 * cannot be written warns, and nothing takes its place. What `options` say wins over variables for the
 * same. Specification: "Environment variables", "Exporter Selection".
 */
CLEAT_API cleat_status cleat_tracer_provider_from_environment(const cleat_tracer_provider_options *options,
                                                              cleat_tracer_provider **out);
/*
 * Shuts down (5 s at most) and frees. Its own tracers must not be used any more; those of
 * cleat_tracer_get() may be, by any thread, and make no-op spans from then on. Where it is the global
 * provider, there is none any more. No other thread may be inside a call that is given the provider, such
 * as a flush. One that is kept inside a span's start or end (by a processor that hangs) for more than
 * 5 s keeps the memory from being freed, with a warning. NULL-safe.
 */
CLEAT_API void cleat_tracer_provider_free(cleat_tracer_provider *provider);
/* Consumes `processor` on every path. CLEAT_RESOURCE_EXHAUSTED after 16, CLEAT_FAILED_PRECONDITION
 * after shutdown, CLEAT_INVALID_ARGUMENT for NULL. Any time, any thread. Specification: "Span
 * processor". */
CLEAT_API cleat_status cleat_tracer_provider_add_processor(cleat_tracer_provider *provider,
                                                           cleat_span_processor *processor);
/*
 * Both export what is queued: CLEAT_TIMEOUT when not done in time, else the first failure of a
 * processor. While it shuts down, an OTLP exporter tries again only what a server that is there asks
 * for by its answer (over HTTP the status codes 429, 502, 503 and 504, over gRPC a RetryInfo): a
 * collector that is not there holds up nobody. Any thread; shutdown twice is
 * CLEAT_FAILED_PRECONDITION. Specification: "ForceFlush", "Shutdown".
 */
CLEAT_API cleat_status cleat_tracer_provider_force_flush(cleat_tracer_provider *provider, int64_t timeout_ms);
CLEAT_API cleat_status cleat_tracer_provider_shutdown(cleat_tracer_provider *provider, int64_t timeout_ms);

/*
 * What became of this provider's spans so far, in this process. Each thread counts for itself, so
 * counting costs the span path next to nothing, and reading adds up: numbers of spans that other
 * threads start and end meanwhile may differ by those. With one of the built-in processors and when
 * all is quiet after a flush, `ended` is the sum of `exported`, `failed` and the three `dropped`, but
 * for spans that are recorded and not sampled, which no exporter gets.
 */
typedef struct cleat_tracer_provider_stats {
    uint64_t started;     /* spans that record */
    uint64_t not_sampled; /* spans that a sampler dropped */
    uint64_t ended;       /* of those started */
    /* Sums over the processors that count (get_stats; the built-in ones do). */
    uint64_t exported;
    uint64_t failed;
    uint64_t dropped_full;   /* the queue was full */
    uint64_t dropped_ended;  /* they ended after shutdown */
    uint64_t dropped_memory; /* out of memory, here or there */
    /* In spans that ended. */
    uint64_t attributes_dropped; /* by limits; those of events and links included */
    uint64_t events_dropped;
    uint64_t links_dropped;
    uint64_t strings_repaired; /* invalid UTF-8 replaced by U+FFFD */
} cleat_tracer_provider_stats;
/* All zero for NULL. Any thread. */
CLEAT_API void cleat_tracer_provider_get_stats(cleat_tracer_provider *provider,
                                               cleat_tracer_provider_stats *out);

typedef struct cleat_tracer_options {
    size_t struct_size;
    const char *version;
    const char *schema_url;
    const cleat_attribute *attributes; /* of the instrumentation scope */
    size_t attribute_count;
} cleat_tracer_options;
#define CLEAT_TRACER_OPTIONS(...) CLEAT_OPTIONS(cleat_tracer_options, __VA_ARGS__)
/* Never NULL: a no-op tracer on no memory. Equal arguments give the same tracer. Owned by the
 * provider. Any thread. Specification: "Tracer Creation"; Tracing API, "Get a Tracer". */
CLEAT_API cleat_tracer *cleat_tracer_provider_get_tracer(cleat_tracer_provider *provider, const char *name,
                                                         const cleat_tracer_options *options);

/* Borrowed; NULL: none. Freeing the provider ends its time as the global one. Any thread.
 * Specification: Tracing API, "TracerProvider". */
CLEAT_API void cleat_tracer_provider_set_global(cleat_tracer_provider *provider);
CLEAT_API cleat_tracer_provider *cleat_tracer_provider_global(void);

/* ---- All of it in one call ---- */

/*
 * Makes a provider as cleat_tracer_provider_from_environment() does and sets it as the global one;
 * propagators follow OTEL_PROPAGATORS by themselves. When the process exits, what is queued is
 * still exported, for 5 s at most. Whoever sets the environment reads no return values: where the
 * program has set no log handler (nor NULL, for silence), warnings go to standard error, or what
 * OTEL_LOG_LEVEL asks for. CLEAT_ALREADY_EXISTS when it was started before: nothing changes, but
 * what `options` hand over is consumed. Any thread.
 */
CLEAT_API cleat_status cleat_tracing_start(const cleat_tracer_provider_options *options);
/*
 * Exports what is queued and frees that provider; spans end before. CLEAT_TIMEOUT when not all was
 * exported in time, CLEAT_OK when nothing was started. Any thread.
 */
CLEAT_API cleat_status cleat_tracing_stop(int64_t timeout_ms);

#ifdef __cplusplus
}
#endif
#endif
