/*
 * One call that starts runs. All items are checked first, so that a bad one leaves nothing behind
 * and no span either; then the chain of interceptors runs, which may change metadata only; then
 * the metadata is written down and the transport takes all items at once.
 *
 * Children are numbered here (child_numbers.h). The numbers of a call that fails are for the same call again.
 */
#include "sdk/trigger.h"

#include "base/alloc.h"
#include "base/error.h"
#include "model/continued.h"
#include "model/json.h"
#include "model/missing.h"
#include "model/workflow.h"
#include "sdk/options.h"
#include "sdk/wishes.h"

#include <stdio.h>

#define ACTION_SIZE (2 * CLEAT__TASK_NAME_MAX + 2)
#define FEW         4 /* items that need no memory from the heap */

typedef struct trigger_entry {
    cleat_trigger_item item; /* what interceptors see */
    cleat__metadata metadata;
    cleat_run_options options;
    cleat_run_id id;
    cleat__uuid desired_worker; /* nil: none */
    char desired_worker_text[37];
    cleat__desired_label *labels; /* owned */
    char action[ACTION_SIZE], workflow[ACTION_SIZE];
} trigger_entry;

struct cleat_trigger_call {
    cleat__chain chain;
    const cleat__trigger_request *request;
    trigger_entry *entries;
    size_t count;
    bool started;
};

bool cleat_trigger_call_is_many(const cleat_trigger_call *call)
{
    return call != NULL && call->request->many;
}

size_t cleat_trigger_call_count(const cleat_trigger_call *call)
{
    return call != NULL ? call->count : 0;
}

const cleat_trigger_item *cleat_trigger_call_item(cleat_trigger_call *call, size_t index)
{
    return call != NULL && index < call->count ? &call->entries[index].item : NULL;
}

const char *cleat_trigger_call_run_id(const cleat_trigger_call *call, size_t index)
{
    return call != NULL && call->started && index < call->count && call->entries[index].id.text[0] != '\0'
               ? call->entries[index].id.text
               : NULL;
}

const char *cleat_trigger_call_workflow(const cleat_trigger_call *call)
{
    if (call == NULL || call->count == 0 || call->request->parent != NULL) {
        return NULL;
    }
    const char *action = call->entries[0].action;
    const char *known = cleat__client_known_workflow(call->request->client, action);
    return known == NULL && call->request->is_workflow ? call->request->items[0].task : known;
}

bool cleat__trigger_call_goes_on(const cleat_trigger_call *call)
{
    return call->request->goes_on;
}

/* ---- Checking ---- */

static cleat_status check_child_key(const char *key, bool is_child)
{
    if (!is_child) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT,
                           "child_key is for children: start them with cleat_task_spawn()");
    }
    if (key[0] == '\0') {
        return cleat__fail(CLEAT_INVALID_ARGUMENT,
                           "child_key is empty: leave it NULL to count children instead");
    }
    if (key[strspn(key, "0123456789")] == '\0') { /* the protocol has both in one place */
        return cleat__fail(CLEAT_INVALID_ARGUMENT,
                           "child_key \"%.40s\" is a number, by which children without a key are known: "
                           "begin it with a letter",
                           key);
    }
    if (strncmp(key, "cleat:", 6) == 0 ||
        strncmp(key, CLEAT__CONTINUED_MARK, strlen(CLEAT__CONTINUED_MARK)) == 0) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT,
                           "child_key \"%.40s\" begins as those that the engine makes: choose another", key);
    }
    return CLEAT_OK;
}

static cleat_status check_options(trigger_entry *entry, const cleat__trigger_request *request,
                                  const cleat_run_options *options)
{
    cleat_status status =
        cleat__options_read("CLEAT_RUN_OPTIONS", options, &entry->options, sizeof entry->options);
    if (status != CLEAT_OK) {
        return status;
    }
    const cleat_run_options *known = &entry->options;
    status = cleat__priority_check(known->priority);
    if (status == CLEAT_OK) {
        status = cleat__trace_check(known->trace);
    }
    if (status != CLEAT_OK) {
        return status;
    }
    if (known->child_key != NULL) {
        status = check_child_key(known->child_key, request->parent != NULL);
    }
    if (status != CLEAT_OK) {
        return status;
    }
    if (known->metadata == NULL) {
        return CLEAT_OK;
    }
    return cleat__json_check("metadata", cleat_slice_of(known->metadata), true);
}

static cleat_status check_worker(trigger_entry *entry, const cleat__trigger_request *request)
{
    const cleat_run_options *known = &entry->options;
    if (known->sticky && request->parent == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT,
                           "sticky is for children: start them with cleat_task_spawn()");
    }
    if (known->sticky && known->desired_worker_id != NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "sticky and desired_worker_id are both set");
    }
    if (known->desired_worker_id != NULL &&
        cleat__uuid_parse(cleat_slice_of(known->desired_worker_id), &entry->desired_worker) != CLEAT_OK) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "desired_worker_id \"%.64s\" is no id of a worker",
                           known->desired_worker_id);
    }
    if (known->sticky) {
        entry->desired_worker = request->parent->worker_id;
    }
    if (!cleat__uuid_is_nil(&entry->desired_worker)) {
        cleat__uuid_format(&entry->desired_worker, entry->desired_worker_text);
    }
    return cleat__desired_labels_take(known->desired_labels, known->desired_label_count, &entry->labels);
}

static cleat_status check_item(trigger_entry *entry, const cleat__trigger_request *request,
                               const cleat_run_item *item)
{
    if (item->task == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "task is NULL: give the name of a task");
    }
    cleat_status status = cleat__action_id(item->task, entry->action);
    if (status == CLEAT_OK) {
        status = check_options(entry, request, item->options);
    }
    if (status == CLEAT_OK) {
        status = check_worker(entry, request);
    }
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__workflow_name(cleat_slice_of(entry->action), entry->workflow);
    cleat_slice input = cleat_slice_of(item->input != NULL ? item->input : "{}");
    if (item->input != NULL) {
        status = cleat__json_check("input", input, true);
    }
    cleat_slice metadata = cleat_slice_of(entry->options.metadata);
    if (status == CLEAT_OK && request->parent != NULL) {
        cleat__metadata_init_child(&entry->metadata, metadata, request->parent->metadata);
    } else {
        cleat__metadata_init(&entry->metadata, metadata);
    }
    entry->item = (cleat_trigger_item){
        .task = entry->action,
        .input = input,
        .trace = entry->options.trace,
        .priority = entry->options.priority,
        .parent_run_id = request->parent != NULL ? request->parent->run_id : NULL,
        .child_index = -1,
        .child_key = entry->options.child_key,
        .metadata = cleat__metadata_map(&entry->metadata),
        .desired_worker_id = entry->desired_worker_text[0] != '\0' ? entry->desired_worker_text : NULL,
    };
    return status;
}

static cleat_status fail_item(cleat_status status, size_t index)
{
    return cleat__fail(status, "item %zu: %s", index, cleat_error_message());
}

static cleat_status check_items(cleat_trigger_call *call)
{
    const cleat__trigger_request *request = call->request;
    for (size_t i = 0; i < request->count; i++) {
        cleat_status status = check_item(&call->entries[i], request, &request->items[i]);
        call->count = i + 1;
        if (status != CLEAT_OK) {
            return request->many ? fail_item(status, i) : status;
        }
    }
    return CLEAT_OK;
}

/* ---- The end of the chain ---- */

static cleat_status fill_triggers(const cleat_trigger_call *call, cleat__trigger *triggers)
{
    const cleat__trigger_parent *parent = call->request->parent;
    for (size_t i = 0; i < call->count; i++) {
        trigger_entry *entry = &call->entries[i];
        triggers[i] = (cleat__trigger){
            .workflow = cleat_slice_of(entry->workflow),
            .given = cleat_slice_of(call->request->items[i].task),
            .input = entry->item.input,
            .priority = entry->options.priority,
            .labels = entry->labels,
            .label_count = entry->labels != NULL ? entry->options.desired_label_count : 0,
            .desired_worker = entry->desired_worker,
        };
        if (parent != NULL) {
            triggers[i].is_child = true;
            triggers[i].inherits = true; /* interceptors saw some of it; what counts is one rule for all */
            triggers[i].parent_id = parent->id;
            triggers[i].parent_run_id = parent->workflow_run_id;
            triggers[i].child_index = entry->item.child_index;
            triggers[i].child_key =
                cleat_slice_of(call->request->goes_on ? CLEAT__CONTINUED_KEY : entry->options.child_key);
        }
        cleat_status status = cleat__metadata_text(&entry->metadata, &triggers[i].metadata);
        if (status != CLEAT_OK) {
            return status;
        }
    }
    return CLEAT_OK;
}

cleat_status cleat__trigger_failed(cleat_status status, const cleat__trigger *triggers, size_t count)
{
    char said[2 * CLEAT__TASK_NAME_MAX + 3];
    for (size_t i = 0; status == CLEAT_NOT_FOUND && i < count; i++) {
        const cleat__trigger *each = &triggers[i];
        (void)snprintf(said, sizeof(said), "%.*s\"", CLEAT_SLICE_ARGS(each->workflow));
        if (!cleat_slice_equals(each->given, each->workflow) && strstr(cleat_error_message(), said) != NULL) {
            return cleat__missing_task(each->given);
        }
    }
    return status;
}

static cleat_status send_runs(cleat_trigger_call *call)
{
    cleat__transport *transport = call->request->client->transport;
    cleat__trigger few_triggers[FEW];
    cleat__uuid few_ids[FEW];
    bool few = call->count <= FEW;
    cleat__trigger *triggers = few ? few_triggers : cleat__calloc(call->count, sizeof *triggers);
    cleat__uuid *ids = few ? few_ids : cleat__calloc(call->count, sizeof *ids);
    cleat_status status = CLEAT_OK;
    if (triggers == NULL || ids == NULL) {
        status = cleat__fail_memory();
        goto out;
    }
    status = fill_triggers(call, triggers);
    if (status == CLEAT_OK) {
        status = call->request->keep != NULL
                     ? call->request->keep(call->request->keep_self, triggers, call->count)
                     : transport->trigger(transport, triggers, call->count, ids);
    }
    bool has_collided = status == CLEAT_ALREADY_EXISTS && call->request->keep == NULL;
    if (status != CLEAT_OK) {
        status = cleat__trigger_failed(status, triggers, call->count);
    }
    if (status != CLEAT_OK && !has_collided) {
        goto out;
    }
    for (size_t i = 0; call->request->keep == NULL && i < call->count; i++) { /* what is kept has none yet */
        if (!cleat__uuid_is_nil(&ids[i])) {
            cleat__uuid_format(&ids[i], call->entries[i].id.text);
        }
    }
    call->started = !has_collided;
out:
    if (!few) {
        cleat__free(triggers);
        cleat__free(ids);
    }
    return status;
}

cleat_status cleat_trigger_call_proceed(cleat_trigger_call *call)
{
    if (call == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "call is NULL");
    }
    cleat_status status = cleat__chain_check(&call->chain);
    if (status != CLEAT_OK) {
        return status;
    }
    const cleat_interceptor *next = cleat__chain_next(&call->chain, offsetof(cleat_interceptor, trigger));
    status = next != NULL ? next->trigger(next->user_data, call) : send_runs(call);
    call->chain.spent = true;
    return status;
}

/* ---- The call ---- */

/* What a call asks for, to be known again: each task, input and key with its size. */
static void describe(const cleat_trigger_call *call, cleat__buffer *out)
{
    for (size_t i = 0; i < call->count; i++) {
        const cleat_trigger_item *item = &call->entries[i].item;
        const cleat_slice parts[] = {cleat_slice_of(item->task), item->input,
                                     cleat_slice_of(item->child_key)};
        for (size_t part = 0; part < sizeof parts / sizeof parts[0]; part++) {
            cleat__buffer_append_format(out, "%zu:", parts[part].size);
            cleat__buffer_append_slice(out, parts[part]);
        }
    }
    if (out->failed) {
        cleat__buffer_clear(out); /* as nothing, which is not kept and not found */
    }
}

static int64_t number_children(cleat_trigger_call *call, cleat__child_numbers *children)
{
    cleat__buffer what = {0};
    if (atomic_load(&children->has_kept)) {
        describe(call, &what);
    }
    int64_t first = cleat__child_numbers_take(children, call->count, cleat__buffer_slice(&what));
    cleat__buffer_deinit(&what);
    for (size_t i = 0; i < call->count; i++) {
        call->entries[i].item.child_index = first + (int64_t)i;
    }
    return first;
}

/* What a call has failed to do may have been done all the same, and its answer lost; or it is done when the
 * task runs again. */
static void keep_numbers(const cleat_trigger_call *call, cleat__child_numbers *children, int64_t first)
{
    cleat__buffer what = {0};
    describe(call, &what);
    cleat__child_numbers_keep(children, first, cleat__buffer_slice(&what));
    cleat__buffer_deinit(&what);
}

static cleat_status run_call(cleat_trigger_call *call)
{
    const cleat__trigger_parent *parent = call->request->parent;
    cleat_status status = check_items(call);
    if (status != CLEAT_OK) {
        return status;
    }
    if (call->request->is_asked != NULL) {
        *call->request->is_asked = true;
    }
    int64_t first = parent != NULL ? number_children(call, parent->children) : 0;
    status = cleat_trigger_call_proceed(call);
    if (parent != NULL && !call->started) {
        keep_numbers(call, parent->children, first);
    }
    status = cleat__chain_end(status, call->started);
    bool has_ids = status == CLEAT_OK || status == CLEAT_ALREADY_EXISTS;
    for (size_t i = 0; has_ids && call->request->ids != NULL && i < call->count; i++) {
        call->request->ids[i] = call->entries[i].id;
    }
    return status;
}

cleat_status cleat__client_trigger(const cleat__trigger_request *request)
{
    trigger_entry few[FEW];
    if (request->client == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "client is NULL");
    }
    if (request->count == 0 || request->items == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "no runs to start: %s",
                           request->count == 0 ? "count is 0" : "items is NULL");
    }
    cleat_trigger_call call = {
        .chain = {.client = request->client,
                  .next = request->is_replay ? request->client->interceptor_count : 0},
        .request = request,
        .entries = few,
    };
    if (request->count > FEW) {
        call.entries = cleat__calloc(request->count, sizeof *call.entries);
        if (call.entries == NULL) {
            return cleat__fail_memory();
        }
    } else {
        memset(few, 0, request->count * sizeof *few);
    }
    cleat_status status = run_call(&call);
    for (size_t i = 0; i < call.count; i++) {
        cleat__metadata_deinit(&call.entries[i].metadata);
        cleat__free(call.entries[i].labels);
    }
    if (call.entries != few) {
        cleat__free(call.entries);
    }
    return status;
}
