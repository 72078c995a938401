/*
 * What happens in an invocation of a workflow: steps in place, waits, and the message that will bring the
 * next invocation (telemetry.md sections 4 and 6). None of it happens in a replay.
 */
#include "sdk/instrumentor.h"

#include "sdk/trigger.h"

#include "topology/display_name.h"

#include <stdio.h>

/* ---- queue.send ---- */

cleat_span cleat__queue_send_start(const cleat_instrumentor *instrumentor)
{
    const cleat_baggage *baggage = cleat_context_get_baggage(cleat_context_current());
    cleat__span_attributes attributes;
    cleat__span_attributes_init(&attributes, &instrumentor->settings);
    if (baggage != NULL) {
        cleat__span_attributes_add(&attributes, "workflow.run.id",
                                   cleat_baggage_get(baggage, "workflow.run_id"));
        cleat__span_attributes_add(&attributes, "workflow.name", cleat_baggage_get(baggage, "workflow.name"));
    }
    return cleat_span_start(instrumentor->tracer, "queue.send",
                            CLEAT_SPAN_OPTIONS(.kind = CLEAT_SPAN_KIND_PRODUCER,
                                               .attributes = attributes.items,
                                               .attribute_count = attributes.count));
}

void cleat__queue_send_inject(cleat_instrumentor *instrumentor, cleat_span span,
                              const cleat_span_context *origin, const cleat_baggage *baggage,
                              const cleat_text_map *metadata)
{
    cleat__budget_state numbers;
    bool is_counted = cleat__producer_count(instrumentor, span, 1, &numbers);
    cleat_context *context = cleat_context_with_baggage(cleat_context_current(), baggage);
    cleat_scope scope = cleat_context_attach(context);
    cleat__producer_inject_origin(span, origin, is_counted ? &numbers : NULL, metadata, CLEAT_TRACE_DEFAULT,
                                  "the next invocation");
    (void)cleat_scope_detach(scope);
    cleat_context_release(context);
}

/* A child knows by the baggage that its end is for this workflow. A run that goes on in its place is such a child only where
 * this one is: then the end is for the one that waits for both. The caller releases it. */
static cleat_context *context_of_spawned(const cleat_trigger_call *call, const cleat__run_scope *scope)
{
    const cleat_context *current = cleat_context_current();
    if (!cleat__trigger_call_goes_on(call) || scope->reports_to_workflow) {
        return cleat_context_retain(current);
    }
    cleat_baggage *baggage = cleat__baggage_without_workflow();
    cleat_context *without = cleat_context_with_baggage(current, baggage);
    cleat_baggage_release(baggage);
    return without;
}

cleat_status cleat__queue_send_more(cleat_instrumentor *instrumentor, cleat_trigger_call *call,
                                    cleat__run_scope *scope)
{
    size_t count = cleat_trigger_call_count(call);
    cleat__budget_state numbers;
    if (!scope->is_sending) {
        scope->sending = cleat__queue_send_start(instrumentor);
        scope->is_sending = true;
        scope->sent_count = 0;
    }
    bool is_counted = cleat__producer_count(instrumentor, scope->sending, count, &numbers);
    cleat_scope attached = cleat_span_attach(scope->sending);
    cleat_context *goes_along = context_of_spawned(call, scope);
    cleat_scope along = cleat_context_attach(goes_along);
    for (size_t i = 0; i < count; i++) {
        const cleat_trigger_item *item = cleat_trigger_call_item(call, i);
        cleat__producer_inject(scope->sending, is_counted ? &numbers : NULL, &item->metadata, item->trace,
                               item->task);
        numbers.spans += is_counted;
    }
    (void)cleat_scope_detach(along);
    cleat_context_release(goes_along);
    cleat_status status = cleat_trigger_call_proceed(call);
    (void)cleat_scope_detach(attached);
    scope->sent_count += status == CLEAT_OK ? (int64_t)count : 0;
    if (status != CLEAT_OK) {
        cleat__queue_send_end(instrumentor, scope, status);
    }
    return status;
}

void cleat__queue_send_end(const cleat_instrumentor *instrumentor, cleat__run_scope *scope,
                           cleat_status status)
{
    static const char count[] = "messaging.batch.message_count";
    if (scope == NULL || !scope->is_sending) {
        return;
    }
    scope->is_sending = false;
    if (!cleat__attribute_is_excluded(&instrumentor->settings, count)) {
        (void)cleat_span_set_int(scope->sending, count, scope->sent_count);
    }
    cleat__producer_end(scope->sending, status);
}

/* The run's own message: its origin and the baggage that came with it go on. What was spawned is stored with it. */
cleat_status cleat__instrumentor_suspend(void *self, cleat_suspend_call *call)
{
    cleat_instrumentor *instrumentor = self;
    cleat__run_scope *scope = cleat__run_scope_of(cleat_context_current());
    if (cleat_tracing_suppressed() || scope == NULL || !scope->is_invocation) {
        return cleat_suspend_call_proceed(call);
    }
    cleat_text_map map = cleat_suspend_call_metadata(call);
    cleat_span span = cleat__queue_send_start(instrumentor);
    cleat_scope attached = cleat_span_attach(span);
    cleat__queue_send_inject(instrumentor, span, &scope->origin, scope->arrived, &map);
    cleat_status status = cleat_suspend_call_proceed(call);
    (void)cleat_scope_detach(attached);
    cleat__queue_send_end(instrumentor, scope, status);
    cleat__producer_end(span, status);
    return status;
}

/* ---- Steps in place ---- */

static cleat_span start_step(const cleat_instrumentor *instrumentor, cleat_step_call *call)
{
    const cleat_task *workflow = cleat_step_call_workflow(call);
    cleat_run_id id = cleat_task_run_id(workflow);
    cleat_slice machine_name = cleat_slice_of(cleat_task_machine_name(cleat_step_call_task(call)));
    cleat_slice shown = cleat__display_name(machine_name);
    cleat__span_attributes attributes;
    char name[192];
    (void)snprintf(name, sizeof name, "step.execute %.*s", CLEAT_SLICE_ARGS(shown));
    cleat__span_attributes_init(&attributes, &instrumentor->settings);
    cleat__span_attributes_add(&attributes, "workflow.name",
                               cleat_slice_of(cleat_task_machine_name(workflow)));
    cleat__span_attributes_add(&attributes, "workflow.run.id", cleat_slice_of(id.text));
    cleat__span_attributes_add(&attributes, "step.name", machine_name);
    cleat__span_attributes_add_int(&attributes, "step.attempt", cleat_step_call_attempt(call));
    return cleat_span_start(
        instrumentor->tracer, name,
        CLEAT_SPAN_OPTIONS(.attributes = attributes.items, .attribute_count = attributes.count));
}

cleat_status cleat__instrumentor_step(void *self, cleat_step_call *call)
{
    const cleat_instrumentor *instrumentor = self;
    if (cleat_tracing_suppressed() ||
        cleat_task_spans(cleat_step_call_workflow(call)) != CLEAT_WORKFLOW_SPANS) {
        return cleat_step_call_proceed(call);
    }
    cleat__queue_send_end(instrumentor, cleat__run_scope_of(cleat_context_current()), CLEAT_OK);
    cleat_span span = start_step(instrumentor, call);
    cleat_scope scope = cleat_span_attach(span);
    cleat_status status = cleat_step_call_proceed(call);
    (void)cleat_scope_detach(scope);
    if (status == CLEAT_OK) {
        (void)cleat_span_set_status(span, CLEAT_SPAN_STATUS_OK, NULL);
    } else {
        cleat__span_fail(span, status, cleat_step_call_error(call));
    }
    (void)cleat_span_end(span);
    return status;
}

/* ---- Waits ---- */

/* In the vocabulary of workflows a wait is the gap between two invocations, and has no span. */
cleat_status cleat__instrumentor_wait(void *self, cleat_wait_call *call)
{
    const cleat_instrumentor *instrumentor = self;
    const cleat_task *task = cleat_wait_call_task(call);
    if (cleat_tracing_suppressed() || cleat_task_spans(task) != CLEAT_HATCHET_SPANS) {
        return cleat_wait_call_proceed(call);
    }
    cleat_run_id id = cleat_task_run_id(task);
    cleat__span_attributes attributes;
    cleat__span_attributes_init(&attributes, &instrumentor->settings);
    cleat__span_attributes_add(&attributes, "hatchet.step_run_id", cleat_slice_of(id.text));
    cleat__span_attributes_add(&attributes, "hatchet.signal_key",
                               cleat_slice_of(cleat_wait_call_label(call)));
    cleat_span span = cleat_span_start(
        instrumentor->tracer, "hatchet.durable.wait_for",
        CLEAT_SPAN_OPTIONS(.attributes = attributes.items, .attribute_count = attributes.count));
    cleat_scope scope = cleat_span_attach(span);
    cleat_status status = cleat_wait_call_proceed(call);
    (void)cleat_scope_detach(scope);
    bool is_answer = status == CLEAT_OK || status == CLEAT_SUSPENDED || status == CLEAT_TIMEOUT;
    if (is_answer) {
        (void)cleat_span_set_status(span, CLEAT_SPAN_STATUS_OK, NULL);
    }
    cleat__producer_end(span, is_answer ? CLEAT_OK : status);
    return status;
}
