/* One execution of a task: interceptors, task function, report. On a slot thread. */
#include "sdk/worker.h"

#include "base/error.h"
#include "base/log.h"

struct cleat_execute_call {
    cleat__chain chain;
    cleat_task *task;
    cleat_status status; /* of the last proceed */
};

cleat_task *cleat_execute_call_task(cleat_execute_call *call)
{
    return call != NULL ? call->task : NULL;
}

cleat_text_map cleat_execute_call_metadata(cleat_execute_call *call)
{
    return call != NULL ? cleat__metadata_reader(&call->task->metadata) : (cleat_text_map){0};
}

/* The task's own words, else why its output was refused, else the status's text. */
static const char *error_of(const cleat_task *task, cleat_status status)
{
    if (status == CLEAT_OK) {
        return NULL;
    }
    if (task->error != NULL) {
        return task->error;
    }
    if (task->return_error != NULL && task->return_error_status == status) {
        return task->return_error;
    }
    return cleat_status_text(status);
}

const char *cleat_execute_call_error(const cleat_execute_call *call)
{
    return call != NULL ? error_of(call->task, call->status) : NULL;
}

static _Thread_local const cleat_task *current;

const cleat_run_id *cleat__task_current(void)
{
    return current != NULL ? &current->id : NULL;
}

static cleat_status run_function(cleat_task *task)
{
    /* For the canceller, and for threads of the task that spawn. */
    atomic_store(&task->context, cleat_context_capture());
    current = task;
    cleat_status status = task->declaration->run(task, task->declaration->user_data);
    current = NULL;
    cleat__task_returned(task);
    return status;
}

cleat_status cleat_execute_call_proceed(cleat_execute_call *call)
{
    if (call == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "call is NULL");
    }
    cleat_status status = cleat__chain_check(&call->chain);
    if (status != CLEAT_OK) {
        return status;
    }
    const cleat_interceptor *next = cleat__chain_next(&call->chain, offsetof(cleat_interceptor, execute));
    status = next != NULL ? next->execute(next->user_data, call) : run_function(call->task);
    call->chain.spent = true;
    call->status = status;
    return status;
}

/* CLEAT_UNAVAILABLE in a report would mean that the task was never begun. */
static cleat_status reported_status(cleat_status status)
{
    return status == CLEAT_OK || status == CLEAT_NON_RETRYABLE ? status : CLEAT_FAILED;
}

static void send_report(const cleat_task *task, cleat_status status, const char *error)
{
    static cleat__log_site site;
    if (atomic_load(&task->worker->abandoned)) {
        return;
    }
    cleat__transport *transport = task->worker->client->transport;
    const cleat__report report = {
        .task_id = task->assignment->task_id,
        .retry_count = task->assignment->retry_count,
        .status = reported_status(status),
        .output = cleat_slice_of(task->output != NULL ? task->output : "null"),
        .error = cleat_slice_of(error),
    };
    cleat_status sent = transport->report(transport, &report);
    if (sent != CLEAT_OK) {
        cleat__log_limited(&site, CLEAT_LOG_ERROR, "the end of run %s could not be recorded: %s",
                           task->id.text, cleat_error_message());
    }
}

static cleat_status execute(cleat_task *task)
{
    cleat_execute_call call = {.chain = {.client = task->worker->client}, .task = task};
    if (task->declaration == NULL) {
        return cleat_task_fail(task, CLEAT_FAILED, "this worker has no task \"%.*s\"",
                               CLEAT_SLICE_ARGS(task->assignment->task));
    }
    return cleat_execute_call_proceed(&call);
}

static void format_id(const cleat__uuid *id, cleat_run_id *text)
{
    if (!cleat__uuid_is_nil(id)) {
        cleat__uuid_format(id, text->text);
    }
}

void cleat__task_execute(cleat_task *task)
{
    const cleat__assignment *assignment = task->assignment;
    task->declaration = cleat__map_get(&task->worker->by_action, assignment->task);
    cleat__metadata_init(&task->metadata, assignment->metadata);
    format_id(&assignment->tenant_id, &task->tenant_id);
    format_id(&assignment->workflow_id, &task->workflow_id);
    format_id(&assignment->version_id, &task->version_id);
    format_id(&assignment->step_id, &task->step_id);
    cleat__transport *transport = task->worker->client->transport;
    if (transport->begin != NULL && !atomic_load(&task->worker->abandoned)) {
        transport->begin(transport, &assignment->task_id, assignment->retry_count);
    }
    cleat_status status = execute(task);
    send_report(task, status, error_of(task, status));
}
