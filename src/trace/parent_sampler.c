/*
 * Does what the parent did. Four of the five cases are answered by a static sampler in nearly every
 * program, so these answers are known without a call.
 *
 * Source: OpenTelemetry specification, "ParentBased".
 */
#include "base/alloc.h"
#include "base/error.h"
#include "base/options.h"
#include "sampler.h"

enum {
    IS_SAMPLED = CLEAT__PARENT_SAMPLED,
    IS_LOCAL = CLEAT__PARENT_LOCAL,
    ROOT = CLEAT__NO_PARENT,
    DELEGATES
};

#define ASK UINT8_MAX

typedef struct parent_sampler {
    cleat_sampler base;
    uint8_t answers[ROOT]; /* a decision, or ASK */
    cleat_sampler *delegates[DELEGATES];
    char *description;
} parent_sampler;

static void sample_like_parent(cleat_sampler *self, const cleat_sampling_arguments *arguments,
                               cleat_sampling_result *result)
{
    const parent_sampler *sampler = (const parent_sampler *)self;
    const cleat_span_context *parent = arguments->parent_span_context;
    unsigned which = ROOT;
    if (cleat__sampling_has_parent(arguments)) {
        which = (cleat__context_is_sampled(parent) ? IS_SAMPLED : 0u) | (parent->is_remote ? 0u : IS_LOCAL);
        if (sampler->answers[which] != ASK) {
            result->decision = (cleat_sampling_decision)sampler->answers[which];
            return;
        }
    }
    cleat_sampler *delegate = sampler->delegates[which];
    delegate->should_sample(delegate, arguments, result);
}

static const char *describe(cleat_sampler *self)
{
    return ((parent_sampler *)self)->description;
}

/* One that was given for several cases is freed once. */
static void free_delegates(cleat_sampler *const delegates[DELEGATES])
{
    for (int i = 0; i < DELEGATES; i++) {
        bool is_first = true;
        for (int j = 0; j < i; j++) {
            is_first = is_first && delegates[j] != delegates[i];
        }
        if (is_first) {
            cleat__sampler_free(delegates[i]);
        }
    }
}

static void free_parent_sampler(cleat_sampler *self)
{
    parent_sampler *sampler = (parent_sampler *)self;
    free_delegates(sampler->delegates);
    cleat__free(sampler->description);
    cleat__free(sampler);
}

static uint8_t answer_of(const cleat_sampler *delegate)
{
    if (delegate == cleat_sampler_always_on()) {
        return CLEAT_SAMPLING_RECORD_AND_SAMPLE;
    }
    return delegate == cleat_sampler_always_off() ? CLEAT_SAMPLING_DROP : ASK;
}

static cleat_sampler *or_else(cleat_sampler *sampler, cleat_sampler *otherwise)
{
    return sampler != NULL ? sampler : otherwise;
}

cleat_sampler *cleat_sampler_parent_based_with(const cleat_parent_based_options *options)
{
    cleat_parent_based_options given;
    cleat__options_copy(&given, options, sizeof(given));
    cleat_sampler *on = cleat_sampler_always_on(), *off = cleat_sampler_always_off();
    cleat_sampler *const delegates[DELEGATES] = {
        [0] = or_else(given.remote_parent_not_sampled, off),
        [IS_SAMPLED] = or_else(given.remote_parent_sampled, on),
        [IS_LOCAL] = or_else(given.local_parent_not_sampled, off),
        [IS_LOCAL | IS_SAMPLED] = or_else(given.local_parent_sampled, on),
        [ROOT] = or_else(given.root, on),
    };
    parent_sampler *sampler = cleat__calloc(1, sizeof(*sampler));
    char *description = cleat__sampler_text(
        "ParentBased{root=%s,remoteParentSampled=%s,remoteParentNotSampled=%s,"
        "localParentSampled=%s,localParentNotSampled=%s}",
        cleat__sampler_description(delegates[ROOT]), cleat__sampler_description(delegates[IS_SAMPLED]),
        cleat__sampler_description(delegates[0]),
        cleat__sampler_description(delegates[IS_LOCAL | IS_SAMPLED]),
        cleat__sampler_description(delegates[IS_LOCAL]));
    if (sampler == NULL || description == NULL) {
        cleat__fail_memory();
        free_delegates(delegates);
        cleat__free(sampler);
        cleat__free(description);
        return NULL;
    }
    sampler->base = (cleat_sampler){sample_like_parent, describe, free_parent_sampler};
    sampler->description = description;
    memcpy(sampler->delegates, delegates, sizeof(delegates));
    for (int i = 0; i < ROOT; i++) {
        sampler->answers[i] = answer_of(delegates[i]);
    }
    return &sampler->base;
}

cleat_sampler *cleat_sampler_parent_based(cleat_sampler *root)
{
    return cleat_sampler_parent_based_with(CLEAT_PARENT_BASED_OPTIONS(.root = root));
}

unsigned cleat__parent_sampler_drops(const cleat_sampler *self)
{
    if (self->should_sample != sample_like_parent) {
        return 0;
    }
    const parent_sampler *sampler = (const parent_sampler *)self;
    unsigned drops = cleat__sampler_drops(sampler->delegates[ROOT]) & (1u << ROOT);
    for (unsigned which = 0; which < ROOT; which++) {
        drops |= sampler->answers[which] == CLEAT_SAMPLING_DROP ? 1u << which : 0u;
    }
    return drops;
}
