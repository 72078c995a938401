/*
 * Crons stay in the file, each with the time at which it comes next; memory has only the time of the first. The
 * transaction that makes a run also writes the time behind it, so no time has two runs, whatever happens between
 * two commits. Times are Unix times, and clocks are set:
 *
 *   nobody was there   Times that passed while the engine did not run, or that the clock was set over, are missed and
 *                      not made up. Whether they were is seen by the monotonic clock, not by how late a run is: what is
 *                      late because there is much to do is made.
 *   the clock goes     set back by an hour or less, times that have had their run are not reached once more. By more,
 *                      it was wrong before: each cron is planned anew from what the clock says now. All crons are
 *                      looked at for that, some hundred in each step; also at the start, since nobody knows what
 *                      the clock did meanwhile.
 */
#include "engine/crons.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/log.h"
#include "engine/trigger.h"
#include "model/cron.h"
#include "model/expression.h"
#include "model/metadata.h"
#include "store/cron.h"
#include "store/query.h"

#define LOOK_EVERY_MS INT64_C(5000)
/* What a clock may be moved by without being set, and a restart may take. */
#define GRACE_MS INT64_C(60000)
/* So far behind its runs it has been wrong. */
#define SET_BACK_MS INT64_C(3600000)
/* Crons that are looked at in one step. */
#define PLANNED_MAX 500

/* INT64_MAX: it never comes; as one does whose text makes no sense, which was written by somebody else. */
static int64_t next_time(cleat_slice expression, int64_t after_ms)
{
    cleat__cron cron;
    return cleat__cron_parse(expression, &cron) == CLEAT_OK ? cleat__cron_next_ms(&cron, after_ms)
                                                            : INT64_MAX;
}

static bool makes_sense(const cleat__cron_row *row)
{
    cleat__cron cron;
    if (cleat__cron_parse(row->what.expression, &cron) == CLEAT_OK) {
        return true;
    }
    char id[37];
    cleat__uuid_format(&row->id, id);
    cleat__log(CLEAT_LOG_ERROR, "cron %s of \"%.*s\" starts nothing any more, delete it: %s", id,
               CLEAT_SLICE_ARGS(row->what.workflow), cleat_error_message());
    return false;
}

/* Until when a cron has had its runs: now, or a little later when the clock was set back. */
static int64_t seen_time(const cleat__core *core, const cleat__cron_row *row)
{
    int64_t now = core->now.unix_ms;
    return row->fired_at_ms > now && row->fired_at_ms - now <= SET_BACK_MS ? row->fired_at_ms : now;
}

static void note_time(cleat__core *core, int64_t at_ms)
{
    core->cron_ms = at_ms < core->cron_ms ? at_ms : core->cron_ms;
}

/* ---- Making, changing, deleting ---- */

static cleat_status insert(cleat__core *core, const cleat__workflow_entry *workflow,
                           const cleat__recurrence *what, bool is_enabled, cleat__uuid *id)
{
    cleat__cron_row row = {
        .id = cleat__uuid_next(&core->ids, core->now.unix_ms),
        .tenant = workflow->tenant,
        .workflow_row = workflow->row,
        .is_enabled = is_enabled,
        .next_at_ms = next_time(what->expression, core->now.unix_ms),
        .created_at_ms = core->now.unix_ms,
        .what = *what,
    };
    cleat_status status = cleat__cron_insert(core->store, &row);
    if (status == CLEAT_ALREADY_EXISTS) {
        return status;
    }
    status = cleat__core_check(core, status);
    if (status == CLEAT_OK) {
        *id = row.id;
        note_time(core, is_enabled ? row.next_at_ms : INT64_MAX);
    }
    return status;
}

/* What is refused here would be refused each time it fires. */
static cleat_status check(cleat__core *core, const cleat__command *command)
{
    const cleat__recurrence *what = command->as.add_cron.what;
    const cleat__trigger trigger = {.workflow = what->workflow,
                                    .input = what->input,
                                    .metadata = what->metadata,
                                    .priority = what->priority,
                                    .child_index = -1};
    cleat__cron cron;
    cleat_status status = cleat__cron_name_check(what->name);
    if (status == CLEAT_OK) {
        status = cleat__cron_parse(what->expression, &cron);
    }
    return status == CLEAT_OK ? cleat__trigger_check(core, command->tenant, &trigger) : status;
}

cleat_status cleat__crons_add(cleat__core *core, cleat__command *command)
{
    cleat_status status = check(core, command);
    if (status == CLEAT_OK) {
        status = cleat__core_begin(core);
    }
    if (status != CLEAT_OK) {
        return status;
    }
    const cleat__recurrence *what = command->as.add_cron.what;
    return insert(core, cleat__catalog_find(&core->catalog, command->tenant, what->workflow), what, true,
                  command->as.add_cron.id);
}

cleat_status cleat__crons_change(cleat__core *core, cleat__command *command)
{
    cleat__cron_row row;
    cleat_status status = cleat__cron_get(core->store, command->tenant, &command->as.change_cron.id, &row);
    if (status != CLEAT_OK || row.is_enabled == command->as.change_cron.is_enabled) {
        return cleat__core_check_found(core, status);
    }
    row.is_enabled = command->as.change_cron.is_enabled;
    row.updated_at_ms = core->now.unix_ms;
    row.next_at_ms = next_time(row.what.expression, seen_time(core, &row));
    status = cleat__core_begin(core);
    if (status == CLEAT_OK) {
        status = cleat__core_check_found(core, cleat__cron_enable(core->store, &row));
    }
    if (status == CLEAT_OK && row.is_enabled) {
        note_time(core, row.next_at_ms);
    }
    return status;
}

cleat_status cleat__crons_delete(cleat__core *core, cleat__command *command)
{
    cleat_status status = cleat__core_begin(core);
    return status == CLEAT_OK ? cleat__core_check_found(
                                    core, cleat__cron_delete(core->store, command->tenant, &command->as.id))
                              : status;
}

/* ---- Declared ---- */

/* Those that an earlier declaration had, and are to go. */
typedef struct former {
    const cleat__workflow *workflow;
    cleat__uuid *ids; /* owned */
    struct {
        bool is_kept;     /* it was there, with that input */
        bool is_disabled; /* it was there, perhaps with another */
    } * found;            /* owned; of the new ones */
    size_t count, capacity;
    bool failed; /* no memory */
} former;

/* Which of the new ones it is; their number: none. */
static size_t find_expression(const cleat__workflow *workflow, cleat_slice expression)
{
    size_t i = 0;
    while (i < workflow->cron_count && !cleat_slice_equals(workflow->crons[i], expression)) {
        i++;
    }
    return i;
}

static bool note_former(void *argument, const cleat__cron_row *row)
{
    former *all = argument;
    cleat_slice input = all->workflow->cron_input;
    size_t index = find_expression(all->workflow, row->what.expression);
    if (index < all->workflow->cron_count) {
        all->found[index].is_disabled = !row->is_enabled;
        all->found[index].is_kept =
            cleat_slice_equals(row->what.input, input.data != NULL ? input : cleat_slice_of("{}"));
    }
    if (index < all->workflow->cron_count && all->found[index].is_kept) {
        return true;
    }
    if (all->count == all->capacity) {
        size_t capacity = all->capacity != 0 ? 2 * all->capacity : 4;
        cleat__uuid *ids = cleat__realloc(all->ids, capacity * sizeof(*ids));
        if (ids == NULL) {
            all->failed = true;
            return false;
        }
        all->ids = ids;
        all->capacity = capacity;
    }
    all->ids[all->count++] = row->id;
    return true;
}

static cleat_status replace(cleat__core *core, const cleat__workflow_entry *entry, const former *all)
{
    const cleat__workflow *workflow = all->workflow;
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; i < all->count && status == CLEAT_OK; i++) {
        status = cleat__core_begin(core);
        if (status == CLEAT_OK) {
            status = cleat__core_check(core, cleat__cron_delete(core->store, entry->tenant, &all->ids[i]));
        }
    }
    for (size_t i = 0; i < workflow->cron_count && status == CLEAT_OK; i++) {
        const cleat__recurrence what = {.workflow = workflow->name,
                                        .expression = workflow->crons[i],
                                        .input = workflow->cron_input,
                                        .method = CLEAT__SCHEDULE_DEFAULT};
        cleat__uuid id;
        size_t first = find_expression(workflow, workflow->crons[i]);
        if (all->found[first].is_kept) {
            continue;
        }
        status = cleat__core_begin(core);
        if (status == CLEAT_OK) {
            status = insert(core, entry, &what, !all->found[first].is_disabled, &id);
        }
        status = status == CLEAT_ALREADY_EXISTS ? CLEAT_OK : status; /* it is listed twice */
    }
    return status;
}

cleat_status cleat__crons_declare(cleat__core *core, const cleat__workflow_entry *entry,
                                  const cleat__workflow *workflow)
{
    former all = {.workflow = workflow};
    all.found = cleat__calloc(workflow->cron_count + 1, sizeof(*all.found));
    cleat_status status = all.found != NULL ? CLEAT_OK : cleat__fail_memory();
    if (status == CLEAT_OK) {
        status = cleat__cron_list_declared(core->store, entry->row, note_former, &all);
    }
    if (status == CLEAT_OK && all.failed) {
        status = cleat__fail_memory();
    }
    status = cleat__core_check(core, status);
    if (status == CLEAT_OK) {
        status = replace(core, entry, &all);
    }
    cleat__free(all.ids);
    cleat__free(all.found);
    return status;
}

/* ---- By itself ---- */

/* Its run of that time. */
static cleat_status make_run(cleat__core *core, const cleat__cron_row *row, int64_t at_ms,
                             cleat__uuid *run_id)
{
    cleat__buffer metadata = {0};
    cleat__metadata_of_cron(row->what.metadata, row->what.expression, row->what.name, at_ms, &metadata);
    const cleat__trigger trigger = {.workflow = row->what.workflow,
                                    .input = row->what.input,
                                    .metadata = cleat__buffer_slice(&metadata),
                                    .priority = row->what.priority,
                                    .child_index = -1};
    cleat_status status =
        metadata.failed ? cleat__fail_memory() : cleat__trigger_runs(core, row->tenant, &trigger, 1, run_id);
    cleat__buffer_deinit(&metadata);
    return status;
}

/* Nobody waits for it, and the next one will do the same: once of each version the log says so. */
static cleat_status warn_of_end(cleat__core *core, const cleat__cron_row *row, const cleat__uuid *run_id)
{
    char id[37];
    cleat__run_row ended;
    cleat__task_type *type = cleat__catalog_find(&core->catalog, row->tenant, row->what.workflow)->latest;
    if (type->has_failing_cron || cleat__runs_find(&core->runs, run_id) != NULL) {
        return CLEAT_OK;
    }
    cleat_status status = cleat__core_check(core, cleat__run_glance(core->store, run_id, &ended));
    if (status == CLEAT_OK && ended.status == CLEAT_RUN_FAILED) {
        type->has_failing_cron = true;
        cleat__uuid_format(&row->id, id);
        cleat__log(CLEAT_LOG_ERROR, "a run of cron %s of \"%.*s\" has failed at its start: %.*s", id,
                   CLEAT_SLICE_ARGS(row->what.workflow), CLEAT_SLICE_ARGS(ended.error));
    }
    return status;
}

static cleat_status start(cleat__core *core, const cleat__cron_row *row)
{
    cleat__uuid run_id;
    cleat_status status = make_run(core, row, row->next_at_ms, &run_id);
    if (status == CLEAT_OK) {
        return warn_of_end(core, row, &run_id);
    }
    if (core->failure != CLEAT_OK || status == CLEAT_NO_MEMORY) {
        return status;
    }
    char id[37];
    cleat__uuid_format(&row->id, id);
    bool is_meant = status == CLEAT_ALREADY_EXISTS; /* its key says that one is enough */
    cleat__log(is_meant ? CLEAT_LOG_INFO : CLEAT_LOG_ERROR,
               "cron %s of \"%.*s\" does not start this time: %s", id, CLEAT_SLICE_ARGS(row->what.workflow),
               cleat_error_message());
    return CLEAT_EMPTY;
}

/* Its workflow is, and its times pass. */
static bool is_paused(const cleat__core *core, const cleat__cron_row *row)
{
    const cleat__workflow_entry *workflow =
        cleat__catalog_find(&core->catalog, row->tenant, row->what.workflow);
    return workflow != NULL && workflow->pause.is_paused && !workflow->pause.queues_crons;
}

/* The first that is due. CLEAT_EMPTY: there is no memory for it just now. */
static cleat_status fire_one(cleat__core *core, const cleat__cron_row *row)
{
    bool is_missed = row->next_at_ms < core->cron_since_ms || is_paused(core, row) || !makes_sense(row);
    cleat_status status = is_missed ? CLEAT_EMPTY : start(core, row);
    if (status != CLEAT_OK && status != CLEAT_EMPTY) {
        return core->failure != CLEAT_OK ? status : CLEAT_EMPTY;
    }
    return cleat__cron_plan(core->store, &row->id, next_time(row->what.expression, core->now.unix_ms),
                            status == CLEAT_OK ? row->next_at_ms : 0);
}

static cleat_status fire_first(cleat__core *core)
{
    cleat__cron_row row;
    cleat_status status = cleat__cron_due(core->store, core->now.unix_ms, &row);
    if (status == CLEAT_OK) {
        status = fire_one(core, &row);
        if (status == CLEAT_EMPTY) {
            core->cron_ms = core->now.unix_ms + LOOK_EVERY_MS;
            return CLEAT_OK;
        }
    }
    if (status == CLEAT_OK || status == CLEAT_EMPTY) { /* or it was deleted */
        status = cleat__cron_next(core->store, &core->cron_ms);
    }
    return cleat__core_check(core, status);
}

/* One run more, whether it is enabled or not; its times stay. */
cleat_status cleat__crons_trigger(cleat__core *core, cleat__command *command)
{
    cleat__cron_row row;
    cleat_status status = cleat__cron_get(core->store, command->tenant, &command->as.trigger_now.id, &row);
    if (status != CLEAT_OK) {
        return cleat__core_check_found(core, status);
    }
    return make_run(core, &row, core->now.unix_ms, command->as.trigger_now.run_id);
}

/* ---- Clocks ---- */

/* Those whose time is to be another. */
typedef struct planning {
    const cleat__core *core;
    struct {
        cleat__uuid id;
        int64_t next_ms;
    } changes[PLANNED_MAX];
    size_t count, seen;
    cleat__uuid last;
} planning;

static bool plan_one(void *argument, const cleat__cron_row *row)
{
    planning *all = argument;
    int64_t next_ms = next_time(row->what.expression, seen_time(all->core, row));
    all->seen++;
    all->last = row->id;
    if (row->is_enabled && row->next_at_ms > next_ms) {
        all->changes[all->count].id = row->id;
        all->changes[all->count++].next_ms = next_ms;
    }
    return true;
}

/* Looks at some, and goes on in the next step. */
static cleat_status plan_some(cleat__core *core)
{
    planning all = {.core = core};
    cleat_status status =
        cleat__cron_list_behind(core->store, &core->cron_planned, PLANNED_MAX, plan_one, &all);
    status = cleat__core_check(core, status);
    for (size_t i = 0; i < all.count && status == CLEAT_OK; i++) {
        status = cleat__core_begin(core);
        if (status == CLEAT_OK) {
            status = cleat__core_check(
                core, cleat__cron_plan(core->store, &all.changes[i].id, all.changes[i].next_ms, 0));
        }
        note_time(core, all.changes[i].next_ms);
    }
    core->cron_planned = all.last;
    core->is_planning_crons = all.seen == PLANNED_MAX;
    core->has_more = core->has_more || core->is_planning_crons;
    return status;
}

/* Whether it was set since the last look. */
static void look_at_clock(cleat__core *core)
{
    int64_t moved_ms = (core->now.unix_ms - core->cron_looked.unix_ms) -
                       (core->now.monotonic_ms - core->cron_looked.monotonic_ms);
    core->cron_looked = core->now;
    if (moved_ms > GRACE_MS) {
        core->cron_since_ms = core->now.unix_ms - GRACE_MS;
    } else if (moved_ms < -GRACE_MS) {
        core->cron_since_ms = INT64_MIN;
        core->cron_planned = (cleat__uuid){{0}};
        core->is_planning_crons = true;
    }
}

cleat_status cleat__crons_fire(cleat__core *core, int max)
{
    cleat_status status = CLEAT_OK;
    look_at_clock(core);
    if (core->cron_ms == INT64_MAX) {
        core->is_planning_crons = false;
        return CLEAT_OK;
    }
    if (core->is_planning_crons) {
        status = plan_some(core);
    }
    while (status == CLEAT_OK && core->cron_ms <= core->now.unix_ms) {
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

int64_t cleat__crons_next_ms(const cleat__core *core)
{
    if (core->cron_ms == INT64_MAX) {
        return INT64_MAX;
    }
    if (core->cron_ms <= core->now.unix_ms || core->is_planning_crons) {
        return core->now.monotonic_ms;
    }
    int64_t left = core->cron_ms - core->now.unix_ms;
    return core->now.monotonic_ms + (left < LOOK_EVERY_MS ? left : LOOK_EVERY_MS);
}

cleat_status cleat__crons_recover(cleat__core *core)
{
    core->cron_looked = core->now;
    core->cron_since_ms = core->now.unix_ms - GRACE_MS;
    core->is_planning_crons = true;
    return cleat__cron_next(core->store, &core->cron_ms);
}
