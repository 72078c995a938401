/*
 * Finished spans: the read view, processors, exporters.
 *
 * A finished span is one contiguous record: the bytes of an OTLP `Span` message
 * (opentelemetry.proto.trace.v1). A cleat_span_view reads it in place.
 *
 * Source: OpenTelemetry specification, "Tracing SDK": Span processor, Span exporter.
 */
#ifndef CLEAT_EXPORTER_H
#define CLEAT_EXPORTER_H

#include "cleat/trace.h"

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cleat_resource cleat_resource; /* provider.h */

/* ---- Reading a finished span ---- */

/* The instrumentation scope. */
typedef struct cleat_instrumentation_scope {
    cleat_slice name;
    cleat_slice version;
    cleat_slice schema_url;
    const cleat_attribute *attributes;
    size_t attribute_count;
} cleat_instrumentation_scope;

/* All slices and pointers are borrowed and valid during the call that got the view. */
typedef struct cleat_span_view {
    const cleat_resource *resource;           /* may be NULL in views of foreign records */
    const cleat_instrumentation_scope *scope; /* may be NULL likewise */
    cleat_slice record;                       /* the OTLP Span message */
    cleat_trace_id trace_id;
    cleat_span_id span_id;
    cleat_span_id parent_span_id; /* zero: a root span */
    uint32_t flags;               /* OTLP Span.flags: W3C flags, 0x100 has-is-remote, 0x200 is-remote */
    cleat_slice trace_state;
    cleat_slice name;
    cleat_span_kind kind;
    int64_t start_time_ns;
    int64_t end_time_ns;
    cleat_span_status status;
    cleat_slice status_message;
    uint32_t attribute_count, dropped_attribute_count;
    uint32_t event_count, dropped_event_count;
    uint32_t link_count, dropped_link_count;
} cleat_span_view;

typedef struct cleat_event_view {
    int64_t time_ns;
    cleat_slice name;
    cleat_slice encoded; /* the OTLP Event message, for cleat_event_view_next_attribute */
    uint32_t dropped_attribute_count;
} cleat_event_view;

typedef struct cleat_link_view {
    cleat_span_context context; /* trace id, span id, flags, tracestate */
    cleat_slice encoded;        /* the OTLP Link message, for cleat_link_view_next_attribute */
    uint32_t dropped_attribute_count;
} cleat_link_view;

/* Fills a view from an OTLP Span message; CLEAT_INVALID_ARGUMENT when it is malformed. */
CLEAT_API cleat_status cleat_span_view_read(cleat_slice record, cleat_span_view *out);

/* Iterators: `*cursor` starts at 0; false at the end. */
CLEAT_API bool cleat_span_view_next_attribute(const cleat_span_view *span, size_t *cursor,
                                              cleat_attribute *out);
CLEAT_API bool cleat_span_view_next_event(const cleat_span_view *span, size_t *cursor, cleat_event_view *out);
CLEAT_API bool cleat_span_view_next_link(const cleat_span_view *span, size_t *cursor, cleat_link_view *out);
CLEAT_API bool cleat_event_view_next_attribute(const cleat_event_view *event, size_t *cursor,
                                               cleat_attribute *out);
CLEAT_API bool cleat_link_view_next_attribute(const cleat_link_view *link, size_t *cursor,
                                              cleat_attribute *out);
/* Finds an attribute by key. */
CLEAT_API bool cleat_span_view_attribute(const cleat_span_view *span, const char *key, cleat_value *out);
/* Element `index` of an array value, whether borrowed from the caller or read from a record. */
CLEAT_API bool cleat_value_element(const cleat_value *array, size_t index, cleat_value *out);

/* ---- Exporters ---- */

/* Finished spans, oldest first. */
typedef struct cleat_span_batch cleat_span_batch;
CLEAT_API size_t cleat_span_batch_count(const cleat_span_batch *batch);
/* `*cursor` starts at 0; false at the end. */
CLEAT_API bool cleat_span_batch_next(const cleat_span_batch *batch, size_t *cursor, cleat_span_view *out);

/*
 * Users embed this struct first in their own. A processor calls export_spans from one thread at a
 * time; force_flush and shutdown may come from any thread. export_spans must not keep anything of
 * the batch and should return within `timeout_ms` (INT64_MAX: no limit). After shutdown
 * export_spans answers CLEAT_UNAVAILABLE. `free` is called once, last; NULL members are skipped.
 * cleat_tracing_suppressed() is true inside export_spans, and spans ended there are not exported.
 */
typedef struct cleat_span_exporter cleat_span_exporter;
struct cleat_span_exporter {
    cleat_status (*export_spans)(cleat_span_exporter *self, const cleat_span_batch *batch,
                                 int64_t timeout_ms);
    cleat_status (*force_flush)(cleat_span_exporter *self, int64_t timeout_ms);
    cleat_status (*shutdown)(cleat_span_exporter *self, int64_t timeout_ms);
    void (*free)(cleat_span_exporter *self);
};

/* Keeps copies of spans, for tests. The `at` view is valid until clear or free. Thread-safe. */
CLEAT_API cleat_status cleat_memory_exporter_new(cleat_span_exporter **out);
CLEAT_API size_t cleat_memory_exporter_count(cleat_span_exporter *exporter);
CLEAT_API bool cleat_memory_exporter_at(cleat_span_exporter *exporter, size_t index, cleat_span_view *out);
CLEAT_API void cleat_memory_exporter_clear(cleat_span_exporter *exporter);

/* Writes each span for people, several lines, to `stream` (borrowed, not closed). */
CLEAT_API cleat_status cleat_console_exporter_new(FILE *stream, cleat_span_exporter **out);

/*
 * Appends each batch as one line of OTLP JSON (ExportTraceServiceRequest; OTLP "File exporter")
 * to the file at `path`, created when missing. CLEAT_IO with a reason when it cannot be opened.
 */
CLEAT_API cleat_status cleat_file_exporter_new(const char *path, cleat_span_exporter **out);

/* ---- Processors ---- */

/*
 * Users embed this struct first in their own. on_start and on_ending run on the thread that
 * starts or ends the span, may change the span, must not block; `parent` is NULL for the root
 * context and for an explicit root span; from on_ending on, no other thread can change the span.
 * on_end gets the finished span and must copy what it keeps. NULL members are skipped.
 */
typedef struct cleat_span_processor cleat_span_processor;
struct cleat_span_processor {
    void (*on_start)(cleat_span_processor *self, cleat_span span, const cleat_context *parent);
    void (*on_ending)(cleat_span_processor *self, cleat_span span);
    void (*on_end)(cleat_span_processor *self, const cleat_span_view *span);
    cleat_status (*force_flush)(cleat_span_processor *self, int64_t timeout_ms);
    cleat_status (*shutdown)(cleat_span_processor *self, int64_t timeout_ms);
    void (*free)(cleat_span_processor *self);
};

/* Exports each sampled span as it ends, on the ending thread. The exporter is consumed on every path. */
CLEAT_API cleat_status cleat_simple_processor_new(cleat_span_exporter *exporter, cleat_span_processor **out);

/*
 * Exports on a thread of its own, in batches. Zero: OTEL_BSP_SCHEDULE_DELAY (5,000 ms),
 * OTEL_BSP_EXPORT_TIMEOUT (30,000 ms), OTEL_BSP_MAX_QUEUE_SIZE (2,048 spans),
 * OTEL_BSP_MAX_EXPORT_BATCH_SIZE (512; never above the queue).
 */
typedef struct cleat_batch_processor_options {
    size_t struct_size;
    int64_t schedule_delay_ms;
    int64_t export_timeout_ms;
    size_t max_queue_size;
    size_t max_export_batch_size;
} cleat_batch_processor_options;
#define CLEAT_BATCH_PROCESSOR_OPTIONS(...) \
    (&(cleat_batch_processor_options){.struct_size = sizeof(cleat_batch_processor_options), __VA_ARGS__})

/*
 * Ending a span never blocks: a full queue drops the span and counts it. The exporter is consumed
 * on every path. `options` may be NULL.
 */
CLEAT_API cleat_status cleat_batch_processor_new(cleat_span_exporter *exporter,
                                                 const cleat_batch_processor_options *options,
                                                 cleat_span_processor **out);

/* What a batch processor did so far. */
typedef struct cleat_batch_processor_stats {
    uint64_t exported;      /* spans in exports that succeeded */
    uint64_t failed;        /* spans in exports that failed */
    uint64_t dropped_full;  /* spans dropped because the queue was full */
    uint64_t dropped_ended; /* spans that ended after shutdown */
} cleat_batch_processor_stats;
CLEAT_API void cleat_batch_processor_get_stats(cleat_span_processor *processor,
                                               cleat_batch_processor_stats *out);

/* True on a thread that is inside export_spans; instrumentation uses it to stay silent there. */
CLEAT_API bool cleat_tracing_suppressed(void);

#ifdef __cplusplus
}
#endif
#endif
