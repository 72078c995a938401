/* .../workflows/{workflow}/scheduled and .../workflows/scheduled: runs that are to start at a time. */
#include "rest_parts.h"

#include "base/clock.h"
#include "base/error.h"
#include "engine/engine.h"
#include "model/json.h"

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
    cleat__writer_int(writer, "priority", row->schedule.priority != 0 ? row->schedule.priority : 1);
    cleat__writer_end_object(writer);
}

typedef struct one {
    cleat__http_call *call;
    cleat__uuid id;
    const cleat__schedule_row *fired; /* what to say of it when it is not there any more; NULL: that */
} one;

/* The workflow by its name. False: this is the one. */
static bool compare(void *argument, const cleat__rest_workflow *row)
{
    cleat__rest_schedule *fired = argument;
    if (!cleat_slice_equals(row->name, fired->row.schedule.workflow)) {
        return true;
    }
    fired->workflow_id = row->id;
    fired->version_id = row->version_id;
    return false;
}

static cleat_status write_one(void *argument, cleat__store *store, cleat__json_writer *writer)
{
    const one *self = argument;
    cleat__rest_schedule row;
    cleat_status status = cleat__rest_query_schedule(store, self->call->identity.tenant, &self->id, &row);
    if (status == CLEAT_NOT_FOUND && self->fired != NULL) {
        row = (cleat__rest_schedule){.row = *self->fired};
        status = cleat__rest_query_workflows(store, row.row.tenant, compare, &row);
    }
    if (status == CLEAT_OK) {
        write_schedule(writer, self->call, &row);
    }
    return status;
}

static void answer_one(cleat__http_call *call, const cleat__uuid *id)
{
    one self = {call, *id, NULL};
    cleat__rest_answer(call, write_one, &self);
}

void cleat__rest_schedule_get(cleat__http_call *call)
{
    cleat__uuid id = cleat__http_call_id(call, "scheduledWorkflowRun");
    answer_one(call, &id);
}

/* ---- Making one ---- */

typedef struct asked {
    cleat__schedule schedule;
    int64_t at_ms;
    char *input, *metadata; /* owned, of jansson */
} asked;

static bool read_body(cleat__http_call *call, const json_t *body, asked *out)
{
    out->schedule = (cleat__schedule){
        .workflow = cleat__http_call_part(call, "workflow"),
        .method = CLEAT__SCHEDULE_API,
    };
    if (!cleat__rest_json_time(call, "triggerAt", json_object_get(body, "triggerAt"), &out->at_ms) ||
        !cleat__rest_json_object(call, "input", json_object_get(body, "input"), &out->input) ||
        !cleat__rest_json_object(call, "additionalMetadata", json_object_get(body, "additionalMetadata"),
                                 &out->metadata) ||
        !cleat__rest_json_priority(call, json_object_get(body, "priority"), &out->schedule.priority)) {
        return false;
    }
    out->schedule.input = cleat_slice_of(out->input);
    out->schedule.metadata = cleat_slice_of(out->metadata);
    return true;
}

static cleat_status make(cleat__http_call *call, const asked *it, cleat__uuid *id)
{
    const cleat__rest *rest = call->service;
    cleat_status status = it->input != NULL ? cleat__json_check("input", it->schedule.input, true) : CLEAT_OK;
    if (status == CLEAT_OK && it->metadata != NULL) {
        status = cleat__json_check("additionalMetadata", it->schedule.metadata, true);
    }
    if (status == CLEAT_OK) {
        status =
            cleat__engine_schedule(rest->engine, call->identity.tenant, &it->schedule, &it->at_ms, 1, id);
    }
    return status;
}

/* A time that is not in the future has fired before it can be read. */
static void answer_made(cleat__http_call *call, const asked *it, const cleat__uuid *id)
{
    const cleat__schedule_row made = {
        .id = *id,
        .tenant = call->identity.tenant,
        .at_ms = it->at_ms,
        .created_at_ms = cleat__clock_unix_ns(NULL) / CLEAT__NS_PER_MS,
        .schedule = it->schedule,
    };
    one self = {call, *id, &made};
    cleat__rest_answer(call, write_one, &self);
}

void cleat__rest_schedule_create(cleat__http_call *call)
{
    asked it = {.at_ms = 0};
    cleat__uuid id;
    json_t *body = cleat__http_call_json(call);
    if (body == NULL) {
        return;
    }
    if (read_body(call, body, &it)) {
        cleat_status status = make(call, &it, &id);
        if (status == CLEAT_OK) {
            answer_made(call, &it, &id);
        } else if (status == CLEAT_NOT_FOUND) {
            cleat__rest_fail_workflow(call, it.schedule.workflow);
        } else {
            cleat__http_call_fail_status(call, status);
        }
    }
    free(it.input);
    free(it.metadata);
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
    return cleat__rest_page_goes_on(&self->page) && !cleat__rest_is_full(self->writer);
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

/* Whether the API made it, and may change it: that never changes. */
static cleat_status check_method(cleat__http_call *call, const cleat__uuid *id, bool *is_ours)
{
    cleat__rest *rest = call->service;
    cleat__rest_schedule row;
    cleat__store *store = NULL;
    cleat_status status = cleat__rest_take(rest, &store);
    if (status == CLEAT_OK) {
        status = cleat__rest_query_schedule(store, call->identity.tenant, id, &row);
        *is_ours = status == CLEAT_OK && row.row.schedule.method == CLEAT__SCHEDULE_API;
    }
    cleat__rest_give(rest, store);
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

/* False: it was answered. */
static bool change(cleat__http_call *call, cleat__schedule_change *what)
{
    const cleat__rest *rest = call->service;
    bool is_ours = false;
    cleat_status status = check_method(call, &what->id, &is_ours);
    if (status == CLEAT_OK && !is_ours) {
        refuse_foreign(call, what->is_deleted);
        return false;
    }
    if (status == CLEAT_OK) {
        status = cleat__engine_change_schedules(rest->engine, call->identity.tenant, what, 1);
    }
    status = status == CLEAT_OK ? what->status : status;
    if (status != CLEAT_OK) {
        cleat__http_call_fail_status(call, status);
    }
    return status == CLEAT_OK;
}

void cleat__rest_schedule_update(cleat__http_call *call)
{
    cleat__schedule_change what = {.id = cleat__http_call_id(call, "scheduledWorkflowRun")};
    json_t *body = cleat__http_call_json(call);
    if (body == NULL) {
        return;
    }
    if (cleat__rest_json_time(call, "triggerAt", json_object_get(body, "triggerAt"), &what.at_ms) &&
        change(call, &what)) {
        answer_one(call, &what.id);
    }
    json_decref(body);
}

void cleat__rest_schedule_delete(cleat__http_call *call)
{
    cleat__schedule_change what = {.id = cleat__http_call_id(call, "scheduledWorkflowRun"),
                                   .is_deleted = true};
    if (change(call, &what)) {
        cleat__http_call_answer_nothing(call, 204);
    }
}
