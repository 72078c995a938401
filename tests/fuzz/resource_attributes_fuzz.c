#include "trace/resource_parts.h"

#include <stdio.h>
#include <stdlib.h>

static void check(bool condition)
{
    if (!condition) {
        abort();
    }
}

/* Everything percent-encoded. */
static char *put_encoded(char *at, cleat_slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        at += snprintf(at, 4, "%%%02x", (unsigned char)text.data[i]);
    }
    return at;
}

static cleat_slice encode(const cleat_resource *resource)
{
    const cleat_attribute *attributes = cleat_resource_attributes(resource);
    size_t size = 1, count = cleat_resource_count(resource);
    for (size_t i = 0; i < count; i++) {
        size += 3 * (attributes[i].key.size + attributes[i].value.as.string.size) + 2;
    }
    char *text = malloc(size), *at = text;
    for (size_t i = 0; i < count; i++) {
        at = put_encoded(at, attributes[i].key);
        *at++ = '=';
        at = put_encoded(at, attributes[i].value.as.string);
        *at++ = ',';
    }
    return (cleat_slice){text, (size_t)(at - text)};
}

/* What is understood can be written in a way that says the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleat_resource *first = NULL, *second = NULL;
    cleat_status status = cleat__resource_parse((cleat_slice){(const char *)data, size}, &first);
    check((status == CLEAT_OK) == (first != NULL));
    if (status != CLEAT_OK) {
        check(status == CLEAT_INVALID_ARGUMENT);
        return 0;
    }
    cleat_slice text = encode(first);
    check(cleat__resource_parse(text, &second) == CLEAT_OK);
    check(cleat_resource_count(first) == cleat_resource_count(second));
    for (size_t i = 0; i < cleat_resource_count(first); i++) {
        const cleat_attribute *a = &cleat_resource_attributes(first)[i];
        const cleat_attribute *b = &cleat_resource_attributes(second)[i];
        check(a->key.size != 0 && a->value.type == CLEAT_VALUE_STRING);
        check(cleat_slice_equals(a->key, b->key));
        check(cleat_slice_equals(a->value.as.string, b->value.as.string));
    }
    free((char *)text.data);
    cleat_resource_release(first);
    cleat_resource_release(second);
    return 0;
}
