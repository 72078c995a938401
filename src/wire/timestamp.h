/* Points in time: google.protobuf.Timestamp and milliseconds since 1970 UTC. */
#ifndef CLEAT_WIRE_TIMESTAMP_H
#define CLEAT_WIRE_TIMESTAMP_H

#include "wire/google/protobuf/timestamp.pb-c.h"
#include <cleat/status.h>

/*
 * Rounded down. CLEAT_EMPTY for NULL, a field that is not set; CLEAT_INVALID_ARGUMENT outside of the
 * years 1 .. 9999 and for nanoseconds that are not 0 .. 999999999. `field` is for the sentence.
 */
cleat_status cleat__timestamp_read(const char *field, const Cleat__Google__Protobuf__Timestamp *timestamp,
                                   int64_t *unix_ms);
/* A new one, of the nearest time in these years. NULL on no memory, and then `*failed` is set. */
Cleat__Google__Protobuf__Timestamp *cleat__timestamp_new(bool *failed, int64_t unix_ms);

#endif
