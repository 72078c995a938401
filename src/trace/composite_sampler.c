/*
 * The sampler that decides for composable ones, which only say from which threshold on they would
 * keep a span.
 *
 * Source: OpenTelemetry specification, "CompositeSampler".
 */
#include "base/alloc.h"
#include "base/error.h"
#include "ot_state.h"
#include "sampler.h"

typedef struct composite_sampler {
    cleat_sampler base;
    cleat_composable_sampler *root;
    char *description;
} composite_sampler;

static void add_attributes(const cleat_sampling_intent *intent, cleat_sampling_result *result)
{
    if (intent->list_count == 1) {
        result->attributes = intent->lists[0].attributes;
        result->attribute_count = intent->lists[0].count;
        return;
    }
    size_t count = 0;
    for (size_t i = 0; i < intent->list_count && i < CLEAT_SAMPLING_INTENT_LISTS; i++) {
        size_t room = CLEAT_SAMPLING_STORAGE - count;
        size_t taken = intent->lists[i].count < room ? intent->lists[i].count : room;
        if (taken != 0) {
            memcpy(&result->storage[count], intent->lists[i].attributes, taken * sizeof(cleat_attribute));
        }
        count += taken;
    }
    result->attributes = result->storage;
    result->attribute_count = count;
}

/* The tracestate of the parent as the intent wants it. */
static cleat_slice update_trace_state(const cleat_sampling_intent *intent,
                                      const cleat_sampling_arguments *arguments,
                                      cleat_sampling_result *result)
{
    cleat_slice before = arguments->trace_state;
    cleat_span_context *context = &result->trace_state_of;
    if (intent->update_trace_state == NULL || before.size > CLEAT_TRACE_STATE_MAX) {
        return before;
    }
    if (before.size != 0) {
        memcpy(context->trace_state, before.data, before.size);
    }
    context->trace_state_size = (uint16_t)before.size;
    intent->update_trace_state(intent->user_data, arguments, context);
    result->sets_trace_state = true;
    return (cleat_slice){context->trace_state, context->trace_state_size};
}

static void sample_composite(cleat_sampler *self, const cleat_sampling_arguments *arguments,
                             cleat_sampling_result *result)
{
    cleat_composable_sampler *root = ((composite_sampler *)self)->root;
    cleat_sampling_intent intent; /* not cleared: the lists are long and seldom used */
    intent.threshold = CLEAT_THRESHOLD_NEVER;
    intent.is_reliable = intent.sets_randomness = false;
    intent.list_count = 0;
    intent.update_trace_state = NULL;
    root->get_intent(root, arguments, &intent);

    cleat__ot_state ot;
    cleat__ot_read(arguments->trace_state, &ot);
    if (!ot.has_randomness && intent.sets_randomness && !cleat__sampling_has_parent(arguments)) {
        ot.has_randomness = true;
        ot.randomness = intent.randomness & (CLEAT__THRESHOLD_RANGE - 1);
    }
    uint64_t randomness =
        ot.has_randomness ? ot.randomness : cleat__trace_id_randomness(&arguments->trace_id);
    bool is_sampled = intent.threshold <= randomness;
    ot.has_threshold = is_sampled && intent.is_reliable;
    ot.threshold = intent.threshold;
    cleat__ot_write(update_trace_state(&intent, arguments, result), &ot, result);
    if (is_sampled) {
        result->decision = CLEAT_SAMPLING_RECORD_AND_SAMPLE;
        if (intent.list_count != 0) {
            add_attributes(&intent, result);
        }
    }
}

static const char *describe(cleat_sampler *self)
{
    return ((composite_sampler *)self)->description;
}

static void free_composite(cleat_sampler *self)
{
    composite_sampler *sampler = (composite_sampler *)self;
    cleat__composable_free(sampler->root);
    cleat__free(sampler->description);
    cleat__free(sampler);
}

cleat_sampler *cleat_sampler_composite(cleat_composable_sampler *root)
{
    root = root != NULL ? root : cleat_composable_always_on();
    composite_sampler *sampler = cleat__malloc(sizeof(*sampler));
    char *description = cleat__sampler_text("Composite{%s}", cleat__composable_description(root));
    if (sampler == NULL || description == NULL) {
        cleat__fail_memory();
        cleat__composable_free(root);
        cleat__free(sampler);
        cleat__free(description);
        return NULL;
    }
    *sampler = (composite_sampler){{sample_composite, describe, free_composite}, root, description};
    return &sampler->base;
}
