/*
 * Composable samplers that take the threshold of another span: of the parent, or, for a root, of
 * what it links to. They ask another sampler where there is none.
 *
 * Source: OpenTelemetry specification, "ComposableParentThreshold".
 */
#include "base/alloc.h"
#include "base/error.h"
#include "link_verdict.h"
#include "sampler.h"

typedef struct threshold_sampler {
    cleat_composable_sampler base;
    cleat_composable_sampler *root;
    char *description;
} threshold_sampler;

static void ask_root(cleat_composable_sampler *self, const cleat_sampling_arguments *arguments,
                     cleat_sampling_intent *intent)
{
    cleat_composable_sampler *root = ((threshold_sampler *)self)->root;
    root->get_intent(root, arguments, intent);
}

static void intend_like(bool is_sampled, const cleat__ot_state *ot, cleat_sampling_intent *intent)
{
    intent->is_reliable = ot->has_threshold;
    if (ot->has_threshold) {
        intent->threshold = ot->threshold;
    } else {
        intent->threshold = is_sampled ? CLEAT_THRESHOLD_ALWAYS : CLEAT_THRESHOLD_NEVER;
    }
}

static void intend_like_parent(cleat_composable_sampler *self, const cleat_sampling_arguments *arguments,
                               cleat_sampling_intent *intent)
{
    if (!cleat__sampling_has_parent(arguments)) {
        ask_root(self, arguments, intent);
        return;
    }
    cleat__ot_state ot;
    cleat__ot_read(arguments->trace_state, &ot);
    intend_like(cleat__context_is_sampled(arguments->parent_span_context), &ot, intent);
}

static void intend_like_links(cleat_composable_sampler *self, const cleat_sampling_arguments *arguments,
                              cleat_sampling_intent *intent)
{
    cleat__link_verdict verdict;
    cleat__link_verdict_of(arguments, &verdict);
    if (!verdict.is_linked) {
        ask_root(self, arguments, intent);
        return;
    }
    intend_like(verdict.is_sampled, &verdict.ot, intent);
    intent->sets_randomness = verdict.ot.has_randomness;
    intent->randomness = verdict.ot.randomness;
}

static const char *describe(cleat_composable_sampler *self)
{
    return ((threshold_sampler *)self)->description;
}

static void free_threshold(cleat_composable_sampler *self)
{
    threshold_sampler *sampler = (threshold_sampler *)self;
    cleat__composable_free(sampler->root);
    cleat__free(sampler->description);
    cleat__free(sampler);
}

static cleat_composable_sampler *make(cleat_composable_sampler *root, const char *name,
                                      void (*get_intent)(cleat_composable_sampler *,
                                                         const cleat_sampling_arguments *,
                                                         cleat_sampling_intent *))
{
    root = root != NULL ? root : cleat_composable_always_on();
    threshold_sampler *sampler = cleat__malloc(sizeof(*sampler));
    char *description = cleat__sampler_text("%s{root=%s}", name, cleat__composable_description(root));
    if (sampler == NULL || description == NULL) {
        cleat__fail_memory();
        cleat__composable_free(root);
        cleat__free(sampler);
        cleat__free(description);
        return NULL;
    }
    *sampler = (threshold_sampler){{get_intent, describe, free_threshold}, root, description};
    return &sampler->base;
}

cleat_composable_sampler *cleat_composable_parent_threshold(cleat_composable_sampler *root)
{
    return make(root, "ComposableParentThreshold", intend_like_parent);
}

cleat_composable_sampler *cleat_composable_link_threshold(cleat_composable_sampler *root)
{
    return make(root, "ComposableLinkThreshold", intend_like_links);
}
