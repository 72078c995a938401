#include "transport/log_list.h"

#include "base/error.h"
#include "transport/list_room.h"

static void free_item(void *freed)
{
    cleat_log_entry *item = freed;
    cleat__free((void *)(uintptr_t)item->message);
    cleat__free((void *)(uintptr_t)item->metadata);
}

cleat_status cleat__log_list_add(cleat_log_list *list, const cleat__log_line *line)
{
    cleat_log_entry *items = cleat__list_room(list->items, list->count, sizeof(*items));
    if (items == NULL) {
        return cleat__fail_memory();
    }
    list->items = items;
    cleat_log_entry item = {
        .time_ms = line->time_ms,
        .level = line->level,
        .attempt = line->retry_count + 1,
        .message = cleat__slice_dup(line->message),
        .metadata = cleat__slice_dup(line->metadata.size != 0 ? line->metadata : cleat_slice_of("{}")),
    };
    if (item.message == NULL || item.metadata == NULL) {
        free_item(&item);
        return cleat__fail_memory();
    }
    list->items[list->count++] = item;
    return CLEAT_OK;
}

void cleat_log_list_deinit(cleat_log_list *list)
{
    if (list != NULL) {
        cleat__list_free(list->items, list->count, sizeof(*list->items), free_item);
        *list = (cleat_log_list){0};
    }
}
