/* The stream of durable tasks: each request and its answer, what is told when it happens, and every refusal. */
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

static rpc_stream *open_stream(service_world *it)
{
    return rpc_open(it->client, "/v1.V1Dispatcher/DurableTask",
                    (rpc_call_options){.authorization = it->token});
}

/* The next invocation of the run. */
static void take_action(invocation *self)
{
    cleat__message_free(self->action);
    self->action = next_action(self->actions);
    assert_int_equal(self->action->action_type, CLEAT__ACTION_TYPE__START_STEP_RUN);
    assert_true(self->action->has_durable_task_invocation_count_case != 0);
    self->count = self->action->durable_task_invocation_count;
    snprintf(self->task, sizeof(self->task), "%s", self->action->task_run_external_id);
}

/* A worker with one slot, and the first invocation of a run of "long". */
static invocation begin(service_world *it)
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

static void finish(invocation *self)
{
    cleat__message_free(self->action);
    stop_listening(self->stream);
    stop_listening(self->actions);
}

/* ---- Saying and hearing ---- */

static void say(rpc_stream *stream, const request *message)
{
    cleat__buffer bytes = packed(&message->base);
    assert_true(rpc_write(stream, cleat__buffer_slice(&bytes)));
    cleat__buffer_deinit(&bytes);
}

static response *hear(rpc_stream *stream, int kind)
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

static void say_register(rpc_stream *stream, const char *worker)
{
    Cleat__V1__DurableTaskRequestRegisterWorker part = CLEAT__V1__DURABLE_TASK_REQUEST_REGISTER_WORKER__INIT;
    part.worker_id = text_(worker);
    request message = CLEAT__V1__DURABLE_TASK_REQUEST__INIT;
    message.message_case = ASK(REGISTER_WORKER);
    message.register_worker = &part;
    say(stream, &message);
}

static ProtobufCBinaryData bytes_(const char *text)
{
    return (ProtobufCBinaryData){strlen(text), (uint8_t *)text_(text)};
}

/* `payload` NULL: none. */
static void say_memo(const invocation *self, const char *key, const char *payload)
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

static void say_complete_memo(const invocation *self, int64_t node, const char *key, const char *payload)
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

static void say_trigger(const invocation *self, const char *workflow, const char *input, int32_t index)
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

static void say_wait(const invocation *self, waiting_for what)
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
static void say_evict(const invocation *self, int64_t node, const char *carrier)
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

static void say_status(const invocation *self, rpc_stream *stream, const char *task, int64_t node)
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

static void assert_ref(const invocation *self, const Cleat__V1__DurableEventLogEntryRef *ref, int64_t node)
{
    assert_non_null(ref);
    assert_string_equal(ref->durable_task_external_id, self->task);
    assert_int_equal(ref->invocation_count, self->count);
    assert_int_equal(ref->branch_id, 1);
    assert_int_equal(ref->node_id, node);
}

/* `value` NULL: it has none. */
static void hear_memo(const invocation *self, int64_t node, bool existed, const char *value)
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

static void hear_wait(const invocation *self, int64_t node)
{
    response *message = hear(self->stream, IS(WAIT_FOR_ACK));
    assert_ref(self, message->wait_for_ack->ref, node);
    cleat__message_free(message);
}

static void hear_completed_on(const invocation *self, rpc_stream *stream, int64_t node, const char *payload)
{
    response *message = hear(stream, IS(ENTRY_COMPLETED));
    const Cleat__V1__DurableTaskEventLogEntryCompletedResponse *entry = message->entry_completed;
    assert_ref(self, entry->ref, node);
    assert_false(entry->is_failure);
    if (entry->payload.len != strlen(payload) ||
        memcmp(entry->payload.data, payload, entry->payload.len) != 0) {
        fail_msg("node %d ended with %.*s instead of %s", (int)node, (int)entry->payload.len,
                 (const char *)entry->payload.data, payload);
    }
    cleat__message_free(message);
}

static void hear_completed(const invocation *self, int64_t node, const char *payload)
{
    hear_completed_on(self, self->stream, node, payload);
}

static void hear_failed(const invocation *self, int64_t node, const char *error)
{
    response *message = hear(self->stream, IS(ENTRY_COMPLETED));
    assert_ref(self, message->entry_completed->ref, node);
    assert_true(message->entry_completed->is_failure);
    assert_int_equal(message->entry_completed->payload.len, 0);
    assert_string_equal(message->entry_completed->error_message, error);
    cleat__message_free(message);
}

/* The id of the child. */
static id_text hear_triggered(const invocation *self, int64_t node)
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

static void hear_evicted(const invocation *self)
{
    response *message = hear(self->stream, IS(EVICTION_ACK));
    assert_string_equal(message->eviction_ack->durable_task_external_id, self->task);
    assert_int_equal(message->eviction_ack->invocation_count, self->count);
    cleat__message_free(message);
}

static void hear_server_evict(const invocation *self, rpc_stream *stream)
{
    response *message = hear(stream, IS(SERVER_EVICT));
    assert_string_equal(message->server_evict->durable_task_external_id, self->task);
    assert_int_equal(message->server_evict->invocation_count, self->count);
    assert_true(message->server_evict->reason[0] != '\0');
    cleat__message_free(message);
}

static void hear_error(const invocation *self, Cleat__V1__DurableTaskErrorType type, const char *part)
{
    response *message = hear(self->stream, IS(ERROR));
    assert_string_equal(message->error->ref->durable_task_external_id, self->task);
    assert_int_equal(message->error->ref->invocation_count, self->count);
    assert_int_equal(message->error->error_type, type);
    if (strstr(message->error->error_message, part) == NULL) {
        fail_msg("\"%s\" instead of \"%s\"", message->error->error_message, part);
    }
    cleat__message_free(message);
}

#define UNSPECIFIED    CLEAT__V1__DURABLE_TASK_ERROR_TYPE__DURABLE_TASK_ERROR_TYPE_UNSPECIFIED
#define NONDETERMINISM CLEAT__V1__DURABLE_TASK_ERROR_TYPE__DURABLE_TASK_ERROR_TYPE_NONDETERMINISM

static void assert_run(const invocation *self, Cleat__V1__RunStatus status)
{
    id_text run;
    snprintf(run.text, sizeof(run.text), "%s", self->task);
    assert_status(self->it, run, status);
}

/* ---- Registering ---- */

static void a_worker_is_answered_behind_what_it_asked_before(void **state)
{
    invocation self = begin(*state);
    say_memo(&self, "key", NULL);
    say_register(self.stream, self.worker.text);
    hear_memo(&self, 1, false, NULL);
    response *message = hear(self.stream, IS(REGISTER_WORKER));
    assert_string_equal(message->register_worker->worker_id, self.worker.text);
    cleat__message_free(message);
    finish(&self);
}

static void assert_stream_ends(service_world *it, const request *message, int code, const char *part)
{
    rpc_stream *stream = open_stream(it);
    say(stream, message);
    rpc_result result = rpc_end(stream);
    if (result.code != code || strstr(result.text, part) == NULL) {
        fail_msg("ended with %d \"%s\" instead of %d \"%s\"", result.code, result.text, code, part);
    }
    rpc_result_deinit(&result);
}

static void what_names_no_task_ends_the_stream(void **state)
{
    request nothing = CLEAT__V1__DURABLE_TASK_REQUEST__INIT, wrong = nothing;
    Cleat__V1__DurableTaskRequestRegisterWorker part = CLEAT__V1__DURABLE_TASK_REQUEST_REGISTER_WORKER__INIT;
    part.worker_id = text_("x");
    wrong.message_case = ASK(REGISTER_WORKER);
    wrong.register_worker = &part;
    assert_stream_ends(*state, &nothing, GRPC_STATUS_UNIMPLEMENTED, "of that kind");
    assert_stream_ends(*state, &wrong, GRPC_STATUS_INVALID_ARGUMENT, "worker_id \"x\" is no UUID");
}

/* ---- Memos ---- */

static void a_memo_is_asked_for_and_completed(void **state)
{
    invocation self = begin(*state);
    say_memo(&self, "dice", NULL);
    hear_memo(&self, 1, false, NULL);
    say_complete_memo(&self, 1, "dice", "{\"n\":4}");
    hear_completed(&self, 1, ""); /* that it has its value, which its worker knows */
    say_memo(&self, "now", "\"12:00\"");
    hear_memo(&self, 2, false, NULL);
    say_memo(&self, "later", NULL);
    hear_memo(&self, 3, false, NULL);
    say_complete_memo(&self, 3, "later", ""); /* nothing is no value */
    hear_completed(&self, 3, "");
    say_evict(&self, 0, "");
    hear_evicted(&self);
    Cleat__RestoreEvictedTaskRequest restore = CLEAT__RESTORE_EVICTED_TASK_REQUEST__INIT;
    restore.task_run_external_id = self.task;
    cleat__message_free(ask(self.it, "/Dispatcher/RestoreEvictedTask", &restore.base,
                            &cleat__restore_evicted_task_response__descriptor));
    take_action(&self);
    assert_int_equal(self.count, 2);
    assert_int_equal(self.action->retry_count, 0);
    assert_int_equal(self.action->cleat_log_size, 3);
    say_memo(&self, "dice", NULL);
    hear_memo(&self, 1, true, "{\"n\":4}");
    hear_completed(&self, 1, "{\"n\":4}");
    say_memo(&self, "now", NULL);
    hear_memo(&self, 2, true, "\"12:00\"");
    hear_completed(&self, 2, "\"12:00\"");
    say_memo(&self, "later", NULL);
    hear_memo(&self, 3, true, NULL);
    finish(&self);
}

static void keys_of_memos_are_any_bytes(void **state)
{
    invocation self = begin(*state);
    say_memo(&self, "\xff\x01\xc3", "1");
    hear_memo(&self, 1, false, NULL);
    finish(&self);
}

/* ---- Waits ---- */

static void a_sleep_ends_by_itself(void **state)
{
    invocation self = begin(*state);
    say_wait(&self, (waiting_for){.sleep = "20ms"});
    hear_wait(&self, 1);
    hear_completed(&self, 1, "{\"CREATE\":{\"nap\":[{\"sleep_duration\":\"20ms\"}]}}");
    send_event(self.it, self.action, COMPLETED, "{\"ok\":1}", false);
    assert_run(&self, CLEAT__V1__RUN_STATUS__COMPLETED);
    finish(&self);
}

static void the_first_of_alternatives_ends_a_wait(void **state)
{
    invocation self = begin(*state);
    say_wait(&self, (waiting_for){.sleep = "1h", .event = "go", .expression = "input.n > 1"});
    hear_wait(&self, 1);
    push(self.it, "go", "{\"n\":1}");
    push(self.it, "stop", "{\"n\":2}");
    push(self.it, "go", "{\"n\":2}");
    hear_completed(&self, 1, "{\"CREATE\":{\"word\":[{\"n\":2}]}}");
    finish(&self);
}

static void what_has_ended_is_told_again_to_who_waits_for_it(void **state)
{
    invocation self = begin(*state);
    say_wait(&self, (waiting_for){.event = "go"});
    hear_wait(&self, 1);
    stop_listening(self.stream);
    push(self.it, "go", "{}");
    self.stream = open_stream(self.it);
    say_register(self.stream, self.worker.text);
    say_status(&self, self.stream, self.task, 1);
    cleat__message_free(hear(self.stream, IS(REGISTER_WORKER)));
    hear_completed(&self, 1, "{\"CREATE\":{\"word\":[{}]}}");
    say_status(&self, self.stream, "no id", 1); /* is passed over */
    say_status(&self, self.stream, self.task, 1);
    hear_completed(&self, 1, "{\"CREATE\":{\"word\":[{}]}}");
    finish(&self);
}

/* Another stream has the run's answers from when it asks for it. */
static void two_workers_hear_of_their_own_runs(void **state)
{
    invocation self = begin(*state);
    rpc_stream *other = open_stream(self.it);
    say_register(other, self.worker.text);
    cleat__message_free(hear(other, IS(REGISTER_WORKER)));
    say_wait(&self, (waiting_for){.event = "go"});
    hear_wait(&self, 1);
    push(self.it, "go", "{}");
    hear_completed(&self, 1, "{\"CREATE\":{\"word\":[{}]}}");
    say_status(&self, other, self.task, 1);
    hear_completed_on(&self, other, 1, "{\"CREATE\":{\"word\":[{}]}}");
    stop_listening(other);
    finish(&self);
}

/* ---- Children ---- */

static void children_end_well_and_badly(void **state)
{
    service_world *it = *state;
    declare(it, (task_declaration){.name = "child"});
    rpc_stream *children = stay_as(it, register_worker(it, "child", 5));
    invocation self = begin(it);
    say_trigger(&self, "child", "{\"n\":1}", 0);
    id_text first = hear_triggered(&self, 1);
    Cleat__AssignedAction *action = next_action(children);
    assert_string_equal(action->task_run_external_id, first.text);
    assert_string_equal(action->parent_workflow_run_id, self.task);
    assert_non_null(strstr(action->action_payload, "{\"input\":{\"n\":1},"));
    send_event(it, action, COMPLETED, "{\"square\":1}", false);
    hear_completed(&self, 1, "{\"square\":1}");
    cleat__message_free(action);
    say_trigger(&self, "child", "{\"n\":2}", 1);
    (void)hear_triggered(&self, 2);
    action = next_action(children);
    send_event(it, action, FAILED_, "no such stone", false);
    hear_failed(&self, 2, "no such stone");
    cleat__message_free(action);
    say_trigger(&self, "child", "{\"n\":3}", 2);
    id_text third = hear_triggered(&self, 3);
    char *ids[] = {third.text};
    Cleat__V1__CancelTasksRequest cancel = CLEAT__V1__CANCEL_TASKS_REQUEST__INIT;
    cancel.external_ids = ids;
    cancel.n_external_ids = 1;
    cleat__message_free(
        ask(it, "/v1.AdminService/CancelTasks", &cancel.base, &cleat__v1__cancel_tasks_response__descriptor));
    hear_failed(&self, 3, "task was cancelled");
    stop_listening(children);
    finish(&self);
}

/* ---- Eviction ---- */

static void an_evicted_run_comes_back_with_its_carrier(void **state)
{
    static const char carrier[] =
        "{\"traceparent\":\"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\"}";
    invocation self = begin(*state);
    say_wait(&self, (waiting_for){.event = "go"});
    hear_wait(&self, 1);
    say_evict(&self, 1, carrier);
    hear_evicted(&self);
    assert_run(&self, CLEAT__V1__RUN_STATUS__EVICTED);
    id_text run;
    snprintf(run.text, sizeof(run.text), "%s", self.task);
    Cleat__V1__GetRunDetailsResponse *details = details_of(self.it, run);
    assert_true(details->is_evicted && !details->done);
    assert_true(details->task_runs[0]->value->is_evicted);
    cleat__message_free(details);
    invocation former = self;
    push(self.it, "go", "{\"n\":1}");
    self.action = NULL;
    take_action(&self);
    assert_int_equal(self.count, 2);
    assert_non_null(strstr(self.action->additional_metadata, "0af7651916cd43dd8448eb211c80319c"));
    /* The former invocation is told that it is over, but may always be evicted. */
    say_memo(&former, "late", NULL);
    hear_server_evict(&former, self.stream);
    say_status(&former, self.stream, former.task, 1);
    hear_server_evict(&former, self.stream);
    say_evict(&former, 0, "");
    hear_evicted(&former);
    assert_run(&self, CLEAT__V1__RUN_STATUS__RUNNING);
    say_wait(&self, (waiting_for){.event = "go"});
    hear_wait(&self, 1);
    hear_completed(&self, 1, "{\"CREATE\":{\"word\":[{\"n\":1}]}}");
    cleat__message_free(former.action);
    finish(&self);
}

static void a_cancelled_run_tells_which_invocation(void **state)
{
    invocation self = begin(*state);
    char *ids[] = {self.task};
    Cleat__V1__CancelTasksRequest cancel = CLEAT__V1__CANCEL_TASKS_REQUEST__INIT;
    cancel.external_ids = ids;
    cancel.n_external_ids = 1;
    cleat__message_free(ask(self.it, "/v1.AdminService/CancelTasks", &cancel.base,
                            &cleat__v1__cancel_tasks_response__descriptor));
    Cleat__AssignedAction *told = next_action(self.actions);
    assert_int_equal(told->action_type, CLEAT__ACTION_TYPE__CANCEL_STEP_RUN);
    assert_true(told->has_durable_task_invocation_count_case != 0);
    assert_int_equal(told->durable_task_invocation_count, 1);
    say_memo(&self, "key", NULL);
    hear_server_evict(&self, self.stream);
    cleat__message_free(told);
    finish(&self);
}

static void a_report_of_a_former_invocation_changes_nothing(void **state)
{
    invocation self = begin(*state);
    Cleat__StepActionEvent event = CLEAT__STEP_ACTION_EVENT__INIT;
    event.task_run_external_id = self.task;
    event.event_type = COMPLETED;
    event.event_payload = text_("{}");
    event.cleat_invocation_count = 7;
    cleat__message_free(ask(self.it, "/Dispatcher/SendStepActionEvent", &event.base,
                            &cleat__action_event_response__descriptor));
    assert_run(&self, CLEAT__V1__RUN_STATUS__RUNNING);
    event.cleat_invocation_count = 1;
    cleat__message_free(ask(self.it, "/Dispatcher/SendStepActionEvent", &event.base,
                            &cleat__action_event_response__descriptor));
    assert_run(&self, CLEAT__V1__RUN_STATUS__COMPLETED);
    finish(&self);
}

/* ---- Refusals ---- */

static void another_order_of_calls_is_refused(void **state)
{
    invocation self = begin(*state);
    say_memo(&self, "one", "1");
    hear_memo(&self, 1, false, NULL);
    send_event(self.it, self.action, FAILED_, "again", false);
    take_action(&self);
    assert_int_equal(self.count, 2);
    assert_int_equal(self.action->retry_count, 1);
    say_wait(&self, (waiting_for){.sleep = "1h"});
    hear_error(&self, NONDETERMINISM, "");
    finish(&self);
}

static void what_is_wrong_is_answered_and_the_stream_goes_on(void **state)
{
    invocation self = begin(*state), unknown = self;
    say_wait(&self, (waiting_for){0});
    hear_error(&self, UNSPECIFIED, "0 conditions");
    say_wait(&self, (waiting_for){.sleep = "1 day"});
    hear_error(&self, UNSPECIFIED, "sleep_for");
    say_wait(&self, (waiting_for){.event = ""});
    hear_error(&self, UNSPECIFIED, "user_event_key");
    say_wait(&self, (waiting_for){.event = "go", .expression = "input.("});
    hear_error(&self, UNSPECIFIED, "");
    say_wait(&self, (waiting_for){.event = "cleat:hook:"});
    hear_error(&self, UNSPECIFIED, "token");
    say_wait(&self, (waiting_for){.sleep = "1s", .group = "x"});
    hear_error(&self, UNSPECIFIED, "or_group_id");
    say_wait(&self, (waiting_for){.sleep = "1s", .action = CLEAT__V1__ACTION__SKIP});
    hear_error(&self, UNSPECIFIED, "must be CREATE");
    say_trigger(&self, "nobody", "{}", 0);
    hear_error(&self, UNSPECIFIED, "nobody");
    say_trigger(&self, "long", "{", 0);
    hear_error(&self, UNSPECIFIED, "input");
    say_memo(&self, "key", "{");
    hear_error(&self, UNSPECIFIED, "payload");
    say_evict(&self, 0, "[1]");
    hear_error(&self, UNSPECIFIED, "metadata");
    say_complete_memo(&self, 99, "key", "1");
    hear_error(&self, UNSPECIFIED, "");
    snprintf(unknown.task, sizeof(unknown.task), "%s", "no id");
    say_memo(&unknown, "key", NULL);
    hear_error(&unknown, UNSPECIFIED, "is no UUID");
    snprintf(unknown.task, sizeof(unknown.task), "%s", NO_ID);
    say_memo(&unknown, "key", NULL);
    hear_server_evict(&unknown, self.stream);
    say_memo(&self, "key", "1"); /* none of them took a node */
    hear_memo(&self, 1, false, NULL);
    finish(&self);
}

static void runs_of_another_tenant_are_not_there(void **state)
{
    invocation self = begin(*state), foreign = self;
    foreign.stream = rpc_open(self.it->client, "/v1.V1Dispatcher/DurableTask",
                              (rpc_call_options){.authorization = self.it->other_token});
    say_memo(&foreign, "key", NULL); /* whatever it is, it has not got it */
    hear_server_evict(&foreign, foreign.stream);
    say_evict(&foreign, 0, "");
    hear_evicted(&foreign);
    say_status(&foreign, foreign.stream, foreign.task, 1);
    hear_server_evict(&foreign, foreign.stream);
    Cleat__V1__BranchDurableTaskRequest branch = CLEAT__V1__BRANCH_DURABLE_TASK_REQUEST__INIT;
    branch.task_external_id = self.task;
    branch.node_id = 1;
    refused_as(self.it, self.it->other_token, "/v1.AdminService/BranchDurableTask", &branch.base,
               GRPC_STATUS_NOT_FOUND, "");
    assert_run(&self, CLEAT__V1__RUN_STATUS__RUNNING);
    stop_listening(foreign.stream);
    finish(&self);
}

/* ---- Branches ---- */

static void a_run_goes_on_from_a_node(void **state)
{
    invocation self = begin(*state);
    say_memo(&self, "one", "1");
    hear_memo(&self, 1, false, NULL);
    say_memo(&self, "two", "2");
    hear_memo(&self, 2, false, NULL);
    send_event(self.it, self.action, COMPLETED, "{}", false);
    Cleat__V1__BranchDurableTaskRequest branch = CLEAT__V1__BRANCH_DURABLE_TASK_REQUEST__INIT;
    branch.task_external_id = self.task;
    branch.node_id = 2;
    Cleat__V1__BranchDurableTaskResponse *reply =
        ask(self.it, "/v1.AdminService/BranchDurableTask", &branch.base,
            &cleat__v1__branch_durable_task_response__descriptor);
    assert_string_equal(reply->task_external_id, self.task);
    assert_int_equal(reply->node_id, 2);
    assert_int_equal(reply->branch_id, 2);
    cleat__message_free(reply);
    take_action(&self);
    say_memo(&self, "one", NULL);
    hear_memo(&self, 1, true, "1");
    hear_completed(&self, 1, "1");
    say_memo(&self, "other", NULL);
    response *message = hear(self.stream, IS(MEMO_ACK));
    assert_int_equal(message->memo_ack->ref->branch_id, 2);
    assert_int_equal(message->memo_ack->ref->node_id, 2);
    assert_false(message->memo_ack->memo_already_existed);
    cleat__message_free(message);
    finish(&self);
}

/* ---- Ends of streams ---- */

static void half_closing_ends_it_behind_the_answers(void **state)
{
    invocation self = begin(*state);
    say_memo(&self, "one", "1");
    say_wait(&self, (waiting_for){.sleep = "1h"});
    rpc_half_close(self.stream);
    hear_memo(&self, 1, false, NULL);
    hear_wait(&self, 2);
    rpc_result result = rpc_end(self.stream);
    assert_int_equal(result.code, GRPC_STATUS_OK);
    rpc_result_deinit(&result);
    cleat__message_free(self.action);
    stop_listening(self.actions);
}

/* Who asks for much and reads nothing loses the stream, not the server its memory. */
static void a_stream_that_is_not_read_ends(void **state)
{
    skip_under_tsan();
    invocation self = begin(*state);
    size_t size = (size_t)3 * 1024 * 1024;
    char *large = malloc(size + 16);
    int head = sprintf(large, "{\"text\":\"");
    memset(large + head, 'x', size);
    snprintf(large + size, 16, "\"}");
    say_wait(&self, (waiting_for){.event = "go"});
    hear_wait(&self, 1);
    push(self.it, "go", large);
    free(large);
    for (int i = 0; i < 26; i++) { /* each is told it again: 78 MiB */
        request message = CLEAT__V1__DURABLE_TASK_REQUEST__INIT;
        Cleat__V1__DurableTaskAwaitedCompletedEntry entry =
            CLEAT__V1__DURABLE_TASK_AWAITED_COMPLETED_ENTRY__INIT;
        Cleat__V1__DurableTaskAwaitedCompletedEntry *entries[] = {&entry};
        Cleat__V1__DurableTaskWorkerStatusRequest part = CLEAT__V1__DURABLE_TASK_WORKER_STATUS_REQUEST__INIT;
        entry.durable_task_external_id = self.task;
        entry.invocation_count = self.count;
        entry.branch_id = entry.node_id = 1;
        part.waiting_entries = entries;
        part.n_waiting_entries = 1;
        message.message_case = ASK(WORKER_STATUS);
        message.worker_status = &part;
        cleat__buffer bytes = packed(&message.base);
        bool goes_on = rpc_write(self.stream, cleat__buffer_slice(&bytes));
        cleat__buffer_deinit(&bytes);
        if (!goes_on) {
            break;
        }
    }
    assert_run(&self, CLEAT__V1__RUN_STATUS__RUNNING); /* a call behind the last of them */
    cleat__buffer bytes = {0};
    while (rpc_read(self.stream, &bytes)) {
        cleat__buffer_clear(&bytes);
    }
    cleat__buffer_deinit(&bytes);
    rpc_result result = rpc_end(self.stream);
    assert_int_equal(result.code, GRPC_STATUS_UNAVAILABLE);
    assert_non_null(strstr(result.text, "does not read"));
    rpc_result_deinit(&result);
    assert_run(&self, CLEAT__V1__RUN_STATUS__RUNNING);
    cleat__message_free(self.action);
    stop_listening(self.actions);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, world_start, world_stop)
    const struct CMUnitTest tests[] = {
        TEST(a_worker_is_answered_behind_what_it_asked_before),
        TEST(what_names_no_task_ends_the_stream),
        TEST(a_memo_is_asked_for_and_completed),
        TEST(keys_of_memos_are_any_bytes),
        TEST(a_sleep_ends_by_itself),
        TEST(the_first_of_alternatives_ends_a_wait),
        TEST(what_has_ended_is_told_again_to_who_waits_for_it),
        TEST(two_workers_hear_of_their_own_runs),
        TEST(children_end_well_and_badly),
        TEST(an_evicted_run_comes_back_with_its_carrier),
        TEST(a_cancelled_run_tells_which_invocation),
        TEST(a_report_of_a_former_invocation_changes_nothing),
        TEST(another_order_of_calls_is_refused),
        TEST(what_is_wrong_is_answered_and_the_stream_goes_on),
        TEST(runs_of_another_tenant_are_not_there),
        TEST(a_run_goes_on_from_a_node),
        TEST(half_closing_ends_it_behind_the_answers),
        TEST(a_stream_that_is_not_read_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
