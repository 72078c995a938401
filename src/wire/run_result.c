#include "wire/run_result.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/uuid.h"
#include "model/json.h"
#include "wire/message.h"
#include "wire/payload.h"
#include "wire/timestamp.h"

/* ---- Writing ---- */

static void write_error(Cleat__StepRunResult *to, bool *failed, const char *error)
{
    to->has_error_case = CLEAT__STEP_RUN_RESULT__HAS_ERROR_ERROR;
    to->error = cleat__message_string(failed, error);
}

static Cleat__StepRunResult *result_new(const cleat_run_result *result, cleat_slice task_name, bool *failed)
{
    Cleat__StepRunResult *message = cleat__message_new(&cleat__step_run_result__descriptor);
    if (message == NULL) {
        *failed = true;
        return NULL;
    }
    message->task_run_external_id = cleat__message_string(failed, result->id.text);
    message->job_run_id = cleat__message_string(failed, result->id.text);
    message->task_name = cleat__message_text(failed, task_name);
    if (result->status == CLEAT_RUN_COMPLETED) {
        message->has_output_case = CLEAT__STEP_RUN_RESULT__HAS_OUTPUT_OUTPUT;
        message->output = cleat__message_string(failed, result->output != NULL ? result->output : "null");
    } else if (result->status == CLEAT_RUN_CANCELLED) {
        write_error(message, failed, ""); /* there and empty is what says so */
    } else if (result->error == NULL || result->error[0] == '\0') {
        write_error(message, failed, "failed"); /* empty would say that it was cancelled */
    } else if (strlen(result->error) > CLEAT__RESULTS_MAX) {
        write_error(message, failed, "the task failed; its error is too large to be sent");
    } else {
        write_error(message, failed, result->error);
    }
    return message;
}

static bool is_too_large(const cleat_run_result *result)
{
    return result->status == CLEAT_RUN_COMPLETED && result->output != NULL &&
           strlen(result->output) > CLEAT__RESULTS_MAX;
}

/* With room for `count` results. NULL on no memory. */
static Cleat__WorkflowRunEvent *event_new(const cleat_run_result *result, size_t count, int64_t now_ms,
                                          bool *failed)
{
    Cleat__WorkflowRunEvent *message = cleat__message_new(&cleat__workflow_run_event__descriptor);
    if (message == NULL) {
        *failed = true;
        return NULL;
    }
    message->workflow_run_id = cleat__message_string(failed, result->id.text);
    message->event_type = CLEAT__WORKFLOW_RUN_EVENT_TYPE__WORKFLOW_RUN_EVENT_TYPE_FINISHED;
    message->event_timestamp = cleat__timestamp_new(failed, now_ms);
    message->results = count != 0 ? cleat__calloc(count, sizeof(message->results[0])) : NULL;
    *failed = *failed || (count != 0 && message->results == NULL);
    return message;
}

static void add_result(Cleat__WorkflowRunEvent *message, const cleat_run_result *result,
                       cleat_slice task_name, bool *failed)
{
    Cleat__StepRunResult *added = *failed ? NULL : result_new(result, task_name, failed);
    if (added != NULL) {
        message->results[message->n_results++] = added;
    }
}

static Cleat__WorkflowRunEvent *finished(Cleat__WorkflowRunEvent *message, bool failed)
{
    if (failed) {
        cleat__message_free(message);
        return NULL;
    }
    return message;
}

Cleat__WorkflowRunEvent *cleat__run_result_write(const cleat_run_result *result, cleat_slice task_name,
                                                 int64_t now_ms)
{
    bool failed = false;
    Cleat__WorkflowRunEvent *message = event_new(result, 1, now_ms, &failed);
    if (!is_too_large(result)) {
        add_result(message, result, task_name, &failed);
    }
    return finished(message, failed);
}

Cleat__WorkflowRunEvent *cleat__run_results_write(const cleat_run_result *result,
                                                  const cleat__task_results *tasks, int64_t now_ms)
{
    bool failed = false;
    /* What was made is too large, but not how it has failed. */
    bool is_error_alone = tasks->is_too_large && result->status != CLEAT_RUN_COMPLETED;
    Cleat__WorkflowRunEvent *message = event_new(result, tasks->count + is_error_alone, now_ms, &failed);
    if (is_error_alone) {
        add_result(message, result, cleat_slice_of(""), &failed);
    }
    for (size_t i = 0; i < tasks->count; i++) {
        add_result(message, &tasks->items[i].result, cleat_slice_of(tasks->items[i].name), &failed);
    }
    return finished(message, failed);
}

/* ---- Reading ---- */

/* Whose end it is. */
static const char *run_of(const Cleat__WorkflowRunEvent *message)
{
    bool is_another = message->cleat_ended_run_id[0] != '\0';
    return is_another ? message->cleat_ended_run_id : message->workflow_run_id;
}

static cleat_status read_id(const Cleat__WorkflowRunEvent *message, cleat_run_result *out)
{
    const char *text = run_of(message);
    cleat__uuid id;
    if (cleat__uuid_parse(cleat_slice_of(text), &id) != CLEAT_OK) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "workflow_run_id \"%.64s\" is no UUID", text);
    }
    if (message->event_type != CLEAT__WORKFLOW_RUN_EVENT_TYPE__WORKFLOW_RUN_EVENT_TYPE_FINISHED) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "event_type is %d, which ends no run",
                           (int)message->event_type);
    }
    if (message->n_results == 0) {
        return cleat__fail(CLEAT_TOO_LARGE, "run %s ended, but its results are too large to be sent", text);
    }
    cleat__uuid_format(&id, out->id.text);
    return CLEAT_OK;
}

/* The first error that is not empty; NULL: none. `*was_cancelled`: one is there and empty. */
static const char *find_error(const Cleat__WorkflowRunEvent *message, bool *was_cancelled)
{
    *was_cancelled = false;
    for (size_t i = 0; i < message->n_results; i++) {
        const Cleat__StepRunResult *result = message->results[i];
        if (result->has_error_case != 0 && result->error[0] != '\0') {
            return result->error;
        }
        *was_cancelled = *was_cancelled || result->has_error_case != 0;
    }
    return NULL;
}

static cleat_status append_output(cleat__buffer *out, const Cleat__StepRunResult *result)
{
    bool has_output = result->has_output_case != 0 && result->output[0] != '\0';
    cleat_slice output = cleat_slice_of(has_output ? result->output : "{}");
    cleat__buffer_append_slice(out, output);
    return cleat__json_check("output", output, false);
}

/* A run of one task has its id; what has none of its own is taken for that. */
static bool is_the_run(const Cleat__WorkflowRunEvent *message, const Cleat__StepRunResult *result)
{
    return result->task_run_external_id[0] == '\0' ||
           strcmp(result->task_run_external_id, run_of(message)) == 0;
}

static cleat_status append_outputs(cleat__buffer *out, const Cleat__WorkflowRunEvent *message)
{
    if (message->n_results == 1 && is_the_run(message, message->results[0])) {
        return append_output(out, message->results[0]);
    }
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; i < message->n_results && status == CLEAT_OK; i++) {
        cleat__buffer_append_byte(out, i == 0 ? '{' : ',');
        cleat__buffer_append_json(out, cleat_slice_of(message->results[i]->task_name));
        cleat__buffer_append_byte(out, ':');
        status = append_output(out, message->results[i]);
    }
    cleat__buffer_append_byte(out, '}');
    return status;
}

static cleat_status read_outputs(const Cleat__WorkflowRunEvent *message, cleat_run_result *out)
{
    cleat__buffer output = {0};
    cleat_status status = append_outputs(&output, message);
    if (status != CLEAT_OK) {
        cleat__buffer_deinit(&output);
        return status;
    }
    out->output = cleat__buffer_take_string(&output);
    return out->output != NULL ? CLEAT_OK : cleat__fail_memory();
}

cleat_status cleat__run_result_read(const Cleat__WorkflowRunEvent *message, cleat_run_result *out)
{
    *out = (cleat_run_result){.status = CLEAT_RUN_COMPLETED};
    cleat_status status = read_id(message, out);
    if (status != CLEAT_OK) {
        return status;
    }
    bool was_cancelled;
    const char *error = find_error(message, &was_cancelled);
    if (error != NULL) {
        out->status = CLEAT_RUN_FAILED;
        out->error = cleat__payload_error_read(cleat_slice_of(error));
        return out->error != NULL ? CLEAT_OK : cleat__fail_memory();
    }
    if (was_cancelled) {
        out->status = CLEAT_RUN_CANCELLED;
        return CLEAT_OK;
    }
    return read_outputs(message, out);
}

/* ---- Statuses ---- */

cleat_status cleat__run_status_read(Cleat__V1__RunStatus wire, cleat_run_status *out)
{
    switch ((int)wire) {
    case CLEAT__V1__RUN_STATUS__QUEUED: *out = CLEAT_RUN_QUEUED; return CLEAT_OK;
    case CLEAT__V1__RUN_STATUS__RUNNING: *out = CLEAT_RUN_RUNNING; return CLEAT_OK;
    case CLEAT__V1__RUN_STATUS__EVICTED: *out = CLEAT_RUN_EVICTED; return CLEAT_OK;
    case CLEAT__V1__RUN_STATUS__COMPLETED: *out = CLEAT_RUN_COMPLETED; return CLEAT_OK;
    case CLEAT__V1__RUN_STATUS__FAILED: *out = CLEAT_RUN_FAILED; return CLEAT_OK;
    case CLEAT__V1__RUN_STATUS__CANCELLED: *out = CLEAT_RUN_CANCELLED; return CLEAT_OK;
    default: return cleat__fail(CLEAT_INVALID_ARGUMENT, "%d is no status of a run", (int)wire);
    }
}

Cleat__V1__RunStatus cleat__run_status_write(cleat_run_status status)
{
    switch (status) {
    case CLEAT_RUN_QUEUED: return CLEAT__V1__RUN_STATUS__QUEUED;
    case CLEAT_RUN_RUNNING: return CLEAT__V1__RUN_STATUS__RUNNING;
    case CLEAT_RUN_COMPLETED: return CLEAT__V1__RUN_STATUS__COMPLETED;
    case CLEAT_RUN_FAILED: return CLEAT__V1__RUN_STATUS__FAILED;
    case CLEAT_RUN_EVICTED: return CLEAT__V1__RUN_STATUS__EVICTED;
    case CLEAT_RUN_CANCELLED: break;
    }
    return CLEAT__V1__RUN_STATUS__CANCELLED;
}
