/* The ways from runs to those that they go on as (model/continued.h). */
#ifndef CLEAT_STORE_CHAIN_H
#define CLEAT_STORE_CHAIN_H

#include "model/continued.h"
#include "store/store.h"

/* The one ends, and goes on as the other, which is new. */
cleat_status cleat__chain_go_on(cleat__store *store, const cleat__uuid *from, const cleat__uuid *to);
/* A run is about to live again: if it has gone on as another one, nobody knows what it will go on as now. */
cleat_status cleat__chain_break(cleat__store *store, const cleat__uuid *id);
/* A run is removed; the one before, if there is one, goes on as the one behind; else the row goes. */
cleat_status cleat__chain_remove(cleat__store *store, const cleat__uuid *id, const cleat__uuid *former);

#define CLEAT__CHAIN_STEPS 1000 /* that the engine goes at once: some milliseconds */
/* From `*id` as far as `follow` says, or `most` steps: from a row's first run to its last is one. It stays where it is when
 * it lives, does not go on, or is not there. */
cleat_status cleat__chain_reach(cleat__store *store, cleat__follow follow, int most, cleat__uuid *id);

#endif
