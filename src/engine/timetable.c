/*
 * Schedules stay in the file; memory has only the time of the first one. It is Unix time, and clocks
 * are set: while there are schedules the engine looks at it every LOOK_EVERY_MS at the latest, since
 * it sleeps by the monotonic clock.
 */
#include "engine/timetable.h"

#include "base/error.h"
#include "base/log.h"
#include "engine/trigger.h"
#include "model/expression.h"
#include "store/schedule.h"

#define LOOK_EVERY_MS INT64_C(5000)

static cleat__trigger trigger_of(const cleat__schedule *schedule)
{
    return (cleat__trigger){
        .workflow = schedule->workflow,
        .input = schedule->input,
        .metadata = schedule->metadata,
        .priority = schedule->priority,
        .child_index = -1,
    };
}

/* What is refused here would be refused when it fires. */
static cleat_status check(cleat__core *core, const cleat__command *command)
{
    size_t count = command->as.schedule.count;
    if (count == 0 || count > CLEAT__SCHEDULES_MAX) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%zu times are given; it must be 1 .. %d", count,
                           CLEAT__SCHEDULES_MAX);
    }
    const cleat__trigger trigger = trigger_of(command->as.schedule.schedule);
    return cleat__trigger_check(core, command->tenant, &trigger);
}

static cleat_status add(cleat__core *core, const cleat__command *command, size_t index)
{
    cleat__schedule_row row = {
        .id = cleat__uuid_next(&core->ids, core->now.unix_ms),
        .tenant = command->tenant,
        .at_ms = command->as.schedule.at_ms[index],
        .created_at_ms = core->now.unix_ms,
        .schedule = *command->as.schedule.schedule,
    };
    cleat_status status = cleat__core_check(core, cleat__schedule_insert(core->store, &row));
    if (status == CLEAT_OK) {
        command->as.schedule.ids[index] = row.id;
        core->schedule_ms = row.at_ms < core->schedule_ms ? row.at_ms : core->schedule_ms;
    }
    return status;
}

cleat_status cleat__timetable_add(cleat__core *core, cleat__command *command)
{
    cleat_status status = check(core, command);
    if (status == CLEAT_OK) {
        status = cleat__core_begin(core);
    }
    for (size_t i = 0; i < command->as.schedule.count && status == CLEAT_OK; i++) {
        status = add(core, command, i);
    }
    return status;
}

cleat_status cleat__timetable_remove(cleat__core *core, cleat__command *command)
{
    cleat_status status = cleat__core_begin(core);
    if (status == CLEAT_OK) {
        status = cleat__schedule_delete(core->store, command->tenant, &command->as.id);
    }
    return status == CLEAT_NOT_FOUND ? status : cleat__core_check(core, status);
}

static cleat_status change(cleat__core *core, int64_t tenant, cleat__schedule_change *item)
{
    if (item->status != CLEAT_OK) {
        return CLEAT_OK;
    }
    item->status = item->is_deleted ? cleat__schedule_delete(core->store, tenant, &item->id)
                                    : cleat__schedule_move(core->store, tenant, &item->id, item->at_ms);
    if (item->status == CLEAT_NOT_FOUND) {
        return CLEAT_OK;
    }
    bool is_first = item->status == CLEAT_OK && !item->is_deleted && item->at_ms < core->schedule_ms;
    core->schedule_ms = is_first ? item->at_ms : core->schedule_ms;
    return cleat__core_check(core, item->status);
}

cleat_status cleat__timetable_change(cleat__core *core, cleat__command *command)
{
    size_t count = command->as.change_schedules.count;
    if (count > CLEAT__SCHEDULES_MAX) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%zu schedules are given; at most %d are changed together",
                           count, CLEAT__SCHEDULES_MAX);
    }
    cleat_status status = cleat__core_begin(core);
    for (size_t i = 0; i < count && status == CLEAT_OK; i++) {
        status = change(core, command->tenant, &command->as.change_schedules.items[i]);
    }
    return status;
}

/* ---- By itself ---- */

/* Of one that nothing was written for: an engine that stopped at it would do so at every start. */
static cleat_status put_aside(cleat__core *core, const cleat__schedule_row *row, cleat_status status)
{
    char id[37];
    if (status == CLEAT_NO_MEMORY) {
        return CLEAT_EMPTY; /* the next look */
    }
    cleat__uuid_format(&row->id, id);
    cleat__log(status == CLEAT_ALREADY_EXISTS ? CLEAT_LOG_INFO : CLEAT_LOG_ERROR,
               "schedule %s of \"%.*s\" does not start and is gone: %s", id,
               CLEAT_SLICE_ARGS(row->schedule.workflow), cleat_error_message());
    return cleat__schedule_delete(core->store, row->tenant, &row->id);
}

static cleat_status make_run(cleat__core *core, const cleat__schedule_row *row, cleat__uuid *run_id)
{
    cleat__trigger trigger = trigger_of(&row->schedule);
    trigger.scheduled_at_ms = row->created_at_ms;
    return cleat__trigger_runs(core, row->tenant, &trigger, 1, run_id);
}

/* Its workflow is, and does not want it meanwhile. */
static bool is_paused(const cleat__core *core, const cleat__schedule_row *row)
{
    const cleat__workflow_entry *workflow =
        cleat__catalog_find(&core->catalog, row->tenant, row->schedule.workflow);
    return workflow != NULL && workflow->pause.is_paused && !workflow->pause.queues_schedules;
}

/* CLEAT_EMPTY: it cannot start now. */
static cleat_status start(cleat__core *core, const cleat__schedule_row *row)
{
    if (is_paused(core, row)) {
        cleat__log(CLEAT_LOG_INFO, "a scheduled run of \"%.*s\" does not start: it is paused",
                   CLEAT_SLICE_ARGS(row->schedule.workflow));
        return cleat__schedule_delete(core->store, row->tenant, &row->id);
    }
    cleat__uuid run_id;
    cleat_status status = make_run(core, row, &run_id);
    if (status != CLEAT_OK) {
        return core->failure == CLEAT_OK ? put_aside(core, row, status) : status;
    }
    return cleat__schedule_delete(core->store, row->tenant, &row->id);
}

/* As if its time had come. */
cleat_status cleat__timetable_trigger(cleat__core *core, cleat__command *command)
{
    cleat__schedule_row row;
    cleat_status status =
        cleat__schedule_get(core->store, command->tenant, &command->as.trigger_now.id, &row);
    if (status != CLEAT_OK) {
        return cleat__core_check_found(core, status);
    }
    status = make_run(core, &row, command->as.trigger_now.run_id);
    if (status != CLEAT_OK) {
        return status;
    }
    status = cleat__core_begin(core);
    return status == CLEAT_OK ? cleat__core_check(core, cleat__schedule_delete(core->store, command->tenant,
                                                                               &command->as.trigger_now.id))
                              : status;
}

static cleat_status fire_first(cleat__core *core)
{
    cleat__schedule_row row;
    cleat_status status = cleat__schedule_due(core->store, core->now.unix_ms, &row);
    if (status == CLEAT_OK) {
        status = start(core, &row);
        if (status == CLEAT_EMPTY) {
            core->schedule_ms = core->now.unix_ms + LOOK_EVERY_MS;
            return CLEAT_OK;
        }
    }
    if (status == CLEAT_OK || status == CLEAT_EMPTY) { /* or it was taken back */
        status = cleat__schedule_next(core->store, &core->schedule_ms);
    }
    return cleat__core_check(core, status);
}

cleat_status cleat__timetable_fire(cleat__core *core, int max)
{
    cleat_status status = CLEAT_OK;
    while (status == CLEAT_OK && core->schedule_ms <= core->now.unix_ms) {
        if (max-- == 0 || core->expression_steps < CLEAT__EXPRESSIONS_STEPS_MAX / 4) {
            core->has_more = true;
            break;
        }
        status = cleat__core_begin(core);
        if (status == CLEAT_OK) {
            status = fire_first(core);
        }
    }
    return status;
}

int64_t cleat__timetable_next_ms(const cleat__core *core)
{
    if (core->schedule_ms == INT64_MAX) {
        return INT64_MAX;
    }
    if (core->schedule_ms <= core->now.unix_ms) {
        return core->now.monotonic_ms;
    }
    int64_t left = core->schedule_ms - core->now.unix_ms;
    return core->now.monotonic_ms + (left < LOOK_EVERY_MS ? left : LOOK_EVERY_MS);
}

cleat_status cleat__timetable_recover(cleat__core *core)
{
    return cleat__schedule_next(core->store, &core->schedule_ms);
}
