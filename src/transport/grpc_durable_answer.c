/* What an engine says on the stream of durable tasks. */
#include "transport/grpc_durable.h"

#include "base/alloc.h"
#include "base/error.h"
#include "model/json.h"
#include "transport/grpc.h"
#include "wire/message.h"
#include "wire/v1/dispatcher.pb-c.h"

#include <inttypes.h>
#include <stdio.h>

typedef Cleat__V1__DurableEventLogEntryRef entry_ref;

static cleat__link *link_of(const cleat__remote_stream *stream)
{
    return stream->worker->workers->link;
}

/* ---- What it is about ---- */

/* NULL: of none that is worked on here, any more. */
static cleat__remote_invocation *find(const cleat__remote_stream *stream, const char *task_id, int32_t count)
{
    cleat__uuid id;
    if (cleat__uuid_parse(cleat_slice_of(task_id), &id) != CLEAT_OK) {
        return NULL;
    }
    return cleat__remote_invocation_find(&stream->worker->workers->durables, &id, count);
}

static cleat__remote_invocation *find_by_ref(const cleat__remote_stream *stream, const entry_ref *ref)
{
    return ref != NULL ? find(stream, ref->durable_task_external_id, ref->invocation_count) : NULL;
}

/* After an answer that fits nothing, nobody knows any more which node comes next. */
static void confuse(cleat__remote_invocation *invocation, const char *what)
{
    char text[CLEAT__CALL_TEXT];
    snprintf(text, sizeof(text), "the server at %s answers otherwise than it was asked: %s",
             invocation->durables->link->settings.address, what);
    cleat__remote_invocation_fail(invocation, CLEAT_UNAVAILABLE, text);
}

/* The request that is under way, and is of that kind; else the invocation has failed. */
static cleat__durable_request *take(cleat__remote_invocation *invocation, cleat__durable_kind kind)
{
    cleat__remote_ask *ask = invocation->first;
    while (ask != NULL && ask->answered < ask->count &&
           ask->requests[ask->answered].kind == CLEAT__DURABLE_COMPLETE_MEMO) {
        ask->answered++; /* without an answer of its own */
    }
    if (ask == NULL || !ask->waits_for_ack || ask->answered == ask->count ||
        ask->requests[ask->answered].kind != kind) {
        confuse(invocation, "nothing of the kind is under way");
        return NULL;
    }
    return &ask->requests[ask->answered];
}

/* Nodes come one after the other. */
static bool take_node(cleat__remote_invocation *invocation, int64_t branch, int64_t number, cleat__node *out)
{
    if (branch < 1 || number != invocation->node + 1) {
        char text[128];
        snprintf(text, sizeof(text), "node %" PRId64 " of branch %" PRId64 " after node %" PRId64, number,
                 branch, invocation->node);
        confuse(invocation, text);
        return false;
    }
    if (cleat__remote_invocation_name_node(invocation, branch) != CLEAT_OK) {
        cleat__remote_invocation_fail(invocation, CLEAT_NO_MEMORY, cleat_status_text(CLEAT_NO_MEMORY));
        return false;
    }
    *out = (cleat__node){branch, number};
    return true;
}

/* A message was answered; `is_all`: and so is its request. */
static void advance(cleat__remote_invocation *invocation, bool is_all)
{
    cleat__remote_ask *ask = invocation->first;
    ask->answered += is_all;
    ask->runs = is_all ? 0 : ask->runs;
    ask->waits_for_ack = false;
    ask->confirmed = ask->written;
    if (ask->written < ask->message_count) {
        cleat__remote_stream_push(ask);
    } else if (!ask->waits_for_echo) {
        ask->answered = ask->count;
        cleat__remote_settle(ask, CLEAT_OK, NULL);
    }
}

/* ---- Answers ---- */

static void on_memo(const cleat__remote_stream *stream,
                    const Cleat__V1__DurableTaskEventMemoAckResponse *answer)
{
    cleat__remote_invocation *it = find_by_ref(stream, answer->ref);
    cleat__durable_request *request = it != NULL ? take(it, CLEAT__DURABLE_MEMO) : NULL;
    if (request == NULL ||
        !take_node(it, answer->ref->branch_id, answer->ref->node_id, &request->as.memo.node)) {
        return;
    }
    ProtobufCBinaryData bytes = {0, NULL};
    if (answer->has_memo_result_payload_case != 0) {
        bytes = answer->memo_result_payload;
    }
    cleat_slice value = {(const char *)bytes.data, bytes.len};
    request->as.memo.existed = answer->memo_already_existed;
    request->as.memo.value = NULL;
    if (value.size != 0) {
        if (cleat__json_check("the value of a memo", value, false) != CLEAT_OK) {
            confuse(it, cleat_error_message());
            return;
        }
        request->as.memo.value = cleat__slice_dup(value);
        if (request->as.memo.value == NULL) {
            cleat__remote_invocation_fail(it, CLEAT_NO_MEMORY, cleat_status_text(CLEAT_NO_MEMORY));
            return;
        }
    }
    advance(it, true);
}

/* Whether an answer's runs are those that a message has asked for: nodes and ids from `from` on. */
static bool take_runs(cleat__remote_invocation *it, const cleat__durable_request *request, size_t from,
                      const Cleat__V1__DurableTaskEventTriggerRunsAckResponse *answer)
{
    for (size_t i = 0; i < answer->n_run_entries; i++) {
        const Cleat__V1__DurableTaskRunAckEntry *entry = answer->run_entries[i];
        cleat_slice id = cleat_slice_of(entry->workflow_run_external_id);
        if (!take_node(it, entry->branch_id, entry->node_id, &request->as.trigger.nodes[from + i])) {
            return false;
        }
        if (cleat__uuid_parse(id, &request->as.trigger.ids[from + i]) != CLEAT_OK) {
            confuse(it, "a run's id that is no UUID");
            return false;
        }
    }
    return true;
}

static void on_triggered(const cleat__remote_stream *stream,
                         const Cleat__V1__DurableTaskEventTriggerRunsAckResponse *answer)
{
    cleat__remote_invocation *it = find(stream, answer->durable_task_external_id, answer->invocation_count);
    const cleat__durable_request *request = it != NULL ? take(it, CLEAT__DURABLE_TRIGGER) : NULL;
    if (request == NULL) {
        return;
    }
    cleat__remote_ask *ask = it->first;
    if (answer->n_run_entries != ask->messages[ask->written - 1].runs) {
        confuse(it, "another number of runs");
        return;
    }
    if (take_runs(it, request, ask->runs, answer)) {
        ask->runs += answer->n_run_entries;
        advance(it, ask->runs == request->as.trigger.count);
    }
}

static void on_waits(const cleat__remote_stream *stream,
                     const Cleat__V1__DurableTaskEventWaitForAckResponse *answer)
{
    cleat__remote_invocation *it = find_by_ref(stream, answer->ref);
    cleat__durable_request *request = it != NULL ? take(it, CLEAT__DURABLE_WAIT_FOR) : NULL;
    if (request != NULL &&
        take_node(it, answer->ref->branch_id, answer->ref->node_id, &request->as.wait_for.node)) {
        advance(it, true);
    }
}

static void on_evicted(const cleat__remote_stream *stream,
                       const Cleat__V1__DurableTaskEvictionAckResponse *answer)
{
    cleat__remote_invocation *it = find(stream, answer->durable_task_external_id, answer->invocation_count);
    if (it != NULL && take(it, CLEAT__DURABLE_EVICT) != NULL) {
        advance(it, true);
    }
}

static void on_completed(const cleat__remote_stream *stream,
                         const Cleat__V1__DurableTaskEventLogEntryCompletedResponse *said)
{
    cleat__remote_invocation *it = find_by_ref(stream, said->ref);
    if (it != NULL && it->fate == CLEAT_OK) {
        const cleat__node node = {said->ref->branch_id, said->ref->node_id};
        const char *error = said->has_error_message_case != 0 ? said->error_message : "";
        const cleat_slice payload = {(const char *)said->payload.data, said->payload.len};
        cleat__remote_invocation_complete(it, &node, said->cleat_order, payload, said->is_failure, error);
    }
}

/* ---- Refusals ---- */

/* `cleat serve` says it; others only whether it is the order of calls. Sets the error message. */
static cleat_status read_error(const Cleat__V1__DurableTaskErrorResponse *said)
{
    cleat_status status = (cleat_status)said->cleat_status;
    if (said->error_type == CLEAT__V1__DURABLE_TASK_ERROR_TYPE__DURABLE_TASK_ERROR_TYPE_NONDETERMINISM) {
        return cleat__fail(CLEAT_NON_DETERMINISTIC, "%s", said->error_message);
    }
    if (status != CLEAT_OK && strcmp(cleat_status_name(status), "CLEAT_UNKNOWN") != 0) {
        return cleat__fail(status, "%s", said->error_message);
    }
    status = cleat__remote_trigger_status(cleat__fail(CLEAT_INVALID_ARGUMENT, "%s", said->error_message));
    return status == CLEAT_NOT_FOUND ? status : CLEAT_FAILED;
}

static void on_error(const cleat__remote_stream *stream, const Cleat__V1__DurableTaskErrorResponse *said)
{
    cleat__remote_invocation *it = find_by_ref(stream, said->ref);
    if (it == NULL) {
        return;
    }
    char text[CLEAT__CALL_TEXT];
    cleat_status status = read_error(said);
    snprintf(text, sizeof(text), "%s", cleat_error_message());
    /* What it is about took no node, and nothing was sent behind it. Of what is not waited for, nobody knows. */
    bool is_expected = it->first != NULL && it->first->written != 0;
    if (!is_expected) {
        cleat__remote_invocation_fail(it, status, text);
    } else {
        cleat__remote_settle(it->first, status, text);
    }
}

static void on_server_evicts(const cleat__remote_stream *stream,
                             const Cleat__V1__DurableTaskServerEvictNotice *said)
{
    cleat__remote_invocation *it = find(stream, said->durable_task_external_id, said->invocation_count);
    if (it == NULL || it->fate != CLEAT_OK) {
        return;
    }
    char text[CLEAT__CALL_TEXT];
    snprintf(text, sizeof(text), "the engine has ended the invocation: %s", said->reason);
    const cleat__uuid task_id = it->task_id;
    int32_t retry_count = it->retry_count;
    bool is_newest = cleat__remote_invocation_newest(it->durables, &task_id) == it->count;
    cleat__remote_worker *worker = it->stream->worker;
    cleat__remote_invocation_fail(it, CLEAT_CANCELLED, text);
    if (is_newest) {
        cleat__remote_cancel_attempt(worker, &task_id, retry_count, said->invocation_count);
    }
}

/* ---- All of it ---- */

static void dispatch(cleat__remote_stream *stream, const Cleat__V1__DurableTaskResponse *said)
{
    static cleat__log_site site;
    switch ((int)said->message_case) {
    case CLEAT__V1__DURABLE_TASK_RESPONSE__MESSAGE_REGISTER_WORKER: cleat__remote_echoed(stream); return;
    case CLEAT__V1__DURABLE_TASK_RESPONSE__MESSAGE_MEMO_ACK: on_memo(stream, said->memo_ack); return;
    case CLEAT__V1__DURABLE_TASK_RESPONSE__MESSAGE_TRIGGER_RUNS_ACK:
        on_triggered(stream, said->trigger_runs_ack);
        return;
    case CLEAT__V1__DURABLE_TASK_RESPONSE__MESSAGE_WAIT_FOR_ACK: on_waits(stream, said->wait_for_ack); return;
    case CLEAT__V1__DURABLE_TASK_RESPONSE__MESSAGE_EVICTION_ACK:
        on_evicted(stream, said->eviction_ack);
        return;
    case CLEAT__V1__DURABLE_TASK_RESPONSE__MESSAGE_ENTRY_COMPLETED:
        on_completed(stream, said->entry_completed);
        return;
    case CLEAT__V1__DURABLE_TASK_RESPONSE__MESSAGE_ERROR: on_error(stream, said->error); return;
    case CLEAT__V1__DURABLE_TASK_RESPONSE__MESSAGE_SERVER_EVICT:
        on_server_evicts(stream, said->server_evict);
        return;
    default:
        cleat__link_log(link_of(stream), &site, CLEAT_LOG_WARN,
                        "the server at %s says something of durable tasks that is unknown",
                        link_of(stream)->settings.address);
    }
}

void cleat__remote_answer(cleat__remote_stream *stream, cleat_slice bytes)
{
    static cleat__log_site site;
    cleat_status status;
    Cleat__V1__DurableTaskResponse *said =
        cleat__message_unpack(&cleat__v1__durable_task_response__descriptor, bytes, &status);
    if (said == NULL) {
        cleat__link_log(link_of(stream), &site, CLEAT_LOG_WARN,
                        "the server at %s sends an answer of durable tasks that is none: %s",
                        link_of(stream)->settings.address, cleat_error_message());
        return;
    }
    dispatch(stream, said);
    cleat__message_free(said);
}
