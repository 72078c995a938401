/* Which keys a pattern fits: a table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/event.h"
#include "model/event_pattern.h"

#include <stdlib.h>
#include <string.h>

typedef struct fitting {
    const char *pattern;
    const char *key;
    bool fits;
} fitting;

static const fitting fittings[] = {
    {"order:paid", "order:paid", true},
    {"order:paid", "order:Paid", false},
    {"order:paid", "order:paid ", false},
    {"order:paid", "order:pai", false},
    {"order:*", "order:paid", true},
    {"order:*", "order:", true},
    {"order:*", "order", false},
    {"order:%", "order:paid", true},
    {"*", "", true},
    {"*", "whatever", true},
    {"**", "", true},
    {"*:paid", "order:paid", true},
    {"*:paid", "a:paid:paid", true},
    {"*:paid", "order:paid!", false},
    {"*a*b*", "xaxbx", true},
    {"*a*b*", "xbxax", false},
    {"a*a", "a", false},
    {"a*a", "aa", true},
    {"user_created", "user_created", true},
    {"user_created", "userxcreated", true},
    {"user_created", "user\xc3\xa4\x63reated", true},
    {"user_created", "usercreated", false},
    {"user_created", "user__created", false},
    {"_", "", false},
    {"_", "\xf0\x9f\x8e\x89", true},
    {"__", "\xf0\x9f\x8e\x89", false},
    {"*_", "", false},
    {"*_", "x", true},
    {"*_b", "\xc3\xa4\x62", true},
    {"*\xc3\xa4", "xx\xc3\xa4", true},
    {"user\\_created", "user_created", true},
    {"user\\_created", "userxcreated", false},
    {"100\\%", "100%", true},
    {"100\\%", "1000", false},
    {"a\\*b", "a*b", true},
    {"a\\*b", "axb", false},
    {"a\\\\b", "a\\b", true},
    {"\\a", "a", true},
};

static void a_key_fits_or_does_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(fittings) / sizeof(fittings[0]); i++) {
        const fitting *it = &fittings[i];
        size_t steps = 0;
        bool fits = cleat__event_pattern_match(cleat_slice_of(it->pattern), cleat_slice_of(it->key), &steps);
        if (fits != it->fits || steps == 0) {
            fail_msg("\"%s\" and \"%s\": %d after %zu steps", it->pattern, it->key, fits, steps);
        }
        assert_int_equal(cleat__event_pattern_check("events", cleat_slice_of(it->pattern)), CLEAT_OK);
    }
}

static void a_key_without_signs_is_exact(void **state)
{
    (void)state;
    assert_true(cleat__event_pattern_is_exact(cleat_slice_of("order:paid.v2-x")));
    assert_true(cleat__event_pattern_is_exact((cleat_slice){"a\0b", 3}));
    static const char *const patterns[] = {"a*", "a%", "a_", "a\\*", "*"};
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        assert_false(cleat__event_pattern_is_exact(cleat_slice_of(patterns[i])));
    }
}

static void what_is_no_pattern_is_refused(void **state)
{
    (void)state;
    static char text[CLEAT__EVENT_KEY_MAX + 1];
    memset(text, 'k', sizeof(text));
    assert_int_equal(cleat__event_pattern_check("events", cleat_slice_of("")), CLEAT_INVALID_ARGUMENT);
    assert_non_null(strstr(cleat_error_message(), "events: a key is empty"));
    assert_int_equal(cleat__event_pattern_check("events", (cleat_slice){text, sizeof(text)}),
                     CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat__event_pattern_check("events", (cleat_slice){text, sizeof(text) - 1}), CLEAT_OK);
    assert_int_equal(cleat__event_pattern_check("events", cleat_slice_of("a\\")), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat__event_pattern_check("events", cleat_slice_of("a\\\\\\")), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat__event_pattern_check("events", cleat_slice_of("a\\\\")), CLEAT_OK);
}

/* What was stored before it was checked is not read beyond its end. */
static void a_sign_without_a_character_fits_nothing(void **state)
{
    (void)state;
    size_t steps = 0;
    char *copy = malloc(2);
    memcpy(copy, "a\\", 2);
    assert_false(cleat__event_pattern_match((cleat_slice){copy, 2}, cleat_slice_of("a\\"), &steps));
    assert_false(cleat__event_pattern_match((cleat_slice){copy, 2}, cleat_slice_of("ab"), &steps));
    free(copy);
}

/* The slow way: each run tries all rests. */
static bool fits_slowly(const char *pattern, const char *key)
{
    if (*pattern == '\0') {
        return *key == '\0';
    }
    if (*pattern == '*') {
        return fits_slowly(pattern + 1, key) || (*key != '\0' && fits_slowly(pattern, key + 1));
    }
    return *key != '\0' && (*pattern == '_' || *pattern == *key) && fits_slowly(pattern + 1, key + 1);
}

/* All patterns of five signs with all keys of six letters. */
static void it_agrees_with_the_slow_way(void **state)
{
    (void)state;
    static const char signs[] = "ab_*";
    for (int i = 0; i < 1024; i++) {
        char pattern[6] = "";
        for (int at = 0, rest = i; at < 5; at++, rest /= 4) {
            pattern[at] = signs[rest % 4];
        }
        for (int j = 0; j < 64; j++) {
            char key[7] = "";
            for (int at = 0; at < 6; at++) {
                key[at] = (char)('a' + (j >> at & 1));
            }
            size_t steps = 0;
            assert_int_equal(cleat__event_pattern_match(cleat_slice_of(pattern), cleat_slice_of(key), &steps),
                             fits_slowly(pattern, key));
            assert_true(steps <= 1 + (sizeof(pattern) + 1) * sizeof(key));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_fits_or_does_not),
        cmocka_unit_test(a_key_without_signs_is_exact),
        cmocka_unit_test(what_is_no_pattern_is_refused),
        cmocka_unit_test(a_sign_without_a_character_fits_nothing),
        cmocka_unit_test(it_agrees_with_the_slow_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
