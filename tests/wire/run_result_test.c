/* How runs end, for those who wait. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "again.h"
#include "base/alloc.h"
#include "wire/run_result.h"

#include <stdlib.h>

#define NOW INT64_C(1700000000123)

static const cleat_slice name = {"pack", 4};

static Cleat__WorkflowRunEvent *written(cleat_run_status status, char *output, char *error)
{
    const cleat_run_result result = {{RUN_ID}, status, output, error};
    Cleat__WorkflowRunEvent *message = again(cleat__run_result_write(&result, name, NOW));
    assert_string_equal(message->workflow_run_id, RUN_ID);
    assert_int_equal(message->event_type, 0);
    assert_int_equal(message->event_timestamp->seconds, NOW / 1000);
    return message;
}

static void test_what_a_server_writes(void **state)
{
    (void)state;
    char output[] = "{\"n\":1}", error[] = "{\"message\":\"no\"}";
    Cleat__WorkflowRunEvent *message = written(CLEAT_RUN_COMPLETED, output, NULL);
    assert_int_equal(message->n_results, 1);
    assert_string_equal(message->results[0]->task_name, "pack");
    assert_string_equal(message->results[0]->task_run_external_id, RUN_ID);
    assert_string_equal(message->results[0]->job_run_id, RUN_ID);
    assert_string_equal(message->results[0]->output, output);
    assert_true(message->results[0]->has_error_case == 0);
    cleat__message_free(message);

    message = written(CLEAT_RUN_FAILED, NULL, error);
    assert_string_equal(message->results[0]->error, error);
    assert_true(message->results[0]->has_output_case == 0);
    cleat__message_free(message);
}

/* Of a run whose tasks have made more than can be told. */
static void test_a_failure_is_told_without_what_was_made(void **state)
{
    (void)state;
    const cleat__task_results tasks = {.is_too_large = true};
    char output[] = "{}", error[] = "it broke";
    static const cleat_run_status statuses[] = {CLEAT_RUN_COMPLETED, CLEAT_RUN_FAILED, CLEAT_RUN_CANCELLED};
    for (size_t i = 0; i < 3; i++) {
        bool has_failed = statuses[i] == CLEAT_RUN_FAILED;
        const cleat_run_result ended = {
            {RUN_ID}, statuses[i], i == 0 ? output : NULL, has_failed ? error : NULL};
        cleat_run_result heard;
        Cleat__WorkflowRunEvent *message = again(cleat__run_results_write(&ended, &tasks, NOW));
        cleat_status status = cleat__run_result_read(message, &heard);
        assert_int_equal(status, statuses[i] == CLEAT_RUN_COMPLETED ? CLEAT_TOO_LARGE : CLEAT_OK);
        if (status == CLEAT_OK) {
            assert_int_equal(heard.status, statuses[i]);
            assert_string_equal(has_failed ? heard.error : "it broke", "it broke");
            cleat_run_result_deinit(&heard);
        }
        cleat__message_free(message);
    }
}

/* An error that is there and empty is what tells a cancellation, and only that. */
static void test_cancelled_is_an_empty_error(void **state)
{
    (void)state;
    char empty[] = "";
    Cleat__WorkflowRunEvent *message = written(CLEAT_RUN_CANCELLED, NULL, NULL);
    assert_true(message->results[0]->has_error_case != 0);
    assert_string_equal(message->results[0]->error, "");
    cleat__message_free(message);
    message = written(CLEAT_RUN_FAILED, NULL, empty);
    assert_string_equal(message->results[0]->error, "failed");
    cleat__message_free(message);
}

static void test_too_large(void **state)
{
    (void)state;
    char *text = malloc(CLEAT__RESULTS_MAX + 2);
    memset(text, '1', CLEAT__RESULTS_MAX + 1);
    text[CLEAT__RESULTS_MAX + 1] = '\0';
    cleat_run_result read;

    Cleat__WorkflowRunEvent *message = written(CLEAT_RUN_FAILED, NULL, text);
    assert_string_equal(message->results[0]->error, "the task failed; its error is too large to be sent");
    cleat__message_free(message);

    message = written(CLEAT_RUN_COMPLETED, text, NULL);
    assert_int_equal(message->n_results, 0);
    assert_int_equal(cleat__run_result_read(message, &read), CLEAT_TOO_LARGE);
    cleat_run_result_deinit(&read);
    cleat__message_free(message);

    text[CLEAT__RESULTS_MAX] = '\0';
    message = written(CLEAT_RUN_COMPLETED, text, NULL);
    assert_int_equal(message->n_results, 1);
    cleat__message_free(message);
    free(text);
}

/* ---- Reading ---- */

static Cleat__StepRunResult *result_new(const char *task, const char *error, const char *output)
{
    bool failed = false;
    Cleat__StepRunResult *result = cleat__message_new(&cleat__step_run_result__descriptor);
    result->task_name = cleat__message_string(&failed, task);
    if (error != NULL) {
        result->has_error_case = CLEAT__STEP_RUN_RESULT__HAS_ERROR_ERROR;
        result->error = cleat__message_string(&failed, error);
    }
    if (output != NULL) {
        result->has_output_case = CLEAT__STEP_RUN_RESULT__HAS_OUTPUT_OUTPUT;
        result->output = cleat__message_string(&failed, output);
    }
    return result;
}

/* Of one task, or of two. */
static Cleat__WorkflowRunEvent *event_new(Cleat__StepRunResult *first, Cleat__StepRunResult *second)
{
    bool failed = false;
    Cleat__WorkflowRunEvent *message = cleat__message_new(&cleat__workflow_run_event__descriptor);
    message->workflow_run_id = cleat__message_string(&failed, RUN_ID);
    message->results = cleat__malloc(2 * sizeof(first));
    message->results[0] = first;
    message->results[1] = second;
    message->n_results = second != NULL ? 2 : 1;
    return again(message);
}

static void check_read(Cleat__WorkflowRunEvent *message, cleat_run_status status, const char *output,
                       const char *error)
{
    cleat_run_result read;
    assert_int_equal(cleat__run_result_read(message, &read), CLEAT_OK);
    cleat__message_free(message); /* nothing is borrowed from it */
    assert_string_equal(read.id.text, RUN_ID);
    assert_int_equal(read.status, status);
    assert_true((output != NULL) == (read.output != NULL));
    assert_true((error != NULL) == (read.error != NULL));
    if (output != NULL) {
        assert_string_equal(read.output, output);
    }
    if (error != NULL) {
        assert_string_equal(read.error, error);
    }
    cleat_run_result_deinit(&read);
}

static void test_one_task(void **state)
{
    (void)state;
    check_read(event_new(result_new("a", NULL, "{\"n\":12345678901234567890123}"), NULL), CLEAT_RUN_COMPLETED,
               "{\"n\":12345678901234567890123}", NULL);
    check_read(event_new(result_new("a", NULL, NULL), NULL), CLEAT_RUN_COMPLETED, "{}", NULL);
    check_read(event_new(result_new("a", NULL, ""), NULL), CLEAT_RUN_COMPLETED, "{}", NULL);
    check_read(event_new(result_new("a", "{\"message\":\"no\",\"stack\":\"at\"}", NULL), NULL),
               CLEAT_RUN_FAILED, NULL, "no");
    check_read(event_new(result_new("a", "\"no\"", NULL), NULL), CLEAT_RUN_FAILED, NULL, "no");
    check_read(event_new(result_new("a", "Task exceeded timeout of 1s", NULL), NULL), CLEAT_RUN_FAILED, NULL,
               "Task exceeded timeout of 1s");
    check_read(event_new(result_new("a", "", NULL), NULL), CLEAT_RUN_CANCELLED, NULL, NULL);
}

static void test_several_tasks(void **state)
{
    (void)state;
    check_read(event_new(result_new("a", NULL, "1"), result_new("b \"c\"", NULL, NULL)), CLEAT_RUN_COMPLETED,
               "{\"a\":1,\"b \\\"c\\\"\":{}}", NULL);
    check_read(event_new(result_new("a", "", NULL), result_new("b", NULL, "1")), CLEAT_RUN_CANCELLED, NULL,
               NULL);
    check_read(event_new(result_new("a", "", NULL), result_new("b", "no", NULL)), CLEAT_RUN_FAILED, NULL,
               "no");
}

/* Of a run that has gone on as others, when the last one is asked for: that is whose the task is. */
static void test_the_end_of_another_run(void **state)
{
    static const char asked[] = "01890000-0000-7000-8000-00000000000a";
    bool failed = false;
    (void)state;
    for (int i = 0; i < 2; i++) { /* as a task of it would have an id of its own */
        Cleat__WorkflowRunEvent *message = event_new(result_new("a", NULL, "1"), NULL);
        message->cleat_ended_run_id = message->workflow_run_id;
        message->workflow_run_id = cleat__message_string(&failed, asked);
        message->results[0]->task_run_external_id = cleat__message_string(&failed, i == 0 ? RUN_ID : asked);
        check_read(message, CLEAT_RUN_COMPLETED, i == 0 ? "1" : "{\"a\":1}", NULL);
    }
    assert_false(failed);
}

static void test_refused(void **state)
{
    (void)state;
    cleat_run_result read;
    Cleat__WorkflowRunEvent *message = event_new(result_new("a", NULL, "{"), NULL);
    assert_int_equal(cleat__run_result_read(message, &read), CLEAT_INVALID_ARGUMENT);
    assert_null(read.output);
    message->event_type = (Cleat__WorkflowRunEventType)1;
    assert_int_equal(cleat__run_result_read(message, &read), CLEAT_INVALID_ARGUMENT);
    message->event_type = (Cleat__WorkflowRunEventType)0;
    message->workflow_run_id[3] = '-';
    assert_int_equal(cleat__run_result_read(message, &read), CLEAT_INVALID_ARGUMENT);
    cleat__message_free(message);
}

static void test_statuses(void **state)
{
    (void)state;
    cleat_run_status read;
    for (int status = CLEAT_RUN_QUEUED; status <= CLEAT_RUN_EVICTED; status++) {
        assert_int_equal(cleat__run_status_read(cleat__run_status_write((cleat_run_status)status), &read),
                         CLEAT_OK);
        assert_int_equal(read, status);
    }
    assert_int_equal(cleat__run_status_read((Cleat__V1__RunStatus)6, &read), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat__run_status_read((Cleat__V1__RunStatus)-1, &read), CLEAT_INVALID_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_server_writes),
        cmocka_unit_test(test_a_failure_is_told_without_what_was_made),
        cmocka_unit_test(test_cancelled_is_an_empty_error),
        cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_one_task),
        cmocka_unit_test(test_several_tasks),
        cmocka_unit_test(test_the_end_of_another_run),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_statuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
