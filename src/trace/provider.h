/* The inside of a tracer provider, for the span path. */
#ifndef CLEAT_TRACE_PROVIDER_H
#define CLEAT_TRACE_PROVIDER_H

#include "attribute_set.h"
#include "base/map.h"
#include "base/process.h"
#include "counts.h"
#include "span_clock.h"

#include <cleat/trace.h>
#include <pthread.h>
#include <stdatomic.h>

enum {
    CLEAT__PROCESSORS_MAX = 16,
    CLEAT__HOOK_ON_START = 1,
    CLEAT__HOOK_ON_ENDING = 2,
};

/* cleat_span_limits with every default filled in: plain numbers, CLEAT__NO_LIMIT where there is none. */
typedef struct cleat__limits {
    cleat__attribute_limits span, event, link;
    uint32_t events;
    uint32_t links;
} cleat__limits;

struct cleat_tracer_provider {
    /* Set when made, read by every span. */
    cleat_sampler *sampler;
    unsigned drops; /* cleat__sampler_drops() of it */
    cleat_resource *resource;
    cleat_id_generator ids;
    cleat_id_generator given_ids; /* what `ids` asks, where it is not random */
    cleat__span_clock clock;
    cleat__limits limits;

    /* Append-only: an entry is written before the count that makes it visible. */
    cleat_span_processor *processors[CLEAT__PROCESSORS_MAX];
    atomic_uint processor_count;
    atomic_uint hooks;       /* which of the optional callbacks any processor has */
    atomic_bool makes_spans; /* false: OTEL_SDK_DISABLED, or shut down */

    pthread_mutex_t mutex; /* guards what follows, and appending */
    cleat__map tracers;    /* by scope */
    bool is_shut_down;

    cleat__account account;
    cleat__fork_hook fork_hook;
    cleat__exit_hook exit_hook;
};

/* The provider's tracer for an interned scope; NULL on no memory. */
cleat_tracer *cleat__provider_tracer(cleat_tracer_provider *provider,
                                     const cleat_instrumentation_scope *scope);

/* What `options` and the environment say. */
void cleat__limits_resolve(const cleat_span_limits *options, cleat__limits *out);

static inline unsigned cleat__provider_processors(const cleat_tracer_provider *provider)
{
    return atomic_load_explicit(&provider->processor_count, memory_order_acquire);
}

#endif
