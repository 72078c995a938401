#include "engine/wishes.h"

#include "base/alloc.h"
#include "base/error.h"

typedef struct wish_lane {
    cleat__lane lane; /* first, so that a run leads here */
    cleat__wish wish;
    cleat__rate_units *units; /* owned; NULL: none */
    cleat__batching batching; /* in use when the lane says so */
    size_t run_count;         /* that stand in it, queued or not */
    size_t key_size;
    char key
        []; /* the version's number, then the wish, what it takes and its group, each with a NUL before it but the first */
} wish_lane;

static void free_lane(wish_lane *lane)
{
    cleat__batching_deinit(lane->lane.batching);
    cleat__free(lane->wish.labels);
    cleat__rate_units_free(lane->units);
    cleat__free(lane);
}

void cleat__wishes_deinit(cleat__wishes *wishes)
{
    size_t cursor = 0;
    wish_lane *lane;
    while ((lane = cleat__map_next(&wishes->by_text, &cursor)) != NULL) {
        free_lane(lane);
    }
    cleat__map_deinit(&wishes->by_text);
}

static char *add_part(char *at, cleat_slice text)
{
    memcpy(at, text.size != 0 ? text.data : "", text.size);
    return at + text.size + 1; /* behind the NUL, of calloc() */
}

/* Makes the lane. Groups are different from none, also that of the key "". */
static cleat_status new_lane(cleat__task_type *type, const cleat__likeness *like, wish_lane **out)
{
    cleat_slice group = {NULL, 0};
    if (like->group != NULL) {
        group = (cleat_slice){like->group->key, like->group->key_size};
    }
    size_t size = sizeof(type->id) + like->desired.size + 1 + like->takes.size + 1 + group.size;
    wish_lane *lane = cleat__calloc(1, sizeof(*lane) + size + 1);
    if (lane == NULL) {
        return cleat__fail_memory();
    }
    lane->lane.type = type;
    lane->key_size = size;
    memcpy(lane->key, &type->id, sizeof(type->id));
    add_part(add_part(add_part(lane->key + sizeof(type->id), like->desired), like->takes), group);
    if (like->desired.size == 0) {
        *out = lane;
        return CLEAT_OK;
    }
    lane->lane.wish = &lane->wish;
    cleat_status status = cleat__wish_decode(like->desired, &lane->wish);
    if (status != CLEAT_OK) {
        free_lane(lane);
        return status;
    }
    *out = lane;
    return CLEAT_OK;
}

/* The lane of that key, which is `made` unless there is one. */
static cleat_status find_or_put(cleat__wishes *wishes, wish_lane *made, wish_lane **out)
{
    cleat_slice key = {made->key, made->key_size};
    *out = cleat__map_get(&wishes->by_text, key);
    if (*out != NULL) {
        free_lane(made);
        return CLEAT_OK;
    }
    if (cleat__map_put(&wishes->by_text, key, made) != CLEAT_OK) {
        free_lane(made);
        return cleat__fail_memory();
    }
    *out = made;
    return CLEAT_OK;
}

cleat_status cleat__wishes_join_like(cleat__wishes *wishes, cleat__batches *batches, cleat__run *run,
                                     const cleat__likeness *like)
{
    wish_lane *made = NULL, *lane = NULL;
    cleat_status status = new_lane(run->type, like, &made);
    if (status != CLEAT_OK) {
        cleat__rate_units_free(like->units);
        if (like->group != NULL) {
            cleat__batches_leave_group(batches, like->group);
        }
        return status;
    }
    made->units = like->units;
    made->lane.units = like->units;
    if (like->group != NULL) {
        cleat__batching_init(&made->batching, batches, like->group, &made->lane);
    }
    status = find_or_put(wishes, made, &lane);
    if (status == CLEAT_OK) {
        lane->run_count++;
        run->lane = &lane->lane;
    }
    return status;
}

cleat_status cleat__wishes_join(cleat__wishes *wishes, cleat__run *run, cleat_slice desired)
{
    const cleat__likeness like = {.desired = desired};
    return desired.size != 0 ? cleat__wishes_join_like(wishes, NULL, run, &like) : CLEAT_OK;
}

void cleat__wishes_leave(cleat__wishes *wishes, cleat__run *run)
{
    if (run->lane == &run->type->lane) {
        return;
    }
    wish_lane *lane = (wish_lane *)run->lane;
    run->lane = &run->type->lane;
    if (--lane->run_count == 0) {
        cleat__map_remove(&wishes->by_text, (cleat_slice){lane->key, lane->key_size});
        free_lane(lane);
    }
}
