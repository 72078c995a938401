/* v1.AdminService: declarations, and runs by their id. Many runs at once are in service_tasks.c. */
#include "service_trigger.h"

#include "base/alloc.h"
#include "base/error.h"
#include "store/chain.h"
#include "store/dag.h"
#include "store/load.h"
#include "store/query.h"
#include "wire/message.h"
#include "wire/run_result.h"
#include "wire/workflow.h"

/* ---- PutWorkflow ---- */

typedef struct putting {
    cleat__job job; /* first */
    cleat__workflow workflow;
    cleat__version version;
} putting;

static void put_deinit(cleat__job *job)
{
    cleat__workflow_read_end(&((putting *)job)->workflow);
}

static void put_answer(cleat__job *job)
{
    const putting *it = (putting *)job;
    Cleat__V1__CreateWorkflowVersionResponse reply = CLEAT__V1__CREATE_WORKFLOW_VERSION_RESPONSE__INIT;
    char version[37], workflow[37];
    cleat__uuid_format(&it->version.version_id, version);
    cleat__uuid_format(&it->version.workflow_id, workflow);
    reply.id = version;
    reply.workflow_id = workflow;
    cleat__job_reply(job, &reply.base);
}

static void handle_put_workflow(cleat__rpc_call *call, const ProtobufCMessage *request, void *service)
{
    putting *it = cleat__job_new(call, service, sizeof(*it), CLEAT__COMMAND_PUT_WORKFLOW, put_answer);
    if (it == NULL) {
        return;
    }
    it->job.deinit = put_deinit;
    it->job.command.as.put_workflow.workflow = &it->workflow;
    it->job.command.as.put_workflow.version = &it->version;
    cleat_status status =
        cleat__workflow_read((const Cleat__V1__CreateWorkflowVersionRequest *)request, &it->workflow);
    if (status == CLEAT_OK) {
        cleat__job_submit(&it->job);
    } else {
        cleat__job_fail(&it->job, status);
    }
}

/* ---- TriggerWorkflowRun ---- */

static void trigger_answer(cleat__job *job)
{
    Cleat__V1__TriggerWorkflowRunResponse reply = CLEAT__V1__TRIGGER_WORKFLOW_RUN_RESPONSE__INIT;
    char id[37];
    cleat__uuid_format(&((cleat__triggering *)job)->ids[0], id);
    reply.external_id = id;
    cleat__job_reply(job, &reply.base);
}

static void handle_trigger(cleat__rpc_call *call, const ProtobufCMessage *request, void *service)
{
    cleat__triggering *it = cleat__triggering_new(call, service, 1, trigger_answer);
    if (it != NULL) {
        cleat__triggering_submit(
            it,
            cleat__trigger_run_read((const Cleat__V1__TriggerWorkflowRunRequest *)request, &it->items[0]));
    }
}

/* ---- GetRunDetails ---- */

typedef struct detailing {
    cleat__job job; /* first */
    cleat__uuid id;
    Cleat__V1__GetRunDetailsResponse *reply;
    cleat__rpc_call *charged; /* with `size`; held, as the job outlives its end */
    size_t size;
} detailing;

static void details_deinit(cleat__job *job)
{
    detailing *it = (detailing *)job;
    cleat__message_free(it->reply);
    cleat__rpc_discharge(it->charged, it->size);
    cleat__rpc_release(it->charged);
}

static cleat_status fail_short(void)
{
    return cleat__fail(CLEAT_RESOURCE_EXHAUSTED,
                       "the server has no memory for more details: try again later");
}

/* Many may be asked for at once, and all that are read in one step of the engine wait for its end. */
static cleat_status charge_details(detailing *it, const cleat__run_row *row)
{
    if (cleat__rpc_is_short(it->charged)) {
        return fail_short();
    }
    it->size = row->input.size + row->metadata.size + row->output.size + row->error.size;
    cleat__rpc_charge(it->charged, it->size);
    return CLEAT_OK;
}

static ProtobufCBinaryData bytes_of(bool *failed, cleat_slice text)
{
    uint8_t *copy = text.size != 0 ? (uint8_t *)cleat__slice_dup(text) : NULL;
    *failed = *failed || (text.size != 0 && copy == NULL);
    return (ProtobufCBinaryData){copy != NULL ? text.size : 0, copy};
}

/* How it ended is told when it has. */
static Cleat__V1__TaskRunDetail *detail_new(const cleat__run_row *row, bool *failed)
{
    char id[37];
    Cleat__V1__TaskRunDetail *detail = cleat__message_new(&cleat__v1__task_run_detail__descriptor);
    if (detail == NULL) {
        *failed = true;
        return NULL;
    }
    cleat__uuid_format(&row->id, id);
    detail->external_id = cleat__message_string(failed, id);
    detail->readable_id = cleat__message_text(failed, row->task_name);
    detail->status = cleat__run_status_write(row->status);
    detail->is_evicted = row->status == CLEAT_RUN_EVICTED;
    if (row->status == CLEAT_RUN_FAILED) {
        detail->has_error_case = CLEAT__V1__TASK_RUN_DETAIL__HAS_ERROR_ERROR;
        detail->error =
            cleat__message_text(failed, row->error.data != NULL ? row->error : cleat_slice_of(""));
    } else if (row->status == CLEAT_RUN_COMPLETED) {
        detail->has_output_case = CLEAT__V1__TASK_RUN_DETAIL__HAS_OUTPUT_OUTPUT;
        detail->output = bytes_of(failed, row->output);
    }
    return detail;
}

static void add_task(Cleat__V1__GetRunDetailsResponse *reply, const cleat__run_row *row, bool *failed)
{
    Cleat__V1__GetRunDetailsResponse__TaskRunsEntry *entry =
        cleat__message_new(&cleat__v1__get_run_details_response__task_runs_entry__descriptor);
    void *grown = cleat__realloc(reply->task_runs, (reply->n_task_runs + 1) * sizeof(reply->task_runs[0]));
    reply->task_runs = grown != NULL ? grown : reply->task_runs;
    if (entry == NULL || grown == NULL) {
        cleat__message_free(entry);
        *failed = true;
        return;
    }
    reply->task_runs[reply->n_task_runs++] = entry;
    entry->key = cleat__message_text(failed, row->task_name);
    entry->value = detail_new(row, failed);
}

typedef struct adding {
    detailing *to;
    bool is_done; /* until then it is not told how tasks have ended, and what they made is not read */
    size_t size;  /* of what they have made */
} adding;

/* All wait for the engine while this is read, so it ends where it would come to more than a run of one task can have
 * made: nobody could be sent that. */
static cleat_status charge_task(adding *self, size_t size)
{
    if (cleat__rpc_is_short(self->to->charged)) {
        return fail_short();
    }
    self->size += size;
    if (self->size > CLEAT_PAYLOAD_MAX) {
        return cleat__fail(CLEAT_TOO_LARGE,
                           "the tasks of the run have made more than %d bytes: too large to be sent together",
                           (int)CLEAT_PAYLOAD_MAX);
    }
    cleat__rpc_charge(self->to->charged, size);
    self->to->size += size;
    return CLEAT_OK;
}

static cleat_status add_one(void *argument, const cleat__dag_row *row)
{
    adding *self = argument;
    bool failed = false;
    cleat__run_row shown = {.id = row->id,
                            .task_name = row->name,
                            .status = row->state,
                            .output = row->output,
                            .error = row->error};
    if (!self->is_done && row->has_ended) {
        shown.status = CLEAT_RUN_RUNNING;
    }
    cleat_status status = charge_task(self, row->output.size + row->error.size);
    if (status == CLEAT_OK) {
        add_task(self->to->reply, &shown, &failed);
    }
    return failed ? cleat__fail_memory() : status;
}

static cleat_status add_tasks(cleat__store *store, detailing *it, bool is_done)
{
    adding self = {.to = it, .is_done = is_done};
    return cleat__dag_list(store, &it->id, is_done ? CLEAT__DAG_WITH_RESULTS : CLEAT__DAG_WITHOUT_RESULTS,
                           add_one, &self);
}

/* Or the one that it has gone on as. */
static cleat_status find_run(cleat__store *store, detailing *it, cleat__run_row *row)
{
    const Cleat__V1__GetRunDetailsRequest *asked = it->job.request;
    cleat__follow follow = cleat__follow_read(asked->cleat_follow);
    cleat_status status = cleat__load_exists(store, it->job.command.tenant, &it->id);
    if (status == CLEAT_OK) {
        status = cleat__chain_reach(store, follow, CLEAT__CHAIN_STEPS, &it->id);
    }
    return status == CLEAT_OK ? cleat__run_get(store, &it->id, row) : status;
}

/* In the engine's store, so that it is as new as any answer before. */
static cleat_status read_details(cleat__store *store, void *argument)
{
    detailing *it = argument;
    cleat__run_row row;
    cleat_status status = find_run(store, it, &row);
    if (status == CLEAT_OK) {
        status = charge_details(it, &row);
    }
    if (status != CLEAT_OK) {
        return status;
    }
    bool failed = false;
    it->reply = cleat__message_new(&cleat__v1__get_run_details_response__descriptor);
    if (it->reply == NULL) {
        return cleat__fail_memory();
    }
    it->reply->input = bytes_of(&failed, row.input);
    it->reply->additional_metadata = bytes_of(&failed, row.metadata);
    it->reply->status = cleat__run_status_write(row.status);
    it->reply->done = cleat_run_status_is_final(row.status);
    it->reply->is_evicted = row.status == CLEAT_RUN_EVICTED;
    if (!row.is_dag) {
        add_task(it->reply, &row, &failed);
    }
    bool is_done = it->reply->done;
    if (failed) {
        return cleat__fail_memory();
    }
    return row.is_dag ? add_tasks(store, it, is_done) : CLEAT_OK;
}

static void details_answer(cleat__job *job)
{
    cleat__job_reply(job, &((detailing *)job)->reply->base);
}

static void handle_details(cleat__rpc_call *call, const ProtobufCMessage *request, void *service)
{
    const char *id = ((const Cleat__V1__GetRunDetailsRequest *)request)->external_id;
    detailing *it = cleat__job_new(call, service, sizeof(*it), CLEAT__COMMAND_CALL, details_answer);
    if (it == NULL) {
        return;
    }
    it->job.deinit = details_deinit;
    it->charged = cleat__rpc_hold(call);
    it->job.command.as.call.function = read_details;
    it->job.command.as.call.argument = it;
    if (cleat__job_read_id(&it->job, "external_id", id, &it->id)) {
        cleat__job_submit(&it->job);
    }
}

/* ---- BranchDurableTask ---- */

typedef struct branching {
    cleat__job job; /* first */
    int64_t branch;
} branching;

static void branch_answer(cleat__job *job)
{
    const Cleat__V1__BranchDurableTaskRequest *asked = job->request;
    Cleat__V1__BranchDurableTaskResponse reply = CLEAT__V1__BRANCH_DURABLE_TASK_RESPONSE__INIT;
    reply.task_external_id = asked->task_external_id;
    reply.node_id = asked->node_id;
    reply.branch_id = ((branching *)job)->branch;
    cleat__job_reply(job, &reply.base);
}

static void handle_branch(cleat__rpc_call *call, const ProtobufCMessage *request, void *service)
{
    const Cleat__V1__BranchDurableTaskRequest *asked = (const Cleat__V1__BranchDurableTaskRequest *)request;
    branching *it = cleat__job_new(call, service, sizeof(*it), CLEAT__COMMAND_DURABLE_BRANCH, branch_answer);
    if (it == NULL || !cleat__job_read_id(&it->job, "task_external_id", asked->task_external_id,
                                          &it->job.command.as.durable_branch.run_id)) {
        return;
    }
    it->job.command.as.durable_branch.node = (cleat__node){asked->branch_id, asked->node_id};
    it->job.command.as.durable_branch.branch = &it->branch;
    cleat__job_submit(&it->job);
}

#define UNARY(name, message, function)                                                    \
    {                                                                                     \
        .path = "/v1.AdminService/" name, .request = &cleat__v1__##message##__descriptor, \
        .handle = (function)                                                              \
    }

cleat__rpc_service cleat__service_admin(cleat__services *services)
{
    static const cleat__rpc_method methods[] = {
        UNARY("PutWorkflow", create_workflow_version_request, handle_put_workflow),
        UNARY("TriggerWorkflowRun", trigger_workflow_run_request, handle_trigger),
        {.path = "/v1.AdminService/GetRunDetails",
         .is_reading = true,
         .request = &cleat__v1__get_run_details_request__descriptor,
         .handle = handle_details},
        UNARY("BranchDurableTask", branch_durable_task_request, handle_branch),
    };
    return (cleat__rpc_service){methods, sizeof(methods) / sizeof(methods[0]), services};
}
