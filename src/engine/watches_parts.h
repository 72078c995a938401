/* What the files of those who look on have in common: watches.c, watches_chunks.c. */
#ifndef CLEAT_ENGINE_WATCHES_PARTS_H
#define CLEAT_ENGINE_WATCHES_PARTS_H

#include "base/buffer.h"
#include "engine/core_parts.h"

cleat__happening cleat__watches_happening(const cleat__core *core, const cleat__run *run,
                                          cleat__happening_kind kind, cleat_slice payload);
/* The run's metadata, when it is of interest to anybody. Without memory for it these are cut off. */
cleat_status cleat__watches_load_metadata(cleat__core *core, const cleat__run *run, cleat__buffer *metadata);
/* Whether somebody looks at it. */
bool cleat__watches_are_of(const cleat__core *core, const cleat__run *run);
/* Tells all who look at the run, at the task, or at such metadata. `is_stored`: a chunk that was just stored. */
void cleat__watches_tell(cleat__core *core, int64_t tenant, const cleat__happening *happening,
                         cleat_slice metadata, bool is_stored);

/* Tells those who look at one task of several that there is nothing more. */
void cleat__watches_tell_task_end(cleat__core *core, const cleat__happening *end);

/* watches_chunks.c: the task has ended, and with it its stream, unless chunks are waited for. */
void cleat__chunks_end(cleat__core *core, const cleat__run *run, bool is_waited_for, cleat_slice metadata);
/* Whether those of some task of the run are, so that the end is told to who looks at the run behind them. */
bool cleat__chunks_defer_end(cleat__core *core, const cleat__happening *end_of_run);
/* Whether those of that task are. */
bool cleat__chunks_defer_task_end(cleat__core *core, const cleat__happening *end);
/* The run begins anew: nothing is waited for any more. */
void cleat__chunks_restart(cleat__core *core, const cleat__uuid *run_id);

#endif
