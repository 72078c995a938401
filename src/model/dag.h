/* Workflows that are directed acyclic graphs of tasks: what must be right of them, and how they are stored. */
#ifndef CLEAT_MODEL_DAG_H
#define CLEAT_MODEL_DAG_H

#include "base/arena.h"
#include "model/workflow.h"

/* Of a workflow whose tasks are right one by one. CLEAT_INVALID_ARGUMENT: a name that is there twice or not at
 * all, a cycle, a condition that makes no sense. */
cleat_status cleat__dag_check(const cleat__workflow *workflow);

/* The index of the task with that name; task_count: there is none. */
size_t cleat__dag_find(const cleat__workflow *workflow, cleat_slice name);

/* An array of tasks, behind "tasks" of cleat__workflow_encode(). */
void cleat__dag_encode(const cleat__workflow *workflow, cleat__buffer *out);
/* The tasks of such a declaration, as far as the engine must know of them: without slots, labels and
 * limits, which cleat__needs has. All of it is in `arena`. CLEAT_CORRUPT: it is none. */
cleat_status cleat__dag_decode(cleat_slice declaration, cleat__arena *arena, cleat__workflow *out);

#endif
