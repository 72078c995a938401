/* Runs of the simulation that go on as new ones: an invocation asks for the new run, perhaps several of them do, and a report
 * names it. What it was is told by the world alone: each run has one that it may go on as, known from the first ask on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/world.h"

#include "engine/core_parts.h"
#include "engine/dag.h"
#include "model/continued.h"

/* Behind the waits; no more can be asked for. */
#define NODE     3
#define NODE_KEY CLEAT__CONTINUED_MARK "1.3"
_Static_assert(NODE == WORLD_WAITS + 1, "it is the node behind the waits");

/* ---- Asking ---- */

/* The workflow of a run that may go on; NULL: it is none. */
static const char *workflow_of(const sim_world *world, const known *task)
{
    const cleat__run *run = cleat__runs_find(&world->core->runs, &task->id);
    bool may_go_on = run != NULL && task->step == NULL && cleat__run_is_durable(run);
    for (size_t i = 0; may_go_on && i < WORLD_DAG; i++) {
        if (cleat_slice_equals(run->type->workflow->name, cleat_slice_of(world_workflows[i]))) {
            return world_workflows[i];
        }
    }
    return NULL;
}

static void make_next(sim_world *world, size_t task)
{
    known *next = world_new_task(world, world->tasks[task].tenant, NOBODY);
    next->is_child = true;
    next->parent = task;
    next->is_next = true;
    next->child_index = NODE;
    snprintf(next->child_key, sizeof(next->child_key), NODE_KEY);
    snprintf(next->key, sizeof(next->key), NODE_KEY);
    next->desired = world->tasks[task].desired;
    next->needs_label = world->tasks[task].needs_label;
    world->tasks[task].next = world->task_count - 1;
}

static sim_slip *ask_next(sim_world *world, sim_worker *worker, size_t index)
{
    sim_held *held = &worker->held[index];
    const char *workflow = workflow_of(world, &world->tasks[held->task]);
    if (workflow == NULL || world->task_count >= WORLD_STARTED) {
        return NULL;
    }
    if (world->tasks[held->task].next == 0) {
        make_next(world, held->task);
    }
    held->has_next = true;
    const known *next = &world->tasks[world->tasks[held->task].next];
    sim_slip *made = world_new_slip(world, CLEAT__COMMAND_DURABLE);
    made->task = held->task;
    made->asks_next = true;
    made->command.tenant = worker->tenant;
    made->command.as.durable.run_id = world->tasks[held->task].id;
    made->command.as.durable.invocation_count = held->invocation;
    world_ask_waits(made, WORLD_WAITS);
    made->items[0] = (cleat__trigger){
        .workflow = cleat_slice_of(workflow),
        .input = cleat_slice_of(next->input),
        .metadata = cleat_slice_of(next->metadata[0] != '\0' ? next->metadata : NULL),
        .child_index = -1,
        .child_key = cleat_slice_of(CLEAT__CONTINUED_KEY),
    };
    cleat__durable_request *request = &made->requests[WORLD_WAITS];
    request->kind = CLEAT__DURABLE_TRIGGER;
    request->number = NODE;
    request->as.trigger.items = made->items;
    request->as.trigger.count = 1;
    request->as.trigger.ids = made->ids;
    request->as.trigger.nodes = &made->node;
    made->command.as.durable.count = WORLD_WAITS + 1;
    return made;
}

static sim_slip *end_or_ask(sim_world *world, sim_worker *worker, size_t index)
{
    bool ends = worker->held[index].has_next && pick(world, 4) != 0;
    return ends ? world_report(world, worker, index) : ask_next(world, worker, index);
}

sim_slip *world_go_on(sim_world *world)
{
    size_t first = (size_t)pick(world, WORLD_WORKERS);
    for (size_t i = 0; i < WORLD_WORKERS; i++) {
        sim_worker *worker = &world->workers[(first + i) % WORLD_WORKERS];
        for (int32_t held = worker->count; held > 0; held--) { /* of a chain, if it has one */
            if (workflow_of(world, &world->tasks[worker->held[held - 1].task]) != NULL) {
                return end_or_ask(world, worker, (size_t)held - 1);
            }
        }
    }
    return NULL;
}

/* ---- From one to the next ---- */

/* The run of that id is the next one, or follows it, where all before it were old and may be gone. */
static bool is_next(const sim_world *world, size_t next, const cleat__uuid *id)
{
    while (next != 0 && !cleat__uuid_equals(&world->tasks[next].id, id)) {
        next = world->tasks[next].removal != REMOVED_NOT ? world->tasks[next].next : 0;
    }
    return next != 0;
}

bool world_is_parent(const sim_world *world, const known *task, const cleat__uuid *id)
{
    const known *parent = &world->tasks[task->parent];
    while (!cleat__uuid_equals(&parent->id, id)) {
        if (!task->is_next || !parent->is_next || parent->removal == REMOVED_NOT) {
            return false;
        }
        parent = &world->tasks[parent->parent];
    }
    return true;
}

bool world_is_output(const sim_world *world, const known *task, const char *output)
{
    cleat__uuid former, latter;
    return strcmp(task->output, output) == 0 ||
           (cleat__continued_parse(cleat_slice_of(task->output), &former) &&
            cleat__continued_parse(cleat_slice_of(output), &latter) && is_next(world, task->next, &former) &&
            is_next(world, task->next, &latter));
}

size_t world_follow(const sim_world *world, size_t task)
{
    size_t at = task;
    while (at != NOBODY && cleat__runs_find(&world->core->runs, &world->tasks[at].id) == NULL) {
        at = world->tasks[at].next != 0 ? world->tasks[at].next : NOBODY;
    }
    return at != NOBODY ? at : task;
}

/* ---- What is learnt ---- */

void world_learn_next(sim_world *world, const sim_slip *slip)
{
    const cleat__uuid *id = &slip->ids[0];
    size_t index = world->tasks[slip->task].next;
    known *next = &world->tasks[index];
    if (cleat__uuid_is_nil(id)) {
        return;
    }
    world_check(world, !next->is_acknowledged || is_next(world, index, id),
                "%s goes on as another run than in a former attempt", world->tasks[slip->task].input);
    world->tasks[slip->task].told_next = *id;
    if (!next->is_acknowledged) {
        next->id = *id; /* another one was lost before it was stored, or it is the same */
    }
}

void world_answered_next(sim_world *world, const sim_slip *slip)
{
    if (slip->command.status == CLEAT_OK) {
        world->tasks[world->tasks[slip->task].next].is_acknowledged = true;
        world->seen.held_next++;
    }
}

void world_unanswered_next(sim_world *world, const sim_slip *slip)
{
    world->tasks[slip->task].told_next = (cleat__uuid){{0}};
}

/* One that names the run itself is an output as any. */
void world_say_next(sim_world *world, sim_slip *slip)
{
    const known *task = &world->tasks[slip->task];
    if (slip->says_next && !cleat__uuid_is_nil(&task->told_next)) {
        bool lies = pick(world, 12) == 0;
        cleat__continued_format(lies ? &task->id : &task->told_next, slip->text);
        slip->command.as.report.output = cleat_slice_of(slip->text);
        world->seen.went_on += slip->was_held && !lies;
    }
}

/* ---- In memory ---- */

/* What a run is to go on as is held as long as it lives. */
static void check_held(const sim_world *world, const cleat__run *next)
{
    size_t index = world_find(world, &next->id);
    world_check(world, index != NOBODY && world->tasks[index].is_next, "a run is held for nobody");
    const known *parent = &world->tasks[world->tasks[index].parent];
    cleat__run *former = cleat__runs_find(&world->core->runs, &parent->id);
    world_check(world, former != NULL && cleat__run_is_durable(former), "%s is held for a run that is over",
                world->tasks[index].input);
    world_check(world, cleat__uuid_equals(&cleat__durable_of(former)->next_id, &next->id),
                "%s is held for a run that does not know it", world->tasks[index].input);
}

void world_check_chains(const sim_world *world)
{
    size_t cursor = 0;
    const cleat__run *run;
    while ((run = cleat__map_next(&world->core->runs.by_id, &cursor)) != NULL) {
        if (run->is_held && !cleat__run_is_dag(run) && run->type->dag == NULL) {
            check_held(world, run);
        }
    }
}

/* ---- In the file ---- */

void world_check_stored_next(const sim_world *world, const world_stored *stored, size_t task)
{
    const known *former = &world->tasks[task], *next = &world->tasks[former->next];
    const world_stored *is = &stored[former->next];
    cleat__uuid named;
    if (former->next == 0 || former->is_replayed || next->is_replayed || stored[task].state < 0 ||
        is->state < 0) {
        return;
    }
    bool has_ended = stored[task].state > CLEAT_RUN_RUNNING && stored[task].state != CLEAT_RUN_EVICTED;
    bool has_gone_on = has_ended && cleat__continued_parse(cleat_slice_of(former->output), &named) &&
                       is_next(world, former->next, &named);
    if (!has_gone_on) {
        bool is_held = is->state == CLEAT_RUN_QUEUED && !is->is_free;
        world_check(world, is->state == CLEAT_RUN_CANCELLED || (is_held && !has_ended),
                    "%s has not gone on, and %s is %d", former->input, next->input, is->state);
    } else {
        world_check(world, is->state != CLEAT_RUN_QUEUED || is->is_free, "%s has ended, and holds up %s",
                    former->input, next->input);
    }
}
