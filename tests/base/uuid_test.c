#include "base_test.h"

#include "base/uuid.h"

static const int64_t NOW_MS = INT64_C(1750000000123);

static int64_t ms_of(const cleat__uuid *uuid)
{
    int64_t ms = 0;
    for (size_t i = 0; i < 6; i++) {
        ms = ms << 8 | uuid->bytes[i];
    }
    return ms;
}

static void test_layout(void **state)
{
    (void)state;
    cleat__random random;
    cleat__random_init(&random, 1);
    cleat__uuid_generator generator = {.random = &random};
    cleat__uuid uuid = cleat__uuid_next(&generator, NOW_MS);
    assert_int_equal(ms_of(&uuid), NOW_MS);
    assert_int_equal(uuid.bytes[6] >> 4, 7);
    assert_int_equal(uuid.bytes[8] >> 6, 2);
}

/* Each id above the one before, whatever the clock does. */
static void test_increases_whatever_the_clock_does(void **state)
{
    (void)state;
    cleat__random random, clock_random;
    cleat__random_init(&random, 1);
    cleat__random_init(&clock_random, 2);
    cleat__uuid_generator generator = {.random = &random};
    cleat__uuid last = {{0}};
    int64_t now = NOW_MS;
    for (int i = 0; i < 100000; i++) {
        switch (cleat__random_below(&clock_random, 10)) {
        case 0: now++; break;
        case 1: now -= 1000; break;
        case 2: now += (int64_t)cleat__random_below(&clock_random, 1000); break;
        default: break;
        }
        cleat__uuid next = cleat__uuid_next(&generator, now);
        assert_true(memcmp(&last, &next, sizeof(next)) < 0);
        last = next;
    }
}

static void test_counter_overflow_runs_ahead(void **state)
{
    (void)state;
    cleat__random random;
    cleat__random_init(&random, 1);
    cleat__uuid_generator generator = {.random = &random};
    cleat__uuid first = cleat__uuid_next(&generator, NOW_MS);
    generator.counter = (1u << 26) - 2;
    cleat__uuid full = cleat__uuid_next(&generator, NOW_MS);
    cleat__uuid next = cleat__uuid_next(&generator, NOW_MS);
    assert_true(memcmp(&first, &full, sizeof(full)) < 0);
    assert_true(memcmp(&full, &next, sizeof(full)) < 0);
    assert_int_equal(ms_of(&full), NOW_MS);
    assert_int_equal(ms_of(&next), NOW_MS + 1);
}

static void test_clocks_that_cannot_be(void **state)
{
    (void)state;
    cleat__random random;
    cleat__random_init(&random, 1);
    const int64_t clocks[] = {INT64_MIN, -1, 0, 1, INT64_MAX};
    cleat__uuid_generator generator = {.random = &random};
    cleat__uuid last = {{0}};
    for (size_t i = 0; i < 5; i++) {
        cleat__uuid next = cleat__uuid_next(&generator, clocks[i]);
        assert_true(memcmp(&last, &next, sizeof(next)) < 0);
        assert_int_equal(next.bytes[6] >> 4, 7);
        last = next;
    }
}

static void test_text(void **state)
{
    (void)state;
    const char *text = "0190163d-8694-739b-aea5-966c26f8ad90";
    cleat__uuid uuid, upper;
    char formatted[37];
    assert_int_equal(cleat__uuid_parse(cleat_slice_of(text), &uuid), CLEAT_OK);
    cleat__uuid_format(&uuid, formatted);
    assert_string_equal(formatted, text);
    assert_int_equal(cleat__uuid_parse(cleat_slice_of("0190163D-8694-739B-AEA5-966C26F8AD90"), &upper),
                     CLEAT_OK);
    assert_true(cleat__uuid_equals(&uuid, &upper));
    assert_false(cleat__uuid_is_nil(&uuid));
    upper.bytes[15]++;
    assert_false(cleat__uuid_equals(&uuid, &upper));
    uuid = (cleat__uuid){{0}};
    assert_true(cleat__uuid_is_nil(&uuid));
}

static void test_text_that_is_no_uuid(void **state)
{
    (void)state;
    const char *texts[] = {
        "",
        "0190163d-8694-739b-aea5-966c26f8ad9",
        "0190163d-8694-739b-aea5-966c26f8ad900",
        "0190163d8694-739b-aea5-966c26f8ad900-",
        "0190163d-8694-739b-aea5-966c26f8ad9g",
        "0190163d-8694-739b-aea5_966c26f8ad90",
        "0190163d-8694-739b-aea5-966c26f8ad9\xE9",
        "{190163d-8694-739b-aea5-966c26f8ad90",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        cleat__uuid uuid;
        assert_int_equal(cleat__uuid_parse(cleat_slice_of(texts[i]), &uuid), CLEAT_INVALID_ARGUMENT);
    }
}

static void test_the_time_of_an_id(void **state)
{
    (void)state;
    cleat__uuid id, first = cleat__uuid_first(INT64_C(1700000000123)), none = cleat__uuid_first(-1);
    assert_int_equal(cleat__uuid_parse(cleat_slice_of("018bcfe5-687b-7000-8000-000000000000"), &id),
                     CLEAT_OK);
    assert_int_equal(cleat__uuid_time(&id), INT64_C(1700000000123));
    assert_true(memcmp(first.bytes, id.bytes, sizeof(id.bytes)) < 0);
    assert_memory_equal(first.bytes, id.bytes, 6);
    assert_true(cleat__uuid_is_nil(&none));
    first = cleat__uuid_first(INT64_MAX); /* above all that are made */
    assert_int_equal(first.bytes[0], 0xFF);
    id.bytes[6] = 0x40;
    assert_int_equal(cleat__uuid_time(&id), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_increases_whatever_the_clock_does),
        cmocka_unit_test(test_counter_overflow_runs_ahead),
        cmocka_unit_test(test_clocks_that_cannot_be),
        cmocka_unit_test(test_the_time_of_an_id),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_text_that_is_no_uuid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
