/* What is stored of the seats (engine/limits.h) of a workflow that goes on as a new run; members of task.limits. */
#ifndef CLEAT_STORE_SEAT_H
#define CLEAT_STORE_SEAT_H

#include "store/store.h"

/* The run has given these, by bits. */
cleat_status cleat__seats_give(cleat__store *store, const cleat__uuid *id, uint32_t given);
/* The run is so old in each, a JSON array, and holds the first ones. */
cleat_status cleat__seats_take(cleat__store *store, const cleat__uuid *id, cleat_slice since, size_t holds);
/* What the run has given; 0: nothing. */
cleat_status cleat__seats_given(cleat__store *store, const cleat__uuid *id, uint32_t *out);

#endif
