/* Memory that is given back all at once, with a bound. */
#ifndef CLEAT_MODEL_EXPRESSION_MEMORY_H
#define CLEAT_MODEL_EXPRESSION_MEMORY_H

#include <cleat/status.h>

struct cleat__cel_block;

typedef struct cleat__cel_memory { /* {.most = N}: empty */
    struct cleat__cel_block *blocks;
    size_t used, most; /* bytes; what was asked for, and what may be */
} cleat__cel_memory;

/* Aligned for anything, not set; NULL: no memory, or more than `most` (cleat__cel_memory_is_full()). */
void *cleat__cel_memory_get(cleat__cel_memory *memory, size_t size);
/* Whether so many bytes more are above the bound. */
bool cleat__cel_memory_is_full(const cleat__cel_memory *memory, size_t size);
void cleat__cel_memory_deinit(cleat__cel_memory *memory);

#endif
