/* Memory that is given back all at once: for what lives as long as a request or an invocation. Not thread-safe. */
#ifndef CLEAT_BASE_ARENA_H
#define CLEAT_BASE_ARENA_H

#include <cleat/status.h>

struct cleat__arena_block;

typedef struct cleat__arena { /* {.most = N}: empty */
    struct cleat__arena_block *blocks;
    size_t used, most; /* bytes; what was asked for, and what may be; 0: as much as there is */
} cleat__arena;

/* Aligned for anything, not set; NULL: no memory, or more than `most` (cleat__arena_is_full()). */
void *cleat__arena_get(cleat__arena *arena, size_t size);
/* The same, zeroed. */
void *cleat__arena_take(cleat__arena *arena, size_t size);
/* A copy with a NUL behind it; the absent slice stays absent. False on no memory. */
bool cleat__arena_keep(cleat__arena *arena, cleat_slice slice, cleat_slice *out);
/* Whether so many bytes more are above the bound. */
bool cleat__arena_is_full(const cleat__arena *arena, size_t size);
/* It may be used again. */
void cleat__arena_deinit(cleat__arena *arena);

#endif
