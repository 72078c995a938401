/*
 * The caller's side: hatchet.run_workflow around one run, hatchet.run_workflows around many, and
 * the carrier in each run's metadata (telemetry.md sections 2 to 4).
 *
 * The caller does the same whatever relation the run will have: it opens a producer span, makes
 * it active, and injects. Failing to inject never fails the call: the run is then started without
 * a carrier, which the consumer bears.
 */
#include "sdk/instrumentor.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/map.h"
#include "sdk/metadata.h"

/* ---- Injection ---- */

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

static void inject(const cleat_span_context *spawn, const cleat__budget_state *state,
                   const cleat_context *context, const cleat_trigger_item *item)
{
    static cleat__log_site site;
    const cleat__run_scope *scope = cleat__run_scope_of(context);
    const cleat__injection injection = {
        .spawn = spawn,
        .origin = scope != NULL ? &scope->origin : NULL,
        .state = state,
        .relation = item->trace,
    };
    inject_rest(context, &item->metadata);
    cleat_status status = cleat__carrier_write(&item->metadata, &injection);
    if (status != CLEAT_OK) {
        cleat__log_limited(&site, CLEAT_LOG_WARN, "a run of %s is started without trace context: %s",
                           item->task, cleat_status_text(status));
    }
}

/* ---- Spans ---- */

/* Ending a span may export it on this thread and leave a message of its own: the call's is kept. */
static void end_span(cleat_span span, cleat_status status)
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

/* The user's metadata as it was written: a text map cannot say it as a whole. */
static cleat_slice metadata_text(const cleat_trigger_item *item)
{
    cleat_slice text = {NULL, 0};
    (void)cleat__metadata_text(item->metadata.self, &text);
    return text;
}

static cleat_span start_run_span(const cleat_instrumentor *instrumentor, const cleat_trigger_item *item)
{
    cleat__span_attributes attributes;
    cleat__span_attributes_init(&attributes, &instrumentor->settings);
    cleat__span_attributes_add(&attributes, "hatchet.workflow_name", cleat__action_workflow_name(item->task));
    cleat__span_attributes_add(&attributes, "hatchet.step_name", cleat__action_step_name(item->task));
    cleat__span_attributes_add(&attributes, "hatchet.parent_id", cleat_slice_of(item->parent_run_id));
    cleat__span_attributes_add(&attributes, "hatchet.parent_step_run_id",
                               cleat_slice_of(item->parent_run_id));
    if (item->child_index >= 0) {
        cleat__span_attributes_add_int(&attributes, "hatchet.child_index", item->child_index);
    }
    cleat__span_attributes_add(&attributes, "hatchet.child_key", cleat_slice_of(item->child_key));
    if (item->priority != 0) {
        cleat__span_attributes_add_int(&attributes, "hatchet.priority", item->priority);
    }
    if (instrumentor->settings.payloads) {
        cleat__span_attributes_add_json(&attributes, "hatchet.payload", item->input);
        cleat__span_attributes_add_json(&attributes, "hatchet.additional_metadata", metadata_text(item));
    }
    return cleat_span_start(instrumentor->tracer, "hatchet.run_workflow",
                            CLEAT_SPAN_OPTIONS(.kind = CLEAT_SPAN_KIND_PRODUCER,
                                               .attributes = attributes.items,
                                               .attribute_count = attributes.count));
}

static void set_child_id(const cleat_instrumentor *instrumentor, cleat_span span,
                         const cleat_trigger_call *call, size_t index)
{
    static const char key[] = "hatchet.child_workflow_run_id";
    const char *id = cleat_trigger_call_run_id(call, index);
    if (id != NULL && !cleat__attribute_is_excluded(&instrumentor->settings, key)) {
        (void)cleat_span_set_string(span, key, id);
    }
}

/* `numbers` NULL: no valid span, so no trace to count in. */
static void inject_into(cleat_span span, const cleat__budget_state *numbers, const cleat_trigger_item *item)
{
    cleat_span_context spawn;
    cleat_span_get_context(span, &spawn);
    inject(&spawn, numbers, cleat_context_current(), item);
}

/* The numbers of the first of the call's runs; false: `span` has no valid context. */
static bool count_call(cleat_instrumentor *instrumentor, cleat_span span, const cleat_trigger_call *call,
                       cleat__budget_state *numbers)
{
    cleat_span_context spawn;
    cleat_span_get_context(span, &spawn);
    if (!cleat_span_context_is_valid(&spawn)) {
        return false;
    }
    *numbers = count_runs(instrumentor, &spawn, cleat_trigger_call_count(call));
    return true;
}

static cleat_status trigger_one(cleat_instrumentor *instrumentor, cleat_trigger_call *call)
{
    const cleat_trigger_item *item = cleat_trigger_call_item(call, 0);
    cleat__budget_state numbers;
    cleat_span span = start_run_span(instrumentor, item);
    cleat_scope scope = cleat_span_attach(span);
    bool counted = count_call(instrumentor, span, call, &numbers);
    inject_into(span, counted ? &numbers : NULL, item);
    cleat_status status = cleat_trigger_call_proceed(call);
    (void)cleat_scope_detach(scope);
    if (status == CLEAT_OK) {
        set_child_id(instrumentor, span, call, 0);
    }
    end_span(span, status);
    return status;
}

/* ---- Many runs ---- */

/* Each name once, in the order of first use: a bulk call has thousands of runs, of few workflows. */
static void append_workflow_names(cleat_trigger_call *call, cleat__buffer *names)
{
    cleat__map seen = {0};
    for (size_t i = 0; i < cleat_trigger_call_count(call); i++) {
        const cleat_trigger_item *item = cleat_trigger_call_item(call, i);
        cleat_slice name = cleat__action_workflow_name(item->task);
        if (cleat__map_get(&seen, name) != NULL || cleat__map_put(&seen, name, names) != CLEAT_OK) {
            continue;
        }
        cleat__buffer_append_byte(names, names->size == 0 ? '[' : ',');
        cleat__buffer_append_json(names, name);
    }
    cleat__buffer_append_byte(names, ']');
    cleat__map_deinit(&seen);
}

static void append_inputs(cleat_trigger_call *call, cleat__buffer *inputs)
{
    for (size_t i = 0; i < cleat_trigger_call_count(call); i++) {
        cleat__buffer_append_byte(inputs, i == 0 ? '[' : ',');
        cleat__buffer_append_slice(inputs, cleat_trigger_call_item(call, i)->input);
    }
    cleat__buffer_append_byte(inputs, ']');
}

static cleat_span start_bulk_span(const cleat_instrumentor *instrumentor, cleat_trigger_call *call)
{
    cleat__span_attributes attributes;
    cleat__buffer names = {0};
    cleat__buffer inputs = {0};
    cleat__span_attributes_init(&attributes, &instrumentor->settings);
    append_workflow_names(call, &names);
    if (instrumentor->settings.payloads) {
        append_inputs(call, &inputs);
    }
    if (!names.failed && !inputs.failed) {
        cleat__span_attributes_add(&attributes, "hatchet.workflow_name", cleat__buffer_slice(&names));
        cleat__span_attributes_add(&attributes, "hatchet.payload", cleat__buffer_slice(&inputs));
    }
    cleat_span span =
        cleat_span_start(instrumentor->tracer, "hatchet.run_workflows",
                         CLEAT_SPAN_OPTIONS(.kind = CLEAT_SPAN_KIND_PRODUCER, .attributes = attributes.items,
                                            .attribute_count = attributes.count));
    cleat__buffer_deinit(&names);
    cleat__buffer_deinit(&inputs);
    return span;
}

/* One span for each item, injected into it; the batch span is current. */
static void start_item_spans(cleat_instrumentor *instrumentor, cleat_trigger_call *call, cleat_span *spans,
                             cleat__budget_state *numbers)
{
    for (size_t i = 0; i < cleat_trigger_call_count(call); i++) {
        const cleat_trigger_item *item = cleat_trigger_call_item(call, i);
        spans[i] = start_run_span(instrumentor, item);
        cleat_scope scope = cleat_span_attach(spans[i]);
        inject_into(spans[i], numbers, item);
        (void)cleat_scope_detach(scope);
        if (numbers != NULL) {
            numbers->spans++;
        }
    }
}

static void end_item_spans(const cleat_instrumentor *instrumentor, const cleat_trigger_call *call,
                           const cleat_span *spans, cleat_status status)
{
    for (size_t i = 0; i < cleat_trigger_call_count(call); i++) {
        set_child_id(instrumentor, spans[i], call, i);
        end_span(spans[i], status);
    }
}

static cleat_status trigger_many(cleat_instrumentor *instrumentor, cleat_trigger_call *call)
{
    size_t count = cleat_trigger_call_count(call);
    cleat_span *spans = NULL; /* NULL: the batch span stands for all */
    cleat__budget_state state = {0, 0, 0};
    if (instrumentor->settings.individual_run_spans) {
        spans = cleat__calloc(count, sizeof *spans);
    }
    cleat_span span = start_bulk_span(instrumentor, call);
    cleat_scope scope = cleat_span_attach(span);
    cleat__budget_state *numbers = count_call(instrumentor, span, call, &state) ? &state : NULL;
    if (spans != NULL) {
        start_item_spans(instrumentor, call, spans, numbers);
    }
    for (size_t i = 0; spans == NULL && i < count; i++) {
        inject_into(span, numbers, cleat_trigger_call_item(call, i));
        state.spans += numbers != NULL;
    }
    cleat_status status = cleat_trigger_call_proceed(call);
    (void)cleat_scope_detach(scope);
    if (spans != NULL) {
        end_item_spans(instrumentor, call, spans, status);
    }
    end_span(span, status);
    cleat__free(spans);
    return status;
}

cleat_status cleat__instrumentor_trigger(void *instrumentor, cleat_trigger_call *call)
{
    if (cleat_tracing_suppressed()) {
        return cleat_trigger_call_proceed(call);
    }
    return cleat_trigger_call_is_many(call) ? trigger_many(instrumentor, call)
                                            : trigger_one(instrumentor, call);
}
