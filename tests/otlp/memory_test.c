#include "trace/batch.h"
#include "trace/sdk_test.h"

static void spans_are_copies_in_order(void **state)
{
    test_sdk sdk;
    char name[32];
    (void)state;
    SDK_START(&sdk, .sampler = NULL);
    for (int i = 0; i < 200; i++) {
        snprintf(name, sizeof(name), "span %d", i);
        cleat_span span = cleat_span_start(sdk.tracer, name, NULL);
        cleat_span_set_int(span, "i", i);
        cleat_span_end(span);
    }
    assert_int_equal(cleat_memory_exporter_count(sdk.exporter), 200);
    for (int i = 0; i < 200; i++) {
        cleat_span_view view;
        assert_true(cleat_memory_exporter_at(sdk.exporter, (size_t)i, &view));
        snprintf(name, sizeof(name), "span %d", i);
        assert_slice(view.name, name);
        assert_int_attribute(&view, "i", i);
        assert_slice(view.scope->name, "test");
        assert_true(cleat_resource_count(view.resource) >= 4);
    }
    sdk_stop(&sdk);
}

static void beyond_the_end_there_is_nothing(void **state)
{
    test_sdk sdk;
    cleat_span_view view;
    (void)state;
    SDK_START(&sdk, .sampler = NULL);
    assert_false(cleat_memory_exporter_at(sdk.exporter, 0, &view));
    cleat_span_end(cleat_span_start(sdk.tracer, "one", NULL));
    assert_false(cleat_memory_exporter_at(sdk.exporter, 1, &view));
    assert_false(cleat_memory_exporter_at(sdk.exporter, 0, NULL));
    assert_false(cleat_memory_exporter_at(NULL, 0, &view));
    cleat_memory_exporter_clear(sdk.exporter);
    assert_int_equal(cleat_memory_exporter_count(sdk.exporter), 0);
    assert_false(cleat_memory_exporter_at(sdk.exporter, 0, &view));
    cleat_memory_exporter_clear(NULL);
    assert_int_equal(cleat_memory_exporter_count(NULL), 0);
    assert_int_equal(cleat_memory_exporter_new(NULL), CLEAT_INVALID_ARGUMENT);
    sdk_stop(&sdk);
}

static void views_outlive_the_shutdown(void **state)
{
    test_sdk sdk;
    (void)state;
    SDK_START(&sdk, .sampler = NULL);
    cleat_span_end(cleat_span_start(sdk.tracer, "kept", NULL));
    cleat_tracer_provider_shutdown(sdk.provider, 1000);
    assert_slice(sdk_last(&sdk).name, "kept");
    const cleat_span_batch nothing = {.count = 0};
    assert_int_equal(sdk.exporter->export_spans(sdk.exporter, &nothing, 0), CLEAT_UNAVAILABLE);
    sdk_stop(&sdk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_are_copies_in_order),
        cmocka_unit_test(beyond_the_end_there_is_nothing),
        cmocka_unit_test(views_outlive_the_shutdown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
