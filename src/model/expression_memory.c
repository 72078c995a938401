#include "model/expression_memory.h"

#include "base/alloc.h"

enum { ALIGNMENT = _Alignof(max_align_t), FIRST_BLOCK = 1024, LARGEST_BLOCK = 65536 };

typedef struct cleat__cel_block {
    struct cleat__cel_block *next;
    size_t used, size;
    _Alignas(max_align_t) char bytes[];
} block;

/* Each block is twice as large as the one before, within bounds, and large enough for what is wanted. */
static block *add_block(cleat__cel_memory *memory, size_t wanted)
{
    size_t size = memory->blocks == NULL ? FIRST_BLOCK : 2 * memory->blocks->size;
    size = size > LARGEST_BLOCK ? LARGEST_BLOCK : size;
    size = size < wanted ? wanted : size;
    block *added = cleat__malloc(sizeof(*added) + size);
    if (added != NULL) {
        *added = (block){.next = memory->blocks, .size = size};
        memory->blocks = added;
    }
    return added;
}

bool cleat__cel_memory_is_full(const cleat__cel_memory *memory, size_t size)
{
    return size > memory->most - memory->used;
}

void *cleat__cel_memory_get(cleat__cel_memory *memory, size_t size)
{
    if (cleat__cel_memory_is_full(memory, size)) {
        return NULL;
    }
    size_t wanted = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    block *last = memory->blocks;
    if (last == NULL || last->size - last->used < wanted) {
        last = add_block(memory, wanted);
        if (last == NULL) {
            return NULL;
        }
    }
    void *taken = last->bytes + last->used;
    last->used += wanted;
    memory->used += size;
    return taken;
}

void cleat__cel_memory_deinit(cleat__cel_memory *memory)
{
    for (block *each = memory->blocks; each != NULL;) {
        block *next = each->next;
        cleat__free(each);
        each = next;
    }
    *memory = (cleat__cel_memory){.most = memory->most};
}
