/* What a worker offers against what its tasks ask for: runs that it can never take wait, and nobody says why. */
#include "sdk/worker.h"

#include "base/log.h"

static int32_t units_of(const cleat_worker *worker, cleat_slice type)
{
    for (size_t i = 0; i < worker->slot_count; i++) {
        if (cleat_slice_equals(worker->slots[i].type, type)) {
            return worker->slots[i].units;
        }
    }
    return 0;
}

/* As the program has named it: "mail:send", or "mail" of one that is "mail:mail". */
static cleat_slice name_of(const cleat__declaration *task)
{
    cleat_slice action = cleat_slice_of(task->action), name = cleat__action_task(action);
    return cleat_slice_equals(cleat__action_workflow(action), name) ? name : action;
}

static void warn_of_task(const cleat_worker *worker, const cleat__declaration *task)
{
    cleat_slice name = name_of(task);
    for (size_t i = 0; task->slots != NULL && i < task->slots->count; i++) {
        const cleat__slots *wanted = &task->slots->items[i];
        int32_t units = units_of(worker, wanted->type);
        if (units < wanted->units) {
            cleat__log(
                CLEAT_LOG_WARN,
                "the worker \"%s\" never gets a run of its task \"%.*s\", which asks for %d of the slots "
                "\"%.*s\": it has %d",
                worker->name, CLEAT_SLICE_ARGS(name), (int)wanted->units, CLEAT_SLICE_ARGS(wanted->type),
                (int)units);
            return;
        }
    }
}

void cleat__worker_warn_of_slots(const cleat_worker *worker)
{
    for (const cleat__declaration *it = worker->declarations; it != NULL; it = it->next) {
        const cleat__declaration *task = it->dag != NULL ? it->dag->tasks : it;
        for (; task != NULL; task = it->dag != NULL ? task->next : NULL) {
            warn_of_task(worker, task);
        }
    }
}
