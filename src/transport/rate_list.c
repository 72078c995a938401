#include "transport/rate_list.h"

#include "base/error.h"
#include "transport/list_room.h"

static void free_item(void *freed)
{
    const cleat_rate_limit_entry *item = freed;
    cleat__free((void *)(uintptr_t)item->key);
}

cleat_status cleat__rate_list_add(cleat_rate_limit_list *list, cleat_slice key,
                                  const cleat__rate_window *window)
{
    int duration = cleat__rate_duration_of(window->window_ms);
    cleat_rate_limit_entry *items = cleat__list_room(list->items, list->count, sizeof(*items));
    if (items == NULL) {
        return cleat__fail_memory();
    }
    list->items = items;
    const cleat_rate_limit_entry item = {
        .key = cleat__slice_dup(key),
        .limit = window->limit,
        .duration = (cleat_rate_limit_duration)(duration > 0 ? duration : 0),
        .value = window->value,
        .refilled_at_ms = window->refilled_ms,
    };
    if (item.key == NULL) {
        return cleat__fail_memory();
    }
    list->items[list->count++] = item;
    return CLEAT_OK;
}

void cleat_rate_limit_list_deinit(cleat_rate_limit_list *list)
{
    if (list != NULL) {
        cleat__list_free(list->items, list->count, sizeof(*list->items), free_item);
        *list = (cleat_rate_limit_list){0};
    }
}
