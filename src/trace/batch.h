/*
 * What an exporter gets: finished spans, each in memory as a field of `ScopeSpans`
 * (`12 <length> <Span>`), so that neighbours of the same scope are, without a copy, a piece of the
 * request that an OTLP exporter sends.
 */
#ifndef CLEAT_TRACE_BATCH_H
#define CLEAT_TRACE_BATCH_H

#include <cleat/trace.h>

typedef struct cleat__batch_entry {
    const uint8_t *data; /* the field, tag and length included */
    uint32_t size;
    uint32_t prefix_size;                     /* of tag and length */
    const cleat_instrumentation_scope *scope; /* interned */
    const cleat_resource *resource;
} cleat__batch_entry;

struct cleat_span_batch {
    const cleat__batch_entry *entries;
    size_t count;
    /* What the two ways to finish call; NULL where nobody waits for it. */
    void (*finish)(cleat_span_batch *batch, cleat_status status, size_t failed);
};

/* The most that goes in front of a record. */
enum { CLEAT__BATCH_PREFIX_MAX = 6 };

static inline cleat_slice cleat__batch_record(const cleat__batch_entry *entry)
{
    cleat_slice record = {(const char *)entry->data + entry->prefix_size, entry->size - entry->prefix_size};
    return record;
}

/* Entries of one resource and scope that lie one behind the other. */
typedef struct cleat__batch_run {
    const cleat_resource *resource;
    const cleat_instrumentation_scope *scope;
    cleat_slice body; /* fields 2 of ScopeSpans */
    size_t count;
} cleat__batch_run;
/* The next run; `*cursor` starts at 0; false at the end. */
bool cleat__span_batch_next_run(const cleat_span_batch *batch, size_t *cursor, cleat__batch_run *out);

/*
 * Scopes already known to be interned. Views come from anybody's processor, so their scopes are
 * interned again before they are kept; these few are recognised by their address, which stays
 * theirs as long as the process lives. Zero at first; not thread-safe.
 */
enum { CLEAT__KNOWN_SCOPES = 16 };
typedef struct cleat__known_scopes {
    const cleat_instrumentation_scope *scopes[CLEAT__KNOWN_SCOPES];
} cleat__known_scopes;

static inline const cleat_instrumentation_scope **cleat__known_scope(cleat__known_scopes *known,
                                                                     const cleat_instrumentation_scope *scope)
{
    return &known->scopes[((uintptr_t)scope >> 5) % CLEAT__KNOWN_SCOPES];
}

/* Writes the field to `out`, which has room for the record and CLEAT__BATCH_PREFIX_MAX. */
void cleat__batch_put(uint8_t *out, cleat_slice record, cleat__batch_entry *entry);

/* Both call the exporter with cleat_tracing_suppressed() true on this thread. */
cleat_status cleat__batch_export(cleat_span_exporter *exporter, const cleat_span_batch *batch,
                                 int64_t timeout_ms);
/* Through export_async where there is one, else export_spans; batch->finish is called either way. */
void cleat__batch_launch(cleat_span_exporter *exporter, cleat_span_batch *batch, int64_t timeout_ms);
/* cleat_span_batch_finish() for an exporter that knows how many of the spans `status` stands for: the
 * others have been exported. */
void cleat__batch_finish(cleat_span_batch *batch, cleat_status status, size_t failed);
/* What export_spans of an asynchronous exporter is: export_async, waited for. Without spans it is
 * CLEAT_OK at once. */
cleat_status cleat__batch_export_and_wait(cleat_span_exporter *exporter, const cleat_span_batch *batch,
                                          int64_t timeout_ms);
/* For a thread that does nothing but export. */
void cleat__tracing_suppress(bool is_suppressed);

/* The optional members of an exporter. */
cleat_status cleat__exporter_force_flush(cleat_span_exporter *exporter, int64_t timeout_ms);
void cleat__exporter_before_shutdown(cleat_span_exporter *exporter);
cleat_status cleat__exporter_shutdown(cleat_span_exporter *exporter, int64_t timeout_ms);
void cleat__exporter_free(cleat_span_exporter *exporter); /* NULL-safe */

#endif
