/* Filters that programs make in the simulation: each tenant has one at most, of a scope of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/world.h"

#include "store/statement.h"

#define TRUE_FILTER  "has(payload.f)"
#define FALSE_FILTER "input.n == 'never'"

sim_slip *world_change_filter(sim_world *world)
{
    int64_t tenant = world_any_tenant(world);
    const sim_filter *filter = &world->filters[tenant - 1];
    cleat__command_kind kind = !filter->is_there     ? CLEAT__COMMAND_ADD_FILTER
                               : pick(world, 3) == 0 ? CLEAT__COMMAND_DELETE_FILTER
                                                     : CLEAT__COMMAND_CHANGE_FILTER;
    for (const sim_slip *slip = world->slips; slip != NULL; slip = slip->next) {
        if (slip->filter.expression.data != NULL || slip->command.kind == CLEAT__COMMAND_DELETE_FILTER) {
            return NULL; /* one at a time */
        }
    }
    sim_slip *made = world_new_slip(world, kind);
    made->command.tenant = tenant;
    if (kind == CLEAT__COMMAND_DELETE_FILTER) {
        made->command.as.id = filter->id;
        return made;
    }
    made->filter.expression = cleat_slice_of(pick(world, 3) != 0 ? TRUE_FILTER : FALSE_FILTER);
    if (kind == CLEAT__COMMAND_CHANGE_FILTER) {
        made->command.as.change_filter.id = filter->id;
        made->command.as.change_filter.filter = &made->filter;
        return made;
    }
    made->filter.scope = cleat_slice_of("u");
    made->filter.payload = cleat_slice_of(WORLD_FILTER_PAYLOAD);
    made->command.as.add_filter.workflow = cleat_slice_of(world_workflows[1]);
    made->command.as.add_filter.filter = &made->filter;
    made->command.as.add_filter.id = &made->ids[0];
    return made;
}

void world_judge(sim_world *world, const sim_slip *slip)
{
    const sim_filter *filter = &world->filters[slip->command.tenant - 1];
    for (size_t i = 0; slip->command.kind == CLEAT__COMMAND_PUSH && i < slip->command.as.push.count; i++) {
        known *task = &world->tasks[slip->tasks[i]];
        if (task->asks_filter) {
            task->starts = filter->is_there && filter->is_true;
        }
    }
}

/* It counts from the next command on. */
void world_note_filter(sim_world *world, const sim_slip *slip)
{
    sim_filter *filter = &world->filters[slip->command.tenant - 1];
    bool is_true = cleat_slice_equals(slip->filter.expression, cleat_slice_of(TRUE_FILTER));
    if (slip->command.status != CLEAT_OK) {
        return; /* the engine has failed */
    }
    switch (slip->command.kind) {
    case CLEAT__COMMAND_ADD_FILTER:
        *filter = (sim_filter){.id = slip->ids[0], .is_there = true, .is_true = is_true};
        break;
    case CLEAT__COMMAND_CHANGE_FILTER: filter->is_true = is_true; break;
    case CLEAT__COMMAND_DELETE_FILTER: filter->is_there = false; break;
    default: break;
    }
}

void world_unanswered_filter(sim_world *world, const sim_slip *slip)
{
    bool is_of_filter =
        slip->filter.expression.data != NULL || slip->command.kind == CLEAT__COMMAND_DELETE_FILTER;
    if (is_of_filter) {
        world->filters[slip->command.tenant - 1].is_in_doubt = true;
    }
}

void world_audit_filters(sim_world *world, cleat__store *store)
{
    for (size_t i = 0; i < WORLD_TENANTS; i++) {
        sim_filter *filter = &world->filters[i];
        sqlite3_stmt *row = NULL;
        world_check(world,
                    cleat__statement_of_run(store, "SELECT expression FROM event_filter WHERE id = ?1",
                                            &filter->id, &row) == CLEAT_OK,
                    "%s", cleat_error_message());
        bool is_there = sqlite3_step(row) == SQLITE_ROW;
        bool is_true = is_there && strcmp((const char *)sqlite3_column_text(row, 0), TRUE_FILTER) == 0;
        sqlite3_reset(row);
        if (filter->is_in_doubt) {
            *filter = (sim_filter){.id = filter->id, .is_there = is_there, .is_true = is_true};
        }
        world_check(world, is_there == filter->is_there && (!is_there || is_true == filter->is_true),
                    "a filter is %s", is_there ? "another" : "lost");
    }
}
