/* What the links of a span say about its sampling: for the link-based samplers. */
#ifndef CLEAT_TRACE_LINK_VERDICT_H
#define CLEAT_TRACE_LINK_VERDICT_H

#include "ot_state.h"

typedef struct cleat__link_verdict {
    bool is_linked;  /* any link is valid; else the rest says nothing */
    bool is_sampled; /* any linked context is sampled */
    bool speaks;     /* any linked context has a threshold or explicit randomness */
    /* For the span: the randomness of a new trace (without it, the span is in a trace that has its
     * own), and a threshold where it is what the span counts for. */
    cleat__ot_state ot;
} cleat__link_verdict;

void cleat__link_verdict_of(const cleat_sampling_arguments *arguments, cleat__link_verdict *out);

#endif
