/* Making the public list of the tasks of a run. */
#ifndef CLEAT_TRANSPORT_TASK_LIST_H
#define CLEAT_TRANSPORT_TASK_LIST_H

#include "base/uuid.h"
#include <cleat/runs.h>

typedef struct cleat__run_task {
    cleat__uuid id;
    cleat_slice name;
    cleat_run_status status;
    cleat_slice output, error; /* as they are stored, whatever the status */
} cleat__run_task;

/* Adds a copy. */
cleat_status cleat__task_list_add(cleat_task_list *list, const cleat__run_task *task);

#endif
