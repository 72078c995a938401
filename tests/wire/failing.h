/* An allocator with no more than some blocks, which counts those that live. */
#ifndef CLEAT_TESTS_WIRE_FAILING_H
#define CLEAT_TESTS_WIRE_FAILING_H

#include <cleat/status.h>

#include <stdlib.h>

typedef struct failing {
    int left; /* blocks until there is no memory */
    int live;
} failing;

static inline void *failing_malloc(void *user_data, size_t size)
{
    failing *it = user_data;
    if (it->left-- <= 0) {
        return NULL;
    }
    it->live++;
    return malloc(size);
}

static inline void *failing_realloc(void *user_data, void *block, size_t size)
{
    failing *it = user_data;
    if (it->left-- <= 0) {
        return NULL;
    }
    it->live += block == NULL;
    return realloc(block, size);
}

static inline void failing_free(void *user_data, void *block)
{
    ((failing *)user_data)->live -= block != NULL;
    free(block);
}

static inline void failing_begin(failing *it, int blocks)
{
    *it = (failing){.left = blocks};
    cleat_set_allocator(&(cleat_allocator){it, failing_malloc, failing_realloc, failing_free});
}

#endif
