/*
 * A run of many linked traces is kept whole, and its weights stay right, when a new trace takes over
 * randomness and threshold of what it links to. Links of one run share their randomness R, and each
 * was sampled when R reached its own threshold; "any of them was sampled" is then the same as "R
 * reached the lowest threshold", which is one that a sampled link tells. Links with randomness of
 * their own are independent draws: the chance that any was sampled is no threshold, so none is told.
 */
#include "link_verdict.h"

#include "sampler.h"

/* How far the links agree. */
typedef struct agreement {
    bool is_one_run; /* all have the same randomness */
    bool all_tell;   /* every sampled one has a threshold */
    uint64_t lowest; /* of those */
} agreement;

static void add_link(const cleat_span_context *link, cleat__link_verdict *verdict, agreement *links)
{
    bool is_sampled = cleat__context_is_sampled(link);
    cleat__ot_state ot;
    cleat__ot_read((cleat_slice){link->trace_state, link->trace_state_size}, &ot);
    uint64_t randomness = ot.has_randomness ? ot.randomness : cleat__trace_id_randomness(&link->trace_id);
    verdict->speaks = verdict->speaks || ot.has_threshold || ot.has_randomness;
    if (verdict->is_linked && randomness != verdict->ot.randomness) {
        links->is_one_run = false;
    }
    /* The first one's, or the first sampled one's. */
    if (!verdict->is_linked || (is_sampled && !verdict->is_sampled)) {
        verdict->ot.randomness = randomness;
    }
    if (is_sampled) {
        links->all_tell = links->all_tell && ot.has_threshold;
        links->lowest = ot.threshold < links->lowest ? ot.threshold : links->lowest;
    }
    verdict->is_linked = true;
    verdict->is_sampled = verdict->is_sampled || is_sampled;
}

/* The randomness of the span itself; `taken` where the links may give it theirs. */
static uint64_t own_randomness(const cleat_sampling_arguments *arguments, cleat__link_verdict *verdict)
{
    cleat__ot_state own;
    cleat__ot_read(arguments->trace_state, &own);
    if (own.has_randomness) {
        return own.randomness;
    }
    if (cleat__sampling_has_parent(arguments)) {
        return cleat__trace_id_randomness(&arguments->trace_id);
    }
    verdict->ot.has_randomness = true;
    return verdict->ot.randomness;
}

void cleat__link_verdict_of(const cleat_sampling_arguments *arguments, cleat__link_verdict *out)
{
    agreement links = {true, true, CLEAT__THRESHOLD_RANGE};
    *out = (cleat__link_verdict){.is_linked = false};
    for (size_t i = 0; arguments->links != NULL && i < arguments->link_count; i++) {
        const cleat_span_context *context = arguments->links[i].context;
        if (context != NULL && cleat__context_has_ids(context)) {
            add_link(context, out, &links);
        }
    }
    if (!out->is_linked || (!out->speaks && arguments->trace_state.size == 0)) {
        return;
    }
    bool is_same = own_randomness(arguments, out) == out->ot.randomness;
    out->ot.threshold = links.lowest;
    out->ot.has_threshold = out->is_sampled && links.is_one_run && links.all_tell && is_same &&
                            links.lowest <= out->ot.randomness;
    out->ot.has_randomness = out->ot.has_randomness && out->speaks;
}
