/*
 * A whole server on a file of its own, in the test's process, and clients of two tenants that speak bare
 * gRPC with it.
 */
#ifndef CLEAT_TESTS_SERVICE_TEST_H
#define CLEAT_TESTS_SERVICE_TEST_H

#include "base/base_test.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "server/server.h"
#include "server/token_issue.h"
#include "support/rpc_client.h"
#include "support/sanitizer.h"
#include "support/temp_dir.h"
#include "wire/dispatcher.pb-c.h"
#include "wire/events.pb-c.h"
#include "wire/message.h"
#include "wire/v1/workflows.pb-c.h"
#include "wire/workflows.pb-c.h"

#include <grpc/status.h>
#include <stdio.h>
#include <stdlib.h>

#pragma GCC diagnostic ignored "-Wmissing-braces" /* in protobuf-c's initialisers of oneofs */

/* Megabytes go through copies inside gRPC, each byte of which the thread sanitizer takes for a race that it
 * then leaves out: that takes minutes. */
static inline void skip_under_tsan(void)
{
#if UNDER_THREAD_SANITIZER
    skip();
#endif
}

#define NO_ID "0190a000-0000-7000-8000-0000000000ff"

typedef struct service_world {
    temp_dir dir;
    cleat__server *server;
    rpc_client *client;
    char *token, *other_token; /* as they are sent: "bearer ..." */
    char tenant[37], other_tenant[37];
} service_world;

/* ---- The server ---- */

static inline char *issue_token(const char *database, const char *tenant, char id[37])
{
    cleat__store *store = NULL;
    cleat__token_issued issued;
    const cleat__token_request request = {
        .tenant = tenant,
        .lifetime_ms = 3600000,
        .server_url = "http://127.0.0.1:8733",
        .grpc_address = "127.0.0.1:7077",
        .now_ms = cleat__clock_unix_ns(NULL) / CLEAT__NS_PER_MS,
    };
    char *text = malloc(4096);
    assert_int_equal(cleat__store_open(database, CLEAT__STORE_SHARE, &store), CLEAT_OK);
    assert_int_equal(cleat__token_issue(store, &request, &issued), CLEAT_OK);
    snprintf(text, 4096, "bearer %s", issued.text);
    cleat__uuid_format(&issued.row.tenant_uuid, id);
    cleat__token_issued_deinit(&issued);
    cleat__store_close(store);
    return text;
}

static inline void world_serve(service_world *it)
{
    const cleat__server_options options = {
        .database = it->dir.database, .grpc_address = "127.0.0.1:0", .http_address = "127.0.0.1:0"};
    if (cleat__server_start(&options, &it->server) != CLEAT_OK) {
        fail_msg("%s", cleat_error_message());
    }
    it->client = rpc_client_new(cleat__server_grpc_address(it->server), (rpc_client_options){0});
}

/* As when the process ends. */
static inline void world_end(service_world *it)
{
    rpc_client_free(it->client);
    cleat__server_stop(it->server, 300000);
    it->server = NULL;
}

static inline int world_start(void **state)
{
    service_world *it = calloc(1, sizeof(*it));
    temp_dir_make(&it->dir);
    it->token = issue_token(it->dir.database, "default", it->tenant);
    it->other_token = issue_token(it->dir.database, "other", it->other_tenant);
    world_serve(it);
    *state = it;
    return 0;
}

static inline int world_stop(void **state)
{
    service_world *it = *state;
    world_end(it);
    temp_dir_remove(&it->dir);
    free(it->token);
    free(it->other_token);
    free(it);
    return 0;
}

/* ---- Calls ---- */

static inline cleat__buffer packed(const ProtobufCMessage *message)
{
    cleat__buffer bytes = {0};
    assert_int_equal(cleat__message_pack(message, &bytes), CLEAT_OK);
    return bytes;
}

static inline void *unpacked(const ProtobufCMessageDescriptor *descriptor, const cleat__buffer *bytes)
{
    cleat_status status = CLEAT_OK;
    void *message = cleat__message_unpack(descriptor, cleat__buffer_slice(bytes), &status);
    if (message == NULL) {
        fail_msg("no %s: %s", cleat__message_name(descriptor), cleat_error_message());
    }
    return message;
}

static inline rpc_result call_as(service_world *it, const char *token, const char *path,
                                 const ProtobufCMessage *request)
{
    cleat__buffer bytes = packed(request);
    rpc_result result =
        rpc_call(it->client, path, cleat__buffer_slice(&bytes), (rpc_call_options){.authorization = token});
    cleat__buffer_deinit(&bytes);
    return result;
}

/* The answer, to be freed with cleat__message_free(). */
static inline void *ask(service_world *it, const char *path, const ProtobufCMessage *request,
                        const ProtobufCMessageDescriptor *answer)
{
    rpc_result result = call_as(it, it->token, path, request);
    if (result.code != GRPC_STATUS_OK) {
        fail_msg("%s ended with %d \"%s\"", path, result.code, result.text);
    }
    void *message = unpacked(answer, &result.message);
    rpc_result_deinit(&result);
    return message;
}

static inline void refused_as(service_world *it, const char *token, const char *path,
                              const ProtobufCMessage *request, int code, const char *part)
{
    rpc_result result = call_as(it, token, path, request);
    if (result.code != code || strstr(result.text, part) == NULL) {
        fail_msg("%s ended with %d \"%s\" instead of %d \"%s\"", path, result.code, result.text, code, part);
    }
    rpc_result_deinit(&result);
}

static inline void refused(service_world *it, const char *path, const ProtobufCMessage *request, int code,
                           const char *part)
{
    refused_as(it, it->token, path, request, code, part);
}

/* Strings of requests, which do not change them. */
static inline char *text_(const char *text)
{
    return (char *)(uintptr_t)text;
}

/* ---- What most tests do ---- */

typedef struct task_declaration {
    const char *name; /* of the workflow and of its task */
    int retries;
    const char *timeout;
    const char *event; /* that starts it; NULL: none */
    bool is_durable;
} task_declaration;

static inline void declare(service_world *it, task_declaration like)
{
    Cleat__V1__CreateWorkflowVersionRequest request = CLEAT__V1__CREATE_WORKFLOW_VERSION_REQUEST__INIT;
    Cleat__V1__CreateTaskOpts task = CLEAT__V1__CREATE_TASK_OPTS__INIT, *tasks[] = {&task};
    char action[128];
    snprintf(action, sizeof(action), "%s:%s", like.name, like.name);
    request.name = text_(like.name);
    task.readable_id = text_(like.name);
    task.action = action;
    task.retries = like.retries;
    task.is_durable = like.is_durable;
    task.timeout = text_(like.timeout != NULL ? like.timeout : "60s");
    char *events[] = {text_(like.event)};
    request.tasks = tasks;
    request.n_tasks = 1;
    request.event_triggers = events;
    request.n_event_triggers = like.event != NULL;
    cleat__message_free(ask(it, "/v1.AdminService/PutWorkflow", &request.base,
                            &cleat__v1__create_workflow_version_response__descriptor));
}

typedef struct id_text {
    char text[37];
} id_text;

static inline id_text trigger(service_world *it, const char *workflow, const char *input)
{
    Cleat__V1__TriggerWorkflowRequest request = CLEAT__V1__TRIGGER_WORKFLOW_REQUEST__INIT;
    id_text id;
    request.name = text_(workflow);
    request.input = text_(input);
    Cleat__TriggerWorkflowResponse *reply = ask(it, "/WorkflowService/TriggerWorkflow", &request.base,
                                                &cleat__trigger_workflow_response__descriptor);
    snprintf(id.text, sizeof(id.text), "%s", reply->workflow_run_id);
    cleat__message_free(reply);
    return id;
}

/* With slots for one action, "name:name". */
static inline id_text register_worker(service_world *it, const char *name, int slots)
{
    Cleat__WorkerRegisterRequest request = CLEAT__WORKER_REGISTER_REQUEST__INIT;
    char action[128], *actions[] = {action};
    id_text id;
    snprintf(action, sizeof(action), "%s:%s", name, name);
    request.worker_name = text_("w");
    request.actions = actions;
    request.n_actions = 1;
    request.has_slots_case = CLEAT__WORKER_REGISTER_REQUEST__HAS_SLOTS_SLOTS;
    request.slots = slots;
    Cleat__WorkerRegisterResponse *reply =
        ask(it, "/Dispatcher/Register", &request.base, &cleat__worker_register_response__descriptor);
    assert_string_equal(reply->tenant_id, it->tenant);
    assert_string_equal(reply->worker_name, "w");
    snprintf(id.text, sizeof(id.text), "%s", reply->worker_id);
    cleat__message_free(reply);
    return id;
}

/* With one slot for durable tasks. */
static inline id_text register_durable(service_world *it, const char *name)
{
    Cleat__WorkerRegisterRequest message = CLEAT__WORKER_REGISTER_REQUEST__INIT;
    Cleat__WorkerRegisterRequest__SlotConfigEntry slots =
        CLEAT__WORKER_REGISTER_REQUEST__SLOT_CONFIG_ENTRY__INIT;
    Cleat__WorkerRegisterRequest__SlotConfigEntry *config[] = {&slots};
    char action[128], *actions[] = {action};
    id_text id;
    snprintf(action, sizeof(action), "%s:%s", name, name);
    message.worker_name = text_("w");
    message.actions = actions;
    message.n_actions = 1;
    slots.key = text_("durable");
    slots.value = 1;
    message.slot_config = config;
    message.n_slot_config = 1;
    Cleat__WorkerRegisterResponse *reply =
        ask(it, "/Dispatcher/Register", &message.base, &cleat__worker_register_response__descriptor);
    snprintf(id.text, sizeof(id.text), "%s", reply->worker_id);
    cleat__message_free(reply);
    return id;
}

/* `max_size`: what the worker says that it takes; 0: nothing. */
static inline rpc_stream *listen_for(service_world *it, rpc_client *client, const char *path, id_text worker,
                                     int64_t max_size)
{
    Cleat__WorkerListenRequest request = CLEAT__WORKER_LISTEN_REQUEST__INIT;
    request.worker_id = worker.text;
    request.max_message_size = max_size;
    if (max_size != 0) {
        request.has_max_message_size_case =
            CLEAT__WORKER_LISTEN_REQUEST__HAS_MAX_MESSAGE_SIZE_MAX_MESSAGE_SIZE;
    }
    cleat__buffer bytes = packed(&request.base);
    rpc_stream *stream =
        rpc_begin(client, path, cleat__buffer_slice(&bytes), (rpc_call_options){.authorization = it->token});
    cleat__buffer_deinit(&bytes);
    return stream;
}

static inline rpc_stream *listen_by(service_world *it, rpc_client *client, const char *path, id_text worker)
{
    return listen_for(it, client, path, worker, 0);
}

/* It is given runs for five seconds from a heartbeat on. */
static inline rpc_stream *listen_as(service_world *it, id_text worker)
{
    return listen_by(it, it->client, "/Dispatcher/ListenV2", worker);
}

/* By the older form, which needs no heartbeats: for tests that take their time. */
static inline rpc_stream *stay_as(service_world *it, id_text worker)
{
    return listen_by(it, it->client, "/Dispatcher/Listen", worker);
}

/* The next action, to be freed with cleat__message_free(). */
static inline Cleat__AssignedAction *next_action(rpc_stream *stream)
{
    cleat__buffer bytes = {0};
    if (!rpc_read(stream, &bytes)) {
        rpc_result result = rpc_end(stream);
        fail_msg("no action: the stream ended with %d \"%s\"", result.code, result.text);
    }
    Cleat__AssignedAction *action = unpacked(&cleat__assigned_action__descriptor, &bytes);
    cleat__buffer_deinit(&bytes);
    return action;
}

static inline void heartbeat(service_world *it, id_text worker)
{
    Cleat__HeartbeatRequest request = CLEAT__HEARTBEAT_REQUEST__INIT;
    request.worker_id = worker.text;
    cleat__message_free(
        ask(it, "/Dispatcher/Heartbeat", &request.base, &cleat__heartbeat_response__descriptor));
}

static inline void send_event(service_world *it, const Cleat__AssignedAction *action,
                              Cleat__StepActionEventType type, const char *payload, bool should_not_retry)
{
    Cleat__StepActionEvent event = CLEAT__STEP_ACTION_EVENT__INIT;
    event.worker_id = text_("a name");
    event.task_run_external_id = action->task_run_external_id;
    event.event_type = type;
    event.event_payload = text_(payload);
    event.has_retry_count_case = CLEAT__STEP_ACTION_EVENT__HAS_RETRY_COUNT_RETRY_COUNT;
    event.retry_count = action->retry_count;
    event.has_should_not_retry_case = CLEAT__STEP_ACTION_EVENT__HAS_SHOULD_NOT_RETRY_SHOULD_NOT_RETRY;
    event.should_not_retry = should_not_retry;
    Cleat__ActionEventResponse *reply =
        ask(it, "/Dispatcher/SendStepActionEvent", &event.base, &cleat__action_event_response__descriptor);
    assert_string_equal(reply->tenant_id, it->tenant);
    assert_string_equal(reply->worker_id, "a name");
    cleat__message_free(reply);
}

#define COMPLETED CLEAT__STEP_ACTION_EVENT_TYPE__STEP_EVENT_TYPE_COMPLETED
#define FAILED_   CLEAT__STEP_ACTION_EVENT_TYPE__STEP_EVENT_TYPE_FAILED
#define STARTED   CLEAT__STEP_ACTION_EVENT_TYPE__STEP_EVENT_TYPE_STARTED

/* Ends the stream and waits for that. */
static inline void stop_listening(rpc_stream *stream)
{
    rpc_cancel(stream);
    rpc_result result = rpc_end(stream);
    rpc_result_deinit(&result);
}

static inline Cleat__V1__GetRunDetailsResponse *details_of(service_world *it, id_text run)
{
    Cleat__V1__GetRunDetailsRequest request = CLEAT__V1__GET_RUN_DETAILS_REQUEST__INIT;
    request.external_id = run.text;
    return ask(it, "/v1.AdminService/GetRunDetails", &request.base,
               &cleat__v1__get_run_details_response__descriptor);
}

static inline void assert_status(service_world *it, id_text run, Cleat__V1__RunStatus status)
{
    Cleat__V1__GetRunDetailsResponse *details = details_of(it, run);
    assert_int_equal(details->status, status);
    cleat__message_free(details);
}

static inline void push(service_world *it, const char *key, const char *payload)
{
    Cleat__PushEventRequest message = CLEAT__PUSH_EVENT_REQUEST__INIT;
    message.key = text_(key);
    message.payload = text_(payload);
    cleat__message_free(ask(it, "/EventsService/Push", &message.base, &cleat__event__descriptor));
}

/* ---- Results ---- */

static inline rpc_stream *subscribe(service_world *it)
{
    return rpc_open(it->client, "/Dispatcher/SubscribeToWorkflowRuns",
                    (rpc_call_options){.authorization = it->token});
}

static inline void ask_for_run(rpc_stream *stream, const char *id)
{
    Cleat__SubscribeToWorkflowRunsRequest request = CLEAT__SUBSCRIBE_TO_WORKFLOW_RUNS_REQUEST__INIT;
    request.workflow_run_id = text_(id);
    cleat__buffer bytes = packed(&request.base);
    assert_true(rpc_write(stream, cleat__buffer_slice(&bytes)));
    cleat__buffer_deinit(&bytes);
}

static inline Cleat__WorkflowRunEvent *next_result(rpc_stream *stream)
{
    cleat__buffer bytes = {0};
    if (!rpc_read(stream, &bytes)) {
        rpc_result result = rpc_end(stream);
        fail_msg("no result: the stream ended with %d \"%s\"", result.code, result.text);
    }
    Cleat__WorkflowRunEvent *event = unpacked(&cleat__workflow_run_event__descriptor, &bytes);
    cleat__buffer_deinit(&bytes);
    return event;
}

#endif
