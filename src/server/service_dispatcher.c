/* The Dispatcher: what workers say; of batches in service_batch.c. What they are told is in service_listen.c. */
#include "service.h"
#include "version.h"

#include "base/alloc.h"
#include "base/error.h"
#include "model/duration.h"
#include "wire/message.h"
#include "wire/report.h"
#include "wire/timestamp.h"
#include "wire/worker.h"

#include <inttypes.h>

/* ---- Register ---- */

typedef struct registering {
    cleat__job job; /* first */
    cleat__worker_spec spec;
    cleat__uuid id;
} registering;

static void register_deinit(cleat__job *job)
{
    cleat__worker_read_end(&((registering *)job)->spec);
}

static void register_answer(cleat__job *job)
{
    Cleat__WorkerRegisterResponse reply = CLEAT__WORKER_REGISTER_RESPONSE__INIT;
    char tenant[37], id[37];
    cleat__uuid_format(&cleat__rpc_call_identity(job->call)->tenant_id, tenant);
    cleat__uuid_format(&((registering *)job)->id, id);
    reply.tenant_id = tenant;
    reply.worker_id = id;
    reply.worker_name = ((Cleat__WorkerRegisterRequest *)job->request)->worker_name;
    cleat__job_reply(job, &reply.base);
}

static void handle_register(cleat__rpc_call *call, const ProtobufCMessage *request, void *service)
{
    registering *it =
        cleat__job_new(call, service, sizeof(*it), CLEAT__COMMAND_WORKER_REGISTER, register_answer);
    if (it == NULL) {
        return;
    }
    it->job.deinit = register_deinit;
    it->job.command.as.worker_register.spec = &it->spec;
    it->job.command.as.worker_register.id = &it->id;
    cleat_status status = cleat__worker_read((const Cleat__WorkerRegisterRequest *)request, &it->spec);
    if (status == CLEAT_OK) {
        cleat__job_submit(&it->job);
    } else {
        cleat__job_fail(&it->job, status);
    }
}

/* ---- Calls about a worker ---- */

static void heartbeat_answer(cleat__job *job)
{
    Cleat__HeartbeatResponse reply = CLEAT__HEARTBEAT_RESPONSE__INIT;
    cleat__job_reply(job, &reply.base);
}

static void handle_heartbeat(cleat__rpc_call *call, const ProtobufCMessage *request, void *service)
{
    const char *id = ((const Cleat__HeartbeatRequest *)request)->worker_id;
    cleat__job *job =
        cleat__job_new(call, service, sizeof(*job), CLEAT__COMMAND_WORKER_HEARTBEAT, heartbeat_answer);
    if (job != NULL && cleat__job_read_id(job, "worker_id", id, &job->command.as.id)) {
        cleat__job_submit(job);
    }
}

static void unsubscribe_answer(cleat__job *job)
{
    Cleat__WorkerUnsubscribeResponse reply = CLEAT__WORKER_UNSUBSCRIBE_RESPONSE__INIT;
    char tenant[37];
    cleat__uuid_format(&cleat__rpc_call_identity(job->call)->tenant_id, tenant);
    reply.tenant_id = tenant;
    reply.worker_id = ((Cleat__WorkerUnsubscribeRequest *)job->request)->worker_id;
    cleat__job_reply(job, &reply.base);
}

static void handle_unsubscribe(cleat__rpc_call *call, const ProtobufCMessage *request, void *service)
{
    const char *id = ((const Cleat__WorkerUnsubscribeRequest *)request)->worker_id;
    cleat__job *job =
        cleat__job_new(call, service, sizeof(*job), CLEAT__COMMAND_WORKER_UNSUBSCRIBE, unsubscribe_answer);
    if (job != NULL && cleat__job_read_id(job, "worker_id", id, &job->command.as.id)) {
        cleat__job_submit(job);
    }
}

typedef struct labelling {
    cleat__job job; /* first */
    cleat__label *labels;
} labelling;

static void label_deinit(cleat__job *job)
{
    cleat__free(((labelling *)job)->labels);
}

static void label_answer(cleat__job *job)
{
    Cleat__UpsertWorkerLabelsResponse reply = CLEAT__UPSERT_WORKER_LABELS_RESPONSE__INIT;
    char tenant[37];
    cleat__uuid_format(&cleat__rpc_call_identity(job->call)->tenant_id, tenant);
    reply.tenant_id = tenant;
    reply.worker_id = ((Cleat__UpsertWorkerLabelsRequest *)job->request)->worker_id;
    cleat__job_reply(job, &reply.base);
}

static void handle_upsert_labels(cleat__rpc_call *call, const ProtobufCMessage *request, void *service)
{
    const Cleat__UpsertWorkerLabelsRequest *asked = (const Cleat__UpsertWorkerLabelsRequest *)request;
    labelling *it = cleat__job_new(call, service, sizeof(*it), CLEAT__COMMAND_WORKER_LABEL, label_answer);
    if (it == NULL) {
        return;
    }
    cleat__command *command = &it->job.command;
    it->job.deinit = label_deinit;
    if (!cleat__job_read_id(&it->job, "worker_id", asked->worker_id, &command->as.worker_label.id)) {
        return;
    }
    cleat_status status = cleat__worker_labels_read(asked, &it->labels);
    if (status != CLEAT_OK) {
        cleat__job_fail(&it->job, status);
        return;
    }
    command->as.worker_label.items = it->labels;
    command->as.worker_label.count = asked->n_labels;
    cleat__job_submit(&it->job);
}

/* ---- Calls about a run ---- */

static void event_answer(cleat__job *job)
{
    Cleat__ActionEventResponse reply = CLEAT__ACTION_EVENT_RESPONSE__INIT;
    char tenant[37];
    cleat__uuid_format(&cleat__rpc_call_identity(job->call)->tenant_id, tenant);
    reply.tenant_id = tenant;
    reply.worker_id = ((Cleat__StepActionEvent *)job->request)->worker_id;
    cleat__job_reply(job, &reply.base);
}

static void handle_step_event(cleat__rpc_call *call, const ProtobufCMessage *request, void *service)
{
    cleat__job *job = cleat__job_new(call, service, sizeof(*job), CLEAT__COMMAND_REPORT, event_answer);
    if (job == NULL) {
        return;
    }
    cleat__report *report = &job->command.as.report;
    cleat_status status = cleat__report_read((const Cleat__StepActionEvent *)request, report);
    if (status == CLEAT_EMPTY) {
        cleat__uuid id = report->task_id;
        int32_t retry_count = report->retry_count;
        job->command.kind = CLEAT__COMMAND_STARTED;
        job->command.as.started.id = id;
        job->command.as.started.retry_count = retry_count;
        status = CLEAT_OK;
    }
    if (status == CLEAT_OK) {
        cleat__job_submit(job);
    } else {
        cleat__job_fail(job, status);
    }
}

static void release_answer(cleat__job *job)
{
    Cleat__ReleaseSlotResponse reply = CLEAT__RELEASE_SLOT_RESPONSE__INIT;
    cleat__job_reply(job, &reply.base);
}

/* As in the command; what is none is not said. */
static int32_t attempt_of(bool is_said, int32_t retry_count)
{
    return is_said && retry_count >= 0 && retry_count < INT32_MAX ? retry_count + 1 : 0;
}

static void handle_release_slot(cleat__rpc_call *call, const ProtobufCMessage *request, void *service)
{
    const Cleat__ReleaseSlotRequest *asked = (const Cleat__ReleaseSlotRequest *)request;
    const char *id = asked->task_run_external_id;
    cleat__job *job =
        cleat__job_new(call, service, sizeof(*job), CLEAT__COMMAND_RELEASE_SLOT, release_answer);
    if (job != NULL && cleat__job_read_id(job, "task_run_external_id", id, &job->command.as.id)) {
        job->command.attempt = attempt_of(asked->has_retry_count_case != 0, asked->retry_count);
        cleat__job_submit(job);
    }
}

typedef struct refreshing {
    cleat__job job; /* first */
    int64_t timeout_at_ms;
} refreshing;

static void refresh_answer(cleat__job *job)
{
    Cleat__RefreshTimeoutResponse reply = CLEAT__REFRESH_TIMEOUT_RESPONSE__INIT;
    bool failed = false;
    reply.timeout_at = cleat__timestamp_new(&failed, ((refreshing *)job)->timeout_at_ms);
    Cleat__Google__Protobuf__Timestamp *timestamp = reply.timeout_at;
    if (failed) {
        cleat__job_fail(job, cleat__fail_memory());
    } else {
        cleat__job_reply(job, &reply.base);
    }
    cleat__message_free(timestamp);
}

static void handle_refresh_timeout(cleat__rpc_call *call, const ProtobufCMessage *request, void *service)
{
    const Cleat__RefreshTimeoutRequest *asked = (const Cleat__RefreshTimeoutRequest *)request;
    refreshing *it =
        cleat__job_new(call, service, sizeof(*it), CLEAT__COMMAND_REFRESH_TIMEOUT, refresh_answer);
    if (it == NULL) {
        return;
    }
    cleat__command *command = &it->job.command;
    command->as.refresh_timeout.timeout_at_ms = &it->timeout_at_ms;
    command->attempt = attempt_of(asked->has_retry_count_case != 0, asked->retry_count);
    if (!cleat__job_read_id(&it->job, "task_run_external_id", asked->task_run_external_id,
                            &command->as.refresh_timeout.id)) {
        return;
    }
    cleat_status status =
        cleat__duration_parse("increment_timeout_by", cleat_slice_of(asked->increment_timeout_by),
                              &command->as.refresh_timeout.increment_ms);
    if (status == CLEAT_OK) {
        cleat__job_submit(&it->job);
    } else {
        cleat__job_fail(&it->job, status);
    }
}

/* ---- Calls that ask nobody ---- */

static void handle_version(cleat__rpc_call *call, const ProtobufCMessage *request, void *service)
{
    Cleat__GetVersionResponse reply = CLEAT__GET_VERSION_RESPONSE__INIT;
    char version[CLEAT__VERSION_SIZE];
    (void)request, (void)service;
    cleat__version_format(version);
    reply.version = version;
    cleat__rpc_reply(call, &reply.base);
}

static void handle_overrides(cleat__rpc_call *call, const ProtobufCMessage *request, void *service)
{
    Cleat__OverridesDataResponse reply = CLEAT__OVERRIDES_DATA_RESPONSE__INIT;
    (void)request, (void)service;
    cleat__rpc_reply(call, &reply.base);
}

static void restore_answer(cleat__job *job)
{
    Cleat__RestoreEvictedTaskResponse reply = CLEAT__RESTORE_EVICTED_TASK_RESPONSE__INIT;
    reply.requeued = 1;
    cleat__job_reply(job, &reply.base);
}

/* What is not evicted needs nothing: the protocol has one answer for both. */
static void restore_refuse(cleat__job *job)
{
    if (job->command.status == CLEAT_FAILED_PRECONDITION) {
        restore_answer(job);
    } else {
        cleat__job_refuse(job);
    }
}

static void handle_restore(cleat__rpc_call *call, const ProtobufCMessage *request, void *service)
{
    const char *id = ((const Cleat__RestoreEvictedTaskRequest *)request)->task_run_external_id;
    cleat__job *job =
        cleat__job_new(call, service, sizeof(*job), CLEAT__COMMAND_DURABLE_RESTORE, restore_answer);
    if (job != NULL &&
        cleat__job_read_id(job, "task_run_external_id", id, &job->command.as.durable_restore)) {
        job->refuse = restore_refuse;
        cleat__job_submit(job);
    }
}

static void handle_group_key_event(cleat__rpc_call *call, const ProtobufCMessage *request, void *service)
{
    (void)request, (void)service;
    cleat__service_fail_unsupported(call, "group keys that workers compute");
}

#define UNARY(name, message, function)                                                                \
    {                                                                                                 \
        .path = "/Dispatcher/" name, .request = &cleat__##message##__descriptor, .handle = (function) \
    }

cleat__rpc_service cleat__service_dispatcher(cleat__services *services)
{
    static const cleat__rpc_method methods[] = {
        UNARY("Register", worker_register_request, handle_register),
        UNARY("Heartbeat", heartbeat_request, handle_heartbeat),
        UNARY("Unsubscribe", worker_unsubscribe_request, handle_unsubscribe),
        UNARY("UpsertWorkerLabels", upsert_worker_labels_request, handle_upsert_labels),
        UNARY("SendStepActionEvent", step_action_event, handle_step_event),
        UNARY("SendBatchActionEvent", batch_action_event, cleat__service_take_batch_event),
        UNARY("SendGroupKeyActionEvent", group_key_action_event, handle_group_key_event),
        UNARY("ReleaseSlot", release_slot_request, handle_release_slot),
        UNARY("RefreshTimeout", refresh_timeout_request, handle_refresh_timeout),
        UNARY("RestoreEvictedTask", restore_evicted_task_request, handle_restore),
        UNARY("PutOverridesData", overrides_data, handle_overrides),
        UNARY("GetVersion", get_version_request, handle_version),
    };
    return (cleat__rpc_service){methods, sizeof(methods) / sizeof(methods[0]), services};
}
