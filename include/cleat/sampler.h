/*
 * Samplers: which spans are recorded and exported.
 *
 * Source: OpenTelemetry specification, "Tracing SDK": Sampling; "Probability sampling in tracestate".
 */
#ifndef CLEAT_SAMPLER_H
#define CLEAT_SAMPLER_H

#include "cleat/context.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum cleat_sampling_decision {
    CLEAT_SAMPLING_DROP = 0,
    CLEAT_SAMPLING_RECORD_ONLY = 1,
    CLEAT_SAMPLING_RECORD_AND_SAMPLE = 2,
} cleat_sampling_decision;

typedef struct cleat_sampling_arguments {
    const cleat_context *parent;                   /* NULL for the root context or an explicit root span */
    const cleat_span_context *parent_span_context; /* never NULL, may be invalid */
    cleat_trace_id trace_id;
    cleat_slice trace_state; /* of the parent, or of the root span's options */
    cleat_slice name;
    cleat_span_kind kind;
    const cleat_attribute *attributes;
    size_t attribute_count;
    const cleat_link *links;
    size_t link_count;
} cleat_sampling_arguments;

typedef struct cleat_sampling_result {
    cleat_sampling_decision decision;
    const cleat_attribute *attributes; /* added to the span; must stay valid until it has started */
    size_t attribute_count;
    bool sets_trace_state;             /* then the span gets the following tracestate instead */
    cleat_span_context trace_state_of; /* only its trace_state is used */
} cleat_sampling_result;

/*
 * Users embed this struct first. should_sample is called from any thread and must not block; the
 * result comes zeroed but for `trace_state_of.trace_state`, which is undefined. `free` may be NULL
 * for static samplers.
 */
typedef struct cleat_sampler cleat_sampler;
struct cleat_sampler {
    void (*should_sample)(cleat_sampler *self, const cleat_sampling_arguments *arguments,
                          cleat_sampling_result *result);
    const char *(*description)(cleat_sampler *self);
    void (*free)(cleat_sampler *self);
};
CLEAT_API cleat_sampler *cleat_sampler_always_on(void);  /* static */
CLEAT_API cleat_sampler *cleat_sampler_always_off(void); /* static */
/*
 * Keeps a trace when its 56 bits of randomness (ot=rv of the tracestate, else the trace id) reach
 * the rejection threshold of `ratio` (0..1; others are clamped). NULL on no memory.
 */
CLEAT_API cleat_sampler *cleat_sampler_ratio(double ratio);
/* Follows the parent's sampled flag; asks `root` (consumed; NULL: always on) where there is no parent. */
CLEAT_API cleat_sampler *cleat_sampler_parent_based(cleat_sampler *root);
/*
 * For root spans with links: sampled when any linked context is sampled, dropped when all are
 * unsampled; asks `root` (consumed) where no link is valid. Keeps runs of many linked traces whole.
 */
CLEAT_API cleat_sampler *cleat_sampler_link_based(cleat_sampler *root);

#ifdef __cplusplus
}
#endif
#endif
