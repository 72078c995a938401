/*
 * Finished spans: the read view, and exporters.
 *
 * A finished span is one contiguous record: the bytes of an OTLP `Span` message
 * (opentelemetry.proto.trace.v1). A cleat_span_view reads it in place.
 *
 * Source: OpenTelemetry specification, "Tracing SDK": Span exporter; "OTLP File exporter".
 */
#ifndef CLEAT_EXPORTER_H
#define CLEAT_EXPORTER_H

#include "cleat/context.h"
#include "cleat/resource.h"

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Reading a finished span (specification: Tracing SDK, "Additional Span Interfaces") ---- */

/* Specification: Common, "Instrumentation Scope". */
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

/* Fills a view from an OTLP Span message, which it borrows; CLEAT_INVALID_ARGUMENT when it is
 * malformed. Any thread, as with all that reads views. */
CLEAT_API cleat_status cleat_span_view_read(cleat_slice record, cleat_span_view *out);

/* Iterators, in the order of setting and adding: `*cursor` starts at 0; false at the end. What they
 * fill borrows from the record. */
CLEAT_API bool cleat_span_view_next_attribute(const cleat_span_view *span, size_t *cursor,
                                              cleat_attribute *out);
CLEAT_API bool cleat_span_view_next_event(const cleat_span_view *span, size_t *cursor, cleat_event_view *out);
CLEAT_API bool cleat_span_view_next_link(const cleat_span_view *span, size_t *cursor, cleat_link_view *out);
CLEAT_API bool cleat_event_view_next_attribute(const cleat_event_view *event, size_t *cursor,
                                               cleat_attribute *out);
CLEAT_API bool cleat_link_view_next_attribute(const cleat_link_view *link, size_t *cursor,
                                              cleat_attribute *out);
/* Finds an attribute by key; false when it is not there. */
CLEAT_API bool cleat_span_view_attribute(const cleat_span_view *span, const char *key, cleat_value *out);
/* Element `index` of an array value, whether borrowed from the caller or read from a record. */
CLEAT_API bool cleat_value_element(const cleat_value *array, size_t index, cleat_value *out);

/* ---- Exporters (specification: Tracing SDK, "Span Exporter") ---- */

/* Finished spans, oldest first. Any thread may read a batch, during the call that got it. */
typedef struct cleat_span_batch cleat_span_batch;
CLEAT_API size_t cleat_span_batch_count(const cleat_span_batch *batch);
/* `*cursor` starts at 0; false at the end. */
CLEAT_API bool cleat_span_batch_next(const cleat_span_batch *batch, size_t *cursor, cleat_span_view *out);

/* For export_async: this batch has been exported or given up; it must not be touched any more.
 * Any thread. Specification: "Export(batch)". */
CLEAT_API void cleat_span_batch_finish(cleat_span_batch *batch, cleat_status status);

/*
 * Users embed this struct first in their own. A processor calls export_spans from one thread at a
 * time; force_flush and shutdown may come from any thread. export_spans must not keep anything of
 * the batch and should return within `timeout_ms` (INT64_MAX: no limit). After shutdown
 * export_spans answers CLEAT_UNAVAILABLE. `free` is called once, last; NULL members are skipped.
 * cleat_tracing_suppressed() is true inside export_spans, and spans ended there are not exported.
 * Specification: "Export(batch)", "ForceFlush()", "Shutdown()".
 */
typedef struct cleat_span_exporter cleat_span_exporter;
struct cleat_span_exporter {
    cleat_status (*export_spans)(cleat_span_exporter *self, const cleat_span_batch *batch,
                                 int64_t timeout_ms);
    cleat_status (*force_flush)(cleat_span_exporter *self, int64_t timeout_ms);
    cleat_status (*shutdown)(cleat_span_exporter *self, int64_t timeout_ms);
    void (*free)(cleat_span_exporter *self);
    /*
     * Optional, for exporters that have several requests on their way: a batch processor then
     * calls this instead of export_spans, from one thread at a time, and leaves the batch to the
     * exporter until cleat_span_batch_finish(), which comes once for each, from any thread, within
     * this call or later. No more than `max_concurrent_exports` (0: 1) are unfinished at a time.
     */
    void (*export_async)(cleat_span_exporter *self, cleat_span_batch *batch, int64_t timeout_ms);
    unsigned max_concurrent_exports;
    /*
     * Optional: the processor is being shut down; it exports what it still has, waits for that, and then
     * calls shutdown. From now on it is not worth waiting for a server that is not there. Any thread.
     */
    void (*before_shutdown)(cleat_span_exporter *self);
};

/*
 * Built-in exporters: the caller owns `*out` until a processor consumes it. The pointer stays good
 * after that, to read what a memory exporter keeps or cleat_otlp_exporter_get_stats() (otlp.h), until
 * the provider that has the processor is freed. CLEAT_INVALID_ARGUMENT where something is NULL,
 * CLEAT_NO_MEMORY. Any thread.
 */

/* Keeps copies of spans, for tests. The `at` view is valid until clear or free; false beyond the end.
 * Any thread. Specification: "In-memory exporter". */
CLEAT_API cleat_status cleat_memory_exporter_new(cleat_span_exporter **out);
CLEAT_API size_t cleat_memory_exporter_count(cleat_span_exporter *exporter);
CLEAT_API bool cleat_memory_exporter_at(cleat_span_exporter *exporter, size_t index, cleat_span_view *out);
CLEAT_API void cleat_memory_exporter_clear(cleat_span_exporter *exporter);

/* Writes each span for people, several lines, to `stream` (borrowed, not closed). Exports answer
 * CLEAT_IO when that fails. Specification: "Standard output". */
CLEAT_API cleat_status cleat_console_exporter_new(FILE *stream, cleat_span_exporter **out);

/*
 * Appends each batch as one line of OTLP JSON (ExportTraceServiceRequest; OTLP "File exporter")
 * to the file at `path`, created when missing. CLEAT_IO with a reason when it cannot be opened;
 * exports answer CLEAT_IO or CLEAT_DISK_FULL. Specification: "OpenTelemetry Protocol File Exporter".
 */
CLEAT_API cleat_status cleat_file_exporter_new(const char *path, cleat_span_exporter **out);

#ifdef __cplusplus
}
#endif
#endif
