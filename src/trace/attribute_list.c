#include "attribute_list.h"

#include "base/alloc.h"
#include "base/error.h"
#include "text.h"

#include <cleat/trace.h>

#include <stdalign.h>

static bool is_usable(const cleat_attribute *attribute)
{
    const cleat_value *value = &attribute->value;
    if (attribute->key.data == NULL || attribute->key.size == 0) {
        return false;
    }
    if (value->type >= CLEAT_VALUE_STRING_ARRAY) {
        return value->type <= CLEAT_VALUE_DOUBLE_ARRAY &&
               (value->count == 0 || value->as.strings != NULL || value->encoded.data != NULL);
    }
    return value->type != CLEAT_VALUE_NONE;
}

/* Measures when `at` is NULL, else copies there. Every part is aligned, so that both agree. */
typedef struct target {
    uint8_t *at;
    size_t size;
} target;

static void *take(target *to, size_t size)
{
    size_t aligned = (size + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);
    uint8_t *place = to->at;
    to->size += aligned;
    if (place != NULL) {
        to->at += aligned;
    }
    return place;
}

static cleat_slice copy_text(target *to, cleat_slice from)
{
    cleat__text text = cleat__text_of(from, CLEAT__TEXT_MAX);
    uint8_t *place = take(to, text.size + (size_t)1);
    if (place != NULL) {
        *cleat__text_put(place, &text) = '\0'; /* handy in a debugger */
    }
    return (cleat_slice){(const char *)place, text.size};
}

static size_t element_size(cleat_value_type type)
{
    switch (type) {
    case CLEAT_VALUE_STRING_ARRAY: return sizeof(cleat_slice);
    case CLEAT_VALUE_BOOL_ARRAY: return sizeof(bool);
    case CLEAT_VALUE_INT_ARRAY: return sizeof(int64_t);
    default: return sizeof(double);
    }
}

/* Element `index` of an array; nothing where `encoded`, which anybody may have made up, is not what
 * the type says. */
static cleat_value element_of(const cleat_value *array, size_t index)
{
    cleat_value element;
    if (!cleat_value_element(array, index, &element) ||
        element.type != array->type - (CLEAT_VALUE_STRING_ARRAY - CLEAT_VALUE_STRING)) {
        element = (cleat_value){.type = CLEAT_VALUE_NONE};
    }
    return element;
}

static cleat_value copy_value(target *to, const cleat_value *from)
{
    cleat_value value = *from;
    value.encoded = (cleat_slice){NULL, 0};
    if (from->type == CLEAT_VALUE_STRING) {
        value.as.string = copy_text(to, from->as.string);
    }
    if (from->type < CLEAT_VALUE_STRING_ARRAY || from->count == 0) {
        return value;
    }
    size_t size = element_size(from->type);
    uint8_t *elements = take(to, from->count * size);
    for (size_t i = 0; i < from->count; i++) {
        cleat_value element = element_of(from, i);
        if (from->type == CLEAT_VALUE_STRING_ARRAY) {
            element.as.string = copy_text(to, element.as.string);
        }
        if (elements != NULL) {
            memcpy(elements + i * size, &element.as, size);
        }
    }
    value.as.strings = (const cleat_slice *)(const void *)elements;
    return value;
}

static void copy_attribute(target *to, const cleat_attribute *from, cleat_attribute *out)
{
    cleat_slice key = copy_text(to, from->key);
    cleat_value value = copy_value(to, &from->value);
    if (to->at != NULL) {
        *out = (cleat_attribute){key, value};
    }
}

/* Measures them while `out` is NULL; the usable ones. */
static size_t copy_all(target *to, const cleat_attribute *from, size_t count, cleat_attribute *out)
{
    size_t copied = 0;
    for (size_t i = 0; i < count; i++) {
        if (is_usable(&from[i])) {
            copy_attribute(to, &from[i], out != NULL ? &out[copied] : NULL);
            copied++;
        }
    }
    return copied;
}

/* The last value of each key, where the key was first. Keys may become equal by being repaired, so this is
 * done with the copies. */
static size_t keep_last(cleat_attribute *attributes, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        size_t place = 0;
        while (place < kept && !cleat_slice_equals(attributes[place].key, attributes[i].key)) {
            place++;
        }
        attributes[place] = attributes[i];
        kept += place == kept;
    }
    return kept;
}

cleat_status cleat__attribute_list_copy(const cleat_attribute *first, size_t first_count,
                                        const cleat_attribute *second, size_t second_count,
                                        cleat__attribute_list *out)
{
    target to = {NULL, 0};
    *out = (cleat__attribute_list){0};
    first_count = first != NULL ? first_count : 0;
    second_count = second != NULL ? second_count : 0;
    size_t count = copy_all(&to, first, first_count, NULL) + copy_all(&to, second, second_count, NULL);
    if (count == 0) {
        return CLEAT_OK;
    }
    take(&to, count * sizeof(cleat_attribute));
    to.at = cleat__malloc(to.size);
    if (to.at == NULL) {
        return cleat__fail_memory();
    }
    out->attributes = take(&to, count * sizeof(cleat_attribute));
    size_t copied = copy_all(&to, first, first_count, out->attributes);
    copy_all(&to, second, second_count, out->attributes + copied);
    out->count = keep_last(out->attributes, count);
    return CLEAT_OK;
}

void cleat__attribute_list_deinit(cleat__attribute_list *list)
{
    cleat__free(list->attributes);
    *list = (cleat__attribute_list){0};
}
