#include "base/arena.h"

#include "base/alloc.h"

enum { ALIGNMENT = _Alignof(max_align_t), FIRST_BLOCK = 1024, LARGEST_BLOCK = 65536 };

typedef struct cleat__arena_block {
    struct cleat__arena_block *next;
    size_t used, size;
    _Alignas(max_align_t) char bytes[];
} block;

/* Each block is twice as large as the one before, within bounds, and large enough for what is wanted. */
static block *add_block(cleat__arena *arena, size_t wanted)
{
    size_t size = arena->blocks == NULL ? FIRST_BLOCK : 2 * arena->blocks->size;
    size = size > LARGEST_BLOCK ? LARGEST_BLOCK : size;
    size = size < wanted ? wanted : size;
    block *added = cleat__malloc(sizeof(*added) + size);
    if (added != NULL) {
        *added = (block){.next = arena->blocks, .size = size};
        arena->blocks = added;
    }
    return added;
}

bool cleat__arena_is_full(const cleat__arena *arena, size_t size)
{
    return size > (arena->most != 0 ? arena->most : SIZE_MAX / 2) - arena->used;
}

void *cleat__arena_get(cleat__arena *arena, size_t size)
{
    if (cleat__arena_is_full(arena, size)) {
        return NULL;
    }
    size_t wanted = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    block *last = arena->blocks;
    if (last == NULL || last->size - last->used < wanted) {
        last = add_block(arena, wanted);
        if (last == NULL) {
            return NULL;
        }
    }
    void *memory = last->bytes + last->used;
    last->used += wanted;
    arena->used += size;
    return memory;
}

void *cleat__arena_take(cleat__arena *arena, size_t size)
{
    void *taken = cleat__arena_get(arena, size);
    return taken != NULL ? memset(taken, 0, size) : NULL;
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

void cleat__arena_deinit(cleat__arena *arena)
{
    for (block *each = arena->blocks; each != NULL;) {
        block *next = each->next;
        cleat__free(each);
        each = next;
    }
    *arena = (cleat__arena){.most = arena->most};
}
