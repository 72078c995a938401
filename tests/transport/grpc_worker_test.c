/* The transport over gRPC: workers. */
#include "transport/grpc_test.h"

#include "wire/assignment.h"

enum { HELD_MAX = 64 };

/* ---- A worker that keeps what it is sent ---- */

typedef struct listener {
    gate assigned, cancelled;
    cleat__assignment *held[HELD_MAX]; /* under assigned.mutex */
    cleat__uuid cancelled_id;          /* under cancelled.mutex */
    int32_t cancelled_retry_count;
    cleat__uuid id;
} listener;

static void on_assign(void *self, cleat__assignment *list)
{
    listener *it = self;
    pthread_mutex_lock(&it->assigned.mutex);
    it->held[it->assigned.count] = list; /* one at a time */
    pthread_mutex_unlock(&it->assigned.mutex);
    gate_add(&it->assigned);
}

static void on_cancel(void *self, const cleat__uuid *task_id, int32_t retry_count)
{
    listener *it = self;
    pthread_mutex_lock(&it->cancelled.mutex);
    it->cancelled_id = *task_id;
    it->cancelled_retry_count = retry_count;
    pthread_mutex_unlock(&it->cancelled.mutex);
    gate_add(&it->cancelled);
}

static void listener_add(listener *it, cleat__transport *transport)
{
    memset(it, 0, sizeof(*it));
    gate_init(&it->assigned);
    gate_init(&it->cancelled);
    const cleat__transport_sink sink = {it, on_assign, on_cancel};
    const cleat_slice actions[] = {cleat_slice_of("a:b"), cleat_slice_of("c:c")};
    const cleat__slots slots[] = {{cleat_slice_of("default"), 5}, {cleat_slice_of("gpu"), 1}};
    const cleat__label label = {.key = cleat_slice_of("region"), .value = {.text = cleat_slice_of("north")}};
    const cleat__worker_spec spec = {.name = cleat_slice_of("Packer"),
                                     .actions = actions,
                                     .action_count = 2,
                                     .slots = slots,
                                     .slot_count = 2,
                                     .labels = &label,
                                     .label_count = 1};
    assert_ok(transport->worker_add(transport, &spec, &sink, &it->id));
}

static void listener_deinit(listener *it)
{
    for (int i = 0; i < it->assigned.count; i++) {
        cleat__free(it->held[i]);
    }
    gate_deinit(&it->assigned);
    gate_deinit(&it->cancelled);
}

static void listener_remove(listener *it, cleat__transport *transport)
{
    assert_ok(transport->worker_remove(transport, &it->id));
    listener_deinit(it);
}

#define STEP_ID "01890000-0000-7000-8000-0000000000bb"

/* A run number `number` for the worker. */
static Cleat__AssignedAction *action_of(uint8_t number, int32_t retry_count, const char *action_id)
{
    const cleat__action_details details = {
        .tenant_id = cleat_slice_of("t"), .step_id = cleat_slice_of(STEP_ID), .priority = 1};
    cleat__assignment assignment = {.task_id = uuid_of(MOCK_RUN_ID),
                                    .retry_count = retry_count,
                                    .task = cleat_slice_of(action_id),
                                    .input = cleat_slice_of("{\"n\":1}"),
                                    .metadata = cleat_slice_of("{\"k\":2}")};
    assignment.task_id.bytes[15] = number;
    Cleat__AssignedAction *action = cleat__assignment_write(&assignment, &details);
    assert_non_null(action);
    return action;
}

static void assign(fixture *it, uint8_t number, int32_t retry_count, const char *action_id)
{
    Cleat__AssignedAction *action = action_of(number, retry_count, action_id);
    mock_send(&it->engine, MOCK_LISTEN, action);
    cleat__message_free(action);
}

static cleat_status report(fixture *it, uint8_t number, int32_t retry_count, cleat_status status,
                           const char *text)
{
    cleat__report said = {.task_id = uuid_of(MOCK_RUN_ID), .retry_count = retry_count, .status = status};
    said.task_id.bytes[15] = number;
    *(status == CLEAT_OK ? &said.output : &said.error) = cleat_slice_of(text);
    return it->transport->report(it->transport, &said);
}

/* An event of the worker; to be freed. */
static Cleat__StepActionEvent *event_at(fixture *it, int index)
{
    return mock_message(&it->engine, MOCK_EVENT, index);
}

static void assert_event(fixture *it, int index, int type, const char *payload)
{
    Cleat__StepActionEvent *event = event_at(it, index);
    assert_int_equal(event->event_type, type);
    assert_string_equal(event->event_payload, payload);
    cleat__message_free(event);
}

enum { STARTED = 1, COMPLETED = 2, FAILED = 3, RELEASED = 100 };

/* A server that is told when an attempt begins. */
static void as_hatchet(fixture *it)
{
    it->engine.version = "v0.83.0";
    reopen(it, mock_settings(&it->engine));
}

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
    assert_failed(it->transport->worker_heartbeat(it->transport, &id), CLEAT_NOT_FOUND, MOCK_WORKER_ID);
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
    mock_wait(&it->engine, MOCK_HEARTBEAT, heartbeats + 3); /* what it runs is its own */
    assert_ok(report(it, 1, 0, CLEAT_OK, "1"));
    assert_event(it, 1, COMPLETED, "1");
    listener_remove(&worker, it->transport);
    assert_int_equal(mock_count(&it->engine, MOCK_LISTEN), 1);
    assert_int_equal(mock_count(&it->engine, MOCK_REGISTER), 1);
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

/* ---- Reports ---- */

static void test_reports(void **state)
{
    fixture *it = *state;
    listener worker;
    as_hatchet(it);
    listener_add(&worker, it->transport);
    assign(it, 1, 4, "a:b");
    gate_wait(&worker.assigned, 1);
    assert_ok(report(it, 1, 4, CLEAT_OK, "{\"done\":true}"));
    Cleat__StepActionEvent *event = event_at(it, 1);
    assert_int_equal(event->event_type, COMPLETED);
    assert_string_equal(event->event_payload, "{\"done\":true}");
    assert_string_equal(event->worker_id, MOCK_WORKER_ID);
    assert_string_equal(event->action_id, "a:b");
    assert_string_equal(event->task_id, STEP_ID);
    assert_int_equal(event->retry_count, 4);
    assert_false(event->should_not_retry);
    cleat__message_free(event);
    assert_ok(report(it, 2, 0, CLEAT_FAILED, "no luck"));
    assert_event(it, 2, FAILED, "{\"message\":\"no luck\"}");
    assert_ok(report(it, 3, 0, CLEAT_NON_RETRYABLE, "bad input"));
    event = event_at(it, 3);
    assert_int_equal(event->event_type, FAILED);
    assert_true(event->should_not_retry);
    cleat__message_free(event);
    listener_remove(&worker, it->transport);
}

static void test_never_begun(void **state)
{
    fixture *it = *state;
    assert_ok(report(it, 1, 0, CLEAT_UNAVAILABLE, NULL));
    assert_event(it, 0, RELEASED, "");
    it->engine.version = "v0.83.0"; /* one that does not know the word */
    reopen(it, mock_settings(&it->engine));
    assert_ok(report(it, 1, 0, CLEAT_UNAVAILABLE, NULL));
    Cleat__StepActionEvent *event = event_at(it, 1);
    assert_int_equal(event->event_type, FAILED);
    assert_false(event->should_not_retry);
    cleat__message_free(event);
}

/* What a worker leaves behind goes to another. */
static void test_a_worker_that_leaves(void **state)
{
    fixture *it = *state;
    listener worker;
    listener_add(&worker, it->transport);
    assign(it, 1, 0, "a:b");
    assign(it, 2, 3, "a:b");
    gate_wait(&worker.assigned, 2);
    assert_ok(report(it, 1, 0, CLEAT_OK, "1"));
    listener_remove(&worker, it->transport);
    assert_int_equal(mock_count(&it->engine, MOCK_EVENT), 2);
    Cleat__StepActionEvent *event = event_at(it, 1);
    if ((int)event->event_type == COMPLETED) { /* they are under way together */
        cleat__message_free(event);
        event = event_at(it, 0);
    }
    assert_int_equal(event->event_type, RELEASED);
    assert_int_equal(event->retry_count, 3);
    assert_string_equal(event->worker_id, MOCK_WORKER_ID);
    cleat__message_free(event);
}

/* Reports arrive however long the server is away, and first those that were first. */
static void test_reports_arrive(void **state)
{
    fixture *it = *state;
    mock_fail(&it->engine, MOCK_EVENT, CLEAT_UNAVAILABLE, "away", 12);
    assert_ok(report(it, 1, 0, CLEAT_OK, "1"));
    mock_wait(&it->engine, MOCK_EVENT, 13);
    assert_event(it, 12, COMPLETED, "1");
    mock_be_silent(&it->engine, MOCK_EVENT, true);
    assert_ok(report(it, 2, 0, CLEAT_OK, "2"));
    mock_wait(&it->engine, MOCK_EVENT, 14);
    mock_be_silent(&it->engine, MOCK_EVENT, false);
    mock_end(&it->engine, MOCK_EVENT, CLEAT_UNAVAILABLE, "away");
    assert_event(it, 14, COMPLETED, "2");
}

static void test_a_report_that_is_refused_is_given_up(void **state)
{
    fixture *it = *state;
    mock_fail(&it->engine, MOCK_EVENT, CLEAT_NOT_FOUND, "no such run", 1);
    assert_ok(report(it, 1, 0, CLEAT_OK, "1"));
    mock_wait(&it->engine, MOCK_EVENT, 1);
    assert_ok(report(it, 2, 0, CLEAT_OK, "2"));
    assert_event(it, 1, COMPLETED, "2");
}

static void test_an_output_that_is_too_large(void **state)
{
    enum { SIZE = 5000 };
    fixture *it = *state;
    char *output = malloc(SIZE + 1);
    cleat__remote_settings settings = mock_settings(&it->engine);
    settings.max_send_size = 4096;
    reopen(it, settings);
    memset(output, '1', SIZE);
    output[SIZE] = '\0';
    assert_ok(report(it, 1, 0, CLEAT_OK, output));
    Cleat__StepActionEvent *event = event_at(it, 0);
    assert_int_equal(event->event_type, FAILED);
    assert_true(event->should_not_retry);
    assert_non_null(strstr(event->event_payload, "output is too large"));
    cleat__message_free(event);
    free(output);
}

/* The server must know what a worker has done before it is gone. */
static void test_reports_before_the_end(void **state)
{
    fixture *it = *state;
    listener worker;
    listener_add(&worker, it->transport);
    mock_fail(&it->engine, MOCK_EVENT, CLEAT_UNAVAILABLE, "away", 3);
    for (uint8_t i = 0; i < 10; i++) {
        assert_ok(report(it, i, 0, CLEAT_OK, "1"));
    }
    listener_remove(&worker, it->transport);
    int events = mock_count(&it->engine, MOCK_EVENT);
    assert_int_equal(events, 13);
    assert_ok(report(it, 99, 0, CLEAT_OK, "1"));
    it->transport->free(it->transport);
    it->transport = NULL;
    assert_int_equal(mock_count(&it->engine, MOCK_EVENT), events + 1);
}

/* ---- Log lines ---- */

static void test_log(void **state)
{
    fixture *it = *state;
    const cleat__log_line line = {.task_id = uuid_of(MOCK_RUN_ID),
                                  .retry_count = 1,
                                  .level = CLEAT_LOG_WARN,
                                  .time_ms = 1500,
                                  .message = cleat_slice_of("half way")};
    assert_ok(it->transport->log(it->transport, &line));
    Cleat__PutLogRequest *said = mock_message(&it->engine, MOCK_LOG, 0);
    assert_string_equal(said->task_run_external_id, MOCK_RUN_ID);
    assert_string_equal(said->message, "half way");
    assert_string_equal(said->level, "WARN");
    assert_int_equal(said->task_retry_count, 1);
    cleat__message_free(said);
}

/* A task does not wait for its log, nor fail for it. */
static void test_a_log_that_is_stuck(void **state)
{
    fixture *it = *state;
    const cleat__log_line line = {
        .task_id = uuid_of(MOCK_RUN_ID), .level = CLEAT_LOG_INFO, .message = cleat_slice_of("line")};
    cleat__remote_settings settings = mock_settings(&it->engine);
    settings.flush_ms = 20;
    reopen(it, settings);
    mock_be_silent(&it->engine, MOCK_LOG, true);
    for (int i = 0; i < 1500; i++) {
        assert_ok(it->transport->log(it->transport, &line));
    }
    mock_wait(&it->engine, MOCK_LOG, 8);
    assert_ok(report(it, 1, 0, CLEAT_OK, "1"));
    assert_event(it, 0, COMPLETED, "1");
    assert_int_equal(mock_count(&it->engine, MOCK_LOG), 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_registration),
        TEST(test_heartbeats),
        TEST(test_the_stream_is_opened_again),
        TEST(test_a_forgotten_worker_registers_anew),
        TEST(test_an_old_server),
        TEST(test_a_paused_worker_listens_no_more),
        TEST(test_assignment),
        TEST(test_what_is_assigned_again),
        TEST(test_what_was_released_comes_back),
        TEST(test_cancellation),
        TEST(test_an_action_that_is_damaged),
        TEST(test_namespace),
        TEST(test_reports),
        TEST(test_never_begun),
        TEST(test_a_worker_that_leaves),
        TEST(test_reports_arrive),
        TEST(test_a_report_that_is_refused_is_given_up),
        TEST(test_an_output_that_is_too_large),
        TEST(test_reports_before_the_end),
        TEST(test_log),
        TEST(test_a_log_that_is_stuck),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
