/*
 * Ids that the engine's spans have in common with those of Hatchet's engine: made of what they are about,
 * so that each end of a relation knows the other's without asking.
 */
#ifndef CLEAT_MODEL_DERIVED_ID_H
#define CLEAT_MODEL_DERIVED_ID_H

#include "base/uuid.h"

#include <cleat/span.h>

/* The trace of a run that has no other, and the span of a run. False: no memory. */
bool cleat__derived_run_trace_id(const cleat__uuid *run, cleat_trace_id *out);
bool cleat__derived_run_span_id(const cleat__uuid *run, cleat_span_id *out);
/* The span of a part of a task's attempt: "step_run", "queued". */
bool cleat__derived_attempt_span_id(const cleat__uuid *task, int32_t retry_count, const char *part,
                                    cleat_span_id *out);

/* A task of a version of a workflow of several, by its number there. */
bool cleat__derived_step_id(const cleat__uuid *version, uint32_t step, cleat__uuid *out);

#endif
