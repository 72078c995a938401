/* Workflows of the simulation are paused now and then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/world.h"

#include "engine/core_parts.h"

static sim_slip *set_pause(sim_world *world, const cleat__workflow_entry *workflow, cleat__pause pause)
{
    sim_slip *made = world_new_slip(world, CLEAT__COMMAND_PAUSE_WORKFLOW);
    made->command.tenant = workflow->tenant;
    made->command.as.pause_workflow.id = workflow->id;
    made->command.as.pause_workflow.pause = pause;
    return made;
}

/* What is scheduled makes its run in any case: the world knows that it will. */
sim_slip *world_pause(sim_world *world)
{
    int64_t tenant = 1 + (int64_t)pick(world, WORLD_TENANTS);
    const char *name = world_workflows[pick(world, WORLD_DAG + 1)];
    const cleat__workflow_entry *workflow =
        cleat__catalog_find(&world->core->catalog, tenant, cleat_slice_of(name));
    cleat__pause pause = {.is_paused = pick(world, 2) == 0,
                          .queues_schedules = true,
                          .queues_crons = pick(world, 2) == 0,
                          .ttl_ms = pick(world, 2) == 0 ? 5000 : CLEAT__NO_TIMEOUT};
    return set_pause(world, workflow, pause);
}

sim_slip *world_resume(sim_world *world, int64_t tenant, size_t number)
{
    const cleat__workflow_entry *workflow =
        cleat__catalog_find(&world->core->catalog, tenant, cleat_slice_of(world_workflows[number]));
    return set_pause(world, workflow, (cleat__pause){.is_paused = false});
}

void world_check_pauses(sim_world *world)
{
    size_t cursor = 0;
    const cleat__workflow_entry *workflow;
    while ((workflow = cleat__map_next(&world->core->catalog.workflows, &cursor)) != NULL) {
        world_check(world, workflow->pause.is_paused || workflow->paused.head == NULL,
                    "a workflow that goes on has runs that do not");
        for (const cleat__lane *lane = workflow->paused.head; lane != NULL; lane = lane->next) {
            world_check(world, lane->parked_in == &workflow->paused && lane->count != 0, "nobody is paused");
            world_check(world, lane->type->workflow == workflow, "a run waits with another workflow's");
            world->seen.paused += lane->count;
        }
    }
}

/* What a worker is told again it has, or has lost on the way. */
void world_check_assigned(const sim_world *world, const cleat__uuid *id)
{
    const cleat__run *run = cleat__runs_find(&world->core->runs, id);
    world_check(world,
                run == NULL || !run->type->workflow->pause.is_paused ||
                    run->receipt == CLEAT__RECEIPT_REPEATED,
                "a run of a paused workflow was assigned");
}
