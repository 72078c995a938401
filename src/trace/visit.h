/*
 * Threads that are inside a provider, starting or ending a span: a provider is freed when none of them
 * can have it in hand any more.
 *
 * A visit costs two plain stores to memory of the thread. That whoever waits sees the first of them
 * before the thread has looked at anything takes a barrier between the two; membarrier(2) puts it
 * there from outside, when somebody waits. Where the kernel refuses that, each visit has its own.
 */
#ifndef CLEAT_TRACE_VISIT_H
#define CLEAT_TRACE_VISIT_H

#include "local.h"

/* Set when the library is loaded. */
extern bool cleat__visit_needs_fence;

/* `local` is this thread's. Visits nest. */
static inline void cleat__visit_begin(cleat__local *local)
{
    if (local->visit_depth++ == 0) {
        uint32_t count = atomic_load_explicit(&local->visit_count, memory_order_relaxed);
        atomic_store_explicit(&local->visit_count, count + 1, memory_order_relaxed);
        atomic_signal_fence(memory_order_seq_cst);
        if (__builtin_expect(cleat__visit_needs_fence, false)) {
            __sync_synchronize(); /* the thread sanitizer knows no fence of <stdatomic.h> */
        }
    }
}

static inline void cleat__visit_end(cleat__local *local)
{
    if (--local->visit_depth == 0) {
        uint32_t count = atomic_load_explicit(&local->visit_count, memory_order_relaxed);
        atomic_store_explicit(&local->visit_count, count + 1, memory_order_release);
    }
}

/* Waits until every visit of another thread that has begun is over; whoever begins one from now on
 * sees what this thread has written. False: one is not over at the deadline. */
bool cleat__visits_wait(int64_t deadline_ns);

#endif
