/* Concurrency rules: v1.Concurrency and cleat__concurrency. */
#ifndef CLEAT_WIRE_CONCURRENCY_H
#define CLEAT_WIRE_CONCURRENCY_H

#include "model/concurrency.h"
#include "wire/v1/workflows.pb-c.h"

/*
 * `first`, unless it is NULL, then the list. A new list, borrowing from the messages, to be freed with
 * cleat__free(); NULL when there are none. CLEAT_INVALID_ARGUMENT names what the engine does not have.
 */
cleat_status cleat__concurrency_read(const Cleat__V1__Concurrency *first, Cleat__V1__Concurrency *const *list,
                                     size_t list_count, cleat__concurrency **out, size_t *count);

/* A client's writing: an array for a field of a message; NULL when there are none. On no memory `*failed` is set; what
 * there is then has `*written` entries. */
Cleat__V1__Concurrency **cleat__concurrency_write(bool *failed, const cleat__concurrency *rules, size_t count,
                                                  size_t *written);

#endif
