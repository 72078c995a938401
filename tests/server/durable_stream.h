/* A worker of another process, one durable run of its, and their talk on the stream of durable tasks. */
#ifndef CLEAT_TESTS_DURABLE_STREAM_H
#define CLEAT_TESTS_DURABLE_STREAM_H

#include "server/service_test.h"

#include "wire/v1/dispatcher.pb-c.h"

typedef Cleat__V1__DurableTaskRequest request;
typedef Cleat__V1__DurableTaskResponse response;

#define IS(kind)  CLEAT__V1__DURABLE_TASK_RESPONSE__MESSAGE_##kind
#define ASK(kind) CLEAT__V1__DURABLE_TASK_REQUEST__MESSAGE_##kind

/* ---- A worker and its run ---- */

typedef struct invocation {
    service_world *it;
    rpc_stream *actions, *stream;
    id_text worker;
    char task[37];
    int32_t count;
    Cleat__AssignedAction *action; /* that began it */
} invocation;

static inline rpc_stream *open_stream(service_world *it)
{
    return rpc_open(it->client, "/v1.V1Dispatcher/DurableTask",
                    (rpc_call_options){.authorization = it->token});
}

/* The next invocation of the run. */
static inline void take_action(invocation *self)
{
    cleat__message_free(self->action);
    self->action = next_action(self->actions);
    assert_int_equal(self->action->action_type, CLEAT__ACTION_TYPE__START_STEP_RUN);
    assert_true(self->action->has_durable_task_invocation_count_case != 0);
    self->count = self->action->durable_task_invocation_count;
    snprintf(self->task, sizeof(self->task), "%s", self->action->task_run_external_id);
}

/* A worker with one slot, and the first invocation of a run of "long". */
static inline invocation begin(service_world *it)
{
    declare(it, (task_declaration){.name = "long", .is_durable = true, .retries = 1});
    invocation self = {.it = it, .worker = register_durable(it, "long")};
    self.actions = stay_as(it, self.worker);
    self.stream = open_stream(it);
    (void)trigger(it, "long", "{}");
    take_action(&self);
    assert_int_equal(self.count, 1);
    assert_true(self.action->has_cleat_log_size_case != 0);
    assert_int_equal(self.action->cleat_log_size, 0);
    return self;
}

static inline void finish(invocation *self)
{
    cleat__message_free(self->action);
    stop_listening(self->stream);
    stop_listening(self->actions);
}

/* ---- Saying and hearing ---- */

static inline void say(rpc_stream *stream, const request *message)
{
    cleat__buffer bytes = packed(&message->base);
    assert_true(rpc_write(stream, cleat__buffer_slice(&bytes)));
    cleat__buffer_deinit(&bytes);
}

static inline response *hear(rpc_stream *stream, int kind)
{
    cleat__buffer bytes = {0};
    if (!rpc_read(stream, &bytes)) {
        rpc_result result = rpc_end(stream);
        fail_msg("no answer: the stream ended with %d \"%s\"", result.code, result.text);
    }
    response *message = unpacked(&cleat__v1__durable_task_response__descriptor, &bytes);
    cleat__buffer_deinit(&bytes);
    if ((int)message->message_case != kind) {
        fail_msg("heard %d instead of %d: %s", (int)message->message_case, kind,
                 (int)message->message_case == IS(ERROR) ? message->error->error_message : "");
    }
    return message;
}

static inline void say_register(rpc_stream *stream, const char *worker)
{
    Cleat__V1__DurableTaskRequestRegisterWorker part = CLEAT__V1__DURABLE_TASK_REQUEST_REGISTER_WORKER__INIT;
    part.worker_id = text_(worker);
    request message = CLEAT__V1__DURABLE_TASK_REQUEST__INIT;
    message.message_case = ASK(REGISTER_WORKER);
    message.register_worker = &part;
    say(stream, &message);
}

static inline ProtobufCBinaryData bytes_(const char *text)
{
    return (ProtobufCBinaryData){strlen(text), (uint8_t *)text_(text)};
}

/* `payload` NULL: none. */
static inline void say_memo(const invocation *self, const char *key, const char *payload)
{
    Cleat__V1__DurableTaskMemoRequest part = CLEAT__V1__DURABLE_TASK_MEMO_REQUEST__INIT;
    part.durable_task_external_id = text_(self->task);
    part.invocation_count = self->count;
    part.key = bytes_(key);
    if (payload != NULL) {
        part.has_payload_case = CLEAT__V1__DURABLE_TASK_MEMO_REQUEST__HAS_PAYLOAD_PAYLOAD;
        part.payload = bytes_(payload);
    }
    request message = CLEAT__V1__DURABLE_TASK_REQUEST__INIT;
    message.message_case = ASK(MEMO);
    message.memo = &part;
    say(self->stream, &message);
}

static inline void say_complete_memo(const invocation *self, int64_t node, const char *key,
                                     const char *payload)
{
    Cleat__V1__DurableEventLogEntryRef ref = CLEAT__V1__DURABLE_EVENT_LOG_ENTRY_REF__INIT;
    Cleat__V1__DurableTaskCompleteMemoRequest part = CLEAT__V1__DURABLE_TASK_COMPLETE_MEMO_REQUEST__INIT;
    ref.durable_task_external_id = text_(self->task);
    ref.invocation_count = self->count;
    ref.branch_id = 1;
    ref.node_id = node;
    part.ref = &ref;
    part.memo_key = bytes_(key);
    part.payload = bytes_(payload);
    request message = CLEAT__V1__DURABLE_TASK_REQUEST__INIT;
    message.message_case = ASK(COMPLETE_MEMO);
    message.complete_memo = &part;
    say(self->stream, &message);
}

static inline void say_trigger(const invocation *self, const char *workflow, const char *input, int32_t index)
{
    Cleat__V1__TriggerWorkflowRequest item = CLEAT__V1__TRIGGER_WORKFLOW_REQUEST__INIT, *items[] = {&item};
    Cleat__V1__DurableTaskTriggerRunsRequest part = CLEAT__V1__DURABLE_TASK_TRIGGER_RUNS_REQUEST__INIT;
    item.name = text_(workflow);
    item.input = text_(input);
    item.has_parent_task_run_external_id_case =
        CLEAT__V1__TRIGGER_WORKFLOW_REQUEST__HAS_PARENT_TASK_RUN_EXTERNAL_ID_PARENT_TASK_RUN_EXTERNAL_ID;
    item.parent_task_run_external_id = text_(self->task);
    item.has_child_index_case = CLEAT__V1__TRIGGER_WORKFLOW_REQUEST__HAS_CHILD_INDEX_CHILD_INDEX;
    item.child_index = index;
    part.durable_task_external_id = text_(self->task);
    part.invocation_count = self->count;
    part.trigger_opts = items;
    part.n_trigger_opts = 1;
    request message = CLEAT__V1__DURABLE_TASK_REQUEST__INIT;
    message.message_case = ASK(TRIGGER_RUNS);
    message.trigger_runs = &part;
    say(self->stream, &message);
}

#define GROUP "0190a000-0000-7000-8000-00000000000a"

/* For either, in one group; NULL: not for that. */
typedef struct waiting_for {
    const char *sleep, *event, *expression;
    const char *group; /* NULL: GROUP */
    int action;
} waiting_for;

static inline void say_wait(const invocation *self, waiting_for what)
{
    Cleat__V1__BaseMatchCondition base = CLEAT__V1__BASE_MATCH_CONDITION__INIT, other = base;
    Cleat__V1__SleepMatchCondition sleep = CLEAT__V1__SLEEP_MATCH_CONDITION__INIT, *sleeps[] = {&sleep};
    Cleat__V1__UserEventMatchCondition event = CLEAT__V1__USER_EVENT_MATCH_CONDITION__INIT,
                                       *events[] = {&event};
    Cleat__V1__DurableEventListenerConditions conditions = CLEAT__V1__DURABLE_EVENT_LISTENER_CONDITIONS__INIT;
    Cleat__V1__DurableTaskWaitForRequest part = CLEAT__V1__DURABLE_TASK_WAIT_FOR_REQUEST__INIT;
    base.readable_data_key = text_("nap");
    other.readable_data_key = text_("word");
    base.or_group_id = other.or_group_id = text_(what.group != NULL ? what.group : GROUP);
    base.action = other.action = (Cleat__V1__Action)what.action;
    other.expression = text_(what.expression != NULL ? what.expression : "");
    sleep.base_ = &base;
    sleep.sleep_for = text_(what.sleep != NULL ? what.sleep : "");
    event.base_ = &other;
    event.user_event_key = text_(what.event != NULL ? what.event : "");
    conditions.sleep_conditions = sleeps;
    conditions.n_sleep_conditions = what.sleep != NULL;
    conditions.user_event_conditions = events;
    conditions.n_user_event_conditions = what.event != NULL;
    part.durable_task_external_id = text_(self->task);
    part.invocation_count = self->count;
    part.wait_for_conditions = &conditions;
    request message = CLEAT__V1__DURABLE_TASK_REQUEST__INIT;
    message.message_case = ASK(WAIT_FOR);
    message.wait_for = &part;
    say(self->stream, &message);
}

/* `node` 0: for anything. */
static inline void say_evict(const invocation *self, int64_t node, const char *carrier)
{
    Cleat__V1__DurableTaskAwaitedCompletedEntry entry = CLEAT__V1__DURABLE_TASK_AWAITED_COMPLETED_ENTRY__INIT;
    Cleat__V1__DurableTaskAwaitedCompletedEntry *entries[] = {&entry};
    Cleat__V1__DurableTaskEvictInvocationRequest part =
        CLEAT__V1__DURABLE_TASK_EVICT_INVOCATION_REQUEST__INIT;
    entry.durable_task_external_id = text_(self->task);
    entry.branch_id = 1;
    entry.node_id = node;
    part.durable_task_external_id = text_(self->task);
    part.invocation_count = self->count;
    part.has_reason_case = CLEAT__V1__DURABLE_TASK_EVICT_INVOCATION_REQUEST__HAS_REASON_REASON;
    part.reason = text_("it waits");
    part.cleat_waiting = entries;
    part.n_cleat_waiting = node != 0;
    part.cleat_carrier = bytes_(carrier);
    request message = CLEAT__V1__DURABLE_TASK_REQUEST__INIT;
    message.message_case = ASK(EVICT_INVOCATION);
    message.evict_invocation = &part;
    say(self->stream, &message);
}

static inline void say_status(const invocation *self, rpc_stream *stream, const char *task, int64_t node)
{
    Cleat__V1__DurableTaskAwaitedCompletedEntry entry = CLEAT__V1__DURABLE_TASK_AWAITED_COMPLETED_ENTRY__INIT;
    Cleat__V1__DurableTaskAwaitedCompletedEntry *entries[] = {&entry};
    Cleat__V1__DurableTaskWorkerStatusRequest part = CLEAT__V1__DURABLE_TASK_WORKER_STATUS_REQUEST__INIT;
    entry.durable_task_external_id = text_(task);
    entry.invocation_count = self->count;
    entry.branch_id = 1;
    entry.node_id = node;
    part.worker_id = text_(self->worker.text);
    part.waiting_entries = entries;
    part.n_waiting_entries = 1;
    request message = CLEAT__V1__DURABLE_TASK_REQUEST__INIT;
    message.message_case = ASK(WORKER_STATUS);
    message.worker_status = &part;
    say(stream, &message);
}

/* ---- What is heard ---- */

static inline void assert_ref(const invocation *self, const Cleat__V1__DurableEventLogEntryRef *ref,
                              int64_t node)
{
    assert_non_null(ref);
    assert_string_equal(ref->durable_task_external_id, self->task);
    assert_int_equal(ref->invocation_count, self->count);
    assert_int_equal(ref->branch_id, 1);
    assert_int_equal(ref->node_id, node);
}

/* `value` NULL: it has none. */
static inline void hear_memo(const invocation *self, int64_t node, bool existed, const char *value)
{
    response *message = hear(self->stream, IS(MEMO_ACK));
    assert_ref(self, message->memo_ack->ref, node);
    assert_int_equal(message->memo_ack->memo_already_existed, existed);
    assert_int_equal(message->memo_ack->has_memo_result_payload_case != 0, value != NULL);
    if (value != NULL) {
        assert_int_equal(message->memo_ack->memo_result_payload.len, strlen(value));
        assert_memory_equal(message->memo_ack->memo_result_payload.data, value, strlen(value));
    }
    cleat__message_free(message);
}

static inline void hear_wait(const invocation *self, int64_t node)
{
    response *message = hear(self->stream, IS(WAIT_FOR_ACK));
    assert_ref(self, message->wait_for_ack->ref, node);
    cleat__message_free(message);
}

static inline void hear_completed_on(const invocation *self, rpc_stream *stream, int64_t node,
                                     const char *payload)
{
    response *message = hear(stream, IS(ENTRY_COMPLETED));
    const Cleat__V1__DurableTaskEventLogEntryCompletedResponse *entry = message->entry_completed;
    assert_ref(self, entry->ref, node);
    assert_false(entry->is_failure);
    const cleat_slice told = {(const char *)entry->payload.data, entry->payload.len};
    if (!cleat_slice_equals(told, cleat_slice_of(payload))) {
        fail_msg("node %d ended with %.*s instead of %s", (int)node, (int)entry->payload.len,
                 (const char *)entry->payload.data, payload);
    }
    cleat__message_free(message);
}

static inline void hear_completed(const invocation *self, int64_t node, const char *payload)
{
    hear_completed_on(self, self->stream, node, payload);
}

static inline void hear_failed(const invocation *self, int64_t node, const char *error)
{
    response *message = hear(self->stream, IS(ENTRY_COMPLETED));
    assert_ref(self, message->entry_completed->ref, node);
    assert_true(message->entry_completed->is_failure);
    assert_int_equal(message->entry_completed->payload.len, 0);
    assert_string_equal(message->entry_completed->error_message, error);
    cleat__message_free(message);
}

/* The id of the child. */
static inline id_text hear_triggered(const invocation *self, int64_t node)
{
    response *message = hear(self->stream, IS(TRIGGER_RUNS_ACK));
    const Cleat__V1__DurableTaskEventTriggerRunsAckResponse *ack = message->trigger_runs_ack;
    id_text id;
    assert_string_equal(ack->durable_task_external_id, self->task);
    assert_int_equal(ack->invocation_count, self->count);
    assert_int_equal(ack->n_run_entries, 1);
    assert_int_equal(ack->run_entries[0]->branch_id, 1);
    assert_int_equal(ack->run_entries[0]->node_id, node);
    snprintf(id.text, sizeof(id.text), "%s", ack->run_entries[0]->workflow_run_external_id);
    cleat__message_free(message);
    return id;
}

static inline void hear_evicted(const invocation *self)
{
    response *message = hear(self->stream, IS(EVICTION_ACK));
    assert_string_equal(message->eviction_ack->durable_task_external_id, self->task);
    assert_int_equal(message->eviction_ack->invocation_count, self->count);
    cleat__message_free(message);
}

static inline void hear_server_evict(const invocation *self, rpc_stream *stream)
{
    response *message = hear(stream, IS(SERVER_EVICT));
    assert_string_equal(message->server_evict->durable_task_external_id, self->task);
    assert_int_equal(message->server_evict->invocation_count, self->count);
    assert_true(message->server_evict->reason[0] != '\0');
    cleat__message_free(message);
}

static inline void hear_error(const invocation *self, Cleat__V1__DurableTaskErrorType type, const char *part)
{
    response *message = hear(self->stream, IS(ERROR));
    assert_string_equal(message->error->ref->durable_task_external_id, self->task);
    assert_int_equal(message->error->ref->invocation_count, self->count);
    assert_int_equal(message->error->error_type, type);
    const char *text = message->error->error_message;
    if (text == NULL || strstr(text, part) == NULL) {
        fail_msg("\"%s\" instead of \"%s\"", text != NULL ? text : "nothing", part);
    }
    cleat__message_free(message);
}

#define UNSPECIFIED    CLEAT__V1__DURABLE_TASK_ERROR_TYPE__DURABLE_TASK_ERROR_TYPE_UNSPECIFIED
#define NONDETERMINISM CLEAT__V1__DURABLE_TASK_ERROR_TYPE__DURABLE_TASK_ERROR_TYPE_NONDETERMINISM

static inline void assert_run(const invocation *self, Cleat__V1__RunStatus status)
{
    id_text run;
    snprintf(run.text, sizeof(run.text), "%s", self->task);
    assert_status(self->it, run, status);
}

#endif
