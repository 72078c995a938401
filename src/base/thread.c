#define _GNU_SOURCE /* pthread_setname_np */
#include "base/thread.h"

#include "base/clock.h"
#include "base/error.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <time.h>

void cleat__cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &attributes);
    pthread_condattr_destroy(&attributes);
}

bool cleat__cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t deadline_ns)
{
    if (deadline_ns == INT64_MAX) {
        pthread_cond_wait(cond, mutex);
        return true;
    }
    int64_t deadline = deadline_ns > 0 ? deadline_ns : 0;
    struct timespec until = {
        .tv_sec = (time_t)(deadline / CLEAT__NS_PER_S),
        .tv_nsec = (long)(deadline % CLEAT__NS_PER_S),
    };
    return pthread_cond_timedwait(cond, mutex, &until) != ETIMEDOUT;
}

int64_t cleat__deadline_ns(int64_t timeout_ms)
{
    int64_t now = cleat__clock_monotonic_ns(NULL);
    if (timeout_ms < 0 || timeout_ms > (INT64_MAX - now) / CLEAT__NS_PER_MS) {
        return INT64_MAX;
    }
    return now + timeout_ms * CLEAT__NS_PER_MS;
}

int64_t cleat__remaining_ms(int64_t deadline_ns)
{
    if (deadline_ns == INT64_MAX) {
        return INT64_MAX;
    }
    int64_t now = cleat__clock_monotonic_ns(NULL);
    if (deadline_ns <= now) {
        return 0;
    }
    return (deadline_ns - now - 1) / CLEAT__NS_PER_MS + 1;
}

cleat_status cleat__thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *argument)
{
    static const int raised_by_instructions[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS};
    sigset_t blocked, before;
    sigfillset(&blocked);
    for (size_t i = 0; i < sizeof(raised_by_instructions) / sizeof(int); i++) {
        sigdelset(&blocked, raised_by_instructions[i]);
    }
    /* A thread inherits the mask of its creator. */
    pthread_sigmask(SIG_SETMASK, &blocked, &before);
    int error = pthread_create(thread, NULL, run, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error != 0) {
        return cleat__fail(CLEAT_RESOURCE_EXHAUSTED, "cannot start thread %s (error %d)", name, error);
    }
#ifdef __linux__
    char cut[16] = "";
    strncat(cut, name, sizeof(cut) - 1);
    pthread_setname_np(*thread, cut);
#endif
    return CLEAT_OK;
}

void cleat__spin_lock_slow(cleat__spin *spin)
{
    unsigned tries = 0;
    do {
        /* The holder may have lost its processor; waiting longer than this would keep it away. */
        if (++tries % 64 == 0) {
            sched_yield();
        }
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
#endif
    } while (atomic_exchange_explicit(&spin->is_locked, true, memory_order_acquire));
}
