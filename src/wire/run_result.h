/* How runs ended: WorkflowRunEvent and cleat_run_result; v1.RunStatus and cleat_run_status. */
#ifndef CLEAT_WIRE_RUN_RESULT_H
#define CLEAT_WIRE_RUN_RESULT_H

#include "wire/dispatcher.pb-c.h"
#include "wire/v1/workflows.pb-c.h"
#include "model/continued.h"
#include "model/task_results.h"

/*
 * A server's writing, for a run with one task of this name. An error that is too large is replaced by a
 * notice; an output that is too large leaves the event without results. NULL on no memory. Free with
 * cleat__message_free().
 */
Cleat__WorkflowRunEvent *cleat__run_result_write(const cleat_run_result *result, cleat_slice task_name,
                                                 int64_t now_ms);

/* The same for a run of several tasks. Where outputs are too large but the run has not completed, its own error, or that
 * it was cancelled, is the one result. */
Cleat__WorkflowRunEvent *cleat__run_results_write(const cleat_run_result *result,
                                                  const cleat__task_results *tasks, int64_t now_ms);

/*
 * A client's reading; the id is that of the run whose end it is. A run with one task has that task's output, one with more
 * an object by task name. Of several errors it has the first; errors read as payload.h has them. A run none of whose tasks
 * failed and one of whose was cancelled is CANCELLED.
 * CLEAT_INVALID_ARGUMENT; CLEAT_TOO_LARGE when there are no results, which means that; CLEAT_NO_MEMORY.
 */
cleat_status cleat__run_result_read(const Cleat__WorkflowRunEvent *message, cleat_run_result *out);

/* What is nothing that is known is CLEAT__FOLLOW_NOT. */
static inline cleat__follow cleat__follow_read(int32_t number)
{
    bool is_known = number == CLEAT__FOLLOW_LAST || number == CLEAT__FOLLOW_STREAM;
    return is_known ? (cleat__follow)number : CLEAT__FOLLOW_NOT;
}

/* CLEAT_INVALID_ARGUMENT for a number that is no status. */
cleat_status cleat__run_status_read(Cleat__V1__RunStatus wire, cleat_run_status *out);
Cleat__V1__RunStatus cleat__run_status_write(cleat_run_status status);

#endif
