#include "propagation_test.h"

static int restore(void **state)
{
    (void)state;
    cleat_set_allocator(NULL);
    return 0;
}

static cleat_carrier *new_carrier(void)
{
    cleat_carrier *carrier = NULL;
    assert_int_equal(cleat_carrier_new(&carrier), CLEAT_OK);
    return carrier;
}

static void put(cleat_carrier *carrier, const char *key, const char *value)
{
    assert_int_equal(cleat_carrier_set(carrier, key, cleat_slice_of(value)), CLEAT_OK);
}

static void assert_at(const cleat_carrier *carrier, size_t index, const char *key, const char *value)
{
    cleat_slice found_key, found_value;
    cleat_carrier_at(carrier, index, &found_key, &found_value);
    assert_slice(found_key, key);
    assert_slice(found_value, value);
}

static void test_keeps_order_and_replaces(void **state)
{
    (void)state;
    cleat_carrier *carrier = new_carrier();
    assert_int_equal(cleat_carrier_count(carrier), 0);
    assert_slice(cleat_carrier_get(carrier, "b"), NULL);
    put(carrier, "b", "1");
    put(carrier, "a", "2");
    put(carrier, "B", "3");
    put(carrier, "b", "a longer one");
    assert_int_equal(cleat_carrier_count(carrier), 3);
    assert_slice(cleat_carrier_get(carrier, "b"), "a longer one");
    assert_at(carrier, 0, "b", "a longer one");
    assert_at(carrier, 1, "a", "2");
    assert_at(carrier, 2, "B", "3");
    assert_at(carrier, 3, NULL, NULL);
    cleat_carrier_free(carrier);
    cleat_carrier_free(NULL);
}

static void test_remove(void **state)
{
    (void)state;
    cleat_carrier *carrier = new_carrier();
    put(carrier, "a", "1");
    put(carrier, "b", "2");
    put(carrier, "c", "3");
    cleat_carrier_remove(carrier, "x");
    cleat_carrier_remove(carrier, NULL);
    cleat_carrier_remove(carrier, "a");
    assert_int_equal(cleat_carrier_count(carrier), 2);
    assert_at(carrier, 0, "b", "2");
    assert_at(carrier, 1, "c", "3");
    cleat_carrier_remove(carrier, "c");
    cleat_carrier_remove(carrier, "b");
    assert_int_equal(cleat_carrier_count(carrier), 0);
    put(carrier, "a", "again");
    assert_at(carrier, 0, "a", "again");
    cleat_carrier_free(carrier);
}

static void test_odd_keys_and_values(void **state)
{
    (void)state;
    cleat_carrier *carrier = new_carrier();
    assert_int_equal(cleat_carrier_set(carrier, NULL, cleat_slice_of("1")), CLEAT_INVALID_ARGUMENT);
    put(carrier, "", "empty key");
    assert_slice(cleat_carrier_get(carrier, ""), "empty key");
    assert_slice(cleat_carrier_get(carrier, NULL), NULL);
    /* An empty value is there; an absent one is stored as empty. */
    assert_int_equal(cleat_carrier_set(carrier, "a", (cleat_slice){NULL, 0}), CLEAT_OK);
    assert_slice(cleat_carrier_get(carrier, "a"), "");
    assert_int_equal(cleat_carrier_set(carrier, "z", (cleat_slice){"x\0y", 3}), CLEAT_OK);
    assert_int_equal(cleat_carrier_get(carrier, "z").size, 3);
    assert_memory_equal(cleat_carrier_get(carrier, "z").data, "x\0y", 3);
    /* Key and value from the entry that is replaced. */
    cleat_slice key;
    put(carrier, "k", "value");
    cleat_carrier_at(carrier, 3, &key, NULL);
    assert_int_equal(cleat_carrier_set(carrier, key.data, cleat_carrier_get(carrier, "k")), CLEAT_OK);
    assert_slice(cleat_carrier_get(carrier, "k"), "value");
    cleat_carrier_free(carrier);
}

static void test_many(void **state)
{
    (void)state;
    cleat_carrier *carrier = new_carrier();
    char text[16];
    for (int i = 0; i < 200; i++) {
        sprintf(text, "%d", i);
        put(carrier, text, text);
    }
    for (int i = 0; i < 200; i += 2) {
        sprintf(text, "%d", i);
        cleat_carrier_remove(carrier, text);
    }
    assert_int_equal(cleat_carrier_count(carrier), 100);
    for (size_t i = 0; i < 100; i++) {
        sprintf(text, "%zu", 2 * i + 1);
        assert_at(carrier, i, text, text);
    }
    cleat_carrier_free(carrier);
}

static void test_as_a_text_map(void **state)
{
    (void)state;
    cleat_carrier *carrier = new_carrier();
    cleat_text_map map = cleat_carrier_text_map(carrier);
    assert_slice(map.get(map.self, "a"), NULL);
    assert_int_equal(map.set(map.self, "a", cleat_slice_of("1")), CLEAT_OK);
    assert_slice(map.get(map.self, "a"), "1");
    assert_slice(cleat_carrier_get(carrier, "a"), "1");
    map.remove(map.self, "a");
    assert_int_equal(cleat_carrier_count(carrier), 0);
    cleat_carrier_free(carrier);
}

static void test_no_memory_changes_nothing(void **state)
{
    (void)state;
    static failing_allocator allocator;
    failing_allocator_install(&allocator, 0);
    for (size_t i = 1; i <= 3; i++) {
        atomic_store(&allocator.calls, 0);
        atomic_store(&allocator.fail_at, i);
        cleat_carrier *carrier = NULL;
        cleat_status status = cleat_carrier_new(&carrier);
        if (status == CLEAT_OK) {
            status = cleat_carrier_set(carrier, "a", cleat_slice_of("1"));
            assert_int_equal(cleat_carrier_count(carrier), 0);
            atomic_store(&allocator.fail_at, 0);
            put(carrier, "a", "1");
            atomic_store(&allocator.fail_at, 1);
            assert_int_equal(cleat_carrier_set(carrier, "a", cleat_slice_of("2")), CLEAT_NO_MEMORY);
            assert_at(carrier, 0, "a", "1");
        }
        assert_int_equal(status, CLEAT_NO_MEMORY);
        cleat_carrier_free(carrier);
        assert_int_equal(atomic_load(&allocator.live), 0);
    }
}

static void test_null_is_an_empty_one(void **state)
{
    (void)state;
    assert_int_equal(cleat_carrier_new(NULL), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_carrier_count(NULL), 0);
    assert_slice(cleat_carrier_get(NULL, "a"), NULL);
    assert_int_equal(cleat_carrier_set(NULL, "a", cleat_slice_of("1")), CLEAT_INVALID_ARGUMENT);
    cleat_carrier_remove(NULL, "a");
    assert_at(NULL, 0, NULL, NULL);
    cleat_carrier_at(NULL, 0, NULL, NULL);
    cleat_text_map map = cleat_carrier_text_map(NULL);
    assert_slice(map.get(map.self, "a"), NULL);
    assert_int_equal(map.set(map.self, "a", cleat_slice_of("1")), CLEAT_INVALID_ARGUMENT);
    map.remove(map.self, "a");
    map.keys(map.self, NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keeps_order_and_replaces),
        cmocka_unit_test(test_remove),
        cmocka_unit_test(test_odd_keys_and_values),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_as_a_text_map),
        cmocka_unit_test_teardown(test_no_memory_changes_nothing, restore),
        cmocka_unit_test(test_null_is_an_empty_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
