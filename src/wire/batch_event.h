/* What a worker says of several runs of a batch at once: BatchActionEvent, for engines that speak the protocol as it is. */
#ifndef CLEAT_WIRE_BATCH_EVENT_H
#define CLEAT_WIRE_BATCH_EVENT_H

#include "wire/report.h"

typedef struct cleat__batch_event_writer {
    Cleat__BatchActionEvent *message;
    size_t room; /* for items */
    bool failed;
} cleat__batch_event_writer;

/* Of `count` runs, which are then added: STARTED, COMPLETED or FAILED. `batch_id` is that of the action. */
void cleat__batch_event_begin(cleat__batch_event_writer *writer, Cleat__StepActionEventType type,
                              const cleat__event_origin *origin, cleat_slice batch_id, size_t count,
                              int64_t now_ms);
void cleat__batch_event_add_started(cleat__batch_event_writer *writer, const cleat__uuid *task_id);
/* As its type says. The attempt is told unless its retry count is below 0. */
void cleat__batch_event_add(cleat__batch_event_writer *writer, const cleat__report *report);
/* NULL on no memory, at whatever time. Free with cleat__message_free(). */
Cleat__BatchActionEvent *cleat__batch_event_end(cleat__batch_event_writer *writer);

#endif
