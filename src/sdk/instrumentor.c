#include "sdk/instrumentor.h"

#include "base/alloc.h"
#include "base/error.h"
#include "sdk/options.h"
#include "trace/sampler.h"

#define FREE_TIMEOUT_MS 5000

/* ---- Sampling that does not follow links ---- */

/* Asks another sampler and shows it no links. */
typedef struct linkless_sampler {
    cleat_sampler base; /* first */
    cleat_sampler *inner;
} linkless_sampler;

static void linkless_should_sample(cleat_sampler *self, const cleat_sampling_arguments *arguments,
                                   cleat_sampling_result *result)
{
    cleat_sampler *inner = ((linkless_sampler *)self)->inner;
    cleat_sampling_arguments shown = *arguments;
    shown.links = NULL;
    shown.link_count = 0;
    inner->should_sample(inner, &shown, result);
}

static const char *linkless_description(cleat_sampler *self)
{
    cleat_sampler *inner = ((linkless_sampler *)self)->inner;
    return inner->description(inner);
}

static void linkless_free(cleat_sampler *self)
{
    cleat_sampler *inner = ((linkless_sampler *)self)->inner;
    if (inner->free != NULL) {
        inner->free(inner);
    }
    cleat__free(self);
}

/* NULL: the provider's own default, which follows links. */
static cleat_status make_sampler(const cleat__instrumentor_settings *settings, cleat_sampler **out)
{
    *out = NULL;
    if (settings->sampling_across_links) {
        return CLEAT_OK;
    }
    cleat_sampler *inner = cleat__sampler_from_environment();
    linkless_sampler *sampler = inner != NULL ? cleat__calloc(1, sizeof *sampler) : NULL;
    if (sampler == NULL) {
        if (inner != NULL && inner->free != NULL) {
            inner->free(inner);
        }
        return cleat__fail_memory();
    }
    sampler->base = (cleat_sampler){linkless_should_sample, linkless_description, linkless_free};
    sampler->inner = inner;
    *out = &sampler->base;
    return CLEAT_OK;
}

/* ---- Provider and processors ---- */

static cleat_status use_provider(cleat_instrumentor *instrumentor, cleat_tracer_provider *provider)
{
    cleat_sampler *sampler = NULL;
    if (provider != NULL) {
        instrumentor->provider = provider;
        return CLEAT_OK;
    }
    cleat_status status = make_sampler(&instrumentor->settings, &sampler);
    if (status == CLEAT_OK) {
        status = cleat_tracer_provider_new(CLEAT_TRACER_PROVIDER_OPTIONS(.sampler = sampler),
                                           &instrumentor->provider);
    }
    instrumentor->owns_provider = status == CLEAT_OK;
    return status;
}

static cleat_status add_attribute_processor(cleat_instrumentor *instrumentor)
{
    cleat_span_processor *processor = NULL;
    cleat_status status = cleat__attribute_processor_new(&processor);
    return status == CLEAT_OK ? cleat_tracer_provider_add_processor(instrumentor->provider, processor)
                              : status;
}

static cleat_status add_collector(cleat_instrumentor *instrumentor)
{
    cleat_span_exporter *exporter = NULL;
    cleat_span_processor *processor = NULL;
    cleat_status status = cleat__client_exporter_new(instrumentor->client, &exporter, &instrumentor->link);
    if (status == CLEAT_OK) {
        status = cleat_batch_processor_new(exporter, &instrumentor->settings.batch, &processor);
    }
    if (status == CLEAT_OK) {
        status = cleat_tracer_provider_add_processor(instrumentor->provider, processor);
    }
    return status;
}

static cleat_status set_up(cleat_instrumentor *instrumentor, const cleat_instrumentor_options *options)
{
    cleat_status status = cleat__instrumentor_settings_init(&instrumentor->settings, options);
    if (status == CLEAT_OK) {
        status = use_provider(instrumentor, options->provider);
    }
    if (status == CLEAT_OK) {
        status = add_attribute_processor(instrumentor);
    }
    if (status == CLEAT_OK && instrumentor->settings.collector) {
        status = add_collector(instrumentor);
    }
    if (status != CLEAT_OK) {
        return status;
    }
    instrumentor->tracer = cleat_tracer_provider_get_tracer(instrumentor->provider, "cleat",
                                                            CLEAT_TRACER_OPTIONS(.version = cleat_version()));
    const cleat_interceptor interceptor = {
        .struct_size = sizeof interceptor,
        .user_data = instrumentor,
        .trigger = cleat__instrumentor_trigger,
        .execute = cleat__instrumentor_execute,
        .cancel = cleat__instrumentor_cancel,
        .push = cleat__instrumentor_push,
        .schedule = cleat__instrumentor_schedule,
        .step = cleat__instrumentor_step,
        .wait = cleat__instrumentor_wait,
        .suspend = cleat__instrumentor_suspend,
        .resume = cleat__instrumentor_resume,
        .execute_batch = cleat__instrumentor_execute_batch,
    };
    return cleat_client_add_interceptor(instrumentor->client, &interceptor);
}

/* For requests that the client makes over HTTP; NULL: they are nobody's any more. */
static void give_tracer(const cleat_client *client, cleat_tracer_provider *provider)
{
    cleat__transport *transport = client->transport;
    if (transport->set_tracer != NULL) {
        transport->set_tracer(
            transport, provider != NULL
                           ? cleat_tracer_provider_get_tracer(
                                 provider, "cleat.http", CLEAT_TRACER_OPTIONS(.version = cleat_version()))
                           : NULL);
    }
}

cleat_status cleat_instrumentor_new(cleat_client *client, const cleat_instrumentor_options *options,
                                    cleat_instrumentor **out)
{
    cleat_instrumentor_options known;
    if (client == NULL || out == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s is NULL", client == NULL ? "client" : "out");
    }
    *out = NULL;
    cleat_status status = cleat__options_read("CLEAT_INSTRUMENTOR_OPTIONS", options, &known, sizeof known);
    if (status != CLEAT_OK) {
        return status;
    }
    if (cleat__client_interceptor(client, cleat__instrumentor_trigger) != NULL) {
        return cleat__fail(CLEAT_ALREADY_EXISTS, "this client has an instrumentor already");
    }
    cleat_instrumentor *instrumentor = cleat__calloc(1, sizeof *instrumentor);
    if (instrumentor == NULL) {
        return cleat__fail_memory();
    }
    instrumentor->client = client;
    cleat__ledger_init(&instrumentor->ledger);
    status = set_up(instrumentor, &known);
    if (status != CLEAT_OK) {
        cleat_instrumentor_free(instrumentor);
        return status;
    }
    give_tracer(client, instrumentor->provider);
    *out = instrumentor;
    return CLEAT_OK;
}

cleat_status cleat_instrumentor_flush(cleat_instrumentor *instrumentor, int64_t timeout_ms)
{
    if (instrumentor == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "instrumentor is NULL");
    }
    return cleat_tracer_provider_force_flush(instrumentor->provider, timeout_ms);
}

/* A provider of the user's goes on; only its way to the collector is cut. */
void cleat_instrumentor_free(cleat_instrumentor *instrumentor)
{
    if (instrumentor == NULL) {
        return;
    }
    cleat__client_remove_interceptor(instrumentor->client, cleat__instrumentor_trigger);
    give_tracer(instrumentor->client, NULL);
    if (instrumentor->owns_provider) {
        cleat_tracer_provider_free(instrumentor->provider);
    } else if (instrumentor->link != NULL) {
        (void)cleat_tracer_provider_force_flush(instrumentor->provider, FREE_TIMEOUT_MS);
    }
    cleat__exporter_link_detach(instrumentor->link);
    cleat__instrumentor_settings_deinit(&instrumentor->settings);
    cleat__ledger_deinit(&instrumentor->ledger);
    cleat__free(instrumentor);
}

cleat_tracer_provider *cleat_instrumentor_provider(cleat_instrumentor *instrumentor)
{
    return instrumentor != NULL ? instrumentor->provider : NULL;
}
