#include "sampler_test.h"

static cleat_span_context parent_of(bool is_remote, bool is_sampled)
{
    cleat_span_context context = make_context(1, is_sampled ? CLEAT_TRACE_FLAG_SAMPLED : 0);
    context.is_remote = is_remote;
    return context;
}

static void parent_decides_where_there_is_one(void **state)
{
    cleat_sampler *sampler = cleat_sampler_parent_based(cleat_sampler_always_off());
    cleat_span_context contexts[] = {parent_of(false, true), parent_of(true, true), parent_of(false, false),
                                     parent_of(true, false)};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(contexts); i++) {
        assert_int_equal(ask(sampler, .parent_span_context = &contexts[i]).decision, i < 2 ? SAMPLE : DROP);
    }
    assert_int_equal(ask(sampler).decision, DROP);
    free_sampler(sampler);
}

static void root_is_always_on_by_default(void **state)
{
    cleat_sampler *samplers[] = {cleat_sampler_parent_based(NULL), cleat_sampler_parent_based_with(NULL)};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(samplers); i++) {
        assert_int_equal(ask(samplers[i]).decision, SAMPLE);
        free_sampler(samplers[i]);
    }
}

static void half_a_parent_is_none(void **state)
{
    cleat_sampler *sampler = cleat_sampler_parent_based(cleat_sampler_always_off());
    cleat_span_context no_span_id = parent_of(true, true), no_trace_id = parent_of(true, true);
    (void)state;
    memset(&no_span_id.span_id, 0, sizeof(no_span_id.span_id));
    memset(&no_trace_id.trace_id, 0, sizeof(no_trace_id.trace_id));
    assert_int_equal(ask(sampler, .parent_span_context = &no_span_id).decision, DROP);
    assert_int_equal(ask(sampler, .parent_span_context = &no_trace_id).decision, DROP);
    free_sampler(sampler);
}

static void each_case_has_its_sampler(void **state)
{
    enum { ROOT, REMOTE_SAMPLED, REMOTE_NOT, LOCAL_SAMPLED, LOCAL_NOT, CASES };
    counted_sampler asked[CASES] = {
        [ROOT] = COUNTED_SAMPLER(RECORD),       [REMOTE_SAMPLED] = COUNTED_SAMPLER(DROP),
        [REMOTE_NOT] = COUNTED_SAMPLER(SAMPLE), [LOCAL_SAMPLED] = COUNTED_SAMPLER(RECORD),
        [LOCAL_NOT] = COUNTED_SAMPLER(RECORD),
    };
    const cleat_span_context parents[CASES] = {
        [REMOTE_SAMPLED] = parent_of(true, true),
        [REMOTE_NOT] = parent_of(true, false),
        [LOCAL_SAMPLED] = parent_of(false, true),
        [LOCAL_NOT] = parent_of(false, false),
    };
    (void)state;
    cleat_sampler *sampler = cleat_sampler_parent_based_with(
        CLEAT_PARENT_BASED_OPTIONS(.root = &asked[ROOT].base,
                                   .remote_parent_sampled = &asked[REMOTE_SAMPLED].base,
                                   .remote_parent_not_sampled = &asked[REMOTE_NOT].base,
                                   .local_parent_sampled = &asked[LOCAL_SAMPLED].base,
                                   .local_parent_not_sampled = &asked[LOCAL_NOT].base));
    for (int i = 0; i < CASES; i++) {
        assert_int_equal(ask(sampler, .parent_span_context = &parents[i]).decision, asked[i].decision);
        assert_int_equal(asked[i].asked, 1);
    }
    free_sampler(sampler);
    for (int i = 0; i < CASES; i++) {
        assert_int_equal(asked[i].asked, 1);
        assert_int_equal(asked[i].freed, 1);
    }
}

static void one_sampler_for_several_cases_is_freed_once(void **state)
{
    counted_sampler inner = COUNTED_SAMPLER(RECORD);
    (void)state;
    cleat_sampler *sampler = cleat_sampler_parent_based_with(
        CLEAT_PARENT_BASED_OPTIONS(.root = &inner.base, .local_parent_sampled = &inner.base,
                                   .remote_parent_sampled = &inner.base));
    free_sampler(sampler);
    assert_int_equal(inner.freed, 1);
}

static void options_of_an_older_program_are_shorter(void **state)
{
    counted_sampler root = COUNTED_SAMPLER(RECORD), unseen = COUNTED_SAMPLER(RECORD);
    const cleat_span_context parent = parent_of(false, false);
    (void)state;
    cleat_parent_based_options options = {
        .struct_size = offsetof(cleat_parent_based_options, local_parent_sampled),
        .root = &root.base,
        .local_parent_not_sampled = &unseen.base,
    };
    cleat_sampler *sampler = cleat_sampler_parent_based_with(&options);
    assert_int_equal(ask(sampler).decision, RECORD);
    assert_int_equal(ask(sampler, .parent_span_context = &parent).decision, DROP);
    free_sampler(sampler);
    assert_int_equal(unseen.asked + unseen.freed, 0);
}

static void description_names_every_case(void **state)
{
    (void)state;
    cleat_sampler *sampler = cleat_sampler_parent_based(cleat_sampler_ratio(0.25));
    assert_string_equal(sampler->description(sampler),
                        "ParentBased{root=TraceIdRatioBased{0.250000},remoteParentSampled=AlwaysOnSampler,"
                        "remoteParentNotSampled=AlwaysOffSampler,localParentSampled=AlwaysOnSampler,"
                        "localParentNotSampled=AlwaysOffSampler}");
    free_sampler(sampler);
}

/* What the parent's sampler said stays true of the child. */
static void tracestate_of_the_parent_is_kept(void **state)
{
    cleat_sampler *sampler = cleat_sampler_parent_based(cleat_sampler_ratio(0.25));
    const cleat_span_context parent = parent_of(true, true);
    (void)state;
    cleat_sampling_result result =
        ask(sampler, .parent_span_context = &parent, .trace_state = cleat_slice_of("ot=th:8"));
    assert_int_equal(result.decision, SAMPLE);
    assert_false(result.sets_trace_state);
    free_sampler(sampler);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parent_decides_where_there_is_one),
        cmocka_unit_test(root_is_always_on_by_default),
        cmocka_unit_test(half_a_parent_is_none),
        cmocka_unit_test(each_case_has_its_sampler),
        cmocka_unit_test(one_sampler_for_several_cases_is_freed_once),
        cmocka_unit_test(options_of_an_older_program_are_shorter),
        cmocka_unit_test(description_names_every_case),
        cmocka_unit_test(tracestate_of_the_parent_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
