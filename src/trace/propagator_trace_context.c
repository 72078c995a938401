/* W3C trace context: `traceparent` says which span, `tracestate` is what tracing systems say about it. */
#include "trace/context.h"
#include "trace/propagator.h"
#include "trace/span_context.h"
#include "trace/trace_state.h"
#include "trace/traceparent.h"

#define TRACEPARENT "traceparent"
#define TRACESTATE  "tracestate"

static void trace_context_inject(const cleat_propagator *self, const cleat_context *context,
                                 const cleat_text_map *carrier)
{
    (void)self;
    char header[CLEAT__TRACEPARENT_SIZE];
    const cleat_span_context *span = cleat_context_span_context(context);
    if (!cleat__span_context_is_valid(span)) {
        return;
    }
    cleat__traceparent_write(span, header);
    if (!cleat__text_map_set(carrier, TRACEPARENT, (cleat_slice){header, sizeof(header)})) {
        return;
    }
    cleat_slice state = {span->trace_state, span->trace_state_size};
    /* The tracestate of some other trace must not stay beside this traceparent. */
    if (state.size == 0 || !cleat__text_map_set(carrier, TRACESTATE, state)) {
        cleat__text_map_remove(carrier, TRACESTATE);
    }
}

/* Lines of one header are joined in their order (W3C Trace Context 3.3.1). */
typedef struct joined_state {
    cleat__trace_state_list list;
    bool malformed;
} joined_state;

static bool join_line(void *user_data, cleat_slice line)
{
    joined_state *state = user_data;
    state->malformed = line.data != NULL && !cleat__trace_state_list_read(&state->list, line);
    return !state->malformed;
}

/* A malformed tracestate is dropped as a whole; the traceparent stands. */
static void read_state(const cleat_text_map *carrier, cleat_span_context *span)
{
    joined_state state;
    cleat__trace_state_list_init(&state.list);
    state.malformed = false;
    cleat__text_map_each(carrier, TRACESTATE, join_line, &state);
    if (!state.malformed) {
        cleat__trace_state_list_store(&state.list, span);
    }
}

static cleat_context *trace_context_extract(const cleat_propagator *self, const cleat_context *context,
                                            const cleat_text_map *carrier)
{
    (void)self;
    cleat_slice header = cleat__text_map_only(carrier, TRACEPARENT);
    if (header.data == NULL) {
        return cleat_context_retain(context);
    }
    cleat_context *made = cleat__context_with_unwritten_span(context);
    if (made == NULL || !cleat__traceparent_read(header, &made->span_context)) {
        cleat_context_release(made);
        return cleat_context_retain(context);
    }
    read_state(carrier, &made->span_context);
    return made;
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
                                                trace_context_fields, NULL};
    return &propagator;
}
