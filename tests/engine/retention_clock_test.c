/* A clock that is wrong for a while does not make runs old. */
#include "retention_test.h"

#define MINUTE INT64_C(60000)

static void hear_log(void *user_data, cleat_log_level level, const char *message)
{
    int *heard = user_data;
    assert_int_equal(level, CLEAT_LOG_WARN);
    assert_non_null(strstr(message, "the clock has gone ahead by 57600 minutes"));
    (*heard)++;
}

/* So much later, by a clock that moves by so much more; answers how many runs were removed by then. */
static uint64_t look_later(fixture *f, int64_t later_ms, int64_t moved_ms)
{
    cleat__retention_stats stats;
    unix_ms += later_ms + moved_ms;
    monotonic_ms += later_ms;
    assert_int_equal(cleat__retention_look(f->retention), CLEAT_OK);
    cleat__retention_get_stats(f->retention, &stats);
    return stats.runs;
}

static void test_a_clock_that_jumps_costs_nothing(void **state)
{
    fixture *f = *state;
    int heard = 0;
    cleat__uuid fresh = put(f, 1, NEW, NEW, NULL), old = put(f, 2, OLD, 30, NULL);
    run_sql(f, "UPDATE task_end SET finished_at_ms = finished_at_ms + %lld WHERE id = %s",
            (long long)(30 * MINUTE), hex(&old));
    cleat_log_set_handler(hear_log, &heard, CLEAT_LOG_WARN);
    assert_int_equal(look(f, &by_age), 0);
    assert_int_equal(look_later(f, MINUTE, 40 * DAY), 0);
    assert_int_equal(look_later(f, 20 * MINUTE, 0), 0);
    assert_int_equal(look_later(f, 10 * MINUTE, 0), 1); /* by the time that has passed */
    assert_false(is_there(&old));
    assert_int_equal(look_later(f, MINUTE, -40 * DAY), 1);
    assert_int_equal(look_later(f, 90 * MINUTE, 0), 1);
    assert_true(is_there(&fresh));
    assert_int_equal(heard, 1);
    cleat_log_set_handler(NULL, NULL, CLEAT_LOG_WARN);
}

static void test_a_clock_that_stays_ahead_is_believed(void **state)
{
    fixture *f = *state;
    cleat__uuid fresh = put(f, 1, NEW, NEW, NULL);
    assert_int_equal(look(f, &by_age), 0);
    assert_int_equal(look_later(f, MINUTE, 40 * DAY), 0);
    assert_int_equal(look_later(f, 59 * MINUTE, 0), 0);
    assert_int_equal(look_later(f, MINUTE, 0), 1);
    assert_false(is_there(&fresh));
}

/* Of the time before, the file's newest row tells; what the engine has made at once tells nothing. */
static void test_a_clock_that_is_ahead_at_the_start(void **state)
{
    fixture *f = *state;
    cleat__uuid fresh = put(f, 1, NEW, NEW, NULL), old = put(f, 2, 41, 41, NULL);
    unix_ms = TODAY + 40 * DAY;
    put(f, 3, -40, LIVE, NULL);
    assert_int_equal(look(f, &(cleat__retention_options){.opened_ms = unix_ms - 1}), 1);
    assert_false(is_there(&old));
    assert_int_equal(look_later(f, 59 * MINUTE, 0), 1);
    assert_true(is_there(&fresh));
    assert_int_equal(look_later(f, MINUTE, 0), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_clock_that_jumps_costs_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_clock_that_stays_ahead_is_believed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_clock_that_is_ahead_at_the_start, setup, teardown),
    };
    cmocka_run_group_tests(tests, NULL, NULL);
}
