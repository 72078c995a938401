#include "sdk/arena.h"

#include "base/alloc.h"

#include <stdalign.h>
#include <stddef.h>

#define BLOCK_SIZE 2000

typedef struct cleat__arena_block {
    struct cleat__arena_block *next;
    size_t used, size;
    alignas(max_align_t) char bytes[];
} block;

void cleat__arena_deinit(cleat__arena *arena)
{
    while (arena->blocks != NULL) {
        block *it = arena->blocks;
        arena->blocks = it->next;
        cleat__free(it);
    }
}

void *cleat__arena_take(cleat__arena *arena, size_t size)
{
    block *it = arena->blocks;
    if (size > SIZE_MAX / 2) {
        return NULL;
    }
    size = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    if (it == NULL || it->size - it->used < size) {
        size_t room = size > BLOCK_SIZE ? size : BLOCK_SIZE;
        it = cleat__malloc(sizeof(*it) + room);
        if (it == NULL) {
            return NULL;
        }
        *it = (block){.next = arena->blocks, .used = 0, .size = room};
        arena->blocks = it;
    }
    void *taken = it->bytes + it->used;
    it->used += size;
    memset(taken, 0, size);
    return taken;
}

bool cleat__arena_keep(cleat__arena *arena, cleat_slice slice, cleat_slice *out)
{
    *out = (cleat_slice){NULL, 0};
    if (slice.data == NULL) {
        return true;
    }
    char *copy = cleat__arena_take(arena, slice.size + 1);
    if (copy == NULL) {
        return false;
    }
    memcpy(copy, slice.data, slice.size);
    *out = (cleat_slice){copy, slice.size};
    return true;
}
