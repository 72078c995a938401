/*
 * Filters stay in the file; memory has only how many a workflow has, so that events of those without any
 * are not looked up.
 */
#include "engine/filters.h"

#include "base/error.h"
#include "model/missing.h"
#include "store/filter.h"

static cleat_status insert(cleat__core *core, const cleat__workflow_entry *workflow,
                           const cleat__filter *filter, bool is_declarative, cleat__uuid *id)
{
    const cleat__filter_row row = {
        .id = cleat__uuid_next(&core->ids, core->now.unix_ms),
        .tenant = workflow->tenant,
        .workflow_row = workflow->row,
        .is_declarative = is_declarative,
        .created_at_ms = core->now.unix_ms,
        .updated_at_ms = core->now.unix_ms,
        .filter = *filter,
    };
    *id = row.id;
    return cleat__core_check(core, cleat__filter_insert(core->store, &row));
}

static cleat_status find_workflow(const cleat__core *core, const cleat__command *command,
                                  cleat__workflow_entry **out)
{
    cleat_slice name = command->as.add_filter.workflow;
    if (name.data == NULL) {
        return cleat__catalog_find_id(&core->catalog, command->tenant, &command->as.add_filter.workflow_id,
                                      out);
    }
    *out = cleat__catalog_find(&core->catalog, command->tenant, name);
    return *out != NULL ? CLEAT_OK : cleat__missing_task(name);
}

cleat_status cleat__filters_add(cleat__core *core, cleat__command *command)
{
    cleat__workflow_entry *workflow = NULL;
    cleat_status status = find_workflow(core, command, &workflow);
    if (status == CLEAT_OK) {
        status = cleat__core_begin(core);
    }
    if (status == CLEAT_OK) {
        status = insert(core, workflow, command->as.add_filter.filter, false, command->as.add_filter.id);
    }
    if (status == CLEAT_OK) {
        workflow->filter_count++;
    }
    return status;
}

cleat_status cleat__filters_change(cleat__core *core, cleat__command *command)
{
    const cleat__filter_row row = {
        .id = command->as.change_filter.id,
        .tenant = command->tenant,
        .updated_at_ms = core->now.unix_ms,
        .filter = *command->as.change_filter.filter,
    };
    cleat_status status = cleat__core_begin(core);
    return status == CLEAT_OK ? cleat__core_check_found(core, cleat__filter_update(core->store, &row))
                              : status;
}

cleat_status cleat__filters_delete(cleat__core *core, cleat__command *command)
{
    cleat__filter_row row;
    cleat__workflow_entry *workflow = NULL;
    cleat_status status = cleat__filter_get(core->store, command->tenant, &command->as.id, &row);
    if (status != CLEAT_OK) {
        return cleat__core_check_found(core, status);
    }
    const cleat__uuid workflow_id = row.workflow_id;
    status = cleat__core_begin(core);
    if (status == CLEAT_OK) {
        status = cleat__core_check_found(core,
                                         cleat__filter_delete(core->store, command->tenant, &command->as.id));
    }
    if (status == CLEAT_OK &&
        cleat__catalog_find_id(&core->catalog, command->tenant, &workflow_id, &workflow) == CLEAT_OK) {
        workflow->filter_count--;
    }
    return status;
}

/* ---- Declared ---- */

typedef struct comparison {
    const cleat__filter *filters;
    size_t count, seen;
    bool differs;
} comparison;

static bool is_same(cleat_slice stored, cleat_slice given, const char *otherwise)
{
    return cleat_slice_equals(stored, given.data != NULL ? given : cleat_slice_of(otherwise));
}

static bool compare_one(void *argument, const cleat__filter_row *row)
{
    comparison *state = argument;
    if (state->seen < state->count) {
        const cleat__filter *given = &state->filters[state->seen];
        state->differs = state->differs || !is_same(row->filter.scope, given->scope, "") ||
                         !is_same(row->filter.expression, given->expression, "") ||
                         !is_same(row->filter.payload, given->payload, "{}");
    }
    state->seen++;
    return true;
}

cleat_status cleat__filters_declare(cleat__core *core, cleat__workflow_entry *workflow,
                                    const cleat__filter *filters, size_t count)
{
    comparison state = {.filters = filters, .count = count};
    if (count == 0) {
        return CLEAT_OK;
    }
    cleat_status status =
        cleat__core_check(core, cleat__filter_list_declared(core->store, workflow->row, compare_one, &state));
    if (status != CLEAT_OK || (!state.differs && state.seen == count)) {
        return status;
    }
    status = cleat__core_begin(core);
    if (status == CLEAT_OK) {
        status = cleat__core_check(core, cleat__filter_delete_all(core->store, workflow->row, true));
    }
    for (size_t i = 0; i < count && status == CLEAT_OK; i++) {
        cleat__uuid id;
        status = insert(core, workflow, &filters[i], true, &id);
    }
    if (status == CLEAT_OK) {
        workflow->filter_count += (int64_t)count - (int64_t)state.seen;
    }
    return status;
}

cleat_status cleat__filters_forget(cleat__core *core, cleat__workflow_entry *workflow)
{
    workflow->filter_count = 0;
    return cleat__filter_delete_all(core->store, workflow->row, false);
}

/* ---- At the start ---- */

static bool set_count(void *argument, int64_t tenant, cleat_slice name, int64_t count)
{
    const cleat__core *core = argument;
    cleat__workflow_entry *workflow = cleat__catalog_find(&core->catalog, tenant, name);
    if (workflow != NULL) {
        workflow->filter_count = count;
    }
    return true;
}

cleat_status cleat__filters_recover(cleat__core *core)
{
    return cleat__filter_count(core->store, set_count, core);
}
