#include "support/durable_world.h"

#include "engine/core_parts.h"

/* How many nodes of the log it takes. */
static size_t nodes_of(const dw_op *op)
{
    return op->kind == OP_REST ? 0 : op->count;
}

/* What was known from there on does not count any more: it all happens anew. What a hook has brought is gone, and what nobody
 * took before the run ended. */
static void forget(dw_plan *of, size_t from)
{
    for (size_t op = from; op < of->op_count; op++) {
        of->facts[op] = (dw_fact){.is_over = false};
    }
    memset(of->is_taken, 0, sizeof(of->is_taken));
}

static bool is_on_its_way(const dw_world *it, const dw_plan *of)
{
    for (const dw_slip *slip = it->slips; slip != NULL; slip = slip->next) {
        if (slip->of == of) {
            return true;
        }
    }
    return false;
}

/* Of a run that has ended; of another one it is refused. */
void dw_branch(dw_world *it, size_t run)
{
    dw_plan *of = &it->plans[run];
    size_t from = dw_pick(it, of->op_count);
    int64_t number = 1;
    for (size_t op = 0; op < from; op++) {
        number += (int64_t)nodes_of(&of->ops[op]);
    }
    if (of->ops[from].kind == OP_REST || !of->is_known || is_on_its_way(it, of)) {
        return;
    }
    dw_slip *made = dw_new_slip(it, CLEAT__COMMAND_DURABLE_BRANCH);
    made->of = of;
    made->former = *of;
    made->command.as.durable_branch.run_id = of->id;
    made->command.as.durable_branch.node = (cleat__node){of->branch, number};
    made->command.as.durable_branch.branch = &of->branch;
    dw_apply(it, made);
    if (made->command.status == CLEAT_OK) {
        forget(of, from);
    }
}

void dw_restore(dw_world *it, size_t run)
{
    dw_slip *made = dw_new_slip(it, CLEAT__COMMAND_DURABLE_RESTORE);
    made->command.as.durable_restore = it->plans[run].id;
    dw_apply(it, made);
}

void dw_answered_branch(dw_world *it, const dw_slip *said)
{
    cleat_status status = said->command.status;
    bool is_branch = said->command.kind == CLEAT__COMMAND_DURABLE_BRANCH;
    DW_CHECK(it, status == CLEAT_OK || status == CLEAT_FAILED_PRECONDITION || status == CLEAT_NOT_FOUND,
             "%s: %s", is_branch ? "a branch" : "a run is restored", said->command.error);
    DW_CHECK(it, !is_branch || status != CLEAT_OK || said->of->branch == said->former.branch + 1,
             "branch %" PRId64 " comes after %" PRId64, said->of->branch, said->former.branch);
    it->branched += is_branch && status == CLEAT_OK;
    it->restored += !is_branch && status == CLEAT_OK;
}

void dw_unanswered_branch(dw_world *it, const dw_slip *lost)
{
    if (cleat__runs_find(&it->core->runs, &lost->of->id) == NULL) { /* it was not stored */
        *lost->of = lost->former;
    }
}
