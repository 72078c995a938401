/* Spans go to the server's own collector, in requests that are as large as a message may be. */
#include "transport/grpc.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "grpc/library.h"
#include "otlp/request.h"

#include <inttypes.h>

/* How long a server is left alone that has no place for spans. */
#define OFF_NS (300 * CLEAT__NS_PER_S)
/* Of more in a request a Hatchet engine keeps only so many. */
enum { HATCHET_SPANS_MAX = 1000 };
#define EXPORT "/opentelemetry.proto.collector.trace.v1.TraceService/Export"

static bool is_off(cleat__remote_spans *spans)
{
    pthread_mutex_lock(&spans->link->mutex);
    bool is_off = cleat__clock_monotonic_ns(NULL) < spans->off_until_ns;
    pthread_mutex_unlock(&spans->link->mutex);
    return is_off;
}

static void switch_off(cleat__remote_spans *spans)
{
    pthread_mutex_lock(&spans->link->mutex);
    spans->off_until_ns = cleat__clock_monotonic_ns(NULL) + OFF_NS;
    pthread_mutex_unlock(&spans->link->mutex);
}

static void read_response(const cleat__remote_spans *spans, cleat_slice bytes)
{
    static cleat__log_site site;
    cleat__otlp_response response = {0};
    if (!cleat__otlp_response_read(bytes, &response)) {
        cleat__log_limited(&site, CLEAT_LOG_WARN,
                           "the server at %s took the spans, but its answer is malformed",
                           spans->link->settings.address);
    } else if (response.rejected_spans > 0 || response.error_message.size != 0) {
        cleat__log_limited(&site, CLEAT_LOG_WARN, "the server at %s refused %" PRId64 " spans: %.*s",
                           spans->link->settings.address, response.rejected_spans,
                           CLEAT_SLICE_ARGS(response.error_message));
    }
}

static cleat_status send_part(cleat__remote_spans *spans, const cleat__otlp_request *part,
                              int64_t deadline_ns)
{
    /* A collector keeps a span once. */
    const cleat__method method = {EXPORT, NULL, true, &spans->is_refused};
    cleat__buffer bytes = {0}, reply = {0};
    for (size_t i = 0; i < part->piece_count; i++) {
        cleat__buffer_append_slice(&bytes, part->pieces[i]);
    }
    cleat_status status =
        bytes.failed
            ? cleat__fail_memory()
            : cleat__link_call_bytes(spans->link, &method, cleat__buffer_slice(&bytes), deadline_ns, &reply);
    if (status == CLEAT_OK) {
        read_response(spans, cleat__buffer_slice(&reply));
    }
    cleat__buffer_deinit(&bytes);
    cleat__buffer_deinit(&reply);
    return status;
}

static cleat_status send_all(cleat__remote_spans *spans, const cleat_span_batch *batch, int64_t deadline_ns)
{
    cleat__otlp_request part = {0};
    size_t cursor = 0, limit = (size_t)spans->link->settings.max_send_size;
    cleat_status status = CLEAT_OK;
    while (status == CLEAT_OK) {
        status = cleat__otlp_request_build(&part, batch, &cursor, limit);
        if (status == CLEAT_OK) {
            status = send_part(spans, &part, deadline_ns);
        }
    }
    cleat__otlp_request_deinit(&part);
    return status == CLEAT_EMPTY ? CLEAT_OK : status;
}

/* ---- To a Hatchet engine ---- */

void cleat__remote_spans_init(cleat__remote_spans *spans, cleat__link *link)
{
    *spans = (cleat__remote_spans){.link = link};
    pthread_mutex_init(&spans->moved_mutex, NULL);
}

void cleat__remote_spans_deinit(cleat__remote_spans *spans)
{
    pthread_mutex_destroy(&spans->moved_mutex);
    cleat__moved_deinit(&spans->moved);
}

void cleat__remote_refuse_spans(cleat__remote_spans *spans, bool is_refused)
{
    if (cleat__grpc_check_fork() == CLEAT_OK) {
        pthread_mutex_lock(&spans->link->mutex);
        spans->is_refused = is_refused;
        cleat__link_cancel(spans->link, EXPORT);
        pthread_mutex_unlock(&spans->link->mutex);
    }
}

void cleat__remote_own_trace(cleat__remote_spans *spans, const cleat__own_trace *trace)
{
    if (!spans->link->is_cleat) {
        pthread_mutex_lock(&spans->moved_mutex);
        cleat__moved_add(&spans->moved, trace);
        pthread_mutex_unlock(&spans->moved_mutex);
    }
}

static cleat_status send_to_hatchet(cleat__remote_spans *spans, const cleat_span_batch *batch,
                                    int64_t deadline_ns)
{
    cleat__moved_batch moved = {.entries = NULL};
    pthread_mutex_lock(&spans->moved_mutex);
    cleat_status status = cleat__moved_batch_make(&spans->moved, batch, &moved);
    pthread_mutex_unlock(&spans->moved_mutex);
    for (size_t at = 0; at < batch->count && status == CLEAT_OK; at += HATCHET_SPANS_MAX) {
        size_t left = batch->count - at;
        const cleat_span_batch some = {.entries = moved.entries + at,
                                       .count = left < HATCHET_SPANS_MAX ? left : HATCHET_SPANS_MAX};
        status = send_all(spans, &some, deadline_ns);
    }
    cleat__moved_batch_deinit(&moved);
    return status;
}

cleat_status cleat__remote_export_spans(cleat__remote_spans *spans, const cleat_span_batch *batch,
                                        int64_t timeout_ms)
{
    cleat_status status = cleat__grpc_check_fork();
    if (status != CLEAT_OK || batch->count == 0 || is_off(spans)) {
        return status;
    }
    int64_t deadline_ns = cleat__deadline_ns(timeout_ms == INT64_MAX ? -1 : timeout_ms);
    status = spans->link->is_cleat ? send_all(spans, batch, deadline_ns)
                                   : send_to_hatchet(spans, batch, deadline_ns);
    if (status == CLEAT_UNSUPPORTED) {
        switch_off(spans);
        cleat__log(CLEAT_LOG_INFO, "the server at %s takes no spans: they are dropped",
                   spans->link->settings.address);
        status = CLEAT_OK; /* which is how most of them are set up (otel.md 2.3) */
    }
    return status;
}
