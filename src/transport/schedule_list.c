#include "transport/schedule_list.h"

#include "base/error.h"
#include "transport/list_room.h"

static const char *copy_json(cleat_slice json)
{
    return cleat__slice_dup(json.size != 0 ? json : cleat_slice_of("{}"));
}

static void free_item(void *freed)
{
    cleat_schedule *item = freed;
    cleat__free((void *)(uintptr_t)item->workflow);
    cleat__free((void *)(uintptr_t)item->input);
    cleat__free((void *)(uintptr_t)item->metadata);
}

cleat_status cleat__schedule_list_add(cleat_schedule_list *list, const cleat__uuid *id, int64_t at_ms,
                                      const cleat__schedule *schedule)
{
    cleat_schedule *items = cleat__list_room(list->items, list->count, sizeof(*items));
    if (items == NULL) {
        return cleat__fail_memory();
    }
    list->items = items;
    cleat_schedule item = {
        .workflow = cleat__slice_dup(schedule->workflow),
        .at_ms = at_ms,
        .input = copy_json(schedule->input),
        .metadata = copy_json(schedule->metadata),
        .priority = schedule->priority,
    };
    if (item.workflow == NULL || item.input == NULL || item.metadata == NULL) {
        free_item(&item);
        return cleat__fail_memory();
    }
    cleat__uuid_format(id, item.id.text);
    list->items[list->count++] = item;
    return CLEAT_OK;
}

void cleat_schedule_list_deinit(cleat_schedule_list *list)
{
    if (list != NULL) {
        cleat__list_free(list->items, list->count, sizeof(*list->items), free_item);
        *list = (cleat_schedule_list){0};
    }
}
