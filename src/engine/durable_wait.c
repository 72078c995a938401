/* Waits of a durable run: sleeps, events, hooks, and alternatives of these. */
#include "base/error.h"
#include "engine/durable_events.h"
#include "engine/durable_log.h"
#include "engine/hooks.h"
#include "model/duration.h"
#include "model/event.h"

#include <inttypes.h>

#define DATA_KEY_MAX 1024 /* bytes */

/* ---- Checks ---- */

static cleat_status check_sleep(const cleat__condition *condition)
{
    return condition->sleep_ms >= 0
               ? CLEAT_OK
               : cleat__fail(CLEAT_INVALID_ARGUMENT, "a sleep of %" PRId64 " ms is asked for",
                             condition->sleep_ms);
}

static cleat_status check_event(const cleat__condition *condition)
{
    if (condition->key.size == 0 || condition->key.size > CLEAT__EVENT_KEY_MAX ||
        condition->scope.size > CLEAT__EVENT_KEY_MAX) {
        return cleat__fail(
            CLEAT_INVALID_ARGUMENT,
            "the key of an event has %zu bytes and its scope %zu; 1 .. %d are allowed, and 0 .. %d",
            condition->key.size, condition->scope.size, CLEAT__EVENT_KEY_MAX, CLEAT__EVENT_KEY_MAX);
    }
    return cleat__durable_check_expression(condition->expression);
}

static cleat_status check(cleat__core *core, const cleat__durable *durable, const cleat__condition *condition)
{
    if (condition->data_key.size > DATA_KEY_MAX || condition->sleep_text.size > DATA_KEY_MAX) {
        return cleat__fail(CLEAT_TOO_LARGE, "the name of a condition has more than %d bytes", DATA_KEY_MAX);
    }
    switch (condition->kind) {
    case CLEAT__CONDITION_SLEEP: return check_sleep(condition);
    case CLEAT__CONDITION_EVENT: return check_event(condition);
    case CLEAT__CONDITION_HOOK: return cleat__hooks_check(core, durable, condition->key);
    }
    return cleat__fail(CLEAT_INVALID_ARGUMENT, "there is no condition of kind %d", (int)condition->kind);
}

cleat_status cleat__durable_check_wait(cleat__core *core, const cleat__durable *durable,
                                       const cleat__durable_request *request)
{
    size_t count = request->as.wait_for.count;
    if (count == 0 || count > CLEAT__CONDITIONS_MAX) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%zu conditions are given; it must be 1 .. %d", count,
                           CLEAT__CONDITIONS_MAX);
    }
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; i < count && status == CLEAT_OK; i++) {
        status = check(core, durable, &request->as.wait_for.conditions[i]);
    }
    return status;
}

/* ---- Beginning to wait ---- */

/* Of a node that nothing stands for yet. */
typedef struct arming {
    cleat__core *core;
    cleat__durable *durable;
    cleat__node node;
    int64_t since_ms; /* when it was first asked for */
    const cleat__condition *conditions;
    size_t count;
    cleat__pending *pending;
} arming;

/* The first one of the same group stands for it. */
static int32_t group_of(const cleat__condition *conditions, size_t at)
{
    if (conditions[at].group.data == NULL) {
        return (int32_t)at;
    }
    size_t first = 0;
    while (conditions[first].group.data == NULL ||
           !cleat_slice_equals(conditions[first].group, conditions[at].group)) {
        first++;
    }
    return (int32_t)first;
}

static cleat_status add(const arming *what, size_t at)
{
    const cleat__condition *condition = &what->conditions[at];
    cleat__buffer data = {0};
    cleat__condition_row row = {
        .run_id = what->durable->run.id,
        .node = what->node,
        .number = (int32_t)at,
        .count = (int32_t)what->count,
        .kind = (cleat__pending_kind)condition->kind,
        .group = group_of(what->conditions, at),
        .data_key = condition->data_key.data != NULL ? condition->data_key : cleat_slice_of(""),
        .key = condition->key,
        .expression = condition->expression,
        .scope = condition->scope,
    };
    if (row.kind == CLEAT__PENDING_SLEEP) {
        row.at_ms = cleat__saturating_add(what->since_ms, condition->sleep_ms);
        cleat__sleep_data(condition, &data);
        row.data = cleat__buffer_slice(&data);
    }
    cleat_status status = data.failed ? cleat__fail_memory() : CLEAT_OK;
    if (status == CLEAT_OK) {
        status = cleat__pending_link(&what->core->durables.pendings, cleat__durable_tenant(what->durable),
                                     &what->pending->conditions[at], &row);
    }
    if (status == CLEAT_OK) {
        status = cleat__condition_insert(what->core->store, &row);
    }
    cleat__buffer_deinit(&data);
    return cleat__core_check(what->core, status);
}

/* What meets the condition now: CLEAT_OK, and `data` as they are told; CLEAT_EMPTY: nothing yet. */
static cleat_status look(const arming *what, const cleat__condition *condition, cleat__buffer *data)
{
    cleat__core *core = what->core;
    int64_t at_ms = condition->kind == CLEAT__CONDITION_SLEEP
                        ? cleat__saturating_add(what->since_ms, condition->sleep_ms)
                        : 0;
    switch (condition->kind) {
    case CLEAT__CONDITION_SLEEP: return at_ms <= core->now.unix_ms ? CLEAT_OK : CLEAT_EMPTY;
    case CLEAT__CONDITION_EVENT:
        return cleat__durable_find_event(core, cleat__durable_tenant(what->durable), condition, data);
    case CLEAT__CONDITION_HOOK:
        return cleat__hook_take(core->store, &what->durable->run.id, condition->key, data);
    }
    return CLEAT_EMPTY;
}

static cleat_status meet_now(const arming *what, size_t at, bool *is_node_met)
{
    cleat__buffer data = {0};
    cleat__pending_condition *condition = &what->pending->conditions[at];
    if (!condition->is_linked) {
        return CLEAT_OK; /* another one of its group is met */
    }
    cleat_status status = look(what, &what->conditions[at], &data);
    if (status == CLEAT_OK) {
        cleat_slice said = data.size != 0 ? cleat__buffer_slice(&data) : (cleat_slice){NULL, 0};
        status = cleat__durable_meet(what->core, condition, said, is_node_met);
    }
    cleat__buffer_deinit(&data);
    return status == CLEAT_EMPTY ? CLEAT_OK : cleat__core_check(what->core, status);
}

static cleat_status arm(arming *what)
{
    bool is_node_met = false;
    what->pending = cleat__pending_new(what->durable, what->node, what->count);
    cleat_status status = what->pending != NULL ? cleat__core_begin(what->core)
                                                : cleat__core_check(what->core, cleat__fail_memory());
    for (size_t i = 0; i < what->count && status == CLEAT_OK; i++) {
        status = add(what, i);
    }
    for (size_t i = 0; i < what->count && status == CLEAT_OK && !is_node_met; i++) {
        status = meet_now(what, i, &is_node_met);
    }
    return status;
}

cleat_status cleat__durable_arm(cleat__core *core, cleat__durable *durable, cleat__node node,
                                int64_t since_ms, const cleat__durable_request *request)
{
    arming what = {.core = core,
                   .durable = durable,
                   .node = node,
                   .since_ms = since_ms,
                   .conditions = request->as.wait_for.conditions,
                   .count = request->as.wait_for.count};
    return arm(&what);
}

static cleat_status take_node(cleat__core *core, cleat__durable *durable, cleat__durable_request *request,
                              const cleat__log_question *asked)
{
    cleat__node *node = &request->as.wait_for.node;
    cleat__entry_row entry = {.met_order = 0};
    cleat_status status = cleat__log_next(core, durable, asked, node, &entry);
    if (status == CLEAT_EMPTY) {
        entry.node = *node;
        status = cleat__log_add(core, durable, asked, &entry);
    } else if (status == CLEAT_OK && (entry.met_order != 0 || cleat__pending_find(durable, *node) != NULL)) {
        return CLEAT_OK;
    }
    /* It is new; or the run had ended and was replayed, so that nothing stands for it. */
    return status == CLEAT_OK ? cleat__durable_arm(core, durable, *node, entry.created_at_ms, request)
                              : status;
}

cleat_status cleat__durable_wait_for(cleat__core *core, cleat__durable *durable,
                                     cleat__durable_request *request)
{
    const cleat__condition *conditions = request->as.wait_for.conditions;
    size_t count = request->as.wait_for.count;
    cleat__buffer label = {0};
    cleat_status status = cleat__durable_check_wait(core, durable, request);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__node_label_wait(conditions, count, request->as.wait_for.label, &label);
    const cleat__log_question asked = {.kind = CLEAT__NODE_WAIT_FOR,
                                       .hash = cleat__node_hash_wait(conditions, count),
                                       .label = cleat__buffer_slice(&label)};
    status = label.failed ? cleat__fail_memory() : take_node(core, durable, request, &asked);
    cleat__buffer_deinit(&label);
    durable->node += status == CLEAT_OK;
    return status;
}
