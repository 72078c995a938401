/* What a running task asks of the server. */
#include "transport/grpc.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "model/duration.h"
#include "wire/dispatcher.pb-c.h"
#include "wire/events.pb-c.h"
#include "wire/message.h"
#include "wire/timestamp.h"

/* Sent again it might be told twice, so it is not. */
cleat_status cleat__remote_put_stream(cleat__link *link, const cleat__uuid *task_id, int64_t index,
                                      cleat_slice chunk)
{
    static const cleat__method method = {"/EventsService/PutStreamEvent",
                                         &cleat__put_stream_event_response__descriptor, false, NULL};
    Cleat__PutStreamEventRequest request = CLEAT__PUT_STREAM_EVENT_REQUEST__INIT;
    char id[37];
    bool failed = false;
    void *reply = NULL;
    cleat__uuid_format(task_id, id);
    request.task_run_external_id = id;
    request.created_at = cleat__timestamp_new(&failed, cleat__clock_unix_ns(NULL) / CLEAT__NS_PER_MS);
    request.message.data = (uint8_t *)(uintptr_t)chunk.data;
    request.message.len = chunk.size;
    if (index >= 0) {
        request.has_event_index_case = CLEAT__PUT_STREAM_EVENT_REQUEST__HAS_EVENT_INDEX_EVENT_INDEX;
        request.event_index = index;
    }
    cleat_status status =
        failed ? cleat__fail_memory() : cleat__link_call(link, &method, &request, INT64_MAX, &reply);
    cleat__message_free(reply);
    cleat__message_free(request.created_at);
    return status;
}

cleat_status cleat__remote_refresh_timeout(cleat__link *link, const cleat__uuid *task_id, int32_t retry_count,
                                           int64_t increment_ms, int64_t *timeout_at_ms)
{
    static const cleat__method method = {"/Dispatcher/RefreshTimeout",
                                         &cleat__refresh_timeout_response__descriptor, false, NULL};
    Cleat__RefreshTimeoutRequest request = CLEAT__REFRESH_TIMEOUT_REQUEST__INIT;
    char id[37], increment[CLEAT__DURATION_TEXT];
    void *reply = NULL;
    cleat__uuid_format(task_id, id);
    cleat__duration_format(increment_ms, increment);
    request.task_run_external_id = id;
    request.increment_timeout_by = increment;
    if (retry_count >= 0) {
        request.has_retry_count_case = CLEAT__REFRESH_TIMEOUT_REQUEST__HAS_RETRY_COUNT_RETRY_COUNT;
        request.retry_count = retry_count;
    }
    cleat_status status = cleat__link_call(link, &method, &request, INT64_MAX, &reply);
    if (status == CLEAT_OK) {
        const Cleat__RefreshTimeoutResponse *answer = reply;
        status = cleat__timestamp_read("timeout_at", answer->timeout_at, timeout_at_ms);
        if (status == CLEAT_EMPTY) { /* it does not say */
            *timeout_at_ms = INT64_MAX;
            status = CLEAT_OK;
        }
    }
    cleat__message_free(reply);
    return status;
}

cleat_status cleat__remote_release_slot(cleat__link *link, const cleat__uuid *task_id, int32_t retry_count)
{
    static const cleat__method method = {"/Dispatcher/ReleaseSlot", &cleat__release_slot_response__descriptor,
                                         true, NULL};
    Cleat__ReleaseSlotRequest request = CLEAT__RELEASE_SLOT_REQUEST__INIT;
    char id[37];
    void *reply = NULL;
    cleat__uuid_format(task_id, id);
    request.task_run_external_id = id;
    if (retry_count >= 0) {
        request.has_retry_count_case = CLEAT__RELEASE_SLOT_REQUEST__HAS_RETRY_COUNT_RETRY_COUNT;
        request.retry_count = retry_count;
    }
    cleat_status status = cleat__link_call(link, &method, &request, INT64_MAX, &reply);
    cleat__message_free(reply);
    return status;
}
