#include "model/cron.h"

#include "base/error.h"
#include "base/utf8.h"

#include <string.h>

#define SECOND_MS INT64_C(1000)
#define DAY_S     INT64_C(86400)
#define YEAR_END  INT64_C(253402300800000) /* of 9999 */
/* Eight years may pass from one 29th of February to the next. */
#define DAYS_MAX (9 * 366)

typedef struct range {
    const char *name;
    int first, last;
    const char *names; /* of three letters each, from the first on; NULL: none */
} range;

enum { SECOND, MINUTE, HOUR, DAY, MONTH, WEEKDAY, FIELD_COUNT };
static const range ranges[FIELD_COUNT] = {
    [SECOND] = {"second", 0, 59, NULL},
    [MINUTE] = {"minute", 0, 59, NULL},
    [HOUR] = {"hour", 0, 23, NULL},
    [DAY] = {"day", 1, 31, NULL},
    [MONTH] = {"month", 1, 12, "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC"},
    [WEEKDAY] = {"weekday", 0, 7, "SUNMONTUEWEDTHUFRISAT"},
};

/* ---- Parsing ---- */

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

/* The next word of the text, which goes on behind it; empty at the end. */
static cleat_slice take_word(cleat_slice *text)
{
    while (text->size > 0 && is_space(text->data[0])) {
        text->data++;
        text->size--;
    }
    cleat_slice word = {text->data, 0};
    while (word.size < text->size && !is_space(word.data[word.size])) {
        word.size++;
    }
    text->data += word.size;
    text->size -= word.size;
    return word;
}

/* What stands before the sign, and in `*rest` what stands behind it; absent when there is none. */
static cleat_slice split(cleat_slice text, char sign, cleat_slice *rest)
{
    const char *at = text.size != 0 ? memchr(text.data, sign, text.size) : NULL;
    *rest = (cleat_slice){NULL, 0};
    if (at == NULL) {
        return text;
    }
    size_t size = (size_t)(at - text.data);
    *rest = (cleat_slice){at + 1, text.size - size - 1};
    return (cleat_slice){text.data, size};
}

static bool is_letter(char c, char capital)
{
    return c == capital || c == capital - 'A' + 'a';
}

static bool read_name(const range *of, cleat_slice text, int *out)
{
    for (size_t i = 0; of->names != NULL && text.size == 3 && of->names[i] != '\0'; i += 3) {
        if (is_letter(text.data[0], of->names[i]) && is_letter(text.data[1], of->names[i + 1]) &&
            is_letter(text.data[2], of->names[i + 2])) {
            *out = of->first + (int)(i / 3);
            return true;
        }
    }
    return false;
}

/* Digits; false: something else, or more than any field has. */
static bool read_number(cleat_slice text, int *out)
{
    *out = 0;
    if (text.size == 0 || text.size > 4) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        *out = *out * 10 + (text.data[i] - '0');
    }
    return true;
}

static cleat_status read_value(const range *of, cleat_slice text, int *out)
{
    if (!read_name(of, text, out) && !read_number(text, out)) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "the %s \"%.*s\" is no number%s", of->name,
                           CLEAT_SLICE_ARGS(text), of->names != NULL ? " and no name" : "");
    }
    if (*out < of->first || *out > of->last) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "the %s %d is not in %d .. %d", of->name, *out, of->first,
                           of->last);
    }
    return CLEAT_OK;
}

/* "*", "?", "5" or "1-5"; `*is_one`: a single value. */
static cleat_status read_span(const range *of, cleat_slice text, int *from, int *to, bool *is_one)
{
    cleat_slice last;
    *is_one = false;
    if (text.size == 1 && (text.data[0] == '*' || text.data[0] == '?')) {
        *from = of->first;
        *to = of == &ranges[WEEKDAY] ? 6 : of->last;
        return CLEAT_OK;
    }
    cleat_status status = read_value(of, split(text, '-', &last), from);
    *to = *from;
    *is_one = last.data == NULL;
    if (status == CLEAT_OK && !*is_one) {
        status = read_value(of, last, to);
    }
    if (status == CLEAT_OK && *to < *from) {
        status =
            cleat__fail(CLEAT_INVALID_ARGUMENT, "the %ss %d-%d end before they begin", of->name, *from, *to);
    }
    return status;
}

/* Adds a part of the list to the mask; `*is_any`: it leaves nothing out. */
static cleat_status read_part(const range *of, cleat_slice text, uint64_t *mask, bool *is_any)
{
    cleat_slice step_text;
    cleat_slice span = split(text, '/', &step_text);
    int from = 0, to = 0, step = 1;
    bool is_one = false;
    cleat_status status = read_span(of, span, &from, &to, &is_one);
    if (status != CLEAT_OK) {
        return status;
    }
    if (step_text.data != NULL && (!read_number(step_text, &step) || step == 0)) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "the step \"%.*s\" of the %s is no number above 0",
                           CLEAT_SLICE_ARGS(step_text), of->name);
    }
    if (is_one && step_text.data != NULL) {
        to = of == &ranges[WEEKDAY] && from < 7 ? 6 : of->last;
    }
    for (int value = from; value <= to; value += step) {
        *mask |= UINT64_C(1) << (of == &ranges[WEEKDAY] ? value % 7 : value);
    }
    *is_any = *is_any || (step == 1 && (span.data[0] == '*' || span.data[0] == '?'));
    return CLEAT_OK;
}

static cleat_status read_field(const range *of, cleat_slice text, uint64_t *mask, bool *is_any)
{
    cleat_status status = CLEAT_OK;
    *mask = 0;
    *is_any = false;
    while (status == CLEAT_OK && text.data != NULL) {
        cleat_slice rest;
        cleat_slice part = split(text, ',', &rest);
        status = part.size != 0
                     ? read_part(of, part, mask, is_any)
                     : cleat__fail(CLEAT_INVALID_ARGUMENT, "the list of %ss has an empty part", of->name);
        text = rest;
    }
    return status;
}

/* In a year that has a 29th of February. */
static const int month_days[] = {0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

/* Whether one of its days is in one of its months; weekdays are in all. */
static bool has_day(const cleat__cron *cron)
{
    bool is_there = cron->is_any_day || !cron->is_any_weekday;
    for (int month = 1; month <= 12 && !is_there; month++) {
        uint32_t days = UINT32_MAX >> (31 - month_days[month]);
        is_there = (cron->months >> month & 1) != 0 && (cron->days & days) != 0;
    }
    return is_there;
}

static cleat_status read_fields(const cleat_slice *words, cleat__cron *out)
{
    uint64_t masks[FIELD_COUNT];
    bool is_any[FIELD_COUNT];
    for (int i = 0; i < FIELD_COUNT; i++) {
        cleat_status status = read_field(&ranges[i], words[i], &masks[i], &is_any[i]);
        if (status != CLEAT_OK) {
            return status;
        }
    }
    *out = (cleat__cron){
        .seconds = masks[SECOND],
        .minutes = masks[MINUTE],
        .hours = (uint32_t)masks[HOUR],
        .days = (uint32_t)masks[DAY],
        .months = (uint32_t)masks[MONTH],
        .weekdays = (uint32_t)masks[WEEKDAY],
        .is_any_day = is_any[DAY],
        .is_any_weekday = is_any[WEEKDAY],
    };
    return has_day(out) ? CLEAT_OK : cleat__fail(CLEAT_INVALID_ARGUMENT, "there is no such day in any year");
}

cleat_status cleat__cron_parse(cleat_slice text, cleat__cron *out)
{
    cleat_slice words[FIELD_COUNT + 1] = {{NULL, 0}}, rest = text;
    size_t count = 0;
    if (text.size > CLEAT__CRON_SIZE_MAX) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "a cron has %zu bytes; at most %d are allowed", text.size,
                           CLEAT__CRON_SIZE_MAX);
    }
    for (cleat_slice word = take_word(&rest); word.size != 0 && count <= FIELD_COUNT;
         word = take_word(&rest)) {
        words[count++] = word;
    }
    if (count != FIELD_COUNT && count != FIELD_COUNT - 1) {
        return cleat__fail(
            CLEAT_INVALID_ARGUMENT,
            "cron \"%.*s\" has %zu fields%s; it must be \"minute hour day month weekday\", or six "
            "with the second in front",
            CLEAT_SLICE_ARGS(text), count, count > FIELD_COUNT ? " and more" : "");
    }
    if (count == FIELD_COUNT - 1) {
        memmove(&words[1], &words[0], (FIELD_COUNT - 1) * sizeof(words[0]));
        words[0] = cleat_slice_of("0");
    }
    cleat_status status = read_fields(words, out);
    if (status != CLEAT_OK) {
        char sentence[200];
        (void)strncpy(sentence, cleat_error_message(), sizeof(sentence) - 1);
        sentence[sizeof(sentence) - 1] = '\0';
        status = cleat__fail(status, "cron \"%.*s\": %s", CLEAT_SLICE_ARGS(text), sentence);
    }
    return status;
}

/* ---- The next time ---- */

typedef struct date {
    int64_t year;
    int month, day, weekday;
} date;

/* Of the days since 1970: counted from the first of March of the year 0, where the day that a leap year has more is the
 * last of its year. */
static date date_of(int64_t days)
{
    int64_t since = days + 719468;
    int64_t era = since / 146097, of_era = since % 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int month = (int)((5 * of_year + 2) / 153);
    return (date){
        .year = era * 400 + year + (month >= 10),
        .month = month < 10 ? month + 3 : month - 9,
        .day = (int)(of_year - (153 * month + 2) / 5 + 1),
        .weekday = (int)((days + 4) % 7),
    };
}

/* Days until the first one of the next month. */
static int days_left(const date *it)
{
    bool is_leap = (it->year % 4 == 0 && it->year % 100 != 0) || it->year % 400 == 0;
    return month_days[it->month] - (it->month == 2 && !is_leap) - it->day + 1;
}

/* Of a day in one of its months. */
static bool is_meant(const cleat__cron *cron, const date *day)
{
    bool is_day = (cron->days >> day->day & 1) != 0;
    bool is_weekday = (cron->weekdays >> day->weekday & 1) != 0;
    bool is_either = !cron->is_any_day && !cron->is_any_weekday;
    return is_either ? is_day || is_weekday : is_day && is_weekday;
}

/* The lowest number of the mask from `from` on; 64: none. */
static int next_of(uint64_t mask, int from)
{
    while (from < 64 && (mask >> from & 1) == 0) {
        from++;
    }
    return from;
}

/* The first second of the day from `from` on; -1: none. */
static int64_t next_second(const cleat__cron *cron, int64_t from)
{
    int hour = (int)(from / 3600), minute = (int)(from / 60 % 60), second = (int)(from % 60);
    int found = next_of(cron->hours, hour);
    if (found != hour) {
        minute = second = 0;
    }
    for (hour = found; hour < 24; hour = next_of(cron->hours, hour + 1)) {
        for (int at = next_of(cron->minutes, minute); at < 60; at = next_of(cron->minutes, at + 1)) {
            int exact = next_of(cron->seconds, at == minute ? second : 0);
            if (exact < 60) {
                return (int64_t)hour * 3600 + at * 60 + exact;
            }
        }
        minute = second = 0;
    }
    return -1;
}

int64_t cleat__cron_next_ms(const cleat__cron *cron, int64_t after_ms)
{
    int64_t after = after_ms < 0 ? -1 : after_ms / SECOND_MS;
    if (after_ms >= YEAR_END) {
        return INT64_MAX;
    }
    int64_t day = (after + 1) / DAY_S, from = (after + 1) % DAY_S;
    int step = 1;
    for (int64_t last = day + DAYS_MAX; day <= last; day += step, from = 0) {
        const date it = date_of(day);
        bool is_month = (cron->months >> it.month & 1) != 0;
        int64_t second = is_month && is_meant(cron, &it) ? next_second(cron, from) : -1;
        if (second >= 0) {
            int64_t at_ms = (day * DAY_S + second) * SECOND_MS;
            return at_ms < YEAR_END ? at_ms : INT64_MAX;
        }
        step = is_month ? 1 : days_left(&it);
    }
    return INT64_MAX;
}

cleat_status cleat__cron_name_check(cleat_slice name)
{
    if (name.size == 0 || name.size > CLEAT__CRON_NAME_MAX) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "a cron's name has %zu bytes; it must have 1 .. %d",
                           name.size, CLEAT__CRON_NAME_MAX);
    }
    return cleat__utf8_valid_prefix(name.data, name.size) == name.size
               ? CLEAT_OK
               : cleat__fail(CLEAT_INVALID_ARGUMENT, "a cron's name is no valid UTF-8");
}
