#include "format.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

static cleat__text print(const char *format, ...) CLEAT_PRINTF(1, 2);
static cleat__text print(const char *format, ...)
{
    cleat__text out;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(out.text, sizeof(out.text), format, arguments);
    va_end(arguments);
    return out;
}

/* Three digits: 1.92, 19.2, 192. */
static cleat__text three_digits(double value, const char *unit)
{
    int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
    return print("%.*f %s", decimals, value, unit);
}

cleat__text cleat__format_duration(int64_t nanoseconds)
{
    double seconds = (double)nanoseconds / 1e9;
    int64_t whole = nanoseconds / 1000000000;
    if (nanoseconds < 0) {
        return print("-");
    }
    if (nanoseconds < 100000) {
        return print("%" PRId64 " us", nanoseconds / 1000);
    }
    if (seconds < 0.9995) {
        return three_digits(seconds * 1e3, "ms");
    }
    if (seconds < 99.95) {
        return three_digits(seconds, "s");
    }
    if (whole < 6000) {
        return print("%" PRId64 "m %02" PRId64 "s", whole / 60, whole % 60);
    }
    if (whole < 100 * 3600) {
        return print("%" PRId64 "h %02" PRId64 "m", whole / 3600, whole / 60 % 60);
    }
    if (whole < 1000 * 86400) {
        return print("%" PRId64 "d %" PRId64 "h", whole / 86400, whole / 3600 % 24);
    }
    return print("%" PRId64 "d", whole / 86400);
}

cleat__text cleat__format_ms(int64_t milliseconds)
{
    if (milliseconds < 0) {
        return print("-");
    }
    if (milliseconds == 0) {
        return print("<1 ms");
    }
    if (milliseconds < 1000) {
        return print("%" PRId64 " ms", milliseconds);
    }
    return cleat__format_duration(milliseconds * 1000000);
}

cleat__text cleat__format_count(int64_t count)
{
    cleat__text plain = print("%" PRId64, count);
    cleat__text out;
    size_t digits = strlen(plain.text);
    size_t to = 0;
    for (size_t i = 0; i < digits && to + 2 < sizeof(out.text); i++) {
        if (i > 0 && (digits - i) % 3 == 0 && plain.text[i - 1] != '-') {
            out.text[to++] = ',';
        }
        out.text[to++] = plain.text[i];
    }
    out.text[to] = '\0';
    return out;
}

cleat__text cleat__format_bytes(int64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 1024 && unit + 1 < sizeof(units) / sizeof(*units)) {
        value /= 1024;
        unit++;
    }
    return unit == 0 ? print("%" PRId64 " B", bytes) : print("%.1f %s", value, units[unit]);
}

cleat__text cleat__format_time(int64_t unix_ms)
{
    struct tm tm;
    char text[CLEAT__FORMAT_SIZE];
    time_t seconds = (time_t)(unix_ms / 1000);
    if (unix_ms == 0 || localtime_r(&seconds, &tm) == NULL) {
        return print("-");
    }
    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
    return print("%.30s.%03d", text, (int)(unix_ms % 1000));
}

cleat__text cleat__format_rfc3339(int64_t unix_ms)
{
    struct tm tm;
    char text[CLEAT__FORMAT_SIZE];
    time_t seconds = (time_t)(unix_ms / 1000);
    if (unix_ms == 0 || gmtime_r(&seconds, &tm) == NULL) {
        return print("%s", "");
    }
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
    return print("%.30s.%03dZ", text, (int)(unix_ms % 1000));
}

cleat__text cleat__format_utc(int64_t unix_ms)
{
    enum { SECONDS = 19 };
    cleat__text text = cleat__format_rfc3339(unix_ms);
    if (text.text[0] != '\0') {
        memcpy(&text.text[SECONDS], "Z", 2);
    }
    return text;
}

cleat__text cleat__format_age(int64_t unix_ms, int64_t now_ms)
{
    int64_t seconds = (now_ms - unix_ms) / 1000;
    if (seconds < 1) {
        return print("now");
    }
    if (seconds < 60) {
        return print("%" PRId64 "s", seconds);
    }
    if (seconds < 3600) {
        return print("%" PRId64 "m", seconds / 60);
    }
    if (seconds < 2 * 86400) {
        return print("%" PRId64 "h", seconds / 3600);
    }
    return print("%" PRId64 "d", seconds / 86400);
}
