/*
 * What a worker is sent: AssignedAction and cleat__assignment. The input travels inside a JSON envelope
 * with what else a task may be told; it is copied as text both ways, so that no number changes.
 */
#ifndef CLEAT_WIRE_ASSIGNMENT_H
#define CLEAT_WIRE_ASSIGNMENT_H

#include "model/task.h"
#include "wire/dispatcher.pb-c.h"

/* What an action says besides the assignment. All slices may be absent. */
typedef struct cleat__action_details {
    cleat_slice tenant_id;
    cleat_slice workflow_id;
    cleat_slice workflow_version_id;
    cleat_slice step_id;      /* of the task's declaration */
    cleat__uuid run_id;       /* of the run that it is a task of; nil: the same */
    cleat_slice task_name;    /* as it was declared; absent: the last part of the action id */
    int32_t priority;         /* 1 .. 3 */
    int32_t invocation_count; /* CANCEL_STEP_RUN, of a durable task; else 0 */
} cleat__action_details;

/* START_STEP_RUN. NULL on no memory. Free with cleat__message_free(). */
Cleat__AssignedAction *cleat__assignment_write(const cleat__assignment *assignment,
                                               const cleat__action_details *details);
/* CANCEL_STEP_RUN of an attempt: the ids are those of its start, or it would not be found. */
Cleat__AssignedAction *cleat__cancellation_write(const cleat__uuid *task_id, int32_t retry_count,
                                                 cleat_slice action_id, const cleat__action_details *details);

/*
 * A worker's reading of START_STEP_RUN: one block, see cleat__assignment. The run counts as created when
 * the action says so, else now, and as queued now: the protocol does not tell. Errors of other tasks read as
 * payload.h has them.
 * CLEAT_INVALID_ARGUMENT, CLEAT_TOO_LARGE, CLEAT_NO_MEMORY.
 */
cleat_status cleat__assignment_read(const Cleat__AssignedAction *message, int64_t now_ms,
                                    cleat__assignment **out);
/* The attempt of any action. CLEAT_INVALID_ARGUMENT when it names none. */
cleat_status cleat__action_attempt_read(const Cleat__AssignedAction *message, cleat__uuid *task_id,
                                        int32_t *retry_count);

#endif
