#include "sdk/task_name.h"

cleat_status cleat__task_workflow(const char *task, char workflow[CLEAT__ACTION_SIZE])
{
    char action[CLEAT__ACTION_SIZE];
    cleat_status status = cleat__action_id(task, action);
    if (status == CLEAT_OK) {
        cleat__workflow_name(cleat_slice_of(action), workflow);
    }
    return status;
}
