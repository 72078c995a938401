/* Reading a cleat_clock; a NULL clock is the system's. */
#ifndef CLEAT_BASE_CLOCK_H
#define CLEAT_BASE_CLOCK_H

#include <cleat/status.h>

#define CLEAT__NS_PER_MS INT64_C(1000000)
#define CLEAT__NS_PER_S  INT64_C(1000000000)

int64_t cleat__clock_unix_ns(const cleat_clock *clock);
int64_t cleat__clock_monotonic_ns(const cleat_clock *clock);

#endif
