/* Which workers are desired: v1.DesiredWorkerLabels and cleat__desired_label. */
#ifndef CLEAT_WIRE_DESIRED_LABEL_H
#define CLEAT_WIRE_DESIRED_LABEL_H

#include "model/labels.h"
#include "wire/v1/shared/trigger.pb-c.h"

/* An entry of a map. Every message with such a map has a type of its own for its entries. */
typedef struct cleat__desired_entry {
    const char *key;
    const Cleat__V1__DesiredWorkerLabels *value;
} cleat__desired_entry;
typedef cleat__desired_entry cleat__desired_entry_reader(const void *entries, size_t index);
/* Defines the reader of an array of pointers to entries of `type`. */
#define CLEAT__DESIRED_ENTRY_READER(function, type)                          \
    static cleat__desired_entry function(const void *entries, size_t index)  \
    {                                                                        \
        type *const *list = entries;                                         \
        return (cleat__desired_entry){list[index]->key, list[index]->value}; \
    }

/*
 * `entries` is the map's array. A new list of `count`, borrowing from the message, to be freed with
 * cleat__free(); NULL when there are none. CLEAT_INVALID_ARGUMENT names the label; CLEAT_NO_MEMORY.
 */
cleat_status cleat__desired_labels_read(cleat__desired_entry_reader *reader, const void *entries,
                                        size_t count, cleat__desired_label **out);

/*
 * A client's writing: the array of such entries, of the message type `type`, for a field of a message; NULL
 * when there are none. On no memory `*failed` is set; what there is then has `*written` entries.
 */
void *cleat__desired_labels_write(bool *failed, const ProtobufCMessageDescriptor *type,
                                  const cleat__desired_label *items, size_t count, size_t *written);

#endif
