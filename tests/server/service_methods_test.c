/*
 * Every method of the protocol, from the protocol's own list: it is there, asks for a token, and answers; and
 * what belongs to another tenant is not there.
 */
#include "server/service_test.h"

#include "base/base_test.h"
#include "wire/v1/dispatcher.pb-c.h"

/* ---- All of them ---- */

/* What an empty message is answered with. */
typedef struct method {
    const char *path;
    int code;
    const char *part; /* of the sentence */
} method;

#define OK          GRPC_STATUS_OK
#define INVALID     GRPC_STATUS_INVALID_ARGUMENT
#define UNSUPPORTED GRPC_STATUS_UNIMPLEMENTED

static const method methods[] = {
    {"/Dispatcher/Register", OK, ""},
    {"/Dispatcher/Listen", INVALID, "worker_id"},
    {"/Dispatcher/ListenV2", INVALID, "worker_id"},
    {"/Dispatcher/Heartbeat", INVALID, "worker_id"},
    {"/Dispatcher/SubscribeToWorkflowEvents", INVALID, "workflow_run_id"},
    {"/Dispatcher/SubscribeToWorkflowRuns", OK, ""},
    {"/Dispatcher/SendStepActionEvent", INVALID, "task_run_external_id"},
    {"/Dispatcher/SendBatchActionEvent", OK, ""},
    {"/Dispatcher/SendGroupKeyActionEvent", UNSUPPORTED, "group keys"},
    {"/Dispatcher/PutOverridesData", OK, ""},
    {"/Dispatcher/Unsubscribe", INVALID, "worker_id"},
    {"/Dispatcher/RefreshTimeout", INVALID, "task_run_external_id"},
    {"/Dispatcher/ReleaseSlot", INVALID, "task_run_external_id"},
    {"/Dispatcher/RestoreEvictedTask", INVALID, "task_run_external_id"},
    {"/Dispatcher/UpsertWorkerLabels", INVALID, "worker_id"},
    {"/Dispatcher/GetVersion", OK, ""},
    {"/EventsService/Push", INVALID, "key"},
    {"/EventsService/BulkPush", INVALID, "0 events"},
    {"/EventsService/ReplaySingleEvent", UNSUPPORTED, "replays of events"},
    {"/EventsService/PutLog", INVALID, "task_run_external_id"},
    {"/EventsService/PutStreamEvent", INVALID, "task_run_external_id"},
    {"/WorkflowService/PutWorkflow", INVALID, "opts"},
    {"/WorkflowService/ScheduleWorkflow", INVALID, "name"},
    {"/WorkflowService/TriggerWorkflow", INVALID, "name"},
    {"/WorkflowService/BulkTriggerWorkflow", OK, ""},
    {"/WorkflowService/PutRateLimit", INVALID, "key of a rate limit"},
    {"/v1.V1Dispatcher/DurableTask", UNSUPPORTED, "requests of that kind"},
    {"/v1.V1Dispatcher/RegisterDurableEvent", INVALID, "task_id"},
    {"/v1.V1Dispatcher/ListenForDurableEvent", INVALID, "signal_key"},
    {"/v1.AdminService/PutWorkflow", INVALID, "no tasks"},
    {"/v1.AdminService/CancelTasks", INVALID, "external_ids"},
    {"/v1.AdminService/ReplayTasks", INVALID, "external_ids"},
    {"/v1.AdminService/TriggerWorkflowRun", INVALID, "name"},
    {"/v1.AdminService/GetRunDetails", INVALID, "external_id"},
    {"/v1.AdminService/BranchDurableTask", INVALID, "task_external_id"},
    {"/opentelemetry.proto.collector.trace.v1.TraceService/Export", OK, ""},
};
#define METHOD_COUNT (sizeof(methods) / sizeof(methods[0]))

static void assert_ended(const char *path, rpc_result *result, int code, const char *part)
{
    if (result->code != code || strstr(result->text, part) == NULL) {
        fail_msg("%s ended with %d \"%s\" instead of %d \"%s\"", path, result->code, result->text, code,
                 part);
    }
    rpc_result_deinit(result);
}

static void every_method_answers_an_empty_message(void **state)
{
    service_world *it = *state;
    for (size_t i = 0; i < METHOD_COUNT; i++) {
        rpc_result result = rpc_call(it->client, methods[i].path, (cleat_slice){"", 0},
                                     (rpc_call_options){.authorization = it->token});
        assert_ended(methods[i].path, &result, methods[i].code, methods[i].part);
    }
    rpc_result result = rpc_call(it->client, "/Dispatcher/NoSuch", (cleat_slice){"", 0},
                                 (rpc_call_options){.authorization = it->token});
    assert_ended("/Dispatcher/NoSuch", &result, UNSUPPORTED, "there is no method");
}

static void nobody_is_let_in_without_a_token(void **state)
{
    static const char *const tokens[] = {NULL, "bearer x", "bearer a.b.c"};
    service_world *it = *state;
    for (size_t i = 0; i < METHOD_COUNT; i++) {
        for (size_t j = 0; j < sizeof(tokens) / sizeof(tokens[0]); j++) {
            rpc_result result = rpc_call(it->client, methods[i].path, (cleat_slice){"", 0},
                                         (rpc_call_options){.authorization = tokens[j]});
            assert_ended(methods[i].path, &result, GRPC_STATUS_UNAUTHENTICATED, "invalid auth token");
        }
    }
}

static void garbage_is_refused_by_every_method(void **state)
{
    service_world *it = *state;
    for (size_t i = 0; i < METHOD_COUNT; i++) {
        rpc_result result = rpc_call(it->client, methods[i].path, cleat_slice_of("\x0a\xff"),
                                     (rpc_call_options){.authorization = it->token});
        if (result.code != INVALID) {
            fail_msg("%s ended with %d \"%s\"", methods[i].path, result.code, result.text);
        }
        rpc_result_deinit(&result);
    }
}

/* ---- What belongs to another tenant is not there ---- */

/* A request that names one thing. */
typedef struct naming {
    const char *path;
    const ProtobufCMessage *request;
    char **id;
} naming;

/* The other tenant is told what everybody is told of what is not there. */
static void assert_hidden(service_world *it, const naming *call, const char *id)
{
    *call->id = text_(id);
    rpc_result foreign = call_as(it, it->other_token, call->path, call->request);
    *call->id = text_(NO_ID);
    rpc_result unknown = call_as(it, it->token, call->path, call->request);
    char *at = strstr(unknown.text, NO_ID);
    if (at != NULL) {
        memcpy(at, id, 36);
    }
    if (foreign.code != GRPC_STATUS_NOT_FOUND || unknown.code != GRPC_STATUS_NOT_FOUND ||
        strcmp(foreign.text, unknown.text) != 0) {
        fail_msg("%s: %d \"%s\" for another tenant's, %d \"%s\" for what is not there", call->path,
                 foreign.code, foreign.text, unknown.code, unknown.text);
    }
    rpc_result_deinit(&foreign);
    rpc_result_deinit(&unknown);
    *call->id = text_("x");
    refused(it, call->path, call->request, INVALID, "is no UUID");
}

static void workers_of_another_tenant_are_not_there(void **state)
{
    service_world *it = *state;
    id_text worker = register_worker(it, "any", 1);
    Cleat__HeartbeatRequest beat = CLEAT__HEARTBEAT_REQUEST__INIT;
    Cleat__WorkerUnsubscribeRequest leave = CLEAT__WORKER_UNSUBSCRIBE_REQUEST__INIT;
    Cleat__UpsertWorkerLabelsRequest label = CLEAT__UPSERT_WORKER_LABELS_REQUEST__INIT;
    Cleat__WorkerListenRequest listen = CLEAT__WORKER_LISTEN_REQUEST__INIT;
    const naming calls[] = {
        {"/Dispatcher/Heartbeat", &beat.base, &beat.worker_id},
        {"/Dispatcher/Unsubscribe", &leave.base, &leave.worker_id},
        {"/Dispatcher/UpsertWorkerLabels", &label.base, &label.worker_id},
        {"/Dispatcher/ListenV2", &listen.base, &listen.worker_id},
        {"/Dispatcher/Listen", &listen.base, &listen.worker_id},
    };
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        assert_hidden(it, &calls[i], worker.text);
    }
    heartbeat(it, worker); /* nothing has happened to it */
}

static void runs_of_another_tenant_are_not_there(void **state)
{
    service_world *it = *state;
    declare(it, (task_declaration){.name = "own"});
    rpc_stream *stream = stay_as(it, register_worker(it, "own", 1));
    id_text run = trigger(it, "own", "{}");
    Cleat__AssignedAction *action = next_action(stream);
    Cleat__StepActionEvent event = CLEAT__STEP_ACTION_EVENT__INIT, started = CLEAT__STEP_ACTION_EVENT__INIT;
    Cleat__ReleaseSlotRequest release = CLEAT__RELEASE_SLOT_REQUEST__INIT;
    Cleat__RefreshTimeoutRequest refresh = CLEAT__REFRESH_TIMEOUT_REQUEST__INIT;
    Cleat__RestoreEvictedTaskRequest restore = CLEAT__RESTORE_EVICTED_TASK_REQUEST__INIT;
    Cleat__SubscribeToWorkflowEventsRequest watch = CLEAT__SUBSCRIBE_TO_WORKFLOW_EVENTS_REQUEST__INIT;
    Cleat__V1__GetRunDetailsRequest details = CLEAT__V1__GET_RUN_DETAILS_REQUEST__INIT;
    Cleat__PutLogRequest line = CLEAT__PUT_LOG_REQUEST__INIT;
    Cleat__PutStreamEventRequest chunk = CLEAT__PUT_STREAM_EVENT_REQUEST__INIT;
    event.event_type = COMPLETED;
    event.event_payload = text_("{}");
    started.event_type = STARTED;
    refresh.increment_timeout_by = text_("1s");
    line.message = text_("hello");
    watch.has_workflow_run_id_case =
        CLEAT__SUBSCRIBE_TO_WORKFLOW_EVENTS_REQUEST__HAS_WORKFLOW_RUN_ID_WORKFLOW_RUN_ID;
    const naming calls[] = {
        {"/Dispatcher/SendStepActionEvent", &event.base, &event.task_run_external_id},
        {"/Dispatcher/SendStepActionEvent", &started.base, &started.task_run_external_id},
        {"/Dispatcher/ReleaseSlot", &release.base, &release.task_run_external_id},
        {"/Dispatcher/RefreshTimeout", &refresh.base, &refresh.task_run_external_id},
        {"/Dispatcher/RestoreEvictedTask", &restore.base, &restore.task_run_external_id},
        {"/Dispatcher/SubscribeToWorkflowEvents", &watch.base, &watch.workflow_run_id},
        {"/v1.AdminService/GetRunDetails", &details.base, &details.external_id},
        {"/EventsService/PutLog", &line.base, &line.task_run_external_id},
        {"/EventsService/PutStreamEvent", &chunk.base, &chunk.task_run_external_id},
    };
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        assert_hidden(it, &calls[i], run.text);
    }
    event.event_type = CLEAT__STEP_ACTION_EVENT_TYPE__STEP_EVENT_TYPE_UNKNOWN;
    event.task_run_external_id = run.text;
    refused(it, "/Dispatcher/SendStepActionEvent", &event.base, INVALID, "event_type");
    assert_status(it, run, CLEAT__V1__RUN_STATUS__RUNNING);
    cleat__message_free(action);
    stop_listening(stream);
}

/* Lists of ids: what is not there is passed over. */
static void lists_pass_over_runs_of_another_tenant(void **state)
{
    service_world *it = *state;
    Cleat__V1__CancelTasksRequest cancel = CLEAT__V1__CANCEL_TASKS_REQUEST__INIT;
    Cleat__V1__ReplayTasksRequest replay = CLEAT__V1__REPLAY_TASKS_REQUEST__INIT;
    declare(it, (task_declaration){.name = "kept"});
    id_text run = trigger(it, "kept", "{}");
    char *ids[] = {run.text, text_(NO_ID)};
    cancel.external_ids = replay.external_ids = ids;
    cancel.n_external_ids = replay.n_external_ids = 2;
    rpc_result result = call_as(it, it->other_token, "/v1.AdminService/CancelTasks", &cancel.base);
    assert_int_equal(result.message.size, 0);
    assert_ended("CancelTasks", &result, OK, "");
    result = call_as(it, it->other_token, "/v1.AdminService/ReplayTasks", &replay.base);
    assert_int_equal(result.message.size, 0);
    assert_ended("ReplayTasks", &result, OK, "");
    assert_status(it, run, CLEAT__V1__RUN_STATUS__QUEUED);
    ids[1] = text_("x");
    refused(it, "/v1.AdminService/CancelTasks", &cancel.base, INVALID, "is no UUID");
    refused(it, "/v1.AdminService/ReplayTasks", &replay.base, INVALID, "is no UUID");
    assert_status(it, run, CLEAT__V1__RUN_STATUS__QUEUED);
}

/* Names belong to their tenants: another one's workflow is none, its parent is none. */
static void workflows_of_another_tenant_are_not_there(void **state)
{
    service_world *it = *state;
    declare(it, (task_declaration){.name = "theirs"});
    id_text parent = trigger(it, "theirs", "{}");
    Cleat__V1__TriggerWorkflowRequest start = CLEAT__V1__TRIGGER_WORKFLOW_REQUEST__INIT, *all[] = {&start};
    Cleat__BulkTriggerWorkflowRequest many = CLEAT__BULK_TRIGGER_WORKFLOW_REQUEST__INIT;
    Cleat__V1__TriggerWorkflowRunRequest run = CLEAT__V1__TRIGGER_WORKFLOW_RUN_REQUEST__INIT;
    Cleat__ScheduleWorkflowRequest later = CLEAT__SCHEDULE_WORKFLOW_REQUEST__INIT;
    Cleat__Google__Protobuf__Timestamp at = CLEAT__GOOGLE__PROTOBUF__TIMESTAMP__INIT, *times[] = {&at};
    start.name = run.workflow_name = later.name = text_("theirs");
    start.input = later.input = text_("{}");
    run.input = (ProtobufCBinaryData){2, (uint8_t *)text_("{}")};
    many.workflows = all;
    many.n_workflows = 1;
    later.schedules = times;
    later.n_schedules = 1;
    at.seconds = 4000000000;
    const char *names = "workflow names not found: theirs";
    refused_as(it, it->other_token, "/WorkflowService/TriggerWorkflow", &start.base, INVALID, names);
    refused_as(it, it->other_token, "/WorkflowService/BulkTriggerWorkflow", &many.base, INVALID, names);
    refused_as(it, it->other_token, "/v1.AdminService/TriggerWorkflowRun", &run.base, INVALID, names);
    refused_as(it, it->other_token, "/WorkflowService/ScheduleWorkflow", &later.base, GRPC_STATUS_NOT_FOUND,
               "theirs");
    /* With a workflow of its own, a run of this tenant as the parent. */
    char *token = it->token;
    it->token = it->other_token;
    declare(it, (task_declaration){.name = "theirs"});
    start.has_parent_task_run_external_id_case =
        CLEAT__V1__TRIGGER_WORKFLOW_REQUEST__HAS_PARENT_TASK_RUN_EXTERNAL_ID_PARENT_TASK_RUN_EXTERNAL_ID;
    start.parent_task_run_external_id = parent.text;
    start.has_child_index_case = CLEAT__V1__TRIGGER_WORKFLOW_REQUEST__HAS_CHILD_INDEX_CHILD_INDEX;
    refused(it, "/WorkflowService/TriggerWorkflow", &start.base, GRPC_STATUS_NOT_FOUND, "parent");
    refused(it, "/WorkflowService/BulkTriggerWorkflow", &many.base, GRPC_STATUS_NOT_FOUND, "parent");
    it->token = token;
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, world_start, world_stop)
    const struct CMUnitTest tests[] = {
        TEST(every_method_answers_an_empty_message),     TEST(nobody_is_let_in_without_a_token),
        TEST(garbage_is_refused_by_every_method),        TEST(workers_of_another_tenant_are_not_there),
        TEST(runs_of_another_tenant_are_not_there),      TEST(lists_pass_over_runs_of_another_tenant),
        TEST(workflows_of_another_tenant_are_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
