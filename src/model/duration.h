/* Durations as people read them, in Go's notation, which the Hatchet protocol uses too. */
#ifndef CLEAT_MODEL_DURATION_H
#define CLEAT_MODEL_DURATION_H

#include <cleat/status.h>

#define CLEAT__DURATION_TEXT 48

/* "1m0s", "1h30m0s", "1.5s", "250ms", "0s". Not for negative durations. */
void cleat__duration_format(int64_t duration_ms, char text[CLEAT__DURATION_TEXT]);

/*
 * Any number of parts like "1h", "30m" or "1.5s" one after the other, with units ns, us, ms, s, m and h,
 * without a sign or blanks; rounded up to milliseconds, so that only zero is 0. CLEAT_INVALID_ARGUMENT
 * otherwise, and above the 292 years that Go can say. `field` is for the sentence.
 */
cleat_status cleat__duration_parse(const char *field, cleat_slice text, int64_t *duration_ms);

/* The same, which may have whole days in front: "1d7h30m", "30d". */
cleat_status cleat__duration_parse_days(const char *field, cleat_slice text, int64_t *duration_ms);

/* a + b for b >= 0, at most INT64_MAX: a deadline that never comes. */
static inline int64_t cleat__saturating_add(int64_t a, int64_t b)
{
    return a > INT64_MAX - b ? INT64_MAX : a + b;
}

#endif
