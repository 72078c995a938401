/* Workflows of one task, which a test may change before it declares them. */
#ifndef CLEAT_TESTS_ONE_TASK_H
#define CLEAT_TESTS_ONE_TASK_H

#include "model/workflow.h"

/* Its task is one of a few of this thread, used in turn. */
static inline cleat__workflow one_task(cleat_slice name, cleat__workflow_task task)
{
    static _Thread_local cleat__workflow_task tasks[32];
    static _Thread_local unsigned turn;
    cleat__workflow_task *own = &tasks[turn++ % 32];
    *own = task;
    return (cleat__workflow){.name = name, .tasks = own, .task_count = 1};
}

static inline cleat__workflow_task *task_of(const cleat__workflow *workflow)
{
    return (cleat__workflow_task *)(uintptr_t)workflow->tasks;
}

#endif
