#include "model/duration.h"

#include "base/error.h"

#include <inttypes.h>
#include <stdio.h>

enum { SHOWN_MAX = 64 }; /* bytes of a text that is refused */

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

/* ---- Parsing ---- */

typedef struct duration_unit {
    const char *name; /* longer ones before those they begin with */
    uint64_t ns;
} duration_unit;

static const duration_unit units[] = {
    {"ns", 1}, {"us", 1000}, {"ms", 1000000}, {"s", 1000000000}, {"m", 60000000000}, {"h", 3600000000000},
};

static const duration_unit *take_unit(cleat_slice *text)
{
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        size_t size = strlen(units[i].name);
        if (text->size >= size && memcmp(text->data, units[i].name, size) == 0) {
            text->data += size;
            text->size -= size;
            return &units[i];
        }
    }
    return NULL;
}

static bool is_digit(cleat_slice text)
{
    return text.size != 0 && text.data[0] >= '0' && text.data[0] <= '9';
}

static unsigned take_digit(cleat_slice *text)
{
    unsigned digit = (unsigned)(*text->data - '0');
    text->data++;
    text->size--;
    return digit;
}

/* One "number unit", added to `*ns`; where that is too much for it, it is long. False: it is none. */
static bool take_part(cleat_slice *text, uint64_t *ns, bool *is_long)
{
    uint64_t whole = 0;
    double fraction = 0, scale = 1;
    bool has_digits = is_digit(*text);
    while (is_digit(*text)) {
        *is_long = __builtin_mul_overflow(whole, 10, &whole) || *is_long;
        *is_long = __builtin_add_overflow(whole, take_digit(text), &whole) || *is_long;
    }
    if (text->size != 0 && text->data[0] == '.') {
        text->data++;
        text->size--;
        has_digits = has_digits || is_digit(*text);
        while (is_digit(*text)) {
            scale /= 10;
            fraction += take_digit(text) * scale;
        }
    }
    const duration_unit *unit = has_digits ? take_unit(text) : NULL;
    if (unit == NULL) {
        return false;
    }
    *is_long = __builtin_mul_overflow(whole, unit->ns, &whole) || *is_long;
    *is_long =
        __builtin_add_overflow(whole, (uint64_t)(fraction * (double)unit->ns + 0.5), &whole) || *is_long;
    *is_long = __builtin_add_overflow(*ns, whole, ns) || *is_long;
    return true;
}

cleat_status cleat__duration_parse(const char *field, cleat_slice text, int64_t *duration_ms)
{
    cleat_slice rest = text;
    uint64_t ns = 0;
    bool is_good = text.size != 0, is_long = false;
    while (is_good && rest.size != 0) {
        is_good = take_part(&rest, &ns, &is_long);
        is_long = is_long || ns > INT64_MAX;
    }
    if (!is_good || is_long) {
        return cleat__fail(
            CLEAT_INVALID_ARGUMENT, "%s is \"%.*s\", which is %s", field,
            text.size < SHOWN_MAX ? (int)text.size : SHOWN_MAX, text.size != 0 ? text.data : "",
            is_good ? "longer than 292 years" : "no duration; write it like 1h30m, 90s or 250ms");
    }
    *duration_ms = (int64_t)((ns + 999999) / 1000000);
    return CLEAT_OK;
}

/* Days that are in front, if any: they and their "d" are taken from the text. False: there are too many. */
static bool take_days(cleat_slice *text, int64_t *ms)
{
    static const int64_t day_ms = INT64_C(86400000);
    cleat_slice rest = *text;
    int64_t days = 0;
    while (is_digit(rest)) {
        int64_t digit = take_digit(&rest);
        if (__builtin_mul_overflow(days, 10, &days) || __builtin_add_overflow(days, digit, &days)) {
            return false;
        }
    }
    if (rest.size == text->size || rest.size == 0 || rest.data[0] != 'd') {
        return true;
    }
    *text = (cleat_slice){rest.data + 1, rest.size - 1};
    return !__builtin_mul_overflow(days, day_ms, ms) && *ms <= INT64_MAX / 1000000;
}

cleat_status cleat__duration_parse_days(const char *field, cleat_slice text, int64_t *duration_ms)
{
    cleat_slice rest = text;
    int64_t days_ms = 0, rest_ms = 0;
    cleat_status status = CLEAT_OK;
    if (!take_days(&rest, &days_ms)) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s is longer than 292 years", field);
    }
    if (rest.size != 0 || rest.size == text.size) {
        status = cleat__duration_parse(field, rest, &rest_ms);
    }
    if (status == CLEAT_OK) {
        *duration_ms = days_ms + rest_ms;
    }
    return status;
}
