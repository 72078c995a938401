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
        bool unset = input->mode == CLEAT_TRACE_DEFAULT;
        out->relation = unset ? CLEAT_TRACE_PARENT : input->mode;
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
    if (out->relation == CLEAT_TRACE_PARENT) {
        cleat_span_context_copy(&out->parent, &carrier->spawn);
    } else if (out->relation == CLEAT_TRACE_LINK) {
        add_link(out, CLEAT__LINK_SPAWN, &carrier->spawn);
        if (!cleat_span_context_equals(&carrier->origin, &carrier->spawn)) {
            add_link(out, CLEAT__LINK_ORIGIN, &carrier->origin);
        }
        if (input->sampling_across_links) {
            copy_randomness(&carrier->origin, &out->root);
        }
    }
}
