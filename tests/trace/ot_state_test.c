/* The tracestate member `ot`, and the thresholds of ratios. */
#include "trace/ot_state.h"

#include "sampler_test.h"
#include "trace/sampler.h"

static void randomness_comes_from_rv_else_the_trace_id(void **state)
{
    static const struct {
        const char *trace_state;
        uint64_t expected;
    } cases[] = {
        {"", UINT64_C(0x23456789abcdef)},
        {"ot=rv:00000000000001", 1},
        {"ot=rv:ffffffffffffff", RANDOMNESS_MAX},
        {"x=y,ot=th:8;rv:fedcba98765432", UINT64_C(0xfedcba98765432)},
        {"ot=;;rv:00000000000001;", 1},
        {"ot=rv:0000000000000g;rv:00000000000001", 1},
        {"ot=rv:fedcba9876543", UINT64_C(0x23456789abcdef)},   /* too short */
        {"ot=rv:FEDCBA98765432", UINT64_C(0x23456789abcdef)},  /* upper case */
        {"ot=rv:fedcba98765432a", UINT64_C(0x23456789abcdef)}, /* too long */
        {"ot=rv:", UINT64_C(0x23456789abcdef)},
        {"ot=rv", UINT64_C(0x23456789abcdef)},
        {"xot=rv:00000000000001", UINT64_C(0x23456789abcdef)},
    };
    cleat_trace_id id = trace_id_with_randomness(UINT64_C(0x23456789abcdef));
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        cleat_slice text = exact_copy(cases[i].trace_state);
        uint64_t randomness = cleat__sampling_randomness(text, &id);
        if (randomness != cases[i].expected) {
            fail_msg("%s: %llx", cases[i].trace_state, (unsigned long long)randomness);
        }
        exact_free(text);
    }
}

static void threshold_is_read_as_if_zeros_followed(void **state)
{
    static const struct {
        const char *trace_state;
        bool has_threshold;
        uint64_t threshold;
    } cases[] = {
        {"ot=th:0", true, 0},
        {"ot=th:8", true, UINT64_C(1) << 55},
        {"ot=th:c", true, UINT64_C(3) << 54},
        {"ot=th:00000000000001", true, 1},
        {"ot=th:ffffffffffffff", true, RANDOMNESS_MAX},
        {"ot=rv:00000000000001;th:fd70a", true, UINT64_C(0xfd70a) << 36},
        {"ot=th:000000000000001", false, 0},
        {"ot=th:", false, 0},
        {"ot=th:C", false, 0},
        {"ot=th:8 8", false, 0},
        {"ot=p:8", false, 0},
        {"", false, 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        cleat__ot_state ot;
        cleat__ot_read(cleat_slice_of(cases[i].trace_state), &ot);
        assert_int_equal(ot.has_threshold, cases[i].has_threshold);
        if (ot.has_threshold) {
            assert_true(ot.threshold == cases[i].threshold);
        }
    }
}

static void writing_replaces_the_threshold_and_never_the_randomness(void **state)
{
    static const cleat__ot_state none = {false, false, 0, 0}, half = {true, false, UINT64_C(1) << 55, 0},
                                 random = {false, true, 0, 1}, both = {true, true, 0, 1};
    static const struct {
        const char *before;
        const cleat__ot_state *wanted;
        const char *after; /* NULL: nothing is set */
    } cases[] = {
        {"", &none, NULL},
        {"", &half, "ot=th:8"},
        {"", &random, "ot=rv:00000000000001"},
        {"", &both, "ot=th:0;rv:00000000000001"},
        {"a=b", &none, NULL},
        {"a=b", &half, "ot=th:8,a=b"},
        {"a=b,ot=rv:ffffffffffffff;th:0;x:y,c=d", &half, "ot=th:8;rv:ffffffffffffff;x:y,a=b,c=d"},
        {"ot=x:y;rv:ffffffffffffff", &both, "ot=th:0;rv:ffffffffffffff;x:y"},
        {"ot=x:y ;th:4;z", &random, "ot=rv:00000000000001;x:y;z"},
        {"ot=rv:ffffffffffffff", &random, NULL},
        {"ot=th:8,a=b", &half, NULL},
        {"ot=th:80;x:y", &half, NULL},
        {"ot=rv:00000000000000", &none, NULL},
        {"ot=th:4;rv:00000000000000,a=b", &none, "ot=rv:00000000000000,a=b"},
        {"ot=th:4,a=b", &none, "a=b"},
        {"ot=th:4", &none, ""},
        {"ot=rv:nonsense;x:y", &random, "ot=rv:00000000000001;x:y"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        cleat_sampling_result result;
        memset(&result, 0, sizeof(result));
        cleat__ot_write(cleat_slice_of(cases[i].before), cases[i].wanted, &result);
        assert_int_equal(result.sets_trace_state, cases[i].after != NULL);
        assert_slice(trace_state_after(&result, ""), cases[i].after != NULL ? cases[i].after : "");
    }
}

static void both_have_precedence_in_a_full_member(void **state)
{
    static const cleat__ot_state wanted = {true, false, UINT64_C(0xe666) << 40, 0};
    static const char start[] = "ot=th:0;x:", end[] = ";rv:ffffffffffffff";
    static const char after[] = "ot=th:e666;rv:ffffffffffffff";
    char full[sizeof("ot=") + 256];
    (void)state;
    /* A value of the 256 characters that W3C allows. */
    memset(full, '.', sizeof(full) - 1);
    memcpy(full, start, strlen(start));
    memcpy(full + strlen("ot=") + 256 - strlen(end), end, sizeof(end));
    cleat_span_context parsed = {.trace_flags = 0};
    assert_int_equal(cleat_trace_state_parse(&parsed, cleat_slice_of(full)), CLEAT_OK);
    cleat_sampling_result result;
    memset(&result, 0, sizeof(result));
    cleat__ot_write(cleat_slice_of(full), &wanted, &result);
    assert_slice(trace_state_after(&result, full), after);
}

/* The table of the specification ("Converting floating-point probability to threshold value"), four
 * digits, and what lies at the ends. */
static void ratios_become_thresholds_of_four_digits(void **state)
{
    static const struct {
        double ratio;
        const char *threshold; /* NULL: rejects all */
    } cases[] = {
        {1, "0"},
        {2, "0"},
        {0.5, "8"},
        {1.0 / 3, "aaab"},
        {0.25, "c"},
        {0.75, "4"},
        {0.2, "cccd"},
        {0.125, "e"},
        {0.1, "e666"},
        {0.3, "b333"},
        {1.0 / 16, "f"},
        {0.01, "fd70a"},
        {0.001, "ffbe77"},
        {0.0001, "fff9724"},
        {0.00001, "ffff583a"},
        {0.000001, "ffffef39"},
        {0.9, "199a"},
        {0.99, "028f6"},
        {0.999, "004189"},
        {1.0 / 256, "ff"},
        {0x1p-56, "ffffffffffffff"},
        {0x1p-55, "fffffffffffffe"},
        {1 - 0x1p-53, "00000000000008"},
        {0x1p-60, NULL},
        {0, NULL},
        {-0.0, NULL},
        {-1, NULL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[CLEAT__THRESHOLD_DIGITS];
        uint64_t threshold = cleat__threshold_of_ratio(cases[i].ratio);
        if (cases[i].threshold == NULL) {
            assert_true(threshold == CLEAT__THRESHOLD_RANGE);
            continue;
        }
        assert_slice((cleat_slice){text, cleat__threshold_format(threshold, text)}, cases[i].threshold);
    }
}

static void a_rounded_threshold_is_near_the_ratio(void **state)
{
    cleat__random random;
    (void)state;
    cleat__random_init(&random, 42);
    for (int i = 0; i < 100000; i++) {
        /* Of any magnitude, so that the small ones come too. */
        double ratio = (double)(cleat__random_next(&random) >> 11) * 0x1p-53;
        for (uint64_t halvings = cleat__random_below(&random, 30); halvings > 0; halvings--) {
            ratio /= 2;
        }
        uint64_t threshold = cleat__threshold_of_ratio(ratio);
        double real = (double)(CLEAT__THRESHOLD_RANGE - threshold) * 0x1p-56;
        double error = real > ratio ? real - ratio : ratio - real;
        assert_true(threshold <= CLEAT__THRESHOLD_RANGE);
        if (error > ratio / 8192 + 0x1p-57) {
            fail_msg("%g became %g", ratio, real);
        }
    }
}

static void what_is_written_is_read_again(void **state)
{
    cleat__random random;
    (void)state;
    cleat__random_init(&random, 7);
    for (int i = 0; i < 10000; i++) {
        cleat__ot_state wanted = {
            .has_threshold = cleat__random_below(&random, 2) != 0,
            .has_randomness = cleat__random_below(&random, 2) != 0,
            .threshold = cleat__random_next(&random) >> 8 << (4 * cleat__random_below(&random, 14)),
            .randomness = cleat__random_next(&random) >> 8,
        };
        wanted.threshold &= RANDOMNESS_MAX;
        cleat_sampling_result result;
        cleat__ot_state read;
        memset(&result, 0, sizeof(result));
        cleat__ot_write((cleat_slice){"a=b", 3}, &wanted, &result);
        cleat__ot_read(trace_state_after(&result, "a=b"), &read);
        assert_int_equal(read.has_threshold, wanted.has_threshold);
        assert_int_equal(read.has_randomness, wanted.has_randomness);
        assert_true(!read.has_threshold || read.threshold == wanted.threshold);
        assert_true(!read.has_randomness || read.randomness == wanted.randomness);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(randomness_comes_from_rv_else_the_trace_id),
        cmocka_unit_test(threshold_is_read_as_if_zeros_followed),
        cmocka_unit_test(writing_replaces_the_threshold_and_never_the_randomness),
        cmocka_unit_test(both_have_precedence_in_a_full_member),
        cmocka_unit_test(ratios_become_thresholds_of_four_digits),
        cmocka_unit_test(a_rounded_threshold_is_near_the_ratio),
        cmocka_unit_test(what_is_written_is_read_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
