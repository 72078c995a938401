#include "transport/task_list.h"

#include "base/error.h"
#include "transport/list_room.h"

static void free_item(void *freed)
{
    cleat_task_entry *item = freed;
    cleat__free((void *)(uintptr_t)item->name);
    cleat__free((void *)(uintptr_t)item->output);
    cleat__free((void *)(uintptr_t)item->error);
}

cleat_status cleat__task_list_add(cleat_task_list *list, const cleat__run_task *task)
{
    bool has_output = task->status == CLEAT_RUN_COMPLETED, has_error = task->status == CLEAT_RUN_FAILED;
    cleat_slice output = task->output.size != 0 ? task->output : cleat_slice_of("{}");
    cleat_slice error = task->error.data != NULL ? task->error : cleat_slice_of("");
    cleat_task_entry *items = cleat__list_room(list->items, list->count, sizeof(*items));
    if (items == NULL) {
        return cleat__fail_memory();
    }
    list->items = items;
    cleat_task_entry item = {.name = cleat__slice_dup(task->name),
                             .status = task->status,
                             .output = has_output ? cleat__slice_dup(output) : NULL,
                             .error = has_error ? cleat__slice_dup(error) : NULL};
    if (item.name == NULL || (has_output && item.output == NULL) || (has_error && item.error == NULL)) {
        free_item(&item);
        return cleat__fail_memory();
    }
    cleat__uuid_format(&task->id, item.id.text);
    list->items[list->count++] = item;
    return CLEAT_OK;
}

void cleat_task_list_deinit(cleat_task_list *list)
{
    if (list != NULL) {
        cleat__list_free(list->items, list->count, sizeof(*list->items), free_item);
        *list = (cleat_task_list){0};
    }
}
