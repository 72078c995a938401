/*
 * Futures. Whether a run goes on must not depend on when it asks: so a node's end is looked at only where it is
 * asked for, and of several that have ended that one counts which ended first, by the engine's order. Ends
 * that come later have higher numbers, so a replay finds the same.
 */
#include "sdk/invocation.h"

#include "base/alloc.h"
#include "base/error.h"

#include <inttypes.h>

static bool has_ended(const cleat__invocation *it, int64_t number)
{
    return cleat__invocation_node(it, number)->end.order > 0;
}

/* Not stored, and in no log of before. */
static bool is_yet_to_come(const cleat__invocation *it, int64_t number)
{
    return !cleat__invocation_node(it, number)->is_stored && cleat__invocation_is_new(it, number);
}

static cleat_status suspend(cleat__invocation *it, const int64_t *numbers, size_t count, bool is_all)
{
    it->waited = cleat__arena_get(&it->memory, (count + 1) * sizeof(*it->waited));
    if (it->waited == NULL) {
        return cleat__invocation_stop(it, cleat__fail_memory());
    }
    for (size_t i = 0; i < count; i++) {
        if (!has_ended(it, numbers[i])) {
            it->waited[it->waited_count++] = numbers[i];
        }
    }
    it->waits_for_all = is_all;
    return cleat__invocation_stop(
        it, cleat__fail(CLEAT_SUSPENDED, "%s() waits: return CLEAT_SUSPENDED", it->call));
}

/* The node owns what came. */
static void take_end(cleat__invocation *it, int64_t number, cleat__node_end *end)
{
    cleat__logged *node = cleat__invocation_node(it, number);
    if (end->order == 0 || node->end.order > 0) {
        cleat__node_end_deinit(end);
        return;
    }
    const cleat__node place = node->end.node;
    node->end = *end;
    node->end.node = place;
}

static cleat_status ask(cleat__invocation *it, const int64_t *numbers, size_t count, bool is_all)
{
    cleat__node *nodes = cleat__calloc(count, sizeof(*nodes));
    cleat__node_end *ends = cleat__calloc(count, sizeof(*ends));
    cleat_status status = CLEAT_OK;
    if (nodes == NULL || ends == NULL) {
        status = cleat__invocation_stop(it, cleat__fail_memory());
    } else {
        cleat__durable_request request = {
            .kind = CLEAT__DURABLE_AWAIT,
            .as.await = {.nodes = nodes, .count = count, .is_all = is_all, .ends = ends},
        };
        for (size_t i = 0; i < count; i++) {
            nodes[i] = cleat__invocation_place(it, numbers[i]);
        }
        status = cleat__invocation_store(it, &request);
        for (size_t i = 0; i < count; i++) {
            take_end(it, numbers[i], &ends[i]);
        }
    }
    cleat__free(nodes);
    cleat__free(ends);
    return status == CLEAT_SUSPENDED ? CLEAT_OK : status;
}

cleat_status cleat__invocation_await(cleat__invocation *it, const int64_t *numbers, size_t count, bool is_all,
                                     bool may_be_met)
{
    size_t to_come = 0, asked = 0, ended = 0;
    int64_t *unknown = cleat__calloc(count + 1, sizeof(*unknown));
    cleat_status status = CLEAT_OK;
    if (unknown == NULL) {
        return cleat__invocation_stop(it, cleat__fail_memory());
    }
    for (size_t i = 0; i < count; i++) {
        if (has_ended(it, numbers[i])) {
            continue;
        }
        if (is_yet_to_come(it, numbers[i]) && !may_be_met) {
            to_come++;
        } else {
            unknown[asked++] = numbers[i];
        }
    }
    if (asked > 0 && (!is_all || to_come == 0)) {
        status = ask(it, unknown, asked, is_all);
    }
    cleat__free(unknown);
    for (size_t i = 0; i < count; i++) {
        ended += has_ended(it, numbers[i]);
    }
    if (status == CLEAT_OK && (is_all ? ended < count : ended == 0)) {
        status = suspend(it, numbers, count, is_all);
    }
    return status;
}

/* ---- What a future came to ---- */

static cleat_status check_futures(const cleat__invocation *it, const cleat_future *futures, size_t count)
{
    if (futures == NULL && count > 0) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "futures is NULL");
    }
    for (size_t i = 0; i < count; i++) {
        int64_t number = futures[i].node;
        if (number < 1 || (size_t)number > it->node_count ||
            cleat__invocation_node(it, number)->kind == CLEAT__LOGGED_VALUE) {
            return cleat__fail(
                CLEAT_INVALID_ARGUMENT,
                "future %zu is none of this invocation: cleat_spawn() and cleat_timer() make them", i);
        }
    }
    return CLEAT_OK;
}

static cleat_status outcome(cleat__invocation *it, int64_t number, cleat_slice *output)
{
    const cleat__logged *node = cleat__invocation_node(it, number);
    if (node->end.is_failure) {
        return cleat__invocation_fail(it, node->end.is_cancelled ? CLEAT_CANCELLED : CLEAT_FAILED,
                                      node->end.error != NULL ? node->end.error : "the run failed");
    }
    if (output != NULL) {
        bool is_run = node->kind == CLEAT__LOGGED_RUN && node->end.payload != NULL;
        *output = cleat_slice_of(is_run ? node->end.payload : "null");
    }
    return CLEAT_OK;
}

static void clear(cleat_slice *outputs, size_t count)
{
    for (size_t i = 0; outputs != NULL && i < count; i++) {
        outputs[i] = (cleat_slice){NULL, 0};
    }
}

static cleat_status await(cleat__invocation *it, const cleat_future *futures, size_t count, bool is_all)
{
    cleat_status status = check_futures(it, futures, count);
    if (status != CLEAT_OK) {
        return status;
    }
    int64_t *numbers = cleat__calloc(count + 1, sizeof(*numbers));
    if (numbers == NULL) {
        return cleat__invocation_stop(it, cleat__fail_memory());
    }
    for (size_t i = 0; i < count; i++) {
        numbers[i] = futures[i].node;
    }
    status = cleat__invocation_await(it, numbers, count, is_all, false);
    cleat__free(numbers);
    return status;
}

static cleat_status await_all(cleat__invocation *it, const cleat_future *futures, size_t count,
                              cleat_slice *outputs)
{
    cleat_status status = await(it, futures, count, true);
    if (status != CLEAT_OK) {
        return status;
    }
    for (size_t i = count; i-- > 0;) { /* backwards: the first failure is the last one that is told */
        cleat_status its = outcome(it, futures[i].node, outputs != NULL ? &outputs[i] : NULL);
        status = its != CLEAT_OK ? its : status;
    }
    return status;
}

cleat_status cleat_await_all(cleat_task *task, const cleat_future *futures, size_t count,
                             cleat_slice *outputs)
{
    cleat__invocation *it;
    clear(outputs, count);
    cleat_status status = cleat__invocation_enter(task, "cleat_await_all", &it);
    return status == CLEAT_OK ? cleat__invocation_leave(it, await_all(it, futures, count, outputs)) : status;
}

cleat_status cleat_await(cleat_task *task, const cleat_future *future, cleat_slice *output)
{
    cleat__invocation *it;
    clear(output, 1);
    cleat_status status = cleat__invocation_enter(task, "cleat_await", &it);
    return status == CLEAT_OK ? cleat__invocation_leave(it, await_all(it, future, 1, output)) : status;
}

static cleat_status await_any(cleat__invocation *it, const cleat_future *futures, size_t count, size_t *index,
                              cleat_slice *output)
{
    size_t first = count;
    int64_t order = INT64_MAX;
    if (count == 0) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "count is 0: the first of none never comes");
    }
    cleat_status status = await(it, futures, count, false);
    if (status != CLEAT_OK) {
        return status;
    }
    for (size_t i = 0; i < count; i++) {
        int64_t its = cleat__invocation_node(it, futures[i].node)->end.order;
        if (its > 0 && its < order) {
            order = its;
            first = i;
        }
    }
    if (index != NULL) {
        *index = first;
    }
    return outcome(it, futures[first].node, output);
}

cleat_status cleat_await_any(cleat_task *task, const cleat_future *futures, size_t count, size_t *index,
                             cleat_slice *output)
{
    cleat__invocation *it;
    clear(output, 1);
    cleat_status status = cleat__invocation_enter(task, "cleat_await_any", &it);
    return status == CLEAT_OK ? cleat__invocation_leave(it, await_any(it, futures, count, index, output))
                              : status;
}
