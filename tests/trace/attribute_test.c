#include "propagation_test.h"

static void test_scalars(void **state)
{
    (void)state;
    cleat_attribute attribute = cleat_attribute_string("key", "text");
    assert_slice(attribute.key, "key");
    assert_int_equal(attribute.value.type, CLEAT_VALUE_STRING);
    assert_slice(attribute.value.as.string, "text");

    attribute = cleat_attribute_slice("key", (cleat_slice){"text", 2});
    assert_slice(attribute.value.as.string, "te");
    attribute = cleat_attribute_bool("key", true);
    assert_int_equal(attribute.value.type, CLEAT_VALUE_BOOL);
    assert_true(attribute.value.as.boolean);
    attribute = cleat_attribute_int("key", INT64_MIN);
    assert_int_equal(attribute.value.type, CLEAT_VALUE_INT);
    assert_true(attribute.value.as.integer == INT64_MIN);
    attribute = cleat_attribute_double("key", 0.5);
    assert_int_equal(attribute.value.type, CLEAT_VALUE_DOUBLE);
    assert_true(attribute.value.as.real == 0.5);
}

static void test_arrays(void **state)
{
    (void)state;
    const cleat_slice strings[] = {{"a", 1}, {"b", 1}};
    const bool booleans[] = {true, false};
    const int64_t integers[] = {1, 2};
    const double reals[] = {1, 2};

    cleat_attribute attribute = cleat_attribute_strings("key", strings, 2);
    assert_int_equal(attribute.value.type, CLEAT_VALUE_STRING_ARRAY);
    assert_int_equal(attribute.value.count, 2);
    assert_ptr_equal(attribute.value.as.strings, strings);
    attribute = cleat_attribute_bools("key", booleans, 2);
    assert_int_equal(attribute.value.type, CLEAT_VALUE_BOOL_ARRAY);
    assert_ptr_equal(attribute.value.as.booleans, booleans);
    attribute = cleat_attribute_ints("key", integers, 2);
    assert_int_equal(attribute.value.type, CLEAT_VALUE_INT_ARRAY);
    assert_ptr_equal(attribute.value.as.integers, integers);
    attribute = cleat_attribute_doubles("key", reals, 2);
    assert_int_equal(attribute.value.type, CLEAT_VALUE_DOUBLE_ARRAY);
    assert_ptr_equal(attribute.value.as.reals, reals);
}

static void test_nothing_is_no_value(void **state)
{
    (void)state;
    assert_int_equal(cleat_attribute_string("key", NULL).value.type, CLEAT_VALUE_NONE);
    assert_int_equal(cleat_attribute_slice("key", (cleat_slice){NULL, 0}).value.type, CLEAT_VALUE_NONE);
    assert_int_equal(cleat_attribute_string("key", "").value.type, CLEAT_VALUE_STRING);
    assert_int_equal(cleat_attribute_ints("key", NULL, 3).value.type, CLEAT_VALUE_NONE);
    assert_int_equal(cleat_attribute_ints("key", NULL, 3).value.count, 0);
    assert_int_equal(cleat_attribute_ints("key", NULL, 0).value.type, CLEAT_VALUE_INT_ARRAY);
    assert_int_equal(cleat_attribute_int(NULL, 3).key.size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scalars),
        cmocka_unit_test(test_arrays),
        cmocka_unit_test(test_nothing_is_no_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
