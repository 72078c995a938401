/* The transport over gRPC: durable tasks whose engine is lost, is silent, or answers what was not asked. */
#include "transport/grpc_invocation.h"

#include "support/sanitizer.h"

static const cleat__node first_node = {1, 1};

static cleat__durable_request evict_of(void)
{
    return (cleat__durable_request){.kind = CLEAT__DURABLE_EVICT,
                                    .as.evict = {.nodes = &first_node, .count = 1}};
}

static void lose(fixture *it)
{
    mock_end(&it->engine, MOCK_DURABLE, CLEAT_UNAVAILABLE, "going away");
}

/* ---- Loss ---- */

static void test_nothing_is_under_way(void **state)
{
    fixture *it = *state;
    cleat__durable_request memos[] = {memo_of("a", "1"), memo_of("b", "1")};
    it->engine.answers_durable = true;
    begin_invocation(it);
    assert_ok(ask(it, 1, &memos[0], 1, NULL));
    for (int i = 0; i < 3; i++) { /* also when the next connections do not live long */
        lose(it);
        assert_said(it, 2 + i, REGISTER);
    }
    assert_ok(ask(it, 1, &memos[1], 1, NULL));
    assert_int_equal(memos[1].as.memo.node.number, 2);
}

/* The run is given back, and what the task says of that attempt is not told. */
static void assert_given_back(fixture *it, int32_t count)
{
    const cleat__report said = {.task_id = uuid_of(TASK),
                                .invocation_count = count,
                                .status = CLEAT_FAILED,
                                .error = cleat_slice_of("cancelled")};
    assert_ok(it->transport->report(it->transport, &said));
    mock_wait(&it->engine, MOCK_EVENT, 1);
    for (int i = 0; i < mock_count(&it->engine, MOCK_EVENT); i++) { /* an impatient client says it again */
        Cleat__StepActionEvent *event = event_at(it, i);
        assert_int_equal(event->event_type, RELEASED);
        assert_int_equal(event->cleat_invocation_count, count);
        assert_string_equal(event->task_run_external_id, TASK);
        cleat__message_free(event);
    }
}

/* Nobody knows whether it was counted. */
static void test_a_request_is_under_way(void **state)
{
    fixture *it = *state;
    cleat__durable_request memo = memo_of("a", "1");
    begin_asking(it, &memo, 1, MEMO);
    lose(it);
    asker_join(CLEAT_CANCELLED, "was lost");
    assert_int_equal(asker.done, 0);
    assert_refused(ask(it, 1, &memo, 1, NULL), CLEAT_CANCELLED, "over");
    assert_given_back(it, 1);
    invoke(it, 2);
    it->engine.answers_durable = true;
    assert_ok(ask(it, 2, &memo, 1, NULL));
}

static void assert_asked(fixture *it, int index, int64_t node)
{
    Cleat__V1__DurableTaskRequest *message = said(it, index, MEMO);
    assert_int_equal(message->cleat_node, node);
    cleat__message_free(message);
}

/* Twice the same node is once. */
static void test_a_request_that_says_its_node_is_repeated(void **state)
{
    fixture *it = *state;
    cleat__durable_request memo = memo_of("a", "1");
    memo.number = 1;
    begin_invocation(it);
    asker_start(it, 1, &memo, 1);
    assert_asked(it, 1, 1);
    lose(it);
    assert_said(it, 2, REGISTER);
    assert_asked(it, 3, 1);
    mock_send_memo(&it->engine, TASK, 1, 1, true, "1");
    asker_join(CLEAT_OK, "");
    assert_true(memo.as.memo.existed);
    cleat__durable_request_deinit(&memo);
    assert_int_equal(mock_count(&it->engine, MOCK_EVENT), 0);
}

/* Others have no word for that: the attempt has failed. */
static void test_a_request_is_under_way_elsewhere(void **state)
{
    fixture *it = *state;
    cleat__durable_request memo = memo_of("a", "1");
    memo.number = 1; /* which others do not read */
    open_hatchet(it);
    begin_invocation(it);
    asker_start(it, 1, &memo, 1);
    assert_asked(it, 1, 0);
    lose(it);
    asker_join(CLEAT_UNAVAILABLE, "was lost");
    assert_refused(ask(it, 1, &memo, 1, NULL), CLEAT_UNAVAILABLE, "was lost");
    assert_said(it, 2, REGISTER);
    const cleat__report said_of_it = {.task_id = uuid_of(TASK),
                                      .invocation_count = 1,
                                      .status = CLEAT_FAILED,
                                      .error = cleat_slice_of("lost")};
    assert_ok(it->transport->report(it->transport, &said_of_it));
    assert_event(it, 0, FAILED, "{\"message\":\"lost\"}");
}

/* What takes no node is asked again. */
static void test_waits_survive(void **state)
{
    fixture *it = *state;
    cleat__node_end end;
    cleat__durable_request await = {.kind = CLEAT__DURABLE_AWAIT,
                                    .as.await = {.nodes = &first_node, .count = 1, .ends = &end}};
    begin_invocation(it);
    asker_start(it, 1, &await, 1);
    assert_said(it, 2, REGISTER);
    lose(it);
    assert_said(it, 3, REGISTER);
    assert_said(it, 4, WORKER_STATUS);
    assert_said(it, 5, REGISTER);
    mock_send_echo(&it->engine); /* of the connection's own */
    mock_send_ended(&it->engine, TASK, 1, 1, "7", NULL);
    asker_join(CLEAT_OK, "");
    assert_string_equal(end.payload, "7");
    cleat__durable_request_deinit(&await);
}

static void test_an_eviction_is_repeated(void **state)
{
    fixture *it = *state;
    cleat__durable_request evict = evict_of();
    begin_asking(it, &evict, 1, EVICT);
    lose(it);
    assert_said(it, 2, REGISTER);
    assert_said(it, 3, EVICT);
    mock_send_evicted(&it->engine, TASK, 1);
    asker_join(CLEAT_OK, "");
}

/* A value that is there already is not given another time. */
static void test_a_completion_is_repeated(void **state)
{
    fixture *it = *state;
    cleat__durable_request requests[] = {memo_of("a", NULL),
                                         {.kind = CLEAT__DURABLE_COMPLETE_MEMO,
                                          .as.complete_memo = {.node = first_node,
                                                               .key = cleat_slice_of("a"),
                                                               .payload = cleat_slice_of("5")}}};
    begin_asking(it, requests, 2, MEMO);
    mock_send_memo(&it->engine, TASK, 1, 1, false, NULL);
    assert_said(it, 2, COMPLETE_MEMO);
    assert_said(it, 3, REGISTER);
    lose(it);
    assert_said(it, 4, REGISTER);
    assert_said(it, 5, COMPLETE_MEMO);
    assert_said(it, 6, REGISTER);
    mock_send_echo(&it->engine);
    mock_send_echo(&it->engine);
    asker_join(CLEAT_OK, "");
}

/* Of several requests those that were answered are done. */
static void test_loss_in_the_middle(void **state)
{
    fixture *it = *state;
    cleat__durable_request requests[] = {memo_of("a", "1"), memo_of("b", "1"), evict_of()};
    begin_asking(it, requests, 3, MEMO);
    mock_send_memo(&it->engine, TASK, 1, 1, false, NULL);
    assert_said(it, 2, MEMO);
    lose(it);
    asker_join(CLEAT_CANCELLED, "was lost");
    assert_int_equal(asker.done, 1);
}

static void refuse(fixture *it)
{
    mock_end(&it->engine, MOCK_DURABLE, CLEAT_INVALID_ARGUMENT, "no such thing");
    asker_join(CLEAT_UNAVAILABLE, "no such thing");
    cleat__durable_request next = memo_of("z", "1");
    assert_refused(ask(it, 1, &next, 1, NULL), CLEAT_UNAVAILABLE, "no such thing");
    assert_int_equal(mock_count(&it->engine, MOCK_EVENT), 0); /* it is not given back */
}

/* A stream that ends because of what was sent on it would end so each time, whether that may be sent again or not. */
static void test_a_stream_that_is_refused_for_what_it_says(void **state)
{
    cleat__durable_request memo = memo_of("a", "1");
    begin_asking(*state, &memo, 1, MEMO);
    refuse(*state);
}

static void test_a_stream_that_is_refused_for_what_may_be_repeated(void **state)
{
    cleat__durable_request memo = memo_of("a", "1");
    memo.number = 1;
    begin_asking(*state, &memo, 1, MEMO);
    refuse(*state);
}

static void test_a_stream_that_is_refused_for_a_value(void **state)
{
    fixture *it = *state;
    cleat__durable_request requests[] = {memo_of("a", NULL),
                                         {.kind = CLEAT__DURABLE_COMPLETE_MEMO,
                                          .as.complete_memo = {.node = first_node,
                                                               .key = cleat_slice_of("a"),
                                                               .payload = cleat_slice_of("5")}}};
    begin_asking(it, requests, 2, MEMO);
    mock_send_memo(&it->engine, TASK, 1, 1, false, NULL);
    assert_said(it, 2, COMPLETE_MEMO);
    assert_said(it, 3, REGISTER);
    refuse(it);
}

/* What had not been sent is not the reason. */
static void test_a_stream_that_is_refused_while_nothing_is_under_way(void **state)
{
    fixture *it = *state;
    cleat__durable_request memo = memo_of("a", "1");
    it->engine.answers_durable = true;
    begin_invocation(it);
    assert_said(it, 0, REGISTER);
    mock_end(&it->engine, MOCK_DURABLE, CLEAT_INVALID_ARGUMENT, "no such thing");
    assert_said(it, 1, REGISTER);
    assert_ok(ask(it, 1, &memo, 1, NULL));
}

static void on_log(void *user_data, cleat_log_level level, const char *message)
{
    (void)level;
    if (strstr(message, "lost its stream of durable tasks") != NULL) {
        (void)gate_add(user_data);
    }
}

/* What is asked for without a connection has not been sent, and goes with the next one. The first test: what is
 * logged is limited. */
static void test_no_connection(void **state)
{
    fixture *it = *state;
    gate lost;
    cleat__durable_request memo = memo_of("a", "1");
    gate_init(&lost);
    cleat_log_set_handler(on_log, &lost, CLEAT_LOG_INFO);
    it->engine.answers_durable = true;
    begin_invocation(it);
    assert_said(it, 0, REGISTER);
    lose(it);
    gate_wait(&lost, 1);
    assert_ok(ask(it, 1, &memo, 1, NULL));
    cleat_log_set_handler(NULL, NULL, CLEAT_LOG_WARN);
    gate_deinit(&lost);
}

/* Refused again and again, it is opened as long as there is an invocation. */
static void test_refused_streams(void **state)
{
    fixture *it = *state;
    cleat__durable_request memo = memo_of("a", "1");
    mock_fail(&it->engine, MOCK_DURABLE, CLEAT_UNAVAILABLE, "not yet", 5);
    begin_invocation(it);
    mock_send_echo(&it->engine); /* on one that is not refused */
    it->engine.answers_durable = true;
    assert_ok(ask(it, 1, &memo, 1, NULL));
}

static void test_the_worker_goes(void **state)
{
    fixture *it = *state;
    cleat__durable_request memo = memo_of("a", "1");
    begin_asking(it, &memo, 1, MEMO);
    end_worker(it);
    asker_join(CLEAT_CANCELLED, "over");
    assert_refused(ask(it, 1, &memo, 1, NULL), CLEAT_CANCELLED, "not at this worker");
}

static void test_the_client_goes(void **state)
{
    fixture *it = *state;
    cleat__durable_request evict = evict_of();
    begin_asking(it, &evict, 1, EVICT);
    it->transport->free(it->transport);
    it->transport = NULL;
    asker_join(CLEAT_UNAVAILABLE, "freed");
}

/* ---- Silence ---- */

static void test_an_engine_that_never_answers(void **state)
{
    fixture *it = *state;
    cleat__durable_request memo = memo_of("a", "1");
    open_impatient(it, (impatience){.call_ms = 1000});
    begin_invocation(it);
    assert_refused(ask(it, 1, &memo, 1, NULL), CLEAT_CANCELLED, "1000 ms"); /* it may have counted it */
    assert_said(it, 1, MEMO);
    assert_given_back(it, 1);
}

static void test_an_engine_that_never_echoes(void **state)
{
    fixture *it = *state;
    cleat__node_end end;
    cleat__durable_request await = {.kind = CLEAT__DURABLE_AWAIT,
                                    .as.await = {.nodes = &first_node, .count = 1, .ends = &end}};
    open_impatient(it, (impatience){.call_ms = 1000});
    begin_invocation(it);
    assert_refused(ask(it, 1, &await, 1, NULL), CLEAT_CANCELLED, "1000 ms");
    assert_given_back(it, 1);
}

/* ---- A connection that stays away longer than a call may take ---- */

/* Refused twice, of which the second time is tried at once, and the third after that time. */
static void open_far_away(fixture *it, int64_t patience_ms, int64_t away_ms)
{
    open_impatient(it, (impatience){.call_ms = patience_ms, .away_ms = away_ms});
    mock_fail(&it->engine, MOCK_DURABLE, CLEAT_UNAVAILABLE, "away", 2);
}

/* The run does not fail for it: nothing was recorded, so another invocation does the same. */
static void test_a_connection_that_stays_away(void **state)
{
    fixture *it = *state;
    cleat__durable_request evict = evict_of();
    open_far_away(it, 1000, 60000);
    begin_invocation(it);
    assert_refused(ask(it, 1, &evict, 1, NULL), CLEAT_CANCELLED, "1000 ms");
    assert_given_back(it, 1);
}

typedef struct chunk {
    cleat__put_chunks put; /* first */
    gate done;
    cleat_status status;
} chunk;

static cleat__put_chunks *on_chunk(cleat__put_chunks *self, cleat_status status, const char *text)
{
    chunk *it = (chunk *)self;
    (void)text;
    it->status = status;
    gate_add(&it->done);
    return NULL;
}

static void test_a_chunk_that_does_not_arrive(void **state)
{
    fixture *it = *state;
    const cleat_slice item = cleat_slice_of("a");
    cleat__durable_request memo = memo_of("a", "1");
    chunk one = {.put = {.run_id = uuid_of(TASK), .items = &item, .count = 1, .done = on_chunk}};
    gate_init(&one.done);
    mock_fail(&it->engine, MOCK_STREAM, CLEAT_UNAVAILABLE, "away", -1);
    begin_invocation(it);
    it->transport->put_chunks(it->transport, &one.put);
    gate_wait(&one.done, 1);
    assert_int_equal(one.status, CLEAT_CANCELLED);
    assert_refused(ask(it, 1, &memo, 1, NULL), CLEAT_CANCELLED, "");
    assert_given_back(it, 1);
    gate_deinit(&one.done);
}

/* Others take nothing back, so it waits. Once there is a connection the answer must come in the same time: a machine
 * that is too busy for that is given more of it. */
static void test_a_connection_that_stays_away_elsewhere(void **state)
{
    enum { LEAST_MS = UNDER_THREAD_SANITIZER ? 3000 : 500 };
    fixture *it = *state;
    cleat__durable_request evict = evict_of();
    cleat_status status = CLEAT_TIMEOUT;
    it->engine.version = "v0.83.0";
    it->engine.answers_durable = true;
    for (int64_t limit_ms = LEAST_MS; status != CLEAT_OK && limit_ms <= 32000; limit_ms *= 2) {
        open_far_away(it, limit_ms, limit_ms + 250);
        begin_invocation(it);
        status = ask(it, 1, &evict, 1, NULL);
        end_worker(it);
    }
    assert_ok(status);
}

static void test_a_worker_goes_that_has_no_connection(void **state)
{
    fixture *it = *state;
    cleat__durable_request evict = evict_of();
    it->engine.version = "v0.83.0";
    open_far_away(it, 300000, 60000);
    begin_invocation(it);
    asker_start(it, 1, &evict, 1);
    end_worker(it);
    asker_join(CLEAT_CANCELLED, "");
}

/* ---- Answers that fit nothing ---- */

static void assert_confused(fixture *it, int32_t count)
{
    cleat__durable_request memo = memo_of("z", "1");
    asker_join(CLEAT_UNAVAILABLE, "");
    assert_refused(ask(it, count, &memo, 1, NULL), CLEAT_UNAVAILABLE, "");
}

static void test_answers_that_do_not_fit(void **state)
{
    fixture *it = *state;
    cleat__uuid ids[2];
    cleat__node nodes[2];
    const cleat__trigger items[2] = {{.workflow = cleat_slice_of("a"), .input = cleat_slice_of("{}")},
                                     {.workflow = cleat_slice_of("a"), .input = cleat_slice_of("{}")}};
    begin_worker(it);
    for (int32_t i = 1; i <= 5; i++) {
        cleat__durable_request memo = memo_of("a", "1");
        cleat__durable_request runs = {
            .kind = CLEAT__DURABLE_TRIGGER,
            .as.trigger = {.items = items, .count = i == 5 ? 2 : 1, .ids = ids, .nodes = nodes}};
        invoke(it, i);
        asker_start(it, i, i < 4 ? &memo : &runs, 1);
        assert_said(it, i, i < 4 ? MEMO : TRIGGER);
        switch (i) {
        case 1: mock_send_wait(&it->engine, TASK, i, 1); break;
        case 2: mock_send_memo(&it->engine, TASK, i, 2, false, NULL); break;
        case 3: mock_send_memo(&it->engine, TASK, i, 1, true, "{"); break;
        case 4: mock_send_run(&it->engine, TASK, i, 1, "no id"); break;
        default: mock_send_run(&it->engine, TASK, i, 1, MOCK_RUN_ID); break;
        }
        assert_confused(it, i);
    }
}

/* They are about nobody. */
static void test_answers_nobody_waits_for(void **state)
{
    fixture *it = *state;
    cleat__durable_request memo = memo_of("a", "1");
    Cleat__V1__DurableTaskResponse nothing = CLEAT__V1__DURABLE_TASK_RESPONSE__INIT;
    Cleat__V1__DurableTaskEventWaitForAckResponse empty =
        CLEAT__V1__DURABLE_TASK_EVENT_WAIT_FOR_ACK_RESPONSE__INIT;
    begin_asking(it, &memo, 1, MEMO);
    mock_send(&it->engine, MOCK_DURABLE, &nothing);
    nothing.message_case = CLEAT__V1__DURABLE_TASK_RESPONSE__MESSAGE_WAIT_FOR_ACK;
    nothing.wait_for_ack = &empty; /* without a ref */
    mock_send(&it->engine, MOCK_DURABLE, &nothing);
    mock_send_wait(&it->engine, "no id", 1, 1);
    mock_send_memo(&it->engine, TASK, 2, 1, false, NULL);
    mock_send_evicted(&it->engine, MOCK_WORKER_ID, 1);
    mock_send_server_evict(&it->engine, TASK, 5, "of no invocation here");
    mock_send_echo(&it->engine);
    mock_send_echo(&it->engine);
    mock_send_echo(&it->engine); /* more than there were registrations */
    mock_send_memo(&it->engine, TASK, 1, 1, false, NULL);
    asker_join(CLEAT_OK, "");
}

static void test_a_completion_that_is_no_json(void **state)
{
    fixture *it = *state;
    cleat__durable_request memo = memo_of("a", "1");
    begin_asking(it, &memo, 1, MEMO);
    mock_send_ended(&it->engine, TASK, 1, 4, "{\"a\":", NULL);
    asker_join(CLEAT_UNAVAILABLE, "completion");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        INVOCATION_TEST(test_no_connection),
        INVOCATION_TEST(test_nothing_is_under_way),
        INVOCATION_TEST(test_a_request_is_under_way),
        INVOCATION_TEST(test_a_request_that_says_its_node_is_repeated),
        INVOCATION_TEST(test_a_request_is_under_way_elsewhere),
        INVOCATION_TEST(test_a_stream_that_is_refused_for_what_it_says),
        INVOCATION_TEST(test_a_stream_that_is_refused_for_what_may_be_repeated),
        INVOCATION_TEST(test_a_stream_that_is_refused_for_a_value),
        INVOCATION_TEST(test_a_stream_that_is_refused_while_nothing_is_under_way),
        INVOCATION_TEST(test_waits_survive),
        INVOCATION_TEST(test_an_eviction_is_repeated),
        INVOCATION_TEST(test_a_completion_is_repeated),
        INVOCATION_TEST(test_loss_in_the_middle),
        INVOCATION_TEST(test_refused_streams),
        INVOCATION_TEST(test_the_worker_goes),
        INVOCATION_TEST(test_the_client_goes),
        INVOCATION_TEST(test_an_engine_that_never_answers),
        INVOCATION_TEST(test_an_engine_that_never_echoes),
        INVOCATION_TEST(test_a_connection_that_stays_away),
        INVOCATION_TEST(test_a_chunk_that_does_not_arrive),
        INVOCATION_TEST(test_a_connection_that_stays_away_elsewhere),
        INVOCATION_TEST(test_a_worker_goes_that_has_no_connection),
        INVOCATION_TEST(test_answers_that_do_not_fit),
        INVOCATION_TEST(test_answers_nobody_waits_for),
        INVOCATION_TEST(test_a_completion_that_is_no_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
