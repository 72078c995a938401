#include "base/heap.h"

void cleat__heap_init(cleat__heap *heap, bool (*less)(const cleat__heap_node *, const cleat__heap_node *))
{
    *heap = (cleat__heap){.less = less};
}

void cleat__heap_deinit(cleat__heap *heap)
{
    for (size_t i = 0; i < heap->count; i++) {
        heap->nodes[i]->position = 0;
    }
    cleat__free(heap->nodes);
    *heap = (cleat__heap){.less = heap->less};
}

/* Positions are 1-based, so that the children of p are 2p and 2p + 1. */
static void place(cleat__heap *heap, size_t position, cleat__heap_node *node)
{
    heap->nodes[position - 1] = node;
    node->position = position;
}

static void sift_up(cleat__heap *heap, cleat__heap_node *node)
{
    size_t position = node->position;
    while (position > 1 && heap->less(node, heap->nodes[position / 2 - 1])) {
        place(heap, position, heap->nodes[position / 2 - 1]);
        position /= 2;
    }
    place(heap, position, node);
}

static void sift_down(cleat__heap *heap, cleat__heap_node *node)
{
    size_t position = node->position;
    for (;;) {
        size_t child = position * 2;
        if (child > heap->count) {
            break;
        }
        if (child < heap->count && heap->less(heap->nodes[child], heap->nodes[child - 1])) {
            child++;
        }
        if (!heap->less(heap->nodes[child - 1], node)) {
            break;
        }
        place(heap, position, heap->nodes[child - 1]);
        position = child;
    }
    place(heap, position, node);
}

void cleat__heap_reorder(cleat__heap *heap, bool (*less)(const cleat__heap_node *, const cleat__heap_node *))
{
    heap->less = less;
    for (size_t position = heap->count / 2; position > 0; position--) {
        sift_down(heap, heap->nodes[position - 1]);
    }
}

cleat_status cleat__heap_push(cleat__heap *heap, cleat__heap_node *node)
{
    if (heap->count == heap->capacity) {
        cleat_status status = cleat__heap_reserve(heap, heap->count + 1);
        if (status != CLEAT_OK) {
            return status;
        }
    }
    heap->count++;
    place(heap, heap->count, node);
    sift_up(heap, node);
    return CLEAT_OK;
}

cleat__heap_node *cleat__heap_peek(const cleat__heap *heap)
{
    return heap->count != 0 ? heap->nodes[0] : NULL;
}

cleat__heap_node *cleat__heap_pop(cleat__heap *heap)
{
    cleat__heap_node *node = cleat__heap_peek(heap);
    if (node != NULL) {
        cleat__heap_remove(heap, node);
    }
    return node;
}

void cleat__heap_remove(cleat__heap *heap, cleat__heap_node *node)
{
    size_t position = node->position;
    if (position == 0) {
        return;
    }
    cleat__heap_node *last = heap->nodes[--heap->count];
    node->position = 0;
    if (last == node) {
        return;
    }
    /* The last node fills the gap; it belongs above or below it, so one of the two moves it. */
    place(heap, position, last);
    sift_up(heap, last);
    sift_down(heap, last);
}
