#include "support/durable_world.h"

#include "base/alloc.h"

#include <stdlib.h>

/* ---- What is learnt ---- */

static void go_on(dw_invocation *by)
{
    by->op++;
    by->awaits = false;
    memset(by->told_order, 0, sizeof(by->told_order));
}

static void learn_step(dw_world *it, dw_invocation *by, const char *value)
{
    dw_fact *known = &by->of->facts[by->op];
    if (known->is_over) {
        DW_CHECK(it, strcmp(known->text, value) == 0, "a step was %s and is %s", known->text, value);
        it->replays++;
    }
    known->is_over = true;
    snprintf(known->text, sizeof(known->text), "%s", value);
    go_on(by);
}

/* One node of the present op has ended. */
static void learn_end(dw_world *it, dw_invocation *by, size_t at, int64_t order)
{
    const dw_op *wanted = &by->of->ops[by->op];
    dw_fact *known = &by->of->facts[by->op];
    DW_CHECK(it, known->order[at] == 0 || known->order[at] == order,
             "a node was the %" PRId64 ". to end, and is the %" PRId64 ".", known->order[at], order);
    if (known->order[at] == 0 && wanted->kind == OP_SLEEP) {
        DW_CHECK(it, it->now.unix_ms >= known->begun_ms + wanted->ms,
                 "a sleep of %" PRId64 " ms lasted %" PRId64, wanted->ms, it->now.unix_ms - known->begun_ms);
        it->sleeps++;
    }
    it->replays += known->order[at] != 0;
    known->order[at] = order;
}

/* The op is over with these ends. */
static void learn_op(dw_world *it, dw_invocation *by, const int64_t orders[FAN])
{
    const dw_op *wanted = &by->of->ops[by->op];
    dw_fact *known = &by->of->facts[by->op];
    size_t first = 0;
    char text[MEMO_TEXT];
    for (size_t i = 1; i < dw_node_count(wanted); i++) {
        if (orders[i] != 0 && (orders[first] == 0 || orders[i] < orders[first])) {
            first = i;
        }
    }
    snprintf(text, sizeof(text), "%zu", wanted->kind == OP_ANY ? first : 0);
    DW_CHECK(it, !known->is_over || strcmp(known->text, text) == 0, "the first was %s, and is %s",
             known->text, text);
    snprintf(known->text, sizeof(known->text), "%s", text);
    known->is_over = true;
    go_on(by);
}

static void learn_children(dw_world *it, dw_invocation *by, const dw_slip *said)
{
    dw_fact *known = &by->of->facts[by->op];
    for (size_t i = 0; i < by->of->ops[by->op].count; i++) {
        DW_CHECK(it, !known->is_begun || cleat__uuid_equals(&known->child[i], &said->ids[i]),
                 "a replay has started another child");
        known->child[i] = said->ids[i];
        by->nodes[i] = said->nodes[i];
    }
    known->is_begun = true;
    by->awaits = true;
}

static bool is_enough(const dw_op *wanted, const int64_t orders[FAN])
{
    size_t ended = 0;
    for (size_t i = 0; i < dw_node_count(wanted); i++) {
        ended += orders[i] != 0;
    }
    return wanted->kind == OP_ANY ? ended > 0 : ended == dw_node_count(wanted);
}

static void learn_ends(dw_world *it, dw_invocation *by, const dw_slip *said, cleat_status status)
{
    const dw_op *wanted = &by->of->ops[by->op];
    const dw_fact *known = &by->of->facts[by->op];
    int64_t orders[FAN] = {0};
    for (size_t i = 0; i < dw_node_count(wanted); i++) {
        orders[i] = said->ends[i].order;
        DW_CHECK(it, orders[i] != 0 || known->order[i] == 0, "a node that had ended has not");
        if (orders[i] != 0) {
            DW_CHECK(it, !said->ends[i].is_failure && said->ends[i].payload != NULL, "a node has failed");
            learn_end(it, by, i, orders[i]);
        }
    }
    bool is_over = is_enough(wanted, orders);
    DW_CHECK(it, is_over == (status == CLEAT_OK), "an AWAIT says %s", cleat_status_name(status));
    if (is_over) {
        learn_op(it, by, orders);
    } else if (dw_pick(it, 3) != 0) {
        dw_ask_eviction(it, by);
    }
}

/* ---- Answers ---- */

static void answer_request(dw_world *it, dw_slip *said)
{
    dw_invocation *by = said->by;
    cleat_status status = said->command.status;
    by->asks = false;
    if (status == CLEAT_CANCELLED) {
        DW_CHECK(it, by->is_lost, "an invocation that nobody took its run from was told so");
        it->stale++;
        by->is_used = false;
        return;
    }
    DW_CHECK(it, status == CLEAT_OK || status == CLEAT_SUSPENDED, "%s: %s", cleat_status_name(status),
             said->command.error != NULL ? said->command.error : "");
    DW_CHECK(it, !said->was_lost, "an invocation that had lost its run asked, and was answered");
    const cleat__durable_request *asked = &said->requests[0];
    switch (asked->kind) {
    case CLEAT__DURABLE_MEMO:
        by->nodes[0] = asked->as.memo.node;
        if (asked->as.memo.value != NULL) {
            learn_step(it, by, asked->as.memo.value);
        } else if (said->text[0] != '\0') {
            DW_CHECK(it, !by->of->facts[by->op].is_over, "the value of a step is gone");
            learn_step(it, by, said->text);
        } else {
            DW_CHECK(it, !by->of->facts[by->op].is_over, "the value of a step is gone");
            dw_ask_completion(it, by);
        }
        break;
    case CLEAT__DURABLE_COMPLETE_MEMO: learn_step(it, by, said->text); break;
    case CLEAT__DURABLE_WAIT_FOR:
        by->nodes[0] = asked->as.wait_for.node;
        by->awaits = true;
        break;
    case CLEAT__DURABLE_TRIGGER: learn_children(it, by, said); break;
    case CLEAT__DURABLE_AWAIT: learn_ends(it, by, said, status); break;
    case CLEAT__DURABLE_EVICT:
        it->evictions++;
        by->is_used = false;
        break;
    case CLEAT__DURABLE_CREATE_HOOK: break;
    }
}

void dw_answered(dw_world *it, dw_slip *said)
{
    if (said->command.kind == CLEAT__COMMAND_DURABLE) {
        answer_request(it, said);
    } else if (said->command.kind == CLEAT__COMMAND_REPORT && said->by != NULL) {
        DW_CHECK(it, said->command.status == CLEAT_OK, "a report: %s",
                 cleat_status_name(said->command.status));
        said->by->is_used = false;
    } else if (said->command.kind == CLEAT__COMMAND_TRIGGER) {
        DW_CHECK(it, said->command.status == CLEAT_OK, "a trigger: %s",
                 cleat_status_name(said->command.status));
        said->of->is_known = true;
        said->of->id = said->id;
    } else {
        DW_CHECK(it, said->command.status == CLEAT_OK, "command %d: %s", said->command.kind,
                 said->command.error != NULL ? said->command.error : "failed");
    }
}

/* ---- Ears ---- */

static dw_plan *plan_of(dw_world *it, cleat_slice input)
{
    return &it->plans[strtoul(input.data + 7, NULL, 10)]; /* {"run":3} */
}

static dw_invocation *find_active(dw_world *it, const dw_plan *of, int32_t count)
{
    for (size_t i = 0; i < ACTIVE; i++) {
        dw_invocation *found = &it->active[i];
        if (found->is_used && found->of == of && found->count == count) {
            return found;
        }
    }
    return NULL;
}

static void begin(dw_world *it, const cleat__assignment *assignment)
{
    dw_plan *of = plan_of(it, assignment->input);
    size_t at = ACTIVE;
    for (size_t i = 0; i < ACTIVE; i++) {
        const dw_invocation *other = &it->active[i];
        DW_CHECK(it, !other->is_used || other->of != of || other->is_lost || other->ends,
                 "a run is worked on twice");
        at = other->is_used ? at : i;
    }
    DW_CHECK(it, at < ACTIVE, "too many invocations");
    DW_CHECK(it, assignment->invocation_count > of->last_invocation, "invocation %d comes after %d",
             assignment->invocation_count, of->last_invocation);
    of->last_invocation = assignment->invocation_count;
    of->id = assignment->task_id;
    DW_NOTE(it, "run %zu, invocation %d\n", dw_index_of(it, of), assignment->invocation_count);
    it->active[at] = (dw_invocation){.is_used = true,
                                     .of = of,
                                     .count = assignment->invocation_count,
                                     .retry_count = assignment->retry_count};
}

static void hold_child(dw_world *it, const cleat__assignment *assignment)
{
    size_t at = 0;
    while (at < HELD && it->held[at].is_used) {
        at++;
    }
    DW_CHECK(it, at < HELD, "too many children");
    it->held[at] =
        (dw_held_child){.is_used = true, .id = assignment->task_id, .retry_count = assignment->retry_count};
}

void dw_assigned(void *self, cleat__assignment *list)
{
    dw_world *it = self;
    while (list != NULL) {
        cleat__assignment *next = list->next;
        if (list->is_durable) {
            begin(it, list);
        } else {
            hold_child(it, list);
        }
        cleat__free(list);
        list = next;
    }
}

void dw_cancelled(void *self, const cleat__uuid *task_id, int32_t retry_count)
{
    (void)self, (void)task_id, (void)retry_count;
}

static void learn_told(dw_world *it, dw_invocation *by, const cleat__node_end *told)
{
    DW_CHECK(it, told->order > by->last_order, "the %" PRId64 ". end is told after the %" PRId64 ".",
             told->order, by->last_order);
    by->last_order = told->order;
    it->told++;
    for (size_t i = 0; by->awaits && i < dw_node_count(&by->of->ops[by->op]); i++) {
        if (by->nodes[i].branch == told->node.branch && by->nodes[i].number == told->node.number) {
            learn_end(it, by, i, told->order);
            by->told_order[i] = told->order;
        }
    }
    if (by->awaits && is_enough(&by->of->ops[by->op], by->told_order)) {
        learn_op(it, by, by->told_order);
    }
}

/* Memos are not numbered; what is told of an invocation that is no more is of no use to anybody. */
void dw_heard_end(void *self, const cleat__uuid *run_id, int32_t count, const cleat__node_end *end)
{
    dw_world *it = self;
    for (size_t i = 0; i < it->plan_count; i++) {
        if (!cleat__uuid_equals(&it->plans[i].id, run_id)) {
            continue;
        }
        dw_invocation *by = find_active(it, &it->plans[i], count);
        if (by != NULL && !by->is_lost && end->order != 0) {
            learn_told(it, by, end);
        }
    }
}

void dw_heard_eviction(void *self, const cleat__uuid *run_id, int32_t count, const char *reason)
{
    (void)self, (void)run_id, (void)count, (void)reason;
}
