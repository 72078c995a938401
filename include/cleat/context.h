/*
 * Contexts: the active span, baggage and the user's own values, carried along one thread's calls,
 * and by hand from thread to thread.
 *
 * Source: OpenTelemetry specification, "Context".
 */
#ifndef CLEAT_CONTEXT_H
#define CLEAT_CONTEXT_H

#include "cleat/span.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * An immutable set of values: the active span, baggage, and values under the user's own keys.
 * NULL is the empty root context, and what the functions that make contexts return when memory
 * runs out. Reference-counted; a context may be used from any thread, as may every function here.
 * Specification: Context, "Overview".
 */
CLEAT_API cleat_context *cleat_context_retain(const cleat_context *context);
CLEAT_API void cleat_context_release(cleat_context *context);

/* The current context of this thread: borrowed, valid until it is detached. Specification: "Get
 * current Context". */
CLEAT_API const cleat_context *cleat_context_current(void);
/* The same, retained: to be carried to another thread and released there. */
CLEAT_API cleat_context *cleat_context_capture(void);

/*
 * The caller owns the result. `context` is not consumed; values of `context` are kept. Specification:
 * Tracing API, "Context Interaction"; Baggage API, "Context Interaction".
 */
CLEAT_API cleat_context *cleat_context_with_span(const cleat_context *context, cleat_span span);
/* A context whose active span is one of another process or thread, known by its context only. */
CLEAT_API cleat_context *cleat_context_with_span_context(const cleat_context *context,
                                                         const cleat_span_context *span_context);
CLEAT_API cleat_context *cleat_context_with_baggage(const cleat_context *context,
                                                    const cleat_baggage *baggage);

/* A key is the address of a static object; its name is for people. Specification: "Create a key". */
typedef struct cleat_context_key {
    const char *name;
} cleat_context_key;
/* The caller owns the result. `destroy` (may be NULL) is called once with `value` when the last
 * context holding it goes, in whatever thread that is, or at once when memory runs out.
 * Specification: "Set value". */
CLEAT_API cleat_context *cleat_context_with_value(const cleat_context *context, const cleat_context_key *key,
                                                  void *value, void (*destroy)(void *value));
/* NULL where the key is not there. Borrowed, as long as `context`. Specification: "Get value". */
CLEAT_API void *cleat_context_value(const cleat_context *context, const cleat_context_key *key);

/* The no-op span where there is none or only a span context is known. Specification: Tracing API,
 * "Context Interaction". */
CLEAT_API cleat_span cleat_context_span(const cleat_context *context);
/* Never NULL; an invalid one where there is no span. Valid as long as `context`. It stays what it
 * was when the span ends. */
CLEAT_API const cleat_span_context *cleat_context_span_context(const cleat_context *context);
/* NULL where there is none. Borrowed, as long as `context`. Specification: Baggage API, "Context
 * Interaction". */
CLEAT_API const cleat_baggage *cleat_context_get_baggage(const cleat_context *context);

/*
 * Attaching makes a context current on this thread until its scope is detached on the same
 * thread, in reverse order of attaching. Detaching out of order also detaches what was attached
 * after it and is CLEAT_FAILED_PRECONDITION; a scope already detached, or one of another thread,
 * changes nothing and is that too. Specification: Context, "Attach Context", "Detach Context".
 */
typedef struct cleat_scope {
    struct cleat__frame *frame;
    uint64_t generation;
} cleat_scope;
CLEAT_API cleat_scope cleat_context_attach(const cleat_context *context);
/* Attaches the current context with `span` as its active span. */
CLEAT_API cleat_scope cleat_span_attach(cleat_span span);
CLEAT_API cleat_status cleat_scope_detach(cleat_scope scope);

/* True on a thread that is inside export_spans; instrumentation uses it to stay silent there.
 * Specification: Tracing SDK, "Export(batch)" (an exporter's own calls are not traced). */
CLEAT_API bool cleat_tracing_suppressed(void);

#ifdef __cplusplus
}
#endif
#endif
