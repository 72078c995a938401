/* What invocations ask for: handler of DURABLE. */
#include "base/alloc.h"
#include "base/error.h"
#include "engine/durable_log.h"
#include "engine/hooks.h"
#include "engine/life.h"

#include <inttypes.h>

/* ---- Memos ---- */

static cleat_status check_memo(cleat_slice key, cleat_slice payload)
{
    if (key.size > CLEAT__MEMO_KEY_MAX) {
        return cleat__fail(CLEAT_TOO_LARGE, "the key of a memo has %zu bytes; at most %d are stored",
                           key.size, CLEAT__MEMO_KEY_MAX);
    }
    if (payload.size > CLEAT_PAYLOAD_MAX) {
        return cleat__fail(CLEAT_TOO_LARGE, "the result has %zu bytes; at most %zu are stored", payload.size,
                           CLEAT_PAYLOAD_MAX);
    }
    return CLEAT_OK;
}

static cleat_status set_payload(cleat__core *core, const cleat__durable *durable, cleat__node node,
                                cleat_slice payload)
{
    cleat_status status = cleat__core_begin(core);
    return status == CLEAT_OK
               ? cleat__core_check(core,
                                   cleat__entry_set_payload(core->store, &durable->run.id, node, payload))
               : status;
}

static cleat_status find_memo(cleat__core *core, cleat__durable *durable, cleat__durable_request *request,
                              const cleat__entry_row *entry)
{
    request->as.memo.existed = true;
    if (entry->payload.data != NULL) {
        request->as.memo.value = cleat__slice_dup(entry->payload);
        return request->as.memo.value != NULL ? CLEAT_OK : cleat__fail_memory();
    }
    return request->as.memo.payload.data != NULL
               ? set_payload(core, durable, entry->node, request->as.memo.payload)
               : CLEAT_OK;
}

static cleat_status memo(cleat__core *core, cleat__durable *durable, cleat__durable_request *request)
{
    cleat_slice key = request->as.memo.key;
    cleat__buffer label = {0};
    cleat__entry_row entry = {.payload = request->as.memo.payload};
    request->as.memo.existed = false;
    request->as.memo.value = NULL;
    cleat_status status = check_memo(key, request->as.memo.payload);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__node_label_memo(key, &label);
    cleat__log_question asked = {
        .kind = CLEAT__NODE_MEMO, .hash = cleat__node_hash_memo(key), .label = cleat__buffer_slice(&label)};
    status = label.failed ? cleat__fail_memory()
                          : cleat__log_next(core, durable, &asked, &request->as.memo.node, &entry);
    if (status == CLEAT_OK) {
        status = find_memo(core, durable, request, &entry);
    } else if (status == CLEAT_EMPTY) {
        entry.node = request->as.memo.node;
        status = cleat__log_add(core, durable, &asked, &entry);
    }
    cleat__buffer_deinit(&label);
    durable->node += status == CLEAT_OK;
    return status;
}

static cleat_status complete_memo(cleat__core *core, cleat__durable *durable, cleat__durable_request *request)
{
    cleat__entry_row entry;
    cleat__node node = request->as.complete_memo.node;
    cleat_status status = check_memo(request->as.complete_memo.key, request->as.complete_memo.payload);
    if (status == CLEAT_OK) {
        status = cleat__log_get(core, durable, node, &entry);
    }
    if (status != CLEAT_OK) {
        return status;
    }
    bool is_same =
        entry.kind == CLEAT__NODE_MEMO && entry.hash == cleat__node_hash_memo(request->as.complete_memo.key);
    if (!is_same) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "node %" PRId64 ":%" PRId64 " is no memo of that key",
                           node.branch, node.number);
    }
    return entry.payload.data != NULL ? CLEAT_OK
                                      : set_payload(core, durable, node, request->as.complete_memo.payload);
}

/* ---- Asking how nodes have ended ---- */

cleat_status cleat__node_end_read(const cleat__entry_row *entry, cleat__node_end *out)
{
    *out = (cleat__node_end){
        .node = entry->node,
        .order = entry->met_order,
        .is_failure = entry->met_order != 0 && entry->outcome != CLEAT__NODE_SUCCEEDED,
        .is_cancelled = entry->met_order != 0 && entry->outcome == CLEAT__NODE_CANCELLED,
    };
    if (entry->met_order == 0) {
        return CLEAT_OK;
    }
    cleat_slice text = out->is_failure ? entry->error : entry->payload;
    char *copy = cleat__slice_dup(text);
    *(out->is_failure ? &out->error : &out->payload) = copy;
    return copy != NULL ? CLEAT_OK : cleat__fail_memory();
}

static cleat_status check_awaitable(const cleat__entry_row *entry)
{
    if (entry->kind == CLEAT__NODE_MEMO) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT,
                           "node %" PRId64 ":%" PRId64 " is a memo, which does not end", entry->node.branch,
                           entry->node.number);
    }
    return CLEAT_OK;
}

static cleat_status await(cleat__core *core, cleat__durable *durable, cleat__durable_request *request)
{
    size_t count = request->as.await.count, met = 0;
    cleat__node_end *ends = request->as.await.ends;
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; i < count; i++) {
        ends[i] = (cleat__node_end){.node = request->as.await.nodes[i]};
    }
    for (size_t i = 0; i < count && status == CLEAT_OK; i++) {
        cleat__entry_row entry;
        status = cleat__log_see(core, durable, &ends[i].node);
        if (status == CLEAT_OK) {
            status = cleat__log_get(core, durable, ends[i].node, &entry);
        }
        if (status == CLEAT_OK) {
            status = check_awaitable(&entry);
        }
        if (status == CLEAT_OK) {
            status = cleat__node_end_read(&entry, &ends[i]);
        }
        met += ends[i].order != 0;
    }
    bool is_met = request->as.await.is_all ? met == count : met != 0 || count == 0;
    return status == CLEAT_OK && !is_met ? cleat__fail(CLEAT_SUSPENDED, "what it waits for has not happened")
                                         : status;
}

/* ---- All of them ---- */

static cleat_status fail_stale(const cleat__uuid *run_id, int32_t invocation_count)
{
    char id[37];
    cleat__uuid_format(run_id, id);
    return cleat__fail(CLEAT_CANCELLED, "invocation %d of run %s is over", invocation_count, id);
}

static bool is_present(const cleat__durable *durable, int32_t invocation_count)
{
    return durable->run.state == CLEAT_RUN_RUNNING && durable->invocation_count == invocation_count;
}

cleat_status cleat__durable_check_present(cleat__core *core, cleat__durable *durable,
                                          int32_t invocation_count)
{
    cleat_status status = cleat__durable_know(core, durable);
    return status == CLEAT_OK && !is_present(durable, invocation_count)
               ? fail_stale(&durable->run.id, invocation_count)
               : status;
}

/* What takes nodes and does not say which ones takes the next ones. */
static bool takes_next_nodes(const cleat__command *command)
{
    for (size_t i = 0; i < command->as.durable.count; i++) {
        const cleat__durable_request *request = &command->as.durable.requests[i];
        if (cleat__durable_takes_nodes(request->kind) && request->number == 0) {
            return true;
        }
    }
    return false;
}

/* To the node that is asked for, where it is said: `request` has a number. */
static cleat_status seek(cleat__durable *durable, const cleat__durable_request *request)
{
    if (request->number < 1 || request->number > (int64_t)durable->log_size + 1) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT,
                           "the worker asks for node %" PRId64 " of a log of %d nodes, so it and the engine "
                           "disagree: is its library of the same version?",
                           request->number, (int)durable->log_size);
    }
    if (durable->node < 0) {
        cleat__durable_come_to(durable, request->number);
    }
    durable->node = (int32_t)(request->number - 1);
    return CLEAT_OK;
}

static cleat_status ask_next(cleat__core *core, cleat__durable *durable, cleat__durable_request *request)
{
    switch (request->kind) {
    case CLEAT__DURABLE_MEMO: return memo(core, durable, request);
    case CLEAT__DURABLE_COMPLETE_MEMO: return complete_memo(core, durable, request);
    case CLEAT__DURABLE_TRIGGER: return cleat__durable_trigger(core, durable, request);
    case CLEAT__DURABLE_WAIT_FOR: return cleat__durable_wait_for(core, durable, request);
    case CLEAT__DURABLE_CREATE_HOOK: return cleat__hooks_create(core, durable, request->as.create_hook.token);
    case CLEAT__DURABLE_AWAIT: return await(core, durable, request);
    case CLEAT__DURABLE_EVICT: return cleat__durable_evict_now(core, durable, request);
    }
    return cleat__fail(CLEAT_INVALID_ARGUMENT, "there is no request of kind %d", (int)request->kind);
}

/* A request that is refused takes no node and moves to none. */
static cleat_status ask_one(cleat__core *core, cleat__durable *durable, cleat__durable_request *request)
{
    int32_t before = durable->node;
    if (!cleat__durable_takes_nodes(request->kind) || request->number == 0) {
        return ask_next(core, durable, request);
    }
    cleat_status status = seek(durable, request);
    if (status == CLEAT_OK) {
        status = ask_next(core, durable, request);
    }
    if (status != CLEAT_OK) {
        durable->node = before;
    }
    return status;
}

/* The run, in that invocation. CLEAT_CANCELLED: it is in another, or in none. */
static cleat_status find_invocation(cleat__core *core, const cleat__command *command, cleat__durable **out)
{
    const cleat__uuid *id = &command->as.durable.run_id;
    int32_t count = command->as.durable.invocation_count;
    cleat__run *run = cleat__core_find_run(core, command->tenant, id);
    if (run == NULL || !cleat__run_is_durable(run)) {
        return fail_stale(id, count);
    }
    *out = cleat__durable_of(run);
    cleat_status status = cleat__durable_check_present(core, *out, count);
    if (status == CLEAT_OK && (*out)->node < 0 && takes_next_nodes(command)) {
        /* The engine was started again, and how far it had come has been forgotten: it begins anew. */
        status = cleat__durable_restart(core, *out, "the engine was started again");
        return status == CLEAT_OK ? fail_stale(id, count) : status;
    }
    return status == CLEAT_OK ? cleat__life_begin(core, run) : status;
}

cleat_status cleat__durable_ask(cleat__core *core, cleat__command *command)
{
    cleat__durable *durable = NULL;
    size_t done = 0;
    cleat_status status = find_invocation(core, command, &durable);
    if (status == CLEAT_OK && command->as.durable.listener != NULL) {
        status = cleat__durable_listen(core, durable, command->as.durable.listener);
    }
    for (size_t i = 0; i < command->as.durable.count && status == CLEAT_OK; i++) {
        if (!is_present(durable, command->as.durable.invocation_count)) {
            status = fail_stale(&durable->run.id, command->as.durable.invocation_count); /* behind an EVICT */
            break;
        }
        status = ask_one(core, durable, &command->as.durable.requests[i]);
        if (status == CLEAT_OK) {
            done++;
            status = cleat__durable_look(core, durable);
        }
    }
    if (command->as.durable.done_count != NULL) {
        *command->as.durable.done_count = done;
    }
    return status;
}
