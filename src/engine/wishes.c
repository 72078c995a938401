#include "engine/wishes.h"

#include "base/alloc.h"
#include "base/error.h"

typedef struct wish_lane {
    cleat__lane lane; /* first, so that a run leads here */
    cleat__wish wish;
    cleat__rate_units *units; /* owned; NULL: none */
    size_t run_count;         /* that stand in it, queued or not */
    size_t key_size;
    char key[]; /* the version's number, then the wish, a NUL and what it takes */
} wish_lane;

static void free_lane(wish_lane *lane)
{
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

/* Makes the lane; the key has the version's number in front. */
static cleat_status new_lane(cleat__task_type *type, cleat_slice desired, cleat_slice takes, wish_lane **out)
{
    size_t wish_at = sizeof(type->id), takes_at = wish_at + desired.size + 1;
    wish_lane *lane = cleat__calloc(1, sizeof(*lane) + takes_at + takes.size);
    if (lane == NULL) {
        return cleat__fail_memory();
    }
    lane->lane.type = type;
    lane->key_size = takes_at + takes.size;
    memcpy(lane->key, &type->id, sizeof(type->id));
    memcpy(lane->key + wish_at, desired.size != 0 ? desired.data : "", desired.size);
    memcpy(lane->key + takes_at, takes.size != 0 ? takes.data : "", takes.size);
    if (desired.size == 0) {
        *out = lane;
        return CLEAT_OK;
    }
    lane->lane.wish = &lane->wish;
    cleat_status status = cleat__wish_decode(desired, &lane->wish);
    if (status != CLEAT_OK) {
        free_lane(lane);
        return status;
    }
    *out = lane;
    return CLEAT_OK;
}

/* Into the lane of that key, which is `made` unless there is one. */
static cleat_status join(cleat__wishes *wishes, cleat__run *run, wish_lane *made)
{
    cleat_slice key = {made->key, made->key_size};
    wish_lane *lane = cleat__map_get(&wishes->by_text, key);
    if (lane != NULL) {
        free_lane(made);
    } else if (cleat__map_put(&wishes->by_text, key, made) == CLEAT_OK) {
        lane = made;
    } else {
        free_lane(made);
        return cleat__fail_memory();
    }
    lane->run_count++;
    run->lane = &lane->lane;
    return CLEAT_OK;
}

cleat_status cleat__wishes_join(cleat__wishes *wishes, cleat__run *run, cleat_slice desired)
{
    if (desired.size == 0) {
        return CLEAT_OK;
    }
    wish_lane *made = NULL;
    cleat_status status = new_lane(run->type, desired, (cleat_slice){NULL, 0}, &made);
    return status == CLEAT_OK ? join(wishes, run, made) : status;
}

cleat_status cleat__wishes_join_units(cleat__wishes *wishes, cleat__run *run, cleat_slice desired,
                                      cleat_slice text, cleat__rate_units *units)
{
    wish_lane *made = NULL;
    cleat_status status = new_lane(run->type, desired, text, &made);
    if (status != CLEAT_OK) {
        cleat__rate_units_free(units);
        return status;
    }
    made->units = units;
    made->lane.units = units;
    return join(wishes, run, made);
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
