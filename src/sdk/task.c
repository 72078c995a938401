/* What a task function can do while it runs. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "model/json.h"
#include "sdk/invocation.h"
#include "sdk/trigger.h"

#include <stdio.h>

#define ERROR_MAX 65536

/* ---- What it was given ---- */

cleat_slice cleat_task_input(const cleat_task *task)
{
    if (task == NULL) {
        return (cleat_slice){NULL, 0};
    }
    return task->step_name != NULL ? task->step_input : task->assignment->input;
}

cleat_slice cleat_task_metadata(const cleat_task *task)
{
    if (task == NULL) {
        return (cleat_slice){NULL, 0};
    }
    return task->assignment->metadata.size > 0 ? task->assignment->metadata : cleat_slice_of("{}");
}

const char *cleat_task_name(const cleat_task *task)
{
    return task != NULL ? task->assignment->task.data : NULL; /* assignments end strings with a NUL */
}

cleat_run_id cleat_task_run_id(const cleat_task *task)
{
    return task != NULL ? task->id : (cleat_run_id){""};
}

cleat_run_id cleat_task_workflow_run_id(const cleat_task *task)
{
    if (task == NULL) {
        return (cleat_run_id){""};
    }
    return task->workflow_run_id.text[0] != '\0' ? task->workflow_run_id : task->id;
}

int cleat_task_retry_count(const cleat_task *task)
{
    if (task == NULL) {
        return 0;
    }
    if (task->step_name != NULL) {
        return task->step_attempt - 1;
    }
    return task->assignment->retry_count > 0 ? task->assignment->retry_count : 0; /* it may not be told */
}

const char *cleat_task_worker_id(const cleat_task *task)
{
    return task != NULL ? task->worker->id_text : NULL;
}

static const char *id_text(const cleat_run_id *id)
{
    return id != NULL && id->text[0] != '\0' ? id->text : NULL;
}

const char *cleat_task_tenant_id(const cleat_task *task)
{
    return id_text(task != NULL ? &task->tenant_id : NULL);
}

const char *cleat_task_workflow_id(const cleat_task *task)
{
    return id_text(task != NULL ? &task->workflow_id : NULL);
}

const char *cleat_task_workflow_version_id(const cleat_task *task)
{
    return id_text(task != NULL ? &task->version_id : NULL);
}

const char *cleat_task_step_id(const cleat_task *task)
{
    return id_text(task != NULL ? &task->step_id : NULL);
}

bool cleat_task_parent_run_id(const cleat_task *task, cleat_run_id *id)
{
    bool is_child = task != NULL && task->assignment->is_child;
    if (id != NULL) {
        *id = is_child ? task->parent_id : (cleat_run_id){""};
    }
    return is_child;
}

int64_t cleat_task_child_index(const cleat_task *task)
{
    return task != NULL && task->assignment->is_child ? task->assignment->child_index : -1;
}

const char *cleat_task_child_key(const cleat_task *task)
{
    return task != NULL && task->assignment->child_key.size > 0 ? task->assignment->child_key.data : NULL;
}

cleat_client *cleat_task_client(const cleat_task *task)
{
    return task != NULL ? task->worker->client : NULL;
}

int cleat_task_priority(const cleat_task *task)
{
    return task != NULL ? task->assignment->priority : 0;
}

const char *cleat_task_event_key(const cleat_task *task)
{
    return task != NULL && task->assignment->event_key.size > 0 ? task->assignment->event_key.data : NULL;
}

const char *cleat_task_event_id(const cleat_task *task)
{
    return task != NULL && task->event_id[0] != '\0' ? task->event_id : NULL;
}

cleat_slice cleat_task_filter_payload(const cleat_task *task)
{
    return task != NULL ? task->assignment->filter_payload : (cleat_slice){NULL, 0};
}

bool cleat_task_is_cancelled(const cleat_task *task)
{
    if (task == NULL || atomic_load(&task->cancelled)) {
        return task != NULL;
    }
    return task->deadline_ns != INT64_MAX && cleat__clock_monotonic_ns(NULL) >= task->deadline_ns;
}

/* ---- What it gives back ---- */

char *cleat__task_format(const char *format, va_list arguments, size_t max)
{
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    size_t size = length > 0 ? (size_t)length : 0;
    char *text = cleat__malloc(size + 1);
    if (text == NULL) {
        return NULL;
    }
    (void)vsnprintf(text, size + 1, format, arguments);
    if (size > max) {
        for (size = max; size > 0 && ((unsigned char)text[size] & 0xC0) == 0x80; size--) {
        }
    }
    text[size] = '\0';
    return text;
}

/* Keeps why an output was refused: a task that ends with it fails with these words. */
static cleat_status refuse_output(cleat_task *task, cleat_status status)
{
    cleat__free(task->return_error);
    task->return_error = cleat__strdup(cleat_error_message());
    task->return_error_status = status;
    task->has_end = true;
    task->end = status;
    return status;
}

/* Consumes `json`. */
static cleat_status take_output(cleat_task *task, char *json)
{
    cleat_status status =
        json != NULL ? cleat__json_check("output", cleat_slice_of(json), false) : cleat__fail_memory();
    if (status != CLEAT_OK) {
        cleat__free(json);
        return refuse_output(task, status);
    }
    cleat__free(task->output);
    cleat__free(task->return_error);
    task->return_error = NULL;
    task->output = json;
    task->has_end = true;
    task->end = CLEAT_OK;
    return CLEAT_OK;
}

cleat_status cleat_task_return(cleat_task *task, const char *json)
{
    if (task == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "task is NULL");
    }
    if (json == NULL) {
        return refuse_output(task, cleat__fail(CLEAT_INVALID_ARGUMENT, "output is NULL: it must be JSON"));
    }
    return take_output(task, cleat__strdup(json));
}

cleat_status cleat_task_return_format(cleat_task *task, const char *format, ...)
{
    if (task == NULL || format == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s is NULL", task == NULL ? "task" : "format");
    }
    va_list arguments;
    va_start(arguments, format);
    char *json = cleat__task_format(format, arguments, SIZE_MAX);
    va_end(arguments);
    return take_output(task, json);
}

cleat_status cleat_task_fail(cleat_task *task, cleat_status status, const char *format, ...)
{
    status = status != CLEAT_OK ? status : CLEAT_FAILED;
    if (task == NULL || format == NULL) {
        return status;
    }
    va_list arguments;
    va_start(arguments, format);
    char *error = cleat__task_format(format, arguments, ERROR_MAX);
    va_end(arguments);
    cleat__free(task->error);
    task->error = error; /* on no memory the status's text stands */
    task->has_end = true;
    task->end = status;
    return status;
}

/* ---- While it runs ---- */

cleat_status cleat__task_check_alive(const cleat_task *task)
{
    if (task == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "task is NULL");
    }
    if (atomic_load(&task->worker->abandoned)) {
        return cleat__fail(CLEAT_UNAVAILABLE, "the worker was freed while the task ran");
    }
    return CLEAT_OK;
}

/* Made once; of two threads that make it at the same time the first wins. */
static const char *child_metadata(cleat_task *task)
{
    char *made = atomic_load(&task->child_metadata);
    if (made != NULL) {
        return made;
    }
    const cleat_run_id workflow_run = cleat_task_workflow_run_id(task);
    char *mine = cleat__metadata_for_children(task->assignment->metadata, workflow_run.text, task->id.text);
    if (mine != NULL && !atomic_compare_exchange_strong(&task->child_metadata, &made, mine)) {
        cleat__free(mine);
        return made;
    }
    return mine;
}

cleat_status cleat__task_spawn(cleat_task *task, bool many, const cleat_run_item *items, size_t count,
                               cleat_run_id *ids, const cleat__spawning *spawning)
{
    cleat_status status = cleat__task_check_alive(task);
    if (status != CLEAT_OK) {
        return status;
    }
    const cleat__trigger_parent parent = {
        .id = task->assignment->task_id,
        .workflow_run_id = task->assignment->run_id,
        .run_id = task->id.text,
        .metadata = child_metadata(task),
        .worker_id = task->worker->id,
        .children = &task->children,
    };
    if (parent.metadata == NULL) {
        return cleat__fail_memory();
    }
    const cleat__trigger_request request = {
        .client = task->worker->client,
        .many = many,
        .items = items,
        .count = count,
        .parent = &parent,
        .ids = ids,
        .keep = spawning != NULL ? spawning->keep : NULL,
        .keep_self = spawning != NULL ? spawning->self : NULL,
        .is_replay = spawning != NULL && spawning->is_replay,
        .is_asked = spawning != NULL ? spawning->is_asked : NULL,
        .goes_on = spawning != NULL && spawning->goes_on,
    };
    /* On a thread of the user's own without a context the task's stands in, so that the child is
     * tied to this run all the same; and so it does on one that works for a batch, or another task of it. */
    const cleat__task_ids *attached = task->batch != NULL ? cleat__batch_task_current() : NULL;
    bool foreign =
        cleat_context_current() == NULL ||
        (task->batch != NULL && (attached == NULL || strcmp(attached->task.text, task->id.text) != 0));
    cleat_scope scope = {NULL, 0};
    if (foreign) {
        scope = cleat_context_attach(atomic_load(&task->context));
    }
    status = cleat__client_trigger(&request);
    if (foreign) {
        (void)cleat_scope_detach(scope);
    }
    return status;
}

static cleat_status spawn(cleat_task *task, bool many, const cleat_run_item *items, size_t count,
                          cleat_run_id *ids)
{
    if (task != NULL && task->step_name != NULL) {
        return cleat__fail(
            CLEAT_FAILED_PRECONDITION,
            "inside the step \"%s\": let the function of the workflow start runs by cleat_spawn()",
            task->step_name);
    }
    return cleat_task_is_workflow(task) ? cleat__workflow_spawn_now(task, many, items, count, ids)
                                        : cleat__task_spawn(task, many, items, count, ids, NULL);
}

cleat_status cleat_task_spawn(cleat_task *task, const char *name, const char *input,
                              const cleat_run_options *options, cleat_run_id *id)
{
    const cleat_run_item item = {name, input, options};
    return spawn(task, false, &item, 1, id);
}

cleat_status cleat_task_spawn_many(cleat_task *task, const cleat_run_item *items, size_t count,
                                   cleat_run_id *ids)
{
    return spawn(task, true, items, count, ids);
}
