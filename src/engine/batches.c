#include "engine/batches.h"

#include "base/alloc.h"
#include "base/error.h"
#include "engine/life_parts.h"

#include <inttypes.h>
#include <jansson.h>

/* What a member takes of a message beyond what it is given: ids, and the names of what stands around. */
#define MEMBER_BYTES 512
/* Of a batch, so that its message is smaller than what workers take, 4 MiB. */
#define BATCH_BYTES (CLEAT__BATCH_BYTES_MAX - 64 * 1024)

static cleat__batching *batching_of(const cleat__heap_node *node)
{
    return CLEAT__CONTAINER(node, cleat__batching, timer);
}

static bool is_earlier(const cleat__heap_node *a, const cleat__heap_node *b)
{
    return batching_of(a)->due_ms < batching_of(b)->due_ms;
}

static cleat_slice id_key(const cleat__uuid *id)
{
    return (cleat_slice){(const char *)id->bytes, sizeof(id->bytes)};
}

void cleat__batches_init(cleat__batches *batches)
{
    *batches = (cleat__batches){.groups = {NULL, 0, 0}};
    cleat__heap_init(&batches->timers, is_earlier);
}

static void free_values(cleat__map *map)
{
    size_t cursor = 0;
    void *each;
    while ((each = cleat__map_next(map, &cursor)) != NULL) {
        cleat__free(each);
    }
    cleat__map_deinit(map);
}

void cleat__batches_deinit(cleat__batches *batches)
{
    free_values(&batches->running);
    free_values(&batches->groups);
    cleat__heap_deinit(&batches->timers);
}

/* ---- Groups ---- */

cleat_slice cleat__batch_group_key(const cleat__batch_group *group)
{
    return (cleat_slice){group->key + sizeof(int64_t), group->key_size - sizeof(int64_t)};
}

static cleat_status add_group(cleat__batches *batches, int64_t type_id, cleat_slice key,
                              cleat__batch_group **out)
{
    size_t size = sizeof(type_id) + key.size;
    cleat__batch_group *made = cleat__calloc(1, sizeof(*made) + size + 1);
    if (made == NULL) {
        return cleat__fail_memory();
    }
    memcpy(made->key, &type_id, sizeof(type_id));
    memcpy(made->key + sizeof(type_id), key.data, key.size);
    made->key_size = size;
    *out = cleat__map_get(&batches->groups, (cleat_slice){made->key, size});
    if (*out != NULL) {
        cleat__free(made);
    } else if (cleat__map_put(&batches->groups, (cleat_slice){made->key, size}, made) == CLEAT_OK) {
        *out = made;
    } else {
        cleat__free(made);
        return cleat__fail_memory();
    }
    (*out)->user_count++;
    return CLEAT_OK;
}

void cleat__batches_leave_group(cleat__batches *batches, cleat__batch_group *group)
{
    if (--group->user_count == 0) {
        cleat__map_remove(&batches->groups, (cleat_slice){group->key, group->key_size});
        cleat__free(group);
    }
}

cleat_status cleat__batches_describe(const cleat__run *run, const cleat__expression_variables *variables,
                                     cleat__buffer *text)
{
    char *key = NULL;
    size_t size = 0;
    cleat_status status = cleat__batch_rule_key(run->type->needs->batch, variables, &key, &size);
    if (status == CLEAT_OK) {
        cleat__buffer_append_string(text, ",\"batch\":");
        cleat__buffer_append_json(text, (cleat_slice){key, size});
        cleat__buffer_append_format(text, ",\"bytes\":%zu",
                                    variables->input.size + variables->additional_metadata.size);
    }
    cleat__free(key);
    return status;
}

cleat_status cleat__batches_find_group(cleat__batches *batches, cleat__run *run, const json_t *described,
                                       cleat__batch_group **out)
{
    const json_t *key = json_object_get(described, "batch");
    int64_t bytes = json_integer_value(json_object_get(described, "bytes"));
    if (!json_is_string(key) || bytes < 0) {
        return cleat__fail(CLEAT_CORRUPT, "a run in the database has no group of its batches");
    }
    cleat__batched_of(run)->bytes = (size_t)bytes;
    return add_group(batches, run->type->id, (cleat_slice){json_string_value(key), json_string_length(key)},
                     out);
}

/* ---- Lanes ---- */

void cleat__batching_init(cleat__batching *batching, cleat__batches *batches, cleat__batch_group *group,
                          cleat__lane *lane)
{
    *batching =
        (cleat__batching){.rule = lane->type->needs->batch, .batches = batches, .group = group, .lane = lane};
    lane->batching = batching;
}

void cleat__batching_deinit(cleat__batching *batching)
{
    if (batching != NULL) {
        cleat__heap_remove(&batching->batches->timers, &batching->timer);
        cleat__batches_leave_group(batching->batches, batching->group);
    }
}

void cleat__batching_add(cleat__batching *batching, cleat__run *run)
{
    cleat__lane *lane = batching->lane;
    batching->bytes += cleat__batched_of(run)->bytes;
    if (lane->parked_in == &batching->batches->waiting &&
        cleat__batch_rule_flush(batching->rule, lane->count, batching->bytes, 0) != CLEAT__BATCH_WAIT) {
        cleat__lane_unpark(lane);
    }
}

/* For how long the first to come has waited; for ever, when the clock was set back behind that. */
static int64_t waited_ms(const cleat__core *core, const cleat__lane *lane)
{
    int64_t since_ms = INT64_MAX;
    for (int level = 0; level < CLEAT__LEVEL_AHEAD; level++) {
        const cleat__run *run = lane->levels[level].head;
        since_ms = run != NULL && run->since_ms < since_ms ? run->since_ms : since_ms;
    }
    return since_ms <= core->now.unix_ms ? core->now.unix_ms - since_ms : INT64_MAX;
}

static cleat__batch_reason reason_of(const cleat__core *core, const cleat__lane *lane)
{
    return cleat__batch_rule_flush(lane->batching->rule, lane->count, lane->batching->bytes,
                                   waited_ms(core, lane));
}

static cleat_status park(cleat__core *core, cleat__lane *lane)
{
    cleat__batching *batching = lane->batching;
    cleat__queue_park(lane->type->queue, lane, &core->batches.waiting);
    cleat__heap_remove(&core->batches.timers, &batching->timer);
    batching->due_ms = core->now.monotonic_ms + batching->rule->interval_ms - waited_ms(core, lane);
    return cleat__core_check(core, cleat__heap_push(&core->batches.timers, &batching->timer));
}

cleat_status cleat__batches_look(cleat__core *core, cleat__lane *lane, bool *is_parked)
{
    cleat__batching *batching = lane->batching;
    if (reason_of(core, lane) == CLEAT__BATCH_WAIT) {
        *is_parked = true;
        return park(core, lane);
    }
    if (batching->group->running >= batching->rule->group_max_runs) {
        *is_parked = true;
        cleat__queue_park(lane->type->queue, lane, &batching->group->full);
    }
    return CLEAT_OK;
}

void cleat__batches_fire(cleat__core *core)
{
    cleat__batches *batches = &core->batches;
    cleat__heap_node *node;
    while ((node = cleat__heap_peek(&batches->timers)) != NULL &&
           batching_of(node)->due_ms <= core->now.monotonic_ms) {
        cleat__lane *lane = batching_of(node)->lane;
        cleat__heap_remove(&batches->timers, node);
        if (lane->parked_in == &batches->waiting) {
            cleat__lane_unpark(lane);
        }
    }
}

int64_t cleat__batches_next_ms(const cleat__batches *batches)
{
    const cleat__heap_node *node = cleat__heap_peek(&batches->timers);
    return node != NULL ? batching_of(node)->due_ms : INT64_MAX;
}

/* ---- Batches ---- */

static cleat_status new_batch(cleat__batches *batches, const cleat__uuid *id, cleat__batch_group *group,
                              cleat__batch **out)
{
    cleat__batch *batch = cleat__calloc(1, sizeof(*batch));
    if (batch == NULL) {
        return cleat__fail_memory();
    }
    *batch = (cleat__batch){.id = *id, .group = group};
    if (cleat__map_put(&batches->running, id_key(&batch->id), batch) != CLEAT_OK) {
        cleat__free(batch);
        return cleat__fail_memory();
    }
    group->user_count++;
    group->running++;
    *out = batch;
    return CLEAT_OK;
}

static void join(cleat__batch *batch, cleat__batched *member)
{
    member->batch = batch;
    member->previous = NULL;
    member->next = batch->first;
    if (batch->first != NULL) {
        batch->first->previous = member;
    }
    batch->first = member;
}

/* CLEAT_EMPTY: with it the batch would be too large. */
static cleat_status assign_one(cleat__core *core, cleat__batch *batch, cleat__run *run, cleat__worker *worker,
                               size_t *bytes, cleat__assignment **assignment)
{
    bool is_first = batch->first == NULL;
    *assignment = NULL;
    join(batch, cleat__batched_of(run));
    cleat_status status = cleat__core_check(core, cleat__life_load_assignment(core, run, assignment));
    if (status != CLEAT_OK) {
        return status;
    }
    const cleat__assignment *one = *assignment;
    *bytes += MEMBER_BYTES + one->input.size + one->metadata.size + one->parents.size + one->triggers.size +
              one->step_errors.size + one->filter_payload.size;
    if (!is_first && *bytes > BATCH_BYTES) {
        cleat__free(*assignment);
        batch->first = batch->first->next;
        batch->first->previous = NULL;
        cleat__batched_of(run)->batch = NULL;
        return CLEAT_EMPTY;
    }
    return cleat__life_hand_over(core, run, worker, *assignment);
}

/* Those that follow the first one, as many as there may be. */
static cleat_status assign_all(cleat__core *core, cleat__batch *batch, cleat__lane *lane,
                               cleat__worker *worker, size_t *count)
{
    cleat__assignment *first = NULL, *next = NULL;
    cleat_status status = CLEAT_OK;
    size_t bytes = 0;
    bool is_parked = false;
    while (status == CLEAT_OK && lane->count != 0 && *count < (size_t)lane->batching->rule->max_size) {
        if (*count != 0 && lane->units != NULL) {
            status = cleat__rates_look(core, lane, &is_parked);
        }
        if (status != CLEAT_OK || is_parked) {
            break;
        }
        status = assign_one(core, batch, cleat__lane_first(lane), worker, &bytes, &next);
        first = first != NULL ? first : next;
        *count += status == CLEAT_OK;
    }
    /* They are the last that the worker is told. */
    for (next = status == CLEAT_OK || status == CLEAT_EMPTY ? first : NULL; next != NULL; next = next->next) {
        next->batch_count = (int32_t)*count;
    }
    return status == CLEAT_EMPTY ? CLEAT_OK : status;
}

cleat_status cleat__batches_assign(cleat__core *core, cleat__lane *lane, cleat__worker *worker, size_t *count)
{
    cleat__batch *batch = NULL;
    cleat__uuid id = cleat__uuid_next(&core->ids, core->now.unix_ms);
    *count = 0;
    cleat_status status = cleat__core_begin(core);
    if (status == CLEAT_OK) {
        status = cleat__core_check(core, new_batch(&core->batches, &id, lane->batching->group, &batch));
    }
    if (status != CLEAT_OK) {
        return status;
    }
    batch->reason = reason_of(core, lane);
    return assign_all(core, batch, lane, worker, count);
}

cleat_status cleat__batches_dress(cleat__core *core, cleat__run *run, cleat__assignment **out)
{
    const cleat__batch *batch = cleat__batched_of(run)->batch;
    char reason[CLEAT__BATCH_REASON_TEXT];
    if (batch == NULL) {
        return CLEAT_OK;
    }
    cleat__batch_reason_format(run->type->needs->batch, batch->reason, reason);
    cleat__assignment worn = **out;
    worn.batch_id = batch->id;
    worn.batch_count = 1;
    worn.batch_at_ms = run->state == CLEAT_RUN_RUNNING ? run->since_ms : core->now.unix_ms;
    worn.batch_key = cleat__batch_group_key(batch->group);
    worn.batch_reason = cleat_slice_of(reason);
    cleat__assignment *dressed = cleat__assignment_copy(&worn);
    cleat__free(*out);
    *out = dressed;
    return dressed != NULL ? CLEAT_OK : cleat__core_check(core, cleat__fail_memory());
}

cleat_status cleat__batches_resume(cleat__core *core, cleat__run *run, const cleat__uuid *id)
{
    cleat__batch *batch = cleat__map_get(&core->batches.running, id_key(id));
    cleat_status status = CLEAT_OK;
    if (batch == NULL) {
        status = new_batch(&core->batches, id, run->lane->batching->group, &batch);
    }
    if (status == CLEAT_OK) {
        join(batch, cleat__batched_of(run));
    }
    return status;
}

/* ---- Slots ---- */

void cleat__batches_hold(cleat__worker *worker, cleat__run *run)
{
    cleat__batch *batch = cleat__batched_of(run)->batch;
    if (batch != NULL && (batch->has_released || batch->holder != NULL)) {
        cleat__roster_hold_beside(worker, run);
        return;
    }
    cleat__roster_hold(worker, run);
    if (batch != NULL) {
        batch->holder = run;
    }
}

cleat__run *cleat__batches_holder(cleat__run *run)
{
    const cleat__batch *batch = cleat__batched_of(run)->batch;
    return batch != NULL ? batch->holder : run;
}

void cleat__batches_release_slots(cleat__run *run)
{
    cleat__batch *batch = cleat__batched_of(run)->batch;
    cleat__run *holder = cleat__batches_holder(run);
    if (holder != NULL) {
        cleat__roster_release_slots(holder);
    }
    if (batch != NULL) {
        batch->holder = NULL;
        batch->has_released = true;
    }
}

static void end_batch(cleat__batches *batches, cleat__batch *batch)
{
    batch->group->running--;
    cleat__lanes_unpark(&batch->group->full);
    cleat__map_remove(&batches->running, id_key(&batch->id));
    cleat__batches_leave_group(batches, batch->group);
    cleat__free(batch);
}

void cleat__batches_let_go(cleat__batches *batches, cleat__run *run)
{
    cleat__batched *member = cleat__batched_of(run);
    cleat__batch *batch = member->batch;
    if (batch == NULL) {
        return;
    }
    *(member->previous != NULL ? &member->previous->next : &batch->first) = member->next;
    if (member->next != NULL) {
        member->next->previous = member->previous;
    }
    *member = (cleat__batched){.run = member->run, .bytes = member->bytes};
    if (batch->first == NULL) {
        end_batch(batches, batch);
    } else if (batch->holder == run) {
        batch->holder = &batch->first->run; /* at the same worker */
        batch->holder->has_released = false;
        run->has_released = true;
    }
}
