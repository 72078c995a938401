/* The WorkflowService: starting runs, now and later, and declarations in their older form. */
#include "service_trigger.h"

#include "base/alloc.h"
#include "base/error.h"
#include "store/query.h"
#include "wire/workflow_v0.h"
#include "wire/message.h"
#include "wire/schedule.h"
#include "wire/workflow.h"

/* ---- One ---- */

static void trigger_answer(cleat__job *job)
{
    Cleat__TriggerWorkflowResponse reply = CLEAT__TRIGGER_WORKFLOW_RESPONSE__INIT;
    char id[37];
    cleat__uuid_format(&((cleat__triggering *)job)->ids[0], id);
    reply.workflow_run_id = id;
    cleat__job_reply(job, &reply.base);
}

static void handle_trigger(cleat__rpc_call *call, const ProtobufCMessage *request, void *service)
{
    cleat__triggering *it = cleat__triggering_new(call, service, 1, trigger_answer);
    if (it != NULL) {
        cleat__triggering_submit(
            it, cleat__trigger_read((const Cleat__V1__TriggerWorkflowRequest *)request, &it->items[0]));
    }
}

/* ---- Many ---- */

/* The ids as texts, with what points to them in front. */
static char **format_ids(const cleat__uuid *ids, size_t count)
{
    char **texts = cleat__malloc(count * (sizeof(char *) + 37) + 1);
    for (size_t i = 0; texts != NULL && i < count; i++) {
        texts[i] = (char *)(texts + count) + i * 37;
        cleat__uuid_format(&ids[i], texts[i]);
    }
    return texts;
}

static void bulk_answer(cleat__job *job)
{
    const cleat__triggering *it = (cleat__triggering *)job;
    Cleat__BulkTriggerWorkflowResponse reply = CLEAT__BULK_TRIGGER_WORKFLOW_RESPONSE__INIT;
    char **texts = format_ids(it->ids, it->count);
    reply.workflow_run_ids = texts;
    reply.n_workflow_run_ids = it->count;
    if (texts != NULL) {
        cleat__job_reply(job, &reply.base);
    } else {
        cleat__job_fail(job, cleat__fail_memory());
    }
    cleat__free(texts);
}

static void handle_bulk_trigger(cleat__rpc_call *call, const ProtobufCMessage *request, void *service)
{
    const Cleat__BulkTriggerWorkflowRequest *asked = (const Cleat__BulkTriggerWorkflowRequest *)request;
    if (asked->n_workflows > CLEAT__RUNS_MAX) {
        cleat__rpc_fail(call, cleat__fail(CLEAT_INVALID_ARGUMENT,
                                          "%zu workflows; no more than %d are started together",
                                          asked->n_workflows, CLEAT__RUNS_MAX));
        return;
    }
    cleat__triggering *it = cleat__triggering_new(call, service, asked->n_workflows, bulk_answer);
    if (it == NULL) {
        return;
    }
    cleat_status status = CLEAT_OK;
    it->is_bulk = true;
    for (size_t i = 0; i < it->count && status == CLEAT_OK; i++) {
        status = cleat__trigger_read(asked->workflows[i], &it->items[i]);
    }
    cleat__triggering_submit(it, status);
}

/* ---- Versions of workflows, as they are told ---- */

static cleat_status find_answer(cleat__store *store, int64_t tenant, cleat_slice workflow,
                                cleat__schedule_answer *answer)
{
    cleat__workflow_brief brief;
    cleat_status status = cleat__workflow_get(store, tenant, workflow, &brief);
    answer->workflow_id = brief.workflow_id;
    answer->version_id = brief.version_id;
    answer->order = brief.version_count;
    return status;
}

static void reply_version(cleat__job *job, const cleat__schedule_answer *answer)
{
    Cleat__WorkflowVersion *reply = cleat__schedule_answer_write(answer);
    if (reply != NULL) {
        cleat__job_reply(job, &reply->base);
    } else {
        cleat__job_fail(job, cleat__fail_memory());
    }
    cleat__message_free(reply);
}

/* What was asked for is stored; the job goes on to find what is told of it. */
static void look_up(cleat__job *job, cleat_status (*find)(cleat__store *store, void *argument),
                    void (*answer)(cleat__job *job))
{
    job->command.kind = CLEAT__COMMAND_CALL;
    job->command.as.call.function = find;
    job->command.as.call.argument = job;
    job->answer = answer;
    cleat__job_submit(job);
}

/* ---- Later ---- */

typedef struct scheduling {
    cleat__job job; /* first */
    cleat__schedule schedule;
    cleat__schedule_answer answer;
    int64_t *at_ms;
    cleat__uuid *ids;
} scheduling;

static void schedule_deinit(cleat__job *job)
{
    scheduling *it = (scheduling *)job;
    cleat__free(it->at_ms);
    cleat__free(it->ids);
}

static cleat_status find_version(cleat__store *store, void *argument)
{
    scheduling *it = argument;
    return find_answer(store, it->job.command.tenant, it->schedule.workflow, &it->answer);
}

static void schedule_answer(cleat__job *job)
{
    reply_version(job, &((scheduling *)job)->answer);
}

static void on_scheduled(cleat__job *job)
{
    look_up(job, find_version, schedule_answer);
}

static cleat_status read_schedule(const Cleat__ScheduleWorkflowRequest *asked, scheduling *it)
{
    size_t count = asked->n_schedules;
    it->at_ms = cleat__calloc(count + 1, sizeof(*it->at_ms));
    it->ids = cleat__calloc(count + 1, sizeof(*it->ids));
    if (it->at_ms == NULL || it->ids == NULL) {
        return cleat__fail_memory();
    }
    it->answer.at_ms = it->at_ms;
    it->answer.ids = it->ids;
    it->answer.count = count;
    it->job.command.as.schedule.schedule = &it->schedule;
    it->job.command.as.schedule.at_ms = it->at_ms;
    it->job.command.as.schedule.ids = it->ids;
    it->job.command.as.schedule.count = count;
    return cleat__schedule_read(asked, &it->schedule, it->at_ms);
}

static void handle_schedule(cleat__rpc_call *call, const ProtobufCMessage *request, void *service)
{
    scheduling *it = cleat__job_new(call, service, sizeof(*it), CLEAT__COMMAND_SCHEDULE, on_scheduled);
    if (it == NULL) {
        return;
    }
    it->job.deinit = schedule_deinit;
    cleat_status status = read_schedule((const Cleat__ScheduleWorkflowRequest *)request, it);
    if (status == CLEAT_OK) {
        cleat__job_submit(&it->job);
    } else {
        cleat__job_fail(&it->job, status);
    }
}

/* ---- Declaring, in the older form ---- */

typedef struct putting {
    cleat__job job; /* first */
    cleat__workflow workflow;
    cleat__schedule_answer answer; /* of no schedules */
} putting;

static void put_deinit(cleat__job *job)
{
    cleat__workflow_read_end(&((putting *)job)->workflow);
}

static cleat_status find_put(cleat__store *store, void *argument)
{
    putting *it = argument;
    return find_answer(store, it->job.command.tenant, it->workflow.name, &it->answer);
}

static void put_answer(cleat__job *job)
{
    reply_version(job, &((putting *)job)->answer);
}

static void on_put(cleat__job *job)
{
    look_up(job, find_put, put_answer);
}

static void handle_put_workflow(cleat__rpc_call *call, const ProtobufCMessage *request, void *service)
{
    putting *it = cleat__job_new(call, service, sizeof(*it), CLEAT__COMMAND_PUT_WORKFLOW, on_put);
    if (it == NULL) {
        return;
    }
    it->job.deinit = put_deinit;
    it->job.command.as.put_workflow.workflow = &it->workflow;
    cleat_status status = cleat__workflow_read_v0((const Cleat__PutWorkflowRequest *)request, &it->workflow);
    if (status == CLEAT_OK) {
        cleat__job_submit(&it->job);
    } else {
        cleat__job_fail(&it->job, status);
    }
}

/* ---- What this engine does not have ---- */

static void handle_put_rate_limit(cleat__rpc_call *call, const ProtobufCMessage *request, void *service)
{
    (void)request, (void)service;
    cleat__service_fail_unsupported(call, "rate limits");
}

#define UNARY(name, message, function)                                                                     \
    {                                                                                                      \
        .path = "/WorkflowService/" name, .request = &cleat__##message##__descriptor, .handle = (function) \
    }

cleat__rpc_service cleat__service_workflows(cleat__services *services)
{
    static const cleat__rpc_method methods[] = {
        UNARY("TriggerWorkflow", v1__trigger_workflow_request, handle_trigger),
        UNARY("BulkTriggerWorkflow", bulk_trigger_workflow_request, handle_bulk_trigger),
        UNARY("ScheduleWorkflow", schedule_workflow_request, handle_schedule),
        UNARY("PutRateLimit", put_rate_limit_request, handle_put_rate_limit),
        UNARY("PutWorkflow", put_workflow_request, handle_put_workflow),
    };
    return (cleat__rpc_service){methods, sizeof(methods) / sizeof(methods[0]), services};
}
