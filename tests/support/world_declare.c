/* What workflows of the simulation are declared with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/world.h"

const char *const world_workflows[WORLD_ACTIONS] = {"a", "b", "c"};
static const cleat_slice event_patterns[] = {{"_*a", 3}, {"kb", 2}};
/* Of the second. An event of the first scope starts one run of it, others none. */
static const cleat__filter filters[] = {
    {{"s", 1},
     {"event_key == 'kb' && has(payload.f)", 35},
     {WORLD_FILTER_PAYLOAD, sizeof(WORLD_FILTER_PAYLOAD) - 1}},
    {{"s", 1}, {"has(input.none)", 15}, {NULL, 0}},
    {{"t", 1}, {"input.none", 10}, {NULL, 0}},
};

static const cleat_slice each_minute = {"* * * * *", 9}; /* of the third */

/* The last action's: one rule for each strategy, and one behind it in the chain. Which ones there are
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
    made->step.concurrency = &made->rules[1];
    made->step.concurrency_count = pick(world, 2);
}

/* The one before: two limits, of which a run takes one, or more than there are for some time. */
static void add_rate_limit(sim_world *world, sim_slip *made)
{
    made->use = (cleat__rate_use){.key_expression = cleat_slice_of("string(int(input.n) % 2)"),
                                  .units = 1 + (int32_t)pick(world, 3),
                                  .limit_expression = cleat_slice_of("4"),
                                  .window_ms = 1000};
    made->step.rate_limits = &made->use;
    made->step.rate_limit_count = pick(world, 3) != 0;
}

sim_slip *world_declare(sim_world *world, int64_t tenant, size_t action)
{
    static const int64_t timeouts[] = {CLEAT__NO_TIMEOUT, 1000, 20000, 60000};
    sim_slip *made = world_new_slip(world, CLEAT__COMMAND_PUT_WORKFLOW);
    made->command.tenant = tenant;
    made->workflow.sticky = pick(world, 2) != 0 ? CLEAT__STICKY_SOFT : CLEAT__STICKY_NONE;
    made->step.policy = (cleat__policy){
        .retries = (int32_t)pick(world, 4),
        .priority = 1 + (int32_t)pick(world, 3),
        .backoff_initial_ms = pick(world, 2) != 0 ? (int64_t)pick(world, 3000) : 0,
        .backoff_factor = 1 + (double)pick(world, 3),
        .backoff_max_ms = 5000,
        .execution_timeout_ms = timeouts[pick(world, 4)],
        .schedule_timeout_ms = timeouts[pick(world, 4)],
    };
    made->workflow.name = cleat_slice_of(world_workflows[action]);
    made->step.name = cleat__action_task(cleat_slice_of(world_actions[action]));
    made->step.action = cleat_slice_of(world_actions[action]);
    if (action < sizeof(event_patterns) / sizeof(event_patterns[0])) {
        made->workflow.event_keys = &event_patterns[action];
        made->workflow.event_key_count = 1;
    }
    if (action == 2 && !world->has_no_crons) {
        made->workflow.crons = &each_minute;
        made->workflow.cron_count = 1;
        made->workflow.cron_input = cleat_slice_of(WORLD_CRON_INPUT);
    }
    if (action == 1) {
        made->workflow.filters = filters;
        made->workflow.filter_count = sizeof(filters) / sizeof(filters[0]);
    }
    made->workflow.tasks = &made->step;
    made->workflow.task_count = 1;
    if (action == WORLD_ACTIONS - 1) {
        add_rules(world, made);
    }
    if (action == WORLD_ACTIONS - 2) {
        add_rate_limit(world, made);
    }
    made->command.as.put_workflow.workflow = &made->workflow;
    return made;
}
