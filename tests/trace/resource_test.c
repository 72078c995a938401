#include "sdk_test.h"

static cleat_slice find(const cleat_resource *resource, const char *key)
{
    const cleat_attribute *attributes = cleat_resource_attributes(resource);
    for (size_t i = 0; i < cleat_resource_count(resource); i++) {
        if (cleat_slice_equals(attributes[i].key, cleat_slice_of(key))) {
            assert_int_equal(attributes[i].value.type, CLEAT_VALUE_STRING);
            return attributes[i].value.as.string;
        }
    }
    return (cleat_slice){NULL, 0};
}

static int clear_environment(void **state)
{
    (void)state;
    unsetenv("OTEL_RESOURCE_ATTRIBUTES");
    unsetenv("OTEL_SERVICE_NAME");
    unsetenv("OTEL_EXPERIMENTAL_RESOURCE_DETECTORS");
    cleat_log_set_handler(NULL, NULL, CLEAT_LOG_WARN);
    return 0;
}

static cleat_resource *default_resource(const char *attributes, const char *service_name)
{
    cleat_resource *resource = NULL;
    clear_environment(NULL);
    if (attributes != NULL) {
        setenv("OTEL_RESOURCE_ATTRIBUTES", attributes, 1);
    }
    if (service_name != NULL) {
        setenv("OTEL_SERVICE_NAME", service_name, 1);
    }
    assert_int_equal(cleat_resource_default(&resource), CLEAT_OK);
    return resource;
}

static void default_says_who_and_with_what(void **state)
{
    (void)state;
    cleat_resource *resource = default_resource(NULL, NULL);
    assert_slice(find(resource, "telemetry.sdk.language"), "c");
    assert_slice(find(resource, "telemetry.sdk.name"), "cleat");
    assert_slice(find(resource, "telemetry.sdk.version"), cleat_version());
    cleat_slice name = find(resource, "service.name");
    assert_true(name.size > strlen("unknown_service:"));
    assert_memory_equal(name.data, "unknown_service:", strlen("unknown_service:"));
    assert_int_equal(cleat_resource_schema_url(resource).size, 0);
    cleat_resource_release(resource);
}

static void environment_adds_and_overrides(void **state)
{
    static const struct {
        const char *attributes, *service_name;
        const char *key, *expected;
    } cases[] = {
        {"service.name=shop", NULL, "service.name", "shop"},
        {"service.name=shop", "desk", "service.name", "desk"},
        {NULL, "desk", "service.name", "desk"},
        {"a=b", NULL, "a", "b"},
        {" a = b , c=d ,", NULL, "a", "b"},
        {"a=b,c=d", NULL, "c", "d"},
        {"a=x%2Cy%3Dz%20%C3%BC", NULL, "a", "x,y=z \xc3\xbc"},
        {"a=b=c", NULL, "a", "b=c"},
        {"a%20b=c", NULL, "a b", "c"},
        {"a=", NULL, "a", ""},
        {"a=1,a=2", NULL, "a", "2"},
        {"a=%ff", NULL, "a", "\xef\xbf\xbd"},
        {"a=two words", NULL, "a", "two words"},
        {"a=\xc3\xbc", NULL, "a", "\xc3\xbc"},
        {"a=\"quoted\\\"", NULL, "a", "\"quoted\\\""},
        {"a=%2", "desk", "service.name", "desk"},
        {"service.name=", NULL, "service.name", ""},
        /* Malformed: all of it is discarded. */
        {"a=b,nonsense", NULL, "a", NULL},
        {"a=b,c=%4", NULL, "a", NULL},
        {"a=b,c=%zz", NULL, "a", NULL},
        {"a=b,=d", NULL, "a", NULL},
        {"a=b,%=d", NULL, "a", NULL},
        {"a=b,%ff=d", NULL, "a", NULL},
        {"a=b,c=d\x01", NULL, "a", NULL},
        {"a=b,c=d\ne=f", NULL, "a", NULL},
        {"a=b,c=d\x7f", NULL, "a", NULL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        cleat_resource *resource = default_resource(cases[i].attributes, cases[i].service_name);
        assert_slice(find(resource, cases[i].key), cases[i].expected);
        assert_slice(find(resource, "telemetry.sdk.name"), "cleat");
        cleat_resource_release(resource);
    }
}

static char last_warning[1024];
static int warnings;

static void keep_warning(void *user_data, cleat_log_level level, const char *message)
{
    (void)user_data;
    warnings += level == CLEAT_LOG_WARN;
    snprintf(last_warning, sizeof(last_warning), "%s", message);
}

static void malformed_attributes_warn_once(void **state)
{
    (void)state;
    cleat_log_set_handler(keep_warning, NULL, CLEAT_LOG_WARN);
    warnings = 0;
    for (int again = 0; again < 2; again++) {
        setenv("OTEL_RESOURCE_ATTRIBUTES", "good=1,never seen before", 1);
        cleat_resource *resource = NULL;
        assert_int_equal(cleat_resource_default(&resource), CLEAT_OK);
        assert_slice(find(resource, "good"), NULL);
        cleat_resource_release(resource);
    }
    assert_int_equal(warnings, 1);
    assert_non_null(strstr(last_warning, "OTEL_RESOURCE_ATTRIBUTES: \"good=1,never seen before\""));
    assert_non_null(strstr(last_warning, "accepted: key=value pairs"));
}

static void get_finds_one_attribute(void **state)
{
    const cleat_attribute attributes[] = {cleat_attribute_int("n", 7), cleat_attribute_string("s", "")};
    cleat_resource *resource = NULL;
    cleat_value value;
    (void)state;
    assert_int_equal(cleat_resource_new(attributes, 2, NULL, &resource), CLEAT_OK);
    assert_true(cleat_resource_get(resource, "n", &value));
    assert_int_equal(value.type, CLEAT_VALUE_INT);
    assert_true(value.as.integer == 7);
    assert_true(cleat_resource_get(resource, "s", &value));
    assert_slice(value.as.string, "");
    assert_false(cleat_resource_get(resource, "absent", &value));
    assert_false(cleat_resource_get(resource, NULL, &value));
    assert_false(cleat_resource_get(resource, "n", NULL));
    assert_false(cleat_resource_get(NULL, "n", &value));
    cleat_resource_release(resource);
}

static void merge_takes_an_empty_value_too(void **state)
{
    const cleat_attribute before = cleat_attribute_string("k", "old"),
                          after = cleat_attribute_string("k", "");
    cleat_resource *old = NULL, *updating = NULL, *merged = NULL;
    (void)state;
    assert_int_equal(cleat_resource_new(&before, 1, NULL, &old), CLEAT_OK);
    assert_int_equal(cleat_resource_new(&after, 1, NULL, &updating), CLEAT_OK);
    assert_int_equal(cleat_resource_merge(old, updating, &merged), CLEAT_OK);
    assert_slice(find(merged, "k"), "");
    assert_slice(find(old, "k"), "old");
    cleat_resource_release(old);
    cleat_resource_release(updating);
    cleat_resource_release(merged);
}

static void attributes_are_copied(void **state)
{
    cleat_resource *resource = NULL;
    char text[] = "before";
    cleat_slice strings[] = {{text, 6}, {"x", 1}};
    int64_t integers[] = {1, 2};
    const cleat_attribute attributes[] = {
        cleat_attribute_string("s", text),       cleat_attribute_strings("ss", strings, 2),
        cleat_attribute_ints("is", integers, 2), cleat_attribute_string("none", NULL),
        cleat_attribute_string("s", "last"),     {.key = {"", 0}, .value = {.type = CLEAT_VALUE_BOOL}},
    };
    (void)state;
    assert_int_equal(cleat_resource_new(attributes, COUNT_OF(attributes), "https://schema", &resource),
                     CLEAT_OK);
    memset(text, '!', sizeof(text));
    memset(strings, 0, sizeof(strings));
    integers[1] = 9;
    assert_int_equal(cleat_resource_count(resource), 3);
    assert_slice(find(resource, "s"), "last");
    const cleat_attribute *copied = cleat_resource_attributes(resource);
    assert_slice(copied[1].value.as.strings[0], "before");
    assert_true(copied[2].value.as.integers[1] == 2);
    assert_slice(cleat_resource_schema_url(resource), "https://schema");
    cleat_resource_release(resource);
}

static void keys_that_become_equal_by_repair_are_one(void **state)
{
    cleat_resource *resource = NULL;
    const cleat_attribute attributes[] = {cleat_attribute_int("k\xFF", 1), cleat_attribute_int("other", 2),
                                          cleat_attribute_int("k\xFE", 3)};
    (void)state;
    assert_int_equal(cleat_resource_new(attributes, COUNT_OF(attributes), NULL, &resource), CLEAT_OK);
    assert_int_equal(cleat_resource_count(resource), 2);
    assert_slice(cleat_resource_attributes(resource)[0].key, "k\xEF\xBF\xBD");
    assert_int_equal(cleat_resource_attributes(resource)[0].value.as.integer, 3);
    cleat_resource_release(resource);
}

static void merge_takes_the_updating_value(void **state)
{
    static const struct {
        const char *old, *updating, *merged;
    } urls[] = {{"", "", NULL}, {"a", "", "a"}, {"", "b", "b"}, {"a", "a", "a"}, {"a", "b", NULL}};
    const cleat_attribute old_attributes[] = {cleat_attribute_string("k", "old"),
                                              cleat_attribute_string("o", "1")};
    const cleat_attribute new_attributes[] = {cleat_attribute_string("k", "new"),
                                              cleat_attribute_string("n", "2")};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(urls); i++) {
        cleat_resource *old = NULL, *updating = NULL, *merged = NULL;
        assert_int_equal(cleat_resource_new(old_attributes, 2, urls[i].old, &old), CLEAT_OK);
        assert_int_equal(cleat_resource_new(new_attributes, 2, urls[i].updating, &updating), CLEAT_OK);
        assert_int_equal(cleat_resource_merge(old, updating, &merged), CLEAT_OK);
        assert_int_equal(cleat_resource_count(merged), 3);
        assert_slice(find(merged, "k"), "new");
        assert_slice(find(merged, "o"), "1");
        assert_slice(find(merged, "n"), "2");
        assert_slice(cleat_resource_schema_url(merged), urls[i].merged);
        cleat_resource_release(old);
        cleat_resource_release(updating);
        cleat_resource_release(merged);
    }
}

static void empty_and_missing_resources(void **state)
{
    cleat_resource *resource = NULL, *merged = NULL;
    (void)state;
    assert_int_equal(cleat_resource_new(NULL, 0, NULL, &resource), CLEAT_OK);
    assert_int_equal(cleat_resource_count(resource), 0);
    assert_int_equal(cleat_resource_merge(NULL, resource, &merged), CLEAT_OK);
    assert_int_equal(cleat_resource_count(merged), 0);
    cleat_resource_release(merged);
    cleat_resource *again = cleat_resource_retain(resource);
    cleat_resource_release(resource);
    assert_int_equal(cleat_resource_count(again), 0);
    cleat_resource_release(again);
    cleat_resource_release(NULL);
    assert_null(cleat_resource_retain(NULL));
    assert_int_equal(cleat_resource_count(NULL), 0);
    assert_null(cleat_resource_attributes(NULL));
    assert_int_equal(cleat_resource_new(NULL, 0, NULL, NULL), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_resource_default(NULL), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_resource_detect(NULL, NULL), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_resource_merge(NULL, NULL, NULL), CLEAT_INVALID_ARGUMENT);
}

/* Their elements are only there in wire form. */
static void attributes_of_a_finished_span_are_copied(void **state)
{
    const cleat_slice strings[] = {{"x", 1}, {"yz", 2}};
    const int64_t integers[] = {1, -2, 3};
    const cleat_attribute given[] = {cleat_attribute_strings("s", strings, 2),
                                     cleat_attribute_ints("i", integers, 3)};
    cleat_attribute read[2];
    cleat_resource *resource = NULL;
    size_t cursor = 0;
    test_sdk sdk;
    (void)state;
    SDK_START(&sdk, .sampler = NULL);
    cleat_span_end(
        cleat_span_start(sdk.tracer, "s", CLEAT_SPAN_OPTIONS(.attributes = given, .attribute_count = 2)));
    cleat_span_view view = sdk_last(&sdk);
    assert_true(cleat_span_view_next_attribute(&view, &cursor, &read[0]));
    assert_true(cleat_span_view_next_attribute(&view, &cursor, &read[1]));
    assert_int_equal(cleat_resource_new(read, 2, NULL, &resource), CLEAT_OK);
    sdk_stop(&sdk); /* the record is gone */
    assert_int_equal(cleat_resource_count(resource), 2);
    const cleat_attribute *copies = cleat_resource_attributes(resource);
    assert_int_equal(copies[0].value.count, 2);
    assert_slice(copies[0].value.as.strings[1], "yz");
    assert_int_equal(copies[1].value.count, 3);
    assert_true(copies[1].value.as.integers[1] == -2);
    cleat_resource_release(resource);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(default_says_who_and_with_what, clear_environment),
        cmocka_unit_test_teardown(environment_adds_and_overrides, clear_environment),
        cmocka_unit_test_teardown(malformed_attributes_warn_once, clear_environment),
        cmocka_unit_test(get_finds_one_attribute),
        cmocka_unit_test(merge_takes_an_empty_value_too),
        cmocka_unit_test(attributes_are_copied),
        cmocka_unit_test(keys_that_become_equal_by_repair_are_one),
        cmocka_unit_test(merge_takes_the_updating_value),
        cmocka_unit_test(empty_and_missing_resources),
        cmocka_unit_test(attributes_of_a_finished_span_are_copied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
