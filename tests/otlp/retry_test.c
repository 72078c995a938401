#include "otlp/retry.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { TRIES = 2000, LONG = 1000000 };

static const cleat__otlp_settings settings = {
    .max_attempts = 5, .initial_backoff_ms = 1000, .max_backoff_ms = 2000};

/* The delays after so many attempts: all within the bounds, and spread over them. */
static void assert_delays(unsigned attempts, int64_t least, int64_t most)
{
    int64_t lowest = INT64_MAX, highest = 0;
    for (int i = 0; i < TRIES; i++) {
        int64_t delay = cleat__otlp_retry_delay_ms(&settings, attempts, 0, LONG);
        lowest = delay < lowest ? delay : lowest;
        highest = delay > highest ? delay : highest;
    }
    int64_t tenth = (most - least) / 10;
    assert_in_range(lowest, least, least + tenth);
    assert_in_range(highest, most - tenth, most);
}

static void delays_grow_to_the_longest_and_scatter_by_a_fifth(void **state)
{
    (void)state;
    assert_delays(1, 800, 1200);
    assert_delays(2, 1200, 1800);
    assert_delays(3, 1600, 2400); /* 2,250, cut to 2,000 */
    assert_delays(4, 1600, 2400);
}

static void attempts_run_out(void **state)
{
    const cleat__otlp_settings one = {.max_attempts = 1, .initial_backoff_ms = 1, .max_backoff_ms = 1};
    (void)state;
    assert_int_equal(cleat__otlp_retry_delay_ms(&settings, 5, 0, LONG), -1);
    assert_int_equal(cleat__otlp_retry_delay_ms(&settings, 6, 0, LONG), -1);
    assert_int_equal(cleat__otlp_retry_delay_ms(&one, 1, 0, LONG), -1);
}

static void a_server_that_asks_for_more_time_gets_it(void **state)
{
    (void)state;
    assert_int_equal(cleat__otlp_retry_delay_ms(&settings, 1, 60000, LONG), 60000);
    assert_in_range(cleat__otlp_retry_delay_ms(&settings, 1, 1, LONG), 800, 1200);
}

static void a_server_that_asks_for_more_than_a_day_is_given_up(void **state)
{
    const int64_t day_ms = 24 * 60 * 60 * 1000;
    (void)state;
    assert_int_equal(cleat__otlp_retry_delay_ms(&settings, 1, day_ms, INT64_MAX), day_ms);
    assert_int_equal(cleat__otlp_retry_delay_ms(&settings, 1, day_ms + 1, INT64_MAX), -1);
    assert_int_equal(cleat__otlp_retry_delay_ms(&settings, 1, INT64_MAX, INT64_MAX), -1);
}

static void no_attempt_begins_after_the_deadline(void **state)
{
    (void)state;
    for (int i = 0; i < TRIES; i++) {
        int64_t delay = cleat__otlp_retry_delay_ms(&settings, 1, 0, 1000);
        assert_true(delay == -1 || (delay >= 800 && delay < 1000));
    }
    assert_int_equal(cleat__otlp_retry_delay_ms(&settings, 1, 0, 0), -1);
    assert_int_equal(cleat__otlp_retry_delay_ms(&settings, 1, 5000, 5000), -1);
    assert_int_equal(cleat__otlp_retry_delay_ms(&settings, 1, 5000, 5001), 5000);
}

static void long_times_do_not_overflow(void **state)
{
    const cleat__otlp_settings longest = {
        .max_attempts = UINT32_MAX, .initial_backoff_ms = INT64_MAX, .max_backoff_ms = INT64_MAX};
    const cleat__otlp_settings shortest = {
        .max_attempts = UINT32_MAX, .initial_backoff_ms = 1, .max_backoff_ms = INT64_MAX};
    (void)state;
    assert_true(cleat__otlp_retry_delay_ms(&longest, 1, 0, INT64_MAX) >= -1);
    assert_true(cleat__otlp_retry_delay_ms(&shortest, UINT32_MAX - 1, 0, INT64_MAX) >= -1);
    assert_int_equal(cleat__otlp_retry_delay_ms(&longest, 1, 0, LONG), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delays_grow_to_the_longest_and_scatter_by_a_fifth),
        cmocka_unit_test(attempts_run_out),
        cmocka_unit_test(a_server_that_asks_for_more_time_gets_it),
        cmocka_unit_test(a_server_that_asks_for_more_than_a_day_is_given_up),
        cmocka_unit_test(no_attempt_begins_after_the_deadline),
        cmocka_unit_test(long_times_do_not_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
