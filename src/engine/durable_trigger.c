/* Children of a durable run. A replay finds those that there are; the others are all started together. */
#include "base/alloc.h"
#include "base/error.h"
#include "engine/durable_chain.h"
#include "engine/durable_log.h"
#include "engine/trigger.h"
#include "model/continued.h"
#include "store/load.h"
#include "store/transition.h"

#include <inttypes.h>
#include <stdio.h>

#define KEY_SIZE 48

typedef struct child {
    cleat__log_question asked;
    cleat__node node;
    cleat__uuid id;
    cleat__buffer label;
    char key[KEY_SIZE];
    bool existed; /* as a node */
    bool is_met;
} child;

typedef struct spawning {
    child *children;
    size_t count;
    cleat__trigger *fresh; /* of those that are new nodes */
    cleat__uuid *fresh_ids;
    size_t fresh_count;
} spawning;

static void deinit(spawning *all)
{
    for (size_t i = 0; all->children != NULL && i < all->count; i++) {
        cleat__buffer_deinit(&all->children[i].label);
    }
    cleat__free(all->children);
    cleat__free(all->fresh);
    cleat__free(all->fresh_ids);
}

static cleat_status make_room(spawning *all)
{
    all->children = cleat__calloc(all->count, sizeof(all->children[0]));
    all->fresh = cleat__calloc(all->count, sizeof(all->fresh[0]));
    all->fresh_ids = cleat__calloc(all->count, sizeof(all->fresh_ids[0]));
    bool has_room = all->children != NULL && all->fresh != NULL && all->fresh_ids != NULL;
    return has_room ? CLEAT_OK : cleat__fail_memory();
}

/* The same number among the children, other content: the calls have changed. With a key the first one counts. */
static cleat_status check_index(cleat__core *core, const cleat__trigger *item)
{
    bool is_same = true;
    if (item->child_key.data != NULL) {
        return CLEAT_OK;
    }
    cleat_status status = cleat__load_child_input(core->store, item, &is_same);
    if (status == CLEAT_OK && !is_same) {
        return cleat__fail(CLEAT_NON_DETERMINISTIC,
                           "child %" PRId64 " of the run was started with another input before; the calls of "
                           "the workflow have changed, or two children have the same index",
                           item->child_index);
    }
    return status == CLEAT_EMPTY ? CLEAT_OK : cleat__core_check(core, status);
}

static void set_key(child *one, char mark, int64_t number, cleat__trigger *item)
{
    snprintf(one->key, sizeof(one->key), "cleat:%" PRId64 "%c%" PRId64, one->node.branch, mark, number);
    item->child_key = cleat_slice_of(one->key);
}

/* The program says which child it is. Those that another branch has had are not meant. */
static cleat_status complete_numbered(cleat__core *core, child *one, cleat__trigger *item)
{
    if (item->child_key.data == NULL && one->node.branch > 1) {
        set_key(one, '#', item->child_index, item);
        return CLEAT_OK;
    }
    return check_index(core, item);
}

/* It can go on as a run of the same workflow, unless it is a task of several, or that has become one of several tasks. */
static bool can_go_on(const cleat__durable *durable, const cleat__trigger *item)
{
    const cleat__task_type *type = durable->run.type;
    return type->dag == NULL && type->workflow->latest->plan == NULL &&
           cleat_slice_equals(item->workflow, type->workflow->name);
}

/* The run is to go on as this one. */
static void complete_next(const cleat__durable *durable, child *one, cleat__trigger *item)
{
    item->is_child = true;
    item->parent_id = durable->run.id;
    item->child_index = one->node.number;
    item->goes_on = can_go_on(durable, item);
    if (item->goes_on) {
        snprintf(one->key, sizeof(one->key), CLEAT__CONTINUED_MARK "%" PRId64 ".%" PRId64, one->node.branch,
                 one->node.number);
        item->child_key = cleat_slice_of(one->key);
    } else {
        set_key(one, '.', one->node.number, item);
    }
}

/* What is completed last among those that are new is such a one. */
static cleat_status check_once(const cleat__core *core, const spawning *all, const cleat__durable *durable)
{
    const cleat__run *next = cleat__runs_find(&core->runs, &durable->next_id);
    bool has_one = next != NULL && next->is_held;
    for (size_t i = 0; i + 1 < all->fresh_count; i++) {
        has_one |= all->fresh[i].goes_on;
    }
    return has_one ? cleat__fail(CLEAT_FAILED_PRECONDITION, "the run goes on as another one already")
                   : CLEAT_OK;
}

/* Whose child it is, and which. What the engine numbers itself is apart from what programs number. */
static cleat_status complete(cleat__core *core, const cleat__durable *durable, const spawning *all,
                             child *one, cleat__trigger *item)
{
    if (item->is_child && !cleat__uuid_equals(&item->parent_id, &durable->run.id)) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "a durable run starts children of its own only");
    }
    if (cleat_slice_equals(item->child_key, cleat_slice_of(CLEAT__CONTINUED_KEY))) {
        complete_next(durable, one, item);
        return check_once(core, all, durable);
    }
    if (item->is_child) {
        return complete_numbered(core, one, item);
    }
    item->is_child = true;
    item->parent_id = durable->run.id;
    item->child_index = one->node.number;
    if (item->child_key.data == NULL) {
        set_key(one, '.', one->node.number, item);
    }
    return CLEAT_OK;
}

static cleat_status look(cleat__core *core, cleat__durable *durable, const cleat__trigger *item, size_t at,
                         spawning *all)
{
    child *one = &all->children[at];
    cleat__entry_row entry;
    cleat__node_label_run(item, &one->label);
    if (one->label.failed) {
        return cleat__fail_memory();
    }
    one->asked = (cleat__log_question){.kind = CLEAT__NODE_RUN,
                                       .hash = cleat__node_hash_run(item),
                                       .label = cleat__buffer_slice(&one->label),
                                       .ahead = (int32_t)at};
    cleat_status status = cleat__log_next(core, durable, &one->asked, &one->node, &entry);
    if (status == CLEAT_OK) {
        one->existed = true;
        one->id = entry.child_id;
        one->is_met = entry.met_order != 0;
        return CLEAT_OK;
    }
    if (status != CLEAT_EMPTY) {
        return status;
    }
    cleat__trigger *fresh = &all->fresh[all->fresh_count++];
    *fresh = *item;
    return complete(core, durable, all, one, fresh);
}

/* It has ended, and so have all that it went on as: the last one counts. CLEAT_EMPTY: that one lives, and is `*last`. */
static cleat_status meet_ended(cleat__core *core, cleat__durable *durable, const child *one,
                               cleat__uuid *last)
{
    cleat_run_result result;
    *last = one->id;
    cleat_status status = cleat__durable_chain_load(core, cleat__durable_tenant(durable), last, &result);
    if (status == CLEAT_OK) {
        const char *text = result.output != NULL ? result.output : result.error;
        status =
            cleat__durable_meet_child(core, durable, one->node, (int)result.status, cleat_slice_of(text));
    }
    cleat_run_result_deinit(&result);
    return status;
}

/* The node of a child waits for its end, or is met when that was before. */
static cleat_status arm(cleat__core *core, cleat__durable *durable, const child *one)
{
    cleat__condition_row row = {
        .run_id = durable->run.id,
        .node = one->node,
        .count = 1,
        .kind = CLEAT__PENDING_CHILD,
    };
    cleat_status status = meet_ended(core, durable, one, &row.child_id);
    if (status != CLEAT_EMPTY) {
        return status;
    }
    cleat__pending *pending = cleat__pending_new(durable, one->node, 1);
    status = pending != NULL ? CLEAT_OK : cleat__fail_memory();
    if (status == CLEAT_OK) {
        status = cleat__pending_link(&core->durables.pendings, cleat__durable_tenant(durable),
                                     &pending->conditions[0], &row);
    }
    if (status == CLEAT_OK) {
        status = cleat__core_begin(core);
    }
    return cleat__core_check(core, status == CLEAT_OK ? cleat__condition_insert(core->store, &row) : status);
}

static cleat_status keep(cleat__core *core, cleat__durable *durable, child *one, const cleat__uuid *id)
{
    if (!one->existed) {
        cleat__entry_row entry = {.node = one->node, .child_id = *id};
        one->id = *id;
        cleat_status status = cleat__log_add(core, durable, &one->asked, &entry);
        return status == CLEAT_OK ? arm(core, durable, one) : status;
    }
    /* When the run had ended, and was replayed, nothing stands for its nodes. */
    bool is_armed = one->is_met || cleat__pending_find(durable, one->node) != NULL;
    return is_armed ? CLEAT_OK : arm(core, durable, one);
}

static cleat_status spawn(cleat__core *core, cleat__durable *durable, cleat__durable_request *request,
                          spawning *all)
{
    cleat_status status = make_room(all);
    for (size_t i = 0; i < all->count && status == CLEAT_OK; i++) {
        status = look(core, durable, &request->as.trigger.items[i], i, all);
    }
    if (status == CLEAT_OK && all->fresh_count != 0) {
        status = cleat__trigger_runs(core, cleat__durable_tenant(durable), all->fresh, all->fresh_count,
                                     all->fresh_ids);
    }
    size_t fresh = 0;
    for (size_t i = 0; i < all->count && status == CLEAT_OK; i++) {
        child *one = &all->children[i];
        status = keep(core, durable, one, one->existed ? NULL : &all->fresh_ids[fresh++]);
        request->as.trigger.ids[i] = one->id;
        request->as.trigger.nodes[i] = one->node;
    }
    return status;
}

cleat_status cleat__durable_trigger(cleat__core *core, cleat__durable *durable,
                                    cleat__durable_request *request)
{
    spawning all = {.count = request->as.trigger.count};
    if (all.count == 0) {
        return CLEAT_OK;
    }
    if (all.count > CLEAT__RUNS_MAX) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%zu runs; no more than %d are started together",
                           all.count, CLEAT__RUNS_MAX);
    }
    cleat_status status = spawn(core, durable, request, &all);
    durable->node += status == CLEAT_OK ? (int32_t)all.count : 0;
    deinit(&all);
    return status;
}
