/*
 * Patterns of event keys, as workflows list them: those of SQL's LIKE, case-sensitive.
 *
 *     *  %    any run of characters, also none
 *     _       any one character
 *     \       the next character stands for itself
 *
 * A pattern is matched from left to right; when a part behind a '*' does not fit, it is tried one character
 * further on. That takes at most as many steps as both have characters, multiplied; the caller counts them.
 */
#ifndef CLEAT_MODEL_EVENT_PATTERN_H
#define CLEAT_MODEL_EVENT_PATTERN_H

#include <cleat/status.h>

/* Whether a key fits only if it is the same text. */
bool cleat__event_pattern_is_exact(cleat_slice pattern);
/* CLEAT_INVALID_ARGUMENT: it is empty, too long, or ends in the middle. `field` is for the message. */
cleat_status cleat__event_pattern_check(const char *field, cleat_slice pattern);
/* Of a checked pattern. Adds the steps it took to `*steps`, one at least. */
bool cleat__event_pattern_match(cleat_slice pattern, cleat_slice key, size_t *steps);

#endif
