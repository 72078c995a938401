/* Cancelling and replaying what a filter chooses. */
#include "transport/grpc.h"

#include "base/alloc.h"
#include "base/error.h"
#include "wire/message.h"
#include "wire/timestamp.h"
#include "wire/v1/workflows.pb-c.h"

/* ---- The filter ---- */

/* Each fails into the flag; the message owns what it has. */

static void write_statuses(unsigned statuses, Cleat__V1__TasksFilter *filter, bool *failed)
{
    filter->statuses = cleat__calloc(CLEAT_RUN_CANCELLED + 1, sizeof(*filter->statuses));
    if (filter->statuses == NULL) {
        *failed = true;
        return;
    }
    for (int status = CLEAT_RUN_QUEUED; status <= CLEAT_RUN_CANCELLED && !*failed; status++) {
        if ((statuses >> status & 1U) != 0) { /* what is evicted is RUNNING there */
            filter->statuses[filter->n_statuses++] =
                cleat__message_string(failed, cleat_run_status_name((cleat_run_status)status));
        }
    }
}

static void write_metadata(const cleat__many_runs *what, Cleat__V1__TasksFilter *filter, bool *failed)
{
    filter->additional_metadata =
        cleat__calloc(what->metadata_count + 1, sizeof(*filter->additional_metadata));
    *failed = *failed || filter->additional_metadata == NULL;
    while (!*failed && filter->n_additional_metadata < what->metadata_count) {
        const char *pair = what->metadata[filter->n_additional_metadata];
        filter->additional_metadata[filter->n_additional_metadata++] = cleat__message_string(failed, pair);
    }
}

static cleat_status write_workflows(cleat__link *link, const cleat__many_runs *what,
                                    Cleat__V1__TasksFilter *filter)
{
    bool failed = false;
    cleat_status status = CLEAT_OK;
    filter->workflow_ids = cleat__calloc(what->workflow_count + 1, sizeof(*filter->workflow_ids));
    if (filter->workflow_ids == NULL) {
        return cleat__fail_memory();
    }
    for (size_t i = 0; i < what->workflow_count && status == CLEAT_OK; i++) {
        cleat__uuid id;
        char text[37];
        status = cleat__remote_workflow_find(link, what->workflows[i], &id);
        if (status == CLEAT_OK) {
            cleat__uuid_format(&id, text);
            filter->workflow_ids[filter->n_workflow_ids++] = cleat__message_string(&failed, text);
            status = failed ? cleat__fail_memory() : CLEAT_OK;
        }
    }
    return status;
}

static cleat_status write_filter(cleat__link *link, const cleat__many_runs *what,
                                 Cleat__V1__TasksFilter *filter)
{
    bool failed = false;
    write_statuses(what->statuses, filter, &failed);
    write_metadata(what, filter, &failed);
    filter->since = cleat__timestamp_new(&failed, what->since_ms);
    filter->until = what->until_ms != INT64_MAX ? cleat__timestamp_new(&failed, what->until_ms) : NULL;
    return failed ? cleat__fail_memory() : write_workflows(link, what, filter);
}

/* ---- The calls ---- */

static cleat_status cancel(cleat__link *link, Cleat__V1__TasksFilter *filter, size_t *count)
{
    static const cleat__method method = {"/v1.AdminService/CancelTasks",
                                         &cleat__v1__cancel_tasks_response__descriptor, true, NULL};
    Cleat__V1__CancelTasksRequest request = CLEAT__V1__CANCEL_TASKS_REQUEST__INIT;
    void *reply = NULL;
    request.filter = filter;
    cleat_status status = cleat__link_call(link, &method, &request, INT64_MAX, &reply);
    if (status == CLEAT_OK) {
        *count = ((const Cleat__V1__CancelTasksResponse *)reply)->n_cancelled_tasks;
    }
    cleat__message_free(reply);
    return status;
}

static cleat_status replay(cleat__link *link, Cleat__V1__TasksFilter *filter, size_t *count)
{
    static const cleat__method method = {"/v1.AdminService/ReplayTasks",
                                         &cleat__v1__replay_tasks_response__descriptor, false, NULL};
    Cleat__V1__ReplayTasksRequest request = CLEAT__V1__REPLAY_TASKS_REQUEST__INIT;
    void *reply = NULL;
    request.filter = filter;
    cleat_status status = cleat__link_call(link, &method, &request, INT64_MAX, &reply);
    if (status == CLEAT_OK) {
        *count = ((const Cleat__V1__ReplayTasksResponse *)reply)->n_replayed_tasks;
    }
    cleat__message_free(reply);
    return status;
}

cleat_status cleat__remote_change_many(cleat__link *link, const cleat__many_runs *what, size_t *count)
{
    Cleat__V1__TasksFilter *filter = cleat__message_new(&cleat__v1__tasks_filter__descriptor);
    cleat_status status = filter != NULL ? write_filter(link, what, filter) : cleat__fail_memory();
    if (status == CLEAT_OK) {
        status = what->is_replayed ? replay(link, filter, count) : cancel(link, filter, count);
    }
    cleat__message_free(filter);
    return status;
}
