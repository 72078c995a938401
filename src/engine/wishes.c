#include "engine/wishes.h"

#include "base/alloc.h"
#include "base/error.h"

typedef struct wish_lane {
    cleat__lane lane; /* first, so that a run leads here */
    cleat__wish wish;
    size_t run_count; /* that stand in it, queued or not */
    size_t key_size;
    char key[]; /* the version's number, then the wish */
} wish_lane;

static void free_lane(wish_lane *lane)
{
    cleat__free(lane->wish.labels);
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
static cleat_status new_lane(cleat__task_type *type, cleat_slice desired, wish_lane **out)
{
    wish_lane *lane = cleat__calloc(1, sizeof(*lane) + sizeof(type->id) + desired.size);
    if (lane == NULL) {
        return cleat__fail_memory();
    }
    lane->lane.type = type;
    lane->lane.wish = &lane->wish;
    lane->key_size = sizeof(type->id) + desired.size;
    memcpy(lane->key, &type->id, sizeof(type->id));
    memcpy(lane->key + sizeof(type->id), desired.data, desired.size);
    cleat_status status = cleat__wish_decode(desired, &lane->wish);
    if (status != CLEAT_OK) {
        free_lane(lane);
        return status;
    }
    *out = lane;
    return CLEAT_OK;
}

cleat_status cleat__wishes_join(cleat__wishes *wishes, cleat__run *run, cleat_slice desired)
{
    if (desired.data == NULL) {
        return CLEAT_OK;
    }
    wish_lane *made = NULL;
    cleat_status status = new_lane(run->type, desired, &made);
    if (status != CLEAT_OK) {
        return status;
    }
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

void cleat__wishes_leave(cleat__wishes *wishes, cleat__run *run)
{
    if (run->lane->wish == NULL) {
        return;
    }
    wish_lane *lane = (wish_lane *)run->lane;
    run->lane = &run->type->lane;
    if (--lane->run_count == 0) {
        cleat__map_remove(&wishes->by_text, (cleat_slice){lane->key, lane->key_size});
        free_lane(lane);
    }
}
