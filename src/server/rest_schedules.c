/* .../workflows/{workflow}/scheduled and .../workflows/scheduled: runs that are to start at a time. */
#include "rest_parts.h"

#include "base/error.h"
#include "engine/engine.h"

/* ---- Answers ---- */

static void write_schedule(cleat__json_writer *writer, const cleat__http_call *call,
                           const cleat__rest_schedule *it)
{
    const cleat__schedule_row *row = &it->row;
    cleat__writer_begin_object(writer, NULL);
    cleat__rest_write_metadata(writer, &row->id, row->created_at_ms, row->created_at_ms);
    cleat__rest_write_uuid(writer, "tenantId", &call->identity.tenant_id);
    cleat__rest_write_uuid(writer, "workflowId", &it->workflow_id);
    cleat__rest_write_uuid(writer, "workflowVersionId", &it->version_id);
    cleat__writer_slice(writer, "workflowName", row->schedule.workflow);
    cleat__rest_write_time(writer, "triggerAt", row->at_ms);
    cleat__rest_write_payload(writer, "input", row->schedule.input);
    cleat__rest_write_payload(writer, "additionalMetadata", row->schedule.metadata);
    cleat__writer_string(writer, "method", row->schedule.method == CLEAT__SCHEDULE_API ? "API" : "DEFAULT");
    if (row->schedule.priority != 0) { /* else the task's own counts, which may be another by then */
        cleat__writer_int(writer, "priority", row->schedule.priority);
    }
    cleat__writer_end_object(writer);
}

static cleat_status write_one(const cleat__http_call *call, cleat__store *store, const cleat__uuid *id,
                              cleat__json_writer *writer)
{
    cleat__rest_schedule row;
    cleat_status status = cleat__rest_query_schedule(store, call->identity.tenant, id, &row);
    if (status == CLEAT_OK) {
        write_schedule(writer, call, &row);
    }
    return status;
}

void cleat__rest_schedule_get(cleat__http_call *call)
{
    cleat__rest_answer_part(call, "scheduledWorkflowRun", write_one);
}

/* ---- Making one ---- */

typedef struct asked {
    cleat__schedule schedule;
    int64_t at_ms;
} asked;

static bool read_body(cleat__http_call *call, const json_t *body, asked *out)
{
    out->schedule = (cleat__schedule){
        .workflow = cleat__http_call_part(call, "workflow"),
        .method = CLEAT__SCHEDULE_API,
    };
    const cleat__rest_json whole = {call->body, body};
    return cleat__rest_json_time(call, "triggerAt", json_object_get(body, "triggerAt"), &out->at_ms) &&
           cleat__rest_json_object(call, whole, "input", &out->schedule.input) &&
           cleat__rest_json_object(call, whole, "additionalMetadata", &out->schedule.metadata) &&
           cleat__rest_json_priority(call, json_object_get(body, "priority"), &out->schedule.priority);
}

static cleat_status make(cleat__http_call *call, const asked *it, cleat__uuid *id)
{
    const cleat__rest *rest = call->service;
    return cleat__engine_schedule(rest->engine, call->identity.tenant, &it->schedule, &it->at_ms, 1, id);
}

typedef struct made {
    cleat__http_call *call;
    const asked *asked;
    cleat__uuid id;
} made;

/* From what was asked: one whose time is not in the future has fired before it can be read. */
static cleat_status write_made(void *argument, cleat__store *store, cleat__json_writer *writer)
{
    const made *self = argument;
    const cleat__schedule *schedule = &self->asked->schedule;
    cleat__workflow_brief workflow;
    cleat_status status =
        cleat__workflow_get(store, self->call->identity.tenant, schedule->workflow, &workflow);
    if (status == CLEAT_OK) {
        const cleat__rest_schedule it = {
            .row = {.id = self->id,
                    .at_ms = self->asked->at_ms,
                    .created_at_ms = cleat__uuid_time(&self->id),
                    .schedule = *schedule},
            .workflow_id = workflow.workflow_id,
            .version_id = workflow.version_id,
        };
        write_schedule(writer, self->call, &it);
    }
    return status;
}

void cleat__rest_schedule_create(cleat__http_call *call)
{
    asked it = {.at_ms = 0};
    made self = {.call = call, .asked = &it};
    json_t *body = cleat__http_call_json(call);
    if (body == NULL) {
        return;
    }
    if (read_body(call, body, &it)) {
        cleat_status status = make(call, &it, &self.id);
        if (status == CLEAT_OK) {
            cleat__rest_answer(call, write_made, &self);
        } else if (status == CLEAT_NOT_FOUND) {
            cleat__rest_fail_workflow(call, it.schedule.workflow);
        } else {
            cleat__http_call_fail_status(call, status);
        }
    }
    json_decref(body);
}

/* ---- Listing ---- */

typedef struct list {
    cleat__http_call *call;
    cleat__json_writer *writer;
    cleat__rest_schedule_filter filter;
    cleat__rest_page page;
    bool matches_nothing;
} list;

/* Those that have fired are gone, and none has a parent. */
static bool read_query(list *self, cleat__uuid *workflow)
{
    enum { SCHEDULED };
    static const char *const statuses[] = {
        [SCHEDULED] = "SCHEDULED", "PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED", "QUEUED", NULL};
    static const char *const fields[] = {"triggerAt", "createdAt", NULL};
    static const char *const directions[] = {"DESC", "ASC", NULL};
    cleat__http_call *call = self->call;
    cleat__uuid parent;
    unsigned wanted = 0;
    int field = 0, direction = 0;
    bool has_workflow = false, has_run = false, has_step = false;
    if (!cleat__rest_read_page(call, &self->page) ||
        !cleat__rest_read_choices(call, "statuses", statuses, &wanted) ||
        !cleat__rest_read_choice(call, "orderByField", fields, &field) ||
        !cleat__rest_read_choice(call, "orderByDirection", directions, &direction) ||
        !cleat__http_call_uuid(call, "workflowId", workflow, &has_workflow) ||
        !cleat__http_call_uuid(call, "parentWorkflowRunId", &parent, &has_run) ||
        !cleat__http_call_uuid(call, "parentStepRunId", &parent, &has_step) ||
        !cleat__rest_read_pairs(call, "additionalMetadata", &self->filter.metadata)) {
        return false;
    }
    self->filter.workflow_id = has_workflow ? workflow : NULL;
    self->filter.is_by_creation = field == 1;
    self->filter.is_ascending = direction == 1;
    self->matches_nothing = has_run || has_step || (wanted != 0 && (wanted >> SCHEDULED & 1) == 0);
    return true;
}

static bool write_row(void *argument, const cleat__rest_schedule *row)
{
    list *self = argument;
    if (cleat__rest_page_take(&self->page)) {
        write_schedule(self->writer, self->call, row);
    }
    return cleat__rest_page_goes_on(&self->page) && !cleat__answer_is_full(self->writer);
}

static cleat_status write_list(void *argument, cleat__store *store, cleat__json_writer *writer)
{
    list *self = argument;
    cleat_status status = CLEAT_OK;
    self->writer = writer;
    cleat__writer_begin_object(writer, NULL);
    cleat__writer_begin_array(writer, "rows");
    if (!self->matches_nothing) {
        status =
            cleat__rest_query_schedules(store, self->call->identity.tenant, &self->filter, write_row, self);
    }
    cleat__writer_end_array(writer);
    cleat__rest_write_pages(writer, self->page.offset, self->page.limit, self->page.total);
    cleat__writer_end_object(writer);
    return status;
}

void cleat__rest_schedule_list(cleat__http_call *call)
{
    list self = {.call = call};
    cleat__uuid workflow;
    if (read_query(&self, &workflow)) {
        cleat__rest_answer(call, write_list, &self);
    }
    json_decref(self.filter.metadata);
}

/* ---- Changing one ---- */

/* Whether the API made it, and may change it: that never changes. Writes what it will be: once changed, it may
 * be gone because it fired. */
static cleat_status look_at(cleat__http_call *call, const cleat__schedule_change *what, bool *is_ours,
                            cleat__json_writer *writer)
{
    cleat__rest_schedule row;
    cleat__store *store = NULL;
    cleat_status status = cleat__rest_take(call, &store);
    if (status == CLEAT_OK) {
        status = cleat__rest_query_schedule(store, call->identity.tenant, &what->id, &row);
    }
    if (status == CLEAT_OK) {
        *is_ours = row.row.schedule.method == CLEAT__SCHEDULE_API;
        row.row.at_ms = what->at_ms;
        write_schedule(writer, call, &row);
    }
    cleat__rest_give(call, store);
    return status;
}

/* An error all by itself when it was to be deleted, else in a list. */
static void refuse_foreign(cleat__http_call *call, bool is_deleted)
{
    cleat__json_writer writer = {0};
    if (!is_deleted) {
        cleat__http_call_fail(call, 403, "%s", CLEAT__REST_FOREIGN_SCHEDULE);
        return;
    }
    cleat__writer_begin_object(&writer, NULL);
    cleat__writer_string(&writer, "description", CLEAT__REST_FOREIGN_SCHEDULE);
    cleat__writer_end_object(&writer);
    cleat__http_call_answer_json(call, 403, &writer);
}

static void change(cleat__http_call *call, cleat__schedule_change *what)
{
    const cleat__rest *rest = call->service;
    cleat__json_writer writer = {0};
    bool is_ours = false;
    cleat_status status = look_at(call, what, &is_ours, &writer);
    if (status == CLEAT_OK && is_ours) {
        status = cleat__engine_change_schedules(rest->engine, call->identity.tenant, what, 1);
        status = status == CLEAT_OK ? what->status : status;
    }
    if (status != CLEAT_OK) {
        cleat__http_call_fail_status(call, status);
    } else if (!is_ours) {
        refuse_foreign(call, what->is_deleted);
    } else if (what->is_deleted) {
        cleat__http_call_answer_nothing(call, 204);
    } else {
        cleat__http_call_answer_json(call, 200, &writer);
    }
    cleat__buffer_deinit(&writer.out);
}

void cleat__rest_schedule_update(cleat__http_call *call)
{
    cleat__schedule_change what = {.id = cleat__http_call_id(call, "scheduledWorkflowRun")};
    json_t *body = cleat__http_call_json(call);
    if (body == NULL) {
        return;
    }
    if (cleat__rest_json_time(call, "triggerAt", json_object_get(body, "triggerAt"), &what.at_ms)) {
        change(call, &what);
    }
    json_decref(body);
}

void cleat__rest_schedule_delete(cleat__http_call *call)
{
    cleat__schedule_change what = {.id = cleat__http_call_id(call, "scheduledWorkflowRun"),
                                   .is_deleted = true};
    change(call, &what);
}

void cleat__rest_schedule_trigger(cleat__http_call *call)
{
    cleat__rest_trigger_now(call, "scheduledWorkflowRun", CLEAT__COMMAND_TRIGGER_SCHEDULE);
}
