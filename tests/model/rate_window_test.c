#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/rate_window.h"

#include <stdio.h>

/* Steps of "at:what": t3 takes 3 if there are so many, p5 sets the limit to 5, r2 gives 2 back that were taken
 * at the time of the step before; each is followed by what is left. */
typedef struct story {
    int32_t limit;
    int64_t window_ms;
    struct {
        int64_t at_ms;
        char what;
        int32_t number;
        int32_t left;
    } steps[8];
} story;

static void tell(const story *one, size_t number)
{
    cleat__rate_window window;
    int64_t before_ms = 0;
    cleat__rate_window_init(&window, one->limit, one->window_ms, 0);
    for (size_t i = 0; i < 8 && one->steps[i].what != '\0'; i++) {
        int64_t at_ms = one->steps[i].at_ms;
        int32_t units = one->steps[i].number;
        cleat__rate_window_refill(&window, at_ms);
        switch (one->steps[i].what) {
        case 't': window.value -= window.value >= units ? units : 0; break;
        case 'p': cleat__rate_window_change(&window, units, one->window_ms); break;
        case 'r': cleat__rate_window_return(&window, units, before_ms); break;
        }
        if (window.value != one->steps[i].left) {
            fail_msg("story %zu, step %zu: %d are left", number, i, window.value);
        }
        before_ms = at_ms;
    }
}

static void test_windows(void **state)
{
    (void)state;
    static const story stories[] = {
        /* It is full until something is taken, and full again when the window is over, not before. */
        {3, 1000, {{0, 't', 1, 2}, {1, 't', 2, 0}, {500, 't', 1, 0}, {989, 't', 1, 0}, {990, 't', 1, 2}}},
        /* The next window begins when it was refilled, which may be long after the one before. */
        {2, 1000, {{5500, 't', 2, 0}, {6000, 't', 1, 0}, {6489, 't', 1, 0}, {6490, 't', 1, 1}}},
        /* All or none. */
        {5, 1000, {{0, 't', 4, 1}, {0, 't', 2, 1}, {0, 't', 1, 0}}},
        /* A lower limit counts at once, a higher one from the next window on. */
        {10, 1000, {{0, 't', 1, 9}, {0, 'p', 4, 4}, {0, 'p', 10, 4}, {1000, 't', 1, 9}}},
        {10, 1000, {{0, 't', 8, 2}, {0, 'p', 4, 2}, {0, 'p', 0, 0}, {1000, 't', 1, 0}}},
        /* What comes back is there again, in its own window only, and never more than there were. */
        {5, 1000, {{0, 't', 3, 2}, {10, 'r', 3, 5}, {20, 'r', 3, 5}}},
        {5, 1000, {{900, 't', 3, 2}, {1000, 't', 0, 5}, {1001, 't', 4, 1}}},
        {5, 1000, {{100, 't', 3, 2}, {990, 'r', 3, 5}, {991, 't', 5, 0}}},
        {5, 1000, {{100, 't', 3, 2}, {100, 'p', 3, 2}, {200, 'r', 3, 3}}},
    };
    for (size_t i = 0; i < sizeof(stories) / sizeof(stories[0]); i++) {
        tell(&stories[i], i);
    }
}

static void test_what_was_taken_in_a_former_window_does_not_come_back(void **state)
{
    (void)state;
    cleat__rate_window window;
    cleat__rate_window_init(&window, 5, 1000, 0);
    window.value -= 3;
    assert_true(cleat__rate_window_refill(&window, 1000));
    window.value -= 4;
    cleat__rate_window_return(&window, 3, 900);
    assert_int_equal(window.value, 1);
    cleat__rate_window_return(&window, 3, 1000);
    assert_int_equal(window.value, 4);
}

static void test_durations(void **state)
{
    (void)state;
    static const struct {
        cleat_rate_limit_duration duration;
        int64_t seconds;
    } cases[] = {
        {CLEAT_PER_SECOND, 1},      {CLEAT_PER_MINUTE, 60},   {CLEAT_PER_HOUR, 3600},
        {CLEAT_PER_DAY, 86400},     {CLEAT_PER_WEEK, 604800}, {CLEAT_PER_MONTH, 2592000},
        {CLEAT_PER_YEAR, 31536000},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t ms = cleat__rate_duration_ms(cases[i].duration);
        assert_int_equal(ms, cases[i].seconds * 1000);
        assert_int_equal(cleat__rate_duration_of(ms), cases[i].duration);
    }
    assert_int_equal(cleat__rate_duration_ms((cleat_rate_limit_duration)8), 0);
    assert_int_equal(cleat__rate_duration_ms((cleat_rate_limit_duration)-1), 0);
    assert_int_equal(cleat__rate_duration_of(1001), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_windows),
        cmocka_unit_test(test_what_was_taken_in_a_former_window_does_not_come_back),
        cmocka_unit_test(test_durations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
