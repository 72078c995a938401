#include "base_test.h"

#include "base/error.h"

#include <pthread.h>

static void test_table(void **state)
{
    (void)state;
    assert_string_equal(cleat_status_name(CLEAT_NOT_FOUND), "CLEAT_NOT_FOUND");
    assert_string_equal(cleat_status_text(CLEAT_NOT_FOUND), "not found");
    assert_false(cleat_status_is_retryable(CLEAT_NOT_FOUND));
    assert_true(cleat_status_is_retryable(CLEAT_BUSY));
    assert_int_equal(cleat_status_grpc_code(CLEAT_NOT_FOUND), 5);
    assert_int_equal(cleat_status_http_code(CLEAT_NOT_FOUND), 404);
#define CHECK_ROW(name, number, text, retryable, grpc, http) \
    assert_string_equal(cleat_status_name((cleat_status)(number)), "CLEAT_" #name);
    CLEAT_STATUS_LIST(CHECK_ROW)
#undef CHECK_ROW
}

static void test_numbers_that_are_no_status(void **state)
{
    (void)state;
    const int numbers[] = {-1, 25, 1000};
    for (size_t i = 0; i < 3; i++) {
        cleat_status status = (cleat_status)numbers[i];
        assert_string_equal(cleat_status_name(status), "CLEAT_UNKNOWN");
        assert_non_null(cleat_status_text(status));
        assert_int_equal(cleat_status_http_code(status), 500);
    }
}

static void test_version(void **state)
{
    (void)state;
    int major, minor, patch;
    assert_int_equal(sscanf(cleat_version(), "%d.%d.%d", &major, &minor, &patch), 3);
}

static void *first_message_of_a_thread(void *argument)
{
    (void)argument;
    return (void *)(uintptr_t)(cleat_error_message()[0] == '\0');
}

static void test_message_is_of_the_thread(void **state)
{
    (void)state;
    assert_int_equal(cleat__fail(CLEAT_NOT_FOUND, "no run %d", 7), CLEAT_NOT_FOUND);
    assert_string_equal(cleat_error_message(), "no run 7");
    pthread_t thread;
    void *empty = NULL;
    assert_int_equal(pthread_create(&thread, NULL, first_message_of_a_thread, NULL), 0);
    assert_int_equal(pthread_join(thread, &empty), 0);
    assert_non_null(empty);
}

static void test_message_may_hold_the_one_before(void **state)
{
    (void)state;
    cleat__fail(CLEAT_IO, "inner");
    cleat__fail(CLEAT_FAILED, "outer: %s", cleat_error_message());
    assert_string_equal(cleat_error_message(), "outer: inner");
    assert_int_equal(cleat__fail_memory(), CLEAT_NO_MEMORY);
    assert_string_equal(cleat_error_message(), "out of memory");
}

static void test_long_message_is_cut_between_characters(void **state)
{
    (void)state;
    char text[2000];
    for (size_t i = 0; i + 1 < sizeof(text); i += 2) {
        memcpy(text + i, "\xC3\xA4", 2);
    }
    text[sizeof(text) - 2] = '\0';
    cleat__fail(CLEAT_FAILED, "%s", text);
    assert_int_equal(strlen(cleat_error_message()), 1022);
    cleat__fail(CLEAT_FAILED, "x%s", text);
    assert_int_equal(strlen(cleat_error_message()), 1021);
}

static void *fail_in_a_thread(void *argument)
{
    char *message = argument;
    cleat__fail(CLEAT_NOT_FOUND, "no run");
    memcpy(message, cleat_error_message(), strlen(cleat_error_message()) + 1);
    return NULL;
}

static void test_memory_of_a_thread_goes_with_it(void **state)
{
    (void)state;
    failing_allocator allocator;
    char message[1024];
    pthread_t thread;
    failing_allocator_install(&allocator, 0);
    assert_int_equal(pthread_create(&thread, NULL, fail_in_a_thread, message), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    cleat_set_allocator(NULL);
    assert_string_equal(message, "no run");
    assert_int_equal(allocator.calls, 1);
    assert_int_equal(allocator.live, 0);
}

static void test_without_memory_the_message_is_the_status(void **state)
{
    (void)state;
    failing_allocator allocator;
    char message[1024];
    pthread_t thread;
    failing_allocator_install(&allocator, 1);
    assert_int_equal(pthread_create(&thread, NULL, fail_in_a_thread, message), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    cleat_set_allocator(NULL);
    assert_string_equal(message, "not found");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_numbers_that_are_no_status),
        cmocka_unit_test(test_version),
        cmocka_unit_test(test_message_is_of_the_thread),
        cmocka_unit_test(test_message_may_hold_the_one_before),
        cmocka_unit_test(test_long_message_is_cut_between_characters),
        cmocka_unit_test(test_memory_of_a_thread_goes_with_it),
        cmocka_unit_test(test_without_memory_the_message_is_the_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
