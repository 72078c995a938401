/* Memory that is given back all at once, with a bound. */
#ifndef CLEAT_MODEL_ARENA_H
#define CLEAT_MODEL_ARENA_H

#include <cleat/status.h>

struct cleat__arena_block;

typedef struct cleat__arena { /* {.most = N}: empty */
    struct cleat__arena_block *blocks;
    size_t used, most; /* bytes; what was asked for, and what may be */
} cleat__arena;

/* Aligned for anything, not set; NULL: no memory, or more than `most` (cleat__arena_is_full()). */
void *cleat__arena_get(cleat__arena *arena, size_t size);
/* Whether so many bytes more are above the bound. */
bool cleat__arena_is_full(const cleat__arena *arena, size_t size);
void cleat__arena_deinit(cleat__arena *arena);

#endif
