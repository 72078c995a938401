/*
 * What an invocation of a durable task asks for, on its stream: messages of v1.DurableTaskRequest and
 * cleat__durable_request, as a server reads them.
 */
#ifndef CLEAT_WIRE_DURABLE_READ_H
#define CLEAT_WIRE_DURABLE_READ_H

#include "model/durable.h"
#include "wire/v1/dispatcher.pb-c.h"

/* Slices are borrowed from the message. */
typedef struct cleat__durable_asked {
    const char *task_id; /* as it was sent: answers say it again */
    cleat__uuid run_id;
    int32_t invocation_count;
    cleat__durable_request request;
} cleat__durable_asked;

/*
 * CLEAT_EMPTY: the message is not about an invocation, or not of a kind that is known. Otherwise `task_id`
 * and `invocation_count` are set also after a failure. CLEAT_INVALID_ARGUMENT, CLEAT_TOO_LARGE,
 * CLEAT_NO_MEMORY. End it in any case, which frees the answer too.
 */
cleat_status cleat__durable_asked_read(const Cleat__V1__DurableTaskRequest *message,
                                       cleat__durable_asked *out);
void cleat__durable_asked_end(cleat__durable_asked *asked);

#endif
