/* A tracer of a provider, or one of cleat_tracer_get() that stands for it. */
#ifndef CLEAT_TRACE_TRACER_H
#define CLEAT_TRACE_TRACER_H

#include <cleat/trace.h>

struct cleat_tracer {
    /* The tracer that does the work: a provider's tracer points to itself, one of
     * cleat_tracer_get() to that of the global provider, or to NULL. */
    _Atomic(cleat_tracer *) delegate;
    cleat_tracer_provider *provider; /* NULL for the latter kind */
    const cleat_instrumentation_scope *scope;
};

/* What get-a-tracer calls answer when memory runs out: its spans are no-op. */
cleat_tracer *cleat__tracer_none(void);

/* Makes a tracer that is not yet in any registry; NULL on no memory. */
cleat_tracer *cleat__tracer_new(cleat_tracer_provider *provider, const cleat_instrumentation_scope *scope);
/* The key of a tracer in its registry: its scope's address, which is unique. */
cleat_slice cleat__tracer_key(const cleat_instrumentation_scope *const *scope);

/* The global provider is about to go. */
void cleat__global_forget(cleat_tracer_provider *provider);

#endif
