#include "call_status.h"

#include "trace/protobuf.h"

#include <grpc/status.h>

/* Field numbers. */
enum {
    STATUS_DETAILS = 3,
    ANY_TYPE_URL = 1,
    ANY_VALUE = 2,
    RETRY_INFO_DELAY = 1,
    DURATION_SECONDS = 1,
    DURATION_NANOS = 2,
};

typedef struct code_meaning {
    const char *name;
    cleat_status status;
    enum { FINAL, RETRY, RETRY_WHEN_TOLD } retry;
} code_meaning;

static const code_meaning meanings[] = {
    [GRPC_STATUS_OK] = {"OK", CLEAT_OK, FINAL},
    [GRPC_STATUS_CANCELLED] = {"CANCELLED", CLEAT_CANCELLED, RETRY},
    [GRPC_STATUS_UNKNOWN] = {"UNKNOWN", CLEAT_NON_RETRYABLE, FINAL},
    [GRPC_STATUS_INVALID_ARGUMENT] = {"INVALID_ARGUMENT", CLEAT_INVALID_ARGUMENT, FINAL},
    [GRPC_STATUS_DEADLINE_EXCEEDED] = {"DEADLINE_EXCEEDED", CLEAT_TIMEOUT, RETRY},
    [GRPC_STATUS_NOT_FOUND] = {"NOT_FOUND", CLEAT_NOT_FOUND, FINAL},
    [GRPC_STATUS_ALREADY_EXISTS] = {"ALREADY_EXISTS", CLEAT_NON_RETRYABLE, FINAL},
    [GRPC_STATUS_PERMISSION_DENIED] = {"PERMISSION_DENIED", CLEAT_NON_RETRYABLE, FINAL},
    [GRPC_STATUS_RESOURCE_EXHAUSTED] = {"RESOURCE_EXHAUSTED", CLEAT_RESOURCE_EXHAUSTED, RETRY_WHEN_TOLD},
    [GRPC_STATUS_FAILED_PRECONDITION] = {"FAILED_PRECONDITION", CLEAT_FAILED_PRECONDITION, FINAL},
    [GRPC_STATUS_ABORTED] = {"ABORTED", CLEAT_UNAVAILABLE, RETRY},
    [GRPC_STATUS_OUT_OF_RANGE] = {"OUT_OF_RANGE", CLEAT_TOO_LARGE, RETRY},
    [GRPC_STATUS_UNIMPLEMENTED] = {"UNIMPLEMENTED", CLEAT_UNSUPPORTED, FINAL},
    [GRPC_STATUS_INTERNAL] = {"INTERNAL", CLEAT_NON_RETRYABLE, FINAL},
    [GRPC_STATUS_UNAVAILABLE] = {"UNAVAILABLE", CLEAT_UNAVAILABLE, RETRY},
    [GRPC_STATUS_DATA_LOSS] = {"DATA_LOSS", CLEAT_UNAVAILABLE, RETRY},
    [GRPC_STATUS_UNAUTHENTICATED] = {"UNAUTHENTICATED", CLEAT_NON_RETRYABLE, FINAL},
};

static const code_meaning *meaning_of(int code)
{
    static const code_meaning unknown = {"an unknown status", CLEAT_NON_RETRYABLE, FINAL};
    return code >= 0 && (size_t)code < sizeof(meanings) / sizeof(meanings[0]) ? &meanings[code] : &unknown;
}

const char *cleat__grpc_code_name(int code)
{
    return meaning_of(code)->name;
}

cleat_status cleat__grpc_code_status(int code)
{
    return meaning_of(code)->status;
}

bool cleat__grpc_export_is_retryable(int code, bool has_retry_info)
{
    return meaning_of(code)->retry == RETRY || (meaning_of(code)->retry == RETRY_WHEN_TOLD && has_retry_info);
}

/*
 * What a server does not want because of who sends it, or because it has no such service, it will not want
 * of the next spans either, and one that is not there or overloaded takes none. Other refusals may be due to
 * these spans alone.
 */
bool cleat__grpc_export_failure_is_of_spans(int code)
{
    bool is_of_all = code == GRPC_STATUS_UNAUTHENTICATED || code == GRPC_STATUS_PERMISSION_DENIED ||
                     code == GRPC_STATUS_UNIMPLEMENTED || code == GRPC_STATUS_NOT_FOUND;
    return !is_of_all && meaning_of(code)->retry == FINAL;
}

/* ---- RetryInfo ---- */

/* The last length-delimited field of a number, as protobuf has it; false when malformed. */
static bool last_bytes(cleat_slice message, uint32_t number, cleat_slice *out)
{
    cleat__wire_reader reader = cleat__wire_reader_of(message);
    cleat__wire_field field;
    while (cleat__wire_next(&reader, &field)) {
        if (field.number == number && field.wire == CLEAT__WIRE_BYTES) {
            *out = field.bytes;
        }
    }
    return !reader.malformed;
}

static bool read_duration(cleat_slice duration, int64_t *ms)
{
    enum { LONGEST_S = 1000000000 }; /* no overflow; longer than anybody waits */
    cleat__wire_reader reader = cleat__wire_reader_of(duration);
    cleat__wire_field field;
    int64_t seconds = 0, nanos = 0;
    while (cleat__wire_next(&reader, &field)) {
        if (field.number == DURATION_SECONDS && field.wire == CLEAT__WIRE_VARINT) {
            seconds = (int64_t)field.integer;
        } else if (field.number == DURATION_NANOS && field.wire == CLEAT__WIRE_VARINT) {
            nanos = (int64_t)field.integer;
        }
    }
    if (reader.malformed) {
        return false;
    }
    seconds = seconds < 0 ? 0 : seconds > LONGEST_S ? LONGEST_S : seconds;
    nanos = nanos < 0 ? 0 : nanos > 999999999 ? 999999999 : nanos;
    *ms = seconds * 1000 + (nanos + 999999) / 1000000;
    return true;
}

static bool read_detail(cleat_slice any, int64_t *delay_ms)
{
    static const char type[] = "google.rpc.RetryInfo";
    cleat_slice url = {NULL, 0}, value = {NULL, 0}, duration = {NULL, 0};
    if (!last_bytes(any, ANY_TYPE_URL, &url) || !last_bytes(any, ANY_VALUE, &value)) {
        return false;
    }
    /* "type.googleapis.com/google.rpc.RetryInfo": what counts is behind the last slash. */
    size_t size = sizeof(type) - 1;
    if (url.size <= size || url.data[url.size - size - 1] != '/' ||
        memcmp(url.data + url.size - size, type, size) != 0) {
        return false;
    }
    return last_bytes(value, RETRY_INFO_DELAY, &duration) && read_duration(duration, delay_ms);
}

bool cleat__grpc_retry_info(cleat_slice status_details, int64_t *delay_ms)
{
    cleat__wire_reader reader = cleat__wire_reader_of(status_details);
    cleat__wire_field field;
    while (cleat__wire_next(&reader, &field)) {
        if (field.number == STATUS_DETAILS && field.wire == CLEAT__WIRE_BYTES &&
            read_detail(field.bytes, delay_ms)) {
            return true;
        }
    }
    return false;
}
