/* The transport over gRPC: what an invocation of a durable task asks for, and what it is answered. */
#include "model/task.h"
#include "transport/grpc_invocation.h"

#define CHILD "01890000-0000-7000-8000-0000000000cc"

static void free_requests(cleat__durable_request *requests, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        cleat__durable_request_deinit(&requests[i]);
    }
}

/* ---- Requests ---- */

static void test_a_memo(void **state)
{
    fixture *it = *state;
    cleat__durable_request memo = memo_of("charge", "{\"output\":1}");
    begin_invocation(it);
    asker_start(it, 1, &memo, 1);
    Cleat__V1__DurableTaskRequest *first = said(it, 0, REGISTER);
    assert_string_equal(first->register_worker->worker_id, MOCK_WORKER_ID);
    cleat__message_free(first);
    Cleat__V1__DurableTaskRequest *asked = said(it, 1, MEMO);
    assert_string_equal(asked->memo->durable_task_external_id, TASK);
    assert_int_equal(asked->memo->invocation_count, 1);
    assert_int_equal(asked->memo->key.len, 6);
    assert_memory_equal(asked->memo->key.data, "charge", 6);
    assert_true(asked->memo->has_payload_case != 0);
    assert_memory_equal(asked->memo->payload.data, "{\"output\":1}", 12);
    cleat__message_free(asked);
    mock_send_memo(&it->engine, TASK, 1, 1, true, "{\"output\":7}");
    asker_join(CLEAT_OK, "");
    assert_int_equal(asker.done, 1);
    assert_true(memo.as.memo.existed);
    assert_int_equal(memo.as.memo.node.branch, 1);
    assert_int_equal(memo.as.memo.node.number, 1);
    assert_string_equal(memo.as.memo.value, "{\"output\":7}");
    free_requests(&memo, 1);
}

static void test_children(void **state)
{
    fixture *it = *state;
    cleat__uuid ids[1], expected = uuid_of(CHILD);
    cleat__node nodes[1];
    const cleat__trigger item = {.workflow = cleat_slice_of("Pack"), .input = cleat_slice_of("{\"n\":1}")};
    cleat__durable_request runs = {.kind = CLEAT__DURABLE_TRIGGER,
                                   .as.trigger = {.items = &item, .count = 1, .ids = ids, .nodes = nodes}};
    begin_invocation(it);
    asker_start(it, 1, &runs, 1);
    Cleat__V1__DurableTaskRequest *asked = said(it, 1, TRIGGER);
    assert_int_equal(asked->trigger_runs->n_trigger_opts, 1);
    assert_string_equal(asked->trigger_runs->trigger_opts[0]->name, "pack");
    assert_string_equal(asked->trigger_runs->trigger_opts[0]->input, "{\"n\":1}");
    assert_true(asked->trigger_runs->trigger_opts[0]->has_parent_id_case == 0); /* it knows */
    cleat__message_free(asked);
    mock_send_run(&it->engine, TASK, 1, 1, CHILD);
    asker_join(CLEAT_OK, "");
    assert_true(cleat__uuid_equals(&ids[0], &expected));
    assert_int_equal(nodes[0].number, 1);
}

/* Other engines are told whose children they are, and which. */
static void test_children_elsewhere(void **state)
{
    fixture *it = *state;
    cleat__uuid ids[2];
    cleat__node nodes[2];
    const cleat__trigger items[] = {{.workflow = cleat_slice_of("a"), .input = cleat_slice_of("{}")},
                                    {.workflow = cleat_slice_of("b"), .input = cleat_slice_of("{}")}};
    cleat__durable_request runs = {.kind = CLEAT__DURABLE_TRIGGER,
                                   .as.trigger = {.items = items, .count = 2, .ids = ids, .nodes = nodes}};
    open_hatchet(it);
    it->engine.answers_durable = true;
    begin_invocation(it);
    assert_ok(ask(it, 1, &runs, 1, NULL));
    assert_ok(ask(it, 1, &runs, 1, NULL));
    assert_int_equal(nodes[1].number, 4);
    for (int i = 0; i < 2; i++) {
        Cleat__V1__DurableTaskRequest *asked = said(it, 1 + i, TRIGGER);
        for (size_t k = 0; k < 2; k++) {
            const Cleat__V1__TriggerWorkflowRequest *child = asked->trigger_runs->trigger_opts[k];
            assert_string_equal(child->parent_id, TASK);
            assert_string_equal(child->parent_task_run_external_id, TASK);
            assert_int_equal(child->child_index, 2 * i + (int)k);
        }
        cleat__message_free(asked);
    }
}

/* Those that do not fit into one message go in several. */
static void test_very_many_children(void **state)
{
    enum { COUNT = 8 };
    fixture *it = *state;
    size_t done;
    char input[402] = "{\"text\":\"";
    cleat__remote_settings settings = mock_settings(&it->engine);
    settings.max_send_size = 1500;
    reopen(it, settings);
    memset(input + 9, 'a', 390);
    memcpy(input + 399, "\"}", 3);
    cleat__trigger items[COUNT];
    cleat__uuid ids[COUNT], expected = uuid_of(MOCK_RUN_ID);
    cleat__node nodes[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        items[i] = (cleat__trigger){.workflow = cleat_slice_of("a"), .input = cleat_slice_of(input)};
    }
    cleat__durable_request requests[] = {
        memo_of("a", "1"),
        {.kind = CLEAT__DURABLE_TRIGGER,
         .as.trigger = {.items = items, .count = COUNT, .ids = ids, .nodes = nodes}},
        memo_of("b", "1")};
    it->engine.answers_durable = true;
    begin_invocation(it);
    assert_ok(ask(it, 1, requests, 3, &done));
    assert_int_equal(done, 3);
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(nodes[i].number, 2 + i);
        assert_true(cleat__uuid_equals(&ids[i], &expected));
    }
    assert_int_equal(requests[2].as.memo.node.number, COUNT + 2);
    assert_int_equal(mock_count(&it->engine, MOCK_DURABLE), 6); /* registration, memo, 3 + 3 + 2, memo */
}

static void assert_base(const Cleat__V1__BaseMatchCondition *base, const char *key, const char *expression)
{
    cleat__uuid group;
    assert_string_equal(base->readable_data_key, key);
    assert_string_equal(base->expression, expression);
    assert_int_equal(base->action, CLEAT__V1__ACTION__CREATE);
    assert_ok(cleat__uuid_parse(cleat_slice_of(base->or_group_id), &group));
}

static void assert_conditions(const Cleat__V1__DurableTaskWaitForRequest *wait)
{
    const Cleat__V1__DurableEventListenerConditions *all = wait->wait_for_conditions;
    assert_string_equal(wait->label, "an order");
    assert_int_equal(all->n_sleep_conditions, 2);
    assert_int_equal(all->n_user_event_conditions, 2);
    assert_base(all->sleep_conditions[0]->base_, "late", "");
    assert_string_equal(all->sleep_conditions[0]->sleep_for, "24h");
    assert_string_equal(all->sleep_conditions[1]->sleep_for, "1.5s");
    assert_base(all->user_event_conditions[0]->base_, "paid", "input.ok");
    assert_string_equal(all->user_event_conditions[0]->user_event_key, "n_order:paid");
    assert_string_equal(all->user_event_conditions[0]->event_scope, "shop");
    assert_int_equal(all->user_event_conditions[0]->consider_events_since->seconds, 5);
    assert_string_equal(all->user_event_conditions[1]->user_event_key, "cleat:hook:abc");
    const char *shared = all->sleep_conditions[0]->base_->or_group_id;
    assert_string_equal(all->user_event_conditions[0]->base_->or_group_id, shared);
    assert_string_not_equal(all->sleep_conditions[1]->base_->or_group_id, shared);
    assert_string_not_equal(all->user_event_conditions[1]->base_->or_group_id,
                            all->sleep_conditions[1]->base_->or_group_id);
}

static void test_conditions(void **state)
{
    fixture *it = *state;
    cleat__remote_settings settings = mock_settings(&it->engine);
    cleat__free(settings.prefix);
    settings.prefix = cleat__strdup("n_");
    reopen(it, settings);
    const cleat__condition conditions[] = {
        {.kind = CLEAT__CONDITION_SLEEP,
         .data_key = cleat_slice_of("late"),
         .group = cleat_slice_of("g"),
         .sleep_text = cleat_slice_of("24h"),
         .sleep_ms = 86400000},
        {.kind = CLEAT__CONDITION_EVENT,
         .data_key = cleat_slice_of("paid"),
         .group = cleat_slice_of("g"),
         .key = cleat_slice_of("order:paid"),
         .expression = cleat_slice_of("input.ok"),
         .scope = cleat_slice_of("shop"),
         .since_ms = 5000},
        {.kind = CLEAT__CONDITION_SLEEP, .data_key = cleat_slice_of("s"), .sleep_ms = 1500},
        {.kind = CLEAT__CONDITION_HOOK, .data_key = cleat_slice_of("h"), .key = cleat_slice_of("abc")},
    };
    cleat__durable_request wait = {
        .kind = CLEAT__DURABLE_WAIT_FOR,
        .as.wait_for = {.conditions = conditions, .count = 4, .label = cleat_slice_of("an order")}};
    it->engine.answers_durable = true;
    begin_invocation(it);
    assert_ok(ask(it, 1, &wait, 1, NULL));
    assert_int_equal(wait.as.wait_for.node.number, 1);
    Cleat__V1__DurableTaskRequest *asked = said(it, 1, WAIT_FOR);
    assert_conditions(asked->wait_for);
    cleat__message_free(asked);
}

/* Each is sent when the one before it is answered. */
static void test_one_at_a_time(void **state)
{
    fixture *it = *state;
    cleat__durable_request requests[] = {memo_of("a", "1"), memo_of("b", "2"), memo_of("c", "3")};
    begin_invocation(it);
    asker_start(it, 1, requests, 3);
    for (int i = 1; i <= 3; i++) {
        assert_said(it, i, MEMO);
        assert_int_equal(mock_count(&it->engine, MOCK_DURABLE), i + 1);
        mock_send_memo(&it->engine, TASK, 1, i, false, NULL);
    }
    asker_join(CLEAT_OK, "");
    assert_int_equal(asker.done, 3);
    assert_int_equal(requests[2].as.memo.node.number, 3);
}

/* Which has no answer of its own: the echo of a registration behind it is one. */
static void test_a_memo_is_completed(void **state)
{
    fixture *it = *state;
    cleat__durable_request requests[] = {
        memo_of("a", NULL),
        {.kind = CLEAT__DURABLE_COMPLETE_MEMO,
         .as.complete_memo = {.node = {1, 1}, .key = cleat_slice_of("a"), .payload = cleat_slice_of("5")}}};
    begin_asking(it, requests, 2, MEMO);
    mock_send_echo(&it->engine); /* of the first registration */
    mock_send_memo(&it->engine, TASK, 1, 1, false, NULL);
    Cleat__V1__DurableTaskRequest *asked = said(it, 2, COMPLETE_MEMO);
    assert_string_equal(asked->complete_memo->ref->durable_task_external_id, TASK);
    assert_int_equal(asked->complete_memo->ref->invocation_count, 1);
    assert_int_equal(asked->complete_memo->ref->node_id, 1);
    assert_memory_equal(asked->complete_memo->memo_key.data, "a", 1);
    assert_memory_equal(asked->complete_memo->payload.data, "5", 1);
    cleat__message_free(asked);
    assert_said(it, 3, REGISTER);
    mock_send_echo(&it->engine);
    asker_join(CLEAT_OK, "");
    assert_int_equal(asker.done, 2);
}

static void test_a_memo_is_completed_elsewhere(void **state)
{
    fixture *it = *state;
    cleat__durable_request request = {
        .kind = CLEAT__DURABLE_COMPLETE_MEMO,
        .as.complete_memo = {.node = {1, 1}, .key = cleat_slice_of("a"), .payload = cleat_slice_of("5")}};
    cleat__durable_request memo = memo_of("b", "1");
    open_hatchet(it);
    it->engine.answers_durable = true;
    begin_invocation(it);
    size_t done;
    assert_ok(ask(it, 1, &memo, 1, NULL));
    assert_ok(ask(it, 1, &request, 1, &done)); /* as soon as it is sent */
    assert_int_equal(done, 1);
    assert_said(it, 2, COMPLETE_MEMO);
    end_worker(it);
    assert_int_equal(mock_count(&it->engine, MOCK_DURABLE), 3);
}

static void test_too_large(void **state)
{
    fixture *it = *state;
    cleat__remote_settings settings = mock_settings(&it->engine);
    settings.max_send_size = 1000;
    reopen(it, settings);
    char payload[1002];
    memset(payload, '1', sizeof(payload));
    payload[sizeof(payload) - 1] = '\0';
    it->engine.answers_durable = true;
    begin_invocation(it);
    cleat__durable_request large = memo_of("a", payload), small = memo_of("a", "1");
    assert_refused(ask(it, 1, &large, 1, NULL), CLEAT_TOO_LARGE, "1000");
    assert_ok(ask(it, 1, &small, 1, NULL)); /* nothing has happened */
    assert_int_equal(small.as.memo.node.number, 1);
}

/* ---- Waiting ---- */

/* A wait whose node is 1, 2, ..; registration and waits are answered. */
static void begin_waits(fixture *it, int count)
{
    const cleat__condition sleep = {.kind = CLEAT__CONDITION_SLEEP, .sleep_ms = 1000};
    it->engine.answers_durable = true;
    begin_invocation(it);
    for (int i = 0; i < count; i++) {
        cleat__durable_request wait = {.kind = CLEAT__DURABLE_WAIT_FOR,
                                       .as.wait_for = {.conditions = &sleep, .count = 1}};
        assert_ok(ask(it, 1, &wait, 1, NULL));
    }
}

typedef struct awaiting {
    cleat__node nodes[3];
    cleat__node_end ends[3];
    cleat__durable_request request;
} awaiting;

static void await_init(awaiting *self, size_t count, bool is_all)
{
    *self = (awaiting){.nodes = {{1, 1}, {1, 2}, {1, 3}}};
    self->request = (cleat__durable_request){
        .kind = CLEAT__DURABLE_AWAIT,
        .as.await = {.nodes = self->nodes, .count = count, .is_all = is_all, .ends = self->ends}};
}

static void test_nothing_has_ended(void **state)
{
    fixture *it = *state;
    awaiting all;
    begin_waits(it, 2);
    await_init(&all, 2, true);
    assert_int_equal(ask(it, 1, &all.request, 1, NULL), CLEAT_SUSPENDED);
    Cleat__V1__DurableTaskRequest *asked = said(it, 3, WORKER_STATUS);
    assert_string_equal(asked->worker_status->worker_id, MOCK_WORKER_ID);
    assert_int_equal(asked->worker_status->n_waiting_entries, 2);
    assert_string_equal(asked->worker_status->waiting_entries[1]->durable_task_external_id, TASK);
    assert_int_equal(asked->worker_status->waiting_entries[1]->node_id, 2);
    assert_int_equal(asked->worker_status->waiting_entries[1]->branch_id, 1);
    assert_int_equal(asked->worker_status->waiting_entries[1]->invocation_count, 1);
    cleat__message_free(asked);
    assert_said(it, 4, REGISTER);
    assert_int_equal(all.ends[0].order, 0);
}

/* What came before anybody asked, in the order it came; of it nothing is sent. */
static void test_what_came_early(void **state)
{
    fixture *it = *state;
    awaiting all;
    begin_waits(it, 3);
    mock_send_ended(&it->engine, TASK, 1, 3, "{\"CREATE\":{}}", NULL);
    mock_send_ended(&it->engine, TASK, 1, 1, NULL, "{\"message\":\"no paper\"}");
    mock_send_ended(&it->engine, TASK, 1, 3, "\"again\"", NULL);
    mock_send_ended(&it->engine, TASK, 9, 2, "\"of another invocation\"", NULL);
    mock_send_ended(&it->engine, TASK, 1, 2, NULL, "task was cancelled");
    cleat__durable_request barrier = memo_of("a", "1");
    assert_ok(ask(it, 1, &barrier, 1, NULL)); /* all of that has come */
    await_init(&all, 3, true);
    assert_ok(ask(it, 1, &all.request, 1, NULL));
    assert_int_equal(mock_count(&it->engine, MOCK_DURABLE), 5);
    assert_int_equal(all.ends[2].order, 1);
    assert_string_equal(all.ends[2].payload, "{\"CREATE\":{}}");
    assert_false(all.ends[2].is_failure);
    assert_int_equal(all.ends[0].order, 2);
    assert_true(all.ends[0].is_failure && !all.ends[0].is_cancelled);
    assert_string_equal(all.ends[0].error, "no paper");
    assert_null(all.ends[0].payload);
    assert_int_equal(all.ends[1].order, 3);
    assert_true(all.ends[1].is_failure && all.ends[1].is_cancelled);
    free_requests(&all.request, 1);
}

/* The engine tells what has ended before it echoes. */
static void test_what_comes_late(void **state)
{
    fixture *it = *state;
    awaiting any, all;
    begin_waits(it, 2);
    it->engine.answers_durable = false;
    await_init(&all, 2, true);
    asker_start(it, 1, &all.request, 1);
    assert_said(it, 3, WORKER_STATUS);
    assert_said(it, 4, REGISTER);
    mock_send_ended(&it->engine, TASK, 1, 2, "{}", NULL);
    mock_send_echo(&it->engine);
    asker_join(CLEAT_SUSPENDED, "");
    assert_int_equal(all.ends[1].order, 1); /* as far as they are there */
    assert_int_equal(all.ends[0].order, 0);
    free_requests(&all.request, 1);
    await_init(&any, 2, false);
    asker_start(it, 1, &any.request, 1);
    assert_said(it, 6, REGISTER);
    mock_send_echo(&it->engine);
    asker_join(CLEAT_OK, "");
    assert_int_equal(any.ends[1].order, 1);
    free_requests(&any.request, 1);
    await_init(&all, 2, true);
    asker_start(it, 1, &all.request, 1);
    assert_said(it, 8, REGISTER);
    mock_send_ended(&it->engine, TASK, 1, 1, "", NULL); /* enough: the echo need not come */
    asker_join(CLEAT_OK, "");
    assert_string_equal(all.ends[0].payload, "{}");
    free_requests(&all.request, 1);
    mock_send_echo(&it->engine);
}

/* An end was lost with its connection: it comes when it is asked for, behind those that came after it. */
static void test_the_first_comes_last(void **state)
{
    fixture *it = *state;
    awaiting any;
    begin_waits(it, 3);
    mock_send_ended_in_order(&it->engine, TASK, 1, 1, "{}", 6);
    cleat__durable_request barrier = memo_of("a", "1");
    assert_ok(ask(it, 1, &barrier, 1, NULL)); /* that has come */
    it->engine.answers_durable = false;
    await_init(&any, 3, false);
    asker_start(it, 1, &any.request, 1);
    assert_said(it, 5, WORKER_STATUS);
    assert_said(it, 6, REGISTER);
    mock_send_ended_in_order(&it->engine, TASK, 1, 3, "{}", 5);
    mock_send_echo(&it->engine);
    asker_join(CLEAT_OK, "");
    assert_int_equal(any.ends[0].order, 6);
    assert_int_equal(any.ends[1].order, 0);
    assert_int_equal(any.ends[2].order, 5);
    free_requests(&any.request, 1);
}

/* Others do not say that they have told everything. */
static void test_waiting_elsewhere(void **state)
{
    fixture *it = *state;
    awaiting all;
    open_hatchet(it);
    begin_waits(it, 1);
    await_init(&all, 1, true);
    assert_int_equal(ask(it, 1, &all.request, 1, NULL), CLEAT_SUSPENDED);
    assert_said(it, 2, WORKER_STATUS);
    asker_start(it, 1, &all.request, 1);
    assert_said(it, 3, WORKER_STATUS);
    mock_send_ended(&it->engine, TASK, 1, 1, "{}", NULL);
    assert_int_equal(pthread_join(asker.thread, NULL), 0);
    if (asker.status == CLEAT_SUSPENDED) { /* this machine was slower than the grace */
        assert_ok(ask(it, 1, &all.request, 1, NULL));
    }
    assert_string_equal(all.ends[0].payload, "{}");
    free_requests(&all.request, 1);
}

/* ---- Eviction ---- */

static const cleat__node awaited[] = {{1, 1}, {1, 2}};

static cleat__durable_request evict_of(void)
{
    return (cleat__durable_request){.kind = CLEAT__DURABLE_EVICT,
                                    .as.evict = {.reason = cleat_slice_of("sleeps"),
                                                 .nodes = awaited,
                                                 .count = 2,
                                                 .is_all = true,
                                                 .carrier = cleat_slice_of("{\"traceparent\":\"x\"}")}};
}

static void test_eviction(void **state)
{
    fixture *it = *state;
    cleat__durable_request evict = evict_of(), memo = memo_of("a", "1");
    it->engine.answers_durable = true;
    begin_invocation(it);
    assert_ok(ask(it, 1, &evict, 1, NULL));
    Cleat__V1__DurableTaskRequest *asked = said(it, 1, EVICT);
    const Cleat__V1__DurableTaskEvictInvocationRequest *said_of_it = asked->evict_invocation;
    assert_string_equal(said_of_it->durable_task_external_id, TASK);
    assert_int_equal(said_of_it->invocation_count, 1);
    assert_string_equal(said_of_it->reason, "sleeps");
    assert_int_equal(said_of_it->n_cleat_waiting, 2);
    assert_int_equal(said_of_it->cleat_waiting[1]->node_id, 2);
    assert_true(said_of_it->cleat_waits_for_all);
    assert_memory_equal(said_of_it->cleat_carrier.data, "{\"traceparent\":\"x\"}", 19);
    cleat__message_free(asked);
    assert_refused(ask(it, 1, &memo, 1, NULL), CLEAT_CANCELLED, "invocation 1");
    invoke(it, 2); /* although it is the same attempt */
    it->engine.durable_node = 0;
    assert_ok(ask(it, 2, &memo, 1, NULL));
}

/* The next invocation may come before the answer: then there was an eviction. */
static void test_a_restore_overtakes(void **state)
{
    fixture *it = *state;
    cleat__durable_request evict = evict_of(), memo = memo_of("a", "1");
    begin_asking(it, &evict, 1, EVICT);
    invoke(it, 2);
    asker_join(CLEAT_OK, "");
    asker_start(it, 2, &memo, 1);
    assert_said(it, 2, MEMO);
    mock_send_evicted(&it->engine, TASK, 1); /* nobody waits for it any more */
    mock_send_memo(&it->engine, TASK, 2, 1, false, NULL);
    asker_join(CLEAT_OK, "");
}

static void test_the_server_evicts(void **state)
{
    fixture *it = *state;
    cleat__durable_request memo = memo_of("a", "1");
    begin_asking(it, &memo, 1, MEMO);
    mock_send_server_evict(&it->engine, TASK, 1, "it is elsewhere");
    asker_join(CLEAT_CANCELLED, "it is elsewhere");
    gate_wait(&worker.cancelled, 1);
    assert_refused(ask(it, 1, &memo, 1, NULL), CLEAT_CANCELLED, "it is elsewhere");
    /* Of a former invocation: the present one is not meant. */
    invoke(it, 2);
    mock_send_server_evict(&it->engine, TASK, 1, "stale");
    asker_start(it, 2, &memo, 1);
    assert_said(it, 2, MEMO);
    mock_send_memo(&it->engine, TASK, 2, 1, false, NULL);
    asker_join(CLEAT_OK, "");
    assert_int_equal(gate_count(&worker.cancelled), 1);
}

static void cancel_invocation(fixture *it, int32_t count)
{
    const cleat__action_details details = {.priority = 1, .invocation_count = count};
    const cleat__uuid id = uuid_of(TASK);
    Cleat__AssignedAction *action = cleat__cancellation_write(&id, 0, cleat_slice_of("a:b"), &details);
    mock_send(&it->engine, MOCK_LISTEN, action);
    cleat__message_free(action);
}

static void test_cancellation(void **state)
{
    fixture *it = *state;
    cleat__durable_request memo = memo_of("a", "1");
    begin_invocation(it);
    invoke(it, 2);
    asker_start(it, 2, &memo, 1);
    assert_said(it, 1, MEMO);
    cancel_invocation(it, 1); /* it is over */
    cancel_invocation(it, 2);
    asker_join(CLEAT_CANCELLED, "the run was cancelled");
    gate_wait(&worker.cancelled, 1);
}

/* ---- Refusals ---- */

static void test_another_order(void **state)
{
    fixture *it = *state;
    cleat__durable_request memos[] = {memo_of("a", "1"), memo_of("b", "1")};
    begin_asking(it, memos, 2, MEMO);
    mock_send_error(&it->engine, TASK, 1, true, 0, "expected RUN at 1:1, not MEMO");
    asker_join(CLEAT_NON_DETERMINISTIC, "expected RUN at 1:1, not MEMO");
    assert_int_equal(asker.done, 0);
    assert_int_equal(mock_count(&it->engine, MOCK_DURABLE), 2);
    it->engine.answers_durable = true; /* the node is still the next one */
    assert_ok(ask(it, 1, memos, 1, NULL));
    assert_int_equal(memos[0].as.memo.node.number, 1);
}

static void test_refusals(void **state)
{
    fixture *it = *state;
    static const struct {
        int32_t said;
        const char *text;
        cleat_status status;
        const char *part;
    } rows[] = {
        {0, "the database is on fire", CLEAT_FAILED, "on fire"},
        {0, "workflow names not found: pack", CLEAT_NOT_FOUND, "\"pack\""},
        {CLEAT_DISK_FULL, "no room", CLEAT_DISK_FULL, "no room"},
        {12345, "from the future", CLEAT_FAILED, "from the future"},
    };
    begin_invocation(it);
    for (int i = 0; i < 4; i++) {
        cleat__durable_request memo = memo_of("a", "1");
        asker_start(it, 1, &memo, 1);
        assert_said(it, 1 + i, MEMO);
        mock_send_error(&it->engine, TASK, 1, false, rows[i].said, rows[i].text);
        asker_join(rows[i].status, rows[i].part); /* and the next one may be asked for */
    }
}

/* A completion that failed at an engine that does not say when one is done: the next call hears of it. */
static void test_a_late_refusal(void **state)
{
    fixture *it = *state;
    cleat__durable_request memo = memo_of("a", "1");
    it->engine.answers_durable = true;
    begin_invocation(it);
    assert_ok(ask(it, 1, &memo, 1, NULL));
    mock_send_error(&it->engine, TASK, 1, false, 0, "not completed");
    mock_send_error(&it->engine, TASK, 7, false, 0, "nobody's");
    cleat_status status = ask(it, 1, &memo, 1, NULL);
    while (status == CLEAT_OK) { /* it was on its way */
        status = ask(it, 1, &memo, 1, NULL);
    }
    assert_refused(status, CLEAT_FAILED, "not completed");
}

/* ---- Reports and old engines ---- */

static void test_the_report_ends_it(void **state)
{
    fixture *it = *state;
    cleat__durable_request memo = memo_of("a", "1");
    it->engine.answers_durable = true;
    begin_invocation(it);
    const cleat__report done = {.task_id = uuid_of(TASK),
                                .invocation_count = 1,
                                .output = cleat_slice_of("1"),
                                .carrier = cleat_slice_of("{\"k\":\"v\"}")};
    assert_ok(it->transport->report(it->transport, &done));
    Cleat__StepActionEvent *event = event_at(it, 0);
    assert_int_equal(event->event_type, COMPLETED);
    assert_int_equal(event->cleat_invocation_count, 1);
    assert_memory_equal(event->cleat_carrier.data, "{\"k\":\"v\"}", 9);
    assert_string_equal(event->action_id, "a:b");
    cleat__message_free(event);
    assert_refused(ask(it, 1, &memo, 1, NULL), CLEAT_CANCELLED, "over");
}

static void test_an_engine_without(void **state)
{
    fixture *it = *state;
    const cleat__workflow workflow = {.name = cleat_slice_of("order"),
                                      .tasks =
                                          &(cleat__workflow_task){.name = cleat_slice_of("order"),
                                                                  .action = cleat_slice_of("order:order"),
                                                                  .is_durable = true},
                                      .task_count = 1};
    static const char *const versions[] = {"v0.79.9", "", "v0.80.0"};
    for (size_t i = 0; i < 3; i++) {
        it->engine.version = versions[i];
        reopen(it, mock_settings(&it->engine));
        cleat_status status = it->transport->put_workflow(it->transport, &workflow);
        if (i == 2) {
            assert_ok(status);
        } else {
            assert_refused(status, CLEAT_UNSUPPORTED, "\"order\"");
        }
    }
    mock_fail(&it->engine, MOCK_DURABLE, CLEAT_UNSUPPORTED, "no such method", -1);
    cleat__durable_request memo = memo_of("a", "1");
    begin_invocation(it);
    assert_refused(ask(it, 1, &memo, 1, NULL), CLEAT_UNSUPPORTED, "no such method");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        INVOCATION_TEST(test_a_memo),
        INVOCATION_TEST(test_children),
        INVOCATION_TEST(test_children_elsewhere),
        INVOCATION_TEST(test_very_many_children),
        INVOCATION_TEST(test_conditions),
        INVOCATION_TEST(test_one_at_a_time),
        INVOCATION_TEST(test_a_memo_is_completed),
        INVOCATION_TEST(test_a_memo_is_completed_elsewhere),
        INVOCATION_TEST(test_too_large),
        INVOCATION_TEST(test_nothing_has_ended),
        INVOCATION_TEST(test_what_came_early),
        INVOCATION_TEST(test_what_comes_late),
        INVOCATION_TEST(test_the_first_comes_last),
        INVOCATION_TEST(test_waiting_elsewhere),
        INVOCATION_TEST(test_eviction),
        INVOCATION_TEST(test_a_restore_overtakes),
        INVOCATION_TEST(test_the_server_evicts),
        INVOCATION_TEST(test_cancellation),
        INVOCATION_TEST(test_another_order),
        INVOCATION_TEST(test_refusals),
        INVOCATION_TEST(test_a_late_refusal),
        INVOCATION_TEST(test_the_report_ends_it),
        INVOCATION_TEST(test_an_engine_without),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
