/* What must be true of batches between any two steps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/world.h"

#include "engine/core_parts.h"

/* Its members are with one worker, of one group, and one of them has the slots. */
static void check_batch(sim_world *world, const cleat__batch *batch)
{
    size_t count = 0, holders = 0;
    const cleat__worker *worker = batch->first->run.worker;
    for (const cleat__batched *one = batch->first; one != NULL; one = one->next) {
        world_check(world, one->batch == batch && one->run.state == CLEAT_RUN_RUNNING,
                    "no member of a batch");
        world_check(world, one->run.worker == worker && worker != NULL, "two workers have one batch");
        world_check(world, one->run.lane->batching->group == batch->group, "a batch of two groups");
        holders += !one->run.has_released;
        count++;
    }
    world_check(world, count <= WORLD_BATCH_MAX, "%zu runs in one batch", count);
    world_check(world, holders == !batch->has_released && (batch->holder != NULL) == (holders == 1),
                "%zu runs have the slots", holders);
}

static void check_group(sim_world *world, const cleat__batch_group *group)
{
    size_t cursor = 0, running = 0;
    const cleat__batch *batch;
    while ((batch = cleat__map_next(&world->core->batches.running, &cursor)) != NULL) {
        running += batch->group == group;
    }
    world_check(world, (size_t)group->running == running, "%zu batches of a group run, %d count", running,
                group->running);
    world_check(world, running <= WORLD_BATCH_RUNS && group->user_count > running, "a group has %zu of %zu",
                running, group->user_count);
    for (const cleat__lane *lane = group->full.head; lane != NULL; lane = lane->next) {
        world_check(world, lane->parked_in == &group->full && lane->count != 0, "nobody is parked");
        world_check(world, group->running >= lane->batching->rule->group_max_runs,
                    "somebody waits for a batch to end although there is room");
    }
}

static void check_waiting(sim_world *world, const cleat__lane *lane)
{
    const cleat__batching *batching = lane->batching;
    size_t bytes = 0, count = 0;
    for (int level = 0; level < CLEAT__LEVEL_AHEAD; level++) {
        for (cleat__run *run = lane->levels[level].head; run != NULL; run = run->next, count++) {
            bytes += cleat__batched_of(run)->bytes;
        }
    }
    world_check(world, lane->parked_in == &world->core->batches.waiting && count != 0, "nobody is parked");
    world_check(world, count == lane->count && bytes == batching->bytes, "%zu bytes count as %zu", bytes,
                batching->bytes);
    world_check(world, count < (size_t)batching->rule->max_size, "a full batch waits for more");
    world_check(world, batching->timer.position != 0, "nobody will look at a batch again");
    world->seen.filling += count;
}

void world_check_batches(sim_world *world)
{
    const cleat__batches *batches = &world->core->batches;
    size_t cursor = 0;
    const void *each;
    while ((each = cleat__map_next(&batches->running, &cursor)) != NULL) {
        check_batch(world, each);
    }
    cursor = 0;
    while ((each = cleat__map_next(&batches->groups, &cursor)) != NULL) {
        check_group(world, each);
    }
    for (const cleat__lane *lane = batches->waiting.head; lane != NULL; lane = lane->next) {
        check_waiting(world, lane);
    }
}
