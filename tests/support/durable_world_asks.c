#include "support/durable_world.h"

#include "base/alloc.h"

#include <stdlib.h>

void dw_fail(const dw_world *it, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    fail_msg("CLEAT_SEED=%" PRIu64 ": %s", it->seed, text);
}

/* ---- Plans ---- */

static uint64_t mix(uint64_t digest, uint64_t value)
{
    digest = (digest ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    return digest ^ digest >> 29;
}

static uint64_t step_value(size_t run, size_t at)
{
    return mix(run + 1, at);
}

/* One that has left some of its nodes behind, before `at`; `at`: there is none. */
static size_t find_any(const dw_plan *of, size_t at)
{
    size_t found = at;
    for (size_t i = 0; i < at; i++) {
        found = dw_is_any(&of->ops[i]) ? i : found;
    }
    return found;
}

static void make_op(dw_world *it, dw_plan *of, size_t at)
{
    dw_op *made = &of->ops[at];
    *made =
        (dw_op){.kind = (dw_op_kind)dw_pick(it, OP_KINDS), .ms = 1 + (int64_t)dw_pick(it, 20000), .of = at};
    made->count = made->kind > OP_EVENT ? 1 + dw_pick(it, FAN) : 1;
    if (made->kind == OP_REST) {
        made->of = find_any(of, at);
        made->kind = made->of != at ? OP_REST : OP_STEP;
        made->count = made->of != at ? of->ops[made->of].count : 1;
    }
    for (size_t i = 0; i < made->count; i++) {
        bool is_mixed = made->kind == OP_MIXED_ALL || made->kind == OP_MIXED_ANY;
        made->parts[i] = is_mixed                 ? (dw_part)dw_pick(it, PARTS)
                         : made->kind == OP_SLEEP ? PART_SLEEP
                         : made->kind == OP_HOOK  ? PART_HOOK
                         : made->kind == OP_EVENT ? PART_EVENT
                                                  : PART_CHILD;
    }
}

void dw_make_plan(dw_world *it, size_t run)
{
    dw_plan *made = &it->plans[run];
    *made = (dw_plan){.branch = 1, .listens = dw_pick(it, 2) == 0, .op_count = 1 + dw_pick(it, OPS)};
    for (size_t i = 0; i < made->op_count; i++) {
        const dw_op *next = &made->ops[i];
        make_op(it, made, i);
        /* Which is the first of several is not the plan's matter. */
        made->digest = mix(made->digest, next->kind == OP_STEP  ? step_value(run, i)
                                         : next->kind == OP_ALL ? next->count
                                                                : (uint64_t)next->kind);
    }
}

size_t dw_index_of(const dw_world *it, const dw_plan *of)
{
    return (size_t)(of - it->plans);
}

/* ---- Commands ---- */

dw_slip *dw_new_slip(dw_world *it, cleat__command_kind kind)
{
    dw_slip *made = calloc(1, sizeof(*made));
    assert_non_null(made);
    made->command.kind = kind;
    made->command.tenant = CLEAT__TENANT_DEFAULT;
    made->next = it->slips;
    it->slips = made;
    return made;
}

void dw_drop_slip(dw_world *it, dw_slip *gone)
{
    dw_slip **link = &it->slips;
    while (*link != gone) {
        link = &(*link)->next;
    }
    *link = gone->next;
    if (gone->command.kind == CLEAT__COMMAND_DURABLE) {
        for (size_t i = 0; i < gone->command.as.durable.count; i++) {
            cleat__durable_request_deinit(&gone->requests[i]);
        }
    }
    cleat__free(gone->command.error);
    free(gone);
}

void dw_apply(dw_world *it, dw_slip *said)
{
    cleat__core_apply(it->core, it->now, &said->command);
}

dw_slip *dw_new_request(dw_world *it, dw_invocation *by, cleat__durable_kind kind)
{
    dw_slip *made = dw_new_slip(it, CLEAT__COMMAND_DURABLE);
    made->by = by;
    made->of = by->of;
    made->was_lost = by->is_lost;
    made->requests[0].kind = kind;
    if (by->says && cleat__durable_takes_nodes(kind)) {
        made->requests[0].number = by->node + 1;
    }
    made->command.as.durable.run_id = by->of->id;
    made->command.as.durable.invocation_count = by->count;
    made->command.as.durable.requests = made->requests;
    made->command.as.durable.count = 1;
    made->command.as.durable.listener = by->of->listens ? &it->listener : NULL;
    by->asks = true;
    return made;
}

/* The same for what can be asked again. Who hears how nodes end must know them by then. */
static dw_slip *new_question(dw_world *it, dw_invocation *by, cleat__durable_kind kind)
{
    dw_slip *made = dw_new_request(it, by, kind);
    made->is_unheard = by->says && dw_pick(it, 6) == 0;
    return made;
}

/* ---- What an invocation asks for ---- */

static void ask_step(dw_world *it, dw_invocation *by)
{
    dw_slip *made = new_question(it, by, CLEAT__DURABLE_MEMO);
    snprintf(made->key, sizeof(made->key), "step %zu", by->op);
    made->requests[0].as.memo.key = cleat_slice_of(made->key);
    /* At times the value is at hand already, as at the end of the log. */
    if (dw_pick(it, 2) == 0) {
        snprintf(made->text, sizeof(made->text), "{\"v\":%" PRIu64 ",\"x\":%" PRIu64 "}",
                 step_value(dw_index_of(it, by->of), by->op), it->executions++);
        made->requests[0].as.memo.payload = cleat_slice_of(made->text);
    }
    dw_apply(it, made);
}

static void complete_step(dw_world *it, dw_invocation *by, const char *value)
{
    dw_slip *made = dw_new_request(it, by, CLEAT__DURABLE_COMPLETE_MEMO);
    snprintf(made->key, sizeof(made->key), "step %zu", by->op);
    snprintf(made->text, sizeof(made->text), "%s", value);
    made->requests[0].as.complete_memo.node = by->nodes[by->op][0];
    made->requests[0].as.complete_memo.key = cleat_slice_of(made->key);
    made->requests[0].as.complete_memo.payload = cleat_slice_of(made->text);
    dw_apply(it, made);
}

void dw_ask_completion(dw_world *it, dw_invocation *by)
{
    char value[MEMO_TEXT];
    snprintf(value, sizeof(value), "{\"v\":%" PRIu64 ",\"x\":%" PRIu64 "}",
             step_value(dw_index_of(it, by->of), by->op), it->executions++);
    complete_step(it, by, value);
}

static cleat__condition sleep_of(const dw_op *op, dw_slip *made)
{
    snprintf(made->text, sizeof(made->text), "%" PRId64 "ms", op->ms);
    return (cleat__condition){.kind = CLEAT__CONDITION_SLEEP,
                              .data_key = cleat_slice_of("s"),
                              .group = cleat_slice_of("either"),
                              .sleep_ms = op->ms,
                              .sleep_text = cleat_slice_of(made->text)};
}

static cleat__condition event_of(const dw_world *it, const dw_invocation *by, dw_slip *made)
{
    snprintf(made->key, sizeof(made->key), "event-%zu-%zu", dw_index_of(it, by->of), by->op);
    return (cleat__condition){.kind = CLEAT__CONDITION_EVENT,
                              .data_key = cleat_slice_of("e"),
                              .group = cleat_slice_of("either"),
                              .key = cleat_slice_of(made->key)};
}

static void ask_wait(dw_world *it, dw_invocation *by)
{
    const dw_op *op = dw_present_op(by);
    dw_part part = op->parts[by->asked];
    dw_slip *made = new_question(it, by, CLEAT__DURABLE_WAIT_FOR);
    int64_t *begun_ms = &by->of->facts[by->op].begun_ms[by->asked];
    size_t count = 0;
    if (part == PART_HOOK) {
        made->conditions[count++] = dw_hook_of(it, by, made);
    }
    if (part == PART_SLEEP || part == PART_EITHER) {
        made->conditions[count++] = sleep_of(op, made);
    }
    if (part == PART_EVENT || part == PART_EITHER) {
        made->conditions[count++] = event_of(it, by, made);
    }
    *begun_ms = *begun_ms != 0 ? *begun_ms : it->now.unix_ms;
    made->requests[0].as.wait_for.conditions = made->conditions;
    made->requests[0].as.wait_for.count = count;
    dw_apply(it, made);
}

static void ask_children(dw_world *it, dw_invocation *by, size_t count)
{
    dw_slip *made = new_question(it, by, CLEAT__DURABLE_TRIGGER);
    snprintf(made->text, sizeof(made->text), "{\"of\":\"%zu-%zu\"}", dw_index_of(it, by->of), by->op);
    for (size_t i = 0; i < count; i++) {
        made->items[i] =
            (cleat__trigger){.workflow = cleat_slice_of(dw_is_chain(dw_present_op(by)) ? "chain" : "child"),
                             .input = cleat_slice_of(made->text)};
    }
    made->requests[0].as.trigger.items = made->items;
    made->requests[0].as.trigger.count = count;
    made->requests[0].as.trigger.ids = made->ids;
    made->requests[0].as.trigger.nodes = made->nodes;
    dw_apply(it, made);
}

void dw_ask_ends(dw_world *it, dw_invocation *by)
{
    const dw_op *op = dw_present_op(by);
    dw_slip *made = new_question(it, by, CLEAT__DURABLE_AWAIT);
    memcpy(made->nodes, by->nodes[op->of], sizeof(made->nodes));
    made->requests[0].as.await.nodes = made->nodes;
    made->requests[0].as.await.count = op->count;
    made->requests[0].as.await.is_all = !dw_is_any(op);
    made->requests[0].as.await.ends = made->ends;
    dw_apply(it, made);
}

void dw_ask_eviction(dw_world *it, dw_invocation *by)
{
    const dw_op *op = dw_present_op(by);
    dw_slip *made = dw_new_request(it, by, CLEAT__DURABLE_EVICT);
    by->ends = true;
    made->requests[0].as.evict.reason = cleat_slice_of("it waits");
    if (!by->of->listens) {
        memcpy(made->nodes, by->nodes[op->of], sizeof(made->nodes));
        made->requests[0].as.evict.nodes = made->nodes;
        made->requests[0].as.evict.count = op->count;
        made->requests[0].as.evict.is_all = !dw_is_any(op);
    }
    dw_apply(it, made);
}

void dw_report(dw_world *it, dw_invocation *by, cleat_status status)
{
    dw_slip *made = dw_new_slip(it, CLEAT__COMMAND_REPORT);
    snprintf(made->text, sizeof(made->text), "{\"digest\":\"%" PRIx64 "\"}", by->of->digest);
    made->of = by->of;
    made->by = by;
    made->command.as.report = (cleat__report){.task_id = by->of->id,
                                              .retry_count = by->retry_count,
                                              .invocation_count = by->count,
                                              .status = status,
                                              .output = cleat_slice_of(made->text),
                                              .error = cleat_slice_of("no luck")};
    by->asks = true;
    by->ends = true;
    dw_apply(it, made);
}

void dw_report_child(dw_world *it, const dw_held_child *child, cleat_status status, const char *output)
{
    dw_slip *made = dw_new_slip(it, CLEAT__COMMAND_REPORT);
    snprintf(made->text, sizeof(made->text), "%s", output);
    made->command.as.report = (cleat__report){.task_id = child->id,
                                              .retry_count = child->retry_count,
                                              .invocation_count = child->invocation,
                                              .status = status,
                                              .output = cleat_slice_of(made->text),
                                              .error = cleat_slice_of("broken")};
    dw_apply(it, made);
}

void dw_ask_op(dw_world *it, dw_invocation *by)
{
    const dw_op *op = dw_present_op(by);
    switch (op->kind) {
    case OP_STEP: ask_step(it, by); break;
    case OP_ALL:
    case OP_ANY: ask_children(it, by, op->count); break;
    case OP_REST: dw_begin_to_await(it, by); break;
    default:
        if (op->kind == OP_HOOK && !by->has_hook) {
            dw_ask_hook(it, by);
        } else if (op->parts[by->asked] == PART_CHILD) {
            ask_children(it, by, 1);
        } else {
            ask_wait(it, by);
        }
    }
}

static void request_again(dw_world *it, dw_invocation *by, const dw_slip *lost)
{
    switch (lost->requests[0].kind) {
    case CLEAT__DURABLE_COMPLETE_MEMO: complete_step(it, by, lost->text); break;
    case CLEAT__DURABLE_AWAIT: dw_ask_ends(it, by); break;
    case CLEAT__DURABLE_EVICT: dw_ask_eviction(it, by); break;
    default: dw_ask_op(it, by);
    }
}

void dw_ask_again(dw_world *it, dw_slip *lost)
{
    const cleat__report *said = &lost->command.as.report;
    if (lost->command.kind == CLEAT__COMMAND_DURABLE) {
        if (lost->by != NULL) {
            request_again(it, lost->by, lost);
        }
    } else if (lost->command.kind == CLEAT__COMMAND_REPORT && lost->by != NULL) {
        dw_report(it, lost->by, said->status);
    } else if (lost->command.kind == CLEAT__COMMAND_REPORT) {
        const dw_held_child child = {
            .id = said->task_id, .retry_count = said->retry_count, .invocation = said->invocation_count};
        dw_report_child(it, &child, said->status, lost->text);
    }
}
