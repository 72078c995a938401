/* Span contexts on the way of every request. */
#ifndef CLEAT_TRACE_SPAN_CONTEXT_H
#define CLEAT_TRACE_SPAN_CONTEXT_H

#include <cleat/trace.h>

/* As cleat_span_context_is_valid(), of a context that is there. */
static inline bool cleat__span_context_is_valid(const cleat_span_context *context)
{
    uint64_t trace_id[2], span_id;
    memcpy(trace_id, context->trace_id.bytes, sizeof(trace_id));
    memcpy(&span_id, context->span_id.bytes, sizeof(span_id));
    return (trace_id[0] | trace_id[1]) != 0 && span_id != 0;
}

#endif
