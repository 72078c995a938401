#include "base_test.h"

#include "base/clock.h"

#include <time.h>

static int64_t read_fake(void *user_data)
{
    return *(int64_t *)user_data;
}

static int64_t read_fake_monotonic(void *user_data)
{
    return *(int64_t *)user_data + 1;
}

static void test_null_is_the_system(void **state)
{
    (void)state;
    int64_t before = (int64_t)time(NULL) - 1;
    int64_t now = cleat__clock_unix_ns(NULL) / CLEAT__NS_PER_S;
    assert_true(now >= before && now <= (int64_t)time(NULL) + 1);
    const cleat_clock *system = cleat_clock_system();
    assert_true(cleat__clock_unix_ns(system) / CLEAT__NS_PER_S >= before);
    int64_t monotonic = cleat__clock_monotonic_ns(NULL);
    assert_true(cleat__clock_monotonic_ns(system) >= monotonic);
}

static void test_another_clock(void **state)
{
    (void)state;
    int64_t now = 41;
    cleat_clock clock = {&now, read_fake, read_fake_monotonic};
    assert_int_equal(cleat__clock_unix_ns(&clock), 41);
    assert_int_equal(cleat__clock_monotonic_ns(&clock), 42);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_null_is_the_system),
        cmocka_unit_test(test_another_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
