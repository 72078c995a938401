/* Crons that programs make in the simulation, switch off and on, start by hand and delete. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/world.h"

#include "model/rfc3339.h"
#include "store/statement.h"

#include <inttypes.h>

#define CRONS_WORKFLOW(cron) ((cron) % 2 == 0 ? (size_t)2 : (size_t)WORLD_DAG)

/* ---- Commands ---- */

/* A former one of that place is deleted, so that no more than there are places are ever there. */
static sim_slip *add(sim_world *world, size_t at)
{
    sim_cron *cron = &world->crons[at];
    *cron = (sim_cron){.tenant = world_any_tenant(world),
                       .workflow = CRONS_WORKFLOW(at),
                       .is_enabled = true,
                       .off_ms = INT64_MAX};
    snprintf(cron->name, sizeof(cron->name), "c%" PRIu64, ++world->number);
    sim_slip *made = world_new_slip(world, CLEAT__COMMAND_ADD_CRON);
    made->cron = at;
    made->command.tenant = cron->tenant;
    made->recurrence = (cleat__recurrence){
        .workflow = cleat_slice_of(world_workflows[cron->workflow]),
        .name = cleat_slice_of(cron->name),
        .expression = cleat_slice_of(cron->workflow == WORLD_DAG ? WORLD_DAG_CRON : WORLD_OFTEN),
        .input = cleat_slice_of(WORLD_CRON_INPUT),
    };
    made->command.as.add_cron.what = &made->recurrence;
    made->command.as.add_cron.id = &made->ids[0];
    return made;
}

static sim_slip *about(sim_world *world, size_t at, cleat__command_kind kind)
{
    const sim_cron *cron = &world->crons[at];
    sim_slip *made = world_new_slip(world, kind);
    made->cron = at;
    made->is_foreign = pick(world, 20) == 0;
    made->command.tenant = made->is_foreign ? 1 + cron->tenant % WORLD_TENANTS : cron->tenant;
    return made;
}

/* From now on its times may count again. */
static sim_slip *switch_it(sim_world *world, size_t at)
{
    sim_slip *made = about(world, at, CLEAT__COMMAND_CHANGE_CRON);
    made->command.as.change_cron.id = world->crons[at].id;
    made->command.as.change_cron.is_enabled = pick(world, 2) == 0;
    if (made->command.as.change_cron.is_enabled && !made->is_foreign) {
        world->crons[at].on_ms = world->now.unix_ms;
    }
    return made;
}

static sim_slip *start_by_hand(sim_world *world, size_t at)
{
    sim_slip *made = about(world, at, CLEAT__COMMAND_TRIGGER_CRON);
    made->command.as.trigger_now.id = world->crons[at].id;
    made->command.as.trigger_now.run_id = &made->ids[0];
    return made;
}

sim_slip *world_delete_cron(sim_world *world, size_t at)
{
    const sim_cron *cron = &world->crons[at];
    if (cleat__uuid_is_nil(&cron->id) || cron->is_deleted) {
        return NULL;
    }
    sim_slip *made = world_new_slip(world, CLEAT__COMMAND_DELETE_CRON);
    made->cron = at;
    made->command.tenant = cron->tenant;
    made->command.as.id = cron->id;
    return made;
}

/* Nothing else is on its way about the same. */
static bool is_asked_about(const sim_world *world, size_t at)
{
    for (const sim_slip *slip = world->slips; slip != NULL; slip = slip->next) {
        switch (slip->command.kind) {
        case CLEAT__COMMAND_ADD_CRON:
        case CLEAT__COMMAND_CHANGE_CRON:
        case CLEAT__COMMAND_DELETE_CRON:
            if (slip->cron == at) {
                return true;
            }
            break;
        default: break;
        }
    }
    return false;
}

sim_slip *world_change_crons(sim_world *world)
{
    size_t at = (size_t)pick(world, WORLD_CRONS);
    const sim_cron *cron = &world->crons[at];
    bool is_free = cleat__uuid_is_nil(&cron->id) || (cron->is_deleted && !cron->is_in_doubt);
    if (is_asked_about(world, at)) {
        return NULL;
    }
    if (is_free) {
        return add(world, at);
    }
    uint64_t dice = pick(world, 8);
    return dice < 4                                            ? switch_it(world, at)
           : dice < 7 && world->task_count + 1 < WORLD_STARTED ? start_by_hand(world, at)
                                                               : world_delete_cron(world, at);
}

/* ---- What is learnt ---- */

/* Its run is known by its id: it has not the cron's time. */
static void learn_started(sim_world *world, const sim_slip *slip)
{
    const sim_cron *cron = &world->crons[slip->cron];
    if (!cleat__uuid_is_nil(&slip->ids[0])) {
        known *task = world_new_task(world, cron->tenant, NOBODY);
        size_t workflow = cron->workflow;
        task->id = slip->ids[0];
        task->is_cron = true;
        task->is_by_hand = true;
        task->is_dag = workflow == WORLD_DAG;
        snprintf(task->input, sizeof(task->input), "%s", WORLD_CRON_INPUT);
    }
}

void world_learn_cron(sim_world *world, const sim_slip *slip)
{
    if (slip->command.kind == CLEAT__COMMAND_TRIGGER_CRON) {
        learn_started(world, slip);
    } else {
        world->crons[slip->cron].id = slip->ids[0];
    }
}

/* A clock that goes back says nothing of before and after. */
static void note_switch(sim_world *world, sim_cron *cron, const sim_slip *slip)
{
    bool is_enabled =
        slip->command.kind == CLEAT__COMMAND_CHANGE_CRON && slip->command.as.change_cron.is_enabled;
    if (cron->is_enabled && !is_enabled) {
        cron->off_ms = world->now.unix_ms;
        cron->on_ms = INT64_MAX;
    }
    world->seen.switched += cron->is_enabled != is_enabled;
    cron->is_enabled = is_enabled;
}

void world_answered_cron(sim_world *world, const sim_slip *slip)
{
    sim_cron *cron = &world->crons[slip->cron];
    cleat_status status = slip->command.status;
    bool may_be_gone = cron->is_deleted || cron->is_in_doubt || !cron->is_acknowledged;
    bool may_be_refused = cron->workflow == WORLD_DAG && slip->command.kind == CLEAT__COMMAND_TRIGGER_CRON;
    world_check(world,
                status == CLEAT_OK || (status == CLEAT_NOT_FOUND && may_be_gone) ||
                    (status == CLEAT_ALREADY_EXISTS && may_be_refused),
                "cron %s: %s", cron->name, cleat_status_name(status));
    if (status != CLEAT_OK) {
        return;
    }
    world_check(world, !cron->is_deleted, "cron %s is there after it was deleted", cron->name);
    switch (slip->command.kind) {
    case CLEAT__COMMAND_ADD_CRON: cron->is_acknowledged = true; break;
    case CLEAT__COMMAND_CHANGE_CRON: note_switch(world, cron, slip); break;
    case CLEAT__COMMAND_DELETE_CRON:
        note_switch(world, cron, slip);
        cron->is_deleted = true;
        break;
    default: {
        size_t task = world_find(world, &slip->ids[0]);
        world_check(world, task != NOBODY, "a cron has started nothing");
        world->tasks[task].is_acknowledged = true;
        world->seen.by_hand++;
    }
    }
}

void world_unanswered_cron(sim_world *world, const sim_slip *slip)
{
    bool is_change = slip->command.kind == CLEAT__COMMAND_ADD_CRON ||
                     slip->command.kind == CLEAT__COMMAND_CHANGE_CRON ||
                     slip->command.kind == CLEAT__COMMAND_DELETE_CRON;
    if (is_change && !slip->is_foreign) {
        world->crons[slip->cron].is_in_doubt = true;
    }
}

/* ---- Its runs ---- */

static bool read_text(const char *metadata, const char *key, char *out, size_t size)
{
    char quoted[48];
    snprintf(quoted, sizeof(quoted), "\"%s\":\"", key);
    const char *found = strstr(metadata, quoted);
    if (found == NULL) {
        return false;
    }
    found += strlen(quoted);
    snprintf(out, size, "%.*s", (int)strcspn(found, "\""), found);
    return true;
}

/* At a time at which it was switched on. */
void world_check_fired(sim_world *world, const known *run)
{
    char name[16] = "", at[40] = "";
    bool has_both = read_text(run->metadata, "hatchet__cron_name", name, sizeof(name)) &&
                    read_text(run->metadata, "hatchet__cron_scheduled_at", at, sizeof(at));
    world_check(world, has_both, "a cron's run of %s", run->metadata);
    int64_t at_ms = 0;
    world_check(world, cleat__rfc3339_parse(cleat_slice_of(at), &at_ms), "a cron's run of time %s", at);
    world->seen.by_programs += name[0] != '\0';
    for (size_t i = 0; i < WORLD_CRONS && !world->clock_went_back; i++) {
        const sim_cron *cron = &world->crons[i];
        if (strcmp(cron->name, name) == 0 && cron->name[0] != '\0') {
            world_check(world, cron->tenant == run->tenant, "cron %s fires for another tenant", name);
            world_check(world, at_ms <= cron->off_ms || at_ms > cron->on_ms, "cron %s is off and fires: %s",
                        name, at);
        }
    }
}

/* ---- In the file ---- */

void world_audit_crons(sim_world *world, cleat__store *store)
{
    for (size_t i = 0; i < WORLD_CRONS; i++) {
        sim_cron *cron = &world->crons[i];
        sqlite3_stmt *row = NULL;
        if (cleat__uuid_is_nil(&cron->id)) {
            continue;
        }
        world_check(world,
                    cleat__statement_of_run(store, "SELECT is_enabled FROM cron WHERE id = ?1", &cron->id,
                                            &row) == CLEAT_OK,
                    "%s", cleat_error_message());
        bool is_there = sqlite3_step(row) == SQLITE_ROW;
        bool is_enabled = is_there && sqlite3_column_int(row, 0) != 0;
        sqlite3_reset(row);
        if (cron->is_in_doubt || (!cron->is_acknowledged && !is_there)) {
            cron->is_acknowledged = is_there;
            cron->is_deleted = !is_there;
            cron->is_enabled = is_enabled;
            cron->is_in_doubt = false;
            cron->off_ms = INT64_MAX; /* nobody knows since when */
        }
        world_check(world, is_there == !cron->is_deleted, "cron %s is %s", cron->name,
                    is_there ? "not deleted" : "lost");
        world_check(world, !is_there || is_enabled == cron->is_enabled, "cron %s is %s", cron->name,
                    is_enabled ? "on" : "off");
    }
}
