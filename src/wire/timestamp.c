#include "wire/timestamp.h"

#include "base/error.h"
#include "wire/message.h"

#include <inttypes.h>

/* The years 1 and 9999, as RFC 3339 has them. */
#define FIRST_SECOND INT64_C(-62135596800)
#define LAST_SECOND  INT64_C(253402300799)

cleat_status cleat__timestamp_read(const char *field, const Cleat__Google__Protobuf__Timestamp *timestamp,
                                   int64_t *unix_ms)
{
    if (timestamp == NULL) {
        return CLEAT_EMPTY;
    }
    if (timestamp->seconds < FIRST_SECOND || timestamp->seconds > LAST_SECOND || timestamp->nanos < 0 ||
        timestamp->nanos > 999999999) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT,
                           "%s is no time of the years 1 to 9999: %" PRId64 " s and %" PRId32 " ns", field,
                           timestamp->seconds, timestamp->nanos);
    }
    *unix_ms = timestamp->seconds * 1000 + timestamp->nanos / 1000000;
    return CLEAT_OK;
}

Cleat__Google__Protobuf__Timestamp *cleat__timestamp_new(bool *failed, int64_t unix_ms)
{
    Cleat__Google__Protobuf__Timestamp *timestamp =
        cleat__message_new(&cleat__google__protobuf__timestamp__descriptor);
    if (timestamp == NULL) {
        *failed = true;
        return NULL;
    }
    int64_t first = FIRST_SECOND * 1000, last = LAST_SECOND * 1000 + 999;
    int64_t ms = unix_ms < first ? first : unix_ms > last ? last : unix_ms;
    int64_t part = (ms % 1000 + 1000) % 1000;
    timestamp->seconds = (ms - part) / 1000;
    timestamp->nanos = (int32_t)part * 1000000;
    return timestamp;
}
