/* The transport over gRPC: waiting for the end of runs. */
#include "transport/grpc_test.h"

static void send_result(fixture *it, const char *id, const char *output, const char *error)
{
    Cleat__WorkflowRunEvent event = CLEAT__WORKFLOW_RUN_EVENT__INIT;
    Cleat__StepRunResult result = CLEAT__STEP_RUN_RESULT__INIT, *results[] = {&result};
    event.workflow_run_id = (char *)(uintptr_t)id;
    event.results = results;
    event.n_results = 1;
    if (output != NULL) {
        result.has_output_case = CLEAT__STEP_RUN_RESULT__HAS_OUTPUT_OUTPUT;
        result.output = (char *)(uintptr_t)output;
    }
    if (error != NULL) {
        result.has_error_case = CLEAT__STEP_RUN_RESULT__HAS_ERROR_ERROR;
        result.error = (char *)(uintptr_t)error;
    }
    mock_send(&it->engine, MOCK_SUBSCRIBE, &event);
}

/* A thread that waits for a run. */
typedef struct waiting {
    pthread_t thread;
    fixture *it;
    cleat__uuid id;
    int64_t timeout_ms;
    cleat_status status;
    cleat_run_result result;
    char text[256];
} waiting;

static void *wait_for_run(void *argument)
{
    waiting *self = argument;
    cleat__transport *transport = self->it->transport;
    self->status = transport->wait(transport, &self->id, self->timeout_ms, &self->result);
    snprintf(self->text, sizeof(self->text), "%s", cleat_error_message());
    return NULL;
}

static void begin(waiting *self, fixture *it, const char *id)
{
    *self = (waiting){.it = it, .id = uuid_of(id), .timeout_ms = -1};
    assert_int_equal(pthread_create(&self->thread, NULL, wait_for_run, self), 0);
}

static void assert_asked(fixture *it, int index, const char *id)
{
    Cleat__SubscribeToWorkflowRunsRequest *said = mock_message(&it->engine, MOCK_SUBSCRIBE, index);
    assert_string_equal(said->workflow_run_id, id);
    cleat__message_free(said);
}

#define OTHER_ID "01890000-0000-7000-8000-000000000002"

static void test_results(void **state)
{
    fixture *it = *state;
    waiting first, second;
    begin(&first, it, MOCK_RUN_ID);
    assert_asked(it, 0, MOCK_RUN_ID);
    begin(&second, it, OTHER_ID);
    assert_asked(it, 1, OTHER_ID);
    send_result(it, OTHER_ID, NULL, "{\"message\":\"no luck\"}");
    pthread_join(second.thread, NULL);
    assert_int_equal(second.status, CLEAT_OK);
    assert_int_equal(second.result.status, CLEAT_RUN_FAILED);
    assert_string_equal(second.result.error, "no luck");
    send_result(it, MOCK_RUN_ID, "{\"n\":1}", NULL);
    pthread_join(first.thread, NULL);
    assert_int_equal(first.status, CLEAT_OK);
    assert_int_equal(first.result.status, CLEAT_RUN_COMPLETED);
    assert_string_equal(first.result.output, "{\"n\":1}");
    assert_string_equal(first.result.id.text, MOCK_RUN_ID);
    assert_int_equal(mock_count(&it->engine, MOCK_SUBSCRIBE), 2);
    cleat_run_result_deinit(&first.result);
    cleat_run_result_deinit(&second.result);
}

/* Two wait for one run, which is asked for once; one that comes later asks again. */
static void test_one_run_for_two(void **state)
{
    fixture *it = *state;
    waiting waits[2];
    begin(&waits[0], it, MOCK_RUN_ID);
    assert_asked(it, 0, MOCK_RUN_ID);
    begin(&waits[1], it, MOCK_RUN_ID);
    mock_wait(&it->engine, MOCK_DETAILS, 2); /* both are waiting */
    send_result(it, MOCK_RUN_ID, NULL, "");
    for (int i = 0; i < 2; i++) {
        pthread_join(waits[i].thread, NULL);
        assert_int_equal(waits[i].status, CLEAT_OK);
        assert_int_equal(waits[i].result.status, CLEAT_RUN_CANCELLED);
    }
    assert_int_equal(mock_count(&it->engine, MOCK_SUBSCRIBE), 1);
    begin(&waits[0], it, MOCK_RUN_ID);
    assert_asked(it, 1, MOCK_RUN_ID);
    send_result(it, MOCK_RUN_ID, "2", NULL);
    pthread_join(waits[0].thread, NULL);
    assert_string_equal(waits[0].result.output, "2");
    cleat_run_result_deinit(&waits[0].result);
}

static void test_the_stream_is_lost(void **state)
{
    fixture *it = *state;
    waiting wait;
    begin(&wait, it, MOCK_RUN_ID);
    assert_asked(it, 0, MOCK_RUN_ID);
    mock_fail(&it->engine, MOCK_SUBSCRIBE, CLEAT_UNAVAILABLE, "not yet", 3); /* the next streams */
    mock_end(&it->engine, MOCK_SUBSCRIBE, CLEAT_UNAVAILABLE, "going down");
    assert_asked(it, 1, MOCK_RUN_ID);
    send_result(it, MOCK_RUN_ID, "1", NULL);
    pthread_join(wait.thread, NULL);
    assert_int_equal(wait.status, CLEAT_OK);
    assert_string_equal(wait.result.output, "1");
    cleat_run_result_deinit(&wait.result);
}

static void test_timeouts(void **state)
{
    fixture *it = *state;
    cleat_run_result result = {0};
    cleat__uuid id = uuid_of(MOCK_RUN_ID);
    assert_refused(it->transport->wait(it->transport, &id, 0, &result), CLEAT_TIMEOUT, MOCK_RUN_ID);
    assert_refused(it->transport->wait(it->transport, &id, 10, &result), CLEAT_TIMEOUT, MOCK_RUN_ID);
    assert_null(result.output);
}

static void test_a_run_that_is_not_there(void **state)
{
    fixture *it = *state;
    cleat_run_result result = {0};
    cleat__uuid id = uuid_of(MOCK_RUN_ID);
    mock_fail(&it->engine, MOCK_DETAILS, CLEAT_NOT_FOUND, "no", -1);
    assert_refused(it->transport->wait(it->transport, &id, -1, &result), CLEAT_NOT_FOUND, MOCK_RUN_ID);
}

/* Some servers know a run only a while after they have given it its id. */
static void test_a_run_that_is_not_to_be_seen_yet(void **state)
{
    fixture *it = *state;
    waiting wait;
    it->engine.version = "v0.83.0";
    reopen(it, mock_settings(&it->engine));
    mock_fail(&it->engine, MOCK_DETAILS, CLEAT_NOT_FOUND, "no", -1);
    begin(&wait, it, MOCK_RUN_ID);
    mock_wait(&it->engine, MOCK_DETAILS, 1);
    send_result(it, MOCK_RUN_ID, "1", NULL);
    pthread_join(wait.thread, NULL);
    assert_int_equal(wait.status, CLEAT_OK);
    assert_string_equal(wait.result.output, "1");
    cleat_run_result_deinit(&wait.result);
}

/* It is not said to be still running while its result is on the way. */
static void test_a_result_that_comes_behind_the_question(void **state)
{
    fixture *it = *state;
    waiting wait = {.it = it, .id = uuid_of(MOCK_RUN_ID), .timeout_ms = 0};
    it->engine.is_run_done = true;
    assert_int_equal(pthread_create(&wait.thread, NULL, wait_for_run, &wait), 0);
    mock_wait(&it->engine, MOCK_DETAILS, 1);
    send_result(it, MOCK_RUN_ID, "1", NULL);
    pthread_join(wait.thread, NULL);
    assert_int_equal(wait.status, CLEAT_OK);
    assert_string_equal(wait.result.output, "1");
    cleat_run_result_deinit(&wait.result);
}

/* Nobody waits for the answer to a question that is answered already. */
static void test_a_question_that_is_not_answered(void **state)
{
    fixture *it = *state;
    waiting wait;
    mock_be_silent(&it->engine, MOCK_DETAILS, true);
    begin(&wait, it, MOCK_RUN_ID);
    mock_wait(&it->engine, MOCK_DETAILS, 1);
    int64_t asked_ns = cleat__clock_monotonic_ns(NULL);
    send_result(it, MOCK_RUN_ID, "1", NULL);
    pthread_join(wait.thread, NULL);
    assert_true(cleat__clock_monotonic_ns(NULL) - asked_ns < 20 * CLEAT__NS_PER_S); /* or it would be 30 */
    assert_int_equal(wait.status, CLEAT_OK);
    assert_string_equal(wait.result.output, "1");
    cleat_run_result_deinit(&wait.result);
}

/* What goes wrong once says nothing about the run. */
static void test_a_question_that_is_asked_again(void **state)
{
    fixture *it = *state;
    cleat_run_result result = {0};
    cleat__uuid id = uuid_of(MOCK_RUN_ID);
    waiting wait;
    mock_fail(&it->engine, MOCK_DETAILS, CLEAT_IO, "bad day", 12);
    begin(&wait, it, MOCK_RUN_ID);
    mock_wait(&it->engine, MOCK_DETAILS, 12);
    mock_fail(&it->engine, MOCK_DETAILS, CLEAT_NOT_FOUND, "no", -1);
    pthread_join(wait.thread, NULL);
    assert_int_equal(wait.status, CLEAT_NOT_FOUND);
    mock_fail(&it->engine, MOCK_DETAILS, CLEAT_UNAUTHENTICATED, "revoked", -1);
    assert_refused(it->transport->wait(it->transport, &id, -1, &result), CLEAT_UNAUTHENTICATED, "revoked");
}

static void test_who_waits_longest_is_asked_for_first(void **state)
{
    fixture *it = *state;
    waiting first, second;
    mock_fail(&it->engine, MOCK_SUBSCRIBE, CLEAT_UNAVAILABLE, "not yet", -1);
    begin(&first, it, MOCK_RUN_ID);
    mock_wait(&it->engine, MOCK_DETAILS, 1);
    begin(&second, it, OTHER_ID);
    mock_wait(&it->engine, MOCK_DETAILS, 2);
    mock_fail(&it->engine, MOCK_SUBSCRIBE, CLEAT_UNAVAILABLE, NULL, 0);
    assert_asked(it, 0, MOCK_RUN_ID);
    assert_asked(it, 1, OTHER_ID);
    send_result(it, OTHER_ID, "2", NULL);
    send_result(it, MOCK_RUN_ID, "1", NULL);
    pthread_join(first.thread, NULL);
    pthread_join(second.thread, NULL);
    cleat_run_result_deinit(&first.result);
    cleat_run_result_deinit(&second.result);
}

static void test_results_that_are_too_large(void **state)
{
    fixture *it = *state;
    waiting wait;
    Cleat__WorkflowRunEvent event = CLEAT__WORKFLOW_RUN_EVENT__INIT;
    event.workflow_run_id = (char *)(uintptr_t)MOCK_RUN_ID;
    begin(&wait, it, MOCK_RUN_ID);
    mock_wait(&it->engine, MOCK_SUBSCRIBE, 1);
    mock_send(&it->engine, MOCK_SUBSCRIBE, &event);
    pthread_join(wait.thread, NULL);
    assert_int_equal(wait.status, CLEAT_TOO_LARGE);
    assert_non_null(strstr(wait.text, MOCK_RUN_ID));
}

/* Nobody waits for a server that will never answer. */
static void test_the_token_is_revoked(void **state)
{
    fixture *it = *state;
    waiting wait;
    mock_fail(&it->engine, MOCK_SUBSCRIBE, CLEAT_UNAUTHENTICATED, "revoked", -1);
    begin(&wait, it, MOCK_RUN_ID);
    pthread_join(wait.thread, NULL);
    assert_int_equal(wait.status, CLEAT_UNAUTHENTICATED);
    assert_non_null(strstr(wait.text, "revoked"));
}

static void test_what_is_no_result_is_passed_over(void **state)
{
    fixture *it = *state;
    waiting wait;
    begin(&wait, it, MOCK_RUN_ID);
    mock_wait(&it->engine, MOCK_SUBSCRIBE, 1);
    send_result(it, "nonsense", "1", NULL);
    send_result(it, OTHER_ID, "2", NULL); /* nobody asked */
    send_result(it, MOCK_RUN_ID, "3", NULL);
    pthread_join(wait.thread, NULL);
    assert_string_equal(wait.result.output, "3");
    cleat_run_result_deinit(&wait.result);
}

static void test_the_client_is_freed(void **state)
{
    fixture *it = *state;
    waiting wait;
    begin(&wait, it, MOCK_RUN_ID);
    mock_wait(&it->engine, MOCK_SUBSCRIBE, 1);
    it->transport->free(it->transport);
    it->transport = NULL;
    pthread_join(wait.thread, NULL);
    assert_int_equal(wait.status, CLEAT_UNAVAILABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_results),
        TEST(test_one_run_for_two),
        TEST(test_the_stream_is_lost),
        TEST(test_timeouts),
        TEST(test_a_run_that_is_not_there),
        TEST(test_a_run_that_is_not_to_be_seen_yet),
        TEST(test_a_result_that_comes_behind_the_question),
        TEST(test_a_question_that_is_not_answered),
        TEST(test_a_question_that_is_asked_again),
        TEST(test_who_waits_longest_is_asked_for_first),
        TEST(test_results_that_are_too_large),
        TEST(test_the_token_is_revoked),
        TEST(test_what_is_no_result_is_passed_over),
        TEST(test_the_client_is_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
