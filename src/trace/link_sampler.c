#include "base/alloc.h"
#include "base/error.h"
#include "link_verdict.h"
#include "sampler.h"

typedef struct link_sampler {
    cleat_sampler base;
    cleat_sampler *root;
    char *description;
} link_sampler;

static void sample_like_links(cleat_sampler *self, const cleat_sampling_arguments *arguments,
                              cleat_sampling_result *result)
{
    cleat__link_verdict verdict = {.is_linked = false};
    if (arguments->link_count != 0) {
        cleat__link_verdict_of(arguments, &verdict);
    }
    if (!verdict.is_linked) {
        cleat_sampler *root = ((link_sampler *)self)->root;
        root->should_sample(root, arguments, result);
        return;
    }
    result->decision = verdict.is_sampled ? CLEAT_SAMPLING_RECORD_AND_SAMPLE : CLEAT_SAMPLING_DROP;
    cleat__ot_write(arguments->trace_state, &verdict.ot, result);
}

static const char *describe(cleat_sampler *self)
{
    return ((link_sampler *)self)->description;
}

static void free_link_sampler(cleat_sampler *self)
{
    link_sampler *sampler = (link_sampler *)self;
    cleat__sampler_free(sampler->root);
    cleat__free(sampler->description);
    cleat__free(sampler);
}

cleat_sampler *cleat_sampler_link_based(cleat_sampler *root)
{
    root = root != NULL ? root : cleat_sampler_always_on();
    link_sampler *sampler = cleat__malloc(sizeof(*sampler));
    char *description = cleat__sampler_text("LinkBased{root=%s}", cleat__sampler_description(root));
    if (sampler == NULL || description == NULL) {
        cleat__fail_memory();
        cleat__sampler_free(root);
        cleat__free(sampler);
        cleat__free(description);
        return NULL;
    }
    *sampler = (link_sampler){{sample_like_links, describe, free_link_sampler}, root, description};
    return &sampler->base;
}
