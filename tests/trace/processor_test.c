#include "batch_fixture.h"

static failing_allocator allocator;

static void simple_processor_exports_at_once(void **state)
{
    test_sdk sdk;
    (void)state;
    SDK_START(&sdk, .sampler = NULL);
    cleat_span_end(cleat_span_start(sdk.tracer, "a", NULL));
    assert_int_equal(cleat_memory_exporter_count(sdk.exporter), 1);
    sdk_stop(&sdk);
}

static void simple_processor_does_not_lock_itself_out(void **state)
{
    cleat_tracer_provider *provider = NULL;
    cleat_span_processor *processor = NULL;
    gate_exporter *gate = gate_new();
    (void)state;
    assert_int_equal(cleat_tracer_provider_new(NULL, &provider), CLEAT_OK);
    assert_int_equal(cleat_simple_processor_new(&gate->base, &processor), CLEAT_OK);
    assert_int_equal(cleat_tracer_provider_add_processor(provider, processor), CLEAT_OK);
    gate->tracer = cleat_tracer_provider_get_tracer(provider, "x", NULL);
    cleat_span_end(cleat_span_start(gate->tracer, "outer", NULL));
    assert_int_equal(gate->spans, 1);
    assert_int_equal(processor->shutdown(processor, 0), CLEAT_OK);
    assert_int_equal(processor->shutdown(processor, 0), CLEAT_OK);
    assert_int_equal(gate->shutdowns, 1);
    cleat_tracer_provider_free(provider);
}

/* Writes down what it is told. */
typedef struct noting_processor {
    cleat_span_processor base;
    char notes[16];
    cleat_span ended; /* in on_ending */
    size_t attributes;
} noting_processor;

static void note(noting_processor *self, char letter)
{
    size_t size = strlen(self->notes);
    assert_true(size + 1 < sizeof(self->notes));
    self->notes[size] = letter;
}

static void note_start(cleat_span_processor *self, cleat_span span, const cleat_context *parent)
{
    (void)parent;
    note((noting_processor *)self, 's');
    assert_true(cleat_span_is_recording(span));
    cleat_span_set_int(span, "on_start", 1);
}

static void note_ending(cleat_span_processor *self, cleat_span span)
{
    note((noting_processor *)self, 'g');
    ((noting_processor *)self)->ended = span;
    assert_true(cleat_span_is_recording(span));
    assert_true(cleat_span_has_attribute(span, cleat_slice_of("on_start")));
    assert_int_equal(cleat_span_set_int(span, "on_ending", 1), CLEAT_OK);
    assert_int_equal(cleat_span_end(span), CLEAT_FAILED_PRECONDITION);
}

static void note_end(cleat_span_processor *self, const cleat_span_view *span)
{
    note((noting_processor *)self, 'e');
    assert_false(cleat_span_is_recording(((noting_processor *)self)->ended));
    ((noting_processor *)self)->attributes = span->attribute_count;
}

static void processors_are_told_in_order(void **state)
{
    noting_processor noting = {
        .base = {.on_start = note_start, .on_ending = note_ending, .on_end = note_end}};
    cleat_span_processor nothing = {.on_start = NULL};
    test_sdk sdk;
    (void)state;
    SDK_START(&sdk, .sampler = NULL);
    assert_int_equal(cleat_tracer_provider_add_processor(sdk.provider, &nothing), CLEAT_OK);
    assert_int_equal(cleat_tracer_provider_add_processor(sdk.provider, &noting.base), CLEAT_OK);
    cleat_span_end(cleat_span_start(sdk.tracer, "s", NULL));
    assert_string_equal(noting.notes, "sge");
    assert_int_equal(noting.attributes, 2);
    cleat_span_view view = sdk_last(&sdk);
    assert_int_attribute(&view, "on_ending", 1);
    sdk_stop(&sdk);
}

/* Keeps what on_start was told, and lets another thread interfere while the span ends. */
typedef struct watching_processor {
    cleat_span_processor base;
    cleat_context *parent;
    cleat_span span;
    cleat_status status_elsewhere;
} watching_processor;

static void watch_start(cleat_span_processor *self, cleat_span span, const cleat_context *parent)
{
    (void)span;
    cleat_context_release(((watching_processor *)self)->parent);
    ((watching_processor *)self)->parent = cleat_context_retain(parent);
}

static void *interfere(void *argument)
{
    watching_processor *self = argument;
    self->status_elsewhere = cleat_span_set_int(self->span, "elsewhere", 1);
    assert_int_equal(cleat_span_end(self->span), CLEAT_FAILED_PRECONDITION);
    return NULL;
}

static void watch_ending(cleat_span_processor *self, cleat_span span)
{
    watching_processor *watching = (watching_processor *)self;
    pthread_t thread;
    watching->span = span;
    assert_int_equal(pthread_create(&thread, NULL, interfere, watching), 0);
    pthread_join(thread, NULL);
    assert_int_equal(cleat_span_set_int(span, "here", 1), CLEAT_OK);
}

static void on_start_gets_the_parent_context(void **state)
{
    watching_processor watching = {.base = {.on_start = watch_start}};
    const cleat_context_key key = {"mine"};
    int value = 0;
    test_sdk sdk;
    (void)state;
    SDK_START(&sdk, .sampler = NULL);
    assert_int_equal(cleat_tracer_provider_add_processor(sdk.provider, &watching.base), CLEAT_OK);
    cleat_context *context = cleat_context_with_value(NULL, &key, &value, NULL);
    cleat_span_end(cleat_span_start(sdk.tracer, "explicit", CLEAT_SPAN_OPTIONS(.parent = context)));
    assert_ptr_equal(cleat_context_value(watching.parent, &key), &value);
    cleat_scope scope = cleat_context_attach(context);
    cleat_span_end(cleat_span_start(sdk.tracer, "current", NULL));
    assert_ptr_equal(cleat_context_value(watching.parent, &key), &value);
    /* Specification: an empty context where a root span was asked for. */
    cleat_span_end(cleat_span_start(sdk.tracer, "root", CLEAT_SPAN_OPTIONS(.root = true)));
    assert_null(watching.parent);
    cleat_scope_detach(scope);
    cleat_context_release(context);
    sdk_stop(&sdk);
}

static void span_that_ends_is_changed_by_its_own_thread_only(void **state)
{
    watching_processor watching = {.base = {.on_ending = watch_ending}};
    test_sdk sdk;
    (void)state;
    SDK_START(&sdk, .sampler = NULL);
    assert_int_equal(cleat_tracer_provider_add_processor(sdk.provider, &watching.base), CLEAT_OK);
    assert_int_equal(cleat_span_end(cleat_span_start(sdk.tracer, "s", NULL)), CLEAT_OK);
    assert_int_equal(watching.status_elsewhere, CLEAT_FAILED_PRECONDITION);
    cleat_span_view view = sdk_last(&sdk);
    assert_int_equal(view.attribute_count, 1);
    assert_int_attribute(&view, "here", 1);
    sdk_stop(&sdk);
}

static void provider_takes_sixteen_processors(void **state)
{
    cleat_span_processor nothing = {.on_start = NULL};
    atomic_bool freed = false;
    cleat_span_processor *processor = NULL;
    gate_exporter *gate = gate_new();
    test_sdk sdk;
    (void)state;
    gate->freed = &freed;
    SDK_START(&sdk, .sampler = NULL);
    for (int i = 1; i < 16; i++) {
        assert_int_equal(cleat_tracer_provider_add_processor(sdk.provider, &nothing), CLEAT_OK);
    }
    assert_int_equal(cleat_batch_processor_new(&gate->base, NULL, &processor), CLEAT_OK);
    assert_int_equal(cleat_tracer_provider_add_processor(sdk.provider, processor), CLEAT_RESOURCE_EXHAUSTED);
    assert_true(atomic_load(&freed));
    cleat_tracer_provider_shutdown(sdk.provider, 1000);
    assert_int_equal(cleat_tracer_provider_add_processor(sdk.provider, &nothing), CLEAT_FAILED_PRECONDITION);
    sdk_stop(&sdk);
}

/* ---- Memory ---- */

static void scenario(void)
{
    cleat_tracer_provider *provider = NULL;
    cleat_span_exporter *exporter = NULL;
    cleat_span_processor *processor = NULL;
    const cleat_attribute attribute = cleat_attribute_string("key", "value");
    cleat_span_context to = make_context(1, 1);
    char name[300];
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    if (cleat_tracer_provider_new(CLEAT_TRACER_PROVIDER_OPTIONS(.sampler = cleat_sampler_ratio(1)),
                                  &provider) != CLEAT_OK) {
        assert_null(provider);
        return;
    }
    if (cleat_memory_exporter_new(&exporter) == CLEAT_OK &&
        cleat_batch_processor_new(exporter, NULL, &processor) == CLEAT_OK) {
        cleat_tracer_provider_add_processor(provider, processor);
    }
    cleat_tracer *tracer = cleat_tracer_provider_get_tracer(provider, "unlucky", NULL);
    for (int i = 0; i < 3; i++) {
        cleat_span span = cleat_span_start(tracer, name, NULL);
        cleat_span_set_attribute(span, &attribute);
        cleat_span_set_slice(span, "long", (cleat_slice){name, sizeof(name)});
        cleat_span_set_string(span, "k\xff", name);
        cleat_span_add_event(span, name, &attribute, 1, 0);
        cleat_span_add_link(span, &(cleat_link){&to, &attribute, 1});
        cleat_span_set_status(span, CLEAT_SPAN_STATUS_ERROR, name);
        cleat_span_end(span);
    }
    cleat_tracer_provider_force_flush(provider, 10000);
    cleat_tracer_provider_free(provider);
}

static void out_of_memory_anywhere_is_survived(void **state)
{
    (void)state;
    scenario(); /* what lives as long as the process is made */
    long long live = atomic_load(&allocator.live);
    for (size_t n = 1; n < 60; n++) {
        size_t calls = atomic_load(&allocator.calls);
        atomic_store(&allocator.fail_at, calls + n);
        scenario();
        atomic_store(&allocator.fail_at, 0);
    }
    scenario();
    /* Spans keep some memory for the next ones; nothing else may have grown. */
    assert_in_range(atomic_load(&allocator.live), 0, live + 16 * 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(simple_processor_exports_at_once),
        cmocka_unit_test(simple_processor_does_not_lock_itself_out),
        cmocka_unit_test(processors_are_told_in_order),
        cmocka_unit_test(on_start_gets_the_parent_context),
        cmocka_unit_test(span_that_ends_is_changed_by_its_own_thread_only),
        cmocka_unit_test(provider_takes_sixteen_processors),
        cmocka_unit_test(out_of_memory_anywhere_is_survived),
    };
    failing_allocator_install(&allocator, 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
