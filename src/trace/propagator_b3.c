/*
 * B3, Zipkin's headers (OpenTelemetry specification, "B3 Requirements"; openzipkin/b3-propagation):
 *
 *     b3: <trace id>-<span id>[-<0, 1 or d>][-<parent id>]     or only     b3: <0, 1 or d>
 *     X-B3-TraceId, X-B3-SpanId, X-B3-ParentSpanId, X-B3-Sampled (0, 1), X-B3-Flags (1: debug)
 *
 * Trace ids have 16 or 32 lower-case digits. The debug flag has no place in a span context, so it is
 * a value of the context, under a key of this file.
 */
#include "base/hex.h"
#include "trace/header.h"
#include "trace/propagator.h"
#include "trace/span_context.h"

#define SINGLE   "b3"
#define TRACE_ID "X-B3-TraceId"
#define SPAN_ID  "X-B3-SpanId"
#define SAMPLED  "X-B3-Sampled"
#define FLAGS    "X-B3-Flags"

enum { SHORT_SIZE = 16, LONG_SIZE = 32 };

static const cleat_context_key debug_key = {"b3 debug"};
static char debug_mark; /* its address is the value */

static bool is_debug(const cleat_context *context)
{
    return cleat_context_value(context, &debug_key) != NULL;
}

/* ---- Extract ---- */

typedef struct b3 {
    cleat_span_context span;
    bool debug;
} b3;

static bool read_trace_id(cleat_slice text, cleat_trace_id *out)
{
    if (text.size == LONG_SIZE) {
        return cleat__hex_decode(text, out->bytes, 16) && cleat_trace_id_is_valid(out);
    }
    memset(out->bytes, 0, 8);
    return cleat__hex_decode(text, out->bytes + 8, 8) && cleat_trace_id_is_valid(out);
}

static bool read_span_id(cleat_slice text, cleat_span_id *out)
{
    return cleat__hex_decode(text, out->bytes, 8) && cleat_span_id_is_valid(out);
}

/* One of 0, 1, d; an open decision, which is the empty text, counts as not sampled. */
static bool read_state(cleat_slice text, b3 *out)
{
    char state = text.size == 1 ? text.data[0] : '?';
    out->debug = state == 'd';
    out->span.trace_flags = state == 'd' || state == '1' ? CLEAT_TRACE_FLAG_SAMPLED : 0;
    return text.size == 0 || state == '0' || state == '1' || state == 'd';
}

/* The parent's id is of no use here, but what is none makes the header malformed. */
static bool is_parent_id(cleat_slice text)
{
    uint8_t unused[8];
    return cleat__hex_decode(text, unused, sizeof(unused));
}

static bool read_single(cleat_slice header, b3 *out)
{
    cleat_slice rest;
    if (!read_trace_id(cleat__split(header, '-', &rest), &out->span.trace_id) ||
        !read_span_id(cleat__split(rest, '-', &rest), &out->span.span_id)) {
        return false;
    }
    if (rest.data == NULL) {
        return read_state(rest, out);
    }
    cleat_slice state = cleat__split(rest, '-', &rest);
    if (rest.data == NULL && is_parent_id(state)) {
        return read_state((cleat_slice){NULL, 0}, out);
    }
    return state.size != 0 && read_state(state, out) && (rest.data == NULL || is_parent_id(rest));
}

/* 0 and 1; some tracers write false and true. */
static bool read_sampled(cleat_slice text, b3 *out)
{
    if (cleat_slice_equals(text, cleat_slice_of("true"))) {
        text = cleat_slice_of("1");
    } else if (cleat_slice_equals(text, cleat_slice_of("false"))) {
        text = cleat_slice_of("0");
    }
    return read_state(text, out) && !out->debug;
}

static bool read_multi(const cleat_text_map *carrier, b3 *out)
{
    cleat_slice trace_id = cleat__trim(cleat__text_map_get(carrier, TRACE_ID));
    if (trace_id.size == 0 || !read_trace_id(trace_id, &out->span.trace_id) ||
        !read_span_id(cleat__trim(cleat__text_map_get(carrier, SPAN_ID)), &out->span.span_id)) {
        return false;
    }
    /* Debug implies the decision to sample: what is said besides does not count. */
    cleat_slice flags = cleat__trim(cleat__text_map_get(carrier, FLAGS));
    if (cleat_slice_equals(flags, cleat_slice_of("1"))) {
        return read_state(cleat_slice_of("d"), out);
    }
    return read_sampled(cleat__trim(cleat__text_map_get(carrier, SAMPLED)), out);
}

static cleat_context *with_debug(cleat_context *context, bool debug)
{
    if (is_debug(context) == debug) {
        return context;
    }
    cleat_context *made = cleat_context_with_value(context, &debug_key, debug ? &debug_mark : NULL, NULL);
    if (made == NULL) {
        return context;
    }
    cleat_context_release(context);
    return made;
}

/* Both propagators read both forms; a single header that says something is preferred. */
static cleat_context *b3_extract(const cleat_propagator *self, const cleat_context *context,
                                 const cleat_text_map *carrier)
{
    (void)self;
    b3 read;
    read.span.is_remote = true;
    read.span.trace_state_size = 0;
    cleat_slice single = cleat__trim(cleat__text_map_get(carrier, SINGLE));
    /* A decision without ids: there is no trace to go on with, and X-B3 headers do not count. */
    bool only_decision = single.size == 1 && read_state(single, &read);
    if (only_decision || (!read_single(single, &read) && !read_multi(carrier, &read))) {
        return cleat_context_retain(context);
    }
    cleat_context *made = cleat_context_with_span_context(context, &read.span);
    return made != NULL ? with_debug(made, read.debug) : cleat_context_retain(context);
}

/* ---- Inject ---- */

static char state_of(const cleat_context *context)
{
    if (is_debug(context)) {
        return 'd';
    }
    return cleat_span_context_is_sampled(cleat_context_span_context(context)) ? '1' : '0';
}

/* Writes the ids and a dash between them. */
static void put_ids(char text[LONG_SIZE + 1 + SHORT_SIZE], const cleat_span_context *span)
{
    cleat__hex_put(text, span->trace_id.bytes);
    cleat__hex_put(text + SHORT_SIZE, span->trace_id.bytes + 8);
    text[LONG_SIZE] = '-';
    cleat__hex_put(text + LONG_SIZE + 1, span->span_id.bytes);
}

static void single_inject(const cleat_propagator *self, const cleat_context *context,
                          const cleat_text_map *carrier)
{
    (void)self;
    char text[LONG_SIZE + 1 + SHORT_SIZE + 2];
    const cleat_span_context *span = cleat_context_span_context(context);
    if (!cleat__span_context_is_valid(span)) {
        return;
    }
    put_ids(text, span);
    text[sizeof(text) - 2] = '-';
    text[sizeof(text) - 1] = state_of(context);
    (void)cleat__text_map_set(carrier, SINGLE, (cleat_slice){text, sizeof(text)});
}

static void multi_inject(const cleat_propagator *self, const cleat_context *context,
                         const cleat_text_map *carrier)
{
    (void)self;
    char text[LONG_SIZE + 1 + SHORT_SIZE];
    const cleat_span_context *span = cleat_context_span_context(context);
    if (!cleat__span_context_is_valid(span)) {
        return;
    }
    put_ids(text, span);
    if (!cleat__text_map_set(carrier, TRACE_ID, (cleat_slice){text, LONG_SIZE}) ||
        !cleat__text_map_set(carrier, SPAN_ID, (cleat_slice){text + LONG_SIZE + 1, SHORT_SIZE})) {
        return;
    }
    /* Debug stands for the decision; the header of the other one must not stay beside it. */
    char state = state_of(context);
    bool debug = state == 'd';
    (void)cleat__text_map_set(carrier, debug ? FLAGS : SAMPLED, (cleat_slice){debug ? "1" : &state, 1});
    cleat__text_map_remove(carrier, debug ? SAMPLED : FLAGS);
}

static const char *const *single_fields(const cleat_propagator *self)
{
    (void)self;
    static const char *const fields[] = {SINGLE, NULL};
    return fields;
}

static const char *const *multi_fields(const cleat_propagator *self)
{
    (void)self;
    static const char *const fields[] = {TRACE_ID, SPAN_ID, SAMPLED, FLAGS, NULL};
    return fields;
}

const cleat_propagator *cleat_propagator_b3(void)
{
    static const cleat_propagator propagator = {single_inject, b3_extract, single_fields, NULL};
    return &propagator;
}

const cleat_propagator *cleat_propagator_b3_multi(void)
{
    static const cleat_propagator propagator = {multi_inject, b3_extract, multi_fields, NULL};
    return &propagator;
}
