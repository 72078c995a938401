/*
 * Span contexts, tracers and spans: what an instrumented library calls.
 *
 * With no tracer provider set (provider.h) spans are no-ops that cost next to nothing; only
 * contexts are still carried.
 *
 *     cleat_tracer *tracer = cleat_tracer_get("my.library", "1.0");
 *     cleat_span span = cleat_span_start(tracer, "compress", NULL);
 *     cleat_scope scope = cleat_span_attach(span);     // active span of this thread
 *     cleat_span_set_int(span, "bytes", 4096);
 *     cleat_scope_detach(scope);
 *     cleat_span_end(span);
 *
 * Source: OpenTelemetry specification, "Tracing API"; W3C Trace Context Level 2.
 */
#ifndef CLEAT_SPAN_H
#define CLEAT_SPAN_H

#include "cleat/attribute.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Span context (specification: Tracing API, "SpanContext"; W3C Trace Context Level 2) ---- */

typedef struct cleat_trace_id {
    uint8_t bytes[16];
} cleat_trace_id;

typedef struct cleat_span_id {
    uint8_t bytes[8];
} cleat_span_id;

#define CLEAT_TRACE_FLAG_SAMPLED 0x01u
#define CLEAT_TRACE_FLAG_RANDOM  0x02u

/* W3C asks to carry at least 512 characters; whole members beyond that are dropped. */
#define CLEAT_TRACE_STATE_MAX 512

/* A plain value: copy it freely. All zero is the invalid span context. */
typedef struct cleat_span_context {
    cleat_trace_id trace_id;
    cleat_span_id span_id;
    uint8_t trace_flags;
    bool is_remote;
    uint16_t trace_state_size; /* bytes of `trace_state` in use; the rest is undefined */
    char trace_state[CLEAT_TRACE_STATE_MAX];
} cleat_span_context;

/*
 * Functions of values: any thread, as long as no other one changes the value. NULL is an invalid
 * context, an invalid id.
 */
/* Both ids are not zero. Specification: "IsValid". */
CLEAT_API bool cleat_span_context_is_valid(const cleat_span_context *context);
/* W3C Trace Context 3.2.2.5.1, "Sampled flag". */
CLEAT_API bool cleat_span_context_is_sampled(const cleat_span_context *context);
/* Same trace and span id. */
CLEAT_API bool cleat_span_context_equals(const cleat_span_context *a, const cleat_span_context *b);
/* Copies only the used part of trace_state; faster than assignment. */
CLEAT_API void cleat_span_context_copy(cleat_span_context *to, const cleat_span_context *from);

/* Not all zero. W3C Trace Context 3.2.2.3, "trace-id", and 3.2.2.4, "parent-id". */
CLEAT_API bool cleat_trace_id_is_valid(const cleat_trace_id *id);
CLEAT_API bool cleat_span_id_is_valid(const cleat_span_id *id);
/* Lower-case hex, NUL-terminated. Specification: "Retrieving the TraceId and SpanId". */
CLEAT_API void cleat_trace_id_to_hex(const cleat_trace_id *id, char hex[33]);
CLEAT_API void cleat_span_id_to_hex(const cleat_span_id *id, char hex[17]);
/* The way back. CLEAT_INVALID_ARGUMENT unless exactly 32 (16) lower-case hex digits, not all zero. */
CLEAT_API cleat_status cleat_trace_id_from_hex(cleat_slice hex, cleat_trace_id *id);
CLEAT_API cleat_status cleat_span_id_from_hex(cleat_slice hex, cleat_span_id *id);

/*
 * Tracestate (specification: "TraceState"; W3C Trace Context 3.3). `set` puts the member in front,
 * dropping members from the end where the limits of 32 members and CLEAT_TRACE_STATE_MAX bytes are passed;
 * CLEAT_INVALID_ARGUMENT for a key or value W3C forbids, CLEAT_TOO_LARGE where the member alone passes
 * CLEAT_TRACE_STATE_MAX. `get` answers the absent slice when the key is not there; the slice points into
 * `context`. `parse` replaces the whole tracestate; a malformed one leaves it empty and is
 * CLEAT_INVALID_ARGUMENT.
 */
CLEAT_API cleat_slice cleat_trace_state_get(const cleat_span_context *context, const char *key);
CLEAT_API cleat_status cleat_trace_state_set(cleat_span_context *context, const char *key, cleat_slice value);
CLEAT_API void cleat_trace_state_delete(cleat_span_context *context, const char *key);
CLEAT_API cleat_status cleat_trace_state_parse(cleat_span_context *context, cleat_slice header);

/* ---- Spans (specification: Tracing API, "Span") ---- */

/*
 * A span handle is a value. {0} is the no-op span: every operation on it succeeds and does
 * nothing. A handle may be copied, stored and used from any thread; operations on one span are
 * atomic to each other. After cleat_span_end() the handle is stale: operations on it touch nothing
 * and answer CLEAT_FAILED_PRECONDITION where the span was recording; its memory is used again.
 */
typedef struct cleat_span {
    struct cleat__span *impl;
    uint64_t generation;
} cleat_span;

typedef struct cleat_tracer cleat_tracer;
typedef struct cleat_context cleat_context;
typedef struct cleat_baggage cleat_baggage;

/* Numbers are those of OTLP; 0 means INTERNAL. */
typedef enum cleat_span_kind {
    CLEAT_SPAN_KIND_DEFAULT = 0,
    CLEAT_SPAN_KIND_INTERNAL = 1,
    CLEAT_SPAN_KIND_SERVER = 2,
    CLEAT_SPAN_KIND_CLIENT = 3,
    CLEAT_SPAN_KIND_PRODUCER = 4,
    CLEAT_SPAN_KIND_CONSUMER = 5,
} cleat_span_kind;

typedef enum cleat_span_status {
    CLEAT_SPAN_STATUS_UNSET = 0,
    CLEAT_SPAN_STATUS_OK = 1,
    CLEAT_SPAN_STATUS_ERROR = 2,
} cleat_span_status;

typedef struct cleat_link {
    const cleat_span_context *context; /* a link to an invalid context is kept only if it has attributes */
    const cleat_attribute *attributes;
    size_t attribute_count;
} cleat_link;

/*
 * What a span starts with. Attributes and links given here are seen by samplers, so prefer them
 * to setting them later. Everything is copied.
 */
typedef struct cleat_span_options {
    size_t struct_size;
    cleat_span_kind kind;
    const cleat_context *parent; /* NULL: the current context of this thread */
    bool root;                   /* start a new trace whatever the parent context holds */
    const cleat_attribute *attributes;
    size_t attribute_count;
    const cleat_link *links;
    size_t link_count;
    int64_t start_time_ns;   /* nanoseconds since 1970 UTC; 0: now */
    cleat_slice trace_state; /* tracestate of a root span, before the sampler sees it */
} cleat_span_options;
#define CLEAT_SPAN_OPTIONS(...) CLEAT_OPTIONS(cleat_span_options, __VA_ARGS__)

/*
 * A tracer of the global provider (provider.h). Never NULL, lives as long as the process; asking
 * again with equal arguments gives the same one. It follows a later change of the global provider.
 * Any thread. Specification: Tracing API, "Get a Tracer".
 */
CLEAT_API cleat_tracer *cleat_tracer_get(const char *name, const char *version);

/* Whether a span started now might record: skip costly preparations when false. Any thread.
 * Specification: Tracing API, "Enabled". */
CLEAT_API bool cleat_tracer_enabled(const cleat_tracer *tracer);

/*
 * Starts a span; `options` may be NULL. It does not become the active span by itself. A NULL
 * tracer or name is tolerated (no-op span; empty name). Without an SDK the span is non-recording
 * and carries the parent's context; without memory it is the no-op span. Any thread.
 * Specification: Tracing API, "Span Creation".
 */
CLEAT_API cleat_span cleat_span_start(cleat_tracer *tracer, const char *name,
                                      const cleat_span_options *options);

/*
 * ---- Operations of a span (specification: Tracing API, "Span operations") ----
 * Any thread. All is copied. A non-recording span accepts and ignores everything (CLEAT_OK). Else:
 * CLEAT_FAILED_PRECONDITION after the end; CLEAT_INVALID_ARGUMENT, nothing changes;
 * CLEAT_RESOURCE_EXHAUSTED where a limit of the provider drops and counts it; CLEAT_NO_MEMORY.
 * Invalid UTF-8 is replaced by U+FFFD.
 */

/* Copies the span's context to `out`; all zero for the no-op span or a stale handle. Specification:
 * "Get Context". */
CLEAT_API void cleat_span_get_context(cleat_span span, cleat_span_context *out);
/* False after the end, and for spans that are not sampled. Specification: "IsRecording". */
CLEAT_API bool cleat_span_is_recording(cleat_span span);

/* Setting a key again overwrites it; no value (NULL) is no attribute. Specification: "Set
 * Attributes". */
CLEAT_API cleat_status cleat_span_set_attribute(cleat_span span, const cleat_attribute *attribute);
CLEAT_API cleat_status cleat_span_set_string(cleat_span span, const char *key, const char *value);
CLEAT_API cleat_status cleat_span_set_slice(cleat_span span, const char *key, cleat_slice value);
CLEAT_API cleat_status cleat_span_set_bool(cleat_span span, const char *key, bool value);
CLEAT_API cleat_status cleat_span_set_int(cleat_span span, const char *key, int64_t value);
CLEAT_API cleat_status cleat_span_set_double(cleat_span span, const char *key, double value);
/* Whether the span has this attribute already; false for a non-recording span. For processors
 * (Tracing SDK, "Additional Span Interfaces"). */
CLEAT_API bool cleat_span_has_attribute(cleat_span span, cleat_slice key);

/* `time_ns`: nanoseconds since 1970 UTC; 0: now. Specification: "Add Events". */
CLEAT_API cleat_status cleat_span_add_event(cleat_span span, const char *name,
                                            const cleat_attribute *attributes, size_t attribute_count,
                                            int64_t time_ns);
/* Samplers do not see it: prefer links at the start. Specification: "Add Link". */
CLEAT_API cleat_status cleat_span_add_link(cleat_span span, const cleat_link *link);
/* OK is final; ERROR keeps `description`; UNSET is ignored. Specification: "Set Status". */
CLEAT_API cleat_status cleat_span_set_status(cleat_span span, cleat_span_status status,
                                             const char *description);
/*
 * Adds the event "exception" with exception.type, exception.message, exception.stacktrace (NULL
 * ones are left out) and the extra attributes, which win over the three. Specification: "Record
 * Exception".
 */
CLEAT_API cleat_status cleat_span_record_exception(cleat_span span, const char *type, const char *message,
                                                   const char *stacktrace, const cleat_attribute *attributes,
                                                   size_t attribute_count);
/* What samplers decided by the name before stays. NULL is the empty name. Specification:
 * "UpdateName". */
CLEAT_API cleat_status cleat_span_update_name(cleat_span span, const char *name);
/* `time_ns`: nanoseconds since 1970 UTC, not before the start; 0: now. The handle and its copies are
 * stale afterwards. Processors are called within. Specification: "End". */
CLEAT_API cleat_status cleat_span_end(cleat_span span);
CLEAT_API cleat_status cleat_span_end_at(cleat_span span, int64_t time_ns);

#ifdef __cplusplus
}
#endif
#endif
