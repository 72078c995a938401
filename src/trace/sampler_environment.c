/* OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG. sampler.h has the table for people. */
#include "base/env.h"
#include "sampler.h"

#include <stdio.h>

#define ARGUMENT "OTEL_TRACES_SAMPLER_ARG"

enum { DEFAULT_RATE = 100, HIGHEST_RATE = 1000000000 };

static cleat_sampler *make_ratio(void)
{
    return cleat_sampler_ratio(cleat__env_double(ARGUMENT, 1.0, 0.0, 1.0));
}

static cleat_sampler *make_rate_limited(void)
{
    return cleat_sampler_rate_limited(cleat__env_double(ARGUMENT, DEFAULT_RATE, 0.0, HIGHEST_RATE), NULL);
}

static cleat_sampler *make_composite_on(void)
{
    return cleat_sampler_composite(cleat_composable_always_on());
}

static cleat_composable_sampler *composable_ratio(void)
{
    return cleat_composable_ratio(cleat__env_double(ARGUMENT, 1.0, 0.0, 1.0));
}

static cleat_sampler *make_composite_ratio(void)
{
    cleat_composable_sampler *ratio = composable_ratio();
    return ratio != NULL ? cleat_sampler_composite(ratio) : NULL;
}

/* A run of many linked traces stays whole here as it does by default. */
static cleat_sampler *follow_thresholds(cleat_composable_sampler *root)
{
    cleat_composable_sampler *linked = root != NULL ? cleat_composable_link_threshold(root) : NULL;
    cleat_composable_sampler *child = linked != NULL ? cleat_composable_parent_threshold(linked) : NULL;
    return child != NULL ? cleat_sampler_composite(child) : NULL;
}

static cleat_sampler *make_composite_parent_on(void)
{
    return follow_thresholds(cleat_composable_always_on());
}

static cleat_sampler *make_composite_parent_ratio(void)
{
    return follow_thresholds(composable_ratio());
}

static const struct {
    const char *name;
    cleat_sampler *(*make)(void);
    bool is_root; /* the sampler is that of roots: parents and links are followed */
} samplers[] = {
    {"parentbased_always_on", cleat_sampler_always_on, true}, /* the default */
    {"parentbased_always_off", cleat_sampler_always_off, true},
    {"parentbased_traceidratio", make_ratio, true},
    {"always_on", cleat_sampler_always_on, false},
    {"always_off", cleat_sampler_always_off, false},
    {"traceidratio", make_ratio, false},
    {"parentbased_rate_limited", make_rate_limited, true},
    {"rate_limited", make_rate_limited, false},
    {"composite_always_on", make_composite_on, false},
    {"composite_traceidratio", make_composite_ratio, false},
    {"composite_parentbased_always_on", make_composite_parent_on, false},
    {"composite_parentbased_traceidratio", make_composite_parent_ratio, false},
};

enum { SAMPLERS = sizeof(samplers) / sizeof(samplers[0]) };

static void warn(const char *variable, cleat_slice value)
{
    char accepted[512];
    size_t size = 0;
    for (size_t i = 0; i < SAMPLERS && size < sizeof(accepted); i++) {
        const char *separator = i == 0 ? "" : ", ";
        int added = snprintf(accepted + size, sizeof(accepted) - size, "%s%s", separator, samplers[i].name);
        size += added > 0 ? (size_t)added : 0;
    }
    if (size < sizeof(accepted)) {
        snprintf(accepted + size, sizeof(accepted) - size,
                 "; not there are jaeger_remote, "
                 "parentbased_jaeger_remote and xray");
    }
    cleat__env_warn(variable, value, accepted);
}

static cleat_sampler *make(size_t index)
{
    cleat_sampler *sampler = samplers[index].make();
    if (sampler == NULL || !samplers[index].is_root) {
        return sampler;
    }
    cleat_sampler *linked = cleat_sampler_link_based(sampler);
    return linked != NULL ? cleat_sampler_parent_based(linked) : NULL;
}

cleat_sampler *cleat__sampler_from_environment(void)
{
    static const char variable[] = "OTEL_TRACES_SAMPLER";
    cleat_slice value = cleat__env_get(variable);
    if (value.size == 0) {
        return make(0);
    }
    for (size_t i = 0; i < SAMPLERS; i++) {
        if (cleat__env_is(value, samplers[i].name)) {
            return make(i);
        }
    }
    warn(variable, value);
    return make(0);
}
