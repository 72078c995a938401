/*
 * What application code does to workflows: workflow.start around the start of a run, with the message to the
 * queue inside it, and hook.resume (telemetry.md section 6). The span of the start is the run's origin.
 */
#include "sdk/workflow_start.h"

#include "topology/display_name.h"

#include <stdio.h>

/* The run that the call is made in began somewhere already; else here. */
static void origin_of(cleat_span start, cleat_span_context *origin)
{
    const cleat__run_scope *scope = cleat__run_scope_of(cleat_context_current());
    if (scope != NULL && cleat_span_context_is_valid(&scope->origin)) {
        cleat_span_context_copy(origin, &scope->origin);
    } else {
        cleat_span_get_context(start, origin);
    }
}

static cleat_span start_span(const cleat_instrumentor *instrumentor, const char *workflow)
{
    cleat_slice shown = cleat__display_name(cleat_slice_of(workflow));
    cleat__span_attributes attributes;
    char name[192];
    (void)snprintf(name, sizeof name, "workflow.start %.*s", CLEAT_SLICE_ARGS(shown));
    cleat__span_attributes_init(&attributes, &instrumentor->settings);
    cleat__span_attributes_add(&attributes, "workflow.name", cleat_slice_of(workflow));
    return cleat_span_start(
        instrumentor->tracer, name,
        CLEAT_SPAN_OPTIONS(.attributes = attributes.items, .attribute_count = attributes.count));
}

static void send(cleat_instrumentor *instrumentor, cleat_trigger_call *call, cleat_span span,
                 const cleat_span_context *origin)
{
    size_t count = cleat_trigger_call_count(call);
    cleat__budget_state numbers;
    bool is_counted = cleat__producer_count(instrumentor, span, count, &numbers);
    for (size_t i = 0; i < count; i++) {
        const cleat_trigger_item *item = cleat_trigger_call_item(call, i);
        cleat__producer_inject_origin(span, origin, is_counted ? &numbers : NULL, &item->metadata,
                                      item->trace, item->task);
        numbers.spans += is_counted;
    }
}

/* Of many the first names the span: they are started by one call. */
cleat_status cleat__workflow_start(cleat_instrumentor *instrumentor, cleat_trigger_call *call)
{
    static const char run_id[] = "workflow.run.id";
    cleat_span_context origin;
    cleat_span start = start_span(instrumentor, cleat_trigger_call_workflow(call));
    origin_of(start, &origin);
    cleat_scope start_scope = cleat_span_attach(start);
    cleat_span sent = cleat__queue_send_start(instrumentor);
    cleat_scope scope = cleat_span_attach(sent);
    send(instrumentor, call, sent, &origin);
    cleat_status status = cleat_trigger_call_proceed(call);
    (void)cleat_scope_detach(scope);
    const char *id = cleat_trigger_call_run_id(call, 0);
    if (id != NULL && !cleat__attribute_is_excluded(&instrumentor->settings, run_id)) {
        (void)cleat_span_set_string(start, run_id, id);
        (void)cleat_span_set_string(sent, run_id, id);
    }
    cleat__producer_end(sent, status);
    (void)cleat_scope_detach(start_scope);
    cleat__producer_end(start, status);
    return status;
}

/* ---- Hooks ---- */

/* Where the run comes from is known only once the engine has found it by the token. */
static void link_origin(cleat_span span, cleat_resume_call *call)
{
    cleat_text_map map = cleat_resume_call_run_metadata(call);
    cleat__carrier_contexts carrier;
    cleat__carrier_read(&map, &carrier);
    if (carrier.usable) {
        const cleat_attribute kind =
            cleat_attribute_string(CLEAT__LINK_KIND, cleat__link_kind_name(CLEAT__LINK_ORIGIN));
        const cleat_link link = {&carrier.origin, &kind, 1};
        (void)cleat_span_add_link(span, &link);
    }
}

static cleat_baggage *without(cleat_baggage *from, const char *key)
{
    cleat_baggage *less = cleat_baggage_without(from, key);
    cleat_baggage_release(from);
    return less;
}

cleat_baggage *cleat__baggage_without_workflow(void)
{
    const cleat_baggage *current = cleat_context_get_baggage(cleat_context_current());
    cleat_baggage *baggage = cleat_baggage_retain(current);
    baggage = without(baggage, "workflow.run_id");
    return without(baggage, "workflow.name");
}

/* The caller's baggage goes along, but for what names the workflow that the caller may be in. */
static void inject_resume(cleat_instrumentor *instrumentor, cleat_span span, const cleat_text_map *map)
{
    cleat_baggage *baggage = cleat__baggage_without_workflow();
    cleat__queue_send_inject(instrumentor, span, NULL, baggage, map);
    cleat_baggage_release(baggage);
}

cleat_status cleat__instrumentor_resume(void *self, cleat_resume_call *call)
{
    cleat_instrumentor *instrumentor = self;
    cleat__span_attributes attributes;
    if (cleat_tracing_suppressed()) {
        return cleat_resume_call_proceed(call);
    }
    cleat_text_map map = cleat_resume_call_metadata(call);
    cleat__span_attributes_init(&attributes, &instrumentor->settings);
    cleat_span span =
        cleat_span_start(instrumentor->tracer, "hook.resume",
                         CLEAT_SPAN_OPTIONS(.kind = CLEAT_SPAN_KIND_PRODUCER, .attributes = attributes.items,
                                            .attribute_count = attributes.count));
    cleat_scope scope = cleat_span_attach(span);
    inject_resume(instrumentor, span, &map);
    cleat_status status = cleat_resume_call_proceed(call);
    (void)cleat_scope_detach(scope);
    if (status == CLEAT_OK) {
        if (!cleat__attribute_is_excluded(&instrumentor->settings, "workflow.run.id")) {
            (void)cleat_span_set_string(span, "workflow.run.id", cleat_resume_call_run_id(call));
        }
        link_origin(span, call);
    }
    cleat__producer_end(span, status);
    return status;
}
