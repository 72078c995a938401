/* Runs that are to start at a time, in the simulation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/world.h"

static sim_slip *schedule(sim_world *world)
{
    if (world->task_count >= WORLD_STARTED) {
        return NULL;
    }
    sim_slip *made = world_new_slip(world, CLEAT__COMMAND_SCHEDULE);
    made->command.tenant = world_any_tenant(world);
    known *task = world_new_task(world, made->command.tenant, NOBODY);
    task->is_scheduled = true;
    task->starts = true;
    task->at_ms = world->now.unix_ms + (int64_t)pick(world, 30000) - 5000;
    made->at_ms = task->at_ms;
    made->tasks[0] = world->task_count - 1;
    made->schedule = (cleat__schedule){
        .workflow = cleat_slice_of(world_any_workflow(world, task)),
        .input = cleat_slice_of(task->input),
        .metadata = cleat_slice_of(task->metadata[0] != '\0' ? task->metadata : NULL),
        .priority = (int32_t)pick(world, 4),
    };
    task->is_in_doubt = task->has_idempotency_key;
    made->command.as.schedule.schedule = &made->schedule;
    made->command.as.schedule.at_ms = &made->at_ms;
    made->command.as.schedule.count = 1;
    made->command.as.schedule.ids = made->ids;
    return made;
}

/* About one of them, mostly of the young ones. */
static sim_slip *about_schedule(sim_world *world, cleat__command_kind kind)
{
    size_t at = world->task_count;
    while (at > 0 && (!world->tasks[at - 1].is_scheduled || pick(world, 3) == 0)) {
        at--;
    }
    if (at == 0) {
        return NULL;
    }
    sim_slip *made = world_new_slip(world, kind);
    made->task = at - 1;
    world_set_tenant(world, made, made->task);
    return made;
}

static sim_slip *unschedule(sim_world *world)
{
    sim_slip *made = about_schedule(world, CLEAT__COMMAND_UNSCHEDULE);
    if (made != NULL) {
        made->command.as.id = world->tasks[made->task].source_id;
    }
    return made;
}

/* From here on it may be at either time. */
static void move_to(sim_world *world, const sim_slip *made, int64_t at_ms)
{
    known *task = &world->tasks[made->task];
    task->at_ms = at_ms < task->at_ms && !made->is_foreign ? at_ms : task->at_ms;
}

static sim_slip *move(sim_world *world)
{
    sim_slip *made = about_schedule(world, CLEAT__COMMAND_CHANGE_SCHEDULES);
    if (made == NULL) {
        return NULL;
    }
    made->change = (cleat__schedule_change){.id = world->tasks[made->task].source_id,
                                            .at_ms = world->now.unix_ms + (int64_t)pick(world, 20000)};
    move_to(world, made, made->change.at_ms);
    made->command.as.change_schedules.items = &made->change;
    made->command.as.change_schedules.count = 1;
    return made;
}

static sim_slip *start_now(sim_world *world)
{
    sim_slip *made = about_schedule(world, CLEAT__COMMAND_TRIGGER_SCHEDULE);
    if (made == NULL) {
        return NULL;
    }
    move_to(world, made, world->now.unix_ms);
    made->command.as.trigger_now.id = world->tasks[made->task].source_id;
    made->command.as.trigger_now.run_id = &made->ids[0];
    return made;
}

sim_slip *world_plan(sim_world *world)
{
    uint64_t dice = pick(world, 10);
    return dice < 5   ? schedule(world)
           : dice < 7 ? unschedule(world)
           : dice < 9 ? move(world)
                      : start_now(world);
}

void world_answered_schedule(sim_world *world, const sim_slip *slip)
{
    known *task = &world->tasks[slip->task];
    bool is_moved = slip->command.kind == CLEAT__COMMAND_CHANGE_SCHEDULES;
    cleat_status status =
        is_moved && slip->command.status == CLEAT_OK ? slip->change.status : slip->command.status;
    const cleat__uuid *id = is_moved ? &slip->change.id : &slip->command.as.trigger_now.id;
    bool may_be_refused = task->has_idempotency_key && !is_moved;
    world_check(world,
                status == CLEAT_OK || status == CLEAT_NOT_FOUND ||
                    (may_be_refused && status == CLEAT_ALREADY_EXISTS),
                "a schedule: %s", cleat_status_name(status));
    if (slip->is_foreign) {
        world_check(world, status == CLEAT_NOT_FOUND, "another tenant saw a schedule");
    } else if (status == CLEAT_OK) {
        world_check(world, !task->is_taken_back && !task->was_started,
                    "%s was there after it was taken back, or started", task->input);
        world->seen.moved += is_moved;
        world->seen.started_now += !is_moved;
        task->has_fired |= !is_moved;
        task->was_started = !is_moved;
    } else if (status == CLEAT_NOT_FOUND && !cleat__uuid_is_nil(id) && task->is_acknowledged &&
               !task->is_taken_back && !task->is_in_doubt) {
        task->has_fired = true;
    }
}
