/* Providers that come and go while other threads trace through cleat_tracer_get(). */
#include "base/alloc.h"
#include "sdk_test.h"

enum { THREADS = 3, ROUNDS = 300 };

static atomic_bool is_over;

/* Reads what the provider has, and so touches what a provider freed too early would not have any more. */
static void on_end(cleat_span_processor *self, const cleat_span_view *span)
{
    (void)self;
    assert_non_null(cleat_resource_attributes(span->resource));
}

static void free_plain(cleat_span_processor *self)
{
    memset(self, 0xEE, sizeof(*self));
    free(self);
}

static void *trace(void *argument)
{
    (void)argument;
    cleat_tracer *tracer = cleat_tracer_get("visitor", NULL);
    while (!atomic_load_explicit(&is_over, memory_order_relaxed)) {
        cleat_span span = cleat_span_start(tracer, "visit", NULL);
        if (cleat_tracer_enabled(tracer)) {
            cleat_span_set_int(span, "number", 1);
        }
        cleat_span_end(span);
    }
    return NULL;
}

static cleat_tracer_provider *make_provider(void)
{
    cleat_tracer_provider *provider = NULL;
    cleat_span_processor *processor = calloc(1, sizeof(*processor));
    *processor = (cleat_span_processor){.on_end = on_end, .free = free_plain};
    assert_int_equal(cleat_tracer_provider_new(NULL, &provider), CLEAT_OK);
    assert_int_equal(cleat_tracer_provider_add_processor(provider, processor), CLEAT_OK);
    return provider;
}

static void the_global_provider_is_freed_under_load(void **state)
{
    pthread_t threads[THREADS];
    (void)state;
    atomic_store(&is_over, false);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, trace, NULL), 0);
    }
    for (int i = 0; i < ROUNDS; i++) {
        cleat_tracer_provider *provider = make_provider();
        cleat_tracer_provider_set_global(provider);
        cleat_tracer_provider_free(provider);
    }
    for (int i = 0; i < ROUNDS; i++) { /* one takes the place of the other */
        cleat_tracer_provider *provider = make_provider(), *former = cleat_tracer_provider_global();
        cleat_tracer_provider_set_global(provider);
        cleat_tracer_provider_free(former);
    }
    cleat_tracer_provider_free(cleat_tracer_provider_global());
    atomic_store(&is_over, true);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
}

/* A processor that frees another provider from inside on_end. */
static cleat_tracer_provider *to_free;

static void free_other(cleat_span_processor *self, const cleat_span_view *span)
{
    (void)self;
    (void)span;
    cleat_tracer_provider_free(to_free);
    to_free = NULL;
}

static void a_processor_may_free_another_provider(void **state)
{
    cleat_span_processor freeing = {.on_end = free_other};
    cleat_tracer_provider *provider = NULL;
    (void)state;
    to_free = make_provider();
    assert_int_equal(cleat_tracer_provider_new(NULL, &provider), CLEAT_OK);
    assert_int_equal(cleat_tracer_provider_add_processor(provider, &freeing), CLEAT_OK);
    cleat_span_end(cleat_span_start(cleat_tracer_provider_get_tracer(provider, "x", NULL), "s", NULL));
    assert_null(to_free);
    cleat_tracer_provider_free(provider);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_global_provider_is_freed_under_load),
        cmocka_unit_test(a_processor_may_free_another_provider),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
