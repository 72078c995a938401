/*
 * The consumer's choice (telemetry.md section 3): the call's own word, the predicate, the budget,
 * the mode; first match wins. What follows from the choice is laid down here as well, so that
 * whoever starts the span only copies it: parent or links, the new root's tracestate, and the
 * origin that the run forwards.
 */
#include "topology/context.h"
#include "topology/topology.h"
#include "trace/sampler.h"

#include <stdio.h>

static const char *const link_kind_names[] = {
    [CLEAT__LINK_SPAWN] = "spawn",
    [CLEAT__LINK_DELIVERY] = "delivery",
    [CLEAT__LINK_ORIGIN] = "origin",
};

static const char *const trace_mode_names[] = {
    [CLEAT__TRACE_MODE_LINKED] = "linked",
    [CLEAT__TRACE_MODE_CONTINUOUS] = "continuous",
};

const char *cleat__trace_mode_name(cleat__trace_mode mode)
{
    return trace_mode_names[mode];
}

bool cleat__trace_mode_parse(cleat_slice text, cleat__trace_mode *out)
{
    bool is_continuous =
        cleat_slice_equals(text, cleat_slice_of(trace_mode_names[CLEAT__TRACE_MODE_CONTINUOUS]));
    *out = is_continuous ? CLEAT__TRACE_MODE_CONTINUOUS : CLEAT__TRACE_MODE_LINKED;
    return is_continuous || text.size == 0 ||
           cleat_slice_equals(text, cleat_slice_of(trace_mode_names[CLEAT__TRACE_MODE_LINKED]));
}

const char *cleat__link_kind_name(cleat__link_kind kind)
{
    return link_kind_names[kind];
}

static bool over_budget(const cleat__decision_input *input)
{
    cleat__budget_state state;
    return input->carrier.usable && cleat__budget_read(&input->carrier.spawn, &state) &&
           cleat__budget_exceeded(&input->budget, &state, input->now_s);
}

static cleat_trace_relation mode_of(const cleat__decision_input *input)
{
    if (input->is_workflow) {
        bool is_linked = input->trace_mode == CLEAT__TRACE_MODE_LINKED;
        return is_linked ? CLEAT_TRACE_LINK : CLEAT_TRACE_PARENT;
    }
    return input->mode == CLEAT_TRACE_DEFAULT ? CLEAT_TRACE_PARENT : input->mode;
}

static void choose(const cleat__decision_input *input, cleat__decision *out)
{
    if (input->carrier.relation != CLEAT_TRACE_DEFAULT) {
        out->relation = input->carrier.relation;
        out->reason = "call";
    } else if (input->predicate) {
        out->relation = CLEAT_TRACE_LINK;
        out->reason = "predicate";
    } else if (over_budget(input)) {
        out->relation = CLEAT_TRACE_LINK;
        out->reason = "budget";
    } else {
        out->relation = mode_of(input);
        out->reason = "mode";
    }
}

static void add_link(cleat__decision *out, cleat__link_kind kind, const cleat_span_context *context)
{
    if (cleat_span_context_is_valid(context)) {
        out->links[out->link_count].kind = kind;
        cleat_span_context_copy(&out->links[out->link_count].context, context);
        out->link_count++;
    }
}

/*
 * Gives the new root the randomness of the origin, in words that every consistent sampler
 * understands, so that a ratio sampler decides about it as it did about the origin.
 */
static void copy_randomness(const cleat_span_context *origin, cleat_span_context *root)
{
    char value[32];
    cleat_slice state = {origin->trace_state, origin->trace_state_size};
    uint64_t randomness = cleat__sampling_randomness(state, &origin->trace_id);
    int size = snprintf(value, sizeof value, "rv:%014llx", (unsigned long long)randomness);
    (void)cleat_trace_state_set(root, "ot", (cleat_slice){value, (size_t)size});
}

/* What a call chose is the span it was made from, as for tasks. */
static bool is_continuous(const cleat__decision_input *input, const cleat__decision *decision)
{
    return input->is_workflow && decision->relation == CLEAT_TRACE_PARENT &&
           input->carrier.relation == CLEAT_TRACE_DEFAULT;
}

void cleat__decide(const cleat__decision_input *input, cleat__decision *out)
{
    const cleat__carrier_contexts *carrier = &input->carrier;
    choose(input, out);
    out->link_count = 0;
    cleat__span_context_clear(&out->parent);
    cleat__span_context_clear(&out->root);
    cleat__span_context_clear(&out->origin);
    if (!carrier->usable) {
        return;
    }
    cleat_span_context_copy(&out->origin, &carrier->origin);
    bool has_origin = !cleat_span_context_equals(&carrier->origin, &carrier->spawn);
    if (is_continuous(input, out)) {
        cleat_span_context_copy(&out->parent, &carrier->origin);
        if (has_origin) {
            add_link(out, CLEAT__LINK_DELIVERY, &carrier->spawn);
        }
    } else if (out->relation == CLEAT_TRACE_PARENT) {
        cleat_span_context_copy(&out->parent, &carrier->spawn);
    } else if (out->relation == CLEAT_TRACE_LINK) {
        add_link(out, input->is_workflow ? CLEAT__LINK_DELIVERY : CLEAT__LINK_SPAWN, &carrier->spawn);
        if (has_origin) {
            add_link(out, CLEAT__LINK_ORIGIN, &carrier->origin);
        }
        if (input->sampling_across_links) {
            copy_randomness(&carrier->origin, &out->root);
        }
    }
}
