#include "otlp_exporter.h"

void cleat__otlp_exporter_free(cleat_span_exporter *self)
{
    cleat__otlp_exporter *exporter = (cleat__otlp_exporter *)self;
    exporter->destroy(exporter);
}

cleat_status cleat__otlp_exporter_init(cleat__otlp_exporter *exporter, cleat__otlp_protocol protocol,
                                       const cleat_otlp_exporter_options *options,
                                       void (*destroy)(cleat__otlp_exporter *self))
{
    memset(exporter, 0, sizeof(*exporter));
    exporter->base.free = cleat__otlp_exporter_free;
    exporter->destroy = destroy;
    return cleat__otlp_settings_init(&exporter->settings, protocol, options);
}

void cleat__otlp_exporter_deinit(cleat__otlp_exporter *exporter)
{
    cleat__otlp_settings_deinit(&exporter->settings);
}

void cleat__otlp_reset_stats(cleat__otlp_exporter *exporter)
{
    atomic_uint_fast64_t *counters[] = {
        &exporter->stats.requests,       &exporter->stats.retries,        &exporter->stats.bytes_sent,
        &exporter->stats.spans_exported, &exporter->stats.spans_rejected, &exporter->stats.spans_failed,
    };
    for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++) {
        atomic_store_explicit(counters[i], 0, memory_order_relaxed);
    }
}

static uint64_t read_counter(const atomic_uint_fast64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void cleat_otlp_exporter_get_stats(cleat_span_exporter *exporter, cleat_otlp_exporter_stats *out)
{
    if (out == NULL) {
        return;
    }
    *out = (cleat_otlp_exporter_stats){0};
    if (exporter == NULL || exporter->free != cleat__otlp_exporter_free) {
        return;
    }
    const cleat__otlp_exporter *otlp = (const cleat__otlp_exporter *)exporter;
    *out = (cleat_otlp_exporter_stats){
        .requests = read_counter(&otlp->stats.requests),
        .retries = read_counter(&otlp->stats.retries),
        .bytes_sent = read_counter(&otlp->stats.bytes_sent),
        .spans_exported = read_counter(&otlp->stats.spans_exported),
        .spans_rejected = read_counter(&otlp->stats.spans_rejected),
        .spans_failed = read_counter(&otlp->stats.spans_failed),
    };
}
