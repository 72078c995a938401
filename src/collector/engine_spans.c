#include "collector/engine_spans.h"

#include "base/error.h"
#include "model/derived_id.h"
#include "trace/attribute_set.h"
#include "trace/record.h"

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

/* ---- Where a run's spans are ---- */

typedef struct place {
    cleat__decision decision;
    bool is_sampled;
    cleat_trace_id trace_id;
    cleat_span_id run_span_id;
    cleat_slice trace_state; /* in the decision */
    uint32_t flags;
} place;

/* As the consumer decides, as far as the carrier tells. */
static cleat_status find_place(const cleat__engine_run *run, place *out)
{
    const cleat__decision_input input = {.carrier = *run->carrier, .mode = CLEAT_TRACE_PARENT};
    cleat__decide(&input, &out->decision);
    const cleat_span_context *spawn = &run->carrier->spawn, *parent = &out->decision.parent;
    bool continues = out->decision.relation == CLEAT_TRACE_PARENT && cleat_span_context_is_valid(parent);
    bool follows = run->carrier->usable && out->decision.relation != CLEAT_TRACE_NONE;
    out->is_sampled = !follows || cleat_span_context_is_sampled(spawn);
    out->trace_state = (cleat_slice){NULL, 0};
    out->flags = CLEAT_TRACE_FLAG_SAMPLED | CLEAT__FLAG_HAS_IS_REMOTE;
    if (!cleat__derived_run_span_id(&run->run_id, &out->run_span_id) ||
        !cleat__derived_run_trace_id(&run->run_id, &out->trace_id)) {
        return cleat__fail_memory();
    }
    if (continues) {
        out->trace_id = parent->trace_id;
        out->trace_state = (cleat_slice){parent->trace_state, parent->trace_state_size};
        out->flags = parent->trace_flags | (uint32_t)CLEAT__FLAG_HAS_IS_REMOTE;
    }
    return CLEAT_OK;
}

/* ---- Attributes ---- */

/* False: no memory. */
static bool put_text(cleat__attribute_set *set, const char *key, cleat_slice text)
{
    const cleat_attribute attribute = cleat_attribute_slice(key, text);
    return text.size == 0 ||
           cleat__attribute_set_put(set, cleat_slice_of(key), &attribute.value, &no_limits) == CLEAT_OK;
}

static bool put_uuid(cleat__attribute_set *set, const char *key, const cleat__uuid *uuid)
{
    char text[37];
    cleat__uuid_format(uuid, text);
    return cleat__uuid_is_nil(uuid) || put_text(set, key, cleat_slice_of(text));
}

static bool put_run(cleat__attribute_set *set, const cleat__engine_run *run, const place *at)
{
    static const char *const relations[] = {
        [CLEAT_TRACE_PARENT] = "parent",
        [CLEAT_TRACE_LINK] = "link",
        [CLEAT_TRACE_NONE] = "none",
    };
    return put_text(set, "hatchet.span_source", cleat_slice_of("engine")) &&
           put_text(set, "cleat.trace.relation", cleat_slice_of(relations[at->decision.relation])) &&
           put_uuid(set, "hatchet.workflow_run_id", &run->run_id) &&
           put_uuid(set, "hatchet.workflow_id", &run->workflow_id);
}

static bool put_attempt(cleat__attribute_set *set, const cleat__engine_attempt *attempt)
{
    char retry_count[16];
    snprintf(retry_count, sizeof(retry_count), "%d", (int)attempt->retry_count);
    return put_uuid(set, "hatchet.workflow_version_id", &attempt->run->workflow_version_id) &&
           put_uuid(set, "hatchet.step_run_id", &attempt->task_id) &&
           put_uuid(set, "hatchet.step_id", &attempt->step_id) &&
           put_text(set, "hatchet.step_name", attempt->step_name) &&
           put_text(set, "hatchet.task_name", attempt->step_name) &&
           put_text(set, "hatchet.action_id", attempt->action_id) &&
           put_text(set, "hatchet.retry_count", cleat_slice_of(retry_count));
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

static cleat_status put_span(cleat__engine_spans *spans, const place *at, const cleat__engine_run *run,
                             const cleat__engine_attempt *attempt, cleat_span_view *view, cleat_slice links)
{
    cleat__attribute_set attributes = {.field = CLEAT__SPAN_ATTRIBUTES};
    view->trace_id = at->trace_id;
    view->trace_state = at->trace_state;
    view->flags |= at->flags;
    view->kind = CLEAT_SPAN_KIND_INTERNAL;
    cleat_status status = CLEAT_OK;
    if (!put_run(&attributes, run, at) || (attempt != NULL && !put_attempt(&attributes, attempt)) ||
        (attempt == NULL && !put_text(&attributes, "hatchet.workflow_name", run->workflow_name))) {
        status = cleat__fail_memory();
    }
    if (status == CLEAT_OK) {
        const cleat__record_parts parts = {
            .span = view,
            .attributes = {(const char *)attributes.data, attributes.size},
            .links = links,
        };
        status = put_record(spans, &parts);
    }
    cleat__attribute_set_deinit(&attributes);
    return status;
}

/* ---- The run ---- */

static cleat_status put_links(cleat__buffer *out, const cleat__decision *decision)
{
    for (size_t i = 0; i < decision->link_count; i++) {
        cleat__attribute_set attributes = {.field = CLEAT__LINK_ATTRIBUTES};
        const char *kind = cleat__link_kind_name(decision->links[i].kind);
        bool is_fine = put_text(&attributes, CLEAT__LINK_KIND, cleat_slice_of(kind));
        cleat__link_plan plan = {
            .context = &decision->links[i].context,
            .attributes = {(const char *)attributes.data, attributes.size},
        };
        cleat__link_plan_finish(&plan);
        uint8_t *at = is_fine ? cleat__buffer_reserve(out, plan.field_size) : NULL;
        if (at != NULL) {
            out->size += (size_t)(cleat__link_put(at, &plan) - at);
        }
        cleat__attribute_set_deinit(&attributes);
        if (at == NULL) {
            return cleat__fail_memory();
        }
    }
    return CLEAT_OK;
}

static bool is_own(const cleat_span_context *parent, const place *at)
{
    return memcmp(&parent->span_id, &at->run_span_id, sizeof(at->run_span_id)) == 0;
}

cleat_status cleat__engine_spans_triggered(cleat__engine_spans *spans, const cleat__engine_run *run)
{
    place at;
    cleat__buffer links = {0};
    spans->batch.count = 0;
    cleat_status status = find_place(run, &at);
    if (status != CLEAT_OK || !at.is_sampled) {
        return status;
    }
    cleat_span_view view = {
        .span_id = at.run_span_id,
        .name = cleat_slice_of("hatchet.engine.workflow_run"),
        .start_time_ns = run->triggered_ns,
        .end_time_ns = run->triggered_ns,
        .status = CLEAT_SPAN_STATUS_OK,
    };
    const cleat_span_context *parent = &at.decision.parent;
    if (cleat_span_context_is_valid(parent) && !is_own(parent, &at)) {
        view.parent_span_id = parent->span_id;
        view.flags |= CLEAT__FLAG_IS_REMOTE;
    }
    status = put_links(&links, &at.decision);
    if (status == CLEAT_OK) {
        status = put_span(spans, &at, run, NULL, &view, cleat__buffer_slice(&links));
    }
    cleat__buffer_deinit(&links);
    return status;
}

/* ---- An attempt ---- */

/* A span of the attempt below that of its run; one that would end before it begins has no length. */
static cleat_status put_part(cleat__engine_spans *spans, const place *at,
                             const cleat__engine_attempt *attempt, const char *part, cleat_span_view *view)
{
    if (!cleat__derived_attempt_span_id(&attempt->task_id, attempt->retry_count, part, &view->span_id)) {
        return cleat__fail_memory();
    }
    view->parent_span_id = at->run_span_id;
    if (view->end_time_ns < view->start_time_ns) {
        view->end_time_ns = view->start_time_ns;
    }
    return put_span(spans, at, attempt->run, attempt, view, (cleat_slice){NULL, 0});
}

cleat_status cleat__engine_spans_assigned(cleat__engine_spans *spans, const cleat__engine_attempt *attempt)
{
    place at;
    spans->batch.count = 0;
    cleat_status status = find_place(attempt->run, &at);
    if (status != CLEAT_OK || !at.is_sampled) {
        return status;
    }
    int64_t due_ns = attempt->due_ns > attempt->queued_ns ? attempt->due_ns : attempt->queued_ns;
    if (due_ns != attempt->queued_ns) {
        bool is_retry = attempt->retry_count > 0;
        cleat_span_view delay = {
            .name =
                cleat_slice_of(is_retry ? "hatchet.engine.retry_backoff" : "hatchet.engine.schedule_delay"),
            .start_time_ns = attempt->queued_ns,
            .end_time_ns = due_ns,
            .status = CLEAT_SPAN_STATUS_OK,
        };
        status = put_part(spans, &at, attempt, is_retry ? "retry_backoff" : "schedule_delay", &delay);
    }
    cleat_span_view queued = {
        .name = cleat_slice_of("hatchet.engine.queued"),
        .start_time_ns = due_ns,
        .end_time_ns = attempt->assigned_ns,
        .status = CLEAT_SPAN_STATUS_OK,
    };
    return status == CLEAT_OK ? put_part(spans, &at, attempt, "queued", &queued) : status;
}

static cleat_slice message_of(const cleat__engine_attempt *attempt)
{
    static const char *const texts[] = {
        [CLEAT__ENGINE_COMPLETED] = NULL,
        [CLEAT__ENGINE_FAILED] = "task failed",
        [CLEAT__ENGINE_CANCELLED] = "task cancelled",
        [CLEAT__ENGINE_TIMED_OUT] = "task timed out",
        [CLEAT__ENGINE_SCHEDULE_TIMED_OUT] = "scheduling timed out",
    };
    bool has_own = attempt->outcome != CLEAT__ENGINE_COMPLETED && attempt->error.size != 0;
    return has_own ? attempt->error : cleat_slice_of(texts[attempt->outcome]);
}

cleat_status cleat__engine_spans_ended(cleat__engine_spans *spans, const cleat__engine_attempt *attempt)
{
    place at;
    spans->batch.count = 0;
    cleat_status status = find_place(attempt->run, &at);
    if (status != CLEAT_OK || !at.is_sampled) {
        return status;
    }
    bool is_fine = attempt->outcome == CLEAT__ENGINE_COMPLETED;
    cleat_span_view ended = {
        .name = cleat_slice_of("hatchet.engine.start_step_run"),
        .start_time_ns = attempt->assigned_ns != 0 ? attempt->assigned_ns : attempt->queued_ns,
        .end_time_ns = attempt->ended_ns,
        .status = is_fine ? CLEAT_SPAN_STATUS_OK : CLEAT_SPAN_STATUS_ERROR,
        .status_message = message_of(attempt),
    };
    return put_part(spans, &at, attempt, "step_run", &ended);
}

cleat_status cleat__engine_run_context(const cleat__uuid *run_id, cleat_span_context *out)
{
    const cleat_span_context none = {.trace_flags = CLEAT_TRACE_FLAG_SAMPLED};
    cleat_span_context_copy(out, &none);
    return cleat__derived_run_trace_id(run_id, &out->trace_id) &&
                   cleat__derived_run_span_id(run_id, &out->span_id)
               ? CLEAT_OK
               : cleat__fail_memory();
}
