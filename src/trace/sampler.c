#include "sampler.h"

#include "base/alloc.h"
#include "base/env.h"
#include "base/error.h"

#include <stdio.h>

/* ---- Always on, always off ---- */

static void sample_always(cleat_sampler *self, const cleat_sampling_arguments *arguments,
                          cleat_sampling_result *result)
{
    (void)self;
    (void)arguments;
    result->decision = CLEAT_SAMPLING_RECORD_AND_SAMPLE;
}

static void sample_never(cleat_sampler *self, const cleat_sampling_arguments *arguments,
                         cleat_sampling_result *result)
{
    (void)self;
    (void)arguments;
    result->decision = CLEAT_SAMPLING_DROP;
}

static const char *describe_always_on(cleat_sampler *self)
{
    (void)self;
    return "AlwaysOnSampler";
}

static const char *describe_always_off(cleat_sampler *self)
{
    (void)self;
    return "AlwaysOffSampler";
}

cleat_sampler *cleat_sampler_always_on(void)
{
    static cleat_sampler sampler = {sample_always, describe_always_on, NULL};
    return &sampler;
}

cleat_sampler *cleat_sampler_always_off(void)
{
    static cleat_sampler sampler = {sample_never, describe_always_off, NULL};
    return &sampler;
}

/* ---- Samplers that ask another one: parent-based, link-based ---- */

typedef struct delegating {
    cleat_sampler base;
    cleat_sampler *root;
    char description[]; /* of any length: the root's is part of it */
} delegating;

static void free_sampler(cleat_sampler *sampler)
{
    if (sampler != NULL && sampler->free != NULL) {
        sampler->free(sampler);
    }
}

static void free_delegating(cleat_sampler *self)
{
    free_sampler(((delegating *)self)->root);
    cleat__free(self);
}

static const char *describe_delegating(cleat_sampler *self)
{
    return ((delegating *)self)->description;
}

static cleat_sampler *delegating_new(cleat_sampler *root, const char *before, const char *after,
                                     void (*should_sample)(cleat_sampler *, const cleat_sampling_arguments *,
                                                           cleat_sampling_result *))
{
    if (root == NULL) {
        root = cleat_sampler_always_on();
    }
    const char *inner = root->description != NULL ? root->description(root) : NULL;
    if (inner == NULL) {
        inner = "?";
    }
    size_t size = strlen(before) + strlen(inner) + strlen(after) + 1;
    delegating *sampler = cleat__malloc(sizeof(*sampler) + size);
    if (sampler == NULL) {
        free_sampler(root);
        cleat__fail_memory();
        return NULL;
    }
    sampler->base = (cleat_sampler){should_sample, describe_delegating, free_delegating};
    sampler->root = root;
    snprintf(sampler->description, size, "%s%s%s", before, inner, after);
    return &sampler->base;
}

static void ask_root(cleat_sampler *self, const cleat_sampling_arguments *arguments,
                     cleat_sampling_result *result)
{
    cleat_sampler *root = ((delegating *)self)->root;
    root->should_sample(root, arguments, result);
}

static void sample_like_parent(cleat_sampler *self, const cleat_sampling_arguments *arguments,
                               cleat_sampling_result *result)
{
    const cleat_span_context *parent = arguments->parent_span_context;
    if (!cleat_span_context_is_valid(parent)) {
        ask_root(self, arguments, result);
    } else if ((parent->trace_flags & CLEAT_TRACE_FLAG_SAMPLED) != 0) {
        result->decision = CLEAT_SAMPLING_RECORD_AND_SAMPLE;
    }
}

cleat_sampler *cleat_sampler_parent_based(cleat_sampler *root)
{
    return delegating_new(root, "ParentBased{root=",
                          ",remoteParentSampled=AlwaysOnSampler,remoteParentNotSampled=AlwaysOffSampler,"
                          "localParentSampled=AlwaysOnSampler,localParentNotSampled=AlwaysOffSampler}",
                          sample_like_parent);
}

static void sample_like_links(cleat_sampler *self, const cleat_sampling_arguments *arguments,
                              cleat_sampling_result *result)
{
    bool is_linked = false;
    for (size_t i = 0; arguments->links != NULL && i < arguments->link_count; i++) {
        const cleat_span_context *context = arguments->links[i].context;
        if (!cleat_span_context_is_valid(context)) {
            continue;
        }
        if ((context->trace_flags & CLEAT_TRACE_FLAG_SAMPLED) != 0) {
            result->decision = CLEAT_SAMPLING_RECORD_AND_SAMPLE;
            return;
        }
        is_linked = true;
    }
    if (!is_linked) {
        ask_root(self, arguments, result);
    }
}

cleat_sampler *cleat_sampler_link_based(cleat_sampler *root)
{
    return delegating_new(root, "LinkBased{root=", "}", sample_like_links);
}

/* ---- Environment ---- */

static const char *const accepted_samplers =
    "always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off or "
    "parentbased_traceidratio";

static cleat_sampler *ratio_from_environment(void)
{
    return cleat_sampler_ratio(cleat__env_double("OTEL_TRACES_SAMPLER_ARG", 1.0, 0.0, 1.0));
}

/* A run of many linked traces stays whole here as it does by default. */
static cleat_sampler *parent_then_link_based(cleat_sampler *root)
{
    cleat_sampler *linked = cleat_sampler_link_based(root);
    return linked != NULL ? cleat_sampler_parent_based(linked) : NULL;
}

cleat_sampler *cleat__sampler_from_environment(void)
{
    static const char variable[] = "OTEL_TRACES_SAMPLER";
    cleat_slice value = cleat__env_get(variable);
    if (cleat__env_is(value, "always_on")) {
        return cleat_sampler_always_on();
    }
    if (cleat__env_is(value, "always_off")) {
        return cleat_sampler_always_off();
    }
    if (cleat__env_is(value, "traceidratio")) {
        return ratio_from_environment();
    }
    if (cleat__env_is(value, "parentbased_always_off")) {
        return parent_then_link_based(cleat_sampler_always_off());
    }
    if (cleat__env_is(value, "parentbased_traceidratio")) {
        cleat_sampler *ratio = ratio_from_environment();
        return ratio != NULL ? parent_then_link_based(ratio) : NULL;
    }
    if (value.size != 0 && !cleat__env_is(value, "parentbased_always_on")) {
        cleat__env_warn(variable, value, accepted_samplers);
    }
    return parent_then_link_based(cleat_sampler_always_on());
}
