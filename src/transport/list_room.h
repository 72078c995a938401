/* How public lists grow, which tell how much they have but not how much there is room for; and how they go. */
#ifndef CLEAT_TRANSPORT_LIST_ROOM_H
#define CLEAT_TRANSPORT_LIST_ROOM_H

#include "base/alloc.h"

/* The array with room for one more than `count`, each of `size` bytes; NULL on no memory, and it stays. It grows by
 * doubling: the count is a power of two when there is no room. */
static inline void *cleat__list_room(void *items, size_t count, size_t size)
{
    if (items != NULL && (count & (count - 1)) != 0) {
        return items;
    }
    return cleat__realloc(items, (count != 0 ? 2 * count : 1) * size);
}

/* Frees each item, and the array. */
static inline void cleat__list_free(void *items, size_t count, size_t size, void (*free_item)(void *item))
{
    for (size_t i = 0; i < count; i++) {
        free_item((char *)items + i * size);
    }
    cleat__free(items);
}

#endif
