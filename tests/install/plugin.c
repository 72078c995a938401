/*
 * A library that is instrumented: it uses the tracing API and its headers only. tools/check-install
 * builds it and has it loaded by the programs beside it.
 */
#include "plugin.h"

#include <cleat/context.h>
#include <cleat/propagation.h>
#include <cleat/span.h>

static int64_t count_headers(void)
{
    cleat_carrier *carrier = NULL;
    if (cleat_carrier_new(&carrier) != CLEAT_OK) {
        return -1;
    }
    const cleat_propagator *propagator = cleat_propagator_global();
    cleat_text_map map = cleat_carrier_text_map(carrier);
    propagator->inject(propagator, cleat_context_current(), &map);
    int64_t count = (int64_t)cleat_carrier_count(carrier);
    cleat_carrier_free(carrier);
    return count;
}

/* Attached with a provider or without. */
static cleat_scope attach_baggage(void)
{
    cleat_baggage *baggage = cleat_baggage_with(NULL, "from", cleat_slice_of("plugin"), NULL);
    cleat_context *context = cleat_context_with_baggage(cleat_context_current(), baggage);
    cleat_scope scope = cleat_context_attach(context);
    cleat_context_release(context);
    cleat_baggage_release(baggage);
    return scope;
}

bool plugin_work(void)
{
    cleat_tracer *tracer = cleat_tracer_get("plugin", "1.0");
    cleat_span span = cleat_span_start(tracer, "plugin", CLEAT_SPAN_OPTIONS(.kind = CLEAT_SPAN_KIND_CLIENT));
    cleat_scope scope = cleat_span_attach(span);
    cleat_scope inner = attach_baggage();
    bool is_recording = cleat_span_is_recording(span);
    cleat_span_set_int(span, "headers", count_headers()); /* traceparent and baggage */
    cleat_scope_detach(inner);
    cleat_scope_detach(scope);
    cleat_span_end(span);
    return is_recording;
}
