/* Starting, cancelling, replaying and branching runs. */
#include "transport/grpc.h"

#include "base/alloc.h"
#include "base/error.h"
#include "model/missing.h"
#include "transport/grpc_call.h"
#include "wire/message.h"
#include "wire/status.h"
#include "wire/trigger.h"
#include "wire/v1/workflows.pb-c.h"
#include "wire/workflows.pb-c.h"

/* ---- Starting runs ---- */

static cleat_status read_id(const cleat__link *link, const char *text, cleat__uuid *id)
{
    if (cleat__uuid_parse(cleat_slice_of(text), id) != CLEAT_OK) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT,
                           "the server at %s gives a run an id that is no UUID: \"%.64s\"",
                           link->settings.address, text);
    }
    return CLEAT_OK;
}

cleat_status cleat__remote_trigger_status(cleat_status status)
{
    static const char sign[] = "workflow names not found: ";
    const char *names = status == CLEAT_INVALID_ARGUMENT ? strstr(cleat_error_message(), sign) : NULL;
    return names == NULL ? status : cleat__missing_task(cleat_slice_of(names + strlen(sign)));
}

Cleat__V1__TriggerWorkflowRequest *cleat__remote_trigger_write(const cleat__link *link,
                                                               const cleat__trigger *trigger)
{
    cleat__buffer name = {0};
    cleat__trigger renamed = *trigger;
    cleat__remote_name(&link->settings, trigger->workflow, &name);
    renamed.workflow = cleat__buffer_slice(&name);
    Cleat__V1__TriggerWorkflowRequest *message = name.failed ? NULL : cleat__trigger_write(&renamed);
    cleat__buffer_deinit(&name);
    return message;
}

/* Who has the key; nil: the server does not say. */
static void read_collision(cleat_slice detail, cleat__uuid *id)
{
    cleat_status status;
    Cleat__V1__IdempotencyCollisionError *collision =
        cleat__status_detail_unpack(detail, &cleat__v1__idempotency_collision_error__descriptor, &status);
    *id = (cleat__uuid){{0}};
    if (collision != NULL &&
        cleat__uuid_parse(cleat_slice_of(collision->existing_run_external_id), id) != CLEAT_OK) {
        *id = (cleat__uuid){{0}};
    }
    cleat__message_free(collision);
}

static cleat_status trigger_one(cleat__link *link, const cleat__trigger *trigger, cleat__uuid *id)
{
    /* A child is started once however often it is asked for. */
    const cleat__method method = {"/WorkflowService/TriggerWorkflow",
                                  &cleat__trigger_workflow_response__descriptor, trigger->is_child, NULL};
    void *reply = NULL;
    cleat__buffer detail = {0};
    Cleat__V1__TriggerWorkflowRequest *message = cleat__remote_trigger_write(link, trigger);
    if (message == NULL) {
        return cleat__fail_memory();
    }
    cleat_status status = cleat__link_call_detail(link, &method, message, INT64_MAX, &reply, &detail);
    if (status == CLEAT_OK) {
        status = read_id(link, ((Cleat__TriggerWorkflowResponse *)reply)->workflow_run_id, id);
    } else if (status == CLEAT_ALREADY_EXISTS) {
        read_collision(cleat__buffer_slice(&detail), id);
    }
    cleat__buffer_deinit(&detail);
    cleat__message_free(reply);
    cleat__message_free(message);
    return cleat__remote_trigger_status(status);
}

static cleat_status read_ids(const cleat__link *link, const Cleat__BulkTriggerWorkflowResponse *reply,
                             size_t count, cleat__uuid *ids)
{
    if (reply->n_workflow_run_ids != count) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "the server at %s answers %zu triggers with %zu runs",
                           link->settings.address, count, reply->n_workflow_run_ids);
    }
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; status == CLEAT_OK && i < count; i++) {
        status = read_id(link, reply->workflow_run_ids[i], &ids[i]);
    }
    return status;
}

static cleat_status write_many(const cleat__link *link, const cleat__trigger *triggers, size_t count,
                               Cleat__BulkTriggerWorkflowRequest *message)
{
    message->workflows = cleat__calloc(count, sizeof(*message->workflows));
    while (message->workflows != NULL && message->n_workflows < count) {
        Cleat__V1__TriggerWorkflowRequest *item =
            cleat__remote_trigger_write(link, &triggers[message->n_workflows]);
        if (item == NULL) {
            return cleat__fail_memory();
        }
        message->workflows[message->n_workflows++] = item;
    }
    return message->workflows != NULL ? CLEAT_OK : cleat__fail_memory();
}

/* Nothing is known of the others: not of those that were started either. */
static void forget_ids(size_t count, cleat__uuid *ids)
{
    memset(ids, 0, count * sizeof(*ids));
}

/*
 * The server tells the ids of all that were started and of all that were not, but not which is which. `cleat serve`
 * makes them in the order of the items, each above the one before.
 */
static bool merge(const Cleat__V1__BulkTriggerIdempotencyCollisionError *told, size_t count, cleat__uuid *ids)
{
    size_t started = 0, collided = 0;
    if (told->n_successful_workflow_run_external_ids + told->n_collisions != count) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        cleat__uuid success, own;
        bool has_success = started < told->n_successful_workflow_run_external_ids;
        bool has_collision = collided < told->n_collisions;
        if ((has_success &&
             cleat__uuid_parse(cleat_slice_of(told->successful_workflow_run_external_ids[started]),
                               &success) != CLEAT_OK) ||
            (has_collision &&
             cleat__uuid_parse(cleat_slice_of(told->collisions[collided]->colliding_run_external_id), &own) !=
                 CLEAT_OK)) {
            return false;
        }
        if (has_success && (!has_collision || memcmp(&success, &own, sizeof(own)) < 0)) {
            ids[i] = success;
            started++;
        } else if (cleat__uuid_parse(cleat_slice_of(told->collisions[collided++]->existing_run_external_id),
                                     &ids[i]) != CLEAT_OK) {
            return false;
        }
    }
    return true;
}

static cleat_status ask_each(cleat__link *link, const cleat__trigger *triggers, size_t count,
                             cleat__uuid *ids)
{
    cleat_status status = CLEAT_OK;
    bool has_collided = false;
    for (size_t i = 0; i < count && (status == CLEAT_OK || status == CLEAT_ALREADY_EXISTS); i++) {
        status = trigger_one(link, &triggers[i], &ids[i]);
        has_collided = has_collided || status == CLEAT_ALREADY_EXISTS;
    }
    return status == CLEAT_OK && has_collided ? CLEAT_ALREADY_EXISTS : status;
}

/* This thread's message stays that of the call. Children are found again by asking for each; their ids
 * may be old ones, which are in no order. */
static cleat_status resolve_collisions(cleat__link *link, const cleat__trigger *triggers, size_t count,
                                       cleat_slice detail, cleat__uuid *ids)
{
    char sentence[CLEAT__CALL_TEXT];
    (void)snprintf(sentence, sizeof(sentence), "%s", cleat_error_message());
    forget_ids(count, ids);
    if (triggers[0].is_child) {
        cleat_status status = ask_each(link, triggers, count, ids);
        return status == CLEAT_ALREADY_EXISTS || status == CLEAT_OK
                   ? cleat__fail(CLEAT_ALREADY_EXISTS, "%s", sentence)
                   : status;
    }
    cleat_status status;
    Cleat__V1__BulkTriggerIdempotencyCollisionError *told = cleat__status_detail_unpack(
        detail, &cleat__v1__bulk_trigger_idempotency_collision_error__descriptor, &status);
    if (told == NULL || !link->is_cleat || !merge(told, count, ids)) {
        forget_ids(count, ids);
    }
    cleat__message_free(told);
    return cleat__fail(CLEAT_ALREADY_EXISTS, "%s", sentence);
}

/* In one message: all or none, but for idempotency keys. */
static cleat_status trigger_many(cleat__link *link, const cleat__trigger *triggers, size_t count,
                                 cleat__uuid *ids)
{
    cleat__method method = {"/WorkflowService/BulkTriggerWorkflow",
                            &cleat__bulk_trigger_workflow_response__descriptor, true, NULL};
    void *reply = NULL;
    Cleat__BulkTriggerWorkflowRequest *message =
        cleat__message_new(&cleat__bulk_trigger_workflow_request__descriptor);
    cleat_status status = message != NULL ? write_many(link, triggers, count, message) : cleat__fail_memory();
    for (size_t i = 0; i < count; i++) {
        method.is_idempotent = method.is_idempotent && triggers[i].is_child;
    }
    cleat__buffer detail = {0};
    if (status == CLEAT_OK) {
        status = cleat__link_call_detail(link, &method, message, INT64_MAX, &reply, &detail);
    }
    if (status == CLEAT_OK) {
        status = read_ids(link, reply, count, ids);
    } else if (status == CLEAT_ALREADY_EXISTS) {
        status = resolve_collisions(link, triggers, count, cleat__buffer_slice(&detail), ids);
    }
    cleat__buffer_deinit(&detail);
    cleat__message_free(reply);
    cleat__message_free(message);
    return cleat__remote_trigger_status(status);
}

cleat_status cleat__remote_trigger(cleat__link *link, const cleat__trigger *triggers, size_t count,
                                   cleat__uuid *ids)
{
    return count == 1 ? trigger_one(link, triggers, ids) : trigger_many(link, triggers, count, ids);
}

/* ---- Cancelling and replaying them ---- */

static bool is_listed(char *const *ids, size_t count, const cleat__uuid *run_id)
{
    cleat__uuid id;
    for (size_t i = 0; i < count; i++) {
        if (cleat__uuid_parse(cleat_slice_of(ids[i]), &id) == CLEAT_OK && cleat__uuid_equals(&id, run_id)) {
            return true;
        }
    }
    return false;
}

/* Between being asked whether it has and being told to cancel it. */
static bool has_ended_before(cleat__link *link, const char *id)
{
    bool is_done = false, is_cancelled = false;
    return cleat__run_is_done(link, id, CLEAT__FOLLOW_LAST, &is_done, &is_cancelled) == CLEAT_OK && is_done &&
           !is_cancelled;
}

cleat_status cleat__remote_cancel(cleat__link *link, const cleat__uuid *run_id)
{
    static const cleat__method method = {"/v1.AdminService/CancelTasks",
                                         &cleat__v1__cancel_tasks_response__descriptor, true, NULL};
    Cleat__V1__CancelTasksRequest request = CLEAT__V1__CANCEL_TASKS_REQUEST__INIT;
    void *reply = NULL;
    char id[37], *ids[] = {id};
    bool is_done = false;
    cleat__uuid_format(run_id, id);
    /* Servers take it well when a run has ended, and pass over one that is not there. */
    cleat_status found = cleat__run_is_done(link, id, CLEAT__FOLLOW_LAST, &is_done, NULL);
    if (is_done) {
        return cleat__fail(CLEAT_FAILED_PRECONDITION, "run %s has ended already", id);
    }
    if (found != CLEAT_OK && found != CLEAT_NOT_FOUND && found != CLEAT_UNSUPPORTED) {
        return found;
    }
    request.external_ids = ids;
    request.n_external_ids = 1;
    cleat_status status = cleat__link_call(link, &method, &request, INT64_MAX, &reply);
    const Cleat__V1__CancelTasksResponse *answer = reply;
    bool is_left_out =
        status == CLEAT_OK && !is_listed(answer->cancelled_tasks, answer->n_cancelled_tasks, run_id);
    cleat__message_free(reply);
    if (is_left_out && found == CLEAT_NOT_FOUND) {
        return cleat__fail(CLEAT_NOT_FOUND, "there is no run %s", id);
    }
    if (status == CLEAT_OK && found == CLEAT_OK && has_ended_before(link, id)) {
        return cleat__fail(CLEAT_EMPTY, "run %s has ended before it could be cancelled", id);
    }
    /* Others may list nothing. */
    bool was_done = is_left_out && found == CLEAT_UNSUPPORTED && link->is_cleat;
    return was_done ? cleat__fail(CLEAT_FAILED_PRECONDITION, "run %s has ended already", id) : status;
}

cleat_status cleat__remote_replay(cleat__link *link, const cleat__uuid *run_id)
{
    static const cleat__method method = {"/v1.AdminService/ReplayTasks",
                                         &cleat__v1__replay_tasks_response__descriptor, false, NULL};
    Cleat__V1__ReplayTasksRequest request = CLEAT__V1__REPLAY_TASKS_REQUEST__INIT;
    void *reply = NULL;
    char id[37], *ids[] = {id};
    bool is_done = false;
    cleat__uuid_format(run_id, id);
    /* Servers pass over what they do not replay. */
    cleat_status status = cleat__run_is_done(link, id, CLEAT__FOLLOW_NOT, &is_done, NULL);
    if (status == CLEAT_OK && !is_done) {
        return cleat__fail(CLEAT_FAILED_PRECONDITION, "run %s has not ended", id);
    }
    if (status != CLEAT_OK && status != CLEAT_UNSUPPORTED) {
        return status;
    }
    request.external_ids = ids;
    request.n_external_ids = 1;
    status = cleat__link_call(link, &method, &request, INT64_MAX, &reply);
    const Cleat__V1__ReplayTasksResponse *answer = reply;
    bool is_passed_over =
        status == CLEAT_OK && !is_listed(answer->replayed_tasks, answer->n_replayed_tasks, run_id);
    cleat__message_free(reply);
    return is_passed_over ? cleat__fail(CLEAT_FAILED_PRECONDITION, "run %s was not replayed", id) : status;
}

cleat_status cleat__remote_branch(cleat__link *link, const cleat__uuid *run_id, cleat__node node,
                                  int64_t *made)
{
    static const cleat__method method = {"/v1.AdminService/BranchDurableTask",
                                         &cleat__v1__branch_durable_task_response__descriptor, false, NULL};
    Cleat__V1__BranchDurableTaskRequest request = CLEAT__V1__BRANCH_DURABLE_TASK_REQUEST__INIT;
    void *reply = NULL;
    char id[37];
    cleat__uuid_format(run_id, id);
    request.task_external_id = id;
    request.node_id = node.number;
    request.branch_id = node.branch;
    cleat_status status = cleat__link_call(link, &method, &request, INT64_MAX, &reply);
    if (status == CLEAT_OK) {
        *made = ((const Cleat__V1__BranchDurableTaskResponse *)reply)->branch_id;
    }
    cleat__message_free(reply);
    return status;
}
