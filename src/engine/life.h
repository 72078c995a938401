/*
 * The transitions of a run, in the file and in memory. Each expects the state it comes from, opens
 * the transaction if need be, and ends with the run where the state table says, its slot given
 * back, its timer set and whoever waits answered. Any failure has failed the core.
 */
#ifndef CLEAT_ENGINE_LIFE_H
#define CLEAT_ENGINE_LIFE_H

#include "engine/core_parts.h"
#include "store/transition.h"

/* The attempt that runs or is next. */
cleat__attempt_key cleat__life_key(const cleat__run *run);

/* Forgets a run that is in no list. */
void cleat__life_forget(cleat__core *core, cleat__run *run);

/* Puts a new or returning run into its queue, or where it waits for slots of its concurrency rules first, and
 * starts its schedule timeout. */
cleat_status cleat__life_enqueue(cleat__core *core, cleat__run *run, int level);
/* A timer for what is left of a back-off; the run is in no queue until it fires. */
cleat_status cleat__life_back_off(cleat__core *core, cleat__run *run, int64_t delay_ms);

/* QUEUED to RUNNING at `worker`, which gets the assignment after the commit. */
cleat_status cleat__life_assign(cleat__core *core, cleat__run *run, cleat__worker *worker);
/* The same attempt to the same worker once more, which knows whether it has it: from then on it has. */
cleat_status cleat__life_send_again(cleat__core *core, cleat__run *run);
/* After a restart: RUNNING at a worker of another process. `timeout_at_ms` (Unix) is what it was granted,
 * 0: nothing beyond what its task says. What is left of it goes on; the worker has the time to come back. */
cleat_status cleat__life_resume(cleat__core *core, cleat__run *run, cleat__worker *worker,
                                int64_t timeout_at_ms, bool has_released);
/* Its worker has it and says so. */
cleat_status cleat__life_begin(cleat__core *core, cleat__run *run);
/* The worker's session is over: what was sent there may be lost on the way. What it has not begun is
 * taken from it unless it says so soon; one that may be told again does not say so, and keeps it. */
cleat_status cleat__life_doubt(cleat__core *core, cleat__worker *worker);
/* The running attempt gets more time, until `*timeout_at_ms` (Unix; INT64_MAX: it has no timeout). */
cleat_status cleat__life_prolong(cleat__core *core, cleat__run *run, int64_t increment_ms,
                                 int64_t *timeout_at_ms);
/* The running attempt's slots are free for others. */
cleat_status cleat__life_release_slots(cleat__core *core, cleat__run *run);
cleat_status cleat__life_release(cleat__core *core, cleat__run *run);
cleat_status cleat__life_complete(cleat__core *core, cleat__run *run, cleat_slice output);
/* Retries when `may_retry` and the policy says so. */
cleat_status cleat__life_fail(cleat__core *core, cleat__run *run, cleat_slice error, bool may_retry);
cleat_status cleat__life_time_out(cleat__core *core, cleat__run *run);
typedef enum cleat__loss {
    CLEAT__LOSS_WORKER_GONE, /* or not heard of */
    CLEAT__LOSS_UNDELIVERED, /* the worker never heard of the attempt */
} cleat__loss;
cleat_status cleat__life_lose(cleat__core *core, cleat__run *run, cleat__loss why);
struct cleat__eviction;
/* The invocation of a durable run is over, and it waits. */
cleat_status cleat__life_evict(cleat__core *core, cleat__run *run, const struct cleat__eviction *eviction);
/* What it has waited for has happened; `carrier` absent: that of the eviction counts. */
cleat_status cleat__life_restore(cleat__core *core, cleat__run *run, cleat_slice carrier);
cleat_status cleat__life_schedule_time_out(cleat__core *core, cleat__run *run);
/* Of several tasks: all that have not ended. */
cleat_status cleat__life_cancel(cleat__core *core, cleat__run *run);
/* The same by a concurrency strategy. */
cleat_status cleat__life_supersede(cleat__core *core, cleat__run *run);
/* QUEUED, in no queue, to FAILED: `error` says why it cannot run at all. */
cleat_status cleat__life_reject(cleat__core *core, cleat__run *run, cleat_slice error);
/* Both of what has nothing at any worker, or of a run whose tasks have all ended. */
cleat_status cleat__life_end_cancelled(cleat__core *core, cleat__run *run);
cleat_status cleat__life_end_superseded(cleat__core *core, cleat__run *run);
/* A task of a run does nothing: it is held, and completes. */
cleat_status cleat__life_skip(cleat__core *core, cleat__run *run);

#endif
