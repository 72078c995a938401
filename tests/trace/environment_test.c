/*
 * The rules for environment variables, on those of the tracer provider: empty is unset; a wrong
 * value is said once, with variable, value and what is accepted, and counts as unset. Those of
 * samplers, resource and batch processor are in their tests.
 */
#include "sdk_test.h"

#include "trace/provider.h"
#include "trace/text.h"

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

static const struct {
    const char *name;
    size_t at; /* of the limit in cleat__limits */
    uint32_t fallback;
} limits_of[] = {
    {"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", offsetof(cleat__limits, span.count), 128},
    {"OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", offsetof(cleat__limits, span.value_length), CLEAT__NO_LIMIT},
    {"OTEL_SPAN_EVENT_COUNT_LIMIT", offsetof(cleat__limits, events), 128},
    {"OTEL_SPAN_LINK_COUNT_LIMIT", offsetof(cleat__limits, links), 128},
    {"OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", offsetof(cleat__limits, event.count), 128},
    {"OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", offsetof(cleat__limits, link.count), 128},
    {"OTEL_ATTRIBUTE_COUNT_LIMIT", offsetof(cleat__limits, span.count), 128},
    {"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", offsetof(cleat__limits, span.value_length), CLEAT__NO_LIMIT},
};

static int clear_environment(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(limits_of); i++) {
        unsetenv(limits_of[i].name);
    }
    unsetenv("OTEL_SDK_DISABLED");
    unsetenv("OTEL_LOG_LEVEL");
    cleat_log_set_handler(NULL, NULL, CLEAT_LOG_WARN);
    return 0;
}

static uint32_t resolve(size_t index, const char *value)
{
    const cleat_span_limits options = {0};
    cleat__limits limits;
    uint32_t limit;
    setenv(limits_of[index].name, value, 1);
    cleat__limits_resolve(&options, &limits);
    unsetenv(limits_of[index].name);
    memcpy(&limit, (const char *)&limits + limits_of[index].at, sizeof(limit));
    return limit;
}

static void limits_are_numbers(void **state)
{
    static const struct {
        const char *value;
        uint32_t limit;
    } cases[] = {{"0", 0}, {"1", 1}, {" 77 ", 77}, {"+5", 5}, {"4294967295", CLEAT__NO_LIMIT}};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(limits_of); i++) {
        for (size_t j = 0; j < COUNT_OF(cases); j++) {
            assert_int_equal(resolve(i, cases[j].value), cases[j].limit);
        }
    }
    assert_int_equal(warnings, 0);
}

static void empty_limits_are_unset(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(limits_of); i++) {
        assert_int_equal(resolve(i, ""), limits_of[i].fallback);
        assert_int_equal(resolve(i, "  "), limits_of[i].fallback);
    }
    assert_int_equal(warnings, 0);
}

static void wrong_limits_are_the_default_and_said_once(void **state)
{
    static const char *const wrong[] = {"many", "-1", "12x", "4294967296", "1.5", "0x10"};
    int expected = 0;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(limits_of); i++) {
        for (size_t j = 0; j < COUNT_OF(wrong); j++) {
            char said[256];
            for (int again = 0; again < 2; again++) {
                assert_int_equal(resolve(i, wrong[j]), limits_of[i].fallback);
            }
            snprintf(said, sizeof(said), "%s: \"%s\" is ignored; accepted: 0 to 4294967295",
                     limits_of[i].name, wrong[j]);
            assert_string_equal(last_warning, said);
            assert_int_equal(warnings, ++expected);
        }
    }
}

/* Specification, "Attribute limits": the model's own limit, else the general one. */
static void a_wrong_limit_of_spans_leaves_the_general_one(void **state)
{
    const cleat_span_limits options = {0};
    cleat__limits limits;
    (void)state;
    setenv("OTEL_ATTRIBUTE_COUNT_LIMIT", "7", 1);
    setenv("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "seven", 1);
    cleat__limits_resolve(&options, &limits);
    assert_int_equal(limits.span.count, 7);
    assert_int_equal(limits.event.count, 128); /* events and links have limits of their own */
    assert_int_equal(limits.link.count, 128);
    setenv("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "3", 1);
    cleat__limits_resolve(&options, &limits);
    assert_int_equal(limits.span.count, 3);
}

static void options_win_over_the_environment(void **state)
{
    const cleat_span_limits options = {1, 2, 3, 4, 5, 6},
                            none = {
                                CLEAT_LIMIT_NONE, CLEAT_LIMIT_NONE, CLEAT_LIMIT_NONE,
                                CLEAT_LIMIT_NONE, CLEAT_LIMIT_NONE, CLEAT_LIMIT_NONE,
                            };
    cleat__limits limits;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(limits_of); i++) {
        setenv(limits_of[i].name, "99", 1);
    }
    cleat__limits_resolve(&options, &limits);
    assert_int_equal(limits.span.count, 1);
    assert_int_equal(limits.events, 2);
    assert_int_equal(limits.links, 3);
    assert_int_equal(limits.event.count, 4);
    assert_int_equal(limits.link.count, 5);
    assert_int_equal(limits.span.value_length, 6);
    cleat__limits_resolve(&none, &limits);
    assert_int_equal(limits.span.count + limits.events + limits.links + limits.event.count +
                         limits.link.count + limits.span.value_length,
                     0);
}

static void sdk_disabled_is_true_or_not(void **state)
{
    static const struct {
        const char *value;
        bool is_disabled;
        int warnings;
    } cases[] = {
        {"true", true, 0}, {"True", true, 0}, {" TRUE ", true, 0}, {"false", false, 0}, {"FALSE", false, 0},
        {"", false, 0},    {"1", false, 1},   {"yes", false, 2},   {"1", false, 2},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        test_sdk sdk;
        setenv("OTEL_SDK_DISABLED", cases[i].value, 1);
        SDK_START(&sdk, .sampler = cleat_sampler_always_on());
        cleat_span span = cleat_span_start(sdk.tracer, "s", NULL);
        assert_int_equal(cleat_span_is_recording(span), !cases[i].is_disabled);
        cleat_span_end(span);
        sdk_stop(&sdk);
        assert_int_equal(warnings, cases[i].warnings);
    }
    assert_string_equal(last_warning, "OTEL_SDK_DISABLED: \"yes\" is ignored; accepted: true, false");
}

static void log_level_quiets_the_warnings(void **state)
{
    static const struct {
        const char *level, *wrong;
        int warnings;
    } cases[] = {
        {"error", "one", 0}, {"none", "two", 0}, {"warn", "three", 1}, {"DEBUG", "four", 2}, {"", "five", 3},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        setenv("OTEL_LOG_LEVEL", cases[i].level, 1);
        cleat_log_set_handler(keep_warning, NULL, CLEAT_LOG_DEBUG);
        resolve(0, cases[i].wrong);
        assert_int_equal(warnings, cases[i].warnings);
    }
    setenv("OTEL_LOG_LEVEL", "shout", 1);
    for (int again = 0; again < 2; again++) {
        cleat_log_set_handler(keep_warning, NULL, CLEAT_LOG_DEBUG);
        assert_int_equal(warnings, 4);
    }
    assert_string_equal(last_warning,
                        "OTEL_LOG_LEVEL: \"shout\" is ignored; accepted: none, error, warn, info, debug");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, listen_to_warnings, clear_environment)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(limits_are_numbers),
        TEST(empty_limits_are_unset),
        TEST(wrong_limits_are_the_default_and_said_once),
        TEST(a_wrong_limit_of_spans_leaves_the_general_one),
        TEST(options_win_over_the_environment),
        TEST(sdk_disabled_is_true_or_not),
        TEST(log_level_quiets_the_warnings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
