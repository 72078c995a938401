/* An allocator that fails at some call, for good or only then, and counts the blocks that live. For any threads. */
#ifndef CLEAT_TESTS_FAILING_ALLOCATOR_H
#define CLEAT_TESTS_FAILING_ALLOCATOR_H

#include <cleat/status.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

/* Calls that get memory; number `fail_at` and, unless `is_once`, all behind it fail (0: none does). */
typedef struct failing_allocator {
    atomic_size_t calls;
    atomic_size_t fail_at;
    atomic_bool is_once;
    atomic_llong live;
} failing_allocator;

static inline void *failing_realloc(void *user_data, void *block, size_t size)
{
    failing_allocator *self = user_data;
    size_t call = atomic_fetch_add(&self->calls, 1) + 1;
    size_t fail_at = atomic_load(&self->fail_at);
    if (fail_at != 0 && (call == fail_at || (call > fail_at && !atomic_load(&self->is_once)))) {
        return NULL;
    }
    atomic_fetch_add(&self->live, block == NULL);
    return realloc(block, size);
}

static inline void *failing_malloc(void *user_data, size_t size)
{
    return failing_realloc(user_data, NULL, size);
}

static inline void failing_free(void *user_data, void *block)
{
    failing_allocator *self = user_data;
    atomic_fetch_sub(&self->live, block != NULL);
    free(block);
}

/* Counts anew; what was told to fail before no longer does. */
static inline void failing_allocator_install(failing_allocator *self, size_t fail_at)
{
    cleat_allocator allocator = {self, failing_malloc, failing_realloc, failing_free};
    atomic_store(&self->calls, 0);
    atomic_store(&self->fail_at, fail_at);
    atomic_store(&self->is_once, false);
    atomic_store(&self->live, 0);
    cleat_set_allocator(&allocator);
}

/* Whether a call has failed. */
static inline bool failing_allocator_has_failed(const failing_allocator *self)
{
    size_t fail_at = atomic_load(&self->fail_at);
    return fail_at != 0 && atomic_load(&self->calls) >= fail_at;
}

#endif
