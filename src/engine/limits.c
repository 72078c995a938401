#include "engine/limits.h"

#include "base/alloc.h"
#include "base/error.h"
#include "engine/dag.h"
#include "engine/life_parts.h"
#include "engine/limits_parts.h"
#include "engine/takings.h"
#include "store/shared_rule.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

/* Verdicts that one call carries out. */
#define SETTLE_MAX 1000

typedef cleat__limit_group limit_group;
typedef cleat__contender contender;

void cleat__limits_init(cleat__limits *limits)
{
    *limits = (cleat__limits){.noted_end = &limits->noted};
}

static void free_group(limit_group *group)
{
    cleat__group_deinit(&group->group);
    cleat__free(group);
}

void cleat__limits_deinit(cleat__limits *limits)
{
    size_t cursor = 0;
    void *each;
    while ((each = cleat__map_next(&limits->groups, &cursor)) != NULL) {
        free_group(each); /* looks at the seats */
    }
    cursor = 0;
    while ((each = cleat__map_next(&limits->contenders, &cursor)) != NULL) {
        cleat__free(each);
    }
    cleat__map_deinit(&limits->groups);
    cleat__map_deinit(&limits->contenders);
}

static contender *contender_of(const cleat__claim *claim)
{
    return CLEAT__CONTAINER((uintptr_t)claim, contender, claim);
}

static limit_group *group_of(const cleat__seat *seat)
{
    return CLEAT__CONTAINER(seat->group, limit_group, group);
}

contender *cleat__limits_find(const cleat__core *core, const cleat__run *run)
{
    return cleat__map_get(&core->limits.contenders,
                          (cleat_slice){(const char *)run->id.bytes, sizeof(run->id.bytes)});
}

bool cleat__limits_want(const cleat__core *core, const cleat__run *run, const cleat__concurrency **rule,
                        cleat_slice *key)
{
    const contender *one = cleat__run_is_limited(run) ? cleat__limits_find(core, run) : NULL;
    if (one == NULL || one->held == one->count) {
        return false;
    }
    const limit_group *group = group_of(&one->seats[one->held]);
    *rule = &run->type->needs->concurrency->items[one->held];
    *key = (cleat_slice){group->key + sizeof(group->rule), group->key_size - sizeof(group->rule)};
    return one->seats[one->held].state != CLEAT__SEAT_EMPTY;
}

/* ---- Groups ---- */

static void note(cleat__core *core, limit_group *group)
{
    if (group->is_noted) {
        return;
    }
    group->is_noted = true;
    group->next = NULL;
    *core->limits.noted_end = group;
    core->limits.noted_end = &group->next;
}

static limit_group *take_noted(cleat__limits *limits)
{
    limit_group *group = limits->noted;
    limits->noted = group->next;
    if (limits->noted == NULL) {
        limits->noted_end = &limits->noted;
    }
    group->is_noted = false;
    return group;
}

/* The group of a key, made when there is none; NULL on no memory. */
static limit_group *add_group(cleat__limits *limits, const cleat__rule *rule, cleat_slice key)
{
    size_t size = sizeof(rule) + key.size;
    limit_group *made = cleat__calloc(1, sizeof(*made) + size);
    if (made == NULL) {
        return NULL;
    }
    memcpy(made->key, &rule, sizeof(rule));
    memcpy(made->key + sizeof(rule), key.data, key.size);
    made->key_size = size;
    limit_group *group = cleat__map_get(&limits->groups, (cleat_slice){made->key, size});
    if (group != NULL || cleat__map_put(&limits->groups, (cleat_slice){made->key, size}, made) != CLEAT_OK) {
        cleat__free(made);
        return group;
    }
    made->rule = rule;
    cleat__group_init(&made->group, rule->strategy, rule->max_runs);
    return made;
}

static void drop_unused(cleat__limits *limits, limit_group *group)
{
    if (group->seat_count == 0 && !group->is_noted) {
        cleat__map_remove(&limits->groups, (cleat_slice){group->key, group->key_size});
        free_group(group);
    }
}

static bool has_rules(const cleat__task_type *type)
{
    bool has_any = type->rule_count != 0;
    for (size_t i = 0; type->plan != NULL && i < type->plan->task_count && !has_any; i++) {
        has_any = type->plan->tasks[i].type->rule_count != 0;
    }
    return has_any;
}

static void review(cleat__core *core)
{
    size_t cursor = 0;
    limit_group *group;
    while ((group = cleat__map_next(&core->limits.groups, &cursor)) != NULL) {
        /* Else it is as its newest run has said. */
        bool is_another =
            group->rule->max_runs_expression == NULL && group->group.max_runs != group->rule->max_runs;
        if (is_another) {
            group->group.max_runs = group->rule->max_runs;
            note(core, group);
        }
        if (group->group.strategy != group->rule->strategy) {
            cleat__group_set_strategy(&group->group, group->rule->strategy);
            note(core, group);
        }
    }
}

void cleat__limits_review(cleat__core *core, const cleat__task_type *type)
{
    if (has_rules(type)) {
        review(core);
    }
}

/* ---- Rules that workflows share ---- */

static cleat_status share(cleat__core *core, int64_t tenant, const cleat__concurrency *declared)
{
    const cleat__rule *rule = NULL;
    bool has_changed = false;
    if (declared->name.data == NULL) {
        return CLEAT_OK;
    }
    cleat_status status = cleat__core_check(
        core, cleat__rules_share(&core->catalog.rules, tenant, declared, &rule, &has_changed));
    if (status == CLEAT_OK && has_changed) {
        review(core);
        status = cleat__core_begin(core);
    }
    if (status == CLEAT_OK && has_changed) {
        status = cleat__core_check(core, cleat__shared_rule_put(core->store, tenant, declared->name,
                                                                cleat_slice_of(rule->definition)));
    }
    return status;
}

static cleat_status share_all(cleat__core *core, int64_t tenant, const cleat__concurrency *rules,
                              size_t count)
{
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; i < count && status == CLEAT_OK; i++) {
        status = share(core, tenant, &rules[i]);
    }
    return status;
}

cleat_status cleat__limits_share(cleat__core *core, int64_t tenant, const cleat__workflow *workflow)
{
    cleat_status status = share_all(core, tenant, workflow->concurrency, workflow->concurrency_count);
    for (size_t i = 0; i < workflow->task_count && status == CLEAT_OK; i++) {
        const cleat__workflow_task *task = &workflow->tasks[i];
        status = share_all(core, tenant, task->concurrency, task->concurrency_count);
    }
    return status;
}

static cleat_status recover_shared(void *argument, int64_t tenant, cleat_slice text)
{
    cleat__core *core = argument;
    const cleat__rule *rule;
    bool has_changed;
    cleat__concurrency_list *list = NULL;
    cleat_status status = cleat__concurrency_decode_text(text, &list);
    bool makes_sense =
        status == CLEAT_OK && list != NULL && list->count == 1 && list->items[0].name.data != NULL;
    if (status == CLEAT_OK) {
        status = makes_sense
                     ? cleat__rules_share(&core->catalog.rules, tenant, &list->items[0], &rule, &has_changed)
                     : cleat__fail(CLEAT_CORRUPT, "a rule in the database makes no sense; restore a copy");
    }
    cleat__free(list);
    return status;
}

cleat_status cleat__limits_recover(cleat__core *core)
{
    return cleat__shared_rule_load(core->store, recover_shared, core);
}

/* ---- Seats ---- */

/* From a run that has come then. */
static void hear_most(cleat__core *core, limit_group *group, const cleat__claim *claim, int64_t arrived_ms,
                      int64_t most)
{
    bool is_newest = arrived_ms != group->said_ms
                         ? arrived_ms > group->said_ms
                         : memcmp(claim->id.bytes, group->said_by.bytes, sizeof(claim->id.bytes)) > 0;
    if (group->rule->max_runs_expression != NULL && is_newest && most >= 1 &&
        most <= CLEAT__CONCURRENCY_RUNS_MAX) {
        group->said_ms = arrived_ms;
        group->said_by = claim->id;
        group->group.max_runs = (int32_t)most;
        note(core, group);
    }
}

static cleat_status add_seats(cleat__core *core, contender *one, const json_t *json)
{
    const cleat__run *run = one->run;
    const json_t *keys = json_object_get(json, "keys"), *mosts = json_object_get(json, "max_runs");
    const int64_t arrived_ms = json_integer_value(json_object_get(json, "arrived"));
    for (size_t i = 0; i < run->type->rule_count; i++) {
        const json_t *key = json_array_get(keys, i);
        if (!json_is_string(key)) {
            return cleat__fail(CLEAT_CORRUPT, "a run in the database has no key of its concurrency");
        }
        limit_group *group = add_group(&core->limits, run->type->rules[i],
                                       (cleat_slice){json_string_value(key), json_string_length(key)});
        if (group == NULL) {
            return cleat__fail_memory();
        }
        cleat_status status = cleat__group_reserve(&group->group, group->seat_count + 1);
        if (status != CLEAT_OK) {
            drop_unused(&core->limits, group);
            return status;
        }
        group->seat_count++;
        hear_most(core, group, &one->claim, arrived_ms, json_integer_value(json_array_get(mosts, i)));
        one->seats[one->count++] = (cleat__seat){
            .group = &group->group,
            .claim = &one->claim,
            .arrived_ms = arrived_ms,
            /* One that only few workers may have, or that waits for units, does not stand in the way of the others. */
            .takes_turns =
                i + 1 == run->type->rule_count && run->lane == &run->type->lane && !cleat__run_is_dag(run),
        };
    }
    return CLEAT_OK;
}

static cleat_status take_seats(cleat__core *core, cleat__run *run, const json_t *json)
{
    size_t size = sizeof(contender) + run->type->rule_count * sizeof(cleat__seat);
    contender *one = cleat__calloc(1, size);
    if (one == NULL) {
        return cleat__fail_memory();
    }
    one->claim.id = run->id;
    one->run = run;
    cleat_status status =
        cleat__map_put(&core->limits.contenders,
                       (cleat_slice){(const char *)one->claim.id.bytes, sizeof(one->claim.id.bytes)}, one);
    if (status != CLEAT_OK) {
        cleat__free(one);
        return status;
    }
    status = add_seats(core, one, json);
    return status == CLEAT_OK ? cleat__limits_read_chain(core, one, json) : status;
}

/* The lane of its like. */
static cleat_status join_lane(cleat__core *core, cleat__run *run, cleat_slice desired, const json_t *json)
{
    cleat__likeness like = {.desired = desired};
    char *takes = NULL;
    cleat_status status = CLEAT_OK;
    if (run->type->takings != NULL) {
        status = cleat__takings_read(core, run, json_object_get(json, "rates"), &like.units, &takes);
        like.takes = cleat_slice_of(takes);
    }
    if (status == CLEAT_OK && cleat__run_is_batched(run)) {
        status = cleat__batches_find_group(&core->batches, run, json, &like.group);
    }
    if (status != CLEAT_OK) {
        cleat__rate_units_free(like.units);
    } else if (like.units == NULL && like.group == NULL) {
        status = cleat__wishes_join(&core->wishes, run, desired);
    } else {
        status = cleat__wishes_join_like(&core->wishes, &core->batches, run, &like);
    }
    free(takes); /* jansson's */
    return status;
}

cleat_status cleat__limits_attach(cleat__core *core, cleat__run *run, cleat_slice desired, cleat_slice text)
{
    if (!cleat__run_has_limits(run)) {
        return cleat__wishes_join(&core->wishes, run, desired);
    }
    json_t *json = json_loadb(text.data != NULL ? text.data : "", text.size, 0, NULL);
    cleat_status status = join_lane(core, run, desired, json);
    if (status == CLEAT_OK && cleat__run_is_limited(run)) {
        status = take_seats(core, run, json);
    }
    if (cleat__run_is_dag(run)) {
        const json_t *first = json_object_get(json, "first");
        size_t step = (size_t)json_integer_value(first), count = run->type->plan->task_count;
        cleat__dag_of_run(run)->first = json_is_integer(first) && step < count ? step : count;
    }
    json_decref(json);
    return status;
}

void cleat__limits_leave(cleat__core *core, cleat__seat *seat)
{
    if (seat->state != CLEAT__SEAT_EMPTY) {
        cleat__group_leave(seat);
        note(core, group_of(seat));
    }
}

cleat_status cleat__limits_hold(cleat__core *core, cleat__seat *seat)
{
    cleat_status status = cleat__core_check(core, cleat__group_join(seat, true));
    note(core, group_of(seat)); /* there may be too many */
    return status;
}

void cleat__limits_detach(cleat__core *core, cleat__run *run)
{
    contender *one = cleat__limits_find(core, run);
    if (one == NULL) {
        return;
    }
    cleat__map_remove(&core->limits.contenders,
                      (cleat_slice){(const char *)one->claim.id.bytes, sizeof(one->claim.id.bytes)});
    for (size_t i = 0; i < one->count; i++) {
        limit_group *group = group_of(&one->seats[i]);
        cleat__limits_leave(core, &one->seats[i]);
        group->seat_count--;
        drop_unused(&core->limits, group);
    }
    cleat__free(one);
}

/* ---- What a run does ---- */

/* All slots are its own until it ends: now it goes on its way. The one place where that is said. */
static cleat_status admit(cleat__core *core, contender *one)
{
    if (cleat__run_is_dag(one->run)) {
        return cleat__dag_admit(core, cleat__dag_of_run(one->run));
    }
    cleat__queues_append(&core->queues, one->run, one->claim.level);
    return CLEAT_OK;
}

static cleat_status take_seat(cleat__core *core, contender *one)
{
    while (one->held < one->count && cleat__limits_has_given(one, one->held)) {
        one->held++;
    }
    if (one->held == one->count) {
        return admit(core, one);
    }
    cleat__seat *seat = &one->seats[one->held];
    cleat_status status = cleat__core_check(core, cleat__group_join(seat, false));
    note(core, group_of(seat));
    return status;
}

void cleat__limits_give_back(cleat__core *core, cleat__run *run)
{
    contender *one = cleat__limits_find(core, run);
    for (size_t i = 0; i < one->count; i++) {
        cleat__limits_leave(core, &one->seats[i]);
    }
    one->held = 0;
}

/* Whether its workflow is paused: then it holds nothing while it waits, so that who shares the slots has them. What has
 * begun keeps its own. */
static cleat_status look_whether_left_out(cleat__core *core, const contender *one, bool *is_left_out)
{
    cleat_status status = CLEAT_OK;
    bool has_all = one->held == one->count;
    *is_left_out = one->run->type->workflow->pause.is_paused;
    if (*is_left_out && has_all && cleat__run_is_durable(one->run)) {
        status = cleat__durable_know(core, cleat__durable_of(one->run));
    }
    bool has_begun = has_all && (cleat__run_is_dag(one->run) || cleat__life_has_begun(one->run));
    *is_left_out = *is_left_out && !has_begun;
    return status;
}

cleat_status cleat__limits_enter(cleat__core *core, cleat__run *run, int level)
{
    contender *one = cleat__limits_find(core, run);
    one->claim.level = (uint8_t)level;
    cleat_status status = look_whether_left_out(core, one, &one->is_left_out);
    if (status == CLEAT_OK && one->is_left_out) {
        cleat__limits_give_back(core, run);
        return CLEAT_OK;
    }
    return status == CLEAT_OK ? take_seat(core, one) : status;
}

void cleat__limits_taken(cleat__core *core, cleat__run *run)
{
    contender *one = cleat__limits_find(core, run);
    cleat__seat *last = &one->seats[one->count - 1];
    if (cleat__group_taken(last)) {
        note(core, group_of(last));
    }
}

cleat_status cleat__limits_hold_all(cleat__core *core, cleat__run *run)
{
    contender *one = cleat__limits_find(core, run);
    cleat_status status = CLEAT_OK;
    for (; one->held < one->count && status == CLEAT_OK; one->held++) {
        if (!cleat__limits_has_given(one, one->held)) {
            status = cleat__limits_hold(core, &one->seats[one->held]);
        }
    }
    return status;
}

/* ---- Pauses ---- */

static bool is_waiting(const contender *one)
{
    const cleat__run *run = one->run;
    return run->state == CLEAT_RUN_QUEUED && !run->is_held && !run->is_backing_off && !one->is_left_out;
}

static void leave_out(cleat__core *core, contender *one)
{
    if (one->held == one->count) {
        cleat__queues_remove(&core->queues, one->run);
    }
    cleat__limits_give_back(core, one->run);
    one->is_left_out = true;
}

cleat_status cleat__limits_pause(cleat__core *core, const cleat__workflow_entry *workflow)
{
    size_t cursor = 0;
    cleat_status status = CLEAT_OK;
    contender *one;
    while (status == CLEAT_OK && (one = cleat__map_next(&core->limits.contenders, &cursor)) != NULL) {
        bool is_one = false;
        if (one->run->type->workflow == workflow && is_waiting(one)) {
            status = look_whether_left_out(core, one, &is_one);
        }
        if (status == CLEAT_OK && is_one) {
            leave_out(core, one);
        }
    }
    return status;
}

cleat_status cleat__limits_go_on(cleat__core *core, const cleat__workflow_entry *workflow)
{
    size_t cursor = 0;
    contender *one;
    cleat_status status = CLEAT_OK;
    while (status == CLEAT_OK && (one = cleat__map_next(&core->limits.contenders, &cursor)) != NULL) {
        if (one->run->type->workflow == workflow && one->is_left_out) {
            one->is_left_out = false;
            status = take_seat(core, one);
        }
    }
    return status;
}

/* ---- Verdicts ---- */

static cleat_status grant(cleat__core *core, cleat__seat *seat)
{
    contender *one = contender_of(seat->claim);
    cleat_status status = cleat__core_check(core, cleat__group_grant(seat));
    one->held++;
    return status == CLEAT_OK ? take_seat(core, one) : status;
}

static cleat_status take_back(cleat__core *core, cleat__seat *seat)
{
    contender *one = contender_of(seat->claim);
    cleat__queues_remove(&core->queues, one->run);
    one->held--;
    return cleat__core_check(core, cleat__group_take_back(seat));
}

/* CLEAT_EMPTY: there is nothing to be done about the group. */
static cleat_status settle_one(cleat__core *core, limit_group *group)
{
    cleat__seat *seat = NULL;
    switch (cleat__group_next(&group->group, &seat)) {
    case CLEAT__VERDICT_NONE: return CLEAT_EMPTY;
    case CLEAT__VERDICT_GRANT: return grant(core, seat);
    case CLEAT__VERDICT_TAKE_BACK: return take_back(core, seat);
    case CLEAT__VERDICT_CANCEL: return cleat__life_supersede(core, contender_of(seat->claim)->run);
    }
    return CLEAT_EMPTY;
}

cleat_status cleat__limits_settle(cleat__core *core)
{
    int left = SETTLE_MAX;
    while (core->limits.noted != NULL) {
        if (left-- == 0) {
            core->has_more = true;
            break;
        }
        limit_group *group = core->limits.noted; /* stays noted, and so is there, while it is looked at */
        cleat_status status = settle_one(core, group);
        if (status == CLEAT_EMPTY) {
            drop_unused(&core->limits, take_noted(&core->limits));
        } else if (status != CLEAT_OK) {
            return status;
        }
    }
    return CLEAT_OK;
}
