/*
 * Carrying a context across processes: W3C trace context and baggage, B3, text maps, propagators,
 * environment variables.
 *
 *     cleat_carrier *headers = NULL;
 *     cleat_carrier_new(&headers);
 *     cleat_text_map map = cleat_carrier_text_map(headers);
 *     cleat_propagator_inject(NULL, NULL, &map);      // the current context, to be sent
 *     ...
 *     cleat_context *context = cleat_propagator_extract(NULL, NULL, &map); // where it is received
 *     cleat_scope scope = cleat_context_attach(context);
 *     ...
 *     cleat_scope_detach(scope);
 *     cleat_context_release(context);
 *     cleat_carrier_free(headers);
 *
 * Source: OpenTelemetry specification, "Propagators API", "Baggage API" and "Environment Variables
 * as Context Propagation Carriers"; W3C Trace Context Level 2; W3C Baggage.
 */
#ifndef CLEAT_PROPAGATION_H
#define CLEAT_PROPAGATION_H

#include "cleat/context.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Text maps: how a propagator reads and writes headers of any kind ---- */

/* Gets one key or one value, valid during the call; false ends the iteration. */
typedef bool (*cleat_text_map_visitor)(void *user_data, cleat_slice item);

/*
 * Getter and setter over headers of any kind (specification: Propagators API, "TextMap
 * Propagator", "Getter argument", "Setter argument"). A map lives as long as what it is about,
 * and is used by one thread at a time.
 *
 * `get` answers the first value of a key, or the absent slice ({NULL, 0}) when the key is not
 * there; the slice is valid until the map changes. `set` replaces. A map that is only read may
 * have a NULL `set`, and the other way round. The members behind them may all be NULL.
 *
 * Keys that propagators ask for are "traceparent", "tracestate", "baggage", "b3" and the like of
 * "X-B3-TraceId". Whether other spellings of a key are the same one is the map's business: over
 * HTTP headers `get`, `get_all`, `set` and `remove` must not regard case, since peers and proxies
 * write "Traceparent" as well.
 */
typedef struct cleat_text_map {
    void *self;
    cleat_slice (*get)(void *self, const char *key);
    cleat_status (*set)(void *self, const char *key, cleat_slice value);
    void (*remove)(void *self, const char *key); /* NULL: then nothing is ever removed */
    /* Visits all values of a key in their order, for maps where a header may have several lines:
     * tracestate and baggage are joined, a second traceparent makes both invalid. NULL: there is
     * only the value that `get` answers. */
    void (*get_all)(void *self, const char *key, cleat_text_map_visitor visit, void *user_data);
    /* Visits all keys. No built-in propagator needs it; those of users may (keys with a prefix). */
    void (*keys)(void *self, cleat_text_map_visitor visit, void *user_data);
} cleat_text_map;

/*
 * A carrier of one's own (specification: Propagators API, "Carrier"): a string map in memory that
 * keeps the order of insertion; keys are compared byte by byte. Used by one thread at a time. NULL is
 * an empty one that cannot be set. Keys and values are copied; what is read is borrowed until the
 * carrier changes. CLEAT_NO_MEMORY changes nothing, nor does CLEAT_INVALID_ARGUMENT, for a carrier
 * or a key that is NULL.
 */
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

/* Each retain needs a release. Any thread, as with everything about baggage. */
CLEAT_API cleat_baggage *cleat_baggage_retain(const cleat_baggage *baggage);
CLEAT_API void cleat_baggage_release(cleat_baggage *baggage);
/* A new baggage with the entry added or replaced; `metadata` (properties) may be NULL. NULL on no
 * memory, on an empty or non-token key, on a value that is not UTF-8, on malformed metadata, or when
 * 64 entries or 8,192 bytes would be passed: cleat_error_message() says which, and since NULL is the
 * empty baggage too, look before you pass it on. The caller owns the result, `baggage` stays as it is.
 * Specification: Baggage API, "Set Value"; W3C Baggage 3.3, "Limits". */
CLEAT_API cleat_baggage *cleat_baggage_with(const cleat_baggage *baggage, const char *key, cleat_slice value,
                                            const char *metadata);
/* The same without that entry. Specification: "Remove Value". */
CLEAT_API cleat_baggage *cleat_baggage_without(const cleat_baggage *baggage, const char *key);
/* Specification: "Get All Values"; entry number `index` (0 .. count-1) is got by `at` below. */
CLEAT_API size_t cleat_baggage_count(const cleat_baggage *baggage);
/* The absent slice where there is no such key. Values are decoded UTF-8; what is read is borrowed as
 * long as the baggage. Specification: "Get Value". */
CLEAT_API cleat_slice cleat_baggage_get(const cleat_baggage *baggage, const char *key);
CLEAT_API void cleat_baggage_at(const cleat_baggage *baggage, size_t index, cleat_slice *key,
                                cleat_slice *value, cleat_slice *metadata);

/* ---- Propagators (specification: "Propagators API") ---- */

/*
 * `inject` writes what `context` holds into `carrier`; an invalid span context writes nothing.
 * `extract` answers `context` (NULL: the root context) with what the carrier holds; the caller
 * owns the result, which is `context` retained when the carrier holds nothing valid. Never fails.
 * `fields` is the NULL-terminated list of keys that `inject` may write; it stays as it is.
 * `free` is NULL for static ones. All are called from any thread. Specification: "Propagators API",
 * "Inject", "Extract", "Fields".
 * Built-in propagators are static; users embed the struct in their own.
 */
typedef struct cleat_propagator cleat_propagator;
struct cleat_propagator {
    void (*inject)(const cleat_propagator *self, const cleat_context *context, const cleat_text_map *carrier);
    cleat_context *(*extract)(const cleat_propagator *self, const cleat_context *context,
                              const cleat_text_map *carrier);
    const char *const *(*fields)(const cleat_propagator *self);
    void (*free)(cleat_propagator *self);
};

/* The built-in ones are static. `traceparent` and `tracestate` (W3C Trace Context Level 2). */
CLEAT_API const cleat_propagator *cleat_propagator_trace_context(void);
/* `baggage` (W3C Baggage). */
CLEAT_API const cleat_propagator *cleat_propagator_baggage(void);
/* tracecontext, then baggage. Specification: "Propagators Distribution". */
CLEAT_API const cleat_propagator *cleat_propagator_default(void);
/* Writes and reads nothing. */
CLEAT_API const cleat_propagator *cleat_propagator_none(void);

/*
 * Zipkin's B3 (specification: Propagators API, "B3 Requirements"; openzipkin/b3-propagation).
 * `b3` writes the single header of that name, `b3_multi` writes X-B3-TraceId, X-B3-SpanId and
 * X-B3-Sampled (or X-B3-Flags). Each reads both forms; where both are there, the single header
 * counts. Trace ids of 64 bits are padded with zeros in front. A debug flag makes the span context
 * a sampled one, stays in the context, and is written again. A parent's id is neither read nor
 * written. A trace that leaves the sampling decision open counts as not sampled; a decision without
 * ids ("b3: 0") cannot be expressed in a context and changes nothing.
 */
CLEAT_API const cleat_propagator *cleat_propagator_b3(void);
CLEAT_API const cleat_propagator *cleat_propagator_b3_multi(void);

/*
 * A propagator that injects and extracts by each of `list` in order (specification: "Composite
 * Propagator"); its fields are those of all, each once. What a later one extracts replaces what an
 * earlier one did. The list is copied, the propagators in it are borrowed and must outlive it.
 * CLEAT_INVALID_ARGUMENT for a NULL among them, CLEAT_NO_MEMORY.
 */
CLEAT_API cleat_status cleat_propagator_composite_new(const cleat_propagator *const *list, size_t count,
                                                      cleat_propagator **out);
/* Calls the propagator's `free`; nothing for built-in ones and NULL. Nobody may use it any more. */
CLEAT_API void cleat_propagator_free(cleat_propagator *propagator);

/*
 * Injects or extracts with `propagator` (NULL: the global one). NULL as context is the current one
 * for inject, the root context for extract, whose result the caller owns. Any thread. Specification:
 * "Inject", "Extract".
 */
CLEAT_API void cleat_propagator_inject(const cleat_propagator *propagator, const cleat_context *context,
                                       const cleat_text_map *carrier);
CLEAT_API cleat_context *cleat_propagator_extract(const cleat_propagator *propagator,
                                                  const cleat_context *context,
                                                  const cleat_text_map *carrier);

/*
 * The global propagator (specification: "Global Propagators"). Until one is set: what
 * OTEL_PROPAGATORS names, in its order and each once (tracecontext, baggage, b3, b3multi, none;
 * default "tracecontext,baggage"), read once. A name that is none of these warns and is passed
 * over. The propagator must outlive its use. NULL sets that of the environment again. Any thread.
 */
CLEAT_API const cleat_propagator *cleat_propagator_global(void);
CLEAT_API void cleat_propagator_set_global(const cleat_propagator *propagator);

/* ---- Environment variables as carrier (specification: "Environment Variables as Context Propagation
 * Carriers") ---- */

/*
 * A map over environment variables, to be read: keys are upper-cased and what is neither letter nor
 * digit becomes `_` (TRACEPARENT, TRACESTATE, BAGGAGE, X_B3_TRACEID). `envp` ends with NULL and is
 * borrowed; NULL is the process's own environment, looked up at each call. As with getenv(), no
 * other thread may change that at the same time. There is no `set`: the library never writes to the
 * process's environment, because setenv() is not thread-safe.
 */
CLEAT_API cleat_text_map cleat_environment_text_map(char *const *envp);

/* What the process was started under, for its main(): attach it, or give it to the first span as
 * parent. `propagator` may be NULL: the global one. The caller owns the result; the root context
 * where there is nothing valid. */
CLEAT_API cleat_context *cleat_context_from_environment(const cleat_propagator *propagator);

/*
 * The environment for a child process that is to continue `context`, for execve() and posix_spawn():
 *
 *     char **environment = NULL;
 *     cleat_child_environment_new(NULL, NULL, NULL, &environment);
 *     posix_spawn(&pid, path, NULL, NULL, arguments, environment);
 *     cleat_child_environment_free(environment);
 *
 * A copy of `envp` (NULL: the process's own), in which the propagator's variables are those of
 * `context`: written anew or, where it holds nothing, removed. `context` may be NULL: the current
 * one; `propagator` may be NULL: the global one. `*out` ends with NULL and owns its text; it is one
 * block. Make it before fork(): the child of a process with threads must not allocate. Any thread,
 * but as with getenv() not while another one changes the process's environment.
 * CLEAT_NO_MEMORY; CLEAT_INVALID_ARGUMENT for a value with a NUL byte of a user's propagator.
 */
CLEAT_API cleat_status cleat_child_environment_new(char *const *envp, const cleat_context *context,
                                                   const cleat_propagator *propagator, char ***out);
CLEAT_API void cleat_child_environment_free(char **environment);

/* ---- The two W3C headers by themselves ---- */

/* "00-<32>-<16>-<2>", 55 characters and a NUL (W3C Trace Context 3.2). CLEAT_INVALID_ARGUMENT for an
 * invalid context. Any thread, as with the next one. */
CLEAT_API cleat_status cleat_traceparent_format(const cleat_span_context *context, char header[56]);
/* Strict (W3C Trace Context 3.2, 4.3); sets is_remote and an empty tracestate. On failure *out is all zero. */
CLEAT_API cleat_status cleat_traceparent_parse(cleat_slice header, cleat_span_context *out);

#ifdef __cplusplus
}
#endif
#endif
