/*
 * The time of spans. A span's start is wall-clock time; its end is start plus what the monotonic
 * clock says has passed, so that setting the clock never makes a span negative or hours long.
 *
 * That would be two clock reads at each start. The two clocks of the system differ by an offset
 * that changes only when somebody sets the time, so it is measured every few milliseconds and a
 * start reads one clock. A clock given by the user is always read both ways.
 */
#ifndef CLEAT_TRACE_SPAN_CLOCK_H
#define CLEAT_TRACE_SPAN_CLOCK_H

#include <cleat/status.h>

typedef struct cleat__span_clock {
    cleat_clock clock;
    bool is_system;
} cleat__span_clock;

/* NULL: the system's. */
void cleat__span_clock_init(cleat__span_clock *clock, const cleat_clock *from);
void cleat__span_clock_read(const cleat__span_clock *clock, int64_t *unix_ns, int64_t *monotonic_ns);
int64_t cleat__span_clock_unix_ns(const cleat__span_clock *clock);
int64_t cleat__span_clock_monotonic_ns(const cleat__span_clock *clock);

#endif
