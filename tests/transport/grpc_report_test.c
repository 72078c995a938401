/* The transport over gRPC: what workers say, reports and log lines. */
#include "support/overheard.h"
#include "transport/grpc_listener.h"

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
    Cleat__StepActionEvent *event = event_at(it, 0);
    assert_int_equal(event->event_type, COMPLETED);
    assert_string_equal(event->event_payload, "{\"done\":true}");
    assert_string_equal(event->worker_id, MOCK_WORKER_ID);
    assert_string_equal(event->action_id, "a:b");
    assert_string_equal(event->task_id, STEP_ID);
    assert_int_equal(event->retry_count, 4);
    assert_false(event->should_not_retry);
    cleat__message_free(event);
    assert_ok(report(it, 2, 0, CLEAT_FAILED, "no luck"));
    assert_event(it, 1, FAILED, "{\"message\":\"no luck\"}");
    assert_ok(report(it, 3, 0, CLEAT_NON_RETRYABLE, "bad input"));
    event = event_at(it, 2);
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
    /* A server that does not know the word would take it for a failure: it hears nothing. */
    as_hatchet(it);
    assert_ok(report(it, 1, 0, CLEAT_UNAVAILABLE, NULL));
    assert_ok(report(it, 2, 0, CLEAT_OK, "2"));
    assert_event(it, 1, COMPLETED, "2");
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

/* Nor do they get lost because a server has a bad day. */
static void test_reports_outlive_what_befalls_a_server(void **state)
{
    fixture *it = *state;
    static const cleat_status statuses[] = {CLEAT_IO, CLEAT_CORRUPT, CLEAT_CANCELLED, CLEAT_FAILED,
                                            CLEAT_UNAUTHENTICATED};
    int events = 0;
    for (uint8_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        int failures = i == 0 ? 25 : 2; /* however long it takes */
        mock_fail(&it->engine, MOCK_EVENT, statuses[i], "bad day", failures);
        assert_ok(report(it, i, 0, CLEAT_OK, "1"));
        events += failures + 1;
        mock_wait(&it->engine, MOCK_EVENT, events);
        assert_event(it, events - 1, COMPLETED, "1");
    }
}

/* But one that is refused again and again while others are taken is to blame itself. */
static void test_a_report_that_alone_is_refused(void **state)
{
    fixture *it = *state;
    overheard log;
    overhear(&log, "does not take a report");
    mock_fail_part(&it->engine, MOCK_EVENT, CLEAT_IO, "poison");
    assert_ok(report(it, 1, 0, CLEAT_OK, "\"poison\""));
    for (int i = 0; i < 5000 && gate_count(&log.lines) == 0; i++) {
        int events = mock_count(&it->engine, MOCK_EVENT);
        assert_ok(report(it, 2, 0, CLEAT_OK, "1"));
        mock_wait(&it->engine, MOCK_EVENT, events + 1);
    }
    gate_wait(&log.lines, 1);
    (void)overheard_end(&log);
    assert_true(mock_count(&it->engine, MOCK_EVENT) >= 20);
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

/* The limit of the server may be below this client's. */
static void test_an_output_that_is_too_large_for_the_server(void **state)
{
    fixture *it = *state;
    char output[2001];
    memset(output, '"', sizeof(output) - 1);
    memset(output + 1, '1', sizeof(output) - 3);
    output[sizeof(output) - 1] = '\0';
    mock_fail(&it->engine, MOCK_EVENT, CLEAT_RESOURCE_EXHAUSTED,
              "grpc: received message larger than max (2100 vs. 1000)", 1);
    assert_ok(report(it, 1, 3, CLEAT_OK, output));
    Cleat__StepActionEvent *event = event_at(it, 1);
    assert_int_equal(event->event_type, FAILED);
    assert_int_equal(event->retry_count, 3);
    assert_true(event->should_not_retry);
    assert_non_null(strstr(event->event_payload, "output is too large"));
    cleat__message_free(event);
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

typedef struct leaving {
    fixture *it;
    listener worker;
} leaving;

static void *leave(void *argument)
{
    leaving *self = argument;
    assert_ok(self->it->transport->worker_remove(self->it->transport, &self->worker.id));
    return NULL;
}

/* And no longer than for those: others of the same client may report for ever. */
static void test_a_worker_leaves_while_others_report(void **state)
{
    fixture *it = *state;
    leaving self = {.it = it};
    pthread_t thread;
    cleat__remote_settings settings = mock_settings(&it->engine);
    settings.flush_ms = settings.call_timeout_ms = 3600000;
    reopen(it, settings);
    listener_add(&self.worker, it->transport);
    assign(it, 1, 0, "a:b");
    gate_wait(&self.worker.assigned, 1);
    mock_be_silent(&it->engine, MOCK_EVENT, true);
    assert_int_equal(pthread_create(&thread, NULL, leave, &self), 0);
    mock_wait(&it->engine, MOCK_EVENT, 1); /* what it gives back */
    assert_ok(report(it, 2, 0, CLEAT_OK, "another's"));
    mock_wait(&it->engine, MOCK_EVENT, 2);
    mock_end_oldest(&it->engine, MOCK_EVENT, CLEAT_NOT_FOUND, "no such run");
    pthread_join(thread, NULL);
    assert_int_equal(mock_count(&it->engine, MOCK_UNSUBSCRIBE), 1);
    mock_be_silent(&it->engine, MOCK_EVENT, false);
    mock_end(&it->engine, MOCK_EVENT, CLEAT_UNAVAILABLE, "away");
    listener_deinit(&self.worker);
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

/* A task does not wait for its log. */
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
        cleat_status status = it->transport->log(it->transport, &line);
        assert_int_equal(status, i < 1000 ? CLEAT_OK : CLEAT_RESOURCE_EXHAUSTED);
    }
    mock_wait(&it->engine, MOCK_LOG, 8);
    assert_ok(report(it, 1, 0, CLEAT_OK, "1"));
    assert_event(it, 0, COMPLETED, "1");
    assert_int_equal(mock_count(&it->engine, MOCK_LOG), 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_reports),
        TEST(test_never_begun),
        TEST(test_a_worker_that_leaves),
        TEST(test_reports_arrive),
        TEST(test_reports_outlive_what_befalls_a_server),
        TEST(test_a_report_that_alone_is_refused),
        TEST(test_a_report_that_is_refused_is_given_up),
        TEST(test_an_output_that_is_too_large),
        TEST(test_an_output_that_is_too_large_for_the_server),
        TEST(test_reports_before_the_end),
        TEST(test_a_worker_leaves_while_others_report),
        TEST(test_log),
        TEST(test_a_log_that_is_stuck),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
