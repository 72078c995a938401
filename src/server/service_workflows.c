/* The WorkflowService: starting runs. */
#include "service_trigger.h"

#include "base/alloc.h"
#include "base/error.h"
#include "wire/workflows.pb-c.h"

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

/* All are stored in one step, during which nobody else is answered. */
enum { TRIGGERS_MAX = 10000 };

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
    if (asked->n_workflows > TRIGGERS_MAX) {
        cleat__rpc_fail(call, cleat__fail(CLEAT_INVALID_ARGUMENT,
                                          "%zu workflows; no more than %d are started together",
                                          asked->n_workflows, TRIGGERS_MAX));
        return;
    }
    cleat__triggering *it = cleat__triggering_new(call, service, asked->n_workflows, bulk_answer);
    if (it == NULL) {
        return;
    }
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; i < it->count && status == CLEAT_OK; i++) {
        status = cleat__trigger_read(asked->workflows[i], &it->items[i]);
    }
    cleat__triggering_submit(it, status);
}

/* ---- What this engine does not have ---- */

static void handle_schedule(cleat__rpc_call *call, const ProtobufCMessage *request, void *service)
{
    (void)request, (void)service;
    cleat__service_fail_unsupported(call, "scheduled runs");
}

static void handle_put_rate_limit(cleat__rpc_call *call, const ProtobufCMessage *request, void *service)
{
    (void)request, (void)service;
    cleat__service_fail_unsupported(call, "rate limits");
}

static void handle_put_workflow(cleat__rpc_call *call, const ProtobufCMessage *request, void *service)
{
    (void)request, (void)service;
    cleat__service_fail_unsupported(
        call, "declarations of jobs and steps; newer clients declare tasks, by /v1.AdminService/PutWorkflow");
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
