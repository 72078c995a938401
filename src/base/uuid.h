/* UUIDs. New ones are version 7 (RFC 9562), so that index inserts append. */
#ifndef CLEAT_BASE_UUID_H
#define CLEAT_BASE_UUID_H

#include "base/hex.h"
#include "base/random.h"
#include <cleat/status.h>

typedef struct cleat__uuid {
    uint8_t bytes[16];
} cleat__uuid;

/* Makes ids that increase: within one generator each id is above the one before, also when the
 * clock stands still or goes back. Not thread-safe. */
typedef struct cleat__uuid_generator {
    cleat__random *random; /* borrowed */
    uint64_t last_ms;
    uint32_t counter; /* 12 + 14 bits below the milliseconds (RFC 9562 6.2, method 1) */
} cleat__uuid_generator;
cleat__uuid cleat__uuid_next(cleat__uuid_generator *generator, int64_t unix_ms);

/* The lowest id of that millisecond: none of version 7 that was made then or later is below it. */
cleat__uuid cleat__uuid_first(int64_t unix_ms);
/* When an id of version 7 was made; 0: it is of another. */
int64_t cleat__uuid_time(const cleat__uuid *uuid);

bool cleat__uuid_is_nil(const cleat__uuid *uuid);
bool cleat__uuid_equals(const cleat__uuid *a, const cleat__uuid *b);
void cleat__uuid_format(const cleat__uuid *uuid, char text[37]); /* lower case, NUL-terminated */
/* 36 characters, either case. CLEAT_INVALID_ARGUMENT otherwise. */
cleat_status cleat__uuid_parse(cleat_slice text, cleat__uuid *out);

#endif
