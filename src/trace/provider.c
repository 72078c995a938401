#include "provider.h"

#include "base/alloc.h"
#include "base/env.h"
#include "base/error.h"
#include "base/log.h"
#include "base/options.h"
#include "base/thread.h"
#include "checked_ids.h"
#include "random_ids.h"
#include "resource_parts.h"
#include "sampler.h"
#include "span_pool.h"
#include "tracer.h"
#include "visit.h"

enum { FREE_TIMEOUT_MS = 5000 };

static void free_sampler(cleat_sampler *sampler)
{
    if (sampler != NULL && sampler->free != NULL) {
        sampler->free(sampler);
    }
}

static cleat_status check(const cleat_tracer_provider_options *options)
{
    const cleat_sampler *sampler = options->sampler;
    const cleat_id_generator *ids = options->id_generator;
    const cleat_clock *clock = options->clock;
    if (sampler != NULL && sampler->should_sample == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "the sampler has no should_sample");
    }
    if (ids != NULL && (ids->trace_id == NULL || ids->span_id == NULL)) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "the id generator needs both its functions");
    }
    if (clock != NULL && (clock->unix_ns == NULL || clock->monotonic_ns == NULL)) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "the clock needs both its functions");
    }
    return CLEAT_OK;
}

/* Takes the sampler out of the options at once: from then on provider_free() sees to it. */
static cleat_status init(cleat_tracer_provider *provider, const cleat_tracer_provider_options *options)
{
    provider->sampler = options->sampler != NULL ? options->sampler : cleat__sampler_from_environment();
    if (provider->sampler == NULL) {
        return cleat__fail_memory();
    }
    provider->drops = cleat__sampler_drops(provider->sampler);
    cleat_status status = options->resource != NULL
                              ? cleat__resource_over_environment(options->resource, &provider->resource)
                              : cleat_resource_default(&provider->resource);
    if (status != CLEAT_OK) {
        return status;
    }
    provider->ids = cleat__random_ids;
    if (options->id_generator != NULL) {
        provider->given_ids = *options->id_generator;
        provider->ids = cleat__checked_ids(&provider->given_ids);
    }
    cleat__span_clock_init(&provider->clock, options->clock);
    cleat__limits_resolve(&options->limits, &provider->limits);
    atomic_init(&provider->makes_spans, !cleat__env_bool("OTEL_SDK_DISABLED", false));
    return CLEAT_OK;
}

static void in_child(void *object, bool is_whole)
{
    cleat_tracer_provider *provider = object;
    (void)is_whole;
    cleat__account_reset(&provider->account);
}

/* So that no processor waits for the destination of another. */
static void before_shutdown(cleat_tracer_provider *provider)
{
    atomic_store_explicit(&provider->makes_spans, false, memory_order_release);
    for (unsigned i = 0; i < cleat__provider_processors(provider); i++) {
        cleat_span_processor *processor = provider->processors[i];
        if (processor->before_shutdown != NULL) {
            processor->before_shutdown(processor);
        }
    }
}

static void before_exit(void *object)
{
    cleat_tracer_provider *provider = object;
    pthread_mutex_lock(&provider->mutex);
    bool is_shut_down = provider->is_shut_down;
    pthread_mutex_unlock(&provider->mutex);
    if (!is_shut_down) {
        before_shutdown(provider);
    }
}

/* A program that exits without shutting down. Nothing is freed: other threads may still make spans. */
static void at_exit(void *object, int64_t deadline_ns)
{
    if (cleat_tracer_provider_shutdown(object, cleat__remaining_ms(deadline_ns)) == CLEAT_TIMEOUT) {
        cleat__log(CLEAT_LOG_WARN, "the process exits before all its spans are exported: %s",
                   cleat_error_message());
    }
}

static void watch_process(cleat_tracer_provider *provider)
{
    provider->fork_hook = (cleat__fork_hook){
        .rank = CLEAT__FORK_PROVIDER,
        .mutex = &provider->mutex,
        .child = in_child,
        .object = provider,
    };
    cleat__fork_register(&provider->fork_hook);
    provider->exit_hook = (cleat__exit_hook){.begin = before_exit, .run = at_exit, .object = provider};
    cleat__exit_register(&provider->exit_hook);
}

cleat_status cleat_tracer_provider_new(const cleat_tracer_provider_options *options,
                                       cleat_tracer_provider **out)
{
    cleat_tracer_provider_options given;
    cleat__options_copy(&given, options, sizeof(given));
    if (out == NULL) {
        free_sampler(given.sampler);
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "nowhere to put the tracer provider");
    }
    *out = NULL;
    cleat_status status = check(&given);
    if (status != CLEAT_OK) {
        free_sampler(given.sampler);
        return status;
    }
    cleat_tracer_provider *provider = cleat__calloc(1, sizeof(*provider));
    if (provider == NULL) {
        free_sampler(given.sampler);
        return cleat__fail_memory();
    }
    pthread_mutex_init(&provider->mutex, NULL);
    cleat__account_open(&provider->account);
    watch_process(provider);
    status = init(provider, &given);
    if (status != CLEAT_OK) {
        cleat_tracer_provider_free(provider);
        return status;
    }
    *out = provider;
    return CLEAT_OK;
}

static void free_tracers(cleat_tracer_provider *provider)
{
    size_t cursor = 0;
    for (void *tracer; (tracer = cleat__map_next(&provider->tracers, &cursor)) != NULL;) {
        cleat__free(tracer);
    }
    cleat__map_deinit(&provider->tracers);
}

static void free_processor(cleat_span_processor *processor)
{
    if (processor->free != NULL) {
        processor->free(processor);
    }
}

/* Starts that had begun are over, then no span is its any more, then ends that had begun are over. */
static bool leave_alone(cleat_tracer_provider *provider)
{
    int64_t deadline_ns = cleat__deadline_ns(FREE_TIMEOUT_MS);
    if (!cleat__visits_wait(deadline_ns)) {
        return false;
    }
    cleat__span_pool_orphan(provider);
    return cleat__visits_wait(deadline_ns);
}

void cleat_tracer_provider_free(cleat_tracer_provider *provider)
{
    if (provider == NULL) {
        return;
    }
    cleat__exit_unregister(&provider->exit_hook);
    cleat__global_forget(provider);
    pthread_mutex_lock(&provider->mutex);
    bool is_shut_down = provider->is_shut_down;
    pthread_mutex_unlock(&provider->mutex);
    if (!is_shut_down) {
        cleat_tracer_provider_shutdown(provider, FREE_TIMEOUT_MS);
    }
    if (!leave_alone(provider)) {
        cleat__log(CLEAT_LOG_WARN,
                   "a tracer provider is not freed: a thread is still inside a span's start or "
                   "end, or in a processor called there");
        return;
    }
    for (unsigned i = 0; i < cleat__provider_processors(provider); i++) {
        free_processor(provider->processors[i]);
    }
    free_tracers(provider);
    free_sampler(provider->sampler);
    cleat_resource_release(provider->resource);
    cleat__account_close(&provider->account);
    cleat__fork_unregister(&provider->fork_hook);
    pthread_mutex_destroy(&provider->mutex);
    cleat__free(provider);
}

/* ---- Processors ---- */

/* The mutex is held. */
static cleat_status append(cleat_tracer_provider *provider, cleat_span_processor *processor)
{
    unsigned count = cleat__provider_processors(provider);
    if (provider->is_shut_down) {
        return cleat__fail(CLEAT_FAILED_PRECONDITION, "the tracer provider has been shut down");
    }
    if (count == CLEAT__PROCESSORS_MAX) {
        return cleat__fail(CLEAT_RESOURCE_EXHAUSTED, "a tracer provider has at most %d processors",
                           CLEAT__PROCESSORS_MAX);
    }
    unsigned hooks = (processor->on_start != NULL ? CLEAT__HOOK_ON_START : 0u) |
                     (processor->on_ending != NULL ? CLEAT__HOOK_ON_ENDING : 0u);
    provider->processors[count] = processor;
    atomic_store_explicit(&provider->processor_count, count + 1, memory_order_release);
    atomic_fetch_or_explicit(&provider->hooks, hooks, memory_order_release);
    return CLEAT_OK;
}

cleat_status cleat_tracer_provider_add_processor(cleat_tracer_provider *provider,
                                                 cleat_span_processor *processor)
{
    if (processor == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "no span processor");
    }
    cleat_status status;
    if (provider == NULL) {
        status = cleat__fail(CLEAT_INVALID_ARGUMENT, "no tracer provider");
    } else {
        pthread_mutex_lock(&provider->mutex);
        status = append(provider, processor);
        pthread_mutex_unlock(&provider->mutex);
    }
    if (status != CLEAT_OK) {
        free_processor(processor);
    }
    return status;
}

/* Asks every processor, whatever the others answer; the first failure is the answer. */
static cleat_status for_each(cleat_tracer_provider *provider, int64_t timeout_ms, bool is_shutdown)
{
    int64_t deadline = cleat__deadline_ns(timeout_ms);
    cleat_status result = CLEAT_OK;
    for (unsigned i = 0; i < cleat__provider_processors(provider); i++) {
        cleat_span_processor *processor = provider->processors[i];
        cleat_status (*call)(cleat_span_processor *, int64_t) =
            is_shutdown ? processor->shutdown : processor->force_flush;
        if (call != NULL) {
            cleat_status status = call(processor, cleat__remaining_ms(deadline));
            result = result != CLEAT_OK ? result : status;
        }
    }
    return result;
}

cleat_status cleat_tracer_provider_force_flush(cleat_tracer_provider *provider, int64_t timeout_ms)
{
    if (provider == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "no tracer provider");
    }
    return for_each(provider, timeout_ms, false);
}

cleat_status cleat_tracer_provider_shutdown(cleat_tracer_provider *provider, int64_t timeout_ms)
{
    if (provider == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "no tracer provider");
    }
    pthread_mutex_lock(&provider->mutex);
    bool is_first = !provider->is_shut_down;
    provider->is_shut_down = true;
    pthread_mutex_unlock(&provider->mutex);
    if (!is_first) {
        return cleat__fail(CLEAT_FAILED_PRECONDITION, "the tracer provider has been shut down before");
    }
    int64_t deadline = cleat__deadline_ns(timeout_ms);
    before_shutdown(provider);
    return for_each(provider, cleat__remaining_ms(deadline), true);
}

/* ---- Counts ---- */

static void add_processor_stats(cleat_span_processor *processor, cleat_tracer_provider_stats *out)
{
    cleat_span_processor_stats stats = {0};
    if (processor->get_stats != NULL) {
        processor->get_stats(processor, &stats);
    }
    out->exported += stats.exported;
    out->failed += stats.failed;
    out->dropped_full += stats.dropped_full;
    out->dropped_ended += stats.dropped_ended;
    out->dropped_memory += stats.dropped_memory;
}

void cleat_tracer_provider_get_stats(cleat_tracer_provider *provider, cleat_tracer_provider_stats *out)
{
    uint64_t counts[CLEAT__COUNTS];
    if (out == NULL) {
        return;
    }
    *out = (cleat_tracer_provider_stats){0};
    if (provider == NULL) {
        return;
    }
    cleat__account_read(&provider->account, counts);
    out->started = counts[CLEAT__COUNT_STARTED];
    out->not_sampled = counts[CLEAT__COUNT_NOT_SAMPLED];
    out->ended = counts[CLEAT__COUNT_ENDED];
    out->dropped_memory = counts[CLEAT__COUNT_NO_MEMORY];
    out->attributes_dropped = counts[CLEAT__COUNT_ATTRIBUTES_DROPPED];
    out->events_dropped = counts[CLEAT__COUNT_EVENTS_DROPPED];
    out->links_dropped = counts[CLEAT__COUNT_LINKS_DROPPED];
    out->strings_repaired = counts[CLEAT__COUNT_STRINGS_REPAIRED];
    for (unsigned i = 0; i < cleat__provider_processors(provider); i++) {
        add_processor_stats(provider->processors[i], out);
    }
}
