/* What the files of a run's life have in common; for these, and for the life of runs of several tasks. */
#ifndef CLEAT_ENGINE_LIFE_PARTS_H
#define CLEAT_ENGINE_LIFE_PARTS_H

#include "engine/life.h"
#include "model/state.h"
#include "store/transition.h"

void cleat__life_set_state(cleat__core *core, cleat__run *run, int state);
/* The invocation of a durable run is over, and whoever listens is told why. */
void cleat__life_stop_invocation(cleat__core *core, cleat__run *run, cleat__event event);

/* Whether it is a durable run that has been with a worker. */
bool cleat__life_has_begun(const cleat__run *run);
/* Until when a run may wait that comes into its queue now: monotonic; INT64_MAX: as long as it takes. */
int64_t cleat__life_queue_deadline(const cleat__core *core, const cleat__run *run);

/* life_assignment.c: with the transaction open, the attempt as it is now. A failure has not failed the core. */
cleat_status cleat__life_load_assignment(cleat__core *core, cleat__run *run, cleat__assignment **out);
/* QUEUED to RUNNING: the worker, which has room, gets the assignment, which is consumed. */
cleat_status cleat__life_hand_over(cleat__core *core, cleat__run *run, cleat__worker *worker,
                                   cleat__assignment *assignment);
/* Its worker has nothing to do with it any more. */
void cleat__life_let_go(cleat__core *core, cleat__run *run);

/* life_grant.c: its slots are free, or those that it has with others. */
void cleat__life_free_slots(cleat__run *run);

/* life_held.c: why it has not begun within that time. */
void cleat__life_tell_held(const cleat__core *core, const cleat__run *run, int64_t patience_ms,
                           cleat__buffer *text);

/* life_end.c: memory's part of an end. `text` is the output or the error, as it was stored. Frees the run. */
cleat_status cleat__life_finish(cleat__core *core, cleat__run *run, cleat__event event, cleat_slice text);

#endif
