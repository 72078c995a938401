#include "wire/durable_write.h"

#include "base/alloc.h"
#include "wire/message.h"

typedef Cleat__V1__DurableTaskResponse response;
typedef Cleat__V1__DurableTaskEventLogEntryCompletedResponse completed;

/* NULL on no memory, and `*failed` is set. */
static void *part_new(bool *failed, const ProtobufCMessageDescriptor *descriptor)
{
    void *part = cleat__message_new(descriptor);
    *failed = *failed || part == NULL;
    return part;
}

static response *response_new(bool *failed, int message_case)
{
    response *message = part_new(failed, &cleat__v1__durable_task_response__descriptor);
    if (message != NULL) {
        message->message_case = (Cleat__V1__DurableTaskResponse__MessageCase)message_case;
    }
    return message;
}

/* Consumes the message when something failed. */
static response *finished(response *message, bool failed)
{
    if (failed) {
        cleat__message_free(message);
        return NULL;
    }
    return message;
}

static Cleat__V1__DurableEventLogEntryRef *ref_new(bool *failed, const char *task_id,
                                                   int32_t invocation_count, cleat__node node)
{
    Cleat__V1__DurableEventLogEntryRef *ref =
        part_new(failed, &cleat__v1__durable_event_log_entry_ref__descriptor);
    if (ref != NULL) {
        ref->durable_task_external_id = cleat__message_string(failed, task_id);
        ref->invocation_count = invocation_count;
        ref->branch_id = node.branch;
        ref->node_id = node.number;
    }
    return ref;
}

static ProtobufCBinaryData bytes_of(bool *failed, const char *text)
{
    size_t size = text != NULL ? strlen(text) : 0;
    uint8_t *copy = size != 0 ? (uint8_t *)cleat__strdup(text) : NULL;
    *failed = *failed || (size != 0 && copy == NULL);
    return (ProtobufCBinaryData){copy != NULL ? size : 0, copy};
}

/* ---- Acknowledgements ---- */

static void write_memo(const cleat__durable_asked *asked, bool *failed, response *message)
{
    Cleat__V1__DurableTaskEventMemoAckResponse *ack =
        part_new(failed, &cleat__v1__durable_task_event_memo_ack_response__descriptor);
    message->memo_ack = ack;
    if (ack == NULL) {
        return;
    }
    ack->ref = ref_new(failed, asked->task_id, asked->invocation_count, asked->request.as.memo.node);
    ack->memo_already_existed = asked->request.as.memo.existed;
    if (asked->request.as.memo.value != NULL) {
        ack->has_memo_result_payload_case =
            CLEAT__V1__DURABLE_TASK_EVENT_MEMO_ACK_RESPONSE__HAS_MEMO_RESULT_PAYLOAD_MEMO_RESULT_PAYLOAD;
        ack->memo_result_payload = bytes_of(failed, asked->request.as.memo.value);
    }
}

static void write_runs(const cleat__durable_asked *asked, bool *failed, response *message)
{
    size_t count = asked->request.as.trigger.count;
    Cleat__V1__DurableTaskEventTriggerRunsAckResponse *ack =
        part_new(failed, &cleat__v1__durable_task_event_trigger_runs_ack_response__descriptor);
    message->trigger_runs_ack = ack;
    if (ack == NULL) {
        return;
    }
    ack->durable_task_external_id = cleat__message_string(failed, asked->task_id);
    ack->invocation_count = asked->invocation_count;
    ack->run_entries = cleat__calloc(count, sizeof(*ack->run_entries));
    *failed = *failed || ack->run_entries == NULL;
    for (size_t i = 0; i < count && !*failed; i++) {
        Cleat__V1__DurableTaskRunAckEntry *entry =
            part_new(failed, &cleat__v1__durable_task_run_ack_entry__descriptor);
        if (entry != NULL) {
            char id[37];
            cleat__uuid_format(&asked->request.as.trigger.ids[i], id);
            ack->run_entries[ack->n_run_entries++] = entry;
            entry->node_id = asked->request.as.trigger.nodes[i].number;
            entry->branch_id = asked->request.as.trigger.nodes[i].branch;
            entry->workflow_run_external_id = cleat__message_string(failed, id);
        }
    }
}

static void write_wait_for(const cleat__durable_asked *asked, bool *failed, response *message)
{
    message->wait_for_ack =
        part_new(failed, &cleat__v1__durable_task_event_wait_for_ack_response__descriptor);
    if (message->wait_for_ack != NULL) {
        message->wait_for_ack->ref =
            ref_new(failed, asked->task_id, asked->invocation_count, asked->request.as.wait_for.node);
    }
}

static void write_eviction(const cleat__durable_asked *asked, bool *failed, response *message)
{
    message->eviction_ack = part_new(failed, &cleat__v1__durable_task_eviction_ack_response__descriptor);
    if (message->eviction_ack != NULL) {
        message->eviction_ack->durable_task_external_id = cleat__message_string(failed, asked->task_id);
        message->eviction_ack->invocation_count = asked->invocation_count;
    }
}

/* ---- What has ended ---- */

static completed *write_completed(const char *task_id, int32_t invocation_count, cleat__node node,
                                  bool *failed, response *message)
{
    completed *entry =
        part_new(failed, &cleat__v1__durable_task_event_log_entry_completed_response__descriptor);
    message->entry_completed = entry;
    if (entry != NULL) {
        entry->ref = ref_new(failed, task_id, invocation_count, node);
    }
    return entry;
}

response *cleat__durable_memo_write(const cleat__durable_asked *asked)
{
    bool failed = false;
    response *message = response_new(&failed, CLEAT__V1__DURABLE_TASK_RESPONSE__MESSAGE_ENTRY_COMPLETED);
    if (message != NULL) {
        completed *entry = write_completed(asked->task_id, asked->invocation_count,
                                           asked->request.as.memo.node, &failed, message);
        if (entry != NULL) {
            entry->payload = bytes_of(&failed, asked->request.as.memo.value);
        }
    }
    return finished(message, failed);
}

response *cleat__durable_completed_write(const cleat__uuid *run_id, int32_t invocation_count,
                                         const cleat__node_end *end)
{
    bool failed = false;
    char id[37];
    cleat__uuid_format(run_id, id);
    response *message = response_new(&failed, CLEAT__V1__DURABLE_TASK_RESPONSE__MESSAGE_ENTRY_COMPLETED);
    completed *entry =
        message != NULL ? write_completed(id, invocation_count, end->node, &failed, message) : NULL;
    if (entry == NULL) {
        return finished(message, true);
    }
    entry->cleat_order = end->order;
    if (!end->is_failure) {
        entry->payload = bytes_of(&failed, end->payload);
        return finished(message, failed);
    }
    const char *otherwise = end->is_cancelled ? "task was cancelled" : "the task failed";
    bool has_error = end->error != NULL && end->error[0] != '\0';
    entry->is_failure = 1;
    entry->has_error_message_case =
        CLEAT__V1__DURABLE_TASK_EVENT_LOG_ENTRY_COMPLETED_RESPONSE__HAS_ERROR_MESSAGE_ERROR_MESSAGE;
    entry->error_message = cleat__message_string(&failed, has_error ? end->error : otherwise);
    return finished(message, failed);
}

/* ---- Answers ---- */

static int case_of(cleat__durable_kind kind)
{
    switch (kind) {
    case CLEAT__DURABLE_MEMO: return CLEAT__V1__DURABLE_TASK_RESPONSE__MESSAGE_MEMO_ACK;
    case CLEAT__DURABLE_TRIGGER: return CLEAT__V1__DURABLE_TASK_RESPONSE__MESSAGE_TRIGGER_RUNS_ACK;
    case CLEAT__DURABLE_WAIT_FOR: return CLEAT__V1__DURABLE_TASK_RESPONSE__MESSAGE_WAIT_FOR_ACK;
    case CLEAT__DURABLE_EVICT: return CLEAT__V1__DURABLE_TASK_RESPONSE__MESSAGE_EVICTION_ACK;
    default: return CLEAT__V1__DURABLE_TASK_RESPONSE__MESSAGE_ENTRY_COMPLETED;
    }
}

response *cleat__durable_answer_write(const cleat__durable_asked *asked)
{
    bool failed = false;
    response *message = response_new(&failed, case_of(asked->request.kind));
    if (message == NULL) {
        return NULL;
    }
    switch (asked->request.kind) {
    case CLEAT__DURABLE_MEMO: write_memo(asked, &failed, message); break;
    case CLEAT__DURABLE_TRIGGER: write_runs(asked, &failed, message); break;
    case CLEAT__DURABLE_WAIT_FOR: write_wait_for(asked, &failed, message); break;
    case CLEAT__DURABLE_EVICT: write_eviction(asked, &failed, message); break;
    default:
        (void)write_completed(asked->task_id, asked->invocation_count, asked->request.as.complete_memo.node,
                              &failed, message);
        break;
    }
    return finished(message, failed);
}

response *cleat__durable_error_write(const cleat__durable_asked *asked, cleat_status status, const char *text)
{
    bool failed = false;
    bool is_of_memo = asked->request.kind == CLEAT__DURABLE_COMPLETE_MEMO;
    cleat__node node = is_of_memo ? asked->request.as.complete_memo.node : (cleat__node){0, 0};
    response *message = response_new(&failed, CLEAT__V1__DURABLE_TASK_RESPONSE__MESSAGE_ERROR);
    Cleat__V1__DurableTaskErrorResponse *error =
        part_new(&failed, &cleat__v1__durable_task_error_response__descriptor);
    if (message == NULL || error == NULL) {
        cleat__message_free(error);
        return finished(message, true);
    }
    message->error = error;
    error->ref = ref_new(&failed, asked->task_id, asked->invocation_count, node);
    error->error_type = status == CLEAT_NON_DETERMINISTIC
                            ? CLEAT__V1__DURABLE_TASK_ERROR_TYPE__DURABLE_TASK_ERROR_TYPE_NONDETERMINISM
                            : CLEAT__V1__DURABLE_TASK_ERROR_TYPE__DURABLE_TASK_ERROR_TYPE_UNSPECIFIED;
    error->error_message = cleat__message_string(&failed, text);
    error->cleat_status = (int32_t)status;
    return finished(message, failed);
}

response *cleat__durable_evict_write(const char *task_id, int32_t invocation_count, const char *reason)
{
    bool failed = false;
    response *message = response_new(&failed, CLEAT__V1__DURABLE_TASK_RESPONSE__MESSAGE_SERVER_EVICT);
    if (message == NULL) {
        return NULL;
    }
    message->server_evict = part_new(&failed, &cleat__v1__durable_task_server_evict_notice__descriptor);
    if (message->server_evict != NULL) {
        message->server_evict->durable_task_external_id = cleat__message_string(&failed, task_id);
        message->server_evict->invocation_count = invocation_count;
        message->server_evict->reason = cleat__message_string(&failed, reason);
    }
    return finished(message, failed);
}

response *cleat__durable_register_write(const char *worker_id)
{
    bool failed = false;
    response *message = response_new(&failed, CLEAT__V1__DURABLE_TASK_RESPONSE__MESSAGE_REGISTER_WORKER);
    if (message == NULL) {
        return NULL;
    }
    message->register_worker =
        part_new(&failed, &cleat__v1__durable_task_response_register_worker__descriptor);
    if (message->register_worker != NULL) {
        message->register_worker->worker_id = cleat__message_string(&failed, worker_id);
    }
    return finished(message, failed);
}
