/*
 * What every producer span does: it counts what it queues in its trace, is written into the metadata of
 * that, and ends. Failing to inject never fails the call: the run is then started without a carrier, which
 * the consumer bears.
 */
#include "sdk/instrumentor.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "sdk/metadata.h"

/* What `count` runs queued now from `spawn` say about the trace they may continue: the numbers of
 * the first of them; each following one has one span more. */
static cleat__budget_state count_runs(cleat_instrumentor *instrumentor, const cleat_span_context *spawn,
                                      uint64_t count)
{
    cleat__budget_state state = {0, 0, 0};
    cleat__run_scope *scope = cleat__run_scope_of(cleat_context_current());
    if (scope != NULL && memcmp(&scope->trace_id, &spawn->trace_id, sizeof spawn->trace_id) == 0) {
        state = scope->numbers;
        state.spans += atomic_fetch_add(&scope->spawned, count);
    } else {
        uint64_t before = 0;
        int64_t start_s = 0;
        bool numbered = cleat__budget_read(spawn, &state);
        cleat__ledger_add(&instrumentor->ledger, &spawn->trace_id, count,
                          cleat__clock_unix_ns(NULL) / CLEAT__NS_PER_S, &start_s, &before);
        state.start_s = numbered ? state.start_s : start_s;
        state.spans += before;
    }
    state.depth++;
    state.spans++;
    return state;
}

/* Baggage, and what a propagator of the user's adds; the trace context is the carrier's own. */
static void inject_rest(const cleat_context *context, const cleat_text_map *map)
{
    const cleat_propagator *propagator = cleat_propagator_global();
    if (propagator == cleat_propagator_default()) {
        if (cleat_context_get_baggage(context) == NULL) {
            return;
        }
        propagator = cleat_propagator_baggage();
    }
    propagator->inject(propagator, context, map);
}

void cleat__producer_inject_origin(cleat_span span, const cleat_span_context *origin,
                                   const cleat__budget_state *numbers, const cleat_text_map *metadata,
                                   cleat_trace_relation relation, const char *what)
{
    static cleat__log_site site;
    cleat_span_context spawn;
    cleat_span_get_context(span, &spawn);
    const cleat__injection injection = {
        .spawn = &spawn,
        .origin = origin,
        .state = numbers,
        .relation = relation,
    };
    inject_rest(cleat_context_current(), metadata);
    cleat_status status = cleat__carrier_write(metadata, &injection);
    if (status != CLEAT_OK) {
        cleat__log_limited(&site, CLEAT_LOG_WARN, "%s is queued without trace context: %s", what,
                           cleat_status_text(status));
    }
}

void cleat__producer_inject(cleat_span span, const cleat__budget_state *numbers,
                            const cleat_text_map *metadata, cleat_trace_relation relation, const char *what)
{
    const cleat__run_scope *scope = cleat__run_scope_of(cleat_context_current());
    const cleat_span_context *origin = scope != NULL && !scope->is_continuous ? &scope->origin : NULL;
    cleat__producer_inject_origin(span, origin, numbers, metadata, relation, what);
}

bool cleat__producer_count(cleat_instrumentor *instrumentor, cleat_span span, uint64_t count,
                           cleat__budget_state *numbers)
{
    cleat_span_context spawn;
    cleat_span_get_context(span, &spawn);
    if (!cleat_span_context_is_valid(&spawn)) {
        return false;
    }
    *numbers = count_runs(instrumentor, &spawn, count);
    return true;
}

cleat_slice cleat__producer_metadata(const cleat_text_map *map)
{
    cleat_slice text = {NULL, 0};
    (void)cleat__metadata_text(map->self, &text);
    return text;
}

/* Ending a span may export it on this thread and leave a message of its own: the call's is kept. */
void cleat__producer_end(cleat_span span, cleat_status status)
{
    char *message = NULL;
    if (status != CLEAT_OK) {
        cleat__span_fail(span, status, cleat_error_message());
        message = cleat__strdup(cleat_error_message());
    }
    (void)cleat_span_end(span);
    if (message != NULL) {
        (void)cleat__fail(status, "%s", message);
    }
    cleat__free(message);
}
