/* What must be true of concurrency between any two steps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/world.h"

#include "engine/dag.h"
#include "engine/life_parts.h"
#include "store/statement.h"

/* Who waits while his workflow is paused neither has slots nor waits for any, unless he has begun. */
static void check_pause(sim_world *world, const cleat__contender *one, size_t taken)
{
    const cleat__run *run = one->run;
    bool is_paused = run->type->workflow->pause.is_paused;
    bool is_waiting = run->state == CLEAT_RUN_QUEUED && !run->is_backing_off && !run->is_held;
    if (one->is_left_out) {
        world_check(world, is_paused && is_waiting && taken == 0 && run->level == 0,
                    "a run is left out, and has or waits for %zu slots", taken);
        world->seen.left_out++;
    } else if (is_paused && is_waiting && one->held != one->count) {
        world_check(world, false, "a run of a paused workflow waits for slots");
    } else if (is_paused && is_waiting && !cleat__run_is_dag(run)) {
        world_check(world, cleat__life_has_begun(run),
                    "a run of a paused workflow has slots, and has not begun");
    }
}

/* A queue of its own would be one too: it holds its slots and waits for a worker. */
static void check_contender(sim_world *world, const cleat__contender *one)
{
    const cleat__run *run = one->run;
    world_check(world, cleat__runs_find(&world->core->runs, &one->claim.id) == run,
                "slots of a run that is gone");
    size_t waiting = 0;
    for (size_t i = 0; i < one->count; i++) {
        bool is_held = one->seats[i].state == CLEAT__SEAT_HOLDING, is_given = (one->given >> i & 1) != 0;
        world_check(world, is_held == (i < one->held && !is_given),
                    "slots are held out of the order of the chain");
        waiting += one->seats[i].state == CLEAT__SEAT_WAITING;
    }
    bool has_all = one->held == one->count;
    check_pause(world, one, one->held + waiting);
    if (one->is_left_out) {
        return;
    }
    if (cleat__run_is_dag(run)) {
        bool is_admitted = cleat__dag_of_run(one->run)->is_admitted;
        world_check(world, is_admitted ? has_all : !has_all && waiting == 1,
                    "a run of several tasks has %zu of %zu slots", one->held, one->count);
        world->seen.held_back += !is_admitted;
    } else if (run->state != CLEAT_RUN_QUEUED || run->level != 0) {
        world_check(world, has_all, "a run goes on with %zu of %zu slots", one->held, one->count);
    } else if (run->is_backing_off || run->is_held) {
        world_check(world, one->held + waiting == 0, "a run that backs off, or is held, keeps a slot");
    } else {
        world_check(world, !has_all && waiting == 1, "a run is in no queue and waits for no slot");
        world->seen.held_back++;
    }
}

static void check_group(sim_world *world, const cleat__limit_group *group)
{
    const cleat__group *slots = &group->group;
    cleat__seat *seat = NULL;
    world_check(world, slots->holding.count <= WORLD_MAX_RUNS, "%zu runs of one key hold a slot",
                slots->holding.count);
    world_check(world, slots->waiting.count + slots->holding.count != 0 || group->seat_count != 0,
                "a group is kept for nobody");
    if (!group->is_noted) {
        world_check(world, cleat__group_next(slots, &seat) == CLEAT__VERDICT_NONE,
                    "something is to be done about a key, and nobody will");
    }
}

/* Who waits for units waits for a limit that has too few, and somebody will look again. */
static void check_rate(sim_world *world, const cleat__rate *rate)
{
    const cleat__rate_window *window = &rate->window;
    world_check(world, window->value >= 0 && window->value <= WORLD_RATE && window->limit == WORLD_RATE,
                "%d of %d units are left", window->value, window->limit);
    for (const cleat__lane *lane = rate->waiting.head; lane != NULL; lane = lane->next) {
        world_check(world, lane->parked_in == &rate->waiting && lane->count != 0, "nobody is parked");
        world_check(world, window->value < lane->units->items[0].units, "somebody waits for what is there");
        world_check(world, rate->timer.position != 0, "nobody will look at a rate limit again");
        world->seen.parked += lane->count;
    }
}

/* A task that has not come into its queue; it has no seats yet. */
static bool is_held(const cleat__run *run)
{
    if (run->type->dag == NULL) {
        return false;
    }
    const cleat__dag *dag = cleat__dag_of_task(run);
    return dag->tasks[run->type->step].stage != CLEAT__DAG_FREE;
}

void world_check_limits(sim_world *world)
{
    const cleat__limits *limits = &world->core->limits;
    size_t cursor = 0, limited = 0;
    const cleat__run *run;
    while ((run = cleat__map_next(&world->core->runs.by_id, &cursor)) != NULL) {
        limited += cleat__run_is_limited(run) && !is_held(run);
    }
    world_check(world, limited == limits->contenders.count, "%zu runs have limits, %zu of them seats",
                limited, limits->contenders.count);
    const void *each;
    cursor = 0;
    while ((each = cleat__map_next(&limits->contenders, &cursor)) != NULL) {
        check_contender(world, each);
    }
    cursor = 0;
    while ((each = cleat__map_next(&world->core->rates.by_key, &cursor)) != NULL) {
        check_rate(world, each);
    }
    cursor = 0;
    while ((each = cleat__map_next(&limits->groups, &cursor)) != NULL) {
        check_group(world, each);
    }
}

uint64_t world_count(const sim_world *world, const char *outcome)
{
    static const char sql[] = "SELECT count(*) FROM task_end WHERE outcome = ?1";
    sqlite3_stmt *select = NULL;
    world_check(world, cleat__store_prepare(world->core->store, sql, &select) == CLEAT_OK, "count");
    sqlite3_bind_text(select, 1, outcome, -1, SQLITE_STATIC);
    world_check(world, sqlite3_step(select) == SQLITE_ROW, "count");
    uint64_t count = (uint64_t)sqlite3_column_int64(select, 0);
    sqlite3_reset(select);
    return count;
}
