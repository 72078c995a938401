/* What a server says on the stream of durable tasks: messages of v1.DurableTaskResponse. All are NULL on no
 * memory, and freed with cleat__message_free(). */
#ifndef CLEAT_WIRE_DURABLE_WRITE_H
#define CLEAT_WIRE_DURABLE_WRITE_H

#include "wire/durable_read.h"

/* The answer to what was done: an acknowledgement, or for COMPLETE_MEMO, which has none, that the memo has
 * its value (without the value). */
Cleat__V1__DurableTaskResponse *cleat__durable_answer_write(const cleat__durable_asked *asked);
/* NON_DETERMINISTIC by its type, all else as unspecified. Of the memo that was to be completed, else of no node. */
Cleat__V1__DurableTaskResponse *cleat__durable_error_write(const cleat__durable_asked *asked,
                                                           cleat_status status, const char *text);
/* A memo that had a value: that is told twice, in the answer and by this. */
Cleat__V1__DurableTaskResponse *cleat__durable_memo_write(const cleat__durable_asked *asked);

Cleat__V1__DurableTaskResponse *cleat__durable_completed_write(const cleat__uuid *run_id,
                                                               int32_t invocation_count,
                                                               const cleat__node_end *end);
/* server_evict: the invocation is over. */
Cleat__V1__DurableTaskResponse *cleat__durable_evict_write(const char *task_id, int32_t invocation_count,
                                                           const char *reason);
Cleat__V1__DurableTaskResponse *cleat__durable_register_write(const char *worker_id);

#endif
