/* GET queues/history */
#include "base/clock.h"
#include "store/queue_history.h"
#include "ui_parts.h"

enum { BUCKETS = 60 };
#define HOUR_MS INT64_C(3600000)

static cleat_status write_history(void *argument, cleat__store *store, cleat__json_writer *writer)
{
    cleat__queue_history history;
    cleat_status status = cleat__queue_history_load(store, argument, &history);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__writer_begin_object(writer, NULL);
    cleat__writer_begin_array(writer, "buckets");
    for (int32_t i = 0; i < history.bucket_count; i++) {
        cleat__writer_begin_object(writer, NULL);
        cleat__writer_int(writer, "at_ms", history.buckets[i].at_ms);
        cleat__writer_int(writer, "depth", history.buckets[i].depth);
        cleat__writer_int(writer, "oldest_age_ms", history.buckets[i].oldest_age_ms);
        cleat__writer_end_object(writer);
    }
    cleat__writer_end_array(writer);
    cleat__writer_bool(writer, "is_complete", history.is_complete);
    cleat__writer_end_object(writer);
    return CLEAT_OK;
}

void cleat__ui_queue_history(cleat__http_call *call)
{
    int64_t now_ms = cleat__clock_unix_ns(NULL) / CLEAT__NS_PER_MS;
    int64_t since_ms = 0, until_ms = 0, buckets = BUCKETS;
    if (!cleat__ui_read_times(call, &since_ms, &until_ms) ||
        !cleat__http_call_int(call, "buckets", 1, CLEAT__QUEUE_BUCKETS_MAX, &buckets)) {
        return;
    }
    until_ms = until_ms != 0 && until_ms < now_ms ? until_ms : now_ms;
    since_ms = since_ms != 0 ? since_ms : until_ms > HOUR_MS ? until_ms - HOUR_MS : 0;
    if (since_ms >= until_ms) {
        cleat__ui_refuse(call, "since_ms");
        return;
    }
    cleat__queue_history_filter filter = {.tenant = call->identity.tenant,
                                          .since_ms = since_ms,
                                          .until_ms = until_ms,
                                          .buckets = (int32_t)buckets};
    cleat__ui_answer(call, write_history, &filter);
}
