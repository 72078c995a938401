/*
 * Samplers: which spans are recorded and exported.
 *
 *     cleat_sampler *tenth = cleat_sampler_parent_based(cleat_sampler_ratio(0.1));
 *     cleat_tracer_provider *provider = NULL;
 *     cleat_tracer_provider_new(CLEAT_TRACER_PROVIDER_OPTIONS(.sampler = tenth), &provider);
 *     cleat_tracer_provider_free(provider);
 *
 * A provider made without a sampler takes the one that OTEL_TRACES_SAMPLER names; a value that is
 * not known warns once and counts as unset, and so does a wrong OTEL_TRACES_SAMPLER_ARG:
 *
 * | OTEL_TRACES_SAMPLER                | sampler                                              | ARG     |
 * | ---------------------------------- | ---------------------------------------------------- | ------- |
 * | always_on                          | always_on                                            |         |
 * | always_off                         | always_off                                           |         |
 * | traceidratio                       | ratio(ARG)                                           | 1.0     |
 * | parentbased_always_on (default)    | parent_based(link_based(always_on))                  |         |
 * | parentbased_always_off             | parent_based(link_based(always_off))                 |         |
 * | parentbased_traceidratio           | parent_based(link_based(ratio(ARG)))                 | 1.0     |
 * | rate_limited                       | rate_limited(ARG spans per second)                   | 100     |
 * | parentbased_rate_limited           | parent_based(link_based(rate_limited(ARG)))          | 100     |
 * | composite_always_on                | composite(always_on)                                 |         |
 * | composite_traceidratio             | composite(ratio(ARG))                                | 1.0     |
 * | composite_parentbased_always_on    | composite(parent_threshold(link_threshold(always_on)))  |      |
 * | composite_parentbased_traceidratio | composite(parent_threshold(link_threshold(ratio(ARG)))) | 1.0  |
 *
 * The first six are the specification's; jaeger_remote, parentbased_jaeger_remote and xray, which
 * need a server of their own, are not there. link_based differs from the specification's root
 * samplers only for root spans with links.
 *
 * A sampler that is given to another one, or to a provider, is consumed on every path, also on
 * failure; a NULL one means the default that is said there. Making one answers NULL on no memory.
 *
 * Source: OpenTelemetry specification, "Tracing SDK": Sampling; "TraceState: Probability Sampling";
 * "Environment variables": General SDK Configuration.
 */
#ifndef CLEAT_SAMPLER_H
#define CLEAT_SAMPLER_H

#include "cleat/context.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum cleat_sampling_decision {
    CLEAT_SAMPLING_DROP = 0,
    CLEAT_SAMPLING_RECORD_ONLY = 1,
    CLEAT_SAMPLING_RECORD_AND_SAMPLE = 2,
} cleat_sampling_decision;

typedef struct cleat_sampling_arguments {
    const cleat_context *parent;                   /* NULL for the root context or an explicit root span */
    const cleat_span_context *parent_span_context; /* never NULL, may be invalid */
    cleat_trace_id trace_id;
    cleat_slice trace_state; /* of the parent, or of the root span's options */
    cleat_slice name;
    cleat_span_kind kind;
    const cleat_attribute *attributes;
    size_t attribute_count;
    const cleat_link *links;
    size_t link_count;
} cleat_sampling_arguments;

#define CLEAT_SAMPLING_STORAGE 16
typedef struct cleat_sampling_result {
    cleat_sampling_decision decision;
    const cleat_attribute *attributes; /* added to the span; must stay valid until it has started */
    size_t attribute_count;
    bool sets_trace_state;             /* then the span gets the following tracestate instead */
    cleat_span_context trace_state_of; /* only its trace_state is used */
    /* Undefined at first: room for a sampler that puts `attributes` together by itself; a sampler
     * around it hands on the result it got, not a copy. */
    cleat_attribute storage[CLEAT_SAMPLING_STORAGE];
} cleat_sampling_result;

/*
 * Users embed this struct first. should_sample is called from any thread and must not block; the
 * result comes zeroed but for `trace_state_of.trace_state` and `storage`, which are undefined.
 * `free` may be NULL for static samplers. Specification: "Sampler".
 */
typedef struct cleat_sampler cleat_sampler;
struct cleat_sampler {
    void (*should_sample)(cleat_sampler *self, const cleat_sampling_arguments *arguments,
                          cleat_sampling_result *result);
    const char *(*description)(cleat_sampler *self);
    void (*free)(cleat_sampler *self);
};
/* Static, and good for any number of providers. Specification: "AlwaysOn", "AlwaysOff". */
CLEAT_API cleat_sampler *cleat_sampler_always_on(void);
CLEAT_API cleat_sampler *cleat_sampler_always_off(void);

/*
 * Keeps a trace when its 56 bits of randomness (`ot=rv:` of the tracestate, else the last 7 bytes
 * of the trace id) reach the rejection threshold of `ratio` (0..1; others are clamped), and then
 * says the threshold in the tracestate (`ot=th:`), with four significant digits. Asked about a span
 * with a parent whose trace id is not said to be random (W3C flag 2, or `rv`), it warns once.
 * Specification: "TraceIdRatioBased"; "TraceState: Probability Sampling".
 */
CLEAT_API cleat_sampler *cleat_sampler_ratio(double ratio);

/*
 * Who is asked, by the parent of the span. A parent is remote when its context came from another
 * process. The same sampler may be given more than once. Specification: "ParentBased".
 */
typedef struct cleat_parent_based_options {
    size_t struct_size;
    cleat_sampler *root;                      /* no parent; NULL: always on */
    cleat_sampler *remote_parent_sampled;     /* NULL: always on */
    cleat_sampler *remote_parent_not_sampled; /* NULL: always off */
    cleat_sampler *local_parent_sampled;      /* NULL: always on */
    cleat_sampler *local_parent_not_sampled;  /* NULL: always off */
} cleat_parent_based_options;
#define CLEAT_PARENT_BASED_OPTIONS(...) CLEAT_OPTIONS(cleat_parent_based_options, __VA_ARGS__)
/* Follows the parent's sampled flag; asks `root` (NULL: always on) where there is no parent. */
CLEAT_API cleat_sampler *cleat_sampler_parent_based(cleat_sampler *root);
/* `options` may be NULL. */
CLEAT_API cleat_sampler *cleat_sampler_parent_based_with(const cleat_parent_based_options *options);

/*
 * For root spans with links: sampled when any linked context is sampled, dropped when all are
 * unsampled; asks `root` (NULL: always on) where no link is valid. Keeps runs of many linked traces
 * whole. Where a linked context speaks of probability (`ot=th:`, `ot=rv:`), the new trace gets the
 * same randomness and, when all links agree in theirs and say a threshold, that threshold: what it
 * counts for stays right, and consistent samplers further down decide about it as about the first.
 */
CLEAT_API cleat_sampler *cleat_sampler_link_based(cleat_sampler *root);

/*
 * At most so many spans per second (others than numbers above 0: none), and so many at once after
 * a quiet time. Which ones is chance, so that a threshold that stood in the tracestate goes. Give it
 * to cleat_sampler_parent_based() to limit traces. Lock-free; reads the clock once a span.
 */
typedef struct cleat_rate_limit_options {
    size_t struct_size;
    double burst;             /* spans at once, 1 at least; 0: those of one second */
    const cleat_clock *clock; /* copied; its monotonic time counts; NULL: system */
} cleat_rate_limit_options;
#define CLEAT_RATE_LIMIT_OPTIONS(...) CLEAT_OPTIONS(cleat_rate_limit_options, __VA_ARGS__)
/* `options` may be NULL. */
CLEAT_API cleat_sampler *cleat_sampler_rate_limited(double spans_per_second,
                                                    const cleat_rate_limit_options *options);

/*
 * Records what `inner` (NULL: always off) drops, without exporting it: for processors that want to
 * see every span. Specification: "AlwaysRecord".
 */
CLEAT_API cleat_sampler *cleat_sampler_always_record(cleat_sampler *inner);

/* ---- Composite samplers (specification: "CompositeSampler", "ComposableSampler") ---- */

/*
 * A composable sampler says from which threshold on it would keep the span, and whether the
 * threshold is also what the span counts for; samplers put together of such ones stay consistent.
 * cleat_sampler_composite() decides: sampled when threshold <= randomness. It writes `ot=th:` into
 * the tracestate of a sampled span when the threshold is reliable, and else removes it.
 */
#define CLEAT_THRESHOLD_ALWAYS UINT64_C(0)
#define CLEAT_THRESHOLD_NEVER  UINT64_MAX /* no threshold: not sampled; so is any of 2^56 and above */

#define CLEAT_SAMPLING_INTENT_LISTS 8
typedef struct cleat_sampling_intent {
    uint64_t threshold; /* CLEAT_THRESHOLD_NEVER at first */
    bool is_reliable;   /* spans of this threshold stand for 2^56 / (2^56 - threshold) each */
    /* Beyond the specification: decide by this randomness, and give it to the new trace (`ot=rv:`).
     * Only for root spans whose tracestate has none. */
    bool sets_randomness;
    uint64_t randomness; /* 56 bits */
    /* Lists of attributes for a sampled span; of equal keys the last wins, and of several lists
     * CLEAT_SAMPLING_STORAGE attributes at most are used. */
    struct {
        const cleat_attribute *attributes; /* must stay valid until the span has started */
        size_t count;
    } lists[CLEAT_SAMPLING_INTENT_LISTS];
    size_t list_count;
    /* May be NULL; changes the tracestate of the context, which is the parent's, on both decisions.
     * The member `ot` is taken care of behind it. */
    void (*update_trace_state)(void *user_data, const cleat_sampling_arguments *arguments,
                               cleat_span_context *context);
    void *user_data;
} cleat_sampling_intent;

/* Users embed this struct first; the rules are those of cleat_sampler. */
typedef struct cleat_composable_sampler cleat_composable_sampler;
struct cleat_composable_sampler {
    void (*get_intent)(cleat_composable_sampler *self, const cleat_sampling_arguments *arguments,
                       cleat_sampling_intent *intent);
    const char *(*description)(cleat_composable_sampler *self);
    void (*free)(cleat_composable_sampler *self);
};

/* `root` NULL: always on. */
CLEAT_API cleat_sampler *cleat_sampler_composite(cleat_composable_sampler *root);

/* Static. Specification: "ComposableAlwaysOn", "ComposableAlwaysOff". */
CLEAT_API cleat_composable_sampler *cleat_composable_always_on(void);
CLEAT_API cleat_composable_sampler *cleat_composable_always_off(void);
/* The threshold of cleat_sampler_ratio(). Specification: "ComposableTraceIDRatioBased", of late
 * "ComposableProbability". */
CLEAT_API cleat_composable_sampler *cleat_composable_ratio(double ratio);
/*
 * The threshold of the parent; without one, what its sampled flag says, unreliably. Asks `root`
 * (NULL: always on) where there is no parent. Specification: "ComposableParentThreshold".
 */
CLEAT_API cleat_composable_sampler *cleat_composable_parent_threshold(cleat_composable_sampler *root);
/* The same for root spans with links, by the rules of cleat_sampler_link_based(). */
CLEAT_API cleat_composable_sampler *cleat_composable_link_threshold(cleat_composable_sampler *root);
/*
 * Adds attributes, which are copied, to what `inner` (NULL: always on) keeps. Specification:
 * "ComposableAnnotating".
 */
CLEAT_API cleat_composable_sampler *cleat_composable_annotating(const cleat_attribute *attributes,
                                                                size_t count,
                                                                cleat_composable_sampler *inner);
/*
 * Asks the sampler of the first rule that matches; where none does, the span is not sampled.
 * `matches` is called from any thread; NULL matches every span. Rules are copied, their names too;
 * their samplers are consumed (NULL: always off). Specification: "ComposableRuleBased".
 */
typedef struct cleat_sampling_rule {
    const char *name; /* for the description; may be NULL */
    bool (*matches)(void *user_data, const cleat_sampling_arguments *arguments);
    void *user_data;
    cleat_composable_sampler *sampler;
} cleat_sampling_rule;
CLEAT_API cleat_composable_sampler *cleat_composable_rule_based(const cleat_sampling_rule *rules,
                                                                size_t count);

#ifdef __cplusplus
}
#endif
#endif
