#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "again.h"
#include "wire/timestamp.h"

static cleat_status read(int64_t seconds, int32_t nanos, int64_t *ms)
{
    Cleat__Google__Protobuf__Timestamp timestamp;
    cleat__google__protobuf__timestamp__init(&timestamp);
    timestamp.seconds = seconds;
    timestamp.nanos = nanos;
    return cleat__timestamp_read("at", &timestamp, ms);
}

static void test_read(void **state)
{
    (void)state;
    static const struct {
        int64_t seconds;
        int32_t nanos;
        int64_t ms;
    } cases[] = {
        {0, 0, 0},
        {1700000000, 123999999, INT64_C(1700000000123)},
        {-1, 999000000, -1},
        {-1, 0, -1000},
        {INT64_C(-62135596800), 0, INT64_C(-62135596800000)},
        {INT64_C(253402300799), 999999999, INT64_C(253402300799999)},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t ms = 7;
        assert_int_equal(read(cases[i].seconds, cases[i].nanos, &ms), CLEAT_OK);
        assert_int_equal(ms, cases[i].ms);
    }
}

static void test_refused(void **state)
{
    (void)state;
    int64_t ms = 7;
    assert_int_equal(read(0, -1, &ms), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(read(0, 1000000000, &ms), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(read(INT64_C(-62135596801), 0, &ms), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(read(INT64_C(253402300800), 0, &ms), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(read(INT64_MAX, 0, &ms), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(read(INT64_MIN, 0, &ms), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat__timestamp_read("at", NULL, &ms), CLEAT_EMPTY);
    assert_int_equal(ms, 7);
}

static void check_written(int64_t ms, int64_t expected)
{
    bool failed = false;
    int64_t read_ms;
    Cleat__Google__Protobuf__Timestamp *timestamp = again(cleat__timestamp_new(&failed, ms));
    assert_int_equal(cleat__timestamp_read("at", timestamp, &read_ms), CLEAT_OK);
    assert_int_equal(read_ms, expected);
    cleat__message_free(timestamp);
}

static void test_written(void **state)
{
    (void)state;
    static const int64_t kept[] = {0, 1, -1, -1000, -1001, INT64_C(1700000000123), INT64_C(253402300799999)};
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        check_written(kept[i], kept[i]);
    }
    check_written(INT64_MAX, INT64_C(253402300799999));
    check_written(INT64_MIN, INT64_C(-62135596800000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
