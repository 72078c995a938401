/* Source: OpenTelemetry specification, "ComposableAnnotating". */
#include "attribute_list.h"
#include "base/alloc.h"
#include "base/error.h"
#include "sampler.h"

typedef struct annotating_sampler {
    cleat_composable_sampler base;
    cleat_composable_sampler *inner;
    cleat__attribute_list attributes;
    char *description;
} annotating_sampler;

static void intend_annotated(cleat_composable_sampler *self, const cleat_sampling_arguments *arguments,
                             cleat_sampling_intent *intent)
{
    annotating_sampler *sampler = (annotating_sampler *)self;
    sampler->inner->get_intent(sampler->inner, arguments, intent);
    if (intent->list_count < CLEAT_SAMPLING_INTENT_LISTS) {
        intent->lists[intent->list_count].attributes = sampler->attributes.attributes;
        intent->lists[intent->list_count].count = sampler->attributes.count;
        intent->list_count++;
    }
}

static const char *describe(cleat_composable_sampler *self)
{
    return ((annotating_sampler *)self)->description;
}

static void free_annotating(cleat_composable_sampler *self)
{
    annotating_sampler *sampler = (annotating_sampler *)self;
    cleat__composable_free(sampler->inner);
    cleat__attribute_list_deinit(&sampler->attributes);
    cleat__free(sampler->description);
    cleat__free(sampler);
}

cleat_composable_sampler *cleat_composable_annotating(const cleat_attribute *attributes, size_t count,
                                                      cleat_composable_sampler *inner)
{
    inner = inner != NULL ? inner : cleat_composable_always_on();
    annotating_sampler *sampler = cleat__calloc(1, sizeof(*sampler));
    if (sampler == NULL) {
        cleat__fail_memory();
        cleat__composable_free(inner);
        return NULL;
    }
    sampler->base = (cleat_composable_sampler){intend_annotated, describe, free_annotating};
    sampler->inner = inner;
    cleat_status status = cleat__attribute_list_copy(attributes, count, NULL, 0, &sampler->attributes);
    sampler->description =
        cleat__sampler_text("ComposableAnnotating{%zu attributes,%s}", sampler->attributes.count,
                            cleat__composable_description(inner));
    if (status != CLEAT_OK || sampler->description == NULL) {
        free_annotating(&sampler->base);
        return NULL;
    }
    return &sampler->base;
}
