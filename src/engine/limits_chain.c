/*
 * Seats of a workflow that has ended to go on as a new run. That gets those of the same keys, with their age, so that a
 * chain is one claimant all the time: nobody takes its slot between two runs, and a strategy takes it for as old as it
 * is. The slot goes along as far as the new run holds all before it in the chain of rules; behind a key of its own it
 * lines up as all do, since who holds a slot and waits for one before it may wait for ever.
 *
 * A run that is replayed has given them away all the same: its log leads it to the same end, and it must not take the place
 * of what it has gone on as. Where it is to go another way, on a new branch, it is like any run that is replayed.
 *
 * Of the file, in task.limits: "given":bits, of the one, its seats by their place; of the other "since":[ms, ..], the age of
 * each seat (0: its own), and "holds":n, how many slots it has got. It has these until it has tried and failed.
 */
#include "engine/limits_parts.h"

#include "base/error.h"
#include "store/seat.h"

#include <inttypes.h>
#include <jansson.h>

typedef cleat__contender contender;

_Static_assert(CLEAT__CONCURRENCY_RULES_MAX <= 32, "each has a bit");

/* A slot of that key which it has; its count: none. */
static size_t find_held(const contender *one, const cleat__group *group)
{
    size_t i = 0;
    while (i < one->count && (one->seats[i].group != group || one->seats[i].state != CLEAT__SEAT_HOLDING)) {
        i++;
    }
    return i;
}

/* How many seats it has got. */
static cleat_status hand_over(cleat__core *core, contender *from, contender *to, size_t *got)
{
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; i < to->count && status == CLEAT_OK; i++) {
        cleat__seat *seat = &to->seats[i];
        size_t at = find_held(from, seat->group);
        if (at == from->count) {
            continue;
        }
        cleat__limits_leave(core, &from->seats[at]);
        from->given |= UINT32_C(1) << at;
        seat->arrived_ms = from->seats[at].arrived_ms;
        ++*got;
        if (to->held == i) {
            status = cleat__limits_hold(core, seat);
            to->held++;
        }
    }
    return status;
}

static cleat_status store(cleat__core *core, const contender *from, const contender *to)
{
    cleat__buffer since = {0};
    for (size_t i = 0; i < to->count; i++) {
        cleat__buffer_append_format(&since, "%s%" PRId64, i == 0 ? "[" : ",", to->seats[i].arrived_ms);
    }
    cleat__buffer_append_byte(&since, ']');
    cleat_status status = since.failed ? cleat__fail_memory() : cleat__core_begin(core);
    if (status == CLEAT_OK) {
        status = cleat__seats_give(core->store, &from->run->id, from->given);
    }
    if (status == CLEAT_OK) {
        status = cleat__seats_take(core->store, &to->run->id, cleat__buffer_slice(&since), to->held);
    }
    cleat__buffer_deinit(&since);
    return cleat__core_check(core, status);
}

cleat_status cleat__limits_take_over(cleat__core *core, cleat__run *run, cleat__run *former)
{
    contender *from = cleat__limits_find(core, former), *to = cleat__limits_find(core, run);
    size_t got = 0;
    if (from == NULL || to == NULL) {
        return CLEAT_OK;
    }
    cleat_status status = hand_over(core, from, to, &got);
    return status == CLEAT_OK && got != 0 ? store(core, from, to) : status;
}

cleat_status cleat__limits_read_chain(cleat__core *core, contender *one, const json_t *json)
{
    const json_t *since = json_object_get(json, "since");
    const json_int_t given = json_integer_value(json_object_get(json, "given")),
                     holds = json_integer_value(json_object_get(json, "holds"));
    bool has_tried = one->run->state != CLEAT_RUN_QUEUED || one->run->retry_count != 0;
    cleat_status status = CLEAT_OK;
    if (since != NULL && cleat__run_is_durable(one->run)) {
        /* And so it keeps what it holds while its workflow is paused. */
        cleat__durable_of(one->run)->is_next = true;
    }
    one->given = (uint32_t)given & (uint32_t)((UINT64_C(1) << one->count) - 1);
    for (size_t i = 0; i < one->count; i++) {
        const json_t *each = json_array_get(since, i);
        one->seats[i].arrived_ms =
            json_is_integer(each) ? json_integer_value(each) : one->seats[i].arrived_ms;
    }
    while (!has_tried && one->held < one->count && (json_int_t)one->held < holds && status == CLEAT_OK) {
        status = cleat__limits_hold(core, &one->seats[one->held++]);
    }
    return status;
}

cleat_status cleat__limits_keep_given(cleat__core *core, const cleat__run *run, cleat__buffer *text)
{
    uint32_t given = 0;
    cleat_status status = cleat__core_check(core, cleat__seats_given(core->store, &run->id, &given));
    if (status == CLEAT_OK && given != 0 && text->size != 0) {
        text->size--; /* the brace */
        cleat__buffer_append_format(text, ",\"given\":%" PRIu32 "}", given);
        status = text->failed ? cleat__fail_memory() : CLEAT_OK;
    }
    return status;
}
