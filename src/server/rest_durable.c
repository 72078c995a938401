/* POST .../tasks/{task}/restore and .../durable-tasks/branch */
#include "rest_parts.h"

#include "engine/command.h"

/* What is not evicted needs nothing: there is one answer for both. */
void cleat__rest_task_restore(cleat__http_call *call)
{
    cleat__command command = {.kind = CLEAT__COMMAND_DURABLE_RESTORE};
    command.as.durable_restore = cleat__http_call_id(call, "task");
    cleat_status status = cleat__rest_ask(call, &command);
    if (status != CLEAT_OK && status != CLEAT_FAILED_PRECONDITION) {
        cleat__http_call_fail_status(call, status);
        return;
    }
    cleat__json_writer writer = {0};
    cleat__writer_begin_object(&writer, NULL);
    cleat__writer_bool(&writer, "requeued", true);
    cleat__writer_end_object(&writer);
    cleat__http_call_answer_json(call, 200, &writer);
}

static bool read_number(cleat__http_call *call, const json_t *value, const char *name, int64_t *out)
{
    static const double max = 9007199254740992; /* exact in a double */
    double number = json_number_value(value);
    if (!json_is_number(value) || number < 0 || number > max || number != (double)(int64_t)number) {
        cleat__http_call_fail(call, 400, "%s must be a whole number, 0 or more", name);
        return false;
    }
    *out = (int64_t)number;
    return true;
}

static bool read_branch(cleat__http_call *call, const json_t *body, cleat__command *command)
{
    const json_t *branch = json_object_get(body, "branchId");
    cleat__node *node = &command->as.durable_branch.node;
    return cleat__rest_json_id(call, "taskExternalId", json_object_get(body, "taskExternalId"),
                               &command->as.durable_branch.run_id) &&
           read_number(call, json_object_get(body, "nodeId"), "nodeId", &node->number) &&
           (branch == NULL || json_is_null(branch) || read_number(call, branch, "branchId", &node->branch));
}

void cleat__rest_task_branch(cleat__http_call *call)
{
    int64_t branch = 0;
    cleat__command command = {.kind = CLEAT__COMMAND_DURABLE_BRANCH, .as.durable_branch.branch = &branch};
    json_t *body = cleat__http_call_json(call);
    if (body == NULL) {
        return;
    }
    bool is_good = read_branch(call, body, &command);
    json_decref(body);
    if (!is_good) {
        return;
    }
    cleat_status status = cleat__rest_ask(call, &command);
    if (status != CLEAT_OK) {
        cleat__http_call_fail_status(call, status);
        return;
    }
    cleat__json_writer writer = {0};
    cleat__writer_begin_object(&writer, NULL);
    cleat__rest_write_uuid(&writer, "taskExternalId", &command.as.durable_branch.run_id);
    cleat__writer_int(&writer, "nodeId", command.as.durable_branch.node.number);
    cleat__writer_int(&writer, "branchId", branch);
    cleat__writer_end_object(&writer);
    cleat__http_call_answer_json(call, 200, &writer);
}
