/* Memory that is freed at once: for what lives as long as a request or an invocation. Not thread-safe. */
#ifndef CLEAT_SDK_ARENA_H
#define CLEAT_SDK_ARENA_H

#include <cleat/status.h>

struct cleat__arena_block;

typedef struct cleat__arena {
    struct cleat__arena_block *blocks; /* the newest first */
} cleat__arena;

void cleat__arena_deinit(cleat__arena *arena); /* frees all that was taken; may be used again */
/* Zeroed, aligned for anything; NULL on no memory. */
void *cleat__arena_take(cleat__arena *arena, size_t size);
/* A copy with a NUL behind it; the absent slice stays absent. False on no memory. */
bool cleat__arena_keep(cleat__arena *arena, cleat_slice slice, cleat_slice *out);

#endif
