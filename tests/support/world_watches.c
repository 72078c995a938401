/* Who looks at runs in the simulation, and what tasks send them. */
#include "support/world.h"

static sim_slip *watch(sim_world *world)
{
    size_t task = world_any_task(world);
    sim_watch *looks = &world->watches[pick(world, WORLD_WATCHES)];
    if (looks->is_there || task == NOBODY || world->tasks[task].step != NULL ||
        cleat__uuid_is_nil(&world->tasks[task].id)) {
        return NULL;
    }
    *looks = (sim_watch){.world = world, .task = task, .is_there = true};
    looks->watch = (cleat__watch){.run_id = world->tasks[task].id, .self = looks, .tell = world_told};
    sim_slip *made = world_new_slip(world, CLEAT__COMMAND_WATCH);
    made->task = task;
    made->looks = looks;
    made->command.tenant = world->tasks[task].tenant;
    made->command.as.watch = &looks->watch;
    return made;
}

static sim_slip *unwatch(sim_world *world)
{
    sim_watch *looks = &world->watches[pick(world, WORLD_WATCHES)];
    if (!looks->is_there || !looks->is_answered || looks->is_leaving) {
        return NULL;
    }
    looks->is_leaving = true;
    sim_slip *made = world_new_slip(world, CLEAT__COMMAND_UNWATCH);
    made->looks = looks;
    made->command.as.watch = &looks->watch;
    return made;
}

/* A chunk, in no order. */
static sim_slip *put_stream(sim_world *world)
{
    size_t task = world->watches[pick(world, WORLD_WATCHES)].task;
    sim_slip *made = world_new_slip(world, CLEAT__COMMAND_PUT_STREAM);
    made->task = task;
    world_set_tenant(world, made, task < world->task_count ? task : NOBODY);
    made->command.as.put_stream.task_id =
        task < world->task_count ? world->tasks[task].id : (cleat__uuid){{1}};
    made->command.as.put_stream.index = (int64_t)pick(world, 5) - 1;
    made->command.as.put_stream.payload = cleat_slice_of("a chunk");
    return made;
}

sim_slip *world_look_on(sim_world *world)
{
    uint64_t dice = pick(world, 6);
    return dice < 3 ? watch(world) : dice < 4 ? unwatch(world) : put_stream(world);
}
