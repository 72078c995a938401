/* Messages for cleat_log_set_handler(). */
#ifndef CLEAT_BASE_LOG_H
#define CLEAT_BASE_LOG_H

#include <cleat/status.h>

#include <stdatomic.h>

/* Whether a message of this level has a reader: skip costly preparations when false. */
bool cleat__log_enabled(cleat_log_level level);
void cleat__log(cleat_log_level level, const char *format, ...) CLEAT_PRINTF(2, 3);

/* Where the program has never set a handler, nor NULL, what OTEL_LOG_LEVEL asks for goes to standard error; warnings and
 * errors, when it asks for nothing. */
void cleat__log_to_stderr(void);

/* Rate limit for messages that a busy loop could repeat: passes at most one a second and place,
 * and says how many were held back. `site` is a static object, zero at first. False: this one was. */
typedef struct cleat__log_site {
    _Atomic int64_t next_ns;
    _Atomic uint64_t held;
} cleat__log_site;
bool cleat__log_limited(cleat__log_site *site, cleat_log_level level, const char *format, ...)
    CLEAT_PRINTF(3, 4);

#endif
