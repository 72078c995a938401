/* Pseudo-random numbers (xoshiro256**): one seeded state for simulations, one per thread for the rest. */
#ifndef CLEAT_BASE_RANDOM_H
#define CLEAT_BASE_RANDOM_H

#include <cleat/status.h>

typedef struct cleat__random {
    uint64_t state[4];
} cleat__random;

void cleat__random_init(cleat__random *random, uint64_t seed);
uint64_t cleat__random_next(cleat__random *random);
/* Uniform in 0 .. bound-1; bound > 0. */
uint64_t cleat__random_below(cleat__random *random, uint64_t bound);

/* This thread's generator, seeded from the operating system at first use and again in a forked child. */
cleat__random *cleat__random_thread(void);

#endif
