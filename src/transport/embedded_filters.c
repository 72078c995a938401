#include "transport/embedded_filters.h"

#include "engine/command.h"
#include "store/filter.h"
#include "transport/embedded_workflows.h"
#include "transport/filter_list.h"

cleat_status cleat__embedded_filter_add(cleat__engine *engine, int64_t tenant, cleat_slice workflow,
                                        const cleat__filter *filter, cleat__uuid *id)
{
    const cleat__command command = {.kind = CLEAT__COMMAND_ADD_FILTER,
                                    .tenant = tenant,
                                    .as.add_filter = {.workflow = workflow, .filter = filter, .id = id}};
    return cleat__engine_ask(engine, &command);
}

cleat_status cleat__embedded_filter_change(cleat__engine *engine, int64_t tenant, const cleat__uuid *id,
                                           const cleat__filter *filter)
{
    const cleat__command command = {
        .kind = CLEAT__COMMAND_CHANGE_FILTER, .tenant = tenant, .as.change_filter = {*id, filter}};
    return cleat__engine_ask(engine, &command);
}

cleat_status cleat__embedded_filter_delete(cleat__engine *engine, int64_t tenant, const cleat__uuid *id)
{
    const cleat__command command = {.kind = CLEAT__COMMAND_DELETE_FILTER, .tenant = tenant, .as.id = *id};
    return cleat__engine_ask(engine, &command);
}

typedef struct listing {
    int64_t tenant, to_skip, limit;
    cleat_slice workflow; /* absent: any */
    cleat__uuid wanted;   /* that one */
    cleat_filter_list *out;
    cleat_status status;
} listing;

static bool visit(void *argument, const cleat__filter_row *row)
{
    listing *it = argument;
    if (it->workflow.data != NULL && !cleat__uuid_equals(&it->wanted, &row->workflow_id)) {
        return true;
    }
    if (it->to_skip > 0) {
        it->to_skip--;
        return true;
    }
    it->status = cleat__filter_list_add(it->out, &row->id, row->is_declarative, &row->filter);
    return it->status == CLEAT_OK && (int64_t)it->out->count < it->limit;
}

static cleat_status list(cleat__store *store, void *argument)
{
    listing *it = argument;
    cleat_status status = CLEAT_OK;
    if (it->workflow.data != NULL) {
        status = cleat__embedded_workflow_find(store, it->tenant, it->workflow, &it->wanted);
    }
    if (status == CLEAT_OK) {
        status = cleat__filter_list(store, it->tenant, visit, it);
    }
    return status == CLEAT_OK ? it->status : status;
}

cleat_status cleat__embedded_filters(cleat__engine *engine, int64_t tenant, cleat_slice workflow,
                                     int64_t offset, int64_t limit, cleat_filter_list *out)
{
    listing it = {.tenant = tenant, .to_skip = offset, .limit = limit, .workflow = workflow, .out = out};
    return cleat__engine_call(engine, list, &it);
}
