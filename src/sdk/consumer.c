/*
 * The worker's side: hatchet.start_step_run around a task function, hatchet.cancel_step_run around
 * the news that it was cancelled.
 *
 * The carrier in the run's metadata is read, topology decides how the span is tied to what caused
 * it, and the task function runs in a context that holds the span, the baggage that came along,
 * and the scope of the run: the origin and the budget numbers for what the task starts, and the
 * attributes for the spans in it.
 */
#include "sdk/instrumentor.h"

#include "base/alloc.h"
#include "base/clock.h"

#include <stdio.h>

/* ---- Attributes ---- */

static void add_ids(cleat__span_attributes *attributes, const cleat__consumer *consumer)
{
    const cleat_task *task = consumer->task;
    cleat__span_attributes_add(attributes, "hatchet.tenant_id", cleat_slice_of(cleat_task_tenant_id(task)));
    cleat__span_attributes_add(attributes, "hatchet.worker_id", cleat_slice_of(cleat_task_worker_id(task)));
    cleat__span_attributes_add(attributes, "hatchet.workflow_run_id", cleat_slice_of(consumer->run_id.text));
    /* A task that is alone is its run. */
    cleat__span_attributes_add(attributes, "hatchet.step_run_id", cleat_slice_of(consumer->id.text));
    cleat__span_attributes_add(attributes, "hatchet.step_id", cleat_slice_of(cleat_task_step_id(task)));
    cleat__span_attributes_add(attributes, "hatchet.workflow_id",
                               cleat_slice_of(cleat_task_workflow_id(task)));
    cleat__span_attributes_add(attributes, "hatchet.workflow_version_id",
                               cleat_slice_of(cleat_task_workflow_version_id(task)));
}

static void task_attributes(cleat__consumer *consumer)
{
    cleat__span_attributes *attributes = &consumer->attributes;
    const cleat_task *task = consumer->task;
    const char *action = consumer->action;
    add_ids(attributes, consumer);
    cleat__span_attributes_add(attributes, "hatchet.workflow_name", cleat__action_workflow_name(action));
    cleat__span_attributes_add(attributes, "hatchet.action_name", cleat_slice_of(action));
    cleat__span_attributes_add(attributes, "hatchet.step_name", cleat__action_step_name(action));
    cleat__span_attributes_add_int(attributes, "hatchet.retry_count", cleat_task_retry_count(task));
    if (cleat_task_is_workflow(task)) {
        cleat__span_attributes_add_int(attributes, "workflow.invocation", cleat_task_invocation(task));
    }
    cleat__span_attributes_add(attributes, "hatchet.parent_workflow_run_id",
                               cleat_slice_of(consumer->parent_id.text));
    if (cleat_task_child_index(task) >= 0) {
        cleat__span_attributes_add_int(attributes, "hatchet.child_workflow_index",
                                       cleat_task_child_index(task));
    }
    cleat__span_attributes_add(attributes, "hatchet.child_workflow_key",
                               cleat_slice_of(cleat_task_child_key(task)));
    if (attributes->settings->payloads) {
        cleat__span_attributes_add_json(attributes, "hatchet.payload", cleat_task_input(task));
        cleat__span_attributes_add_json(attributes, "hatchet.additional_metadata", cleat_task_metadata(task));
    }
    cleat__span_attributes_add(attributes, "cleat.trace.relation",
                               cleat_slice_of(cleat_trace_relation_name(consumer->decision.relation)));
}

/* ---- Where the span belongs ---- */

/* Baggage, and what a propagator of the user's finds; the trace context is the carrier's own. */
static cleat_context *extract_rest(const cleat_text_map *map)
{
    const cleat_propagator *propagator = cleat_propagator_global();
    if (propagator == cleat_propagator_default()) {
        propagator = cleat_propagator_baggage();
    }
    return propagator->extract(propagator, NULL, map);
}

static void decide(cleat__consumer *consumer, const cleat_text_map *map)
{
    const cleat__instrumentor_settings *settings = &consumer->instrumentor->settings;
    cleat__decision_input *input = &consumer->input;
    cleat__carrier_read(map, &input->carrier);
    input->predicate = settings->use_links != NULL && input->carrier.relation == CLEAT_TRACE_DEFAULT &&
                       settings->use_links(consumer->action, settings->user_data);
    input->budget = settings->budget;
    input->now_s = cleat__clock_unix_ns(NULL) / CLEAT__NS_PER_S;
    input->mode = CLEAT_TRACE_PARENT;
    input->sampling_across_links = settings->sampling_across_links;
    cleat__decide(input, &consumer->decision);
}

static void span_name(const cleat__consumer *consumer, char *name, size_t size)
{
    static const char plain[] = "hatchet.start_step_run";
    if (consumer->role != CLEAT__ROLE_TASK) {
        cleat__consumer_workflow_name(consumer, name, size);
        return;
    }
    bool is_long = consumer->instrumentor->settings.task_name_in_span_name &&
                   sizeof plain + strlen(consumer->action) + 1 <= size;
    (void)snprintf(name, size, "%s%s%s", plain, is_long ? "." : "", is_long ? consumer->action : "");
}

/* `base` gets the remote parent. */
static cleat_span start_task_span(cleat__consumer *consumer)
{
    const cleat__decision *decision = &consumer->decision;
    cleat_link links[2];
    cleat_attribute kinds[2];
    char name[192];
    for (size_t i = 0; i < decision->link_count; i++) {
        kinds[i] = cleat_attribute_string(CLEAT__LINK_KIND, cleat__link_kind_name(decision->links[i].kind));
        links[i] = (cleat_link){&decision->links[i].context, &kinds[i], 1};
    }
    if (cleat_span_context_is_valid(&decision->parent)) {
        cleat_context *parent = cleat_context_with_span_context(consumer->base, &decision->parent);
        cleat_context_release(consumer->base);
        consumer->base = parent;
    }
    span_name(consumer, name, sizeof name);
    return cleat_span_start(
        consumer->instrumentor->tracer, name,
        CLEAT_SPAN_OPTIONS(.kind = CLEAT_SPAN_KIND_CONSUMER, .parent = consumer->base,
                           .root = consumer->base == NULL || decision->relation != CLEAT_TRACE_PARENT,
                           .attributes = consumer->attributes.items,
                           .attribute_count = consumer->attributes.count, .links = links,
                           .link_count = decision->link_count,
                           .trace_state = {decision->root.trace_state, decision->root.trace_state_size}));
}

/* ---- The scope of the run ---- */

static void set_numbers(cleat__run_scope *scope, const cleat__decision_input *input,
                        const cleat__decision *decision)
{
    bool continued = cleat_span_context_is_valid(&decision->parent);
    if (continued && cleat__budget_read(&input->carrier.spawn, &scope->numbers)) {
        return;
    }
    /* A trace of its own begins here; one that came without numbers has come over one queue. */
    scope->numbers = (cleat__budget_state){continued ? 1 : 0, input->now_s, 0};
}

/* The context for the task function: `base` with span and scope. The caller owns the result. */
static cleat_context *task_context(const cleat__consumer *consumer, cleat_span span)
{
    static const cleat__span_attributes none = {.count = 0};
    const cleat__decision *decision = &consumer->decision;
    cleat_span_context own;
    cleat_context *with_span = cleat_context_with_span(consumer->base, span);
    cleat__run_scope *scope =
        cleat__run_scope_new(cleat_span_is_recording(span) ? &consumer->attributes : &none);
    if (scope == NULL) {
        return with_span;
    }
    cleat_span_get_context(span, &own);
    scope->trace_id = own.trace_id;
    scope->is_workflow = consumer->role != CLEAT__ROLE_TASK;
    scope->reports_to_workflow = consumer->reports_to_workflow;
    scope->is_invocation = consumer->role == CLEAT__ROLE_WORKFLOW;
    scope->is_continuous = scope->is_workflow && consumer->input.trace_mode == CLEAT__TRACE_MODE_CONTINUOUS;
    scope->arrived = cleat_baggage_retain(consumer->arrived);
    bool has_origin = cleat_span_context_is_valid(&decision->origin);
    cleat_span_context_copy(&scope->origin, has_origin ? &decision->origin : &own);
    set_numbers(scope, &consumer->input, decision);
    cleat_context *result =
        cleat_context_with_value(with_span, &cleat__run_scope_key, scope, cleat__run_scope_free);
    cleat_context_release(with_span);
    return result;
}

/* Tells the transport of a trace that begins here, of which the run's metadata knows nothing. */
static void tell_own_trace(const cleat__consumer *consumer, cleat_span span)
{
    cleat__transport *transport = consumer->instrumentor->client->transport;
    const cleat_span_context *spawn = &consumer->input.carrier.spawn;
    cleat__own_trace trace = {.run = {spawn->trace_id, spawn->span_id}};
    cleat_span_context own;
    if (transport->own_trace == NULL || consumer->decision.relation == CLEAT_TRACE_PARENT ||
        !consumer->input.carrier.usable || !cleat_span_is_recording(span) ||
        cleat__uuid_parse(cleat_slice_of(consumer->id.text), &trace.task_id) != CLEAT_OK) {
        return;
    }
    cleat_span_get_context(span, &own);
    trace.trace_id = own.trace_id;
    transport->own_trace(transport, &trace);
}

/* ---- Beginning and end ---- */

/* A task that was cancelled and says so has neither succeeded nor failed; a workflow that waits has not failed. */
static void set_end(const cleat__consumer *consumer, cleat_span span, cleat_status status, const char *error)
{
    bool cancelled = cleat_task_is_cancelled(consumer->task);
    if (status == CLEAT_OK || status == CLEAT_SUSPENDED) {
        (void)cleat_span_set_status(span, CLEAT_SPAN_STATUS_OK, NULL);
    } else if (status != CLEAT_CANCELLED || !cancelled) {
        cleat__span_fail(span, status, error);
    }
}

void cleat__consumer_init(cleat__consumer *consumer, const cleat_instrumentor *instrumentor,
                          const cleat_task *task)
{
    *consumer = (cleat__consumer){
        .instrumentor = instrumentor,
        .task = task,
        .action = cleat_task_name(task),
        .id = cleat_task_run_id(task),
        .run_id = cleat_task_workflow_run_id(task),
    };
    (void)cleat_task_parent_run_id(task, &consumer->parent_id);
}

cleat_span cleat__consumer_start(cleat__consumer *consumer, cleat_context **context)
{
    consumer->base = extract_rest(&consumer->metadata);
    cleat__consumer_find_role(consumer);
    decide(consumer, &consumer->metadata);
    cleat__span_attributes_init(&consumer->attributes, &consumer->instrumentor->settings);
    task_attributes(consumer);
    if (consumer->role != CLEAT__ROLE_TASK) {
        cleat__consumer_workflow_attributes(consumer);
        cleat__consumer_workflow_baggage(consumer);
    }
    cleat_span span = start_task_span(consumer);
    tell_own_trace(consumer, span);
    *context = task_context(consumer, span);
    return span;
}

void cleat__consumer_end(const cleat__consumer *consumer, cleat_span span, cleat_status status,
                         const char *error)
{
    set_end(consumer, span, status, error);
    (void)cleat_span_end(span);
}

void cleat__consumer_deinit(cleat__consumer *consumer)
{
    cleat_context_release(consumer->base);
    cleat_baggage_release(consumer->arrived);
}

/* ---- The hooks ---- */

cleat_status cleat__instrumentor_execute(void *user_data, cleat_execute_call *call)
{
    cleat__consumer consumer;
    cleat_context *context = NULL;
    cleat__consumer_init(&consumer, user_data, cleat_execute_call_task(call));
    consumer.call = call;
    consumer.metadata = cleat_execute_call_metadata(call);
    consumer.end_metadata = cleat_execute_call_end_metadata(call);
    cleat_span span = cleat__consumer_start(&consumer, &context);
    cleat_scope scope = cleat_context_attach(context);
    cleat_status status = cleat_execute_call_proceed(call);
    cleat__consumer_workflow_end(&consumer, span, status);
    (void)cleat_scope_detach(scope);
    cleat__consumer_end(&consumer, span, status, cleat_execute_call_error(call));
    cleat_context_release(context);
    cleat__consumer_deinit(&consumer);
    return status;
}

/* The worker has attached the task's context, so the span belongs to the task's. */
cleat_status cleat__instrumentor_cancel(void *user_data, cleat_cancel_call *call)
{
    const cleat_instrumentor *instrumentor = user_data;
    cleat__span_attributes attributes;
    cleat__span_attributes_init(&attributes, &instrumentor->settings);
    cleat__span_attributes_add(&attributes, "hatchet.step_run_id",
                               cleat_slice_of(cleat_cancel_call_run_id(call)));
    cleat_span span =
        cleat_span_start(instrumentor->tracer, "hatchet.cancel_step_run",
                         CLEAT_SPAN_OPTIONS(.kind = CLEAT_SPAN_KIND_CONSUMER, .attributes = attributes.items,
                                            .attribute_count = attributes.count));
    cleat_scope scope = cleat_span_attach(span);
    cleat_status status = cleat_cancel_call_proceed(call);
    (void)cleat_scope_detach(scope);
    (void)cleat_span_end(span);
    return status;
}
