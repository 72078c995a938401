#include "support/durable_world.h"

#include "base/alloc.h"
#include "engine/core_parts.h"

#include <stdlib.h>

/* ---- What is learnt ---- */

static void go_on(dw_invocation *by)
{
    by->op++;
    by->awaits = false;
    by->asked = 0;
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

/* One of the nodes that an op has asked for has ended. */
static void learn_end(dw_world *it, dw_invocation *by, size_t op, size_t at, const cleat__node_end *end)
{
    const dw_op *wanted = &by->of->ops[op];
    dw_fact *known = &by->of->facts[op];
    bool fails = wanted->parts[at] == PART_CHILD && dw_child_fails(&known->child[at]);
    DW_CHECK(it, known->order[at] == 0 || known->order[at] == end->order,
             "a node was the %" PRId64 ". to end, and is the %" PRId64 ".", known->order[at], end->order);
    DW_CHECK(it, end->is_failure == fails && (fails ? end->error : end->payload) != NULL,
             fails ? "a node has not failed" : "a node has failed");
    DW_CHECK(it, wanted->parts[at] != PART_CHILD || fails || strcmp(end->payload, CHILD_OUTPUT) == 0,
             "a child gave %s", end->payload);
    if (known->order[at] == 0 && wanted->parts[at] == PART_SLEEP) {
        int64_t lasted = it->now.unix_ms - known->begun_ms[at];
        DW_CHECK(it, lasted >= wanted->ms, "a sleep of %" PRId64 " ms lasted %" PRId64, wanted->ms, lasted);
        it->sleeps++;
    }
    if (wanted->parts[at] == PART_HOOK) {
        dw_learn_payload(it, known, end->payload);
    }
    it->broken += fails;
    it->replays += known->order[at] != 0;
    known->order[at] = end->order;
}

/* The op is over with these ends. */
static void learn_op(dw_world *it, dw_invocation *by, const int64_t orders[FAN])
{
    const dw_op *wanted = dw_present_op(by);
    dw_fact *known = &by->of->facts[by->op];
    size_t first = 0;
    char text[MEMO_TEXT];
    for (size_t i = 1; i < wanted->count; i++) {
        if (orders[i] != 0 && (orders[first] == 0 || orders[i] < orders[first])) {
            first = i;
        }
    }
    snprintf(text, sizeof(text), "%zu", dw_is_any(wanted) ? first : 0);
    DW_CHECK(it, !known->is_over || strcmp(known->text, text) == 0, "the first was %s, and is %s",
             known->text, text);
    snprintf(known->text, sizeof(known->text), "%s", text);
    known->is_over = true;
    it->rests += wanted->kind == OP_REST;
    go_on(by);
}

static bool is_enough(const dw_op *wanted, const int64_t orders[FAN])
{
    size_t ended = 0;
    for (size_t i = 0; i < wanted->count; i++) {
        ended += orders[i] != 0;
    }
    return dw_is_any(wanted) ? ended > 0 : ended == wanted->count;
}

/* What was told is all that it knows. */
static void look(dw_world *it, dw_invocation *by)
{
    const dw_op *wanted = dw_present_op(by);
    if (by->awaits && is_enough(wanted, by->told_order[wanted->of])) {
        learn_op(it, by, by->told_order[wanted->of]);
    }
}

void dw_begin_to_await(dw_world *it, dw_invocation *by)
{
    by->awaits = true;
    look(it, by);
}

static void learn_node(dw_world *it, dw_invocation *by, cleat__node node)
{
    DW_CHECK(it, !by->says || node.number == by->node + 1, "node %" PRId64 " was asked for, not %" PRId64,
             by->node + 1, node.number);
    by->node++;
    by->nodes[by->op][by->asked++] = node;
}

static void learn_wait(dw_world *it, dw_invocation *by, cleat__node node)
{
    learn_node(it, by, node);
    if (by->asked == dw_present_op(by)->count) {
        dw_begin_to_await(it, by);
    }
}

static void learn_children(dw_world *it, dw_invocation *by, const dw_slip *said)
{
    dw_fact *known = &by->of->facts[by->op];
    for (size_t i = 0; i < said->requests[0].as.trigger.count; i++) {
        cleat__uuid *child = &known->child[by->asked];
        DW_CHECK(it, cleat__uuid_is_nil(child) || cleat__uuid_equals(child, &said->ids[i]),
                 "a replay has started another child");
        *child = said->ids[i];
        learn_node(it, by, said->nodes[i]);
    }
    if (by->asked == dw_present_op(by)->count) {
        dw_begin_to_await(it, by);
    }
}

static void learn_ends(dw_world *it, dw_invocation *by, const dw_slip *said, cleat_status status)
{
    const dw_op *wanted = dw_present_op(by);
    const dw_fact *known = &by->of->facts[wanted->of];
    int64_t orders[FAN] = {0};
    for (size_t i = 0; i < wanted->count; i++) {
        orders[i] = said->ends[i].order;
        DW_CHECK(it, orders[i] != 0 || known->order[i] == 0, "a node that had ended has not");
        if (orders[i] != 0) {
            learn_end(it, by, wanted->of, i, &said->ends[i]);
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

static void learn_memo(dw_world *it, dw_invocation *by, const dw_slip *said)
{
    const cleat__durable_request *asked = &said->requests[0];
    learn_node(it, by, asked->as.memo.node);
    if (asked->as.memo.value != NULL) {
        learn_step(it, by, asked->as.memo.value);
        return;
    }
    DW_CHECK(it, !by->of->facts[by->op].is_over, "the value of a step is gone");
    if (said->text[0] != '\0') {
        learn_step(it, by, said->text);
    } else {
        dw_ask_completion(it, by);
    }
}

static void learn_answer(dw_world *it, dw_invocation *by, const dw_slip *said)
{
    const cleat__durable_request *asked = &said->requests[0];
    switch (asked->kind) {
    case CLEAT__DURABLE_MEMO: learn_memo(it, by, said); break;
    case CLEAT__DURABLE_COMPLETE_MEMO: learn_step(it, by, said->text); break;
    case CLEAT__DURABLE_WAIT_FOR: learn_wait(it, by, asked->as.wait_for.node); break;
    case CLEAT__DURABLE_TRIGGER: learn_children(it, by, said); break;
    case CLEAT__DURABLE_AWAIT: learn_ends(it, by, said, said->command.status); break;
    case CLEAT__DURABLE_EVICT:
        it->evictions++;
        by->is_used = false;
        break;
    case CLEAT__DURABLE_CREATE_HOOK: by->has_hook = true; break;
    }
}

static void answer_request(dw_world *it, dw_slip *said)
{
    dw_invocation *by = said->by;
    cleat_status status = said->command.status;
    by->asks = false;
    if (status == CLEAT_CANCELLED) {
        DW_CHECK(it, by->is_lost || by->is_old, "an invocation that nobody took its run from was told so");
        it->stale++;
        by->is_used = false;
        return;
    }
    DW_CHECK(it, status == CLEAT_OK || status == CLEAT_SUSPENDED, "%s: %s", cleat_status_name(status),
             said->command.error != NULL ? said->command.error : "");
    DW_CHECK(it, !said->was_lost || by->is_old,
             "an invocation that had lost its run asked, and was answered");
    it->resumed += by->is_old && said->requests[0].number != 0;
    if (said->is_unheard) {
        it->repeated++;
        (said->requests[0].kind == CLEAT__DURABLE_AWAIT ? dw_ask_ends : dw_ask_op)(it, by);
    } else {
        learn_answer(it, by, said);
    }
}

void dw_answered(dw_world *it, dw_slip *said)
{
    if (said->command.kind == CLEAT__COMMAND_DURABLE && said->by == NULL) {
        dw_answered_link(it, said);
    } else if (said->command.kind == CLEAT__COMMAND_DURABLE) {
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
    } else if (said->command.kind == CLEAT__COMMAND_RESUME_HOOK) {
        dw_answered_resume(it, said);
    } else if (said->command.kind == CLEAT__COMMAND_DURABLE_BRANCH ||
               said->command.kind == CLEAT__COMMAND_DURABLE_RESTORE) {
        dw_answered_branch(it, said);
    } else if (said->command.kind == CLEAT__COMMAND_WORKER_REGISTER) {
        DW_CHECK(it, said->command.status == CLEAT_OK, "a worker: %s",
                 cleat_status_name(said->command.status));
        it->is_known = true;
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

/* It was handed out before the engine was started again, and is told now: the worker may have asked for anything. */
static bool is_told_again(const dw_world *it, const cleat__uuid *id)
{
    cleat__run *run = cleat__runs_find(&it->core->runs, id);
    return run != NULL && cleat__durable_of(run)->node < 0;
}

static void begin(dw_world *it, const cleat__assignment *assignment)
{
    dw_plan *of = plan_of(it, assignment->input);
    size_t at = ACTIVE;
    const dw_invocation *same = find_active(it, of, assignment->invocation_count);
    if (same != NULL && same->is_old) { /* the engine does not know that it has it */
        return;
    }
    for (size_t i = 0; i < ACTIVE; i++) {
        const dw_invocation *other = &it->active[i];
        bool is_over = !other->is_used || other->is_lost || other->ends ||
                       (other->is_old && other->asks); /* and is about to be told so */
        DW_CHECK(it, other->of != of || is_over, "a run is worked on twice");
        at = other->is_used ? at : i;
    }
    DW_CHECK(it, at < ACTIVE, "too many invocations");
    DW_CHECK(it, assignment->invocation_count > of->last_invocation, "invocation %d comes after %d",
             assignment->invocation_count, of->last_invocation);
    of->last_invocation = assignment->invocation_count;
    of->id = assignment->task_id;
    DW_NOTE(it, "run %zu, invocation %d\n", dw_index_of(it, of), assignment->invocation_count);
    it->active[at] = (dw_invocation){.is_used = true,
                                     .is_old = is_told_again(it, &assignment->task_id),
                                     .of = of,
                                     .count = assignment->invocation_count,
                                     .says = !of->listens && dw_pick(it, 4) != 0,
                                     .retry_count = assignment->retry_count};
}

static void hold_child(dw_world *it, const cleat__assignment *assignment)
{
    size_t at = 0;
    while (at < HELD && it->held[at].is_used) {
        if (cleat__uuid_equals(&it->held[at].id, &assignment->task_id)) {
            it->held[at].is_used = false; /* it is told again */
            break;
        }
        at++;
    }
    DW_CHECK(it, at < HELD, "too many children");
    dw_hold_link(&it->held[at], assignment);
}

void dw_assigned(void *self, cleat__assignment *list)
{
    dw_world *it = self;
    while (list != NULL) {
        cleat__assignment *next = list->next;
        if (list->is_durable && cleat_slice_equals(list->task, cleat_slice_of("flow:flow"))) {
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
    for (size_t op = 0; op <= by->op && op < OPS; op++) {
        for (size_t i = 0; i < FAN; i++) {
            if (by->nodes[op][i].branch == told->node.branch &&
                by->nodes[op][i].number == told->node.number) {
                learn_end(it, by, op, i, told);
                by->told_order[op][i] = told->order;
            }
        }
    }
    look(it, by);
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
