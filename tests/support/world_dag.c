/* Workflows of several tasks in the simulation: their shapes, and what must be true of their runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/world.h"

#include "engine/dag.h"

#include <inttypes.h>

/* ---- Shapes ---- */

#define TEXT(text)               \
    {                            \
        (text), sizeof(text) - 1 \
    }
#define LIST(array)          (array), sizeof(array) / sizeof((array)[0])
#define OF_PARENT(who, what) .parent = TEXT(who), .of = {.expression = TEXT(what)}

static const cleat_slice a0[] = {TEXT("a0")}, b0_c0[] = {TEXT("b0"), TEXT("c0")}, a1[] = {TEXT("a1")},
                         b1[] = {TEXT("b1")}, a2_b2[] = {TEXT("a2"), TEXT("b2")}, c2[] = {TEXT("c2")},
                         a3[] = {TEXT("a3")}, b3_c3[] = {TEXT("b3"), TEXT("c3")},
                         a4_b4[] = {TEXT("a4"), TEXT("b4")};

static const cleat__step_condition if_even[] = {
    {.action = CLEAT__STEP_SKIP, OF_PARENT("a1", "int(output.r) % 2 == 0")},
};
static const cleat__step_condition unless_third[] = {
    {.action = CLEAT__STEP_CANCEL, OF_PARENT("a2", "int(output.r) % 3 == 0")},
};
static const cleat__step_condition time_or_event[] = {
    {.action = CLEAT__STEP_QUEUE,
     .of = {.kind = CLEAT__CONDITION_SLEEP,
            .data_key = TEXT("s"),
            .group = TEXT("g"),
            .sleep_ms = 2000,
            .sleep_text = TEXT("2s")}},
    {.action = CLEAT__STEP_QUEUE,
     .of = {.kind = CLEAT__CONDITION_EVENT,
            .data_key = TEXT("e"),
            .group = TEXT("g"),
            .key = TEXT("k"),
            .expression = TEXT("int(input.n) % 2 == 0")}},
};
static const cleat__step_condition one_second[] = {
    {.action = CLEAT__STEP_QUEUE,
     .of =
         {.kind = CLEAT__CONDITION_SLEEP, .data_key = TEXT("s"), .sleep_ms = 1000, .sleep_text = TEXT("1s")}},
};
static const cleat__step_condition event_skips[] = {
    {.action = CLEAT__STEP_QUEUE,
     .of = {.kind = CLEAT__CONDITION_SLEEP,
            .data_key = TEXT("s"),
            .sleep_ms = 10000,
            .sleep_text = TEXT("10s")}},
    {.action = CLEAT__STEP_SKIP,
     .of = {.kind = CLEAT__CONDITION_EVENT, .data_key = TEXT("e"), .key = TEXT("ka")}},
    {.action = CLEAT__STEP_CANCEL,
     .of = {.kind = CLEAT__CONDITION_EVENT, .data_key = TEXT("f"), .key = TEXT("kb"), .scope = TEXT("t")}},
};
static const cleat__step_condition one_is_even[] = {
    {.action = CLEAT__STEP_QUEUE,
     .parent = TEXT("a4"),
     .of = {.expression = TEXT("int(output.r) % 2 == 0"), .group = TEXT("g")}},
    {.action = CLEAT__STEP_QUEUE,
     .parent = TEXT("b4"),
     .of = {.expression = TEXT("int(output.r) % 2 == 0"), .group = TEXT("g")}},
};

/* A task of a workflow as it is declared, but for its policy. Its name is of it alone, the number that of its shape. */
struct world_step {
    const char *name;
    size_t action; /* of world_actions */
    const cleat_slice *parents;
    size_t parent_count;
    const cleat__step_condition *conditions;
    size_t condition_count;
    bool has_waits; /* among these */
    bool is_on_failure;
    bool needs_one_parent; /* not each of them */
};

typedef struct world_shape {
    size_t count;
    world_step steps[WORLD_STEPS];
} world_shape;

static const world_shape shapes[] = {
    {4,
     {{.name = "a0", .action = 0},
      {.name = "b0", .action = 1, .parents = a0, .parent_count = 1},
      {.name = "c0", .action = 2, .parents = a0, .parent_count = 1},
      {.name = "d0", .action = 0, .parents = b0_c0, .parent_count = 2}}},
    {4,
     {{.name = "a1", .action = 0},
      {.name = "b1",
       .action = 1,
       .parents = a1,
       .parent_count = 1,
       .conditions = if_even,
       .condition_count = 1},
      {.name = "c1", .action = 0, .parents = b1, .parent_count = 1},
      {.name = "d1", .action = 2, .is_on_failure = true}}},
    {4,
     {{.name = "a2", .action = 2},
      {.name = "b2", .action = 1},
      {.name = "c2",
       .action = 0,
       .parents = a2_b2,
       .parent_count = 2,
       .conditions = unless_third,
       .condition_count = 1},
      {.name = "d2", .action = 0, .parents = c2, .parent_count = 1}}},
    {4,
     {{.name = "a3", .action = 0, .conditions = time_or_event, .condition_count = 2, .has_waits = true},
      {.name = "b3",
       .action = 1,
       .parents = a3,
       .parent_count = 1,
       .conditions = one_second,
       .condition_count = 1,
       .has_waits = true},
      {.name = "c3",
       .action = 2,
       .parents = a3,
       .parent_count = 1,
       .conditions = event_skips,
       .condition_count = 3,
       .has_waits = true},
      {.name = "d3", .action = 0, .parents = b3_c3, .parent_count = 2}}},
    {4,
     {{.name = "a4", .action = 0},
      {.name = "b4", .action = 2},
      {.name = "c4",
       .action = 1,
       .parents = a4_b4,
       .parent_count = 2,
       .conditions = one_is_even,
       .condition_count = 2,
       .needs_one_parent = true},
      {.name = "d4", .action = 0, .is_on_failure = true}}},
    {1, {{.name = "a5", .action = 0, .conditions = one_second, .condition_count = 1, .has_waits = true}}},
    {2, {{.name = "a6", .action = 1}, {.name = "b6", .action = 0, .is_on_failure = true}}},
};

void world_add_steps(sim_world *world, sim_slip *made)
{
    const cleat__policy policy = made->steps[0].policy;
    const world_shape *shape = &shapes[pick(world, sizeof(shapes) / sizeof(shapes[0]))];
    for (size_t i = 0; i < shape->count; i++) {
        const world_step *step = &shape->steps[i];
        made->steps[i] = (cleat__workflow_task){
            .name = cleat_slice_of(step->name),
            .action = cleat_slice_of(world_actions[step->action]),
            .policy = policy,
            .parents = step->parents,
            .parent_count = step->parent_count,
            .conditions = step->conditions,
            .condition_count = step->condition_count,
            .is_on_failure = step->is_on_failure,
        };
        made->steps[i].policy.retries = (int32_t)pick(world, 3);
        made->steps[i].is_durable = pick(world, 2) == 0;
    }
    made->workflow.task_count = shape->count;
}

static const world_shape *shape_of(const world_step *step)
{
    return &shapes[step->name[1] - '0'];
}

static size_t index_of(const world_step *step)
{
    return (size_t)(step->name[0] - 'a');
}

static const world_step *find_step(const sim_world *world, cleat_slice name)
{
    bool is_name = name.size == 2 && name.data[1] >= '0' &&
                   (size_t)(name.data[1] - '0') < sizeof(shapes) / sizeof(shapes[0]);
    const world_shape *shape = is_name ? &shapes[name.data[1] - '0'] : NULL;
    size_t at = is_name ? (size_t)(name.data[0] - 'a') : 0;
    world_check(world, shape != NULL && at < shape->count, "no workflow has a task \"%.*s\"",
                CLEAT_SLICE_ARGS(name));
    return &shape->steps[at];
}

/* The task of the run that the world knows; NOBODY: not yet. */
static size_t find_task(const sim_world *world, size_t root, const world_step *step)
{
    for (size_t i = world->task_count; i > root; i--) {
        if (world->tasks[i - 1].step == step && world->tasks[i - 1].root == root) {
            return i - 1;
        }
    }
    return NOBODY;
}

size_t world_name_task(sim_world *world, size_t root, const cleat__uuid *id, cleat_slice name)
{
    const world_step *step = find_step(world, name);
    known *run = &world->tasks[root];
    world_check(world, find_task(world, root, step) == NOBODY, "%s has its task %s twice", run->input,
                step->name);
    world_check(world, world->task_count < WORLD_TASKS, "too many tasks");
    known made = {.id = *id,
                  .tenant = run->tenant,
                  .is_acknowledged = true,
                  .step = step,
                  .root = root,
                  .is_replayed = run->is_replayed,
                  .child_index = -1,
                  .attempt = -1,
                  .end = -1};
    snprintf(made.input, sizeof(made.input), "%.20s/%s", run->input, step->name);
    run->is_dag = true;
    world->tasks[world->task_count] = made;
    return world->task_count++;
}

void world_replay_dag(sim_world *world, size_t task)
{
    const known *said = &world->tasks[task];
    size_t root = said->step != NULL ? said->root : task;
    for (size_t i = 0; i < world->task_count; i++) {
        known *other = &world->tasks[i];
        other->is_replayed = other->is_replayed || i == root || (other->step != NULL && other->root == root);
    }
}

/* ---- What a task is told ---- */

/* Whether the text has the parent's output: all that tasks make here are objects. */
static bool has_parent(const sim_world *world, const known *task, size_t parent, cleat_slice text)
{
    const world_step *step = find_step(world, task->step->parents[parent]);
    size_t index = find_task(world, task->root, step);
    const known *made = index != NOBODY ? &world->tasks[index] : NULL;
    char wanted[300];
    bool is_known = made != NULL && made->end == CLEAT_RUN_COMPLETED && !made->is_replayed;
    snprintf(wanted, sizeof(wanted), "\"%s\":%s", step->name, is_known ? made->output : "{");
    return text.data != NULL && strstr(text.data, wanted) != NULL; /* it has a NUL behind it */
}

void world_check_told(const sim_world *world, const known *task, const cleat__assignment *given)
{
    size_t count = 0;
    for (size_t i = 0; i < task->step->parent_count; i++) {
        count += has_parent(world, task, i, given->parents);
    }
    bool has_enough = task->step->needs_one_parent ? count > 0 : count == task->step->parent_count;
    world_check(world, has_enough || task->is_replayed, "%s came before its parents, or has not %.*s",
                task->input, CLEAT_SLICE_ARGS(given->parents));
    world_check(world, (given->triggers.size != 0) == task->step->has_waits, "%s has waited for %.*s",
                task->input, CLEAT_SLICE_ARGS(given->triggers));
    world_check(world,
                !task->step->is_on_failure || task->is_replayed ||
                    (given->step_errors.data != NULL && strstr(given->step_errors.data, "\":\"") != NULL),
                "%s runs on no failure", task->input);
}

/* ---- In memory ---- */

static void check_live(const sim_world *world, const cleat__run *run)
{
    cleat__dag *dag = cleat__dag_of_run((cleat__run *)(uintptr_t)run);
    size_t left = 0;
    for (size_t i = 0; i < dag->plan->task_count; i++) {
        const cleat__dag_task *task = &dag->tasks[i];
        const cleat__run *found = cleat__runs_find(&world->core->runs, &task->id);
        left += task->run != NULL;
        world_check(world, found == task->run, "a task of a run is lost, or too many");
        world_check(world, (task->run == NULL) == (task->stage == CLEAT__DAG_ENDED), "a task at stage %d",
                    task->stage);
        if (task->run != NULL) {
            bool is_free = task->stage == CLEAT__DAG_FREE;
            bool is_under_way = found->state != CLEAT_RUN_QUEUED || found->level != 0 ||
                                found->is_backing_off || (is_free && cleat__run_is_limited(found));
            world_check(world, cleat__dag_root(found) == run, "a task of another run");
            world_check(world, is_free == is_under_way, "a task at stage %d is %d", task->stage,
                        found->state);
        }
    }
    world_check(world,
                left == dag->left && left != 0 && !dag->is_moving && dag->ended == dag->plan->task_count,
                "a run lives with %zu of %zu tasks", dag->left, left);
}

uint64_t world_check_dags(const sim_world *world)
{
    uint64_t running = 0;
    size_t cursor = 0;
    const cleat__run *run;
    while ((run = cleat__map_next(&world->core->runs.by_id, &cursor)) != NULL) {
        if (cleat__run_is_dag(run)) {
            running += run->state == CLEAT_RUN_RUNNING;
            check_live(world, run);
        }
    }
    return running;
}

/* ---- In the file ---- */

/* How runs have ended follows from how their tasks have. A row is what does not. */
static const char wrong_ends[] =
    "WITH ended AS (SELECT t.dag_id, y.task_name AS name, t.type_id, e.state, e.output, e.error "
    "  FROM task t JOIN task_type y ON y.id = t.type_id JOIN task_end e ON e.id = t.id "
    "  WHERE t.dag_id IS NOT NULL) "
    "SELECT d.input || ' has ended as ' || e.state || coalesce(' with ' || e.output, '') || "
    "  coalesce(', error ' || e.error, '') "
    "FROM task d JOIN task_type y ON y.id = d.type_id AND y.dag_type = 0 JOIN task_end e ON e.id = d.id "
    "WHERE e.state <> (SELECT CASE WHEN max(s.state = 3) THEN 3 WHEN max(s.state = 4) THEN 4 ELSE 2 END "
    "    FROM ended s WHERE s.dag_id = d.id) "
    "  OR e.output IS NOT iif(e.state = 2, (SELECT '{' || group_concat('\"' || name || '\":' || output, ',') "
    "    || '}' FROM (SELECT * FROM ended s WHERE s.dag_id = d.id ORDER BY s.type_id)), NULL) "
    "  OR (e.state = 3 AND e.error NOT IN (SELECT s.error FROM ended s WHERE s.dag_id = d.id AND s.state = "
    "3))";

void world_audit_ends(const sim_world *world, cleat__store *store)
{
    sqlite3_stmt *select = NULL;
    world_check(world, cleat__store_prepare(store, wrong_ends, &select) == CLEAT_OK, "audit: %s",
                cleat_error_message());
    if (sqlite3_step(select) == SQLITE_ROW) {
        world_fail(world, "%s", (const char *)sqlite3_column_text(select, 0));
    }
    sqlite3_reset(select);
}

/* What a task is follows from what its parents are; a replay of it alone does not ask for that. */
static void check_task(const sim_world *world, const world_stored *stored, const world_step *step,
                       size_t root)
{
    size_t task = find_task(world, root, step), completed = 0;
    for (size_t i = 0; i < step->parent_count; i++) {
        const world_step *parent = find_step(world, step->parents[i]);
        completed += stored[find_task(world, root, parent)].state == CLEAT_RUN_COMPLETED;
    }
    const world_stored *is = &stored[task];
    const known *run = &world->tasks[task];
    bool has_enough = step->needs_one_parent ? completed > 0 : completed == step->parent_count;
    bool has_run = is->state == CLEAT_RUN_RUNNING || is->state == CLEAT_RUN_EVICTED ||
                   is->state == CLEAT_RUN_FAILED || (is->state == CLEAT_RUN_COMPLETED && !is->is_skipped);
    world_check(world, has_enough || !(has_run || is->is_free), "%s goes on before its parents", run->input);
    bool has_ended = stored[root].state > CLEAT_RUN_RUNNING;
    world_check(world, has_enough || !has_ended || is->state == CLEAT_RUN_CANCELLED,
                "%s has ended as %d behind its parents", run->input, is->state);
    world_check(world, !is->is_skipped || step->parent_count != 0 || step->is_on_failure,
                "%s was skipped for nothing", run->input);
}

void world_check_stored_dag(const sim_world *world, const world_stored *stored, size_t root)
{
    const world_step *any = NULL;
    size_t count = 0;
    for (size_t i = root + 1; i < world->task_count; i++) {
        const known *task = &world->tasks[i];
        if (task->step != NULL && task->root == root) {
            any = task->step;
            count += stored[i].state >= 0;
        }
    }
    world_check(world, any != NULL && count == shape_of(any)->count && index_of(any) < count,
                "%s has %zu tasks", world->tasks[root].input, count);
    for (size_t i = 0; i < count && !world->tasks[root].is_replayed; i++) {
        check_task(world, stored, &shape_of(any)->steps[i], root);
    }
}
