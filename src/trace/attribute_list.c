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

/* The attributes to be copied, each key once. `chosen` has room for all. */
static size_t choose(const cleat_attribute **chosen, size_t count, const cleat_attribute *from,
                     size_t from_count)
{
    for (size_t i = 0; i < from_count; i++) {
        if (!is_usable(&from[i])) {
            continue;
        }
        size_t place = 0;
        while (place < count && !cleat_slice_equals(chosen[place]->key, from[i].key)) {
            place++;
        }
        chosen[place] = &from[i];
        count += place == count;
    }
    return count;
}

cleat_status cleat__attribute_list_copy(const cleat_attribute *first, size_t first_count,
                                        const cleat_attribute *second, size_t second_count,
                                        cleat__attribute_list *out)
{
    *out = (cleat__attribute_list){0};
    first_count = first != NULL ? first_count : 0;
    second_count = second != NULL ? second_count : 0;
    if (first_count + second_count == 0) {
        return CLEAT_OK;
    }
    const cleat_attribute **chosen =
        (const cleat_attribute **)cleat__calloc(first_count + second_count, sizeof(*chosen));
    if (chosen == NULL) {
        return cleat__fail_memory();
    }
    size_t count = choose(chosen, 0, first, first_count);
    count = choose(chosen, count, second, second_count);

    target to = {NULL, 0};
    take(&to, count * sizeof(cleat_attribute));
    for (size_t i = 0; i < count; i++) {
        copy_attribute(&to, chosen[i], NULL);
    }
    to.at = count != 0 ? cleat__malloc(to.size) : NULL;
    if (to.at != NULL) {
        out->attributes = take(&to, count * sizeof(cleat_attribute));
        out->count = count;
        for (size_t i = 0; i < count; i++) {
            copy_attribute(&to, chosen[i], &out->attributes[i]);
        }
    }
    cleat__free((void *)chosen);
    return count == 0 || out->attributes != NULL ? CLEAT_OK : cleat__fail_memory();
}

void cleat__attribute_list_deinit(cleat__attribute_list *list)
{
    cleat__free(list->attributes);
    *list = (cleat__attribute_list){0};
}
