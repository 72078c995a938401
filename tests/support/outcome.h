/* What a call has answered, with its message where that is not what the test expects. */
#ifndef CLEAT_TESTS_OUTCOME_H
#define CLEAT_TESTS_OUTCOME_H

#include <cleat/cleat.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static inline void assert_ok(cleat_status status)
{
    if (status != CLEAT_OK) {
        fail_msg("%s: %s", cleat_status_name(status), cleat_error_message());
    }
}

/* The call failed with this status, and the message, which is one line, holds `word`. */
static inline void assert_refused(cleat_status found, cleat_status expected, const char *word)
{
    if (found != expected || strstr(cleat_error_message(), word) == NULL ||
        strchr(cleat_error_message(), '\n') != NULL) {
        fail_msg("%s, \"%s\" instead of %s, \"... %s ...\"", cleat_status_name(found), cleat_error_message(),
                 cleat_status_name(expected), word);
    }
}

#endif
