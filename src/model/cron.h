/*
 * When things happen again and again: "minute hour day month weekday", or six fields with the second in front, in UTC.
 * A field is a list of parts with ',' between them:
 *
 *     *  ?            any
 *     5               that one
 *     1-5             these
 *     * /10  1-59/10   every tenth of them (without the space); 5/10: of all from 5 on
 *
 * Months and days of the week have names too, of three letters in any case: JAN, SUN. Sunday is 0, and 7. A day is
 * meant when both its day and its weekday are; when each of these says which (is no '*' or '?'), either is enough.
 */
#ifndef CLEAT_MODEL_CRON_H
#define CLEAT_MODEL_CRON_H

#include <cleat/status.h>

#define CLEAT__CRON_SIZE_MAX 255 /* bytes of the text */
#define CLEAT__CRON_NAME_MAX 255

/* Bit n of a mask: n is meant. */
typedef struct cleat__cron {
    uint64_t seconds, minutes;
    uint32_t hours, days, months, weekdays;
    bool is_any_day, is_any_weekday;
} cleat__cron;

/* CLEAT_INVALID_ARGUMENT: the sentence says what is wrong; also of one that never comes, as the 31st of February. */
cleat_status cleat__cron_parse(cleat_slice text, cleat__cron *out);
/* What one is called: any characters. CLEAT_INVALID_ARGUMENT says what is wrong. */
cleat_status cleat__cron_name_check(cleat_slice name);
/* The first time after `after_ms`, both Unix milliseconds; INT64_MAX: none before the year 10000. */
int64_t cleat__cron_next_ms(const cleat__cron *cron, int64_t after_ms);

#endif
