/* What the tests of the samplers share: asking one without a provider. */
#ifndef CLEAT_TESTS_SAMPLER_TEST_H
#define CLEAT_TESTS_SAMPLER_TEST_H

#include "sdk_test.h"

#include "base/random.h"

#define DROP   CLEAT_SAMPLING_DROP
#define RECORD CLEAT_SAMPLING_RECORD_ONLY
#define SAMPLE CLEAT_SAMPLING_RECORD_AND_SAMPLE

#define RANDOMNESS_MAX ((UINT64_C(1) << 56) - 1)

static const cleat_span_context no_parent;

/* As a provider does: what of the result is documented as undefined is full of rubbish. Attributes
 * that the sampler put together are there until the thread asks again. */
static inline cleat_sampling_result ask_with(cleat_sampler *sampler, cleat_sampling_arguments arguments)
{
    static _Thread_local cleat_sampling_result result;
    memset(&result, 0xAB, sizeof(result));
    memset(&result, 0,
           offsetof(cleat_sampling_result, trace_state_of) + offsetof(cleat_span_context, trace_state));
    if (arguments.parent_span_context == NULL) {
        arguments.parent_span_context = &no_parent;
    }
    sampler->should_sample(sampler, &arguments, &result);
    return result;
}

#define ask(sampler, ...) ask_with(sampler, (cleat_sampling_arguments){.attribute_count = 0, __VA_ARGS__})

/* The tracestate that a span gets; "" where there is none. */
static inline cleat_slice trace_state_after(const cleat_sampling_result *result, const char *before)
{
    if (!result->sets_trace_state) {
        return cleat_slice_of(before);
    }
    return (cleat_slice){result->trace_state_of.trace_state, result->trace_state_of.trace_state_size};
}

static inline void free_sampler(cleat_sampler *sampler)
{
    if (sampler != NULL && sampler->free != NULL) {
        sampler->free(sampler);
    }
}

static inline cleat_trace_id trace_id_with_randomness(uint64_t randomness)
{
    cleat_trace_id id = {{0x77}};
    for (int i = 0; i < 7; i++) {
        id.bytes[15 - i] = (uint8_t)(randomness >> (8 * i));
    }
    return id;
}

static inline void set_trace_state(cleat_span_context *context, const char *text)
{
    assert_int_equal(cleat_trace_state_parse(context, cleat_slice_of(text)), CLEAT_OK);
}

/* Ids that are the same in every run. */
static inline void seeded_trace_id(void *user_data, cleat_trace_id *out)
{
    uint64_t halves[2] = {cleat__random_next(user_data), cleat__random_next(user_data)};
    memcpy(out, halves, sizeof(*out));
}

static inline void seeded_span_id(void *user_data, cleat_span_id *out)
{
    uint64_t value = cleat__random_next(user_data) | 1;
    memcpy(out, &value, sizeof(*out));
}

static inline cleat_id_generator seeded_ids(cleat__random *random)
{
    return (cleat_id_generator){random, seeded_trace_id, seeded_span_id, true};
}

/* A sampler that counts how often it is asked and freed. */
typedef struct counted_sampler {
    cleat_sampler base;
    cleat_sampling_decision decision;
    int asked;
    int freed;
} counted_sampler;

static inline void counted_should_sample(cleat_sampler *self, const cleat_sampling_arguments *arguments,
                                         cleat_sampling_result *result)
{
    (void)arguments;
    ((counted_sampler *)self)->asked++;
    result->decision = ((counted_sampler *)self)->decision;
}

static inline void counted_free(cleat_sampler *self)
{
    ((counted_sampler *)self)->freed++;
}

static inline const char *counted_description(cleat_sampler *self)
{
    (void)self;
    return "Counted";
}

#define COUNTED_SAMPLER(answer)                                                  \
    {                                                                            \
        {counted_should_sample, counted_description, counted_free}, answer, 0, 0 \
    }

#endif
