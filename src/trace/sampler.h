/* Sampling: what the built-in samplers and those who want to agree with them share. */
#ifndef CLEAT_TRACE_SAMPLER_H
#define CLEAT_TRACE_SAMPLER_H

#include <cleat/trace.h>

/*
 * The 56 bits of randomness that all spans of a trace, and all traces of a linked run, decide by:
 * `ot=rv:` of the tracestate, else the low 7 bytes of the trace id.
 * Source: OpenTelemetry specification, "TraceState: Probability Sampling".
 */
uint64_t cleat__sampling_randomness(cleat_slice trace_state, const cleat_trace_id *trace_id);

/* The sampler that OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG name; NULL on no memory. */
cleat_sampler *cleat__sampler_from_environment(void);

/* The cases that parent-based sampling tells apart: a root span, or two bits about the parent. */
enum { CLEAT__PARENT_SAMPLED = 1, CLEAT__PARENT_LOCAL = 2, CLEAT__NO_PARENT = 4 };

/*
 * The cases (1 << case) in which the sampler drops whatever else it is told, and leaves the tracestate
 * alone. Then it need not be asked, nor its arguments be put together: 3 ns of 20 for such a span.
 */
unsigned cleat__sampler_drops(const cleat_sampler *sampler);
/* Of a parent-based sampler; 0 for another one. */
unsigned cleat__parent_sampler_drops(const cleat_sampler *sampler);

/* NULL-safe. */
void cleat__sampler_free(cleat_sampler *sampler);
void cleat__composable_free(cleat_composable_sampler *sampler);
/* What a sampler calls itself; "?" when it does not say. */
const char *cleat__sampler_description(cleat_sampler *sampler);
const char *cleat__composable_description(cleat_composable_sampler *sampler);
/* printf() into memory of its own; NULL on no memory. */
char *cleat__sampler_text(const char *format, ...) CLEAT_PRINTF(1, 2);

/* cleat_span_context_is_valid() without the calls: samplers ask it for every span. */
static inline bool cleat__context_has_ids(const cleat_span_context *context)
{
    uint64_t words[3];
    memcpy(words, context, sizeof(words));
    return (words[0] | words[1]) != 0 && words[2] != 0;
}
_Static_assert(offsetof(cleat_span_context, span_id) == 16, "both ids are three words side by side");

static inline bool cleat__sampling_has_parent(const cleat_sampling_arguments *arguments)
{
    return cleat__context_has_ids(arguments->parent_span_context);
}

static inline bool cleat__context_is_sampled(const cleat_span_context *context)
{
    return (context->trace_flags & CLEAT_TRACE_FLAG_SAMPLED) != 0;
}

#endif
