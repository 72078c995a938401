#include "sdk/invocation.h"

#include "base/alloc.h"
#include "base/error.h"

/* ---- Life ---- */

/* The function for a run that began with the version `recorded` (JSON); NULL: there is none. */
static const cleat__declaration *find_version(const cleat__declaration *first, cleat_slice recorded)
{
    for (const cleat__declaration *it = first; it != NULL; it = it->older) {
        if (cleat_slice_equals(cleat_slice_of(it->version_json), recorded)) {
            return it;
        }
    }
    return NULL;
}

/* Where there are versions, the first node of the log has the one that the run began with. */
static cleat_status pick_version(cleat__invocation *it)
{
    const cleat__declaration *newest = it->declaration;
    cleat_slice recorded;
    if (newest->version == NULL && newest->older == NULL) {
        return CLEAT_OK;
    }
    cleat_status status =
        cleat__invocation_value(it, CLEAT__MEMO_VERSION, cleat_slice_of(newest->version_json), &recorded);
    if (status == CLEAT_OK) {
        const cleat__declaration *found = find_version(newest, recorded);
        it->declaration = found != NULL ? found : newest;
    }
    return status;
}

cleat_status cleat__invocation_init(cleat__invocation *it, cleat_task *task)
{
    const cleat__assignment *assignment = task->assignment;
    memset(it, 0, sizeof(*it));
    it->task = task;
    it->declaration = task->declaration;
    it->thread = pthread_self();
    it->log_size = assignment->invocation_count == 1 ? 0 : assignment->log_size;
    it->call = "the start";
    task->invocation = it;
    cleat_status status = pick_version(it);
    task->declaration = it->declaration;
    return status;
}

void cleat__invocation_deinit(cleat__invocation *it)
{
    for (size_t i = 0; i < it->node_count; i++) {
        cleat__node_end_deinit(&it->nodes[i].end);
    }
    cleat__invocation_close_stream(it);
    cleat__free(it->nodes);
    cleat__free(it->pending);
    cleat__free(it->triggers);
    cleat__arena_deinit(&it->pending_memory);
    cleat__arena_deinit(&it->memory);
    cleat__free(it->stopped_text);
    cleat__free(it->last_text);
    it->task->invocation = NULL;
}

/* ---- Who may call, and what calls answer ---- */

/* A step has the task of its workflow beside its own: neither may wait. */
static cleat_status refuse_in_step(const char *function, const char *step)
{
    return cleat__fail(CLEAT_FAILED_PRECONDITION,
                       "%s() inside the step \"%s\": a step runs to its end, only the function of the "
                       "workflow waits and records",
                       function, step);
}

static cleat_status check_caller(const cleat_task *task, const char *function)
{
    if (task == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "task is NULL");
    }
    if (task->step_name != NULL) {
        return refuse_in_step(function, task->step_name);
    }
    const cleat__invocation *it = task->invocation;
    if (it == NULL) {
        return cleat__fail(CLEAT_FAILED_PRECONDITION,
                           "%s() in \"%s\", which is a task: only workflows may, see "
                           "cleat_worker_add_workflow()",
                           function, cleat_task_name(task));
    }
    if (!pthread_equal(it->thread, pthread_self())) {
        return cleat__fail(CLEAT_FAILED_PRECONDITION,
                           "%s() on another thread than that of the function of workflow \"%s\"", function,
                           it->declaration->workflow);
    }
    return it->step != NULL ? refuse_in_step(function, it->step) : CLEAT_OK;
}

cleat_status cleat__invocation_enter(cleat_task *task, const char *function, cleat__invocation **out)
{
    cleat_status status = check_caller(task, function);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__invocation *it = *out = task->invocation;
    if (it->stopped != CLEAT_OK) {
        return cleat__invocation_again(it);
    }
    it->call = function;
    status = cleat__task_check_alive(task);
    if (status == CLEAT_OK && atomic_load(&task->cancelled)) {
        status = cleat__fail(CLEAT_CANCELLED, "the run was cancelled, or this attempt has timed out");
    }
    return cleat__invocation_leave(it, cleat__invocation_check(it, status));
}

cleat_status cleat__invocation_fail(cleat__invocation *it, cleat_status status, const char *text)
{
    it->whole_text = status != CLEAT_OK ? text : NULL;
    return status != CLEAT_OK ? cleat__fail(status, "%s", text) : CLEAT_OK;
}

cleat_status cleat__invocation_leave(cleat__invocation *it, cleat_status status)
{
    if (status != CLEAT_OK && status != CLEAT_SUSPENDED) {
        cleat__free(it->last_text);
        it->last_text = cleat__strdup(it->whole_text != NULL ? it->whole_text : cleat_error_message());
        it->last_status = status;
    }
    it->whole_text = NULL;
    return status;
}

cleat_status cleat__invocation_again(const cleat__invocation *it)
{
    return cleat__fail(it->stopped, "%s",
                       it->stopped_text != NULL ? it->stopped_text : cleat_status_text(it->stopped));
}

cleat_status cleat__invocation_stop(cleat__invocation *it, cleat_status status)
{
    if (it->stopped == CLEAT_OK) {
        it->stopped = status;
        it->stopped_text = cleat__strdup(cleat_error_message());
        it->stopped_call = it->call;
    }
    return status;
}

cleat_status cleat__invocation_refuse(cleat__invocation *it, cleat_status status)
{
    if (status == CLEAT_OK || status == CLEAT_SUSPENDED) { /* it waits for nothing */
        status = cleat__fail(CLEAT_FAILED_PRECONDITION, "an interceptor kept the call from being made");
    }
    return cleat__invocation_stop(it, status);
}

/* ---- Nodes ---- */

int64_t cleat__invocation_add_node(cleat__invocation *it, cleat__logged_kind kind)
{
    if (it->node_count == it->node_capacity) {
        size_t capacity = it->node_capacity > 0 ? 2 * it->node_capacity : 8;
        cleat__logged *nodes = cleat__realloc(it->nodes, capacity * sizeof(*nodes));
        if (nodes == NULL) {
            (void)cleat__invocation_stop(it, cleat__fail_memory());
            return 0;
        }
        it->nodes = nodes;
        it->node_capacity = capacity;
    }
    it->nodes[it->node_count++] = (cleat__logged){.kind = kind};
    return (int64_t)it->node_count;
}

bool cleat__invocation_is_new(const cleat__invocation *it, int64_t number)
{
    return it->log_size >= 0 && number > it->log_size;
}

bool cleat__invocation_is_old(const cleat__invocation *it, int64_t number)
{
    return it->log_size >= 0 && number <= it->log_size;
}

/* ---- For interceptors and log lines ---- */

bool cleat_task_is_workflow(const cleat_task *task)
{
    return task != NULL && task->invocation != NULL;
}

int cleat_task_invocation(const cleat_task *task)
{
    return cleat_task_is_workflow(task) ? task->assignment->invocation_count : 0;
}

bool cleat_task_is_replaying(const cleat_task *task)
{
    return cleat_task_is_workflow(task) &&
           !cleat__invocation_is_new(task->invocation, cleat__invocation_next(task->invocation));
}

bool cleat_task_is_stopped(const cleat_task *task)
{
    return cleat_task_is_workflow(task) &&
           (task->invocation->stopped != CLEAT_OK || atomic_load(&task->cancelled));
}

bool cleat__task_goes_on(const cleat_task *task)
{
    return cleat_task_is_workflow(task) && task->invocation->continued_as[0] != '\0';
}

cleat_workflow_spans cleat_task_spans(const cleat_task *task)
{
    return task != NULL && task->declaration != NULL ? task->declaration->spans : CLEAT_WORKFLOW_SPANS;
}

const char *cleat_task_machine_name(const cleat_task *task)
{
    if (task == NULL) {
        return NULL;
    }
    if (task->step_name != NULL) {
        return task->step_machine_name;
    }
    return task->declaration != NULL && task->declaration->machine_name != NULL
               ? task->declaration->machine_name
               : cleat_task_name(task);
}

const char *cleat_task_version(const cleat_task *task)
{
    return task != NULL && task->declaration != NULL ? task->declaration->version : NULL;
}
