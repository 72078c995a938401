/* One execution of a task: interceptors, task function, report. On a slot thread. */
#include "sdk/invocation.h"

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

const char *cleat__task_error(const cleat_task *task, cleat_status status)
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

/* And the engine knows it. */
static bool is_suspended(const cleat_execute_call *call)
{
    return call->task->invocation != NULL && call->task->invocation->is_evicted;
}

const char *cleat_execute_call_error(const cleat_execute_call *call)
{
    return call != NULL && !is_suspended(call) ? cleat__task_error(call->task, call->status) : NULL;
}

bool cleat_execute_call_suspension(const cleat_execute_call *call, cleat_suspension *out)
{
    bool is = call != NULL && is_suspended(call);
    if (out != NULL) {
        *out = is ? cleat__invocation_suspension(call->task->invocation) : (cleat_suspension){0, 0, 0};
    }
    return is;
}

cleat_text_map cleat_execute_call_end_metadata(cleat_execute_call *call)
{
    return call != NULL ? cleat__metadata_map(&call->task->end_metadata) : (cleat_text_map){0};
}

static _Thread_local const cleat_task *current;

bool cleat__task_current(cleat__task_ids *out)
{
    const cleat__task_ids *of_batch = cleat__batch_task_current();
    if (of_batch != NULL) {
        *out = *of_batch;
    } else if (current != NULL) {
        *out = (cleat__task_ids){current->id, cleat_task_workflow_run_id(current)};
    }
    return of_batch != NULL || current != NULL;
}

cleat_status cleat__task_call(cleat_task *task, cleat_task_function run, void *user_data)
{
    const cleat_task *outer = current;
    /* For the canceller, and for threads of the task that spawn. */
    atomic_store(&task->context, cleat_context_capture());
    current = task;
    cleat_status status = run(task, user_data);
    current = outer;
    cleat__task_returned(task);
    return status;
}

static cleat_status run_function(cleat_task *task)
{
    return task->invocation != NULL
               ? cleat__workflow_run(task->invocation)
               : cleat__task_call(task, task->declaration->run, task->declaration->user_data);
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

/* CLEAT_UNAVAILABLE in a report would mean that it is given back. Calls that have changed stay so. */
cleat_status cleat__reported_status(cleat_status status)
{
    switch (status) {
    case CLEAT_OK: return CLEAT_OK;
    case CLEAT_NON_RETRYABLE:
    case CLEAT_NON_DETERMINISTIC: return CLEAT_NON_RETRYABLE;
    default: return CLEAT_FAILED;
    }
}

/* What cannot be told of it is no part of its end. */
static cleat_slice carrier_of(cleat_task *task)
{
    cleat_slice text;
    return cleat__metadata_text(&task->end_metadata, &text) == CLEAT_OK ? text : (cleat_slice){NULL, 0};
}

void cleat__task_report(cleat_task *task, cleat_status status, const char *output, const char *error)
{
    static cleat__log_site site;
    if (atomic_load(&task->worker->abandoned)) {
        return;
    }
    cleat__transport *transport = task->worker->client->transport;
    const cleat__report report = {
        .task_id = task->assignment->task_id,
        .retry_count = task->assignment->retry_count,
        .status = status,
        .output = cleat_slice_of(output != NULL ? output : "null"),
        .error = cleat_slice_of(error),
        .invocation_count = task->assignment->invocation_count,
        .carrier = carrier_of(task),
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
        const char *kind = cleat__uuid_is_nil(&task->assignment->run_id) ? "" : " of a workflow of several";
        return cleat_task_fail(task, CLEAT_FAILED, "this worker has no task \"%.*s\"%s",
                               CLEAT_SLICE_ARGS(task->assignment->task), kind);
    }
    return cleat_execute_call_proceed(&call);
}

/* It broke off since its worker cannot wait: no failure, and another worker goes on. If the run was cancelled as
 * well, the engine knows. */
static bool is_given_back(const cleat__invocation *it, cleat_status status)
{
    cleat_worker *worker = it->task->worker;
    if (it->stopped != CLEAT_CANCELLED && (it->stopped != CLEAT_OK || status != CLEAT_CANCELLED)) {
        return false;
    }
    pthread_mutex_lock(&worker->mutex);
    bool is_in_a_hurry = worker->impatient;
    pthread_mutex_unlock(&worker->mutex);
    return is_in_a_hurry;
}

/* What was evicted has nothing to report: whoever has the run next goes on with it. */
static void execute_workflow(cleat_task *task)
{
    cleat__invocation invocation;
    cleat_status status = cleat__invocation_init(&invocation, task);
    if (status == CLEAT_OK) {
        status = execute(task);
    } else {
        (void)cleat_task_fail(task, status, "its version could not be looked up: %s", cleat_error_message());
    }
    if (is_given_back(&invocation, status)) {
        cleat__task_report(task, CLEAT_UNAVAILABLE, NULL, NULL);
    } else if (!invocation.is_evicted) {
        cleat__task_report(task, cleat__reported_status(status), task->output,
                           cleat__task_error(task, status));
    }
    cleat__invocation_deinit(&invocation);
}

static void format_id(const cleat__uuid *id, cleat_run_id *text)
{
    if (!cleat__uuid_is_nil(id)) {
        cleat__uuid_format(id, text->text);
    }
}

/* A task "mail:send" and the task "send" of a workflow "mail" of several have one action, so that a worker of the one may
 * get runs of the other. A workflow of several may have had one task before, whose runs are like those of a task; and
 * "mail:mail" is the task of a workflow "mail" of one. */
static bool is_of_kind(const cleat__declaration *declaration, const cleat__assignment *assignment)
{
    bool is_one_of_several = !cleat__uuid_is_nil(&assignment->run_id);
    cleat_slice action = assignment->task, name = cleat__action_task(action);
    bool is_alone = action.size == 2 * name.size + 1 && memcmp(action.data, name.data, name.size) == 0;
    return declaration->of != NULL || !is_one_of_several || is_alone;
}

void cleat__task_prepare(cleat_task *task)
{
    const cleat__assignment *assignment = task->assignment;
    const cleat__declaration *found = cleat__map_get(&task->worker->by_action, assignment->task);
    task->declaration = found != NULL && is_of_kind(found, assignment) ? found : NULL;
    cleat__metadata_init(&task->metadata, assignment->metadata);
    cleat__task_read_errors(task);
    format_id(&assignment->tenant_id, &task->tenant_id);
    format_id(&assignment->workflow_id, &task->workflow_id);
    format_id(&assignment->version_id, &task->version_id);
    format_id(&assignment->step_id, &task->step_id);
    cleat__transport *transport = task->worker->client->transport;
    if (transport->begin != NULL && !atomic_load(&task->worker->abandoned)) {
        transport->begin(transport, &assignment->task_id, assignment->retry_count);
    }
}

/* It is of a version from before: it has no log, and the function cannot do without. */
static bool is_older_than_workflow(const cleat_task *task)
{
    return task->declaration != NULL && task->declaration->is_workflow &&
           task->assignment->invocation_count == 0;
}

static void refuse_older(cleat_task *task)
{
    cleat_status status = cleat_task_fail(task, CLEAT_NON_RETRYABLE,
                                          "run %s was started when \"%s\" was a task, and here it is a "
                                          "workflow: start it anew",
                                          task->id.text, cleat_task_name(task));
    cleat__task_report(task, status, NULL, cleat__task_error(task, status));
}

void cleat__task_execute(cleat_task *task)
{
    if (task->declaration != NULL && task->declaration->run_batch != NULL) {
        cleat__batch_execute(task, 1); /* it was started in an older version */
        return;
    }
    if (is_older_than_workflow(task)) {
        refuse_older(task);
        return;
    }
    if (task->declaration != NULL && task->declaration->is_workflow) {
        execute_workflow(task);
        return;
    }
    cleat_status status = execute(task);
    cleat__task_report(task, cleat__reported_status(status), task->output, cleat__task_error(task, status));
}
