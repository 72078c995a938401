/* Sampling: what the built-in samplers and those who want to agree with them share. */
#ifndef CLEAT_TRACE_SAMPLER_H
#define CLEAT_TRACE_SAMPLER_H

#include <cleat/trace.h>

/*
 * The 56 bits of randomness that all spans of a trace, and all traces of a linked run, decide by:
 * `ot=rv:` of the tracestate, else the low 7 bytes of the trace id.
 * Source: OpenTelemetry specification, "Probability sampling in tracestate".
 */
uint64_t cleat__sampling_randomness(cleat_slice trace_state, const cleat_trace_id *trace_id);

/* The sampler that OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG name; NULL on no memory. */
cleat_sampler *cleat__sampler_from_environment(void);

#endif
