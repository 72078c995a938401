#include <cleat/trace.h>

static cleat_attribute attribute_of(const char *key, cleat_value_type type)
{
    return (cleat_attribute){.key = cleat_slice_of(key), .value = {.type = type}};
}

cleat_attribute cleat_attribute_string(const char *key, const char *value)
{
    return cleat_attribute_slice(key, cleat_slice_of(value));
}

cleat_attribute cleat_attribute_slice(const char *key, cleat_slice value)
{
    cleat_attribute attribute = attribute_of(key, value.data != NULL ? CLEAT_VALUE_STRING : CLEAT_VALUE_NONE);
    attribute.value.as.string = value;
    return attribute;
}

cleat_attribute cleat_attribute_bool(const char *key, bool value)
{
    cleat_attribute attribute = attribute_of(key, CLEAT_VALUE_BOOL);
    attribute.value.as.boolean = value;
    return attribute;
}

cleat_attribute cleat_attribute_int(const char *key, int64_t value)
{
    cleat_attribute attribute = attribute_of(key, CLEAT_VALUE_INT);
    attribute.value.as.integer = value;
    return attribute;
}

cleat_attribute cleat_attribute_double(const char *key, double value)
{
    cleat_attribute attribute = attribute_of(key, CLEAT_VALUE_DOUBLE);
    attribute.value.as.real = value;
    return attribute;
}

/* An array without elements is a value; one that says it has some and brings none is not. */
static cleat_attribute array_of(const char *key, cleat_value_type type, const void *values, size_t count)
{
    bool present = values != NULL || count == 0;
    cleat_attribute attribute = attribute_of(key, present ? type : CLEAT_VALUE_NONE);
    attribute.value.count = present ? count : 0;
    return attribute;
}

cleat_attribute cleat_attribute_strings(const char *key, const cleat_slice *values, size_t count)
{
    cleat_attribute attribute = array_of(key, CLEAT_VALUE_STRING_ARRAY, values, count);
    attribute.value.as.strings = values;
    return attribute;
}

cleat_attribute cleat_attribute_bools(const char *key, const bool *values, size_t count)
{
    cleat_attribute attribute = array_of(key, CLEAT_VALUE_BOOL_ARRAY, values, count);
    attribute.value.as.booleans = values;
    return attribute;
}

cleat_attribute cleat_attribute_ints(const char *key, const int64_t *values, size_t count)
{
    cleat_attribute attribute = array_of(key, CLEAT_VALUE_INT_ARRAY, values, count);
    attribute.value.as.integers = values;
    return attribute;
}

cleat_attribute cleat_attribute_doubles(const char *key, const double *values, size_t count)
{
    cleat_attribute attribute = array_of(key, CLEAT_VALUE_DOUBLE_ARRAY, values, count);
    attribute.value.as.reals = values;
    return attribute;
}
