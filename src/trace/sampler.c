#include "sampler.h"

#include "base/alloc.h"
#include "base/error.h"

#include <stdio.h>

unsigned cleat__sampler_drops(const cleat_sampler *sampler)
{
    const unsigned all = (1u << (CLEAT__NO_PARENT + 1)) - 1;
    return sampler == cleat_sampler_always_off() ? all : cleat__parent_sampler_drops(sampler);
}

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

/* ---- For samplers made of others ---- */

void cleat__sampler_free(cleat_sampler *sampler)
{
    if (sampler != NULL && sampler->free != NULL) {
        sampler->free(sampler);
    }
}

void cleat__composable_free(cleat_composable_sampler *sampler)
{
    if (sampler != NULL && sampler->free != NULL) {
        sampler->free(sampler);
    }
}

const char *cleat__sampler_description(cleat_sampler *sampler)
{
    const char *text = sampler->description != NULL ? sampler->description(sampler) : NULL;
    return text != NULL ? text : "?";
}

const char *cleat__composable_description(cleat_composable_sampler *sampler)
{
    const char *text = sampler->description != NULL ? sampler->description(sampler) : NULL;
    return text != NULL ? text : "?";
}

char *cleat__sampler_text(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *text = size >= 0 ? cleat__malloc((size_t)size + 1) : NULL;
    if (text == NULL) {
        cleat__fail_memory();
        return NULL;
    }
    va_start(arguments, format);
    vsnprintf(text, (size_t)size + 1, format, arguments);
    va_end(arguments);
    return text;
}
