/* Lanes of runs that desire more than their task does, take units of rate limits, or go several at a time: one for each
 * version, wish, units and group of these, while it has runs. */
#ifndef CLEAT_ENGINE_WISHES_H
#define CLEAT_ENGINE_WISHES_H

#include "engine/batches.h"
#include "engine/catalog.h"
#include "engine/rates.h"

typedef struct cleat__wishes {
    cleat__map by_text;
} cleat__wishes;
void cleat__wishes_deinit(cleat__wishes *wishes);

/* Puts the run, which is in no queue, into the lane of `desired`, as it was stored; the absent slice
 * leaves it where it is. */
cleat_status cleat__wishes_join(cleat__wishes *wishes, cleat__run *run, cleat_slice desired);
/* What runs of one lane have in common, beyond the version. */
typedef struct cleat__likeness {
    cleat_slice desired;       /* absent: nothing */
    cleat_slice takes;         /* which units of rate limits, as text; absent: none */
    cleat__rate_units *units;  /* the same; consumed; NULL: none */
    cleat__batch_group *group; /* with a user more, which is consumed; NULL: they go one by one */
} cleat__likeness;
cleat_status cleat__wishes_join_like(cleat__wishes *wishes, cleat__batches *batches, cleat__run *run,
                                     const cleat__likeness *like);
/* The run ends. It must be in no queue. */
void cleat__wishes_leave(cleat__wishes *wishes, cleat__run *run);

#endif
