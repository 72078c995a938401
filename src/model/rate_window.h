/*
 * A rate limit: so many units in each window of time. Once a window is over, all of them are there again: it is no
 * leaky bucket. Times are of any clock that the caller keeps to.
 */
#ifndef CLEAT_MODEL_RATE_WINDOW_H
#define CLEAT_MODEL_RATE_WINDOW_H

#include <cleat/limit.h>

/* A window counts as over so much sooner. */
#define CLEAT__RATE_REFILL_EARLY_MS INT64_C(10)

typedef struct cleat__rate_window {
    int32_t limit;
    int32_t value; /* units that are left */
    int64_t window_ms;
    int64_t refilled_ms; /* when all of them were there last */
} cleat__rate_window;

/* In ms; a month has 30 days, a year 365. 0: there is no such duration. */
int64_t cleat__rate_duration_ms(cleat_rate_limit_duration duration);
/* The duration that has so many ms; -1: there is none. */
int cleat__rate_duration_of(int64_t window_ms);

/* All of them are there. */
void cleat__rate_window_init(cleat__rate_window *window, int32_t limit, int64_t window_ms, int64_t now_ms);
/* Another limit: a lower one counts at once, what a higher one adds is there after the next refill. */
void cleat__rate_window_change(cleat__rate_window *window, int32_t limit, int64_t window_ms);
/* When it is refilled next. */
int64_t cleat__rate_window_next(const cleat__rate_window *window);
/* If it is time to. True: it was. */
bool cleat__rate_window_refill(cleat__rate_window *window, int64_t now_ms);
/* What was taken since `taken_ms` comes back, unless it was refilled meanwhile. */
void cleat__rate_window_return(cleat__rate_window *window, int32_t units, int64_t taken_ms);

#endif
