/*
 * Workflows that are paused. Their runs stand in lanes as always; the scheduler parks these lanes with the
 * workflow when it comes to them, and the end of the pause puts them back, so that nothing is looked at twice meanwhile
 * and runs of other workflows in the same queue go on. Those that wait for slots, or hold some and wait for a worker, stand
 * in no lane meanwhile (limits.h). What is with a worker goes on too. A run that waits has the
 * pause's time instead of its schedule timeout, and that anew when the pause ends.
 */
#ifndef CLEAT_ENGINE_PAUSE_H
#define CLEAT_ENGINE_PAUSE_H

#include "engine/core_parts.h"

/* Handler of PAUSE_WORKFLOW. */
cleat_status cleat__pauses_set(cleat__core *core, cleat__command *command);
/* The workflow goes on; no-op when it is not paused. The file is the caller's. A failure has failed the core. */
cleat_status cleat__pause_end(cleat__core *core, cleat__workflow_entry *workflow);

static inline bool cleat__lane_is_paused(const cleat__lane *lane)
{
    return lane->type->workflow->pause.is_paused;
}
/* Of a lane that is, in that queue. */
static inline void cleat__pause_park(cleat__queue *queue, cleat__lane *lane)
{
    cleat__queue_park(queue, lane, &lane->type->workflow->paused);
}

#endif
