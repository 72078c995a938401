/* A number is one child's, however often it must be asked for. */
#include "base/base_test.h"

#include "sdk/child_numbers.h"

#include <stdio.h>

static int64_t take(cleat__child_numbers *numbers, const char *what)
{
    return cleat__child_numbers_take(numbers, 1, cleat_slice_of(what));
}

static void test_what_failed_keeps_its_numbers(void **state)
{
    (void)state;
    cleat__child_numbers numbers;
    cleat__child_numbers_init(&numbers);
    assert_int_equal(cleat__child_numbers_take(&numbers, 3, cleat_slice_of("three")), 0);
    assert_int_equal(take(&numbers, "a"), 3);
    assert_int_equal(take(&numbers, "b"), 4);
    cleat__child_numbers_keep(&numbers, 0, cleat_slice_of("three"));
    cleat__child_numbers_keep(&numbers, 3, cleat_slice_of("a"));
    cleat__child_numbers_keep(&numbers, 4, cleat_slice_of("b"));
    assert_int_equal(take(&numbers, "b"), 4);
    assert_int_equal(take(&numbers, "b"), 5);
    assert_int_equal(cleat__child_numbers_take(&numbers, 3, cleat_slice_of("three")), 0);
    cleat__child_numbers_keep(&numbers, 5, cleat_slice_of("b"));
    assert_int_equal(take(&numbers, "a"), 3);
    assert_int_equal(take(&numbers, "b"), 5);
    assert_int_equal(take(&numbers, "c"), 6);
    cleat__child_numbers_deinit(&numbers);
}

/* What nobody says is kept for nobody. */
static void test_nothing(void **state)
{
    (void)state;
    cleat__child_numbers numbers;
    cleat__child_numbers_init(&numbers);
    assert_int_equal(take(&numbers, NULL), 0);
    cleat__child_numbers_keep(&numbers, 0, cleat_slice_of(NULL));
    assert_int_equal(take(&numbers, NULL), 1);
    cleat__child_numbers_deinit(&numbers);
}

static void test_the_oldest_of_too_many_are_left_out(void **state)
{
    enum { COUNT = 1200 };
    (void)state;
    cleat__child_numbers numbers;
    char what[16];
    cleat__child_numbers_init(&numbers);
    for (int i = 0; i < COUNT; i++) {
        (void)snprintf(what, sizeof what, "%d", i);
        assert_int_equal(take(&numbers, what), i);
        cleat__child_numbers_keep(&numbers, i, cleat_slice_of(what));
    }
    assert_int_equal(take(&numbers, "0"), COUNT);
    assert_int_equal(take(&numbers, "1199"), 1199);
    cleat__child_numbers_deinit(&numbers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_failed_keeps_its_numbers),
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_the_oldest_of_too_many_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
