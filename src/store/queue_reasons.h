/*
 * Why a run is still QUEUED, in words for people: what follows "it waits for". It is found out from what is in the file,
 * without asking the engine, who knows better: which of the runs that wait are next for a slot is not in there, nor who is
 * at work in its own process.
 */
#ifndef CLEAT_STORE_QUEUE_REASONS_H
#define CLEAT_STORE_QUEUE_REASONS_H

#include "base/buffer.h"
#include "store/store.h"

#define CLEAT__QUEUE_REASONS_WORK \
    10000 /* the oldest live runs: whether others have slots is looked up in these */

/* Appends a JSON array, `["its workflow to go on, which is paused"]`; [] of a run that is not QUEUED, or not there. */
cleat_status cleat__queue_reasons_load(cleat__store *store, const cleat__uuid *run_id, int64_t now_ms,
                                       cleat__buffer *out);

#endif
