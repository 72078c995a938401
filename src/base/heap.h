/* A binary min-heap of pointers to intrusive nodes, so that any node can be removed. Not thread-safe. */
#ifndef CLEAT_BASE_HEAP_H
#define CLEAT_BASE_HEAP_H

#include "base/alloc.h"
#include "base/error.h"

/* Embed in the thing that is queued. */
typedef struct cleat__heap_node {
    size_t position; /* 1-based; 0: in no heap */
} cleat__heap_node;

typedef struct cleat__heap {
    cleat__heap_node **nodes;
    size_t count;
    size_t capacity;
    bool (*less)(const cleat__heap_node *a, const cleat__heap_node *b);
} cleat__heap;

void cleat__heap_init(cleat__heap *heap, bool (*less)(const cleat__heap_node *, const cleat__heap_node *));
void cleat__heap_deinit(cleat__heap *heap);
/* Another order, of those that are in it too. */
void cleat__heap_reorder(cleat__heap *heap, bool (*less)(const cleat__heap_node *, const cleat__heap_node *));
/* So many nodes can be in it without further memory. */
static inline cleat_status cleat__heap_reserve(cleat__heap *heap, size_t count)
{
    if (count <= heap->capacity) {
        return CLEAT_OK;
    }
    size_t capacity = count < 8 ? 16 : 2 * count;
    cleat__heap_node **nodes = cleat__realloc(heap->nodes, capacity * sizeof(heap->nodes[0]));
    if (nodes == NULL) {
        return cleat__fail_memory();
    }
    heap->nodes = nodes;
    heap->capacity = capacity;
    return CLEAT_OK;
}
cleat_status cleat__heap_push(cleat__heap *heap, cleat__heap_node *node); /* node must be in no heap */
cleat__heap_node *cleat__heap_peek(const cleat__heap *heap);              /* NULL when empty */
cleat__heap_node *cleat__heap_pop(cleat__heap *heap);
void cleat__heap_remove(cleat__heap *heap, cleat__heap_node *node); /* no-op when in no heap */

/* The struct that holds a node. */
#define CLEAT__CONTAINER(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#endif
