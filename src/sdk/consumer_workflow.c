/*
 * What a consumer span is where the work is an invocation of a workflow, or a step of one that came over
 * the queue (telemetry.md section 6): its name, its attributes, where it belongs, the baggage around it,
 * and the message that its end sends.
 *
 * A queued step is known by what came along with it: the baggage names the workflow's run, and the run that
 * spawned this one is that. So it is one for whoever runs it, in whatever process.
 */
#include "sdk/instrumentor.h"

#include "base/env.h"
#include "sdk/worker.h"
#include "topology/display_name.h"

#include <stdio.h>

#define BAGGAGE_RUN_ID "workflow.run_id"
#define BAGGAGE_NAME   "workflow.name"

static cleat_slice baggage(const cleat__consumer *consumer, const char *key)
{
    const cleat_baggage *all = consumer->base != NULL ? cleat_context_get_baggage(consumer->base) : NULL;
    return all != NULL ? cleat_baggage_get(all, key) : (cleat_slice){NULL, 0};
}

/* The variable is read at each decision, so that a program may change its mind. */
static cleat__trace_mode read_mode(void)
{
    static const char name[] = "WORKFLOW_TRACE_MODE";
    cleat_slice value = cleat__env_get(name);
    cleat__trace_mode mode;
    if (!cleat__trace_mode_parse(value, &mode)) {
        cleat__env_warn(name, value, "\"linked\" (the default) or \"continuous\"");
    }
    return mode;
}

void cleat__consumer_find_role(cleat__consumer *consumer)
{
    cleat_slice parent = cleat_slice_of(consumer->parent_id.text);
    consumer->reports_to_workflow =
        parent.size > 0 && cleat_slice_equals(baggage(consumer, BAGGAGE_RUN_ID), parent);
    if (cleat_task_is_workflow(consumer->task)) {
        bool is_plain = cleat_task_spans(consumer->task) == CLEAT_HATCHET_SPANS;
        consumer->role = is_plain ? CLEAT__ROLE_TASK : CLEAT__ROLE_WORKFLOW;
    } else {
        consumer->role = consumer->reports_to_workflow ? CLEAT__ROLE_STEP : CLEAT__ROLE_TASK;
    }
    consumer->input.is_workflow = consumer->role != CLEAT__ROLE_TASK;
    if (consumer->input.is_workflow) {
        consumer->input.trace_mode = read_mode();
    }
}

void cleat__consumer_workflow_name(const cleat__consumer *consumer, char *name, size_t size)
{
    cleat_slice shown = cleat__display_name(cleat_slice_of(cleat_task_machine_name(consumer->task)));
    (void)snprintf(name, size, "%s.execute %.*s",
                   consumer->role == CLEAT__ROLE_WORKFLOW ? "workflow" : "step", CLEAT_SLICE_ARGS(shown));
}

void cleat__consumer_workflow_attributes(cleat__consumer *consumer)
{
    cleat__span_attributes *attributes = &consumer->attributes;
    cleat_slice machine_name = cleat_slice_of(cleat_task_machine_name(consumer->task));
    if (consumer->role == CLEAT__ROLE_WORKFLOW) {
        cleat__span_attributes_add(attributes, "workflow.name", machine_name);
        cleat__span_attributes_add(attributes, "workflow.run.id", cleat_slice_of(consumer->id.text));
    } else {
        cleat__span_attributes_add(attributes, "workflow.name", baggage(consumer, BAGGAGE_NAME));
        cleat__span_attributes_add(attributes, "workflow.run.id", cleat_slice_of(consumer->parent_id.text));
        cleat__span_attributes_add(attributes, "step.name", machine_name);
        cleat__span_attributes_add_int(attributes, "step.attempt",
                                       cleat_task_retry_count(consumer->task) + 1);
    }
    cleat__span_attributes_add(attributes, "workflow.trace.mode",
                               cleat_slice_of(cleat__trace_mode_name(consumer->input.trace_mode)));
    cleat__span_attributes_add_bool(attributes, "workflow.trace.propagated", consumer->input.carrier.usable);
}

/* What cannot be added for want of room is left as it came. */
static cleat_baggage *with(cleat_baggage *from, const char *key, cleat_slice value)
{
    cleat_baggage *more = cleat_baggage_with(from, key, value, NULL);
    if (more == NULL) {
        return from;
    }
    cleat_baggage_release(from);
    return more;
}

void cleat__consumer_workflow_baggage(cleat__consumer *consumer)
{
    if (consumer->role != CLEAT__ROLE_WORKFLOW) {
        return; /* it came along */
    }
    const cleat_baggage *caller = consumer->base != NULL ? cleat_context_get_baggage(consumer->base) : NULL;
    cleat_baggage *own = caller != NULL ? cleat_baggage_retain(caller) : NULL;
    own = with(own, BAGGAGE_RUN_ID, cleat_slice_of(consumer->id.text));
    own = with(own, BAGGAGE_NAME, cleat_slice_of(cleat_task_machine_name(consumer->task)));
    cleat_context *base = cleat_context_with_baggage(consumer->base, own);
    cleat_baggage_release(own);
    cleat_context_release(consumer->base);
    consumer->base = base;
}

/* ---- The end ---- */

static bool is_excluded(const cleat__consumer *consumer, const char *key)
{
    return cleat__attribute_is_excluded(&consumer->instrumentor->settings, key);
}

static void set_count(const cleat__consumer *consumer, cleat_span span, const char *key, int64_t count)
{
    if (!is_excluded(consumer, key)) {
        (void)cleat_span_set_int(span, key, count);
    }
}

static void set_text(const cleat__consumer *consumer, cleat_span span, const char *key, const char *text)
{
    if (!is_excluded(consumer, key)) {
        (void)cleat_span_set_string(span, key, text);
    }
}

static void say_suspended(const cleat__consumer *consumer, cleat_span span)
{
    cleat_suspension waits;
    if (consumer->call == NULL || !cleat_execute_call_suspension(consumer->call, &waits)) {
        return;
    }
    set_text(consumer, span, "workflow.suspension.state", "suspended");
    set_count(consumer, span, "workflow.suspension.step_count", waits.step_count);
    set_count(consumer, span, "workflow.suspension.hook_count", waits.hook_count);
    set_count(consumer, span, "workflow.suspension.wait_count", waits.wait_count);
}

static const char *run_status(const cleat__consumer *consumer, cleat_status status)
{
    switch (status) {
    case CLEAT_OK: return "completed";
    case CLEAT_SUSPENDED: return "running";
    case CLEAT_CANCELLED: return cleat_task_is_cancelled(consumer->task) ? "cancelled" : "failed";
    default: return "failed";
    }
}

/* The workflow that waits for this run is brought its next invocation by it. */
static void send_end(const cleat__consumer *consumer)
{
    cleat_instrumentor *instrumentor = (cleat_instrumentor *)consumer->instrumentor;
    cleat_text_map map = consumer->end_metadata;
    cleat_span span = cleat__queue_send_start(instrumentor);
    cleat_scope scope = cleat_span_attach(span);
    cleat__queue_send_inject(instrumentor, span, NULL, NULL, &map);
    (void)cleat_scope_detach(scope);
    (void)cleat_span_end(span);
}

/* What is tried again has nothing to say yet; who has the last word on that is the engine, which then passes over the
 * message. */
static bool has_ended(const cleat__consumer *consumer, cleat_status status)
{
    if (status == CLEAT_OK || status == CLEAT_NON_RETRYABLE || status == CLEAT_NON_DETERMINISTIC) {
        return !cleat__task_goes_on(consumer->task); /* then the other run has the last word */
    }
    bool is_over =
        status == CLEAT_SUSPENDED || (status == CLEAT_CANCELLED && cleat_task_is_cancelled(consumer->task));
    return !is_over && cleat_task_retry_count(consumer->task) >= consumer->task->declaration->policy.retries;
}

void cleat__consumer_workflow_end(const cleat__consumer *consumer, cleat_span span, cleat_status status)
{
    /* What nobody has tried to store. */
    cleat__queue_send_end(cleat__run_scope_of(cleat_context_current()), status);
    if (consumer->role == CLEAT__ROLE_WORKFLOW) {
        set_text(consumer, span, "workflow.run.status", run_status(consumer, status));
    }
    if (consumer->role == CLEAT__ROLE_WORKFLOW && status == CLEAT_SUSPENDED) {
        say_suspended(consumer, span);
    }
    if (consumer->reports_to_workflow && consumer->role != CLEAT__ROLE_TASK && has_ended(consumer, status) &&
        !cleat_tracing_suppressed()) {
        send_end(consumer);
    }
}
