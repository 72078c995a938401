/* What runs of the simulation want of their workers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/world.h"

#include "engine/core_parts.h"

/* All that a command starts want the same label. */
static void add_label(sim_world *world, sim_slip *made, size_t item)
{
    known *task = &world->tasks[made->tasks[item]];
    if (made->desired.key.data == NULL) {
        made->desired = (cleat__desired_label){.key = cleat_slice_of("n"),
                                               .value = {.is_number = true, .number = 1},
                                               .weight = 100,
                                               .is_required = pick(world, 4) == 0};
    }
    made->items[item].labels = &made->desired;
    made->items[item].label_count = 1;
    task->needs_label = made->desired.is_required;
}

/* One of the tenant's, if there is one. */
static cleat__uuid any_worker(sim_world *world, int64_t tenant)
{
    size_t first = (size_t)pick(world, WORLD_WORKERS);
    for (size_t i = 0; i < WORLD_WORKERS; i++) {
        const sim_worker *worker = &world->workers[(first + i) % WORLD_WORKERS];
        if (worker->is_there && worker->tenant == tenant) {
            return worker->id;
        }
    }
    return world->workers[first].id;
}

void world_add_wish(sim_world *world, sim_slip *made, size_t item)
{
    known *task = &world->tasks[made->tasks[item]];
    if (pick(world, 4) == 0) {
        task->desired = any_worker(world, made->command.tenant);
        made->items[item].desired_worker = task->desired;
    }
    if (pick(world, 6) == 0 && !task->is_dag) {
        add_label(world, made, item);
    }
}

sim_slip *world_label(sim_world *world)
{
    sim_worker *worker = &world->workers[pick(world, WORLD_WORKERS)];
    if (!worker->is_there || !worker->is_known) {
        return NULL;
    }
    worker->label = (int)pick(world, 2);
    sim_slip *made = world_new_slip(world, CLEAT__COMMAND_WORKER_LABEL);
    made->by = worker;
    made->command.tenant = worker->tenant;
    made->must_exist = !worker->has_left;
    made->label = (cleat__label){cleat_slice_of("n"), {.is_number = true, .number = worker->label}};
    made->command.as.worker_label.id = worker->id;
    made->command.as.worker_label.items = &made->label;
    made->command.as.worker_label.count = 1;
    return made;
}

void world_unanswered_label(sim_world *world, const sim_slip *slip)
{
    (void)world;
    if (slip->command.kind == CLEAT__COMMAND_WORKER_LABEL) {
        slip->by->label = -1;
    }
}

void world_check_wishes(sim_world *world, const sim_worker *worker, const known *task)
{
    const cleat__run *run = cleat__runs_find(&world->core->runs, &task->id);
    if (run == NULL || run->receipt == CLEAT__RECEIPT_REPEATED || task->is_dag || task->step != NULL) {
        return;
    }
    bool is_hard = run->type->needs->sticky == CLEAT__STICKY_HARD && !cleat__uuid_is_nil(&task->desired);
    world_check(world, !is_hard || cleat__uuid_equals(&worker->id, &task->desired),
                "%s went to another worker than the one that it must have", task->input);
    world_check(world, !task->needs_label || worker->label == 1 || (worker->label < 0 && worker->is_remote),
                "%s went to a worker without the label that it must have", task->input);
    world->seen.desired += is_hard;
    world->seen.labelled += task->needs_label;
}
