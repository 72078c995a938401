#include "sampler_test.h"

#define HALF (UINT64_C(1) << 55)

static void constants_decide_and_say_so(void **state)
{
    const struct {
        cleat_composable_sampler *inner;
        uint64_t lowest; /* randomness that is sampled */
        const char *after;
        const char *description;
    } cases[] = {
        {NULL, 0, "ot=th:0", "Composite{ComposableAlwaysOn}"},
        {cleat_composable_always_on(), 0, "ot=th:0", "Composite{ComposableAlwaysOn}"},
        {cleat_composable_always_off(), CLEAT_THRESHOLD_NEVER, "", "Composite{ComposableAlwaysOff}"},
        {cleat_composable_ratio(0.5), HALF, "ot=th:8", "Composite{ComposableTraceIDRatioBased{0.500000}}"},
        {cleat_composable_ratio(0.1), UINT64_C(0xe666) << 40, "ot=th:e666",
         "Composite{ComposableTraceIDRatioBased{0.100000}}"},
        {cleat_composable_ratio(0), CLEAT_THRESHOLD_NEVER, "",
         "Composite{ComposableTraceIDRatioBased{0.000000}}"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        cleat_sampler *sampler = cleat_sampler_composite(cases[i].inner);
        uint64_t asked = cases[i].lowest < RANDOMNESS_MAX ? cases[i].lowest : RANDOMNESS_MAX;
        cleat_sampling_result result = ask(sampler, .trace_id = trace_id_with_randomness(asked));
        assert_int_equal(result.decision, cases[i].lowest <= RANDOMNESS_MAX ? SAMPLE : DROP);
        assert_slice(trace_state_after(&result, ""), cases[i].after);
        if (cases[i].lowest != 0) {
            result = ask(sampler, .trace_id = trace_id_with_randomness(asked - 1));
            assert_int_equal(result.decision, DROP);
            assert_false(result.sets_trace_state);
        }
        assert_string_equal(sampler->description(sampler), cases[i].description);
        free_sampler(sampler);
    }
}

static void threshold_of_the_parent_is_kept(void **state)
{
    static const struct {
        const char *before;
        bool is_sampled;
        cleat_sampling_decision decision;
        const char *after;
    } cases[] = {
        {"ot=th:8;rv:fedcba98765432", true, SAMPLE, "ot=th:8;rv:fedcba98765432"},
        {"ot=th:0,a=b", true, SAMPLE, "ot=th:0,a=b"},
        /* The threshold is what counts, not the flag. */
        {"ot=th:8;rv:fedcba98765432", false, SAMPLE, "ot=th:8;rv:fedcba98765432"},
        {"ot=th:ff;rv:fedcba98765432", true, DROP, "ot=rv:fedcba98765432"},
        /* Without one, the flag; what that stands for nobody knows. */
        {"", true, SAMPLE, ""},
        {"a=b", true, SAMPLE, "a=b"},
        {"ot=rv:00000000000000", true, SAMPLE, "ot=rv:00000000000000"},
        {"ot=rv:ffffffffffffff", false, DROP, "ot=rv:ffffffffffffff"},
        {"ot=th:wrong", true, SAMPLE, "ot=th:wrong"},
    };
    cleat_sampler *sampler =
        cleat_sampler_composite(cleat_composable_parent_threshold(cleat_composable_always_off()));
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        cleat_span_context parent = make_context(1, cases[i].is_sampled ? CLEAT_TRACE_FLAG_SAMPLED : 0);
        cleat_sampling_result result =
            ask(sampler, .parent_span_context = &parent, .trace_id = parent.trace_id,
                .trace_state = cleat_slice_of(cases[i].before));
        assert_int_equal(result.decision, cases[i].decision);
        assert_slice(trace_state_after(&result, cases[i].before), cases[i].after);
    }
    assert_int_equal(ask(sampler).decision, DROP); /* the root's */
    assert_string_equal(sampler->description(sampler),
                        "Composite{ComposableParentThreshold{root=ComposableAlwaysOff}}");
    free_sampler(sampler);
}

static bool is_named(void *user_data, const cleat_sampling_arguments *arguments)
{
    return cleat_slice_equals(arguments->name, cleat_slice_of(user_data));
}

static void first_rule_that_matches_is_asked(void **state)
{
    static char health[] = "GET /health", checkout[] = "POST /checkout";
    const cleat_sampling_rule rules[] = {
        {"health", is_named, health, NULL},
        {"checkout", is_named, checkout, cleat_composable_always_on()},
        {"health again", is_named, health, cleat_composable_always_on()},
        {NULL, NULL, NULL, cleat_composable_ratio(0.5)},
    };
    static const struct {
        const char *name;
        uint64_t randomness;
        cleat_sampling_decision decision;
    } cases[] = {
        {"GET /health", RANDOMNESS_MAX, DROP},
        {"POST /checkout", 0, SAMPLE},
        {"GET /", HALF, SAMPLE},
        {"GET /", HALF - 1, DROP},
    };
    cleat_sampler *sampler = cleat_sampler_composite(cleat_composable_rule_based(rules, 4));
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(ask(sampler, .name = cleat_slice_of(cases[i].name),
                             .trace_id = trace_id_with_randomness(cases[i].randomness))
                             .decision,
                         cases[i].decision);
    }
    assert_string_equal(sampler->description(sampler),
                        "Composite{ComposableRuleBased{health=ComposableAlwaysOff,"
                        "checkout=ComposableAlwaysOn,health again=ComposableAlwaysOn,"
                        "?=ComposableTraceIDRatioBased{0.500000}}}");
    free_sampler(sampler);
}

static void without_a_rule_that_matches_nothing_is_sampled(void **state)
{
    static char never[] = "never";
    const cleat_sampling_rule rule = {"never", is_named, never, cleat_composable_always_on()};
    cleat_sampler *samplers[] = {
        cleat_sampler_composite(cleat_composable_rule_based(&rule, 1)),
        cleat_sampler_composite(cleat_composable_rule_based(NULL, 5)),
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(samplers); i++) {
        cleat_sampling_result result = ask(samplers[i], .name = {"n", 1}, .trace_state = {"ot=th:8", 7});
        assert_int_equal(result.decision, DROP);
        assert_slice(trace_state_after(&result, "?"), "");
        free_sampler(samplers[i]);
    }
}

static void annotations_are_on_sampled_spans(void **state)
{
    char text[] = "half";
    const cleat_attribute inner[] = {cleat_attribute_string("rule", text), cleat_attribute_int("n", 1)};
    const cleat_attribute outer[] = {cleat_attribute_int("n", 2)};
    test_sdk sdk;
    (void)state;
    cleat_composable_sampler *annotated =
        cleat_composable_annotating(outer, 1, cleat_composable_annotating(inner, 2, NULL));
    memset(text, '?', sizeof(text) - 1); /* it was copied */
    SDK_START(&sdk, .sampler = cleat_sampler_composite(annotated));
    cleat_span_end(cleat_span_start(sdk.tracer, "s", NULL));
    cleat_span_view view = sdk_last(&sdk);
    assert_string_attribute(&view, "rule", "half");
    assert_int_attribute(&view, "n", 2);
    sdk_stop(&sdk);

    cleat_sampler *off =
        cleat_sampler_composite(cleat_composable_annotating(outer, 1, cleat_composable_always_off()));
    assert_int_equal(ask(off).attribute_count, 0);
    free_sampler(off);
}

static void annotations_have_room_for_some(void **state)
{
    cleat_attribute many[CLEAT_SAMPLING_STORAGE + 4];
    char keys[COUNT_OF(many)][8];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(many); i++) {
        snprintf(keys[i], sizeof(keys[i]), "k%zu", i);
        many[i] = cleat_attribute_int(keys[i], (int64_t)i);
    }
    /* One list is used as it is; of several the first ones. */
    cleat_sampler *one = cleat_sampler_composite(cleat_composable_annotating(many, COUNT_OF(many), NULL));
    assert_int_equal(ask(one).attribute_count, COUNT_OF(many));
    free_sampler(one);
    cleat_composable_sampler *inner = cleat_composable_always_on();
    for (int i = 0; i < CLEAT_SAMPLING_INTENT_LISTS + 2; i++) {
        inner = cleat_composable_annotating(many, 3, inner);
    }
    cleat_sampler *several = cleat_sampler_composite(inner);
    cleat_sampling_result result = ask(several);
    assert_int_equal(result.attribute_count, CLEAT_SAMPLING_STORAGE);
    assert_slice(result.attributes[15].key, "k0");
    free_sampler(several);
}

/* ---- A user's own ---- */

static void put_region(void *user_data, const cleat_sampling_arguments *arguments,
                       cleat_span_context *context)
{
    (void)arguments;
    cleat_trace_state_set(context, "region", cleat_slice_of(user_data));
}

static void drop_all(void *user_data, const cleat_sampling_arguments *arguments, cleat_span_context *context)
{
    (void)user_data;
    (void)arguments;
    context->trace_state_size = 0;
}

typedef struct own_sampler {
    cleat_composable_sampler base;
    cleat_sampling_intent intent;
} own_sampler;

static void get_own_intent(cleat_composable_sampler *self, const cleat_sampling_arguments *arguments,
                           cleat_sampling_intent *intent)
{
    (void)arguments;
    assert_true(intent->threshold == CLEAT_THRESHOLD_NEVER);
    assert_false(intent->is_reliable);
    assert_false(intent->sets_randomness);
    assert_int_equal(intent->list_count, 0);
    assert_null(intent->update_trace_state);
    *intent = ((own_sampler *)self)->intent;
}

static void users_sampler_has_every_freedom(void **state)
{
    static char north[] = "north";
    static const struct {
        cleat_sampling_intent intent;
        const char *before;
        cleat_sampling_decision decision; /* of randomness 0 */
        const char *after;
    } cases[] = {
        {{.threshold = 0, .is_reliable = false}, "ot=th:8,a=b", SAMPLE, "a=b"},
        {{.threshold = 1, .is_reliable = true}, "ot=th:8,a=b", DROP, "a=b"},
        {{.threshold = UINT64_C(1) << 56, .is_reliable = true},
         "ot=rv:ffffffffffffff",
         DROP,
         "ot=rv:ffffffffffffff"},
        {{.threshold = 0, .is_reliable = true, .update_trace_state = put_region, .user_data = north},
         "a=b",
         SAMPLE,
         "ot=th:0,region=north,a=b"},
        {{.threshold = 1, .update_trace_state = put_region, .user_data = north}, "", DROP, "region=north"},
        {{.threshold = 1, .is_reliable = true, .update_trace_state = drop_all},
         "ot=rv:00000000000001,a=b",
         SAMPLE,
         "ot=th:00000000000001;rv:00000000000001"},
        {{.threshold = 1, .update_trace_state = drop_all}, "a=b", DROP, ""},
        {{.threshold = HALF, .is_reliable = true, .sets_randomness = true, .randomness = UINT64_MAX},
         "",
         SAMPLE,
         "ot=th:8;rv:ffffffffffffff"},
        {{.threshold = HALF, .is_reliable = true, .sets_randomness = true, .randomness = UINT64_MAX},
         "ot=rv:00000000000001",
         DROP,
         "ot=rv:00000000000001"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        own_sampler own = {{get_own_intent, NULL, NULL}, cases[i].intent};
        cleat_sampler *sampler = cleat_sampler_composite(&own.base);
        cleat_sampling_result result = ask(sampler, .trace_state = cleat_slice_of(cases[i].before));
        assert_int_equal(result.decision, cases[i].decision);
        assert_slice(trace_state_after(&result, cases[i].before), cases[i].after);
        assert_string_equal(sampler->description(sampler), "Composite{?}");
        free_sampler(sampler);
    }
}

static void randomness_of_a_child_is_not_set(void **state)
{
    own_sampler own = {{get_own_intent, NULL, NULL},
                       {.threshold = HALF, .sets_randomness = true, .randomness = RANDOMNESS_MAX}};
    cleat_span_context parent = make_context(1, CLEAT_TRACE_FLAG_SAMPLED);
    cleat_sampler *sampler = cleat_sampler_composite(&own.base);
    (void)state;
    cleat_sampling_result result = ask(sampler, .parent_span_context = &parent, .trace_id = parent.trace_id);
    assert_int_equal(result.decision, DROP);
    assert_false(result.sets_trace_state);
    free_sampler(sampler);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constants_decide_and_say_so),
        cmocka_unit_test(threshold_of_the_parent_is_kept),
        cmocka_unit_test(first_rule_that_matches_is_asked),
        cmocka_unit_test(without_a_rule_that_matches_nothing_is_sampled),
        cmocka_unit_test(annotations_are_on_sampled_spans),
        cmocka_unit_test(annotations_have_room_for_some),
        cmocka_unit_test(users_sampler_has_every_freedom),
        cmocka_unit_test(randomness_of_a_child_is_not_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
