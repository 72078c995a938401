/* xoshiro256** 1.0 and splitmix64 by Blackman and Vigna (prng.di.unimi.it, public domain). */
#include "base/random_thread.h"

#include "base/clock.h"
#include "base/process.h"

#include <sys/random.h>
#include <unistd.h>

static uint64_t rotate_left(uint64_t value, int bits)
{
    return (value << bits) | (value >> (64 - bits));
}

void cleat__random_init(cleat__random *random, uint64_t seed)
{
    for (size_t i = 0; i < 4; i++) {
        seed += UINT64_C(0x9E3779B97F4A7C15);
        uint64_t value = seed;
        value = (value ^ (value >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
        value = (value ^ (value >> 27)) * UINT64_C(0x94D049BB133111EB);
        random->state[i] = value ^ (value >> 31);
    }
}

uint64_t cleat__random_below(cleat__random *random, uint64_t bound)
{
    /* The lowest 2^64 mod bound numbers would make small remainders likelier: draw again. */
    uint64_t lowest = (UINT64_C(0) - bound) % bound;
    uint64_t value;
    do {
        value = cleat__random_next(random);
    } while (value < lowest);
    return value % bound;
}

_Thread_local cleat__thread_random cleat__random_of_thread __attribute__((tls_model("initial-exec")));

void cleat__random_seed_thread(uint64_t generation)
{
    cleat__random *random = &cleat__random_of_thread.random;
    uint64_t *state = random->state;
    size_t size = sizeof(random->state);
    if (getrandom(state, size, 0) != (ssize_t)size || (state[0] | state[1] | state[2] | state[3]) == 0) {
        /* No system call for it (a very old kernel, a sandbox): what differs between threads. */
        uint64_t seed = (uint64_t)cleat__clock_unix_ns(NULL);
        seed ^= rotate_left((uint64_t)cleat__clock_monotonic_ns(NULL), 32);
        seed ^= (uint64_t)(uintptr_t)state ^ ((uint64_t)getpid() << 48);
        cleat__random_init(random, seed);
    }
    cleat__random_of_thread.generation = generation;
}

cleat__random *cleat__random_thread(void)
{
    return cleat__random_own();
}
