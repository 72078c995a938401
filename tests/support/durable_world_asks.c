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

void dw_make_plan(dw_world *it, size_t run)
{
    dw_plan *made = &it->plans[run];
    *made = (dw_plan){.listens = dw_pick(it, 2) == 0, .op_count = 1 + dw_pick(it, OPS)};
    for (size_t i = 0; i < made->op_count; i++) {
        dw_op *next = &made->ops[i];
        next->kind = (dw_op_kind)dw_pick(it, OP_KINDS);
        next->ms = 1 + (int64_t)dw_pick(it, 20000);
        next->count = 1 + dw_pick(it, FAN);
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

static dw_slip *new_request(dw_world *it, dw_invocation *by, cleat__durable_kind kind)
{
    dw_slip *made = dw_new_slip(it, CLEAT__COMMAND_DURABLE);
    made->by = by;
    made->of = by->of;
    made->was_lost = by->is_lost;
    made->requests[0].kind = kind;
    made->command.as.durable.run_id = by->of->id;
    made->command.as.durable.invocation_count = by->count;
    made->command.as.durable.requests = made->requests;
    made->command.as.durable.count = 1;
    made->command.as.durable.listener = by->of->listens ? &it->listener : NULL;
    by->asks = true;
    return made;
}

/* ---- What an invocation asks for ---- */

static void ask_step(dw_world *it, dw_invocation *by)
{
    dw_slip *made = new_request(it, by, CLEAT__DURABLE_MEMO);
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

void dw_ask_completion(dw_world *it, dw_invocation *by)
{
    dw_slip *made = new_request(it, by, CLEAT__DURABLE_COMPLETE_MEMO);
    snprintf(made->key, sizeof(made->key), "step %zu", by->op);
    snprintf(made->text, sizeof(made->text), "{\"v\":%" PRIu64 ",\"x\":%" PRIu64 "}",
             step_value(dw_index_of(it, by->of), by->op), it->executions++);
    made->requests[0].as.complete_memo.node = by->nodes[0];
    made->requests[0].as.complete_memo.key = cleat_slice_of(made->key);
    made->requests[0].as.complete_memo.payload = cleat_slice_of(made->text);
    dw_apply(it, made);
}

static void ask_wait(dw_world *it, dw_invocation *by)
{
    const dw_op *wanted = &by->of->ops[by->op];
    dw_slip *made = new_request(it, by, CLEAT__DURABLE_WAIT_FOR);
    dw_fact *known = &by->of->facts[by->op];
    made->condition.data_key = cleat_slice_of("w");
    if (wanted->kind == OP_SLEEP) {
        snprintf(made->text, sizeof(made->text), "%" PRId64 "ms", wanted->ms);
        made->condition.kind = CLEAT__CONDITION_SLEEP;
        made->condition.sleep_ms = wanted->ms;
        made->condition.sleep_text = cleat_slice_of(made->text);
    } else {
        snprintf(made->text, sizeof(made->text), "event-%zu-%zu", dw_index_of(it, by->of), by->op);
        made->condition.kind = CLEAT__CONDITION_EVENT;
        made->condition.key = cleat_slice_of(made->text);
    }
    if (!known->is_begun) {
        known->is_begun = true;
        known->begun_ms = it->now.unix_ms;
    }
    made->requests[0].as.wait_for.conditions = &made->condition;
    made->requests[0].as.wait_for.count = 1;
    dw_apply(it, made);
}

static void ask_children(dw_world *it, dw_invocation *by)
{
    const dw_op *wanted = &by->of->ops[by->op];
    dw_slip *made = new_request(it, by, CLEAT__DURABLE_TRIGGER);
    snprintf(made->text, sizeof(made->text), "{\"of\":\"%zu-%zu\"}", dw_index_of(it, by->of), by->op);
    for (size_t i = 0; i < wanted->count; i++) {
        made->items[i] =
            (cleat__trigger){.workflow = cleat_slice_of("child"), .input = cleat_slice_of(made->text)};
    }
    made->requests[0].as.trigger.items = made->items;
    made->requests[0].as.trigger.count = wanted->count;
    made->requests[0].as.trigger.ids = made->ids;
    made->requests[0].as.trigger.nodes = made->nodes;
    dw_apply(it, made);
}

size_t dw_node_count(const dw_op *of)
{
    return of->kind == OP_ALL || of->kind == OP_ANY ? of->count : 1;
}

void dw_ask_ends(dw_world *it, dw_invocation *by)
{
    const dw_op *wanted = &by->of->ops[by->op];
    dw_slip *made = new_request(it, by, CLEAT__DURABLE_AWAIT);
    made->requests[0].as.await.nodes = by->nodes;
    made->requests[0].as.await.count = dw_node_count(wanted);
    made->requests[0].as.await.is_all = wanted->kind != OP_ANY;
    made->requests[0].as.await.ends = made->ends;
    dw_apply(it, made);
}

void dw_ask_eviction(dw_world *it, dw_invocation *by)
{
    const dw_op *wanted = &by->of->ops[by->op];
    dw_slip *made = new_request(it, by, CLEAT__DURABLE_EVICT);
    by->ends = true;
    made->requests[0].as.evict.reason = cleat_slice_of("it waits");
    if (!by->of->listens) {
        memcpy(made->nodes, by->nodes, sizeof(made->nodes));
        made->requests[0].as.evict.nodes = made->nodes;
        made->requests[0].as.evict.count = dw_node_count(wanted);
        made->requests[0].as.evict.is_all = wanted->kind != OP_ANY;
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

void dw_ask_op(dw_world *it, dw_invocation *by)
{
    switch (by->of->ops[by->op].kind) {
    case OP_STEP: ask_step(it, by); break;
    case OP_SLEEP:
    case OP_EVENT: ask_wait(it, by); break;
    default: ask_children(it, by); break;
    }
}
