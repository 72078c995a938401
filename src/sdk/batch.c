/*
 * A batch: its tasks stand in a row, each as one that is alone does, and one function is called for all. It runs in a
 * context that is none of theirs; cleat_task_attach() gives the thread that of one.
 */
#include "sdk/worker.h"

#include "base/alloc.h"
#include "base/error.h"
#include "model/json.h"

#define ERROR_MAX 65536

/* On the stack of the slot thread, as long as it is executed. */
struct cleat_batch {
    cleat_task *tasks;
    size_t count;
    char id[37];
    char *output; /* of those without an end of their own; NULL: null */
    char *error;  /* the same; NULL: the status's text */
};

struct cleat_batch_call {
    cleat__chain chain;
    cleat_batch *batch;
    cleat_status status; /* of the last proceed */
};

/* ---- What the function sees ---- */

size_t cleat_batch_count(const cleat_batch *batch)
{
    return batch != NULL ? batch->count : 0;
}

cleat_task *cleat_batch_task(cleat_batch *batch, size_t index)
{
    return batch != NULL && index < batch->count ? &batch->tasks[index] : NULL;
}

const char *cleat_batch_id(const cleat_batch *batch)
{
    return batch != NULL ? batch->id : NULL;
}

/* Assignments end strings with a NUL; what is absent in one that came alone is "". */
static const char *text_of(cleat_slice text)
{
    return text.data != NULL ? text.data : "";
}

const char *cleat_batch_key(const cleat_batch *batch)
{
    return batch != NULL ? text_of(batch->tasks[0].assignment->batch_key) : NULL;
}

const char *cleat_batch_reason(const cleat_batch *batch)
{
    return batch != NULL ? text_of(batch->tasks[0].assignment->batch_reason) : NULL;
}

bool cleat_batch_is_cancelled(const cleat_batch *batch)
{
    for (size_t i = 0; i < cleat_batch_count(batch); i++) {
        if (!cleat_task_is_cancelled(&batch->tasks[i])) {
            return false;
        }
    }
    return batch != NULL;
}

cleat_status cleat_batch_return(cleat_batch *batch, const char *json)
{
    if (batch == NULL || json == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s", batch == NULL ? "batch is NULL" : "output is NULL");
    }
    cleat_status status = cleat__json_check("output", cleat_slice_of(json), false);
    if (status != CLEAT_OK) { /* what the runs end with, when the function answers it */
        cleat__free(batch->error);
        batch->error = cleat__strdup(cleat_error_message());
    }
    char *copy = status == CLEAT_OK ? cleat__strdup(json) : NULL;
    if (copy == NULL) {
        return status == CLEAT_OK ? cleat__fail_memory() : status;
    }
    cleat__free(batch->output);
    batch->output = copy;
    return CLEAT_OK;
}

cleat_status cleat_batch_fail(cleat_batch *batch, cleat_status status, const char *format, ...)
{
    status = status != CLEAT_OK ? status : CLEAT_FAILED;
    if (batch == NULL || format == NULL) {
        return status;
    }
    va_list arguments;
    va_start(arguments, format);
    char *error = cleat__task_format(format, arguments, ERROR_MAX);
    va_end(arguments);
    cleat__free(batch->error);
    batch->error = error; /* on no memory the status's text stands */
    return status;
}

/* ---- Whose context it is ---- */

static const cleat_context_key task_key = {"cleat task of a batch"};

const cleat__task_ids *cleat__batch_task_current(void)
{
    const cleat_context *context = cleat_context_current();
    return context != NULL ? cleat_context_value(context, &task_key) : NULL;
}

/* Of what the interceptors have set, or else of where the batch runs. NULL on no memory. */
static cleat_context *own_context(const cleat_task *task)
{
    cleat__task_ids *ids = cleat__malloc(sizeof(*ids));
    if (ids == NULL) {
        return NULL;
    }
    *ids = (cleat__task_ids){task->id, cleat_task_workflow_run_id(task)};
    const cleat_context *base = task->batch_context != NULL ? task->batch_context : cleat_context_current();
    return cleat_context_with_value(base, &task_key, ids, cleat__free);
}

cleat_scope cleat_task_attach(const cleat_task *task)
{
    return cleat_context_attach(task != NULL ? atomic_load(&task->context) : NULL);
}

/* ---- The chain ---- */

cleat_batch *cleat_batch_call_batch(cleat_batch_call *call)
{
    return call != NULL ? call->batch : NULL;
}

static cleat_task *task_of(const cleat_batch_call *call, size_t index)
{
    return call != NULL ? cleat_batch_task(call->batch, index) : NULL;
}

cleat_text_map cleat_batch_call_metadata(cleat_batch_call *call, size_t index)
{
    cleat_task *task = task_of(call, index);
    return task != NULL ? cleat__metadata_reader(&task->metadata) : (cleat_text_map){0};
}

cleat_text_map cleat_batch_call_end_metadata(cleat_batch_call *call, size_t index)
{
    cleat_task *task = task_of(call, index);
    return task != NULL ? cleat__metadata_map(&task->end_metadata) : (cleat_text_map){0};
}

const cleat_context *cleat_batch_call_context(cleat_batch_call *call, size_t index)
{
    const cleat_task *task = task_of(call, index);
    return task != NULL ? task->batch_context : NULL;
}

void cleat_batch_call_set_context(cleat_batch_call *call, size_t index, const cleat_context *context)
{
    cleat_task *task = task_of(call, index);
    if (task != NULL) {
        cleat_context *former = task->batch_context;
        task->batch_context = context != NULL ? cleat_context_retain(context) : NULL;
        cleat_context_release(former);
    }
}

static cleat_status end_of(const cleat_task *task, cleat_status status)
{
    return task->has_end ? task->end : status;
}

static const char *error_of(const cleat_batch *batch, const cleat_task *task, cleat_status status)
{
    bool is_told = !task->has_end && batch->error != NULL && status != CLEAT_OK;
    return is_told ? batch->error : cleat__task_error(task, end_of(task, status));
}

cleat_status cleat_batch_call_status(const cleat_batch_call *call, size_t index)
{
    const cleat_task *task = task_of(call, index);
    return task != NULL ? end_of(task, call->status)
                        : cleat__fail(CLEAT_INVALID_ARGUMENT, "the batch has no run %zu", index);
}

const char *cleat_batch_call_error(const cleat_batch_call *call, size_t index)
{
    const cleat_task *task = task_of(call, index);
    return task != NULL ? error_of(call->batch, task, call->status) : NULL;
}

static cleat_status run_function(cleat_batch *batch)
{
    const cleat__declaration *declaration = batch->tasks[0].declaration;
    for (size_t i = 0; i < batch->count; i++) {
        /* For the canceller, and for whatever works for the task. */
        atomic_store(&batch->tasks[i].context, own_context(&batch->tasks[i]));
    }
    cleat_status status = declaration->run_batch(batch, declaration->user_data);
    for (size_t i = 0; i < batch->count; i++) {
        cleat__task_returned(&batch->tasks[i]);
    }
    return status;
}

cleat_status cleat_batch_call_proceed(cleat_batch_call *call)
{
    if (call == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "call is NULL");
    }
    cleat_status status = cleat__chain_check(&call->chain);
    if (status != CLEAT_OK) {
        return status;
    }
    const cleat_interceptor *next =
        cleat__chain_next(&call->chain, offsetof(cleat_interceptor, execute_batch));
    status = next != NULL ? next->execute_batch(next->user_data, call) : run_function(call->batch);
    call->chain.spent = true;
    call->status = status;
    return status;
}

/* ---- The whole ---- */

static void report(const cleat_batch *batch, cleat_task *task, cleat_status status)
{
    cleat__task_report(task, cleat__reported_status(end_of(task, status)),
                       task->has_end ? task->output : batch->output, error_of(batch, task, status));
}

void cleat__batch_execute(cleat_task *tasks, size_t count)
{
    cleat_batch batch = {.tasks = tasks, .count = count};
    cleat_batch_call call = {.chain = {.client = tasks[0].worker->client}, .batch = &batch};
    const cleat__assignment *first = tasks[0].assignment;
    cleat__uuid_format(cleat__uuid_is_nil(&first->batch_id) ? &first->task_id : &first->batch_id, batch.id);
    for (size_t i = 0; i < count; i++) {
        tasks[i].batch = &batch;
    }
    cleat_status status = cleat_batch_call_proceed(&call);
    for (size_t i = 0; i < count; i++) {
        report(&batch, &tasks[i], status);
        tasks[i].batch = NULL;
    }
    cleat__free(batch.output);
    cleat__free(batch.error);
}
