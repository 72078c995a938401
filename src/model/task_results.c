#include "model/task_results.h"

#include "base/alloc.h"
#include "base/error.h"

static const char error_too_large[] = "the task failed; its error is too large to be sent";

void cleat__task_results_deinit(cleat__task_results *results)
{
    for (size_t i = 0; i < results->count; i++) {
        cleat_run_result_deinit(&results->items[i].result);
        cleat__free(results->items[i].name);
    }
    cleat__free(results->items);
    *results = (cleat__task_results){.is_too_large = results->is_too_large};
}

static cleat_status make_room(cleat__task_results *results)
{
    if (results->count < results->capacity) {
        return CLEAT_OK;
    }
    size_t capacity = results->capacity != 0 ? 2 * results->capacity : 8;
    cleat__task_result *items = cleat__realloc(results->items, capacity * sizeof(*items));
    if (items == NULL) {
        return cleat__fail_memory();
    }
    results->items = items;
    results->capacity = capacity;
    return CLEAT_OK;
}

cleat_status cleat__task_results_add(cleat__task_results *results, const char id[37], cleat_slice name,
                                     cleat_run_status status, cleat_slice text)
{
    bool is_over = results->bytes + text.size > CLEAT__RESULTS_MAX;
    if (results->is_too_large || (is_over && status == CLEAT_RUN_COMPLETED)) {
        results->is_too_large = true;
        cleat__task_results_deinit(results);
        return CLEAT_OK;
    }
    if (is_over) {
        text = cleat_slice_of(error_too_large);
    }
    if (make_room(results) != CLEAT_OK) {
        return CLEAT_NO_MEMORY;
    }
    cleat__task_result *item = &results->items[results->count++];
    *item = (cleat__task_result){.result = {.status = status}, .name = cleat__slice_dup(name)};
    memcpy(item->result.id.text, id, 37);
    results->bytes += text.size;
    if (status == CLEAT_RUN_CANCELLED) {
        return item->name != NULL ? CLEAT_OK : cleat__fail_memory();
    }
    char *copy = cleat__slice_dup(text);
    *(status == CLEAT_RUN_COMPLETED ? &item->result.output : &item->result.error) = copy;
    return item->name != NULL && copy != NULL ? CLEAT_OK : cleat__fail_memory();
}
