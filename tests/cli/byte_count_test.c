/* Numbers of bytes as people write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/byte_count.h"

static void test_units(void **state)
{
    static const struct {
        const char *text;
        int64_t count;
    } cases[] = {
        {"1", 1},
        {"4096", 4096},
        {"1K", 1024},
        {"500M", INT64_C(500) << 20},
        {"10G", INT64_C(10) << 30},
        {"2T", INT64_C(2) << 40},
        {"9223372036854775807", INT64_MAX},
        {"8388607T", INT64_C(8388607) << 40},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        int64_t count = 0;
        assert_true(cleat__byte_count_parse(cases[i].text, &count));
        assert_int_equal(count, cases[i].count);
    }
}

static void test_what_is_none(void **state)
{
    static const char *const texts[] = {
        "",    "0", "K", "-1", "+1", " 1", "1 ", "1k", "1.5G", "1GB", "1B", "8388608T", "9223372036854775808",
        "0x10"};
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        int64_t count = 7;
        assert_false(cleat__byte_count_parse(texts[i], &count));
        assert_int_equal(count, 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_units),
        cmocka_unit_test(test_what_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
