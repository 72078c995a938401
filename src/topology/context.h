/* What the files of topology share about span contexts. */
#ifndef CLEAT_TOPOLOGY_CONTEXT_H
#define CLEAT_TOPOLOGY_CONTEXT_H

#include <cleat/trace.h>

/* Makes it the invalid span context. Clears no byte of trace_state: none is in use then, and half
 * a kilobyte for each of the contexts of a decision would be most of its cost. */
static inline void cleat__span_context_clear(cleat_span_context *context)
{
    memset(context, 0, offsetof(cleat_span_context, trace_state));
}

#endif
