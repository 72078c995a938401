/* Log lines from workers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "again.h"
#include "wire/log_line.h"
#include "wire/report.h"

#include <stdlib.h>

#define NOW INT64_C(1700000000123)

static Cleat__PutLogRequest *request_new(const char *text)
{
    bool failed = false;
    Cleat__PutLogRequest *message = cleat__message_new(&cleat__put_log_request__descriptor);
    message->task_run_external_id = cleat__message_string(&failed, RUN_ID);
    message->message = cleat__message_string(&failed, text);
    return message;
}

static void set_level(Cleat__PutLogRequest *message, const char *level)
{
    bool failed = false;
    message->has_level_case = CLEAT__PUT_LOG_REQUEST__HAS_LEVEL_LEVEL;
    message->level = cleat__message_string(&failed, level);
}

static void test_a_bare_one(void **state)
{
    (void)state;
    cleat__log_line line;
    cleat__uuid id = uuid_of(RUN_ID);
    Cleat__PutLogRequest *message = request_new("hello");
    assert_int_equal(cleat__log_line_read(message, NOW, &line), CLEAT_OK);
    assert_true(cleat__uuid_equals(&line.task_id, &id));
    assert_slice(line.message, "hello");
    assert_int_equal(line.level, CLEAT_LOG_INFO);
    assert_int_equal(line.time_ms, NOW);
    assert_int_equal(line.retry_count, CLEAT__RETRY_CURRENT);
    cleat__message_free(message);
}

static cleat_status read_long(size_t characters)
{
    static const char character[] = "\xC3\xBC";
    char *text = calloc(characters + 1, 2);
    for (size_t i = 0; i < characters; i++) {
        memcpy(text + 2 * i, character, 2);
    }
    cleat__log_line line;
    Cleat__PutLogRequest *message = request_new(text);
    cleat_status status = cleat__log_line_read(message, NOW, &line);
    cleat__message_free(message);
    free(text);
    return status;
}

static void test_characters_are_counted(void **state)
{
    (void)state;
    assert_int_equal(read_long(10000), CLEAT_OK);
    assert_int_equal(read_long(10001), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(read_long(0), CLEAT_INVALID_ARGUMENT);
}

static void check_refused(Cleat__PutLogRequest *message, const char *sentence)
{
    cleat__log_line line;
    assert_int_equal(cleat__log_line_read(message, NOW, &line), CLEAT_INVALID_ARGUMENT);
    assert_non_null(strstr(cleat_error_message(), sentence));
    cleat__message_free(message);
}

static void test_refused(void **state)
{
    (void)state;
    bool failed = false;
    Cleat__PutLogRequest *message = request_new("x");
    set_level(message, "warn");
    check_refused(message, "level is \"warn\"");
    message = request_new("x");
    set_level(message, "");
    check_refused(message, "level is \"\"");
    message = request_new("x");
    message->metadata = cleat__message_string(&failed, "[]");
    check_refused(message, "metadata must be a JSON object");
    message = request_new("x");
    message->has_task_retry_count_case = CLEAT__PUT_LOG_REQUEST__HAS_TASK_RETRY_COUNT_TASK_RETRY_COUNT;
    message->task_retry_count = -2;
    check_refused(message, "task_retry_count is -2");
    message = request_new("x");
    message->created_at = cleat__message_new(&cleat__google__protobuf__timestamp__descriptor);
    message->created_at->nanos = 1000000000;
    check_refused(message, "created_at is no time");
    message = request_new("x");
    message->task_run_external_id[0] = 'x';
    check_refused(message, "is no UUID");
}

static void test_metadata_is_kept(void **state)
{
    (void)state;
    bool failed = false;
    cleat__log_line line;
    Cleat__PutLogRequest *message = request_new("x");
    message->metadata = cleat__message_string(&failed, "{\"a\":1}");
    assert_int_equal(cleat__log_line_read(message, NOW, &line), CLEAT_OK);
    assert_slice(line.metadata, "{\"a\":1}");
    cleat__message_free(message);
    message = request_new("x");
    assert_int_equal(cleat__log_line_read(message, NOW, &line), CLEAT_OK);
    assert_null(line.metadata.data);
    cleat__message_free(message);
}

static void test_what_a_worker_writes(void **state)
{
    (void)state;
    for (int level = CLEAT_LOG_ERROR; level <= CLEAT_LOG_DEBUG; level++) {
        const cleat__log_line line = {
            .task_id = uuid_of(RUN_ID),
            .retry_count = 3,
            .level = (cleat_log_level)level,
            .time_ms = NOW,
            .message = {"bad \xFF byte", 10},
        };
        cleat__log_line read;
        Cleat__PutLogRequest *message = again(cleat__log_line_write(&line));
        assert_string_equal(message->metadata, "");
        assert_int_equal(cleat__log_line_read(message, 0, &read), CLEAT_OK);
        assert_slice(read.message, "bad \xEF\xBF\xBD byte");
        assert_int_equal(read.level, level);
        assert_int_equal(read.time_ms, NOW);
        assert_int_equal(read.retry_count, 3);
        cleat__message_free(message);
    }
}

static void test_a_long_line_is_cut(void **state)
{
    (void)state;
    char *text = malloc(10001);
    memset(text, 'x', 10001);
    const cleat__log_line line = {
        .task_id = uuid_of(RUN_ID), .level = CLEAT_LOG_WARN, .message = {text, 10001}};
    cleat__log_line read;
    Cleat__PutLogRequest *message = again(cleat__log_line_write(&line));
    assert_int_equal(cleat__log_line_read(message, NOW, &read), CLEAT_OK);
    assert_int_equal(read.message.size, 10000);
    cleat__message_free(message);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_bare_one),
        cmocka_unit_test(test_characters_are_counted),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_metadata_is_kept),
        cmocka_unit_test(test_what_a_worker_writes),
        cmocka_unit_test(test_a_long_line_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
