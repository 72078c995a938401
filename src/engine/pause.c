#include "engine/pause.h"

#include "engine/dag.h"
#include "engine/life_parts.h"
#include "store/load.h"

/* Whether a worker might have it, if there were one: it is in its queue, or waits for slots of its concurrency, or
 * of its run's. */
static bool is_waiting(cleat__run *run)
{
    if (run->state != CLEAT_RUN_QUEUED || run->is_backing_off || run->is_held || cleat__run_is_dag(run)) {
        return false;
    }
    if (run->type->dag == NULL) {
        return true;
    }
    const cleat__dag *dag = cleat__dag_of_task(run);
    size_t step = run->type->step;
    return dag->tasks[step].stage == CLEAT__DAG_FREE || cleat__dag_waits_for_slots(dag, step);
}

/* How long they may wait has changed. Looks at all runs that live: nobody pauses often. */
static cleat_status renew_timers(cleat__core *core, const cleat__workflow_entry *workflow)
{
    size_t cursor = 0;
    cleat_status status = CLEAT_OK;
    cleat__run *run;
    while (status == CLEAT_OK && (run = cleat__map_next(&core->runs.by_id, &cursor)) != NULL) {
        if (run->type->workflow == workflow && is_waiting(run)) {
            status = cleat__core_check(
                core, cleat__runs_set_timer(&core->runs, run, cleat__life_queue_deadline(core, run)));
        }
    }
    return status;
}

static cleat_status change(cleat__core *core, cleat__workflow_entry *workflow, const cleat__pause *pause)
{
    cleat_status status = CLEAT_OK;
    workflow->pause = *pause;
    if (pause->is_paused) {
        status = cleat__limits_pause(core, workflow);
    } else {
        cleat__lanes_unpark(&workflow->paused);
        status = cleat__limits_go_on(core, workflow);
    }
    return status == CLEAT_OK ? renew_timers(core, workflow) : status;
}

cleat_status cleat__pause_end(cleat__core *core, cleat__workflow_entry *workflow)
{
    const cleat__pause none = {.ttl_ms = CLEAT__NO_TIMEOUT};
    return workflow->pause.is_paused ? change(core, workflow, &none) : CLEAT_OK;
}

cleat_status cleat__pauses_set(cleat__core *core, cleat__command *command)
{
    const cleat__pause *pause = &command->as.pause_workflow.pause;
    cleat__workflow_entry *workflow = NULL;
    cleat_status status =
        cleat__catalog_find_id(&core->catalog, command->tenant, &command->as.pause_workflow.id, &workflow);
    if (status != CLEAT_OK || (!pause->is_paused && !workflow->pause.is_paused)) {
        return status;
    }
    status = cleat__core_begin(core);
    if (status == CLEAT_OK) {
        status = cleat__core_check(
            core, cleat__workflow_pause(core->store, workflow->row, pause, core->now.unix_ms));
    }
    return status == CLEAT_OK ? change(core, workflow, pause) : status;
}
