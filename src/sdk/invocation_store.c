/* Requests of an invocation that wait, their way to the engine, and what its answers mean. */
#include "sdk/invocation.h"

#include "base/alloc.h"
#include "base/error.h"
#include "sdk/instrumentor.h"
#include "sdk/trigger.h"

#include <inttypes.h>

/* ---- Waiting requests ---- */

/* Room for `count` more items of a growing array. */
static bool grow(void **items, size_t used, size_t count, size_t *capacity, size_t item_size)
{
    if (count <= *capacity - used) {
        return true;
    }
    size_t wanted = *capacity > 0 ? 2 * *capacity : 8;
    while (wanted - used < count) {
        wanted *= 2;
    }
    void *grown = cleat__realloc(*items, wanted * item_size);
    if (grown == NULL) {
        return false;
    }
    *items = grown;
    *capacity = wanted;
    return true;
}

/* One more request, zeroed; NULL on no memory, and it is stopped. */
static cleat__durable_request *add_request(cleat__invocation *it, cleat__durable_kind kind)
{
    void *items = it->pending;
    if (!grow(&items, it->pending_count, 1, &it->pending_capacity, sizeof(*it->pending))) {
        (void)cleat__invocation_stop(it, cleat__fail_memory());
        return NULL;
    }
    it->pending = items;
    cleat__durable_request *request = &it->pending[it->pending_count++];
    memset(request, 0, sizeof(*request));
    request->kind = kind;
    request->number = cleat__durable_takes_nodes(kind) ? cleat__invocation_next(it) : 0;
    return request;
}

static cleat_status no_memory(cleat__invocation *it)
{
    return cleat__invocation_stop(it, cleat__fail_memory());
}

cleat_status cleat__invocation_want_memo(cleat__invocation *it, cleat_slice key, cleat_slice payload)
{
    cleat__durable_request *request = add_request(it, CLEAT__DURABLE_MEMO);
    if (request == NULL || cleat__invocation_add_node(it, CLEAT__LOGGED_VALUE) == 0) {
        return it->stopped;
    }
    bool is_kept = cleat__arena_keep(&it->pending_memory, key, &request->as.memo.key) &&
                   cleat__arena_keep(&it->pending_memory, payload, &request->as.memo.payload);
    return is_kept ? CLEAT_OK : no_memory(it);
}

static bool keep_condition(cleat__arena *arena, const cleat__condition *from, cleat__condition *to)
{
    *to = *from;
    return cleat__arena_keep(arena, from->data_key, &to->data_key) &&
           cleat__arena_keep(arena, from->group, &to->group) &&
           cleat__arena_keep(arena, from->sleep_text, &to->sleep_text) &&
           cleat__arena_keep(arena, from->key, &to->key) &&
           cleat__arena_keep(arena, from->expression, &to->expression) &&
           cleat__arena_keep(arena, from->scope, &to->scope);
}

cleat_status cleat__invocation_want_conditions(cleat__invocation *it, cleat__logged_kind kind,
                                               const cleat__condition *conditions, size_t count,
                                               cleat_slice label)
{
    cleat__condition *copies = cleat__arena_get(&it->pending_memory, count * sizeof(*copies));
    cleat__durable_request *request = copies != NULL ? add_request(it, CLEAT__DURABLE_WAIT_FOR) : NULL;
    if (request == NULL || cleat__invocation_add_node(it, kind) == 0) {
        return no_memory(it);
    }
    request->as.wait_for.conditions = copies;
    request->as.wait_for.count = count;
    bool is_kept = cleat__arena_keep(&it->pending_memory, label, &request->as.wait_for.label);
    for (size_t i = 0; i < count && is_kept; i++) {
        is_kept = keep_condition(&it->pending_memory, &conditions[i], &copies[i]);
    }
    return is_kept ? CLEAT_OK : no_memory(it);
}

static bool keep_label(cleat__arena *arena, const cleat__desired_label *from, cleat__desired_label *to)
{
    *to = *from;
    return cleat__arena_keep(arena, from->key, &to->key) &&
           cleat__arena_keep(arena, from->value.text, &to->value.text);
}

static bool keep_trigger(cleat__arena *arena, const cleat__trigger *from, cleat__trigger *to)
{
    *to = *from;
    bool is_kept = cleat__arena_keep(arena, from->workflow, &to->workflow) &&
                   cleat__arena_keep(arena, from->given, &to->given) &&
                   cleat__arena_keep(arena, from->input, &to->input) &&
                   cleat__arena_keep(arena, from->metadata, &to->metadata) &&
                   cleat__arena_keep(arena, from->child_key, &to->child_key) &&
                   cleat__arena_keep(arena, from->event_key, &to->event_key) &&
                   cleat__arena_keep(arena, from->filter_payload, &to->filter_payload);
    cleat__desired_label *labels = NULL;
    if (is_kept && from->label_count > 0) {
        labels = cleat__arena_get(arena, from->label_count * sizeof(*labels));
        is_kept = labels != NULL;
    }
    for (size_t i = 0; i < from->label_count && is_kept; i++) {
        is_kept = keep_label(arena, &from->labels[i], &labels[i]);
    }
    to->labels = labels;
    return is_kept;
}

/* The request that the next child goes into; NULL on no memory. */
static cleat__durable_request *trigger_request(cleat__invocation *it)
{
    cleat__durable_request *last = it->pending_count > 0 ? &it->pending[it->pending_count - 1] : NULL;
    bool has_room =
        last != NULL && last->kind == CLEAT__DURABLE_TRIGGER && last->as.trigger.count < CLEAT__RUNS_MAX;
    return has_room ? last : add_request(it, CLEAT__DURABLE_TRIGGER);
}

cleat_status cleat__invocation_want_runs(cleat__invocation *it, const cleat__trigger *triggers, size_t count)
{
    void *items = it->triggers;
    if (!grow(&items, it->trigger_count, count, &it->trigger_capacity, sizeof(*it->triggers))) {
        return no_memory(it);
    }
    it->triggers = items;
    for (size_t i = 0; i < count; i++) {
        cleat__durable_request *request = trigger_request(it);
        if (request == NULL || cleat__invocation_add_node(it, CLEAT__LOGGED_RUN) == 0 ||
            !keep_trigger(&it->pending_memory, &triggers[i], &it->triggers[it->trigger_count])) {
            return no_memory(it);
        }
        it->trigger_count++;
        request->as.trigger.count++;
    }
    return it->stopped;
}

bool cleat__invocation_wants_values(const cleat__invocation *it)
{
    for (size_t i = 0; i < it->pending_count; i++) {
        if (it->pending[i].kind == CLEAT__DURABLE_MEMO) {
            return true;
        }
    }
    return false;
}

/* ---- The way, and answers ---- */

/* The first node that the engine does not know of yet, from this invocation. */
static int64_t first_number(const cleat__invocation *it)
{
    size_t stored = it->node_count;
    while (stored > 0 && !it->nodes[stored - 1].is_stored) {
        stored--;
    }
    return (int64_t)stored + 1;
}

static bool note_node(cleat__invocation *it, int64_t number, const cleat__node *answer)
{
    if (answer->number != number) {
        return false;
    }
    cleat__logged *node = cleat__invocation_node(it, number);
    node->is_stored = true;
    node->end.node = *answer;
    return true;
}

static bool note_runs(cleat__invocation *it, const cleat__durable_request *request, int64_t number)
{
    for (size_t i = 0; i < request->as.trigger.count; i++, number++) {
        if (!note_node(it, number, &request->as.trigger.nodes[i])) {
            return false;
        }
        cleat__invocation_node(it, number)->run_id = request->as.trigger.ids[i];
    }
    return true;
}

/* False: the engine counts otherwise. */
static bool note_answer(cleat__invocation *it, const cleat__durable_request *request, int64_t *number)
{
    int64_t first = *number;
    switch (request->kind) {
    case CLEAT__DURABLE_MEMO:
        if (it->log_size < 0 && !request->as.memo.existed) {
            it->log_size = first - 1; /* here the log had ended */
        }
        ++*number;
        return note_node(it, first, &request->as.memo.node);
    case CLEAT__DURABLE_WAIT_FOR: ++*number; return note_node(it, first, &request->as.wait_for.node);
    case CLEAT__DURABLE_TRIGGER:
        *number += (int64_t)request->as.trigger.count;
        return note_runs(it, request, first);
    default: return true;
    }
}

/* Than it was sent with; the same: its answer was lost, and it was sent again. */
static bool has_another_value(const cleat__durable_request *request)
{
    return request->kind == CLEAT__DURABLE_MEMO && request->as.memo.value != NULL &&
           !cleat_slice_equals(cleat_slice_of(request->as.memo.value), request->as.memo.payload);
}

/* `waiting` of the requests were shown to the program as done before they were. What is found here is no mistake of the
 * program's, as two workers at one invocation: another attempt may come through. */
static cleat_status note_answers(cleat__invocation *it, size_t waiting, size_t done)
{
    int64_t number = first_number(it);
    for (size_t i = 0; i < done; i++) {
        const cleat__durable_request *request = &it->pending[i];
        if (!note_answer(it, request, &number)) {
            return cleat__fail(CLEAT_UNAVAILABLE,
                               "the engine has counted the calls of the workflow otherwise, at node %" PRId64,
                               number);
        }
        if (i < waiting && has_another_value(request)) {
            return cleat__fail(CLEAT_UNAVAILABLE,
                               "a value was recorded at node %" PRId64 " that was not in the log before",
                               number - 1);
        }
    }
    return CLEAT_OK;
}

static void aim_triggers(cleat__invocation *it, cleat__uuid *ids, cleat__node *nodes)
{
    size_t used = 0;
    for (size_t i = 0; i < it->pending_count; i++) {
        cleat__durable_request *request = &it->pending[i];
        if (request->kind == CLEAT__DURABLE_TRIGGER) {
            request->as.trigger.items = it->triggers + used;
            request->as.trigger.ids = ids + used;
            request->as.trigger.nodes = nodes + used;
            used += request->as.trigger.count;
        }
    }
}

static void forget_pending(cleat__invocation *it, size_t waiting)
{
    for (size_t i = 0; i < waiting; i++) {
        if (it->pending[i].kind == CLEAT__DURABLE_MEMO) {
            cleat__free(it->pending[i].as.memo.value);
        }
    }
    it->pending_count = 0;
    it->trigger_count = 0;
    cleat__arena_deinit(&it->pending_memory);
}

/* The span of the runs that are spawned, whatever becomes of what was asked for with them. */
static void end_sending(const cleat__invocation *it, size_t done, cleat_status status)
{
    bool has_runs = false, are_stored = true;
    for (size_t i = 0; i < it->pending_count; i++) {
        bool is_trigger = it->pending[i].kind == CLEAT__DURABLE_TRIGGER;
        has_runs = has_runs || is_trigger;
        are_stored = are_stored && (!is_trigger || i < done);
    }
    if (has_runs) {
        cleat__queue_send_end(cleat__run_scope_of(atomic_load(&it->task->context)),
                              are_stored ? CLEAT_OK : status);
    }
}

/* The requests with the last of them, which may be none of those that waited. */
static cleat_status send(cleat__invocation *it, size_t waiting)
{
    const cleat__assignment *assignment = it->task->assignment;
    cleat__uuid *ids = cleat__calloc(it->trigger_count + 1, sizeof(*ids));
    cleat__node *nodes = cleat__calloc(it->trigger_count + 1, sizeof(*nodes));
    size_t done = 0;
    cleat_status status =
        ids != NULL && nodes != NULL ? cleat__task_check_alive(it->task) : cleat__fail_memory();
    if (status == CLEAT_OK) {
        cleat__transport *transport = it->task->worker->client->transport;
        aim_triggers(it, ids, nodes);
        status = transport->durable(transport, &assignment->task_id, assignment->invocation_count,
                                    it->pending, it->pending_count, &done);
        end_sending(it, done, status);
        cleat_status noted =
            status == CLEAT_OK || status == CLEAT_SUSPENDED ? note_answers(it, waiting, done) : CLEAT_OK;
        status = noted != CLEAT_OK ? noted : cleat__trigger_failed(status, it->triggers, it->trigger_count);
    }
    cleat__free(ids);
    cleat__free(nodes);
    return status;
}

cleat_status cleat__invocation_store(cleat__invocation *it, cleat__durable_request *last)
{
    size_t waiting = it->pending_count;
    if (waiting == 0 && last == NULL) {
        return CLEAT_OK;
    }
    cleat_status flushed =
        cleat__invocation_flush(it); /* a replay passes over chunks before a node that is stored */
    if (flushed != CLEAT_OK) {
        return flushed;
    }
    if (last != NULL) {
        cleat__durable_request *added = add_request(it, last->kind);
        if (added == NULL ||
            (last->kind == CLEAT__DURABLE_MEMO && cleat__invocation_add_node(it, CLEAT__LOGGED_VALUE) == 0)) {
            return it->stopped;
        }
        last->number = added->number;
        *added = *last;
    }
    cleat_status status = send(it, waiting);
    if (last != NULL) {
        *last = it->pending[waiting];
    }
    forget_pending(it, waiting);
    return status == CLEAT_SUSPENDED ? status : cleat__invocation_check(it, status);
}

cleat_status cleat__invocation_value(cleat__invocation *it, const char *key, cleat_slice own,
                                     cleat_slice *out)
{
    cleat_slice name = cleat_slice_of(key);
    *out = own;
    if (cleat__invocation_is_new(it, cleat__invocation_next(it))) {
        return cleat__invocation_want_memo(it, name, own);
    }
    cleat__durable_request request = {.kind = CLEAT__DURABLE_MEMO, .as.memo = {.key = name, .payload = own}};
    cleat_status status = cleat__invocation_store(it, &request);
    if (request.as.memo.value != NULL) {
        /* The node owns it from now on. */
        cleat__logged *node = cleat__invocation_node(it, (int64_t)it->node_count);
        node->end.payload = request.as.memo.value;
        *out = cleat_slice_of(node->end.payload);
    }
    return status;
}
