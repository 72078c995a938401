#include "wire/durable_read.h"

#include "base/alloc.h"
#include "base/error.h"
#include "model/json.h"
#include "wire/condition.h"
#include "wire/payload.h"
#include "wire/trigger.h"

typedef cleat__durable_asked asked;

static cleat_slice slice_of(ProtobufCBinaryData bytes)
{
    return bytes.len != 0 ? (cleat_slice){(const char *)bytes.data, bytes.len} : (cleat_slice){NULL, 0};
}

static cleat_status read_task(const char *task_id, int32_t invocation_count, asked *out)
{
    out->task_id = task_id;
    out->invocation_count = invocation_count;
    return cleat__uuid_parse(cleat_slice_of(task_id), &out->run_id) == CLEAT_OK
               ? CLEAT_OK
               : cleat__fail(CLEAT_INVALID_ARGUMENT, "durable_task_external_id \"%.64s\" is no UUID",
                             task_id);
}

/* ---- Memos ---- */

static cleat_status check_key(ProtobufCBinaryData key)
{
    return key.len <= CLEAT__MEMO_KEY_MAX
               ? CLEAT_OK
               : cleat__fail(CLEAT_INVALID_ARGUMENT, "the memo's key has %zu bytes; at most %d are allowed",
                             key.len, CLEAT__MEMO_KEY_MAX);
}

/* An empty value is none. */
static cleat_status read_value(ProtobufCBinaryData payload, cleat_slice *out)
{
    *out = slice_of(payload);
    return out->data == NULL ? CLEAT_OK : cleat__json_check("the memo's payload", *out, false);
}

static cleat_status read_memo(const Cleat__V1__DurableTaskMemoRequest *message, asked *out)
{
    cleat_status status = read_task(message->durable_task_external_id, message->invocation_count, out);
    if (status == CLEAT_OK) {
        status = check_key(message->key);
    }
    out->request.as.memo.key = slice_of(message->key);
    if (status == CLEAT_OK && message->has_payload_case != 0) {
        status = read_value(message->payload, &out->request.as.memo.payload);
    }
    return status;
}

static cleat_status read_complete_memo(const Cleat__V1__DurableTaskCompleteMemoRequest *message, asked *out)
{
    const Cleat__V1__DurableEventLogEntryRef *ref = message->ref;
    cleat_status status = ref != NULL ? read_task(ref->durable_task_external_id, ref->invocation_count, out)
                                      : cleat__fail(CLEAT_INVALID_ARGUMENT, "complete_memo has no ref");
    if (status == CLEAT_OK) {
        status = check_key(message->memo_key);
    }
    if (status != CLEAT_OK) {
        return status;
    }
    out->request.as.complete_memo.node = (cleat__node){ref->branch_id, ref->node_id};
    out->request.as.complete_memo.key = slice_of(message->memo_key);
    return read_value(message->payload, &out->request.as.complete_memo.payload);
}

/* ---- Children ---- */

/* A child of that run, whatever it says about a parent, unless it says another one. */
static cleat_status read_child(const Cleat__V1__TriggerWorkflowRequest *from, const asked *parent,
                               cleat__trigger *out)
{
    cleat_status status = cleat__trigger_read(from, out);
    if (status == CLEAT_OK && out->is_child && !cleat__uuid_equals(&out->parent_id, &parent->run_id)) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "trigger_opts name another parent than the task");
    }
    out->inherits = true;
    return status;
}

static cleat_status read_trigger(const Cleat__V1__DurableTaskTriggerRunsRequest *message, asked *out)
{
    size_t count = message->n_trigger_opts;
    cleat_status status = read_task(message->durable_task_external_id, message->invocation_count, out);
    if (status == CLEAT_OK && count == 0) {
        status = cleat__fail(CLEAT_INVALID_ARGUMENT, "trigger_runs has no trigger_opts");
    }
    if (status == CLEAT_OK && count > CLEAT__RUNS_MAX) {
        status = cleat__fail(CLEAT_INVALID_ARGUMENT,
                             "trigger_runs has %zu trigger_opts; no more than %d runs are started together",
                             count, CLEAT__RUNS_MAX);
    }
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__trigger *items = cleat__calloc(count, sizeof(*items));
    out->request.as.trigger.items = items;
    out->request.as.trigger.count = items != NULL ? count : 0;
    out->request.as.trigger.ids = cleat__calloc(count, sizeof(*out->request.as.trigger.ids));
    out->request.as.trigger.nodes = cleat__calloc(count, sizeof(*out->request.as.trigger.nodes));
    if (items == NULL || out->request.as.trigger.ids == NULL || out->request.as.trigger.nodes == NULL) {
        return cleat__fail_memory();
    }
    for (size_t i = 0; i < count && status == CLEAT_OK; i++) {
        status = read_child(message->trigger_opts[i], out, &items[i]);
    }
    return status;
}

static void end_trigger(cleat__durable_request *request)
{
    cleat__trigger *items = (cleat__trigger *)(uintptr_t)request->as.trigger.items;
    for (size_t i = 0; i < request->as.trigger.count; i++) {
        cleat__trigger_read_end(&items[i]);
    }
    cleat__free(items);
    cleat__free(request->as.trigger.ids);
    cleat__free(request->as.trigger.nodes);
}

/* ---- Waits ---- */

static cleat_status read_wait_for(const Cleat__V1__DurableTaskWaitForRequest *message, asked *out)
{
    cleat__condition *conditions = NULL;
    cleat_status status = read_task(message->durable_task_external_id, message->invocation_count, out);
    if (status == CLEAT_OK) {
        status = cleat__conditions_read(message->wait_for_conditions, &conditions,
                                        &out->request.as.wait_for.count);
    }
    out->request.as.wait_for.conditions = conditions;
    if (message->has_label_case != 0) {
        out->request.as.wait_for.label = cleat_slice_of(message->label);
    }
    return status;
}

/* ---- The end of an invocation ---- */

static cleat_status read_node(const Cleat__V1__DurableTaskAwaitedCompletedEntry *from, const asked *task,
                              cleat__node *out)
{
    cleat__uuid id;
    const char *task_id = from->durable_task_external_id;
    *out = (cleat__node){from->branch_id, from->node_id};
    if (task_id[0] != '\0' && (cleat__uuid_parse(cleat_slice_of(task_id), &id) != CLEAT_OK ||
                               !cleat__uuid_equals(&id, &task->run_id))) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "cleat_waiting names another task");
    }
    return CLEAT_OK;
}

static cleat_status read_nodes(const Cleat__V1__DurableTaskEvictInvocationRequest *message, asked *out)
{
    size_t count = message->n_cleat_waiting;
    cleat__node *nodes = count != 0 ? cleat__calloc(count, sizeof(*nodes)) : NULL;
    if (count != 0 && nodes == NULL) {
        return cleat__fail_memory();
    }
    out->request.as.evict.nodes = nodes;
    out->request.as.evict.count = count;
    out->request.as.evict.is_all = message->cleat_waits_for_all != 0;
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; i < count && status == CLEAT_OK; i++) {
        status = read_node(message->cleat_waiting[i], out, &nodes[i]);
    }
    return status;
}

static cleat_status read_evict(const Cleat__V1__DurableTaskEvictInvocationRequest *message, asked *out)
{
    cleat_status status = read_task(message->durable_task_external_id, message->invocation_count, out);
    if (message->has_reason_case != 0) {
        out->request.as.evict.reason = cleat_slice_of(message->reason);
    }
    if (status == CLEAT_OK) {
        status = read_nodes(message, out);
    }
    return status == CLEAT_OK
               ? cleat__payload_metadata_of(slice_of(message->cleat_carrier), &out->request.as.evict.carrier)
               : status;
}

/* ---- All of them ---- */

cleat_status cleat__durable_asked_read(const Cleat__V1__DurableTaskRequest *message, asked *out)
{
    *out = (asked){.task_id = "", .request.number = message->cleat_node};
    switch ((int)message->message_case) {
    case CLEAT__V1__DURABLE_TASK_REQUEST__MESSAGE_MEMO:
        out->request.kind = CLEAT__DURABLE_MEMO;
        return read_memo(message->memo, out);
    case CLEAT__V1__DURABLE_TASK_REQUEST__MESSAGE_COMPLETE_MEMO:
        out->request.kind = CLEAT__DURABLE_COMPLETE_MEMO;
        return read_complete_memo(message->complete_memo, out);
    case CLEAT__V1__DURABLE_TASK_REQUEST__MESSAGE_TRIGGER_RUNS:
        out->request.kind = CLEAT__DURABLE_TRIGGER;
        return read_trigger(message->trigger_runs, out);
    case CLEAT__V1__DURABLE_TASK_REQUEST__MESSAGE_WAIT_FOR:
        out->request.kind = CLEAT__DURABLE_WAIT_FOR;
        return read_wait_for(message->wait_for, out);
    case CLEAT__V1__DURABLE_TASK_REQUEST__MESSAGE_EVICT_INVOCATION:
        out->request.kind = CLEAT__DURABLE_EVICT;
        return read_evict(message->evict_invocation, out);
    default: return CLEAT_EMPTY;
    }
}

void cleat__durable_asked_end(asked *self)
{
    switch (self->request.kind) {
    case CLEAT__DURABLE_TRIGGER: end_trigger(&self->request); break;
    case CLEAT__DURABLE_WAIT_FOR: cleat__free((void *)(uintptr_t)self->request.as.wait_for.conditions); break;
    case CLEAT__DURABLE_EVICT: cleat__free((void *)(uintptr_t)self->request.as.evict.nodes); break;
    default: cleat__durable_request_deinit(&self->request); break;
    }
    *self = (asked){.task_id = ""};
}
