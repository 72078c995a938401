/*
 * Spans at rest, in the engine's file: each finished span's OTLP record beside the columns that
 * are searched, and every link as a row that is found from either end.
 *
 * Functions taking a store run on the thread that owns it: in the engine through
 * cleat__engine_call(), in the command on a reader.
 */
#ifndef CLEAT_COLLECTOR_COLLECTOR_H
#define CLEAT_COLLECTOR_COLLECTOR_H

#include "cleat/exporter.h"
#include "base/buffer.h"
#include "model/task.h"
#include "otlp/received.h"
#include "store/store.h"

/* ---- In: the engine's side (any thread) ---- */

struct cleat__engine;
typedef struct cleat__collector cleat__collector;
typedef struct cleat__collector_options {
    int64_t retention_ms;     /* 0: 7 days; negative: kept */
    int64_t retention_bytes;  /* 0: 1 GiB; negative: no limit */
    int64_t prune_every_ms;   /* between two looks at these; 0: 10 s */
    size_t max_waiting_bytes; /* of submitted requests; 0: 32 MiB */
    const cleat_clock *clock;
    /* Gets the spans that the engine added to those that were submitted, as an OTLP request which it may take, once
     * they are stored; on the collector's thread. NULL: nobody wants them. */
    void (*added)(void *argument, cleat__buffer *request);
    void *added_argument;
} cleat__collector_options;
cleat_status cleat__collector_new(struct cleat__engine *engine, const cleat__collector_options *options,
                                  cleat__collector **out);
void cleat__collector_free(cleat__collector *collector); /* stops it; NULL-safe */

/* Removes old spans from now on also while none come; for servers. */
cleat_status cleat__collector_start(cleat__collector *collector);

/* Stores a batch, blocking until that is done, in pieces short enough not to hold up the engine. A
 * span stored before is ignored. */
cleat_status cleat__collector_ingest(cleat__collector *collector, int64_t tenant,
                                     const cleat_span_batch *batch);

/*
 * The same without waiting, for servers: several requests become one transaction. Takes the reference to
 * `received` on every path. `done` comes once, from a thread of the collector's, when all of it is stored or
 * is not going to be (then cleat_error_message() says why); it must not block. Unless CLEAT_OK is answered
 * it does not come: CLEAT_RESOURCE_EXHAUSTED when too much waits already (try again in
 * CLEAT__COLLECTOR_RETRY_MS), CLEAT_UNAVAILABLE after the stop, CLEAT_NO_MEMORY.
 */
#define CLEAT__COLLECTOR_RETRY_MS 1000
typedef void (*cleat__collector_done)(void *argument, cleat_status status);
cleat_status cleat__collector_submit(cleat__collector *collector, int64_t tenant,
                                     cleat__otlp_received *received, cleat__collector_done done,
                                     void *argument);
/* Takes no more, and stores what waits. CLEAT_TIMEOUT: not all in time; the rest is answered
 * CLEAT_UNAVAILABLE. Idempotent. */
cleat_status cleat__collector_stop(cleat__collector *collector, int64_t timeout_ms);

typedef struct cleat__collector_stats {
    uint64_t spans_stored;   /* those that were there already not included */
    uint64_t spans_failed;   /* in requests that could not be stored */
    uint64_t spans_refused;  /* because too much was waiting */
    uint64_t spans_rejected; /* by the rules of cleat__otlp_received */
    uint64_t waiting_bytes;
} cleat__collector_stats;
void cleat__collector_get_stats(cleat__collector *collector, cleat__collector_stats *out);

/* ---- At rest: pure functions on a store ---- */

/*
 * What inserting knows from one span to the next: sources that are stored, and sums that are
 * written once for many spans. One per store, since only it may add and remove sources.
 */
typedef struct cleat__intake cleat__intake;
cleat_status cleat__intake_new(cleat__intake **out);
void cleat__intake_free(cleat__intake *intake); /* NULL-safe */
/* From now on the spans that the engine adds are also appended there, as an OTLP request; NULL: no more. */
void cleat__intake_copy_added(cleat__intake *intake, cleat__buffer *request);
/* After a failure, with the rollback: forgets all, for that may not be stored. */
void cleat__intake_reset(cleat__intake *intake);

/* A span stored before is ignored: then `*is_new` is false. With the execution of a task come the engine's
 * own spans about it (engine_spans.h). What its resource and scope are lives until the end. */
cleat_status cleat__span_insert(cleat__store *store, cleat__intake *intake, int64_t tenant,
                                const cleat_span_view *span, bool *is_new);
/* Writes the sums and the rows of traces; belongs behind the last insert of a transaction. */
cleat_status cleat__span_insert_end(cleat__store *store, cleat__intake *intake);
/* Removes up to `limit` spans of the oldest traces beyond the limits, and sources that no span has
 * any more; `*removed` says how many spans. Not between an insert and its end. */
cleat_status cleat__span_prune(cleat__store *store, cleat__intake *intake, int64_t older_than_ns,
                               int64_t max_bytes, int64_t limit, int64_t *removed);

/* ---- Out: each of one tenant ---- */

/* From one time to another, whatever times a peer has sent. */
static inline int64_t cleat__span_duration_ns(int64_t start_ns, int64_t end_ns)
{
    if (end_ns <= start_ns) {
        return 0;
    }
    uint64_t duration = (uint64_t)end_ns - (uint64_t)start_ns;
    return duration > INT64_MAX ? INT64_MAX : (int64_t)duration;
}

/* A span's attribute; absent when it has none of that key or it is no string. */
cleat_slice cleat__span_string(const cleat_span_view *span, const char *key);

/* Whether it is the instrumentor's of a task that is executed. */
bool cleat__span_is_execution(const cleat_span_view *span);

/* What a span of the instrumentor is about: the action it executes or triggers, "archive:pack".
 * Writes to `out`; absent for other spans. */
#define CLEAT__SPAN_TASK_SIZE 160
cleat_slice cleat__span_task(const cleat_span_view *span, char out[CLEAT__SPAN_TASK_SIZE]);
/* The same of columns of the table span: the record is read only where it may have one. Absent ones are of no span. */
cleat_slice cleat__span_task_of_row(cleat_slice name, cleat_slice record, char out[CLEAT__SPAN_TASK_SIZE]);

/*
 * A stored span. The view reads the record; slices are valid until the visit returns. Its resource
 * can be kept by retaining it, its scope by interning it; either is NULL when the span came without
 * one. Spans of equal resources have the same one, spans of equal resources and scopes the same scope.
 */
typedef struct cleat__stored_span {
    cleat_span_view span;
    cleat_slice service_name; /* in the resource */
    cleat_slice scope_name;   /* in the scope */
    bool has_run;
    cleat__uuid run_id; /* hatchet.workflow_run_id */
} cleat__stored_span;
typedef bool (*cleat__span_visit)(void *argument, const cleat__stored_span *span);

/* By start time. */
cleat_status cleat__spans_of_trace(cleat__store *store, int64_t tenant, const cleat_trace_id *trace_id,
                                   cleat__span_visit visit, void *argument);
cleat_status cleat__spans_of_run(cleat__store *store, int64_t tenant, const cleat__uuid *run_id,
                                 cleat__span_visit visit, void *argument);

/* A link row: `from` has the link, `to` is what it points to. */
typedef struct cleat__link_row {
    cleat_trace_id from_trace_id;
    cleat_span_id from_span_id;
    cleat_slice from_name; /* absent when that span is not stored */
    cleat_slice from_task; /* cleat__span_task(); absent when it has none */
    cleat_trace_id to_trace_id;
    cleat_span_id to_span_id;
    cleat_slice to_name; /* absent when that span is not stored (yet) */
    cleat_slice to_task; /* likewise */
    cleat_slice kind;    /* cleat.link.kind; absent when it has none */
} cleat__link_row;
typedef bool (*cleat__link_visit)(void *argument, const cleat__link_row *link);

/* A link's attribute cleat.link.kind; absent when it has none, or it is no string. */
cleat_slice cleat__link_kind(const cleat_link_view *link);

/* Links of a trace's spans, and links of other spans into the trace. `span_id` NULL: of all its spans. */
cleat_status cleat__links_from(cleat__store *store, int64_t tenant, const cleat_trace_id *trace_id,
                               const cleat_span_id *span_id, cleat__link_visit visit, void *argument);
cleat_status cleat__links_to(cleat__store *store, int64_t tenant, const cleat_trace_id *trace_id,
                             const cleat_span_id *span_id, cleat__link_visit visit, void *argument);

typedef struct cleat__trace_row {
    cleat_trace_id trace_id;
    cleat_slice root_name;    /* of the earliest root, else the earliest span */
    cleat_slice task;         /* of the same span: cleat__span_task() */
    cleat_slice service_name; /* of the same span */
    int64_t start_time_ns, end_time_ns;
    int64_t span_count, error_count;
    int64_t links_out, links_in; /* link rows from and to spans of this trace */
} cleat__trace_row;
typedef enum cleat__trace_status {
    CLEAT__TRACE_ANY,
    CLEAT__TRACE_OK,    /* no span has the status error */
    CLEAT__TRACE_ERROR, /* some span has */
} cleat__trace_status;
typedef struct cleat__trace_filter {
    int64_t tenant;
    cleat_slice name;          /* absent: any; equals the root's name */
    cleat_slice task;          /* absent: any; equals the row's task */
    const cleat__uuid *run_id; /* NULL: any; a trace with a span of that run */
    cleat__trace_status status;
    const cleat_trace_id *before; /* older than this trace; NULL: from the newest on */
    int64_t limit;
} cleat__trace_filter;
/* Newest first. CLEAT_NOT_FOUND when there is no trace `before`. */
cleat_status cleat__trace_list(cleat__store *store, const cleat__trace_filter *filter,
                               bool (*visit)(void *argument, const cleat__trace_row *row), void *argument);
/* The only trace whose id begins with `prefix` (lower hex, 8 digits at least). */
cleat_status cleat__trace_find(cleat__store *store, int64_t tenant, cleat_slice prefix, cleat_trace_id *out);

#endif
