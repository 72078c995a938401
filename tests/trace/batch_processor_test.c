#include "base/thread.h"
#include "batch_fixture.h"
#include "trace/batch.h"

static failing_allocator allocator;

static void full_batch_is_exported_at_once(void **state)
{
    test_fixture fixture;
    (void)state;
    batch_start(&fixture, 64, 4);
    make_spans(&fixture, 3);
    assert_int_equal(fixture.gate->entered, 0);
    make_spans(&fixture, 1);
    gate_wait(fixture.gate, 1, 4); /* would wait for an hour otherwise */
    assert_int_equal(fixture.gate->batches, 1);
    assert_true(fixture.gate->was_suppressed);
    assert_true(fixture.gate->timeout_ms == 1234);
    assert_false(cleat_tracing_suppressed());
    cleat_tracer_provider_free(fixture.provider);
}

static void flush_exports_all_in_order_and_in_batches(void **state)
{
    test_fixture fixture;
    (void)state;
    batch_start(&fixture, 5000, 64);
    make_spans(&fixture, 1000);
    assert_int_equal(cleat_tracer_provider_force_flush(fixture.provider, 300000), CLEAT_OK);
    assert_int_equal(fixture.gate->spans, 1000);
    assert_int_equal(fixture.gate->flushes, 1);
    assert_int_equal(fixture.gate->largest, 64);
    assert_true(fixture.gate->in_order);
    assert_int_equal(stats_of(&fixture).exported, 1000);
    assert_int_equal(cleat_tracer_provider_force_flush(fixture.provider, 300000), CLEAT_OK);
    assert_int_equal(fixture.gate->spans, 1000);
    cleat_tracer_provider_free(fixture.provider);
}

static void full_queue_drops_and_never_waits(void **state)
{
    test_fixture fixture;
    (void)state;
    batch_start(&fixture, 8, 4);
    fixture.gate->is_closed = true;
    make_spans(&fixture, 4);
    gate_wait(fixture.gate, 1, 0); /* these four are with the exporter, out of the queue */
    make_spans(&fixture, 8 + 5);
    assert_int_equal(stats_of(&fixture).dropped_full, 5);
    gate_set(fixture.gate, false);
    assert_int_equal(cleat_tracer_provider_force_flush(fixture.provider, 300000), CLEAT_OK);
    assert_int_equal(fixture.gate->spans, 12);
    make_spans(&fixture, 1); /* there is room again */
    assert_int_equal(cleat_tracer_provider_force_flush(fixture.provider, 300000), CLEAT_OK);
    assert_int_equal(fixture.gate->spans, 13);
    assert_int_equal(stats_of(&fixture).dropped_full, 5);
    cleat_tracer_provider_free(fixture.provider);
}

static void queue_of_one_thread_holds_what_it_says(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 2, 100, 2048, 5000};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        test_fixture fixture;
        batch_start(&fixture, sizes[i], 100000);
        fixture.gate->is_closed = true;
        make_spans(&fixture, (int)sizes[i]);
        assert_int_equal(stats_of(&fixture).dropped_full, 0);
        gate_wait(fixture.gate, 1, 0); /* a full queue is a batch */
        make_spans(&fixture, (int)sizes[i] + 3);
        assert_int_equal(stats_of(&fixture).dropped_full, 3);
        gate_set(fixture.gate, false);
        cleat_tracer_provider_free(fixture.provider);
    }
}

static void shutdown_exports_the_rest(void **state)
{
    test_fixture fixture;
    (void)state;
    batch_start(&fixture, 64, 16);
    cleat_span open = cleat_span_start(fixture.tracer, "open", NULL);
    make_spans(&fixture, 21);
    assert_int_equal(cleat_tracer_provider_shutdown(fixture.provider, 300000), CLEAT_OK);
    assert_int_equal(fixture.gate->spans, 21);
    assert_int_equal(fixture.gate->shutdowns, 1);
    cleat_span_end(open);
    assert_int_equal(stats_of(&fixture).dropped_ended, 1);
    assert_int_equal(fixture.processor->shutdown(fixture.processor, 300000), CLEAT_OK);
    assert_int_equal(fixture.gate->shutdowns, 1);
    assert_int_equal(fixture.processor->force_flush(fixture.processor, 300000), CLEAT_OK);
    cleat_tracer_provider_free(fixture.provider);
}

static void hanging_exporter_meets_deadlines(void **state)
{
    test_fixture fixture;
    (void)state;
    batch_start(&fixture, 64, 4);
    fixture.gate->is_closed = true;
    make_spans(&fixture, 10);
    gate_wait(fixture.gate, 1, 0);
    assert_int_equal(cleat_tracer_provider_force_flush(fixture.provider, 10), CLEAT_TIMEOUT);
    assert_int_equal(cleat_tracer_provider_shutdown(fixture.provider, 10), CLEAT_TIMEOUT);
    assert_int_equal(fixture.gate->shutdowns, 1); /* which opens the gate */
    assert_int_equal(fixture.processor->shutdown(fixture.processor, 300000), CLEAT_OK);
    assert_int_equal(fixture.gate->spans, 10);
    cleat_tracer_provider_free(fixture.provider);
}

static void exporter_that_never_returns_is_left_behind(void **state)
{
    test_fixture fixture;
    atomic_bool freed = false;
    (void)state;
    batch_start(&fixture, 64, 4);
    gate_exporter *gate = fixture.gate;
    gate->is_closed = true;
    gate->opens_at_shutdown = false;
    gate->freed = &freed;
    make_spans(&fixture, 10);
    gate_wait(gate, 1, 0);
    assert_int_equal(cleat_tracer_provider_shutdown(fixture.provider, 1), CLEAT_TIMEOUT);
    cleat_tracer_provider_free(fixture.provider); /* returns; provider, resource and tracers are gone */
    assert_false(atomic_load(&freed));
    gate_set(gate, false); /* it comes back after all: the rest is exported, then all is freed */
    while (!atomic_load(&freed)) {
        sched_yield();
    }
}

static void failed_exports_are_counted(void **state)
{
    test_fixture fixture;
    (void)state;
    batch_start(&fixture, 64, 4);
    fixture.gate->answer = CLEAT_UNAVAILABLE;
    make_spans(&fixture, 6);
    assert_int_equal(cleat_tracer_provider_force_flush(fixture.provider, 300000), CLEAT_UNAVAILABLE);
    assert_int_equal(stats_of(&fixture).exported, 0);
    assert_int_equal(stats_of(&fixture).failed, 6);
    cleat_tracer_provider_free(fixture.provider);
}

static void spans_of_the_exporter_do_not_loop(void **state)
{
    test_fixture fixture;
    (void)state;
    batch_start(&fixture, 64, 4);
    fixture.gate->tracer = fixture.tracer; /* careless: it does not ask whether tracing is suppressed */
    make_spans(&fixture, 1);
    assert_int_equal(cleat_tracer_provider_force_flush(fixture.provider, 300000), CLEAT_OK);
    assert_int_equal(cleat_tracer_provider_force_flush(fixture.provider, 300000), CLEAT_OK);
    /* Else each export would make another one necessary, for ever. */
    assert_int_equal(fixture.gate->spans, 1);
    fixture.gate->tracer = NULL;
    cleat_tracer_provider_free(fixture.provider);
}

static void schedule_exports_what_is_there(void **state)
{
    cleat_tracer_provider *provider = NULL;
    cleat_span_processor *processor = NULL;
    gate_exporter *gate = gate_new();
    (void)state;
    setenv("OTEL_BSP_SCHEDULE_DELAY", "1", 1);
    setenv("OTEL_BSP_EXPORT_TIMEOUT", "77", 1);
    setenv("OTEL_BSP_MAX_QUEUE_SIZE", "10", 1);
    setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "100", 1); /* cut to the queue */
    assert_int_equal(cleat_batch_processor_new(&gate->base, NULL, &processor), CLEAT_OK);
    unsetenv("OTEL_BSP_SCHEDULE_DELAY");
    unsetenv("OTEL_BSP_EXPORT_TIMEOUT");
    unsetenv("OTEL_BSP_MAX_QUEUE_SIZE");
    unsetenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE");
    assert_int_equal(cleat_tracer_provider_new(NULL, &provider), CLEAT_OK);
    assert_int_equal(cleat_tracer_provider_add_processor(provider, processor), CLEAT_OK);
    cleat_span_end(cleat_span_start(cleat_tracer_provider_get_tracer(provider, "x", NULL), "s", NULL));
    gate_wait(gate, 1, 1);
    assert_true(gate->timeout_ms == 77);
    cleat_tracer_provider_free(provider);
}

static void keep_warning(void *user_data, cleat_log_level level, const char *message)
{
    if (level == CLEAT_LOG_WARN) {
        snprintf(user_data, 256, "%s", message);
    }
}

static void a_batch_larger_than_the_queue_warns(void **state)
{
    char warning[256] = "";
    cleat_span_processor *processor = NULL;
    (void)state;
    cleat_log_set_handler(keep_warning, warning, CLEAT_LOG_WARN);
    setenv("OTEL_BSP_MAX_QUEUE_SIZE", "10", 1);
    setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "11", 1);
    assert_int_equal(cleat_batch_processor_new(&gate_new()->base, NULL, &processor), CLEAT_OK);
    unsetenv("OTEL_BSP_MAX_QUEUE_SIZE");
    unsetenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE");
    cleat_log_set_handler(NULL, NULL, CLEAT_LOG_WARN);
    processor->free(processor);
    assert_non_null(strstr(warning, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE: \"11\""));
    assert_non_null(strstr(warning, "up to the size of the queue"));
}

/* Specification: a delay of 0 is a delay, a timeout of 0 none. */
static void zeros_of_the_environment(void **state)
{
    cleat_tracer_provider *provider = NULL;
    cleat_span_processor *processor = NULL;
    gate_exporter *gate = gate_new();
    (void)state;
    setenv("OTEL_BSP_SCHEDULE_DELAY", "0", 1);
    setenv("OTEL_BSP_EXPORT_TIMEOUT", "0", 1);
    assert_int_equal(cleat_batch_processor_new(&gate->base, NULL, &processor), CLEAT_OK);
    unsetenv("OTEL_BSP_SCHEDULE_DELAY");
    unsetenv("OTEL_BSP_EXPORT_TIMEOUT");
    assert_int_equal(cleat_tracer_provider_new(NULL, &provider), CLEAT_OK);
    assert_int_equal(cleat_tracer_provider_add_processor(provider, processor), CLEAT_OK);
    cleat_span_end(cleat_span_start(cleat_tracer_provider_get_tracer(provider, "x", NULL), "s", NULL));
    gate_wait(gate, 1, 1);
    assert_true(gate->timeout_ms == INT64_MAX);
    cleat_tracer_provider_free(provider);
}

static void count_messages(void *user_data, cleat_log_level level, const char *message)
{
    (void)message;
    *(int *)user_data += level == CLEAT_LOG_WARN;
}

static void wrong_numbers_of_the_environment_warn_once(void **state)
{
    static const char *const variables[] = {"OTEL_BSP_SCHEDULE_DELAY", "OTEL_BSP_EXPORT_TIMEOUT",
                                            "OTEL_BSP_MAX_QUEUE_SIZE", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE"};
    int warnings = 0;
    (void)state;
    cleat_log_set_handler(count_messages, &warnings, CLEAT_LOG_WARN);
    for (size_t i = 0; i < COUNT_OF(variables); i++) {
        setenv(variables[i], i < 2 ? "-1" : "0", 1);
    }
    for (int i = 0; i < 2; i++) {
        cleat_span_processor *processor = NULL;
        assert_int_equal(cleat_batch_processor_new(&gate_new()->base, NULL, &processor), CLEAT_OK);
        assert_int_equal(warnings, COUNT_OF(variables));
        processor->free(processor);
    }
    cleat_log_set_handler(NULL, NULL, CLEAT_LOG_WARN);
    for (size_t i = 0; i < COUNT_OF(variables); i++) {
        unsetenv(variables[i]);
    }
}

static void processors_need_an_exporter(void **state)
{
    cleat_span_processor *processor = NULL;
    cleat_batch_processor_stats stats = {.exported = 9};
    atomic_bool freed = false;
    (void)state;
    assert_int_equal(cleat_batch_processor_new(NULL, NULL, &processor), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_simple_processor_new(NULL, &processor), CLEAT_INVALID_ARGUMENT);
    for (int i = 0; i < 2; i++) {
        gate_exporter *gate = gate_new(); /* consumed */
        gate->freed = &freed;
        atomic_store(&freed, false);
        assert_int_equal(i == 0 ? cleat_batch_processor_new(&gate->base, NULL, NULL)
                                : cleat_simple_processor_new(&gate->base, NULL),
                         CLEAT_INVALID_ARGUMENT);
        assert_true(atomic_load(&freed));
    }
    cleat_batch_processor_get_stats(NULL, &stats);
    assert_int_equal(stats.exported + stats.failed + stats.dropped_full + stats.dropped_ended, 0);
    cleat_batch_processor_get_stats(NULL, NULL);
}

static void neighbours_of_one_scope_lie_together(void **state)
{
    static const uint8_t fields[] = {0x12, 1, 'a', 0x12, 1, 'b', 0x12, 1, 'c', 0x12, 1, 'd'};
    static const cleat_instrumentation_scope one = {.name = {"1", 1}}, two = {.name = {"2", 1}};
    const cleat__batch_entry entries[] = {
        {fields, 3, 2, &one, NULL},
        {fields + 3, 3, 2, &one, NULL},
        {fields + 6, 3, 2, &two, NULL},
        {fields, 3, 2, &two, NULL}, /* elsewhere in memory */
    };
    const cleat_span_batch batch = {.entries = entries, .count = COUNT_OF(entries)};
    cleat__batch_run run;
    size_t cursor = 0;
    (void)state;
    assert_true(cleat__span_batch_next_run(&batch, &cursor, &run));
    assert_int_equal(run.count, 2);
    assert_ptr_equal(run.scope, &one);
    assert_int_equal(run.body.size, 6);
    assert_true(cleat__span_batch_next_run(&batch, &cursor, &run));
    assert_int_equal(run.count, 1);
    assert_ptr_equal(run.body.data, fields + 6);
    assert_true(cleat__span_batch_next_run(&batch, &cursor, &run));
    assert_false(cleat__span_batch_next_run(&batch, &cursor, &run));
    assert_int_equal(cleat_span_batch_count(&batch), 4);
    assert_int_equal(cleat_span_batch_count(NULL), 0);
}

/* ---- A batch of spans of several tracers, huge ones among them ---- */

static void tracers_and_sizes_may_be_mixed(void **state)
{
    cleat_tracer_provider *provider = NULL;
    cleat_span_exporter *memory = NULL;
    cleat_span_processor *processor = NULL;
    cleat_tracer *tracers[40];
    char name[32], text[100000];
    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(cleat_memory_exporter_new(&memory), CLEAT_OK);
    assert_int_equal(cleat_batch_processor_new(
                         memory, CLEAT_BATCH_PROCESSOR_OPTIONS(.schedule_delay_ms = 3600000), &processor),
                     CLEAT_OK);
    assert_int_equal(cleat_tracer_provider_new(NULL, &provider), CLEAT_OK);
    assert_int_equal(cleat_tracer_provider_add_processor(provider, processor), CLEAT_OK);
    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof(name), "tracer%d", i);
        tracers[i] = cleat_tracer_provider_get_tracer(provider, name, NULL);
    }
    for (int i = 0; i < 400; i++) {
        cleat_span span = cleat_span_start(tracers[i % 40], "mixed", NULL);
        cleat_span_set_slice(span, "text", (cleat_slice){text, (size_t)(i % 7 == 0 ? 99999 : i)});
        cleat_span_end(span);
    }
    assert_int_equal(cleat_tracer_provider_force_flush(provider, 300000), CLEAT_OK);
    assert_int_equal(cleat_memory_exporter_count(memory), 400);
    for (int i = 0; i < 400; i++) {
        cleat_span_view view;
        assert_true(cleat_memory_exporter_at(memory, (size_t)i, &view));
        snprintf(name, sizeof(name), "tracer%d", i % 40);
        assert_slice(view.scope->name, name);
        assert_int_equal(value_of(&view, "text").as.string.size, i % 7 == 0 ? 99999 : i);
    }
    cleat_tracer_provider_free(provider);
}

/* ---- Threads ---- */

enum { SPANNING_THREADS = 4, SPANS_PER_THREAD = 3000 };

static void *span_for_a_while(void *argument)
{
    test_fixture *fixture = argument;
    cleat_span_context to = make_context(1, 1);
    for (int i = 0; i < SPANS_PER_THREAD; i++) {
        cleat_span span = cleat_span_start(fixture->tracer, "threaded", NULL);
        cleat_span_set_string(span, "key", "value");
        cleat_span_add_event(span, "event", NULL, 0, 0);
        cleat_span_add_link(span, &(cleat_link){.context = &to});
        cleat_span_end(span);
    }
    return NULL;
}

static void *flush_then_shut_down(void *argument)
{
    test_fixture *fixture = argument;
    for (int i = 0; i < 20; i++) {
        cleat_tracer_provider_force_flush(fixture->provider, 10000);
    }
    gate_wait(fixture->gate, 0, SPANS_PER_THREAD / 2);
    cleat_tracer_provider_shutdown(fixture->provider, 10000);
    return NULL;
}

static void threads_span_while_others_flush_and_shut_down(void **state)
{
    test_fixture fixture;
    pthread_t threads[SPANNING_THREADS + 1];
    (void)state;
    batch_start(&fixture, 2048, 128);
    for (int i = 0; i < SPANNING_THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, span_for_a_while, &fixture), 0);
    }
    assert_int_equal(pthread_create(&threads[SPANNING_THREADS], NULL, flush_then_shut_down, &fixture), 0);
    for (int i = 0; i <= SPANNING_THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    /* A span that started has been exported or counted. */
    cleat_batch_processor_stats stats = stats_of(&fixture);
    assert_int_equal(stats.exported, fixture.gate->spans);
    assert_int_equal(stats.exported + stats.dropped_full + stats.dropped_ended,
                     atomic_load(&fixture.last_id));
    cleat_tracer_provider_free(fixture.provider);
}

typedef struct shared_span {
    cleat_span span;
    atomic_int ended;
} shared_span;

static void *annotate_one_span(void *argument)
{
    shared_span *shared = argument;
    cleat_span_context context;
    cleat_status status = CLEAT_OK;
    for (int i = 0; status == CLEAT_OK; i++) {
        status = cleat_span_set_int(shared->span, i % 2 != 0 ? "odd" : "even", i);
        cleat_span_add_event(shared->span, "event", NULL, 0, 0);
        cleat_span_get_context(shared->span, &context);
        if (i == 200 && cleat_span_end(shared->span) == CLEAT_OK) {
            atomic_fetch_add(&shared->ended, 1);
        }
    }
    assert_int_equal(status, CLEAT_FAILED_PRECONDITION);
    return NULL;
}

static void threads_share_one_span(void **state)
{
    test_fixture fixture;
    pthread_t threads[SPANNING_THREADS];
    (void)state;
    batch_start(&fixture, 2048, 128);
    for (int round = 0; round < 20; round++) {
        shared_span shared = {cleat_span_start(fixture.tracer, "shared", NULL), 0};
        for (int i = 0; i < SPANNING_THREADS; i++) {
            assert_int_equal(pthread_create(&threads[i], NULL, annotate_one_span, &shared), 0);
        }
        for (int i = 0; i < SPANNING_THREADS; i++) {
            pthread_join(threads[i], NULL);
        }
        assert_int_equal(atomic_load(&shared.ended), 1);
    }
    assert_int_equal(cleat_tracer_provider_shutdown(fixture.provider, 300000), CLEAT_OK);
    assert_int_equal(fixture.gate->spans, 20);
    cleat_tracer_provider_free(fixture.provider);
}

/* ---- Memory ---- */

static void spans_in_the_steady_state_allocate_nothing(void **state)
{
    enum { DEPTH = 4096 };
    const cleat_slice strings[] = {{"x", 1}, {"yz", 2}};
    const cleat_attribute array = cleat_attribute_strings("strings", strings, 2);
    cleat_span_context to = make_context(1, 1);
    test_fixture fixture;
    (void)state;
    batch_start(&fixture, DEPTH, DEPTH / 2);
    size_t before = 0;
    for (int round = 0; round < 4; round++) {
        /* A batch with the exporter and the queue full behind it: no later round needs as much. */
        gate_set(fixture.gate, round == 0);
        for (int i = 0; i < (round == 0 ? DEPTH * 3 / 2 : DEPTH); i++) {
            cleat_span span = cleat_span_start(fixture.tracer, "steady", NULL);
            cleat_scope scope = cleat_span_attach(span);
            cleat_span_set_string(span, "string", "twenty characters ok");
            cleat_span_set_int(span, "int", i);
            cleat_span_set_attribute(span, &array);
            cleat_span_add_event(span, "event", &array, 1, 0);
            cleat_span_add_link(span, &(cleat_link){&to, &array, 1});
            cleat_span_set_status(span, CLEAT_SPAN_STATUS_ERROR, "message");
            cleat_scope_detach(scope);
            cleat_span_end(span);
            if (round == 0 && i == DEPTH / 2) {
                gate_wait(fixture.gate, 1, 0);
            }
        }
        gate_set(fixture.gate, false);
        assert_int_equal(cleat_tracer_provider_force_flush(fixture.provider, 300000), CLEAT_OK);
        if (round == 0) {
            before = atomic_load(&allocator.calls);
        }
    }
    assert_int_equal(atomic_load(&allocator.calls), before);
    cleat_tracer_provider_free(fixture.provider);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(full_batch_is_exported_at_once),
        cmocka_unit_test(flush_exports_all_in_order_and_in_batches),
        cmocka_unit_test(full_queue_drops_and_never_waits),
        cmocka_unit_test(queue_of_one_thread_holds_what_it_says),
        cmocka_unit_test(shutdown_exports_the_rest),
        cmocka_unit_test(hanging_exporter_meets_deadlines),
        cmocka_unit_test(exporter_that_never_returns_is_left_behind),
        cmocka_unit_test(failed_exports_are_counted),
        cmocka_unit_test(spans_of_the_exporter_do_not_loop),
        cmocka_unit_test(schedule_exports_what_is_there),
        cmocka_unit_test(a_batch_larger_than_the_queue_warns),
        cmocka_unit_test(zeros_of_the_environment),
        cmocka_unit_test(wrong_numbers_of_the_environment_warn_once),
        cmocka_unit_test(processors_need_an_exporter),
        cmocka_unit_test(neighbours_of_one_scope_lie_together),
        cmocka_unit_test(tracers_and_sizes_may_be_mixed),
        cmocka_unit_test(threads_span_while_others_flush_and_shut_down),
        cmocka_unit_test(threads_share_one_span),
        cmocka_unit_test(spans_in_the_steady_state_allocate_nothing),
    };
    failing_allocator_install(&allocator, 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
