#include "model/rate_window.h"

#define SECOND_MS INT64_C(1000)
#define DAY_MS    (24 * 3600 * SECOND_MS)

static const int64_t durations_ms[] = {
    [CLEAT_PER_SECOND] = SECOND_MS,  [CLEAT_PER_MINUTE] = 60 * SECOND_MS, [CLEAT_PER_HOUR] = 3600 * SECOND_MS,
    [CLEAT_PER_DAY] = DAY_MS,        [CLEAT_PER_WEEK] = 7 * DAY_MS,       [CLEAT_PER_MONTH] = 30 * DAY_MS,
    [CLEAT_PER_YEAR] = 365 * DAY_MS,
};
enum { DURATION_COUNT = sizeof(durations_ms) / sizeof(durations_ms[0]) };

int64_t cleat__rate_duration_ms(cleat_rate_limit_duration duration)
{
    return (int)duration >= 0 && (int)duration < DURATION_COUNT ? durations_ms[duration] : 0;
}

int cleat__rate_duration_of(int64_t window_ms)
{
    for (int i = 1; i < DURATION_COUNT; i++) {
        if (durations_ms[i] == window_ms) {
            return i;
        }
    }
    return -1;
}

void cleat__rate_window_init(cleat__rate_window *window, int32_t limit, int64_t window_ms, int64_t now_ms)
{
    *window = (cleat__rate_window){limit, limit, window_ms, now_ms};
}

void cleat__rate_window_change(cleat__rate_window *window, int32_t limit, int64_t window_ms)
{
    window->limit = limit;
    window->value = window->value < limit ? window->value : limit;
    window->window_ms = window_ms;
}

int64_t cleat__rate_window_next(const cleat__rate_window *window)
{
    return window->refilled_ms + window->window_ms - CLEAT__RATE_REFILL_EARLY_MS;
}

bool cleat__rate_window_refill(cleat__rate_window *window, int64_t now_ms)
{
    if (now_ms < cleat__rate_window_next(window)) {
        return false;
    }
    window->value = window->limit;
    window->refilled_ms = now_ms;
    return true;
}

void cleat__rate_window_return(cleat__rate_window *window, int32_t units, int64_t taken_ms)
{
    if (taken_ms >= window->refilled_ms) {
        window->value = window->limit - window->value > units ? window->value + units : window->limit;
    }
}
