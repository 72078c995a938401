/* How an attempt ended: StepActionEvent and cleat__report. */
#ifndef CLEAT_WIRE_REPORT_H
#define CLEAT_WIRE_REPORT_H

#include "model/task.h"
#include "wire/dispatcher.pb-c.h"

/*
 * A server's reading; slices are borrowed from the message. Without a retry_count CLEAT__RETRY_CURRENT.
 * CLEAT_EMPTY: an event that ends nothing (STARTED, ACKNOWLEDGED), `task_id` and `retry_count` are set.
 * CLEAT_INVALID_ARGUMENT: a malformed id, or an event of another type. An output that is not JSON makes the attempt a failure. Errors are kept as
 * they are: see payload.h.
 */
cleat_status cleat__report_read(const Cleat__StepActionEvent *message, cleat__report *out);

/* What an event repeats of its action: engines do not need it. */
typedef struct cleat__event_origin {
    cleat_slice worker_id;
    cleat_slice action_id;
    cleat_slice step_id; /* task_id, and job_id, of the action */
} cleat__event_origin;

/*
 * A worker's writing; which attempt it is of is not told when its count is below 0. CLEAT_UNAVAILABLE, an attempt that
 * was never begun, is an event type of Cleat's own: only for its servers. NULL on no memory. Free with cleat__message_free().
 */
Cleat__StepActionEvent *cleat__report_write(const cleat__report *report, const cleat__event_origin *origin,
                                            int64_t now_ms, cleat_status *status);
/* STARTED. NULL on no memory. */
Cleat__StepActionEvent *cleat__started_write(const cleat__uuid *task_id, int32_t retry_count,
                                             const cleat__event_origin *origin, int64_t now_ms);

#endif
