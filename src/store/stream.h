/* Chunks of the streams of durable runs: each index of a run is stored once, and read in order. */
#ifndef CLEAT_STORE_STREAM_H
#define CLEAT_STORE_STREAM_H

#include "store/store.h"

#define CLEAT__CHUNKS_MAX ((int64_t)1 << 32) /* of one run: indices below */

/* What the run's stream is called here. CLEAT_EMPTY: it has none, nothing was stored. */
cleat_status cleat__chunks_find(cleat__store *store, const cleat__uuid *run_id, int64_t *stream);
/* Found, or made. */
cleat_status cleat__chunks_open(cleat__store *store, const cleat__uuid *run_id, int64_t *stream);
/* Invocations number their chunks from 0, those that they replay too. Where the log has forked, what stands in it from there
 * on is given out anew, and is new in the stream: the shift makes an index of the branch one of the stream. That of a
 * branch is settled by its first chunk, which gets the number after those that are there. */
cleat_status cleat__chunks_shift(cleat__store *store, const cleat__uuid *run_id, int64_t branch,
                                 int64_t stream, int64_t index, int64_t *shift);
/* 0 <= index < CLEAT__CHUNKS_MAX. *is_new: false when there is one with that index, which stays. */
cleat_status cleat__chunks_put(cleat__store *store, int64_t stream, int64_t index, cleat_slice chunk,
                               bool *is_new);
/* Those from `first` on, in the order of their indices, until `visit` answers false. Each is valid during its visit. */
cleat_status cleat__chunks_read(cleat__store *store, int64_t stream, int64_t first,
                                bool (*visit)(void *argument, int64_t index, cleat_slice chunk),
                                void *argument);

#endif
