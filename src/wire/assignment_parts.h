/* What the files of assignments have in common, for these only. */
#ifndef CLEAT_WIRE_ASSIGNMENT_PARTS_H
#define CLEAT_WIRE_ASSIGNMENT_PARTS_H

#include "base/buffer.h"
#include "wire/assignment.h"

/* The input with what else a task is told, JSON. */
void cleat__envelope_write(const cleat__assignment *from, cleat__buffer *json);
/* `borrowed` gets what the envelope says, and is copied. Statuses as of cleat__assignment_read(). */
cleat_status cleat__envelope_read(cleat_slice envelope, cleat__assignment *borrowed, cleat__assignment **out);

/* Of an assignment that has a batch. */
void cleat__batch_fields_write(const cleat__assignment *assignment, bool *failed,
                               Cleat__AssignedAction *message);
/* No-op when the action has none. */
cleat_status cleat__batch_fields_read(const Cleat__AssignedAction *message, cleat__assignment *out);
/* Of the run, the tenant and what was declared; `out` has the task's. */
void cleat__action_ids_read(const Cleat__AssignedAction *message, cleat__assignment *out);

#endif
