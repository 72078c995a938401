/*
 * The tracestate member of OpenTelemetry itself, `ot`: the rejection threshold (`th`) of a sampled
 * span and the explicit randomness (`rv`) of a trace, both 56 bits.
 *
 * Source: OpenTelemetry specification, "TraceState Handling"; "TraceState: Probability Sampling".
 */
#ifndef CLEAT_TRACE_OT_STATE_H
#define CLEAT_TRACE_OT_STATE_H

#include <cleat/trace.h>

#define CLEAT__THRESHOLD_RANGE (UINT64_C(1) << 56) /* this threshold rejects all */

enum { CLEAT__THRESHOLD_DIGITS = 14 };

typedef struct cleat__ot_state {
    bool has_threshold;
    bool has_randomness;
    uint64_t threshold;
    uint64_t randomness;
} cleat__ot_state;

/* What is malformed counts as absent. */
void cleat__ot_read(cleat_slice trace_state, cleat__ot_state *out);

/*
 * Gives the span the tracestate before sampling with `th` as wanted, which may be without. A wanted
 * `rv` is put in only where there is none: randomness is never replaced. What else is in the member
 * stays as far as there is room, behind the two.
 */
void cleat__ot_write(cleat_slice trace_state, const cleat__ot_state *wanted, cleat_sampling_result *result);

/* The low 7 bytes. */
uint64_t cleat__trace_id_randomness(const cleat_trace_id *trace_id);

/* The threshold of a ratio, which is clamped to 0..1: four significant hex digits as the
 * specification recommends, CLEAT__THRESHOLD_RANGE for 0. */
uint64_t cleat__threshold_of_ratio(double ratio);
/* Below CLEAT__THRESHOLD_RANGE; trailing zeros cut, not NUL-terminated. The size. */
size_t cleat__threshold_format(uint64_t threshold, char text[CLEAT__THRESHOLD_DIGITS]);

#endif
