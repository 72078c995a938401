#include "collector/engine_spans.h"

#include "base/clock.h"
#include "base/error.h"
#include "collector/collector.h"
#include "model/derived_id.h"
#include "store/durable.h"
#include "trace/attribute_set.h"
#include "trace/record.h"

#include <inttypes.h>
#include <stdio.h>

static const cleat_instrumentation_scope scope = {.name = {"hatchet-engine", 14}};
static const cleat__attribute_limits no_limits = {CLEAT__NO_LIMIT, CLEAT__NO_LIMIT};

cleat_status cleat__engine_spans_init(cleat__engine_spans *spans)
{
    const cleat_attribute service = cleat_attribute_string("service.name", "hatchet-engine");
    memset(spans, 0, sizeof(*spans));
    spans->batch.entries = spans->entries;
    return cleat_resource_new(&service, 1, NULL, &spans->resource);
}

void cleat__engine_spans_deinit(cleat__engine_spans *spans)
{
    for (int i = 0; i < CLEAT__ENGINE_SPANS_MAX; i++) {
        cleat__buffer_deinit(&spans->records[i]);
    }
    cleat_resource_release(spans->resource);
}

/* ---- Attributes ---- */

/* False: no memory. */
static bool put(cleat__attribute_set *set, const cleat_attribute *attribute)
{
    return cleat__attribute_set_put(set, attribute->key, &attribute->value, &no_limits) == CLEAT_OK;
}

static bool put_text(cleat__attribute_set *set, const char *key, cleat_slice text)
{
    const cleat_attribute attribute = cleat_attribute_slice(key, text);
    return text.size == 0 || put(set, &attribute);
}

static bool put_uuid(cleat__attribute_set *set, const char *key, const cleat__uuid *uuid)
{
    char text[37];
    cleat__uuid_format(uuid, text);
    return cleat__uuid_is_nil(uuid) || put_text(set, key, cleat_slice_of(text));
}

static bool put_run(cleat__attribute_set *set, const cleat__execution *execution,
                    const cleat__attempt_wait *wait)
{
    static const char relation[] = "cleat.trace.relation";
    return put_text(set, "hatchet.span_source", cleat_slice_of("engine")) &&
           put_text(set, relation, cleat__span_string(execution->span, relation)) &&
           put_uuid(set, "hatchet.workflow_run_id", &execution->run_id) &&
           put_uuid(set, "hatchet.workflow_id", &wait->workflow_id);
}

static bool put_attempt(cleat__attribute_set *set, const cleat__execution *execution,
                        const cleat__attempt_wait *wait)
{
    const cleat_attribute retry_count = cleat_attribute_int("hatchet.retry_count", execution->retry_count);
    const cleat_attribute invocation = cleat_attribute_int("workflow.invocation", wait->invocation.number);
    return put_uuid(set, "hatchet.workflow_version_id", &wait->version_id) &&
           put_uuid(set, "hatchet.step_run_id", &execution->task_id) &&
           put_text(set, "hatchet.step_name", wait->task_name) &&
           put_text(set, "hatchet.task_name", wait->task_name) &&
           put_text(set, "hatchet.action_id", wait->action) && put(set, &retry_count) &&
           (wait->invocation.number == 0 || put(set, &invocation));
}

/* ---- Spans ---- */

/* The record, and behind it the same as the field of ScopeSpans that a batch consists of. */
static cleat_status put_record(cleat__engine_spans *spans, const cleat__record_parts *parts)
{
    cleat__buffer *memory = &spans->records[spans->batch.count];
    cleat__batch_entry *entry = &spans->entries[spans->batch.count];
    cleat_span_view view;
    size_t bound = cleat__record_bound(parts);
    cleat__buffer_clear(memory);
    uint8_t *record = cleat__buffer_reserve(memory, 2 * bound + CLEAT__BATCH_PREFIX_MAX);
    if (record == NULL) {
        return cleat__fail_memory();
    }
    cleat__record_write(parts, record, &view);
    cleat__batch_put(record + bound, view.record, entry);
    entry->scope = &scope;
    entry->resource = spans->resource;
    spans->batch.count++;
    return CLEAT_OK;
}

/* A span of the execution's trace; one that would end before it begins has no length. */
static cleat_status put_span(cleat__engine_spans *spans, const cleat__execution *execution,
                             const cleat__attribute_set *attributes, cleat_span_view *view)
{
    view->trace_id = execution->span->trace_id;
    view->trace_state = execution->span->trace_state;
    view->flags |= (execution->span->flags & 0xff) | CLEAT__FLAG_HAS_IS_REMOTE;
    view->kind = CLEAT_SPAN_KIND_INTERNAL;
    view->status = CLEAT_SPAN_STATUS_OK;
    if (view->end_time_ns < view->start_time_ns) {
        view->end_time_ns = view->start_time_ns;
    }
    const cleat__record_parts parts = {
        .span = view,
        .attributes = {(const char *)attributes->data, attributes->size},
    };
    return put_record(spans, &parts);
}

static int64_t ns_of(int64_t ms)
{
    return ms < INT64_MAX / CLEAT__NS_PER_MS ? ms * CLEAT__NS_PER_MS : INT64_MAX;
}

/* The run's own span, when that is what the execution has as its parent. */
static cleat_status put_run_span(cleat__engine_spans *spans, const cleat__execution *execution,
                                 const cleat__attempt_wait *wait)
{
    cleat__attribute_set attributes = {.field = CLEAT__SPAN_ATTRIBUTES};
    cleat_span_view view = {
        .name = cleat_slice_of("hatchet.engine.workflow_run"),
        .start_time_ns = ns_of(wait->triggered_at_ms),
        .end_time_ns = ns_of(wait->triggered_at_ms),
    };
    if (!cleat__derived_run_span_id(&execution->run_id, &view.span_id)) {
        return cleat__fail_memory();
    }
    if (memcmp(&view.span_id, &execution->span->parent_span_id, sizeof(view.span_id)) != 0) {
        return CLEAT_OK;
    }
    bool is_fine = put_run(&attributes, execution, wait) &&
                   put_text(&attributes, "hatchet.workflow_name", wait->workflow);
    cleat_status status = is_fine ? put_span(spans, execution, &attributes, &view) : cleat__fail_memory();
    cleat__attribute_set_deinit(&attributes);
    return status;
}

/* What the attempt, or its invocation, waited for. */
typedef struct waiting {
    const char *name, *part; /* of the span; of its id */
    int64_t from_ms, to_ms;
} waiting;

/* `number`: of an invocation that is not the first one of its attempt, else 0. */
static cleat_status put_wait(cleat__engine_spans *spans, const cleat__execution *execution,
                             const cleat__attribute_set *attributes, const waiting *what, int32_t number)
{
    const cleat_span_view *span = execution->span;
    bool has_parent = cleat_span_id_is_valid(&span->parent_span_id);
    cleat_span_view view = {
        .parent_span_id = has_parent ? span->parent_span_id : span->span_id,
        .flags = CLEAT__FLAG_IS_REMOTE,
        .name = cleat_slice_of(what->name),
        .start_time_ns = ns_of(what->from_ms),
        .end_time_ns = ns_of(what->to_ms),
    };
    char part[48];
    (void)snprintf(part, sizeof(part), number != 0 ? "%s:%" PRId32 : "%s", what->part, number);
    if (!cleat__derived_attempt_span_id(&execution->task_id, execution->retry_count, part, &view.span_id)) {
        return cleat__fail_memory();
    }
    return put_span(spans, execution, attributes, &view);
}

static cleat_slice name_of_kinds(uint32_t kinds)
{
    switch (kinds) {
    case 0: return (cleat_slice){NULL, 0}; /* it had happened before the invocation ended */
    case UINT32_C(1) << CLEAT__PENDING_SLEEP: return cleat_slice_of("sleep");
    case UINT32_C(1) << CLEAT__PENDING_EVENT: return cleat_slice_of("event");
    case UINT32_C(1) << CLEAT__PENDING_HOOK: return cleat_slice_of("hook");
    case UINT32_C(1) << CLEAT__PENDING_CHILD: return cleat_slice_of("child");
    default: return cleat_slice_of("mixed");
    }
}

static cleat_status put_durable_wait(cleat__engine_spans *spans, const cleat__execution *execution,
                                     cleat__attribute_set *attributes, const cleat__attempt_wait *wait)
{
    const cleat__invocation_wait *invocation = &wait->invocation;
    const waiting suspended = {"hatchet.engine.durable_wait", "durable_wait", invocation->suspended_at_ms,
                               invocation->queued_at_ms};
    int64_t ms = suspended.to_ms - suspended.from_ms;
    const cleat_attribute duration = cleat_attribute_int("cleat.wait.duration_ms", ms > 0 ? ms : 0);
    if (invocation->suspended_at_ms == 0) {
        return CLEAT_OK;
    }
    bool is_fine = put_text(attributes, "cleat.wait.kind", name_of_kinds(invocation->waited_for)) &&
                   put(attributes, &duration);
    return is_fine ? put_wait(spans, execution, attributes, &suspended, invocation->number)
                   : cleat__fail_memory();
}

/* `attributes` may get more. */
static cleat_status put_waits(cleat__engine_spans *spans, const cleat__execution *execution,
                              cleat__attribute_set *attributes, const cleat__attempt_wait *wait)
{
    const waiting retry = {"hatchet.engine.retry_backoff", "retry_backoff", wait->since_ms, wait->due_at_ms};
    const waiting schedule = {"hatchet.engine.schedule_delay", "schedule_delay", wait->since_ms,
                              wait->due_at_ms};
    const waiting queued = {"hatchet.engine.queued", "queued", wait->due_at_ms, wait->started_at_ms};
    int32_t number = wait->invocation.number;
    cleat_status status = CLEAT_OK;
    if (wait->due_at_ms > wait->since_ms) {
        status = put_wait(spans, execution, attributes, execution->retry_count > 0 ? &retry : &schedule, 0);
    }
    if (status == CLEAT_OK) {
        status = put_wait(spans, execution, attributes, &queued, number);
    }
    return status == CLEAT_OK && number != 0 ? put_durable_wait(spans, execution, attributes, wait) : status;
}

cleat_status cleat__engine_spans_make(cleat__engine_spans *spans, const cleat__execution *execution,
                                      const cleat__attempt_wait *wait)
{
    cleat__attribute_set attributes = {.field = CLEAT__SPAN_ATTRIBUTES};
    spans->batch.count = 0;
    cleat_status status = put_run_span(spans, execution, wait);
    if (status == CLEAT_OK) {
        bool is_fine = put_run(&attributes, execution, wait) && put_attempt(&attributes, execution, wait);
        status = is_fine ? put_waits(spans, execution, &attributes, wait) : cleat__fail_memory();
    }
    cleat__attribute_set_deinit(&attributes);
    return status;
}
