/*
 * The messages as peers have them: numbers, types, labels. The table is written from the protocol, not
 * from the .proto files.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "wire/dispatcher.pb-c.h"
#include "wire/events.pb-c.h"
#include "wire/google/rpc/status.pb-c.h"
#include "wire/message.h"
#include "wire/v1/dispatcher.pb-c.h"
#include "wire/v1/workflows.pb-c.h"
#include "wire/workflows.pb-c.h"

#include <stdio.h>

typedef struct expected_message {
    const ProtobufCMessageDescriptor *descriptor;
    const char *name;
    const char *fields; /* "number name type", "?" when presence is told, "*" when repeated; by number */
} expected_message;

static const expected_message messages[] = {
    {&cleat__worker_register_request__descriptor, "WorkerRegisterRequest",
     "1 worker_name string, 2 actions string*, 3 services string*, 4 slots int32?, "
     "5 labels WorkerRegisterRequest.LabelsEntry*, 6 webhook_id string?, 7 runtime_info RuntimeInfo, "
     "9 slot_config WorkerRegisterRequest.SlotConfigEntry*"},
    {&cleat__worker_register_response__descriptor, "WorkerRegisterResponse",
     "1 tenant_id string, 2 worker_id string, 3 worker_name string"},
    {&cleat__assigned_action__descriptor, "AssignedAction",
     "1 tenant_id string, 2 workflow_run_id string, 3 get_group_key_run_id string, 4 job_id string, "
     "5 job_name string, 6 job_run_id string, 7 task_id string, 8 task_run_external_id string, "
     "9 action_id string, 10 action_type ActionType, 11 action_payload string, 12 task_name string, "
     "13 retry_count int32, 14 additional_metadata string?, 15 child_workflow_index int32?, "
     "16 child_workflow_key string?, 17 parent_workflow_run_id string?, 18 priority int32, "
     "19 workflow_id string?, 20 workflow_version_id string?, 21 durable_task_invocation_count int32?, "
     "22 triggering_event_external_id string?, 23 triggering_event_key string?, 24 batchId string?, "
     "25 batchSize int32?, 26 batchIndex int32?, 27 batchStartPayload BatchStartPayload, "
     "28 batchKey string?, 29 task_inserted_at google.protobuf.Timestamp, "
     "1001 cleat_log_size int64?"}, /* Cleat's own */
    {&cleat__step_action_event__descriptor, "StepActionEvent",
     "1 worker_id string, 2 job_id string, 3 job_run_id string, 4 task_id string, "
     "5 task_run_external_id string, 6 action_id string, 7 event_timestamp google.protobuf.Timestamp, "
     "8 event_type StepActionEventType, 9 event_payload string, 10 retry_count int32?, "
     "11 should_not_retry bool?, "
     "1001 cleat_invocation_count int32, 1002 cleat_carrier bytes"}, /* Cleat's own */
    {&cleat__workflow_event__descriptor, "WorkflowEvent",
     "1 workflow_run_id string, 2 resource_type ResourceType, 3 event_type ResourceEventType, "
     "4 resource_id string, 5 event_timestamp google.protobuf.Timestamp, 6 event_payload string, "
     "7 hangup bool, 8 task_retries int32?, 9 retry_count int32?, 10 event_index int64?, "
     "1001 cleat_is_stored bool"}, /* Cleat's own */
    {&cleat__workflow_run_event__descriptor, "WorkflowRunEvent",
     "1 workflow_run_id string, 2 event_type WorkflowRunEventType, "
     "3 event_timestamp google.protobuf.Timestamp, 4 results StepRunResult*, "
     "1001 cleat_follow int32, 1002 cleat_ended_run_id string"}, /* Cleat's own */
    {&cleat__step_run_result__descriptor, "StepRunResult",
     "1 task_run_external_id string, 2 task_name string, 3 job_run_id string, 4 error string?, "
     "5 output string?"},
    {&cleat__heartbeat_request__descriptor, "HeartbeatRequest",
     "1 worker_id string, 2 heartbeat_at google.protobuf.Timestamp"},
    {&cleat__heartbeat_response__descriptor, "HeartbeatResponse", ""},
    {&cleat__push_event_request__descriptor, "PushEventRequest",
     "1 key string, 2 payload string, 3 event_timestamp google.protobuf.Timestamp, "
     "4 additional_metadata string?, 5 priority int32?, 6 scope string?"},
    {&cleat__put_log_request__descriptor, "PutLogRequest",
     "1 task_run_external_id string, 2 created_at google.protobuf.Timestamp, 3 message string, "
     "4 level string?, 5 metadata string, 6 task_retry_count int32?"},
    {&cleat__put_stream_event_request__descriptor, "PutStreamEventRequest",
     "1 task_run_external_id string, 2 created_at google.protobuf.Timestamp, 3 message bytes, "
     "5 metadata string, 6 event_index int64?, "
     "1001 cleat_more bytes*, 1002 cleat_invocation_count int32"}, /* Cleat's own */
    {&cleat__schedule_workflow_request__descriptor, "ScheduleWorkflowRequest",
     "1 name string, 2 schedules google.protobuf.Timestamp*, 3 input string, 4 parent_id string?, "
     "5 parent_task_run_external_id string?, 6 child_index int32?, 7 child_key string?, "
     "8 additional_metadata string?, 9 priority int32?"},
    {&cleat__workflow_version__descriptor, "WorkflowVersion",
     "1 id string, 2 created_at google.protobuf.Timestamp, 3 updated_at google.protobuf.Timestamp, "
     "5 version string, 6 order int64, 7 workflow_id string, 8 scheduled_workflows ScheduledWorkflow*"},
    {&cleat__bulk_trigger_workflow_request__descriptor, "BulkTriggerWorkflowRequest",
     "1 workflows v1.TriggerWorkflowRequest*"},
    {&cleat__bulk_trigger_workflow_response__descriptor, "BulkTriggerWorkflowResponse",
     "1 workflow_run_ids string*"},
    {&cleat__v1__trigger_workflow_request__descriptor, "v1.TriggerWorkflowRequest",
     "1 name string, 2 input string, 3 parent_id string?, 4 parent_task_run_external_id string?, "
     "5 child_index int32?, 6 child_key string?, 7 additional_metadata string?, "
     "8 desired_worker_id string?, 9 priority int32?, "
     "10 desired_worker_labels v1.TriggerWorkflowRequest.DesiredWorkerLabelsEntry*"},
    {&cleat__v1__desired_worker_labels__descriptor, "v1.DesiredWorkerLabels",
     "1 str_value string?, 2 int_value int32?, 3 required bool?, 4 comparator v1.WorkerLabelComparator?, "
     "5 weight int32?"},
    {&cleat__v1__create_workflow_version_request__descriptor, "v1.CreateWorkflowVersionRequest",
     "1 name string, 2 description string, 3 version string, 4 event_triggers string*, "
     "5 cron_triggers string*, 6 tasks v1.CreateTaskOpts*, 7 concurrency v1.Concurrency, "
     "8 cron_input string?, 9 on_failure_task v1.CreateTaskOpts, 10 sticky v1.StickyStrategy?, "
     "11 default_priority int32?, 12 concurrency_arr v1.Concurrency*, "
     "13 default_filters v1.DefaultFilter*, 14 input_json_schema bytes?, "
     "15 idempotency v1.IdempotencyConfig"},
    {&cleat__v1__create_task_opts__descriptor, "v1.CreateTaskOpts",
     "1 readable_id string, 2 action string, 3 timeout string, 4 inputs string, 5 parents string*, "
     "6 retries int32, 7 rate_limits v1.CreateTaskRateLimit*, "
     "8 worker_labels v1.CreateTaskOpts.WorkerLabelsEntry*, 9 backoff_factor float?, "
     "10 backoff_max_seconds int32?, 11 concurrency v1.Concurrency*, 12 conditions v1.TaskConditions, "
     "13 schedule_timeout string?, 14 is_durable bool, "
     "15 slot_requests v1.CreateTaskOpts.SlotRequestsEntry*, 16 batch v1.TaskBatchConfig, "
     "1001 backoff_initial_ms int64?, 1002 backoff_max_ms int64?"}, /* Cleat's own */
    {&cleat__v1__concurrency__descriptor, "v1.Concurrency",
     "1 expression string, 2 max_runs int32?, 3 limit_strategy v1.ConcurrencyLimitStrategy?, "
     "4 name string?, 5 is_tenant_scoped bool?, 6 max_runs_expression string?"},
    {&cleat__v1__durable_task_request__descriptor, "v1.DurableTaskRequest",
     "1 register_worker v1.DurableTaskRequestRegisterWorker?, 2 memo v1.DurableTaskMemoRequest?, "
     "3 trigger_runs v1.DurableTaskTriggerRunsRequest?, 4 wait_for v1.DurableTaskWaitForRequest?, "
     "5 evict_invocation v1.DurableTaskEvictInvocationRequest?, "
     "6 worker_status v1.DurableTaskWorkerStatusRequest?, "
     "7 complete_memo v1.DurableTaskCompleteMemoRequest?, 1001 cleat_node int64"}, /* Cleat's own */
    {&cleat__v1__durable_task_event_log_entry_completed_response__descriptor,
     "v1.DurableTaskEventLogEntryCompletedResponse",
     "1 ref v1.DurableEventLogEntryRef, 2 payload bytes, 3 is_failure bool, 4 error_message string?, "
     "1001 cleat_order int64"}, /* Cleat's own */
    {&cleat__v1__durable_task_evict_invocation_request__descriptor, "v1.DurableTaskEvictInvocationRequest",
     "1 invocation_count int32, 2 durable_task_external_id string, 3 reason string?, "
     "1001 cleat_waiting v1.DurableTaskAwaitedCompletedEntry*, 1002 cleat_waits_for_all bool, "
     "1003 cleat_carrier bytes"}, /* the last three are Cleat's own */
    {&cleat__v1__user_event_match_condition__descriptor, "v1.UserEventMatchCondition",
     "1 base_ v1.BaseMatchCondition, 2 user_event_key string, 3 event_scope string?, "
     "4 consider_events_since google.protobuf.Timestamp"},
    {&cleat__v1__get_run_details_response__descriptor, "v1.GetRunDetailsResponse",
     "1 input bytes, 2 status v1.RunStatus, 3 task_runs v1.GetRunDetailsResponse.TaskRunsEntry*, "
     "4 done bool, 5 additional_metadata bytes, 6 is_evicted bool"},
    {&cleat__google__rpc__status__descriptor, "google.rpc.Status",
     "1 code int32, 2 message string, 3 details google.protobuf.Any*"},
    {&cleat__google__protobuf__timestamp__descriptor, "google.protobuf.Timestamp",
     "1 seconds int64, 2 nanos int32"},
};

static const char *type_name(const ProtobufCFieldDescriptor *field)
{
    static const char package[] = "cleat.";
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32: return "int32";
    case PROTOBUF_C_TYPE_INT64: return "int64";
    case PROTOBUF_C_TYPE_FLOAT: return "float";
    case PROTOBUF_C_TYPE_BOOL: return "bool";
    case PROTOBUF_C_TYPE_STRING: return "string";
    case PROTOBUF_C_TYPE_BYTES: return "bytes";
    case PROTOBUF_C_TYPE_MESSAGE: return cleat__message_name(field->descriptor);
    case PROTOBUF_C_TYPE_ENUM:
        return ((const ProtobufCEnumDescriptor *)field->descriptor)->name + sizeof(package) - 1;
    default: return "of a type that the protocol does not use";
    }
}

static const char *label_mark(const ProtobufCFieldDescriptor *field)
{
    bool is_one_of = (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
    return field->label == PROTOBUF_C_LABEL_REPEATED ? "*" : is_one_of ? "?" : "";
}

static void test_messages_are_those_of_the_protocol(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
        const ProtobufCMessageDescriptor *descriptor = messages[i].descriptor;
        cleat__buffer fields = {0};
        cleat__buffer_append_string(&fields, "");
        for (unsigned j = 0; j < descriptor->n_fields; j++) {
            const ProtobufCFieldDescriptor *field = &descriptor->fields[j];
            cleat__buffer_append_format(&fields, "%s%u %s %s%s", j == 0 ? "" : ", ", field->id, field->name,
                                        type_name(field), label_mark(field));
        }
        char *text = cleat__buffer_take_string(&fields);
        assert_string_equal(cleat__message_name(descriptor), messages[i].name);
        assert_string_equal(text, messages[i].fields);
        fields.data = (uint8_t *)text;
        cleat__buffer_deinit(&fields);
    }
}

/* From here on they are Cleat's own, which other engines and workers never see. */
enum { OWN_VALUES = 100 };

static void test_enums_are_those_of_the_protocol(void **state)
{
    (void)state;
    static const struct {
        const ProtobufCEnumDescriptor *descriptor;
        const char *values;
    } enums[] = {
        {&cleat__sdks__descriptor, "UNKNOWN GO PYTHON TYPESCRIPT RUBY"},
        {&cleat__action_type__descriptor, "START_STEP_RUN CANCEL_STEP_RUN START_GET_GROUP_KEY START_BATCH"},
        {&cleat__step_action_event_type__descriptor,
         "STEP_EVENT_TYPE_UNKNOWN STEP_EVENT_TYPE_STARTED STEP_EVENT_TYPE_COMPLETED STEP_EVENT_TYPE_FAILED "
         "STEP_EVENT_TYPE_ACKNOWLEDGED STEP_EVENT_TYPE_CANCELLED"},
        {&cleat__resource_event_type__descriptor,
         "RESOURCE_EVENT_TYPE_UNKNOWN RESOURCE_EVENT_TYPE_STARTED RESOURCE_EVENT_TYPE_COMPLETED "
         "RESOURCE_EVENT_TYPE_FAILED RESOURCE_EVENT_TYPE_CANCELLED RESOURCE_EVENT_TYPE_TIMED_OUT "
         "RESOURCE_EVENT_TYPE_STREAM"},
        {&cleat__v1__run_status__descriptor, "QUEUED RUNNING COMPLETED FAILED CANCELLED EVICTED"},
        {&cleat__v1__action__descriptor, "CREATE QUEUE CANCEL SKIP"},
        {&cleat__v1__concurrency_limit_strategy__descriptor,
         "CANCEL_IN_PROGRESS DROP_NEWEST QUEUE_NEWEST GROUP_ROUND_ROBIN CANCEL_NEWEST "
         "CANCEL_QUEUED_EXCEPT_NEWEST CANCEL_QUEUED_EXCEPT_OLDEST"},
        {&cleat__v1__worker_label_comparator__descriptor,
         "EQUAL NOT_EQUAL GREATER_THAN GREATER_THAN_OR_EQUAL LESS_THAN LESS_THAN_OR_EQUAL"},
    };
    for (size_t i = 0; i < sizeof(enums) / sizeof(enums[0]); i++) {
        char values[512] = "";
        size_t size = 0;
        for (unsigned j = 0; j < enums[i].descriptor->n_values; j++) {
            if (enums[i].descriptor->values[j].value >= OWN_VALUES) {
                continue;
            }
            assert_int_equal(enums[i].descriptor->values[j].value, j);
            size += (size_t)snprintf(values + size, sizeof(values) - size, "%s%s", j == 0 ? "" : " ",
                                     enums[i].descriptor->values[j].name);
        }
        assert_string_equal(values, enums[i].values);
    }
}

static void test_own_values(void **state)
{
    (void)state;
    const ProtobufCEnumValue *value =
        protobuf_c_enum_descriptor_get_value(&cleat__step_action_event_type__descriptor, OWN_VALUES);
    assert_non_null(value);
    assert_string_equal(value->name, "STEP_EVENT_TYPE_RELEASED");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_are_those_of_the_protocol),
        cmocka_unit_test(test_enums_are_those_of_the_protocol),
        cmocka_unit_test(test_own_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
