/*
 * A replay makes a run that has ended live again (engine.md 16): the same id, input and version, the next
 * retry count, its retries all there again, ahead of what waits. How it had ended becomes one
 * of its former attempts. Whoever was told its end was told so; who asks from now on waits for the new one.
 */
#include "engine/replay.h"

#include "base/error.h"
#include "engine/dag.h"
#include "engine/life.h"
#include "store/chain.h"
#include "store/load.h"
#include "store/transition.h"

/* In memory, in no queue yet. */
static cleat_status make(cleat__core *core, const cleat__uuid *id, const cleat__ended_row *row,
                         cleat__run **out)
{
    cleat__task_type *type = cleat__catalog_find_type(&core->catalog, row->type_id);
    if (type == NULL) {
        return cleat__core_check(core, cleat__fail(CLEAT_CORRUPT, "a run has no version of a workflow"));
    }
    cleat__run *run = cleat__runs_new(&core->runs, id, type);
    if (run == NULL) {
        return cleat__fail_memory();
    }
    run->state = CLEAT_RUN_QUEUED;
    run->priority = (uint8_t)(row->priority & 0xF);
    run->retry_count = run->first_retry = row->retry_count + 1;
    run->since_ms = core->now.unix_ms;
    cleat_status status = CLEAT_OK;
    if (row->desired.size != 0 && !cleat__run_has_limits(run)) {
        status = cleat__wishes_join(&core->wishes, run, cleat__buffer_slice(&row->desired));
    }
    if (status != CLEAT_OK) {
        cleat__life_forget(core, run);
        return status;
    }
    *out = run;
    return CLEAT_OK;
}

/* The keys of its limits, or why it has none. */
typedef struct beginning {
    cleat__buffer limits, refusal;
    bool goes_another_way;
} beginning;

/* Its keys are found out anew. Where it goes the same way, what it has given to a next run stays given. */
static cleat_status look_at_limits(cleat__core *core, cleat__run *run, const cleat__ended_row *row,
                                   beginning *what)
{
    if (!cleat__run_has_limits(run)) {
        return CLEAT_OK;
    }
    cleat_status status = cleat__limits_find_keys(core, run, &what->limits, &what->refusal);
    if (status == CLEAT_OK && what->refusal.size == 0 && !what->goes_another_way) {
        status = cleat__limits_keep_given(core, run, &what->limits);
    }
    if (status == CLEAT_OK && what->refusal.size == 0) {
        status = cleat__limits_attach(core, run, cleat__buffer_slice(&row->desired),
                                      cleat__buffer_slice(&what->limits));
    }
    return status;
}

/* From here on only what fails the core can go wrong. */
static cleat_status write(cleat__core *core, cleat__run *run, const cleat__ended_row *row,
                          const beginning *what)
{
    const cleat__attempt_key ended = {.id = run->id, .retry_count = row->retry_count};
    cleat_status status = cleat__core_begin(core);
    if (status == CLEAT_OK && cleat__run_has_limits(run)) {
        status = cleat__core_check(
            core, cleat__transition_set_limits(core->store, &run->id, cleat__buffer_slice(&what->limits)));
    }
    if (status == CLEAT_OK && cleat__run_is_durable(run)) {
        status = cleat__core_check(core, cleat__chain_break(core->store, &run->id));
    }
    if (status == CLEAT_OK) {
        status = cleat__core_check(
            core, cleat__transition_replay(core->store, &ended, row->state, core->now.unix_ms, false));
    }
    if (status == CLEAT_OK) {
        status = cleat__watches_restart(core, run);
    }
    if (status != CLEAT_OK) {
        cleat__life_forget(core, run);
        return status;
    }
    cleat_slice refusal = cleat__buffer_slice(&what->refusal);
    return refusal.size != 0 ? cleat__life_reject(core, run, refusal)
                             : cleat__life_enqueue(core, run, CLEAT__LEVEL_AHEAD);
}

/* The run is there, in no queue. */
static cleat_status begin(cleat__core *core, cleat__run *run, const cleat__ended_row *row,
                          bool goes_another_way)
{
    beginning what = {.goes_another_way = goes_another_way};
    cleat_status status = look_at_limits(core, run, row, &what);
    if (status == CLEAT_OK) {
        status = write(core, run, row, &what);
    } else {
        cleat__life_forget(core, run);
        status = cleat__core_check_alone(core, status);
    }
    cleat__buffer_deinit(&what.limits);
    cleat__buffer_deinit(&what.refusal);
    return status;
}

cleat_status cleat__replay_run(cleat__core *core, int64_t tenant, const cleat__uuid *id,
                               bool goes_another_way)
{
    if (cleat__core_find_run(core, tenant, id) != NULL) {
        char text[37];
        cleat__uuid_format(id, text);
        return cleat__fail(CLEAT_FAILED_PRECONDITION, "run %s has not ended", text);
    }
    cleat__ended_row row;
    cleat__run *run = NULL;
    cleat_status status = cleat__load_ended(core->store, tenant, id, &row);
    if (status == CLEAT_OK) {
        const cleat__task_type *type = cleat__catalog_find_type(&core->catalog, row.type_id);
        bool is_dag = type != NULL && (type->plan != NULL || type->dag != NULL);
        if (is_dag) {
            cleat__buffer_deinit(&row.desired);
            return cleat__dag_replay(core, tenant, id, type);
        }
        status = make(core, id, &row, &run);
    } else if (status != CLEAT_NOT_FOUND) {
        status = cleat__core_check_alone(core, status);
    }
    if (status == CLEAT_OK) {
        status = begin(core, run, &row, goes_another_way);
    }
    cleat__buffer_deinit(&row.desired);
    return status;
}

cleat_status cleat__replay(cleat__core *core, cleat__command *command)
{
    return cleat__replay_run(core, command->tenant, &command->as.id, false);
}
