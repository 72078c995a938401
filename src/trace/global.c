/*
 * The global provider, and the tracers of cleat_tracer_get(), which follow it: setting the global
 * provider points each of them to a tracer of that provider, so that starting a span costs one load
 * more than with a tracer of the provider itself.
 */
#include "base/alloc.h"
#include "base/process.h"
#include "provider.h"
#include "instrumentation_scope.h"
#include "tracer.h"

/* Taken before the mutex of a provider, never the other way round. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static cleat__map proxies; /* by scope; under the mutex; they live as long as the process */
static _Atomic(cleat_tracer_provider *) global; /* changed under the mutex */

CLEAT__FORK_HOOK(CLEAT__FORK_GLOBAL, mutex, NULL);

static void point(cleat_tracer *proxy, cleat_tracer_provider *provider)
{
    cleat_tracer *real = provider != NULL ? cleat__provider_tracer(provider, proxy->scope) : NULL;
    atomic_store_explicit(&proxy->delegate, real, memory_order_release);
}

/* The mutex is held. */
static cleat_tracer *proxy_of(const cleat_instrumentation_scope *scope)
{
    cleat_tracer *proxy = cleat__map_get(&proxies, cleat__tracer_key(&scope));
    if (proxy != NULL) {
        return proxy;
    }
    proxy = cleat__tracer_new(NULL, scope);
    if (proxy == NULL) {
        return NULL;
    }
    if (cleat__map_put(&proxies, cleat__tracer_key(&proxy->scope), proxy) != CLEAT_OK) {
        cleat__free(proxy);
        return NULL;
    }
    point(proxy, atomic_load_explicit(&global, memory_order_relaxed));
    return proxy;
}

cleat_tracer *cleat_tracer_get(const char *name, const char *version)
{
    const cleat_instrumentation_scope like = {
        .name = cleat_slice_of(name),
        .version = cleat_slice_of(version),
    };
    const cleat_instrumentation_scope *scope = cleat__scope_intern(&like);
    if (scope == NULL) {
        return cleat__tracer_none();
    }
    pthread_mutex_lock(&mutex);
    cleat_tracer *proxy = proxy_of(scope);
    pthread_mutex_unlock(&mutex);
    return proxy != NULL ? proxy : cleat__tracer_none();
}

/* The mutex is held. */
static void set_global(cleat_tracer_provider *provider)
{
    atomic_store_explicit(&global, provider, memory_order_release);
    size_t cursor = 0;
    for (cleat_tracer *proxy; (proxy = cleat__map_next(&proxies, &cursor)) != NULL;) {
        point(proxy, provider);
    }
}

void cleat_tracer_provider_set_global(cleat_tracer_provider *provider)
{
    pthread_mutex_lock(&mutex);
    set_global(provider);
    pthread_mutex_unlock(&mutex);
}

cleat_tracer_provider *cleat_tracer_provider_global(void)
{
    return atomic_load_explicit(&global, memory_order_acquire);
}

void cleat__global_forget(cleat_tracer_provider *provider)
{
    pthread_mutex_lock(&mutex);
    if (atomic_load_explicit(&global, memory_order_relaxed) == provider) {
        set_global(NULL);
    }
    pthread_mutex_unlock(&mutex);
}
