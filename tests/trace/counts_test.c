/* What a program can read about its provider's spans. */
#include "batch_fixture.h"

static cleat_tracer_provider_stats counts_of(cleat_tracer_provider *provider)
{
    cleat_tracer_provider_stats stats;
    cleat_tracer_provider_get_stats(provider, &stats);
    return stats;
}

static void spans_are_counted(void **state)
{
    test_sdk sdk;
    (void)state;
    SDK_START(&sdk, .sampler = NULL);
    cleat_span first = cleat_span_start(sdk.tracer, "first", NULL);
    cleat_span_end(cleat_span_start(sdk.tracer, "second", NULL));
    cleat_tracer_provider_stats stats = counts_of(sdk.provider);
    assert_int_equal(stats.started, 2);
    assert_int_equal(stats.ended, 1);
    assert_int_equal(stats.exported, 1);
    cleat_span_end(first);
    cleat_span_end(first);
    stats = counts_of(sdk.provider);
    assert_int_equal(stats.ended, 2);
    assert_int_equal(stats.exported, 2);
    assert_int_equal(stats.not_sampled + stats.failed + stats.dropped_full + stats.dropped_ended +
                         stats.dropped_memory + stats.attributes_dropped + stats.events_dropped +
                         stats.links_dropped + stats.strings_repaired,
                     0);
    sdk_stop(&sdk);
}

static void what_is_not_sampled_is_not_started(void **state)
{
    test_sdk sdk;
    (void)state;
    SDK_START(&sdk, .sampler = cleat_sampler_always_off());
    cleat_span_end(cleat_span_start(sdk.tracer, "a", NULL));
    cleat_tracer_provider_stats stats = counts_of(sdk.provider);
    assert_int_equal(stats.not_sampled, 1);
    assert_int_equal(stats.started + stats.ended + stats.exported, 0);
    sdk_stop(&sdk);
}

static void a_span_that_ends_after_the_shutdown_is_dropped(void **state)
{
    test_sdk sdk;
    (void)state;
    SDK_START(&sdk, .sampler = NULL);
    cleat_span span = cleat_span_start(sdk.tracer, "late", NULL);
    cleat_tracer_provider_shutdown(sdk.provider, 1000);
    assert_int_equal(cleat_span_end(span), CLEAT_OK);
    cleat_span_end(cleat_span_start(sdk.tracer, "later", NULL));
    cleat_tracer_provider_stats stats = counts_of(sdk.provider);
    assert_int_equal(stats.started, 1);
    assert_int_equal(stats.ended, 1);
    assert_int_equal(stats.dropped_ended, 1);
    sdk_stop(&sdk);
}

static void failed_exports_are_counted(void **state)
{
    test_fixture fixture;
    (void)state;
    batch_start(&fixture, 16, 4);
    fixture.gate->answer = CLEAT_UNAVAILABLE;
    make_spans(&fixture, 3);
    cleat_tracer_provider_force_flush(fixture.provider, 10000);
    cleat_tracer_provider_stats stats = counts_of(fixture.provider);
    assert_int_equal(stats.ended, 3);
    assert_int_equal(stats.failed, 3);
    cleat_tracer_provider_free(fixture.provider);
}

static void a_full_queue_is_counted(void **state)
{
    test_fixture fixture;
    (void)state;
    batch_start(&fixture, 8, 4);
    gate_set(fixture.gate, true);
    make_spans(&fixture, 4);
    gate_wait(fixture.gate, 1, 0);
    make_spans(&fixture, 20);
    cleat_tracer_provider_stats stats = counts_of(fixture.provider);
    assert_true(stats.dropped_full >= 12);
    gate_set(fixture.gate, false);
    cleat_tracer_provider_force_flush(fixture.provider, 10000);
    stats = counts_of(fixture.provider);
    assert_int_equal(stats.ended, 24);
    assert_int_equal(stats.exported + stats.dropped_full, 24);
    cleat_tracer_provider_free(fixture.provider);
}

static void two_processors_are_added_up(void **state)
{
    test_sdk sdk;
    cleat_span_exporter *exporter = NULL;
    cleat_span_processor *processor = NULL;
    (void)state;
    SDK_START(&sdk, .sampler = NULL);
    cleat_memory_exporter_new(&exporter);
    cleat_batch_processor_new(exporter, NULL, &processor);
    cleat_tracer_provider_add_processor(sdk.provider, processor);
    cleat_span_end(cleat_span_start(sdk.tracer, "a", NULL));
    cleat_tracer_provider_force_flush(sdk.provider, 10000);
    assert_int_equal(counts_of(sdk.provider).exported, 2);
    sdk_stop(&sdk);
}

static void count_nothing(cleat_span_processor *self, cleat_span_processor_stats *out)
{
    (void)self;
    assert_int_equal(out->failed, 0);
    out->failed = 7;
}

static void a_processor_of_the_programs_own_counts_too(void **state)
{
    test_sdk sdk;
    cleat_span_processor counting = {.get_stats = count_nothing};
    (void)state;
    SDK_START(&sdk, .sampler = NULL);
    cleat_tracer_provider_add_processor(sdk.provider, &counting);
    assert_int_equal(counts_of(sdk.provider).failed, 7);
    sdk_stop(&sdk);
}

static void what_limits_drop_is_counted(void **state)
{
    static const cleat_span_limits limits = {
        .attributes = 1, .events = 1, .links = 1, .attributes_per_event = 1, .attributes_per_link = 1};
    const cleat_attribute two[] = {cleat_attribute_int("a", 1), cleat_attribute_int("b", 2)};
    const cleat_span_context context = make_context(3, 1);
    const cleat_link link = {&context, two, 2};
    test_sdk sdk;
    (void)state;
    SDK_START(&sdk, .limits = limits);
    cleat_span span = cleat_span_start(sdk.tracer, "a", NULL);
    for (int i = 0; i < 3; i++) {
        cleat_span_add_event(span, "event", two, 2, 0);
        cleat_span_add_link(span, &link);
        cleat_span_set_attribute(span, &two[i % 2]);
    }
    cleat_span_end(span);
    cleat_tracer_provider_stats stats = counts_of(sdk.provider);
    assert_int_equal(stats.attributes_dropped, 1 + 1 + 1);
    assert_int_equal(stats.events_dropped, 2);
    assert_int_equal(stats.links_dropped, 2);
    sdk_stop(&sdk);
}

static void repaired_strings_are_counted(void **state)
{
    static const char bad[] = "bad \xFF";
    const cleat_slice strings[] = {cleat_slice_of(bad), cleat_slice_of("good"), cleat_slice_of(bad)};
    const cleat_attribute array = cleat_attribute_strings("array", strings, 3);
    const cleat_attribute attribute = cleat_attribute_string("in.event", bad);
    test_sdk sdk;
    (void)state;
    SDK_START(&sdk, .sampler = NULL);
    cleat_span span = cleat_span_start(sdk.tracer, bad, NULL); /* 1 */
    cleat_span_set_string(span, "key", bad);                   /* 1 */
    cleat_span_set_string(span, bad, "value");                 /* 1 */
    cleat_span_set_attribute(span, &array);                    /* 2 */
    cleat_span_add_event(span, bad, &attribute, 1, 0);         /* 2 */
    cleat_span_set_status(span, CLEAT_SPAN_STATUS_ERROR, bad); /* 1 */
    cleat_span_set_string(span, "umlaut", "\xC3\xA4 is fine, and long enough not to be short: ........");
    cleat_span_end(span);
    assert_int_equal(counts_of(sdk.provider).strings_repaired, 8);
    sdk_stop(&sdk);
}

static void *end_span_of(void *argument)
{
    cleat_span_end(cleat_span_start(argument, "a", NULL));
    return NULL;
}

static void threads_that_ended_are_counted(void **state)
{
    test_sdk sdk;
    pthread_t thread;
    (void)state;
    SDK_START(&sdk, .sampler = NULL);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(pthread_create(&thread, NULL, end_span_of, sdk.tracer), 0);
        pthread_join(thread, NULL);
    }
    cleat_span_end(cleat_span_start(sdk.tracer, "a", NULL));
    assert_int_equal(counts_of(sdk.provider).started, 6);
    assert_int_equal(counts_of(sdk.provider).ended, 6);
    sdk_stop(&sdk);
}

/* More than there are slots, and then slots that others had. */
static void many_providers_are_counted_apart(void **state)
{
    enum { MANY = 20 };
    test_sdk sdks[MANY];
    (void)state;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < MANY; i++) {
            SDK_START(&sdks[i], .sampler = NULL);
        }
        for (int i = 0; i < MANY; i++) {
            for (int j = 0; j <= i; j++) {
                cleat_span_end(cleat_span_start(sdks[i].tracer, "a", NULL));
            }
        }
        for (int i = 0; i < MANY; i++) {
            assert_int_equal(counts_of(sdks[i].provider).started, i + 1);
            assert_int_equal(counts_of(sdks[i].provider).ended, i + 1);
        }
        for (int i = 0; i < MANY; i++) {
            sdk_stop(&sdks[i]);
        }
    }
}

static void there_is_nothing_to_read_of_nothing(void **state)
{
    (void)state;
    cleat_tracer_provider_stats stats = counts_of(NULL);
    assert_int_equal(stats.started, 0);
    cleat_tracer_provider_get_stats(NULL, NULL);
}

static failing_allocator allocator;

static void lost_spans_are_counted(void **state)
{
    test_sdk sdk;
    char large[8192];
    (void)state;
    memset(large, 'x', sizeof(large) - 1);
    large[sizeof(large) - 1] = '\0';
    SDK_START(&sdk, .sampler = NULL);
    cleat_span span = cleat_span_start(sdk.tracer, "a", NULL);
    for (int i = 0; i < 40; i++) {
        char key[16];
        snprintf(key, sizeof(key), "key%d", i);
        assert_int_equal(cleat_span_set_string(span, key, large), CLEAT_OK);
    }
    atomic_store(&allocator.fail_at, 1);
    assert_int_equal(cleat_span_end(span), CLEAT_NO_MEMORY);
    atomic_store(&allocator.fail_at, 0);
    cleat_tracer_provider_stats stats = counts_of(sdk.provider);
    assert_int_equal(stats.ended, 1);
    assert_int_equal(stats.dropped_memory, 1);
    sdk_stop(&sdk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_are_counted),
        cmocka_unit_test(what_is_not_sampled_is_not_started),
        cmocka_unit_test(a_span_that_ends_after_the_shutdown_is_dropped),
        cmocka_unit_test(failed_exports_are_counted),
        cmocka_unit_test(a_full_queue_is_counted),
        cmocka_unit_test(two_processors_are_added_up),
        cmocka_unit_test(a_processor_of_the_programs_own_counts_too),
        cmocka_unit_test(what_limits_drop_is_counted),
        cmocka_unit_test(repaired_strings_are_counted),
        cmocka_unit_test(threads_that_ended_are_counted),
        cmocka_unit_test(many_providers_are_counted_apart),
        cmocka_unit_test(there_is_nothing_to_read_of_nothing),
        cmocka_unit_test(lost_spans_are_counted),
    };
    failing_allocator_install(&allocator, 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
