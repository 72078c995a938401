/*
 * Chains of runs. A workflow that is to go on as a new run asks for it as a child, of a key of its own. That one is stored,
 * and held, until the workflow's end is reported, with an output that names it. In the transaction that ends the one
 * the other comes into its queue and has what the one had: its seats in concurrency rules (limits_chain.c), its hooks and
 * what they were sent; its wishes and its idempotency key it has already. So there is never more than one run of a
 * chain that does anything. Where the end is another, it is cancelled too: nobody knows of it but the log.
 *
 * Whoever waits for the end of such a run waits for the last one's. The wait moves along in the transaction that ends each of
 * them, so that it is always for a run that lives.
 *
 * The next one is a child of the one before: an output of that form that names any other run is an output as any,
 * and a chain cannot come back to where it began.
 */
#include "base/error.h"
#include "engine/durable_chain.h"
#include "engine/durable_log.h"
#include "engine/life_parts.h"
#include "engine/notes.h"
#include "store/chain.h"
#include "store/hook.h"
#include "store/load.h"
#include "store/note.h"

#include <limits.h>
#include <string.h>

/* CLEAT_EMPTY: the run does not go on. */
static cleat_status find_next(cleat__core *core, const cleat__uuid *id, int state, cleat_slice text,
                              cleat__uuid *next)
{
    if (state != CLEAT_RUN_COMPLETED || !cleat__continued_parse(text, next)) {
        return CLEAT_EMPTY;
    }
    cleat_status status = cleat__load_is_child(core->store, id, next);
    return status == CLEAT_EMPTY ? status : cleat__core_check(core, status);
}

static cleat_slice text_of(const cleat_run_result *result)
{
    return cleat_slice_of(result->output != NULL ? result->output : result->error);
}

cleat_status cleat__durable_chain_load(cleat__core *core, int64_t tenant, cleat__uuid *id,
                                       cleat_run_result *result)
{
    *result = (cleat_run_result){.status = CLEAT_RUN_QUEUED};
    cleat_status status = cleat__chain_reach(core->store, CLEAT__FOLLOW_LAST, INT_MAX, id);
    if (status == CLEAT_OK && cleat__runs_find(&core->runs, id) != NULL) {
        return CLEAT_EMPTY;
    }
    if (status == CLEAT_OK) {
        status = cleat__load_result(core->store, tenant, id, result, NULL);
    }
    if (status == CLEAT_EMPTY) {
        status = cleat__fail(CLEAT_CORRUPT, "run %s neither lives nor has ended", result->id.text);
    }
    return cleat__core_check(core, status);
}

cleat_status cleat__durable_chain_follow(cleat__core *core, cleat__follow follow, cleat__uuid *id,
                                         cleat__run **out)
{
    cleat_status status = cleat__chain_reach(core->store, follow, CLEAT__CHAIN_STEPS, id);
    *out = status == CLEAT_OK ? cleat__runs_find(&core->runs, id) : NULL;
    return cleat__core_check_alone(core, status);
}

static cleat_status move(cleat__core *core, cleat__pending_condition *condition, const cleat__uuid *to)
{
    cleat__pending *pending = cleat__pending_of(condition);
    const cleat__condition_row row = {
        .run_id = pending->durable->run.id,
        .node = cleat__pending_node(pending),
        .number = condition->number,
        .kind = CLEAT__PENDING_CHILD,
        .group = condition->group,
        .child_id = *to,
    };
    cleat__pending_unlink(&core->durables.pendings, condition);
    cleat_status status = cleat__pending_link(&core->durables.pendings,
                                              cleat__durable_tenant(pending->durable), condition, &row);
    if (status == CLEAT_OK) {
        status = cleat__core_begin(core);
    }
    return cleat__core_check(core,
                             status == CLEAT_OK ? cleat__condition_set_child(core->store, &row) : status);
}

static cleat_status meet_all(cleat__core *core, const cleat__uuid *id, int state, cleat_slice text)
{
    cleat_status status = CLEAT_OK;
    cleat__pending_condition *condition;
    while (status == CLEAT_OK &&
           (condition = cleat__pendings_of_child(&core->durables.pendings, id)) != NULL) {
        status = cleat__durable_end_wait(core, condition, state, text);
    }
    return status;
}

static cleat_status move_all(cleat__core *core, const cleat__uuid *from, const cleat__uuid *to)
{
    cleat_status status = CLEAT_OK;
    cleat__pending_condition *condition;
    while (status == CLEAT_OK &&
           (condition = cleat__pendings_of_child(&core->durables.pendings, from)) != NULL) {
        status = move(core, condition, to);
    }
    return status;
}

cleat_status cleat__durable_child_ended(cleat__core *core, const cleat__run *run, int state, cleat_slice text)
{
    cleat__uuid last;
    cleat_run_result result;
    if (cleat__pendings_of_child(&core->durables.pendings, &run->id) == NULL) {
        return CLEAT_OK;
    }
    cleat_status status = find_next(core, &run->id, state, text, &last);
    if (status != CLEAT_OK) {
        return status == CLEAT_EMPTY ? meet_all(core, &run->id, state, text) : status;
    }
    status = cleat__durable_chain_load(core, run->type->workflow->tenant, &last, &result);
    if (status == CLEAT_EMPTY) {
        status = move_all(core, &run->id, &last);
    } else if (status == CLEAT_OK) {
        status = meet_all(core, &run->id, (int)result.status, text_of(&result));
    }
    cleat_run_result_deinit(&result);
    return status;
}

/* ---- In its place ---- */

void cleat__durable_hold_next(cleat__durable *durable, cleat__run *next)
{
    durable->next_id = next->id;
    next->is_held = true;
    if (cleat__run_is_durable(next)) {
        cleat__durable_of(next)->is_next = true;
    }
}

/* With the transaction open. */
static cleat_status hand_hooks_over(cleat__core *core, const cleat__durable *durable, cleat__run *next)
{
    bool may_have = durable->has_hooks || !durable->is_known;
    if (!may_have || !cleat__run_is_durable(next)) {
        return CLEAT_OK;
    }
    cleat__durable_of(next)->has_hooks = true;
    return cleat__core_check(core, cleat__hooks_hand_over(core->store, &durable->run.id, &next->id));
}

static cleat_status release(cleat__core *core, cleat__durable *durable, cleat__run *next)
{
    const cleat__attempt_key key = cleat__life_key(next);
    const cleat_slice as_it_is = {NULL, 0};
    cleat_status status = cleat__core_begin(core);
    if (status == CLEAT_OK) {
        status = cleat__core_check(
            core, cleat__transition_unhold(core->store, &key, core->now.unix_ms, as_it_is, as_it_is));
    }
    if (status == CLEAT_OK && core->now.unix_ms != next->since_ms) {
        status = cleat__notes_add(core, next, CLEAT__NOTE_QUEUED, "Task was queued");
    }
    if (status == CLEAT_OK) {
        status = hand_hooks_over(core, durable, next);
    }
    if (status == CLEAT_OK) {
        status = cleat__limits_take_over(core, next, &durable->run);
    }
    if (status == CLEAT_OK) {
        status = cleat__core_check(core, cleat__chain_go_on(core->store, &durable->run.id, &next->id));
    }
    next->since_ms = core->now.unix_ms;
    return status == CLEAT_OK ? cleat__life_enqueue(core, next, next->priority) : status;
}

cleat_status cleat__durable_succeed(cleat__core *core, cleat__durable *durable, int state, cleat_slice text)
{
    cleat__uuid named;
    cleat__run *next = cleat__runs_find(&core->runs, &durable->next_id);
    if (next == NULL || !next->is_held) { /* it was cancelled meanwhile */
        return CLEAT_OK;
    }
    bool goes_on = state == CLEAT_RUN_COMPLETED && cleat__continued_parse(text, &named) &&
                   cleat__uuid_equals(&named, &next->id);
    next->is_held = false;
    return goes_on ? release(core, durable, next) : cleat__life_cancel(core, next);
}
