/* Pseudo-random numbers (xoshiro256**): one seeded state for simulations, one per thread for the rest. */
#ifndef CLEAT_BASE_RANDOM_H
#define CLEAT_BASE_RANDOM_H

#include <cleat/status.h>

typedef struct cleat__random {
    uint64_t state[4];
} cleat__random;

void cleat__random_init(cleat__random *random, uint64_t seed);

/* Inline: every span start takes up to three. */
static inline uint64_t cleat__random_next(cleat__random *random)
{
    uint64_t *state = random->state;
    uint64_t times5 = state[1] * 5;
    uint64_t result = (times5 << 7 | times5 >> 57) * 9;
    uint64_t shifted = state[1] << 17;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = state[3] << 45 | state[3] >> 19;
    return result;
}

static inline uint64_t cleat__random_non_zero(cleat__random *random)
{
    uint64_t value;
    do {
        value = cleat__random_next(random);
    } while (value == 0);
    return value;
}

/* Uniform in 0 .. bound-1; bound > 0. */
uint64_t cleat__random_below(cleat__random *random, uint64_t bound);

/* This thread's generator, seeded from the operating system at first use and again in a forked child. */
cleat__random *cleat__random_thread(void);

#endif
