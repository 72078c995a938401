#include "sampler_test.h"

#include "trace/sampler.h"

#define FOLLOWS_PARENT                                                              \
    ",remoteParentSampled=AlwaysOnSampler,remoteParentNotSampled=AlwaysOffSampler," \
    "localParentSampled=AlwaysOnSampler,localParentNotSampled=AlwaysOffSampler}"
#define PARENT_BASED(root) "ParentBased{root=LinkBased{root=" root "}" FOLLOWS_PARENT
#define COMPOSITE_PARENT(root) \
    "Composite{ComposableParentThreshold{root=ComposableLinkThreshold{root=" root "}}}"
#define DEFAULT PARENT_BASED("AlwaysOnSampler")

static char last_warning[1024];
static int warnings;

static void keep_warning(void *user_data, cleat_log_level level, const char *message)
{
    (void)user_data;
    warnings += level == CLEAT_LOG_WARN;
    snprintf(last_warning, sizeof(last_warning), "%s", message);
}

static int listen_to_warnings(void **state)
{
    (void)state;
    warnings = 0;
    last_warning[0] = '\0';
    cleat_log_set_handler(keep_warning, NULL, CLEAT_LOG_WARN);
    return 0;
}

static int clear_environment(void **state)
{
    (void)state;
    unsetenv("OTEL_TRACES_SAMPLER");
    unsetenv("OTEL_TRACES_SAMPLER_ARG");
    cleat_log_set_handler(NULL, NULL, CLEAT_LOG_WARN);
    return 0;
}

static void set_or_unset(const char *variable, const char *value)
{
    if (value != NULL) {
        setenv(variable, value, 1);
    } else {
        unsetenv(variable);
    }
}

static void assert_sampler(const char *name, const char *argument, const char *description)
{
    set_or_unset("OTEL_TRACES_SAMPLER", name);
    set_or_unset("OTEL_TRACES_SAMPLER_ARG", argument);
    cleat_sampler *sampler = cleat__sampler_from_environment();
    assert_string_equal(sampler->description(sampler), description);
    free_sampler(sampler);
}

static void environment_names_the_sampler(void **state)
{
    static const struct {
        const char *sampler, *argument, *description;
    } cases[] = {
        {NULL, NULL, DEFAULT},
        {"", "", DEFAULT},
        {"always_on", NULL, "AlwaysOnSampler"},
        {"ALWAYS_OFF", NULL, "AlwaysOffSampler"},
        {" always_off ", "0.5", "AlwaysOffSampler"},
        {"traceidratio", "0.25", "TraceIdRatioBased{0.250000}"},
        {"traceidratio", NULL, "TraceIdRatioBased{1.000000}"},
        {"traceidratio", "", "TraceIdRatioBased{1.000000}"},
        {"traceidratio", "0", "TraceIdRatioBased{0.000000}"},
        {"parentbased_always_on", NULL, DEFAULT},
        {"parentbased_always_off", NULL, PARENT_BASED("AlwaysOffSampler")},
        {"parentbased_traceidratio", "0.5", PARENT_BASED("TraceIdRatioBased{0.500000}")},
        {"rate_limited", NULL, "RateLimited{100,burst=100}"},
        {"rate_limited", "0.5", "RateLimited{0.5,burst=1}"},
        {"parentbased_rate_limited", "20", PARENT_BASED("RateLimited{20,burst=20}")},
        {"composite_always_on", NULL, "Composite{ComposableAlwaysOn}"},
        {"composite_traceidratio", "0.1", "Composite{ComposableTraceIDRatioBased{0.100000}}"},
        {"composite_parentbased_always_on", NULL, COMPOSITE_PARENT("ComposableAlwaysOn")},
        {"composite_parentbased_traceidratio", "0.1",
         COMPOSITE_PARENT("ComposableTraceIDRatioBased{0.100000}")},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_sampler(cases[i].sampler, cases[i].argument, cases[i].description);
    }
    assert_int_equal(warnings, 0);
}

static void wrong_argument_counts_as_unset(void **state)
{
    static const struct {
        const char *sampler, *argument, *description, *accepted;
    } cases[] = {
        {"traceidratio", "often", "TraceIdRatioBased{1.000000}", "0 to 1"},
        {"traceidratio", "-3", "TraceIdRatioBased{1.000000}", "0 to 1"},
        {"traceidratio", "1.5", "TraceIdRatioBased{1.000000}", "0 to 1"},
        {"traceidratio", "nan", "TraceIdRatioBased{1.000000}", "0 to 1"},
        {"composite_traceidratio", "half", "Composite{ComposableTraceIDRatioBased{1.000000}}", "0 to 1"},
        {"rate_limited", "10/s", "RateLimited{100,burst=100}", "0 to 1e+09"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        for (int again = 0; again < 2; again++) {
            assert_sampler(cases[i].sampler, cases[i].argument, cases[i].description);
        }
        assert_int_equal(warnings, i + 1);
        assert_non_null(strstr(last_warning, "OTEL_TRACES_SAMPLER_ARG"));
        assert_non_null(strstr(last_warning, cases[i].argument));
        assert_non_null(strstr(last_warning, cases[i].accepted));
    }
}

static void wrong_sampler_warns_once_and_is_the_default(void **state)
{
    static const char *const wrong[] = {"now_and_then", "jaeger_remote", "parentbased_jaeger_remote", "xray"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        for (int again = 0; again < 3; again++) {
            assert_sampler(wrong[i], "0.5", DEFAULT);
        }
        assert_int_equal(warnings, i + 1);
        assert_non_null(strstr(last_warning, "OTEL_TRACES_SAMPLER"));
        assert_non_null(strstr(last_warning, wrong[i]));
        assert_non_null(strstr(last_warning, "accepted: parentbased_always_on, "));
        assert_non_null(strstr(last_warning, "composite_parentbased_traceidratio; not there are "
                                             "jaeger_remote, parentbased_jaeger_remote and xray"));
    }
}

static void provider_without_a_sampler_asks_the_environment(void **state)
{
    test_sdk sdk;
    (void)state;
    setenv("OTEL_TRACES_SAMPLER", "always_off", 1);
    SDK_START(&sdk, .sampler = NULL);
    cleat_span span = cleat_span_start(sdk.tracer, "s", NULL);
    assert_false(cleat_span_is_recording(span));
    cleat_span_end(span);
    sdk_stop(&sdk);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, listen_to_warnings, clear_environment)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(environment_names_the_sampler),
        TEST(wrong_argument_counts_as_unset),
        TEST(wrong_sampler_warns_once_and_is_the_default),
        TEST(provider_without_a_sampler_asks_the_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
