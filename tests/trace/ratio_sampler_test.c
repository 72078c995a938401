#include "sampler_test.h"

static void ratio_compares_with_its_threshold(void **state)
{
    static const struct {
        double ratio;
        const char *member; /* of a sampled span */
        uint64_t lowest;    /* randomness that is sampled */
    } cases[] = {
        {1.0, "ot=th:0", 0},
        {0.5, "ot=th:8", UINT64_C(1) << 55},
        {0.25, "ot=th:c", UINT64_C(3) << 54},
        {1.0 / 256, "ot=th:ff", UINT64_C(255) << 48},
        {0x1p-56, "ot=th:ffffffffffffff", RANDOMNESS_MAX},
        {0.1, "ot=th:e666", UINT64_C(0xe6660000000000)},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        cleat_sampler *sampler = cleat_sampler_ratio(cases[i].ratio);
        cleat_sampling_result result = ask(sampler, .trace_id = trace_id_with_randomness(cases[i].lowest));
        assert_int_equal(result.decision, SAMPLE);
        assert_slice(trace_state_after(&result, ""), cases[i].member);
        if (cases[i].lowest != 0) {
            result = ask(sampler, .trace_id = trace_id_with_randomness(cases[i].lowest - 1));
            assert_int_equal(result.decision, DROP);
            assert_false(result.sets_trace_state);
        }
        free_sampler(sampler);
    }
}

static void ratio_of_nothing_keeps_nothing(void **state)
{
    static const double none[] = {0.0, -1.0, 0x1p-60};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(none); i++) {
        cleat_sampler *sampler = cleat_sampler_ratio(none[i]);
        assert_int_equal(ask(sampler, .trace_id = trace_id_with_randomness(RANDOMNESS_MAX)).decision, DROP);
        free_sampler(sampler);
    }
}

static void ratio_keeps_what_else_is_in_the_tracestate(void **state)
{
    static const struct {
        const char *before, *after;
        cleat_sampling_decision decision;
    } cases[] = {
        {"a=b", "ot=th:8,a=b", SAMPLE},
        {"a=b,ot=rv:ffffffffffffff;th:0;x:y,c=d", "ot=th:8;rv:ffffffffffffff;x:y,a=b,c=d", SAMPLE},
        {"ot=rv:00000000000000", "ot=rv:00000000000000", DROP},
        {"ot=th:4;rv:00000000000000,a=b", "ot=rv:00000000000000,a=b", DROP},
    };
    cleat_sampler *sampler = cleat_sampler_ratio(0.5);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        cleat_sampling_result result = ask(sampler, .trace_id = trace_id_with_randomness(RANDOMNESS_MAX),
                                           .trace_state = cleat_slice_of(cases[i].before));
        assert_int_equal(result.decision, cases[i].decision);
        assert_slice(trace_state_after(&result, cases[i].before), cases[i].after);
    }
    /* A threshold that leaves nothing of the member takes it away. */
    cleat_sampling_result result = ask(sampler, .trace_state = cleat_slice_of("ot=th:4,a=b"));
    assert_slice(trace_state_after(&result, "?"), "a=b");
    free_sampler(sampler);
}

static int warnings;

static void count_warning(void *user_data, cleat_log_level level, const char *message)
{
    (void)user_data;
    warnings += level == CLEAT_LOG_WARN && strstr(message, "Trace Context Level 2") != NULL;
}

static void ratio_warns_once_of_callers_without_random_flag(void **state)
{
    cleat_sampler *sampler = cleat_sampler_ratio(0.5);
    cleat_span_context random = make_context(1, CLEAT_TRACE_FLAG_RANDOM), old = make_context(2, 0);
    (void)state;
    warnings = 0;
    cleat_log_set_handler(count_warning, NULL, CLEAT_LOG_WARN);
    ask(sampler);
    ask(sampler, .parent_span_context = &random);
    ask(sampler, .parent_span_context = &old, .trace_state = cleat_slice_of("ot=rv:00000000000001"));
    assert_int_equal(warnings, 0);
    ask(sampler, .parent_span_context = &old);
    ask(sampler, .parent_span_context = &old);
    assert_int_equal(warnings, 1);
    cleat_log_set_handler(NULL, NULL, CLEAT_LOG_WARN);
    free_sampler(sampler);
}

/* Ids of a fixed seed: the counts are the same in every run, and within five standard deviations. */
static void shares_are_those_of_the_ratios_and_nested(void **state)
{
    static const double ratios[] = {0.001, 0.01, 0.1, 0.25, 0.5, 0.9};
    enum { TRACES = 200000 };
    cleat_sampler *samplers[COUNT_OF(ratios)];
    size_t sampled[COUNT_OF(ratios)] = {0};
    cleat__random random;
    (void)state;
    cleat__random_init(&random, 20240229);
    for (size_t i = 0; i < COUNT_OF(ratios); i++) {
        samplers[i] = cleat_sampler_ratio(ratios[i]);
    }
    for (int trace = 0; trace < TRACES; trace++) {
        cleat_trace_id id = trace_id_with_randomness(cleat__random_next(&random) >> 8);
        bool before = false;
        for (size_t i = 0; i < COUNT_OF(ratios); i++) {
            bool now = ask(samplers[i], .trace_id = id).decision == SAMPLE;
            assert_true(now || !before); /* a larger ratio keeps what a smaller one keeps */
            sampled[i] += now;
            before = now;
        }
    }
    for (size_t i = 0; i < COUNT_OF(ratios); i++) {
        double expected = TRACES * ratios[i], off = (double)sampled[i] - expected;
        double variance = expected * (1 - ratios[i]);
        assert_true(off * off <= 25 * variance);
        free_sampler(samplers[i]);
    }
}

static void children_follow_in_a_provider(void **state)
{
    cleat_tracer_provider *provider = NULL;
    cleat__random random;
    int sampled = 0;
    (void)state;
    cleat__random_init(&random, 11);
    const cleat_id_generator ids = seeded_ids(&random);
    assert_int_equal(
        cleat_tracer_provider_new(
            CLEAT_TRACER_PROVIDER_OPTIONS(.sampler = cleat_sampler_ratio(0.3), .id_generator = &ids),
            &provider),
        CLEAT_OK);
    cleat_tracer *tracer = cleat_tracer_provider_get_tracer(provider, "ratio", NULL);
    for (int i = 0; i < 1000; i++) {
        cleat_span_context context;
        cleat_span span = cleat_span_start(tracer, "root", NULL);
        cleat_span_get_context(span, &context);
        sampled += cleat_span_context_is_sampled(&context);
        assert_int_equal(cleat_span_is_recording(span), cleat_span_context_is_sampled(&context));
        if (cleat_span_context_is_sampled(&context)) {
            assert_trace_state(&context, "ot=th:b333");
        }
        /* Every hop decides alike, whatever its ratio sampler asks: the randomness is the trace's. */
        cleat_span_context child;
        cleat_scope scope = cleat_span_attach(span);
        cleat_span inner = cleat_span_start(tracer, "child", NULL);
        cleat_span_get_context(inner, &child);
        assert_int_equal(cleat_span_context_is_sampled(&child), cleat_span_context_is_sampled(&context));
        cleat_span_end(inner);
        cleat_scope_detach(scope);
        cleat_span_end(span);
    }
    /* 300 expected, standard deviation 14.5: five of them either way. */
    assert_in_range(sampled, 228, 372);
    cleat_tracer_provider_free(provider);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ratio_compares_with_its_threshold),
        cmocka_unit_test(ratio_of_nothing_keeps_nothing),
        cmocka_unit_test(ratio_keeps_what_else_is_in_the_tracestate),
        cmocka_unit_test(ratio_warns_once_of_callers_without_random_flag),
        cmocka_unit_test(shares_are_those_of_the_ratios_and_nested),
        cmocka_unit_test(children_follow_in_a_provider),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
