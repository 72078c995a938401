/* The transport over gRPC: workers. */
#include "support/http_sink.h"
#include "support/overheard.h"
#include "transport/grpc_listener.h"

/* ---- Registration and heartbeats ---- */

static void test_registration(void **state)
{
    fixture *it = *state;
    listener worker;
    listener_add(&worker, it->transport);
    cleat__uuid expected = uuid_of(MOCK_WORKER_ID);
    assert_true(cleat__uuid_equals(&worker.id, &expected));
    Cleat__WorkerRegisterRequest *said = mock_message(&it->engine, MOCK_REGISTER, 0);
    assert_string_equal(said->worker_name, "Packer");
    assert_int_equal(said->n_actions, 2);
    assert_string_equal(said->actions[0], "a:b");
    assert_string_equal(said->actions[1], "c:c");
    assert_int_equal(said->n_services, 1);
    assert_string_equal(said->services[0], "default");
    assert_true(said->has_slots_case == 0);
    assert_int_equal(said->n_slot_config, 2);
    for (size_t i = 0; i < 2; i++) { /* a map has no order */
        bool is_default = strcmp(said->slot_config[i]->key, "default") == 0;
        assert_true(is_default || strcmp(said->slot_config[i]->key, "gpu") == 0);
        assert_int_equal(said->slot_config[i]->value, is_default ? 5 : 1);
    }
    assert_int_equal(said->n_labels, 1);
    assert_string_equal(said->labels[0]->key, "region");
    assert_string_equal(said->labels[0]->value->str_value, "north");
    assert_string_equal(said->runtime_info->sdk_version, cleat_version());
    cleat__message_free(said);
    Cleat__WorkerListenRequest *listens = mock_message(&it->engine, MOCK_LISTEN, 0);
    assert_string_equal(listens->worker_id, MOCK_WORKER_ID);
    assert_int_equal(listens->max_message_size, 4 << 20);
    cleat__message_free(listens);
    listener_remove(&worker, it->transport);
    Cleat__WorkerUnsubscribeRequest *leaves = mock_message(&it->engine, MOCK_UNSUBSCRIBE, 0);
    assert_string_equal(leaves->worker_id, MOCK_WORKER_ID);
    cleat__message_free(leaves);
}

static void test_heartbeats(void **state)
{
    fixture *it = *state;
    listener worker;
    listener_add(&worker, it->transport);
    mock_wait(&it->engine, MOCK_HEARTBEAT, 4);
    Cleat__HeartbeatRequest *said = mock_message(&it->engine, MOCK_HEARTBEAT, 0);
    assert_string_equal(said->worker_id, MOCK_WORKER_ID);
    assert_true(said->heartbeat_at->seconds > 1600000000);
    cleat__message_free(said);
    assert_ok(it->transport->worker_heartbeat(it->transport, &worker.id));
    /* What goes wrong once does not end them. */
    mock_fail(&it->engine, MOCK_HEARTBEAT, CLEAT_UNAVAILABLE, "not now", 2);
    mock_wait(&it->engine, MOCK_HEARTBEAT, mock_count(&it->engine, MOCK_HEARTBEAT) + 4);
    cleat__uuid id = worker.id;
    listener_remove(&worker, it->transport);
    assert_refused(it->transport->worker_heartbeat(it->transport, &id), CLEAT_NOT_FOUND, MOCK_WORKER_ID);
}

/* ---- The stream ---- */

static void test_the_stream_is_opened_again(void **state)
{
    fixture *it = *state;
    listener worker;
    listener_add(&worker, it->transport);
    mock_wait(&it->engine, MOCK_LISTEN, 1);
    mock_fail(&it->engine, MOCK_LISTEN, CLEAT_UNAVAILABLE, "not yet", 3);
    mock_end(&it->engine, MOCK_LISTEN, CLEAT_OK, NULL);
    Cleat__WorkerListenRequest *listens = mock_message(&it->engine, MOCK_LISTEN, 4);
    assert_string_equal(listens->worker_id, MOCK_WORKER_ID);
    cleat__message_free(listens);
    assign(it, 1, 0, "a:b");
    gate_wait(&worker.assigned, 1);
    assert_int_equal(mock_count(&it->engine, MOCK_REGISTER), 1);
    listener_remove(&worker, it->transport);
}

static void test_a_forgotten_worker_registers_anew(void **state)
{
    fixture *it = *state;
    listener worker;
    listener_add(&worker, it->transport);
    mock_wait(&it->engine, MOCK_LISTEN, 1);
    mock_fail(&it->engine, MOCK_LISTEN, CLEAT_NOT_FOUND, "no such worker", 1);
    mock_end(&it->engine, MOCK_LISTEN, CLEAT_UNAVAILABLE, NULL);
    mock_wait(&it->engine, MOCK_REGISTER, 2);
    mock_wait(&it->engine, MOCK_LISTEN, 3);
    const cleat__label more = {.key = cleat_slice_of("memory"), .value = {.is_number = true, .number = 64}};
    assert_ok(it->transport->worker_label(it->transport, &worker.id, &more, 1));
    Cleat__UpsertWorkerLabelsRequest *told = mock_message(&it->engine, MOCK_LABELS, 0);
    assert_string_equal(told->worker_id, MOCK_WORKER_ID);
    assert_int_equal(told->n_labels, 1);
    assert_string_equal(told->labels[0]->key, "memory");
    assert_int_equal(told->labels[0]->value->int_value, 64);
    cleat__message_free(told);
    mock_fail(&it->engine, MOCK_HEARTBEAT, CLEAT_NOT_FOUND, "no such worker", 1);
    Cleat__WorkerRegisterRequest *again = mock_message(&it->engine, MOCK_REGISTER, 2);
    assert_int_equal(again->n_labels, 2); /* with what it was told meanwhile */
    cleat__message_free(again);
    mock_wait(&it->engine, MOCK_LISTEN, 4);
    assert_ok(it->transport->worker_heartbeat(it->transport, &worker.id)); /* it is the same to its owner */
    listener_remove(&worker, it->transport);
}

/* Whatever is wrong there: it is not asked as fast as it answers. */
static void test_a_server_that_always_forgets(void **state)
{
    fixture *it = *state;
    listener worker;
    overheard log;
    cleat__remote_settings settings = mock_settings(&it->engine);
    settings.reconnect_ms = settings.reconnect_max_ms = 50;
    reopen(it, settings);
    mock_fail(&it->engine, MOCK_LISTEN, CLEAT_NOT_FOUND, "no such worker", -1);
    int64_t began_ns = cleat__clock_monotonic_ns(NULL);
    listener_add(&worker, it->transport);
    mock_wait(&it->engine, MOCK_REGISTER, 6); /* the first, two at once, and three later */
    assert_true(cleat__clock_monotonic_ns(NULL) - began_ns >= 3 * 50 * CLEAT__NS_PER_MS);
    overhear(&log, "does not register worker Packer: INVALID_ARGUMENT too many labels");
    mock_fail(&it->engine, MOCK_REGISTER, CLEAT_INVALID_ARGUMENT, "too many labels", -1);
    gate_wait(&log.lines, 1);
    listener_remove(&worker, it->transport);
    (void)overheard_end(&log);
}

static void test_an_old_server(void **state)
{
    fixture *it = *state;
    listener worker;
    mock_fail(&it->engine, MOCK_LISTEN, CLEAT_UNSUPPORTED, NULL, -1);
    mock_fail(&it->engine, MOCK_HEARTBEAT, CLEAT_UNSUPPORTED, NULL, -1);
    listener_add(&worker, it->transport);
    mock_wait(&it->engine, MOCK_LISTEN_OLD, 1);
    mock_wait(&it->engine, MOCK_HEARTBEAT, 1);
    listener_remove(&worker, it->transport);
    assert_int_equal(mock_count(&it->engine, MOCK_LISTEN), 1);
}

static void test_a_paused_worker_listens_no_more(void **state)
{
    fixture *it = *state;
    listener worker;
    as_hatchet(it);
    listener_add(&worker, it->transport);
    assign(it, 1, 0, "a:b");
    gate_wait(&worker.assigned, 1);
    assert_ok(it->transport->worker_pause(it->transport, &worker.id));
    gate_wait(&it->engine.slots[MOCK_LISTEN].ended, 1);
    int heartbeats = mock_count(&it->engine, MOCK_HEARTBEAT);
    mock_fail(&it->engine, MOCK_HEARTBEAT, CLEAT_FAILED_PRECONDITION, "inactive", -1);
    mock_wait(&it->engine, MOCK_HEARTBEAT, heartbeats + 3); /* for what it still runs */
    assert_ok(report(it, 1, 0, CLEAT_OK, "1"));
    assert_event(it, 0, COMPLETED, "1");
    listener_remove(&worker, it->transport);
    assert_int_equal(mock_count(&it->engine, MOCK_LISTEN), 1);
    assert_int_equal(mock_count(&it->engine, MOCK_REGISTER), 1);
}

/* A server that can be told goes on saying what is cancelled. */
static void test_a_paused_worker_hears_of_cancellations(void **state)
{
    fixture *it = *state;
    listener worker;
    http_sink *http = http_sink_start();
    cleat__remote_settings settings = mock_settings(&it->engine);
    const http_answer answer = {.status = 200, .body = cleat_slice_of("{}")};
    http_sink_answer(http, &answer, 1);
    cleat__free(settings.api_url);
    settings.api_url = cleat__strdup(http_sink_url(http, ""));
    reopen(it, settings);
    listener_add(&worker, it->transport);
    assign(it, 1, 0, "a:b");
    gate_wait(&worker.assigned, 1);
    assert_ok(it->transport->worker_pause(it->transport, &worker.id));
    http_request said = http_sink_request(http, 0);
    static const char line[] = "PATCH /api/v1/workers/" MOCK_WORKER_ID " HTTP/1.1\r\n";
    assert_int_equal(strncmp(said.head, line, sizeof(line) - 1), 0);
    assert_true(cleat_slice_equals(said.body, cleat_slice_of("{\"isPaused\":true}")));
    mock_end(&it->engine, MOCK_LISTEN, CLEAT_UNAVAILABLE, NULL); /* and after an outage still */
    mock_wait(&it->engine, MOCK_LISTEN, 2);
    cancel(it, 1, 0);
    gate_wait(&worker.cancelled, 1);
    assign(it, 2, 0, "a:b"); /* that had been on the way */
    assert_event(it, 0, RELEASED, "");
    assert_int_equal(worker.assigned.count, 1);
    listener_remove(&worker, it->transport);
    http_sink_stop(http);
}

/* An answer to a heartbeat of the worker that was says nothing against the one that is. */
static void test_a_heartbeat_that_is_late(void **state)
{
    fixture *it = *state;
    listener worker;
    mock_be_silent(&it->engine, MOCK_HEARTBEAT, true);
    listener_add(&worker, it->transport);
    mock_wait(&it->engine, MOCK_HEARTBEAT, 1);
    mock_wait(&it->engine, MOCK_LISTEN, 1);
    mock_fail(&it->engine, MOCK_LISTEN, CLEAT_NOT_FOUND, "no such worker", 1);
    mock_end(&it->engine, MOCK_LISTEN, CLEAT_UNAVAILABLE, NULL);
    mock_wait(&it->engine, MOCK_REGISTER, 2);
    gate_wait(&it->engine.slots[MOCK_HEARTBEAT].ended, 1); /* nobody wants its answer */
    mock_be_silent(&it->engine, MOCK_HEARTBEAT, false);
    mock_wait(&it->engine, MOCK_LISTEN, 3);
    assign(it, 1, 0, "a:b");
    gate_wait(&worker.assigned, 1);
    assert_int_equal(mock_count(&it->engine, MOCK_REGISTER), 2);
    listener_remove(&worker, it->transport);
}

static void test_a_token_that_was_revoked(void **state)
{
    fixture *it = *state;
    listener worker;
    mock_fail(&it->engine, MOCK_LISTEN, CLEAT_UNAUTHENTICATED, "revoked", -1);
    listener_add(&worker, it->transport);
    gate_wait(&worker.lost, 1);
    assert_int_equal(worker.lost_status, CLEAT_UNAUTHENTICATED);
    int listens = mock_count(&it->engine, MOCK_LISTEN);
    mock_wait(&it->engine, MOCK_HEARTBEAT, mock_count(&it->engine, MOCK_HEARTBEAT) + 3);
    assert_int_equal(mock_count(&it->engine, MOCK_LISTEN), listens);
    listener_remove(&worker, it->transport);
}

/* ---- Assignments ---- */

static void test_assignment(void **state)
{
    fixture *it = *state;
    listener worker;
    as_hatchet(it);
    listener_add(&worker, it->transport);
    assign(it, 7, 3, "a:b");
    gate_wait(&worker.assigned, 1);
    const cleat__assignment *assignment = worker.held[0];
    assert_int_equal(assignment->task_id.bytes[15], 7);
    assert_int_equal(assignment->retry_count, 3);
    assert_string_equal(assignment->task.data, "a:b");
    assert_string_equal(assignment->input.data, "{\"n\":1}");
    assert_string_equal(assignment->metadata.data, "{\"k\":2}");
    /* Nothing has begun yet. */
    assert_int_equal(mock_count(&it->engine, MOCK_EVENT), 0);
    it->transport->begin(it->transport, &assignment->task_id, 3);
    Cleat__StepActionEvent *event = event_at(it, 0);
    assert_int_equal(event->event_type, STARTED);
    assert_string_equal(event->event_payload, "\"\"");
    assert_string_equal(event->worker_id, MOCK_WORKER_ID);
    assert_string_equal(event->action_id, "a:b");
    assert_string_equal(event->task_id, STEP_ID);
    assert_int_equal(event->retry_count, 3);
    cleat__message_free(event);
    listener_remove(&worker, it->transport);
}

/* A server that is not sure whether something came says it again. */
static void test_what_is_assigned_again(void **state)
{
    fixture *it = *state;
    listener worker;
    listener_add(&worker, it->transport);
    assign(it, 1, 0, "a:b");
    assign(it, 1, 0, "a:b");
    assign(it, 2, 0, "a:b");
    gate_wait(&worker.assigned, 2);
    assert_int_equal(worker.held[1]->task_id.bytes[15], 2);
    mock_be_silent(&it->engine, MOCK_EVENT, true);
    assert_ok(report(it, 1, 0, CLEAT_OK, "1"));
    mock_wait(&it->engine, MOCK_EVENT, 1); /* and has no answer yet */
    assign(it, 1, 0, "a:b");
    assign(it, 1, 1, "a:b"); /* another attempt */
    gate_wait(&worker.assigned, 3);
    assert_int_equal(worker.held[2]->task_id.bytes[15], 1);
    assert_int_equal(worker.held[2]->retry_count, 1);
    mock_be_silent(&it->engine, MOCK_EVENT, false);
    mock_end(&it->engine, MOCK_EVENT, CLEAT_UNAVAILABLE, "away");
    listener_remove(&worker, it->transport);
}

/* It may come back at once, before anybody knows that it has arrived. */
static void test_what_was_released_comes_back(void **state)
{
    fixture *it = *state;
    listener worker;
    listener_add(&worker, it->transport);
    assign(it, 1, 0, "a:b");
    gate_wait(&worker.assigned, 1);
    mock_be_silent(&it->engine, MOCK_EVENT, true);
    assert_ok(report(it, 1, 0, CLEAT_UNAVAILABLE, NULL));
    mock_wait(&it->engine, MOCK_EVENT, 1);
    assign(it, 1, 0, "a:b");
    gate_wait(&worker.assigned, 2);
    mock_be_silent(&it->engine, MOCK_EVENT, false);
    mock_end(&it->engine, MOCK_EVENT, CLEAT_UNAVAILABLE, "away");
    listener_remove(&worker, it->transport);
}

/* What had not been begun is nothing any more: its worker has nothing to give back. */
static void test_cancellation_of_what_was_not_begun(void **state)
{
    fixture *it = *state;
    listener worker;
    listener_add(&worker, it->transport);
    worker.begins_nothing = true;
    assign(it, 1, 0, "a:b");
    gate_wait(&worker.assigned, 1);
    cancel(it, 1, 0);
    gate_wait(&worker.cancelled, 1);
    listener_remove(&worker, it->transport);
    assert_int_equal(mock_count(&it->engine, MOCK_EVENT), 0);
}

static void test_cancellation(void **state)
{
    fixture *it = *state;
    listener worker;
    const cleat__action_details details = {.priority = 1};
    cleat__uuid id = uuid_of(MOCK_RUN_ID);
    listener_add(&worker, it->transport);
    Cleat__AssignedAction *action = cleat__cancellation_write(&id, 2, cleat_slice_of("a:b"), &details);
    mock_send(&it->engine, MOCK_LISTEN, action);
    cleat__message_free(action);
    gate_wait(&worker.cancelled, 1);
    assert_true(cleat__uuid_equals(&worker.cancelled_id, &id));
    assert_int_equal(worker.cancelled_retry_count, 2);
    listener_remove(&worker, it->transport);
}

/* An action that cannot be read fails, so that nobody waits for its timeout. */
static void test_an_action_that_is_damaged(void **state)
{
    fixture *it = *state;
    listener worker;
    listener_add(&worker, it->transport);
    Cleat__AssignedAction *action = action_of(1, 0, "a:b");
    action->action_payload[0] = '?';
    mock_send(&it->engine, MOCK_LISTEN, action);
    action->task_run_external_id[0] = '?'; /* not even whose it is */
    mock_send(&it->engine, MOCK_LISTEN, action);
    action->action_type = (Cleat__ActionType)77;
    mock_send(&it->engine, MOCK_LISTEN, action);
    cleat__message_free(action);
    Cleat__StepActionEvent *event = event_at(it, 0);
    assert_int_equal(event->event_type, FAILED);
    assert_true(event->should_not_retry);
    assert_non_null(strstr(event->event_payload, "action_payload"));
    cleat__message_free(event);
    assign(it, 2, 0, "a:b"); /* the stream goes on */
    gate_wait(&worker.assigned, 1);
    assert_int_equal(worker.held[0]->task_id.bytes[15], 2);
    listener_remove(&worker, it->transport);
}

typedef struct shipper {
    cleat__transport *transport;
    gate shipped;
} shipper;

/* It sends what is logged to the server. */
static void on_log(void *user_data, cleat_log_level level, const char *message)
{
    shipper *it = user_data;
    const cleat__log_line line = {
        .task_id = uuid_of(MOCK_RUN_ID), .level = level, .message = cleat_slice_of(message)};
    assert_ok(it->transport->log(it->transport, &line));
    gate_add(&it->shipped);
}

static void test_a_log_handler_may_use_the_client(void **state)
{
    fixture *it = *state;
    listener worker;
    shipper ships = {.transport = it->transport};
    gate_init(&ships.shipped);
    cleat_log_set_handler(on_log, &ships, CLEAT_LOG_WARN);
    listener_add(&worker, it->transport);
    Cleat__AssignedAction *action = action_of(1, 0, "a:b");
    action->action_payload[0] = '?';
    mock_send(&it->engine, MOCK_LISTEN, action);
    cleat__message_free(action);
    gate_wait(&ships.shipped, 1);
    cleat_log_set_handler(NULL, NULL, CLEAT_LOG_WARN);
    Cleat__PutLogRequest *said = mock_message(&it->engine, MOCK_LOG, 0);
    assert_non_null(strstr(said->message, "action_payload"));
    cleat__message_free(said);
    listener_remove(&worker, it->transport);
    gate_deinit(&ships.shipped);
}

static void test_namespace(void **state)
{
    fixture *it = *state;
    listener worker;
    cleat__remote_settings settings = mock_settings(&it->engine);
    cleat__free(settings.prefix);
    settings.prefix = cleat__strdup("acme_");
    reopen(it, settings);
    listener_add(&worker, it->transport);
    Cleat__WorkerRegisterRequest *said = mock_message(&it->engine, MOCK_REGISTER, 0);
    assert_string_equal(said->worker_name, "acme_Packer");
    assert_string_equal(said->actions[0], "acme_a:b");
    cleat__message_free(said);
    assign(it, 1, 0, "acme_c:c");
    gate_wait(&worker.assigned, 1);
    assert_string_equal(worker.held[0]->task.data, "c:c");
    assert_int_equal(worker.held[0]->task.size, 3);
    assert_ok(report(it, 1, 0, CLEAT_OK, "1"));
    Cleat__StepActionEvent *event = event_at(it, 0);
    assert_string_equal(event->action_id, "acme_c:c");
    cleat__message_free(event);
    listener_remove(&worker, it->transport);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_registration),
        TEST(test_heartbeats),
        TEST(test_the_stream_is_opened_again),
        TEST(test_a_forgotten_worker_registers_anew),
        TEST(test_a_server_that_always_forgets),
        TEST(test_an_old_server),
        TEST(test_a_paused_worker_listens_no_more),
        TEST(test_a_paused_worker_hears_of_cancellations),
        TEST(test_a_heartbeat_that_is_late),
        TEST(test_a_token_that_was_revoked),
        TEST(test_assignment),
        TEST(test_what_is_assigned_again),
        TEST(test_what_was_released_comes_back),
        TEST(test_cancellation_of_what_was_not_begun),
        TEST(test_cancellation),
        TEST(test_an_action_that_is_damaged),
        TEST(test_a_log_handler_may_use_the_client),
        TEST(test_namespace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
