#include "support/mock_durable.h"

#include "base/alloc.h"
#include "wire/v1/dispatcher.pb-c.h"

#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

typedef Cleat__V1__DurableTaskRequest request;
typedef Cleat__V1__DurableTaskResponse response;
typedef Cleat__V1__DurableEventLogEntryRef entry_ref;

/* Where an answer goes: to the stream it belongs to, or to that which is open. */
typedef struct peer {
    mock_engine *engine;
    cleat__rpc_call *call; /* NULL: that which is open */
} peer;

static char *text_of(const char *text)
{
    return (char *)(uintptr_t)text;
}

static void say(peer to, const response *message)
{
    if (to.call == NULL) {
        mock_send(to.engine, MOCK_DURABLE, message);
    } else {
        (void)cleat__rpc_send(to.call, &message->base); /* a call that is over hears nothing */
    }
}

static entry_ref ref_of(const char *task_id, int32_t count, int64_t node)
{
    entry_ref ref = CLEAT__V1__DURABLE_EVENT_LOG_ENTRY_REF__INIT;
    ref.durable_task_external_id = text_of(task_id);
    ref.invocation_count = count;
    ref.branch_id = 1;
    ref.node_id = node;
    return ref;
}

static ProtobufCBinaryData bytes_of(const char *text)
{
    return (ProtobufCBinaryData){.len = strlen(text), .data = (uint8_t *)(uintptr_t)text};
}

/* ---- Each answer ---- */

static void say_echo(peer to)
{
    response message = CLEAT__V1__DURABLE_TASK_RESPONSE__INIT;
    Cleat__V1__DurableTaskResponseRegisterWorker echo =
        CLEAT__V1__DURABLE_TASK_RESPONSE_REGISTER_WORKER__INIT;
    echo.worker_id = text_of(MOCK_WORKER_ID);
    message.message_case = CLEAT__V1__DURABLE_TASK_RESPONSE__MESSAGE_REGISTER_WORKER;
    message.register_worker = &echo;
    say(to, &message);
}

static void say_memo(peer to, const char *task_id, int32_t count, int64_t node, bool existed,
                     const char *value)
{
    response message = CLEAT__V1__DURABLE_TASK_RESPONSE__INIT;
    Cleat__V1__DurableTaskEventMemoAckResponse ack;
    entry_ref ref = ref_of(task_id, count, node);
    cleat__v1__durable_task_event_memo_ack_response__init(&ack);
    ack.ref = &ref;
    ack.memo_already_existed = existed;
    if (value != NULL) {
        ack.has_memo_result_payload_case =
            CLEAT__V1__DURABLE_TASK_EVENT_MEMO_ACK_RESPONSE__HAS_MEMO_RESULT_PAYLOAD_MEMO_RESULT_PAYLOAD;
        ack.memo_result_payload = bytes_of(value);
    }
    message.message_case = CLEAT__V1__DURABLE_TASK_RESPONSE__MESSAGE_MEMO_ACK;
    message.memo_ack = &ack;
    say(to, &message);
}

static void say_runs(peer to, const char *task_id, int32_t count, int64_t node, const char *run_id,
                     size_t runs)
{
    response message = CLEAT__V1__DURABLE_TASK_RESPONSE__INIT;
    Cleat__V1__DurableTaskEventTriggerRunsAckResponse ack =
        CLEAT__V1__DURABLE_TASK_EVENT_TRIGGER_RUNS_ACK_RESPONSE__INIT;
    Cleat__V1__DurableTaskRunAckEntry entries[8], *list[8];
    assert_true(runs <= 8);
    for (size_t i = 0; i < runs; i++) {
        entries[i] = (Cleat__V1__DurableTaskRunAckEntry)CLEAT__V1__DURABLE_TASK_RUN_ACK_ENTRY__INIT;
        entries[i].branch_id = 1;
        entries[i].node_id = node + (int64_t)i;
        entries[i].workflow_run_external_id = text_of(run_id);
        list[i] = &entries[i];
    }
    ack.durable_task_external_id = text_of(task_id);
    ack.invocation_count = count;
    ack.n_run_entries = runs;
    ack.run_entries = list;
    message.message_case = CLEAT__V1__DURABLE_TASK_RESPONSE__MESSAGE_TRIGGER_RUNS_ACK;
    message.trigger_runs_ack = &ack;
    say(to, &message);
}

static void say_wait(peer to, const char *task_id, int32_t count, int64_t node)
{
    response message = CLEAT__V1__DURABLE_TASK_RESPONSE__INIT;
    Cleat__V1__DurableTaskEventWaitForAckResponse ack =
        CLEAT__V1__DURABLE_TASK_EVENT_WAIT_FOR_ACK_RESPONSE__INIT;
    entry_ref ref = ref_of(task_id, count, node);
    ack.ref = &ref;
    message.message_case = CLEAT__V1__DURABLE_TASK_RESPONSE__MESSAGE_WAIT_FOR_ACK;
    message.wait_for_ack = &ack;
    say(to, &message);
}

static void say_evicted(peer to, const char *task_id, int32_t count)
{
    response message = CLEAT__V1__DURABLE_TASK_RESPONSE__INIT;
    Cleat__V1__DurableTaskEvictionAckResponse ack = CLEAT__V1__DURABLE_TASK_EVICTION_ACK_RESPONSE__INIT;
    ack.durable_task_external_id = text_of(task_id);
    ack.invocation_count = count;
    message.message_case = CLEAT__V1__DURABLE_TASK_RESPONSE__MESSAGE_EVICTION_ACK;
    message.eviction_ack = &ack;
    say(to, &message);
}

/* ---- By itself ---- */

static int64_t next_node(mock_engine *engine, size_t count)
{
    return atomic_fetch_add(&engine->durable_node, (int)count) + 1;
}

void mock_durable_answer(mock_engine *engine, cleat__rpc_call *call, const ProtobufCMessage *message)
{
    const request *asked = (const void *)message;
    const peer to = {engine, call};
    switch ((int)asked->message_case) {
    case CLEAT__V1__DURABLE_TASK_REQUEST__MESSAGE_REGISTER_WORKER: say_echo(to); break;
    case CLEAT__V1__DURABLE_TASK_REQUEST__MESSAGE_MEMO:
        say_memo(to, asked->memo->durable_task_external_id, asked->memo->invocation_count,
                 next_node(engine, 1), false, NULL);
        break;
    case CLEAT__V1__DURABLE_TASK_REQUEST__MESSAGE_TRIGGER_RUNS:
        say_runs(to, asked->trigger_runs->durable_task_external_id, asked->trigger_runs->invocation_count,
                 next_node(engine, asked->trigger_runs->n_trigger_opts), MOCK_RUN_ID,
                 asked->trigger_runs->n_trigger_opts);
        break;
    case CLEAT__V1__DURABLE_TASK_REQUEST__MESSAGE_WAIT_FOR:
        say_wait(to, asked->wait_for->durable_task_external_id, asked->wait_for->invocation_count,
                 next_node(engine, 1));
        break;
    case CLEAT__V1__DURABLE_TASK_REQUEST__MESSAGE_EVICT_INVOCATION:
        say_evicted(to, asked->evict_invocation->durable_task_external_id,
                    asked->evict_invocation->invocation_count);
        break;
    default: break;
    }
}

/* ---- As a test says ---- */

void mock_send_echo(mock_engine *engine)
{
    say_echo((peer){engine, NULL});
}

void mock_send_memo(mock_engine *engine, const char *task_id, int32_t count, int64_t node, bool existed,
                    const char *value)
{
    say_memo((peer){engine, NULL}, task_id, count, node, existed, value);
}

void mock_send_run(mock_engine *engine, const char *task_id, int32_t count, int64_t node, const char *run_id)
{
    say_runs((peer){engine, NULL}, task_id, count, node, run_id, 1);
}

void mock_send_wait(mock_engine *engine, const char *task_id, int32_t count, int64_t node)
{
    say_wait((peer){engine, NULL}, task_id, count, node);
}

void mock_send_evicted(mock_engine *engine, const char *task_id, int32_t count)
{
    say_evicted((peer){engine, NULL}, task_id, count);
}

static void say_ended(peer to, const char *task_id, int32_t count, int64_t node, const char *payload,
                      const char *error, int64_t order)
{
    response message = CLEAT__V1__DURABLE_TASK_RESPONSE__INIT;
    Cleat__V1__DurableTaskEventLogEntryCompletedResponse ended =
        CLEAT__V1__DURABLE_TASK_EVENT_LOG_ENTRY_COMPLETED_RESPONSE__INIT;
    entry_ref ref = ref_of(task_id, count, node);
    ended.ref = &ref;
    if (payload != NULL) {
        ended.payload = bytes_of(payload);
    }
    if (error != NULL) {
        ended.is_failure = 1;
        ended.has_error_message_case =
            CLEAT__V1__DURABLE_TASK_EVENT_LOG_ENTRY_COMPLETED_RESPONSE__HAS_ERROR_MESSAGE_ERROR_MESSAGE;
        ended.error_message = text_of(error);
    }
    message.message_case = CLEAT__V1__DURABLE_TASK_RESPONSE__MESSAGE_ENTRY_COMPLETED;
    message.entry_completed = &ended;
    ended.cleat_order = order;
    say(to, &message);
}

void mock_send_ended(mock_engine *engine, const char *task_id, int32_t count, int64_t node,
                     const char *payload, const char *error)
{
    say_ended((peer){engine, NULL}, task_id, count, node, payload, error, 0);
}

void mock_send_ended_in_order(mock_engine *engine, const char *task_id, int32_t count, int64_t node,
                              const char *payload, int64_t order)
{
    say_ended((peer){engine, NULL}, task_id, count, node, payload, NULL, order);
}

void mock_send_error(mock_engine *engine, const char *task_id, int32_t count, bool is_order, int32_t status,
                     const char *text)
{
    response message = CLEAT__V1__DURABLE_TASK_RESPONSE__INIT;
    Cleat__V1__DurableTaskErrorResponse error = CLEAT__V1__DURABLE_TASK_ERROR_RESPONSE__INIT;
    entry_ref ref = ref_of(task_id, count, 0);
    error.ref = &ref;
    if (is_order) {
        error.error_type = CLEAT__V1__DURABLE_TASK_ERROR_TYPE__DURABLE_TASK_ERROR_TYPE_NONDETERMINISM;
    }
    error.error_message = text_of(text);
    error.cleat_status = status;
    message.message_case = CLEAT__V1__DURABLE_TASK_RESPONSE__MESSAGE_ERROR;
    message.error = &error;
    say((peer){engine, NULL}, &message);
}

void mock_send_server_evict(mock_engine *engine, const char *task_id, int32_t count, const char *reason)
{
    response message = CLEAT__V1__DURABLE_TASK_RESPONSE__INIT;
    Cleat__V1__DurableTaskServerEvictNotice notice = CLEAT__V1__DURABLE_TASK_SERVER_EVICT_NOTICE__INIT;
    notice.durable_task_external_id = text_of(task_id);
    notice.invocation_count = count;
    notice.reason = text_of(reason);
    message.message_case = CLEAT__V1__DURABLE_TASK_RESPONSE__MESSAGE_SERVER_EVICT;
    message.server_evict = &notice;
    say((peer){engine, NULL}, &message);
}
