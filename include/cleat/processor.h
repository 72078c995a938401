/*
 * Span processors: what happens to spans as they start and end, before they are exported.
 *
 * Source: OpenTelemetry specification, "Tracing SDK": Span processor.
 */
#ifndef CLEAT_PROCESSOR_H
#define CLEAT_PROCESSOR_H

#include "cleat/exporter.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What became of the spans that were given to a processor. A forked child counts from zero. */
typedef struct cleat_span_processor_stats {
    uint64_t exported;       /* spans in exports that succeeded */
    uint64_t failed;         /* spans in exports that failed */
    uint64_t dropped_full;   /* spans dropped because the queue was full */
    uint64_t dropped_ended;  /* spans that ended after shutdown */
    uint64_t dropped_memory; /* spans for which there was no memory */
} cleat_span_processor_stats;

/*
 * Users embed this struct first in their own. on_start and on_ending run on the thread that
 * starts or ends the span, may change the span, must not block; `parent` is NULL for the root
 * context and for an explicit root span; from on_ending on, no other thread can change the span.
 * on_end gets the finished span and must copy what it keeps. What get_stats says (`*out` comes
 * zeroed) goes into cleat_tracer_provider_get_stats(). before_shutdown comes to all processors of a
 * provider, and to all providers at exit, before the first shutdown, so that none has to wait for
 * another one's destination: from there on no span counts, and exporting what is left may begin; it
 * does not wait. NULL members are skipped.
 */
typedef struct cleat_span_processor cleat_span_processor;
struct cleat_span_processor {
    void (*on_start)(cleat_span_processor *self, cleat_span span, const cleat_context *parent);
    void (*on_ending)(cleat_span_processor *self, cleat_span span);
    void (*on_end)(cleat_span_processor *self, const cleat_span_view *span);
    cleat_status (*force_flush)(cleat_span_processor *self, int64_t timeout_ms);
    cleat_status (*shutdown)(cleat_span_processor *self, int64_t timeout_ms);
    void (*free)(cleat_span_processor *self);
    void (*get_stats)(cleat_span_processor *self, cleat_span_processor_stats *out);
    void (*before_shutdown)(cleat_span_processor *self);
};

/* Exports each sampled span as it ends, on the ending thread. The exporter is consumed on every path.
 * CLEAT_INVALID_ARGUMENT for NULL, CLEAT_NO_MEMORY. Specification: "Simple processor". */
CLEAT_API cleat_status cleat_simple_processor_new(cleat_span_exporter *exporter, cleat_span_processor **out);

/*
 * Exports on a thread of its own, in batches. Zero: OTEL_BSP_SCHEDULE_DELAY (5,000 ms),
 * OTEL_BSP_EXPORT_TIMEOUT (30,000 ms), OTEL_BSP_MAX_QUEUE_SIZE (2,048 spans),
 * OTEL_BSP_MAX_EXPORT_BATCH_SIZE (512; never above the queue). The queue is bounded in spans: what
 * they take is bounded by limits of values, of which there is none by default
 * (OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT).
 */
typedef struct cleat_batch_processor_options {
    size_t struct_size;
    int64_t schedule_delay_ms;
    int64_t export_timeout_ms;
    size_t max_queue_size;
    size_t max_export_batch_size;
    bool blocks_when_full; /* ending a span waits for room instead of dropping it: for batch jobs */
} cleat_batch_processor_options;
#define CLEAT_BATCH_PROCESSOR_OPTIONS(...) CLEAT_OPTIONS(cleat_batch_processor_options, __VA_ARGS__)

/*
 * Ending a span never blocks, unless that was asked for: a full queue drops the span and counts it.
 * The exporter is consumed on every path. `options` may be NULL. CLEAT_INVALID_ARGUMENT without
 * exporter or `out`, CLEAT_NO_MEMORY, CLEAT_RESOURCE_EXHAUSTED without a thread. Specification: "Batching
 * processor".
 */
CLEAT_API cleat_status cleat_batch_processor_new(cleat_span_exporter *exporter,
                                                 const cleat_batch_processor_options *options,
                                                 cleat_span_processor **out);

/* What a batch processor did so far; all zero for another one. Any thread. */
typedef cleat_span_processor_stats cleat_batch_processor_stats;
CLEAT_API void cleat_batch_processor_get_stats(cleat_span_processor *processor,
                                               cleat_batch_processor_stats *out);

#ifdef __cplusplus
}
#endif
#endif
