#include "transport/embedded_workflows.h"

#include "engine/command.h"
#include "model/missing.h"
#include "store/query.h"

cleat_status cleat__embedded_workflow_find(cleat__store *store, int64_t tenant, cleat_slice workflow,
                                           cleat__uuid *id)
{
    cleat__workflow_brief brief;
    cleat_status status = cleat__workflow_get(store, tenant, workflow, &brief);
    *id = brief.workflow_id;
    return status == CLEAT_NOT_FOUND ? cleat__missing_task(workflow) : status;
}

typedef struct looking {
    int64_t tenant;
    cleat_slice workflow;
    cleat__uuid id;
} looking;

static cleat_status look(cleat__store *store, void *argument)
{
    looking *it = argument;
    return cleat__embedded_workflow_find(store, it->tenant, it->workflow, &it->id);
}

cleat_status cleat__embedded_pause_workflow(cleat__engine *engine, int64_t tenant, cleat_slice workflow,
                                            const cleat__pause *pause)
{
    looking it = {.tenant = tenant, .workflow = workflow};
    cleat_status status = cleat__engine_call(engine, look, &it);
    const cleat__command command = {.kind = CLEAT__COMMAND_PAUSE_WORKFLOW,
                                    .tenant = tenant,
                                    .as.pause_workflow = {.id = it.id, .pause = *pause}};
    return status == CLEAT_OK ? cleat__engine_ask(engine, &command) : status;
}
