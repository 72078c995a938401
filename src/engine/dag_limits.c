/* Limits of a run of several tasks: it has a slot of each rule of its workflow from before its first task on until it ends.
 * Those of a task are found out when that comes into its queue, as if it were started then. */
#include "engine/dag.h"

#include "base/error.h"
#include "engine/life_parts.h"
#include "store/dag.h"

/* ---- Of the run ---- */

bool cleat__dag_is_first(const cleat__dag *dag, size_t step)
{
    const cleat__plan_task *task = &dag->plan->tasks[step];
    bool is_all = dag->first == dag->plan->task_count;
    return (is_all ? cleat__plan_is_root(task) : step == dag->first) && !task->said->is_on_failure;
}

cleat_status cleat__dag_admit(cleat__core *core, cleat__dag *dag)
{
    cleat_status status = CLEAT_OK;
    dag->is_moving = dag->is_admitted = true;
    for (size_t i = 0; i < dag->plan->task_count && status == CLEAT_OK; i++) {
        if (dag->tasks[i].stage == CLEAT__DAG_HELD) { /* of others the parents may have said enough */
            status = cleat__dag_is_first(dag, i) ? cleat__dag_go_on(core, dag, i)
                                                 : cleat__dag_decide(core, dag, i);
        }
    }
    return status == CLEAT_OK ? cleat__dag_move(core, dag) : status;
}

bool cleat__dag_waits_for_slots(const cleat__dag *dag, size_t step)
{
    return !dag->is_admitted && dag->tasks[step].stage == CLEAT__DAG_HELD && cleat__dag_is_first(dag, step) &&
           dag->plan->tasks[step].wait_rule_count == 0;
}

static cleat_status start_timers(cleat__core *core, const cleat__dag *dag)
{
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; i < dag->plan->task_count && status == CLEAT_OK; i++) {
        if (cleat__dag_waits_for_slots(dag, i)) {
            cleat__run *run = dag->tasks[i].run;
            status = cleat__core_check(
                core, cleat__runs_set_timer(&core->runs, run, cleat__life_queue_deadline(core, run)));
        }
    }
    return status;
}

cleat_status cleat__dag_line_up(cleat__core *core, cleat__dag *dag)
{
    cleat__run *run = &dag->durable.run;
    if (!cleat__run_is_limited(run)) {
        return cleat__dag_admit(core, dag);
    }
    cleat_status status =
        cleat__limits_enter(core, run, run->retry_count > 0 ? CLEAT__LEVEL_AHEAD : run->priority);
    return status == CLEAT_OK ? start_timers(core, dag) : status;
}

/* What has begun has a task that is queued, runs, or waits for a time or an event; what has not has none. */
static bool has_begun(const cleat__dag *dag)
{
    for (size_t i = 0; i < dag->plan->task_count; i++) {
        if (dag->tasks[i].stage == CLEAT__DAG_FREE || dag->tasks[i].stage == CLEAT__DAG_ARMED) {
            return true;
        }
    }
    return false;
}

cleat_status cleat__dag_recover_slots(cleat__core *core, cleat__dag *dag)
{
    cleat__run *run = &dag->durable.run;
    cleat_status status = cleat__core_check(core, cleat__dag_recover_rules(core, dag));
    if (status != CLEAT_OK) {
        return status;
    }
    if (!cleat__run_is_limited(run)) {
        dag->is_admitted = true;
        return CLEAT_OK;
    }
    dag->is_admitted = has_begun(dag);
    return dag->is_admitted ? cleat__limits_hold_all(core, run) : cleat__dag_line_up(core, dag);
}

/* ---- Of a task ---- */

cleat_status cleat__dag_limit_task(cleat__core *core, cleat__run *run, cleat_slice desired,
                                   cleat__buffer *limits, cleat__buffer *refusal)
{
    cleat__buffer stored = {0};
    cleat_status status = cleat__limits_find_keys(core, run, limits, refusal);
    if (status == CLEAT_OK && refusal->size == 0 && desired.size == 0) {
        status = cleat__dag_desired(core->store, &run->id, &stored);
        desired = cleat__buffer_slice(&stored);
    }
    if (status == CLEAT_OK && refusal->size == 0) {
        cleat__wishes_leave(&core->wishes, run); /* it stood with those that take nothing */
        status = cleat__limits_attach(core, run, desired, cleat__buffer_slice(limits));
    }
    cleat__buffer_deinit(&stored);
    return cleat__core_check(core, status);
}
