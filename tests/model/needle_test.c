/* Looking for a text in others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/needle.h"

static bool is_in(const char *text, const char *haystack)
{
    cleat__needle needle;
    assert_int_equal(cleat__needle_init(&needle, cleat_slice_of(text)), CLEAT_OK);
    bool found = cleat__needle_is_in(&needle, cleat_slice_of(haystack));
    cleat__needle_deinit(&needle);
    return found;
}

static void test_is_found_wherever_it_is(void **state)
{
    (void)state;
    assert_true(is_in("pack", "pack"));
    assert_true(is_in("pack", "archive:pack"));
    assert_true(is_in("pack", "pack it"));
    assert_true(is_in("p", "archive:pack"));
    assert_false(is_in("pack", "pac"));
    assert_false(is_in("pack", "archive:pac"));
    assert_false(is_in("pack", "archive:pax pcack"));
}

static void test_repeats_are_no_hindrance(void **state)
{
    (void)state;
    assert_true(is_in("aab", "aaab"));
    assert_true(is_in("abab", "abaabab"));
    assert_true(is_in("abcabd", "abcabcabd"));
    assert_false(is_in("aab", "abaaa"));
    assert_false(is_in("abcabd", "abcabcabcab"));
}

static void test_capital_letters_are_small_ones(void **state)
{
    (void)state;
    assert_true(is_in("PaCk", "archive:pack"));
    assert_true(is_in("pack", "ARCHIVE:PACK"));
    assert_false(is_in("\xC3\xA4", "\xC3\x84")); /* of ASCII only */
    assert_false(is_in("[", "{"));
    assert_false(is_in("@", "`"));
}

static void test_bytes_are_as_good_as_characters(void **state)
{
    cleat__needle needle;
    cleat_slice text = {"\0\xFF", 2}, haystack = {"a\0\0\xFF", 4};
    (void)state;
    assert_int_equal(cleat__needle_init(&needle, text), CLEAT_OK);
    assert_true(cleat__needle_is_in(&needle, haystack));
    assert_false(cleat__needle_is_in(&needle, (cleat_slice){haystack.data, 3}));
    cleat__needle_deinit(&needle);
}

static void test_nothing_is_everywhere(void **state)
{
    const cleat__needle zeroed = {.size = 0};
    (void)state;
    assert_true(is_in("", ""));
    assert_true(is_in("", "pack"));
    assert_true(cleat__needle_is_in(&zeroed, (cleat_slice){NULL, 0}));
    assert_false(is_in("a", ""));
}

/* Character by character against each beginning this would be 10^12 steps. */
static void test_hostile_texts_take_no_longer(void **state)
{
    enum { SIZE = 1000 * 1000 };
    static char haystack[2 * SIZE], text[SIZE];
    cleat__needle needle;
    (void)state;
    memset(haystack, 'a', sizeof(haystack));
    memset(text, 'a', sizeof(text));
    text[SIZE - 1] = 'b';
    assert_int_equal(cleat__needle_init(&needle, (cleat_slice){text, sizeof(text)}), CLEAT_OK);
    assert_false(cleat__needle_is_in(&needle, (cleat_slice){haystack, sizeof(haystack)}));
    haystack[2 * SIZE - 1] = 'B';
    assert_true(cleat__needle_is_in(&needle, (cleat_slice){haystack, sizeof(haystack)}));
    cleat__needle_deinit(&needle);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_is_found_wherever_it_is),
        cmocka_unit_test(test_repeats_are_no_hindrance),
        cmocka_unit_test(test_capital_letters_are_small_ones),
        cmocka_unit_test(test_bytes_are_as_good_as_characters),
        cmocka_unit_test(test_nothing_is_everywhere),
        cmocka_unit_test(test_hostile_texts_take_no_longer),
    };
    return cmocka_run_group_tests_name("model/needle", tests, NULL, NULL);
}
