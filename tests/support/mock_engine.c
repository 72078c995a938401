#define _GNU_SOURCE /* memmem */
#include "support/mock_engine.h"

#include "base/alloc.h"
#include "support/grpc_suppressions.h"
#include "support/mock_durable.h"
#include "support/raw_token.h"
#include "wire/events.pb-c.h"
#include "wire/message.h"
#include "wire/v1/dispatcher.pb-c.h"
#include "wire/v1/workflows.pb-c.h"
#include "wire/workflows.pb-c.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- Answers ---- */

static void answer_version(mock_engine *engine, cleat__rpc_call *call, const ProtobufCMessage *request)
{
    Cleat__GetVersionResponse reply = CLEAT__GET_VERSION_RESPONSE__INIT;
    (void)request;
    reply.version = (char *)(uintptr_t)engine->version;
    cleat__rpc_reply(call, &reply.base);
}

static void answer_register(mock_engine *engine, cleat__rpc_call *call, const ProtobufCMessage *request)
{
    Cleat__WorkerRegisterResponse reply = CLEAT__WORKER_REGISTER_RESPONSE__INIT;
    (void)engine;
    (void)request;
    reply.worker_id = (char *)(uintptr_t)MOCK_WORKER_ID;
    cleat__rpc_reply(call, &reply.base);
}

static void answer_put(mock_engine *engine, cleat__rpc_call *call, const ProtobufCMessage *request)
{
    Cleat__V1__CreateWorkflowVersionResponse reply = CLEAT__V1__CREATE_WORKFLOW_VERSION_RESPONSE__INIT;
    (void)engine;
    (void)request;
    cleat__rpc_reply(call, &reply.base);
}

static void answer_cancel(mock_engine *engine, cleat__rpc_call *call, const ProtobufCMessage *request)
{
    Cleat__V1__CancelTasksResponse reply = CLEAT__V1__CANCEL_TASKS_RESPONSE__INIT;
    const Cleat__V1__CancelTasksRequest *asked = (const void *)request;
    if (engine->lists_cancelled) {
        reply.n_cancelled_tasks = asked->n_external_ids;
        reply.cancelled_tasks = asked->external_ids;
    }
    engine->is_run_done = engine->is_run_done || engine->ends_as != 0;
    cleat__rpc_reply(call, &reply.base);
}

static void answer_details(mock_engine *engine, cleat__rpc_call *call, const ProtobufCMessage *request)
{
    Cleat__V1__GetRunDetailsResponse reply = CLEAT__V1__GET_RUN_DETAILS_RESPONSE__INIT;
    (void)request;
    reply.done = engine->is_run_done;
    reply.status = (Cleat__V1__RunStatus)(int)engine->ends_as;
    cleat__rpc_reply(call, &reply.base);
}

static void answer_trigger(mock_engine *engine, cleat__rpc_call *call, const ProtobufCMessage *request)
{
    Cleat__TriggerWorkflowResponse reply = CLEAT__TRIGGER_WORKFLOW_RESPONSE__INIT;
    (void)engine;
    (void)request;
    reply.workflow_run_id = (char *)(uintptr_t)MOCK_RUN_ID;
    cleat__rpc_reply(call, &reply.base);
}

static void answer_bulk(mock_engine *engine, cleat__rpc_call *call, const ProtobufCMessage *request)
{
    Cleat__BulkTriggerWorkflowResponse reply = CLEAT__BULK_TRIGGER_WORKFLOW_RESPONSE__INIT;
    const Cleat__BulkTriggerWorkflowRequest *asked = (const void *)request;
    (void)engine;
    char **ids = cleat__calloc(asked->n_workflows, sizeof(*ids));
    for (size_t i = 0; i < asked->n_workflows; i++) {
        ids[i] = (char *)(uintptr_t)MOCK_RUN_ID;
    }
    reply.workflow_run_ids = ids;
    reply.n_workflow_run_ids = asked->n_workflows;
    cleat__rpc_reply(call, &reply.base);
    cleat__free(ids);
}

static void answer_schedule(mock_engine *engine, cleat__rpc_call *call, const ProtobufCMessage *request)
{
    Cleat__WorkflowVersion reply = CLEAT__WORKFLOW_VERSION__INIT;
    Cleat__ScheduledWorkflow one = CLEAT__SCHEDULED_WORKFLOW__INIT, *ones[4] = {&one, &one, &one, &one};
    const Cleat__ScheduleWorkflowRequest *asked = (const void *)request;
    (void)engine;
    assert_true(asked->n_schedules <= 4);
    one.id = (char *)(uintptr_t)MOCK_RUN_ID;
    reply.scheduled_workflows = ones;
    reply.n_scheduled_workflows = asked->n_schedules;
    cleat__rpc_reply(call, &reply.base);
}

static void answer_push(mock_engine *engine, cleat__rpc_call *call, const ProtobufCMessage *request)
{
    Cleat__Event reply = CLEAT__EVENT__INIT;
    (void)engine;
    (void)request;
    reply.event_id = (char *)(uintptr_t)MOCK_RUN_ID;
    cleat__rpc_reply(call, &reply.base);
}

static void answer_bulk_push(mock_engine *engine, cleat__rpc_call *call, const ProtobufCMessage *request)
{
    Cleat__Events reply = CLEAT__EVENTS__INIT;
    Cleat__Event one = CLEAT__EVENT__INIT, *ones[4] = {&one, &one, &one, &one};
    const Cleat__BulkPushEventRequest *asked = (const void *)request;
    (void)engine;
    assert_true(asked->n_events <= 4);
    one.event_id = (char *)(uintptr_t)MOCK_RUN_ID;
    reply.events = ones;
    reply.n_events = asked->n_events;
    cleat__rpc_reply(call, &reply.base);
}

static void answer_empty(mock_engine *engine, cleat__rpc_call *call, const ProtobufCMessage *request)
{
    (void)engine;
    (void)request;
    cleat__rpc_reply_bytes(call, (cleat_slice){"", 0}); /* all members of all of these are optional */
}

/* ---- Calls ---- */

typedef struct row {
    const char *path;
    const ProtobufCMessageDescriptor *request;
    void (*answer)(mock_engine *engine, cleat__rpc_call *call, const ProtobufCMessage *request);
} row;

static const row rows[MOCK_METHODS] = {
    [MOCK_VERSION] = {"/Dispatcher/GetVersion", &cleat__get_version_request__descriptor, answer_version},
    [MOCK_REGISTER] = {"/Dispatcher/Register", &cleat__worker_register_request__descriptor, answer_register},
    [MOCK_LISTEN] = {"/Dispatcher/ListenV2", &cleat__worker_listen_request__descriptor, NULL},
    [MOCK_LISTEN_OLD] = {"/Dispatcher/Listen", &cleat__worker_listen_request__descriptor, NULL},
    [MOCK_HEARTBEAT] = {"/Dispatcher/Heartbeat", &cleat__heartbeat_request__descriptor, answer_empty},
    [MOCK_EVENT] = {"/Dispatcher/SendStepActionEvent", &cleat__step_action_event__descriptor, answer_empty},
    [MOCK_BATCH_EVENT] = {"/Dispatcher/SendBatchActionEvent", &cleat__batch_action_event__descriptor,
                          answer_empty},
    [MOCK_SUBSCRIBE] = {"/Dispatcher/SubscribeToWorkflowRuns",
                        &cleat__subscribe_to_workflow_runs_request__descriptor, NULL},
    [MOCK_UNSUBSCRIBE] = {"/Dispatcher/Unsubscribe", &cleat__worker_unsubscribe_request__descriptor,
                          answer_empty},
    [MOCK_PUT_WORKFLOW] = {"/v1.AdminService/PutWorkflow",
                           &cleat__v1__create_workflow_version_request__descriptor, answer_put},
    [MOCK_CANCEL] = {"/v1.AdminService/CancelTasks", &cleat__v1__cancel_tasks_request__descriptor,
                     answer_cancel},
    [MOCK_DETAILS] = {"/v1.AdminService/GetRunDetails", &cleat__v1__get_run_details_request__descriptor,
                      answer_details},
    [MOCK_TRIGGER] = {"/WorkflowService/TriggerWorkflow", &cleat__v1__trigger_workflow_request__descriptor,
                      answer_trigger},
    [MOCK_BULK] = {"/WorkflowService/BulkTriggerWorkflow", &cleat__bulk_trigger_workflow_request__descriptor,
                   answer_bulk},
    [MOCK_LABELS] = {"/Dispatcher/UpsertWorkerLabels", &cleat__upsert_worker_labels_request__descriptor,
                     answer_empty},
    [MOCK_SCHEDULE] = {"/WorkflowService/ScheduleWorkflow", &cleat__schedule_workflow_request__descriptor,
                       answer_schedule},
    [MOCK_PUSH] = {"/EventsService/Push", &cleat__push_event_request__descriptor, answer_push},
    [MOCK_BULK_PUSH] = {"/EventsService/BulkPush", &cleat__bulk_push_event_request__descriptor,
                        answer_bulk_push},
    [MOCK_STREAM] = {"/EventsService/PutStreamEvent", &cleat__put_stream_event_request__descriptor,
                     answer_empty},
    [MOCK_WATCH] = {"/Dispatcher/SubscribeToWorkflowEvents",
                    &cleat__subscribe_to_workflow_events_request__descriptor, NULL},
    [MOCK_REPLAY] = {"/v1.AdminService/ReplayTasks", &cleat__v1__replay_tasks_request__descriptor,
                     answer_empty},
    [MOCK_LOG] = {"/EventsService/PutLog", &cleat__put_log_request__descriptor, answer_empty},
    [MOCK_DURABLE] = {"/v1.V1Dispatcher/DurableTask", &cleat__v1__durable_task_request__descriptor, NULL},
    [MOCK_EXPORT] = {"/opentelemetry.proto.collector.trace.v1.TraceService/Export", NULL, answer_empty},
};

/* What a call is to meet with. */
typedef enum fate { ANSWER, FAIL, HOLD } fate;

static fate judge(mock_slot *slot, cleat_slice bytes)
{
    const char *part = slot->failure_part;
    if (slot->failures != 0 && (part == NULL || memmem(bytes.data, bytes.size, part, strlen(part)) != NULL)) {
        slot->failures -= slot->failures > 0;
        return FAIL;
    }
    return slot->is_silent || rows[slot->method].answer == NULL ? HOLD : ANSWER;
}

static void keep(mock_slot *slot, cleat_slice bytes)
{
    if (slot->message_count < MOCK_MESSAGES) {
        cleat__buffer_append_slice(&slot->messages[slot->message_count], bytes);
        slot->message_count++;
    }
}

static void hold(mock_slot *slot, cleat__rpc_call *call)
{
    assert_true(slot->held_count < MOCK_HELD);
    slot->held[slot->held_count++] = cleat__rpc_hold(call);
}

static void take(cleat__rpc_call *call, mock_slot *slot, cleat_slice bytes, const ProtobufCMessage *request)
{
    mock_engine *engine = slot->engine;
    pthread_mutex_lock(&engine->mutex);
    keep(slot, bytes);
    fate fate_of_call = judge(slot, bytes);
    cleat_status failure = slot->failure;
    const char *text = slot->failure_text;
    cleat_slice details = slot->failure_details;
    if (fate_of_call == HOLD) {
        hold(slot, call);
    }
    pthread_mutex_unlock(&engine->mutex);
    gate_add(&slot->calls); /* before the client knows */
    if (fate_of_call == FAIL) {
        cleat__rpc_finish(call, failure, text, details);
    } else if (fate_of_call == ANSWER) {
        rows[slot->method].answer(engine, call, request);
    }
}

static void handle(cleat__rpc_call *call, const ProtobufCMessage *request, void *service)
{
    cleat__buffer bytes = {0};
    assert_int_equal(cleat__message_pack(request, &bytes), CLEAT_OK);
    take(call, service, cleat__buffer_slice(&bytes), request);
    cleat__buffer_deinit(&bytes);
}

static void handle_bytes(cleat__rpc_call *call, cleat_slice request, void *service)
{
    take(call, service, request, NULL);
}

/* The stream of results: it may fail when it is opened, and each message counts. */
static void open_stream(cleat__rpc_call *call, void *service)
{
    mock_slot *slot = service;
    pthread_mutex_lock(&slot->engine->mutex);
    fate fate_of_call = judge(slot, (cleat_slice){"", 0});
    if (fate_of_call == HOLD) {
        hold(slot, call);
    }
    pthread_mutex_unlock(&slot->engine->mutex);
    if (fate_of_call == FAIL) {
        cleat__rpc_finish(call, slot->failure, slot->failure_text, (cleat_slice){NULL, 0});
    }
}

static void handle_ask(cleat__rpc_call *call, const ProtobufCMessage *request, void *service)
{
    mock_slot *slot = service;
    cleat__buffer bytes = {0};
    assert_int_equal(cleat__message_pack(request, &bytes), CLEAT_OK);
    pthread_mutex_lock(&slot->engine->mutex);
    keep(slot, cleat__buffer_slice(&bytes));
    pthread_mutex_unlock(&slot->engine->mutex);
    cleat__buffer_deinit(&bytes);
    gate_add(&slot->calls); /* before the client knows */
    if (slot->method == MOCK_DURABLE && slot->engine->answers_durable) {
        mock_durable_answer(slot->engine, call, request);
    }
}

/* Takes the call out of its slot, if it is still there. */
static bool let_go(mock_slot *slot, const cleat__rpc_call *call)
{
    pthread_mutex_lock(&slot->engine->mutex);
    size_t at = 0;
    while (at < slot->held_count && slot->held[at] != call) {
        at++;
    }
    bool was_held = at < slot->held_count;
    if (was_held) {
        slot->held[at] = slot->held[--slot->held_count];
    }
    pthread_mutex_unlock(&slot->engine->mutex);
    return was_held;
}

static void cancelled(cleat__rpc_call *call, void *service)
{
    mock_slot *slot = service;
    bool was_held = let_go(slot, call);
    if (was_held) {
        cleat__rpc_finish(call, CLEAT_CANCELLED, NULL, (cleat_slice){NULL, 0});
        cleat__rpc_release(call);
        gate_add(&slot->ended);
    }
}

/* ---- What a test wants ---- */

void mock_fail(mock_engine *engine, enum mock_method method, cleat_status status, const char *text, int count)
{
    mock_slot *slot = &engine->slots[method];
    pthread_mutex_lock(&engine->mutex);
    slot->failure = status;
    slot->failure_text = text;
    slot->failures = count;
    slot->failure_part = NULL;
    slot->failure_details = (cleat_slice){NULL, 0};
    pthread_mutex_unlock(&engine->mutex);
}

void mock_fail_detail(mock_engine *engine, enum mock_method method, cleat_status status, const char *text,
                      cleat_slice details, int count)
{
    mock_fail(engine, method, status, text, count);
    pthread_mutex_lock(&engine->mutex);
    engine->slots[method].failure_details = details;
    pthread_mutex_unlock(&engine->mutex);
}

void mock_fail_part(mock_engine *engine, enum mock_method method, cleat_status status, const char *part)
{
    mock_fail(engine, method, status, NULL, -1);
    pthread_mutex_lock(&engine->mutex);
    engine->slots[method].failure_part = part;
    pthread_mutex_unlock(&engine->mutex);
}

void mock_be_silent(mock_engine *engine, enum mock_method method, bool is_silent)
{
    pthread_mutex_lock(&engine->mutex);
    engine->slots[method].is_silent = is_silent;
    pthread_mutex_unlock(&engine->mutex);
}

int mock_count(mock_engine *engine, enum mock_method method)
{
    return gate_count(&engine->slots[method].calls);
}

void mock_wait(mock_engine *engine, enum mock_method method, int count)
{
    if (!gate_try(&engine->slots[method].calls, count, 300000)) {
        fail_msg("%s: %d calls instead of %d", rows[method].path, mock_count(engine, method), count);
    }
}

void *mock_message(mock_engine *engine, enum mock_method method, int index)
{
    cleat_status status;
    mock_wait(engine, method, index + 1);
    assert_true(index < MOCK_MESSAGES);
    pthread_mutex_lock(&engine->mutex);
    void *message = cleat__message_unpack(
        rows[method].request, cleat__buffer_slice(&engine->slots[method].messages[index]), &status);
    pthread_mutex_unlock(&engine->mutex);
    assert_non_null(message);
    return message;
}

/* The call that is open, with a hold of its own; waited for. */
static cleat__rpc_call *take_held(mock_engine *engine, enum mock_method method, bool is_oldest)
{
    cleat__rpc_call *call = NULL;
    for (int calls = mock_count(engine, method); call == NULL; calls++) {
        pthread_mutex_lock(&engine->mutex);
        const mock_slot *slot = &engine->slots[method];
        call = slot->held_count != 0 ? slot->held[is_oldest ? 0 : slot->held_count - 1] : NULL;
        if (call != NULL) {
            (void)cleat__rpc_hold(call);
        }
        pthread_mutex_unlock(&engine->mutex);
        if (call == NULL) {
            mock_wait(engine, method, calls + 1);
        }
    }
    return call;
}

void mock_send(mock_engine *engine, enum mock_method method, const void *message)
{
    cleat__rpc_call *call = take_held(engine, method, false);
    assert_int_equal(cleat__rpc_send(call, message), CLEAT_OK);
    cleat__rpc_release(call);
}

static void end_held(mock_engine *engine, enum mock_method method, cleat__rpc_call *call, cleat_status status,
                     const char *text)
{
    if (let_go(&engine->slots[method], call)) {
        cleat__rpc_finish(call, status, text, (cleat_slice){NULL, 0});
        cleat__rpc_release(call); /* the slot's */
    }
    cleat__rpc_release(call);
}

void mock_end(mock_engine *engine, enum mock_method method, cleat_status status, const char *text)
{
    end_held(engine, method, take_held(engine, method, false), status, text);
}

void mock_end_oldest(mock_engine *engine, enum mock_method method, cleat_status status, const char *text)
{
    end_held(engine, method, take_held(engine, method, true), status, text);
}

/* ---- Life ---- */

char *mock_token(const char *address)
{
    char payload[256];
    snprintf(payload, sizeof(payload),
             "{\"sub\":\"01890000-0000-7000-8000-0000000000ff\",\"grpc_broadcast_address\":\"%s\"}", address);
    return raw_token_join("{\"alg\":\"ES256\"}", payload, "signature", 9);
}

static cleat_status authenticate(void *user_data, cleat_slice token, cleat__identity *out)
{
    const mock_engine *engine = user_data;
    *out = (cleat__identity){0};
    return cleat_slice_equals(token, cleat_slice_of(engine->token)) ? CLEAT_OK : CLEAT_UNAUTHENTICATED;
}

static void make_method(enum mock_method which, cleat__rpc_method *method)
{
    *method = (cleat__rpc_method){.path = rows[which].path, .request = rows[which].request};
    method->cancelled = cancelled;
    if (which == MOCK_SUBSCRIBE || which == MOCK_DURABLE) {
        method->kind = CLEAT__RPC_BIDI_STREAM;
        method->open = open_stream;
        method->handle = handle_ask;
    } else if (which == MOCK_LISTEN || which == MOCK_LISTEN_OLD || which == MOCK_WATCH) {
        method->kind = CLEAT__RPC_SERVER_STREAM;
        method->handle = handle;
    } else if (method->request != NULL) {
        method->handle = handle;
    } else {
        method->handle_bytes = handle_bytes;
    }
}

void mock_start(mock_engine *engine, mock_options options)
{
    static cleat__rpc_method methods[MOCK_METHODS];
    cleat__rpc_service services[MOCK_METHODS];
    memset(engine, 0, sizeof(*engine));
    grpc_suppressions_use();
    pthread_mutex_init(&engine->mutex, NULL);
    engine->version = "v0.83.0-cleat.0.1.0";
    char *token = mock_token("127.0.0.1:1");
    snprintf(engine->token, sizeof(engine->token), "%s", token);
    free(token);
    for (int i = 0; i < MOCK_METHODS; i++) {
        mock_slot *slot = &engine->slots[i];
        slot->engine = engine;
        slot->method = (enum mock_method)i;
        gate_init(&slot->calls);
        gate_init(&slot->ended);
        make_method(slot->method, &methods[i]);
        services[i] = (cleat__rpc_service){&methods[i], 1, slot};
    }
    const cleat__rpc_options server = {
        .address = options.address != NULL ? options.address : "127.0.0.1:0",
        .certificate_file = options.certificate_file,
        .key_file = options.key_file,
        .client_authorities_file = options.client_authorities_file,
        .authenticate = authenticate,
        .authenticate_data = engine,
        .services = services,
        .service_count = MOCK_METHODS,
    };
    if (cleat__rpc_server_start(&server, &engine->server) != CLEAT_OK) {
        fail_msg("%s", cleat_error_message());
    }
}

void mock_stop(mock_engine *engine)
{
    cleat__rpc_server_stop(engine->server, 0);
    cleat__rpc_server_free(engine->server);
    for (int i = 0; i < MOCK_METHODS; i++) {
        mock_slot *slot = &engine->slots[i];
        for (size_t k = 0; k < slot->message_count; k++) {
            cleat__buffer_deinit(&slot->messages[k]);
        }
        gate_deinit(&slot->calls);
        gate_deinit(&slot->ended);
    }
    pthread_mutex_destroy(&engine->mutex);
}

cleat__remote_settings mock_settings(const mock_engine *engine)
{
    cleat__remote_settings settings;
    const cleat_status status = cleat__remote_settings_read(
        CLEAT_CLIENT_OPTIONS(.token = engine->token, .tls_strategy = "none",
                             .host_port = cleat__rpc_server_address(engine->server)),
        &settings);
    if (status != CLEAT_OK) {
        fail_msg("%s", cleat_error_message());
    }
    settings.retry_ms = settings.reconnect_ms = 1;
    settings.retry_jitter_ms = 0;
    settings.reconnect_max_ms = 20;
    settings.heartbeat_ms = 20;
    settings.durable_reconnect_ms = 1;
    settings.durable_grace_ms = 30;
    settings.gather_ms = settings.call_timeout_ms = settings.flush_ms = 300000; /* of a busy machine */
    return settings;
}
