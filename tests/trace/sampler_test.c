#include "trace/sampler.h"

#include "sdk_test.h"

static const cleat_span_context no_parent;

static cleat_sampling_result ask(cleat_sampler *sampler, cleat_sampling_arguments arguments)
{
    cleat_sampling_result result;
    memset(&result, 0, sizeof(result));
    if (arguments.parent_span_context == NULL) {
        arguments.parent_span_context = &no_parent;
    }
    sampler->should_sample(sampler, &arguments, &result);
    return result;
}

static cleat_slice trace_state_of(const cleat_sampling_result *result)
{
    return (cleat_slice){result->trace_state_of.trace_state, result->trace_state_of.trace_state_size};
}

static void free_sampler(cleat_sampler *sampler)
{
    if (sampler->free != NULL) {
        sampler->free(sampler);
    }
}

static cleat_trace_id trace_id_with_randomness(uint64_t randomness)
{
    cleat_trace_id id = {{0x77}};
    for (int i = 0; i < 7; i++) {
        id.bytes[15 - i] = (uint8_t)(randomness >> (8 * i));
    }
    return id;
}

static void on_and_off(void **state)
{
    (void)state;
    assert_int_equal(ask(cleat_sampler_always_on(), (cleat_sampling_arguments){0}).decision,
                     CLEAT_SAMPLING_RECORD_AND_SAMPLE);
    assert_int_equal(ask(cleat_sampler_always_off(), (cleat_sampling_arguments){0}).decision,
                     CLEAT_SAMPLING_DROP);
    assert_null(cleat_sampler_always_on()->free);
}

static void descriptions_name_what_is_inside(void **state)
{
    cleat_sampler *ratio = cleat_sampler_ratio(0.25);
    (void)state;
    assert_string_equal(ratio->description(ratio), "TraceIdRatioBased{0.250000}");
    cleat_sampler *sampler = cleat_sampler_link_based(ratio);
    assert_string_equal(sampler->description(sampler), "LinkBased{root=TraceIdRatioBased{0.250000}}");
    sampler = cleat_sampler_parent_based(sampler);
    assert_non_null(strstr(sampler->description(sampler),
                           "ParentBased{root=LinkBased{root=TraceIdRatioBased{0.250000}},"
                           "remoteParentSampled=AlwaysOnSampler"));
    free_sampler(sampler);
    assert_string_equal(cleat_sampler_always_on()->description(NULL), "AlwaysOnSampler");
    assert_string_equal(cleat_sampler_always_off()->description(NULL), "AlwaysOffSampler");
}

static void randomness_comes_from_rv_else_the_trace_id(void **state)
{
    static const struct {
        const char *trace_state;
        uint64_t expected;
    } cases[] = {
        {"", UINT64_C(0x23456789abcdef)},
        {"ot=rv:00000000000001", 1},
        {"x=y,ot=th:8;rv:fedcba98765432", UINT64_C(0xfedcba98765432)},
        {"ot=rv:fedcba9876543", UINT64_C(0x23456789abcdef)},   /* too short */
        {"ot=rv:FEDCBA98765432", UINT64_C(0x23456789abcdef)},  /* upper case */
        {"ot=rv:fedcba98765432a", UINT64_C(0x23456789abcdef)}, /* too long */
        {"xot=rv:00000000000001", UINT64_C(0x23456789abcdef)},
    };
    cleat_trace_id id = trace_id_with_randomness(UINT64_C(0x23456789abcdef));
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_true(cleat__sampling_randomness(cleat_slice_of(cases[i].trace_state), &id) ==
                    cases[i].expected);
    }
}

static void ratio_compares_with_its_threshold(void **state)
{
    static const struct {
        double ratio;
        const char *member; /* of a sampled span */
        uint64_t lowest;    /* randomness that is sampled */
    } cases[] = {
        {1.0, "ot=th:0", 0},
        {2.0, "ot=th:0", 0},
        {0.5, "ot=th:8", UINT64_C(1) << 55},
        {0.25, "ot=th:c", UINT64_C(3) << 54},
        {0.75, "ot=th:4", UINT64_C(1) << 54},
        {1.0 / 256, "ot=th:ff", UINT64_C(255) << 48},
        {0x1p-56, "ot=th:ffffffffffffff", (UINT64_C(1) << 56) - 1},
        {0.1, "ot=th:e6666666666666", UINT64_C(0xe6666666666666)},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        cleat_sampler *sampler = cleat_sampler_ratio(cases[i].ratio);
        cleat_sampling_result result =
            ask(sampler, (cleat_sampling_arguments){.trace_id = trace_id_with_randomness(cases[i].lowest)});
        assert_int_equal(result.decision, CLEAT_SAMPLING_RECORD_AND_SAMPLE);
        assert_true(result.sets_trace_state);
        assert_slice(trace_state_of(&result), cases[i].member);
        if (cases[i].lowest != 0) {
            result =
                ask(sampler,
                    (cleat_sampling_arguments){.trace_id = trace_id_with_randomness(cases[i].lowest - 1)});
            assert_int_equal(result.decision, CLEAT_SAMPLING_DROP);
            assert_false(result.sets_trace_state);
        }
        free_sampler(sampler);
    }
    static const double none[] = {0.0, -1.0, 0x1p-60};
    for (size_t i = 0; i < COUNT_OF(none); i++) {
        cleat_sampler *sampler = cleat_sampler_ratio(none[i]);
        assert_int_equal(ask(sampler, (cleat_sampling_arguments){.trace_id = trace_id_with_randomness(
                                                                     (UINT64_C(1) << 56) - 1)})
                             .decision,
                         CLEAT_SAMPLING_DROP);
        free_sampler(sampler);
    }
}

static void ratio_keeps_what_else_is_in_the_tracestate(void **state)
{
    static const struct {
        const char *before, *after; /* after NULL: unchanged */
        cleat_sampling_decision decision;
    } cases[] = {
        {"a=b", "ot=th:8,a=b", CLEAT_SAMPLING_RECORD_AND_SAMPLE},
        {"a=b,ot=rv:ffffffffffffff;th:0;x:y,c=d", "ot=th:8;rv:ffffffffffffff;x:y,a=b,c=d",
         CLEAT_SAMPLING_RECORD_AND_SAMPLE},
        {"ot=rv:00000000000000", NULL, CLEAT_SAMPLING_DROP},
        {"ot=th:4;rv:00000000000000,a=b", "ot=rv:00000000000000,a=b", CLEAT_SAMPLING_DROP},
    };
    cleat_sampler *sampler = cleat_sampler_ratio(0.5);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        cleat_sampling_result result =
            ask(sampler, (cleat_sampling_arguments){.trace_id = trace_id_with_randomness(UINT64_MAX >> 8),
                                                    .trace_state = cleat_slice_of(cases[i].before)});
        assert_int_equal(result.decision, cases[i].decision);
        assert_int_equal(result.sets_trace_state, cases[i].after != NULL);
        if (cases[i].after != NULL) {
            assert_slice(trace_state_of(&result), cases[i].after);
        }
    }
    /* A threshold that leaves nothing of the member takes it away. */
    cleat_sampling_result result =
        ask(sampler, (cleat_sampling_arguments){.trace_state = cleat_slice_of("ot=th:4,a=b")});
    assert_slice(trace_state_of(&result), "a=b");
    free_sampler(sampler);
}

static void threshold_has_precedence_in_a_full_member(void **state)
{
    static const char before[] = "ot=th:0;rv:ffffffffffffff;x:";
    static const char after[] = "ot=th:e6666666666666;rv:ffffffffffffff";
    char full[sizeof("ot=") + 256];
    cleat_sampler *sampler = cleat_sampler_ratio(0.1);
    (void)state;
    /* A value of the 256 characters that W3C allows. */
    memset(full, '.', sizeof(full) - 1);
    memcpy(full, before, strlen(before));
    full[strlen("ot=") + 256] = '\0';
    cleat_span_context parsed = {.trace_flags = 0};
    assert_int_equal(cleat_trace_state_parse(&parsed, cleat_slice_of(full)), CLEAT_OK);
    cleat_sampling_result result =
        ask(sampler, (cleat_sampling_arguments){.trace_state = cleat_slice_of(full)});
    assert_int_equal(result.decision, CLEAT_SAMPLING_RECORD_AND_SAMPLE);
    assert_slice(trace_state_of(&result), after);
    free_sampler(sampler);
}

static void parent_decides_where_there_is_one(void **state)
{
    cleat_sampler *sampler = cleat_sampler_parent_based(cleat_sampler_always_off());
    cleat_span_context sampled = make_context(1, CLEAT_TRACE_FLAG_SAMPLED), unsampled = make_context(1, 0);
    (void)state;
    assert_int_equal(ask(sampler, (cleat_sampling_arguments){.parent_span_context = &sampled}).decision,
                     CLEAT_SAMPLING_RECORD_AND_SAMPLE);
    assert_int_equal(ask(sampler, (cleat_sampling_arguments){.parent_span_context = &unsampled}).decision,
                     CLEAT_SAMPLING_DROP);
    assert_int_equal(ask(sampler, (cleat_sampling_arguments){0}).decision, CLEAT_SAMPLING_DROP);
    free_sampler(sampler);
    sampler = cleat_sampler_parent_based(NULL);
    assert_int_equal(ask(sampler, (cleat_sampling_arguments){0}).decision, CLEAT_SAMPLING_RECORD_AND_SAMPLE);
    free_sampler(sampler);
}

static void links_decide_for_a_root(void **state)
{
    cleat_span_context sampled = make_context(1, CLEAT_TRACE_FLAG_SAMPLED), unsampled = make_context(1, 0);
    const cleat_link mixed[] = {{&unsampled, NULL, 0}, {&no_parent, NULL, 0}, {&sampled, NULL, 0}};
    const cleat_link invalid[] = {{&no_parent, NULL, 0}, {NULL, NULL, 0}};
    cleat_sampler *roots[] = {cleat_sampler_always_on(), cleat_sampler_always_off()};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(roots); i++) {
        cleat_sampler *sampler = cleat_sampler_link_based(roots[i]);
        cleat_sampling_decision of_root = i == 0 ? CLEAT_SAMPLING_RECORD_AND_SAMPLE : CLEAT_SAMPLING_DROP;
        assert_int_equal(ask(sampler, (cleat_sampling_arguments){.links = mixed, .link_count = 3}).decision,
                         CLEAT_SAMPLING_RECORD_AND_SAMPLE);
        assert_int_equal(ask(sampler, (cleat_sampling_arguments){.links = mixed, .link_count = 2}).decision,
                         CLEAT_SAMPLING_DROP);
        assert_int_equal(ask(sampler, (cleat_sampling_arguments){.links = invalid, .link_count = 2}).decision,
                         of_root);
        assert_int_equal(ask(sampler, (cleat_sampling_arguments){0}).decision, of_root);
        free_sampler(sampler);
    }
}

static void environment_names_the_sampler(void **state)
{
    static const struct {
        const char *sampler, *argument, *description;
    } cases[] = {
        {NULL, NULL, "ParentBased{root=LinkBased{root=AlwaysOnSampler}"},
        {"always_on", NULL, "AlwaysOnSampler"},
        {"ALWAYS_OFF", NULL, "AlwaysOffSampler"},
        {"traceidratio", "0.25", "TraceIdRatioBased{0.250000}"},
        {"traceidratio", NULL, "TraceIdRatioBased{1.000000}"},
        {"traceidratio", "-3", "TraceIdRatioBased{1.000000}"},
        {"traceidratio", "often", "TraceIdRatioBased{1.000000}"},
        {"parentbased_always_on", NULL, "ParentBased{root=LinkBased{root=AlwaysOnSampler}"},
        {"parentbased_always_off", NULL, "ParentBased{root=LinkBased{root=AlwaysOffSampler}"},
        {"parentbased_traceidratio", "0.5", "ParentBased{root=LinkBased{root=TraceIdRatioBased{0.500000}}"},
        {"sometimes", NULL, "ParentBased{root=LinkBased{root=AlwaysOnSampler}"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        unsetenv("OTEL_TRACES_SAMPLER");
        unsetenv("OTEL_TRACES_SAMPLER_ARG");
        if (cases[i].sampler != NULL) {
            setenv("OTEL_TRACES_SAMPLER", cases[i].sampler, 1);
        }
        if (cases[i].argument != NULL) {
            setenv("OTEL_TRACES_SAMPLER_ARG", cases[i].argument, 1);
        }
        cleat_sampler *sampler = cleat__sampler_from_environment();
        const char *description = sampler->description(sampler);
        if (strncmp(description, cases[i].description, strlen(cases[i].description)) != 0) {
            fail_msg("%s, not %s", description, cases[i].description);
        }
        free_sampler(sampler);
    }
    unsetenv("OTEL_TRACES_SAMPLER");
    unsetenv("OTEL_TRACES_SAMPLER_ARG");
}

static char last_warning[512];
static int warnings;

static void keep_warning(void *user_data, cleat_log_level level, const char *message)
{
    (void)user_data;
    warnings += level == CLEAT_LOG_WARN;
    snprintf(last_warning, sizeof(last_warning), "%s", message);
}

static void wrong_sampler_warns_once(void **state)
{
    (void)state;
    setenv("OTEL_TRACES_SAMPLER", "now_and_then", 1);
    cleat_log_set_handler(keep_warning, NULL, CLEAT_LOG_WARN);
    for (int i = 0; i < 3; i++) {
        free_sampler(cleat__sampler_from_environment());
    }
    cleat_log_set_handler(NULL, NULL, CLEAT_LOG_WARN);
    unsetenv("OTEL_TRACES_SAMPLER");
    assert_int_equal(warnings, 1);
    assert_non_null(strstr(last_warning, "OTEL_TRACES_SAMPLER"));
    assert_non_null(strstr(last_warning, "now_and_then"));
    assert_non_null(strstr(last_warning, "parentbased_traceidratio"));
}

/* ---- In a provider ---- */

static void ratio_of_a_thousand_traces(void **state)
{
    cleat_tracer_provider *provider = NULL;
    int sampled = 0;
    (void)state;
    assert_int_equal(cleat_tracer_provider_new(
                         CLEAT_TRACER_PROVIDER_OPTIONS(.sampler = cleat_sampler_ratio(0.3)), &provider),
                     CLEAT_OK);
    cleat_tracer *tracer = cleat_tracer_provider_get_tracer(provider, "ratio", NULL);
    for (int i = 0; i < 1000; i++) {
        cleat_span_context context;
        cleat_span span = cleat_span_start(tracer, "root", NULL);
        cleat_span_get_context(span, &context);
        sampled += cleat_span_context_is_sampled(&context);
        assert_int_equal(cleat_span_is_recording(span), cleat_span_context_is_sampled(&context));
        if (cleat_span_context_is_sampled(&context)) {
            assert_trace_state(&context, "ot=th:b3333333333334");
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
    /* 300 expected, standard deviation 14.5: one run in ten million is outside of this. */
    assert_in_range(sampled, 300 - 78, 300 + 78);
    cleat_tracer_provider_free(provider);
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
        cmocka_unit_test(randomness_comes_from_rv_else_the_trace_id),
        cmocka_unit_test(ratio_compares_with_its_threshold),
        cmocka_unit_test(ratio_keeps_what_else_is_in_the_tracestate),
        cmocka_unit_test(threshold_has_precedence_in_a_full_member),
        cmocka_unit_test(parent_decides_where_there_is_one),
        cmocka_unit_test(links_decide_for_a_root),
        cmocka_unit_test(environment_names_the_sampler),
        cmocka_unit_test(wrong_sampler_warns_once),
        cmocka_unit_test(ratio_of_a_thousand_traces),
        cmocka_unit_test(users_sampler_sees_and_decides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
