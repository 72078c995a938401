/* Runs to be started: v1.TriggerWorkflowRequest and cleat__trigger. */
#ifndef CLEAT_WIRE_TRIGGER_H
#define CLEAT_WIRE_TRIGGER_H

#include "model/task.h"
#include "wire/v1/shared/trigger.pb-c.h"

/*
 * A server's reading, with all checks that need no engine; slices are borrowed from the message. `workflow`
 * is the name as it stands there. Input that is JSON but no object is null for the task.
 *
 * A run is a child when it names a parent, and an index or a key to be known by. The parent is the task
 * run, or the run where only that is named (they have one id while every run has one task).
 *
 * CLEAT_INVALID_ARGUMENT, CLEAT_TOO_LARGE, CLEAT_NO_MEMORY.
 */
cleat_status cleat__trigger_read(const Cleat__V1__TriggerWorkflowRequest *message, cleat__trigger *out);

/* A client's writing. NULL on no memory. Free with cleat__message_free(). */
Cleat__V1__TriggerWorkflowRequest *cleat__trigger_write(const cleat__trigger *trigger);

#endif
