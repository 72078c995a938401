#include "propagation_test.h"

#include <cleat/trace.h>

#include <pthread.h>

static const cleat_context_key key_a = {"a"};
static const cleat_context_key key_b = {"b"};

static atomic_int destroyed;

static void count_destroyed(void *value)
{
    (void)value;
    atomic_fetch_add(&destroyed, 1);
}

static int reset(void **state)
{
    (void)state;
    atomic_store(&destroyed, 0);
    return 0;
}

static int restore(void **state)
{
    (void)state;
    cleat_set_allocator(NULL);
    return 0;
}

static cleat_context *with_number(const cleat_context *context, uint8_t number)
{
    cleat_span_context span_context = valid_span_context();
    span_context.span_id.bytes[7] = number;
    cleat_context *made = cleat_context_with_span_context(context, &span_context);
    assert_non_null(made);
    return made;
}

static uint8_t current_number(void)
{
    return cleat_context_span_context(cleat_context_current())->span_id.bytes[7];
}

static void test_null_is_the_root(void **state)
{
    (void)state;
    assert_null(cleat_context_retain(NULL));
    cleat_context_release(NULL);
    assert_null(cleat_context_current());
    assert_null(cleat_context_capture());
    assert_null(cleat_context_span(NULL).impl);
    assert_false(cleat_span_context_is_valid(cleat_context_span_context(NULL)));
    assert_null(cleat_context_get_baggage(NULL));
    assert_null(cleat_context_value(NULL, &key_a));
}

static void test_made_from_one_another(void **state)
{
    (void)state;
    int value_a, value_b;
    cleat_baggage *baggage = cleat_baggage_with(NULL, "k", cleat_slice_of("v"), NULL);
    cleat_context *traced = with_number(NULL, 7);
    cleat_context *with_baggage = cleat_context_with_baggage(traced, baggage);
    cleat_baggage_release(baggage);
    cleat_context *with_a = cleat_context_with_value(with_baggage, &key_a, &value_a, NULL);
    cleat_context *with_b = cleat_context_with_value(with_a, &key_b, &value_b, NULL);
    cleat_context_release(traced);
    cleat_context_release(with_baggage);
    cleat_context *full = with_number(with_b, 8);
    cleat_context_release(with_b);

    assert_int_equal(cleat_context_span_context(full)->span_id.bytes[7], 8);
    assert_slice(cleat_baggage_get(cleat_context_get_baggage(full), "k"), "v");
    assert_ptr_equal(cleat_context_value(full, &key_a), &value_a);
    assert_ptr_equal(cleat_context_value(full, &key_b), &value_b);

    assert_int_equal(cleat_context_span_context(with_a)->span_id.bytes[7], 7);
    assert_null(cleat_context_value(with_a, &key_b));
    cleat_context_release(full);

    cleat_context *hidden = cleat_context_with_value(with_a, &key_a, &value_b, NULL);
    assert_ptr_equal(cleat_context_value(hidden, &key_a), &value_b);
    assert_ptr_equal(cleat_context_value(with_a, &key_a), &value_a);
    cleat_context *bare = cleat_context_with_baggage(hidden, NULL);
    assert_null(cleat_context_get_baggage(bare));
    cleat_context_release(bare);
    cleat_context_release(hidden);
    cleat_context_release(with_a);
}

static void test_span_context_is_copied(void **state)
{
    (void)state;
    cleat_span_context span_context = valid_span_context();
    assert_int_equal(cleat_trace_state_parse(&span_context, cleat_slice_of("a=1,b=2")), CLEAT_OK);
    cleat_context *context = cleat_context_with_span_context(NULL, &span_context);
    memset(&span_context, 0, sizeof(span_context));
    cleat_context *derived = cleat_context_with_value(context, &key_a, NULL, NULL);
    cleat_context_release(context);
    const cleat_span_context *kept = cleat_context_span_context(derived);
    assert_true(cleat_span_context_is_valid(kept));
    assert_true(kept->is_remote);
    assert_trace_state(kept, "a=1,b=2");
    assert_null(cleat_context_span(derived).impl);
    cleat_context_release(derived);

    context = cleat_context_with_span_context(NULL, NULL);
    assert_non_null(context);
    assert_false(cleat_span_context_is_valid(cleat_context_span_context(context)));
    cleat_context_release(context);
}

static void test_noop_span_makes_nothing_where_there_is_none(void **state)
{
    (void)state;
    const cleat_span noop = {NULL, 0};
    assert_null(cleat_context_with_span(NULL, noop));
    cleat_context *valued = cleat_context_with_value(NULL, &key_a, NULL, NULL);
    cleat_context *same = cleat_context_with_span(valued, noop);
    assert_ptr_equal(same, valued);
    cleat_context_release(same);
    /* But it hides the span that is there. */
    cleat_context *traced = with_number(valued, 1);
    cleat_context *hidden = cleat_context_with_span(traced, noop);
    assert_false(cleat_span_context_is_valid(cleat_context_span_context(hidden)));
    cleat_context_release(hidden);
    cleat_context_release(traced);
    cleat_context_release(valued);

    cleat_scope scope = cleat_span_attach(noop);
    assert_null(cleat_context_current());
    assert_int_equal(cleat_scope_detach(scope), CLEAT_OK);
}

static void test_live_span(void **state)
{
    (void)state;
    cleat_tracer_provider *provider = NULL;
    assert_int_equal(cleat_tracer_provider_new(NULL, &provider), CLEAT_OK);
    cleat_tracer *tracer = cleat_tracer_provider_get_tracer(provider, "test", NULL);
    cleat_span span = cleat_span_start(tracer, "span", NULL);
    cleat_span_context span_context;
    cleat_span_get_context(span, &span_context);
    assert_true(cleat_span_context_is_valid(&span_context));

    cleat_scope scope = cleat_span_attach(span);
    const cleat_context *current = cleat_context_current();
    assert_ptr_equal(cleat_context_span(current).impl, span.impl);
    assert_true(cleat_span_context_equals(cleat_context_span_context(current), &span_context));
    assert_false(cleat_context_span_context(current)->is_remote);
    cleat_span child = cleat_span_start(tracer, "child", NULL);
    cleat_span_context child_context;
    cleat_span_get_context(child, &child_context);
    assert_memory_equal(&child_context.trace_id, &span_context.trace_id, sizeof(cleat_trace_id));
    cleat_span_end(child);

    /* The context stays what it was, although the handle is stale. */
    cleat_span_end(span);
    assert_true(cleat_span_context_equals(cleat_context_span_context(current), &span_context));
    assert_int_equal(cleat_scope_detach(scope), CLEAT_OK);
    assert_null(cleat_context_current());
    cleat_tracer_provider_free(provider);
}

static void test_nesting(void **state)
{
    (void)state;
    enum { DEPTH = 50 }; /* well beyond the frames in thread-local storage */
    cleat_scope scopes[DEPTH];
    for (uint8_t i = 0; i < DEPTH; i++) {
        cleat_context *context = with_number(cleat_context_current(), (uint8_t)(i + 1));
        scopes[i] = cleat_context_attach(context);
        cleat_context_release(context);
        assert_int_equal(current_number(), i + 1);
    }
    for (uint8_t i = DEPTH; i > 0; i--) {
        assert_int_equal(current_number(), i);
        assert_int_equal(cleat_scope_detach(scopes[i - 1]), CLEAT_OK);
    }
    assert_null(cleat_context_current());
    /* The root can be attached on top of something. */
    cleat_context *context = with_number(NULL, 1);
    cleat_scope outer = cleat_context_attach(context);
    cleat_scope inner = cleat_context_attach(NULL);
    assert_null(cleat_context_current());
    assert_int_equal(cleat_scope_detach(inner), CLEAT_OK);
    assert_ptr_equal(cleat_context_current(), context);
    assert_int_equal(cleat_scope_detach(outer), CLEAT_OK);
    cleat_context_release(context);
}

static void test_out_of_order(void **state)
{
    (void)state;
    enum { DEPTH = 20 };
    cleat_context *contexts[DEPTH];
    cleat_scope scopes[DEPTH];
    for (uint8_t i = 0; i < DEPTH; i++) {
        contexts[i] = with_number(NULL, (uint8_t)(i + 1));
        scopes[i] = cleat_context_attach(contexts[i]);
    }
    assert_int_equal(cleat_scope_detach(scopes[4]), CLEAT_FAILED_PRECONDITION);
    assert_int_equal(current_number(), 4);
    /* The others above it are gone; detaching them changes nothing, nor does the second time. */
    for (size_t i = 4; i < DEPTH; i++) {
        assert_int_equal(cleat_scope_detach(scopes[i]), CLEAT_FAILED_PRECONDITION);
        assert_int_equal(current_number(), 4);
    }
    /* Nor when their frames are in use again. */
    cleat_scope again = cleat_context_attach(contexts[9]);
    assert_int_equal(cleat_scope_detach(scopes[4]), CLEAT_FAILED_PRECONDITION);
    assert_int_equal(current_number(), 10);
    assert_int_equal(cleat_scope_detach(again), CLEAT_OK);
    for (size_t i = 4; i > 0; i--) {
        assert_int_equal(cleat_scope_detach(scopes[i - 1]), CLEAT_OK);
    }
    assert_null(cleat_context_current());
    assert_int_equal(cleat_scope_detach((cleat_scope){NULL, 0}), CLEAT_OK);
    for (size_t i = 0; i < DEPTH; i++) {
        cleat_context_release(contexts[i]);
    }
}

static void test_value_is_destroyed_once(void **state)
{
    (void)state;
    int value;
    cleat_context *valued = cleat_context_with_value(NULL, &key_a, &value, count_destroyed);
    cleat_context *derived = with_number(valued, 1);
    cleat_context *second = cleat_context_with_value(valued, &key_b, &value, count_destroyed);
    cleat_scope scope = cleat_context_attach(derived);
    cleat_context_release(valued);
    cleat_context_release(derived);
    assert_int_equal(atomic_load(&destroyed), 0);
    assert_ptr_equal(cleat_context_value(cleat_context_current(), &key_a), &value);
    assert_int_equal(cleat_scope_detach(scope), CLEAT_OK);
    assert_int_equal(atomic_load(&destroyed), 0);
    cleat_context_release(second);
    assert_int_equal(atomic_load(&destroyed), 2);
}

static void attach_and_detach(void *value)
{
    (void)value;
    cleat_context *context = with_number(NULL, 9);
    cleat_scope scope = cleat_context_attach(context);
    cleat_context_release(context);
    assert_int_equal(current_number(), 9);
    assert_int_equal(cleat_scope_detach(scope), CLEAT_OK);
    atomic_fetch_add(&destroyed, 1);
}

static void test_destroy_may_use_contexts(void **state)
{
    (void)state;
    cleat_context *outer = with_number(NULL, 1);
    cleat_scope outer_scope = cleat_context_attach(outer);
    cleat_context *context = cleat_context_with_value(NULL, &key_a, NULL, attach_and_detach);
    cleat_scope scope = cleat_context_attach(context);
    cleat_context_release(context);
    assert_int_equal(cleat_scope_detach(scope), CLEAT_OK);
    assert_int_equal(atomic_load(&destroyed), 1);
    assert_int_equal(current_number(), 1);
    assert_int_equal(cleat_scope_detach(outer_scope), CLEAT_OK);
    cleat_context_release(outer);
}

typedef struct handed_over {
    cleat_context *context; /* consumed */
    cleat_scope scope;      /* of the other thread */
    uint8_t number;
    cleat_status detached;
} handed_over;

static void *run_with_context(void *argument)
{
    handed_over *self = argument;
    assert_null(cleat_context_current());
    self->detached = cleat_scope_detach(self->scope);
    cleat_scope scope = cleat_context_attach(self->context);
    cleat_context_release(self->context);
    self->number = current_number();
    cleat_scope_detach(scope);
    return NULL;
}

static void test_capture_for_another_thread(void **state)
{
    (void)state;
    int value;
    cleat_context *valued = cleat_context_with_value(NULL, &key_a, &value, count_destroyed);
    cleat_context *context = with_number(valued, 5);
    cleat_context_release(valued);
    cleat_scope scope = cleat_context_attach(context);
    cleat_context_release(context);
    handed_over shared = {.context = cleat_context_capture(), .scope = scope};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, run_with_context, &shared), 0);
    /* Meanwhile it goes here. */
    assert_int_equal(cleat_scope_detach(scope), CLEAT_OK);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(shared.number, 5);
    assert_int_equal(shared.detached, CLEAT_FAILED_PRECONDITION);
    assert_int_equal(atomic_load(&destroyed), 1);
}

static void *share_and_drop(void *argument)
{
    cleat_context *shared = argument;
    for (int i = 0; i < 2000; i++) {
        cleat_context *derived = cleat_context_with_value(shared, &key_b, NULL, count_destroyed);
        cleat_scope scope = cleat_context_attach(derived);
        cleat_context_release(derived);
        assert_non_null(cleat_context_value(cleat_context_current(), &key_a));
        cleat_scope_detach(scope);
    }
    cleat_context_release(shared);
    return NULL;
}

static void test_shared_by_threads(void **state)
{
    (void)state;
    int value;
    pthread_t threads[4];
    cleat_context *shared = cleat_context_with_value(NULL, &key_a, &value, count_destroyed);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, share_and_drop, cleat_context_retain(shared)), 0);
    }
    cleat_context_release(shared);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(atomic_load(&destroyed), 4 * 2000 + 1);
}

static void *leave_attached(void *argument)
{
    for (int i = 0; i < 30; i++) {
        cleat_context *context =
            cleat_context_with_value(cleat_context_current(), &key_a, argument, attach_and_detach);
        (void)cleat_context_attach(context);
        cleat_context_release(context);
    }
    return NULL;
}

static void test_end_of_a_thread_detaches_and_frees(void **state)
{
    (void)state;
    static failing_allocator allocator;
    failing_allocator_install(&allocator, 0);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, leave_attached, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(atomic_load(&destroyed), 30);
    assert_int_equal(atomic_load(&allocator.live), 0);
}

static void one_round(int depth)
{
    cleat_span_context span_context = valid_span_context();
    cleat_context *context = cleat_context_with_span_context(cleat_context_current(), &span_context);
    cleat_context *valued = cleat_context_with_value(context, &key_a, NULL, NULL);
    cleat_scope outer = cleat_context_attach(context);
    cleat_scope inner = cleat_context_attach(valued);
    cleat_context_release(context);
    cleat_context_release(valued);
    if (depth > 0) {
        one_round(depth - 1);
    }
    cleat_scope_detach(inner);
    cleat_scope_detach(outer);
}

/* A thread of its own, so that the counting allocator gets back what it gave. */
static void *count_allocations(void *argument)
{
    failing_allocator *allocator = argument;
    one_round(6);
    size_t before = atomic_load(&allocator->calls);
    for (int i = 0; i < 10000; i++) {
        one_round(i % 7);
    }
    assert_int_equal(atomic_load(&allocator->calls), before);
    return NULL;
}

static void test_steady_state_allocates_nothing(void **state)
{
    (void)state;
    static failing_allocator allocator;
    failing_allocator_install(&allocator, 0);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, count_allocations, &allocator), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(atomic_load(&allocator.calls) > 0);
    assert_int_equal(atomic_load(&allocator.live), 0);
}

static void *attach_the_root(void *argument)
{
    (void)argument;
    for (int i = 0; i < 8; i++) {
        cleat_scope scope = cleat_context_attach(NULL);
        cleat_scope span_scope = cleat_span_attach((cleat_span){NULL, 0});
        assert_int_equal(cleat_scope_detach(span_scope), CLEAT_OK);
        assert_int_equal(cleat_scope_detach(scope), CLEAT_OK);
    }
    return NULL;
}

static void test_nothing_to_attach_allocates_nothing(void **state)
{
    (void)state;
    static failing_allocator allocator;
    failing_allocator_install(&allocator, 0);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, attach_the_root, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(atomic_load(&allocator.calls), 0);
}

static void *run_out_of_memory(void *argument)
{
    failing_allocator *allocator = argument;
    int value;
    cleat_context *context = with_number(NULL, 3);
    atomic_store(&allocator->fail_at, atomic_load(&allocator->calls) + 1);
    assert_null(cleat_context_with_span_context(context, cleat_context_span_context(context)));
    assert_null(cleat_context_with_value(context, &key_a, &value, count_destroyed));
    assert_int_equal(atomic_load(&destroyed), 1);
    /* A value without a context. */
    atomic_store(&allocator->fail_at, atomic_load(&allocator->calls) + 2);
    assert_null(cleat_context_with_value(context, &key_a, &value, count_destroyed));
    assert_int_equal(atomic_load(&destroyed), 2);

    cleat_scope scopes[10];
    for (size_t i = 0; i < 10; i++) {
        scopes[i] = cleat_context_attach(context);
    }
    assert_non_null(scopes[7].frame);
    assert_null(scopes[8].frame);
    for (size_t i = 10; i > 0; i--) {
        assert_int_equal(cleat_scope_detach(scopes[i - 1]), CLEAT_OK);
    }
    assert_null(cleat_context_current());
    cleat_context_release(context);
    return NULL;
}

static void test_no_memory(void **state)
{
    (void)state;
    static failing_allocator allocator;
    failing_allocator_install(&allocator, 0);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, run_out_of_memory, &allocator), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(atomic_load(&allocator.live), 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, reset, restore)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_null_is_the_root),
        TEST(test_made_from_one_another),
        TEST(test_span_context_is_copied),
        TEST(test_noop_span_makes_nothing_where_there_is_none),
        TEST(test_live_span),
        TEST(test_nesting),
        TEST(test_out_of_order),
        TEST(test_value_is_destroyed_once),
        TEST(test_destroy_may_use_contexts),
        TEST(test_capture_for_another_thread),
        TEST(test_shared_by_threads),
        TEST(test_end_of_a_thread_detaches_and_frees),
        TEST(test_steady_state_allocates_nothing),
        TEST(test_nothing_to_attach_allocates_nothing),
        TEST(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
