/*
 * Memory of spans. It is type-stable: a span's memory is never anything else and never returned,
 * so a stale handle can always be looked at. Each thread keeps a few free spans; what it has too
 * many of goes to a global list, as do all when the thread ends.
 */
#ifndef CLEAT_TRACE_SPAN_POOL_H
#define CLEAT_TRACE_SPAN_POOL_H

#include "local.h"
#include "span.h"

/* NULL on no memory. */
cleat__span *cleat__span_pool_take_slow(cleat__local *local);
void cleat__span_pool_spill(cleat__local *local);
/* When a thread ends. */
void cleat__span_pool_return_all(cleat__local *local);

/* Makes orphans of the live spans of a provider that is about to go. */
void cleat__span_pool_orphan(const cleat_tracer_provider *provider);

enum { CLEAT__FREE_SPANS_PER_THREAD = 32 };

static inline cleat__span *cleat__span_pool_take(cleat__local *local)
{
    cleat__span *span = local->free_spans;
    if (__builtin_expect(span == NULL, false)) {
        return cleat__span_pool_take_slow(local);
    }
    local->free_spans = span->next_free;
    local->free_count--;
    return span;
}

/* The span is not live: its generation has been changed. */
static inline void cleat__span_pool_return(cleat__local *local, cleat__span *span)
{
    span->next_free = local->free_spans;
    local->free_spans = span;
    if (++local->free_count > CLEAT__FREE_SPANS_PER_THREAD) {
        cleat__span_pool_spill(local);
    }
}

#endif
