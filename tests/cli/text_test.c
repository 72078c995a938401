/* Text, numbers and bars as they reach a terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "cli/bar.h"
#include "cli/format.h"
#include "cli/text.h"

#include <locale.h>

static const cleat__terminal utf8 = {.columns = 80, .utf8 = true};
static const cleat__terminal ascii = {.columns = 80};

static void assert_buffer(cleat__buffer *buffer, const char *expected)
{
    char *text = cleat__buffer_take_string(buffer);
    assert_string_equal(text, expected);
    cleat__free(text);
}

static void assert_fit(const cleat__terminal *terminal, const char *text, int columns, cleat__align align,
                       const char *expected)
{
    cleat__buffer out = {0};
    cleat__text_append_fit(&out, terminal, cleat_slice_of(text), columns, align);
    assert_buffer(&out, expected);
}

static void test_fit(void **state)
{
    (void)state;
    assert_fit(&utf8, "abc", 5, CLEAT__ALIGN_LEFT, "abc  ");
    assert_fit(&utf8, "abc", 5, CLEAT__ALIGN_RIGHT, "  abc");
    assert_fit(&utf8, "abcdef", 5, CLEAT__ALIGN_RIGHT, "abcd…");
    assert_fit(&ascii, "abcdef", 5, CLEAT__ALIGN_LEFT, "abcd~");
    assert_fit(&utf8, "äöü", 3, CLEAT__ALIGN_LEFT, "äöü");
    assert_fit(&ascii, "äö", 3, CLEAT__ALIGN_LEFT, "?? ");
    assert_fit(&utf8, "漢字漢字", 5, CLEAT__ALIGN_LEFT, "漢字…");
    assert_fit(&utf8, "漢字漢字", 4, CLEAT__ALIGN_LEFT, "漢… ");
    assert_fit(&utf8, "a\033[31mb\nc\x7f", 9, CLEAT__ALIGN_LEFT, "a\xEF\xBF\xBD[31mb …");
    assert_fit(&utf8,
               "a\u202e\u2066"
               "b",
               4, CLEAT__ALIGN_LEFT,
               "a\xEF\xBF\xBD\xEF\xBF\xBD"
               "b");
    assert_fit(&utf8, "\xff\xc3", 2, CLEAT__ALIGN_LEFT, "\xEF\xBF\xBD\xEF\xBF\xBD");
    assert_fit(&utf8, "", 2, CLEAT__ALIGN_LEFT, "  ");
}

static void assert_bar(const cleat__terminal *terminal, int64_t start, int64_t end, const char *expected)
{
    cleat__buffer out = {0};
    const cleat__bar bar = cleat__bar_place(10, start, end, 80);
    cleat__bar_append(&out, terminal, &bar, 0, 10, CLEAT__BAR_WORK);
    assert_buffer(&out, expected);
}

static void test_bar(void **state)
{
    (void)state;
    assert_bar(&utf8, 0, 80, "██████████");
    assert_bar(&utf8, 0, 0, "▏         ");
    assert_bar(&utf8, 80, 80, "         ▕");
    assert_bar(&utf8, 12, 27, " ▐█▍      ");
    assert_bar(&ascii, 12, 27, " ##|      ");
    assert_bar(&utf8, -50, 500, "██████████");
    assert_bar(&utf8, 50, 10, "      ▏   ");
}

static void test_bars_of_waiting(void **state)
{
    static const struct {
        cleat__bar_fill fill;
        const char *utf8, *ascii;
    } cases[] = {
        {CLEAT__BAR_QUEUE, " ░░░", " :::"},
        {CLEAT__BAR_SLEEP, " ···", " ..."},
        {CLEAT__BAR_EXTENT, " ───", " ---"},
    };
    const cleat__bar bar = cleat__bar_place(10, 12, 27, 80);
    (void)state;
    assert_int_equal(bar.first, 1);
    assert_int_equal(bar.end, 4);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        cleat__buffer out = {0};
        cleat__bar_append(&out, &utf8, &bar, 0, bar.end, cases[i].fill);
        assert_buffer(&out, cases[i].utf8);
        cleat__bar_append(&out, &ascii, &bar, 0, bar.end, cases[i].fill);
        assert_buffer(&out, cases[i].ascii);
    }
}

static void test_durations(void **state)
{
    static const struct {
        int64_t ns;
        const char *text;
    } cases[] = {
        {-1, "-"},
        {0, "0 us"},
        {99999, "99 us"},
        {100000, "0.10 ms"},
        {9994999, "9.99 ms"},
        {99940000, "99.9 ms"},
        {999000000, "999 ms"},
        {999600000, "1.00 s"},
        {64200000000, "64.2 s"},
        {100000000000, "1m 40s"},
        {7260000000000, "2h 01m"},
        {360000000000000, "4d 4h"},
        {INT64_MAX, "106751d"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        assert_string_equal(cleat__format_duration(cases[i].ns).text, cases[i].text);
        assert_in_range(strlen(cases[i].text), 1, 8);
    }
    assert_string_equal(cleat__format_ms(0).text, "<1 ms");
    assert_string_equal(cleat__format_ms(999).text, "999 ms");
    assert_string_equal(cleat__format_ms(1500).text, "1.50 s");
}

static void test_numbers(void **state)
{
    (void)state;
    assert_string_equal(cleat__format_count(0).text, "0");
    assert_string_equal(cleat__format_count(999).text, "999");
    assert_string_equal(cleat__format_count(-1234567).text, "-1,234,567");
    assert_string_equal(cleat__format_count(INT64_MAX).text, "9,223,372,036,854,775,807");
    assert_string_equal(cleat__format_bytes(1023).text, "1023 B");
    assert_string_equal(cleat__format_bytes(4200).text, "4.1 KiB");
    assert_string_equal(cleat__format_rfc3339(1752228721123).text, "2025-07-11T10:12:01.123Z");
    assert_string_equal(cleat__format_age(0, 500).text, "now");
    assert_string_equal(cleat__format_age(0, 240000).text, "4m");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fit),
        cmocka_unit_test(test_bar),
        cmocka_unit_test(test_bars_of_waiting),
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_numbers),
    };
    if (setlocale(LC_CTYPE, "C.UTF-8") == NULL) {
        return 77; /* wcwidth() knows nothing here */
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
