/* An immutable copy of attributes, in one block of memory. */
#ifndef CLEAT_TRACE_ATTRIBUTE_LIST_H
#define CLEAT_TRACE_ATTRIBUTE_LIST_H

#include <cleat/trace.h>

typedef struct cleat__attribute_list {
    cleat_attribute *attributes; /* the block; the bytes lie behind the array */
    size_t count;
} cleat__attribute_list;

/*
 * Copies `first`, then `second`: of equal keys the last value wins, at the place of the first.
 * Attributes without key or value are left out; strings are made valid UTF-8. `*out` is empty on
 * failure.
 */
cleat_status cleat__attribute_list_copy(const cleat_attribute *first, size_t first_count,
                                        const cleat_attribute *second, size_t second_count,
                                        cleat__attribute_list *out);
void cleat__attribute_list_deinit(cleat__attribute_list *list);

#endif
