/* Rows of docs/opentelemetry.md that no test of a single part shows. */
#include "batch_fixture.h"

enum { THREADS = 8, TRACERS = 20 };

typedef struct asking {
    test_sdk *sdk;
    cleat_tracer *tracers[TRACERS], *global;
} asking;

static void *ask_for_tracers(void *argument)
{
    asking *self = argument;
    const cleat_attribute attribute = cleat_attribute_int("k", 1);
    self->global = cleat_tracer_get("specification", "1");
    for (int i = 0; i < TRACERS; i++) {
        char version[16];
        snprintf(version, sizeof(version), "%d", i);
        self->tracers[i] = cleat_tracer_provider_get_tracer(
            self->sdk->provider, "threads",
            CLEAT_TRACER_OPTIONS(.version = version, .attributes = &attribute, .attribute_count = 1));
        cleat_span_end(cleat_span_start(self->tracers[i], "s", NULL));
    }
    return NULL;
}

static void threads_get_the_same_tracers(void **state)
{
    test_sdk sdk;
    pthread_t threads[THREADS];
    asking all[THREADS];
    (void)state;
    SDK_START(&sdk, .sampler = cleat_sampler_always_off());
    for (int i = 0; i < THREADS; i++) {
        all[i].sdk = &sdk;
        assert_int_equal(pthread_create(&threads[i], NULL, ask_for_tracers, &all[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    for (int i = 1; i < THREADS; i++) {
        assert_ptr_equal(all[i].global, all[0].global);
        assert_memory_equal(all[i].tracers, all[0].tracers, sizeof(all[0].tracers));
    }
    for (int i = 1; i < TRACERS; i++) {
        assert_ptr_not_equal(all[0].tracers[i], all[0].tracers[i - 1]);
    }
    sdk_stop(&sdk);
}

static void ids_are_those_of_the_generator(void **state)
{
    test_fixture fixture;
    cleat_span_context root, child;
    (void)state;
    batch_start(&fixture, 16, 16);
    cleat_span span = cleat_span_start(fixture.tracer, "root", NULL);
    cleat_scope scope = cleat_span_attach(span);
    cleat_span inner = cleat_span_start(fixture.tracer, "child", NULL);
    cleat_span_get_context(span, &root);
    cleat_span_get_context(inner, &child);
    assert_int_equal(root.trace_id.bytes[0], 7);
    assert_int_equal(root.span_id.bytes[7], 1);
    assert_int_equal(child.trace_id.bytes[15], 7);
    assert_int_equal(child.span_id.bytes[7], 2);
    /* This one does not say that its trace ids are random. */
    assert_int_equal(root.trace_flags, CLEAT_TRACE_FLAG_SAMPLED);
    assert_int_equal(child.trace_flags, CLEAT_TRACE_FLAG_SAMPLED);
    cleat_span_end(inner);
    cleat_scope_detach(scope);
    cleat_span_end(span);
    cleat_tracer_provider_free(fixture.provider);
}

static void random_flag_goes_from_parent_to_child(void **state)
{
    test_sdk sdk;
    cleat_span_context context;
    (void)state;
    SDK_START(&sdk, .sampler = NULL);
    for (uint8_t random = 0; random <= CLEAT_TRACE_FLAG_RANDOM; random += CLEAT_TRACE_FLAG_RANDOM) {
        cleat_span_context remote = make_context(5, CLEAT_TRACE_FLAG_SAMPLED | random);
        cleat_context *parent = cleat_context_with_span_context(NULL, &remote);
        cleat_span span = cleat_span_start(sdk.tracer, "s", CLEAT_SPAN_OPTIONS(.parent = parent));
        cleat_span_get_context(span, &context);
        assert_int_equal(context.trace_flags, CLEAT_TRACE_FLAG_SAMPLED | random);
        cleat_span_end(span);
        cleat_context_release(parent);
    }
    sdk_stop(&sdk);
}

static void every_type_of_attribute_reaches_the_exporter(void **state)
{
    static const cleat_slice strings[] = {{"a", 1}, {"\xc3\xa9", 2}};
    static const bool booleans[] = {true, false};
    static const int64_t integers[] = {-1, INT64_MAX};
    static const double reals[] = {0.5, -2};
    const cleat_attribute given[] = {
        cleat_attribute_string("s", "\xf0\x9f\x98\x80"),
        cleat_attribute_bool("b", true),
        cleat_attribute_int("i", INT64_MIN),
        cleat_attribute_double("d", 0.1),
        cleat_attribute_strings("ss", strings, 2),
        cleat_attribute_bools("bs", booleans, 2),
        cleat_attribute_ints("is", integers, 2),
        cleat_attribute_doubles("ds", reals, 2),
        cleat_attribute_string("null", NULL),
        cleat_attribute_int("gr\xc3\xb6\xc3\x9f"
                            "e",
                            1),
    };
    cleat_value value, element;
    test_sdk sdk;
    (void)state;
    SDK_START(&sdk, .sampler = NULL);
    cleat_span span = cleat_span_start(sdk.tracer, "s", NULL);
    for (size_t i = 0; i < COUNT_OF(given); i++) {
        assert_int_equal(cleat_span_set_attribute(span, &given[i]), CLEAT_OK);
    }
    cleat_span_end(span);
    cleat_span_view view = sdk_last(&sdk);
    assert_int_equal(view.attribute_count, COUNT_OF(given) - 1); /* null is no attribute */
    for (size_t i = 0; i < COUNT_OF(given); i++) {
        bool is_there = cleat_span_view_attribute(&view, given[i].key.data, &value);
        assert_int_equal(is_there, given[i].value.type != CLEAT_VALUE_NONE);
        assert_true(!is_there || value.type == given[i].value.type);
        assert_true(!is_there || value.count == given[i].value.count);
    }
    assert_string_attribute(&view, "s", "\xf0\x9f\x98\x80");
    assert_true(value_of(&view, "b").as.boolean);
    assert_int_attribute(&view, "i", INT64_MIN);
    assert_true(value_of(&view, "d").as.real == 0.1);
    value = value_of(&view, "ss");
    assert_true(cleat_value_element(&value, 1, &element));
    assert_slice(element.as.string, "\xc3\xa9");
    value = value_of(&view, "bs");
    assert_true(cleat_value_element(&value, 0, &element) && element.as.boolean);
    value = value_of(&view, "is");
    assert_true(cleat_value_element(&value, 1, &element) && element.as.integer == INT64_MAX);
    value = value_of(&view, "ds");
    assert_true(cleat_value_element(&value, 1, &element) && element.as.real == -2);
    sdk_stop(&sdk);
}

/* Both built-in processors, beside each other. */
static void force_flush_reaches_the_exporters(void **state)
{
    test_fixture fixture;
    cleat_span_processor *simple = NULL;
    gate_exporter *gate = gate_new();
    (void)state;
    batch_start(&fixture, 16, 16);
    assert_int_equal(cleat_simple_processor_new(&gate->base, &simple), CLEAT_OK);
    assert_int_equal(cleat_tracer_provider_add_processor(fixture.provider, simple), CLEAT_OK);
    make_spans(&fixture, 1);
    assert_int_equal(fixture.gate->spans, 0);
    assert_int_equal(cleat_tracer_provider_force_flush(fixture.provider, 300000), CLEAT_OK);
    assert_int_equal(fixture.gate->spans, 1);
    assert_int_equal(fixture.gate->flushes, 1);
    assert_int_equal(gate->spans, 1);
    assert_int_equal(gate->flushes, 1);
    cleat_tracer_provider_free(fixture.provider);
}

static void links_keep_their_order_from_start_to_end(void **state)
{
    cleat_span_context to[4];
    cleat_link_view link;
    size_t cursor = 0;
    test_sdk sdk;
    (void)state;
    SDK_START(&sdk, .sampler = NULL);
    for (uint8_t i = 0; i < 4; i++) {
        to[i] = make_context((uint8_t)(40 - i), CLEAT_TRACE_FLAG_SAMPLED);
    }
    const cleat_link links[] = {{&to[0], NULL, 0}, {&to[1], NULL, 0}};
    cleat_span span = cleat_span_start(sdk.tracer, "s", CLEAT_SPAN_OPTIONS(.links = links, .link_count = 2));
    assert_int_equal(cleat_span_add_link(span, &(cleat_link){&to[2], NULL, 0}), CLEAT_OK);
    assert_int_equal(cleat_span_add_link(span, &(cleat_link){&to[3], NULL, 0}), CLEAT_OK);
    cleat_span_end(span);
    cleat_span_view view = sdk_last(&sdk);
    for (int i = 0; i < 4; i++) {
        assert_true(cleat_span_view_next_link(&view, &cursor, &link));
        assert_true(cleat_span_context_equals(&link.context, &to[i]));
    }
    assert_false(cleat_span_view_next_link(&view, &cursor, &link));
    sdk_stop(&sdk);
}

static void the_environment_limits_links(void **state)
{
    const cleat_attribute two[] = {cleat_attribute_int("a", 1), cleat_attribute_int("b", 2)};
    cleat_span_context to = make_context(1, CLEAT_TRACE_FLAG_SAMPLED);
    const cleat_link link = {&to, two, 2};
    test_sdk sdk;
    (void)state;
    setenv("OTEL_SPAN_LINK_COUNT_LIMIT", "1", 1);
    SDK_START(&sdk, .sampler = NULL);
    unsetenv("OTEL_SPAN_LINK_COUNT_LIMIT");
    cleat_span span = cleat_span_start(sdk.tracer, "s", CLEAT_SPAN_OPTIONS(.links = &link, .link_count = 1));
    assert_int_equal(cleat_span_add_link(span, &link), CLEAT_RESOURCE_EXHAUSTED);
    cleat_span_end(span);
    assert_int_equal(sdk_last(&sdk).link_count, 1);
    assert_int_equal(sdk_last(&sdk).dropped_link_count, 1);
    sdk_stop(&sdk);
}

/* ---- Propagation ---- */

typedef struct header_lines {
    char text[600];
} header_lines;

static cleat_status set_header(void *self, const char *key, cleat_slice value)
{
    header_lines *lines = self;
    size_t size = strlen(lines->text);
    snprintf(lines->text + size, sizeof(lines->text) - size, "%s: %.*s\n", key, CLEAT_SLICE_ARGS(value));
    return CLEAT_OK;
}

static void a_setter_of_ones_own_gets_the_fields(void **state)
{
    header_lines lines = {""};
    const cleat_text_map map = {.self = &lines, .set = set_header};
    cleat_span_context remote = make_context(0x11, CLEAT_TRACE_FLAG_SAMPLED);
    (void)state;
    cleat_trace_state_parse(&remote, cleat_slice_of("a=b"));
    cleat_baggage *baggage = cleat_baggage_with(NULL, "k", cleat_slice_of("v"), NULL);
    cleat_context *traced = cleat_context_with_span_context(NULL, &remote);
    cleat_context *context = cleat_context_with_baggage(traced, baggage);
    cleat_propagator_inject(cleat_propagator_default(), context, &map);
    assert_string_equal(lines.text, "traceparent: 00-11111111111111111111111111111111-1212121212121212-01\n"
                                    "tracestate: a=b\n"
                                    "baggage: k=v\n");
    cleat_context_release(context);
    cleat_context_release(traced);
    cleat_baggage_release(baggage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_get_the_same_tracers),
        cmocka_unit_test(ids_are_those_of_the_generator),
        cmocka_unit_test(random_flag_goes_from_parent_to_child),
        cmocka_unit_test(every_type_of_attribute_reaches_the_exporter),
        cmocka_unit_test(force_flush_reaches_the_exporters),
        cmocka_unit_test(links_keep_their_order_from_start_to_end),
        cmocka_unit_test(the_environment_limits_links),
        cmocka_unit_test(a_setter_of_ones_own_gets_the_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
