/* What invocations of durable tasks ask for, as their SDKs send it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "again.h"
#include "base/error.h"
#include "support/failing_allocator.h"
#include "wire/durable_write.h"

#pragma GCC diagnostic ignored "-Wmissing-braces" /* in protobuf-c's initialisers of oneofs */

typedef Cleat__V1__DurableTaskRequest request;

#define ASK(kind) CLEAT__V1__DURABLE_TASK_REQUEST__MESSAGE_##kind
#define GROUP     "0190a000-0000-7000-8000-00000000000a"

static char *text(const char *value)
{
    return (char *)(uintptr_t)value;
}

static ProtobufCBinaryData bytes(const char *value)
{
    return (ProtobufCBinaryData){strlen(value), (uint8_t *)text(value)};
}

/* Of each kind, with all its parts; the test changes some. */
typedef struct asking {
    request message;
    Cleat__V1__DurableTaskMemoRequest memo;
    Cleat__V1__DurableEventLogEntryRef ref;
    Cleat__V1__DurableTaskCompleteMemoRequest complete;
    Cleat__V1__TriggerWorkflowRequest child, *children[2];
    Cleat__V1__DurableTaskTriggerRunsRequest trigger;
    Cleat__V1__BaseMatchCondition base[2];
    Cleat__V1__SleepMatchCondition sleep, *sleeps[1];
    Cleat__V1__UserEventMatchCondition event, *events[1];
    Cleat__Google__Protobuf__Timestamp since;
    Cleat__V1__DurableEventListenerConditions conditions;
    Cleat__V1__DurableTaskWaitForRequest wait;
    Cleat__V1__DurableTaskAwaitedCompletedEntry entry, *entries[1];
    Cleat__V1__DurableTaskEvictInvocationRequest evict;
} asking;

static void fill_memos(asking *it)
{
    cleat__v1__durable_task_memo_request__init(&it->memo);
    it->memo.durable_task_external_id = text(RUN_ID);
    it->memo.invocation_count = 3;
    it->memo.key = bytes("key");
    cleat__v1__durable_event_log_entry_ref__init(&it->ref);
    it->ref.durable_task_external_id = text(RUN_ID);
    it->ref.invocation_count = 3;
    it->ref.branch_id = 2;
    it->ref.node_id = 5;
    cleat__v1__durable_task_complete_memo_request__init(&it->complete);
    it->complete.ref = &it->ref;
    it->complete.memo_key = bytes("key");
    it->complete.payload = bytes("[1]");
}

static void fill_children(asking *it)
{
    cleat__v1__trigger_workflow_request__init(&it->child);
    it->child.name = text("child");
    it->child.input = text("{}");
    it->children[0] = it->children[1] = &it->child;
    cleat__v1__durable_task_trigger_runs_request__init(&it->trigger);
    it->trigger.durable_task_external_id = text(RUN_ID);
    it->trigger.invocation_count = 3;
    it->trigger.trigger_opts = it->children;
    it->trigger.n_trigger_opts = 2;
}

static void fill_wait(asking *it)
{
    for (int i = 0; i < 2; i++) {
        cleat__v1__base_match_condition__init(&it->base[i]);
        it->base[i].or_group_id = text(GROUP);
    }
    it->base[1].expression = text("input.n > 1");
    cleat__v1__sleep_match_condition__init(&it->sleep);
    it->sleep.base_ = &it->base[0];
    it->sleep.sleep_for = text("1m30s");
    cleat__v1__user_event_match_condition__init(&it->event);
    it->event.base_ = &it->base[1];
    it->event.user_event_key = text("go");
    it->sleeps[0] = &it->sleep;
    it->events[0] = &it->event;
    cleat__v1__durable_event_listener_conditions__init(&it->conditions);
    it->conditions.sleep_conditions = it->sleeps;
    it->conditions.user_event_conditions = it->events;
    it->conditions.n_sleep_conditions = it->conditions.n_user_event_conditions = 1;
    cleat__v1__durable_task_wait_for_request__init(&it->wait);
    it->wait.durable_task_external_id = text(RUN_ID);
    it->wait.invocation_count = 3;
    it->wait.wait_for_conditions = &it->conditions;
}

static void fill_evict(asking *it)
{
    cleat__v1__durable_task_awaited_completed_entry__init(&it->entry);
    it->entry.branch_id = 1;
    it->entry.node_id = 4;
    it->entries[0] = &it->entry;
    cleat__v1__durable_task_evict_invocation_request__init(&it->evict);
    it->evict.durable_task_external_id = text(RUN_ID);
    it->evict.invocation_count = 3;
    it->evict.cleat_waiting = it->entries;
    it->evict.n_cleat_waiting = 1;
    it->evict.cleat_waits_for_all = 1;
    it->evict.cleat_carrier = bytes("{\"traceparent\":\"x\"}");
}

static asking *of_kind(asking *it, int kind)
{
    cleat__v1__durable_task_request__init(&it->message);
    it->message.message_case = (Cleat__V1__DurableTaskRequest__MessageCase)kind;
    fill_memos(it);
    fill_children(it);
    fill_wait(it);
    fill_evict(it);
    switch (kind) {
    case ASK(MEMO): it->message.memo = &it->memo; break;
    case ASK(COMPLETE_MEMO): it->message.complete_memo = &it->complete; break;
    case ASK(TRIGGER_RUNS): it->message.trigger_runs = &it->trigger; break;
    case ASK(WAIT_FOR): it->message.wait_for = &it->wait; break;
    case ASK(EVICT_INVOCATION): it->message.evict_invocation = &it->evict; break;
    default: break;
    }
    return it;
}

static const cleat__durable_request *accepted(const asking *it, cleat__durable_asked *out)
{
    if (cleat__durable_asked_read(&it->message, out) != CLEAT_OK) {
        fail_msg("%s", cleat_error_message());
    }
    cleat__uuid id = uuid_of(RUN_ID);
    assert_string_equal(out->task_id, RUN_ID);
    assert_true(cleat__uuid_equals(&out->run_id, &id));
    assert_int_equal(out->invocation_count, 3);
    return &out->request;
}

static void refused(const asking *it, const char *part)
{
    cleat__durable_asked read;
    assert_int_equal(cleat__durable_asked_read(&it->message, &read), CLEAT_INVALID_ARGUMENT);
    if (strstr(cleat_error_message(), part) == NULL) {
        fail_msg("\"%s\" instead of \"%s\"", cleat_error_message(), part);
    }
    cleat__durable_asked_end(&read);
}

static void test_memos(void **state)
{
    asking it;
    cleat__durable_asked read;
    (void)state;
    const cleat__durable_request *memo = accepted(of_kind(&it, ASK(MEMO)), &read);
    assert_int_equal(memo->kind, CLEAT__DURABLE_MEMO);
    assert_slice(memo->as.memo.key, "key");
    assert_null(memo->as.memo.payload.data);
    cleat__durable_asked_end(&read);
    it.memo.has_payload_case = CLEAT__V1__DURABLE_TASK_MEMO_REQUEST__HAS_PAYLOAD_PAYLOAD;
    it.memo.payload = bytes("12");
    assert_slice(accepted(&it, &read)->as.memo.payload, "12");
    cleat__durable_asked_end(&read);
    it.memo.payload = bytes("");
    assert_null(accepted(&it, &read)->as.memo.payload.data);
    cleat__durable_asked_end(&read);
    it.memo.payload = bytes("{");
    refused(&it, "the memo's payload");
    char key[CLEAT__MEMO_KEY_MAX + 2];
    memset(key, 'k', sizeof(key));
    key[sizeof(key) - 1] = '\0';
    of_kind(&it, ASK(MEMO))->memo.key = bytes(key);
    refused(&it, "key has 1025 bytes");
    memo = accepted(of_kind(&it, ASK(COMPLETE_MEMO)), &read);
    assert_int_equal(memo->kind, CLEAT__DURABLE_COMPLETE_MEMO);
    assert_int_equal(memo->as.complete_memo.node.branch, 2);
    assert_int_equal(memo->as.complete_memo.node.number, 5);
    assert_slice(memo->as.complete_memo.payload, "[1]");
    cleat__durable_asked_end(&read);
    it.complete.ref = NULL;
    refused(&it, "has no ref");
}

static void test_children(void **state)
{
    asking it;
    cleat__durable_asked read;
    (void)state;
    const cleat__durable_request *trigger = accepted(of_kind(&it, ASK(TRIGGER_RUNS)), &read);
    assert_int_equal(trigger->kind, CLEAT__DURABLE_TRIGGER);
    assert_int_equal(trigger->as.trigger.count, 2);
    assert_slice(trigger->as.trigger.items[1].workflow, "child");
    assert_true(trigger->as.trigger.items[1].inherits && !trigger->as.trigger.items[1].is_child);
    cleat__durable_asked_end(&read);
    it.child.has_parent_id_case = CLEAT__V1__TRIGGER_WORKFLOW_REQUEST__HAS_PARENT_ID_PARENT_ID;
    it.child.parent_id = text(RUN_ID);
    it.child.has_child_index_case = CLEAT__V1__TRIGGER_WORKFLOW_REQUEST__HAS_CHILD_INDEX_CHILD_INDEX;
    it.child.child_index = 6;
    trigger = accepted(&it, &read);
    assert_true(trigger->as.trigger.items[0].is_child && trigger->as.trigger.items[0].child_index == 6);
    cleat__durable_asked_end(&read);
    it.child.parent_id = text(PARENT_ID);
    refused(&it, "another parent");
    of_kind(&it, ASK(TRIGGER_RUNS))->trigger.n_trigger_opts = 0;
    refused(&it, "no trigger_opts");
    Cleat__V1__TriggerWorkflowRequest *many[CLEAT__RUNS_MAX + 1];
    for (size_t i = 0; i <= CLEAT__RUNS_MAX; i++) {
        many[i] = &it.child;
    }
    of_kind(&it, ASK(TRIGGER_RUNS))->trigger.trigger_opts = many;
    it.trigger.n_trigger_opts = CLEAT__RUNS_MAX + 1;
    refused(&it, "10000 runs");
    of_kind(&it, ASK(TRIGGER_RUNS))->child.input = text("{");
    refused(&it, "input");
}

static void test_waits(void **state)
{
    asking it;
    cleat__durable_asked read;
    (void)state;
    const cleat__durable_request *wait = accepted(of_kind(&it, ASK(WAIT_FOR)), &read);
    assert_int_equal(wait->as.wait_for.count, 2);
    const cleat__condition *sleep = &wait->as.wait_for.conditions[0], *event = sleep + 1;
    assert_int_equal(sleep->kind, CLEAT__CONDITION_SLEEP);
    assert_int_equal(sleep->sleep_ms, 90000);
    assert_slice(sleep->sleep_text, "1m30s");
    assert_slice(sleep->data_key, "1m30s"); /* it has no name of its own */
    assert_slice(sleep->group, GROUP);
    assert_int_equal(event->kind, CLEAT__CONDITION_EVENT);
    assert_slice(event->key, "go");
    assert_slice(event->data_key, "go");
    assert_slice(event->expression, "input.n > 1");
    assert_null(event->scope.data);
    cleat__durable_asked_end(&read);
    cleat__google__protobuf__timestamp__init(&it.since);
    it.since.seconds = 1700000000;
    it.event.consider_events_since = &it.since;
    assert_int_equal(accepted(&it, &read)->as.wait_for.conditions[1].since_ms, 0); /* without a scope */
    cleat__durable_asked_end(&read);
    it.event.has_event_scope_case = CLEAT__V1__USER_EVENT_MATCH_CONDITION__HAS_EVENT_SCOPE_EVENT_SCOPE;
    it.event.event_scope = text("mine");
    event = &accepted(&it, &read)->as.wait_for.conditions[1];
    assert_int_equal(event->since_ms, INT64_C(1700000000000));
    assert_slice(event->scope, "mine");
    cleat__durable_asked_end(&read);
}

static void test_hooks(void **state)
{
    asking it;
    cleat__durable_asked read;
    char key[300];
    (void)state;
    of_kind(&it, ASK(WAIT_FOR))->event.user_event_key = text("cleat:hook:approve:7");
    it.base[1].readable_data_key = text("approve");
    const cleat__condition *hook = &accepted(&it, &read)->as.wait_for.conditions[1];
    assert_int_equal(hook->kind, CLEAT__CONDITION_HOOK);
    assert_slice(hook->key, "approve:7");
    assert_slice(hook->data_key, "approve");
    cleat__durable_asked_end(&read);
    it.event.user_event_key = text("cleat:hook:");
    refused(&it, "token has 0 bytes");
    memset(key, 't', sizeof(key));
    key[sizeof(key) - 1] = '\0';
    memcpy(key, "cleat:hook:", 11);
    it.event.user_event_key = key;
    refused(&it, "token has 288 bytes");
}

static void test_waits_that_are_wrong(void **state)
{
    asking it;
    (void)state;
    of_kind(&it, ASK(WAIT_FOR))->wait.wait_for_conditions = NULL;
    refused(&it, "0 conditions");
    of_kind(&it, ASK(WAIT_FOR))->sleep.sleep_for = text("soon");
    refused(&it, "sleep_for");
    of_kind(&it, ASK(WAIT_FOR))->event.user_event_key = text("");
    refused(&it, "user_event_key is missing");
    of_kind(&it, ASK(WAIT_FOR))->base[0].or_group_id = text("x");
    refused(&it, "or_group_id \"x\" is no UUID");
    of_kind(&it, ASK(WAIT_FOR))->base[0].action = CLEAT__V1__ACTION__QUEUE;
    refused(&it, "must be CREATE");
    Cleat__V1__SleepMatchCondition *many[CLEAT__CONDITIONS_MAX];
    of_kind(&it, ASK(WAIT_FOR))->conditions.sleep_conditions = many;
    for (size_t i = 0; i < CLEAT__CONDITIONS_MAX; i++) {
        many[i] = &it.sleep;
    }
    it.conditions.n_sleep_conditions = CLEAT__CONDITIONS_MAX;
    refused(&it, "101 conditions");
}

static void test_evictions(void **state)
{
    asking it;
    cleat__durable_asked read;
    (void)state;
    const cleat__durable_request *evict = accepted(of_kind(&it, ASK(EVICT_INVOCATION)), &read);
    assert_int_equal(evict->as.evict.count, 1);
    assert_int_equal(evict->as.evict.nodes[0].number, 4);
    assert_true(evict->as.evict.is_all);
    assert_slice(evict->as.evict.carrier, "{\"traceparent\":\"x\"}");
    cleat__durable_asked_end(&read);
    it.entry.durable_task_external_id = text(PARENT_ID);
    refused(&it, "another task");
    it.entry.durable_task_external_id = text(RUN_ID);
    cleat__durable_asked_end((accepted(&it, &read), &read));
    it.evict.cleat_carrier = bytes("[]");
    refused(&it, "metadata");
    it.evict.n_cleat_waiting = it.evict.cleat_carrier.len = 0; /* as TypeScript sends it */
    evict = accepted(&it, &read);
    assert_true(evict->as.evict.count == 0 && evict->as.evict.carrier.data == NULL);
    cleat__durable_asked_end(&read);
}

static void test_whose_it_is(void **state)
{
    asking it;
    cleat__durable_asked read;
    (void)state;
    of_kind(&it, ASK(MEMO))->memo.durable_task_external_id = text("x");
    refused(&it, "durable_task_external_id \"x\" is no UUID");
    of_kind(&it, CLEAT__V1__DURABLE_TASK_REQUEST__MESSAGE__NOT_SET);
    assert_int_equal(cleat__durable_asked_read(&it.message, &read), CLEAT_EMPTY);
    cleat__durable_asked_end(&read);
    of_kind(&it, ASK(REGISTER_WORKER));
    assert_int_equal(cleat__durable_asked_read(&it.message, &read), CLEAT_EMPTY);
    cleat__durable_asked_end(&read);
}

/* What a failure is called where the engine has no words for it. */
static void test_ends_of_nodes(void **state)
{
    const cleat__uuid id = uuid_of(RUN_ID);
    cleat__node_end end = {.node = {1, 2}, .order = 7, .is_failure = true, .is_cancelled = true};
    (void)state;
    Cleat__V1__DurableTaskResponse *message = again(cleat__durable_completed_write(&id, 3, &end));
    assert_string_equal(message->entry_completed->error_message, "task was cancelled");
    assert_string_equal(message->entry_completed->ref->durable_task_external_id, RUN_ID);
    assert_int_equal(message->entry_completed->ref->invocation_count, 3);
    assert_int_equal(message->entry_completed->cleat_order, 7);
    cleat__message_free(message);
    end.error = text("bad \xff");
    message = again(cleat__durable_completed_write(&id, 3, &end));
    assert_string_equal(message->entry_completed->error_message, "bad \xef\xbf\xbd");
    cleat__message_free(message);
    end = (cleat__node_end){.node = {1, 2}, .order = 8, .payload = text("{}")};
    message = again(cleat__durable_completed_write(&id, 3, &end));
    assert_false(message->entry_completed->is_failure);
    assert_int_equal(message->entry_completed->payload.len, 2);
    assert_int_equal(message->entry_completed->cleat_order, 8);
    cleat__message_free(message);
}

/* ---- Without memory ---- */

/* Reads it and writes its answers; false: there was no memory. */
static bool convert(const request *message)
{
    cleat__durable_asked read;
    bool is_whole = cleat__durable_asked_read(message, &read) == CLEAT_OK;
    if (is_whole) {
        void *answer = cleat__durable_answer_write(&read);
        void *error = cleat__durable_error_write(&read, CLEAT_FAILED, "no");
        is_whole = answer != NULL && error != NULL;
        cleat__message_free(answer);
        cleat__message_free(error);
    }
    cleat__durable_asked_end(&read);
    return is_whole;
}

static void test_nothing_is_left_behind(void **state)
{
    static const int kinds[] = {ASK(MEMO), ASK(COMPLETE_MEMO), ASK(TRIGGER_RUNS), ASK(WAIT_FOR),
                                ASK(EVICT_INVOCATION)};
    asking it;
    (void)state;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        bool is_done = false;
        for (int blocks = 0; !is_done; blocks++) {
            failing_allocator memory;
            of_kind(&it, kinds[i]);
            failing_allocator_install(&memory, (size_t)blocks + 1);
            is_done = convert(&it.message);
            cleat_set_allocator(NULL);
            assert_int_equal(memory.live, 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memos),
        cmocka_unit_test(test_children),
        cmocka_unit_test(test_waits),
        cmocka_unit_test(test_hooks),
        cmocka_unit_test(test_waits_that_are_wrong),
        cmocka_unit_test(test_evictions),
        cmocka_unit_test(test_whose_it_is),
        cmocka_unit_test(test_ends_of_nodes),
        cmocka_unit_test(test_nothing_is_left_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
