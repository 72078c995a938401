/* What programs do wrong: nothing crashes, they are told, and spans that are valid arrive. */
#include "batch_fixture.h"

enum { MEGABYTES = 10 * 1024 * 1024 };

/* The last message of the log, and how many there were. */
typedef struct kept_log {
    atomic_size_t count;
    char message[1024];
} kept_log;

static void keep_message(void *user_data, cleat_log_level level, const char *message)
{
    kept_log *log = user_data;
    (void)level;
    if (atomic_fetch_add(&log->count, 1) == 0) {
        snprintf(log->message, sizeof(log->message), "%s", message);
    }
}

/* ---- Handles ---- */

static cleat_status statuses_of(cleat_span span, cleat_status *all, size_t *count)
{
    const cleat_span_context context = make_context(1, 1);
    const cleat_attribute attribute = cleat_attribute_int("a", 1);
    const cleat_link link = {&context, NULL, 0};
    const cleat_status got[] = {
        cleat_span_set_attribute(span, &attribute),
        cleat_span_set_string(span, "a", "b"),
        cleat_span_set_slice(span, "a", cleat_slice_of("b")),
        cleat_span_set_bool(span, "a", true),
        cleat_span_set_int(span, "a", 1),
        cleat_span_set_double(span, "a", 1.5),
        cleat_span_add_event(span, "a", NULL, 0, 0),
        cleat_span_add_link(span, &link),
        cleat_span_set_status(span, CLEAT_SPAN_STATUS_ERROR, "a"),
        cleat_span_record_exception(span, "a", "b", "c", NULL, 0),
        cleat_span_update_name(span, "a"),
        cleat_span_end(span),
        cleat_span_end_at(span, 1),
    };
    memcpy(all, got, sizeof(got));
    *count = COUNT_OF(got);
    return got[0];
}

static void an_ended_span_says_so(void **state)
{
    test_sdk sdk;
    cleat_status statuses[16];
    size_t count = 0;
    cleat_span_context context = make_context(1, 1);
    (void)state;
    SDK_START(&sdk, .sampler = NULL);
    cleat_span span = cleat_span_start(sdk.tracer, "a", NULL);
    assert_int_equal(cleat_span_end(span), CLEAT_OK);
    statuses_of(span, statuses, &count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(statuses[i], CLEAT_FAILED_PRECONDITION);
    }
    assert_string_equal(cleat_error_message(), "the span has ended");
    cleat_span_get_context(span, &context);
    assert_false(cleat_span_context_is_valid(&context));
    assert_false(cleat_span_is_recording(span));
    assert_int_equal(cleat_memory_exporter_count(sdk.exporter), 1);
    sdk_stop(&sdk);
}

static void the_no_op_span_accepts_everything(void **state)
{
    const cleat_span none = {NULL, 0};
    cleat_status statuses[16];
    size_t count = 0;
    (void)state;
    statuses_of(none, statuses, &count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(statuses[i], CLEAT_OK);
    }
    assert_int_equal(cleat_scope_detach(cleat_span_attach(none)), CLEAT_OK);
}

/* ---- Parts without functions ---- */

static void assert_refused(cleat_tracer_provider_options options)
{
    cleat_tracer_provider *provider = NULL;
    options.struct_size = sizeof(options);
    assert_int_equal(cleat_tracer_provider_new(&options, &provider), CLEAT_INVALID_ARGUMENT);
    assert_null(provider);
}

static void parts_without_functions_are_refused(void **state)
{
    static cleat_sampler no_sampler = {NULL, NULL, NULL};
    const cleat_id_generator no_ids = {NULL, NULL, NULL, false};
    const cleat_clock no_clock = {NULL, NULL, NULL};
    (void)state;
    assert_refused((cleat_tracer_provider_options){.sampler = &no_sampler});
    assert_refused((cleat_tracer_provider_options){.id_generator = &no_ids});
    assert_refused((cleat_tracer_provider_options){.clock = &no_clock, .sampler = cleat_sampler_ratio(0.5)});
}

static void an_exporter_without_functions_fails_and_says_so(void **state)
{
    static cleat_span_exporter nothing = {.export_spans = NULL};
    (void)state;
    for (int is_batch = 0; is_batch < 2; is_batch++) {
        cleat_tracer_provider *provider = NULL;
        cleat_span_processor *processor = NULL;
        cleat_tracer_provider_stats stats;
        kept_log log = {.count = 0};
        cleat_log_set_handler(keep_message, &log, CLEAT_LOG_WARN);
        assert_int_equal(cleat_tracer_provider_new(NULL, &provider), CLEAT_OK);
        assert_int_equal(is_batch ? cleat_batch_processor_new(&nothing, NULL, &processor)
                                  : cleat_simple_processor_new(&nothing, &processor),
                         CLEAT_OK);
        assert_int_equal(cleat_tracer_provider_add_processor(provider, processor), CLEAT_OK);
        cleat_tracer *tracer = cleat_tracer_provider_get_tracer(provider, "x", NULL);
        for (int i = 0; i < 100; i++) {
            assert_int_equal(cleat_span_end(cleat_span_start(tracer, "a", NULL)), CLEAT_OK);
        }
        cleat_tracer_provider_force_flush(provider, 10000);
        cleat_tracer_provider_get_stats(provider, &stats);
        assert_int_equal(stats.failed, 100);
        cleat_tracer_provider_free(provider);
        cleat_log_set_handler(NULL, NULL, CLEAT_LOG_WARN);
        assert_in_range(log.count, 1, 10);
        assert_non_null(strstr(log.message, "not supported"));
    }
}

static void a_processor_without_functions_does_nothing(void **state)
{
    static cleat_span_processor nothing = {.on_end = NULL};
    test_sdk sdk;
    (void)state;
    SDK_START(&sdk, .sampler = NULL);
    assert_int_equal(cleat_tracer_provider_add_processor(sdk.provider, &nothing), CLEAT_OK);
    assert_int_equal(cleat_span_end(cleat_span_start(sdk.tracer, "a", NULL)), CLEAT_OK);
    assert_int_equal(cleat_memory_exporter_count(sdk.exporter), 1);
    assert_int_equal(cleat_tracer_provider_force_flush(sdk.provider, 300000), CLEAT_OK);
    sdk_stop(&sdk);
}

static bool was_freed;

static void note_free(cleat_span_processor *self)
{
    (void)self;
    was_freed = true;
}

static void a_processor_that_comes_too_late_is_freed(void **state)
{
    static cleat_span_processor late = {.free = note_free};
    test_sdk sdk;
    (void)state;
    was_freed = false;
    SDK_START(&sdk, .sampler = NULL);
    assert_int_equal(cleat_tracer_provider_shutdown(sdk.provider, 300000), CLEAT_OK);
    assert_int_equal(cleat_tracer_provider_shutdown(sdk.provider, 1000), CLEAT_FAILED_PRECONDITION);
    assert_int_equal(cleat_tracer_provider_add_processor(sdk.provider, &late), CLEAT_FAILED_PRECONDITION);
    assert_true(was_freed);
    sdk_stop(&sdk);
}

/* ---- Ids and contexts ---- */

static void zero_trace_id(void *user_data, cleat_trace_id *out)
{
    (void)user_data;
    memset(out, 0, sizeof(*out));
}

static void zero_span_id(void *user_data, cleat_span_id *out)
{
    (void)user_data;
    memset(out, 0, sizeof(*out));
}

static void a_generator_of_zeros_is_not_believed(void **state)
{
    const cleat_id_generator zeros = {NULL, zero_trace_id, zero_span_id, false};
    cleat_tracer_provider *provider = NULL;
    cleat_span_processor nothing = {.on_end = NULL};
    cleat_span_context context;
    kept_log log = {.count = 0};
    (void)state;
    cleat_log_set_handler(keep_message, &log, CLEAT_LOG_WARN);
    assert_int_equal(
        cleat_tracer_provider_new(CLEAT_TRACER_PROVIDER_OPTIONS(.id_generator = &zeros), &provider),
        CLEAT_OK);
    cleat_tracer_provider_add_processor(provider, &nothing);
    for (int i = 0; i < 10; i++) {
        cleat_span span = cleat_span_start(cleat_tracer_provider_get_tracer(provider, "x", NULL), "a", NULL);
        cleat_span_get_context(span, &context);
        assert_true(cleat_span_context_is_valid(&context));
        cleat_span_end(span);
    }
    cleat_tracer_provider_free(provider);
    cleat_log_set_handler(NULL, NULL, CLEAT_LOG_WARN);
    assert_in_range(log.count, 1, 2);
    assert_non_null(strstr(log.message, "id generator"));
}

static void half_a_parent_is_none(void **state)
{
    test_sdk sdk;
    (void)state;
    SDK_START(&sdk, .sampler = NULL);
    for (int half = 0; half < 3; half++) {
        cleat_span_context parent = make_context(7, 1);
        if (half != 0) {
            memset(&parent.trace_id, 0, sizeof(parent.trace_id));
        }
        if (half != 1) {
            memset(&parent.span_id, 0, sizeof(parent.span_id));
        }
        cleat_context *context = cleat_context_with_span_context(NULL, &parent);
        const cleat_link link = {&parent, NULL, 0};
        cleat_span_end(cleat_span_start(
            sdk.tracer, "a", CLEAT_SPAN_OPTIONS(.parent = context, .links = &link, .link_count = 1)));
        cleat_span_view view = sdk_last(&sdk);
        assert_false(cleat_span_id_is_valid(&view.parent_span_id));
        assert_true(cleat_trace_id_is_valid(&view.trace_id));
        assert_int_equal(view.trace_id.bytes[0], 0xAA);
        assert_int_equal(view.link_count, 0);
        cleat_context_release(context);
    }
    sdk_stop(&sdk);
}

static void a_tracestate_longer_than_its_memory_is_not_read(void **state)
{
    test_sdk sdk;
    cleat_span_context context = make_context(7, 1);
    const cleat_link link = {&context, NULL, 0};
    (void)state;
    context.trace_state_size = 60000;
    SDK_START(&sdk, .sampler = NULL);
    cleat_context *parent = cleat_context_with_span_context(NULL, &context);
    cleat_span span = cleat_span_start(sdk.tracer, "a", CLEAT_SPAN_OPTIONS(.parent = parent));
    assert_int_equal(cleat_span_add_link(span, &link), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_span_end(span), CLEAT_OK);
    assert_in_range(sdk_last(&sdk).trace_state.size, 0, CLEAT_TRACE_STATE_MAX);
    cleat_context_release(parent);
    sdk_stop(&sdk);
}

static void a_tracestate_that_is_not_ascii_is_not_recorded(void **state)
{
    test_sdk sdk;
    cleat_span_context context = make_context(7, 1);
    const cleat_link link = {&context, NULL, 0};
    (void)state;
    memcpy(context.trace_state, "a=\xFF", 3);
    context.trace_state_size = 3;
    SDK_START(&sdk, .sampler = NULL);
    cleat_context *parent = cleat_context_with_span_context(NULL, &context);
    cleat_span span = cleat_span_start(sdk.tracer, "a", CLEAT_SPAN_OPTIONS(.parent = parent));
    assert_int_equal(cleat_span_add_link(span, &link), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_span_end(span), CLEAT_OK);
    assert_int_equal(sdk_last(&sdk).trace_state.size, 0);
    cleat_context_release(parent);
    sdk_stop(&sdk);
}

/* ---- Values ---- */

static void numbers_out_of_range_are_not_recorded(void **state)
{
    test_sdk sdk;
    (void)state;
    SDK_START(&sdk, .sampler = NULL);
    for (int kind = -3; kind < 9; kind += 3) {
        cleat_span span =
            cleat_span_start(sdk.tracer, "a", CLEAT_SPAN_OPTIONS(.kind = (cleat_span_kind)kind));
        cleat_attribute attribute = cleat_attribute_int("a", 1);
        attribute.value.type = (cleat_value_type)(kind < 0 ? kind : 99);
        assert_int_equal(cleat_span_set_attribute(span, &attribute), CLEAT_INVALID_ARGUMENT);
        assert_int_equal(cleat_span_set_status(span, (cleat_span_status)-1, "a"), CLEAT_INVALID_ARGUMENT);
        assert_int_equal(cleat_span_set_status(span, (cleat_span_status)3, "a"), CLEAT_INVALID_ARGUMENT);
        assert_int_equal(cleat_span_end(span), CLEAT_OK);
        cleat_span_view view = sdk_last(&sdk);
        assert_int_equal(view.kind, kind == 3 ? CLEAT_SPAN_KIND_CLIENT : CLEAT_SPAN_KIND_INTERNAL);
        assert_int_equal(view.status, CLEAT_SPAN_STATUS_UNSET);
        assert_int_equal(view.attribute_count, 0);
    }
    sdk_stop(&sdk);
}

static void negative_times_are_now(void **state)
{
    test_sdk sdk;
    cleat_event_view event;
    size_t cursor = 0;
    (void)state;
    SDK_START(&sdk, .sampler = NULL);
    cleat_span span = cleat_span_start(sdk.tracer, "a", CLEAT_SPAN_OPTIONS(.start_time_ns = INT64_MIN));
    assert_int_equal(cleat_span_add_event(span, "event", NULL, 0, -5), CLEAT_OK);
    assert_int_equal(cleat_span_end_at(span, -1), CLEAT_OK);
    cleat_span_view view = sdk_last(&sdk);
    assert_true(view.start_time_ns == START_UNIX_NS);
    assert_true(view.end_time_ns == START_UNIX_NS);
    assert_true(cleat_span_view_next_event(&view, &cursor, &event));
    assert_true(event.time_ns == START_UNIX_NS);
    sdk_stop(&sdk);
}

static void a_span_never_ends_before_it_starts(void **state)
{
    test_sdk sdk;
    (void)state;
    SDK_START(&sdk, .sampler = NULL);
    cleat_span span = cleat_span_start(sdk.tracer, "clock", NULL);
    fake_clock_advance(&sdk.clock, -3 * SECOND); /* also the monotonic one */
    assert_int_equal(cleat_span_end(span), CLEAT_OK);
    assert_true(sdk_last(&sdk).end_time_ns == sdk_last(&sdk).start_time_ns);
    span = cleat_span_start(sdk.tracer, "given", CLEAT_SPAN_OPTIONS(.start_time_ns = 5000));
    assert_int_equal(cleat_span_end_at(span, 4000), CLEAT_OK);
    assert_true(sdk_last(&sdk).end_time_ns == 5000);
    sdk_stop(&sdk);
}

static void ten_megabytes_arrive(void **state)
{
    test_fixture fixture;
    char *large = malloc(MEGABYTES + 1);
    (void)state;
    memset(large, 'x', MEGABYTES);
    large[MEGABYTES] = '\0';
    batch_start(&fixture, 16, 16);
    cleat_span span = cleat_span_start(fixture.tracer, large, NULL);
    assert_int_equal(cleat_span_set_string(span, "large", large), CLEAT_OK);
    assert_int_equal(cleat_span_set_string(span, large, "key"), CLEAT_OK);
    assert_int_equal(cleat_span_add_event(span, large, NULL, 0, 0), CLEAT_OK);
    assert_int_equal(cleat_span_set_status(span, CLEAT_SPAN_STATUS_ERROR, large), CLEAT_OK);
    assert_int_equal(cleat_span_end(span), CLEAT_OK);
    make_spans(&fixture, 3);
    assert_int_equal(cleat_tracer_provider_force_flush(fixture.provider, 300000), CLEAT_OK);
    assert_int_equal(fixture.gate->spans, 4);
    cleat_tracer_provider_free(fixture.provider);
    free(large);
}

static void ten_thousand_attributes_are_counted(void **state)
{
    enum { MANY = 10000 };
    test_sdk sdk;
    (void)state;
    SDK_START(&sdk, .limits = {.attributes = 0});
    cleat_span span = cleat_span_start(sdk.tracer, "a", NULL);
    for (int i = 0; i < MANY; i++) {
        char key[16];
        snprintf(key, sizeof(key), "key%d", i);
        assert_int_equal(cleat_span_set_int(span, key, i), i < 128 ? CLEAT_OK : CLEAT_RESOURCE_EXHAUSTED);
    }
    assert_int_equal(cleat_span_end(span), CLEAT_OK);
    assert_int_equal(sdk_last(&sdk).attribute_count, 128);
    assert_int_equal(sdk_last(&sdk).dropped_attribute_count, MANY - 128);
    sdk_stop(&sdk);
    SDK_START(&sdk, .limits = {.attributes = MANY});
    span = cleat_span_start(sdk.tracer, "a", NULL);
    for (int i = 0; i < MANY; i++) {
        char key[16];
        snprintf(key, sizeof(key), "key%d", i);
        assert_int_equal(cleat_span_set_int(span, key, i), CLEAT_OK);
    }
    assert_int_equal(cleat_span_end(span), CLEAT_OK);
    assert_int_equal(sdk_last(&sdk).attribute_count, MANY);
    sdk_stop(&sdk);
}

static void invalid_utf8_is_replaced(void **state)
{
    static const struct {
        const char *given, *recorded;
    } texts[] = {
        {"a\xFF"
         "b",
         "a\xEF\xBF\xBD"
         "b"},
        {"\xC3", "\xEF\xBF\xBD"},                                 /* half a character */
        {"\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"}, /* half a surrogate pair */
        {"\xC0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD"},                 /* overlong */
        {"\xC3\xA4", "\xC3\xA4"},
    };
    test_sdk sdk;
    (void)state;
    SDK_START(&sdk, .sampler = NULL);
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        cleat_span span = cleat_span_start(sdk.tracer, texts[i].given, NULL);
        cleat_span_set_string(span, "key", texts[i].given);
        cleat_span_set_string(span, texts[i].given, "value");
        assert_true(cleat_span_has_attribute(span, cleat_slice_of(texts[i].recorded)));
        assert_int_equal(cleat_span_end(span), CLEAT_OK);
        cleat_span_view view = sdk_last(&sdk);
        assert_slice(view.name, texts[i].recorded);
        assert_string_attribute(&view, "key", texts[i].recorded);
        assert_string_attribute(&view, texts[i].recorded, "value");
    }
    cleat_tracer_provider_stats stats;
    cleat_tracer_provider_get_stats(sdk.provider, &stats);
    assert_int_equal(stats.strings_repaired, 3 * (COUNT_OF(texts) - 1));
    sdk_stop(&sdk);
}

static void what_limits_took_and_use_after_the_end_are_logged(void **state)
{
    test_sdk sdk;
    kept_log log = {.count = 0};
    (void)state;
    SDK_START(&sdk, .limits.attributes = 1);
    cleat_log_set_handler(keep_message, &log, CLEAT_LOG_WARN);
    cleat_span span = cleat_span_start(sdk.tracer, "rich", NULL);
    cleat_span_set_int(span, "a", 1);
    cleat_span_set_int(span, "b", 1);
    cleat_span_end(span);
    assert_non_null(strstr(log.message, "1 attributes"));
    assert_non_null(strstr(log.message, "\"rich\""));
    log.count = 0;
    cleat_span_set_int(span, "late", 1);
    assert_non_null(strstr(log.message, "after its end"));
    cleat_log_set_handler(NULL, NULL, CLEAT_LOG_WARN);
    sdk_stop(&sdk);
}

/* ---- Options ---- */

static void any_struct_size_will_do(void **state)
{
    test_sdk sdk;
    (void)state;
    SDK_START(&sdk, .sampler = NULL);
    const cleat_span_context other = make_context(7, 1);
    cleat_context *parent = cleat_context_with_span_context(NULL, &other);
    const cleat_attribute attribute = cleat_attribute_int("a", 1);
    for (size_t size = 0; size < 2 * sizeof(cleat_span_options); size++) {
        cleat_span_options options = {
            .struct_size = size,
            .kind = CLEAT_SPAN_KIND_SERVER,
            .parent = parent,
            .attributes = &attribute,
            .attribute_count = 1,
            .trace_state = cleat_slice_of("a=b"),
        };
        assert_int_equal(cleat_span_end(cleat_span_start(sdk.tracer, "a", &options)), CLEAT_OK);
    }
    for (size_t size = 0; size < 2 * sizeof(cleat_tracer_provider_options); size++) {
        cleat_tracer_provider *provider = NULL;
        const cleat_clock *clock = cleat_clock_system();
        cleat_tracer_provider_options options = {
            .struct_size = size, .sampler = cleat_sampler_always_on(), .clock = clock};
        assert_int_equal(cleat_tracer_provider_new(&options, &provider), CLEAT_OK);
        cleat_tracer_options tracer = {.struct_size = size, .version = "1", .schema_url = "http://a"};
        assert_non_null(cleat_tracer_provider_get_tracer(provider, "x", &tracer));
        cleat_tracer_provider_free(provider);
    }
    for (size_t size = 0; size < 2 * sizeof(cleat_batch_processor_options); size++) {
        cleat_span_exporter *exporter = NULL;
        cleat_span_processor *processor = NULL;
        cleat_batch_processor_options options = {.struct_size = size, .max_queue_size = 16};
        assert_int_equal(cleat_memory_exporter_new(&exporter), CLEAT_OK);
        assert_int_equal(cleat_batch_processor_new(exporter, &options, &processor), CLEAT_OK);
        processor->free(processor);
    }
    cleat_context_release(parent);
    sdk_stop(&sdk);
}

static void batch_options_out_of_range_are_defaults(void **state)
{
    cleat_span_exporter *exporter = NULL;
    cleat_span_processor *processor = NULL;
    (void)state;
    assert_int_equal(cleat_memory_exporter_new(&exporter), CLEAT_OK);
    assert_int_equal(cleat_batch_processor_new(exporter,
                                               CLEAT_BATCH_PROCESSOR_OPTIONS(.schedule_delay_ms = -5,
                                                                             .export_timeout_ms = INT64_MIN,
                                                                             .max_queue_size = 0,
                                                                             .max_export_batch_size = 100000),
                                               &processor),
                     CLEAT_OK);
    assert_int_equal(processor->force_flush(processor, -1), CLEAT_OK);
    processor->free(processor);
}

/* ---- At the wrong time ---- */

static void a_shutdown_during_an_export_ends_in_time(void **state)
{
    test_fixture fixture;
    (void)state;
    batch_start(&fixture, 64, 4);
    gate_set(fixture.gate, true);
    make_spans(&fixture, 8);
    gate_wait(fixture.gate, 1, 0);
    cleat_span late = cleat_span_start(fixture.tracer, "late", NULL);
    assert_int_equal(cleat_tracer_provider_shutdown(fixture.provider, 1), CLEAT_TIMEOUT);
    assert_int_equal(cleat_span_end(late), CLEAT_OK);
    assert_int_equal(stats_of(&fixture).dropped_ended, 1);
    gate_wait(fixture.gate, 2, 8); /* the exporter's shutdown opened it */
    cleat_tracer_provider_free(fixture.provider);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ended_span_says_so),
        cmocka_unit_test(the_no_op_span_accepts_everything),
        cmocka_unit_test(parts_without_functions_are_refused),
        cmocka_unit_test(an_exporter_without_functions_fails_and_says_so),
        cmocka_unit_test(a_processor_without_functions_does_nothing),
        cmocka_unit_test(a_processor_that_comes_too_late_is_freed),
        cmocka_unit_test(a_generator_of_zeros_is_not_believed),
        cmocka_unit_test(half_a_parent_is_none),
        cmocka_unit_test(a_tracestate_longer_than_its_memory_is_not_read),
        cmocka_unit_test(a_tracestate_that_is_not_ascii_is_not_recorded),
        cmocka_unit_test(numbers_out_of_range_are_not_recorded),
        cmocka_unit_test(negative_times_are_now),
        cmocka_unit_test(a_span_never_ends_before_it_starts),
        cmocka_unit_test(ten_megabytes_arrive),
        cmocka_unit_test(ten_thousand_attributes_are_counted),
        cmocka_unit_test(invalid_utf8_is_replaced),
        cmocka_unit_test(what_limits_took_and_use_after_the_end_are_logged),
        cmocka_unit_test(any_struct_size_will_do),
        cmocka_unit_test(batch_options_out_of_range_are_defaults),
        cmocka_unit_test(a_shutdown_during_an_export_ends_in_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
