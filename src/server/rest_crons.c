/* .../workflows/{workflow}/crons and .../workflows/crons: runs that start again and again. */
#include "rest_parts.h"

#include "base/error.h"
#include "model/metadata.h"
#include "store/cron.h"

/* ---- Answers ---- */

static void write_cron(cleat__json_writer *writer, const cleat__http_call *call, const cleat__cron_row *row)
{
    cleat__writer_begin_object(writer, NULL);
    cleat__rest_write_metadata(writer, &row->id, row->created_at_ms, row->updated_at_ms);
    cleat__rest_write_uuid(writer, "tenantId", &call->identity.tenant_id);
    cleat__rest_write_uuid(writer, "workflowId", &row->workflow_id);
    cleat__rest_write_uuid(writer, "workflowVersionId", &row->version_id);
    cleat__writer_slice(writer, "workflowName", row->what.workflow);
    cleat__writer_slice(writer, "cron", row->what.expression);
    cleat__writer_slice(writer, "name", row->what.name);
    cleat__rest_write_payload(writer, "input", row->what.input);
    cleat__rest_write_payload(writer, "additionalMetadata", row->what.metadata);
    cleat__writer_bool(writer, "enabled", row->is_enabled);
    cleat__writer_string(writer, "method", row->what.method == CLEAT__SCHEDULE_API ? "API" : "DEFAULT");
    if (row->what.priority != 0) { /* else the task's own counts, which may be another by then */
        cleat__writer_int(writer, "priority", row->what.priority);
    }
    cleat__writer_end_object(writer);
}

static cleat_status write_one(const cleat__http_call *call, cleat__store *store, const cleat__uuid *id,
                              cleat__json_writer *writer)
{
    cleat__cron_row row;
    cleat_status status = cleat__cron_get(store, call->identity.tenant, id, &row);
    if (status == CLEAT_OK) {
        write_cron(writer, call, &row);
    }
    return status;
}

void cleat__rest_cron_get(cleat__http_call *call)
{
    cleat__rest_answer_part(call, "cronWorkflow", write_one);
}

/* ---- Making one ---- */

static bool read_body(cleat__http_call *call, const json_t *body, cleat__recurrence *out)
{
    const cleat__rest_json whole = {call->body, body};
    *out = (cleat__recurrence){.workflow = cleat__http_call_part(call, "workflow"),
                               .method = CLEAT__SCHEDULE_API};
    return cleat__rest_json_text(call, "cronName", json_object_get(body, "cronName"), true, &out->name) &&
           cleat__rest_json_text(call, "cronExpression", json_object_get(body, "cronExpression"), true,
                                 &out->expression) &&
           cleat__rest_json_object(call, whole, "input", &out->input) &&
           cleat__rest_json_object(call, whole, "additionalMetadata", &out->metadata) &&
           cleat__rest_json_priority(call, json_object_get(body, "priority"), &out->priority);
}

void cleat__rest_cron_create(cleat__http_call *call)
{
    cleat__uuid id;
    cleat__recurrence what;
    cleat__command command = {.kind = CLEAT__COMMAND_ADD_CRON, .as.add_cron = {&what, &id}};
    json_t *body = cleat__http_call_json(call);
    if (body != NULL && read_body(call, body, &what)) {
        cleat_status status = cleat__rest_ask(call, &command);
        if (status == CLEAT_OK) {
            cleat__rest_answer_row(call, &id, write_one);
        } else if (status == CLEAT_NOT_FOUND) {
            cleat__rest_fail_workflow(call, what.workflow);
        } else if (status == CLEAT_INVALID_ARGUMENT || status == CLEAT_ALREADY_EXISTS) {
            cleat__http_call_fail(call, 400, "error creating cron trigger: %s", cleat_error_message());
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
    cleat__rest_page page;
    cleat__uuid workflow;
    bool has_workflow;
    json_t *metadata; /* all of these */
    cleat__cron_order order;
} list;

static bool read_query(list *self)
{
    static const char *const fields[] = {"createdAt", "name", NULL};
    static const char *const directions[] = {"DESC", "ASC", NULL};
    cleat__http_call *call = self->call;
    int field = 0, direction = 0;
    if (!cleat__rest_read_page(call, &self->page) ||
        !cleat__rest_read_choice(call, "orderByField", fields, &field) ||
        !cleat__rest_read_choice(call, "orderByDirection", directions, &direction) ||
        !cleat__http_call_uuid(call, "workflowId", &self->workflow, &self->has_workflow) ||
        !cleat__rest_read_pairs(call, "additionalMetadata", &self->metadata)) {
        return false;
    }
    self->order = (cleat__cron_order){.is_by_name = field == 1, .is_ascending = direction == 1};
    return true;
}

static bool write_row(void *argument, const cleat__cron_row *row)
{
    list *self = argument;
    bool is_wanted = (!self->has_workflow || cleat__uuid_equals(&self->workflow, &row->workflow_id)) &&
                     cleat__rest_is_wanted(self->call, "workflowName", row->what.workflow) &&
                     cleat__rest_is_wanted(self->call, "cronName", row->what.name) &&
                     cleat__metadata_has_pairs(self->metadata, true, row->what.metadata);
    if (is_wanted && cleat__rest_page_take(&self->page)) {
        write_cron(self->writer, self->call, row);
    }
    return cleat__rest_page_goes_on(&self->page) && !cleat__answer_is_full(self->writer);
}

static cleat_status write_list(void *argument, cleat__store *store, cleat__json_writer *writer)
{
    list *self = argument;
    self->writer = writer;
    cleat__writer_begin_object(writer, NULL);
    cleat__writer_begin_array(writer, "rows");
    cleat_status status = cleat__cron_list(store, self->call->identity.tenant, self->order, write_row, self);
    cleat__writer_end_array(writer);
    cleat__rest_write_pages(writer, self->page.offset, self->page.limit, self->page.total);
    cleat__writer_end_object(writer);
    return status;
}

void cleat__rest_cron_list(cleat__http_call *call)
{
    list self = {.call = call};
    if (read_query(&self)) {
        cleat__rest_answer(call, write_list, &self);
    }
    json_decref(self.metadata);
}

/* ---- Changing one ---- */

void cleat__rest_cron_update(cleat__http_call *call)
{
    cleat__command command = {.kind = CLEAT__COMMAND_CHANGE_CRON,
                              .as.change_cron.id = cleat__http_call_id(call, "cronWorkflow")};
    json_t *body = cleat__http_call_json(call);
    const json_t *enabled = json_object_get(body, "enabled");
    if (body != NULL && !json_is_boolean(enabled)) {
        cleat__http_call_fail(call, 400, "enabled must be true or false");
    } else if (body != NULL) {
        command.as.change_cron.is_enabled = json_is_true(enabled);
        cleat_status status = cleat__rest_ask(call, &command);
        if (status == CLEAT_OK) {
            cleat__http_call_answer_nothing(call, 204);
        } else {
            cleat__http_call_fail_status(call, status);
        }
    }
    json_decref(body);
}

/* Whether the API made it: that never changes. */
static cleat_status look_at(cleat__http_call *call, const cleat__uuid *id, bool *is_ours)
{
    cleat__cron_row row;
    cleat__store *store = NULL;
    cleat_status status = cleat__rest_take(call, &store);
    if (status == CLEAT_OK) {
        status = cleat__cron_get(store, call->identity.tenant, id, &row);
    }
    *is_ours = status == CLEAT_OK && row.what.method == CLEAT__SCHEDULE_API;
    cleat__rest_give(call, store);
    return status;
}

/* All by itself, as that of a scheduled run. */
static void refuse_declared(cleat__http_call *call)
{
    cleat__json_writer writer = {0};
    cleat__writer_begin_object(&writer, NULL);
    cleat__writer_string(&writer, "description",
                         "a cron that is declared with its workflow can be disabled, not deleted");
    cleat__writer_end_object(&writer);
    cleat__http_call_answer_json(call, 403, &writer);
}

void cleat__rest_cron_delete(cleat__http_call *call)
{
    cleat__command command = {.kind = CLEAT__COMMAND_DELETE_CRON,
                              .as.id = cleat__http_call_id(call, "cronWorkflow")};
    bool is_ours = false;
    cleat_status status = look_at(call, &command.as.id, &is_ours);
    if (status == CLEAT_OK && is_ours) {
        status = cleat__rest_ask(call, &command);
    }
    if (status != CLEAT_OK) {
        cleat__http_call_fail_status(call, status);
    } else if (!is_ours) {
        refuse_declared(call);
    } else {
        cleat__http_call_answer_nothing(call, 204);
    }
}

/* ---- Now ---- */

void cleat__rest_trigger_now(cleat__http_call *call, const char *part, cleat__command_kind kind)
{
    cleat__uuid run_id;
    cleat__json_writer writer = {0};
    cleat__command command = {.kind = kind, .as.trigger_now = {cleat__http_call_id(call, part), &run_id}};
    cleat_status status = cleat__rest_ask(call, &command);
    if (status != CLEAT_OK) {
        cleat__http_call_fail_status(call, status);
        return;
    }
    cleat__writer_begin_object(&writer, NULL);
    cleat__rest_write_uuid(&writer, "externalId", &run_id);
    cleat__writer_end_object(&writer);
    cleat__http_call_answer_json(call, 200, &writer);
}

void cleat__rest_cron_trigger(cleat__http_call *call)
{
    cleat__rest_trigger_now(call, "cronWorkflow", CLEAT__COMMAND_TRIGGER_CRON);
}
