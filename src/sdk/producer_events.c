/*
 * The caller's side of what starts runs later: hatchet.push_event, hatchet.bulk_push_event and
 * hatchet.schedule_workflow, with the carrier in the metadata (telemetry.md sections 2 to 4).
 */
#include "sdk/instrumentor.h"

#include "base/buffer.h"
#include "model/rfc3339.h"

static cleat_span start_span(const cleat_instrumentor *instrumentor, const char *name,
                             const cleat__span_attributes *attributes)
{
    return cleat_span_start(instrumentor->tracer, name,
                            CLEAT_SPAN_OPTIONS(.kind = CLEAT_SPAN_KIND_PRODUCER,
                                               .attributes = attributes->items,
                                               .attribute_count = attributes->count));
}

/* ---- Events ---- */

static cleat_span start_push(const cleat_instrumentor *instrumentor, cleat_push_call *call)
{
    const cleat_push_item *item = cleat_push_call_item(call, 0);
    cleat__span_attributes attributes;
    cleat__span_attributes_init(&attributes, &instrumentor->settings);
    cleat__span_attributes_add(&attributes, "hatchet.event_key", cleat_slice_of(item->key));
    cleat__span_attributes_add(&attributes, "hatchet.scope", cleat_slice_of(item->scope));
    if (item->priority != 0) {
        cleat__span_attributes_add_int(&attributes, "hatchet.priority", item->priority);
    }
    if (instrumentor->settings.payloads) {
        cleat__span_attributes_add_json(&attributes, "hatchet.payload", item->payload);
        cleat__span_attributes_add_json(&attributes, "hatchet.additional_metadata",
                                        cleat__producer_metadata(&item->metadata));
    }
    return start_span(instrumentor, "hatchet.push_event", &attributes);
}

static cleat_slice key_of(void *call, size_t index)
{
    return cleat_slice_of(cleat_push_call_item(call, index)->key);
}

static cleat_slice payload_of(void *call, size_t index)
{
    return cleat_push_call_item(call, index)->payload;
}

static cleat_span start_bulk_push(const cleat_instrumentor *instrumentor, cleat_push_call *call)
{
    const cleat__producer_items items = {call, cleat_push_call_count(call), key_of, payload_of};
    return cleat__producer_start_bulk(instrumentor, "hatchet.bulk_push_event", "hatchet.event_key", &items);
}

cleat_status cleat__instrumentor_push(void *self, cleat_push_call *call)
{
    cleat_instrumentor *instrumentor = self;
    size_t count = cleat_push_call_count(call);
    cleat__budget_state numbers = {0, 0, 0};
    if (cleat_tracing_suppressed()) {
        return cleat_push_call_proceed(call);
    }
    cleat_span span =
        cleat_push_call_is_many(call) ? start_bulk_push(instrumentor, call) : start_push(instrumentor, call);
    cleat_scope scope = cleat_span_attach(span);
    bool counted = cleat__producer_count(instrumentor, span, count, &numbers);
    for (size_t i = 0; i < count; i++) {
        const cleat_push_item *item = cleat_push_call_item(call, i);
        cleat__producer_inject(span, counted ? &numbers : NULL, &item->metadata, item->trace, item->key);
        numbers.spans += counted;
    }
    cleat_status status = cleat_push_call_proceed(call);
    (void)cleat_scope_detach(scope);
    cleat__producer_end(span, status);
    return status;
}

/* ---- Schedules ---- */

/* ["2026-07-11T08:12:01.123Z",..]. */
static void append_times(const cleat_schedule_item *item, cleat__buffer *out)
{
    for (size_t i = 0; i < item->at_count; i++) {
        char text[CLEAT__RFC3339_SIZE];
        cleat__rfc3339_format(item->at_ms[i], text);
        cleat__buffer_append_byte(out, i == 0 ? '[' : ',');
        cleat__buffer_append_json(out, cleat_slice_of(text));
    }
    cleat__buffer_append_byte(out, ']');
}

static cleat_span start_schedule(const cleat_instrumentor *instrumentor, const cleat_schedule_item *item)
{
    cleat__span_attributes attributes;
    cleat__buffer times = {0};
    cleat__span_attributes_init(&attributes, &instrumentor->settings);
    cleat__span_attributes_add(&attributes, "hatchet.workflow_name", cleat__action_workflow_name(item->task));
    cleat__span_attributes_add(&attributes, "hatchet.step_name", cleat__action_step_name(item->task));
    append_times(item, &times);
    if (!times.failed) {
        cleat__span_attributes_add(&attributes, "hatchet.run_at_timestamps", cleat__buffer_slice(&times));
    }
    if (item->priority != 0) {
        cleat__span_attributes_add_int(&attributes, "hatchet.priority", item->priority);
    }
    if (instrumentor->settings.payloads) {
        cleat__span_attributes_add_json(&attributes, "hatchet.payload", item->input);
        cleat__span_attributes_add_json(&attributes, "hatchet.additional_metadata",
                                        cleat__producer_metadata(&item->metadata));
    }
    cleat_span span = start_span(instrumentor, "hatchet.schedule_workflow", &attributes);
    cleat__buffer_deinit(&times);
    return span;
}

cleat_status cleat__instrumentor_schedule(void *self, cleat_schedule_call *call)
{
    cleat_instrumentor *instrumentor = self;
    const cleat_schedule_item *item = cleat_schedule_call_item(call);
    cleat__budget_state numbers = {0, 0, 0};
    if (cleat_tracing_suppressed()) {
        return cleat_schedule_call_proceed(call);
    }
    cleat_span span = start_schedule(instrumentor, item);
    cleat_scope scope = cleat_span_attach(span);
    bool counted = cleat__producer_count(instrumentor, span, item->at_count, &numbers);
    cleat__producer_inject(span, counted ? &numbers : NULL, &item->metadata, item->trace, item->task);
    cleat_status status = cleat_schedule_call_proceed(call);
    (void)cleat_scope_detach(scope);
    cleat__producer_end(span, status);
    return status;
}
