/*
 * Spans of what only the engine sees: how long a run's attempts waited, and for what. Functions of times and
 * ids; whoever knows these calls them and ingests the batch.
 *
 * They follow the relation that the run's carrier asks for. Parent: all are in the caller's trace, below
 * hatchet.engine.workflow_run, which is a child of the caller's span. Link: that one is the root of a trace of
 * the run's own and links to the caller and the origin. None: the same without links. Where the caller's trace
 * is not sampled there are none.
 *
 * hatchet.engine.workflow_run      a run was triggered (no length)
 * hatchet.engine.schedule_delay    from the trigger until its first attempt may begin
 * hatchet.engine.retry_backoff     from the end of an attempt until the next one may begin
 * hatchet.engine.queued            until a worker got the attempt
 * hatchet.engine.start_step_run    until it ended
 */
#ifndef CLEAT_COLLECTOR_ENGINE_SPANS_H
#define CLEAT_COLLECTOR_ENGINE_SPANS_H

#include "base/buffer.h"
#include "base/uuid.h"
#include "topology/topology.h"
#include "trace/batch.h"

/* Texts that are absent and uuids that are nil become no attributes. */
typedef struct cleat__engine_run {
    cleat__uuid run_id;
    cleat__uuid workflow_id, workflow_version_id;
    cleat_slice workflow_name;
    const cleat__carrier_contexts *carrier; /* of the run's metadata */
    int64_t triggered_ns;                   /* Unix time, as all */
} cleat__engine_run;

typedef enum cleat__engine_outcome {
    CLEAT__ENGINE_COMPLETED,
    CLEAT__ENGINE_FAILED,
    CLEAT__ENGINE_CANCELLED,
    CLEAT__ENGINE_TIMED_OUT,
    CLEAT__ENGINE_SCHEDULE_TIMED_OUT,
} cleat__engine_outcome;

typedef struct cleat__engine_attempt {
    const cleat__engine_run *run;
    cleat__uuid task_id, step_id;
    int32_t retry_count;
    cleat_slice step_name, action_id;
    int64_t queued_ns;   /* the trigger, or the end of the attempt before */
    int64_t due_ns;      /* when it might begin; 0: at once */
    int64_t assigned_ns; /* a worker got it; 0: none did */
    int64_t ended_ns;
    cleat__engine_outcome outcome;
    cleat_slice error; /* absent: the outcome's own text */
} cleat__engine_attempt;

/* What the functions below make; each replaces what was there. Not thread-safe. */
enum { CLEAT__ENGINE_SPANS_MAX = 2 };
typedef struct cleat__engine_spans {
    cleat_span_batch batch;
    cleat__batch_entry entries[CLEAT__ENGINE_SPANS_MAX];
    cleat__buffer records[CLEAT__ENGINE_SPANS_MAX];
    cleat_resource *resource;
} cleat__engine_spans;
cleat_status cleat__engine_spans_init(cleat__engine_spans *spans);
void cleat__engine_spans_deinit(cleat__engine_spans *spans);

/* CLEAT_OK, also for no span; CLEAT_NO_MEMORY. */
cleat_status cleat__engine_spans_triggered(cleat__engine_spans *spans, const cleat__engine_run *run);
cleat_status cleat__engine_spans_assigned(cleat__engine_spans *spans, const cleat__engine_attempt *attempt);
cleat_status cleat__engine_spans_ended(cleat__engine_spans *spans, const cleat__engine_attempt *attempt);

/* What the metadata of a run without a usable carrier gets, so that the spans of the run are in one
 * trace: the run's own span, sampled. CLEAT_NO_MEMORY. */
cleat_status cleat__engine_run_context(const cleat__uuid *run_id, cleat_span_context *out);

#endif
