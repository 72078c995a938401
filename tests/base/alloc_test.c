#include "base_test.h"

#include "base/alloc.h"

static failing_allocator allocator;

static int restore(void **state)
{
    (void)state;
    cleat_set_allocator(NULL);
    return 0;
}

static void test_copies_text(void **state)
{
    (void)state;
    char *copy = cleat__strdup("abc");
    assert_string_equal(copy, "abc");
    cleat__free(copy);
    assert_null(cleat__strdup(NULL));

    copy = cleat__slice_dup((cleat_slice){"abcdef", 3});
    assert_string_equal(copy, "abc");
    cleat__free(copy);
    copy = cleat__slice_dup((cleat_slice){NULL, 0});
    assert_string_equal(copy, "");
    cleat__free(copy);
}

static void test_no_size_is_not_no_memory(void **state)
{
    (void)state;
    void *block = cleat__malloc(0);
    assert_non_null(block);
    block = cleat__realloc(block, 0);
    assert_non_null(block);
    cleat__free(block);
    block = cleat__calloc(0, 8);
    assert_non_null(block);
    cleat__free(block);
    cleat__free(NULL);
}

static void test_calloc_zeroes_and_sees_overflow(void **state)
{
    (void)state;
    static const char zeros[64];
    for (int custom = 0; custom < 2; custom++) {
        if (custom) {
            failing_allocator_install(&allocator, 0);
        }
        char *block = cleat__calloc(8, 8);
        assert_memory_equal(block, zeros, sizeof(zeros));
        cleat__free(block);
        assert_null(cleat__calloc(SIZE_MAX / 2 + 1, 2));
    }
    assert_int_equal(allocator.calls, 1);
    assert_int_equal(allocator.live, 0);
}

static void test_everything_goes_through_the_allocator(void **state)
{
    (void)state;
    failing_allocator_install(&allocator, 0);
    void *block = cleat__realloc(cleat__malloc(1), 2);
    char *text = cleat__strdup("x");
    assert_int_equal(allocator.calls, 3);
    cleat__free(text);
    cleat__free(block);
    assert_int_equal(allocator.live, 0);

    failing_allocator_install(&allocator, 1);
    assert_null(cleat__malloc(1));
    assert_null(cleat__calloc(1, 1));
    assert_null(cleat__realloc(NULL, 1));
    assert_null(cleat__strdup("x"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_copies_text),
        cmocka_unit_test(test_no_size_is_not_no_memory),
        cmocka_unit_test_teardown(test_calloc_zeroes_and_sees_overflow, restore),
        cmocka_unit_test_teardown(test_everything_goes_through_the_allocator, restore),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
