/*
 * Consistent probability sampling. A ratio becomes a 56-bit rejection threshold; a trace is kept
 * when its randomness reaches it. A sampled span says the threshold in its tracestate (`ot=th:`, in
 * hex with trailing zeros cut), so that back ends know how many spans it stands for.
 *
 * Source: OpenTelemetry specification, "TraceIdRatioBased"; "TraceState: Probability Sampling".
 */
#include "base/alloc.h"
#include "base/error.h"
#include "base/log.h"
#include "ot_state.h"
#include "sampler.h"

#include <stdatomic.h>
#include <stdio.h>

typedef struct ratio_sampler {
    cleat_sampler base;
    cleat__ot_state sampled; /* what a sampled span says */
    atomic_bool has_warned;
    size_t member_size;
    char member[sizeof("ot=th:") + CLEAT__THRESHOLD_DIGITS]; /* the same, ready to be copied */
    char description[64];
} ratio_sampler;

/* Specification, "Compatibility warnings for TraceIdRatioBased sampler". */
static void warn_of_old_callers(ratio_sampler *sampler)
{
    if (!cleat__log_enabled(CLEAT_LOG_WARN) ||
        atomic_exchange_explicit(&sampler->has_warned, true, memory_order_relaxed)) {
        return;
    }
    cleat__log(CLEAT_LOG_WARN,
               "%s takes the trace ids of callers for random, although their traceparent "
               "does not say so: upgrade the callers to W3C Trace Context Level 2, or "
               "follow the parent (OTEL_TRACES_SAMPLER=parentbased_traceidratio)",
               sampler->description);
}

static void check_caller(ratio_sampler *sampler, const cleat_sampling_arguments *arguments,
                         const cleat__ot_state *state)
{
    if (!state->has_randomness && cleat__sampling_has_parent(arguments) &&
        (arguments->parent_span_context->trace_flags & CLEAT_TRACE_FLAG_RANDOM) == 0 &&
        !atomic_load_explicit(&sampler->has_warned, memory_order_relaxed)) {
        warn_of_old_callers(sampler);
    }
}

static void sample_ratio(cleat_sampler *self, const cleat_sampling_arguments *arguments,
                         cleat_sampling_result *result)
{
    static const cleat__ot_state dropped = {.has_threshold = false};
    ratio_sampler *sampler = (ratio_sampler *)self;
    cleat__ot_state state;
    cleat__ot_read(arguments->trace_state, &state);
    uint64_t randomness =
        state.has_randomness ? state.randomness : cleat__trace_id_randomness(&arguments->trace_id);
    check_caller(sampler, arguments, &state);
    bool is_sampled = randomness >= sampler->sampled.threshold;
    result->decision = is_sampled ? CLEAT_SAMPLING_RECORD_AND_SAMPLE : CLEAT_SAMPLING_DROP;
    if (arguments->trace_state.size != 0) {
        cleat__ot_write(arguments->trace_state, is_sampled ? &sampler->sampled : &dropped, result);
    } else if (is_sampled) {
        memcpy(result->trace_state_of.trace_state, sampler->member, sizeof(sampler->member));
        result->trace_state_of.trace_state_size = (uint16_t)sampler->member_size;
        result->sets_trace_state = true;
    }
}

static const char *describe_ratio(cleat_sampler *self)
{
    return ((ratio_sampler *)self)->description;
}

static void free_ratio(cleat_sampler *self)
{
    cleat__free(self);
}

cleat_sampler *cleat_sampler_ratio(double ratio)
{
    ratio_sampler *sampler = cleat__calloc(1, sizeof(*sampler));
    if (sampler == NULL) {
        cleat__fail_memory();
        return NULL;
    }
    ratio = ratio > 0 ? (ratio < 1 ? ratio : 1) : 0; /* not a number is 0 too */
    uint64_t threshold = cleat__threshold_of_ratio(ratio);
    sampler->base = (cleat_sampler){sample_ratio, describe_ratio, free_ratio};
    sampler->sampled = (cleat__ot_state){.has_threshold = true, .threshold = threshold};
    atomic_init(&sampler->has_warned, false);
    snprintf(sampler->description, sizeof(sampler->description), "TraceIdRatioBased{%.6f}", ratio);
    memcpy(sampler->member, "ot=th:", 6);
    sampler->member_size = 6 + cleat__threshold_format(threshold, sampler->member + 6);
    return &sampler->base;
}
