/* Crons: made, looked at, disabled and deleted. */
#include <cleat/schedule.h>

#include "base/error.h"
#include "model/cron.h"
#include "model/json.h"
#include "model/workflow.h"
#include "sdk/client.h"
#include "sdk/options.h"

#define ACTION_SIZE (2 * CLEAT__TASK_NAME_MAX + 2)

static cleat_status check_options(const cleat_run_options *options)
{
    cleat_status status = cleat__priority_check(options->priority);
    if (status == CLEAT_OK &&
        (options->child_key != NULL || options->desired_worker_id != NULL || options->sticky ||
         options->desired_label_count != 0 || options->trace != CLEAT_TRACE_DEFAULT)) {
        status =
            cleat__fail(CLEAT_INVALID_ARGUMENT,
                        "a cron has neither a child_key nor a desired worker nor a trace: only metadata and "
                        "priority");
    }
    return status == CLEAT_OK && options->metadata != NULL
               ? cleat__json_check("metadata", cleat_slice_of(options->metadata), true)
               : status;
}

static cleat_status check(const cleat__recurrence *what, const cleat_run_options *options)
{
    cleat__cron cron;
    cleat_status status = check_options(options);
    if (status == CLEAT_OK) {
        status = cleat__cron_name_check(what->name);
    }
    if (status == CLEAT_OK) {
        status = cleat__cron_parse(what->expression, &cron);
    }
    return status == CLEAT_OK && what->input.data != NULL ? cleat__json_check("input", what->input, true)
                                                          : status;
}

cleat_status cleat_client_create_cron(cleat_client *client, const char *task, const char *name,
                                      const char *expression, const char *input,
                                      const cleat_run_options *options, cleat_cron_id *id)
{
    cleat_run_options known;
    char action[ACTION_SIZE], workflow[ACTION_SIZE];
    cleat__uuid made;
    if (client == NULL || task == NULL || name == NULL || expression == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s is NULL",
                           client == NULL ? "client"
                           : task == NULL ? "task"
                           : name == NULL ? "name"
                                          : "expression");
    }
    cleat_status status = cleat__action_id(task, action);
    if (status == CLEAT_OK) {
        status = cleat__options_read("CLEAT_RUN_OPTIONS", options, &known, sizeof(known));
    }
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__workflow_name(cleat_slice_of(action), workflow);
    const cleat__recurrence what = {.workflow = cleat_slice_of(workflow),
                                    .name = cleat_slice_of(name),
                                    .expression = cleat_slice_of(expression),
                                    .input = cleat_slice_of(input),
                                    .metadata = cleat_slice_of(known.metadata),
                                    .priority = known.priority,
                                    .method = CLEAT__SCHEDULE_API};
    status = check(&what, &known);
    if (status == CLEAT_OK) {
        status = client->transport->cron_add(client->transport, &what, &made);
    }
    if (status == CLEAT_OK && id != NULL) {
        cleat__uuid_format(&made, id->text);
    }
    return status;
}

static cleat_status read_id(const cleat_client *client, const cleat_cron_id *id, cleat__uuid *out)
{
    return cleat__id_parse(client, id != NULL ? id->text : NULL, sizeof(id->text), "id of a cron", out);
}

cleat_status cleat_client_enable_cron(cleat_client *client, const cleat_cron_id *id, bool is_enabled)
{
    cleat__uuid uuid;
    cleat_status status = read_id(client, id, &uuid);
    return status == CLEAT_OK ? client->transport->cron_enable(client->transport, &uuid, is_enabled) : status;
}

cleat_status cleat_client_delete_cron(cleat_client *client, const cleat_cron_id *id)
{
    cleat__uuid uuid;
    cleat_status status = read_id(client, id, &uuid);
    return status == CLEAT_OK ? client->transport->cron_delete(client->transport, &uuid) : status;
}

cleat_status cleat_client_list_crons(cleat_client *client, const cleat_schedule_list_options *options,
                                     cleat_cron_list *out)
{
    cleat_schedule_list_options known;
    if (client == NULL || out == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s is NULL", client == NULL ? "client" : "out");
    }
    *out = (cleat_cron_list){0};
    cleat_status status = cleat__options_read("CLEAT_SCHEDULE_LIST_OPTIONS", options, &known, sizeof(known));
    if (status == CLEAT_OK) {
        status = cleat__page_check(known.offset, &known.limit);
    }
    if (status == CLEAT_OK) {
        status = client->transport->crons(client->transport, known.offset, known.limit, out);
    }
    if (status != CLEAT_OK) {
        cleat_cron_list_deinit(out);
    }
    return status;
}
