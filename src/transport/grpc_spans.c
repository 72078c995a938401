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

static cleat_status fail_off(const cleat__remote_spans *spans)
{
    return cleat__fail(CLEAT_UNSUPPORTED, "the server at %s takes no spans", spans->link->settings.address);
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
    static const cleat__method method = {"/opentelemetry.proto.collector.trace.v1.TraceService/Export", NULL,
                                         true};
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

cleat_status cleat__remote_export_spans(cleat__remote_spans *spans, const cleat_span_batch *batch,
                                        int64_t timeout_ms)
{
    cleat__otlp_request part = {0};
    size_t cursor = 0;
    cleat_status status = cleat__grpc_check_fork();
    if (status == CLEAT_OK && is_off(spans)) {
        status = fail_off(spans);
    }
    if (status != CLEAT_OK) {
        return status;
    }
    int64_t deadline_ns = cleat__deadline_ns(timeout_ms == INT64_MAX ? -1 : timeout_ms);
    size_t limit = (size_t)spans->link->settings.max_send_size;
    while (status == CLEAT_OK) {
        status = cleat__otlp_request_build(&part, batch, &cursor, limit);
        if (status == CLEAT_OK) {
            status = send_part(spans, &part, deadline_ns);
        }
    }
    cleat__otlp_request_deinit(&part);
    if (status == CLEAT_UNSUPPORTED) {
        switch_off(spans);
        return fail_off(spans);
    }
    return status == CLEAT_EMPTY ? CLEAT_OK : status;
}
