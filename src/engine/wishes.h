/* Lanes of runs that desire more than their task does, or take units of rate limits: one for each version, wish and
 * units, while it has runs. */
#ifndef CLEAT_ENGINE_WISHES_H
#define CLEAT_ENGINE_WISHES_H

#include "engine/catalog.h"
#include "engine/rates.h"

typedef struct cleat__wishes {
    cleat__map by_text;
} cleat__wishes;
void cleat__wishes_deinit(cleat__wishes *wishes);

/* Puts the run, which is in no queue, into the lane of `desired`, as it was stored; the absent slice
 * leaves it where it is. */
cleat_status cleat__wishes_join(cleat__wishes *wishes, cleat__run *run, cleat_slice desired);
/* The same for one that takes units of rate limits, consumed: `text` says which, for its like. `desired` may be
 * absent. */
cleat_status cleat__wishes_join_units(cleat__wishes *wishes, cleat__run *run, cleat_slice desired,
                                      cleat_slice text, cleat__rate_units *units);
/* The run ends. It must be in no queue. */
void cleat__wishes_leave(cleat__wishes *wishes, cleat__run *run);

#endif
