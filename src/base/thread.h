/*
 * What pthreads leave to be said each time: monotonic condition variables, a spin lock for a few
 * instructions, threads that take no signals from the program.
 */
#ifndef CLEAT_BASE_THREAD_H
#define CLEAT_BASE_THREAD_H

#include <cleat/status.h>

#include <pthread.h>
#include <stdatomic.h>

/* Initialises a condition variable that waits on the monotonic clock. */
void cleat__cond_init(pthread_cond_t *cond);
/* Waits until signalled or `deadline_ns` of the monotonic system clock; INT64_MAX: for ever.
 * False: the deadline passed. */
bool cleat__cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t deadline_ns);
/* now + timeout; negative timeout: INT64_MAX. */
int64_t cleat__deadline_ns(int64_t timeout_ms);
/* What is left until a deadline, in ms rounded up, not below 0; INT64_MAX stays. */
int64_t cleat__remaining_ms(int64_t deadline_ns);

/* Starts a joinable thread named `name` (15 characters) with all signals blocked but those its own
 * instructions raise (SIGSEGV and its like), so that crash handlers go on working. */
cleat_status cleat__thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *argument);

typedef struct cleat__spin {
    atomic_bool is_locked;
} cleat__spin;
void cleat__spin_lock_slow(cleat__spin *spin);
static inline void cleat__spin_lock(cleat__spin *spin)
{
    if (atomic_exchange_explicit(&spin->is_locked, true, memory_order_acquire)) {
        cleat__spin_lock_slow(spin);
    }
}
static inline void cleat__spin_unlock(cleat__spin *spin)
{
    atomic_store_explicit(&spin->is_locked, false, memory_order_release);
}
/* In a forked child: unlocks it; true when a thread that is not there had it. */
static inline bool cleat__spin_renew(cleat__spin *spin)
{
    bool was_locked = atomic_load_explicit(&spin->is_locked, memory_order_relaxed);
    if (was_locked) { /* else the page stays shared with the parent */
        atomic_store_explicit(&spin->is_locked, false, memory_order_relaxed);
    }
    return was_locked;
}

#endif
