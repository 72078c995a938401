/* Memory that is short while a command is done, in some lives of the simulation: it is answered so, and nothing has
 * happened; or the engine has failed, which is a crash as any. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/world.h"

#include "engine/core_parts.h"
#include "support/failing_allocator.h"

static failing_allocator memory;

void world_give_memory(void)
{
    failing_allocator_install(&memory, 0);
}

/* What the world can take back. */
static bool may_lack(const sim_world *world, const sim_slip *slip)
{
    switch (slip->command.kind) {
    case CLEAT__COMMAND_PUT_WORKFLOW:
    case CLEAT__COMMAND_PAUSE_WORKFLOW:
    case CLEAT__COMMAND_TRIGGER:
    case CLEAT__COMMAND_PUSH:
    case CLEAT__COMMAND_SCHEDULE:
    case CLEAT__COMMAND_UNSCHEDULE:
    case CLEAT__COMMAND_WAIT:
    case CLEAT__COMMAND_WATCH:
    case CLEAT__COMMAND_CANCEL:
    case CLEAT__COMMAND_REPLAY:
    case CLEAT__COMMAND_REPORT:
    case CLEAT__COMMAND_DURABLE:
    case CLEAT__COMMAND_STARTED:
    case CLEAT__COMMAND_RELEASE_SLOT:
    case CLEAT__COMMAND_REFRESH_TIMEOUT:
    case CLEAT__COMMAND_LOG:
    case CLEAT__COMMAND_PUT_STREAM:
    case CLEAT__COMMAND_WORKER_HEARTBEAT: return world->is_poor;
    case CLEAT__COMMAND_CALL: return world->is_poor && slip->piece.count == 0; /* else the world looks, too */
    default: return false;
    }
}

/* Who was not told that an attempt was cancelled finds out when its report is ignored: in the engine's own process here and
 * now, since what such a worker knows is compared with what it holds. */
static void forget_cancelled(sim_world *world)
{
    for (size_t i = 0; i < WORLD_WORKERS; i++) {
        sim_worker *worker = &world->workers[i];
        for (int32_t at = worker->count; at > 0 && !worker->is_remote; at--) {
            const sim_held *held = &worker->held[at - 1];
            const cleat__run *run = cleat__runs_find(&world->core->runs, &world->tasks[held->task].id);
            bool is_there = run != NULL && run->worker != NULL && run->retry_count == held->retry_count &&
                            cleat__uuid_equals(&run->worker->id, &worker->id);
            if (!is_there) {
                worker->held[at - 1] = worker->held[--worker->count];
            }
        }
    }
}

/* The worker says it again some time. */
static void take_back(sim_world *world, sim_slip *slip)
{
    if (slip->by != NULL && slip->by->is_there) {
        world_check(world, slip->by->count < WORLD_HELD, "a worker got too much");
        slip->by->held[slip->by->count++] = slip->was;
    }
    memset(slip->ids, 0, sizeof(slip->ids));
}

void world_do(sim_world *world, sim_slip *slip)
{
    bool lacks = may_lack(world, slip) && pick(world, 4) == 0;
    if (lacks) {
        failing_allocator_install(&memory, 1 + (size_t)pick(world, pick(world, 2) == 0 ? 8 : 60));
        memory.is_once = pick(world, 2) == 0;
    }
    cleat__core_apply(world->core, world->now, &slip->command);
    if (lacks) {
        slip->lacks = failing_allocator_has_failed(&memory);
        failing_allocator_install(&memory, 0);
    }
    if (slip->lacks && slip->command.status == CLEAT_NO_MEMORY &&
        cleat__core_failure(world->core) == CLEAT_OK) {
        world_note(world, "  memory is short");
        take_back(world, slip);
    } else if (slip->lacks && cleat__core_failure(world->core) == CLEAT_OK) {
        forget_cancelled(world);
    }
}

void world_answered_nothing(sim_world *world, const sim_slip *slip)
{
    world->seen.lacked++;
    if (slip->command.kind == CLEAT__COMMAND_WATCH) {
        slip->looks->is_there = false;
    }
    for (size_t i = 0; slip->command.kind == CLEAT__COMMAND_PUSH && i < slip->command.as.push.count; i++) {
        world->tasks[slip->tasks[i]].starts = false;
    }
    if (slip->command.kind == CLEAT__COMMAND_SCHEDULE) {
        world->tasks[slip->tasks[0]].starts = false;
    }
}
