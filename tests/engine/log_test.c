/* Log lines of runs. */
#include "core_test.h"

static const cleat__policy policy = {
    .retries = 1,
    .priority = 1,
    .execution_timeout_ms = CLEAT__NO_TIMEOUT,
    .schedule_timeout_ms = CLEAT__NO_TIMEOUT,
};

static cleat_status log_line(rig *at, const cleat__uuid *id, int32_t retry_count, const char *message,
                             const char *metadata)
{
    cleat__command command = {.tenant = CLEAT__TENANT_DEFAULT,
                              .kind = CLEAT__COMMAND_LOG,
                              .as.log = {.task_id = *id,
                                         .retry_count = retry_count,
                                         .level = CLEAT_LOG_WARN,
                                         .time_ms = 7,
                                         .message = cleat_slice_of(message),
                                         .metadata = cleat_slice_of(metadata)}};
    return ask(at, &command);
}

static bool note_line(void *argument, const cleat__log_line *line)
{
    char *text = argument;
    assert_int_equal(line->level, CLEAT_LOG_WARN);
    assert_int_equal(line->time_ms, 7);
    sprintf(text + strlen(text), "%d %.*s %.*s;", line->retry_count, CLEAT_SLICE_ARGS(line->message),
            CLEAT_SLICE_ARGS(line->metadata));
    return true;
}

static const char *lines(const cleat__uuid *id)
{
    static char text[512];
    text[0] = '\0';
    cleat__store *reader = NULL;
    assert_int_equal(cleat__store_open(FILE_NAME, CLEAT__STORE_READ, &reader), CLEAT_OK);
    assert_int_equal(cleat__log_list(reader, id, note_line, text), CLEAT_OK);
    cleat__store_close(reader);
    return text;
}

static void test_lines_keep_their_metadata(void **state)
{
    rig *at = *state;
    put_task(at, "a:a", &policy);
    cleat__uuid id = trigger(at, "a:a", "{}", 0);
    assert_int_equal(log_line(at, &id, 0, "one", "{\"k\":1}"), CLEAT_OK);
    assert_int_equal(log_line(at, &id, 0, "two", NULL), CLEAT_OK);
    assert_string_equal(lines(&id), "0 one {\"k\":1};0 two ;");
}

static void test_a_line_without_an_attempt_is_of_the_newest(void **state)
{
    rig *at = *state;
    put_task(at, "a:a", &policy);
    add_worker(at, "a:a", 1);
    cleat__uuid id = trigger(at, "a:a", "{}", 0);
    assert_int_equal(log_line(at, &id, -1, "first", NULL), CLEAT_OK);
    report(at, &id, 0, CLEAT_FAILED, "x");
    assert_int_equal(log_line(at, &id, CLEAT__RETRY_CURRENT, "second", NULL), CLEAT_OK);
    report(at, &id, 1, CLEAT_OK, "1");
    assert_int_equal(log_line(at, &id, -1, "late", NULL), CLEAT_OK);
    assert_string_equal(lines(&id), "0 first ;1 second ;1 late ;");
}

static void test_lines_of_nothing(void **state)
{
    rig *at = *state;
    const cleat__uuid unknown = {{1}};
    assert_int_equal(log_line(at, &unknown, 0, "x", NULL), CLEAT_NOT_FOUND);
    assert_string_equal(lines(&unknown), "");
    put_task(at, "a:a", &policy);
    cleat__uuid id = trigger(at, "a:a", "{}", 0);
    cleat__command command = {
        .tenant = CLEAT__TENANT_DEFAULT,
        .kind = CLEAT__COMMAND_LOG,
        .as.log = {.task_id = id, .message = {"x", 1}, .metadata = {"{}", CLEAT_PAYLOAD_MAX + 1}}};
    assert_int_equal(ask(at, &command), CLEAT_TOO_LARGE);
    assert_string_equal(lines(&id), "");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        TEST(test_lines_keep_their_metadata),
        TEST(test_a_line_without_an_attempt_is_of_the_newest),
        TEST(test_lines_of_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
