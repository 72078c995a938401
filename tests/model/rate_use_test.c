#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "model/rate_use.h"

#include <jansson.h>
#include <stdio.h>

static cleat__rate_use named(const char *key)
{
    return (cleat__rate_use){.key = cleat_slice_of(key), .units = 1, .window_ms = 60000};
}

static void test_checks(void **state)
{
    (void)state;
    char long_key[CLEAT__RATE_KEY_MAX + 2];
    memset(long_key, 'k', sizeof(long_key));
    long_key[sizeof(long_key) - 1] = '\0';
    cleat__rate_use wrong_units = named("k"), wrong_window = named("k"), wrong_key = named(NULL),
                    wrong_limit = named("k"), by_expression = named(NULL);
    wrong_units.units = -1;
    wrong_window.window_ms = 61000;
    wrong_key.key_expression = cleat_slice_of("input.");
    wrong_limit.limit_expression = cleat_slice_of("inputs");
    by_expression.key_expression = cleat_slice_of("input.user");
    const struct {
        cleat__rate_use use;
        const char *says; /* NULL: it is right */
    } cases[] = {
        {named("k"), NULL},
        {by_expression, NULL},
        {named(""), "the key of a rate limit has 0 bytes"},
        {named(NULL), "the key of a rate limit has 0 bytes"},
        {named(long_key), "the key of a rate limit has 256 bytes"},
        {wrong_units, "units is -1"},
        {wrong_window, "duration"},
        {wrong_key, "rate_limits: "},
        {wrong_limit, "inputs"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cleat_status status = cleat__rate_uses_check(&cases[i].use, 1);
        assert_int_equal(status, cases[i].says != NULL ? CLEAT_INVALID_ARGUMENT : CLEAT_OK);
        if (cases[i].says != NULL && strstr(cleat_error_message(), cases[i].says) == NULL) {
            fail_msg("case %zu: %s", i, cleat_error_message());
        }
    }
    cleat__rate_use many[CLEAT__RATE_USES_MAX + 1];
    for (size_t i = 0; i < sizeof(many) / sizeof(many[0]); i++) {
        many[i] = named("k");
    }
    assert_int_equal(cleat__rate_uses_check(many, CLEAT__RATE_USES_MAX), CLEAT_OK);
    assert_int_equal(cleat__rate_uses_check(many, CLEAT__RATE_USES_MAX + 1), CLEAT_INVALID_ARGUMENT);
}

static void assert_same(cleat_slice found, cleat_slice expected)
{
    assert_int_equal(found.data != NULL, expected.data != NULL);
    assert_true(cleat_slice_equals(found, expected));
}

static void test_uses_come_back_from_their_text(void **state)
{
    (void)state;
    const cleat__rate_use uses[] = {
        named("calls \"of\" a day"),
        {.key_expression = cleat_slice_of("input.user"),
         .units = 3,
         .units_expression = cleat_slice_of("int(input.n)"),
         .limit_expression = cleat_slice_of("-1"),
         .window_ms = 86400000},
    };
    cleat__buffer text = {0};
    cleat__rate_use_list *list = NULL;
    cleat__rate_uses_encode(uses, 2, &text);
    assert_int_equal(cleat__rate_uses_decode_text(cleat__buffer_slice(&text), &list), CLEAT_OK);
    assert_int_equal(list->count, 2);
    for (size_t i = 0; i < 2; i++) {
        const cleat__rate_use *found = &list->items[i];
        assert_same(found->key, uses[i].key);
        assert_same(found->key_expression, uses[i].key_expression);
        assert_same(found->units_expression, uses[i].units_expression);
        assert_same(found->limit_expression, uses[i].limit_expression);
        assert_int_equal(found->units, uses[i].units);
        assert_int_equal(found->window_ms, uses[i].window_ms);
        assert_int_equal(cleat__rate_use_is_static(found), i == 0);
    }
    cleat__free(list);
    cleat__buffer_deinit(&text);
    assert_int_equal(cleat__rate_uses_decode(NULL, &list), CLEAT_OK);
    assert_null(list);
}

static void test_keys_are_text(void **state)
{
    (void)state;
    assert_int_equal(cleat__rate_key_check(cleat_slice_of("Stra\xc3\x9f"
                                                          "e")),
                     CLEAT_OK);
    assert_int_equal(cleat__rate_key_check(cleat_slice_of("\xff")), CLEAT_INVALID_ARGUMENT);
    assert_string_equal(cleat_error_message(), "the key of a rate limit is no valid UTF-8");
}

static void test_a_text_that_is_none_is_corrupt(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "[1]",
        "[{\"key\":\"\",\"units\":1,\"window\":1000}]",
        "[{\"key\":\"k\",\"units\":1,\"window\":7}]",
        "[{\"key_expression\":\"1 +\",\"units\":1,\"window\":1000}]",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        cleat__rate_use_list *list = NULL;
        assert_int_equal(cleat__rate_uses_decode_text(cleat_slice_of(texts[i]), &list), CLEAT_CORRUPT);
        assert_null(list);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_checks),
        cmocka_unit_test(test_uses_come_back_from_their_text),
        cmocka_unit_test(test_keys_are_text),
        cmocka_unit_test(test_a_text_that_is_none_is_corrupt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
