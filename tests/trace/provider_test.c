#include "trace/provider.h"

#include "sdk_test.h"

static void equal_arguments_give_the_same_tracer(void **state)
{
    test_sdk sdk;
    const cleat_attribute attribute = cleat_attribute_string("k", "v"),
                          other = cleat_attribute_string("k", "w");
    (void)state;
    SDK_START(&sdk, .sampler = NULL);
    char name[] = "lib";
    cleat_tracer *tracer = cleat_tracer_provider_get_tracer(sdk.provider, name, NULL);
    cleat_tracer *versioned =
        cleat_tracer_provider_get_tracer(sdk.provider, "lib", CLEAT_TRACER_OPTIONS(.version = "1"));
    cleat_tracer *full = cleat_tracer_provider_get_tracer(
        sdk.provider, "lib",
        CLEAT_TRACER_OPTIONS(.version = "1", .schema_url = "u", .attributes = &attribute,
                             .attribute_count = 1));
    assert_ptr_equal(tracer, cleat_tracer_provider_get_tracer(sdk.provider, "lib", NULL));
    assert_ptr_equal(full, cleat_tracer_provider_get_tracer(
                               sdk.provider, "lib",
                               CLEAT_TRACER_OPTIONS(.version = "1", .schema_url = "u",
                                                    .attributes = &attribute, .attribute_count = 1)));
    assert_ptr_not_equal(tracer, versioned);
    assert_ptr_not_equal(full, versioned);
    assert_ptr_not_equal(full, cleat_tracer_provider_get_tracer(
                                   sdk.provider, "lib",
                                   CLEAT_TRACER_OPTIONS(.version = "1", .schema_url = "u",
                                                        .attributes = &other, .attribute_count = 1)));
    memset(name, '!', sizeof(name) - 1);
    cleat_span_end(cleat_span_start(full, "s", NULL));
    cleat_span_view view = sdk_last(&sdk);
    assert_slice(view.scope->name, "lib");
    assert_slice(view.scope->version, "1");
    assert_slice(view.scope->schema_url, "u");
    assert_int_equal(view.scope->attribute_count, 1);
    assert_slice(view.scope->attributes[0].value.as.string, "v");
    assert_non_null(cleat_tracer_provider_get_tracer(sdk.provider, NULL, NULL));
    sdk_stop(&sdk);
}

static void global_tracers_follow_the_global_provider(void **state)
{
    test_sdk one, two;
    (void)state;
    cleat_tracer *tracer = cleat_tracer_get("global", "1");
    assert_ptr_equal(tracer, cleat_tracer_get("global", "1"));
    assert_ptr_not_equal(tracer, cleat_tracer_get("global", "2"));
    assert_false(cleat_tracer_enabled(tracer));
    assert_null(cleat_tracer_provider_global());

    SDK_START(&one, .sampler = NULL);
    SDK_START(&two, .sampler = NULL);
    cleat_tracer_provider_set_global(one.provider);
    assert_ptr_equal(cleat_tracer_provider_global(), one.provider);
    assert_true(cleat_tracer_enabled(tracer));
    cleat_span_end(cleat_span_start(tracer, "a", NULL));
    cleat_tracer *late = cleat_tracer_get("late", NULL);
    cleat_span_end(cleat_span_start(late, "b", NULL));
    assert_int_equal(cleat_memory_exporter_count(one.exporter), 2);
    assert_slice(sdk_last(&one).scope->name, "late");

    cleat_span across = cleat_span_start(tracer, "across", NULL);
    cleat_tracer_provider_set_global(two.provider);
    cleat_span_end(cleat_span_start(tracer, "c", NULL));
    assert_int_equal(cleat_memory_exporter_count(two.exporter), 1);
    cleat_span_end(across); /* still of the provider it started with */
    assert_int_equal(cleat_memory_exporter_count(one.exporter), 3);

    sdk_stop(&two); /* freeing the global provider leaves none */
    assert_null(cleat_tracer_provider_global());
    assert_false(cleat_tracer_enabled(tracer));
    assert_null(cleat_span_start(tracer, "d", NULL).impl);
    sdk_stop(&one);
}

static void after_shutdown_spans_are_no_op(void **state)
{
    test_sdk sdk;
    (void)state;
    SDK_START(&sdk, .sampler = NULL);
    cleat_span open = cleat_span_start(sdk.tracer, "open", NULL);
    assert_true(cleat_tracer_enabled(sdk.tracer));
    assert_int_equal(cleat_tracer_provider_shutdown(sdk.provider, 300000), CLEAT_OK);
    assert_int_equal(cleat_tracer_provider_shutdown(sdk.provider, 1000), CLEAT_FAILED_PRECONDITION);
    assert_false(cleat_tracer_enabled(sdk.tracer));
    cleat_span span = cleat_span_start(sdk.tracer, "late", NULL);
    assert_false(cleat_span_is_recording(span));
    assert_int_equal(cleat_span_end(span), CLEAT_OK);
    assert_int_equal(cleat_span_end(open), CLEAT_OK);
    assert_int_equal(cleat_memory_exporter_count(sdk.exporter), 0);
    assert_int_equal(cleat_tracer_provider_force_flush(sdk.provider, 300000), CLEAT_OK);
    sdk_stop(&sdk);
}

static void sdk_can_be_disabled(void **state)
{
    test_sdk sdk;
    (void)state;
    setenv("OTEL_SDK_DISABLED", "TRUE", 1);
    SDK_START(&sdk, .sampler = NULL);
    unsetenv("OTEL_SDK_DISABLED");
    cleat_span_context remote = make_context(3, CLEAT_TRACE_FLAG_SAMPLED), context;
    cleat_context *parent = cleat_context_with_span_context(NULL, &remote);
    cleat_span span = cleat_span_start(sdk.tracer, "s", CLEAT_SPAN_OPTIONS(.parent = parent));
    assert_false(cleat_span_is_recording(span));
    cleat_span_get_context(span, &context);
    assert_true(cleat_span_context_equals(&context, &remote));
    cleat_span_end(span);
    assert_int_equal(cleat_memory_exporter_count(sdk.exporter), 0);
    cleat_context_release(parent);
    sdk_stop(&sdk);
}

static const char *const limit_variables[] = {
    "OTEL_ATTRIBUTE_COUNT_LIMIT",       "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    "OTEL_SPAN_EVENT_COUNT_LIMIT",      "OTEL_SPAN_LINK_COUNT_LIMIT",
    "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",  "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
};

static void limits_come_from_the_environment(void **state)
{
    static const char *const values[] = {"1", "3", "1", "1", "1", "1", "2", "4"};
    test_sdk sdk;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(limit_variables); i++) {
        setenv(limit_variables[i], values[i], 1);
    }
    SDK_START(&sdk, .limits = {.links = 2}); /* an option wins */
    for (size_t i = 0; i < COUNT_OF(limit_variables); i++) {
        unsetenv(limit_variables[i]);
    }
    const cleat_attribute two[] = {cleat_attribute_int("a", 1), cleat_attribute_int("b", 2)};
    cleat_span_context to = make_context(1, 1);
    cleat_span span = cleat_span_start(sdk.tracer, "s", NULL);
    cleat_span_set_string(span, "a", "123456");
    cleat_span_set_string(span, "b", "");
    cleat_span_set_string(span, "c", "");
    for (int i = 0; i < 3; i++) {
        cleat_span_add_event(span, "e", two, 2, 0);
        cleat_span_add_link(span, &(cleat_link){&to, two, 2});
    }
    cleat_span_end(span);
    cleat_span_view view = sdk_last(&sdk);
    assert_int_equal(view.attribute_count, 2);
    assert_int_equal(view.dropped_attribute_count, 1);
    assert_string_attribute(&view, "a", "1234");
    assert_int_equal(view.event_count, 1);
    assert_int_equal(view.dropped_event_count, 2);
    assert_int_equal(view.link_count, 2);
    assert_int_equal(view.dropped_link_count, 1);
    cleat_link_view link;
    size_t cursor = 0;
    assert_true(cleat_span_view_next_link(&view, &cursor, &link));
    assert_int_equal(link.dropped_attribute_count, 1);
    cleat_event_view event;
    cursor = 0;
    assert_true(cleat_span_view_next_event(&view, &cursor, &event));
    assert_int_equal(event.dropped_attribute_count, 1);
    sdk_stop(&sdk);
}

static void general_limits_stand_in_for_those_of_spans(void **state)
{
    const cleat_span_limits options = {0};
    cleat__limits limits;
    (void)state;
    setenv("OTEL_ATTRIBUTE_COUNT_LIMIT", "5", 1);
    setenv("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "6", 1);
    cleat__limits_resolve(&options, &limits);
    unsetenv("OTEL_ATTRIBUTE_COUNT_LIMIT");
    unsetenv("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT");
    assert_int_equal(limits.span.count, 5);
    assert_int_equal(limits.span.value_length, 6);
    assert_int_equal(limits.event.value_length, 6);
    assert_int_equal(limits.link.value_length, 6);
}

static void count_messages(void *user_data, cleat_log_level level, const char *message)
{
    (void)message;
    *(int *)user_data += level == CLEAT_LOG_WARN;
}

static void wrong_limits_warn_once_and_fall_back(void **state)
{
    const cleat_span_limits options = {0};
    int warnings = 0;
    (void)state;
    cleat_log_set_handler(count_messages, &warnings, CLEAT_LOG_WARN);
    for (size_t i = 0; i < COUNT_OF(limit_variables); i++) {
        setenv(limit_variables[i], i % 2 == 0 ? "-1" : "many", 1);
    }
    for (int i = 0; i < 2; i++) {
        cleat__limits limits;
        cleat__limits_resolve(&options, &limits);
        assert_int_equal(warnings, COUNT_OF(limit_variables));
        assert_int_equal(limits.span.count, 128);
        assert_int_equal(limits.event.count, 128);
        assert_int_equal(limits.link.count, 128);
        assert_int_equal(limits.events, 128);
        assert_int_equal(limits.links, 128);
        assert_int_equal(limits.span.value_length, UINT32_MAX);
    }
    cleat_log_set_handler(NULL, NULL, CLEAT_LOG_WARN);
    for (size_t i = 0; i < COUNT_OF(limit_variables); i++) {
        unsetenv(limit_variables[i]);
    }
}

static void missing_arguments_are_refused(void **state)
{
    cleat_sampler *sampler = cleat_sampler_ratio(0.5);
    cleat_tracer_provider *provider = NULL;
    (void)state;
    /* The sampler is consumed, or a sanitizer says so. */
    assert_int_equal(cleat_tracer_provider_new(CLEAT_TRACER_PROVIDER_OPTIONS(.sampler = sampler), NULL),
                     CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_tracer_provider_add_processor(NULL, NULL), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_tracer_provider_force_flush(NULL, 1), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_tracer_provider_shutdown(NULL, 1), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_tracer_provider_from_environment(NULL, NULL), CLEAT_INVALID_ARGUMENT);
    cleat_tracer_provider_free(NULL);
    cleat_tracer *none = cleat_tracer_provider_get_tracer(NULL, "x", NULL);
    assert_non_null(none);
    assert_false(cleat_tracer_enabled(none));
    assert_false(cleat_tracer_enabled(NULL));
    assert_null(cleat_span_start(none, "x", NULL).impl);
    assert_int_equal(cleat_tracer_provider_new(NULL, &provider), CLEAT_OK);
    assert_int_equal(cleat_tracer_provider_add_processor(provider, NULL), CLEAT_INVALID_ARGUMENT);
    cleat_tracer *tracer = cleat_tracer_provider_get_tracer(provider, "x", NULL);
    assert_false(cleat_tracer_enabled(tracer)); /* no processor: nobody would see the span */
    cleat_span_end(cleat_span_start(tracer, "x", NULL));
    cleat_tracer_provider_free(provider);
}

/* ---- The system's clock ---- */

static void times_are_those_of_the_system(void **state)
{
    cleat_tracer_provider *provider = NULL;
    cleat_span_exporter *exporter = NULL;
    cleat_span_processor *processor = NULL;
    const cleat_clock *system = cleat_clock_system();
    (void)state;
    assert_int_equal(cleat_tracer_provider_new(NULL, &provider), CLEAT_OK);
    assert_int_equal(cleat_memory_exporter_new(&exporter), CLEAT_OK);
    assert_int_equal(cleat_simple_processor_new(exporter, &processor), CLEAT_OK);
    assert_int_equal(cleat_tracer_provider_add_processor(provider, processor), CLEAT_OK);
    cleat_tracer *tracer = cleat_tracer_provider_get_tracer(provider, "clock", NULL);
    const int64_t slack = 20000000; /* a thread may be interrupted while the clocks are compared */
    for (int i = 0; i < 100; i++) {
        cleat_span_view view;
        int64_t before = system->unix_ns(system->user_data);
        cleat_span_end(cleat_span_start(tracer, "now", NULL));
        int64_t after = system->unix_ns(system->user_data);
        assert_true(cleat_memory_exporter_at(exporter, (size_t)i, &view));
        assert_true(view.start_time_ns >= before - slack && view.start_time_ns <= after + slack);
        assert_true(view.end_time_ns >= view.start_time_ns && view.end_time_ns <= after + slack);
    }
    cleat_tracer_provider_free(provider);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_arguments_give_the_same_tracer),
        cmocka_unit_test(global_tracers_follow_the_global_provider),
        cmocka_unit_test(after_shutdown_spans_are_no_op),
        cmocka_unit_test(sdk_can_be_disabled),
        cmocka_unit_test(limits_come_from_the_environment),
        cmocka_unit_test(general_limits_stand_in_for_those_of_spans),
        cmocka_unit_test(wrong_limits_warn_once_and_fall_back),
        cmocka_unit_test(missing_arguments_are_refused),
        cmocka_unit_test(times_are_those_of_the_system),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
