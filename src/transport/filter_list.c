#include "transport/filter_list.h"

#include "base/error.h"
#include "transport/list_room.h"

static void free_item(void *freed)
{
    cleat_filter_entry *item = freed;
    cleat__free((void *)(uintptr_t)item->filter.scope);
    cleat__free((void *)(uintptr_t)item->filter.expression);
    cleat__free((void *)(uintptr_t)item->filter.payload);
}

cleat_status cleat__filter_list_add(cleat_filter_list *list, const cleat__uuid *id, bool is_declared,
                                    const cleat__filter *filter)
{
    cleat_filter_entry *items = cleat__list_room(list->items, list->count, sizeof(*items));
    if (items == NULL) {
        return cleat__fail_memory();
    }
    list->items = items;
    cleat_filter_entry item = {
        .filter = {.scope = cleat__slice_dup(filter->scope),
                   .expression = cleat__slice_dup(filter->expression),
                   .payload =
                       cleat__slice_dup(filter->payload.size != 0 ? filter->payload : cleat_slice_of("{}"))},
        .is_declared = is_declared,
    };
    if (item.filter.scope == NULL || item.filter.expression == NULL || item.filter.payload == NULL) {
        free_item(&item);
        return cleat__fail_memory();
    }
    cleat__uuid_format(id, item.id.text);
    list->items[list->count++] = item;
    return CLEAT_OK;
}

void cleat_filter_list_deinit(cleat_filter_list *list)
{
    if (list != NULL) {
        cleat__list_free(list->items, list->count, sizeof(*list->items), free_item);
        *list = (cleat_filter_list){0};
    }
}
