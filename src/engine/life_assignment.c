#include "engine/dag.h"
#include "engine/life_parts.h"

#include "store/load.h"

cleat_status cleat__life_load_assignment(cleat__core *core, cleat__run *run, cleat__assignment **out)
{
    const cleat__task_type *type = run->type;
    const cleat__type_names names = {type->queue->action, type->workflow->name, type->task_name};
    cleat_status status = type->dag != NULL ? cleat__dag_load_assignment(core, run, &names, out)
                                            : cleat__load_assignment(core->store, &run->id, &names, out);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__assignment *assignment = *out;
    assignment->retry_count = run->retry_count;
    assignment->queued_at_ms = run->since_ms;
    assignment->tenant = type->workflow->tenant;
    assignment->priority = run->priority;
    assignment->is_durable = type->needs->is_durable;
    assignment->workflow_id = type->workflow->id;
    assignment->version_id = type->version_id;
    assignment->step_id = type->step_id;
    assignment->log_size = -1;
    if (cleat__run_is_batched(run)) {
        return cleat__batches_dress(core, run, out);
    }
    return cleat__run_is_durable(run) ? cleat__durable_dress(core, cleat__durable_of(run), out) : CLEAT_OK;
}
