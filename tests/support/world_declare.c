/* What workflows of the simulation are declared with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/world.h"

const char *const world_workflows[] = {"a", "b", "c", "d"};
static const cleat_slice event_patterns[] = {{"_*a", 3}, {"kb", 2}, {NULL, 0}, {"kd", 2}};
/* Of the second. An event of the first scope starts one run of it, others none. */
static const cleat__filter filters[] = {
    {{"s", 1},
     {"event_key == 'kb' && has(payload.f)", 35},
     {WORLD_FILTER_PAYLOAD, sizeof(WORLD_FILTER_PAYLOAD) - 1}},
    {{"s", 1}, {"has(input.none)", 15}, {NULL, 0}},
    {{"t", 1}, {"input.none", 10}, {NULL, 0}},
};

static const cleat_slice each_minute = {"* * * * *", 9}; /* of the third */
static const cleat_slice each_second_minute = {WORLD_DAG_CRON, sizeof(WORLD_DAG_CRON) - 1};

/* The third: one rule for each strategy, and one behind it in the chain. Which ones there are
 * changes, not what they say. */
static void add_rules(sim_world *world, sim_slip *made)
{
    static const cleat_concurrency_strategy strategies[] = {
        CLEAT_GROUP_ROUND_ROBIN, CLEAT_CANCEL_IN_PROGRESS, CLEAT_CANCEL_NEWEST,
        CLEAT_CANCEL_QUEUED_EXCEPT_NEWEST, CLEAT_CANCEL_QUEUED_EXCEPT_OLDEST};
    made->rules[0] = (cleat__concurrency){.expression = cleat_slice_of("string(int(input.n) % 3)"),
                                          .max_runs = WORLD_MAX_RUNS,
                                          .strategy = strategies[pick(world, 5)]};
    made->rules[1] = (cleat__concurrency){.expression = cleat_slice_of("string(int(input.n) % 2)"),
                                          .max_runs = WORLD_MAX_RUNS,
                                          .strategy = strategies[pick(world, 5)]};
    made->workflow.concurrency = made->rules;
    made->workflow.concurrency_count = pick(world, 4) != 0;
    made->steps[0].concurrency = &made->rules[1];
    made->steps[0].concurrency_count = pick(world, 2);
}

/* The one before: two limits, of which a run takes one, or more than there are for some time. */
static void add_rate_limit(sim_world *world, sim_slip *made)
{
    made->use = (cleat__rate_use){.key_expression = cleat_slice_of("string(int(input.n) % 2)"),
                                  .units = 1 + (int32_t)pick(world, 3),
                                  .limit_expression = cleat_slice_of("4"),
                                  .window_ms = 1000};
    made->steps[0].rate_limits = &made->use;
    made->steps[0].rate_limit_count = pick(world, 3) != 0;
}

/* The first: a few at a time, of two kinds. */
static void add_batch(sim_world *world, sim_slip *made)
{
    made->batch = (cleat__batch_config){
        .max_size = 1 + (int32_t)pick(world, WORLD_BATCH_MAX),
        .interval_ms = 1 + (int64_t)pick(world, 2000),
        .group_key = cleat_slice_of("has(input.n) && int(input.n) % 2 == 0 ? 'even' : 'odd'"),
        .group_max_runs = 1 + (int32_t)pick(world, WORLD_BATCH_RUNS)};
    made->steps[0].batch = pick(world, 3) != 0 ? &made->batch : NULL;
}

/* Some of the run, some of one of its tasks. */
static void add_limits_of_steps(sim_world *world, sim_slip *made)
{
    cleat__workflow_task *step = &made->steps[pick(world, made->workflow.task_count)];
    const cleat__workflow_task first = made->steps[0];
    if (pick(world, 2) == 0) {
        return;
    }
    add_rules(world, made);
    add_rate_limit(world, made);
    const cleat__workflow_task limited = made->steps[0];
    made->steps[0] = first;
    step->concurrency = limited.concurrency;
    step->concurrency_count = limited.concurrency_count;
    step->rate_limits = limited.rate_limits;
    step->rate_limit_count = limited.rate_limit_count;
}

static void add_crons(sim_slip *made, const cleat_slice *cron)
{
    made->workflow.crons = cron;
    made->workflow.cron_count = 1;
    made->workflow.cron_input = cleat_slice_of(WORLD_CRON_INPUT);
}

/* What the workflow has, and the others have not. */
static void add_features(sim_world *world, sim_slip *made, size_t workflow)
{
    switch (workflow) {
    case 0: add_batch(world, made); break;
    case 1:
        made->workflow.filters = filters;
        made->workflow.filter_count = sizeof(filters) / sizeof(filters[0]);
        add_rate_limit(world, made);
        break;
    case 2: add_rules(world, made); break;
    case WORLD_DAG:
        world_add_steps(world, made);
        add_limits_of_steps(world, made);
        break;
    default: break;
    }
    if (workflow == 0 || workflow == WORLD_DAG) {
        world_add_key(world, made);
    }
    if (workflow >= 2 && !world->has_no_crons) {
        add_crons(made, workflow == WORLD_DAG ? &each_second_minute : &each_minute);
    }
}

sim_slip *world_declare(sim_world *world, int64_t tenant, size_t workflow)
{
    static const int64_t timeouts[] = {CLEAT__NO_TIMEOUT, 3000, 20000, 60000};
    const cleat_slice action = cleat_slice_of(world_actions[workflow % WORLD_ACTIONS]);
    sim_slip *made = world_new_slip(world, CLEAT__COMMAND_PUT_WORKFLOW);
    made->command.tenant = tenant;
    made->workflow = (cleat__workflow){
        .name = cleat_slice_of(world_workflows[workflow]),
        .sticky = pick(world, 2) != 0 ? CLEAT__STICKY_SOFT : CLEAT__STICKY_NONE,
        .tasks = made->steps,
        .task_count = 1,
        .event_keys = &event_patterns[workflow],
        .event_key_count = event_patterns[workflow].data != NULL,
    };
    made->steps[0] = (cleat__workflow_task){.name = cleat__action_task(action), .action = action};
    made->steps[0].policy = (cleat__policy){
        .retries = (int32_t)pick(world, 4),
        .priority = 1 + (int32_t)pick(world, 3),
        .backoff_initial_ms = pick(world, 2) != 0 ? (int64_t)pick(world, 3000) : 0,
        .backoff_factor = 1 + (double)pick(world, 3),
        .backoff_max_ms = 5000,
        .execution_timeout_ms = timeouts[pick(world, 4)],
        .schedule_timeout_ms = timeouts[pick(world, 4)],
    };
    if (workflow == 1 && pick(world, 3) == 0) {
        made->workflow.sticky = CLEAT__STICKY_HARD;
    }
    made->steps[0].is_durable = workflow != 0 && (pick(world, 2) == 0 || world->is_of_chains);
    add_features(world, made, workflow);
    made->command.as.put_workflow.workflow = &made->workflow;
    return made;
}
