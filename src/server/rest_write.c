#include "rest_parts.h"

#include "model/rfc3339.h"

#include <inttypes.h>
#include <stdio.h>

void cleat__rest_write_uuid(cleat__json_writer *writer, const char *key, const cleat__uuid *id)
{
    char text[37];
    cleat__uuid_format(id, text);
    cleat__writer_string(writer, key, text);
}

void cleat__rest_write_time(cleat__json_writer *writer, const char *key, int64_t unix_ms)
{
    char text[CLEAT__RFC3339_SIZE];
    cleat__rfc3339_format(unix_ms, text);
    cleat__writer_string(writer, key, unix_ms != 0 ? text : "0001-01-01T00:00:00Z");
}

void cleat__rest_write_metadata(cleat__json_writer *writer, const cleat__uuid *id, int64_t created_at_ms,
                                int64_t updated_at_ms)
{
    cleat__writer_begin_object(writer, "metadata");
    cleat__rest_write_uuid(writer, "id", id);
    cleat__rest_write_time(writer, "createdAt", created_at_ms);
    cleat__rest_write_time(writer, "updatedAt", updated_at_ms);
    cleat__writer_end_object(writer);
}

void cleat__rest_write_payload(cleat__json_writer *writer, const char *key, cleat_slice json)
{
    cleat__writer_raw(writer, key, json.size != 0 ? json : cleat_slice_of("{}"));
}

void cleat__rest_write_pages(cleat__json_writer *writer, int64_t offset, int64_t limit, int64_t total)
{
    int64_t pages = (total + limit - 1) / limit;
    int64_t page = 1 + (offset + limit - 1) / limit;
    cleat__writer_begin_object(writer, "pagination");
    cleat__writer_int(writer, "current_page", page);
    cleat__writer_int(writer, "next_page", page < pages ? page + 1 : page);
    cleat__writer_int(writer, "num_pages", pages);
    cleat__writer_end_object(writer);
}

/* It begins as Hatchet's does, which clients look for. */
void cleat__rest_fail_workflow(cleat__http_call *call, cleat_slice name)
{
    cleat__http_call_fail(call, 400,
                          "workflow not found: no worker has declared \"%.*s\", or it was deleted since; "
                          "check the name, and start its worker, anew where it runs",
                          CLEAT_SLICE_ARGS(name));
}

void cleat__rest_run_name(const cleat__rest_run *run, char name[CLEAT__REST_NAME_SIZE])
{
    snprintf(name, CLEAT__REST_NAME_SIZE, "%.*s-%" PRId64, CLEAT_SLICE_ARGS(run->row.task_name),
             run->row.created_at_ms / 1000);
}

const char *cleat__rest_status_name(cleat_run_status status)
{
    return cleat_run_status_name(status == CLEAT_RUN_EVICTED ? CLEAT_RUN_RUNNING : status);
}

int64_t cleat__rest_number(const cleat__uuid *id)
{
    int64_t number = 0;
    for (size_t i = 10; i < sizeof(id->bytes); i++) {
        number = number << 8 | id->bytes[i];
    }
    return number;
}

/* Those that are only there when they are known. */
static void write_summary_options(cleat__json_writer *writer, const cleat__rest_run *run)
{
    const cleat__run_row *row = &run->row;
    if (run->idempotency_key.data != NULL) {
        cleat__writer_slice(writer, "idempotencyKey", run->idempotency_key);
    }
    if (row->metadata.data != NULL) {
        cleat__writer_raw(writer, "additionalMetadata", row->metadata);
    }
    if (row->error.data != NULL) {
        cleat__writer_slice(writer, "errorMessage", row->error);
    }
    if (row->started_at_ms != 0) {
        cleat__rest_write_time(writer, "startedAt", row->started_at_ms);
    }
    if (row->finished_at_ms != 0) {
        cleat__rest_write_time(writer, "finishedAt", row->finished_at_ms);
    }
    if (row->started_at_ms != 0 && row->finished_at_ms != 0) {
        cleat__writer_int(writer, "duration", row->finished_at_ms - row->started_at_ms);
    }
    if (row->is_child) {
        cleat__rest_write_uuid(writer, "parentTaskExternalId", &row->parent_id);
    }
}

void cleat__rest_begin_summary(cleat__json_writer *writer, const char *key, const cleat__http_call *call,
                               const cleat__rest_run *run, bool is_task)
{
    const cleat__run_row *row = &run->row;
    char name[CLEAT__REST_NAME_SIZE];
    cleat__rest_run_name(run, name);
    cleat__writer_begin_object(writer, key);
    cleat__rest_write_metadata(writer, &row->id, row->created_at_ms,
                               row->finished_at_ms != 0  ? row->finished_at_ms
                               : row->started_at_ms != 0 ? row->started_at_ms
                                                         : row->created_at_ms);
    cleat__writer_slice(writer, "actionId", row->task);
    cleat__writer_int(writer, "retryCount", row->retry_count);
    cleat__writer_int(writer, "attempt", row->retry_count + 1);
    if (!is_task && !run->is_dag) {
        cleat__writer_begin_array(writer, "children");
        cleat__writer_end_array(writer);
    }
    cleat__rest_write_time(writer, "createdAt", row->created_at_ms);
    cleat__writer_string(writer, "displayName", name);
    cleat__writer_bool(writer, "isDurable", run->is_durable);
    cleat__rest_write_payload(writer, "input", row->input);
    cleat__writer_int(writer, "numSpawnedChildren", run->child_count);
    cleat__rest_write_payload(writer, "output", row->output);
    cleat__writer_string(writer, "status", cleat__rest_status_name(row->status));
    cleat__rest_write_uuid(writer, "stepId", &run->step_id);
    cleat__writer_bool(writer, "isEvicted", row->status == CLEAT_RUN_EVICTED);
    cleat__rest_write_uuid(writer, "taskExternalId", &row->id);
    cleat__writer_int(writer, "taskId", cleat__rest_number(&row->id));
    cleat__rest_write_time(writer, "taskInsertedAt", row->created_at_ms);
    cleat__rest_write_uuid(writer, "tenantId", &call->identity.tenant_id);
    cleat__writer_string(writer, "type", is_task ? "TASK" : "DAG");
    cleat__rest_write_uuid(writer, "workflowId", &run->row.workflow_id);
    cleat__writer_slice(writer, "workflowName", row->workflow);
    cleat__rest_write_uuid(writer, "workflowVersionId", &row->version_id);
    cleat__rest_write_uuid(writer, "workflowRunExternalId", cleat__rest_root(run));
    write_summary_options(writer, run);
}

void cleat__rest_write_summary(cleat__json_writer *writer, const char *key, const cleat__http_call *call,
                               const cleat__rest_run *run)
{
    cleat__rest_begin_summary(writer, key, call, run, true);
    cleat__writer_end_object(writer);
}

/* Of all tasks; one has less than any of it. */
enum {
    INPUTS_MOST = 9 * 1024 * 1024, /* with their metadata */
    OUTPUTS_MOST = 12 * 1024 * 1024,
    ERRORS_MOST = 5 * 1024 * 1024,
};

typedef struct room {
    size_t inputs, outputs, errors; /* bytes that are left */
    bool with_payloads;
} room;

static cleat_status query_task(cleat__store *store, int64_t tenant, const cleat__uuid *id, room *left,
                               cleat__rest_run *out)
{
    unsigned parts = cleat__rest_part_if(left->inputs, CLEAT__REST_METADATA) |
                     cleat__rest_part_if(left->errors, CLEAT__REST_ERROR);
    if (left->with_payloads) {
        parts |= cleat__rest_part_if(left->inputs, CLEAT__REST_INPUT) |
                 cleat__rest_part_if(left->outputs, CLEAT__REST_OUTPUT);
    }
    cleat_status status = cleat__rest_query_parts(store, tenant, id, parts, out);
    out->row.input = cleat__rest_spend(&left->inputs, out->row.input);
    out->row.metadata = cleat__rest_spend(&left->inputs, out->row.metadata);
    out->row.output = cleat__rest_spend(&left->outputs, out->row.output);
    out->row.error = cleat__rest_spend(&left->errors, out->row.error);
    return status;
}

cleat_status cleat__rest_write_tasks(cleat__json_writer *writer, const char *key,
                                     const cleat__http_call *call, cleat__store *store,
                                     const cleat__rest_ids *tasks, bool with_payloads)
{
    room left = {INPUTS_MOST, OUTPUTS_MOST, ERRORS_MOST, with_payloads};
    cleat_status status = CLEAT_OK;
    cleat__writer_begin_array(writer, key);
    for (size_t i = 0; i < tasks->count && status == CLEAT_OK && !cleat__answer_is_full(writer); i++) {
        cleat__rest_run task;
        status = query_task(store, call->identity.tenant, &tasks->items[i], &left, &task);
        if (status == CLEAT_OK) {
            cleat__rest_write_summary(writer, NULL, call, &task);
        }
    }
    cleat__writer_end_array(writer);
    return status;
}
