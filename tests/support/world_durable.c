/* Invocations of durable runs in the simulation: they wait for a time or an event, evicted, once or twice. What their logs
 * say is the durable simulation's matter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/world.h"

#include "engine/core_parts.h"

/* All nodes of all runs wait for this. */
static const cleat__condition conditions[] = {
    {.kind = CLEAT__CONDITION_SLEEP,
     .data_key = {"s", 1},
     .group = {"g", 1},
     .sleep_ms = 1000,
     .sleep_text = {"1s", 2}},
    {.kind = CLEAT__CONDITION_EVENT, .data_key = {"e", 1}, .group = {"g", 1}, .key = {"k", 1}},
};

void world_ask_waits(sim_slip *made, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        made->requests[i].kind = CLEAT__DURABLE_WAIT_FOR;
        made->requests[i].number = (int64_t)i + 1;
        made->requests[i].as.wait_for.conditions = conditions;
        made->requests[i].as.wait_for.count = 2;
    }
    made->command.as.durable.requests = made->requests;
    made->command.as.durable.count = count;
}

/* What an invocation asks for that is begun anew each time: the first node, perhaps the second, and its end. */
static void ask(sim_world *world, sim_slip *made)
{
    size_t nodes = 1 + (size_t)pick(world, WORLD_WAITS);
    world_ask_waits(made, nodes);
    made->node = (cleat__node){CLEAT__BRANCH_UNSAID, (int64_t)nodes};
    made->requests[nodes].kind = CLEAT__DURABLE_EVICT;
    made->requests[nodes].as.evict.nodes = &made->node;
    made->requests[nodes].as.evict.count = 1;
    made->requests[nodes].as.evict.is_all = true;
    made->command.as.durable.count = nodes + 1;
}

/* Its worker has no more to do with it, whatever the answer is. */
sim_slip *world_wait(sim_world *world, sim_worker *worker, size_t index)
{
    const sim_held held = worker->held[index];
    if (held.invocation == 0) {
        return NULL;
    }
    sim_slip *made = world_new_slip(world, CLEAT__COMMAND_DURABLE);
    made->task = held.task;
    made->command.tenant = worker->tenant;
    made->command.as.durable.run_id = world->tasks[held.task].id;
    made->command.as.durable.invocation_count = held.invocation;
    ask(world, made);
    made->by = worker;
    made->was = held;
    worker->held[index] = worker->held[--worker->count];
    return made;
}

void world_answered_durable(sim_world *world, sim_slip *slip)
{
    cleat_status status = slip->command.status;
    world_check(world, status == CLEAT_OK || status == CLEAT_CANCELLED, "%s: its invocation: %s",
                world->tasks[slip->task].input, slip->command.error);
    if (slip->asks_next) {
        world_answered_next(world, slip);
    } else {
        world->seen.waited += status == CLEAT_OK;
    }
    for (size_t i = 0; i < slip->command.as.durable.count; i++) {
        cleat__durable_request_deinit(&slip->requests[i]);
    }
}

bool world_is_present(const sim_world *world, cleat__run *run, int32_t invocation)
{
    if (!cleat__run_is_durable(run)) {
        return true;
    }
    cleat__durable *durable = cleat__durable_of(run);
    world_check(world, cleat__durable_know(world->core, durable) == CLEAT_OK, "%s", cleat_error_message());
    return durable->invocation_count == invocation;
}
