/* What a workflow gives out while it runs: chunks that are stored with the run, numbered from 0 in every
 * invocation, so that those of a replay are known. */
#include "sdk/invocation.h"

#include "base/error.h"

static cleat_status write(cleat__invocation *it, cleat_slice chunk)
{
    cleat_status status = cleat__check_chunk(chunk);
    if (status != CLEAT_OK) {
        return status;
    }
    int64_t index = it->stream_count++;
    if (cleat_task_is_replaying(it->task) && it->log_size >= 0) {
        return CLEAT_OK; /* it was stored before the node that comes next */
    }
    cleat__transport *transport = it->task->worker->client->transport;
    return cleat__invocation_check(
        it, transport->put_stream(transport, &it->task->assignment->task_id, index, chunk));
}

cleat_status cleat_stream_write(cleat_task *task, cleat_slice chunk)
{
    cleat__invocation *it;
    cleat_status status = cleat__invocation_enter(task, "cleat_stream_write", &it);
    return status == CLEAT_OK ? cleat__invocation_leave(it, write(it, chunk)) : status;
}
