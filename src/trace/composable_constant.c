/* Composable samplers with one threshold for all spans: always on, always off, and a ratio. */
#include "base/alloc.h"
#include "base/error.h"
#include "ot_state.h"
#include "sampler.h"

#include <stdio.h>

/* ---- Always on, always off ---- */

static void intend_always(cleat_composable_sampler *self, const cleat_sampling_arguments *arguments,
                          cleat_sampling_intent *intent)
{
    (void)self;
    (void)arguments;
    intent->threshold = CLEAT_THRESHOLD_ALWAYS;
    intent->is_reliable = true;
}

static void intend_never(cleat_composable_sampler *self, const cleat_sampling_arguments *arguments,
                         cleat_sampling_intent *intent)
{
    (void)self;
    (void)arguments;
    intent->threshold = CLEAT_THRESHOLD_NEVER;
    intent->is_reliable = false;
}

static const char *describe_always_on(cleat_composable_sampler *self)
{
    (void)self;
    return "ComposableAlwaysOn";
}

static const char *describe_always_off(cleat_composable_sampler *self)
{
    (void)self;
    return "ComposableAlwaysOff";
}

cleat_composable_sampler *cleat_composable_always_on(void)
{
    static cleat_composable_sampler sampler = {intend_always, describe_always_on, NULL};
    return &sampler;
}

cleat_composable_sampler *cleat_composable_always_off(void)
{
    static cleat_composable_sampler sampler = {intend_never, describe_always_off, NULL};
    return &sampler;
}

/* ---- Ratio ---- */

typedef struct composable_ratio {
    cleat_composable_sampler base;
    uint64_t threshold;
    bool is_reliable; /* a ratio of 0 is no probability: nothing sampled stands for what is not */
    char description[64];
} composable_ratio;

static void intend_ratio(cleat_composable_sampler *self, const cleat_sampling_arguments *arguments,
                         cleat_sampling_intent *intent)
{
    const composable_ratio *sampler = (const composable_ratio *)self;
    (void)arguments;
    intent->threshold = sampler->threshold;
    intent->is_reliable = sampler->is_reliable;
}

static const char *describe_ratio(cleat_composable_sampler *self)
{
    return ((composable_ratio *)self)->description;
}

static void free_ratio(cleat_composable_sampler *self)
{
    cleat__free(self);
}

cleat_composable_sampler *cleat_composable_ratio(double ratio)
{
    composable_ratio *sampler = cleat__malloc(sizeof(*sampler));
    if (sampler == NULL) {
        cleat__fail_memory();
        return NULL;
    }
    ratio = ratio > 0 ? (ratio < 1 ? ratio : 1) : 0; /* not a number is 0 too */
    uint64_t threshold = cleat__threshold_of_ratio(ratio);
    bool keeps_any = threshold < CLEAT__THRESHOLD_RANGE;
    sampler->base = (cleat_composable_sampler){intend_ratio, describe_ratio, free_ratio};
    sampler->threshold = keeps_any ? threshold : CLEAT_THRESHOLD_NEVER;
    sampler->is_reliable = keeps_any;
    snprintf(sampler->description, sizeof(sampler->description), "ComposableTraceIDRatioBased{%.6f}", ratio);
    return &sampler->base;
}
