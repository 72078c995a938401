/* Names of tasks, as programs say them. */
#ifndef CLEAT_SDK_TASK_NAME_H
#define CLEAT_SDK_TASK_NAME_H

#include "model/workflow.h"

#define CLEAT__ACTION_SIZE (2 * CLEAT__TASK_NAME_MAX + 2)

/* The name of the workflow that the task is of. CLEAT_INVALID_ARGUMENT: it is no name. */
cleat_status cleat__task_workflow(const char *task, char workflow[CLEAT__ACTION_SIZE]);

#endif
