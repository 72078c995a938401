#include "internal_traces.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/env.h"
#include "base/error.h"
#include "collector/forward.h"

#include <cleat/propagation.h>

struct cleat__internal_traces {
    cleat_tracer_provider *provider;
    cleat_tracer *tracer;
};

/* ---- Its exporter ---- */

static cleat_status make_exporter(const cleat__internal_traces_options *options, cleat_span_exporter **out)
{
    cleat_otlp_header header = {NULL, NULL};
    char *endpoint = cleat__forward_endpoint(options->url);
    char *text = cleat__strdup(options->header != NULL ? options->header : "");
    cleat_status status = endpoint != NULL && text != NULL ? CLEAT_OK : cleat__fail_memory();
    if (status == CLEAT_OK && options->header != NULL) {
        status = cleat__forward_header_read(text, &header);
    }
    if (status == CLEAT_OK) {
        status =
            cleat_otlp_http_exporter_new(CLEAT_OTLP_EXPORTER_OPTIONS(.endpoint = endpoint, .headers = &header,
                                                                     .header_count = options->header != NULL),
                                         out);
    }
    cleat__free(endpoint);
    cleat__free(text);
    return status;
}

static cleat_status add_exporter(cleat__internal_traces *self, const cleat__internal_traces_options *options)
{
    cleat_span_exporter *exporter = NULL;
    cleat_span_processor *processor = NULL;
    cleat_status status = make_exporter(options, &exporter);
    if (status == CLEAT_OK) {
        status = cleat_batch_processor_new(exporter, NULL, &processor);
    }
    return status == CLEAT_OK ? cleat_tracer_provider_add_processor(self->provider, processor) : status;
}

/* ---- Its provider ---- */

/* The arguments of the process, which may have the header, are not in it. */
static cleat_status make_resource(const char *service_name, cleat_resource **out)
{
    bool is_named = service_name != NULL || cleat__env_get("OTEL_SERVICE_NAME").size == 0;
    const cleat_attribute name =
        cleat_attribute_string("service.name", service_name != NULL ? service_name : "cleat");
    return cleat_resource_detect(CLEAT_RESOURCE_OPTIONS(.attributes = &name, .attribute_count = is_named),
                                 out);
}

static cleat_status make_provider(cleat__internal_traces *self, const cleat__internal_traces_options *options)
{
    cleat_resource *resource = NULL;
    cleat_status status = make_resource(options->service_name, &resource);
    if (status == CLEAT_OK) {
        cleat_sampler *sampler = cleat_sampler_ratio(options->ratio);
        status = sampler != NULL
                     ? cleat_tracer_provider_new(
                           CLEAT_TRACER_PROVIDER_OPTIONS(.resource = resource, .sampler = sampler),
                           &self->provider)
                     : cleat__fail_memory();
    }
    cleat_resource_release(resource);
    return status;
}

cleat_status cleat__internal_traces_new(const cleat__internal_traces_options *options,
                                        cleat__internal_traces **out)
{
    *out = NULL;
    if (!(options->ratio >= 0 && options->ratio <= 1)) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "the ratio of the internal traces must be 0 to 1");
    }
    cleat__internal_traces *self = cleat__calloc(1, sizeof(*self));
    if (self == NULL) {
        return cleat__fail_memory();
    }
    cleat_status status = make_provider(self, options);
    if (status == CLEAT_OK) {
        status = add_exporter(self, options);
    }
    if (status != CLEAT_OK) {
        cleat_tracer_provider_free(self->provider);
        cleat__free(self);
        return status;
    }
    self->tracer = cleat_tracer_provider_get_tracer(self->provider, "cleat.server",
                                                    CLEAT_TRACER_OPTIONS(.version = cleat_version()));
    *out = self;
    return CLEAT_OK;
}

cleat_tracer *cleat__internal_traces_tracer(cleat__internal_traces *traces)
{
    return traces != NULL ? traces->tracer : NULL;
}

void cleat__internal_traces_free(cleat__internal_traces *traces, int64_t timeout_ms)
{
    if (traces != NULL) {
        (void)cleat_tracer_provider_shutdown(traces->provider, timeout_ms);
        cleat_tracer_provider_free(traces->provider);
        cleat__free(traces);
    }
}

bool cleat__caller_context_read(cleat_slice traceparent, cleat_slice tracestate, cleat_span_context *out)
{
    if (traceparent.size == 0 || cleat_traceparent_parse(traceparent, out) != CLEAT_OK) {
        return false;
    }
    if (tracestate.size != 0) {
        (void)cleat_trace_state_parse(out, tracestate); /* a malformed one is left empty */
    }
    return true;
}
