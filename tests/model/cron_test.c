/* When crons come: a table, and what a slow way says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/cron.h"
#include "model/rfc3339.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int64_t time_of(const char *text)
{
    int64_t at_ms = 0;
    assert_true(cleat__rfc3339_parse(cleat_slice_of(text), &at_ms));
    return at_ms;
}

typedef struct coming {
    const char *cron, *after, *next; /* next NULL: never */
} coming;

static const coming comings[] = {
    {"* * * * *", "2026-11-26T12:00:00Z", "2026-11-26T12:01:00Z"},
    {"* * * * *", "2026-11-26T12:00:59.999Z", "2026-11-26T12:01:00Z"},
    {"* * * * *", "2026-12-31T23:59:00Z", "2027-01-01T00:00:00Z"},
    {"* * * * * *", "2026-11-26T12:00:00Z", "2026-11-26T12:00:01Z"},
    {"* * * * * *", "2026-11-26T12:00:00.001Z", "2026-11-26T12:00:01Z"},
    {"30 * * * * *", "2026-11-26T12:00:29.999Z", "2026-11-26T12:00:30Z"},
    {"*/10 * * * * *", "2026-11-26T12:00:50Z", "2026-11-26T12:01:00Z"},
    {"0 0 * * *", "2026-11-26T00:00:00Z", "2026-11-27T00:00:00Z"},
    {"5 4 * * *", "2026-11-26T04:04:59Z", "2026-11-26T04:05:00Z"},
    {"5 4 * * *", "2026-11-26T04:05:00Z", "2026-11-27T04:05:00Z"},
    {"*/15 9-17 * * *", "2026-11-26T17:45:00Z", "2026-11-27T09:00:00Z"},
    {"1-59/20 * * * *", "2026-11-26T12:41:00Z", "2026-11-26T13:01:00Z"},
    {"50/5 * * * *", "2026-11-26T12:50:00Z", "2026-11-26T12:55:00Z"},
    {"0,30 8,20 * * *", "2026-11-26T08:30:00Z", "2026-11-26T20:00:00Z"},
    {"0 0 1 * *", "2026-11-26T12:00:00Z", "2026-12-01T00:00:00Z"},
    {"0 0 31 * *", "2026-11-30T12:00:00Z", "2026-12-31T00:00:00Z"},
    {"0 0 29 2 *", "2026-11-26T12:00:00Z", "2028-02-29T00:00:00Z"},
    {"0 0 29 2 *", "2096-03-01T00:00:00Z", "2104-02-29T00:00:00Z"}, /* 2100 has none */
    {"0 0 * * 0", "2026-11-26T12:00:00Z", "2026-11-29T00:00:00Z"},
    {"0 0 * * 7", "2026-11-26T12:00:00Z", "2026-11-29T00:00:00Z"},
    {"0 0 * * SUN", "2026-11-26T12:00:00Z", "2026-11-29T00:00:00Z"},
    {"0 0 * * mon-Fri", "2026-11-27T12:00:00Z", "2026-11-30T00:00:00Z"},
    {"0 0 * * 5-7", "2026-11-29T12:00:00Z", "2026-12-04T00:00:00Z"},
    {"0 0 * * 1/2", "2026-11-27T12:00:00Z", "2026-11-30T00:00:00Z"}, /* 1, 3, 5: no Sunday */
    {"0 0 * JAN,jul *", "2026-11-26T12:00:00Z", "2027-01-01T00:00:00Z"},
    {"0 0 ? 3-5 ?", "2026-11-26T12:00:00Z", "2027-03-01T00:00:00Z"},
    {"0 0 13 * 5", "2026-11-26T12:00:00Z", "2026-11-27T00:00:00Z"}, /* the 13th, and Fridays */
    {"0 0 13 * *", "2026-11-26T12:00:00Z", "2026-12-13T00:00:00Z"},
    {"0 0 */2 * 5", "2026-11-26T12:00:00Z", "2026-11-27T00:00:00Z"}, /* a step says which */
    {"0 0 */2 * 6", "2026-11-27T12:00:00Z", "2026-11-28T00:00:00Z"},
    {"0 0 *,13 * 5", "2026-11-27T12:00:00Z", "2026-12-04T00:00:00Z"}, /* any day, so the weekday alone */
    {" \t0  0 * *\t* ", "2026-11-26T12:00:00Z", "2026-11-27T00:00:00Z"},
    {"59 59 23 31 12 *", "2026-11-26T12:00:00Z", "2026-12-31T23:59:59Z"},
    {"* * * * *", "9999-12-31T23:58:30Z", "9999-12-31T23:59:00Z"},
    {"* * * * *", "9999-12-31T23:59:00Z", NULL},
    {"0 0 1 1 *", "1970-01-01T00:00:00Z", "1971-01-01T00:00:00Z"},
};

static void a_cron_comes_next_at(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(comings) / sizeof(comings[0]); i++) {
        const coming *it = &comings[i];
        cleat__cron cron;
        char found[CLEAT__RFC3339_SIZE] = "never";
        if (cleat__cron_parse(cleat_slice_of(it->cron), &cron) != CLEAT_OK) {
            fail_msg("%s", cleat_error_message());
        }
        int64_t next = cleat__cron_next_ms(&cron, time_of(it->after));
        if (next != INT64_MAX) {
            cleat__rfc3339_format(next, found);
        }
        if (next != (it->next != NULL ? time_of(it->next) : INT64_MAX)) {
            fail_msg("\"%s\" after %s: %s", it->cron, it->after, found);
        }
    }
}

static void times_that_no_clock_has(void **state)
{
    (void)state;
    cleat__cron cron;
    assert_int_equal(cleat__cron_parse(cleat_slice_of("* * * * *"), &cron), CLEAT_OK);
    assert_int_equal(cleat__cron_next_ms(&cron, INT64_MIN), 0);
    assert_int_equal(cleat__cron_next_ms(&cron, -1), 0);
    assert_int_equal(cleat__cron_next_ms(&cron, 0), 60000);
    assert_int_equal(cleat__cron_next_ms(&cron, INT64_MAX), INT64_MAX);
    assert_int_equal(cleat__cron_next_ms(&cron, INT64_MAX - 1), INT64_MAX);
}

typedef struct refusal {
    const char *cron, *sentence;
} refusal;

static const refusal refusals[] = {
    {"", "has 0 fields"},
    {"* * * *", "has 4 fields"},
    {"* * * * * * *", "has 7 fields and more"},
    {"@daily", "has 1 fields"},
    {"60 * * * *", "the minute 60 is not in 0 .. 59"},
    {"60 * * * * *", "the second 60 is not in 0 .. 59"},
    {"* 24 * * *", "the hour 24 is not in 0 .. 23"},
    {"* * 0 * *", "the day 0 is not in 1 .. 31"},
    {"* * 32 * *", "the day 32 is not in 1 .. 31"},
    {"* * * 13 *", "the month 13 is not in 1 .. 12"},
    {"* * * 0 *", "the month 0 is not in 1 .. 12"},
    {"* * * * 8", "the weekday 8 is not in 0 .. 7"},
    {"-1 * * * *", "the minute \"\" is no number"},
    {"1- * * * *", "the minute \"\" is no number"},
    {"5-1 * * * *", "the minutes 5-1 end before they begin"},
    {"* * * * SAT-SUN", "the weekdays 6-0 end before they begin"},
    {"1,,2 * * * *", "the list of minutes has an empty part"},
    {"1, * * * *", "the list of minutes has an empty part"},
    {", * * * *", "the list of minutes has an empty part"},
    {"*/0 * * * *", "the step \"0\" of the minute"},
    {"*/ * * * *", "the step \"\" of the minute"},
    {"*/x * * * *", "the step \"x\" of the minute"},
    {"*/99999 * * * *", "the step \"99999\" of the minute"},
    {"/5 * * * *", "the minute \"\" is no number"},
    {"** * * * *", "the minute \"**\" is no number"},
    {"x * * * *", "the minute \"x\" is no number"},
    {"* * * FOO *", "the month \"FOO\" is no number and no name"},
    {"* * * JANUARY *", "the month \"JANUARY\" is no number and no name"},
    {"JAN * * * *", "the minute \"JAN\" is no number"},
    {"99999999999999999999 * * * *", "is no number"},
    {"0 0 31 2 *", "there is no such day in any year"},
    {"0 0 31 4,6,9,11 ?", "there is no such day in any year"},
    {"TZ=Europe/Berlin 0 0 * * *", "the second \"TZ=Europe"},
    {"* * * * *\n", "weekday"},
};

static void what_is_no_cron_is_refused(void **state)
{
    (void)state;
    cleat__cron cron;
    char text[CLEAT__CRON_SIZE_MAX + 1];
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        cleat_status status = cleat__cron_parse(cleat_slice_of(refusals[i].cron), &cron);
        if (status != CLEAT_INVALID_ARGUMENT || strstr(cleat_error_message(), refusals[i].sentence) == NULL) {
            fail_msg("\"%s\": %s", refusals[i].cron, status == CLEAT_OK ? "is one" : cleat_error_message());
        }
    }
    memset(text, ' ', sizeof(text));
    memcpy(text, "* * * * *", 9);
    assert_int_equal(cleat__cron_parse((cleat_slice){text, sizeof(text)}, &cron), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat__cron_parse((cleat_slice){text, sizeof(text) - 1}, &cron), CLEAT_OK);
}

/* The slow way: looks at each minute, with the C library's calendar. */
static int64_t next_slowly(const cleat__cron *cron, int64_t after_ms)
{
    for (time_t at = (time_t)(after_ms / 60000 + 1) * 60;; at += 60) {
        struct tm tm;
        assert_non_null(gmtime_r(&at, &tm));
        bool is_day = cron->days >> tm.tm_mday & 1, is_weekday = cron->weekdays >> tm.tm_wday & 1;
        bool is_either = !cron->is_any_day && !cron->is_any_weekday;
        if ((cron->months >> (tm.tm_mon + 1) & 1) != 0 &&
            (is_either ? is_day || is_weekday : is_day && is_weekday) &&
            (cron->hours >> tm.tm_hour & 1) != 0 && (cron->minutes >> tm.tm_min & 1) != 0) {
            return (int64_t)at * 1000;
        }
    }
}

static void it_agrees_with_the_slow_way(void **state)
{
    (void)state;
    static const char *const parts[5][6] = {
        {"*", "0", "59", "*/7", "3,33", "10-20/3"}, {"*", "0", "23", "*/5", "1,13", "8-18"},
        {"*", "1", "31", "*/9", "15,29", "?"},      {"*", "1", "12", "*/5", "2,9", "FEB-MAR"},
        {"*", "0", "6", "*/3", "MON,7", "2-4"},
    };
    uint64_t dice = 1;
    for (int i = 0; i < 400; i++) {
        char text[64] = "";
        for (int field = 0; field < 5; field++) {
            dice = dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            strcat(strcat(text, field != 0 ? " " : ""), parts[field][(dice >> 33) % 6]);
        }
        dice = dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        int64_t at_ms = (int64_t)((dice >> 33) % 4102444800) * 1000;
        cleat__cron cron;
        if (cleat__cron_parse(cleat_slice_of(text), &cron) != CLEAT_OK) {
            continue; /* 31 February */
        }
        for (int turn = 0; turn < 3; turn++) {
            int64_t next = cleat__cron_next_ms(&cron, at_ms);
            if (next - at_ms > INT64_C(100) * 86400000) {
                break; /* too slow */
            }
            if (next != next_slowly(&cron, at_ms)) {
                fail_msg("\"%s\" after %lld: %lld", text, (long long)at_ms, (long long)next);
            }
            at_ms = next;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cron_comes_next_at),
        cmocka_unit_test(times_that_no_clock_has),
        cmocka_unit_test(what_is_no_cron_is_refused),
        cmocka_unit_test(it_agrees_with_the_slow_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
