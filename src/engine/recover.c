#include "engine/crons.h"
#include "engine/dag.h"
#include "engine/durable_chain.h"
#include "engine/filters.h"
#include "engine/life.h"
#include "engine/timetable.h"
#include "engine/workers.h"

#include "base/alloc.h"
#include "base/error.h"
#include "store/load.h"

typedef struct recovery {
    cleat__core *core;
    cleat__run_chain lost;    /* RUNNING in the former process, which ended */
    cleat__run_chain evicted; /* what they wait for is not there yet */
    cleat__run_chain dags;    /* whose tasks that have ended are not known yet */
} recovery;

static cleat_status add_type(void *argument, const cleat__type_row *row)
{
    cleat__core *core = argument;
    cleat_status status = cleat__catalog_add(&core->catalog, &core->queues, row);
    return status == CLEAT_OK || status == CLEAT_NO_MEMORY
               ? status
               : cleat__fail(CLEAT_CORRUPT, "version %lld of \"%.*s\": %s", (long long)row->id,
                             CLEAT_SLICE_ARGS(row->workflow), cleat_error_message());
}

/* What is left of the back-off: never more than the policy says, should the clock have been set back. */
static int64_t back_off_left(const cleat__core *core, const cleat__run *run)
{
    int32_t failures = cleat__run_failures(run);
    int64_t left = run->since_ms - core->now.unix_ms;
    int64_t most = failures > 0 ? cleat__policy_backoff_ms(&run->type->policy, failures) : 0;
    return left < most ? left : most;
}

/* A task finds its run, which was made before it. */
static cleat_status join_dag(cleat__core *core, cleat__run *run, const cleat__live_row *row)
{
    cleat__run *dag = cleat__runs_find(&core->runs, &row->dag_id);
    if (dag == NULL || dag->type != run->type->dag || (row->is_held && row->state != CLEAT_RUN_QUEUED)) {
        return cleat__fail(CLEAT_CORRUPT, "a live task in the database has no run; restore a copy");
    }
    cleat__dag_add_task(cleat__dag_of_run(dag), run, row->is_held ? CLEAT__DAG_HELD : CLEAT__DAG_FREE);
    return CLEAT_OK;
}

/* It is held until the run ends that goes on as it, which was made before it. */
static cleat_status add_next(cleat__core *core, cleat__run *run, const cleat__live_row *row)
{
    cleat__run *former = cleat__runs_find(&core->runs, &row->former_id);
    if (former == NULL || !cleat__run_is_durable(former)) {
        return cleat__fail(CLEAT_CORRUPT, "a live run in the database is held for none; restore a copy");
    }
    cleat__durable_hold_next(cleat__durable_of(former), run);
    return CLEAT_OK;
}

static cleat_status add_queued(cleat__core *core, cleat__run *run)
{
    int64_t left = back_off_left(core, run);
    if (left > 0) {
        return cleat__life_back_off(core, run, left);
    }
    return cleat__life_enqueue(core, run, run->retry_count > 0 ? CLEAT__LEVEL_AHEAD : run->priority);
}

static bool makes_sense(const cleat__live_row *row, const cleat__task_type *type)
{
    bool is_evicted = row->state == CLEAT_RUN_EVICTED && type != NULL && type->needs->is_durable;
    return type != NULL &&
           (row->state == CLEAT_RUN_QUEUED || row->state == CLEAT_RUN_RUNNING || is_evicted) &&
           (type->dag != NULL || type->plan != NULL || !row->is_held || row->state == CLEAT_RUN_QUEUED) &&
           row->priority >= CLEAT_PRIORITY_LOW && row->priority <= CLEAT_PRIORITY_HIGH &&
           row->internal_retries >= 0 && row->internal_retries <= CLEAT__INTERNAL_RETRIES_MAX &&
           row->first_retry >= 0 && row->retry_count >= row->first_retry + row->internal_retries;
}

/* RUNNING or EVICTED. */
static cleat_status add_begun(recovery *state, cleat__run *run, const cleat__live_row *row)
{
    cleat__core *core = state->core;
    cleat_status status = cleat__run_is_limited(run) ? cleat__limits_hold_all(core, run) : CLEAT_OK;
    if (status == CLEAT_OK && row->state == CLEAT_RUN_EVICTED) {
        core->evicted++;
        cleat__run_chain_append(&state->evicted, run);
        return CLEAT_OK;
    }
    core->running++;
    if (status == CLEAT_OK && cleat__run_is_batched(run) && !cleat__uuid_is_nil(&row->batch_id)) {
        status = cleat__batches_resume(core, run, &row->batch_id);
    }
    if (status != CLEAT_OK) {
        return status;
    }
    if (run->type->needs->is_durable) {
        cleat__durable_of(run)->node = -1; /* nobody knows how far its invocation has come */
    }
    cleat__worker *worker = cleat__roster_find(&core->roster, &row->worker_id);
    if (worker != NULL) {
        return cleat__life_resume(core, run, worker, row->timeout_at_ms, row->has_released);
    }
    cleat__run_chain_append(&state->lost, run); /* no writes while rows are read */
    return CLEAT_OK;
}

static cleat_status add_run(void *argument, const cleat__live_row *row)
{
    recovery *state = argument;
    cleat__core *core = state->core;
    cleat__task_type *type = cleat__catalog_find_type(&core->catalog, row->type_id);
    if (!makes_sense(row, type)) {
        return cleat__fail(CLEAT_CORRUPT, "a live run in the database makes no sense; restore a copy");
    }
    cleat__run *run = cleat__runs_new(&core->runs, &row->id, type);
    if (run == NULL) {
        return cleat__fail_memory();
    }
    run->state = (uint8_t)row->state;
    run->priority = (uint8_t)row->priority;
    run->retry_count = row->retry_count;
    run->first_retry = row->first_retry;
    run->internal_retries = (uint8_t)row->internal_retries;
    run->since_ms = row->state == CLEAT_RUN_QUEUED ? row->queued_at_ms : row->started_at_ms;
    cleat_status status = CLEAT_OK;
    if (type->dag != NULL) {
        status = join_dag(core, run, row);
    }
    if (type->plan != NULL) {
        core->running += row->state == CLEAT_RUN_RUNNING;
        cleat__run_chain_append(&state->dags, run);
        return cleat__limits_attach(core, run, (cleat_slice){NULL, 0}, row->limits);
    }
    if (status == CLEAT_OK) { /* limits are those of who is in a queue */
        status = row->is_held && type->dag != NULL
                     ? cleat__wishes_join(&core->wishes, run, row->desired)
                     : cleat__limits_attach(core, run, row->desired, row->limits);
    }
    if (status != CLEAT_OK) {
        return status;
    }
    if (row->is_held) {
        return type->dag != NULL ? CLEAT_OK : add_next(core, run, row);
    }
    if (row->state == CLEAT_RUN_QUEUED) {
        return add_queued(core, run);
    }
    return add_begun(state, run, row);
}

/* It has as long to come back as if it had just been heard of. */
static cleat_status add_worker(void *argument, const cleat__worker_row *row)
{
    cleat__core *core = argument;
    cleat__worker *worker = NULL;
    cleat_status status = cleat__roster_add_remote(&core->roster, &core->queues, row, &worker);
    return status == CLEAT_OK ? cleat__roster_touch(&core->roster, worker, core->now.monotonic_ms) : status;
}

/* New ids are above all there are, also when the clock was set back meanwhile. */
static cleat_status continue_ids(cleat__core *core)
{
    cleat__uuid last;
    cleat_status status = cleat__load_last_id(core->store, &last);
    uint64_t ms = 0;
    for (size_t i = 0; i < 6; i++) {
        ms = ms << 8 | last.bytes[i];
    }
    core->ids.last_ms = ms + 1;
    return status;
}

cleat_status cleat__core_recover(cleat__core *core)
{
    recovery state = {.core = core};
    cleat_status status = cleat__load_types(core->store, add_type, core);
    if (status == CLEAT_OK) {
        status = cleat__limits_recover(core);
    }
    if (status == CLEAT_OK) {
        status = cleat__filters_recover(core);
    }
    if (status == CLEAT_OK) {
        status = continue_ids(core);
    }
    if (status == CLEAT_OK) {
        status = cleat__load_workers(core->store, add_worker, core);
        cleat__workers_plan_sweep(core);
    }
    if (status == CLEAT_OK) {
        status = cleat__timetable_recover(core);
    }
    if (status == CLEAT_OK) {
        status = cleat__crons_recover(core);
    }
    if (status == CLEAT_OK) {
        status = cleat__rates_recover(core);
    }
    if (status == CLEAT_OK) {
        status = cleat__load_live(core->store, add_run, &state);
    }
    for (cleat__run *run = state.dags.head; run != NULL && status == CLEAT_OK; run = run->next) {
        status = cleat__dag_recover(core, cleat__dag_of_run(run));
    }
    if (status == CLEAT_OK) {
        status = cleat__durable_recover(core);
    }
    while (status == CLEAT_OK && state.dags.head != NULL) {
        cleat__run *run = state.dags.head;
        cleat__run_chain_remove(&state.dags, run);
        status = cleat__dag_recover_slots(core, cleat__dag_of_run(run));
    }
    while (status == CLEAT_OK && state.evicted.head != NULL) {
        cleat__run *run = state.evicted.head;
        cleat__run_chain_remove(&state.evicted, run);
        status = cleat__durable_recover_evicted(core, cleat__durable_of(run));
    }
    while (status == CLEAT_OK && state.lost.head != NULL) {
        cleat__run *run = state.lost.head;
        cleat__run_chain_remove(&state.lost, run);
        status = cleat__life_lose(core, run, CLEAT__LOSS_WORKER_GONE);
    }
    core->has_more = cleat__limits_are_unsettled(&core->limits);
    return status;
}
