/*
 * How much is told at once. What may be told of a run is bounded by nothing but its log, and a replay is told all of
 * it: each step tells a piece, in turns, and a listener gets more when it has room. Who has to wait is behind until
 * the next step, or parked until the listener asks for more (DURABLE_GO_ON).
 */
#ifndef CLEAT_ENGINE_DURABLE_PACE_H
#define CLEAT_ENGINE_DURABLE_PACE_H

#include "engine/durable_told.h"

#define CLEAT__TOLD_BYTES_MAX ((size_t)1024 * 1024) /* of one step, and the one that goes beyond */
#define CLEAT__TOLD_MAX       1000

/* Whether its listener may be told one more now. If not, it waits for its turn. */
bool cleat__pace_admit(cleat__durable_told *told, cleat__conversation *conversation);
/* It does not wait any more. */
void cleat__pace_leave(cleat__conversation *conversation);
/* Of those of one listener that of a run. */
cleat__lateness cleat__pace_look(struct cleat__core *core, int64_t tenant, const cleat__uuid *run_id,
                                 const cleat__durable_listener *listener);
/* Goes on with those that are behind. A failure is the core's. */
void cleat__pace_serve(struct cleat__core *core);

#endif
