/* What waits wait for: v1.DurableEventListenerConditions and cleat__condition. */
#ifndef CLEAT_WIRE_CONDITION_H
#define CLEAT_WIRE_CONDITION_H

#include "model/durable.h"
#include "wire/v1/shared/condition.pb-c.h"

/* An event condition whose key begins so is one of a hook, whose token is the rest. Such events cannot be
 * pushed. Cleat's own: other engines wait for an event that never comes. */
#define CLEAT__HOOK_KEY_PREFIX "cleat:hook:"

/*
 * A server's reading; slices are borrowed from the message, the list is the caller's, to be freed.
 * CLEAT_INVALID_ARGUMENT: there are none or too many, a group that is no UUID, an action other than CREATE, a
 * malformed time or duration; CLEAT_NO_MEMORY. What their expressions say is the engine's matter.
 */
cleat_status cleat__conditions_read(const Cleat__V1__DurableEventListenerConditions *message,
                                    cleat__condition **out, size_t *count);

#endif
