/* What waits wait for: v1.DurableEventListenerConditions and cleat__condition. */
#ifndef CLEAT_WIRE_CONDITION_H
#define CLEAT_WIRE_CONDITION_H

#include "model/workflow.h"
#include "wire/v1/shared/condition.pb-c.h"

/*
 * A server's reading. Conditions on an event whose key begins with CLEAT__HOOK_KEY_PREFIX are Cleat's own, on
 * hooks: to other engines, events that never come. Slices are borrowed from the message, the list is the caller's, to be freed.
 * CLEAT_INVALID_ARGUMENT: there are none or too many, a group that is no UUID, an action other than CREATE, a
 * malformed time or duration; CLEAT_NO_MEMORY. What their expressions say is the engine's matter.
 */
cleat_status cleat__conditions_read(const Cleat__V1__DurableEventListenerConditions *message,
                                    cleat__condition **out, size_t *count);

/* The same of a task of a workflow: none at all is right. The list is the caller's also after a failure. */
cleat_status cleat__step_conditions_read(const Cleat__V1__TaskConditions *message,
                                         const cleat__step_condition **out, size_t *count);

#endif
