/*
 * The transitions of a run, in the file and in memory. Each expects the state it comes from, opens
 * the transaction if need be, and ends with the run where the state table says, its slot given
 * back, its timer set and whoever waits answered. Any failure has failed the core.
 */
#ifndef CLEAT_ENGINE_LIFE_H
#define CLEAT_ENGINE_LIFE_H

#include "engine/core_parts.h"

/* Puts a new or returning run into its queue and starts its schedule timeout. */
cleat_status cleat__life_enqueue(cleat__core *core, cleat__run *run, int level);
/* A timer for what is left of a back-off; the run is in no queue until it fires. */
cleat_status cleat__life_back_off(cleat__core *core, cleat__run *run, int64_t delay_ms);

/* QUEUED to RUNNING at `worker`, which gets the assignment after the commit. */
cleat_status cleat__life_assign(cleat__core *core, cleat__run *run, cleat__worker *worker);
cleat_status cleat__life_release(cleat__core *core, cleat__run *run);
cleat_status cleat__life_complete(cleat__core *core, cleat__run *run, cleat_slice output);
/* Retries when `may_retry` and the policy says so. */
cleat_status cleat__life_fail(cleat__core *core, cleat__run *run, cleat_slice error, bool may_retry);
cleat_status cleat__life_time_out(cleat__core *core, cleat__run *run);
cleat_status cleat__life_lose(cleat__core *core, cleat__run *run);
cleat_status cleat__life_schedule_time_out(cleat__core *core, cleat__run *run);
cleat_status cleat__life_cancel(cleat__core *core, cleat__run *run);

#endif
