/* What a server is sent: the input is read as each request. What is accepted keeps the rules. */
#include "wire.h"

#include "model/duration.h"
#include "model/json.h"
#include "wire/dispatcher.pb-c.h"
#include "wire/durable_write.h"
#include "wire/workflow_v0.h"
#include "wire/log_line.h"
#include "wire/report.h"
#include "wire/schedule.h"
#include "wire/trigger.h"
#include "wire/v1/dispatcher.pb-c.h"
#include "wire/v1/workflows.pb-c.h"
#include "wire/worker.h"
#include "wire/workflow.h"
#include "wire/workflows.pb-c.h"

static void read_trigger(const Cleat__V1__TriggerWorkflowRequest *message)
{
    cleat__trigger trigger, again;
    if (cleat__trigger_read(message, &trigger) != CLEAT_OK) {
        cleat__trigger_read_end(&trigger);
        return;
    }
    check(cleat__json_check("input", trigger.input, false) == CLEAT_OK);
    check(trigger.metadata.data == NULL || cleat__json_check("metadata", trigger.metadata, true) == CLEAT_OK);
    check(trigger.priority >= 0 && trigger.priority <= 3 && trigger.child_index >= 0);
    Cleat__V1__TriggerWorkflowRequest *written = cleat__trigger_write(&trigger);
    check(written != NULL);
    check(cleat__trigger_read(written, &again) == CLEAT_OK);
    check(fuzz_slice_equals(trigger.input, again.input));
    check(fuzz_slice_equals(trigger.metadata, again.metadata));
    check(fuzz_slice_equals(trigger.child_key, again.child_key));
    check(trigger.is_child == again.is_child && trigger.priority == again.priority);
    check(trigger.label_count == again.label_count);
    cleat__trigger_read_end(&again);
    cleat__message_free(written);
    cleat__trigger_read_end(&trigger);
}

static void read_triggers(cleat_slice input)
{
    Cleat__BulkTriggerWorkflowRequest *bulk =
        fuzz_unpack(&cleat__bulk_trigger_workflow_request__descriptor, input);
    for (size_t i = 0; bulk != NULL && i < bulk->n_workflows; i++) {
        read_trigger(bulk->workflows[i]);
    }
    cleat__message_free(bulk);
    Cleat__V1__TriggerWorkflowRequest *one =
        fuzz_unpack(&cleat__v1__trigger_workflow_request__descriptor, input);
    if (one != NULL) {
        read_trigger(one);
    }
    cleat__message_free(one);
    Cleat__V1__TriggerWorkflowRunRequest *run =
        fuzz_unpack(&cleat__v1__trigger_workflow_run_request__descriptor, input);
    cleat__trigger trigger;
    if (run != NULL && cleat__trigger_run_read(run, &trigger) == CLEAT_OK) {
        check(cleat__json_check("input", trigger.input, false) == CLEAT_OK && !trigger.is_child);
        cleat__trigger_read_end(&trigger);
    }
    cleat__message_free(run);
}

/* What passes both looks can be stored and read again. */
static void check_workflow(cleat_status status, cleat__workflow *workflow)
{
    if (status == CLEAT_OK && cleat__workflow_check(workflow) == CLEAT_OK) {
        cleat__buffer text = {0};
        cleat__needs *needs = NULL;
        cleat__workflow_encode(workflow, &text);
        check(cleat__needs_decode(cleat__buffer_slice(&text), &needs) == CLEAT_OK);
        cleat__needs_free(needs);
        cleat__buffer_deinit(&text);
    }
    cleat__workflow_read_end(workflow);
}

static void read_workflow(cleat_slice input)
{
    cleat__workflow workflow;
    Cleat__V1__CreateWorkflowVersionRequest *message =
        fuzz_unpack(&cleat__v1__create_workflow_version_request__descriptor, input);
    if (message != NULL) {
        check_workflow(cleat__workflow_read(message, &workflow), &workflow);
    }
    cleat__message_free(message);
    Cleat__PutWorkflowRequest *jobs = fuzz_unpack(&cleat__put_workflow_request__descriptor, input);
    if (jobs != NULL) {
        check_workflow(cleat__workflow_read_v0(jobs, &workflow), &workflow);
    }
    cleat__message_free(jobs);
}

static void read_schedule(cleat_slice input)
{
    cleat__schedule schedule;
    Cleat__ScheduleWorkflowRequest *message =
        fuzz_unpack(&cleat__schedule_workflow_request__descriptor, input);
    int64_t *at_ms = message != NULL ? calloc(message->n_schedules + 1, sizeof(*at_ms)) : NULL;
    if (at_ms != NULL && cleat__schedule_read(message, &schedule, at_ms) == CLEAT_OK) {
        check(cleat__json_check("input", schedule.input, false) == CLEAT_OK);
        check(schedule.priority >= 0 && schedule.priority <= 3);
    }
    free(at_ms);
    cleat__message_free(message);
}

static void read_worker(cleat_slice input)
{
    cleat__worker_spec spec;
    Cleat__WorkerRegisterRequest *message = fuzz_unpack(&cleat__worker_register_request__descriptor, input);
    if (message != NULL) {
        cleat_status status = cleat__worker_read(message, &spec);
        if (status == CLEAT_OK && cleat__worker_check(&spec) == CLEAT_OK) {
            check(spec.runtime.data == NULL || cleat__json_check("runtime", spec.runtime, true) == CLEAT_OK);
        }
        cleat__worker_read_end(&spec);
    }
    cleat__message_free(message);
}

static void read_event(cleat_slice input)
{
    cleat__report report;
    Cleat__StepActionEvent *message = fuzz_unpack(&cleat__step_action_event__descriptor, input);
    if (message != NULL && cleat__report_read(message, &report) == CLEAT_OK) {
        check(report.retry_count >= 0 || report.retry_count == CLEAT__RETRY_CURRENT);
        check(report.status != CLEAT_OK || cleat__json_check("output", report.output, false) == CLEAT_OK);
        bool is_failure = report.status != CLEAT_OK && report.status != CLEAT_UNAVAILABLE; /* or released */
        check(is_failure == (report.error.data != NULL));
    }
    cleat__message_free(message);
}

/* What is accepted keeps the bounds that the engine counts on. */
static void check_condition(const cleat__condition *condition)
{
    check(condition->data_key.size != 0 || condition->kind != CLEAT__CONDITION_SLEEP);
    check(condition->kind != CLEAT__CONDITION_SLEEP || condition->sleep_ms >= 0);
    check(condition->kind == CLEAT__CONDITION_SLEEP || condition->key.size != 0);
    check(condition->kind != CLEAT__CONDITION_HOOK || condition->key.size <= CLEAT__HOOK_TOKEN_MAX);
    check(condition->since_ms == 0 || condition->scope.data != NULL);
}

static void check_asked(const cleat__durable_request *request)
{
    switch (request->kind) {
    case CLEAT__DURABLE_MEMO:
        check(request->as.memo.key.size <= CLEAT__MEMO_KEY_MAX);
        check(request->as.memo.payload.data == NULL ||
              cleat__json_check("payload", request->as.memo.payload, false) == CLEAT_OK);
        break;
    case CLEAT__DURABLE_WAIT_FOR:
        check(request->as.wait_for.count != 0 && request->as.wait_for.count <= CLEAT__CONDITIONS_MAX);
        for (size_t i = 0; i < request->as.wait_for.count; i++) {
            check_condition(&request->as.wait_for.conditions[i]);
        }
        break;
    case CLEAT__DURABLE_TRIGGER:
        check(request->as.trigger.count != 0);
        for (size_t i = 0; i < request->as.trigger.count; i++) {
            check(request->as.trigger.items[i].inherits);
        }
        break;
    case CLEAT__DURABLE_EVICT:
        check(request->as.evict.carrier.data == NULL ||
              cleat__json_check("carrier", request->as.evict.carrier, true) == CLEAT_OK);
        break;
    default: break;
    }
}

static void read_durable(cleat_slice input)
{
    cleat__durable_asked asked;
    Cleat__V1__DurableTaskRequest *message = fuzz_unpack(&cleat__v1__durable_task_request__descriptor, input);
    if (message == NULL) {
        return;
    }
    cleat_status status = cleat__durable_asked_read(message, &asked);
    check(asked.task_id != NULL);
    if (status == CLEAT_OK) {
        check_asked(&asked.request);
        Cleat__V1__DurableTaskResponse *answer = cleat__durable_answer_write(&asked);
        check(answer != NULL);
        cleat__message_free(answer);
    }
    cleat__durable_asked_end(&asked);
    cleat__message_free(message);
}

static void read_log(cleat_slice input)
{
    cleat__log_line line;
    Cleat__PutLogRequest *message = fuzz_unpack(&cleat__put_log_request__descriptor, input);
    if (message != NULL && cleat__log_line_read(message, 0, &line) == CLEAT_OK) {
        check(line.level >= CLEAT_LOG_ERROR && line.level <= CLEAT_LOG_DEBUG && line.message.size != 0);
        Cleat__PutLogRequest *written = cleat__log_line_write(&line);
        check(written != NULL && strcmp(written->message, message->message) == 0);
        cleat__message_free(written);
    }
    cleat__message_free(message);
}

static void read_duration(cleat_slice input)
{
    char text[CLEAT__DURATION_TEXT];
    int64_t ms, again;
    if (cleat__duration_parse("timeout", input, &ms) == CLEAT_OK) {
        check(ms >= 0);
        cleat__duration_format(ms, text);
        /* Rounding up may go beyond what can be said. */
        check(cleat__duration_parse("timeout", cleat_slice_of(text), &again) == CLEAT_OK
                  ? again == ms
                  : ms > INT64_MAX / 1000000);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const ProtobufCMessageDescriptor *const others[] = {
        &cleat__batch_action_event__descriptor,
    };
    const cleat_slice input = {(const char *)data, size};
    read_triggers(input);
    read_workflow(input);
    read_schedule(input);
    read_worker(input);
    read_event(input);
    read_durable(input);
    read_log(input);
    read_duration(input);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        cleat__message_free(fuzz_unpack(others[i], input));
    }
    return 0;
}
