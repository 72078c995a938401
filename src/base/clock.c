#include "base/clock.h"

#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * CLEAT__NS_PER_S + now.tv_nsec;
}

static int64_t system_unix_ns(void *user_data)
{
    (void)user_data;
    return read_clock(CLOCK_REALTIME);
}

static int64_t system_monotonic_ns(void *user_data)
{
    (void)user_data;
    return read_clock(CLOCK_MONOTONIC);
}

const cleat_clock *cleat_clock_system(void)
{
    static const cleat_clock system_clock = {NULL, system_unix_ns, system_monotonic_ns};
    return &system_clock;
}

int64_t cleat__clock_unix_ns(const cleat_clock *clock)
{
    return clock != NULL ? clock->unix_ns(clock->user_data) : read_clock(CLOCK_REALTIME);
}

int64_t cleat__clock_monotonic_ns(const cleat_clock *clock)
{
    return clock != NULL ? clock->monotonic_ns(clock->user_data) : read_clock(CLOCK_MONOTONIC);
}
