#include "base_test.h"

#include "base/env.h"

#define NAME "CLEAT_TEST_VARIABLE"

static kept_log kept;

static int listen_to_warnings(void **state)
{
    (void)state;
    kept = (kept_log){0};
    cleat_log_set_handler(keep_message, &kept, CLEAT_LOG_WARN);
    return 0;
}

static int restore(void **state)
{
    (void)state;
    unsetenv(NAME);
    cleat_log_set_handler(NULL, NULL, CLEAT_LOG_WARN);
    return 0;
}

static void set(const char *value)
{
    setenv(NAME, value, 1);
}

static void test_get(void **state)
{
    (void)state;
    unsetenv(NAME);
    assert_null(cleat__env_get(NAME).data);
    set("");
    assert_null(cleat__env_get(NAME).data);
    set(" \t ");
    assert_null(cleat__env_get(NAME).data);
    set("\t a b  ");
    assert_true(cleat_slice_equals(cleat__env_get(NAME), cleat_slice_of("a b")));
}

static void test_is(void **state)
{
    (void)state;
    assert_true(cleat__env_is(cleat_slice_of("TraceContext"), "tracecontext"));
    assert_false(cleat__env_is(cleat_slice_of("trace"), "tracecontext"));
    assert_false(cleat__env_is(cleat_slice_of("tracecontexts"), "tracecontext"));
    assert_false(cleat__env_is(cleat_slice_of("@"), "`"));
    assert_true(cleat__env_is((cleat_slice){NULL, 0}, ""));
}

static void test_bool(void **state)
{
    (void)state;
    unsetenv(NAME);
    assert_true(cleat__env_bool(NAME, true));
    assert_false(cleat__env_bool(NAME, false));
    set("TRUE");
    assert_true(cleat__env_bool(NAME, false));
    set("False");
    assert_false(cleat__env_bool(NAME, true));
    assert_int_equal(kept.count, 0);
    set("1");
    assert_false(cleat__env_bool(NAME, true));
    assert_int_equal(kept.count, 1);
}

static void test_int(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t value; /* -1: refused */
    } cases[] = {
        {"0", 0},     {"7", 7},    {"+7", 7},    {" 42 ", 42},
        {"100", 100}, {"101", -1}, {"-5", -5},   {"-11", -1},
        {"x", -1},    {"7x", -1},  {"", -1},     {"-", -1},
        {"+", -1},    {"1.5", -1}, {"0x10", -1}, {"99999999999999999999", -1},
        {"1 0", -1},  {"007", 7},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        set(cases[i].text);
        assert_int_equal(cleat__env_int(NAME, -1, -10, 100), cases[i].value);
    }
    set("9223372036854775807");
    assert_true(cleat__env_int(NAME, 0, 0, INT64_MAX) == INT64_MAX);
    set("9223372036854775808");
    assert_true(cleat__env_int(NAME, 0, 0, INT64_MAX) == 0);
}

static void test_double(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value; /* -1: refused */
    } cases[] = {
        {"0", 0},      {"1", 1},      {"0.1", 0.1},           {".25", 0.25}, {"1.", 1},   {"1e-3", 1e-3},
        {"5E-1", 0.5}, {"+0.5", 0.5}, {"0.000001", 0.000001}, {"", -1},      {".", -1},   {"e5", -1},
        {"1e", -1},    {"1,5", -1},   {"0.5x", -1},           {"nan", -1},   {"inf", -1}, {"1.1", -1},
        {"-0.5", -1},  {"1e999", -1}, {"1e300e", -1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        set(cases[i].text);
        double value = cleat__env_double(NAME, -1, 0, 1);
        if (value != cases[i].value) {
            fail_msg("%s: %g, not %g", cases[i].text, value, cases[i].value);
        }
    }
}

static void test_warns_once_per_value(void **state)
{
    (void)state;
    set("first bad");
    assert_int_equal(cleat__env_int(NAME, 5, 0, 10), 5);
    assert_int_equal(kept.count, 1);
    assert_non_null(strstr(kept.message, NAME));
    assert_non_null(strstr(kept.message, "first bad"));
    assert_non_null(strstr(kept.message, "0 to 10"));
    (void)cleat__env_int(NAME, 5, 0, 10);
    assert_int_equal(kept.count, 1);
    set("second bad");
    (void)cleat__env_int(NAME, 5, 0, 10);
    (void)cleat__env_int(NAME, 5, 0, 10);
    assert_int_equal(kept.count, 2);
    set("first bad");
    (void)cleat__env_int(NAME, 5, 0, 10);
    assert_int_equal(kept.count, 2);
    cleat__env_warn(NAME "_2", cleat_slice_of("first bad"), "nothing");
    assert_int_equal(kept.count, 3);
}

static void test_what_nobody_heard_is_said_later(void **state)
{
    (void)state;
    cleat_log_set_handler(NULL, NULL, CLEAT_LOG_WARN);
    cleat__env_warn(NAME, cleat_slice_of("unheard"), "nothing");
    cleat_log_set_handler(keep_message, &kept, CLEAT_LOG_WARN);
    cleat__env_warn(NAME, cleat_slice_of("unheard"), "nothing");
    assert_int_equal(kept.count, 1);
}

static void test_warnings_are_limited(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++) {
        char value[16];
        int size = snprintf(value, sizeof(value), "v%d", i);
        cleat__env_warn(NAME, (cleat_slice){value, (size_t)size}, "nothing");
    }
    assert_in_range(kept.count, 200, 256);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, listen_to_warnings, restore)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_get),
        TEST(test_is),
        TEST(test_bool),
        TEST(test_int),
        TEST(test_double),
        TEST(test_warns_once_per_value),
        TEST(test_what_nobody_heard_is_said_later),
        TEST(test_warnings_are_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
