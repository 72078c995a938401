/* How many random lives a test leads, and which: as the environment says. */
#ifndef CLEAT_TESTS_SEEDS_H
#define CLEAT_TESTS_SEEDS_H

#include <stdint.h>
#include <stdlib.h>

static inline uint64_t number_from(const char *variable, uint64_t fallback)
{
    const char *text = getenv(variable);
    return text != NULL && text[0] != '\0' ? strtoull(text, NULL, 10) : fallback;
}

#endif
