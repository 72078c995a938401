/* What the tests of base share: cmocka, an allocator that fails on demand, a log that is kept. */
#ifndef CLEAT_TESTS_BASE_TEST_H
#define CLEAT_TESTS_BASE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <cleat/status.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Calls that get memory; number `fail_at` and all behind it fail (0: none does). */
typedef struct failing_allocator {
    size_t calls;
    size_t fail_at;
    int64_t live;
} failing_allocator;

static inline void *failing_realloc(void *user_data, void *block, size_t size)
{
    failing_allocator *self = user_data;
    self->calls++;
    if (self->fail_at != 0 && self->calls >= self->fail_at) {
        return NULL;
    }
    self->live += block == NULL;
    return realloc(block, size);
}

static inline void *failing_malloc(void *user_data, size_t size)
{
    return failing_realloc(user_data, NULL, size);
}

static inline void failing_free(void *user_data, void *block)
{
    failing_allocator *self = user_data;
    self->live -= block != NULL;
    free(block);
}

static inline void failing_allocator_install(failing_allocator *self, size_t fail_at)
{
    *self = (failing_allocator){.fail_at = fail_at};
    cleat_allocator allocator = {self, failing_malloc, failing_realloc, failing_free};
    cleat_set_allocator(&allocator);
}

/* The last message and how many there were. */
typedef struct kept_log {
    size_t count;
    cleat_log_level level;
    char message[1024];
} kept_log;

static inline void keep_message(void *user_data, cleat_log_level level, const char *message)
{
    kept_log *self = user_data;
    self->count++;
    self->level = level;
    snprintf(self->message, sizeof(self->message), "%s", message);
}

#endif
