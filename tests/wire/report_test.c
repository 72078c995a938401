/* How attempts end, as workers in any language say it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "again.h"
#include "wire/payload.h"
#include "wire/report.h"

#define NOW INT64_C(1700000000123)

enum {
    STARTED = CLEAT__STEP_ACTION_EVENT_TYPE__STEP_EVENT_TYPE_STARTED,
    COMPLETED = CLEAT__STEP_ACTION_EVENT_TYPE__STEP_EVENT_TYPE_COMPLETED,
    FAILED = CLEAT__STEP_ACTION_EVENT_TYPE__STEP_EVENT_TYPE_FAILED,
    ACKNOWLEDGED = CLEAT__STEP_ACTION_EVENT_TYPE__STEP_EVENT_TYPE_ACKNOWLEDGED,
    CANCELLED = CLEAT__STEP_ACTION_EVENT_TYPE__STEP_EVENT_TYPE_CANCELLED,
};

static Cleat__StepActionEvent *event_new(int type, const char *payload)
{
    bool failed = false;
    Cleat__StepActionEvent *message = cleat__message_new(&cleat__step_action_event__descriptor);
    message->task_run_external_id = cleat__message_string(&failed, RUN_ID);
    message->event_type = (Cleat__StepActionEventType)type;
    message->event_payload = cleat__message_string(&failed, payload);
    message->has_retry_count_case = CLEAT__STEP_ACTION_EVENT__HAS_RETRY_COUNT_RETRY_COUNT;
    message->retry_count = 2;
    return message;
}

static void test_completed(void **state)
{
    (void)state;
    static const char *const outputs[] = {"null", "{}", " [1]", "\"x\"", "12345678901234567890123", "false"};
    for (size_t i = 0; i < sizeof(outputs) / sizeof(outputs[0]); i++) {
        cleat__report report;
        Cleat__StepActionEvent *message = event_new(COMPLETED, outputs[i]);
        cleat__uuid id = uuid_of(RUN_ID);
        assert_int_equal(cleat__report_read(message, &report), CLEAT_OK);
        assert_int_equal(report.status, CLEAT_OK);
        assert_slice(report.output, outputs[i]);
        assert_int_equal(report.retry_count, 2);
        assert_true(cleat__uuid_equals(&report.task_id, &id));
        cleat__message_free(message);
    }
}

static void test_an_output_that_is_not_json_is_a_failure(void **state)
{
    (void)state;
    static const char *const outputs[] = {"", "{", "undefined", "{} {}", "{\"a\":\"\\u0000\"}"};
    for (size_t i = 0; i < sizeof(outputs) / sizeof(outputs[0]); i++) {
        cleat__report report;
        Cleat__StepActionEvent *message = event_new(COMPLETED, outputs[i]);
        assert_int_equal(cleat__report_read(message, &report), CLEAT_OK);
        assert_int_equal(report.status, CLEAT_FAILED);
        assert_null(report.output.data);
        assert_true(report.error.size > 0);
        cleat__message_free(message);
    }
}

static void test_errors_are_kept_as_they_are(void **state)
{
    (void)state;
    static const char *const errors[] = {"{\"message\":\"no\",\"stack\":\"at\"}", "\"no\"",
                                         "ValueError: no\nTraceback\n\n{}", "{", ""};
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        cleat__report report;
        Cleat__StepActionEvent *message = event_new(FAILED, errors[i]);
        assert_int_equal(cleat__report_read(message, &report), CLEAT_OK);
        assert_int_equal(report.status, CLEAT_FAILED);
        assert_slice(report.error, errors[i]);
        message->has_should_not_retry_case = CLEAT__STEP_ACTION_EVENT__HAS_SHOULD_NOT_RETRY_SHOULD_NOT_RETRY;
        assert_int_equal(cleat__report_read(message, &report), CLEAT_OK);
        assert_int_equal(report.status, CLEAT_FAILED); /* it says false */
        message->should_not_retry = true;
        assert_int_equal(cleat__report_read(message, &report), CLEAT_OK);
        assert_int_equal(report.status, CLEAT_NON_RETRYABLE);
        cleat__message_free(message);
    }
}

static void test_events_that_end_nothing(void **state)
{
    (void)state;
    static const int types[] = {STARTED, ACKNOWLEDGED};
    for (size_t i = 0; i < 2; i++) {
        cleat__report report;
        Cleat__StepActionEvent *message = event_new(types[i], "\"\"");
        message->has_retry_count_case = 0;
        assert_int_equal(cleat__report_read(message, &report), CLEAT_EMPTY);
        assert_int_equal(report.retry_count, CLEAT__RETRY_CURRENT);
        cleat__message_free(message);
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const int types[] = {0, CANCELLED, 6, -1};
    cleat__report report;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        Cleat__StepActionEvent *message = event_new(types[i], "{}");
        assert_int_equal(cleat__report_read(message, &report), CLEAT_INVALID_ARGUMENT);
        cleat__message_free(message);
    }
    Cleat__StepActionEvent *message = event_new(COMPLETED, "{}");
    message->retry_count = -1;
    assert_int_equal(cleat__report_read(message, &report), CLEAT_INVALID_ARGUMENT);
    message->retry_count = 0;
    message->task_run_external_id[35] = 'g';
    assert_int_equal(cleat__report_read(message, &report), CLEAT_INVALID_ARGUMENT);
    cleat__message_free(message);
}

/* ---- Writing ---- */

static const cleat__event_origin origin = {{"worker", 6}, {"a:b", 3}, {"step", 4}};

static Cleat__StepActionEvent *written(cleat_status status, const char *text)
{
    cleat__report report = {.task_id = uuid_of(RUN_ID), .retry_count = 1, .status = status};
    *(status == CLEAT_OK ? &report.output : &report.error) = cleat_slice_of(text);
    cleat_status result;
    Cleat__StepActionEvent *message = again(cleat__report_write(&report, &origin, NOW, &result));
    assert_int_equal(result, CLEAT_OK);
    assert_string_equal(message->worker_id, "worker");
    assert_string_equal(message->action_id, "a:b");
    assert_string_equal(message->task_id, "step");
    assert_string_equal(message->task_run_external_id, RUN_ID);
    assert_true(message->has_retry_count_case != 0 && message->has_should_not_retry_case != 0);
    assert_int_equal(message->retry_count, 1);
    assert_int_equal(message->event_timestamp->seconds, NOW / 1000);
    return message;
}

static void check_written(cleat_status status, const char *text, int type, const char *payload)
{
    Cleat__StepActionEvent *message = written(status, text);
    assert_int_equal(message->event_type, type);
    assert_string_equal(message->event_payload, payload);
    assert_int_equal(message->should_not_retry, status == CLEAT_NON_RETRYABLE);
    cleat__message_free(message);
}

static void test_what_a_worker_writes(void **state)
{
    (void)state;
    check_written(CLEAT_OK, "{\"n\":1.10}", COMPLETED, "{\"n\":1.10}");
    check_written(CLEAT_OK, NULL, COMPLETED, "null");
    check_written(CLEAT_FAILED, "no \"disk\"\n", FAILED, "{\"message\":\"no \\\"disk\\\"\\n\"}");
    check_written(CLEAT_NON_RETRYABLE, "no", FAILED, "{\"message\":\"no\"}");
    check_written(CLEAT_TIMEOUT, NULL, FAILED, "{\"message\":\"\"}");
}

/* In a word of Cleat's own. */
static void test_never_begun(void **state)
{
    (void)state;
    cleat__report again, report = {.task_id = uuid_of(RUN_ID), .retry_count = 3, .status = CLEAT_UNAVAILABLE};
    cleat_status status;
    Cleat__StepActionEvent *event = cleat__report_write(&report, &origin, NOW, &status);
    assert_non_null(event);
    assert_int_equal(status, CLEAT_OK);
    assert_int_equal(event->event_type, 100);
    assert_int_equal(cleat__report_read(event, &again), CLEAT_OK);
    assert_int_equal(again.status, CLEAT_UNAVAILABLE);
    assert_int_equal(again.retry_count, 3);
    assert_true(cleat__uuid_equals(&again.task_id, &report.task_id));
    assert_true(cleat__uuid_is_nil(&again.worker_id)); /* a name is none */
    assert_true(cleat_slice_equals(again.worker_name, cleat_slice_of("worker")));
    cleat__message_free(event);
    const cleat__event_origin mine = {.worker_id = cleat_slice_of(RUN_ID)};
    event = cleat__report_write(&report, &mine, NOW, &status);
    assert_int_equal(cleat__report_read(event, &again), CLEAT_OK);
    assert_true(cleat__uuid_equals(&again.worker_id, &report.task_id));
    cleat__message_free(event);
}

static void test_of_an_invocation(void **state)
{
    static const cleat_slice carrier = {"{\"traceparent\":\"x\"}", 19};
    cleat__report read, report = {.task_id = uuid_of(RUN_ID),
                                  .output = cleat_slice_of("1"),
                                  .invocation_count = 7,
                                  .carrier = carrier};
    cleat_status status = CLEAT_FAILED;
    (void)state;
    Cleat__StepActionEvent *message =
        again(cleat__report_write(&report, &(cleat__event_origin){0}, NOW, &status));
    assert_int_equal(cleat__report_read(message, &read), CLEAT_OK);
    assert_int_equal(read.invocation_count, 7);
    assert_slice(read.carrier, carrier.data);
    message->cleat_carrier.data[0] = '[';
    assert_int_equal(cleat__report_read(message, &read), CLEAT_INVALID_ARGUMENT);
    cleat__message_free(message);
    report.invocation_count = 0;
    report.carrier = (cleat_slice){NULL, 0};
    message = again(cleat__report_write(&report, &(cleat__event_origin){0}, NOW, &status));
    assert_int_equal(cleat__report_read(message, &read), CLEAT_OK);
    assert_true(read.invocation_count == 0 && read.carrier.data == NULL);
    cleat__message_free(message);
}

static void test_started(void **state)
{
    (void)state;
    cleat__uuid id = uuid_of(RUN_ID);
    Cleat__StepActionEvent *message = again(cleat__started_write(&id, 3, &origin, NOW));
    assert_int_equal(message->event_type, STARTED);
    assert_string_equal(message->event_payload, "\"\"");
    assert_int_equal(message->retry_count, 3);
    cleat__message_free(message);
}

/* ---- Errors ---- */

static void test_errors_as_people_read_them(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"{\"message\":\"no\",\"stack\":\"at\"}", "no"},
        {"\"no \\\"disk\\\"\"", "no \"disk\""},
        {"ValueError: no", "ValueError: no"},
        {"{\"message\":7}", "{\"message\":7}"},
        {"{\"code\":1}", "{\"code\":1}"},
        {"{ not json", "{ not json"},
        {"\"", "\""},
        {"", ""},
        {"null", "null"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cleat__buffer text = {.data = (uint8_t *)cleat__payload_error_read(cleat_slice_of(cases[i][0]))};
        assert_string_equal((char *)text.data, cases[i][1]);
        cleat__buffer_deinit(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_completed),
        cmocka_unit_test(test_an_output_that_is_not_json_is_a_failure),
        cmocka_unit_test(test_errors_are_kept_as_they_are),
        cmocka_unit_test(test_events_that_end_nothing),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_what_a_worker_writes),
        cmocka_unit_test(test_never_begun),
        cmocka_unit_test(test_of_an_invocation),
        cmocka_unit_test(test_started),
        cmocka_unit_test(test_errors_as_people_read_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
