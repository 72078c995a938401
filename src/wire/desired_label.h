/* Which workers are desired: v1.DesiredWorkerLabels and cleat__desired_label. */
#ifndef CLEAT_WIRE_DESIRED_LABEL_H
#define CLEAT_WIRE_DESIRED_LABEL_H

#include "model/labels.h"
#include "wire/v1/shared/trigger.pb-c.h"

/*
 * The entries of a map, which have the same form in every message: `entries` is its array. A new list
 * of `count`, borrowing from the message, to be freed with cleat__free(); NULL when there are none.
 * CLEAT_INVALID_ARGUMENT names the label; CLEAT_NO_MEMORY.
 */
cleat_status cleat__desired_labels_read(const void *entries, size_t count, cleat__desired_label **out);

/*
 * A client's writing: the array of such entries, of the message type `type`, for a field of a message; NULL
 * when there are none. On no memory `*failed` is set; what there is then has `*written` entries.
 */
void *cleat__desired_labels_write(bool *failed, const ProtobufCMessageDescriptor *type,
                                  const cleat__desired_label *items, size_t count, size_t *written);

#endif
