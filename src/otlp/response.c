/* What an OTLP receiver answers to a request it took, wholly or in part. */
#include "received.h"

#include "trace/protobuf.h"

#include <inttypes.h>

enum { PARTIAL_SUCCESS = 1, REJECTED_SPANS = 1, ERROR_MESSAGE = 2, HEADS_MAX = 40 };

static void put_protobuf(cleat__buffer *out, int64_t rejected_spans, cleat_slice message)
{
    size_t size = 1 + cleat__varint_size((uint64_t)rejected_spans);
    size += message.size != 0 ? 1 + cleat__varint_size(message.size) + message.size : 0;
    uint8_t *begin = cleat__buffer_reserve(out, HEADS_MAX + message.size);
    if (begin == NULL) {
        return;
    }
    uint8_t *at = cleat__put_tag(begin, PARTIAL_SUCCESS, CLEAT__WIRE_BYTES);
    at = cleat__put_varint(at, size);
    at = cleat__put_tag(at, REJECTED_SPANS, CLEAT__WIRE_VARINT);
    at = cleat__put_varint(at, (uint64_t)rejected_spans);
    if (message.size != 0) {
        at = cleat__put_bytes(at, ERROR_MESSAGE, message.data, message.size);
    }
    out->size += (size_t)(at - begin);
}

/* Full success is the empty message: a receiver must leave partial_success out then. */
void cleat__otlp_response_put(cleat__buffer *out, bool is_json, int64_t rejected_spans,
                              const char *error_message)
{
    cleat_slice message = cleat_slice_of(error_message);
    if (!is_json) {
        if (rejected_spans != 0) {
            put_protobuf(out, rejected_spans, message);
        }
        return;
    }
    if (rejected_spans == 0) {
        cleat__buffer_append_string(out, "{}");
        return;
    }
    cleat__buffer_append_format(
        out, "{\"partialSuccess\":{\"rejectedSpans\":\"%" PRId64 "\",\"errorMessage\":", rejected_spans);
    cleat__buffer_append_json(out, message);
    cleat__buffer_append_string(out, "}}");
}
