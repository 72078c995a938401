/*
 * START_BATCH: several assignments of a task in one action, as workers of Hatchet's SDKs are sent them (worker.md 9).
 * Cleat's own are sent each by itself, with the batch that it is of (wire/assignment.h).
 */
#ifndef CLEAT_WIRE_BATCH_H
#define CLEAT_WIRE_BATCH_H

#include "model/json_members.h"
#include "wire/assignment.h"

/* Of `count` assignments of a batch, each the `next` of the one before. NULL on no memory. Free with
 * cleat__message_free(). */
Cleat__AssignedAction *cleat__batch_write(const cleat__assignment *first, size_t count,
                                          const cleat__action_details *details);

/* A worker's reading, as of cleat__assignment_read(): a list in the order of the message, each to be freed by itself. The
 * action says neither which attempts these are nor what metadata they have: CLEAT__RETRY_CURRENT, and none. Its
 * expectation of their number is not looked at: batch_count is what it holds. */
cleat_status cleat__batch_read(const Cleat__AssignedAction *message, int64_t now_ms, cleat__assignment **out);

/* The runs of an action that is refused, as far as they can be read, one after the other: from the beginning of its
 * members. False: there are no more. */
bool cleat__batch_next_id(cleat__json_cursor *members, cleat__uuid *out);

#endif
