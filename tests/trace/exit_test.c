/* The ends: of the process, of a thread, of a provider that has spans. */
#include "batch_fixture.h"
#include "shared_exporter.h"
#include "support/sanitizer.h"

typedef struct exit_sdk {
    cleat_tracer_provider *provider;
    cleat_tracer *tracer;
    shared_ids *shared;
} exit_sdk;

static exit_sdk sdk;
static cleat_span late_span;

static void sdk_init(void)
{
    shared_exporter *exporter = shared_exporter_new();
    cleat_span_processor *processor = NULL;
    sdk.shared = exporter->shared;
    assert_int_equal(cleat_tracer_provider_new(NULL, &sdk.provider), CLEAT_OK);
    assert_int_equal(cleat_batch_processor_new(&exporter->base,
                                               CLEAT_BATCH_PROCESSOR_OPTIONS(.schedule_delay_ms = 3600000),
                                               &processor),
                     CLEAT_OK);
    assert_int_equal(cleat_tracer_provider_add_processor(sdk.provider, processor), CLEAT_OK);
    sdk.tracer = cleat_tracer_provider_get_tracer(sdk.provider, "exit", NULL);
}

/* Runs `work` in a child, which makes everything itself and then calls exit(); how it ended. */
static int exit_after(void (*work)(void))
{
    int status = -1;
    pid_t pid = fork();
    if (pid == 0) {
        alarm(120);
        work();
        exit(0);
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

/* ---- The process ---- */

static void check_one_exported(void)
{
    if (atomic_load(&sdk.shared->count) != 1) {
        _exit(2);
    }
}

static void make_one_and_exit(void)
{
    atexit(check_one_exported); /* before the provider: it runs after the provider's shutdown */
    sdk_init();
    cleat_span_end(cleat_span_start(sdk.tracer, "queued", NULL));
}

static void what_is_queued_is_exported_at_exit(void **state)
{
    (void)state;
    assert_int_equal(exit_after(make_one_and_exit), 0);
}

static void end_late_span(void)
{
    cleat_tracer_provider_stats stats;
    cleat_span_set_int(late_span, "late", 1);
    cleat_span_end(late_span);
    cleat_span_end(cleat_span_start(sdk.tracer, "later still", NULL));
    cleat_tracer_provider_get_stats(sdk.provider, &stats);
    if (stats.ended != 1 || stats.exported != 0 || stats.dropped_ended != 1) {
        _exit(2);
    }
}

static void leave_a_span_and_exit(void)
{
    atexit(end_late_span);
    sdk_init();
    late_span = cleat_span_start(sdk.tracer, "late", NULL);
}

static void a_span_that_ends_after_the_shutdown_is_counted(void **state)
{
    (void)state;
    assert_int_equal(exit_after(leave_a_span_and_exit), 0);
}

static void end_span(void)
{
    cleat_span_end(late_span);
}

static void end_a_span_in_a_handler(void)
{
    atexit(check_one_exported);
    sdk_init();
    atexit(end_span);
    late_span = cleat_span_start(sdk.tracer, "in time", NULL);
}

static void a_span_that_ends_in_a_later_handler_is_exported(void **state)
{
    (void)state;
    assert_int_equal(exit_after(end_a_span_in_a_handler), 0);
}

static cleat_status take(cleat_span_exporter *self, const cleat_span_batch *batch, int64_t timeout_ms)
{
    (void)self;
    (void)batch;
    (void)timeout_ms;
    return CLEAT_OK;
}

static void shut_down_and_exit(void)
{
    static cleat_span_exporter exporter;
    cleat_span_processor *processor = NULL;
    exporter = (cleat_span_exporter){.export_spans = take};
    cleat_tracer_provider_new(NULL, &sdk.provider);
    cleat_batch_processor_new(&exporter, NULL, &processor);
    cleat_tracer_provider_add_processor(sdk.provider, processor);
    cleat_tracer_provider_shutdown(sdk.provider, 60000);
    memset(&exporter, 0xEE, sizeof(exporter)); /* calling any of its functions would crash */
}

static void after_a_shutdown_the_exit_calls_no_exporter(void **state)
{
    (void)state;
    assert_int_equal(exit_after(shut_down_and_exit), 0);
}

static void *trace_for_ever(void *argument)
{
    while (sdk.shared != NULL) {
        cleat_span span = cleat_span_start(argument, "busy", NULL);
        cleat_span_set_int(span, "number", 1);
        cleat_span_end(span);
    }
    return NULL;
}

static void exit_under_load(void)
{
    sdk_init();
    cleat_tracer_provider_set_global(sdk.provider);
    for (int i = 0; i < 3; i++) {
        pthread_t thread;
        pthread_create(&thread, NULL, trace_for_ever, i == 0 ? cleat_tracer_get("global", NULL) : sdk.tracer);
    }
    while (atomic_load(&sdk.shared->count) == 0) {
        cleat_tracer_provider_force_flush(sdk.provider, 1000);
    }
}

static void threads_may_trace_while_the_process_exits(void **state)
{
    (void)state;
#if UNDER_THREAD_SANITIZER
    skip(); /* the child starts threads */
#endif
    for (int i = 0; i < 20; i++) {
        assert_int_equal(exit_after(exit_under_load), 0);
    }
}

static cleat_status hang(cleat_span_exporter *self, const cleat_span_batch *batch, int64_t timeout_ms)
{
    (void)self;
    (void)batch;
    (void)timeout_ms;
    while (pause() != 0) {
    }
    return CLEAT_OK;
}

enum { HANGING = 40 }; /* with five seconds for each the alarm would ring */

static void exit_with_an_exporter_that_hangs(void)
{
    static cleat_span_exporter exporter = {.export_spans = hang};
    for (int i = 0; i < HANGING; i++) {
        cleat_tracer_provider *provider = NULL;
        cleat_span_processor *processor = NULL;
        cleat_tracer_provider_new(NULL, &provider);
        cleat_batch_processor_new(&exporter, NULL, &processor);
        cleat_tracer_provider_add_processor(provider, processor);
        cleat_span_end(cleat_span_start(cleat_tracer_provider_get_tracer(provider, "x", NULL), "x", NULL));
    }
}

/* The time is for all providers together. */
static void an_exporter_that_hangs_does_not_keep_the_process(void **state)
{
    (void)state;
#if UNDER_THREAD_SANITIZER
    skip(); /* the child starts threads */
#endif
    assert_int_equal(exit_after(exit_with_an_exporter_that_hangs), 0);
}

static cleat_status exit_inside(cleat_span_exporter *self, const cleat_span_batch *batch, int64_t timeout_ms)
{
    (void)self;
    (void)batch;
    (void)timeout_ms;
    exit(0);
    return CLEAT_OK;
}

static void exit_in_the_exporter(void)
{
    static cleat_span_exporter exporter = {.export_spans = exit_inside};
    cleat_tracer_provider *provider = NULL;
    cleat_span_processor *processor = NULL;
    cleat_tracer_provider_new(NULL, &provider);
    cleat_simple_processor_new(&exporter, &processor);
    cleat_tracer_provider_add_processor(provider, processor);
    cleat_span_end(cleat_span_start(cleat_tracer_provider_get_tracer(provider, "x", NULL), "x", NULL));
    _exit(2);
}

static void an_exporter_may_call_exit(void **state)
{
    (void)state;
    assert_int_equal(exit_after(exit_in_the_exporter), 0);
}

/* ---- A thread ---- */

static pthread_key_t ender_key;

static void end_in_destructor(void *argument)
{
    cleat_span_end(*(cleat_span *)argument);
    cleat_span_end(cleat_span_start(sdk.tracer, "in the destructor", NULL));
}

static void *leave_everything_attached(void *argument)
{
    cleat_span *span = argument;
    *span = cleat_span_start(sdk.tracer, "left", NULL);
    for (int i = 0; i < 20; i++) {
        cleat_span_attach(*span);
    }
    pthread_setspecific(ender_key, span);
    return NULL;
}

/* Destructors of a thread's keys come in no order: the library's may have been called before. */
static void a_thread_ends_with_contexts_and_a_span(void **state)
{
    cleat_tracer_provider_stats stats;
    cleat_span span;
    pthread_t thread;
    (void)state;
    sdk_init();
    assert_int_equal(pthread_key_create(&ender_key, end_in_destructor), 0);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(pthread_create(&thread, NULL, leave_everything_attached, &span), 0);
        pthread_join(thread, NULL);
        assert_int_equal(cleat_span_end(span), CLEAT_FAILED_PRECONDITION);
    }
    assert_int_equal(cleat_tracer_provider_force_flush(sdk.provider, 300000), CLEAT_OK);
    cleat_tracer_provider_get_stats(sdk.provider, &stats);
    assert_int_equal(stats.started, 20);
    assert_int_equal(stats.ended, 20);
    assert_int_equal(stats.exported, 20);
    pthread_key_delete(ender_key);
    cleat_tracer_provider_free(sdk.provider);
}

/* ---- A provider ---- */

static void a_span_may_outlive_its_provider(void **state)
{
    cleat_span_context context;
    (void)state;
    sdk_init();
    cleat_span span = cleat_span_start(sdk.tracer, "outlives", NULL);
    cleat_tracer_provider_free(sdk.provider);
    assert_false(cleat_span_is_recording(span));
    cleat_span_get_context(span, &context);
    assert_true(cleat_span_context_is_valid(&context));
    assert_int_equal(cleat_span_set_string(span, "key", "value"), CLEAT_OK);
    assert_int_equal(cleat_span_update_name(span, "renamed"), CLEAT_OK);
    assert_false(cleat_span_has_attribute(span, cleat_slice_of("key")));
    assert_int_equal(cleat_span_end(span), CLEAT_OK);
    assert_int_equal(cleat_span_end(span), CLEAT_FAILED_PRECONDITION);
}

/* Its memory is good for the next span, and as clean. */
static void an_orphans_memory_is_used_again(void **state)
{
    test_sdk second;
    (void)state;
    sdk_init();
    cleat_span span = cleat_span_start(sdk.tracer, "outlives", NULL);
    cleat_span_set_string(span, "key", "value");
    cleat_span_add_event(span, "event", NULL, 0, 0);
    cleat_tracer_provider_free(sdk.provider);
    cleat_span_end(span);
    SDK_START(&second, .sampler = NULL);
    cleat_span next = cleat_span_start(second.tracer, "next", NULL);
    assert_ptr_equal(next.impl, span.impl);
    assert_int_equal(cleat_span_end(next), CLEAT_OK);
    cleat_span_view view = sdk_last(&second);
    assert_int_equal(view.attribute_count, 0);
    assert_int_equal(view.event_count, 0);
    sdk_stop(&second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_queued_is_exported_at_exit),
        cmocka_unit_test(a_span_that_ends_after_the_shutdown_is_counted),
        cmocka_unit_test(a_span_that_ends_in_a_later_handler_is_exported),
        cmocka_unit_test(after_a_shutdown_the_exit_calls_no_exporter),
        cmocka_unit_test(threads_may_trace_while_the_process_exits),
        cmocka_unit_test(an_exporter_that_hangs_does_not_keep_the_process),
        cmocka_unit_test(an_exporter_may_call_exit),
        cmocka_unit_test(a_thread_ends_with_contexts_and_a_span),
        cmocka_unit_test(a_span_may_outlive_its_provider),
        cmocka_unit_test(an_orphans_memory_is_used_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
