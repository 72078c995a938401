#include "span_clock.h"

#include "base/clock.h"

#include <stdatomic.h>

#define CHECK_EVERY_NS (10 * CLEAT__NS_PER_MS)
/* Readings of two clocks, one after the other, agree no better than this. */
#define NOISE_NS INT64_C(1000)

/* unix - monotonic; 0: not measured yet. Written a hundred times a second at most, by one thread. */
static _Atomic int64_t offset_ns;
static _Atomic int64_t next_check_ns;

/* A thread may lose its processor between two readings: take the pair with the least between. */
static int64_t measure(void)
{
    int64_t best = 0, best_width = INT64_MAX;
    for (int i = 0; i < 3 && best_width > NOISE_NS; i++) {
        int64_t before = cleat__clock_monotonic_ns(NULL);
        int64_t unix_ns = cleat__clock_unix_ns(NULL);
        int64_t after = cleat__clock_monotonic_ns(NULL);
        if (after - before < best_width) {
            best_width = after - before;
            best = unix_ns - before - (after - before) / 2;
        }
    }
    return best;
}

static int64_t check_offset(int64_t now_ns, int64_t due_ns, int64_t known)
{
    if (!atomic_compare_exchange_strong_explicit(&next_check_ns, &due_ns, now_ns + CHECK_EVERY_NS,
                                                 memory_order_relaxed, memory_order_relaxed)) {
        return known != 0 ? known : measure(); /* another thread is at it */
    }
    int64_t measured = measure();
    int64_t change = measured - known;
    if (known != 0 && change < NOISE_NS && change > -NOISE_NS) {
        return known; /* so that times do not jitter by the noise of measuring */
    }
    atomic_store_explicit(&offset_ns, measured, memory_order_relaxed);
    return measured;
}

static int64_t unix_from(int64_t monotonic_ns)
{
    int64_t offset = atomic_load_explicit(&offset_ns, memory_order_relaxed);
    int64_t due = atomic_load_explicit(&next_check_ns, memory_order_relaxed);
    if (__builtin_expect(monotonic_ns >= due || offset == 0, false)) {
        offset = check_offset(monotonic_ns, due, offset);
    }
    return monotonic_ns + offset;
}

void cleat__span_clock_init(cleat__span_clock *clock, const cleat_clock *from)
{
    const cleat_clock *system = cleat_clock_system();
    clock->clock = from != NULL ? *from : *system;
    clock->is_system =
        clock->clock.unix_ns == system->unix_ns && clock->clock.monotonic_ns == system->monotonic_ns;
}

void cleat__span_clock_read(const cleat__span_clock *clock, int64_t *unix_ns, int64_t *monotonic_ns)
{
    *monotonic_ns = cleat__span_clock_monotonic_ns(clock);
    *unix_ns = clock->is_system ? unix_from(*monotonic_ns) : clock->clock.unix_ns(clock->clock.user_data);
}

int64_t cleat__span_clock_unix_ns(const cleat__span_clock *clock)
{
    int64_t unix_ns, monotonic_ns;
    cleat__span_clock_read(clock, &unix_ns, &monotonic_ns);
    return unix_ns;
}

int64_t cleat__span_clock_monotonic_ns(const cleat__span_clock *clock)
{
    return clock->is_system ? cleat__clock_monotonic_ns(NULL)
                            : clock->clock.monotonic_ns(clock->clock.user_data);
}
