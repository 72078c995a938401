#include "model/dag.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/map.h"
#include "model/event.h"
#include "model/expression.h"

#include <inttypes.h>

bool cleat__workflow_is_dag(const cleat__workflow *workflow)
{
    const cleat__workflow_task *task = workflow->tasks;
    return workflow->task_count > 1 || task->parent_count != 0 || task->condition_count != 0 ||
           task->is_on_failure;
}

size_t cleat__dag_find(const cleat__workflow *workflow, cleat_slice name)
{
    size_t at = 0;
    while (at < workflow->task_count && !cleat_slice_equals(workflow->tasks[at].name, name)) {
        at++;
    }
    return at;
}

/* ---- Conditions ---- */

static const char no_hooks[] = "a task of a workflow cannot wait for a hook";

static cleat_status fail_condition(const cleat__workflow_task *task, const char *what)
{
    return cleat__fail(CLEAT_INVALID_ARGUMENT, "conditions of task \"%.*s\": %s",
                       CLEAT_SLICE_ARGS(task->name), what);
}

static bool is_parent(const cleat__workflow_task *task, cleat_slice name)
{
    for (size_t i = 0; i < task->parent_count; i++) {
        if (cleat_slice_equals(task->parents[i], name)) {
            return true;
        }
    }
    return false;
}

static cleat_status check_event(const cleat__workflow_task *task, const cleat__condition *of)
{
    if (of->key.size == 0 || of->key.size > CLEAT__EVENT_KEY_MAX || of->scope.size > CLEAT__EVENT_KEY_MAX) {
        return cleat__fail(
            CLEAT_INVALID_ARGUMENT,
            "conditions of task \"%.*s\": an event needs a key; that and its scope have at most "
            "%d bytes",
            CLEAT_SLICE_ARGS(task->name), CLEAT__EVENT_KEY_MAX);
    }
    return cleat__event_key_is_of_hook(of->key) ? fail_condition(task, no_hooks) : CLEAT_OK;
}

static cleat_status check_wait(const cleat__workflow_task *task, const cleat__condition *of)
{
    /* Where tasks are told of it, there is another thing of that name. */
    if (cleat_slice_equals(of->data_key, cleat_slice_of("filter_payload"))) {
        return fail_condition(task, "what is waited for cannot have the name \"filter_payload\"");
    }
    switch (of->kind) {
    case CLEAT__CONDITION_SLEEP:
        return of->sleep_ms >= 0 ? CLEAT_OK : fail_condition(task, "a sleep of less than nothing");
    case CLEAT__CONDITION_EVENT: return check_event(task, of);
    default: return fail_condition(task, no_hooks);
    }
}

static cleat_status check_condition(const cleat__workflow_task *task, const cleat__step_condition *condition)
{
    const cleat__condition *of = &condition->of;
    if ((int)condition->action < 0 || condition->action >= CLEAT__STEP_ACTIONS) {
        return fail_condition(task, "its action must be QUEUE, SKIP or CANCEL");
    }
    if (of->data_key.size > CLEAT__STEP_TEXT_MAX || of->group.size > CLEAT__STEP_TEXT_MAX ||
        of->sleep_text.size > CLEAT__STEP_TEXT_MAX) {
        return fail_condition(task, "a name has more than 1024 bytes");
    }
    cleat_status status = CLEAT_OK;
    if (condition->parent.data == NULL) {
        status = check_wait(task, of);
    } else if (!is_parent(task, condition->parent)) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "conditions of task \"%.*s\": \"%.*s\" is no parent of it",
                           CLEAT_SLICE_ARGS(task->name), CLEAT_SLICE_ARGS(condition->parent));
    }
    if (status == CLEAT_OK && of->expression.size != 0) {
        status = cleat__expression_check(of->expression);
        return status == CLEAT_OK || status == CLEAT_NO_MEMORY ? status
                                                               : fail_condition(task, cleat_error_message());
    }
    return status;
}

static cleat_status check_conditions(const cleat__workflow_task *task)
{
    cleat_status status = CLEAT_OK;
    if (task->condition_count > CLEAT__CONDITIONS_MAX) {
        return fail_condition(task, "at most 100 are allowed");
    }
    if (task->is_on_failure && (task->condition_count != 0 || task->parent_count != 0)) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT,
                           "the on-failure task \"%.*s\" can have neither parents nor conditions",
                           CLEAT_SLICE_ARGS(task->name));
    }
    for (size_t i = 0; i < task->condition_count && status == CLEAT_OK; i++) {
        status = check_condition(task, &task->conditions[i]);
    }
    return status;
}

/* ---- The graph ---- */

typedef struct graph {
    const cleat__workflow *workflow;
    cleat__map by_name; /* tasks */
    size_t *open;       /* parents of each that are not behind us */
    size_t *done;       /* tasks that are, in that order */
} graph;

static size_t index_of(const graph *at, cleat_slice name)
{
    const cleat__workflow_task *task = cleat__map_get(&at->by_name, name);
    return task != NULL ? (size_t)(task - at->workflow->tasks) : at->workflow->task_count;
}

static cleat_status add_names(graph *at)
{
    cleat_status status = CLEAT_OK;
    size_t on_failure = 0;
    for (size_t i = 0; i < at->workflow->task_count && status == CLEAT_OK; i++) {
        const cleat__workflow_task *task = &at->workflow->tasks[i];
        on_failure += task->is_on_failure;
        if (cleat__map_get(&at->by_name, task->name) != NULL) {
            return cleat__fail(CLEAT_INVALID_ARGUMENT, "task \"%.*s\" is there twice",
                               CLEAT_SLICE_ARGS(task->name));
        }
        status = cleat__map_put(&at->by_name, task->name, (void *)(uintptr_t)task);
    }
    if (status == CLEAT_OK && (on_failure > 1 || on_failure == at->workflow->task_count)) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "a workflow can have one on-failure task, beside others");
    }
    return status;
}

static cleat_status check_parents(const graph *at, const cleat__workflow_task *task)
{
    if (task->parent_count > at->workflow->task_count) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "task \"%.*s\" has more parents than there are tasks",
                           CLEAT_SLICE_ARGS(task->name));
    }
    for (size_t i = 0; i < task->parent_count; i++) {
        size_t parent = index_of(at, task->parents[i]);
        bool is_twice = false;
        for (size_t j = 0; j < i && !is_twice; j++) {
            is_twice = cleat_slice_equals(task->parents[i], task->parents[j]);
        }
        bool is_there = parent < at->workflow->task_count && !at->workflow->tasks[parent].is_on_failure;
        if (!is_there || is_twice) {
            return cleat__fail(CLEAT_INVALID_ARGUMENT, "task \"%.*s\": its parent \"%.*s\" is %s",
                               CLEAT_SLICE_ARGS(task->name), CLEAT_SLICE_ARGS(task->parents[i]),
                               is_twice ? "given twice" : "no task of the workflow");
        }
    }
    return CLEAT_OK;
}

/* Takes away, again and again, what has no parents left; what is in a cycle never is without. */
static cleat_status check_cycles(graph *at)
{
    const cleat__workflow *workflow = at->workflow;
    size_t done = 0;
    for (size_t i = 0; i < workflow->task_count; i++) {
        at->open[i] = workflow->tasks[i].parent_count;
        if (at->open[i] == 0) {
            at->done[done++] = i;
        }
    }
    for (size_t next = 0; next < done; next++) {
        cleat_slice name = workflow->tasks[at->done[next]].name;
        for (size_t i = 0; i < workflow->task_count; i++) {
            if (at->open[i] != 0 && is_parent(&workflow->tasks[i], name) && --at->open[i] == 0) {
                at->done[done++] = i;
            }
        }
    }
    for (size_t i = 0; i < workflow->task_count; i++) {
        if (at->open[i] != 0) {
            return cleat__fail(CLEAT_INVALID_ARGUMENT,
                               "task \"%.*s\" would have to wait for itself: its parents are in a cycle",
                               CLEAT_SLICE_ARGS(workflow->tasks[i].name));
        }
    }
    return CLEAT_OK;
}

static cleat_status check_parent_total(const cleat__workflow *workflow)
{
    size_t total = 0;
    for (size_t i = 0; i < workflow->task_count; i++) {
        total += workflow->tasks[i].parent_count;
    }
    return total <= CLEAT__PARENTS_MAX
               ? CLEAT_OK
               : cleat__fail(CLEAT_INVALID_ARGUMENT,
                             "the tasks have %zu parents in all; at most %d are allowed", total,
                             CLEAT__PARENTS_MAX);
}

static cleat_status check_graph(graph *at)
{
    cleat_status status = add_names(at);
    for (size_t i = 0; i < at->workflow->task_count && status == CLEAT_OK; i++) {
        status = check_parents(at, &at->workflow->tasks[i]);
    }
    for (size_t i = 0; i < at->workflow->task_count && status == CLEAT_OK; i++) {
        status = check_conditions(&at->workflow->tasks[i]);
    }
    return status == CLEAT_OK ? check_cycles(at) : status;
}

cleat_status cleat__dag_check(const cleat__workflow *workflow)
{
    graph at = {.workflow = workflow};
    cleat_status status = check_parent_total(workflow);
    if (status != CLEAT_OK) {
        return status;
    }
    at.open = cleat__calloc(2 * workflow->task_count, sizeof(*at.open));
    at.done = at.open != NULL ? at.open + workflow->task_count : NULL;
    status = at.open != NULL ? check_graph(&at) : cleat__fail_memory();
    cleat__free(at.open);
    cleat__map_deinit(&at.by_name);
    return status;
}
