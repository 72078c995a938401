#include "transport/cron_list.h"

#include "base/error.h"
#include "model/cron.h"
#include "transport/list_room.h"

static const char *copy(cleat_slice text, const char *otherwise)
{
    return cleat__slice_dup(text.data != NULL ? text : cleat_slice_of(otherwise));
}

static void free_item(void *freed)
{
    cleat_cron *item = freed;
    cleat__free((void *)(uintptr_t)item->workflow);
    cleat__free((void *)(uintptr_t)item->name);
    cleat__free((void *)(uintptr_t)item->expression);
    cleat__free((void *)(uintptr_t)item->input);
    cleat__free((void *)(uintptr_t)item->metadata);
}

/* Others' engines may know expressions that this one does not. */
static int64_t next_of(cleat_slice expression, int64_t now_ms)
{
    cleat__cron cron;
    int64_t next_ms =
        cleat__cron_parse(expression, &cron) == CLEAT_OK ? cleat__cron_next_ms(&cron, now_ms) : INT64_MAX;
    return next_ms != INT64_MAX ? next_ms : 0;
}

cleat_status cleat__cron_list_add(cleat_cron_list *list, const cleat__uuid *id, const cleat__recurrence *what,
                                  bool is_enabled, int64_t now_ms)
{
    cleat_cron *items = cleat__list_room(list->items, list->count, sizeof(*items));
    if (items == NULL) {
        return cleat__fail_memory();
    }
    list->items = items;
    cleat_cron item = {
        .workflow = copy(what->workflow, ""),
        .name = copy(what->name, ""),
        .expression = copy(what->expression, ""),
        .input = copy(what->input, "{}"),
        .metadata = copy(what->metadata, "{}"),
        .priority = what->priority,
        .is_enabled = is_enabled,
        .next_at_ms = is_enabled ? next_of(what->expression, now_ms) : 0,
    };
    if (item.workflow == NULL || item.name == NULL || item.expression == NULL || item.input == NULL ||
        item.metadata == NULL) {
        free_item(&item);
        return cleat__fail_memory();
    }
    cleat__uuid_format(id, item.id.text);
    list->items[list->count++] = item;
    return CLEAT_OK;
}

void cleat_cron_list_deinit(cleat_cron_list *list)
{
    if (list != NULL) {
        cleat__list_free(list->items, list->count, sizeof(*list->items), free_item);
        *list = (cleat_cron_list){0};
    }
}
