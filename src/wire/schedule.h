/* Runs that are to start at a time: ScheduleWorkflowRequest. */
#ifndef CLEAT_WIRE_SCHEDULE_H
#define CLEAT_WIRE_SCHEDULE_H

#include "model/schedule.h"
#include "wire/workflows.pb-c.h"

/*
 * Borrows from the message; `at_ms` has room for as many times as it has. All checks that need no engine. A
 * parent is only looked at for whether it is named completely: the run will not be its child.
 * CLEAT_INVALID_ARGUMENT, CLEAT_TOO_LARGE, CLEAT_NO_MEMORY.
 */
cleat_status cleat__schedule_read(const Cleat__ScheduleWorkflowRequest *message, cleat__schedule *out,
                                  int64_t *at_ms);

/* What is told of them, to be freed with cleat__message_free(). NULL on no memory. */
typedef struct cleat__schedule_answer {
    cleat__uuid workflow_id, version_id; /* of the newest version */
    int64_t order;                       /* of that version among all, from 1 on */
    const cleat__uuid *ids;
    const int64_t *at_ms;
    size_t count;
} cleat__schedule_answer;
Cleat__WorkflowVersion *cleat__schedule_answer_write(const cleat__schedule_answer *answer);

#endif
