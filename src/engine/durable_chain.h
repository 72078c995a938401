/* Runs that go on as new ones. */
#ifndef CLEAT_ENGINE_DURABLE_CHAIN_H
#define CLEAT_ENGINE_DURABLE_CHAIN_H

#include "engine/core_parts.h"

/* The last run of the chain that begins with `*id`: how it has ended, or CLEAT_EMPTY: it lives, and is `*id` now. The caller
 * deinits `*result` in any case. */
cleat_status cleat__durable_chain_load(cleat__core *core, int64_t tenant, cleat__uuid *id,
                                       cleat_run_result *result);

/* Goes from `*id`, a run that has ended, as far as `follow` says; `*out`: that one, if it lives, else NULL. Where no row
 * says what a run has gone on as (store/chain.h: of the time before there were any, or since one of them was replayed),
 * the way may be longer than what is gone at once: then it has gone on as another one. CLEAT_NO_MEMORY: it was not found out. */
cleat_status cleat__durable_chain_follow(cleat__core *core, cleat__follow follow, cleat__uuid *id,
                                         cleat__run **out);

/* A durable run is to go on as the other one, which has its seats, empty ones: that is held until then. */
void cleat__durable_hold_next(cleat__durable *durable, cleat__run *next);
/* The run has ended so: what is held for it goes on in its place, or is cancelled when it has ended in another way. */
cleat_status cleat__durable_succeed(cleat__core *core, cleat__durable *durable, int state, cleat_slice text);

#endif
