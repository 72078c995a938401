#include "model/concurrency.h"

/* ---- Order ---- */

static cleat__seat *seat_of(const cleat__heap_node *node)
{
    return node != NULL ? CLEAT__CONTAINER(node, cleat__seat, node) : NULL;
}

static bool is_older(const cleat__seat *a, const cleat__seat *b)
{
    return a->arrived_ms != b->arrived_ms
               ? a->arrived_ms < b->arrived_ms
               : memcmp(a->claim->id.bytes, b->claim->id.bytes, sizeof(a->claim->id.bytes)) < 0;
}

static bool comes_first(const cleat__heap_node *a, const cleat__heap_node *b)
{
    const cleat__seat *one = seat_of(a), *other = seat_of(b);
    return one->claim->level != other->claim->level ? one->claim->level > other->claim->level
                                                    : is_older(one, other);
}

static bool oldest_first(const cleat__heap_node *a, const cleat__heap_node *b)
{
    return is_older(seat_of(a), seat_of(b));
}

static bool newest_first(const cleat__heap_node *a, const cleat__heap_node *b)
{
    return is_older(seat_of(b), seat_of(a));
}

typedef bool (*group_order)(const cleat__heap_node *a, const cleat__heap_node *b);
static group_order order_of(cleat_concurrency_strategy strategy)
{
    return strategy == CLEAT_GROUP_ROUND_ROBIN ? comes_first
           : strategy == CLEAT_CANCEL_NEWEST   ? newest_first
                                               : oldest_first;
}

void cleat__group_init(cleat__group *group, cleat_concurrency_strategy strategy, int32_t max_runs)
{
    *group = (cleat__group){.strategy = strategy, .max_runs = max_runs};
    cleat__heap_init(&group->waiting, order_of(strategy));
    cleat__heap_init(&group->holding, order_of(strategy));
}

void cleat__group_set_strategy(cleat__group *group, cleat_concurrency_strategy strategy)
{
    group->strategy = strategy;
    group->offered = NULL;
    cleat__heap_reorder(&group->waiting, order_of(strategy));
    cleat__heap_reorder(&group->holding, order_of(strategy));
}

void cleat__group_deinit(cleat__group *group)
{
    cleat__heap_deinit(&group->waiting);
    cleat__heap_deinit(&group->holding);
}

/* ---- Seats ---- */

cleat_status cleat__group_reserve(cleat__group *group, size_t seat_count)
{
    cleat_status status = cleat__heap_reserve(&group->waiting, seat_count);
    return status == CLEAT_OK ? cleat__heap_reserve(&group->holding, seat_count) : status;
}

cleat_status cleat__group_join(cleat__seat *seat, bool is_holding)
{
    cleat__group *group = seat->group;
    cleat_status status = cleat__heap_push(is_holding ? &group->holding : &group->waiting, &seat->node);
    if (status == CLEAT_OK) {
        seat->state = is_holding ? CLEAT__SEAT_HOLDING : CLEAT__SEAT_WAITING;
    }
    return status;
}

bool cleat__group_taken(cleat__seat *seat)
{
    cleat__group *group = seat->group;
    if (group->offered != seat) {
        return false;
    }
    group->offered = NULL;
    return group->waiting.count != 0;
}

void cleat__group_leave(cleat__seat *seat)
{
    cleat__group *group = seat->group;
    if (seat->state == CLEAT__SEAT_EMPTY) {
        return;
    }
    cleat__group_taken(seat);
    cleat__heap_remove(seat->state == CLEAT__SEAT_HOLDING ? &group->holding : &group->waiting, &seat->node);
    seat->state = CLEAT__SEAT_EMPTY;
}

static cleat_status move(cleat__seat *seat, bool is_holding)
{
    cleat__group_leave(seat);
    return cleat__group_join(seat, is_holding);
}

cleat_status cleat__group_grant(cleat__seat *seat)
{
    cleat_status status = move(seat, true);
    if (status == CLEAT_OK && seat->takes_turns && seat->group->strategy == CLEAT_GROUP_ROUND_ROBIN) {
        seat->group->offered = seat;
    }
    return status;
}

cleat_status cleat__group_take_back(cleat__seat *seat)
{
    return move(seat, false);
}

/* ---- Verdicts ---- */

/* The one of the two that the group's order has first. */
static cleat__seat *first_of_all(const cleat__group *group)
{
    cleat__heap_node *a = cleat__heap_peek(&group->waiting), *b = cleat__heap_peek(&group->holding);
    if (a == NULL || b == NULL) {
        return seat_of(a != NULL ? a : b);
    }
    return seat_of(group->waiting.less(a, b) ? a : b);
}

/* More want slots than there are: the first in order goes, which is the oldest, or the newest. */
static cleat__verdict cancel_rest(const cleat__group *group, cleat__seat **seat)
{
    if (group->waiting.count + group->holding.count > (size_t)group->max_runs) {
        *seat = first_of_all(group);
        return CLEAT__VERDICT_CANCEL;
    }
    return *seat != NULL ? CLEAT__VERDICT_GRANT : CLEAT__VERDICT_NONE;
}

static cleat__verdict cancel_queued(const cleat__group *group, cleat__seat **seat)
{
    if (*seat == NULL || group->holding.count < (size_t)group->max_runs) {
        return *seat != NULL ? CLEAT__VERDICT_GRANT : CLEAT__VERDICT_NONE;
    }
    if (group->waiting.count == 1) {
        return CLEAT__VERDICT_NONE;
    }
    if (group->strategy == CLEAT_CANCEL_QUEUED_EXCEPT_OLDEST) {
        *seat =
            seat_of(group->waiting.nodes[group->waiting.count - 1]); /* not the first, which is the oldest */
    }
    return CLEAT__VERDICT_CANCEL;
}

static cleat__verdict take_turns(const cleat__group *group, cleat__seat **seat)
{
    if (*seat == NULL) {
        return CLEAT__VERDICT_NONE;
    }
    cleat__seat *offered = group->offered;
    if (offered != NULL) {
        bool is_passed = (*seat)->claim->level > offered->claim->level;
        *seat = offered;
        return is_passed ? CLEAT__VERDICT_TAKE_BACK : CLEAT__VERDICT_NONE;
    }
    return group->holding.count < (size_t)group->max_runs ? CLEAT__VERDICT_GRANT : CLEAT__VERDICT_NONE;
}

cleat__verdict cleat__group_next(const cleat__group *group, cleat__seat **seat)
{
    *seat = seat_of(cleat__heap_peek(&group->waiting));
    switch (group->strategy) {
    case CLEAT_CANCEL_IN_PROGRESS:
    case CLEAT_CANCEL_NEWEST: return cancel_rest(group, seat);
    case CLEAT_GROUP_ROUND_ROBIN: return take_turns(group, seat);
    case CLEAT_CANCEL_QUEUED_EXCEPT_NEWEST:
    case CLEAT_CANCEL_QUEUED_EXCEPT_OLDEST: return cancel_queued(group, seat);
    }
    return CLEAT__VERDICT_NONE;
}
