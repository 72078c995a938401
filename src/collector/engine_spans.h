/*
 * Spans of what only the engine sees: what an attempt of a run, or an invocation of one, waited for before it
 * was executed. They are made when the span of its execution (hatchet.start_step_run) is stored, from the times
 * that the engine has in the same file. So they are where the worker put the work: the predicate and the budget that may have
 * made it a linked trace are the worker's, and a run that nobody traces costs nothing.
 *
 * hatchet.engine.workflow_run      the run was triggered (no length); only where its trace begins with it,
 *                                  since the engine gave it the context (otel.md 7)
 * hatchet.engine.schedule_delay    from the making of the schedule until it fired
 * hatchet.engine.retry_backoff     from the end of the attempt before until this one might begin
 * hatchet.engine.durable_wait      from the suspension of the invocation before until what it waited for had happened
 * hatchet.engine.queued            until a worker got the attempt, or its invocation
 *
 * Parent: they are in the caller's trace, beside the execution, below the caller's span. A root, by link or for
 * want of a caller: they are in its trace, below it, as what belongs to it, although they were before; a second
 * root would make two traces of one for whoever reads it. They queue nothing, so no budget counts them.
 */
#ifndef CLEAT_COLLECTOR_ENGINE_SPANS_H
#define CLEAT_COLLECTOR_ENGINE_SPANS_H

#include "base/buffer.h"
#include "base/uuid.h"
#include "store/attempt.h"
#include "trace/batch.h"

/* The execution of an attempt: its span, and what it says it is about. */
typedef struct cleat__execution {
    const cleat_span_view *span;
    cleat__uuid run_id, task_id;
    int32_t retry_count;
} cleat__execution;

/* What was made last. Not thread-safe. */
enum { CLEAT__ENGINE_SPANS_MAX = 3 };
typedef struct cleat__engine_spans {
    cleat_span_batch batch;
    cleat__batch_entry entries[CLEAT__ENGINE_SPANS_MAX];
    cleat__buffer records[CLEAT__ENGINE_SPANS_MAX];
    cleat_resource *resource;
} cleat__engine_spans;
cleat_status cleat__engine_spans_init(cleat__engine_spans *spans);
void cleat__engine_spans_deinit(cleat__engine_spans *spans);

/* Ids are derived, so that the same execution gives the same spans. CLEAT_NO_MEMORY. */
cleat_status cleat__engine_spans_make(cleat__engine_spans *spans, const cleat__execution *execution,
                                      const cleat__attempt_wait *wait);

#endif
