#include "model/declaration.h"

#include "base/error.h"
#include "model/event_pattern.h"
#include "model/worker.h"

static cleat_status check_events(const cleat__names *events)
{
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; events != NULL && i < events->count && status == CLEAT_OK; i++) {
        status = cleat__event_pattern_check("events", events->items[i]);
    }
    return status;
}

/* Decoding looks at the form of what was checked when it was declared; here nobody knows whether it was. */
static cleat_status check_needs(const cleat__needs *needs)
{
    cleat_status status = check_events(needs->events);
    if (status == CLEAT_OK && needs->slots != NULL) {
        status = cleat__slots_check(needs->slots->items, needs->slots->count);
    }
    if (status == CLEAT_OK && needs->labels != NULL) {
        status = cleat__desired_labels_check(needs->labels->items, needs->labels->count);
    }
    if (status == CLEAT_OK && needs->concurrency != NULL) {
        status = cleat__concurrency_check(needs->concurrency->items, needs->concurrency->count);
    }
    return status;
}

cleat_status cleat__declaration_read(cleat_slice text, cleat__declaration *out)
{
    *out = (cleat__declaration){.needs = NULL};
    cleat_status status = cleat__needs_decode(text, &out->needs);
    if (status == CLEAT_OK) {
        status = check_needs(out->needs);
    }
    if (status == CLEAT_OK && out->needs->is_dag) {
        status = cleat__dag_decode(text, &out->arena, &out->dag);
    }
    if (status == CLEAT_OK) {
        return CLEAT_OK;
    }
    cleat__declaration_deinit(out);
    return status == CLEAT_NO_MEMORY || status == CLEAT_CORRUPT
               ? status
               : cleat__fail(CLEAT_CORRUPT, "%s", cleat_error_message());
}

void cleat__declaration_deinit(cleat__declaration *declaration)
{
    cleat__needs_free(declaration->needs);
    cleat__arena_deinit(&declaration->arena);
    *declaration = (cleat__declaration){.needs = NULL};
}

size_t cleat__declaration_waits(const cleat__declaration *declaration, size_t task)
{
    size_t waits = 0;
    if (task < declaration->dag.task_count) {
        const cleat__workflow_task *of = &declaration->dag.tasks[task];
        for (size_t i = 0; i < of->condition_count; i++) {
            waits += of->conditions[i].parent.data == NULL;
        }
    }
    return waits;
}
