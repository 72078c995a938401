#include "transport/run_list.h"

#include "base/error.h"
#include "transport/list_room.h"

static void free_item(void *freed)
{
    cleat_run_entry *item = freed;
    cleat__free((void *)(uintptr_t)item->workflow);
    cleat__free((void *)(uintptr_t)item->metadata);
    cleat__free((void *)(uintptr_t)item->error);
}

cleat_status cleat__run_list_add(cleat_run_list *list, const cleat__listed_run *run)
{
    bool has_error = run->status == CLEAT_RUN_FAILED;
    cleat_slice error = run->error.data != NULL ? run->error : cleat_slice_of("");
    cleat_run_entry *items = cleat__list_room(list->items, list->count, sizeof(*items));
    if (items == NULL) {
        return cleat__fail_memory();
    }
    list->items = items;
    cleat_run_entry item = {
        .workflow = cleat__slice_dup(run->workflow),
        .status = run->status,
        .created_at_ms = run->created_at_ms,
        .started_at_ms = run->started_at_ms,
        .finished_at_ms = run->finished_at_ms,
        .retry_count = run->retry_count,
        .metadata = cleat__slice_dup(run->metadata.size != 0 ? run->metadata : cleat_slice_of("{}")),
        .error = has_error ? cleat__slice_dup(error) : NULL,
    };
    if (item.workflow == NULL || item.metadata == NULL || (has_error && item.error == NULL)) {
        free_item(&item);
        return cleat__fail_memory();
    }
    cleat__uuid_format(&run->id, item.id.text);
    if (run->is_child) {
        cleat__uuid_format(&run->parent_id, item.parent.text);
    }
    list->items[list->count++] = item;
    return CLEAT_OK;
}

void cleat_run_list_deinit(cleat_run_list *list)
{
    if (list != NULL) {
        cleat__list_free(list->items, list->count, sizeof(*list->items), free_item);
        *list = (cleat_run_list){0};
    }
}
