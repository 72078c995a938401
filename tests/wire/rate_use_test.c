/* What a task takes of rate limits, as it is sent and heard; numbers of durations that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/alloc.h"
#include "wire/message.h"
#include "wire/rate_use.h"

#include <string.h>

enum { DAY_MS = 24 * 3600 * 1000, COUNT = 3 };

static bool equals(cleat_slice slice, const char *text)
{
    return text == NULL ? slice.data == NULL : cleat_slice_equals(slice, cleat_slice_of(text));
}

static void uses_are_sent_as_other_engines_want_them(void **state)
{
    const cleat__rate_use uses[COUNT] = {
        {.key = cleat_slice_of("calls"), .units = 3, .window_ms = 60000},
        {.key_expression = cleat_slice_of("input.user"),
         .units = 1,
         .units_expression = cleat_slice_of("input.n"),
         .limit_expression = cleat_slice_of("10"),
         .window_ms = DAY_MS},
        {.key = cleat_slice_of("of a user"),
         .key_expression = cleat_slice_of("input.user"),
         .units = 2,
         .window_ms = 1000},
    };
    bool failed = false;
    size_t count = 0;
    cleat__rate_use *heard = NULL;
    (void)state;
    Cleat__V1__CreateTaskRateLimit **sent = cleat__rate_uses_write(&failed, uses, COUNT, &count);
    assert_false(failed);
    assert_int_equal(count, COUNT);
    assert_string_equal(sent[0]->key, "calls");
    assert_int_not_equal(sent[0]->has_units_case, 0);
    assert_int_equal(sent[0]->units, 3);
    assert_int_equal(sent[0]->has_key_expr_case, 0);
    assert_string_equal(sent[1]->key, "input.user"); /* its name */
    assert_string_equal(sent[1]->key_expr, "input.user");
    assert_string_equal(sent[1]->units_expr, "input.n");
    assert_int_equal(sent[1]->has_units_case, 0); /* one or the other */
    assert_int_equal(sent[1]->duration, CLEAT__V1__RATE_LIMIT_DURATION__DAY);
    assert_string_equal(sent[2]->key, "of a user");

    assert_int_equal(cleat__rate_uses_read(sent, count, &heard), CLEAT_OK);
    assert_true(equals(heard[0].key, "calls") && equals(heard[0].key_expression, NULL));
    assert_int_equal(heard[0].units, 3);
    assert_int_equal(heard[0].window_ms, 60000);
    assert_true(equals(heard[1].key_expression, "input.user") &&
                equals(heard[1].units_expression, "input.n"));
    assert_true(equals(heard[1].limit_expression, "10"));
    assert_int_equal(heard[1].units, 1);
    assert_int_equal(heard[1].window_ms, DAY_MS);
    assert_int_equal(heard[2].units, 2);
    cleat__free(heard);
    for (size_t i = 0; i < count; i++) {
        cleat__message_free(sent[i]);
    }
    cleat__free(sent);
}

static void any_number_may_come_for_a_duration(void **state)
{
    (void)state;
    assert_int_equal(cleat__rate_duration_read(CLEAT__V1__RATE_LIMIT_DURATION__SECOND), 1000);
    assert_int_equal(cleat__rate_duration_read(CLEAT__V1__RATE_LIMIT_DURATION__DAY), DAY_MS);
    assert_true(cleat__rate_duration_read(CLEAT__V1__RATE_LIMIT_DURATION__YEAR) > DAY_MS);
    assert_int_equal(cleat__rate_duration_read(CLEAT__V1__RATE_LIMIT_DURATION__YEAR + 1), 0);
    assert_int_equal(cleat__rate_duration_read(INT32_MAX), 0);
    assert_int_equal(cleat__rate_duration_read(-1), 0);
    assert_int_equal(cleat__rate_duration_read(INT32_MIN), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uses_are_sent_as_other_engines_want_them),
        cmocka_unit_test(any_number_may_come_for_a_duration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
