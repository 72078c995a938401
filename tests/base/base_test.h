/* What the tests of base share: cmocka, an allocator that fails on demand, a log that is kept. */
#ifndef CLEAT_TESTS_BASE_TEST_H
#define CLEAT_TESTS_BASE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/failing_allocator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
