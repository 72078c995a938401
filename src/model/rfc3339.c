#define _GNU_SOURCE /* timegm */
#include "model/rfc3339.h"

#include <stdio.h>
#include <time.h>

void cleat__rfc3339_format(int64_t unix_ms, char text[CLEAT__RFC3339_SIZE])
{
    struct tm tm;
    time_t seconds = (time_t)(unix_ms / 1000);
    if (unix_ms < 0 || gmtime_r(&seconds, &tm) == NULL ||
        strftime(text, CLEAT__RFC3339_SIZE, "%Y-%m-%dT%H:%M:%S", &tm) == 0) {
        snprintf(text, CLEAT__RFC3339_SIZE, "1970-01-01T00:00:00.000Z");
        return;
    }
    size_t size = strlen(text);
    snprintf(text + size, CLEAT__RFC3339_SIZE - size, ".%03dZ", (int)(unix_ms % 1000));
}

/* Exactly `digits` of them, from `*at` on, which moves behind; -1 otherwise. */
static int take_number(cleat_slice text, size_t *at, int digits)
{
    int value = 0;
    for (int i = 0; i < digits; i++, (*at)++) {
        if (*at >= text.size || text.data[*at] < '0' || text.data[*at] > '9') {
            return -1;
        }
        value = value * 10 + (text.data[*at] - '0');
    }
    return value;
}

static bool take_byte(cleat_slice text, size_t *at, const char *any_of)
{
    bool is_there = *at < text.size && text.data[*at] != '\0' && strchr(any_of, text.data[*at]) != NULL;
    *at += is_there;
    return is_there;
}

/* ".123456" as 123; nothing as 0; -1 for a dot alone. */
static int take_fraction(cleat_slice text, size_t *at)
{
    int value = 0, scale = 100;
    if (!take_byte(text, at, ".")) {
        return 0;
    }
    size_t from = *at;
    for (; *at < text.size && text.data[*at] >= '0' && text.data[*at] <= '9'; (*at)++) {
        value += (text.data[*at] - '0') * scale;
        scale /= 10;
    }
    return *at > from ? value : -1;
}

/* "Z", "+02:00": in minutes. */
static bool take_offset(cleat_slice text, size_t *at, int *minutes)
{
    *minutes = 0;
    if (take_byte(text, at, "Zz")) {
        return true;
    }
    int sign = *at < text.size && text.data[*at] == '-' ? -1 : 1;
    if (!take_byte(text, at, "+-")) {
        return false;
    }
    int hour = take_number(text, at, 2);
    int minute = take_byte(text, at, ":") ? take_number(text, at, 2) : -1;
    *minutes = sign * (hour * 60 + minute);
    return hour >= 0 && hour < 24 && minute >= 0 && minute < 60;
}

static bool take_date(cleat_slice text, size_t *at, struct tm *tm)
{
    tm->tm_year = take_number(text, at, 4) - 1900;
    tm->tm_mon = take_byte(text, at, "-") ? take_number(text, at, 2) - 1 : -1;
    tm->tm_mday = take_byte(text, at, "-") ? take_number(text, at, 2) : -1;
    return tm->tm_year >= 70 && tm->tm_mon >= 0 && tm->tm_mon < 12 && tm->tm_mday >= 1 && tm->tm_mday <= 31;
}

static bool take_clock(cleat_slice text, size_t *at, struct tm *tm)
{
    tm->tm_hour = take_byte(text, at, "Tt ") ? take_number(text, at, 2) : -1;
    tm->tm_min = take_byte(text, at, ":") ? take_number(text, at, 2) : -1;
    tm->tm_sec = take_byte(text, at, ":") ? take_number(text, at, 2) : -1;
    return tm->tm_hour >= 0 && tm->tm_hour < 24 && tm->tm_min >= 0 && tm->tm_min < 60 && tm->tm_sec >= 0 &&
           tm->tm_sec <= 60;
}

bool cleat__rfc3339_parse(cleat_slice text, int64_t *unix_ms)
{
    struct tm tm = {0};
    size_t at = 0;
    int minutes;
    if (!take_date(text, &at, &tm) || !take_clock(text, &at, &tm)) {
        return false;
    }
    int day = tm.tm_mday;
    bool is_leap_second = tm.tm_sec == 60;
    int milliseconds = take_fraction(text, &at);
    if (milliseconds < 0 || !take_offset(text, &at, &minutes) || at != text.size) {
        return false;
    }
    int64_t seconds = (int64_t)timegm(&tm) - (int64_t)minutes * 60;
    *unix_ms = seconds * 1000 + milliseconds;
    return seconds >= 0 && (tm.tm_mday == day || is_leap_second); /* no February 30 */
}
