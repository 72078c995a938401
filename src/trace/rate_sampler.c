/*
 * A bucket of tokens, one per span, kept as one number: the time at which the bucket will be full
 * again. Taking a token moves that time on by the interval between two tokens; the bucket is empty
 * when it lies the whole burst ahead of now. So the state is one atomic word, threads that are
 * refused only read it, and a thread that was interrupted holds up nobody.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/options.h"
#include "ot_state.h"
#include "sampler.h"

#include <stdatomic.h>
#include <time.h>

enum { CACHE_LINE = 64 };

/* About 36 years: a bucket that is refilled so slowly may as well never be. */
#define LONGEST_NS     (INT64_C(1) << 60)
#define COARSE_FROM_NS (100 * CLEAT__NS_PER_MS)

typedef struct rate_sampler {
    cleat_sampler base;
    int64_t interval_ns; /* between two tokens; 0: there are none */
    int64_t burst_ns;    /* to fill the empty bucket */
    cleat_clock clock;
    bool is_coarse; /* the time of the last tick will do */
    char *description;
    char apart[CACHE_LINE]; /* what is only read stays in every processor's cache */
    _Atomic int64_t full_ns;
    char apart_too[CACHE_LINE];
} rate_sampler;

/*
 * The system's time of the last tick is 5 ns away, the exact one 24. Ticks are 1 to 10 ms apart: a
 * bucket of 100 ms and more loses nothing by being filled in such steps.
 */
static int64_t read_clock(const rate_sampler *sampler)
{
#ifdef CLOCK_MONOTONIC_COARSE
    struct timespec now;
    if (sampler->is_coarse && clock_gettime(CLOCK_MONOTONIC_COARSE, &now) == 0) {
        return (int64_t)now.tv_sec * CLEAT__NS_PER_S + now.tv_nsec;
    }
#endif
    return cleat__clock_monotonic_ns(&sampler->clock);
}

static bool take_token(rate_sampler *sampler, int64_t now)
{
    int64_t full = atomic_load_explicit(&sampler->full_ns, memory_order_relaxed);
    int64_t next;
    do {
        next = (full > now ? full : now) + sampler->interval_ns;
        if (next - now > sampler->burst_ns) {
            return false;
        }
    } while (!atomic_compare_exchange_weak_explicit(&sampler->full_ns, &full, next, memory_order_relaxed,
                                                    memory_order_relaxed));
    return true;
}

static void sample_limited(cleat_sampler *self, const cleat_sampling_arguments *arguments,
                           cleat_sampling_result *result)
{
    static const cleat__ot_state no_threshold = {.has_threshold = false};
    rate_sampler *sampler = (rate_sampler *)self;
    if (sampler->interval_ns != 0 && take_token(sampler, read_clock(sampler))) {
        result->decision = CLEAT_SAMPLING_RECORD_AND_SAMPLE;
    }
    if (arguments->trace_state.size != 0) {
        cleat__ot_write(arguments->trace_state, &no_threshold, result);
    }
}

static const char *describe(cleat_sampler *self)
{
    return ((rate_sampler *)self)->description;
}

static void free_rate_sampler(cleat_sampler *self)
{
    cleat__free(((rate_sampler *)self)->description);
    cleat__free(self);
}

static int64_t clamp_ns(double ns)
{
    return ns < 1 ? 1 : ns < (double)LONGEST_NS ? (int64_t)(ns + 0.5) : LONGEST_NS;
}

cleat_sampler *cleat_sampler_rate_limited(double spans_per_second, const cleat_rate_limit_options *options)
{
    cleat_rate_limit_options given;
    cleat__options_copy(&given, options, sizeof(given));
    double rate = spans_per_second > 0 ? spans_per_second : 0; /* not a number is 0 too */
    double burst = given.burst > 0 ? given.burst : rate;
    burst = burst > 1 ? burst : 1;
    rate_sampler *sampler = cleat__calloc(1, sizeof(*sampler));
    char *description = cleat__sampler_text("RateLimited{%g,burst=%g}", rate, burst);
    if (sampler == NULL || description == NULL) {
        cleat__fail_memory();
        cleat__free(sampler);
        cleat__free(description);
        return NULL;
    }
    sampler->base = (cleat_sampler){sample_limited, describe, free_rate_sampler};
    sampler->description = description;
    sampler->clock = given.clock != NULL ? *given.clock : *cleat_clock_system();
    if (rate > 0) {
        sampler->interval_ns = clamp_ns((double)CLEAT__NS_PER_S / rate);
        sampler->burst_ns = clamp_ns(burst * (double)sampler->interval_ns);
    }
    sampler->is_coarse = given.clock == NULL && sampler->burst_ns >= COARSE_FROM_NS;
    atomic_init(&sampler->full_ns, INT64_MIN);
    return &sampler->base;
}
