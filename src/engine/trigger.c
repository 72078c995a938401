/*
 * Three passes over what is to be started, so that a refusal leaves nothing behind: check all; make
 * all the structures in memory, and find out what follows for their limits; write all rows. Only the last one
 * can fail the core.
 */
#include "engine/trigger.h"

#include "base/alloc.h"
#include "base/error.h"
#include "engine/claims.h"
#include "engine/dag.h"
#include "engine/durable_chain.h"
#include "engine/life.h"
#include "engine/takings.h"
#include "model/metadata.h"
#include "model/missing.h"
#include "store/load.h"
#include "store/transition.h"

#include <inttypes.h>

/* One call. */
typedef struct starting {
    int64_t tenant;
    const cleat__trigger *items;
    size_t count;
    cleat__uuid *ids;
    cleat__uuid *refused;     /* may be NULL */
    cleat__described *limits; /* of each item; NULL: none of them has any */
    size_t described;         /* bytes of these */
} starting;
enum { TASK_ROWS_MAX = 10 * CLEAT__RUNS_MAX }; /* of the runs of one call */

static cleat_status check_size(const char *what, cleat_slice text)
{
    if (text.size > CLEAT_PAYLOAD_MAX) {
        return cleat__fail(CLEAT_TOO_LARGE, "%s has %zu bytes; at most %zu are stored", what, text.size,
                           CLEAT_PAYLOAD_MAX);
    }
    return CLEAT_OK;
}

static cleat_status check_child(cleat__core *core, int64_t tenant, const cleat__trigger *item)
{
    if (!item->is_child) {
        return CLEAT_OK;
    }
    if (item->child_index < 0) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "child index is %" PRId64 "; it must not be negative",
                           item->child_index);
    }
    const cleat__run *parent = cleat__runs_find(&core->runs, &item->parent_id);
    if (parent != NULL && parent->type->workflow->tenant == tenant) {
        return CLEAT_OK;
    }
    cleat_status status = cleat__load_exists(core->store, tenant, &item->parent_id);
    return status == CLEAT_NOT_FOUND ? status : cleat__core_check(core, status);
}

/* The metadata of a child that inherits. Less than PARENT_IDS_SIZE is added to what both have. */
#define PARENT_IDS_SIZE 256
static cleat_status inherit(const cleat__trigger *item, const cleat__uuid *run_id, cleat_slice parent,
                            cleat__buffer *metadata)
{
    cleat__metadata_inherit(parent, item->metadata, run_id, &item->parent_id, metadata);
    return metadata->failed ? cleat__fail_memory() : CLEAT_OK;
}

/* What is made here is not kept until it is written: many children may have one large parent. Adds the size of that
 * to `*copied`. */
static cleat_status check_inherited(cleat__core *core, const cleat__trigger *item, size_t *copied)
{
    cleat__buffer parent = {0}, metadata = {0};
    cleat__uuid run_id;
    if (!item->is_child || !item->inherits) {
        return CLEAT_OK;
    }
    cleat_status status = cleat__load_parent(core->store, &item->parent_id, &run_id, &parent);
    if (status != CLEAT_OK) {
        status = cleat__core_check_alone(core, status);
    }
    if (status == CLEAT_OK && parent.size + item->metadata.size + PARENT_IDS_SIZE > CLEAT_PAYLOAD_MAX) {
        status = inherit(item, &run_id, cleat__buffer_slice(&parent), &metadata);
    }
    if (status == CLEAT_OK) {
        status = check_size("metadata with the parent's", cleat__buffer_slice(&metadata));
    }
    *copied += parent.size;
    cleat__buffer_deinit(&parent);
    cleat__buffer_deinit(&metadata);
    return status;
}

static cleat_status check(cleat__core *core, int64_t tenant, const cleat__trigger *item, size_t *copied)
{
    if (cleat__catalog_find(&core->catalog, tenant, item->workflow) == NULL) {
        return cleat__missing_task(item->workflow);
    }
    if (item->priority < 0 || item->priority > CLEAT_PRIORITY_HIGH) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "priority is %d; it must be 1 (low) .. 3 (high), or 0",
                           item->priority);
    }
    cleat_status status = check_size("input", item->input);
    if (status == CLEAT_OK) {
        status = check_size("metadata", item->metadata);
    }
    if (status == CLEAT_OK) {
        status = check_size("child key", item->child_key);
    }
    if (status == CLEAT_OK) {
        status = cleat__wish_check(item->labels, item->label_count);
    }
    if (status == CLEAT_OK) {
        status = check_child(core, tenant, item);
    }
    return status == CLEAT_OK ? check_inherited(core, item, copied) : status;
}

cleat_status cleat__trigger_check(cleat__core *core, int64_t tenant, const cleat__trigger *item)
{
    size_t copied = 0;
    cleat_status status = check(core, tenant, item, &copied);
    return status == CLEAT_OK ? cleat__claims_check(core, tenant, item) : status;
}

cleat_status cleat__trigger_check_copied(size_t size)
{
    if (size > CLEAT__COPIED_MAX) {
        return cleat__fail(CLEAT_TOO_LARGE,
                           "each run has a copy of what it is given in common with others: more than %zu MiB "
                           "would be written together; start fewer with one call",
                           CLEAT__COPIED_MAX >> 20);
    }
    return CLEAT_OK;
}

/* Tasks of runs of several: each has a row, and a copy of the metadata. */
static cleat_status check_tasks(const cleat__core *core, int64_t tenant, const cleat__trigger *item,
                                size_t *tasks, size_t *copied)
{
    const cleat__plan *plan = cleat__catalog_find(&core->catalog, tenant, item->workflow)->latest->plan;
    if (plan == NULL) {
        return CLEAT_OK;
    }
    *tasks += plan->task_count;
    *copied += plan->task_count * item->metadata.size;
    return *tasks <= TASK_ROWS_MAX
               ? CLEAT_OK
               : cleat__fail(CLEAT_TOO_LARGE,
                             "the runs have more than %d tasks together; start fewer with one call",
                             TASK_ROWS_MAX);
}

/* Nobody else is answered while it is written. */
static cleat_status check_all(cleat__core *core, int64_t tenant, const cleat__trigger *items, size_t count)
{
    cleat_status status = CLEAT_OK;
    size_t copied = 0, tasks = 0;
    for (size_t i = 0; i < count && status == CLEAT_OK; i++) {
        status = check(core, tenant, &items[i], &copied);
        status = status == CLEAT_OK ? check_tasks(core, tenant, &items[i], &tasks, &copied) : status;
        status = status == CLEAT_OK ? cleat__trigger_check_copied(copied) : status;
    }
    return status;
}

/* What is stored of the run's own desires: absent when it has none. What another one goes on as desires the same. */
static cleat_status describe_wish(cleat__core *core, const cleat__trigger *item, cleat__buffer *text)
{
    if (item->goes_on) {
        cleat_status status = cleat__load_desired(core->store, &item->parent_id, text);
        return cleat__core_check_alone(core, status);
    }
    if (item->label_count != 0 || !cleat__uuid_is_nil(&item->desired_worker)) {
        cleat__wish_encode(&item->desired_worker, item->labels, item->label_count, text);
    }
    return text->failed ? cleat__fail_memory() : CLEAT_OK;
}

/* Input and metadata as they are stored; what is made anew is in the buffers. */
static cleat_status complete(cleat__core *core, const cleat__run *run, cleat__trigger *item,
                             cleat__buffer *inherited, cleat__buffer *traced)
{
    cleat_status status = CLEAT_OK;
    if (item->input.data == NULL) {
        item->input = cleat_slice_of("{}");
    }
    if (item->is_child && item->inherits) {
        cleat__buffer parent = {0};
        cleat__uuid run_id;
        status = cleat__load_parent(core->store, &item->parent_id, &run_id, &parent);
        status =
            status == CLEAT_OK ? inherit(item, &run_id, cleat__buffer_slice(&parent), inherited) : status;
        item->metadata = cleat__buffer_slice(inherited);
        cleat__buffer_deinit(&parent);
    }
    if (status == CLEAT_OK && core->adds_trace) {
        cleat__metadata_add_trace(item->metadata, &run->id, traced);
        item->metadata = traced->size != 0 ? cleat__buffer_slice(traced) : item->metadata;
        status = traced->failed ? cleat__fail_memory() : CLEAT_OK;
    }
    return status;
}

/* What is there in common of the keys of a call is bounded, and so is how long nobody else is answered for them. */
static cleat_status check_described(const cleat__core *core, starting *all, const cleat__described *described)
{
    all->described += described->text.size + described->refusal.size + described->said.size;
    return core->expression_steps != 0 && all->described <= CLEAT__COPIED_MAX
               ? CLEAT_OK
               : cleat__fail(CLEAT_TOO_LARGE,
                             "the expressions of the limits of these runs take too much together: "
                             "start fewer with one call, or with smaller inputs");
}

/* A run of a task that has some. */
static cleat_status find_limits(cleat__core *core, starting *all, size_t index, const cleat__run *run)
{
    cleat__buffer inherited = {0}, traced = {0};
    cleat__trigger trigger = all->items[index];
    if (all->limits == NULL) {
        all->limits = cleat__calloc(all->count, sizeof(*all->limits));
    }
    if (all->limits == NULL) {
        return cleat__fail_memory();
    }
    cleat_status status = complete(core, run, &trigger, &inherited, &traced);
    if (status != CLEAT_OK) {
        status = cleat__core_check_alone(core, status);
    }
    if (status == CLEAT_OK) {
        status = cleat__limits_describe(core, run, &trigger, &all->limits[index]);
    }
    if (status == CLEAT_OK) {
        status = check_described(core, all, &all->limits[index]);
    }
    cleat__buffer_deinit(&inherited);
    cleat__buffer_deinit(&traced);
    return status;
}

static cleat_status join_lane(cleat__core *core, const cleat__trigger *item, cleat__run *run)
{
    cleat__buffer text = {0};
    cleat_status status = describe_wish(core, item, &text);
    cleat_slice wish = text.size != 0 ? cleat__buffer_slice(&text) : (cleat_slice){NULL, 0};
    if (status == CLEAT_OK && cleat__run_is_dag(run)) { /* a wish is that of each task */
        status = cleat__dag_make_tasks(core, cleat__dag_of_run(run), wish);
    } else if (status == CLEAT_OK) {
        status = cleat__wishes_join(&core->wishes, run, wish);
    }
    cleat__buffer_deinit(&text);
    return status;
}

/* Appends a run to `made`, in no queue yet. */
static cleat_status make(cleat__core *core, starting *all, size_t index, cleat__run_chain *made)
{
    const cleat__trigger *item = &all->items[index];
    cleat__task_type *type = cleat__catalog_find(&core->catalog, all->tenant, item->workflow)->latest;
    cleat__uuid id = cleat__uuid_next(&core->ids, core->now.unix_ms);
    cleat__run *run = cleat__runs_new(&core->runs, &id, type);
    if (run == NULL) {
        return cleat__fail_memory();
    }
    cleat__run_chain_append(made, run);
    if (cleat__run_is_durable(run)) {
        cleat__durable_make(cleat__durable_of(run));
    }
    run->state = CLEAT_RUN_QUEUED;
    run->priority = (uint8_t)(item->priority != 0 ? item->priority : type->policy.priority);
    run->since_ms = core->now.unix_ms;
    cleat_status status = cleat__run_has_limits(run) ? find_limits(core, all, index, run) : CLEAT_OK;
    bool has_lane = cleat__run_is_dag(run) || !cleat__run_has_limits(run);
    return status == CLEAT_OK && has_lane ? join_lane(core, item, run) : status;
}

static void discard(cleat__core *core, cleat__run_chain *made)
{
    while (made->head != NULL) {
        cleat__run *run = made->head;
        cleat__run_chain_remove(made, run);
        cleat__life_forget(core, run);
    }
}

/* What is refused gets an id that no run has. */
static cleat_status make_all(cleat__core *core, starting *all, const cleat__claims *claims,
                             cleat__run_chain *made)
{
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; i < all->count && status == CLEAT_OK; i++) {
        if (cleat__claims_refuse(claims, i)) {
            all->ids[i] = cleat__uuid_next(&core->ids, core->now.unix_ms);
        } else {
            status = make(core, all, i, made);
        }
    }
    if (status != CLEAT_OK) {
        discard(core, made);
    }
    return status;
}

/* A run of a task with limits that is stored has its lane and its seats; the others have their lane already. */
static cleat_status attach(cleat__core *core, cleat__run *run, const cleat__buffer *desired,
                           const cleat__buffer *limits)
{
    /* What is desired of a run of several is that of its tasks. */
    cleat_slice wish = cleat__run_is_dag(run) ? (cleat_slice){NULL, 0} : cleat__buffer_slice(desired);
    return limits->size != 0 ? cleat__limits_attach(core, run, wish, cleat__buffer_slice(limits)) : CLEAT_OK;
}

/* A run's row, with all it borrows. */
typedef struct storing {
    cleat__run *run;
    cleat__uuid *id; /* where the caller is told which it is */
    cleat__buffer desired, inherited, traced, limits;
    cleat__buffer refusal; /* why it fails at once, if anything */
    cleat__trigger trigger;
    cleat__new_task row;
} storing;

/* Takes what was found of its limits; NULL: it has none. */
static cleat_status describe(cleat__core *core, const cleat__trigger *item, cleat_slice key,
                             cleat__described *found, storing *what)
{
    cleat__run *run = what->run;
    what->trigger = *item;
    cleat_status status = describe_wish(core, item, &what->desired);
    if (status == CLEAT_OK) {
        status = complete(core, run, &what->trigger, &what->inherited, &what->traced);
    }
    if (status == CLEAT_OK && found != NULL) {
        status = cleat__takings_declare(core, run, cleat__buffer_slice(&found->said));
        what->limits = found->text;
        what->refusal = found->refusal;
        found->text = found->refusal = (cleat__buffer){0};
    }
    what->row = (cleat__new_task){
        .id = run->id,
        .type_id = run->type->id,
        .priority = run->priority,
        .created_at_ms = core->now.unix_ms,
        .trigger = &what->trigger,
        .desired = cleat__buffer_slice(&what->desired),
        .idempotency_key = key,
        .limits = cleat__buffer_slice(&what->limits),
        .is_held = cleat__run_is_dag(run) || item->goes_on,
    };
    return status;
}

static cleat_status begin(cleat__core *core, storing *what)
{
    cleat__run *run = what->run;
    cleat_slice refusal = cleat__buffer_slice(&what->refusal);
    bool is_dag = cleat__run_is_dag(run);
    if (!is_dag) {
        cleat__watches_start(core, run, what->trigger.metadata);
    }
    cleat_status status = cleat__core_check(core, attach(core, run, &what->desired, &what->limits));
    if (status != CLEAT_OK || is_dag) {
        return status == CLEAT_OK ? cleat__dag_start(core, cleat__dag_of_run(run), &what->row, refusal)
                                  : status;
    }
    if (refusal.size != 0) {
        return cleat__life_reject(core, run, refusal);
    }
    if (what->trigger.goes_on) { /* the parent has just asked for it */
        cleat__run *former = cleat__runs_find(&core->runs, &what->trigger.parent_id);
        cleat__durable_hold_next(cleat__durable_of(former), run);
        return CLEAT_OK;
    }
    return cleat__life_enqueue(core, run, run->priority);
}

static void storing_deinit(storing *what)
{
    cleat__buffer_deinit(&what->desired);
    cleat__buffer_deinit(&what->inherited);
    cleat__buffer_deinit(&what->traced);
    cleat__buffer_deinit(&what->limits);
    cleat__buffer_deinit(&what->refusal);
}

/* Runs that are described and not stored yet, which is cheaper together. */
typedef struct run_group {
    storing items[8];
    size_t count;
} run_group;

static void group_discard(cleat__core *core, run_group *group)
{
    for (size_t i = 0; i < group->count; i++) {
        cleat__life_forget(core, group->items[i].run);
        storing_deinit(&group->items[i]);
    }
    group->count = 0;
}

/* Stores them and lets them begin, in their order. */
static cleat_status group_write(cleat__core *core, run_group *group)
{
    enum { MAX = sizeof(group->items) / sizeof(group->items[0]) };
    const cleat__new_task *rows[MAX];
    for (size_t i = 0; i < group->count; i++) {
        rows[i] = &group->items[i].row;
    }
    cleat_status status =
        cleat__core_check(core, cleat__transition_trigger_plain(core->store, rows, group->count));
    for (size_t i = 0; i < group->count; i++) {
        storing *what = &group->items[i];
        if (status == CLEAT_OK) {
            *what->id = what->run->id;
            status = begin(core, what);
        } else {
            cleat__life_forget(core, what->run);
        }
        storing_deinit(what);
    }
    group->count = 0;
    return status;
}

/* One by itself. `claim`: NULL when it needs no key. */
static cleat_status store(cleat__core *core, storing *what, const cleat__key_claim *claim)
{
    cleat_status status = cleat__transition_trigger(core->store, &what->row, what->id);
    if (status == CLEAT_OK && what->row.idempotency_key.data != NULL) {
        status = cleat__claims_take(core, what->run->type->workflow->tenant, claim, &what->run->id);
    }
    if (status == CLEAT_OK) {
        *what->id = what->run->id;
        return begin(core, what);
    }
    cleat__life_forget(core, what->run);
    return status == CLEAT_ALREADY_EXISTS ? CLEAT_OK : cleat__core_check(core, status);
}

static cleat_status write_one(cleat__core *core, const starting *all, size_t index, cleat__run *run,
                              const cleat__key_claim *claim, run_group *group)
{
    storing *what = &group->items[group->count];
    cleat_slice key = {NULL, 0};
    cleat__described *found = all->limits != NULL ? &all->limits[index] : NULL;
    *what = (storing){.run = run, .id = &all->ids[index]};
    if (claim != NULL && claim->key != NULL) {
        key = (cleat_slice){claim->key, claim->size};
    }
    cleat_status status = describe(core, &all->items[index], key, found, what);
    if (status != CLEAT_OK) {
        cleat__life_forget(core, run);
        storing_deinit(what);
        return cleat__core_check(core, status);
    }
    if (cleat__transition_is_plain(&what->row)) {
        group->count++;
        return group->count < sizeof(group->items) / sizeof(group->items[0]) ? CLEAT_OK
                                                                             : group_write(core, group);
    }
    storing alone = *what;
    alone.row.trigger = &alone.trigger;
    status = group_write(core, group); /* what comes first begins first */
    if (status == CLEAT_OK) {
        status = store(core, &alone, claim);
    } else {
        cleat__life_forget(core, run);
    }
    storing_deinit(&alone);
    return status;
}

/* The ids of what is refused become those of who has the keys; `refused` gets their own. */
static void refuse(const starting *all, const cleat__claims *claims)
{
    for (size_t i = 0; i < all->count; i++) {
        bool is_refused = cleat__claims_refuse(claims, i);
        if (all->refused != NULL) {
            all->refused[i] = is_refused ? all->ids[i] : (cleat__uuid){{0}};
        }
        if (is_refused) {
            const cleat__key_claim *claim = &claims->items[i];
            bool is_in_call = claim->key != NULL && cleat__uuid_is_nil(&claim->existing);
            all->ids[i] = is_in_call ? all->ids[claim->same] : claim->existing;
        }
    }
}

static cleat_status write_all(cleat__core *core, const starting *all, const cleat__claims *claims,
                              cleat__run_chain *made)
{
    run_group group = {.count = 0};
    cleat_status status = made->head != NULL ? cleat__core_begin(core) : CLEAT_OK;
    for (size_t i = 0; made->head != NULL && status == CLEAT_OK; i++) {
        if (cleat__claims_refuse(claims, i)) {
            continue;
        }
        cleat__run *run = made->head;
        cleat__run_chain_remove(made, run);
        status = write_one(core, all, i, run, claims->items != NULL ? &claims->items[i] : NULL, &group);
    }
    if (status == CLEAT_OK) {
        status = group_write(core, &group);
    }
    group_discard(core, &group);
    discard(core, made);
    refuse(all, claims);
    return status;
}

static void free_limits(starting *all)
{
    for (size_t i = 0; all->limits != NULL && i < all->count; i++) {
        cleat__described_deinit(&all->limits[i]);
    }
    cleat__free(all->limits);
}

static cleat_status start(cleat__core *core, starting *all, bool is_all_or_none)
{
    cleat__run_chain made = {NULL, NULL};
    cleat__claims claims = {.items = NULL};
    cleat_status status = check_all(core, all->tenant, all->items, all->count);
    if (status == CLEAT_OK) {
        status = cleat__claims_make(core, all->tenant, all->items, all->count, &claims);
    }
    if (status == CLEAT_OK && is_all_or_none) {
        status = cleat__claims_tell(&claims, NULL);
    }
    if (status == CLEAT_OK) {
        status = make_all(core, all, &claims, &made);
    }
    if (status == CLEAT_OK) {
        status = write_all(core, all, &claims, &made);
    }
    if (status == CLEAT_OK) {
        status = cleat__claims_tell(&claims, all->ids);
    }
    cleat__claims_deinit(&claims);
    free_limits(all);
    return status;
}

cleat_status cleat__trigger_runs(cleat__core *core, int64_t tenant, const cleat__trigger *items, size_t count,
                                 cleat__uuid *ids)
{
    starting all = {.tenant = tenant, .items = items, .count = count, .ids = ids, .refused = NULL};
    return start(core, &all, true);
}

cleat_status cleat__trigger_each(cleat__core *core, int64_t tenant, const cleat__trigger *items, size_t count,
                                 cleat__uuid *ids, cleat__uuid *refused)
{
    starting all = {.tenant = tenant, .items = items, .count = count, .ids = ids, .refused = refused};
    return start(core, &all, false);
}
