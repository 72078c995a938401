/* NULL wherever it can be passed. */
#include "sdk_test.h"

static void spans_take_null(void **state)
{
    test_sdk sdk;
    const cleat_link no_context = {NULL, NULL, 3};
    const cleat_attribute no_key = {{NULL, 0}, {CLEAT_VALUE_INT, 0, {{NULL, 0}}, {NULL, 0}}};
    const cleat_attribute no_value = cleat_attribute_string("a", NULL);
    const cleat_slice no_strings[] = {{NULL, 0}, {NULL, 0}};
    const cleat_attribute null_strings = cleat_attribute_strings("strings", no_strings, 2);
    cleat_attribute no_array = cleat_attribute_ints("a", NULL, 3);
    (void)state;
    SDK_START(&sdk, .sampler = NULL);
    assert_null(cleat_span_start(NULL, "a", NULL).impl);
    assert_false(cleat_tracer_enabled(NULL));
    cleat_span span = cleat_span_start(
        sdk.tracer, NULL,
        CLEAT_SPAN_OPTIONS(.attribute_count = 7, .link_count = 7, .trace_state = {NULL, 12}));
    cleat_span_get_context(span, NULL);
    assert_int_equal(cleat_span_set_attribute(span, NULL), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_span_set_attribute(span, &no_key), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_span_set_attribute(span, &no_value), CLEAT_OK);
    assert_int_equal(cleat_span_set_attribute(span, &no_array), CLEAT_OK);
    no_array.value.type = CLEAT_VALUE_INT_ARRAY;
    no_array.value.count = 3;
    assert_int_equal(cleat_span_set_attribute(span, &no_array), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_span_set_attribute(span, &null_strings), CLEAT_OK);
    assert_int_equal(cleat_span_set_string(span, NULL, "a"), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_span_set_string(span, "a", NULL), CLEAT_OK);
    assert_int_equal(cleat_span_set_slice(span, NULL, cleat_slice_of("a")), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_span_set_slice(span, "a", (cleat_slice){NULL, 5}), CLEAT_OK);
    assert_int_equal(cleat_span_set_bool(span, NULL, true), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_span_set_int(span, NULL, 1), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_span_set_double(span, "", 1), CLEAT_INVALID_ARGUMENT);
    assert_false(cleat_span_has_attribute(span, (cleat_slice){NULL, 0}));
    assert_int_equal(cleat_span_add_event(span, NULL, NULL, 5, 0), CLEAT_OK);
    assert_int_equal(cleat_span_add_link(span, NULL), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_span_add_link(span, &no_context), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_span_set_status(span, CLEAT_SPAN_STATUS_ERROR, NULL), CLEAT_OK);
    assert_int_equal(cleat_span_record_exception(span, NULL, NULL, NULL, NULL, 2), CLEAT_OK);
    assert_int_equal(cleat_span_update_name(span, NULL), CLEAT_OK);
    assert_int_equal(cleat_span_end(span), CLEAT_OK);
    cleat_span_view view = sdk_last(&sdk);
    assert_int_equal(view.name.size, 0);
    assert_int_equal(view.attribute_count, 1);
    assert_int_equal(view.event_count, 2);
    assert_int_equal(view.link_count, 0);
    sdk_stop(&sdk);
}

static void contexts_take_null(void **state)
{
    const cleat_context_key key = {NULL};
    (void)state;
    assert_null(cleat_context_retain(NULL));
    cleat_context_release(NULL);
    assert_null(cleat_context_value(NULL, &key));
    assert_null(cleat_context_value(NULL, NULL));
    assert_null(cleat_context_get_baggage(NULL));
    assert_null(cleat_context_span(NULL).impl);
    assert_false(cleat_span_context_is_valid(cleat_context_span_context(NULL)));
    cleat_context_release(cleat_context_with_span(NULL, (cleat_span){NULL, 0}));
    cleat_context_release(cleat_context_with_span_context(NULL, NULL));
    cleat_context_release(cleat_context_with_baggage(NULL, NULL));
    cleat_context_release(cleat_context_with_value(NULL, NULL, NULL, NULL));
    cleat_context_release(cleat_context_with_value(NULL, &key, NULL, NULL));
    assert_int_equal(cleat_scope_detach(cleat_context_attach(NULL)), CLEAT_OK);
    assert_int_equal(cleat_scope_detach((cleat_scope){NULL, 0}), CLEAT_OK);
    assert_int_equal(cleat_scope_detach((cleat_scope){NULL, 99}), CLEAT_OK);
}

static void resources_and_views_take_null(void **state)
{
    cleat_resource *resource = NULL;
    cleat_span_view view = {.kind = CLEAT_SPAN_KIND_DEFAULT};
    cleat_event_view event = {.time_ns = 0};
    cleat_link_view link = {.dropped_attribute_count = 0};
    cleat_attribute attribute;
    cleat_value value = {.type = CLEAT_VALUE_NONE};
    size_t cursor = 0;
    (void)state;
    assert_int_equal(cleat_resource_new(NULL, 3, NULL, NULL), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_resource_new(NULL, 3, NULL, &resource), CLEAT_OK);
    assert_int_equal(cleat_resource_count(resource), 0);
    assert_int_equal(cleat_resource_default(NULL), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_resource_merge(resource, resource, NULL), CLEAT_INVALID_ARGUMENT);
    cleat_resource_release(resource);
    assert_int_equal(cleat_resource_merge(NULL, NULL, &resource), CLEAT_OK);
    cleat_resource_release(resource);
    assert_null(cleat_resource_retain(NULL));
    cleat_resource_release(NULL);
    assert_int_equal(cleat_resource_count(NULL), 0);
    assert_null(cleat_resource_attributes(NULL));
    assert_null(cleat_resource_schema_url(NULL).data);
    assert_int_equal(cleat_span_view_read((cleat_slice){NULL, 0}, NULL), CLEAT_INVALID_ARGUMENT);
    cleat_span_view_read((cleat_slice){NULL, 0}, &view);
    assert_false(cleat_span_view_next_attribute(NULL, &cursor, &attribute));
    assert_false(cleat_span_view_next_attribute(&view, NULL, &attribute));
    assert_false(cleat_span_view_next_attribute(&view, &cursor, NULL));
    assert_false(cleat_span_view_next_event(NULL, &cursor, &event));
    assert_false(cleat_span_view_next_event(&view, NULL, NULL));
    assert_false(cleat_span_view_next_link(NULL, &cursor, &link));
    assert_false(cleat_span_view_next_link(&view, NULL, NULL));
    assert_false(cleat_event_view_next_attribute(NULL, &cursor, &attribute));
    assert_false(cleat_event_view_next_attribute(&event, NULL, NULL));
    assert_false(cleat_link_view_next_attribute(NULL, &cursor, &attribute));
    assert_false(cleat_link_view_next_attribute(&link, NULL, NULL));
    assert_false(cleat_span_view_attribute(NULL, "a", &value));
    assert_false(cleat_span_view_attribute(&view, NULL, NULL));
    assert_false(cleat_value_element(NULL, 0, &value));
    assert_false(cleat_value_element(&value, 0, NULL));
    assert_int_equal(cleat_span_batch_count(NULL), 0);
    assert_false(cleat_span_batch_next(NULL, &cursor, &view));
    cleat_span_batch_finish(NULL, CLEAT_OK);
}

static void the_sdk_takes_null(void **state)
{
    cleat_span_processor *processor = NULL;
    cleat_span_exporter *exporter = NULL;
    cleat_tracer_provider *provider = NULL;
    cleat_span_view view;
    (void)state;
    assert_int_equal(cleat_simple_processor_new(NULL, &processor), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_batch_processor_new(NULL, NULL, &processor), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_memory_exporter_new(&exporter), CLEAT_OK);
    assert_int_equal(cleat_simple_processor_new(exporter, NULL), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_memory_exporter_new(&exporter), CLEAT_OK);
    assert_int_equal(cleat_batch_processor_new(exporter, NULL, NULL), CLEAT_INVALID_ARGUMENT);
    cleat_batch_processor_get_stats(NULL, NULL);
    assert_int_equal(cleat_memory_exporter_new(NULL), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_memory_exporter_count(NULL), 0);
    assert_false(cleat_memory_exporter_at(NULL, 0, &view));
    cleat_memory_exporter_clear(NULL);
    assert_int_equal(cleat_console_exporter_new(NULL, &exporter), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_console_exporter_new(stderr, NULL), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_file_exporter_new(NULL, &exporter), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_file_exporter_new("a", NULL), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_otlp_http_exporter_new(NULL, NULL), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_otlp_json_exporter_new(NULL, NULL), CLEAT_INVALID_ARGUMENT);
    cleat_otlp_exporter_get_stats(NULL, NULL);
    assert_int_equal(cleat_tracer_provider_new(NULL, NULL), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_tracer_provider_from_environment(NULL, NULL), CLEAT_INVALID_ARGUMENT);
    cleat_tracer_provider_free(NULL);
    assert_int_equal(cleat_tracer_provider_force_flush(NULL, 0), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_tracer_provider_shutdown(NULL, 0), CLEAT_INVALID_ARGUMENT);
    assert_non_null(cleat_tracer_provider_get_tracer(NULL, NULL, NULL));
    cleat_tracer_provider_set_global(NULL);
    assert_non_null(cleat_tracer_get(NULL, NULL));
    assert_int_equal(cleat_tracer_provider_new(NULL, &provider), CLEAT_OK);
    assert_int_equal(cleat_tracer_provider_add_processor(provider, NULL), CLEAT_INVALID_ARGUMENT);
    assert_non_null(
        cleat_tracer_provider_get_tracer(provider, NULL, CLEAT_TRACER_OPTIONS(.attribute_count = 9)));
    cleat_tracer_provider_free(provider);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_take_null),
        cmocka_unit_test(contexts_take_null),
        cmocka_unit_test(resources_and_views_take_null),
        cmocka_unit_test(the_sdk_takes_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
