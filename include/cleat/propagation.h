/*
 * Carrying a context across processes: W3C trace context and baggage, text maps, propagators.
 *
 * Source: OpenTelemetry specification, "Propagators API" and "Baggage API"; W3C Trace Context
 * Level 2; W3C Baggage.
 */
#ifndef CLEAT_PROPAGATION_H
#define CLEAT_PROPAGATION_H

#include "cleat/context.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Text maps: how a propagator reads and writes headers of any kind ---- */

/*
 * `get` answers the absent slice ({NULL, 0}) when the key is not there, else a slice valid until
 * the map changes. `set` replaces. A map that is only read may have a NULL `set`, and the other
 * way round.
 */
typedef struct cleat_text_map {
    void *self;
    cleat_slice (*get)(void *self, const char *key);
    cleat_status (*set)(void *self, const char *key, cleat_slice value);
    void (*remove)(void *self, const char *key); /* may be NULL: then nothing is ever removed */
} cleat_text_map;

/* A string map in memory that keeps the order of insertion. Not thread-safe. */
typedef struct cleat_carrier cleat_carrier;
CLEAT_API cleat_status cleat_carrier_new(cleat_carrier **out);
CLEAT_API void cleat_carrier_free(cleat_carrier *carrier);
CLEAT_API cleat_slice cleat_carrier_get(const cleat_carrier *carrier, const char *key);
CLEAT_API cleat_status cleat_carrier_set(cleat_carrier *carrier, const char *key, cleat_slice value);
CLEAT_API void cleat_carrier_remove(cleat_carrier *carrier, const char *key);
CLEAT_API size_t cleat_carrier_count(const cleat_carrier *carrier);
/* The entry number `index` (0 .. count-1), in order of insertion; absent slices beyond. */
CLEAT_API void cleat_carrier_at(const cleat_carrier *carrier, size_t index, cleat_slice *key,
                                cleat_slice *value);
/* The carrier as a text map; valid as long as the carrier. */
CLEAT_API cleat_text_map cleat_carrier_text_map(cleat_carrier *carrier);

/* ---- Baggage (specification: "Baggage API"): immutable, reference-counted, NULL is empty ---- */

CLEAT_API cleat_baggage *cleat_baggage_retain(const cleat_baggage *baggage);
CLEAT_API void cleat_baggage_release(cleat_baggage *baggage);
/* A new baggage with the entry added or replaced; `metadata` (properties) may be NULL. NULL on no
 * memory, on an empty or non-token key, on a value that is not UTF-8, on malformed metadata, or when
 * 64 entries or 8,192 bytes would be passed. */
CLEAT_API cleat_baggage *cleat_baggage_with(const cleat_baggage *baggage, const char *key, cleat_slice value,
                                            const char *metadata);
CLEAT_API cleat_baggage *cleat_baggage_without(const cleat_baggage *baggage, const char *key);
CLEAT_API size_t cleat_baggage_count(const cleat_baggage *baggage);
/* The absent slice where there is no such key. Values are decoded UTF-8. */
CLEAT_API cleat_slice cleat_baggage_get(const cleat_baggage *baggage, const char *key);
CLEAT_API void cleat_baggage_at(const cleat_baggage *baggage, size_t index, cleat_slice *key,
                                cleat_slice *value, cleat_slice *metadata);

/* ---- Propagators ---- */

/*
 * `inject` writes what `context` holds into `carrier`; an invalid span context writes nothing.
 * `extract` answers `context` (NULL: the root context) with what the carrier holds; the caller
 * owns the result, which is `context` retained when the carrier holds nothing valid. Never fails.
 * `fields` is the NULL-terminated list of keys that `inject` may write.
 * Built-in propagators are static; users embed the struct in their own.
 */
typedef struct cleat_propagator cleat_propagator;
struct cleat_propagator {
    void (*inject)(const cleat_propagator *self, const cleat_context *context, const cleat_text_map *carrier);
    cleat_context *(*extract)(const cleat_propagator *self, const cleat_context *context,
                              const cleat_text_map *carrier);
    const char *const *(*fields)(const cleat_propagator *self);
};
CLEAT_API const cleat_propagator *cleat_propagator_trace_context(void);
CLEAT_API const cleat_propagator *cleat_propagator_baggage(void);
/* tracecontext, then baggage. */
CLEAT_API const cleat_propagator *cleat_propagator_default(void);
CLEAT_API const cleat_propagator *cleat_propagator_none(void);

/*
 * The global propagator. Until one is set: what OTEL_PROPAGATORS names (tracecontext, baggage,
 * none; default "tracecontext,baggage"), read once. The propagator must outlive its use. Any
 * thread.
 */
CLEAT_API const cleat_propagator *cleat_propagator_global(void);
CLEAT_API void cleat_propagator_set_global(const cleat_propagator *propagator);

/* ---- The two W3C headers by themselves ---- */

/* "00-<32>-<16>-<2>", 55 characters and a NUL. CLEAT_INVALID_ARGUMENT for an invalid context. */
CLEAT_API cleat_status cleat_traceparent_format(const cleat_span_context *context, char header[56]);
/* Strict (W3C Trace Context 3.2, 4.3); sets is_remote and an empty tracestate. On failure *out is all zero. */
CLEAT_API cleat_status cleat_traceparent_parse(cleat_slice header, cleat_span_context *out);

#ifdef __cplusplus
}
#endif
#endif
