/* Source: OpenTelemetry specification, "AlwaysRecord". */
#include "base/alloc.h"
#include "base/error.h"
#include "sampler.h"

typedef struct record_sampler {
    cleat_sampler base;
    cleat_sampler *inner;
    char *description;
} record_sampler;

static void sample_or_record(cleat_sampler *self, const cleat_sampling_arguments *arguments,
                             cleat_sampling_result *result)
{
    cleat_sampler *inner = ((record_sampler *)self)->inner;
    inner->should_sample(inner, arguments, result);
    if (result->decision == CLEAT_SAMPLING_DROP) {
        result->decision = CLEAT_SAMPLING_RECORD_ONLY;
    }
}

static const char *describe(cleat_sampler *self)
{
    return ((record_sampler *)self)->description;
}

static void free_record_sampler(cleat_sampler *self)
{
    record_sampler *sampler = (record_sampler *)self;
    cleat__sampler_free(sampler->inner);
    cleat__free(sampler->description);
    cleat__free(sampler);
}

cleat_sampler *cleat_sampler_always_record(cleat_sampler *inner)
{
    inner = inner != NULL ? inner : cleat_sampler_always_off();
    record_sampler *sampler = cleat__malloc(sizeof(*sampler));
    char *description = cleat__sampler_text("AlwaysRecord{root=%s}", cleat__sampler_description(inner));
    if (sampler == NULL || description == NULL) {
        cleat__fail_memory();
        cleat__sampler_free(inner);
        cleat__free(sampler);
        cleat__free(description);
        return NULL;
    }
    *sampler = (record_sampler){{sample_or_record, describe, free_record_sampler}, inner, description};
    return &sampler->base;
}
