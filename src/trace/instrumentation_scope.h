/*
 * Instrumentation scopes, interned: equal ones are the same object, and an interned scope lives as
 * long as the process. So whatever holds spans (a queue, an exporter that is late) may keep the
 * pointer although the tracer provider has gone.
 */
#ifndef CLEAT_TRACE_INSTRUMENTATION_SCOPE_H
#define CLEAT_TRACE_INSTRUMENTATION_SCOPE_H

#include <cleat/trace.h>

/* The interned scope equal to `like`; NULL on no memory. Any thread. */
const cleat_instrumentation_scope *cleat__scope_intern(const cleat_instrumentation_scope *like);

#endif
