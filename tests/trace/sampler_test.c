/* What all samplers have in common, and a user's own one in a provider. */
#include "sampler_test.h"

static void on_and_off(void **state)
{
    (void)state;
    assert_int_equal(ask(cleat_sampler_always_on()).decision, SAMPLE);
    assert_int_equal(ask(cleat_sampler_always_off()).decision, DROP);
    assert_null(cleat_sampler_always_on()->free);
    assert_null(cleat_sampler_always_off()->free);
}

static void descriptions_name_what_is_inside(void **state)
{
    cleat_sampler *ratio = cleat_sampler_ratio(0.25);
    (void)state;
    assert_string_equal(ratio->description(ratio), "TraceIdRatioBased{0.250000}");
    cleat_sampler *sampler = cleat_sampler_always_record(cleat_sampler_link_based(ratio));
    assert_string_equal(sampler->description(sampler),
                        "AlwaysRecord{root=LinkBased{root=TraceIdRatioBased{0.250000}}}");
    free_sampler(sampler);
    assert_string_equal(cleat_sampler_always_on()->description(NULL), "AlwaysOnSampler");
    assert_string_equal(cleat_sampler_always_off()->description(NULL), "AlwaysOffSampler");
}

static void a_sampler_without_description_is_a_question_mark(void **state)
{
    static cleat_sampler silent = {counted_should_sample, NULL, NULL};
    (void)state;
    cleat_sampler *sampler = cleat_sampler_link_based(&silent);
    assert_string_equal(sampler->description(sampler), "LinkBased{root=?}");
    free_sampler(sampler);
}

static void always_record_records_what_is_dropped(void **state)
{
    static const cleat_sampling_decision after[] = {
        [DROP] = RECORD,
        [RECORD] = RECORD,
        [SAMPLE] = SAMPLE,
    };
    (void)state;
    for (int before = DROP; before <= SAMPLE; before++) {
        counted_sampler inner = COUNTED_SAMPLER((cleat_sampling_decision)before);
        cleat_sampler *sampler = cleat_sampler_always_record(&inner.base);
        assert_int_equal(ask(sampler).decision, after[before]);
        free_sampler(sampler);
        assert_int_equal(inner.freed, 1);
    }
    cleat_sampler *sampler = cleat_sampler_always_record(NULL);
    assert_int_equal(ask(sampler).decision, RECORD);
    free_sampler(sampler);
}

static void what_always_record_keeps_is_not_exported(void **state)
{
    test_sdk sdk;
    (void)state;
    SDK_START(&sdk, .sampler = cleat_sampler_always_record(cleat_sampler_always_off()));
    cleat_span span = cleat_span_start(sdk.tracer, "seen", NULL);
    assert_true(cleat_span_is_recording(span));
    cleat_span_end(span);
    assert_int_equal(cleat_memory_exporter_count(sdk.exporter), 0);
    sdk_stop(&sdk);
}

/* Each way to make a sampler of others. */
static cleat_sampler *make_parent_based(cleat_sampler *inner)
{
    return cleat_sampler_parent_based_with(
        CLEAT_PARENT_BASED_OPTIONS(.root = inner, .local_parent_sampled = inner));
}

static cleat_sampler *make_rate_limited(cleat_sampler *inner)
{
    free_sampler(inner);
    return cleat_sampler_rate_limited(1, NULL);
}

static cleat_sampler *make_composite(cleat_sampler *inner)
{
    const cleat_attribute attribute = cleat_attribute_string("key", "value");
    const cleat_sampling_rule rules[] = {
        {"first", NULL, NULL, cleat_composable_ratio(0.5)},
        {NULL, NULL, NULL, NULL},
    };
    free_sampler(inner);
    /* On no memory NULL means the default, so that what is made here is always something. */
    return cleat_sampler_composite(cleat_composable_parent_threshold(cleat_composable_link_threshold(
        cleat_composable_annotating(&attribute, 1, cleat_composable_rule_based(rules, 2)))));
}

static void without_memory_nothing_is_left_behind(void **state)
{
    static cleat_sampler *(*const makers[])(cleat_sampler *) = {
        cleat_sampler_parent_based,  make_parent_based, cleat_sampler_link_based,
        cleat_sampler_always_record, make_rate_limited, make_composite,
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(makers); i++) {
        for (size_t fail_at = 1;; fail_at++) {
            failing_allocator allocator;
            counted_sampler inner = COUNTED_SAMPLER(SAMPLE);
            failing_allocator_install(&allocator, fail_at);
            cleat_sampler *sampler = makers[i](&inner.base);
            bool is_done = atomic_load(&allocator.calls) < fail_at;
            assert_true(!is_done || sampler != NULL);
            assert_int_equal(inner.freed, sampler == NULL || i >= 4);
            free_sampler(sampler);
            assert_int_equal(inner.freed, 1);
            assert_int_equal(atomic_load(&allocator.live), 0);
            cleat_set_allocator(NULL);
            if (is_done) {
                break;
            }
        }
    }
}

static const cleat_context *seen_parent;

static void sample_record_only(cleat_sampler *self, const cleat_sampling_arguments *arguments,
                               cleat_sampling_result *result)
{
    static const cleat_attribute added = {.key = {"sampler", 7},
                                          .value = {.type = CLEAT_VALUE_BOOL, .as.boolean = true}};
    (void)self;
    assert_slice(arguments->name, "n");
    assert_int_equal(arguments->kind, CLEAT_SPAN_KIND_INTERNAL);
    assert_int_equal(arguments->attribute_count, 1);
    assert_non_null(arguments->parent_span_context);
    seen_parent = arguments->parent;
    result->decision = CLEAT_SAMPLING_RECORD_ONLY;
    result->attributes = &added;
    result->attribute_count = 1;
    result->sets_trace_state = true;
    cleat_trace_state_set(&result->trace_state_of, "by", cleat_slice_of("sampler"));
}

static void users_sampler_sees_and_decides(void **state)
{
    static cleat_sampler sampler = {sample_record_only, NULL, NULL};
    const cleat_attribute attribute = cleat_attribute_int("given", 1);
    cleat_span_context context;
    test_sdk sdk;
    (void)state;
    SDK_START(&sdk, .sampler = &sampler);
    cleat_span span =
        cleat_span_start(sdk.tracer, "n", CLEAT_SPAN_OPTIONS(.attributes = &attribute, .attribute_count = 1));
    assert_true(cleat_span_is_recording(span));
    assert_true(cleat_span_has_attribute(span, cleat_slice_of("sampler")));
    cleat_span_get_context(span, &context);
    assert_false(cleat_span_context_is_sampled(&context));
    assert_trace_state(&context, "by=sampler");
    cleat_span_end(span);
    assert_int_equal(cleat_memory_exporter_count(sdk.exporter), 0); /* recorded, not exported */
    assert_null(seen_parent);
    cleat_span_context remote = make_context(5, 0);
    cleat_context *parent = cleat_context_with_span_context(NULL, &remote);
    cleat_span_end(cleat_span_start(
        sdk.tracer, "n",
        CLEAT_SPAN_OPTIONS(.parent = parent, .attributes = &attribute, .attribute_count = 1)));
    assert_ptr_equal(seen_parent, parent);
    cleat_context_release(parent);
    sdk_stop(&sdk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(on_and_off),
        cmocka_unit_test(descriptions_name_what_is_inside),
        cmocka_unit_test(a_sampler_without_description_is_a_question_mark),
        cmocka_unit_test(always_record_records_what_is_dropped),
        cmocka_unit_test(what_always_record_keeps_is_not_exported),
        cmocka_unit_test(without_memory_nothing_is_left_behind),
        cmocka_unit_test(users_sampler_sees_and_decides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
