/* Filters of events: made, looked at, changed and deleted. */
#include <cleat/filter.h>

#include "base/error.h"
#include "model/filter.h"
#include "model/missing.h"
#include "sdk/client.h"
#include "sdk/options.h"
#include "sdk/task_name.h"

static cleat__filter filter_of(const cleat_filter *from)
{
    return (cleat__filter){.scope = cleat_slice_of(from->scope),
                           .expression = cleat_slice_of(from->expression),
                           .payload = cleat_slice_of(from->payload)};
}

static cleat_status read_id(const cleat_client *client, const cleat_filter_id *id, cleat__uuid *out)
{
    return cleat__id_parse(client, id != NULL ? id->text : NULL, sizeof(id->text), "id of a filter", out);
}

cleat_status cleat_client_create_filter(cleat_client *client, const char *task, const cleat_filter *filter,
                                        cleat_filter_id *id)
{
    char workflow[CLEAT__ACTION_SIZE];
    cleat__uuid made;
    if (client == NULL || task == NULL || filter == NULL || filter->expression == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s is NULL",
                           client == NULL   ? "client"
                           : task == NULL   ? "task"
                           : filter == NULL ? "filter"
                                            : "the filter's expression");
    }
    const cleat__filter known = filter_of(filter);
    cleat_status status = cleat__task_workflow(task, workflow);
    if (status == CLEAT_OK) {
        status = cleat__filter_check(&known);
    }
    if (status == CLEAT_OK) {
        status = client->transport->filter_add(client->transport, cleat_slice_of(workflow), &known, &made);
        status = status == CLEAT_NOT_FOUND ? cleat__missing_task(cleat_slice_of(task)) : status;
    }
    if (status == CLEAT_OK && id != NULL) {
        cleat__uuid_format(&made, id->text);
    }
    return status;
}

cleat_status cleat_client_update_filter(cleat_client *client, const cleat_filter_id *id,
                                        const cleat_filter *filter)
{
    cleat__uuid uuid;
    if (client == NULL || id == NULL || filter == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s is NULL",
                           client == NULL ? "client"
                           : id == NULL   ? "id"
                                          : "filter");
    }
    const cleat__filter known = filter_of(filter);
    cleat_status status = read_id(client, id, &uuid);
    if (status == CLEAT_OK) {
        status = cleat__filter_check_change(&known);
    }
    return status == CLEAT_OK ? client->transport->filter_change(client->transport, &uuid, &known) : status;
}

cleat_status cleat_client_delete_filter(cleat_client *client, const cleat_filter_id *id)
{
    cleat__uuid uuid;
    cleat_status status = read_id(client, id, &uuid);
    return status == CLEAT_OK ? client->transport->filter_delete(client->transport, &uuid) : status;
}

cleat_status cleat_client_list_filters(cleat_client *client, const cleat_filter_list_options *options,
                                       cleat_filter_list *out)
{
    cleat_filter_list_options known;
    char workflow[CLEAT__ACTION_SIZE];
    if (client == NULL || out == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s is NULL", client == NULL ? "client" : "out");
    }
    *out = (cleat_filter_list){0};
    cleat_status status = cleat__options_read("CLEAT_FILTER_LIST_OPTIONS", options, &known, sizeof(known));
    if (status == CLEAT_OK) {
        status = cleat__page_check(known.offset, &known.limit);
    }
    if (status == CLEAT_OK && known.task != NULL) {
        status = cleat__task_workflow(known.task, workflow);
    }
    if (status == CLEAT_OK) {
        status = client->transport->filters(client->transport,
                                            cleat_slice_of(known.task != NULL ? workflow : NULL),
                                            known.offset, known.limit, out);
        status = status == CLEAT_NOT_FOUND && known.task != NULL
                     ? cleat__missing_task(cleat_slice_of(known.task))
                     : status;
    }
    if (status != CLEAT_OK) {
        cleat_filter_list_deinit(out);
    }
    return status;
}
