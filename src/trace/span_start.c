/* How a span begins: who its parent is, its ids, whether it is sampled, what it starts with. */
#include "base/options.h"
#include "base/random_thread.h"
#include "context.h"
#include "provider.h"
#include "random_ids.h"
#include "record.h"
#include "sampler.h"
#include "span.h"
#include "span_counts.h"
#include "span_pool.h"
#include "tracer.h"
#include "visit.h"

static const cleat_span no_span = {NULL, 0};

static bool is_zero(const void *bytes, size_t size)
{
    uint64_t word = 0, all = 0;
    for (size_t at = 0; at < size; at += sizeof(word)) {
        memcpy(&word, (const uint8_t *)bytes + at, sizeof(word));
        all |= word;
    }
    return all == 0;
}

static bool has_parent(const cleat_span_context *parent)
{
    return !is_zero(&parent->trace_id, sizeof(parent->trace_id)) &&
           !is_zero(&parent->span_id, sizeof(parent->span_id));
}

/* Makes the span live: from here on other threads may come through the handle. */
static cleat_span publish(cleat__span *span, uint64_t recording)
{
    uint64_t last = atomic_load_explicit(&span->generation, memory_order_relaxed);
    uint64_t generation = (last + CLEAT__SPAN_GENERATION_STEP) | CLEAT__SPAN_IS_LIVE | recording;
    atomic_store_explicit(&span->generation, generation, memory_order_release);
    return (cleat_span){span, generation};
}

/* Without an SDK there is nobody to make ids: the span is its parent once more. */
static cleat_span start_without_sdk(const cleat_span_context *parent)
{
    cleat__local *local = has_parent(parent) ? cleat__local_get() : NULL;
    cleat__span *span = local != NULL ? cleat__span_pool_take(local) : NULL;
    if (span == NULL) {
        return no_span;
    }
    cleat__copy_context(&span->context, parent);
    return publish(span, 0);
}

/*
 * What a start works with: what the caller left out is filled in. The arguments of the sampler are
 * part of it, since putting them together again for each span would cost more than most samplers.
 */
typedef struct span_start {
    cleat__local *local;        /* of this thread */
    const cleat_tracer *tracer; /* of an SDK */
    const cleat_span_options *options;
    cleat_sampling_arguments sampling;
} span_start;

/* Trace ids are kept in two registers on their way to both places: loading 16 bytes at once that
 * were just stored in halves stalls the processor. */
static inline void make_random_ids(span_start *start, cleat_span_context *context, bool is_root)
{
    cleat__random *random = cleat__random_own();
    uint64_t halves[2], span_id = cleat__random_non_zero(random);
    if (is_root) {
        halves[0] = cleat__random_next(random);
        halves[1] = cleat__random_non_zero(random);
    } else {
        memcpy(halves, &start->sampling.parent_span_context->trace_id, sizeof(halves));
    }
    memcpy(&context->span_id, &span_id, sizeof(span_id));
    memcpy(&context->trace_id, halves, sizeof(halves));
    memcpy(&start->sampling.trace_id, halves, sizeof(halves));
}

/* The trace id goes to the sampler's arguments too. */
static void make_ids(span_start *start, cleat_span_context *context)
{
    const cleat_id_generator *ids = &start->tracer->provider->ids;
    const cleat_span_context *parent = start->sampling.parent_span_context;
    bool is_root = !has_parent(parent);
    context->is_remote = false;
    context->trace_flags =
        is_root ? ids->random ? CLEAT_TRACE_FLAG_RANDOM : 0 : parent->trace_flags & CLEAT_TRACE_FLAG_RANDOM;
    if (ids->trace_id == cleat__random_ids.trace_id && ids->span_id == cleat__random_ids.span_id) {
        make_random_ids(start, context, is_root);
        return;
    }
    context->trace_id = parent->trace_id;
    if (is_root) {
        ids->trace_id(ids->user_data, &context->trace_id);
    }
    ids->span_id(ids->user_data, &context->span_id);
    start->sampling.trace_id = context->trace_id;
}

/* What somebody wrote into a context by hand may be anything; a record takes UTF-8 only, and the field is
 * ASCII. */
static void take_trace_state(cleat_span_context *context, cleat_slice text)
{
    bool is_usable = text.size <= CLEAT_TRACE_STATE_MAX && cleat__text_is_ascii(text.data, text.size);
    cleat__set_trace_state(context, is_usable ? text : (cleat_slice){NULL, 0});
}

static cleat_span_kind kind_of(const cleat_span_options *options)
{
    bool is_known = options->kind > CLEAT_SPAN_KIND_DEFAULT && options->kind <= CLEAT_SPAN_KIND_CONSUMER;
    return is_known ? options->kind : CLEAT_SPAN_KIND_INTERNAL;
}

static void sample(const span_start *start, cleat_sampling_result *result)
{
    memset(result, 0,
           offsetof(cleat_sampling_result, trace_state_of) + offsetof(cleat_span_context, trace_state));
    cleat_sampler *sampler = start->tracer->provider->sampler;
    sampler->should_sample(sampler, &start->sampling, result);
}

static void fill(cleat__span *span, const span_start *start, const cleat_sampling_result *result)
{
    const cleat_span_context *parent = start->sampling.parent_span_context;
    const cleat_tracer_provider *provider = start->tracer->provider;
    span->tracer = start->tracer;
    span->kind = (uint8_t)start->sampling.kind;
    span->parent_span_id = parent->span_id;
    span->flags = span->context.trace_flags | (uint32_t)CLEAT__FLAG_HAS_IS_REMOTE |
                  (parent->is_remote ? CLEAT__FLAG_IS_REMOTE : 0u);
    span->is_anchored = start->options->start_time_ns <= 0;
    if (span->is_anchored) {
        cleat__span_clock_read(&provider->clock, &span->start_unix_ns, &span->start_monotonic_ns);
    } else {
        span->start_unix_ns = start->options->start_time_ns;
    }
    cleat__span_put_name(span, start->sampling.name);
    if (start->sampling.attribute_count != 0) {
        cleat__attribute_set_put_all(&span->attributes, start->sampling.attributes,
                                     start->sampling.attribute_count, &provider->limits.span);
    }
    if (result->attribute_count != 0) {
        cleat__attribute_set_put_all(&span->attributes, result->attributes, result->attribute_count,
                                     &provider->limits.span);
    }
    for (size_t i = 0; i < start->sampling.link_count; i++) {
        cleat__span_put_link(span, &start->sampling.links[i]);
    }
}

static void notify_start(const span_start *start, cleat_span span)
{
    const cleat_tracer_provider *provider = start->tracer->provider;
    unsigned count = cleat__provider_processors(provider);
    for (unsigned i = 0; i < count; i++) {
        cleat_span_processor *processor = provider->processors[i];
        if (processor->on_start != NULL) {
            processor->on_start(processor, span, start->sampling.parent);
        }
    }
}

static cleat_span start_with_sdk(span_start *start)
{
    cleat__local *local = start->local;
    cleat__span *span = cleat__span_pool_take(local);
    if (span == NULL) {
        cleat__count_lost_start(start->tracer->provider);
        return no_span;
    }
    make_ids(start, &span->context);
    cleat_sampling_result result;
    sample(start, &result);
    take_trace_state(&span->context, result.sets_trace_state
                                         ? (cleat_slice){result.trace_state_of.trace_state,
                                                         result.trace_state_of.trace_state_size}
                                         : start->sampling.trace_state);
    if (result.decision == CLEAT_SAMPLING_DROP) {
        cleat__count_one(start->tracer->provider, local, CLEAT__COUNT_NOT_SAMPLED);
        return publish(span, 0);
    }
    if (result.decision == CLEAT_SAMPLING_RECORD_AND_SAMPLE) {
        span->context.trace_flags |= CLEAT_TRACE_FLAG_SAMPLED;
    }
    cleat__count_one(start->tracer->provider, local, CLEAT__COUNT_STARTED);
    fill(span, start, &result);
    cleat_span handle = publish(span, CLEAT__SPAN_IS_RECORDING);
    if ((atomic_load_explicit(&start->tracer->provider->hooks, memory_order_relaxed) &
         CLEAT__HOOK_ON_START) != 0) {
        notify_start(start, handle);
    }
    return handle;
}

/* What the sampler would say without looking at more than this. */
static bool is_dropped(const span_start *start, bool is_child)
{
    const cleat_span_context *parent = start->sampling.parent_span_context;
    unsigned which = CLEAT__NO_PARENT;
    if (is_child) {
        which = (cleat__context_is_sampled(parent) ? CLEAT__PARENT_SAMPLED : 0u) |
                (parent->is_remote ? 0u : CLEAT__PARENT_LOCAL);
    }
    return (start->tracer->provider->drops & 1u << which) != 0 &&
           (is_child || start->sampling.trace_state.size == 0);
}

static cleat_span start_dropped(span_start *start)
{
    cleat__local *local = start->local;
    cleat__span *span = cleat__span_pool_take(local);
    if (span == NULL) {
        cleat__count_lost_start(start->tracer->provider);
        return no_span;
    }
    make_ids(start, &span->context);
    take_trace_state(&span->context, start->sampling.trace_state);
    cleat__count_one(start->tracer->provider, local, CLEAT__COUNT_NOT_SAMPLED);
    return publish(span, 0);
}

/* Options made for an older, shorter struct. */
static const cleat_span_options *complete_options(const cleat_span_options *from, cleat_span_options *copy)
{
    static const cleat_span_options defaults = {.struct_size = sizeof(defaults)};
    if (from == NULL) {
        return &defaults;
    }
    if (from->struct_size >= sizeof(*from) || from->struct_size == 0) {
        return from;
    }
    cleat__options_copy(copy, from, sizeof(*copy));
    return copy;
}

static void set_arguments(span_start *start, const char *name)
{
    const cleat_span_options *options = start->options;
    cleat_sampling_arguments *sampling = &start->sampling;
    sampling->name = cleat_slice_of(name);
    sampling->kind = kind_of(options);
    sampling->attributes = options->attributes;
    sampling->attribute_count = options->attributes != NULL ? options->attribute_count : 0;
    sampling->links = options->links;
    sampling->link_count = options->links != NULL ? options->link_count : 0;
}

/* Inside a visit: the tracer and its provider stay. */
static cleat_span start_inside(span_start *start, const cleat_span_context *parent, const char *name)
{
    const cleat_span_options *options = start->options;
    bool is_child = has_parent(parent);
    start->sampling.parent_span_context =
        is_child ? parent : &cleat__no_span_context; /* half a context is none */
    start->sampling.trace_state =
        is_child ? (cleat_slice){parent->trace_state, parent->trace_state_size} : options->trace_state;
    if (is_dropped(start, is_child)) {
        return start_dropped(start);
    }
    set_arguments(start, name);
    if (is_child || options->trace_state.size == 0) {
        return start_with_sdk(start);
    }
    cleat_span_context given = cleat__no_span_context;
    cleat_trace_state_parse(&given, options->trace_state); /* empty when it is malformed */
    start->sampling.trace_state = (cleat_slice){given.trace_state, given.trace_state_size};
    return start_with_sdk(start);
}

/* The tracer that does the work; NULL: none does. */
static cleat_tracer *working_tracer(const cleat_tracer *tracer)
{
    cleat_tracer *real = atomic_load_explicit(&tracer->delegate, memory_order_acquire);
    bool works = real != NULL && atomic_load_explicit(&real->provider->makes_spans, memory_order_relaxed);
    return works ? real : NULL;
}

static cleat_span lose_start(const cleat_tracer *tracer)
{
    const cleat_tracer *real = working_tracer(tracer);
    if (real != NULL) {
        cleat__count_lost_start(real->provider);
    }
    return no_span;
}

cleat_span cleat_span_start(cleat_tracer *tracer, const char *name, const cleat_span_options *options)
{
    if (tracer == NULL) {
        return no_span;
    }
    cleat_span_options copy;
    span_start start; /* filled member by member: clearing it first would cost as much again */
    start.options = complete_options(options, &copy);
    start.sampling.parent = start.options->root             ? NULL
                            : start.options->parent != NULL ? start.options->parent
                                                            : cleat__context_current();
    const cleat_span_context *parent = cleat__context_span_context(start.sampling.parent);
    if (atomic_load_explicit(&tracer->delegate, memory_order_relaxed) == NULL) {
        return start_without_sdk(parent);
    }
    start.local = cleat__local_get();
    if (start.local == NULL) {
        return lose_start(tracer);
    }
    cleat__visit_begin(start.local);
    start.tracer = working_tracer(tracer);
    cleat_span span = start.tracer != NULL ? start_inside(&start, parent, name) : start_without_sdk(parent);
    cleat__visit_end(start.local);
    return span;
}
