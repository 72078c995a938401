/* An allocator that fails for good after some calls. */
#ifndef CLEAT_TESTS_ENGINE_FAILING_H
#define CLEAT_TESTS_ENGINE_FAILING_H

#include <cleat/status.h>

#include <stdlib.h>

typedef struct failing {
    int64_t left; /* calls until all fail */
} failing;

static inline void *failing_malloc(void *user_data, size_t size)
{
    failing *state = user_data;
    return state->left-- > 0 ? malloc(size) : NULL;
}

static inline void *failing_realloc(void *user_data, void *block, size_t size)
{
    failing *state = user_data;
    return state->left-- > 0 ? realloc(block, size) : NULL;
}

static inline void failing_free(void *user_data, void *block)
{
    (void)user_data;
    free(block);
}

static inline void fail_after(failing *state, int64_t calls)
{
    cleat_allocator allocator = {state, failing_malloc, failing_realloc, failing_free};
    state->left = calls;
    cleat_set_allocator(&allocator);
}

#endif
