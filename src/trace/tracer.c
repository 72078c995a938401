#include "tracer.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/options.h"
#include "provider.h"
#include "instrumentation_scope.h"
#include "visit.h"

#include <stdatomic.h>

cleat_tracer *cleat__tracer_none(void)
{
    static cleat_tracer none;
    return &none;
}

cleat_tracer *cleat__tracer_new(cleat_tracer_provider *provider, const cleat_instrumentation_scope *scope)
{
    cleat_tracer *tracer = cleat__calloc(1, sizeof(*tracer));
    if (tracer == NULL) {
        cleat__fail_memory();
        return NULL;
    }
    tracer->provider = provider;
    tracer->scope = scope;
    atomic_init(&tracer->delegate, provider != NULL ? tracer : NULL);
    return tracer;
}

cleat_slice cleat__tracer_key(const cleat_instrumentation_scope *const *scope)
{
    return (cleat_slice){(const char *)scope, sizeof(*scope)};
}

static bool is_enabled(const cleat_tracer *tracer)
{
    const cleat_tracer *real = atomic_load_explicit(&tracer->delegate, memory_order_acquire);
    return real != NULL && atomic_load_explicit(&real->provider->makes_spans, memory_order_relaxed) &&
           cleat__provider_processors(real->provider) != 0;
}

bool cleat_tracer_enabled(const cleat_tracer *tracer)
{
    if (tracer == NULL || atomic_load_explicit(&tracer->delegate, memory_order_relaxed) == NULL) {
        return false;
    }
    cleat__local *local = cleat__local_get();
    if (local == NULL) {
        return false; /* no memory for a span either */
    }
    cleat__visit_begin(local);
    bool enabled = is_enabled(tracer);
    cleat__visit_end(local);
    return enabled;
}

cleat_tracer *cleat__provider_tracer(cleat_tracer_provider *provider,
                                     const cleat_instrumentation_scope *scope)
{
    pthread_mutex_lock(&provider->mutex);
    cleat_tracer *tracer = cleat__map_get(&provider->tracers, cleat__tracer_key(&scope));
    if (tracer == NULL) {
        tracer = cleat__tracer_new(provider, scope);
        if (tracer != NULL &&
            cleat__map_put(&provider->tracers, cleat__tracer_key(&tracer->scope), tracer) != CLEAT_OK) {
            cleat__free(tracer);
            tracer = NULL;
        }
    }
    pthread_mutex_unlock(&provider->mutex);
    return tracer;
}

cleat_tracer *cleat_tracer_provider_get_tracer(cleat_tracer_provider *provider, const char *name,
                                               const cleat_tracer_options *options)
{
    if (provider == NULL) {
        return cleat__tracer_none();
    }
    cleat_tracer_options given;
    cleat__options_copy(&given, options, sizeof(given));
    const cleat_instrumentation_scope like = {
        .name = cleat_slice_of(name),
        .version = cleat_slice_of(given.version),
        .schema_url = cleat_slice_of(given.schema_url),
        .attributes = given.attributes,
        .attribute_count = given.attribute_count,
    };
    const cleat_instrumentation_scope *scope = cleat__scope_intern(&like);
    cleat_tracer *tracer = scope != NULL ? cleat__provider_tracer(provider, scope) : NULL;
    return tracer != NULL ? tracer : cleat__tracer_none();
}
