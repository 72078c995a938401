#include "wire/report.h"

#include "base/alloc.h"
#include "base/error.h"
#include "model/json.h"
#include "wire/message.h"
#include "wire/payload.h"
#include "wire/timestamp.h"

#include <inttypes.h>

typedef Cleat__StepActionEvent event;

/* ---- Reading ---- */

static cleat_status read_attempt(const event *message, cleat__report *out)
{
    if (cleat__uuid_parse(cleat_slice_of(message->task_run_external_id), &out->task_id) != CLEAT_OK) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "task_run_external_id \"%.64s\" is no UUID",
                           message->task_run_external_id);
    }
    out->retry_count = CLEAT__RETRY_CURRENT;
    out->invocation_count = message->cleat_invocation_count;
    if (message->has_retry_count_case == 0) {
        return CLEAT_OK;
    }
    if (message->retry_count < 0) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "retry_count is %" PRId32 "; it must not be negative",
                           message->retry_count);
    }
    out->retry_count = message->retry_count;
    return CLEAT_OK;
}

/* Some send their name. */
static void read_worker(const event *message, cleat__report *out)
{
    cleat_slice who = cleat_slice_of(message->worker_id);
    if (cleat__uuid_parse(who, &out->worker_id) != CLEAT_OK) {
        out->worker_id = (cleat__uuid){{0}};
        out->worker_name = who;
    }
}

static cleat_status read_output(cleat_slice payload, cleat__report *out)
{
    cleat_status status = cleat__json_check("output", payload, false);
    if (status == CLEAT_OK) {
        out->status = CLEAT_OK;
        out->output = payload;
        return CLEAT_OK;
    }
    out->status = CLEAT_FAILED;
    if (status == CLEAT_INVALID_ARGUMENT) {
        out->error = cleat_slice_of("the task's output is not JSON, or has \\u0000 in it");
    } else if (status == CLEAT_TOO_LARGE) {
        out->error = cleat_slice_of("the task's output is larger than what is stored");
    } else {
        return status;
    }
    return CLEAT_OK;
}

cleat_status cleat__report_read(const event *message, cleat__report *out)
{
    *out = (cleat__report){0};
    cleat_status status = read_attempt(message, out);
    if (status != CLEAT_OK) {
        return status;
    }
    status = cleat__payload_metadata_of(
        (cleat_slice){(const char *)message->cleat_carrier.data, message->cleat_carrier.len}, &out->carrier);
    if (status != CLEAT_OK) {
        return status;
    }
    read_worker(message, out);
    switch ((int)message->event_type) {
    case CLEAT__STEP_ACTION_EVENT_TYPE__STEP_EVENT_TYPE_STARTED:
    case CLEAT__STEP_ACTION_EVENT_TYPE__STEP_EVENT_TYPE_ACKNOWLEDGED: return CLEAT_EMPTY;
    case CLEAT__STEP_ACTION_EVENT_TYPE__STEP_EVENT_TYPE_COMPLETED:
        return read_output(cleat_slice_of(message->event_payload), out);
    case CLEAT__STEP_ACTION_EVENT_TYPE__STEP_EVENT_TYPE_FAILED:
        out->error = cleat_slice_of(message->event_payload);
        out->status = message->has_should_not_retry_case != 0 && message->should_not_retry
                          ? CLEAT_NON_RETRYABLE
                          : CLEAT_FAILED;
        return CLEAT_OK;
    case CLEAT__STEP_ACTION_EVENT_TYPE__STEP_EVENT_TYPE_RELEASED:
        out->status = CLEAT_UNAVAILABLE;
        return CLEAT_OK;
    default:
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "event_type is %d, which ends no attempt",
                           (int)message->event_type);
    }
}

/* ---- Writing ---- */

static event *event_new(const cleat__uuid *task_id, int32_t retry_count, const cleat__event_origin *origin,
                        int64_t now_ms, bool *failed)
{
    char id[37];
    event *message = cleat__message_new(&cleat__step_action_event__descriptor);
    if (message == NULL) {
        *failed = true;
        return NULL;
    }
    cleat__uuid_format(task_id, id);
    message->worker_id = cleat__message_text(failed, origin->worker_id);
    message->job_id = cleat__message_text(failed, origin->step_id);
    message->job_run_id = cleat__message_string(failed, id);
    message->task_id = cleat__message_text(failed, origin->step_id);
    message->task_run_external_id = cleat__message_string(failed, id);
    message->action_id = cleat__message_text(failed, origin->action_id);
    message->event_timestamp = cleat__timestamp_new(failed, now_ms);
    if (retry_count >= 0) {
        message->has_retry_count_case = CLEAT__STEP_ACTION_EVENT__HAS_RETRY_COUNT_RETRY_COUNT;
        message->retry_count = retry_count;
    }
    message->has_should_not_retry_case = CLEAT__STEP_ACTION_EVENT__HAS_SHOULD_NOT_RETRY_SHOULD_NOT_RETRY;
    return message;
}

static void write_end(const cleat__report *report, bool *failed, event *message)
{
    if (report->status == CLEAT_OK) {
        cleat_slice output = report->output.data != NULL ? report->output : cleat_slice_of("null");
        message->event_type = CLEAT__STEP_ACTION_EVENT_TYPE__STEP_EVENT_TYPE_COMPLETED;
        message->event_payload = cleat__message_text(failed, output);
        return;
    }
    if (report->status == CLEAT_UNAVAILABLE) {
        message->event_type = CLEAT__STEP_ACTION_EVENT_TYPE__STEP_EVENT_TYPE_RELEASED;
        return;
    }
    cleat__buffer error = {0};
    cleat__payload_error_write(&error, report->error);
    *failed = *failed || error.failed;
    message->event_type = CLEAT__STEP_ACTION_EVENT_TYPE__STEP_EVENT_TYPE_FAILED;
    message->event_payload = cleat__message_text(failed, cleat__buffer_slice(&error));
    message->should_not_retry = report->status == CLEAT_NON_RETRYABLE;
    cleat__buffer_deinit(&error);
}

static void write_carrier(cleat_slice carrier, bool *failed, event *message)
{
    uint8_t *copy = carrier.size != 0 ? (uint8_t *)cleat__slice_dup(carrier) : NULL;
    *failed = *failed || (carrier.size != 0 && copy == NULL);
    message->cleat_carrier = (ProtobufCBinaryData){copy != NULL ? carrier.size : 0, copy};
}

event *cleat__report_write(const cleat__report *report, const cleat__event_origin *origin, int64_t now_ms,
                           cleat_status *status)
{
    bool failed = false;
    event *message = event_new(&report->task_id, report->retry_count, origin, now_ms, &failed);
    if (message != NULL) {
        write_end(report, &failed, message);
        message->cleat_invocation_count = report->invocation_count;
        write_carrier(report->carrier, &failed, message);
    }
    *status = failed ? cleat__fail_memory() : CLEAT_OK;
    if (failed) {
        cleat__message_free(message);
        message = NULL;
    }
    return message;
}

event *cleat__started_write(const cleat__uuid *task_id, int32_t retry_count,
                            const cleat__event_origin *origin, int64_t now_ms)
{
    bool failed = false;
    event *message = event_new(task_id, retry_count, origin, now_ms, &failed);
    if (message != NULL) {
        message->event_type = CLEAT__STEP_ACTION_EVENT_TYPE__STEP_EVENT_TYPE_STARTED;
        message->event_payload = cleat__message_string(&failed, "\"\""); /* JSON, as others send it */
    }
    if (failed) {
        cleat__message_free(message);
        message = NULL;
    }
    return message;
}
