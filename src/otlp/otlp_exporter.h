/*
 * What every OTLP exporter begins with, whatever transport it has: so that their settings and
 * counters are read in one way.
 *
 * An exporter of this kind is known by its `base.free`, since a struct of somebody else may end
 * behind its cleat_span_exporter; what is to be freed besides is in `destroy`.
 */
#ifndef CLEAT_OTLP_OTLP_EXPORTER_H
#define CLEAT_OTLP_OTLP_EXPORTER_H

#include "settings.h"

#include <stdatomic.h>

typedef struct cleat__otlp_exporter cleat__otlp_exporter;
struct cleat__otlp_exporter {
    cleat_span_exporter base;                    /* its `free` is cleat__otlp_exporter_free */
    void (*destroy)(cleat__otlp_exporter *self); /* ends with cleat__otlp_exporter_deinit and frees */
    cleat__otlp_settings settings;               /* does not change */
    struct {                                     /* see cleat_otlp_exporter_stats */
        atomic_uint_fast64_t requests, retries, bytes_sent;
        atomic_uint_fast64_t spans_exported, spans_rejected, spans_failed;
    } stats;
    /* Shutting down: what fails is not tried again, unless there is a server that may take it later: over HTTP
     * one that has answered, over gRPC one that has asked for it. */
    atomic_bool is_ending;
};

/* Reads the settings; the rest of the struct is zero. On failure nothing needs to be freed. */
cleat_status cleat__otlp_exporter_init(cleat__otlp_exporter *exporter, cleat__otlp_protocol protocol,
                                       const cleat_otlp_exporter_options *options,
                                       void (*destroy)(cleat__otlp_exporter *self));
void cleat__otlp_exporter_deinit(cleat__otlp_exporter *exporter);

/* In a forked child, which counts from zero. */
void cleat__otlp_reset_stats(cleat__otlp_exporter *exporter);

/* base.free: calls `destroy`. */
void cleat__otlp_exporter_free(cleat_span_exporter *self);

static inline bool cleat__otlp_is_ending(const cleat__otlp_exporter *exporter)
{
    return atomic_load_explicit(&exporter->is_ending, memory_order_acquire);
}

static inline void cleat__otlp_count(atomic_uint_fast64_t *counter, uint64_t more)
{
    atomic_fetch_add_explicit(counter, more, memory_order_relaxed);
}

#endif
