#include "base/env.h"
#include "trace/baggage.h"
#include "trace/header.h"

#include <cleat/trace.h>

#include <pthread.h>
#include <stdatomic.h>

#define TRACEPARENT "traceparent"
#define TRACESTATE  "tracestate"
#define BAGGAGE     "baggage"

/* ---- W3C trace context ---- */

static void remove_key(const cleat_text_map *carrier, const char *key)
{
    if (carrier->remove != NULL) {
        carrier->remove(carrier->self, key);
    }
}

static void trace_context_inject(const cleat_propagator *self, const cleat_context *context,
                                 const cleat_text_map *carrier)
{
    (void)self;
    char header[56];
    const cleat_span_context *span = cleat_context_span_context(context);
    if (!cleat_span_context_is_valid(span) || cleat_traceparent_format(span, header) != CLEAT_OK ||
        carrier->set(carrier->self, TRACEPARENT, (cleat_slice){header, sizeof(header) - 1}) != CLEAT_OK) {
        return;
    }
    cleat_slice state = {span->trace_state, span->trace_state_size};
    /* The tracestate of some other trace must not stay beside this traceparent. */
    if (state.size == 0 || carrier->set(carrier->self, TRACESTATE, state) != CLEAT_OK) {
        remove_key(carrier, TRACESTATE);
    }
}

/* `made`, or `context` where there was no memory to make it. */
static cleat_context *made_or_same(cleat_context *made, const cleat_context *context)
{
    return made != NULL ? made : cleat_context_retain(context);
}

static cleat_context *trace_context_extract(const cleat_propagator *self, const cleat_context *context,
                                            const cleat_text_map *carrier)
{
    (void)self;
    cleat_span_context span;
    cleat_slice header = carrier->get(carrier->self, TRACEPARENT);
    if (header.data == NULL || cleat_traceparent_parse(header, &span) != CLEAT_OK) {
        return cleat_context_retain(context);
    }
    /* A malformed tracestate is dropped as a whole; the traceparent stands. */
    cleat_trace_state_parse(&span, carrier->get(carrier->self, TRACESTATE));
    return made_or_same(cleat_context_with_span_context(context, &span), context);
}

static const char *const *trace_context_fields(const cleat_propagator *self)
{
    (void)self;
    static const char *const fields[] = {TRACEPARENT, TRACESTATE, NULL};
    return fields;
}

const cleat_propagator *cleat_propagator_trace_context(void)
{
    static const cleat_propagator propagator = {trace_context_inject, trace_context_extract,
                                                trace_context_fields};
    return &propagator;
}

/* ---- Baggage ---- */

static void baggage_inject(const cleat_propagator *self, const cleat_context *context,
                           const cleat_text_map *carrier)
{
    (void)self;
    char text[CLEAT__BAGGAGE_SIZE_MAX];
    size_t size = cleat__baggage_format(cleat_context_get_baggage(context), text);
    if (size != 0) {
        carrier->set(carrier->self, BAGGAGE, (cleat_slice){text, size});
    }
}

static cleat_context *baggage_extract(const cleat_propagator *self, const cleat_context *context,
                                      const cleat_text_map *carrier)
{
    (void)self;
    cleat_slice header = carrier->get(carrier->self, BAGGAGE);
    cleat_baggage *baggage = header.data != NULL ? cleat__baggage_parse(header) : NULL;
    if (baggage == NULL) {
        return cleat_context_retain(context);
    }
    cleat_context *made = cleat_context_with_baggage(context, baggage);
    cleat_baggage_release(baggage);
    return made_or_same(made, context);
}

static const char *const *baggage_fields(const cleat_propagator *self)
{
    (void)self;
    static const char *const fields[] = {BAGGAGE, NULL};
    return fields;
}

const cleat_propagator *cleat_propagator_baggage(void)
{
    static const cleat_propagator propagator = {baggage_inject, baggage_extract, baggage_fields};
    return &propagator;
}

/* ---- Both, and none ---- */

static void default_inject(const cleat_propagator *self, const cleat_context *context,
                           const cleat_text_map *carrier)
{
    trace_context_inject(self, context, carrier);
    baggage_inject(self, context, carrier);
}

static cleat_context *default_extract(const cleat_propagator *self, const cleat_context *context,
                                      const cleat_text_map *carrier)
{
    cleat_context *traced = trace_context_extract(self, context, carrier);
    cleat_context *made = baggage_extract(self, traced, carrier);
    cleat_context_release(traced);
    return made;
}

static const char *const *default_fields(const cleat_propagator *self)
{
    (void)self;
    static const char *const fields[] = {TRACEPARENT, TRACESTATE, BAGGAGE, NULL};
    return fields;
}

const cleat_propagator *cleat_propagator_default(void)
{
    static const cleat_propagator propagator = {default_inject, default_extract, default_fields};
    return &propagator;
}

static void none_inject(const cleat_propagator *self, const cleat_context *context,
                        const cleat_text_map *carrier)
{
    (void)self;
    (void)context;
    (void)carrier;
}

static cleat_context *none_extract(const cleat_propagator *self, const cleat_context *context,
                                   const cleat_text_map *carrier)
{
    (void)self;
    (void)carrier;
    return cleat_context_retain(context);
}

static const char *const *none_fields(const cleat_propagator *self)
{
    (void)self;
    static const char *const fields[] = {NULL};
    return fields;
}

const cleat_propagator *cleat_propagator_none(void)
{
    static const cleat_propagator propagator = {none_inject, none_extract, none_fields};
    return &propagator;
}

/* ---- The global one ---- */

static _Atomic(const cleat_propagator *) global_propagator; /* NULL: what the environment names */

static pthread_once_t environment_once = PTHREAD_ONCE_INIT;
static const cleat_propagator *environment_propagator; /* written under environment_once */

static void read_environment(void)
{
    enum { NONE = 1, TRACE_CONTEXT = 2, BAGGAGE_TOO = 4, BOTH = TRACE_CONTEXT | BAGGAGE_TOO };
    cleat_slice names = cleat__env_get("OTEL_PROPAGATORS");
    unsigned named = 0;
    while (names.data != NULL) {
        cleat_slice name = cleat__trim(cleat__split(names, ',', &names));
        if (cleat__env_is(name, "tracecontext")) {
            named |= TRACE_CONTEXT;
        } else if (cleat__env_is(name, "baggage")) {
            named |= BAGGAGE_TOO;
        } else if (cleat__env_is(name, "none")) {
            named |= NONE;
        } else if (name.size != 0) {
            cleat__env_warn("OTEL_PROPAGATORS", name, "tracecontext, baggage, none");
        }
    }
    switch (named & BOTH) {
    case TRACE_CONTEXT: environment_propagator = cleat_propagator_trace_context(); break;
    case BAGGAGE_TOO: environment_propagator = cleat_propagator_baggage(); break;
    case BOTH: environment_propagator = cleat_propagator_default(); break;
    default: environment_propagator = named == NONE ? cleat_propagator_none() : cleat_propagator_default();
    }
}

const cleat_propagator *cleat_propagator_global(void)
{
    const cleat_propagator *propagator = atomic_load_explicit(&global_propagator, memory_order_acquire);
    if (propagator == NULL) {
        pthread_once(&environment_once, read_environment);
        propagator = environment_propagator;
    }
    return propagator;
}

void cleat_propagator_set_global(const cleat_propagator *propagator)
{
    atomic_store_explicit(&global_propagator, propagator, memory_order_release);
}
