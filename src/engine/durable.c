#include "engine/durable.h"

#include "base/alloc.h"
#include "base/error.h"
#include "engine/dag.h"
#include "engine/durable_log.h"
#include "engine/life.h"
#include "model/metadata.h"

#include <jansson.h>

/* Sleeps end by Unix time, and clocks are set: while there are some the engine looks at it that often. */
#define LOOK_EVERY_MS INT64_C(5000)

void cleat__durables_init(cleat__durables *all)
{
    *all = (cleat__durables){.carrier = {NULL, 0}};
    cleat__pendings_init(&all->pendings);
    cleat__durable_told_init(&all->told);
}

void cleat__durables_deinit(cleat__durables *all)
{
    cleat__durable_told_deinit(&all->told);
    cleat__pendings_deinit(&all->pendings);
}

/* ---- In the life of a run ---- */

void cleat__durable_make(cleat__durable *durable)
{
    durable->branch = 1;
    durable->is_known = true;
}

cleat_status cleat__durable_know(cleat__core *core, cleat__durable *durable)
{
    cleat__durable_row row;
    int64_t last_order = 0;
    if (durable->is_known) {
        return CLEAT_OK;
    }
    cleat_status status = cleat__core_check(core, cleat__durable_get(core->store, &durable->run.id, &row));
    if (status == CLEAT_OK) {
        status =
            cleat__core_check(core, cleat__durable_last_order(core->store, &durable->run.id, &last_order));
    }
    if (status == CLEAT_OK) {
        status =
            cleat__core_check(core, cleat__durable_is_next(core->store, &durable->run.id, &durable->is_next));
    }
    if (status != CLEAT_OK) {
        return status;
    }
    durable->invocation_count = row.invocation_count;
    durable->branch = (int32_t)row.branch;
    durable->log_size = (int32_t)row.log_size;
    durable->last_order = (int32_t)last_order;
    durable->is_known = durable->has_hooks = true;
    return CLEAT_OK;
}

cleat_status cleat__durable_begin(cleat__core *core, cleat__durable *durable)
{
    cleat_status status = cleat__durable_know(core, durable);
    if (status == CLEAT_OK) {
        status = cleat__core_begin(core);
    }
    if (status != CLEAT_OK) {
        return status;
    }
    durable->invocation_count++;
    durable->node = 0;
    const cleat__run *run = &durable->run;
    return cleat__core_check(core,
                             cleat__durable_begin_invocation(core->store, &run->id, durable->invocation_count,
                                                             run->retry_count, run->since_ms));
}

static cleat_status deliver(cleat_slice carrier, cleat__assignment **assignment)
{
    cleat__buffer metadata = {0};
    cleat__metadata_deliver((*assignment)->metadata, carrier, &metadata);
    cleat__assignment worn = **assignment;
    worn.metadata = cleat__buffer_slice(&metadata);
    cleat__assignment *dressed = metadata.failed ? NULL : cleat__assignment_copy(&worn);
    cleat__buffer_deinit(&metadata);
    if (dressed == NULL) {
        return cleat__fail_memory();
    }
    cleat__free(*assignment);
    *assignment = dressed;
    return CLEAT_OK;
}

cleat_status cleat__durable_dress(cleat__core *core, cleat__durable *durable, cleat__assignment **assignment)
{
    cleat__buffer carrier = {0};
    cleat_status status = cleat__durable_know(core, durable);
    if (status != CLEAT_OK) {
        return status;
    }
    (*assignment)->invocation_count = durable->invocation_count;
    (*assignment)->log_size = durable->log_size;
    if (durable->invocation_count > 1) {
        status = cleat__durable_get_carrier(core->store, &durable->run.id, &carrier);
    }
    if (status == CLEAT_OK && carrier.size != 0) {
        status = deliver(cleat__buffer_slice(&carrier), assignment);
    }
    cleat__buffer_deinit(&carrier);
    return cleat__core_check(core, status);
}

cleat_status cleat__durable_restart(cleat__core *core, cleat__durable *durable, const char *reason)
{
    const cleat__run *run = &durable->run;
    cleat__durable_stop(core, durable, reason);
    cleat_status status = cleat__core_begin(core);
    if (status == CLEAT_OK) {
        status = cleat__core_check(
            core, cleat__durable_break_off(core->store, &run->id, run->retry_count, run->since_ms));
    }
    return status == CLEAT_OK ? cleat__life_release(core, &durable->run) : status;
}

cleat_status cleat__durable_return(cleat__core *core, cleat__durable *durable, int32_t retry_count)
{
    cleat_status status = cleat__durable_know(core, durable);
    if (status == CLEAT_OK) {
        status = cleat__core_begin(core);
    }
    return status == CLEAT_OK
               ? cleat__core_check(core, cleat__durable_put_off(core->store, &durable->run.id,
                                                                durable->invocation_count, retry_count))
               : status;
}

void cleat__durable_stop(cleat__core *core, cleat__durable *durable, const char *reason)
{
    cleat__conversation *conversation = durable->listened;
    if (conversation != NULL) {
        cleat__durable_tell_evicted(&core->durables.told, conversation->listener, &durable->run.id,
                                    durable->invocation_count, reason);
    }
    cleat__durable_unlisten(&core->durables.told, durable);
}

void cleat__durable_drop(cleat__core *core, cleat__durable *durable)
{
    cleat__durable_unlisten(&core->durables.told, durable);
    while (durable->first != NULL) {
        cleat__pending_free(&core->durables.pendings, durable->first);
    }
}

cleat_status cleat__durable_end(cleat__core *core, cleat__durable *durable)
{
    bool has_rows = durable->first != NULL || durable->has_hooks || !durable->is_known;
    return has_rows ? cleat__core_check(core, cleat__durable_delete_pending(core->store, &durable->run.id))
                    : CLEAT_OK;
}

/* ---- What meets nodes ---- */

/* Whether an evicted run has waited for just that. */
static bool ends_wait(cleat__durable *durable, bool is_awaited)
{
    if (durable->awaits_any) {
        return true;
    }
    durable->awaited -= is_awaited;
    return is_awaited && (!durable->awaits_all || durable->awaited == 0);
}

/* The node is in no pending any more. */
static cleat_status meet_node(cleat__core *core, cleat__durable *durable, bool is_awaited,
                              cleat__entry_row *how)
{
    cleat_status status = cleat__durable_know(core, durable);
    if (status == CLEAT_OK) {
        status = cleat__core_begin(core);
    }
    if (status != CLEAT_OK) {
        return status;
    }
    how->met_order = ++durable->last_order;
    how->met_at_ms = core->now.unix_ms;
    how->carrier = core->durables.carrier;
    status = cleat__core_check(core, cleat__entry_meet(core->store, &durable->run.id, how));
    if (status == CLEAT_OK) {
        status = cleat__durable_note_met(core, durable, how->node, how->met_order);
    }
    if (status == CLEAT_OK && durable->run.state == CLEAT_RUN_EVICTED && ends_wait(durable, is_awaited)) {
        status = cleat__life_restore(core, &durable->run, core->durables.carrier);
    }
    return status;
}

/* Consumes the pending. */
static cleat_status meet_pending(cleat__core *core, cleat__pending *pending, cleat__entry_row *how)
{
    cleat__durable *durable = pending->durable;
    bool is_awaited = pending->is_awaited;
    how->node = cleat__pending_node(pending);
    cleat_status status = cleat__core_begin(core);
    if (status == CLEAT_OK) {
        status = cleat__core_check(core, cleat__condition_delete(core->store, &durable->run.id, how->node));
    }
    cleat__pending_free(&core->durables.pendings, pending);
    return status == CLEAT_OK ? meet_node(core, durable, is_awaited, how) : status;
}

cleat_status cleat__durable_meet(cleat__core *core, cleat__pending_condition *condition, cleat_slice data,
                                 bool *is_node_met)
{
    cleat__pending *pending = cleat__pending_of(condition);
    const cleat__uuid *run_id = &pending->durable->run.id;
    cleat__node node = cleat__pending_node(pending);
    cleat__buffer payload = {0};
    if (cleat__run_is_dag(&pending->durable->run)) {
        return cleat__dag_meet(core, condition, data, is_node_met);
    }
    cleat_status status = cleat__core_begin(core);
    if (status == CLEAT_OK) {
        status = cleat__core_check(core,
                                   cleat__condition_meet(core->store, run_id, node, condition->number, data));
    }
    *is_node_met = cleat__pending_meet_group(&core->durables.pendings, pending, condition->group);
    if (status != CLEAT_OK || !*is_node_met) {
        return status;
    }
    status = cleat__core_check(core, cleat__condition_payload(core->store, run_id, node, &payload));
    if (status == CLEAT_OK) {
        cleat__entry_row how = {.outcome = CLEAT__NODE_SUCCEEDED, .payload = cleat__buffer_slice(&payload)};
        status = meet_pending(core, pending, &how);
    }
    cleat__buffer_deinit(&payload);
    return status;
}

static cleat__entry_row end_of_child(int state, cleat_slice text)
{
    switch (state) {
    case CLEAT_RUN_COMPLETED: return (cleat__entry_row){.outcome = CLEAT__NODE_SUCCEEDED, .payload = text};
    case CLEAT_RUN_CANCELLED:
        return (cleat__entry_row){.outcome = CLEAT__NODE_CANCELLED,
                                  .error = cleat_slice_of("task was cancelled")};
    default: return (cleat__entry_row){.outcome = CLEAT__NODE_FAILED, .error = text};
    }
}

cleat_status cleat__durable_meet_child(cleat__core *core, cleat__durable *durable, cleat__node node,
                                       int state, cleat_slice text)
{
    cleat__entry_row how = end_of_child(state, text);
    how.node = node;
    return meet_node(core, durable, false, &how);
}

cleat_status cleat__durable_end_wait(cleat__core *core, cleat__pending_condition *condition, int state,
                                     cleat_slice text)
{
    cleat__entry_row how = end_of_child(state, text);
    return meet_pending(core, cleat__pending_of(condition), &how);
}

cleat_status cleat__durable_fire(cleat__core *core, int max)
{
    cleat_status status = CLEAT_OK;
    cleat__pending_condition *condition;
    bool is_node_met;
    while (status == CLEAT_OK &&
           (condition = cleat__pendings_first_sleep(&core->durables.pendings)) != NULL &&
           condition->as.sleep.at_ms <= core->now.unix_ms) {
        if (max-- == 0) {
            core->has_more = true;
            break;
        }
        status = cleat__durable_meet(core, condition, (cleat_slice){NULL, 0}, &is_node_met);
    }
    return status;
}

int64_t cleat__durable_next_ms(const cleat__core *core)
{
    const cleat__pending_condition *first = cleat__pendings_first_sleep(&core->durables.pendings);
    if (first == NULL) {
        return INT64_MAX;
    }
    if (first->as.sleep.at_ms <= core->now.unix_ms) {
        return core->now.monotonic_ms;
    }
    int64_t left = first->as.sleep.at_ms - core->now.unix_ms;
    return core->now.monotonic_ms + (left < LOOK_EVERY_MS ? left : LOOK_EVERY_MS);
}

/* ---- At the start ---- */

typedef struct recovery {
    cleat__core *core;
    cleat__pending *pending;            /* of the row before */
    bool is_met[CLEAT__CONDITIONS_MAX]; /* its groups */
} recovery;

static bool makes_sense(const cleat__condition_row *row)
{
    return row->count >= 1 && row->count <= CLEAT__CONDITIONS_MAX && row->number >= 0 &&
           row->number < row->count && row->group >= 0 && row->group < row->count &&
           row->kind >= CLEAT__PENDING_SLEEP && row->kind <= CLEAT__PENDING_CHILD &&
           row->node.branch >= CLEAT__BRANCH_OF_SIGNALS && row->node.branch <= INT32_MAX &&
           row->node.number >= (row->node.branch != CLEAT__BRANCH_OF_SIGNALS) &&
           row->node.number <= INT32_MAX;
}

static bool is_same_node(const cleat__pending *pending, const cleat__condition_row *row)
{
    return pending != NULL && cleat__uuid_equals(&pending->durable->run.id, &row->run_id) &&
           pending->branch == row->node.branch && pending->number == row->node.number;
}

static cleat_status add_condition(void *argument, const cleat__condition_row *row)
{
    recovery *state = argument;
    cleat__pendings *pendings = &state->core->durables.pendings;
    cleat__run *run = cleat__runs_find(&state->core->runs, &row->run_id);
    bool has_child =
        row->kind != CLEAT__PENDING_CHILD || cleat__runs_find(&state->core->runs, &row->child_id) != NULL;
    bool may_wait = run != NULL && (cleat__run_is_durable(run) || cleat__run_is_dag(run));
    if (!may_wait || !has_child || !makes_sense(row)) {
        return cleat__fail(CLEAT_CORRUPT,
                           "what a run in the database waits for makes no sense; restore a copy");
    }
    if (cleat__run_is_dag(run)) {
        cleat_status status = cleat__dag_recover_condition(cleat__dag_of_run(run), row);
        if (status != CLEAT_OK) {
            return status;
        }
    }
    if (!is_same_node(state->pending, row)) {
        state->pending = cleat__pending_new(cleat__durable_of(run), row->node, (size_t)row->count);
        memset(state->is_met, 0, sizeof(state->is_met));
    }
    if (state->pending == NULL) {
        return cleat__fail_memory();
    }
    cleat__pending_condition *condition = &state->pending->conditions[row->number % row->count];
    condition->group = (uint8_t)row->group;
    if (row->is_met) {
        state->is_met[row->group] = true;
        cleat__pending_meet_group(pendings, state->pending, condition->group);
    }
    return state->is_met[row->group]
               ? CLEAT_OK
               : cleat__pending_link(pendings, run->type->workflow->tenant, condition, row);
}

cleat_status cleat__durable_recover(cleat__core *core)
{
    recovery state = {.core = core};
    return cleat__condition_list(core->store, add_condition, &state);
}

/* Of the nodes that it waits for those that are not met; the others are counted. */
static cleat_status await_nodes(cleat__durable *durable, const json_t *stored, size_t *met)
{
    size_t count = json_array_size(stored);
    cleat__node *nodes = cleat__malloc(count != 0 ? count * sizeof(*nodes) : 1);
    if (nodes == NULL) {
        return cleat__fail_memory();
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(stored, i);
        nodes[i] = (cleat__node){json_integer_value(json_array_get(item, 0)),
                                 json_integer_value(json_array_get(item, 1))};
    }
    count = cleat__nodes_sort(nodes, count);
    cleat__pendings_await(durable, nodes, count);
    *met = count - (size_t)durable->awaited;
    cleat__free(nodes);
    return CLEAT_OK;
}

cleat_status cleat__durable_recover_evicted(cleat__core *core, cleat__durable *durable)
{
    cleat__buffer waits = {0};
    size_t met = 0;
    cleat_status status =
        cleat__durable_get_waits(core->store, &durable->run.id, &waits, &durable->awaits_all);
    json_t *nodes = json_loadb(waits.data != NULL ? (const char *)waits.data : "", waits.size, 0, NULL);
    if (status == CLEAT_OK && !json_is_array(nodes)) {
        status = cleat__fail(CLEAT_CORRUPT, "what an evicted run waits for makes no sense; restore a copy");
    }
    if (status == CLEAT_OK) {
        durable->awaits_any = json_array_size(nodes) == 0;
        status = await_nodes(durable, nodes, &met);
    }
    json_decref(nodes);
    cleat__buffer_deinit(&waits);
    bool is_over = !durable->awaits_any && (durable->awaits_all ? durable->awaited == 0 : met != 0);
    return status == CLEAT_OK && is_over ? cleat__life_restore(core, &durable->run, (cleat_slice){NULL, 0})
                                         : status;
}
