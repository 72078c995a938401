/* Runs at a time: made through the chain of interceptors, as trigger.c starts runs; looked at and taken back. */
#include <cleat/schedule.h>

#include "base/alloc.h"
#include "base/error.h"
#include "model/json.h"
#include "model/workflow.h"
#include "sdk/client.h"
#include "sdk/metadata.h"
#include "sdk/options.h"

#include <inttypes.h>

#define ACTION_SIZE (2 * CLEAT__TASK_NAME_MAX + 2)

_Static_assert(CLEAT_SCHEDULES_MAX == CLEAT__SCHEDULES_MAX, "one limit");

struct cleat_schedule_call {
    cleat__chain chain;
    cleat_schedule_item item; /* what interceptors see */
    cleat__metadata metadata;
    cleat_schedule_id *ids; /* owned; one for each time */
    bool made;
    char action[ACTION_SIZE], workflow[ACTION_SIZE];
};

const cleat_schedule_item *cleat_schedule_call_item(cleat_schedule_call *call)
{
    return call != NULL ? &call->item : NULL;
}

const char *cleat_schedule_call_id(const cleat_schedule_call *call, size_t index)
{
    return call != NULL && call->made && index < call->item.at_count ? call->ids[index].text : NULL;
}

/* ---- Checking ---- */

static cleat_status check_options(const cleat_run_options *options)
{
    cleat_status status = cleat__priority_check(options->priority);
    if (status == CLEAT_OK) {
        status = cleat__trace_check(options->trace);
    }
    if (status != CLEAT_OK) {
        return status;
    }
    if (options->child_key != NULL || options->desired_worker_id != NULL || options->sticky ||
        options->desired_label_count != 0) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT,
                           "a schedule has neither a child_key nor a desired worker: only metadata, "
                           "priority and trace");
    }
    return options->metadata != NULL ? cleat__json_check("metadata", cleat_slice_of(options->metadata), true)
                                     : CLEAT_OK;
}

static cleat_status check_times(const int64_t *at_ms, size_t count)
{
    if (at_ms == NULL || count == 0 || count > CLEAT_SCHEDULES_MAX) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%zu times; 1 to %d go together",
                           at_ms != NULL ? count : 0, CLEAT_SCHEDULES_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        if (at_ms[i] < 0 || at_ms[i] > INT64_C(253402300799999)) {
            return cleat__fail(CLEAT_INVALID_ARGUMENT,
                               "at_ms is %" PRId64 "; it must be milliseconds from 1970 to the year 9999",
                               at_ms[i]);
        }
    }
    return CLEAT_OK;
}

static cleat_status check(cleat_schedule_call *call, const char *task, const char *input,
                          const cleat_run_options *options)
{
    cleat_run_options known;
    cleat_status status = task != NULL
                              ? cleat__action_id(task, call->action)
                              : cleat__fail(CLEAT_INVALID_ARGUMENT, "task is NULL: give the name of a task");
    if (status == CLEAT_OK) {
        status = cleat__options_read("CLEAT_RUN_OPTIONS", options, &known, sizeof(known));
    }
    if (status == CLEAT_OK) {
        status = check_options(&known);
    }
    if (status == CLEAT_OK && input != NULL) {
        status = cleat__json_check("input", cleat_slice_of(input), true);
    }
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__workflow_name(cleat_slice_of(call->action), call->workflow);
    cleat__metadata_init(&call->metadata, cleat_slice_of(known.metadata));
    call->item.task = call->action;
    call->item.input = cleat_slice_of(input != NULL ? input : "{}");
    call->item.trace = known.trace;
    call->item.priority = known.priority;
    call->item.metadata = cleat__metadata_map(&call->metadata);
    return CLEAT_OK;
}

/* ---- The end of the chain ---- */

static cleat_status send_schedule(cleat_schedule_call *call)
{
    cleat__transport *transport = call->chain.client->transport;
    const cleat_schedule_item *item = &call->item;
    cleat__uuid *ids = cleat__calloc(item->at_count, sizeof(*ids));
    cleat__schedule schedule = {
        .workflow = cleat_slice_of(call->workflow), .input = item->input, .priority = item->priority};
    cleat_status status =
        ids != NULL ? cleat__metadata_text(&call->metadata, &schedule.metadata) : cleat__fail_memory();
    if (status == CLEAT_OK) {
        status = transport->schedule(transport, &schedule, item->at_ms, item->at_count, ids);
    }
    for (size_t i = 0; status == CLEAT_OK && i < item->at_count; i++) {
        cleat__uuid_format(&ids[i], call->ids[i].text);
    }
    call->made = status == CLEAT_OK;
    cleat__free(ids);
    return status;
}

cleat_status cleat_schedule_call_proceed(cleat_schedule_call *call)
{
    if (call == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "call is NULL");
    }
    cleat_status status = cleat__chain_check(&call->chain);
    if (status != CLEAT_OK) {
        return status;
    }
    const cleat_interceptor *next = cleat__chain_next(&call->chain, offsetof(cleat_interceptor, schedule));
    status = next != NULL ? next->schedule(next->user_data, call) : send_schedule(call);
    call->chain.spent = true;
    return status;
}

/* ---- The calls ---- */

cleat_status cleat_client_schedule_many(cleat_client *client, const char *task, const int64_t *at_ms,
                                        size_t count, const char *input, const cleat_run_options *options,
                                        cleat_schedule_id *ids)
{
    if (client == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "client is NULL");
    }
    cleat_schedule_call call = {.chain = {.client = client}, .item = {.at_ms = at_ms, .at_count = count}};
    cleat_status status = check_times(at_ms, count);
    if (status == CLEAT_OK) {
        status = check(&call, task, input, options);
    }
    if (status != CLEAT_OK) {
        return status;
    }
    call.ids = cleat__calloc(count, sizeof(*call.ids));
    status = call.ids != NULL ? cleat_schedule_call_proceed(&call) : cleat__fail_memory();
    status = cleat__chain_end(status, call.made);
    if (status == CLEAT_OK && ids != NULL) {
        memcpy(ids, call.ids, count * sizeof(*ids));
    }
    cleat__metadata_deinit(&call.metadata);
    cleat__free(call.ids);
    return status;
}

cleat_status cleat_client_schedule(cleat_client *client, const char *task, int64_t at_ms, const char *input,
                                   const cleat_run_options *options, cleat_schedule_id *id)
{
    return cleat_client_schedule_many(client, task, &at_ms, 1, input, options, id);
}

cleat_status cleat_client_delete_schedule(cleat_client *client, const cleat_schedule_id *id)
{
    cleat__uuid uuid;
    cleat_status status =
        cleat__id_parse(client, id != NULL ? id->text : NULL, sizeof(id->text), "id of a schedule", &uuid);
    return status == CLEAT_OK ? client->transport->unschedule(client->transport, &uuid) : status;
}

cleat_status cleat_client_list_schedules(cleat_client *client, const cleat_schedule_list_options *options,
                                         cleat_schedule_list *out)
{
    cleat_schedule_list_options known;
    if (client == NULL || out == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s is NULL", client == NULL ? "client" : "out");
    }
    *out = (cleat_schedule_list){0};
    cleat_status status = cleat__options_read("CLEAT_SCHEDULE_LIST_OPTIONS", options, &known, sizeof(known));
    if (status == CLEAT_OK) {
        status = cleat__page_check(known.offset, &known.limit);
    }
    if (status == CLEAT_OK) {
        status = client->transport->schedules(client->transport, known.offset, known.limit, out);
    }
    if (status != CLEAT_OK) {
        cleat_schedule_list_deinit(out);
    }
    return status;
}
