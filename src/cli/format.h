/* Numbers and times for people. All append to a buffer. */
#ifndef CLEAT_CLI_FORMAT_H
#define CLEAT_CLI_FORMAT_H

#include "base/buffer.h"

#define CLEAT__FORMAT_SIZE 40

/* A short text as a value: `.text` for printf. */
typedef struct cleat__text {
    char text[CLEAT__FORMAT_SIZE];
} cleat__text;

/* "12 us", "0.31 ms", "64.2 ms", "1.92 s", "3m 20s", "2h 05m", "3d 4h": at most 7 columns. */
cleat__text cleat__format_duration(int64_t nanoseconds);
/* The same for times that are known to the millisecond: "<1 ms" for 0; "-" below. */
cleat__text cleat__format_ms(int64_t milliseconds);
/* "2,001" */
cleat__text cleat__format_count(int64_t count);
/* "812 B", "4.1 KiB" */
cleat__text cleat__format_bytes(int64_t bytes);
/* Local time, "2026-07-11 10:12:01.123"; "-" for 0. */
cleat__text cleat__format_time(int64_t unix_ms);
/* UTC by RFC 3339, for JSON: "2026-07-11T08:12:01.123Z"; "" for 0. */
cleat__text cleat__format_rfc3339(int64_t unix_ms);
/* The same to the second, for people with machines in several places: "2026-07-11T08:12:01Z". */
cleat__text cleat__format_utc(int64_t unix_ms);
/* "now", "12s", "4m", "3h", "9d". */
cleat__text cleat__format_age(int64_t unix_ms, int64_t now_ms);

#endif
