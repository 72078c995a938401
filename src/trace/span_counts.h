/* Counting on the span path: a few plain additions, see counts.h. */
#ifndef CLEAT_TRACE_SPAN_COUNTS_H
#define CLEAT_TRACE_SPAN_COUNTS_H

#include "counts.h"
#include "provider.h"
#include "span.h"
#include "tracer.h"

static inline void cleat__count_one(cleat_tracer_provider *provider, cleat__local *local, cleat__count what)
{
    cleat__count_more(local, &provider->account, what, 1);
}

/* A span that never was, for lack of memory. */
void cleat__count_lost_start(cleat_tracer_provider *provider);
/* What is rare enough to cost something. */
void cleat__count_rare(const cleat__span *span, cleat__count what, uint64_t more);
void cleat__count_losses(const cleat__span *span);

/* The span's lock is held. `local` NULL: no memory. */
static inline void cleat__count_end(const cleat__span *span, cleat__local *local)
{
    if (__builtin_expect(local == NULL, false)) {
        cleat__count_rare(span, CLEAT__COUNT_ENDED, 1);
    } else {
        cleat__count_one(span->tracer->provider, local, CLEAT__COUNT_ENDED);
    }
    uint32_t losses =
        span->attributes.dropped | span->attributes.repaired | span->dropped_events | span->dropped_links;
    if (__builtin_expect(losses != 0, false)) {
        cleat__count_losses(span);
    }
}

#endif
