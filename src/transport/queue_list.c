#include "transport/queue_list.h"

#include "transport/list_room.h"

#include <stdlib.h>

cleat_queue_entry *cleat__queue_list_find(cleat_queue_metrics *list, cleat_slice task)
{
    for (size_t i = list->count; i > 0; i--) { /* most often one of the last */
        if (cleat_slice_equals(cleat_slice_of(list->items[i - 1].task), task)) {
            return &list->items[i - 1];
        }
    }
    cleat_queue_entry *items = cleat__list_room(list->items, list->count, sizeof(*items));
    if (items == NULL) {
        return NULL;
    }
    list->items = items;
    const cleat_queue_entry item = {.task = cleat__slice_dup(task)};
    if (item.task == NULL) {
        return NULL;
    }
    list->items[list->count] = item;
    return &list->items[list->count++];
}

static int compare(const void *a, const void *b)
{
    return strcmp(((const cleat_queue_entry *)a)->task, ((const cleat_queue_entry *)b)->task);
}

void cleat__queue_list_sort(cleat_queue_metrics *list)
{
    if (list->count != 0) {
        qsort(list->items, list->count, sizeof(*list->items), compare);
    }
}

static void free_item(void *freed)
{
    const cleat_queue_entry *item = freed;
    cleat__free((void *)(uintptr_t)item->task);
}

void cleat_queue_metrics_deinit(cleat_queue_metrics *metrics)
{
    if (metrics != NULL) {
        cleat__list_free(metrics->items, metrics->count, sizeof(*metrics->items), free_item);
        *metrics = (cleat_queue_metrics){0};
    }
}
