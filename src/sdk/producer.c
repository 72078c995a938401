/*
 * The caller's side: hatchet.run_workflow around one run, hatchet.run_workflows around many, and
 * the carrier in each run's metadata (telemetry.md sections 2 to 4).
 *
 * The caller does the same whatever relation the run will have: it opens a producer span, makes
 * it active, and injects (inject.c).
 */
#include "sdk/instrumentor.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/map.h"
#include "sdk/workflow_start.h"

/* ---- Spans ---- */

/* What a workflow or a step of one puts on the queue is called so in its vocabulary. */
static const char *send_name(const char *name)
{
    const cleat__run_scope *scope = cleat__run_scope_of(cleat_context_current());
    return scope != NULL && scope->is_workflow ? "queue.send" : name;
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
    cleat__span_attributes_add(&attributes, "hatchet.desired_worker_id",
                               cleat_slice_of(item->desired_worker_id));
    if (item->priority != 0) {
        cleat__span_attributes_add_int(&attributes, "hatchet.priority", item->priority);
    }
    if (instrumentor->settings.payloads) {
        cleat__span_attributes_add_json(&attributes, "hatchet.payload", item->input);
        cleat__span_attributes_add_json(&attributes, "hatchet.additional_metadata",
                                        cleat__producer_metadata(&item->metadata));
    }
    return cleat_span_start(instrumentor->tracer, send_name("hatchet.run_workflow"),
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
    cleat__producer_inject(span, numbers, &item->metadata, item->trace, item->task);
}

static cleat_status trigger_one(cleat_instrumentor *instrumentor, cleat_trigger_call *call)
{
    const cleat_trigger_item *item = cleat_trigger_call_item(call, 0);
    cleat__budget_state numbers;
    cleat_span span = start_run_span(instrumentor, item);
    cleat_scope scope = cleat_span_attach(span);
    bool counted = cleat__producer_count(instrumentor, span, cleat_trigger_call_count(call), &numbers);
    inject_into(span, counted ? &numbers : NULL, item);
    cleat_status status = cleat_trigger_call_proceed(call);
    (void)cleat_scope_detach(scope);
    if (status == CLEAT_OK) {
        set_child_id(instrumentor, span, call, 0);
    }
    cleat__producer_end(span, status);
    return status;
}

/* ---- Many runs ---- */

/* Each name once, in the order of first use: a bulk call has thousands of runs, of few workflows. */
static void append_names(const cleat__producer_items *items, cleat__buffer *names)
{
    cleat__map seen = {0};
    for (size_t i = 0; i < items->count; i++) {
        cleat_slice name = items->name(items->call, i);
        if (cleat__map_get(&seen, name) != NULL || cleat__map_put(&seen, name, names) != CLEAT_OK) {
            continue;
        }
        cleat__buffer_append_byte(names, names->size == 0 ? '[' : ',');
        cleat__buffer_append_json(names, name);
    }
    cleat__buffer_append_byte(names, ']');
    cleat__map_deinit(&seen);
}

static void append_payloads(const cleat__producer_items *items, cleat__buffer *payloads)
{
    for (size_t i = 0; i < items->count; i++) {
        cleat__buffer_append_byte(payloads, i == 0 ? '[' : ',');
        cleat__buffer_append_slice(payloads, items->payload(items->call, i));
    }
    cleat__buffer_append_byte(payloads, ']');
}

cleat_span cleat__producer_start_bulk(const cleat_instrumentor *instrumentor, const char *span_name,
                                      const char *key, const cleat__producer_items *items)
{
    cleat__span_attributes attributes;
    cleat__buffer names = {0}, payloads = {0};
    cleat__span_attributes_init(&attributes, &instrumentor->settings);
    append_names(items, &names);
    if (instrumentor->settings.payloads) {
        append_payloads(items, &payloads);
    }
    if (!names.failed && !payloads.failed) {
        cleat__span_attributes_add(&attributes, key, cleat__buffer_slice(&names));
        cleat__span_attributes_add(&attributes, "hatchet.payload", cleat__buffer_slice(&payloads));
    }
    cleat_span span =
        cleat_span_start(instrumentor->tracer, span_name,
                         CLEAT_SPAN_OPTIONS(.kind = CLEAT_SPAN_KIND_PRODUCER, .attributes = attributes.items,
                                            .attribute_count = attributes.count));
    cleat__buffer_deinit(&names);
    cleat__buffer_deinit(&payloads);
    return span;
}

static cleat_slice workflow_of(void *call, size_t index)
{
    return cleat__action_workflow_name(cleat_trigger_call_item(call, index)->task);
}

static cleat_slice input_of(void *call, size_t index)
{
    return cleat_trigger_call_item(call, index)->input;
}

static cleat_span start_bulk_span(const cleat_instrumentor *instrumentor, cleat_trigger_call *call)
{
    const cleat__producer_items items = {call, cleat_trigger_call_count(call), workflow_of, input_of};
    return cleat__producer_start_bulk(instrumentor, send_name("hatchet.run_workflows"),
                                      "hatchet.workflow_name", &items);
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
        cleat__producer_end(spans[i], status);
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
    cleat__budget_state *numbers = cleat__producer_count(instrumentor, span, count, &state) ? &state : NULL;
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
    cleat__producer_end(span, status);
    cleat__free(spans);
    return status;
}

cleat_status cleat__instrumentor_trigger(void *instrumentor, cleat_trigger_call *call)
{
    if (cleat_tracing_suppressed()) {
        return cleat_trigger_call_proceed(call);
    }
    cleat__run_scope *scope = cleat__run_scope_of(cleat_context_current());
    if (cleat_trigger_call_workflow(call) != NULL && (scope == NULL || !scope->is_workflow)) {
        return cleat__workflow_start(instrumentor, call);
    }
    if (scope != NULL && scope->is_invocation && cleat_trigger_call_item(call, 0)->parent_run_id != NULL) {
        return cleat__queue_send_more(instrumentor, call, scope);
    }
    return cleat_trigger_call_is_many(call) ? trigger_many(instrumentor, call)
                                            : trigger_one(instrumentor, call);
}
