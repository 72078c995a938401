#include "model/duration.h"

#include <inttypes.h>
#include <stdio.h>

/* Seconds with up to three decimals and no trailing zeros: "5s", "1.5s", "0.25s". */
static void format_seconds(int64_t ms, char *text, size_t size)
{
    int written = snprintf(text, size, "%" PRId64 ".%03d", ms / 1000, (int)(ms % 1000));
    if (written <= 0 || (size_t)written >= size) {
        return;
    }
    char *end = text + written;
    while (end[-1] == '0') {
        *--end = '\0';
    }
    if (end[-1] == '.') {
        *--end = '\0';
    }
}

void cleat__duration_format(int64_t duration_ms, char text[CLEAT__DURATION_TEXT])
{
    if (duration_ms > 0 && duration_ms < 1000) {
        snprintf(text, CLEAT__DURATION_TEXT, "%dms", (int)duration_ms);
        return;
    }
    char seconds[16] = "";
    format_seconds(duration_ms % 60000, seconds, sizeof(seconds));
    int64_t minutes = duration_ms / 60000;
    if (minutes >= 60) {
        snprintf(text, CLEAT__DURATION_TEXT, "%" PRId64 "h%dm%ss", minutes / 60, (int)(minutes % 60),
                 seconds);
    } else if (minutes > 0) {
        snprintf(text, CLEAT__DURATION_TEXT, "%dm%ss", (int)minutes, seconds);
    } else {
        snprintf(text, CLEAT__DURATION_TEXT, "%ss", seconds);
    }
}
