/* Steps and workflows through the queue. */
#include "sdk/invocation.h"

#include "base/alloc.h"
#include "base/error.h"
#include "sdk/task_name.h"

#include <stdio.h>
#include <string.h>

static cleat_status want_runs(void *self, const cleat__trigger *triggers, size_t count)
{
    return cleat__invocation_want_runs(self, triggers, count);
}

/* Takes a node for each. Interceptors see only what is new; what was taken counts, whatever they have made of it. */
static cleat_status spawn(cleat__invocation *it, bool many, const cleat_run_item *items, size_t count,
                          bool goes_on)
{
    bool is_asked = false;
    const int64_t first = cleat__invocation_next(it);
    const cleat__spawning spawning = {
        .keep = want_runs,
        .self = it,
        .is_replay = cleat__invocation_is_old(it, first),
        .is_asked = &is_asked,
        .goes_on = goes_on,
    };
    cleat_status status = cleat__task_spawn(it->task, many, items, count, NULL, &spawning);
    if (it->stopped != CLEAT_OK) {
        return cleat__invocation_again(it);
    }
    if (cleat__invocation_next(it) > first) {
        return CLEAT_OK;
    }
    return is_asked ? cleat__invocation_refuse(it, status) : cleat__invocation_check_given(it, status);
}

cleat_status cleat_spawn(cleat_task *task, const char *name, const char *input,
                         const cleat_run_options *options, cleat_future *future)
{
    cleat__invocation *it;
    cleat_status status = cleat__invocation_enter(task, "cleat_spawn", &it);
    if (status != CLEAT_OK) {
        return status;
    }
    const cleat_run_item item = {name, input, options};
    const cleat_future made = {cleat__invocation_next(it)};
    status = spawn(it, false, &item, 1, false);
    if (status == CLEAT_OK && future != NULL) {
        *future = made;
    }
    return cleat__invocation_leave(it, status);
}

/* The ids are known only when they are stored. */
static cleat_status spawn_now(cleat__invocation *it, bool many, const cleat_run_item *items, size_t count,
                              bool goes_on, cleat_run_id *ids)
{
    int64_t first = cleat__invocation_next(it);
    cleat_status status = spawn(it, many, items, count, goes_on);
    if (status == CLEAT_OK) {
        status = cleat__invocation_store(it, NULL);
    }
    for (size_t i = 0; status == CLEAT_OK && ids != NULL && i < count; i++) {
        cleat__uuid_format(&cleat__invocation_node(it, first + (int64_t)i)->run_id, ids[i].text);
    }
    return status;
}

cleat_status cleat__workflow_spawn_now(cleat_task *task, bool many, const cleat_run_item *items, size_t count,
                                       cleat_run_id *ids)
{
    cleat__invocation *it;
    cleat_status status =
        cleat__invocation_enter(task, many ? "cleat_task_spawn_many" : "cleat_task_spawn", &it);
    return status == CLEAT_OK ? cleat__invocation_leave(it, spawn_now(it, many, items, count, false, ids))
                              : status;
}

/* ---- Going on as another run ---- */

/* What starts runs of it: the task, but of the only one of a workflow, "workflow:task", the workflow. */
static void own_name(const cleat__invocation *it, char name[CLEAT__ACTION_SIZE])
{
    const cleat_slice task = it->task->assignment->task;
    size_t size = it->declaration->of != NULL ? strcspn(task.data, ":") : task.size;
    (void)snprintf(name, CLEAT__ACTION_SIZE, "%.*s", (int)size, task.data);
}

static cleat_status continue_as_new(cleat__invocation *it, const char *input)
{
    const cleat__assignment *assignment = it->task->assignment;
    char name[CLEAT__ACTION_SIZE];
    own_name(it, name);
    const cleat_run_item item = {
        .task = name,
        .input = input,
        .options = CLEAT_RUN_OPTIONS(.priority = assignment->priority),
    };
    cleat_run_id id;
    cleat_status status = spawn_now(it, false, &item, 1, true, &id);
    if (status == CLEAT_OK) {
        cleat__continued_format(&cleat__invocation_node(it, (int64_t)it->node_count)->run_id,
                                it->continued_as);
        (void)cleat__invocation_stop(
            it,
            cleat__fail(CLEAT_FAILED_PRECONDITION,
                        "the run goes on as %s: return what cleat_continue_as_new() has answered", id.text));
    }
    return status;
}

cleat_status cleat_continue_as_new(cleat_task *task, const char *input)
{
    cleat__invocation *it;
    cleat_status status = cleat__invocation_enter(task, "cleat_continue_as_new", &it);
    if (status != CLEAT_OK) {
        return status;
    }
    bool is_of_several = it->task->workflow_run_id.text[0] != '\0';
    status = is_of_several ? cleat__fail(CLEAT_FAILED_PRECONDITION,
                                         "a task of a workflow of several cannot go on as a new run")
                           : continue_as_new(it, input);
    return cleat__invocation_leave(it, status);
}
