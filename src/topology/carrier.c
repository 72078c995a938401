/*
 * The carrier: the string map that travels with queued work (telemetry.md section 2).
 *
 * A carrier without a valid traceparent counts as absent as a whole: its tracestate and origin
 * keys say nothing either. Only the per-call choice stands by itself. Writing over a carrier that
 * was used before (a user who hands on the metadata of another run) leaves no stale trace key
 * beside the new ones; keys that are not Cleat's are never touched.
 */
#include "topology/context.h"
#include "topology/topology.h"

#define TRACEPARENT "traceparent"
#define TRACESTATE  "tracestate"

static cleat_slice get(const cleat_text_map *carrier, const char *key)
{
    return carrier->get != NULL ? carrier->get(carrier->self, key) : (cleat_slice){NULL, 0};
}

static bool read_context(const cleat_text_map *carrier, const char *parent_key, const char *state_key,
                         cleat_span_context *out)
{
    cleat_slice header = get(carrier, parent_key);
    if (header.size == 0 || cleat_traceparent_parse(header, out) != CLEAT_OK) {
        cleat__span_context_clear(out);
        return false;
    }
    cleat_slice state = get(carrier, state_key);
    if (state.size > 0) {
        (void)cleat_trace_state_parse(out, state); /* a malformed one is left empty */
    }
    return true;
}

static cleat_trace_relation read_relation(const cleat_text_map *carrier)
{
    cleat_slice text = get(carrier, CLEAT__CARRIER_TRACE);
    if (cleat_slice_equals(text, cleat_slice_of("parent"))) {
        return CLEAT_TRACE_PARENT;
    }
    if (cleat_slice_equals(text, cleat_slice_of("link"))) {
        return CLEAT_TRACE_LINK;
    }
    if (cleat_slice_equals(text, cleat_slice_of("none"))) {
        return CLEAT_TRACE_NONE;
    }
    return CLEAT_TRACE_DEFAULT;
}

void cleat__carrier_read(const cleat_text_map *carrier, cleat__carrier_contexts *out)
{
    out->relation = read_relation(carrier);
    out->usable = read_context(carrier, TRACEPARENT, TRACESTATE, &out->spawn);
    if (!out->usable) {
        cleat__span_context_clear(&out->origin);
        return;
    }
    if (!read_context(carrier, CLEAT__CARRIER_ORIGIN_TRACEPARENT, CLEAT__CARRIER_ORIGIN_TRACESTATE,
                      &out->origin)) {
        cleat_span_context_copy(&out->origin, &out->spawn);
    }
}

/* Removes a key; where the map cannot, makes its value empty, which counts as absent. */
static cleat_status drop(const cleat_text_map *carrier, const char *key)
{
    if (carrier->remove != NULL) {
        carrier->remove(carrier->self, key);
        return CLEAT_OK;
    }
    if (get(carrier, key).size == 0) {
        return CLEAT_OK;
    }
    return carrier->set(carrier->self, key, (cleat_slice){"", 0});
}

static cleat_status write_context(const cleat_text_map *carrier, const char *parent_key,
                                  const char *state_key, const cleat_span_context *context)
{
    char header[56];
    cleat_status status = cleat_traceparent_format(context, header);
    if (status == CLEAT_OK) {
        status = carrier->set(carrier->self, parent_key, cleat_slice_of(header));
    }
    if (status != CLEAT_OK) {
        return status;
    }
    if (context->trace_state_size == 0) {
        return drop(carrier, state_key);
    }
    cleat_slice state = {context->trace_state, context->trace_state_size};
    return carrier->set(carrier->self, state_key, state);
}

static cleat_status write_spawn(const cleat_text_map *carrier, const cleat__injection *injection)
{
    cleat_span_context spawn;
    if (injection->state == NULL) {
        return write_context(carrier, TRACEPARENT, TRACESTATE, injection->spawn);
    }
    cleat_span_context_copy(&spawn, injection->spawn);
    cleat_status status = cleat__budget_write(&spawn, injection->state);
    if (status != CLEAT_OK) {
        return status;
    }
    return write_context(carrier, TRACEPARENT, TRACESTATE, &spawn);
}

static cleat_status write_origin(const cleat_text_map *carrier, const cleat__injection *injection)
{
    const cleat_span_context *origin = injection->origin;
    if (!cleat_span_context_is_valid(origin) || cleat_span_context_equals(origin, injection->spawn)) {
        cleat_status status = drop(carrier, CLEAT__CARRIER_ORIGIN_TRACEPARENT);
        return status != CLEAT_OK ? status : drop(carrier, CLEAT__CARRIER_ORIGIN_TRACESTATE);
    }
    return write_context(carrier, CLEAT__CARRIER_ORIGIN_TRACEPARENT, CLEAT__CARRIER_ORIGIN_TRACESTATE,
                         origin);
}

/* A choice is written also without a span: it then holds for a traceparent that the user set. */
static cleat_status write_relation(const cleat_text_map *carrier, const cleat__injection *injection)
{
    if (injection->relation != CLEAT_TRACE_DEFAULT) {
        const char *name = cleat_trace_relation_name(injection->relation);
        return carrier->set(carrier->self, CLEAT__CARRIER_TRACE, cleat_slice_of(name));
    }
    bool replaced = cleat_span_context_is_valid(injection->spawn);
    return replaced ? drop(carrier, CLEAT__CARRIER_TRACE) : CLEAT_OK;
}

cleat_status cleat__carrier_write(const cleat_text_map *carrier, const cleat__injection *injection)
{
    cleat_status status = CLEAT_OK;
    if (cleat_span_context_is_valid(injection->spawn)) {
        status = write_spawn(carrier, injection);
        if (status == CLEAT_OK) {
            status = write_origin(carrier, injection);
        }
    }
    return status == CLEAT_OK ? write_relation(carrier, injection) : status;
}
