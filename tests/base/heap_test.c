#include "base_test.h"

#include "base/heap.h"
#include "base/random.h"

enum { ITEMS = 100 };

typedef struct timer {
    uint64_t due;
    cleat__heap_node node;
} timer;

static int restore(void **state)
{
    (void)state;
    cleat_set_allocator(NULL);
    return 0;
}

static uint64_t due_of(const cleat__heap_node *node)
{
    return CLEAT__CONTAINER(node, timer, node)->due;
}

static bool is_sooner(const cleat__heap_node *a, const cleat__heap_node *b)
{
    return due_of(a) < due_of(b);
}

static size_t count_queued(const timer *timers)
{
    size_t count = 0;
    for (size_t i = 0; i < ITEMS; i++) {
        count += timers[i].node.position != 0;
    }
    return count;
}

static uint64_t naive_minimum(const timer *timers)
{
    uint64_t minimum = UINT64_MAX;
    for (size_t i = 0; i < ITEMS; i++) {
        if (timers[i].node.position != 0 && timers[i].due < minimum) {
            minimum = timers[i].due;
        }
    }
    return minimum;
}

static void test_like_a_naive_model(void **state)
{
    (void)state;
    timer timers[ITEMS] = {{0}};
    cleat__random random;
    cleat__random_init(&random, 2);
    cleat__heap heap;
    cleat__heap_init(&heap, is_sooner);
    for (int step = 0; step < 50000; step++) {
        timer *chosen = &timers[cleat__random_below(&random, ITEMS)];
        if (chosen->node.position == 0) {
            chosen->due = cleat__random_below(&random, 50);
            assert_int_equal(cleat__heap_push(&heap, &chosen->node), CLEAT_OK);
        } else if (cleat__random_below(&random, 2)) {
            cleat__heap_remove(&heap, &chosen->node);
            assert_int_equal(chosen->node.position, 0);
        } else {
            uint64_t minimum = naive_minimum(timers);
            cleat__heap_node *popped = cleat__heap_pop(&heap);
            assert_int_equal(due_of(popped), minimum);
            assert_int_equal(popped->position, 0);
        }
        assert_int_equal(heap.count, count_queued(timers));
        if (heap.count != 0) {
            assert_int_equal(due_of(cleat__heap_peek(&heap)), naive_minimum(timers));
        }
    }
    cleat__heap_deinit(&heap);
    assert_int_equal(count_queued(timers), 0);
}

static void test_empty(void **state)
{
    (void)state;
    timer lone = {0};
    cleat__heap heap;
    cleat__heap_init(&heap, is_sooner);
    assert_null(cleat__heap_peek(&heap));
    assert_null(cleat__heap_pop(&heap));
    cleat__heap_remove(&heap, &lone.node);
    assert_int_equal(heap.count, 0);
    cleat__heap_deinit(&heap);
}

static void test_no_memory_changes_nothing(void **state)
{
    (void)state;
    timer timers[ITEMS] = {{0}};
    failing_allocator allocator;
    failing_allocator_install(&allocator, 2);
    cleat__heap heap;
    cleat__heap_init(&heap, is_sooner);
    size_t pushed = 0;
    while (cleat__heap_push(&heap, &timers[pushed].node) == CLEAT_OK) {
        pushed++;
    }
    assert_int_equal(heap.count, pushed);
    assert_int_equal(timers[pushed].node.position, 0);
    allocator.fail_at = 0;
    assert_int_equal(cleat__heap_push(&heap, &timers[pushed].node), CLEAT_OK);
    cleat__heap_deinit(&heap);
    assert_int_equal(allocator.live, 0);
}

static void test_what_is_reserved_needs_no_memory(void **state)
{
    (void)state;
    timer timers[ITEMS] = {{0}};
    failing_allocator allocator;
    failing_allocator_install(&allocator, 2);
    cleat__heap heap;
    cleat__heap_init(&heap, is_sooner);
    assert_int_equal(cleat__heap_reserve(&heap, ITEMS), CLEAT_OK);
    for (size_t i = 0; i < ITEMS; i++) {
        assert_int_equal(cleat__heap_push(&heap, &timers[i].node), CLEAT_OK);
    }
    assert_int_equal(cleat__heap_reserve(&heap, ITEMS), CLEAT_OK);
    assert_int_equal(cleat__heap_reserve(&heap, 10 * ITEMS), CLEAT_NO_MEMORY);
    assert_int_equal(heap.count, ITEMS);
    cleat__heap_deinit(&heap);
    assert_int_equal(allocator.live, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_like_a_naive_model),
        cmocka_unit_test(test_empty),
        cmocka_unit_test_teardown(test_no_memory_changes_nothing, restore),
        cmocka_unit_test_teardown(test_what_is_reserved_needs_no_memory, restore),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
