/*
 * cleat__random_thread() without the call, for the start of a span. Only for the library that holds it:
 * another one would have to look the variable up.
 */
#ifndef CLEAT_BASE_RANDOM_THREAD_H
#define CLEAT_BASE_RANDOM_THREAD_H

#include "base/process.h"
#include "base/random.h"

/* Initial-exec as in trace/local.h. */
typedef struct cleat__thread_random {
    cleat__random random;
    uint64_t generation; /* of the process it was seeded in; 0: not yet */
} cleat__thread_random;
extern _Thread_local cleat__thread_random cleat__random_of_thread __attribute__((tls_model("initial-exec")));
void cleat__random_seed_thread(uint64_t generation);

static inline cleat__random *cleat__random_own(void)
{
    uint64_t generation = cleat__process();
    if (__builtin_expect(cleat__random_of_thread.generation != generation, false)) {
        cleat__random_seed_thread(generation);
    }
    return &cleat__random_of_thread.random;
}

#endif
