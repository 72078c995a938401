/* .../filters: which events start the runs of a workflow; and .../cel/debug, which tries out what they say. */
#include "rest_parts.h"

#include "base/error.h"
#include "store/filter.h"

/* ---- Answers ---- */

static void write_filter(cleat__json_writer *writer, const cleat__http_call *call,
                         const cleat__filter_row *row)
{
    cleat__writer_begin_object(writer, NULL);
    cleat__rest_write_metadata(writer, &row->id, row->created_at_ms, row->updated_at_ms);
    cleat__rest_write_uuid(writer, "tenantId", &call->identity.tenant_id);
    cleat__rest_write_uuid(writer, "workflowId", &row->workflow_id);
    cleat__writer_slice(writer, "scope", row->filter.scope);
    cleat__writer_slice(writer, "expression", row->filter.expression);
    cleat__rest_write_payload(writer, "payload", row->filter.payload);
    cleat__writer_bool(writer, "isDeclarative", row->is_declarative);
    cleat__writer_end_object(writer);
}

static cleat_status write_one(const cleat__http_call *call, cleat__store *store, const cleat__uuid *id,
                              cleat__json_writer *writer)
{
    cleat__filter_row row;
    cleat_status status = cleat__filter_get(store, call->identity.tenant, id, &row);
    if (status == CLEAT_OK) {
        write_filter(writer, call, &row);
    }
    return status;
}

void cleat__rest_filter_get(cleat__http_call *call)
{
    cleat__rest_answer_part(call, "v1Filter", write_one);
}

/* ---- The body ---- */

/* Slices refer to the body. Of what is to be changed only some is there. */
static bool read_filter(cleat__http_call *call, const json_t *body, bool is_new, cleat__filter *out)
{
    const cleat__rest_json whole = {call->body, body};
    return cleat__rest_json_text(call, "scope", json_object_get(body, "scope"), is_new, &out->scope) &&
           cleat__rest_json_text(call, "expression", json_object_get(body, "expression"), is_new,
                                 &out->expression) &&
           cleat__rest_json_object(call, whole, "payload", &out->payload);
}

/* ---- Making, changing, deleting ---- */

void cleat__rest_filter_create(cleat__http_call *call)
{
    cleat__uuid id;
    cleat__filter filter = {.scope = {NULL, 0}};
    cleat__command command = {.kind = CLEAT__COMMAND_ADD_FILTER,
                              .as.add_filter = {.filter = &filter, .id = &id}};
    json_t *body = cleat__http_call_json(call);
    if (body != NULL &&
        cleat__rest_json_id(call, "workflowId", json_object_get(body, "workflowId"),
                            &command.as.add_filter.workflow_id) &&
        read_filter(call, body, true, &filter)) {
        cleat_status status = cleat__filter_check(&filter);
        status = status == CLEAT_OK ? cleat__rest_ask(call, &command) : status;
        if (status == CLEAT_OK) {
            cleat__rest_answer_row(call, &id, write_one);
        } else {
            cleat__http_call_fail_status(call, status);
        }
    }
    json_decref(body);
}

void cleat__rest_filter_update(cleat__http_call *call)
{
    const cleat__uuid id = cleat__http_call_id(call, "v1Filter");
    cleat__filter filter = {.scope = {NULL, 0}};
    cleat__command command = {.kind = CLEAT__COMMAND_CHANGE_FILTER,
                              .as.change_filter = {.id = id, .filter = &filter}};
    json_t *body = cleat__http_call_json(call);
    if (body != NULL && read_filter(call, body, false, &filter)) {
        cleat_status status = cleat__filter_check_change(&filter);
        status = status == CLEAT_OK ? cleat__rest_ask(call, &command) : status;
        if (status == CLEAT_OK) {
            cleat__rest_answer_row(call, &id, write_one);
        } else {
            cleat__http_call_fail_status(call, status);
        }
    }
    json_decref(body);
}

/* Answers what is not there any more. */
void cleat__rest_filter_delete(cleat__http_call *call)
{
    const cleat__uuid id = cleat__http_call_id(call, "v1Filter");
    cleat__command command = {.kind = CLEAT__COMMAND_DELETE_FILTER, .as.id = id};
    cleat__json_writer writer = {0};
    cleat_status status = cleat__rest_read_row(call, &id, write_one, &writer);
    status = status == CLEAT_OK ? cleat__rest_ask(call, &command) : status;
    if (status == CLEAT_OK) {
        cleat__http_call_answer_json(call, 200, &writer);
    } else {
        cleat__http_call_fail_status(call, status);
    }
    cleat__buffer_deinit(&writer.out);
}

/* ---- Listing ---- */

typedef struct list {
    cleat__http_call *call;
    cleat__json_writer *writer;
    cleat__rest_ids workflows;
    cleat__rest_page page;
} list;

static bool write_row(void *argument, const cleat__filter_row *row)
{
    list *self = argument;
    if (cleat__rest_ids_have(&self->workflows, &row->workflow_id) &&
        cleat__rest_is_wanted(self->call, "scopes", row->filter.scope) &&
        cleat__rest_page_take(&self->page)) {
        write_filter(self->writer, self->call, row);
    }
    return cleat__rest_page_goes_on(&self->page) && !cleat__answer_is_full(self->writer);
}

static cleat_status write_list(void *argument, cleat__store *store, cleat__json_writer *writer)
{
    list *self = argument;
    self->writer = writer;
    cleat__writer_begin_object(writer, NULL);
    cleat__writer_begin_array(writer, "rows");
    cleat_status status = cleat__filter_list(store, self->call->identity.tenant, write_row, self);
    cleat__writer_end_array(writer);
    cleat__rest_write_pages(writer, self->page.offset, self->page.limit, self->page.total);
    cleat__writer_end_object(writer);
    return status;
}

void cleat__rest_filter_list(cleat__http_call *call)
{
    list self = {.call = call};
    if (cleat__rest_read_page(call, &self.page) &&
        cleat__rest_read_ids(call, "workflowIds", &self.workflows)) {
        cleat__rest_answer(call, write_list, &self);
    }
    cleat__rest_ids_deinit(&self.workflows);
}

/* ---- Trying out ---- */

static cleat_status evaluate(cleat_slice text, const cleat__expression_variables *variables, bool *output)
{
    cleat__expression *expression = NULL;
    cleat_status status = cleat__expression_check_for(text, CLEAT__EXPRESSION_FILTER);
    if (status == CLEAT_OK) {
        status = cleat__expression_compile(text, &expression);
    }
    if (status == CLEAT_OK) {
        status = cleat__expression_test(expression, variables, output);
    }
    cleat__expression_free(expression);
    return status;
}

static void answer_value(cleat__http_call *call, cleat_status status, bool output)
{
    cleat__json_writer writer = {0};
    cleat__writer_begin_object(&writer, NULL);
    cleat__writer_string(&writer, "status", status == CLEAT_OK ? "SUCCESS" : "ERROR");
    if (status == CLEAT_OK) {
        cleat__writer_bool(&writer, "output", output);
    } else {
        cleat__writer_string(&writer, "error", cleat_error_message());
    }
    cleat__writer_end_object(&writer);
    cleat__http_call_answer_json(call, 200, &writer);
}

void cleat__rest_cel_debug(cleat__http_call *call)
{
    cleat_slice expression = {NULL, 0};
    cleat__expression_variables variables = {.parsed = NULL};
    json_t *body = cleat__http_call_json(call);
    const cleat__rest_json whole = {call->body, body};
    bool output = false;
    if (body != NULL &&
        cleat__rest_json_text(call, "expression", json_object_get(body, "expression"), true, &expression) &&
        cleat__rest_json_object(call, whole, "input", &variables.input) &&
        cleat__rest_json_object(call, whole, "filterPayload", &variables.payload) &&
        cleat__rest_json_object(call, whole, "additionalMetadata", &variables.additional_metadata)) {
        const cleat_slice empty = cleat_slice_of("{}");
        variables.input = variables.input.data != NULL ? variables.input : empty;
        variables.payload = variables.payload.data != NULL ? variables.payload : empty;
        variables.additional_metadata =
            variables.additional_metadata.data != NULL ? variables.additional_metadata : empty;
        cleat_status status = evaluate(expression, &variables, &output);
        if (status == CLEAT_NO_MEMORY) {
            cleat__http_call_fail_status(call, status);
        } else {
            answer_value(call, status, output);
        }
    }
    json_decref(body);
}
