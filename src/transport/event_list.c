#include "transport/event_list.h"

#include "base/error.h"
#include "transport/list_room.h"

static void free_item(void *freed)
{
    cleat_event_entry *item = freed;
    cleat__free((void *)(uintptr_t)item->key);
    cleat__free((void *)(uintptr_t)item->payload);
    cleat__free((void *)(uintptr_t)item->metadata);
    cleat__free((void *)(uintptr_t)item->scope);
    cleat__free((void *)(uintptr_t)item->runs);
}

static const char *copy_json(cleat_slice json)
{
    return cleat__slice_dup(json.size != 0 ? json : cleat_slice_of("{}"));
}

cleat_status cleat__event_list_add(cleat_event_list *list, const cleat__listed_event *event)
{
    bool has_scope = event->scope.data != NULL;
    cleat_event_entry *items = cleat__list_room(list->items, list->count, sizeof(*items));
    if (items == NULL) {
        return cleat__fail_memory();
    }
    list->items = items;
    cleat_event_entry item = {
        .key = cleat__slice_dup(event->key),
        .payload = copy_json(event->payload),
        .metadata = copy_json(event->metadata),
        .scope = has_scope ? cleat__slice_dup(event->scope) : NULL,
        .pushed_at_ms = event->pushed_at_ms,
    };
    if (item.key == NULL || item.payload == NULL || item.metadata == NULL ||
        (has_scope && item.scope == NULL)) {
        free_item(&item);
        return cleat__fail_memory();
    }
    cleat__uuid_format(&event->id, item.id.text);
    list->items[list->count++] = item;
    return CLEAT_OK;
}

cleat_status cleat__event_list_add_run(cleat_event_list *list, const cleat__uuid *run_id)
{
    cleat_event_entry *item = &list->items[list->count - 1];
    cleat_run_id *runs = cleat__list_room((void *)(uintptr_t)item->runs, item->run_count, sizeof(*runs));
    if (runs == NULL) {
        return cleat__fail_memory();
    }
    item->runs = runs;
    cleat__uuid_format(run_id, runs[item->run_count++].text);
    return CLEAT_OK;
}

void cleat_event_list_deinit(cleat_event_list *list)
{
    if (list != NULL) {
        cleat__list_free(list->items, list->count, sizeof(*list->items), free_item);
        *list = (cleat_event_list){0};
    }
}
