#include "sampler_test.h"

#define THREADS 4

static cleat_clock clock_of(fake_clock *clock)
{
    return (cleat_clock){clock, fake_unix_ns, fake_monotonic_ns};
}

static int count_sampled(cleat_sampler *sampler, int asks)
{
    int sampled = 0;
    for (int i = 0; i < asks; i++) {
        sampled += ask(sampler).decision == SAMPLE;
    }
    return sampled;
}

static cleat_sampler *limited(double rate, double burst, fake_clock *fake)
{
    const cleat_clock clock = clock_of(fake);
    cleat_sampler *sampler =
        cleat_sampler_rate_limited(rate, CLEAT_RATE_LIMIT_OPTIONS(.burst = burst, .clock = &clock));
    assert_non_null(sampler);
    return sampler;
}

static void a_burst_is_one_second_of_spans(void **state)
{
    fake_clock clock = {START_UNIX_NS, START_MONOTONIC_NS};
    cleat_sampler *sampler = limited(10, 0, &clock);
    (void)state;
    assert_int_equal(count_sampled(sampler, 100), 10);
    assert_int_equal(count_sampled(sampler, 100), 0);
    fake_clock_advance(&clock, SECOND / 10);
    assert_int_equal(count_sampled(sampler, 100), 1);
    fake_clock_advance(&clock, SECOND / 10 - 1);
    assert_int_equal(count_sampled(sampler, 100), 0);
    fake_clock_advance(&clock, 1);
    assert_int_equal(count_sampled(sampler, 100), 1);
    /* However long it was quiet. */
    fake_clock_advance(&clock, 3600 * SECOND);
    assert_int_equal(count_sampled(sampler, 100), 10);
    free_sampler(sampler);
}

static void burst_is_an_option(void **state)
{
    static const struct {
        double rate, burst;
        int at_once, per_second;
    } cases[] = {
        {10, 3, 3, 3}, {10, 25, 25, 10}, {10, 0.1, 1, 1}, {0.5, 0, 1, 0}, {1, 1, 1, 1}, {1000, 5, 5, 5},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        fake_clock clock = {START_UNIX_NS, START_MONOTONIC_NS};
        cleat_sampler *sampler = limited(cases[i].rate, cases[i].burst, &clock);
        assert_int_equal(count_sampled(sampler, 1000), cases[i].at_once);
        fake_clock_advance(&clock, SECOND);
        assert_int_equal(count_sampled(sampler, 1000), cases[i].per_second);
        free_sampler(sampler);
    }
}

/* Whatever the rhythm of the spans: what is kept is the burst and the rate. */
static void rate_holds_over_time(void **state)
{
    static const double rates[] = {0.25, 1, 7, 100, 12345.6};
    cleat__random random;
    (void)state;
    cleat__random_init(&random, 3);
    for (size_t i = 0; i < COUNT_OF(rates); i++) {
        fake_clock clock = {START_UNIX_NS, START_MONOTONIC_NS};
        cleat_sampler *sampler = limited(rates[i], 1, &clock);
        int64_t step = (int64_t)(1e9 / rates[i] / 4), end = START_MONOTONIC_NS + 4000 * step;
        int sampled = 0;
        while (clock.monotonic_ns < end) {
            sampled += ask(sampler).decision == SAMPLE;
            fake_clock_advance(&clock, (int64_t)cleat__random_below(&random, (uint64_t)step / 8 + 1));
        }
        /* 1,000 intervals; each may lose up to the pause between two spans. */
        assert_in_range(sampled, 950, 1001);
        free_sampler(sampler);
    }
}

static void odd_rates_are_none_or_all(void **state)
{
    static const double none[] = {0, -1, -1e300};
    static const double all[] = {1e9, 1e12, 1e300};
    fake_clock clock = {START_UNIX_NS, START_MONOTONIC_NS};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(none); i++) {
        cleat_sampler *sampler = limited(none[i], 0, &clock);
        assert_int_equal(count_sampled(sampler, 100), 0);
        free_sampler(sampler);
        sampler = limited(all[i], 0, &clock);
        assert_int_equal(count_sampled(sampler, 1000), 1000);
        free_sampler(sampler);
    }
    cleat_sampler *once_in_ages = limited(1e-300, 0, &clock);
    assert_int_equal(count_sampled(once_in_ages, 100), 1);
    fake_clock_advance(&clock, 1000000 * SECOND);
    assert_int_equal(count_sampled(once_in_ages, 100), 0);
    free_sampler(once_in_ages);
}

static void clock_that_goes_back_makes_no_tokens(void **state)
{
    fake_clock clock = {START_UNIX_NS, START_MONOTONIC_NS};
    cleat_sampler *sampler = limited(10, 0, &clock);
    (void)state;
    assert_int_equal(count_sampled(sampler, 5), 5);
    fake_clock_advance(&clock, -SECOND / 2);
    assert_int_equal(count_sampled(sampler, 100), 0);
    fake_clock_advance(&clock, SECOND / 2);
    assert_int_equal(count_sampled(sampler, 100), 5);
    free_sampler(sampler);
}

static void threshold_of_another_sampler_goes(void **state)
{
    cleat_sampler *sampler = cleat_sampler_rate_limited(1e-6, NULL);
    (void)state;
    for (int i = 0; i < 2; i++) {
        cleat_sampling_result result =
            ask(sampler, .trace_state = cleat_slice_of("ot=th:8;rv:00000000000001,a=b"));
        assert_int_equal(result.decision, i == 0 ? SAMPLE : DROP);
        assert_slice(trace_state_after(&result, ""), "ot=rv:00000000000001,a=b");
    }
    free_sampler(sampler);
}

static void description_says_rate_and_burst(void **state)
{
    cleat_sampler *sampler = cleat_sampler_rate_limited(12.5, CLEAT_RATE_LIMIT_OPTIONS(.burst = 40));
    (void)state;
    assert_string_equal(sampler->description(sampler), "RateLimited{12.5,burst=40}");
    free_sampler(sampler);
}

static void *ask_often(void *argument)
{
    return (void *)(intptr_t)count_sampled(argument, 20000);
}

static void threads_share_the_tokens(void **state)
{
    fake_clock clock = {START_UNIX_NS, START_MONOTONIC_NS};
    cleat_sampler *sampler = limited(30000, 0, &clock);
    pthread_t threads[THREADS];
    intptr_t sampled = 0;
    (void)state;
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, ask_often, sampler), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *count;
        assert_int_equal(pthread_join(threads[i], &count), 0);
        sampled += (intptr_t)count;
    }
    /* The interval is whole nanoseconds, 33,333 of them. */
    assert_in_range(sampled, 29999, 30001);
    free_sampler(sampler);
}

static void limits_traces_below_parent_based(void **state)
{
    test_sdk sdk;
    (void)state;
    SDK_START(&sdk, .sampler = cleat_sampler_parent_based(
                        cleat_sampler_rate_limited(1e-6, CLEAT_RATE_LIMIT_OPTIONS(.burst = 3))));
    for (int i = 0; i < 10; i++) {
        cleat_span root = cleat_span_start(sdk.tracer, "root", NULL);
        cleat_scope scope = cleat_span_attach(root);
        cleat_span child = cleat_span_start(sdk.tracer, "child", NULL);
        assert_int_equal(cleat_span_is_recording(child), cleat_span_is_recording(root));
        cleat_span_end(child);
        cleat_scope_detach(scope);
        cleat_span_end(root);
    }
    assert_int_equal(cleat_memory_exporter_count(sdk.exporter), 6);
    sdk_stop(&sdk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_is_one_second_of_spans),
        cmocka_unit_test(burst_is_an_option),
        cmocka_unit_test(rate_holds_over_time),
        cmocka_unit_test(odd_rates_are_none_or_all),
        cmocka_unit_test(clock_that_goes_back_makes_no_tokens),
        cmocka_unit_test(threshold_of_another_sampler_goes),
        cmocka_unit_test(description_says_rate_and_burst),
        cmocka_unit_test(threads_share_the_tokens),
        cmocka_unit_test(limits_traces_below_parent_based),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
