/* Go's durations, read and written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "model/duration.h"

static void test_parsed(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {
        {"0s", 0},
        {"60s", 60000},
        {"5m", 300000},
        {"1h30m5s", 5405000},
        {"500ms", 500},
        {"1.5s", 1500},
        {"1.s", 1000},
        {".5s", 500},
        {"0.1s", 100},
        {"0.003s", 3},
        {"1m0.25s", 60250},
        {"1ns", 1}, /* not zero, which means a default */
        {"1500us", 2},
        {"2000000ns", 2},
        {"1s1s", 2000},
        {"5s1h", 3605000},
        {"2562047h", INT64_C(9223369200000)},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t ms = -1;
        assert_int_equal(cleat__duration_parse("timeout", cleat_slice_of(cases[i].text), &ms), CLEAT_OK);
        assert_int_equal(ms, cases[i].ms);
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "s",
        "5",
        "-5s",
        "+5s",
        "5 s",
        "5s ",
        " 5s",
        "5d",
        "5S",
        ".s",
        "1.5",
        "1..5s",
        "1e3s",
        "5s-3s",
        "infs",
        "5\xC2\xB5s",
        "0x5s",
        "1h30",
        "2562048h",
        "99999999999999999999s",
        "9223372036854775808ns",
        "2562047h48m",
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t ms = -1;
        assert_int_equal(cleat__duration_parse("timeout", cleat_slice_of(cases[i]), &ms),
                         CLEAT_INVALID_ARGUMENT);
        assert_int_equal(ms, -1);
        assert_non_null(strstr(cleat_error_message(), "timeout is \""));
    }
    int64_t ms;
    assert_int_equal(cleat__duration_parse("timeout", cleat_slice_of("99999999h"), &ms),
                     CLEAT_INVALID_ARGUMENT);
    assert_string_equal(cleat_error_message(), "timeout is \"99999999h\", which is longer than 292 years");
    assert_int_equal(cleat__duration_parse("timeout", (cleat_slice){NULL, 0}, &ms), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat__duration_parse("timeout", (cleat_slice){"5sx", 2}, &ms), CLEAT_OK);
}

static void test_with_days(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms; /* -1: it is refused */
    } cases[] = {
        {"1d7h30m", 113400000},
        {"30d", INT64_C(2592000000)},
        {"0d", 0},
        {"5m", 300000},
        {"1d1s", 86401000},
        {"106751d", INT64_C(9223286400000)},
        {"106752d", -1},
        {"99999999999999999999d", -1},
        {"", -1},
        {"d", -1},
        {"1.5d", -1},
        {"-1d", -1},
        {"1d2d", -1},
        {"1h1d", -1},
        {"1d ", -1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t ms = -1;
        assert_int_equal(cleat__duration_parse_days("ttl", cleat_slice_of(cases[i].text), &ms),
                         cases[i].ms != -1 ? CLEAT_OK : CLEAT_INVALID_ARGUMENT);
        assert_int_equal(ms, cases[i].ms);
    }
}

static void test_what_is_written_is_read(void **state)
{
    (void)state;
    int64_t step = 1;
    for (int64_t ms = 0; ms < INT64_C(9223372036854); ms += step) {
        char text[CLEAT__DURATION_TEXT];
        int64_t read = -1;
        cleat__duration_format(ms, text);
        assert_int_equal(cleat__duration_parse("timeout", cleat_slice_of(text), &read), CLEAT_OK);
        assert_int_equal(read, ms);
        step += 1 + ms / 1000;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parsed),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_with_days),
        cmocka_unit_test(test_what_is_written_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
